"""Runs a period: many nows in one block, then one lifecycle step per now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from alerts.answers import calls
from alerts.duty.routing import Notice, Warned, route
from alerts.event.incidents import Page, engaged, in_order
from alerts.event.state import State
from alerts.event.transition import CALLING, OVER, Transition
from alerts.outgoing import dispatch
from alerts.outgoing.delivery import Delivery
from alerts.outgoing.dispatch import Desk
from ingest import archive
from ingest.database import IN_MEMORY, create_tables, open_engine, reading, writing
from ingest.errors import UnknownName
from ingest.http import HttpClient
from ingest.recordings import load_event
from ingest.source import Request
from ingest.times import parse_instant
from pipeline import derive
from pipeline.config import Config, with_only
from pipeline.ports import Judging
from pipeline.pull import take_in
from pipeline.replay.times import tick_times
from pipeline.tick import assess, fresh, judge
from pipeline.view import view_of
from rules.baseline import Baseline

BLOCK = 256
"""Nows laid into one block."""

Progress = Callable[[int, int], None]
"""Told how many of how many nows are done."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What a replay found."""

    event: str
    """Name of the event, or the period."""
    ticks: int
    """Nows judged."""
    elapsed_s: float
    """Time the judging and routing took [s]."""
    transitions: tuple[Transition, ...]
    """Changes in order."""
    deliveries: tuple[Delivery, ...]
    """Messages that would have gone out, had everybody answered at the first call and approved at once."""


@dataclass(frozen=True, kw_only=True)
class Period:
    """What is replayed, from which database."""

    name: str
    """Name for the report."""
    engine: Engine
    """Holds the archive."""
    start: datetime
    """First moment."""
    end: datetime
    """Last moment."""


def event_period(
    config: Config, event: str, baseline: Baseline | None = None
) -> tuple[Config, Period]:
    """Play an event into a private archive in memory; the configuration then reads that source alone."""
    from pipeline.demo.stage import recorded_source  # the demonstration plays the same source

    block = recorded_source(event)
    found = load_event(event)
    played = replace(with_only(config, found.hazards), sources={block.name: block})
    start, end = found.start + block.feed.latency, found.end + block.feed.latency
    engine = open_engine(IN_MEMORY)
    create_tables(engine, archive.metadata)
    judging = _judging(played, baseline)
    with HttpClient() as http, writing(engine) as connection:
        request = Request(now=end, since=None, district=config.district, http=http)
        take_in(connection, judging.archive, block.source.fetch(block.name, request))
        derive.derive_days(connection, start, end, judging)
    return played, Period(name=event, engine=engine, start=start, end=end)


def _judging(config: Config, baseline: Baseline | None = None) -> Judging:
    return Judging(
        config=config, archive=archive.Archive(), view=view_of(config), baseline=baseline
    )


def archive_period(config: Config, engine: Engine, start: str, end: str) -> Period:
    """A period of a real archive; UnknownName where it holds nothing of it."""
    first, last = parse_instant(start), parse_instant(end)
    with reading(engine) as connection:
        if not archive.Archive().arrivals(connection, first, last):
            raise UnknownName(f"the archive holds nothing from {start} to {end}; choose another period")
    return Period(name=f"{start}/{end}", engine=engine, start=first, end=last)


def run(
    config: Config, period: Period, desk: Desk, progress: Progress = lambda done, total: None
) -> Replay:
    """Judge every moment of a period at which something became known, or an hour passed without.

    What people ordered at the time is left out: a replay tells what the rules by themselves do.
    """
    judging = _judging(config)
    heartbeat = config.service.heartbeat
    with reading(period.engine) as connection:
        judging = _with_former_sources(connection, judging)
        arrivals = judging.archive.arrivals(
            connection, period.start - timedelta(microseconds=1), period.end
        )
        nows = tick_times(arrivals, period.start, period.end, heartbeat)
        begun = time.monotonic()
        book = _Book(desk=desk)
        for done, now, steps in _judge_all(connection, nows, judging):
            for step in steps:
                book.write(step, now)
            progress(done, len(nows))
    return Replay(
        event=period.name,
        ticks=len(nows),
        elapsed_s=time.monotonic() - begun,
        transitions=tuple(book.transitions),
        deliveries=tuple(book.deliveries),
    )


