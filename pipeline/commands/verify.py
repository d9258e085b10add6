"""`fengsui verify`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from alerts.record import tables
from ingest.database import create_tables, open_engine, reading
from ingest.errors import StoreError, UnknownName
from ingest.registry import parse_duration
from pipeline.commands.period import asked_period
from pipeline.config import Config, load
from pipeline.configuration.patch import Changes, read_changes
from pipeline.replay.bar import bar
from pipeline.replay.desk import rehearsing
from pipeline.replay.result import Replay
from pipeline.replay.run import run
from pipeline.reports.verifications import Contest
from pipeline.reports.writing import check as check_report
from pipeline.reports.writing import write as write_report
from pipeline.settings import Settings, require_data
from pipeline.verify.bootstrap import Block
from pipeline.verify.catalogue import Occurrence, entries
from pipeline.verify.gains import gains
from pipeline.verify.published import check_installed
from pipeline.verify.run import verify
from pipeline.verify.terms import DEFAULT, Terms, load_terms
from pipeline.verify.words import lines


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be verified, as it was typed."""

    event: str | None
    """Name of a bundled event; None for a period of the archive."""
    start: str | None
    """Begin of a period, ISO 8601 with offset."""
    end: str | None
    """End of it."""
    changes: Path | None
    """A proposal to verify beside today's rules."""
    hazard: tuple[str, ...]
    """Hazards to score; all where none is named."""
    early: str | None
    """Window before the onset, such as 12h; None takes that of the configuration."""
    late: str | None
    """Window after it."""
    near: str | None
    """How much wider a near hit may lie."""
    block: Block | None
    """What the bootstrap draws as one."""
    certain: bool
    """Whether doubtful events are left out."""
    as_json: bool
    """Print JSON."""
    report: Path | None
    """Where a report is written, .html or .pdf."""


@dataclass(frozen=True, kw_only=True)
class _Played:
    """A replay, and what it was played with."""

    replay: Replay
    """What the rules did."""
    played: Config
    """The configuration with the sources of the period."""


def run_verify(settings: Settings, asked: Asked) -> None:
    """Replay, compare with what happened, and print the scores."""
    check_installed()
    if asked.report is not None:
        check_report(asked.report)
    config = load(settings.config)
    for name in asked.hazard:
        if name not in config.hazards:
            raise UnknownName(f"no hazard is called {name!r}; there are: {', '.join(config.hazards)}")
    typed = {name: getattr(asked, name) for name in ("early", "late", "near")}
    terms = with_windows(load_terms(config.folder), typed)
    known = _entries(settings, config, asked)
    changes = None if asked.changes is None else read_changes(asked.changes)
    proposed = None if changes is None else load(settings.config, changes)
    found = _replayed(settings, config, asked, "回放 replay")
    today = verify(found.replay, known, found.played, terms, asked.hazard, asked.block)
    if changes is None or proposed is None:
        _tell(Contest(today=today, replay=found.replay), config, asked)
        return
    other = _replayed(settings, proposed, asked, "改后 proposal")
    proposal = verify(other.replay, known, other.played, terms, asked.hazard, asked.block)
    words = gains(today.stories, proposal.stories).words
    summary = {"zh": (words.zh,), "en": (words.en,)}
    contest = Contest(today=today, proposal=proposal, replay=found.replay, summary=summary)
    _tell(contest, config, asked, changes)


def with_windows(terms: Terms, typed: Mapping[str, str | None]) -> Terms:
    """The terms with the windows that were typed, such as ``early: 12h``, for every hazard."""
    try:
        spans = {name: parse_duration(text) for name, text in typed.items() if text is not None}
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--early, --late, --near") from error
    hazards = {*terms.windows, DEFAULT}
    return replace(terms, windows={name: replace(terms.windows_of(name), **spans) for name in hazards})


def _entries(settings: Settings, config: Config, asked: Asked) -> tuple[Occurrence, ...]:
    """The catalogue, with what officers said where this instance has ever run."""
    try:
        require_data(settings)
    except StoreError:
        known = entries(config)
    else:
        engine = open_engine(settings.database)
        try:
            # The database may be older than verdicts.
            create_tables(engine, tables.metadata)
            with reading(engine) as connection:
                known = entries(config, connection)
        finally:
            engine.dispose()
    return tuple(one for one in known if not asked.certain or one.certainty != "doubtful")


def _replayed(settings: Settings, config: Config, asked: Asked, title: str) -> _Played:
    played, period = asked_period(settings, config, asked.event, asked.start, asked.end)
    try:
        with bar(title) as progress:
            found = run(played, period, rehearsing(played), progress, keep=True)
    finally:
        period.engine.dispose()
    return _Played(replay=found, played=played)


def _tell(contest: Contest, config: Config, asked: Asked, changes: Changes | None = None) -> None:
    if asked.as_json:
        click.echo(json.dumps(_facts(contest), ensure_ascii=False, indent=2))
    else:
        for line in _said(contest, config, asked, changes):
            click.echo(line)
    if asked.report is not None:
        write_report(asked.report, contest, config=config, language=config.service.language)
        click.echo(f"→ {asked.report}", err=asked.as_json)


def _facts(contest: Contest) -> dict[str, Any]:
    if contest.proposal is None:
        return contest.today.as_json()
    gain = gains(contest.today.stories, contest.proposal.stories)
    proposal = contest.proposal.as_json()
    return {"today": contest.today.as_json(), "proposal": proposal, "gains": gain.as_json()}


def _said(
    contest: Contest, config: Config, asked: Asked, changes: Changes | None
) -> Iterator[str]:
    yield from lines(contest.today, config)
    if contest.proposal is not None and changes is not None:
        yield f"\n—— 改后 with {changes.title or asked.changes} ——"
        yield from lines(contest.proposal, config)
        words = gains(contest.today.stories, contest.proposal.stories).words
        yield f"→ {words.zh} / {words.en}"
