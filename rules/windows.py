"""Windows over the hours of a block, three-valued: what is certain, and what is still possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from types import EllipsisType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from ingest.times import BEIJING_OFFSET_H, Instants
from rules.shared import once, values_of

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)
# Where halving pays: measured with 21 places.
_BLOCK_DIMS, _MANY_PLACES, _MANY_HOURS = 3, 512, 16
Rows = slice | npt.NDArray[np.intp]
"""Some nows of a block, as an index."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """A metric between what is certain and what is possible; equal where nothing is missing.

    Where low values are the dangerous ones, the signs of the infinities are the other way round.
    """

    low: Array
    """Value from the hours that are known; -inf where none is."""
    high: Array
    """The same, or +inf where a gap could hide more."""

    @property
    def settled(self) -> bool:
        """Whether nothing is missing: both sides are one array, and what is done to one is done."""
        return self.high is self.low

    def most(self, sign: int) -> float:
        """The farthest of what is possible in the direction of `sign`; NaN where one of it is NaN."""
        return self._ends[0 if sign > 0 else 1]

    @cached_property
    def _ends(self) -> tuple[float, float]:
        if not self.high.size:
            return -np.inf, np.inf
        return float(self.high.max()), float(self.high.min())

    def __neg__(self) -> Bounds:
        return self.both(np.negative)

    def __getitem__(self, part: Rows | tuple[EllipsisType, int]) -> Bounds:
        return self.both(lambda side: side[part])

    def both(self, change: Callable[[Array], Array]) -> Bounds:
        """The same change on either side."""
        low = change(self.low)
        return Bounds(low=low, high=low if self.settled else change(self.high))


@dataclass(frozen=True, kw_only=True, eq=False)
class Stretch:
    """The nows of a block whose as_of lags equally."""

    rows: Rows
    """Their places along the now dimension: a slice where it is all of them."""
    lag: int
    """Whole hours from as_of to now."""
    zero: int
    """Index of as_of along the hour dimension."""

    def ahead(self, span: timedelta) -> slice:
        """Hour indices from as_of to `span` after now."""
        return slice(self.zero, self.zero + self.lag + whole_hours(span) + 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Group(Stretch):
    """The nows of a block that stand at the same hour of the Beijing day and lag as_of equally."""

    phase: int
    """Hours from the Beijing midnight that began the day of `now` to as_of; negative just after it."""

    def day(self, offset: int) -> slice:
        """Hour indices of a Beijing day, counted from the day of `now` (0 today, -1 yesterday)."""
        start = self.zero + 24 * offset - self.phase
        return slice(start, start + 24)

    def frame(self, offset: int, ends: int) -> slice:
        """Hour indices of the 24 hours that end at an hour of Beijing time, for what sums preceding hours.

        `offset` counts from the frame under way at `now` (0), as the `day` axis of a block does.
        """
        end = self.ends_at(offset, ends)
        return slice(end - 23, end + 1)

    def ends_at(self, offset: int, ends: int) -> int:
        """Hour index at which the frame ends, see `frame`."""
        hour = self.phase + self.lag
        end = ends if hour < ends else ends + 24
        return self.zero - self.phase + end + 24 * offset


@once
def stretches(block: xr.Dataset) -> Sequence[Stretch]:
    """Split the nows of a block by the lag of as_of; nearly always there is one."""
    lags = lags_of(block)
    return [
        Stretch(rows=_rows(lags == lag), lag=int(lag), zero=zero_of(block)) for lag in np.unique(lags)
    ]


def _rows(mine: Mask) -> Rows:
    return slice(None) if mine.all() else np.flatnonzero(mine)


def groups(block: xr.Dataset) -> Iterator[Group]:
    """Split the nows of a block by hour of the Beijing day; a live block gives one group."""
    zero = zero_of(block)
    keys = np.stack([-midnights(block), lags_of(block)], axis=1)
    for phase, lag in np.unique(keys, axis=0):
        rows = _rows((keys == (phase, lag)).all(axis=1))
        yield Group(rows=rows, phase=int(phase), lag=int(lag), zero=zero)


def whole_hours(span: timedelta) -> int:
    """Whole hours of a length of time."""
    return int(span.total_seconds() // 3600)


@once
def zero_of(block: xr.Dataset) -> int:
    """Index of as_of along the hour dimension."""
    return int(np.flatnonzero(values_of(block, "hour") == 0)[0])


def _hours(moments: Instants) -> npt.NDArray[np.int64]:
    hours: npt.NDArray[np.int64] = moments.astype("datetime64[s]").astype(np.int64) // 3600
    return hours


@once
def lags_of(block: xr.Dataset) -> npt.NDArray[np.int64]:
    """Whole hours from as_of to each now, (now,) [h]."""
    return _hours(values_of(block, "now")) - _hours(values_of(block, "as_of"))


@once
def midnights(block: xr.Dataset) -> npt.NDArray[np.int64]:
    """Hours from as_of to the Beijing midnight that began the day of each now, (now,) [h]."""
    now, as_of = (_hours(values_of(block, name)) for name in ("now", "as_of"))
    begun: npt.NDArray[np.int64] = (now + BEIJING_OFFSET_H) // 24 * 24 - BEIJING_OFFSET_H - as_of
    return begun


def since(block: xr.Dataset, hour: int) -> npt.NDArray[np.int64]:
    """Time since an hour of Beijing time last struck, (now,) [s]."""
    seconds: npt.NDArray[np.int64] = (_beijing_s(block) - hour * 3600) % 86_400
    return seconds


def dates(block: xr.Dataset) -> npt.NDArray[np.int64]:
    """Beijing date of each now, (now,) [d since 1970]."""
    days: npt.NDArray[np.int64] = _beijing_s(block) // 86_400
    return days


def _beijing_s(block: xr.Dataset) -> npt.NDArray[np.int64]:
    seconds = values_of(block, "now").astype("datetime64[s]").astype(np.int64)
    local: npt.NDArray[np.int64] = seconds + BEIJING_OFFSET_H * 3600
    return local


@once
def ended_days(block: xr.Dataset) -> int:
    """How many days of the day axis had ended: the index of the one under way."""
    return int(np.count_nonzero(values_of(block, "day") < 0))


def aligned(
    series: npt.NDArray[Scalar], first: npt.NDArray[np.int64], count: int
) -> npt.NDArray[Scalar]:
    """So many hours of each now from an hour index of its own on, (now, place, count).

    With days that begin at `first`, nows at different hours of the day can be looked at together.
    """
    if (first == first[0]).all():
        return series[..., first[0] : first[0] + count]
    # The places of an hour lie side by side, so whole rows of them are moved.
    nows, places, hours = series.shape
    rows = np.moveaxis(series, -1, 1).reshape(nows * hours, places)
    wanted = (np.arange(nows) * hours + first)[:, None] + np.arange(count)
    return np.moveaxis(rows.take(wanted, axis=0), 1, -1)


@once
def days_around(block: xr.Dataset, name: str, days: int) -> npt.NDArray[Any]:
    """Hours of a quantity, or flags, of today and of so many Beijing days on either side.

    (now, place, day, hour), today being the middle one.
    """
    first = zero_of(block) + midnights(block) - 24 * days
    hours = aligned(values_of(block, name), first, 24 * (2 * days + 1))
    return hours.reshape(*hours.shape[:-1], 2 * days + 1, 24)


def highest(series: Array, max_gap: int) -> Bounds:
    """Maximum along the last axis, as bounds.

    Parameters
    ----------
    series : array (..., hour)
    max_gap : int
        A run of missing hours no longer than this cannot hide the maximum [h]; a longer one makes the
        upper bound infinite.
    """
    return _farthest(series, max_gap, np.maximum, np.fmax, np.inf)


def lowest(series: Array, max_gap: int) -> Bounds:
    """Minimum along the last axis, as bounds: low is +inf where nothing is known; see `highest`."""
    return _farthest(series, max_gap, np.minimum, np.fmin, -np.inf)


def _farthest(
    series: Array, max_gap: int, farther: np.ufunc, farther_known: np.ufunc, end: float
) -> Bounds:
    """The value farthest towards one `end` of the numbers."""
    low: Array = over_hours(farther, series)
    holes = np.isnan(low)
    if not holes.any():
        return Bounds(low=low, high=low)
    holed = series[holes]
    known = farther_known.reduce(holed, axis=-1)
    low[holes] = np.where(np.isnan(known), -end, known)
    high = low.copy()
    high[holes] = np.where(_long_gap(np.isnan(holed), max_gap), end, low[holes])
    return Bounds(low=low, high=high)


def over_hours(join: np.ufunc, series: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Reduce hours along the last axis, (now, place, ..., hour), by what asks for no order, as a maximum.

    Where few places of an hour lie side by side, the halves of all hours are joined until one is left: that
    is done in few long steps, and hour by hour in many short ones.
    """
    hours = series.shape[-1]
    if series.ndim < _BLOCK_DIMS or series.shape[1] >= _MANY_PLACES or hours < _MANY_HOURS:
        whole: npt.NDArray[Scalar] = join.reduce(series, axis=-1)
        return whole
    rows = np.moveaxis(series, 1, -1)
    while hours > 1:
        half = (hours + 1) // 2
        rows, hours = join(rows[..., :half, :], rows[..., hours - half :, :]), half
    return np.moveaxis(rows[..., 0, :], -1, 1)


