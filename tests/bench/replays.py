"""Replay: judging and routing of the event, of a year that was made up, and of many such years."""

from __future__ import annotations

import resource
import secrets
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from bench.figures import Figure, seconds, timed
from bench.weather import EVENT, long_period, played, repeated

from alerts.outgoing.dispatch import Desk
from ingest.archive import Archive
from ingest.database import reading
from pipeline.config import Config
from pipeline.ports import Judging
from pipeline.replay.blocks import BLOCK
from pipeline.replay.run import Period, Replay, Work, event_period, run
from pipeline.replay.times import tick_times
from pipeline.view import view_of
from pipeline.wiring import desk_of

_COSTLIEST = 3
_YEARS, _FEW_YEARS = 40, 3
_WORKERS = 2


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
    whole, *others = _figures(what, config, period, number)
    yield from (whole, *others)
    pair, speed, _ = _figures(f"{what}, {_WORKERS} processes", config, period, number, _WORKERS)
    yield from (replace(pair, ratio=f"{pair.median / whole.median:.2f} of one"), speed)
    yield from _parts(config, period).told(whole.median)


def _years(
    config: Config, year: Period, days: int, folder: Path, *, quick: bool
) -> Iterator[Figure]:
    """What a year costs among many, told by one replay of them all: the same weather over and over."""
    years = _FEW_YEARS if quick else _YEARS
    begun = time.perf_counter()
    period = repeated(year, years, days, f"sqlite:///{folder}/years.db")
    unit = "years" if not quick else f"times {days} days"
    yield Figure(what=f"archive of {years} {unit}", unit="s", samples=(time.perf_counter() - begun,))
    try:
        each, found = _each(config, period, years)
    finally:
        period.engine.dispose()
    fifth = max(years // 5, 1)
    last = statistics.median(each[-fifth:]) / statistics.median(each[:fifth])
    said = f"{found.ticks:,} ticks, {len(found.transitions):,} changes, {_WORKERS} processes"
    what = f"replay of {years} {unit}, 21 towns"
    yield Figure(what=f"{what} ({said})", unit="s", samples=(found.elapsed_s,))
    ratio = f"the last {fifth}: {last:.2f} of the first {fifth}"
    yield Figure(what="  each of them", unit="s", samples=each, ratio=ratio)
    what = "  memory at its peak, all processes, making the archive included"
    yield Figure(what=what, unit="MiB", samples=(_peak(),))


def _each(config: Config, period: Period, years: int) -> tuple[tuple[float, ...], Replay]:
    """Seconds that each of the years took, of as many nows each, and what the replay found."""
    done, at = [], []

    def progress(ticks: int, _total: int) -> None:
        done.append(ticks)
        at.append(time.perf_counter())

    found = run(config, period, _desk(config), progress, work=Work(workers=_WORKERS))
    ends = np.interp(np.linspace(0, found.ticks, years + 1), done, at)
    return tuple(np.diff(ends).tolist()), found


def _peak() -> float:
    """The most memory that this process took, and the greatest of those it started [MiB]."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024


def _desk(config: Config) -> Desk:
    return desk_of(config, secrets.token_urlsafe(32), config.service.public_url)


def _figures(
    what: str, config: Config, period: Period, number: int, workers: int = 1
) -> Iterator[Figure]:
    desk, work = _desk(config), Work(workers=workers)
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
    messages = found[-1].deliveries
    what = f"  its {len(messages):,} messages in words, where they are asked for"
    yield Figure(what=what, unit="s", samples=(seconds(lambda: tuple(messages)),))


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
            "lifecycle, routing": max(whole - self.blocks - judging, 0.0),
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
