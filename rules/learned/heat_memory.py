"""What a place remembers of past forecasts and maxima: sums that fade, advanced once a day.

Training, scoring and the daily run all advance the same memory day by day, so nothing of the day that is
foretold, or after it, can reach a prediction. A place without a past has an empty memory, which reads as no
known error, seldom as NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rules.learned import heat_line

Array = npt.NDArray[np.float64]

MODELS = ("ifs", "aifs", "gfs", "icon", "gem")
"""The five forecast models, in the order of their rows."""
WEATHER = ("humidity", "cloud", "wind", "radiation", "rain")
"""What is known of the weather of a day that ended: mean relative humidity [%], mean cloud [%], highest wind
[km/h], sum of shortwave radiation [MJ/m²], rain [mm]; in the order of their rows."""
WARMTH = np.array([6.0, 14.0, 20.0, 25.0, 29.0, 32.0, 35.0, 38.0, 42.0])
"""Centres of the classes of warmth in which errors are remembered apart [°C]."""

_ERROR = (2.0, 5.0, 10.0, 20.0, 40.0, 120.0)
_MODEL = (7.0, 30.0)
# Series of fading sums: name -> half-life [d]. Their order is that of the rows of a memory.
FADING: dict[str, float] = {
    **{f"error_{int(days)}": days for days in _ERROR},
    "size_10": 10.0,
    "size_40": 40.0,
    **{f"error_{name}_{int(days)}": days for name in MODELS for days in _MODEL},
    **{f"size_{name}_30": 30.0 for name in MODELS},
    **{f"warmth_{row}": 200.0 for row in range(WARMTH.size)},
    "maximum_15": 15.0,
    **{f"{name}_4": 4.0 for name in WEATHER},
    "whole_celsius": 60.0,
    "whole_fahrenheit": 60.0,
}
_ROW = {name: row for row, name in enumerate(FADING)}
_FADE = 0.5 ** (1.0 / np.array(list(FADING.values())))
LATEST = ("error", "error_before", "maximum", "maximum_before", "mean", *WEATHER)
"""What is kept of the last two days as it was; NaN where unknown."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What the models say in the evening; arrays (model, place) [°C], NaN where a model is missing."""

    tomorrow: Array
    """Day-1 forecasts of tomorrow's maximum."""
    earlier: Array
    """What the runs of the evening before said of the same day: day-2 forecasts."""
    after: Array
    """Day-2 forecasts of the day after tomorrow, of the same runs as `tomorrow`."""
    date: np.datetime64
    """Date of tomorrow (``datetime64[D]``), local to the places."""

    @property
    def mean(self) -> Array:
        """Multi-model mean of tomorrow's maximum, (place,) [°C]; NaN where no model is known."""
        return mean_known(self.tomorrow)

    def part(self, places: slice) -> Outlook:
        """What is said of some places that lie side by side; nothing is copied."""
        return Outlook(
            tomorrow=self.tomorrow[:, places],
            earlier=self.earlier[:, places],
            after=self.after[:, places],
            date=self.date,
        )


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What came to be known of a day that ended."""

    maximum: Array
    """Observed maximum, (place,) [°C]; NaN where unknown."""
    weather: Array
    """Rows of `WEATHER`, (5, place); NaN where unknown."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Fading sums and latest values of some places."""

    total: Array
    """Weighted sums, (series of `FADING`, place)."""
    weight: Array
    """Their weights [d], (series of `FADING`, place)."""
    latest: Array
    """Rows of `LATEST`, (10, place); NaN where unknown."""
    sums: Array
    """What the line of each place is fitted to, (`heat_line.ROWS`, place)."""
    line: Array
    """Its weights, (term of `heat_line.TERMS`, place)."""

    def weighed(self, name: str, trust: float) -> Array:
        """Fading mean of a series, drawn to zero as if `trust` days of zero had been seen; (place,)."""
        row = _ROW[name]
        return np.asarray(self.total[row] / (self.weight[row] + trust), float)

    def mean(self, name: str) -> Array:
        """Fading mean of a series, (place,); NaN where less than a tenth of a day is left of it."""
        row = _ROW[name]
        known = self.weight[row] > 0.1
        return np.where(known, self.total[row] / np.where(known, self.weight[row], 1.0), np.nan)

    def days(self, name: str) -> Array:
        """Weight behind a series, (place,) [d]."""
        return np.asarray(self.weight[_ROW[name]], float)

    def last(self, name: str) -> Array:
        """A latest value, (place,); NaN where unknown."""
        return np.asarray(self.latest[LATEST.index(name)], float)

    def part(self, places: slice) -> Memory:
        """The memory of some places that lie side by side; nothing is copied."""
        return Memory(**{name: rows[:, places] for name, rows in vars(self).items()})

    def of(self, places: npt.NDArray[np.intp]) -> Memory:
        """The memory of some of the places; -1 stands for a place without a past."""
        new = places < 0
        return Memory(
            total=np.where(new, 0.0, self.total[:, places]),
            weight=np.where(new, 0.0, self.weight[:, places]),
            latest=np.where(new, np.nan, self.latest[:, places]),
            sums=np.where(new, 0.0, self.sums[:, places]),
            line=np.where(new, 0.0, self.line[:, places]),
        )


