"""Runs rule tests: drawn weather into an archive in memory, and that through the replay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from alerts.outgoing.dispatch import Desk
from ingest import archive
from ingest.database import IN_MEMORY, create_tables, open_engine, writing
from ingest.errors import ConfigMistake
from ingest.quantities import quantity
from ingest.times import HOUR
from pipeline import derive
from pipeline.config import Config, SourceBlock, with_only
from pipeline.configuration.decode import attempt
from pipeline.ports import Judging
from pipeline.replay.desk import rehearsing
from pipeline.replay.run import Period, run
from pipeline.rule_tests.claims import Claim, claims, unexpected
from pipeline.rule_tests.notation import RuleTest, read_tests
from pipeline.rule_tests.outcome import Outcome
from pipeline.rule_tests.sky import Drawn, Painter, Span, scenarios, twice, unsaid
from pipeline.rule_tests.telling import ISSUE_EVERY_H, Silence, Teller
from pipeline.view import DERIVED, view_of

FOLDER = "tests"
"""Folder of a configuration that holds its rule tests, and need not be there."""
_SOURCE = "rule_test"
_DAY_H = 24
_LONGEST = timedelta(days=400)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One expectation that did not come true."""

    line: int
    """Its line in the file."""
    expected: str
    """What was expected, in words."""
    got: str
    """What came instead, in words."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a test ended."""

    outcome: Outcome
    """What came of it."""
    failures: tuple[Failure, ...]
    """What did not come true; empty where it passed."""

    @property
    def passed(self) -> bool:
        """Whether everything came as expected."""
        return not self.failures


def files_of(folder: Path) -> list[Path]:
    """The files of rule tests of a configuration folder, in order; none without the folder ``tests``."""
    return sorted((folder / FOLDER).glob("*.yaml"))


def run_files(config: Config, paths: Sequence[Path]) -> Iterator[Verdict]:
    """Run every test of some files, one after the other.

    All files are read first: ConfigMistake with one line per mistake of any of them.
    """
    tests: list[RuleTest] = []
    mistakes: list[str] = []
    for path in paths:
        try:
            tests += _read(path, config)
        except ConfigMistake as mistake:
            mistakes.append(str(mistake))
    if mistakes:
        raise ConfigMistake("\n".join(mistakes))
    desk = rehearsing(config)
    for test in tests:
        yield run_test(config, test, desk)


def failed(config: Config) -> list[Verdict]:
    """The tests of a configuration's own folder that do not pass; none where it has no tests."""
    return [verdict for verdict in run_files(config, files_of(config.folder)) if not verdict.passed]


def _read(path: Path, config: Config) -> list[RuleTest]:
    """The tests of a file whose expectations can all be understood."""
    tests = read_tests(path, config)
    mistakes: list[str] = []
    for test in tests:
        attempt(mistakes, partial(claims, test, config.routes))
    if mistakes:
        raise ConfigMistake("\n".join(mistakes))
    return list(tests)


def run_test(config: Config, test: RuleTest, desk: Desk) -> Verdict:
    """Draw the weather of one test, replay it, and compare; ConfigMistake where it cannot be understood."""
    found = claims(test, config.routes)
    own = _judging_alone(config, test)
    view = view_of(own)
    if view.sources == (DERIVED,):  # no source is enabled
        view = replace(view, sources=(_SOURCE, DERIVED))
    judging = Judging(config=own, archive=archive.Archive(), view=view)
    end = _end(test, found)
    span = _span(judging, test, end)
    painter = Painter(test=test, span=span)
    drawn = painter.weather()
    _check(test, judging, drawn)
    teller = _teller(judging, test, span, end)
    engine = open_engine(IN_MEMORY)
    try:
        create_tables(engine, archive.metadata)
        with writing(engine) as connection:
            _tell(connection, judging, teller, painter, drawn)
        period = Period(name=test.written.name, engine=engine, start=test.clock.start, end=end)
        outcome = Outcome(test=test, replay=run(own, period, desk, keep=True))
    finally:
        engine.dispose()
    return Verdict(outcome=outcome, failures=tuple(_failures(outcome, found)))


