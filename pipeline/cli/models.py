"""Commands that show the models that learned, and put one to use."""

from __future__ import annotations

import click

from pipeline.cli.group import main
from pipeline.settings import Settings


@main.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def models(context: click.Context, as_json: bool) -> None:
    """Show every trained model: in use, in the shadow or refused, and what it said last.

    Example: fengsui models --json
    """
    if context.invoked_subcommand is None:
        from pipeline.commands.models import list_models

        list_models(context.obj, as_json=as_json)


@models.command()
@click.argument("name")
@click.option("--by", required=True, help="Who decides it, a person of routes.yaml.")
@click.option("--why", required=True, help="The reason, for the record.")
@click.option("--approver", default="", help="A second person, where changes need one.")
@click.option("--from", "start", help="First moment compared, ISO 8601 with offset; default: all.")
@click.option("--to", "end", help="Last moment compared; default: now.")
@click.pass_obj
def promote(  # noqa: PLR0913 - click hands every option over by itself
    settings: Settings, name: str, by: str, why: str, approver: str, start: str | None, end: str | None
) -> None:
    """Let a chance take the place of its rule, if it was worth more here; else refuse with the figures.

    Example: fengsui models promote heat_chance --by lead_a --why 去年夏天更早更准
    """
    from pipeline.commands.models import promote as run

    run(settings, name, (by, why, approver), (start, end))
