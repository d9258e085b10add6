"""Made-up pasts for tuning: weather with holes that crosses thresholds often, and ladders at random."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
from stage import HOUR, LATENCY, day, district

from alerts.event.transition import ABOUT_DATA, Reason
from ingest import archive
from ingest.archive import Archive
from ingest.batch import Batch, Kind, Values
from ingest.block import exact64
from ingest.database import IN_MEMORY, create_tables, open_engine, writing
from ingest.source import Feed
from pipeline.config import Config, HazardBlock, SourceBlock
from pipeline.demo.stage import recorded_source
from pipeline.replay.run import Period, run
from pipeline.tune.course import Course
from pipeline.wiring import desk_of
from rules.ladder import Rung

START = day("08-01 00:00")
REPORTING = 5
"""Towns that say anything; of the others nothing is ever known."""
_AHEAD_H, _EVERY_H = 48, 6


def only(hazard: str, block: HazardBlock | None = None) -> Config:
    """The configuration with one hazard and one source."""
    config, told = district(), recorded_source("heatwave-2022-08")
    feed: Feed = replace(told.feed, latency=LATENCY)
    own = block or config.hazards[hazard]
    judged = replace(own, conduct=replace(own.conduct, enabled=True))
    source = SourceBlock(name="told", feed=feed, source=told.source)
    return replace(config, hazards={hazard: judged}, sources={"told": source})


def made_up(seed: int, days: int = 8, url: str = IN_MEMORY) -> Period:
    """A past: hours observed with holes, some of them late, and forecasts every six hours."""
    chance = np.random.default_rng(seed)
    hours = _weather(chance, days * 24 + _AHEAD_H, winter=seed % 2 == 1)
    engine = open_engine(url)
    create_tables(engine, archive.metadata)
    with writing(engine) as connection:
        Archive().append(connection, _told(hours, days, chance))
    return Period(name="made up", engine=engine, start=START, end=START + timedelta(days=days))


def _weather(chance: np.random.Generator, count: int, *, winter: bool) -> dict[str, Values]:
    shape = (REPORTING, count)
    clock = np.sin((np.arange(count) - 8) / 24 * 2 * np.pi)
    # Spells of some days, no two towns alike.
    spells = 5 * np.sin(np.arange(count) / chance.uniform(70, 90) * 2 * np.pi + chance.uniform(0, 6))
    slow = spells + chance.normal(0, 0.7, shape) + chance.normal(0, 1, (REPORTING, 1))
    rough = spells > 2
    wind = np.abs(chance.normal(6, 5, shape)) * np.where(rough, 1.0, 0.2)
    rain = np.where(rough & (chance.random(shape) < 0.3), chance.gamma(0.6, 18, shape), 0.0)
    return {
        "temperature_2m": (2.0 if winter else 30.0) + 4 * clock + slow,
        "relative_humidity_2m": np.clip(70 - 15 * clock + chance.normal(0, 8, shape), 15, 100),
        "wind_speed_10m": wind,
        "wind_gusts_10m": wind * 1.6,
        "precipitation": rain.round(1),
    }


def _told(hours: dict[str, Values], days: int, chance: np.random.Generator) -> Iterator[Batch]:
    """In the order in which it became known."""
    batches = []
    for hour in range(days * 24):
        if chance.random() < 0.85:
            late = chance.choice([0, 0, 0, 20, 95]) * timedelta(minutes=1)
            seen = {name: _holed(values[:, hour : hour + 1], chance) for name, values in hours.items()}
            batches.append(_batch("observation", hour, hour, seen, late))
        if hour % _EVERY_H == 0:
            ahead = slice(hour + 1, hour + 1 + _AHEAD_H)
            seen = {name: values[:, ahead] * chance.normal(1, 0.02) for name, values in hours.items()}
            batches.append(_batch("forecast", hour, hour + 1, seen, timedelta(0)))
    yield from sorted(batches, key=lambda batch: batch.available_at)


def _holed(values: Values, chance: np.random.Generator) -> Values:
    return np.where(chance.random(values.shape) < 0.1, np.nan, values)


def _batch(kind: Kind, hour: int, first: int, values: dict[str, Values], late: timedelta) -> Batch:
    at = START + hour * HOUR
    count = next(iter(values.values())).shape[1]
    return Batch(
        source="told",
        kind=kind,
        issued_at=at,
        available_at=at + LATENCY + late,
        places=district().district.place_ids[:REPORTING],
        valid_at=exact64(START).astype("datetime64[h]") + np.arange(first, first + count),
        values=values,
    )


def varied(block: HazardBlock, seed: int) -> HazardBlock:
    """The hazard with a ladder at random; as it was where the ladder would be impossible."""
    chance = random.Random(seed)
    ladder = {level: replace(rung, **_keys(rung, chance)) for level, rung in block.rule.ladder.items()}
    tail = timedelta(hours=chance.choice([0, 5, 24]))
    try:
        rule = replace(block.rule, ladder=ladder)  # type: ignore[type-var]  # every hazard is a dataclass
    except ValueError:
        rule = block.rule
    return replace(block, rule=rule, conduct=replace(block.conduct, tail=tail))


def _keys(rung: Rung, chance: random.Random) -> dict[str, Any]:
    keys: dict[str, Any] = {
        "hold": timedelta(minutes=chance.choice([0, 0, 60, 180, 390])),
        "keep": timedelta(hours=chance.choice([0, 1, 6, 30])),
    }
    for key, clear, side in (("at_least", "clear_below", -1), ("at_most", "clear_above", 1)):
        if hasattr(rung, key):
            limit = round(getattr(rung, key) + side * chance.uniform(0, 4), 1)
            keys |= {key: limit, clear: chance.choice([None, limit + side * 1.5])}
    return keys


def replayed(config: Config, period: Period) -> list[tuple[object, ...]]:
    """Every change of levels that a full replay makes: when, from, to, and the levels of all towns."""
    found = run(config, period, desk_of(config, "k" * 32, config.service.public_url))
    told = ABOUT_DATA | {Reason.EXTENDED}
    return [
        (one.at, one.from_level, one.to_level, dict(one.places))
        for one in found.transitions
        if one.reason not in told
    ]


def stepped(course: Course) -> list[tuple[object, ...]]:
    """The same of a course."""
    return [(one.at, one.before, one.after, dict(one.places)) for one in course.steps()]
