"""Metrics of a past, kept once: what each way to a level measured, in steps, wherever it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ingest.times import Instants
from pipeline.tune.spells import Clock, Marks, Spells
from rules.level import Level
from rules.sheet import Climbed, Criterion
from rules.windows import Array, Mask

Steps = npt.NDArray[np.int32]
"""Metrics in whole steps of their resolution, the sign turned where low values are the dangerous ones."""

NOTHING, ANYTHING = np.int32(-(2**30)), np.int32(2**30)
"""What reaches no threshold, and what reaches every one."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The thresholds of one way to a level, in steps."""

    limit: int
    """What reaches the level."""
    clearing: int
    """What must be passed before it may be left."""


Marked = Mapping[Level, Sequence[Mark]]
"""Level -> the thresholds of each way to it."""


@dataclass(frozen=True, kw_only=True)
class Sides:
    """One way to a level on the line of towns and nows, at the marks of its `Kept`."""

    low: Steps
    """What is certain, NOTHING where something else that must hold does not certainly hold."""
    high: Steps
    """What is possible."""

    def narrowed(self, marks: Sequence[Mark]) -> Sides:
        """With what none of some thresholds can tell apart made equal."""
        least = min(min(mark.limit, mark.clearing) for mark in marks) - 1
        most = max(mark.limit for mark in marks)
        low = np.clip(self.low, least, most)
        return Sides(low=low, high=low if self.high is self.low else np.clip(self.high, least, most))


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The metrics of one hazard over a period: everything its thresholds are compared with."""

    nows: Instants
    """The moments judged, (now,)."""
    places: tuple[str, ...]
    """Town codes."""
    marks: Marks
    """Places on the line (see `spells`) at which some metric changes, and the end of every town."""
    ways: Mapping[Level, tuple[Sides, ...]]
    """Level -> its ways."""

    @property
    def clock(self) -> Clock:
        """When the nows are."""
        return Clock(seconds=self.nows.astype("datetime64[s]").astype(np.int64))

    @property
    def nbytes(self) -> int:
        """Memory of the metrics [B]."""
        sides = [side for own in self.ways.values() for way in own for side in (way.low, way.high)]
        return self.marks.nbytes + sum({id(side): side.nbytes for side in sides}.values())

    def narrowed(self, candidates: Sequence[Marked]) -> Kept:
        """Only what some thresholds can tell apart: most weather is calm, and calm is one value."""
        ways = {
            level: tuple(
                way.narrowed([one[level][number] for one in candidates])
                for number, way in enumerate(own)
            )
            for level, own in self.ways.items()
        }
        return replace(self, ways=ways).compressed()

    def compressed(self) -> Kept:
        """Without the marks at which nothing changes."""
        sides = [side for own in self.ways.values() for way in own for side in (way.low, way.high)]
        changing = np.zeros(self.marks.shape, np.bool_)
        changing[:1] = True
        for side in {id(side): side for side in sides}.values():
            changing[1:] |= side[1:] != side[:-1]
        # The end of every town holds nothing, and the begin of the next is a mark of its own.
        ends = self.marks % self.clock.stride == self.nows.size
        changing |= ends
        changing[1:] |= ends[:-1]
        ways = {
            level: tuple(_cut(way, changing) for way in own) for level, own in self.ways.items()
        }
        return replace(self, marks=self.marks[changing], ways=ways)

    def certain(self, level: Level, marks: Sequence[Mark]) -> Mask:
        """Where a level is certainly reached, at the marks."""
        ways = zip(self.ways[level], marks, strict=True)
        return np.asarray(np.any([way.low >= mark.limit for way, mark in ways], axis=0))

    def lasting(self, level: Level, marks: Sequence[Mark]) -> Mask:
        """Where a level may not be left yet, at the marks."""
        ways = zip(self.ways[level], marks, strict=True)
        return np.asarray(np.any([way.high >= mark.clearing for way, mark in ways], axis=0))

    def spells(self, found: Mask) -> Spells:
        """The spells in which something is found that is known at the marks."""
        return Spells.where(found, self.marks)


def _cut(way: Sides, rows: Mask) -> Sides:
    low = way.low[rows]
    return Sides(low=low, high=low if way.high is way.low else way.high[rows])


def sides_of(way: Criterion, seen: Climbed) -> tuple[Array, Array]:
    """What is certain and what is possible of a criterion (row, place), in steps.

    A criterion whose threshold differs from place to place is kept as whether it was met: 1 or NOTHING.
    """
    if type(way) is not Criterion:
        sure = way.sure(seen.resolution, seen.sign)
        may = way.possible(seen.resolution, seen.sign, way.limit)
        return np.where(sure, 1.0, NOTHING), np.where(may, 1.0, NOTHING)
    low, high = (_steps(side, seen) for side in (way.metric.low, way.metric.high))
    for gate in way.gates:
        low = np.where(gate.sure, low, NOTHING)
        high = np.where(gate.possible, high, NOTHING)
    return low, high


def _steps(metric: Array, seen: Climbed) -> Array:
    """A metric in whole steps, as `rules.ladder.reached` compares it; NaN reaches nothing."""
    steps = np.rint((metric if seen.sign > 0 else -metric) / seen.resolution)
    return np.clip(np.where(np.isnan(steps), NOTHING, steps), NOTHING, ANYTHING)


def mark_of(way: Criterion, seen: Climbed) -> Mark:
    """The thresholds of a criterion in steps."""
    if type(way) is not Criterion:
        return Mark(limit=1, clearing=1)
    limit, clearing = (
        int(np.rint(seen.sign * value / seen.resolution)) for value in (way.limit, way.clearing)
    )
    return Mark(limit=limit, clearing=clearing)
