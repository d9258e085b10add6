"""Reads a period once and keeps what the thresholds of a hazard are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import xarray as xr
from sqlalchemy import Connection

from ingest.archive import Archive
from ingest.block import View, exact64
from ingest.database import reading
from pipeline.config import Config
from pipeline.replay.run import BLOCK, Period
from pipeline.replay.times import tick_times
from pipeline.tune.kept import NOTHING, Kept, Marked, Sides, mark_of, sides_of
from pipeline.tune.spells import Marks
from pipeline.view import view_of
from rules.findings import Findings
from rules.hazard import Hazard
from rules.level import Level
from rules.sheet import CRITERIA, Climbed, Sky

Progress = Callable[[int, int], None]
"""Told how many of how many nows are done."""

Layers = npt.NDArray[np.int32]
"""Metrics of a block (layer, place, now); a way has two layers, what is certain and what is possible."""

_Way = tuple[Level, int]


@dataclass(frozen=True, kw_only=True)
class Past:
    """Metrics of a period, by the shape of the rule that measured them."""

    kept: Mapping[str, Kept]
    """Name of a shape -> its metrics."""
    sample: xr.Dataset
    """The first now of the period, on which further rules can be asked for their thresholds."""
    loose: frozenset[str]
    """Shapes of which thresholds on metrics did not give all levels that the rule found: their rules must be
    asked for directly."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Rules of one hazard, whose metrics are wanted."""

    hazard: str
    """Name of the hazard block."""
    rules: Mapping[str, Hazard]
    """Name of a shape -> a rule of it; rules that differ only in thresholds, hold and keep are of one."""
    direct: bool = False
    """Keep the levels that each rule finds, not its metrics; then every rule is a shape of its own."""


def gather(config: Config, period: Period, asked: Asked, progress: Progress) -> Past:
    """Judge every moment of a period, as a replay would, by each of some rules of one hazard."""
    hazard, rules = asked.hazard, asked.rules
    shapes = {
        name: _Shape(rule=rule, hazard=hazard, direct=asked.direct) for name, rule in rules.items()
    }
    archive, sample = Archive(), None
    with reading(period.engine) as connection:
        view = _view(config, hazard, list(rules.values()), archive.sources(connection))
        nows = _nows(connection, archive, period, config.service.heartbeat)
        for start in range(0, len(nows), BLOCK):
            block = archive.block(connection, nows[start : start + BLOCK], view)
            sample = block.isel(now=slice(0, 1)) if sample is None else sample
            for shape in shapes.values():
                shape.take(block, start, len(nows))
            progress(min(start + BLOCK, len(nows)), len(nows))
    assert sample is not None  # a period has its first moment at least
    moments = np.array([exact64(now) for now in nows])
    return Past(
        kept={name: shape.kept(moments, view.places) for name, shape in shapes.items()},
        sample=sample,
        loose=frozenset(name for name, shape in shapes.items() if shape.loose),
    )


def thresholds(rule: Hazard, hazard: str, sample: xr.Dataset) -> Marked:
    """The thresholds of a rule in steps, by level and way, as it states them when it judges a now."""
    climbed, _ = _judged(rule, hazard, sample)
    return {
        level: tuple(mark_of(way, climbed[0]) for way in own)
        for level, own in climbed[0].sky.items()
    }


def _judged(rule: Hazard, hazard: str, block: xr.Dataset) -> tuple[list[Climbed], Findings]:
    climbed: list[Climbed] = []
    asked = block.assign_attrs({CRITERIA: climbed})
    return climbed, rule.assess(hazard, asked)


def _view(config: Config, hazard: str, rules: Sequence[Hazard], stored: Sequence[str]) -> View:
    """One view wide enough for every rule; sources that are no longer named are the least trusted."""
    block = config.hazards[hazard]
    views = []
    for rule in rules:
        own = replace(block, rule=rule, conduct=replace(block.conduct, enabled=True))
        alone = replace(config, hazards={hazard: own})
        views.append(view_of(alone))
    quantities = dict.fromkeys(name for view in views for name in view.quantities)
    former = [name for name in stored if name not in views[0].sources]
    return replace(
        views[0],
        quantities=tuple(quantities),
        hours_back=max(view.hours_back for view in views),
        hours_ahead=max(view.hours_ahead for view in views),
        days_back=max(view.days_back for view in views),
        days_ahead=max(view.days_ahead for view in views),
        sources=(*views[0].sources, *former),
    )


