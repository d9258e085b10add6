"""Replay: judging, routing and texts of the event, and of a year made of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from bench.figures import Figure
from bench.weather import EVENT, long_period, played

from ingest.database import IN_MEMORY
from pipeline.config import Config
from pipeline.replay.run import Period, event_period, run
from pipeline.wiring import desk_of


def measure(*, quick: bool) -> Iterator[Figure]:
    """The event, then the year (10 days where it must be quick)."""
    config = played()
    number = 1 if quick else 5
    _, event = event_period(config, EVENT)
    yield from _figures(f"replay of {EVENT}", config, event, number)
    days = 10 if quick else 365
    period = long_period(config, days, IN_MEMORY)
    yield from _figures(f"replay of {days} days, hourly x 21 towns", config, period, number)


def _figures(what: str, config: Config, period: Period, number: int) -> Iterator[Figure]:
    desk = desk_of(config, secrets.token_urlsafe(32), config.service.public_url)
    try:
        found = [run(config, period, desk) for _ in range(number + (number > 1))][-number:]
    finally:
        period.engine.dispose()
    said = f"{found[0].ticks} ticks, {len(found[0].transitions)} changes"
    yield Figure(
        what=f"{what} ({said})", unit="s", samples=tuple(replay.elapsed_s for replay in found)
    )
    yield Figure(
        what=what,
        unit="ticks/s",
        samples=tuple(replay.ticks / replay.elapsed_s for replay in found),
    )