def _with_former_sources(connection: Connection, judging: Judging) -> Judging:
    """Also read sources that the configuration no longer names, as the least trusted."""
    named = judging.view.sources
    former = [name for name in judging.archive.sources(connection) if name not in named]
    return replace(judging, view=replace(judging.view, sources=(*named, *former)))


def _judge_all(
    connection: Connection, nows: Sequence[datetime], judging: Judging
) -> Iterator[tuple[int, datetime, list[Transition]]]:
    states: dict[str, State] = {}
    for start in range(0, len(nows), BLOCK):
        block = nows[start : start + BLOCK]
        findings = assess(connection, block, judging)
        states = {name: states.get(name) or fresh(name, judging) for name in findings}
        stirred = {name: (~found.calm).tolist() for name, found in findings.items()}
        for row, now in enumerate(block):
            # Most hazards rest at most times of a year, and a calm now changes nothing of them.
            busy = {
                name: found
                for name, found in findings.items()
                if stirred[name][row] or not states[name].resting
            }
            resting = states.keys() - busy.keys()
            steps = judge(states, busy, now, judging, resting, row) if busy else {}
            states |= {name: step.state for name, step in steps.items()}
            yield start + row + 1, now, in_order(steps.values())


@dataclass(frozen=True, kw_only=True)
class _Book:
    """Routes changes as the daemon would, and remembers who was warned and who was called."""

    desk: Desk
    """Writes messages."""
    transitions: list[Transition] = field(default_factory=list)
    """Changes so far."""
    deliveries: list[Delivery] = field(default_factory=list)
    """Messages so far."""
    warned: dict[str, list[Warned]] = field(default_factory=dict)
    """Alert -> who was told of it."""
    pages: dict[str, list[Page]] = field(default_factory=dict)
    """Incident -> calls of its alerts that are open."""

    def write(self, change: Transition, now: datetime) -> None:
        """Take a change into the book."""
        known = self.warned.setdefault(change.alert, [])
        notices = route(change, self.desk.routes, now, known, engaged(self._called(change), change))
        self._call(change, notices)
        skipped = calls.skipped_by(self._reissues(change), change, self.desk)
        further = calls.at_once(change, notices, self.desk, skipped, now)
        sent = dispatch.deliveries(change, [*notices, *further], self.desk, now)
        self.transitions.append(change)
        self.deliveries.extend(sent)
        fresh = [Warned(subsystem=d.subsystem, person=d.recipient) for d in sent]
        known.extend(item for item in dict.fromkeys(fresh) if item not in known)

    def _reissues(self, change: Transition) -> int:
        """How often the hazard came to this level within the time before; see `store.reissues`."""
        since = change.at - self.desk.routes.reissue
        return sum(
            (old.hazard, old.to_level) == (change.hazard, change.to_level)
            and old.reason in CALLING
            and old.at >= since
            for old in self.transitions
        )

    def _called(self, change: Transition) -> list[Page]:
        """The calls of an incident so far; everybody has answered those of earlier ticks."""
        pages = [
            replace(page, answered=True)
            if not page.answered and page.begun_at < change.at
            else page
            for page in self.pages.get(change.incident, [])
        ]
        self.pages[change.incident] = pages
        return pages

    def _call(self, change: Transition, notices: Sequence[Notice]) -> None:
        """Remember the calls of a change; those of an alert that is over count no more."""
        kept = self.pages.get(change.incident, [])
        if change.reason in OVER:
            kept = [page for page in kept if page.alert != change.alert]
        made = [
            Page(
                incident=change.incident,
                alert=change.alert,
                hazard=change.hazard,
                subsystem=subsystem,
                level=change.to_level,
                begun_at=change.at,
                answered=False,
            )
            for subsystem in calls.called(change, notices)
        ]
        self.pages[change.incident] = kept + made