def _long_gap(missing: npt.NDArray[np.bool_], max_gap: int) -> npt.NDArray[np.bool_]:
    hours = missing.shape[-1]
    if hours <= max_gap:
        return np.asarray(missing.all(axis=-1))
    run = missing[..., : hours - max_gap].copy()
    for step in range(1, max_gap + 1):
        run &= missing[..., step : hours - max_gap + step]
    return np.asarray(run.any(axis=-1))


def consecutive(days: list[Bounds], length: int) -> Bounds:
    """Best run of `length` neighbouring days: the highest of the runs' lowest days.

    `days` holds an odd number of days, the middle one being today; with ``2 * length - 1`` of them every
    run contains today.
    """
    low = _best_run([day.low for day in days], length)
    if all(day.settled for day in days):
        return Bounds(low=low, high=low)
    return Bounds(low=low, high=_best_run([day.high for day in days], length))


def _best_run(days: list[Array], length: int) -> Array:
    starts = range(len(days) - length + 1)
    runs = [np.minimum.reduce(days[start : start + length]) for start in starts]
    best: Array = np.maximum.reduce(runs)
    return best


def spell(hits: npt.NDArray[np.bool_], max_pause: int) -> tuple[npt.NDArray[np.int64], ...]:
    """First hit along the last axis, and the last one reached without a pause over `max_pause` hours.

    Returns (first, last) as hour indices, -1 where there is no hit.
    """
    return _first(hits), _first(hits & ~_followed(hits, max_pause))


