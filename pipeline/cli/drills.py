"""Commands of rehearsals."""

import sys

import click

from pipeline.cli.group import main
from pipeline.settings import Settings


@main.command()
@click.argument("name", required=False)
@click.option("--fast", is_flag=True, help="Simulated clock, simulated answers: the storm in seconds.")
@click.option("--listen", default="127.0.0.1:8481", help="Address of the drill's own pages.")
@click.option("--anyway", is_flag=True, help="Begin even while shifts change.")
@click.pass_obj
def drill(settings: Settings, name: str | None, fast: bool, listen: str, anyway: bool) -> None:
    """Rehearse a design storm: the real rules, channels and calls, for the listed participants only.

    Everything is marked as an exercise and kept in a ledger of its own, apart from the real one. Without a
    name, lists the drills. Exit code 1 where a call was not answered in time.

    Example: fengsui drill storm_327 --fast
    """
    from pipeline.commands.drill import list_drills, run_drill

    if name is None:
        list_drills(settings)
        return
    sys.exit(run_drill(settings, name, listen, fast=fast, anyway=anyway))
