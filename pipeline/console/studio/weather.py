"""The weather of one town against the ladder, out of the metrics that ladders are tried on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from pipeline.config import HazardBlock
from pipeline.replay.result import Trace
from pipeline.tune.kept import ANYTHING, NOTHING, Kept, Steps
from pipeline.tune.sweep import Swept
from rules.ladder import Rung
from rules.level import Level
from rules.sheet import CRITERIA, Climbed, Criterion

DISTRICT = ""
"""Stands for the most severe town of the district."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One metric over time; it holds from each moment to the next."""

    levels: tuple[Level, ...]
    """Levels that are judged by it, the lowest first; empty for the evidence of the district."""
    at: tuple[datetime, ...]
    """Moments at which it changed."""
    values: tuple[float | None, ...]
    """Its value from then on, in the unit of the hazard; None where nothing certain is known."""


@dataclass(frozen=True, kw_only=True)
class Weather:
    """A town against a ladder."""

    hazard: str
    """Name of the hazard block."""
    town: str
    """Code of the town; empty for the most severe of the district."""
    unit: str
    """Unit of values and thresholds."""
    falling: bool
    """True where low values are the dangerous ones."""
    limits: dict[Level, float]
    """Level -> threshold; empty where a level has no single one."""
    lines: tuple[Line, ...]
    """What is compared with it."""


def climbed(swept: Swept, block: HazardBlock) -> Climbed | None:
    """How a hazard compares its metrics with its ladder; None where it does not say."""
    asked: list[Climbed] = []
    block.rule.assess(block.name, swept.past.sample.assign_attrs({CRITERIA: asked}))
    return asked[0] if asked else None


def resolution(swept: Swept, block: HazardBlock) -> float:
    """The step in which a hazard compares; 0.1 where it does not say."""
    found = None if swept.direct else climbed(swept, block)
    return 0.1 if found is None else found.resolution


def weather(
    swept: Swept, block: HazardBlock, town: str, trace: Trace | None = None
) -> Weather:
    """A town of a past, or with a trace the most severe of the district where no town's is known."""
    seen = None if swept.direct else climbed(swept, block)
    kept = next(iter(swept.past.kept.values()))
    lines: tuple[Line, ...] = ()
    if seen is not None and town in kept.places:
        lines = _lines(kept, seen, kept.places.index(town))
    if not lines and trace is not None:
        town, lines = DISTRICT, (_of_trace(trace),)
    return Weather(
        hazard=block.name,
        town=town,
        unit=block.conduct.unit,
        falling=block.rule.falling,
        limits={
            level: limit
            for level, rung in sorted(block.rule.ladder.items())
            if (limit := _limit(rung)) is not None
        },
        lines=lines,
    )


def _limit(rung: Rung) -> float | None:
    try:
        found = float(rung.limit)
    except NotImplementedError:
        return None
    return None if np.isnan(found) else found


def _lines(kept: Kept, seen: Climbed, place: int) -> tuple[Line, ...]:
    """One line for each metric; levels that are judged by the same one share it."""
    stride = kept.nows.size + 1
    rows = np.flatnonzero((kept.marks // stride == place) & (kept.marks % stride < kept.nows.size))
    nows = kept.nows[kept.marks[rows] % stride]
    found: list[tuple[list[Level], Steps]] = []
    for level in sorted(kept.ways):
        for way, criterion in zip(kept.ways[level], seen.sky[level], strict=True):
            if type(criterion) is not Criterion:
                continue
            steps = way.low[rows]
            same = next((one for one in found if np.array_equal(one[1], steps)), None)
            if same is None:
                found.append(([level], steps))
            elif level not in same[0]:
                same[0].append(level)
    return tuple(_line(levels, nows, steps, seen) for levels, steps in found)


def _line(
    levels: list[Level], nows: np.ndarray[tuple[int], np.dtype[np.datetime64]], steps: Steps, seen: Climbed
) -> Line:
    changed = np.ones(steps.shape, np.bool_)
    changed[1:] = steps[1:] != steps[:-1]
    unknown = (steps <= NOTHING) | (steps >= ANYTHING)
    values = np.round(steps * seen.resolution * seen.sign, 6)
    return Line(
        levels=tuple(levels),
        at=tuple(_moment(now) for now in nows[changed]),
        values=tuple(
            None if nothing else float(value)
            for value, nothing in zip(values[changed], unknown[changed], strict=True)
        ),
    )


def _of_trace(trace: Trace) -> Line:
    value = trace.value
    changed = np.ones(value.shape, np.bool_)
    changed[1:] = ~((value[1:] == value[:-1]) | (np.isnan(value[1:]) & np.isnan(value[:-1])))
    return Line(
        levels=(),
        at=tuple(_moment(now) for now in trace.nows[changed]),
        values=tuple(None if np.isnan(one) else round(float(one), 3) for one in value[changed]),
    )


def _moment(now: np.datetime64) -> datetime:
    moment: datetime = now.astype("datetime64[s]").item()
    return moment.replace(tzinfo=UTC)
