"""Drought (干旱) by the meteorological drought composite index, MCI, of GB/T 20481-2017.

MCI = Ka (a SPIW60 + b MI30 + c SPI90 + d SPI150). The signal of CMA Order No. 16 (2007) is given where the
index is forecast to reach severe (orange) or extreme drought (red) in the coming week; its other criterion,
the share of crops hit, is no weather. The yellow rung of the shipped ladder, moderate drought, is ours. The
text of neither standard was seen: `rules.indices.drought` names the source of each formula and limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import xarray as xr

from ingest.registry import Duration
from rules.baseline import Baseline, calendar_day
from rules.derived import Day, Series, Towns, day_mean, derivation
from rules.findings import Basis, Findings
from rules.hazard import Reach, Rule, hazard
from rules.indices.drought import (
    INDEX_LIMITS,
    WEIGHTS_NORTH,
    WEIGHTS_SOUTH,
    mci,
    mi,
    precipitation_anomaly,
    rolling_sum,
    run_under_way,
    weighted_antecedent,
)
from rules.indices.evaporation import thornthwaite
from rules.ladder import Falling, check_ladder
from rules.level import LevelName
from rules.shared import values_of
from rules.sheet import Sheet, day_age, limits_of, plain
from rules.windows import (
    Array,
    Bounds,
    Mask,
    dates,
    ended_days,
    last_known,
    lowest,
    midnights,
    newest,
)

PARTS = ("spiw60", "mi30", "spi90", "spi150")
"""The four parts of the index, in the order of their weights."""
DROUGHT_DAYS, MCI_OBSERVED = "drought_days", "mci_observed"
ANOMALY = "precipitation_anomaly_30"
_DRIEST = "lowest_precipitation_anomaly"
RAIN, MEAN = "precipitation_day", "temperature_mean_day"
DAYS_NEEDED = 150
"""Days of rain that the longest part looks at, its own included [d]."""

_RESOLUTION = 0.01
_EVAPORATING_DAYS = 30
# The mean of a month moves by less than a degree where three of its days are left out.
_MOST_MILD = 3
# As `thornthwaite` counts them.
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_DAY_H = 24
_ALL = slice(None)

Hours = npt.NDArray[np.int64]


@derivation(ANOMALY, before={RAIN: 29}, same=(RAIN,))
def anomaly(day: Day) -> dict[str, Towns]:
    """Rain of the 30 days up to a day against the district's mean for the calendar day, PA [%]."""
    if day.baseline is None:
        return {ANOMALY: np.full(day.latitude.shape, np.nan)}
    today = int(calendar_day(np.array([day.date]))[0])
    mean = day.baseline.rain_mean_30[:, today - 1]
    return {ANOMALY: precipitation_anomaly(_sum(day, 30), mean)}


@derivation(*PARTS, before={RAIN: DAYS_NEEDED - 1, MEAN: _EVAPORATING_DAYS - 1}, same=(RAIN, MEAN))
def drought_parts(day: Day) -> dict[str, Towns]:
    """The parts of the index on one day, this day being the last of every window [1].

    Rain [mm] is the sum of 90 and of 150 days and the weighted sum of 61, standardised by the district's
    baseline for the calendar day; against evaporation it is the sum of 30 days. One missing day of rain makes
    every part that needs it NaN: the day could have held all the rain there was. Of the 30 mean temperatures
    [°C] three may be missing. Without a baseline everything is NaN.
    """
    baseline = day.baseline
    if baseline is None:
        return {name: np.full(day.latitude.shape, np.nan) for name in PARTS}
    today = int(calendar_day(np.array([day.date]))[0])
    weighted = weighted_antecedent(_last(day, RAIN, 61), days=60, alpha=baseline.alpha)[:, -1]
    need = evaporation(_last(day, MEAN, _EVAPORATING_DAYS), day, baseline)
    return {
        "spiw60": baseline.standardised("wap_60", weighted, today),
        "mi30": mi(_sum(day, 30), need),
        "spi90": baseline.standardised("rain_90", _sum(day, 90), today),
        "spi150": baseline.standardised("rain_150", _sum(day, 150), today),
    }


def evaporation(means: Series, day: Day, baseline: Baseline) -> Towns:
    """Potential evapotranspiration of the 30 days up to a day, by Thornthwaite [mm].

    The standard allows Thornthwaite or Penman-Monteith, and the archive holds no net radiation. The formula
    gives the evaporation of a calendar month at the mean temperature of the 30 days, `means` (place, 30)
    [°C]; each of the 30 days takes its share of its own month, so that a window that is a month of 30 days
    gives just the formula. The heat index comes from the monthly normals of the baseline.
    """
    mean = day_mean(means, _MOST_MILD)
    year = np.repeat(mean[:, np.newaxis], 12, axis=-1)
    monthly = thornthwaite(year, day.latitude, normals=baseline.temperature_normals)
    dates = day.date - np.arange(_EVAPORATING_DAYS)
    share = np.bincount(_month_index(dates), minlength=12) / _MONTH_DAYS
    total: Towns = (monthly * share).sum(axis=-1)
    return total


