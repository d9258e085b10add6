"""Cold wave (寒潮) by fall of the daily minimum, the minimum itself and wind.

Source: CMA Order No. 16 (2007) as news pages print it: blue, a fall of 8 °C within 48 hours to 4 °C or
less with wind of force 5; yellow, orange and red, falls of 10, 12 and 16 °C within 24 hours to 4, 0 and 0
°C with force 6. What has fallen already counts as well as what is to fall.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import xarray as xr

from ingest.quantities import quantity
from ingest.registry import Duration
from rules.beaufort import STEP, force_of, lowest_speed
from rules.findings import Basis, Findings, Rested
from rules.hazard import Reach, Rule, hazard
from rules.ladder import Rising, check_ladder, reached
from rules.level import LevelName
from rules.shared import values_of
from rules.sheet import Criterion, Gate, Sheet, marks_around, observed_age
from rules.spans import last_days
from rules.windows import (
    Array,
    Bounds,
    Mask,
    any_known,
    days_around,
    highest,
    lowest,
    midnights,
    whole_hours,
    zero_of,
)

TEMPERATURE, WIND = "temperature_2m", "wind_speed_10m"
LOWEST, WIND_FORCE = "lowest_temperature", "wind_force"
Hours = npt.NDArray[np.int64]
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class ColdWaveRung(Rising):
    """A fall of the daily minimum [°C] within some days, how low it must end, and the wind with it."""

    within: Duration
    """Length of the fall: 24h from one day to the next, 48h over two days."""
    lowest: float
    """Daily minimum at or below which it must end [°C]."""
    force: int
    """Force that the mean wind must reach."""

    @property
    def alike(self) -> object:
        """Falls over one day and over two are different things."""
        return self.within

    @property
    def days(self) -> int:
        """Length of the fall [d]."""
        return self.within // _DAY

    def check(self) -> None:
        """Refuse a part of a day, and a force that does not exist."""
        super().check()
        lowest_speed(self.force)
        if self.within % _DAY or not self.days:
            raise ValueError("a fall is counted from day to day; write within as 24h or 48h")


@hazard("cold_wave")
@dataclass(frozen=True, kw_only=True)
class ColdWave(Rule):
    """Fall of the daily minimum temperature at 2 m [°C] against a ladder, with its end and the wind.

    Days are Beijing days. A fall `within` 48 hours is that from the higher minimum of the two days before
    a day to the minimum of that day; the day may be today (what has fallen already) or one of the two that
    follow (what is to fall), so that the window straddles now. With 24 hours it is one day instead of two.
    That day's minimum must be at or below `lowest`, and the highest mean wind of all days of the fall at
    or above `force`.

    Minima are taken from the hours themselves, those of the past as well: so yesterday is known at
    midnight and not only once its daily value is made, and the newest forecast counts. A gap of at most
    `max_gap` is bridged; a longer one leaves the fall open in the direction it could hide.
    """

    ladder: dict[LevelName, ColdWaveRung]
    """Falls [°C] and what comes with them, hold and keep per level."""
    max_gap: Duration = timedelta(hours=2)
    """Longest run of missing hours that is bridged."""

    def __post_init__(self) -> None:
        check_ladder(self.ladder)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Temperature and mean wind."""
        return (TEMPERATURE, WIND)

    @property
    def reach(self) -> Reach:
        """The days of the longest fall on both sides of today."""
        hours = 24 * (self._days + 1)
        return Reach(hours_back=hours, hours_ahead=hours)

    @property
    def _days(self) -> int:
        return max(rung.days for rung in self.ladder.values())

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block with temperature [°C] and wind [m/s], (now, place, hour).

        Gives ``lowest_temperature``, the lowest minimum from today on [°C], and ``wind_force``, the
        highest of all days looked at.
        """
        sheet = Sheet.empty(block, quantity(TEMPERATURE).resolution)
        days = _Days.read(block, self._days, whole_hours(self.max_gap))
        ways = {level: list(days.ways(rung)) for level, rung in self.ladder.items()}
        sheet.climb(slice(None), ways)
        self._span(sheet, block, days, ways)
        for level, criteria in ways.items():
            falls = [way.metric for way in criteria]
            sheet.metrics[level] = Rested(
                low=np.max([fall.low for fall in falls], axis=0),
                high=np.max([fall.high for fall in falls], axis=0),
                limit=self.ladder[level].limit,
            )
        sheet.marks[:] = days.marks
        ages = [observed_age(block, name) for name in self.quantities]
        return sheet.findings(name, block, np.maximum(*ages), days.figures())

    def _span(
        self, sheet: Sheet, block: xr.Dataset, days: _Days, ways: dict[LevelName, list[Criterion]]
    ) -> None:
        met = np.zeros((*sheet.floor.shape, self._days + 1), bool)
        for level, criteria in ways.items():
            here = sheet.floor == level
            if here.any():
                for day, way in enumerate(criteria):
                    met[..., day] = np.where(here, way.sure(sheet.resolution, 1), met[..., day])
        last_days(sheet, block, met, days.foreseen)
        over = met[..., 0] & days.over
        coming = met[..., 1:].any(axis=-1) | (met[..., 0] & ~days.over)
        sheet.basis[:] = over * Basis.OBSERVED + coming * Basis.FORECAST


@dataclass(frozen=True, kw_only=True)
class _Days:
    """Minima and winds of the days around today, (day, now, place); today is the middle one."""

    coldest: Bounds
    """Daily minimum; `low` is the most it can be, `high` the least, as where low is dangerous [°C]."""
    wind: Bounds
    """Highest mean wind of the day [m/s]."""
    over: Mask
    """Whether today's minimum, as far as it is known, lies behind, (now, place)."""
    foreseen: Mask
    """Whether any forecast is known, (now, place)."""
    marks: npt.NDArray[np.uint8]
    """Provenance of what was read, (now, place)."""

    @classmethod
    def read(cls, block: xr.Dataset, reach: int, max_gap: int) -> _Days:
        """The days of a block, `reach` of them on either side of today."""
        temperature = values_of(block, TEMPERATURE)
        hours = days_around(block, TEMPERATURE, reach)
        cold = lowest(hours, max_gap)
        blow = highest(days_around(block, WIND, reach), max_gap)
        marks = marks_around(block, TEMPERATURE, reach) | marks_around(block, WIND, reach)
        return cls(
            coldest=cold.both(_days_first), wind=blow.both(_days_first),
            over=_so_far(hours[..., reach, :], -midnights(block)) <= cold.low[..., reach],
            foreseen=any_known(temperature[..., zero_of(block) + 1 :]), marks=marks,
        )  # fmt: skip

    def ways(self, rung: ColdWaveRung) -> Iterator[Criterion]:
        """The fall to today and to each day that follows, as far as the rung looks."""
        most, least = self.coldest.low, self.coldest.high
        today, limit = len(most) // 2, lowest_speed(rung.force)
        for day in range(today, today + rung.days + 1):
            before = slice(day - rung.days, day)
            fall = Bounds(
                low=least[before].max(axis=0) - most[day],
                high=most[before].max(axis=0) - least[day],
            )
            wind = self._strongest(slice(day - rung.days, day + 1))
            step = quantity(TEMPERATURE).resolution
            cold = Gate(
                sure=reached(-most[day], -rung.lowest, step),
                possible=reached(-least[day], -rung.lowest, step),
            )
            windy = Gate(
                sure=reached(wind.low, limit, STEP), possible=reached(wind.high, limit, STEP)
            )
            yield Criterion(
                metric=fall, limit=rung.limit, clearing=rung.clearing, gates=(cold, windy),
                window=24.0 * rung.days,
            )  # fmt: skip

    def figures(self) -> dict[str, Array]:
        """Further figures for the texts."""
        coldest = self.coldest.low[len(self.coldest.low) // 2 :].min(axis=0)
        return {
            LOWEST: np.where(np.isfinite(coldest), coldest, np.nan),
            WIND_FORCE: force_of(self._strongest(slice(None)).low),
        }

    def _strongest(self, days: slice) -> Bounds:
        return Bounds(low=self.wind.low[days].max(axis=0), high=self.wind.high[days].max(axis=0))


def _days_first(days: Array) -> Array:
    """In a piece each: what is asked of days is asked day by day, over whole rows of places."""
    return np.ascontiguousarray(np.moveaxis(days, -1, 0))


def _so_far(today: Array, phase: Hours) -> Array:
    """Lowest value of the day's hours (now, place, 24) up to one of each now; inf where none is known."""
    today = today[..., : max(int(phase.max()) + 1, 0)]
    over = np.arange(today.shape[-1]) <= phase[:, None, None]
    if not over.all():
        today = np.where(over, today, np.inf)
    lowest_yet: Array = np.fmin.reduce(today, axis=-1, initial=np.inf)
    return lowest_yet
