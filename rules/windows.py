"""Windows over the hours of a block, three-valued: what is certain, and what is still possible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import xarray as xr

from ingest.times import BEIJING_OFFSET_H, Instants

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
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

    def __neg__(self) -> Bounds:
        return Bounds(low=-self.low, high=-self.high)


@dataclass(frozen=True, kw_only=True)
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
        hours = int(span.total_seconds() // 3600)
        return slice(self.zero, self.zero + self.lag + hours + 1)


@dataclass(frozen=True, kw_only=True)
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


def stretches(block: xr.Dataset) -> Iterator[Stretch]:
    """Split the nows of a block by the lag of as_of; nearly always there is one."""
    zero = _zero(block)
    lags = _hours(block.variables["now"].values) - _hours(block.variables["as_of"].values)
    for lag in np.unique(lags):
        rows = np.flatnonzero(lags == lag)
        whole: Rows = slice(None) if rows.size == lags.size else rows
        yield Stretch(rows=whole, lag=int(lag), zero=zero)


def groups(block: xr.Dataset) -> Iterator[Group]:
    """Split the nows of a block by hour of the Beijing day; a live block gives one group."""
    zero = _zero(block)
    now = _hours(block.variables["now"].values)
    as_of = _hours(block.variables["as_of"].values)
    midnight = (now + BEIJING_OFFSET_H) // 24 * 24 - BEIJING_OFFSET_H
    keys = np.stack([as_of - midnight, now - as_of], axis=1)
    for phase, lag in np.unique(keys, axis=0):
        rows = np.flatnonzero((keys == (phase, lag)).all(axis=1))
        whole: Rows = slice(None) if rows.size == len(keys) else rows
        yield Group(rows=whole, phase=int(phase), lag=int(lag), zero=zero)


def _zero(block: xr.Dataset) -> int:
    return int(np.flatnonzero(block.variables["hour"].values == 0)[0])


def _hours(moments: Instants) -> npt.NDArray[np.int64]:
    hours: npt.NDArray[np.int64] = moments.astype("datetime64[s]").astype(np.int64) // 3600
    return hours


def highest(series: Array, max_gap: int) -> Bounds:
    """Maximum along the last axis, as bounds.

    Parameters
    ----------
    series : array (..., hour)
    max_gap : int
        A run of missing hours no longer than this cannot hide the maximum [h]; a longer one makes the
        upper bound infinite.
    """
    low = np.maximum.reduce(series, axis=-1)
    holes = np.isnan(low)
    if not holes.any():
        return Bounds(low=low, high=low)
    holed = series[holes]
    known = np.fmax.reduce(holed, axis=-1)
    low[holes] = np.where(np.isnan(known), -np.inf, known)
    high = low.copy()
    high[holes] = np.where(_long_gap(np.isnan(holed), max_gap), np.inf, low[holes])
    return Bounds(low=low, high=high)


def lowest(series: Array, max_gap: int) -> Bounds:
    """Minimum along the last axis, as bounds: low is +inf where nothing is known; see `highest`."""
    return -highest(-series, max_gap)


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
    starts = range(len(days) - length + 1)
    return Bounds(
        low=np.max([np.min([d.low for d in days[s : s + length]], axis=0) for s in starts], axis=0),
        high=np.max([np.min([d.high for d in days[s : s + length]], axis=0) for s in starts], axis=0),
    )


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


def newest(block: xr.Dataset, name: str) -> Array:
    """Last known value of a daily quantity, (now, place); NaN where the days of the block hold none."""
    past = block.variables["day"].values < 0
    days = block.variables[name].values[..., past]
    if days.shape[-1] == 0:
        return np.full(days.shape[:-1], np.nan)
    known = ~np.isnan(days)
    last = days.shape[-1] - 1 - np.argmax(known[..., ::-1], axis=-1)
    found: Array = np.take_along_axis(days, last[..., None], axis=-1)[..., 0]
    return found