def mean_known(rows: Array) -> Array:
    """Mean over the first axis of what is known; NaN where nothing is."""
    known = ~np.isnan(rows)
    count = known.sum(axis=0)
    total = np.where(known, rows, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def nothing_known(places: int) -> Memory:
    """The memory of places without a past."""
    empty = np.zeros((len(FADING), places))
    return Memory(
        total=empty,
        weight=empty,
        latest=np.full((len(LATEST), places), np.nan),
        sums=np.zeros((heat_line.ROWS, places)),
        line=np.zeros((len(heat_line.TERMS), places)),
    )


def passed(memory: Memory, days: int) -> Memory:
    """The memory after days of which nothing was learned: sums fade, latest values are stale."""
    if days <= 0:
        return memory
    fade = (_FADE**days)[:, None]
    latest = np.full_like(memory.latest, np.nan)
    sums = memory.sums * heat_line.FADE**days
    return Memory(
        total=memory.total * fade,
        weight=memory.weight * fade,
        latest=latest,
        sums=sums,
        line=heat_line.fitted(sums),
    )


def advance(memory: Memory, outlook: Outlook, ended: Ended) -> Memory:
    """The memory one day on, with what the evening before said of a day and how that day ended.

    An unknown maximum or a missing model leaves its series as it was, a day more faded.
    """
    mean = outlook.mean
    fresh = np.full(memory.total.shape, np.nan)
    for name, values in _lessons(outlook, mean, ended).items():
        fresh[_ROW[name]] = values
    share = np.where(np.isnan(fresh), 0.0, 1.0)
    share[_warmth_rows()] *= _warmth_shares(mean)
    fade = _FADE[:, None]
    latest = [ended.maximum - mean, memory.last("error"), ended.maximum, memory.last("maximum"), mean]
    sums = heat_line.advanced(memory.sums, _terms(outlook), ended.maximum - mean)
    return Memory(
        total=memory.total * fade + np.nan_to_num(fresh) * share,
        weight=memory.weight * fade + share,
        latest=np.vstack([*latest, ended.weather]),
        sums=sums,
        line=heat_line.fitted(sums),
    )


def line_error(memory: Memory, outlook: Outlook) -> Array:
    """Error of the multi-model mean by the line of each place, (place,) [°C]; zero without a past."""
    return heat_line.answer(memory.line, _terms(outlook))


def warmth_error(memory: Memory, mean: Array, trust: float) -> Array:
    """Remembered error at the warmth that is foretold, (place,) [°C]; zero without a past."""
    rows, shares = _warmth_rows(), _warmth_shares(mean)
    known = memory.total[rows] / (memory.weight[rows] + trust)
    return np.asarray((known * shares).sum(axis=0), float)


def _terms(outlook: Outlook) -> Array:
    mean = outlook.mean
    return heat_line.terms(outlook.tomorrow - mean, mean, mean - mean_known(outlook.earlier))


def _warmth_rows() -> slice:
    first = _ROW["warmth_0"]
    return slice(first, first + WARMTH.size)


def _warmth_shares(mean: Array) -> Array:
    """How much each class of warmth has to do with a forecast, (class, place); rows sum to one."""
    at = np.interp(np.nan_to_num(mean), WARMTH, np.arange(WARMTH.size))
    return np.maximum(1.0 - np.abs(at[None] - np.arange(WARMTH.size)[:, None]), 0.0)


def _lessons(outlook: Outlook, mean: Array, ended: Ended) -> Mapping[str, Array]:
    """Series -> the value of this day, NaN where it teaches nothing."""
    error = ended.maximum - mean
    own = ended.maximum - outlook.tomorrow
    found = {f"error_{int(days)}": error for days in _ERROR}
    found |= {f"size_{days}": np.abs(error) for days in (10, 40)}
    for row, name in enumerate(MODELS):
        found |= {f"error_{name}_{int(days)}": own[row] for days in _MODEL}
        found[f"size_{name}_30"] = np.abs(own[row])
    found |= {f"warmth_{row}": error for row in range(WARMTH.size)}
    found |= {f"{name}_4": ended.weather[row] for row, name in enumerate(WEATHER)}
    found["maximum_15"] = ended.maximum
    found["whole_celsius"] = _whole(ended.maximum)
    found["whole_fahrenheit"] = _whole(ended.maximum * 1.8 + 32.0)
    return found


def _whole(values: Array) -> Array:
    # One decimal of a degree Celsius leaves a whole degree Fahrenheit up to 0.09 off.
    near = np.abs(values - np.rint(values)) < 0.095
    return np.where(np.isnan(values), np.nan, near.astype(float))
