"""Commands of the inquiry: whether the record is whole, and all of it in one file."""

import sys
from pathlib import Path

import click

from pipeline.cli.group import main
from pipeline.settings import Settings


@main.group()
def audit() -> None:
    """Examine or export the hash-chained record of decisions, sends, receipts and answers.

    Example: fengsui audit verify
    """


@audit.command()
@click.option("--head", "anchor", help="A hash noted earlier that the chain must still contain.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def verify(settings: Settings, anchor: str | None, as_json: bool) -> None:
    """Compute every hash anew and compare every row with what was written of it. Exit code 1 on a change.

    Example: fengsui audit verify --head 3f6c...
    """
    from pipeline.commands.record import run_verify

    sys.exit(run_verify(settings, anchor, as_json=as_json))


@audit.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.pass_obj
def export(settings: Settings, target: Path) -> None:
    """Write the whole record as JSON lines; - prints it.

    Example: fengsui audit export record.jsonl
    """
    from pipeline.commands.record import run_export

    run_export(settings, target)
