"""Replay: judging, routing and texts of the event, of a year that was made up, and of many such years."""

from __future__ import annotations

import resource
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure, timed
from bench.weather import EVENT, long_period, played
from sqlalchemy import select

from ingest import archive
from ingest.archive import Archive
from ingest.codec import Envelope, decode
from ingest.database import create_tables, open_engine, reading, writing
from pipeline.config import Config
from pipeline.ports import Judging
from pipeline.replay.blocks import BLOCK
from pipeline.replay.run import Period, Work, event_period, run
from pipeline.replay.times import tick_times
from pipeline.view import view_of
from pipeline.wiring import desk_of

_COSTLIEST = 3
_YEARS, _FEW_YEARS = (1, 5, 10), (1, 2)


def measure(*, quick: bool) -> Iterator[Figure]:
    """The event, then the year (10 days where it must be quick), then such years one after the other."""
    config = played()
    events, event = event_period(config, EVENT)
    try:
        yield from _figures(f"replay of {EVENT}", events, event, 1 if quick else 5)
    finally:
        event.engine.dispose()
    days = 10 if quick else 365
    with TemporaryDirectory() as folder:
        made = long_period(config, days, f"sqlite:///{folder}/year.db")
        yield Figure(
            what=f"derived quantities, {days} days x 21 towns", unit="s", samples=(made.derived_s,)
        )
        try:
            yield from _long(config, made.period, days, quick=quick)
            yield from _years(config, made.period, days, Path(folder), quick=quick)
        finally:
            made.period.engine.dispose()


def _long(config: Config, period: Period, days: int, *, quick: bool) -> Iterator[Figure]:
    what = f"replay of {days} days, hourly x 21 towns"
    number = 1 if quick else 3
    whole, speed = _figures(what, config, period, number)
    yield from (whole, speed)
    pair, speed = _figures(f"{what}, 2 processes", config, period, number, workers=2)
    yield from (replace(pair, ratio=f"{pair.median / whole.median:.2f} of one"), speed)
    yield from _parts(config, period).told(whole.median)


def _years(
    config: Config, year: Period, days: int, folder: Path, *, quick: bool
) -> Iterator[Figure]:
    """What a year costs among many: the same weather over and over, in one archive."""
    first = 0.0
    for years in _FEW_YEARS if quick else _YEARS:
        period = _grown(year, years, days, f"sqlite:///{folder}/years{years}.db")
        try:
            found = run(config, period, desk_of(config, secrets.token_urlsafe(32), config.service.public_url))
        finally:
            period.engine.dispose()
        each = found.elapsed_s / years
        first = first or each
        yield Figure(
            what=f"  a year among {years}" if not quick else f"  {days} days among {years}",
            unit="s", samples=(each,), ratio=f"{each / first:.2f} of the first alone",
        )  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Figure(what="  memory of it all at its peak", unit="MiB", samples=(peak,))


def _grown(year: Period, years: int, days: int, url: str) -> Period:
    """An archive of so many of these years, each told anew."""
    engine = open_engine(url)
    create_tables(engine, archive.metadata)
    table = archive.metadata.tables["batch"]
    names = ("source", "kind", "issued_at", "available_at", "payload")
    rows = select(*(table.c[name] for name in names)).order_by(table.c.id)
    with reading(year.engine) as source, writing(engine) as target:
        for row in source.execute(rows):
            told = decode(Envelope(**{name: row._mapping[name] for name in names[:-1]}), row.payload)
            later = (
                replace(
                    told,
                    issued_at=told.issued_at + number * timedelta(days=days),
                    available_at=told.available_at + number * timedelta(days=days),
                    valid_at=told.valid_at + number * days * 86_400,
                )
                for number in range(years)
            )
            Archive().append(target, later)
    end = year.start + years * timedelta(days=days)
    return replace(year, engine=engine, end=end, name=f"{years} years")


def _figures(
    what: str, config: Config, period: Period, number: int, workers: int = 1
) -> Iterator[Figure]:
    desk = desk_of(config, secrets.token_urlsafe(32), config.service.public_url)
    work = Work(workers=workers)
    found = [run(config, period, desk, work=work) for _ in range(number + (number > 1))][-number:]
    hazards = sum(block.conduct.enabled for block in config.hazards.values())
    said = f"{hazards} hazards, {found[0].ticks:,} ticks, {len(found[0].transitions):,} changes"
    yield Figure(
        what=f"{what} ({said})", unit="s", samples=tuple(replay.elapsed_s for replay in found)
    )
    yield Figure(
        what=what,
        unit="ticks/s",
        samples=tuple(replay.ticks / replay.elapsed_s for replay in found),
    )


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """Where the time of a replay goes, from a run of the parts by themselves."""

    blocks: float
    """Reading the archive and laying the blocks [s]."""
    hazards: Counter[str]
    """Hazard -> judging all blocks [s]."""
    number: int
    """How many blocks."""

    def told(self, whole: float) -> Iterator[Figure]:
        """The parts as shares of the whole [s], and the costliest hazards by the block."""
        judging = self.hazards.total()
        parts = {
            "blocks from the archive": self.blocks,
            "judging": judging,
            "lifecycle, routing, texts": max(whole - self.blocks - judging, 0.0),
        }
        for part, took in parts.items():
            ratio = f"{took / whole:.0%} of the replay"
            yield Figure(what=f"  {part}", unit="s", samples=(took,), ratio=ratio)
        for name, took in self.hazards.most_common(_COSTLIEST):
            each = 1000 * took / self.number
            yield Figure(what=f"  {name}, a block of {BLOCK} ticks", unit="ms", samples=(each,))


def _parts(config: Config, period: Period) -> _Parts:
    judging = Judging(config=config, archive=Archive(), view=view_of(config))
    rules = {name: block.rule for name, block in config.hazards.items() if block.conduct.enabled}
    hazards: Counter[str] = Counter()
    laying = []
    with reading(period.engine) as connection:
        arrivals = judging.archive.arrivals(connection, period.start, period.end)
        nows = tick_times(arrivals, period.start, period.end, config.service.heartbeat)
        for start in range(0, len(nows), BLOCK):
            lay = partial(
                judging.archive.block, connection, nows[start : start + BLOCK], judging.view
            )
            took, block = timed(lay)
            laying.append(took)
            for name, rule in rules.items():
                hazards[name] += timed(partial(rule.assess, name, block))[0]
    return _Parts(blocks=sum(laying), hazards=hazards, number=len(laying))
