"""`fengsui test`: rule tests of a configuration, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from ingest.errors import UnknownName
from pipeline.config import Config, load
from pipeline.configuration.patch import read_changes
from pipeline.rule_tests.report import as_json as plain
from pipeline.rule_tests.report import lines
from pipeline.rule_tests.run import FOLDER, Verdict, files_of, run_files
from pipeline.settings import Settings


def run_tests(
    settings: Settings, files: Sequence[Path], changes: Path | None = None, *, as_json: bool
) -> int:
    """Run the tests of some files, or of all of the configuration; 0 where all passed, else 1.

    With `changes`, the configuration with that patch is tested. Raises ConfigMistake where a file cannot
    be understood, and UnknownName where there is none.
    """
    config = load(settings.config, None if changes is None else read_changes(changes))
    paths = list(files) or files_of(config.folder)
    if not paths:
        raise UnknownName(f"{config.folder / FOLDER} holds no rule tests; name a file, or write one there")
    verdicts = list(_told(run_files(config, paths), quiet=as_json))
    failed = sum(not verdict.passed for verdict in verdicts)
    if as_json:
        click.echo(json.dumps(plain(verdicts), ensure_ascii=False, indent=2))
    else:
        _sum_up(config, verdicts, failed)
    return 1 if failed else 0


def _told(verdicts: Iterator[Verdict], *, quiet: bool) -> Iterator[Verdict]:
    """Pass verdicts on, each told as it comes."""
    for verdict in verdicts:
        for line in () if quiet else lines(verdict):
            click.echo(line)
        yield verdict


def _sum_up(config: Config, verdicts: Sequence[Verdict], failed: int) -> None:
    hazards = {name for verdict in verdicts for name in verdict.outcome.test.hazards}
    mark = "✗" if failed else "✓"
    click.echo(
        f"{mark} {len(verdicts)}个用例 tests，{failed}个未通过 failed，"
        f"涉及{len(hazards)}种灾害（共{len(config.hazards)}种） hazards"
    )
