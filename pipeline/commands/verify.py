"""`fengsui verify`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import click

from ingest.errors import UnknownName
from ingest.registry import parse_duration
from pipeline.commands.instance import known_entries
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
from pipeline.settings import Settings
from pipeline.verify.bootstrap import Block
from pipeline.verify.gains import Gains, gains
from pipeline.verify.published import check_installed
from pipeline.verify.result import Verification
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


@dataclass(frozen=True, kw_only=True)
class _Beside:
    """A proposal beside the rules of today."""

    proposal: Verification
    """The same events under the changed configuration."""
    gain: Gains
    """What it catches and loses."""
    changes: Changes
    """What it changes."""

    def facts(self, today: Verification) -> dict[str, Any]:
        """Both, ready for JSON."""
        return {
            "today": today.as_json(), "proposal": self.proposal.as_json(), "gains": self.gain.as_json()
        }  # fmt: skip

    def lines(self, config: Config, asked: Asked) -> Iterator[str]:
        """The proposal in words."""
        yield f"\n—— 改后 with {self.changes.title or asked.changes} ——"
        yield from lines(self.proposal, config)
        yield f"→ {self.gain.words.zh} / {self.gain.words.en}"


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
    known = [
        one
        for one in known_entries(settings, config)
        if not asked.certain or one.certainty != "doubtful"
    ]
    changes = None if asked.changes is None else read_changes(asked.changes)
    proposed = None if changes is None else load(settings.config, changes)
    found = _replayed(settings, config, asked, "回放 replay")
    today = verify(found.replay, known, found.played, terms, asked.hazard, asked.block)
    if changes is None or proposed is None:
        _tell(Contest(today=today, replay=found.replay), config, asked)
        return
    other = _replayed(settings, proposed, asked, "改后 proposal")
    proposal = verify(other.replay, known, other.played, terms, asked.hazard, asked.block)
    gain = gains(today.stories, proposal.stories)
    summary = {"zh": (gain.words.zh,), "en": (gain.words.en,)}
    contest = Contest(today=today, proposal=proposal, replay=found.replay, summary=summary)
    _tell(contest, config, asked, _Beside(proposal=proposal, gain=gain, changes=changes))


def with_windows(terms: Terms, typed: Mapping[str, str | None]) -> Terms:
    """The terms with the windows that were typed, such as ``early: 12h``, for every hazard."""
    try:
        spans = {name: parse_duration(text) for name, text in typed.items() if text is not None}
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--early, --late, --near") from error
    hazards = {*terms.windows, DEFAULT}
    return replace(terms, windows={name: replace(terms.windows_of(name), **spans) for name in hazards})


def _replayed(settings: Settings, config: Config, asked: Asked, title: str) -> _Played:
    played, period = asked_period(settings, config, asked.event, asked.start, asked.end)
    try:
        with bar(title) as progress:
            found = run(played, period, rehearsing(played), progress, keep=True)
    finally:
        period.engine.dispose()
    return _Played(replay=found, played=played)


def _tell(contest: Contest, config: Config, asked: Asked, beside: _Beside | None = None) -> None:
    if asked.as_json:
        facts = contest.today.as_json() if beside is None else beside.facts(contest.today)
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        told = lines(contest.today, config)
        for line in told if beside is None else chain(told, beside.lines(config, asked)):
            click.echo(line)
    if asked.report is not None:
        write_report(asked.report, contest, config=config, language=config.service.language)
        click.echo(f"→ {asked.report}", err=asked.as_json)
