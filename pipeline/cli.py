"""The command line. Each command imports what it needs when it runs, so that `--help` is instant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ingest.errors import FengsuiError
from pipeline.settings import Settings, read_settings

FINE, PROBLEM, MISUSE = 0, 1, 2


class _Group(click.Group):
    """Turns every error that a person can mend into one sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; ConfigMistake and unknown names are misuse, the rest are problems."""
        try:
            return super().invoke(ctx)
        except FengsuiError as error:
            click.echo(str(error), err=True)
            sys.exit(_code(error))


def _code(error: FengsuiError) -> int:
    return MISUSE if type(error).__name__ in ("ConfigMistake", "UnknownName") else PROBLEM


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", type=click.Path(path_type=Path), help="Configuration folder.")
@click.option("--data", type=click.Path(path_type=Path), help="Data folder.")
@click.option("--database", help="SQLAlchemy URL of the database.")
@click.version_option(package_name="fengsui")
@click.pass_context
def main(ctx: click.Context, config: Path | None, data: Path | None, database: str | None) -> None:
    """烽燧 Fengsui: turns weather into the right call to the right duty officer, and proves it arrived.

    Defaults come from FENGSUI_CONFIG, FENGSUI_DATA and FENGSUI_DATABASE.
    """
    ctx.obj = read_settings(config=config, data=data, database=database)


@main.command()
@click.argument("event", default="heatwave-2022-08")
@click.option("--until", help="Play no further than this moment, ISO 8601 with offset.")
@click.pass_obj
def demo(settings: Settings, event: str, until: str | None) -> None:
    """Play a bundled event through the real daemon on a simulated clock.

    A run that was cut short is continued. Example: fengsui demo --until 2022-07-28T08:00+08:00
    """
    from pipeline.commands.demo import play

    play(settings, event, until)


@main.command()
@click.option("--listen", help="Address of the pages, such as 0.0.0.0:8480; default from service.yaml.")
@click.option("--log", type=click.Choice(["text", "json"]), default="text", help="Form of the log.")
@click.pass_obj
def run(settings: Settings, listen: str | None, log: str) -> None:
    """Run the daemon until SIGTERM or Ctrl-C.

    Example: fengsui run --listen 127.0.0.1:8480
    """
    from pipeline.commands.run import run_daemon

    run_daemon(settings, listen, log)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def tick(settings: Settings, as_json: bool) -> None:
    """Pull every source once, make one tick now, send what follows from it, and print what it found.

    Refused while a daemon works in the same data folder. Example: fengsui tick --json
    """
    from pipeline.commands.run import one_tick

    one_tick(settings, as_json)


@main.command()
@click.argument("event", required=False)
@click.option("--from", "start", help="Begin of a period of the archive, ISO 8601 with offset.")
@click.option("--to", "end", help="End of it.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write the result there; - prints.")
@click.pass_obj
def replay(
    settings: Settings, event: str | None, start: str | None, end: str | None, target: Path | None
) -> None:
    """Run a past event, or a period of the archive, through today's rules; nothing is sent.

    Example: fengsui replay heatwave-2022-08 --json replay.json
    """
    from pipeline.commands.replay import replay_period

    if (event is None) == (start is None or end is None):
        raise click.UsageError("give an event, or both --from and --to")
    replay_period(settings, event, (start, end), target)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--online", is_flag=True, help="Also ask every source for data once.")
@click.pass_obj
def check(settings: Settings, as_json: bool, online: bool) -> None:
    """Check configuration, texts, rotas and secrets; with --online also that sources can be reached.

    Example: fengsui check --online
    """
    from pipeline.commands.check import run_check

    sys.exit(run_check(settings, as_json=as_json, online=online))


@main.command(name="who-gets")
@click.argument("hazard")
@click.argument("level", type=click.Choice(["blue", "yellow", "orange", "red"]))
@click.option("--at", "moment", help="Moment, ISO 8601 with offset; default now.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def who_gets(settings: Settings, hazard: str, level: str, moment: str | None, as_json: bool) -> None:
    """Tell who would hear of a hazard at a level, why, and who would not, and why not.

    Example: fengsui who-gets heat red --at 2026-08-01T03:00+08:00
    """
    from pipeline.commands.check import run_who_gets

    run_who_gets(settings, hazard, level, moment, as_json=as_json)


@main.command()
@click.argument("hazard")
@click.argument("town")
@click.option("--at", "moment", help="Moment, ISO 8601 with offset; default now.")
@click.option("--event", help="Ask of a bundled event instead of the archive.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def explain(
    settings: Settings, hazard: str, town: str, moment: str | None, event: str | None, as_json: bool
) -> None:
    """Show why a hazard says what it says of a town: value, thresholds, age of data, neighbours.

    Example: fengsui explain heat 昌元街道 --event heatwave-2022-08 --at 2022-08-18T08:05+08:00
    """
    from pipeline.commands.explain import run_explain

    run_explain(settings, (hazard, town), moment, event, as_json=as_json)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def hazards(settings: Settings, as_json: bool) -> None:
    """List the hazards that are configured: ladders, who leads, sources and doubts.

    Example: fengsui hazards
    """
    from pipeline.commands.explain import list_hazards

    list_hazards(settings, as_json=as_json)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def health(settings: Settings, as_json: bool) -> None:
    """Tell whether the instance is alive: ticks, sources, messages, calls. Exit code 1 where it is not.

    Example: fengsui health --json
    """
    from pipeline.commands.run import print_health

    sys.exit(print_health(settings, as_json))


@main.command()
@click.argument("alert")
@click.option("--by", required=True, help="Name of the person who has it.")
@click.option("--subsystem", help="Subsystem they answer for; may be left out where just one is waiting.")
@click.pass_obj
def ack(settings: Settings, alert: str, by: str, subsystem: str | None) -> None:
    """Acknowledge an alert by name; calls to the subsystem stop at once.

    Example: fengsui ack 500153-heat-20220807T080500Z --subsystem health --by 值班员A
    """
    from pipeline.commands.run import acknowledge_by_name

    acknowledge_by_name(settings, alert, by, subsystem)


@main.command()
@click.option("--years", help="Calendar years, such as 1991-2020, which is what is fetched by default.")
@click.option("--csv", type=click.Path(path_type=Path), help="Daily record of one's own instead of ERA5.")
@click.option("--fill", is_flag=True, help="Fill the past months of the archive, and fit nothing.")
@click.option("--alpha", type=float, default=0.85, help="Decay a day of the weighted rain of 60 days.")
@click.option("--archive", help="Address of an archive that answers like Open-Meteo's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def baseline(settings: Settings, /, **chosen: Any) -> None:
    """Fit the climate that drought, heat waves and landslides are compared with, once, from daily records.

    Thirty years of ERA5 are fetched (about five minutes for one district), or a CSV file is read: date, tmax,
    tmin, tmean, rh, rain and perhaps place. Then run it with --fill, which fetches the last 220 days (or
    takes them from a file), so that a new instance need not wait five months for its first drought index;
    do so again after an outage. A daemon reads a new baseline when it starts.

    Example: fengsui baseline --years 1991-2020
    """
    from pipeline.commands.baseline import Chosen, run_baseline

    run_baseline(settings, Chosen(**chosen))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write an editable copy of the configuration into a new folder.

    Example: fengsui init my-config
    """
    from pipeline.configuration.folder import init as write

    written = write(folder)
    click.echo(f"{len(written)} 个文件已写入 / files written to {folder}")
    click.echo(f"下一步 / next: fengsui --config {folder} check")
