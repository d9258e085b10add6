"""The group of all commands, and how a mistake becomes one sentence and an exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ingest.errors import FengsuiError
from pipeline.settings import read_settings

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
