"""Commands that search for better thresholds and change the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli.group import main
from pipeline.settings import Settings


@main.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.argument("event", required=False)
@click.option("--from", "start", help="Begin of a period of the archive, ISO 8601 with offset.")
@click.option("--to", "end", help="End of it.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the proposal there, as changes to apply.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write the result there; - prints.")
@click.option("--report", type=click.Path(path_type=Path), help="Write a report there, .html or .pdf.")
@click.pass_obj
def tune(settings: Settings, /, **asked: Any) -> None:
    """Try the ladders of a plan on the past and propose one, with its price and how sure that is.

    The past is an event, a period of the archive, or the period that the plan names. Nothing is changed: the
    proposal is a file for fengsui replay --changes and fengsui config apply.

    Example: fengsui tune config/tuning/heat.yaml --from 2014-01-01T00:00+08:00 --to 2024-12-31T23:00+08:00
    --out patch.yaml
    """
    from pipeline.commands.tune import Asked, run_tune

    run_tune(settings, Asked(**asked))


@main.group(name="config")
def configuration() -> None:
    """Look at changes to the configuration, and apply them.

    Example: fengsui config diff patch.yaml
    """


@configuration.command()
@click.argument("patch", type=click.Path(path_type=Path))
@click.option("--reason", required=True, help="Why; kept in the record with the new version.")
@click.option("--by", required=True, help="Id or name of a person of routes.yaml.")
@click.option("--approver", default="", help="A second person, where the roster asks for two.")
@click.option("--dry-run", "dry", is_flag=True, help="Show what would change, and change nothing.")
@click.pass_obj
def apply(
    settings: Settings, patch: Path, reason: str, by: str, approver: str, dry: bool
) -> None:
    """Apply a file of changes to the configuration folder: all of it or nothing, comments kept.

    Example: fengsui config apply patch.yaml --reason 去年三次橙色偏晚 --by command_centre_duty_a
    """
    from pipeline.commands.amend import apply_changes

    apply_changes(settings, patch, (reason, by, approver), dry=dry)


@configuration.command()
@click.argument("patch", type=click.Path(path_type=Path))
@click.pass_obj
def diff(settings: Settings, patch: Path) -> None:
    """Show what a file of changes would change, after checking the whole configuration with it.

    Example: fengsui config diff patch.yaml
    """
    from pipeline.commands.amend import print_difference

    print_difference(settings, patch)
