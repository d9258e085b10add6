"""The command of rule tests."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.cli.group import main
from pipeline.settings import Settings


@main.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--changes", type=click.Path(path_type=Path), help="Patch: test the proposal, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def test(
    settings: Settings, files: tuple[Path, ...], changes: Path | None, as_json: bool
) -> None:
    """Run rule tests: weather in, warnings out; without FILES all of the configuration's own (tests/*.yaml).

    Exit code 1 where a warning did not come as expected, 2 where a file cannot be understood.

    Example: fengsui test config/tests/heat.yaml
    """
    from pipeline.commands.rule_tests import run_tests

    sys.exit(run_tests(settings, files, changes, as_json=as_json))