def _nows(
    connection: Connection, archive: Archive, period: Period, heartbeat: timedelta
) -> list[datetime]:
    """When a replay of the period ticks."""
    before = period.start - timedelta(microseconds=1)
    arrivals = archive.arrivals(connection, before, period.end)
    return tick_times(arrivals, period.start, period.end, heartbeat)


@dataclass(frozen=True, kw_only=True)
class _Shape:
    """The metrics of one rule, block after block."""

    rule: Hazard
    hazard: str
    direct: bool
    marks: list[Marks] = field(default_factory=list)
    values: list[Layers] = field(default_factory=list)
    names: list[_Way] = field(default_factory=list)
    unlike: list[int] = field(default_factory=list)

    @property
    def loose(self) -> bool:
        """Whether somewhere the metrics and thresholds gave other levels than the rule."""
        return bool(self.unlike)

    def take(self, block: xr.Dataset, start: int, total: int) -> None:
        """Judge some nows, the first of which is number `start` of all, and keep what changed in them."""
        climbed, found = _judged(self.rule, self.hazard, block)
        if self.direct or not climbed:
            self.names[:], layers = _found(self.rule, found)
        else:
            self.names[:], layers = _measured(climbed, found.floor.shape)
        if not (self.direct or _agrees(layers, climbed, found)):
            self.unlike.append(start)
        changed = np.ones(layers.shape[1:], np.bool_)
        changed[:, 1:] = (layers[..., 1:] != layers[..., :-1]).any(axis=0)
        place, now = np.nonzero(changed)
        self.marks.append(place * (total + 1) + start + now)
        self.values.append(layers[:, place, now])

    def kept(self, nows: npt.NDArray[np.datetime64], places: tuple[str, ...]) -> Kept:
        """All of it as metrics on one line, town after town."""
        ends = np.arange(1, len(places) + 1) * (nows.size + 1) - 1
        marks = np.concatenate([*self.marks, ends])
        order = np.argsort(marks, kind="stable")
        nothing = np.full((2 * len(self.names), ends.size), NOTHING)
        values = np.concatenate([*self.values, nothing], axis=1)[:, order]
        ways: dict[Level, list[Sides]] = {}
        for row, (level, _) in enumerate(self.names):
            low, high = values[2 * row], values[2 * row + 1]
            same = bool((low == high).all())
            ways.setdefault(level, []).append(Sides(low=low, high=low if same else high))
        made = {level: tuple(own) for level, own in ways.items()}
        return Kept(nows=nows, places=places, marks=marks[order], ways=made).compressed()


def _found(rule: Hazard, found: Findings) -> tuple[list[_Way], Layers]:
    """The levels that a rule found, as if each were a metric of its own: 1 where it is reached."""
    levels = sorted(rule.ladder)
    sides = [side >= level for level in levels for side in (found.floor, found.ceiling)]
    layers = np.where(np.stack(sides), np.int32(1), NOTHING)
    return [(level, 0) for level in levels], np.ascontiguousarray(layers.transpose(0, 2, 1))


def _measured(climbed: Sequence[Climbed], shape: tuple[int, ...]) -> tuple[list[_Way], Layers]:
    """What is certain and what is possible by each way, (2 * way, place, now)."""
    ways = list(_ways(climbed[0].sky))
    layers = np.full((2 * len(ways), *shape), NOTHING)
    for seen in climbed:
        for row, (level, number) in enumerate(ways):
            low, high = sides_of(seen.sky[level][number], seen)
            layers[2 * row, seen.rows], layers[2 * row + 1, seen.rows] = low, high
    return ways, np.ascontiguousarray(layers.transpose(0, 2, 1))


def _ways(sky: Sky) -> Iterator[_Way]:
    for level in sorted(sky):
        for number in range(len(sky[level])):
            yield level, number


def _agrees(layers: Layers, climbed: Sequence[Climbed], found: Findings) -> bool:
    """Whether metrics and thresholds alone give the levels that the rule found."""
    first = climbed[0]
    floor, ceiling = np.zeros((2, *layers.shape[1:]), np.int8)
    for row, (level, number) in enumerate(_ways(first.sky)):
        mark = mark_of(first.sky[level][number], first)
        for side, limit, levels in (
            (layers[2 * row], mark.limit, floor),
            (layers[2 * row + 1], mark.clearing, ceiling),
        ):
            np.copyto(levels, np.int8(level), where=side >= limit)
    return bool((found.floor == floor.T).all() and (found.ceiling == ceiling.T).all())