@dataclass(frozen=True, kw_only=True)
class DroughtRung(Falling):
    """A value of the index, and how soon it must be foretold."""

    within_days: int = 7
    """Days of forecast looked at, the day under way being the first; 0 for the observed index alone [d]."""

    def check(self) -> None:
        """Refuse a window that lies in the past."""
        super().check()
        if self.within_days < 0:
            raise ValueError("within_days counts days to come; write 0 or more")


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights a, b, c, d of SPIW60, MI30, SPI90 and SPI150, by season."""

    summer: tuple[float, float, float, float] = WEIGHTS_SOUTH
    """From `summer_months`."""
    winter: tuple[float, float, float, float] = WEIGHTS_NORTH
    """From all other months."""
    summer_months: tuple[int, ...] = (4, 5, 6, 7, 8, 9, 10)
    """Months of the summer weights, 1 to 12."""

    def __post_init__(self) -> None:
        if not set(self.summer_months) <= set(range(1, 13)):
            raise ValueError("summer_months: months are 1 to 12")
        if min(*self.summer, *self.winter) < 0.0:
            raise ValueError("summer: more rain is never more drought; write weights of 0 or more")

    def by_month(self) -> Array:
        """The weights of each calendar month, (12, 4)."""
        summer = np.isin(np.arange(1, 13), self.summer_months)
        return np.where(summer[:, None], np.array(self.summer), np.array(self.winter))


@hazard("drought")
@dataclass(frozen=True, kw_only=True)
class Drought(Rule):
    """The lowest composite index of the newest observed day and of the days to come [1]; low is dangerous.

    The newest observed index says how dry it is and may be at most `oldest` old; it stands for the days after
    it as it was. Without it, or with a gap of more than `max_gap` in the forecast, the index may be anything:
    what is certain stands, the rest is UNKNOWN, never calm. Everything is UNKNOWN where no baseline was
    fitted. At Chongqing (2014-2019 and 2022) an index at or below -0.5 fell by 0.3 or less on 99 of 100 days
    and never by more than 0.61, so that a bridged day hides little more than one level.
    """

    ladder: dict[LevelName, DroughtRung]
    """Index, hold and keep per level."""
    ka: tuple[
        float, float, float, float, float, float, float, float, float, float, float, float
    ] = (1.0,) * 12
    """Seasonal factor of each month, from the water need of the main crop."""
    weights: Weights = field(default_factory=Weights)
    """Weights of the four parts."""
    oldest: Duration = timedelta(days=2)
    """Age up to which an observed index still says how dry it is."""
    max_gap: Duration = timedelta(days=1)
    """Longest run of days without a forecast that is bridged."""
    start_after: int = 10
    """A process starts with so many days in a row of light drought or worse [d]."""
    end_after: int = 10
    """It ends after so many days in a row without drought [d]."""
    days_back: int = 60
    """Days looked back for a process; one that began earlier is told as so long [d]."""

    def __post_init__(self) -> None:
        check_ladder(self.ladder)
        if min(self.ka) < 0.0:
            raise ValueError("ka: a crop that needs no water has 0; write 0 or more")
        if self.oldest < timedelta(days=1):
            raise ValueError("oldest: a day must end before it is observed; write 1d or more")
        if min(self.start_after, self.end_after) < 1 or self.days_back < self.oldest.days:
            raise ValueError("days_back: look back over the days that start and end a process")

    @property
    def quantities(self) -> tuple[str, ...]:
        """The four parts of the index, and the rain anomaly for the texts."""
        return (*PARTS, ANOMALY)

    @property
    def reach(self) -> Reach:
        """The days of a process, and the days of the longest look ahead."""
        ahead = max(rung.within_days for rung in self.ladder.values())
        return Reach(days_back=self.days_back, days_ahead=ahead)

    @property
    def falling(self) -> bool:
        """Low values are the dangerous ones."""
        return True

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block with the four parts (now, place, day) [1]."""
        sheet = Sheet.empty(block, _RESOLUTION, falling=True)
        parts = [values_of(block, name) for name in PARTS]
        months, past = _months(block), ended_days(block)
        used = slice(max(0, past - self.oldest.days), past + self.reach.days_ahead)
        index = self._index([part[..., used] for part in parts], months[:, np.newaxis, used])
        recent = index[..., : past - used.start]
        state = last_known(recent)
        outlook = np.concatenate([state[..., np.newaxis], index[..., past - used.start :]], axis=-1)
        sky = {
            level: plain(rung, self._metric(outlook, rung.within_days))
            for level, rung in self.ladder.items()
        }
        sheet.climb(_ALL, sky)
        self._span(sheet, outlook, midnights(block)[:, np.newaxis])
        sheet.mark(_ALL, *(values_of(block, f"flags_{part}")[..., used] for part in PARTS))
        days = self._process(parts, months, sheet.floor > 0, past)
        driest = {_DRIEST: newest(block, ANOMALY)} if ANOMALY in block else {}
        extra = {DROUGHT_DAYS: days, MCI_OBSERVED: state, **driest}
        return sheet.findings(name, block, day_age(recent, block), extra)

    def _index(self, parts: Sequence[Array], months: npt.NDArray[np.int64]) -> Array:
        """MCI in steps of 0.01 [1] of parts (..., day) in months that broadcast; NaN where one is missing."""
        weights = self.weights.by_month().T[:, months]
        index = mci(*parts, ka=np.array(self.ka)[months], weights=weights)
        return np.round(index, 2, out=index)

    def _metric(self, outlook: Array, within: int) -> Bounds:
        state = outlook[..., 0]
        ahead = lowest(outlook[..., 1 : 1 + within], self.max_gap.days) if within else None
        low = np.where(np.isnan(state), np.inf, state)
        high = np.where(np.isnan(state), -np.inf, state)
        if ahead is None:
            return Bounds(low=low, high=high)
        return Bounds(low=np.minimum(low, ahead.low), high=np.minimum(high, ahead.high))

    def _span(self, sheet: Sheet, outlook: Array, midnight: Hours) -> None:
        """From the first day at the level of the floor to the end of the last that is foretold at it."""
        limits = limits_of(self.ladder, -np.inf)
        meets = np.rint(outlook / _RESOLUTION) <= np.rint(limits[sheet.floor] / _RESOLUTION)[..., None]
        observed, ahead = meets[..., 0], meets[..., 1:]
        begun, foretold = sheet.floor > 0, ahead.any(axis=-1)
        days = np.arange(ahead.shape[-1])
        first = np.where(ahead, days, days.size).min(axis=-1, initial=days.size)
        last = np.where(ahead, days, -1).max(axis=-1, initial=-1)
        start = np.maximum(midnight + _DAY_H * first, 0)
        sheet.onset_h[:] = np.where(begun, np.where(observed, 0, start), -1)
        sheet.expires_h[:] = np.where(begun & foretold, midnight + _DAY_H * (last + 1), -1)
        basis = observed * Basis.OBSERVED + foretold * Basis.FORECAST
        sheet.basis[:] = np.where(begun, basis, Basis.NOTHING)

    def _process(
        self, parts: Sequence[Array], months: npt.NDArray[np.int64], warned: Mask, past: int
    ) -> Array:
        """Days since the drought under way began [d]; 0 where none is, NaN where there is no warning."""
        days = np.full(warned.shape, np.nan)
        if warned.any():
            # Whole rows of places are copied, of the nows between the first warning and the last.
            nows = np.flatnonzero(warned.any(axis=1))
            between, places = slice(nows[0], nows[-1] + 1), np.flatnonzero(warned.any(axis=0))
            by_day = [np.moveaxis(part, -1, 1)[between, :past] for part in parts]
            if places.size < warned.shape[1]:
                by_day = [part.take(places, axis=-1) for part in by_day]
            index = np.moveaxis(self._index(by_day, months[between, :past, np.newaxis]), 1, 0)
            limit = INDEX_LIMITS[0]
            days[between, places] = run_under_way(
                index <= limit, index > limit, start_after=self.start_after, end_after=self.end_after
            )
            days[~warned] = np.nan
        return days


def _last(day: Day, name: str, length: int) -> Series:
    """The last days of a quantity up to this one, (place, length); NaN before the first that is held."""
    days = np.column_stack([day.before[name], day.same[name]])[:, -length:]
    return np.pad(days, ((0, 0), (length - days.shape[-1], 0)), constant_values=np.nan)


def _sum(day: Day, length: int) -> Towns:
    return rolling_sum(_last(day, RAIN, length), length)[:, -1]


def _month_index(dates: npt.NDArray[np.datetime64]) -> npt.NDArray[np.int64]:
    index: npt.NDArray[np.int64] = dates.astype("datetime64[M]").astype(np.int64) % 12
    return index


def _months(block: xr.Dataset) -> npt.NDArray[np.int64]:
    """Month of every day of every now, (now, day), 0 to 11."""
    days = dates(block)[:, np.newaxis] + values_of(block, "day")
    return _month_index(days.astype("datetime64[D]"))
