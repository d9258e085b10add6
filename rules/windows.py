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


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """A metric between what is certain and what is possible; equal where nothing is missing."""

    low: Array
    """Value from the hours that are known; -inf where none is."""
    high: Array
    """The same, or +inf where a gap could hide more."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """The nows of a block that stand at the same hour of the Beijing day and lag as_of equally."""

    rows: npt.NDArray[np.intp]
    """Their indices along the now dimension."""
    phase: int
    """Hours from the Beijing midnight that began the day of `now` to as_of; negative just after it."""
    lag: int
    """Whole hours from as_of to now."""
    zero: int
    """Index of as_of along the hour dimension."""

    def day(self, offset: int) -> slice:
        """Hour indices of a Beijing day, counted from the day of `now` (0 today, -1 yesterday)."""
        start = self.zero + 24 * offset - self.phase
        return slice(start, start + 24)

    def ahead(self, span: timedelta) -> slice:
        """Hour indices from as_of to `span` after now."""
        hours = int(span.total_seconds() // 3600)
        return slice(self.zero, self.zero + self.lag + hours + 1)


def groups(block: xr.Dataset) -> Iterator[Group]:
    """Split the nows of a block by hour of the Beijing day; a live block gives one group."""
    zero = int(np.flatnonzero(block.variables["hour"].values == 0)[0])
    now = _hours(block.variables["now"].values)
    as_of = _hours(block.variables["as_of"].values)
    midnight = (now + BEIJING_OFFSET_H) // 24 * 24 - BEIJING_OFFSET_H
    keys = np.stack([as_of - midnight, now - as_of], axis=1)
    for phase, lag in np.unique(keys, axis=0):
        rows = np.flatnonzero((keys == (phase, lag)).all(axis=1))
        yield Group(rows=rows, phase=int(phase), lag=int(lag), zero=zero)


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
