"""The course an alert would have taken: levels per town over time, exactly as a tick after a tick gives them.

A level of a town is set where it has been certain for its `hold` or a higher one is set, and stays until it
has been impossible for its `keep`, the lowest one also for the tail: `alerts.event.lifecycle`, of which this
is the same for all nows at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np

from ingest.times import Instants
from pipeline.tune.kept import Kept, Marked
from pipeline.tune.spells import Marks, Spells, merged
from pipeline.verify.matching import Warned
from rules.ladder import Rung
from rules.level import Level


@dataclass(frozen=True, kw_only=True)
class Step:
    """A moment at which the levels of towns changed."""

    at: datetime
    """The now."""
    before: Level
    """Highest level of the district before."""
    after: Level
    """Highest level after."""
    places: Mapping[str, Level]
    """Town -> level after; towns without one are left out."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """Levels of every town over a period."""

    nows: Instants
    """The moments judged, (now,)."""
    places: tuple[str, ...]
    """Town codes."""
    towns: Mapping[Level, Spells]
    """Level -> when towns stood at it or above, on the line of `spells`; the levels of the ladder, each."""

    @cached_property
    def district(self) -> dict[Level, Spells]:
        """Level -> when the highest level of the district was it or above, as indices of nows."""
        stride = self.nows.size + 1
        return {
            level: merged(spells.first % stride, (spells.end - 1) % stride + 1)
            for level, spells in self.towns.items()
        }

    @cached_property
    def changes(self) -> tuple[tuple[int, Level, Level], ...]:
        """(index of the now, level before, level after) of every change of the district's level."""
        # On the line of the district, which is the line of one town.
        moments = self._edges(self.district)
        levels = _levels(self.district, moments)
        before = np.concatenate([np.zeros(1, np.int64), levels])[:-1]
        told = zip(moments.tolist(), before.tolist(), levels.tolist(), strict=True)
        return tuple((now, Level(was), Level(after)) for now, was, after in told if was != after)

    def steps(self) -> Iterator[Step]:
        """Every change of the level of a town, in order."""
        moments = np.unique(self._edges(self.towns) % self._stride)
        moments = moments[moments < self.nows.size]
        before = dict.fromkeys(self.places, Level.NONE)
        for now in moments.tolist():
            at = np.arange(len(self.places)) * self._stride + now
            levels = (Level(level) for level in _levels(self.towns, at).tolist())
            after = dict(zip(self.places, levels, strict=True))
            yield Step(
                at=_moment(self.nows[now]),
                before=max(before.values()),
                after=max(after.values()),
                places={place: level for place, level in after.items() if level},
            )
            before = after

    def warned(self, hazard: str) -> tuple[Warned, ...]:
        """The alerts it made, in order, as verification matches them with events."""
        found = []
        steps: list[tuple[int, Level]] = []
        for now, _, after in self.changes:
            steps.append((now, after))
            if after is Level.NONE:
                found.append(self._warned(hazard, steps))
                steps = []
        return (*found, self._warned(hazard, steps)) if steps else tuple(found)

    def _warned(self, hazard: str, steps: list[tuple[int, Level]]) -> Warned:
        ended = steps[-1][1] is Level.NONE
        last = steps[-1][0] if ended else self.nows.size
        towns = self._named(steps[0][0], last)
        times = tuple((_moment(self.nows[now]), level) for now, level in steps)
        began = times[0][0]
        return Warned(
            alert=f"{hazard}-{began:%Y%m%dT%H%M%SZ}",
            hazard=hazard,
            level=max(level for _, level in steps),
            began=began,
            ended=times[-1][0] if ended else None,
            places=frozenset(towns),
            steps=times,
            towns=towns,
        )

    def _named(self, first: int, end: int) -> dict[str, Level]:
        """Highest level of each town that had one between two nows."""
        towns = np.arange(len(self.places)) * self._stride
        highest = np.zeros(towns.shape, np.int64)
        for level in sorted(self.towns):
            spells = self.towns[level]
            begun = np.searchsorted(spells.first, towns + end, side="left")
            over = np.searchsorted(spells.end, towns + first, side="right")
            highest[begun > over] = level
        return {self.places[row]: Level(int(highest[row])) for row in np.flatnonzero(highest)}

    @property
    def _stride(self) -> int:
        return self.nows.size + 1

    def _edges(self, spells: Mapping[Level, Spells]) -> Marks:
        every = [edge for own in spells.values() for edge in (own.first, own.end)]
        moments = np.unique(np.concatenate(every))
        return moments[moments % self._stride < self.nows.size]


def _levels(spells: Mapping[Level, Spells], places: Marks) -> Marks:
    """The highest level whose spells hold each place."""
    levels = np.zeros(places.shape, np.int64)
    for level in sorted(spells):
        levels[spells[level].at(places)] = level
    return levels


def course(
    kept: Kept, marked: Marked, ladder: Mapping[Level, Rung], tail: timedelta = timedelta(0)
) -> Course:
    """What alerts would have done with other thresholds, hold and keep.

    Parameters
    ----------
    kept : Kept
        Metrics of the shape of the ladder (see `shapes`): its windows and further conditions.
    marked
        The thresholds of its ways.
    ladder
        Hold and keep of each level.
    tail : timedelta
        How long after the lowest level was last possible the all-clear comes at the earliest.
    """
    clock = kept.clock
    certain = lasting = np.zeros(kept.marks.shape, np.bool_)
    above, towns = Spells.none(), {}
    for level in sorted(ladder, reverse=True):
        rung = ladder[level]
        certain = certain | kept.certain(level, marked[level])
        lasting = lasting | kept.lasting(level, marked[level])
        risen = clock.held(kept.spells(certain), whole_seconds(rung.hold))
        keep = rung.keep if level > min(ladder) else max(rung.keep, tail)
        above = clock.kept(risen | above, kept.spells(lasting), whole_seconds(keep))
        towns[level] = above
    return Course(nows=kept.nows, places=kept.places, towns=towns)


def whole_seconds(span: timedelta) -> int:
    """The least number of whole seconds that is not less than a length of time: nows are whole seconds."""
    return -(-span // timedelta(seconds=1))


def _moment(now: np.datetime64) -> datetime:
    """The aware datetime of a now, to the microsecond."""
    moment: datetime = now.astype("datetime64[us]").item()
    return moment.replace(tzinfo=UTC)
