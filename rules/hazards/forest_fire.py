"""Forest fire danger (森林火险) by the Canadian Fire Weather Index and Chongqing's rule of days in a row.

The index is that of `rules.hazards.fire_weather`. Real warnings of Chongqing say "level 4 and
above on 3 days running, and it is forecast to go on" (orange, Dazu, 2020-08-04) and "5 days running, and for
the next 2 days" (red, Rongchang, 2019-08-16). The five levels are those of QX/T 77-2007 by name; which value
of the index makes which of them is the configuration's, because the text of GB/T 36743 was not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import xarray as xr

from ingest.quantities import quantity
from rules.findings import Basis, Findings
from rules.hazard import Reach, Rule, hazard
from rules.hazards.fire_weather import CARRY_DAYS
from rules.ladder import Rising, check_ladder, reached
from rules.level import Level, LevelName
from rules.shared import values_of
from rules.sheet import Cells, Sheet, day_age, limits_of, plain
from rules.windows import (
    Array,
    Bounds,
    Mask,
    Rows,
    ended_days,
    midnights,
    newest,
    since,
    zero_of,
)

FWI, DROUGHT_CODE, HOT_SPOTS = "fwi", "dc", "fire_hot_spots"
HIGHEST = 5
"""Levels are 1 (low) to 5 (extreme)."""
FIRE_DAY = 4
"""Level from which a day counts in `fire_days`: 高火险."""

_NOON = quantity(FWI).day_ends
_DAY_H, _HOUR_S = 24, 3_600
# So much further than the rungs look, so that a danger that goes on has no end invented for it.
_BEYOND = 2
# Days before today that are counted for the texts.
_LONGEST_TOLD = 30

Hours = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class FireRung(Rising):
    """A danger level, 1 to 5, and on how many days in a row."""

    days: int = 1
    """Days in a row up to today, today included, that must be at the level."""
    ahead: int = 0
    """Days after today that must be forecast at the level as well."""

    def check(self) -> None:
        """Refuse a level that does not exist and a run of no days."""
        super().check()
        if self.at_least not in range(1, HIGHEST + 1):
            raise ValueError(f"at_least is {self.at_least:g}; write a danger level, 1 to {HIGHEST}")
        if self.days < 1 or self.ahead < 0:
            raise ValueError("days counts today, so write 1 or more; and for ahead 0 or more")


@hazard("forest_fire")
@dataclass(frozen=True, kw_only=True)
class ForestFire(Rule):
    """Fire danger level of today, and of the days before and after it, against a ladder.

    Today is the Beijing date of now: its noon is forecast until 13:00 and observed from then on, so a run of
    days counts today from midnight on. The metric of a rung is the lowest level of its days. A day without an
    index may be at any level. Hot spots that satellites saw in the last 24 hours raise today's level; where
    nothing was said of them, nothing is known to burn and nothing is in doubt.
    """

    ladder: dict[LevelName, FireRung]
    """Danger level, days in a row, hold and keep per level."""
    classes: tuple[float, float, float, float]
    """Index from which the danger is of level 2, 3, 4 and 5."""
    hot_spot_lift: int = 1
    """Levels that today gains where a satellite saw a fire in the last 24 hours."""
    settled_after: int = 50
    """Days after a start of the codes for which the texts tell of it [d]; the drought code is slow."""

    def __post_init__(self) -> None:
        check_ladder(self.ladder)
        if any(upper <= lower for lower, upper in pairwise((0.0, *self.classes))):
            raise ValueError("classes: the four limits must rise from above 0; put them in order")
        if self.hot_spot_lift < 0:
            raise ValueError("hot_spot_lift: fire lowers no danger; write 0 or more")
        if self.settled_after < 0:
            raise ValueError("settled_after: days are 0 or more; correct it")

    @property
    def quantities(self) -> tuple[str, ...]:
        """The index, the slowest of its codes, and what satellites saw."""
        return (FWI, DROUGHT_CODE, HOT_SPOTS)

    @property
    def reach(self) -> Reach:
        """The days of the longest run, and those that a start of the codes is told for."""
        ahead = max(rung.ahead for rung in self.ladder.values())
        return Reach(hours_back=_DAY_H, days_back=self._days_back, days_ahead=ahead + 1 + _BEYOND)

    @property
    def _days_back(self) -> int:
        # A start is told from a gap by the days without codes before it.
        longest = max(rung.days for rung in self.ladder.values())
        return max(longest, self.settled_after + CARRY_DAYS if self.settled_after else 0)

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block with ``fwi`` and ``dc`` (now, place, day)."""
        sheet = Sheet.empty(block, 1.0)
        past, longest = ended_days(block), max(rung.days for rung in self.ladder.values())
        index = values_of(block, FWI)[..., past - longest :]
        flags = values_of(block, f"flags_{FWI}")[..., past - longest :]
        days, spots = self._levels(index), _hot_spots(block)
        shown = {FWI: np.full(spots.shape, np.nan), "fire_days": np.full(spots.shape, np.nan)}
        for rows, offset in _halves(block):
            today = longest + offset
            lifted = self._lifted(days, rows, today, spots[rows])
            sky = {
                level: plain(rung, _lowest(lifted, rung, today)) for level, rung in self.ladder.items()
            }
            sheet.climb(rows, sky)
            self._span(sheet, rows, lifted.low[..., today:], (midnights(block) + _DAY_H)[rows])
            self._origin(sheet, rows, offset)
            sheet.mark(rows, flags[rows][..., self._window(today)])
            shown[FWI][rows] = index[rows][..., today]
            shown["fire_days"][rows] = self._fire_days(block, rows, offset, lifted.low[..., today])
        extra = {**shown, DROUGHT_CODE: newest(block, DROUGHT_CODE), "hot_spots": spots}
        age = day_age(values_of(block, FWI)[..., :past], block, _NOON)
        return sheet.findings(name, block, age, extra | {"fire_code_days": self._fresh(block)})

    def _levels(self, index: Array) -> Bounds:
        """Danger level of each day (now, place, day): -inf to 5 where the index is missing."""
        level = np.ones_like(index)
        steps = np.rint(index / quantity(FWI).resolution)
        for limit in self.classes:
            level += steps >= np.rint(limit / quantity(FWI).resolution)
        missing = np.isnan(index)
        if not missing.any():
            return Bounds(low=level, high=level)
        return Bounds(low=np.where(missing, -np.inf, level), high=np.where(missing, HIGHEST, level))

    def _lifted(self, days: Bounds, rows: Rows, today: int, spots: Array) -> Bounds:
        """The days of some nows, with what the hot spots add to today."""
        lift = np.where(spots > 0.0, self.hot_spot_lift, 0)
        if not lift.any():
            return days[rows]

        def lifted(level: Array) -> Array:
            level = level.copy(order="K")
            level[..., today] = np.minimum(level[..., today] + lift, HIGHEST)
            return level

        return days[rows].both(lifted)

    def _fire_days(self, block: xr.Dataset, rows: Rows, offset: int, level: Array) -> Array:
        """Days in a row up to today, whose level is given, at `FIRE_DAY` or above [d]."""
        stop = ended_days(block) + offset
        days = np.zeros(level.shape)
        found = Cells.where(level >= FIRE_DAY, rows)
        index = values_of(block, FWI)[..., max(0, stop - _LONGEST_TOLD) : stop]
        before = index[(*found.at, slice(None, None, -1))]
        danger = reached(before, self.classes[FIRE_DAY - 2], quantity(FWI).resolution)
        days[found.row, found.place] = 1.0 + _run_from(danger)
        return days

    def _window(self, today: int) -> slice:
        back = max(rung.days for rung in self.ladder.values())
        ahead = max(rung.ahead for rung in self.ladder.values())
        return slice(today - back + 1, today + ahead + 1)

    def _span(self, sheet: Sheet, rows: Rows, low: Array, midnight: Hours) -> None:
        """From now to the end of the last Beijing day, from today on, that is at the level of the floor."""
        cells = sheet.begun(rows)
        limits = limits_of(self.ladder)
        ahead = cells.of(low)
        days = _run_from(ahead >= limits[sheet.floor[cells.at]][:, None])
        foreseen = np.isfinite(ahead[:, 1:]).any(axis=-1)
        sheet.onset_h[cells.at] = 0
        ends = midnight[cells.row] + _DAY_H * (days - 1)
        sheet.expires_h[cells.at] = np.where(foreseen, ends, -1)

    def _origin(self, sheet: Sheet, rows: Rows, offset: int) -> None:
        """Whether the days of the floor's rung had ended; `offset` is that of today, 0 or -1."""
        bits = np.zeros(len(Level), np.int8)
        for level, rung in self.ladder.items():
            observed, foretold = offset - rung.days < -1, offset + rung.ahead >= 0
            bits[level] = observed * Basis.OBSERVED + foretold * Basis.FORECAST
        sheet.basis[rows] = bits[sheet.floor[rows]]

    def _fresh(self, block: xr.Dataset) -> Array:
        """Days since the codes were started, (now, place) [d]; NaN where that is long ago."""
        known = np.isfinite(values_of(block, DROUGHT_CODE)[..., : ended_days(block)])
        known = known[..., -self._days_back :]
        if known.all():
            return np.full(known.shape[:-1], np.nan)
        told = np.moveaxis(known, -1, 0)
        column = np.arange(len(told), dtype=np.int16)[:, None, None]
        newest_told = np.maximum.accumulate(np.where(told, column, np.int16(-1)), axis=0)
        # A start is a day with codes after a gap; before the first day nothing is known to be missing.
        first = told & (column > CARRY_DAYS - 1)
        first[1:] &= column[1:] - newest_told[:-1] > CARRY_DAYS
        start = np.where(first, column, np.int16(-1)).max(axis=0)
        days = (len(told) - start).astype(np.float64)
        return np.where((start >= 0) & (days <= self.settled_after), days, np.nan)


def _halves(block: xr.Dataset) -> Iterator[tuple[Rows, int]]:
    """The nows before and after noon, and the place of today's noon on the day axis: 0 and -1."""
    morning = since(block, 0) < _NOON * _HOUR_S
    for half, offset in ((morning, 0), (~morning, -1)):
        if half.all():
            yield slice(None), offset
        elif half.any():
            yield np.flatnonzero(half), offset


def _lowest(days: Bounds, rung: FireRung, today: int) -> Bounds:
    window = slice(today - rung.days + 1, today + rung.ahead + 1)
    return days.both(lambda level: level[..., window].min(axis=-1))


def _run_from(hits: Mask) -> Hours:
    """How many hits in a row the last axis begins with."""
    count: Hours = np.logical_and.accumulate(hits, axis=-1).sum(axis=-1)
    return count


def _hot_spots(block: xr.Dataset) -> Array:
    """Detections of the last 24 hours, (now, place); NaN where nothing was said of any hour."""
    now = zero_of(block)
    counts = values_of(block, HOT_SPOTS)[..., max(0, now - _DAY_H + 1) : now + 1]
    known = ~np.isnan(counts)
    return np.where(known.any(axis=-1), np.where(known, counts, 0.0).sum(axis=-1), np.nan)