def _first(true: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Index of the first True along the last axis, -1 where there is none."""
    hours = true.shape[-1]
    left = np.max(true * np.arange(hours, 0, -1, dtype=np.int16), axis=-1).astype(np.int64)
    return np.where(left > 0, hours - left, -1)


def _followed(hits: npt.NDArray[np.bool_], span: int) -> npt.NDArray[np.bool_]:
    """Whether another hit follows within `span` hours of an hour, along the last axis."""
    soon = np.zeros_like(hits)
    if span > 0:
        soon[..., :-1] = hits[..., 1:]
    seen = 1
    while seen < span:
        step = min(seen, span - seen)
        soon[..., :-step] |= soon[..., step:]
        seen += step
    return soon


def silence(series: Array) -> Array:
    """How many values are missing since the last one known along the last axis; inf where none is known."""
    silent = np.isnan(series[..., -1])
    count = np.zeros(silent.shape)
    if silent.any():
        known = ~np.isnan(series[silent][:, ::-1])
        count[silent] = np.where(known.any(axis=-1), np.argmax(known, axis=-1), np.inf)
    return count


def any_known(series: Array) -> Mask:
    """Whether any value along the last axis is known; nearly always the first is."""
    if series.shape[-1] == 0:
        return np.zeros(series.shape[:-1], np.bool_)
    known = np.isfinite(series[..., 0])
    if not known.all():
        known[~known] = np.isfinite(series[~known]).any(axis=-1)
    return known


def newest(block: xr.Dataset, name: str) -> Array:
    """Last known value of a daily quantity, (now, place); NaN where the days of the block hold none."""
    return last_known(values_of(block, name)[..., : ended_days(block)])


def last_known(series: Array) -> Array:
    """Last value along the last axis that is known; NaN where none is."""
    if series.shape[-1] == 0:
        return np.full(series.shape[:-1], np.nan)
    found: Array = series[..., -1].copy()
    silent = np.isnan(found)
    if silent.any():
        older = series[silent]
        last = series.shape[-1] - 1 - np.argmax(~np.isnan(older[:, ::-1]), axis=-1)
        found[silent] = older[np.arange(last.size), last]
    return found
