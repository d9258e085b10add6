"""`fengsui replay`."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alerts.wording.texts import Texts
from pipeline.commands.period import asked_period
from pipeline.config import Config, load
from pipeline.configuration.folder import contents
from pipeline.configuration.patch import Changes, read_changes, written
from pipeline.replay import tables
from pipeline.replay.bar import bar
from pipeline.replay.checkpoint import Checkpoint
from pipeline.replay.compare import Difference, compare
from pipeline.replay.desk import rehearsing
from pipeline.replay.report import published
from pipeline.replay.result import Replay
from pipeline.replay.run import BLOCK, Period, Work, run
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.verify.gains import Gains

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""
_MANY = 4
# Another process needs a second or two before it is of any use.
_LONG = timedelta(days=120)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be replayed, as it was typed."""

    event: str | None
    """Name of a bundled event; None for a period of the archive."""
    start: str | None
    """Begin of a period, ISO 8601 with offset."""
    end: str | None
    """End of it."""
    changes: Path | None
    """A patch whose effect is asked for."""
    target: Path | None
    """Where the JSON goes; ``-`` prints it."""
    report: Path | None
    """Where a report goes, .html or .pdf."""
    workers: int | None
    """Processes; None takes one for each processor, four at most, and one for a short period."""
    chunk: int | None
    """Nows in a block; None takes `BLOCK`."""
    resume: bool
    """Whether an interrupted replay goes on."""


def replay_period(settings: Settings, asked: Asked) -> None:
    """Replay, print what happened, and write JSON and report where they were asked for."""
    if asked.report is not None:
        from pipeline.reports.writing import check

        check(asked.report)
    changes = None if asked.changes is None else read_changes(asked.changes)
    try:
        config = load(settings.config)
        proposed = None if changes is None else load(settings.config, changes)
        today, played = _replayed(settings, config, None, asked)
        if changes is None or proposed is None:
            _tell_one(today, played, asked)
        else:
            proposal, _ = _replayed(settings, proposed, changes, asked)
            _tell_both(settings, (today, proposal), played, changes, asked)
    except KeyboardInterrupt:
        sentence = "已停止，做完的部分留着：再运行一次并加 --resume 接着算 / stopped, what was done is kept:"
        click.echo(f"{sentence} run it again with --resume to go on", err=True)
        sys.exit(INTERRUPTED)


def _replayed(
    settings: Settings, config: Config, changes: Changes | None, asked: Asked
) -> tuple[Replay, Config]:
    """A replay under a configuration, and that with the sources of the period."""
    played, period = asked_period(settings, config, asked.event, asked.start, asked.end)
    checkpoint = Checkpoint(folder=settings.data / "replays" / _fingerprint(settings, period, changes))
    if not asked.resume:
        checkpoint.clear()
    desk = rehearsing(played)
    work = Work(
        chunk=asked.chunk or BLOCK,
        workers=asked.workers or _processors(period),
        checkpoint=checkpoint,
    )
    title = "回放 replay" if changes is None else "改后 proposal"
    try:
        with bar(title) as progress:
            found = run(played, period, desk, progress, keep=asked.report is not None, work=work)
    finally:
        period.engine.dispose()
    return found, played


def _processors(period: Period) -> int:
    if period.end - period.start < _LONG:
        return 1
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, _MANY)


def _fingerprint(settings: Settings, period: Period, changes: Changes | None) -> str:
    """Name of what an interrupted replay leaves: the same only for the same rules and the same period."""
    facts = [
        version("fengsui"),
        contents(settings.config),
        "" if changes is None else written(changes),
        [period.name, period.start.isoformat(), period.end.isoformat()],
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _tell_one(replay: Replay, config: Config, asked: Asked) -> None:
    if not _put_out(lambda: published(replay, _texts(config), config.service.language), asked):
        for line in tables.told(replay, config):
            click.echo(line)
    if asked.report is not None:
        from pipeline.reports.writing import write

        write(asked.report, replay, config=config, language=config.service.language)
    _say_where(asked)


def _tell_both(
    settings: Settings,
    replays: tuple[Replay, Replay],
    config: Config,
    changes: Changes,
    asked: Asked,
) -> None:
    today, proposal = replays
    found, gained = compare(today, proposal), _gains(settings, replays, config)
    if not _put_out(lambda: _both(replays, found, gained, config), asked):
        for line in tables.compared(today, proposal, found, config):
            click.echo(line)
        click.echo(f"{gained.words.zh} / {gained.words.en}")
    if asked.report is not None:
        from pipeline.reports.replays import Comparison
        from pipeline.reports.writing import write

        both = (found.words, gained.words)
        words = {"zh": [one.zh for one in both], "en": [one.en for one in both]}
        subject = Comparison(today=today, proposal=proposal, changes=changes, summary=words)
        write(asked.report, subject, config=config, language=config.service.language)
    _say_where(asked)


def _both(
    replays: Sequence[Replay], found: Difference, gained: Gains, config: Config
) -> dict[str, Any]:
    texts, language = _texts(config), config.service.language
    today, proposal = (published(one, texts, language) for one in replays)
    return {
        "today": today,
        "proposal": proposal,
        "difference": found.as_json(),
        "gains": gained.as_json(),
    }


def _gains(settings: Settings, replays: tuple[Replay, Replay], config: Config) -> Gains:
    """What the catalogue says of both; an event that the period does not hold counts for neither."""
    from pipeline.verify.catalogue import occurrences
    from pipeline.verify.gains import gains, stories
    from pipeline.verify.terms import load_terms

    start, end = replays[0].start, replays[0].end
    known = [one for one in occurrences(config) if start <= one.onset <= end]
    terms = load_terms(settings.config)
    today, proposal = (stories(one.transitions, known, config, terms) for one in replays)
    return gains(today, proposal)


def _texts(config: Config) -> Texts:
    return rehearsing(config).texts


def _put_out(facts: Callable[[], dict[str, Any]], asked: Asked) -> bool:
    """Write or print the JSON, where it is asked for; True where it was printed in place of the tables."""
    if asked.target is None:
        return False
    text = json.dumps(facts(), ensure_ascii=False, indent=2)
    if str(asked.target) == "-":
        click.echo(text)
        return True
    _write(asked.target, text + "\n")
    return False


def _say_where(asked: Asked) -> None:
    if str(asked.target) == "-":
        return
    for path in (asked.target, asked.report):
        if path is not None:
            click.echo(f"→ {path}")


def _write(target: Path, text: str) -> None:
    """Replace the file as a whole, so that an interrupted replay leaves no half of one."""
    temporary = target.with_name(target.name + ".new")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        raise click.FileError(str(target), error.strerror) from error
