"""Commands of hindsight: what the warnings were worth, what officers say of them, and what happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli.group import main
from pipeline.settings import Settings

_JUDGED = ["hit", "false_alarm", "near_hit", "too_late"]
_LEVELS = ["blue", "yellow", "orange", "red"]
_CERTAINTY = ["certain", "likely", "doubtful"]


@main.command()
@click.argument("event", required=False)
@click.option("--from", "start", help="Begin of a period of the archive, ISO 8601 with offset.")
@click.option("--to", "end", help="End of it.")
@click.option("--changes", type=click.Path(path_type=Path), help="Verify this proposal beside today's rules.")
@click.option("--hazard", multiple=True, help="Only this hazard; may be given again.")
@click.option("--early", help="A warning may have ended so long before the onset, such as 24h.")
@click.option("--late", help="A warning may begin so long after the onset and still be in time.")
@click.option("--near", help="So much beyond either side a warning is a near hit.")
@click.option(
    "--block",
    type=click.Choice(["day", "week", "season", "year"]),
    help="What the bootstrap draws as one; default by the length of the period.",
)
@click.option("--certain", is_flag=True, help="Leave doubtful events out.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--report", type=click.Path(path_type=Path), help="Write a report there, .html or .pdf.")
@click.pass_obj
def verify(settings: Settings, /, **asked: Any) -> None:
    """Compare the warnings of a replay with what happened: hits, misses, lead times, scores, value, load.

    What happened stands in config/events/, and in what officers said (fengsui verdict, fengsui happened).

    Example: fengsui verify heatwave-2022-08 --hazard heat
    """
    from pipeline.commands.verify import Asked, run_verify

    if (asked["event"] is None) == (asked["start"] is None or asked["end"] is None):
        raise click.UsageError("give an event, or both --from and --to")
    run_verify(settings, Asked(**asked))


@main.command()
@click.argument("alert", required=False)
@click.argument("judged", required=False, type=click.Choice(_JUDGED))
@click.option("--by", default="", help="Id of a person of routes.yaml, or a name.")
@click.option("--why", default="", help="The reason.")
@click.option("--onset", help="When it really began, ISO 8601 with offset; needed for too_late.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts given so far as JSON.")
@click.pass_obj
def verdict(settings: Settings, /, **said: Any) -> None:
    """Say whether an alert was right; the newest verdict counts, and all of them are kept in the record.

    Without a verdict, those given so far are listed, of one alert or of all.

    Example: fengsui verdict 500153-heat-20220807T080500Z hit --by health_duty_a --why 多人中暑
    """
    from pipeline.commands.verdict import judge_by_name, print_verdicts

    if said["judged"] is None:
        print_verdicts(settings, said["alert"], as_json=said["as_json"])
    else:
        spoken = (said["by"], said["why"])
        judge_by_name(settings, said["alert"], said["judged"], spoken, said["onset"])


@main.command()
@click.argument("hazard", required=False)
@click.option("--onset", default="", help="When it began, ISO 8601 with offset.")
@click.option("--end", help="When it was over.")
@click.option("--within", default="0h", help="How exactly the onset is known, such as 2h.")
@click.option("--places", default="", help="Towns by name or code, with commas between; empty for all.")
@click.option("--what", default="", help="What happened.")
@click.option("--source", default="", help="Who tells of it.")
@click.option("--by", default="", help="Who enters it: id of a person of routes.yaml, or a name.")
@click.option("--level", type=click.Choice(_LEVELS), help="Level that would have been right.")
@click.option("--certainty", type=click.Choice(_CERTAINTY), default="certain", show_default=True,
              help="How sure it is.")
@click.option("--replaces", type=int, help="Number of the report that this one sets right.")
@click.option("--list", "listed", is_flag=True, help="List the reports that stand.")
@click.option("--json", "as_json", is_flag=True, help="List them as JSON.")
@click.pass_obj
def happened(settings: Settings, /, listed: bool, as_json: bool, **told: Any) -> None:
    """Report damage (灾情): what happened where and when, for verification; kept in the record for good.

    Example: fengsui happened waterlogging --onset 2026-07-08T06:30+08:00 --places 昌元街道 --what 积水80厘米
    --source 街道办 --by flood_control_duty_a
    """
    from pipeline.commands.verdict import Told, print_damages, report_by_name

    if listed or as_json:
        print_damages(settings, as_json=as_json)
        return
    if told["hazard"] is None or not told["onset"]:
        raise click.UsageError("give a hazard and --onset, or --list")
    report_by_name(settings, Told(**told))
