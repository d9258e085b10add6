"""Rain sums in exact tenths of a millimetre, and the national grade words.

Gauges report 0.1 mm and thresholds are met by equality, so a sum in binary fractions misplaces levels: sums
are kept in integers, and a result divided by ten once is the double nearest to the decimal amount.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Tenths = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

MAX_TENTHS = 100_000
"""No gauge counts as much in one time step (10 m of water) [0.1 mm]; more is a damaged value."""
MAX_STEPS = 20_000
"""Longest window whose sum is sure to fit 32 bits."""

# Elements of a block that stays in the cache while it is doubled.
_BLOCK = 32_768


def tenths(pr: npt.ArrayLike) -> tuple[Tenths, Mask]:
    """Amounts [mm] as whole tenths, and where they are missing; both of the shape of `pr`.

    An amount is rounded to the nearest tenth. NaN, infinity, less than zero after rounding and more than
    ``MAX_TENTHS`` are missing, and 0 in the tenths.
    """
    scaled = np.atleast_1d(np.asarray(pr, dtype=np.float64) * 10.0)
    np.rint(scaled, out=scaled)
    missing = ~((scaled >= 0.0) & (scaled <= MAX_TENTHS))
    if missing.any():
        scaled[missing] = 0.0
    shape = np.shape(pr)
    return scaled.astype(np.int32).reshape(shape), missing.reshape(shape)


def window_sum(pr_hourly: npt.ArrayLike, hours: int) -> Array:
    """Rain of the `hours` hours that end with each hour [mm], exact to the tenth.

    Parameters
    ----------
    pr_hourly : array (..., hour), rain of each hour [mm]
    hours : int
        Length of the window, 1..``MAX_STEPS`` [h].

    Returns array (..., hour): NaN where the window is not full or holds a missing hour (see `tenths`).
    ValueError names hours or pr_hourly.
    """
    series = np.asarray(pr_hourly, dtype=np.float64)
    if series.ndim == 0:
        raise ValueError("pr_hourly: a single number, expected time on the last axis")
    whole, missing = tenths(series)
    out = window_sum_tenths(whole, hours) / 10.0
    out[..., : hours - 1] = np.nan
    if missing.any():
        out[_window_any(missing, hours)] = np.nan
    return out


def running_totals(
    steps: npt.NDArray[np.generic], dtype: type[np.int32] | type[np.float32] = np.int32
) -> npt.NDArray[Any]:
    """Total before each step and after the last, along the first axis: (step + 1, ...).

    A window is the difference of two totals, so that several lengths cost one pass. Row by row this is ten
    times as fast as a cumulative sum where rows are long. Whole numbers stay exact: int32 always, float32
    below 2^24.
    """
    totals = np.zeros((len(steps) + 1, *steps.shape[1:]), dtype=dtype)
    for index, amount in enumerate(steps):
        np.add(totals[index], amount, out=totals[index + 1])
    return totals


def window_sum_tenths(tenths: Tenths, hours: int, axis: int = -1) -> Tenths:
    """Sum of the `hours` steps that end with each step, in integers, along `axis`.

    Parameters
    ----------
    tenths : int32 array, each within 0..``MAX_TENTHS`` [0.1 mm]
    hours : int
        Length of the window in steps, 1..``MAX_STEPS``.
    axis : int
        The time axis; the last is the fastest.

    Returns an int32 array of the same shape. The first ``hours - 1`` sums hold the steps there are: integers
    know no NaN, so the caller says what they mean. ValueError names hours.
    """
    if not 1 <= hours <= MAX_STEPS:
        raise ValueError(f"hours: {hours} is outside 1..{MAX_STEPS}")
    series = np.ascontiguousarray(np.moveaxis(np.asarray(tenths, dtype=np.int32), axis, -1))
    out = np.empty_like(series)
    steps = max(series.shape[-1], 1)
    rows, sums = series.reshape(-1, steps), out.reshape(-1, steps)
    count = max(1, _BLOCK // steps)
    for first in range(0, len(rows), count):
        _doubled(rows[first : first + count], hours, sums[first : first + count])
    return np.moveaxis(out, -1, axis)


def _doubled(rows: Tenths, hours: int, out: Tenths) -> None:
    """Fill `out` with window sums: windows of 1, 2, 4.. steps, those that `hours` is made of laid in line."""
    out[...] = 0
    block, size, laid = rows, 1, 0
    while True:
        if hours & size:
            _add_shifted(out, block, laid)
            laid += size
        if laid == hours:
            return
        longer = block.copy()
        _add_shifted(longer, block, size)
        block, size = longer, size * 2


def _add_shifted(total: Tenths, part: Tenths, steps: int) -> None:
    """Add to each element the one `steps` before it on the last axis, where there is one."""
    if steps < total.shape[-1]:
        total[..., steps:] += part[..., : total.shape[-1] - steps]


def _window_any(mask: Mask, hours: int) -> Mask:
    """Whether any of the last `hours` steps is set, along the last axis."""
    seen, span, hours = mask.copy(), 1, min(hours, mask.shape[-1])
    while span < hours:
        more = min(span, hours - span)
        seen[..., more:] |= seen[..., :-more]
        span += more
    return seen


@dataclass(frozen=True, kw_only=True)
class Grade:
    """One grade of rain by its amount, 降水量等级."""

    zh: str
    """The word of the standard."""
    en: str
    """In English."""
    from_12h: float
    """Least amount of 12 hours [mm], itself within the grade."""
    from_24h: float
    """Least amount of 24 hours [mm], itself within the grade."""


GRADES: tuple[Grade, ...] = (
    Grade(zh="微量", en="trace", from_12h=0.0, from_24h=0.0),
    Grade(zh="小雨", en="light rain", from_12h=0.1, from_24h=0.1),
    Grade(zh="中雨", en="moderate rain", from_12h=5.0, from_24h=10.0),
    Grade(zh="大雨", en="heavy rain", from_12h=15.0, from_24h=25.0),
    Grade(zh="暴雨", en="rainstorm", from_12h=30.0, from_24h=50.0),
    Grade(zh="大暴雨", en="severe rainstorm", from_12h=70.0, from_24h=100.0),
    Grade(zh="特大暴雨", en="extreme rainstorm", from_12h=140.0, from_24h=250.0),
)
"""GB/T 28592-2012 降水量等级, from secondary sources; of the 12-hour amounts those below 30 mm and the upper
bound of a trace are unverified. The first grade holds dry weather too."""


def grade(amount: npt.ArrayLike, hours: int) -> npt.NDArray[np.int8]:
    """Index into ``GRADES`` of an amount of 12 or 24 hours [mm]; -1 where it is missing.

    `amount` is an array of any shape, rounded to whole tenths first (see `tenths`); the result has its
    shape. An amount exactly on a bound belongs to the higher grade. ValueError if hours is not 12 or 24.
    """
    if hours not in (12, 24):
        raise ValueError(f"hours: {hours} is not 12 or 24, for which grades are defined")
    bounds = [row.from_12h if hours == 12 else row.from_24h for row in GRADES]
    whole, missing = tenths(amount)
    place = np.searchsorted(tenths(bounds)[0], whole, side="right") - 1
    return np.where(missing, -1, place).astype(np.int8)
