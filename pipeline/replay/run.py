"""Runs a period: many nows in one block, then one lifecycle step per now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

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
from pipeline.imports.intake import take_in
from pipeline.ports import Judging
from pipeline.replay.blocks import BLOCK, MEMORY, Archived, judged
from pipeline.replay.checkpoint import Checkpoint
from pipeline.replay.course import Course
from pipeline.replay.crew import Block, Found
from pipeline.replay.result import Paged, Replay, Trace
from pipeline.replay.times import tick_times
from pipeline.view import view_of
from rules.baseline import Baseline

__all__ = ["BLOCK", "Paged", "Period", "Progress", "Replay", "Trace", "Work"]
__all__ += ["archive_period", "event_period", "moments_of", "run"]


Progress = Callable[[int, int], None]
"""Told how many of how many nows are done."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """How a replay goes about it; nothing of this changes what it finds."""

    chunk: int = BLOCK
    """Nows laid into one block."""
    workers: int = 1
    """Processes that judge blocks, this one counted."""
    checkpoint: Checkpoint | None = None
    """Where work is kept, to be resumed after an interrupt; None keeps none."""


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
    kept = archive.Archive(cache_bytes=MEMORY)
    return Judging(config=config, archive=kept, view=view_of(config), baseline=baseline)


def archive_period(config: Config, engine: Engine, start: str, end: str) -> Period:
    """A period of a real archive; UnknownName where it holds nothing of it."""
    first, last = parse_instant(start), parse_instant(end)
    with reading(engine) as connection:
        if not archive.Archive().arrivals(connection, first, last):
            raise UnknownName(f"the archive holds nothing from {start} to {end}; choose another period")
    return Period(name=f"{start}/{end}", engine=engine, start=first, end=last)


def run(
    config: Config,
    period: Period,
    desk: Desk,
    progress: Progress = lambda done, total: None,
    *,
    keep: bool = False,
    work: Work | None = None,
) -> Replay:
    """Judge every moment of a period at which something became known, or an hour passed without.

    What people ordered at the time is left out: a replay tells what the rules by themselves do. `keep` also
    keeps the weather against the ladders (`Replay.traces`). An interrupt is handed on, after what was done
    so far went to the checkpoint of `work`.
    """
    work, judging = work or Work(), _judging(config)
    with reading(period.engine) as connection:
        judging = _with_former_sources(connection, judging)
        nows = moments_of(connection, period, judging)
        begun = time.monotonic()
        course = Course(judging, desk)
        if work.checkpoint is not None:
            work.checkpoint.restore(course, nows)
        archived = Archived(engine=period.engine, connection=connection, judging=judging)
        with closing(judged(archived, nows[course.done :], work.chunk, work.workers)) as blocks:
            _go(course, blocks, nows, progress, work.checkpoint)
    if work.checkpoint is not None:
        work.checkpoint.clear()
    mail = course.book.mail
    mail.fold(period.end, including=True)
    return Replay(
        event=period.name,
        start=period.start,
        end=period.end,
        ticks=len(nows),
        elapsed_s=time.monotonic() - begun,
        transitions=tuple(course.book.transitions),
        deliveries=course.book.messages,
        pages=tuple(sorted(mail.pages, key=lambda page: (page.at, page.person, page.transition))),
        blind=course.blind(nows, period.end),
        traces=course.traces(nows) if keep else {},
    )


def _go(
    course: Course,
    blocks: Iterable[tuple[Block, Found]],
    nows: Sequence[datetime],
    progress: Progress,
    checkpoint: Checkpoint | None,
) -> None:
    """Take block after block; what was done is kept now and then, and when somebody interrupts."""
    progress(course.done, len(nows))
    try:
        for block, found in blocks:
            course.take(block, found)
            progress(course.done, len(nows))
            if checkpoint is not None:
                checkpoint.offer(course, nows)
    except KeyboardInterrupt:
        if checkpoint is not None:
            checkpoint.keep(course, nows)
        raise


def moments_of(connection: Connection, period: Period, judging: Judging) -> list[datetime]:
    """The nows of a period: those at which the daemon would have ticked."""
    before = period.start - timedelta.resolution
    arrivals = judging.archive.arrivals(connection, before, period.end)
    return tick_times(arrivals, period.start, period.end, judging.config.service.heartbeat)


def _with_former_sources(connection: Connection, judging: Judging) -> Judging:
    """Also read sources that the configuration no longer names, as the least trusted."""
    named = judging.view.sources
    former = [name for name in judging.archive.sources(connection) if name not in named]
    return replace(judging, view=replace(judging.view, sources=(*named, *former)))
