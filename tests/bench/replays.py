"""Replay: judging, routing and texts of the event, and of a year that was made up."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from bench.figures import Figure, timed
from bench.weather import EVENT, long_period, played

from ingest.archive import Archive
from ingest.database import IN_MEMORY, reading
from pipeline.config import Config
from pipeline.ports import Judging
from pipeline.replay.run import BLOCK, Period, event_period, run
from pipeline.replay.times import tick_times
from pipeline.view import view_of
from pipeline.wiring import desk_of

_COSTLIEST = 3


def measure(*, quick: bool) -> Iterator[Figure]:
    """The event, then the year (10 days where it must be quick)."""
    config = played()
    events, event = event_period(config, EVENT)
    try:
        yield from _figures(f"replay of {EVENT}", events, event, 1 if quick else 5)
    finally:
        event.engine.dispose()
    days = 10 if quick else 365
    made = long_period(config, days, IN_MEMORY)
    yield Figure(
        what=f"derived quantities, {days} days x 21 towns", unit="s", samples=(made.derived_s,)
    )
    what = f"replay of {days} days, hourly x 21 towns"
    try:
        whole, speed = _figures(what, config, made.period, 1 if quick else 3)
        yield from (whole, speed, *_parts(config, made.period).told(whole.median))
    finally:
        made.period.engine.dispose()


def _figures(what: str, config: Config, period: Period, number: int) -> Iterator[Figure]:
    desk = desk_of(config, secrets.token_urlsafe(32), config.service.public_url)
    found = [run(config, period, desk) for _ in range(number + (number > 1))][-number:]
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