def _judging_alone(config: Config, test: RuleTest) -> Config:
    """The configuration with the hazards of a test switched on, and all others off."""
    blocks = {
        name: replace(block, conduct=replace(block.conduct, enabled=True)) if name in test.hazards else block
        for name, block in config.hazards.items()
    }
    return with_only(replace(config, hazards=blocks), test.hazards)


def _end(test: RuleTest, found: Iterable[Claim]) -> datetime:
    """End of the test: as written, or the last moment that something is expected of."""
    last = max(claim.moment for claim in found)
    end = last if test.written.end is None else max(test.moment(test.written.end, "end"), last)
    if not test.clock.start <= end <= test.clock.start + _LONGEST:
        sentence = f"the test ends {test.clock.words(end)}, before it begins or more than 400 days after"
        raise test.mistake(("expect",), f"{sentence}; correct start or the moments expected")
    return end


def _span(judging: Judging, test: RuleTest, end: datetime) -> Span:
    view = judging.view
    before = max(view.hours_back // _DAY_H, view.days_back, derive.FARTHEST_BACK) + 3
    after = max(view.hours_ahead // _DAY_H, view.days_ahead) + 3
    return Span.around(test.clock.start, end, before, after)


def _check(test: RuleTest, judging: Judging, drawn: Drawn) -> None:
    missing = unsaid(judging.view.quantities, drawn)
    if missing:
        names = ", ".join(f"{name} ({quantity(name).zh})" for name in missing)
        sentence = f"says nothing of {names}; write what is normal, such as normally: {{{missing[0]}: 0}}"
        raise test.mistake(("weather",), f"{sentence}, or ? for what nobody reports")
    both = twice(drawn)
    if both:
        raise test.mistake(("weather",), f"{both[0]} follows from the hours that are written; leave it out")


def _teller(judging: Judging, test: RuleTest, span: Span, end: datetime) -> Teller:
    sources = judging.config.sources
    trusted: SourceBlock | None = sources.get(judging.view.sources[0])
    # Days to come are derived of hours to come.
    horizon = max(judging.view.hours_ahead, (judging.view.days_ahead + 1) * _DAY_H) + ISSUE_EVERY_H + 1
    return Teller(
        source=judging.view.sources[0],
        latency=timedelta(0) if trusted is None else trusted.feed.latency,
        freshness=_DAY_H * HOUR if trusted is None else trusted.feed.freshness,
        horizon=horizon,
        places=judging.view.places,
        span=span,
        start=test.clock.start,
        end=end,
        silences=tuple(_silences(test)),
    )


def _silences(test: RuleTest) -> Iterator[Silence]:
    for index, told in enumerate(test.written.silent):
        start = test.moment(told.start, "silent", index, "from")
        end = test.moment(told.to, "silent", index, "to")
        if end <= start:
            raise test.mistake(("silent", index, "to"), "lies before from; correct one of them")
        yield Silence(start=start, end=end, lost=told.lost)


def _tell(
    connection: Connection, judging: Judging, teller: Teller, painter: Painter, drawn: Drawn
) -> None:
    """Archive the weather, and derive the days that the rules read and nobody wrote."""
    says = scenarios(painter, drawn)
    judging.archive.append(connection, [*teller.hours(drawn, says), *teller.days(drawn, says)])
    daily = [name for name in judging.view.quantities if quantity(name).meaning == "day"]
    if any(name not in drawn for name in daily):
        derive.derive_days(connection, teller.start, teller.end, judging)


def _failures(outcome: Outcome, found: Sequence[Claim]) -> Iterator[Failure]:
    for claim in found:
        got = claim.holds(outcome)
        if got:
            yield Failure(line=claim.line, expected=claim.words, got=got)
    if outcome.test.written.nothing_else:
        test = outcome.test
        for change in unexpected(outcome, found):
            words = test.clock.words(change.at)
            yield Failure(
                line=test.document.line((*test.base, "nothing_else")),
                expected="别无变化 / nothing else changes",
                got=f"{words} {change.from_level.zh}→{change.to_level.zh} / {change.reason.value}",
            )
