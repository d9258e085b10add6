"""Spans: hours in a row that a value is endured, and whole Beijing days that a level lasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import xarray as xr

from ingest.registry import Duration
from rules.ladder import Falling, Rising
from rules.level import Level
from rules.sheet import Sheet, limits_of, plain
from rules.windows import Array, Bounds, Mask, Stretch, midnights, spell, whole_hours

EXPIRY_H = 24
"""How far beyond its window a hazard looks for the end of what it found [h]."""
# One night's cool does not end a hot spell, nor one mild afternoon a cold one.
_PAUSE_H = 18


@dataclass(frozen=True, kw_only=True)
class _Endured:
    within: Duration
    """How far ahead the threshold must be met."""
    hours: int = 1
    """Hours in a row for which it must be met."""


@dataclass(frozen=True, kw_only=True)
class RisingSpan(_Endured, Rising):
    """A threshold that is reached from below, how soon, and for how many hours in a row."""

    def check(self) -> None:
        """Refuse a clearing threshold above the other one, and less than an hour."""
        super().check()
        _check_hours(self.hours)


@dataclass(frozen=True, kw_only=True)
class FallingSpan(_Endured, Falling):
    """A threshold that is reached from above, how soon, and for how many hours in a row."""

    def check(self) -> None:
        """Refuse a clearing threshold below the other one, and less than an hour."""
        super().check()
        _check_hours(self.hours)


SpanLadder = Mapping[Level, RisingSpan] | Mapping[Level, FallingSpan]


def _check_hours(hours: int) -> None:
    if hours < 1:
        raise ValueError(f"hours {hours} is no length of time; write 1 or more")


def hours_back(ladder: SpanLadder) -> int:
    """Observed hours that a run needs which ends now [h]."""
    return max(rung.hours for rung in ladder.values())


def hours_ahead(ladder: SpanLadder) -> int:
    """Farthest window, and what follows it for the expiry [h]."""
    return max(whole_hours(rung.within) for rung in ladder.values()) + EXPIRY_H


def seen_hours(ladder: SpanLadder, stretch: Stretch) -> slice:
    """Hour indices that `endure` wants to see."""
    first = stretch.zero + 1 - hours_back(ladder)
    return slice(first, stretch.zero + stretch.lag + hours_ahead(ladder) + 1)


def endure(
    sheet: Sheet, stretch: Stretch, series: Array, ladder: SpanLadder, max_gap: timedelta
) -> Array:
    """Set levels, onset and expiry of some nows by hours in a row.

    A rung's metric is the best of its runs of `hours` hours: the highest of their lowest hours (the other
    way round where low values are dangerous). A run counts when it ends at as_of or later and lies before
    the end of the rung's window, so one that is half over straddles now.

    Parameters
    ----------
    series : array (row, place, hour), the hours of `seen_hours`
    max_gap : timedelta
        Missing hours in a row that are bridged, with the milder of their neighbours; a longer gap may hold
        anything.

    Returns array (row, place): hours of the farthest window that meet the level found; NaN where none is.
    """
    known = bridged(series if sheet.sign > 0 else -series, whole_hours(max_gap))
    zero = hours_back(ladder) - 1
    _climb(sheet, stretch, known, ladder)
    cells = sheet.begun(stretch.rows)
    count = np.full(known.open.shape, np.nan)
    if not cells.row.size:
        return count
    hits = _hits(sheet, sheet.floor[cells.at], cells.of(known.low), ladder)[:, zero:]
    foreseen = np.asarray(np.isfinite(cells.of(series[..., zero + 1 :])).any(axis=-1))
    sheet.span(cells, hits, foreseen, max_pause=_PAUSE_H, at_least=1)
    window = hours_ahead(ladder) - EXPIRY_H + stretch.lag
    count[cells.row, cells.place] = hits[:, : window + 1].sum(axis=-1)
    return count


def _climb(sheet: Sheet, stretch: Stretch, known: Bridged, ladder: SpanLadder) -> None:
    best: dict[tuple[int, timedelta], Bounds] = {}
    for rung in ladder.values():
        if (rung.hours, rung.within) not in best:
            ends = whole_hours(rung.within) + stretch.lag
            found = _best_run(known, rung.hours, hours_back(ladder) - rung.hours, ends + rung.hours)
            best[rung.hours, rung.within] = found if sheet.sign > 0 else -found
    sky = {level: plain(rung, best[rung.hours, rung.within]) for level, rung in ladder.items()}
    sheet.climb(stretch.rows, sky)


def _best_run(known: Bridged, hours: int, first: int, count: int) -> Bounds:
    """The highest of the lowest hours of the runs within `count` hours."""
    window = slice(first, first + count)
    low = lowest_of(known.low[..., window], hours).max(axis=-1)
    if not known.open.any():
        return Bounds(low=low, high=low)
    high = low.copy()
    high[known.open] = lowest_of(known.high[:, window], hours).max(axis=-1)
    return Bounds(low=low, high=high)


def _hits(sheet: Sheet, floor: npt.NDArray[np.int8], series: Array, ladder: SpanLadder) -> Mask:
    limits = np.rint(sheet.sign * limits_of(ladder, sheet.sign * np.inf) / sheet.resolution)
    hits: Mask = np.rint(series / sheet.resolution) >= limits[floor][..., None]
    for level, rung in ladder.items():
        here = floor == level
        if rung.hours > 1 and here.any():
            steps = np.rint(run_of(series[here], rung.hours) / sheet.resolution)
            hits[here] = steps >= limits[level]
    return hits


@dataclass(frozen=True, kw_only=True)
class Bridged:
    """A series without holes; where a gap may hold anything, its hours are open in both directions."""

    low: Array
    """The least each hour can be, (..., hour)."""
    open: Mask
    """Where some hour is open, (...)."""
    high: Array
    """The most each hour can be, of the open ones alone, (number of them, hour)."""


def bridged(series: Array, max_gap: int) -> Bridged:
    """Fill a series.

    Parameters
    ----------
    series : array (..., hour)
    max_gap : int
        A run of missing hours no longer than this takes the lower of the hours beside it [h]; a longer one is
        open.
    """
    missing = np.isnan(series)
    holes = np.zeros(series.shape[:-1], bool)
    if missing.any():
        holes |= missing.any(axis=-1)
    else:
        return Bridged(low=series, open=holes, high=series[holes])
    filled, endless = _filled(series[holes], missing[holes], max_gap)
    low, may_be_more = series.copy(), holes.copy()
    low[holes] = np.where(endless, -np.inf, filled)
    may_be_more[holes] = endless.any(axis=-1)
    high = np.where(endless, np.inf, filled)[endless.any(axis=-1)]
    return Bridged(low=low, open=may_be_more, high=high)


def _filled(series: Array, missing: Mask, max_gap: int) -> tuple[Array, Mask]:
    """A series (town, hour) with its short gaps filled, and which hours lie in the others."""
    count = series.shape[-1]
    hours = np.arange(count)
    before = np.maximum.accumulate(np.where(missing, -1, hours), axis=-1)
    after = np.minimum.accumulate(np.where(missing, count, hours)[:, ::-1], axis=-1)[:, ::-1]
    # A column of NaN at the end stands for "no neighbour" on either side: it is index -1 and index count.
    padded = np.concatenate([series, np.full((len(series), 1), np.nan)], axis=-1)
    beside = np.fmin(*(np.take_along_axis(padded, side, axis=-1) for side in (before, after)))
    endless = missing & ((after - before - 1 > max_gap) | np.isnan(beside))
    return np.where(missing, beside, series), endless


def lowest_of(series: Array, hours: int) -> Array:
    """Lowest value of each run of `hours` hours, (..., hour - hours + 1)."""
    lowest, covered = series, 1
    while covered < hours:
        # Two runs that overlap make a longer one: 1, 2, 4, ... hours, the last step as long as is left.
        step = min(covered, hours - covered)
        lowest = np.minimum(lowest[..., :-step], lowest[..., step:])
        covered += step
    return lowest


def run_of(series: Array, hours: int) -> Array:
    """For each hour the best run of `hours` hours that holds it: the highest of their lowest values."""
    lowest = lowest_of(series, hours)
    best = np.full(series.shape, -np.inf)
    for step in range(hours):
        part = best[..., step : step + lowest.shape[-1]]
        np.maximum(part, lowest, out=part)
    return best


def last_days(sheet: Sheet, block: xr.Dataset, met: Mask, foreseen: Mask) -> None:
    """Set onset and expiry of every now from the days that meet the floor's threshold.

    The spell begins with the first such day, or now, and ends with the last one of those that follow each
    other.

    Parameters
    ----------
    met : array (now, place, day), today first
    foreseen : array (now, place)
        Whether any forecast is known: without one nobody knows when what is there now ends.
    """
    first, last = spell(met, 1)
    begun = (sheet.floor > 0) & (first >= 0)
    midnight = midnights(block)[:, None]
    sheet.onset_h[:] = np.where(begun, np.maximum(midnight + 24 * first, 0), -1)
    sheet.expires_h[:] = np.where(begun & foreseen, midnight + 24 * (last + 1), -1)
