"""Rain of the 24-hour frames that end at 20 o'clock: the last one, the one under way, and the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from ingest.quantities import quantity
from rules.indices.rain import running_totals
from rules.shared import values_of
from rules.sheet import provenance
from rules.windows import Array, Bounds, Mask, aligned, lags_of, midnights, zero_of

RAIN, DAY_RAIN = "precipitation", "precipitation_day_20"
FRAME_H = 24
STEP = quantity(RAIN).resolution
"""Step in which rain is reported [mm]."""

_ENDS = quantity(DAY_RAIN).day_ends
_LAST, _FRAMES = -1, 3
_Tenths = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Frames:
    """Three frames of hourly rain, aligned: for every now the first hour is the one after 20 o'clock."""

    tenths: _Tenths
    """Rain (hour, now, place) in tenths of a millimetre, which 32 bits hold exactly; 0 where missing."""
    missing: Mask | None
    """Where an hour is missing, likewise; None where none is."""
    end: npt.NDArray[np.int64]
    """Hours from as_of to the end of the frame under way, (now, 1) [h]."""
    marks: npt.NDArray[np.uint8]
    """Provenance bits of the frame under way and the next, (now, place)."""

    @classmethod
    def cut(cls, block: xr.Dataset) -> Frames:
        """The frames of every now of a block with ``precipitation`` (now, place, hour) [mm]."""
        series = values_of(block, RAIN)
        flags = values_of(block, f"flags_{RAIN}")
        begun = midnights(block)
        end = begun + _ENDS + np.where(lags_of(block) - begun >= _ENDS, FRAME_H, 0)
        first = zero_of(block) + end + 1 - 2 * FRAME_H
        marks = provenance(aligned(flags, first + FRAME_H, 2 * FRAME_H))
        tenths = np.empty((_FRAMES * FRAME_H, *series.shape[:2]), np.float32)
        hours = np.moveaxis(aligned(series, first, _FRAMES * FRAME_H), -1, 0)
        np.divide(hours, STEP, out=tenths, casting="same_kind")
        np.rint(tenths, out=tenths)
        end = end[:, None]
        missing = np.isnan(tenths)
        if not missing.any():
            return cls(tenths=tenths, missing=None, end=end, marks=marks)
        tenths[missing] = 0.0
        return cls(tenths=tenths, missing=missing, end=end, marks=marks)

    def total(self, offset: int) -> Bounds:
        """Rain of a frame, (now, place) [mm]; `offset` 0 is the one under way. A missing hour may be any."""
        hours = _hours(offset)
        low = self.tenths[hours].sum(axis=0, dtype=np.float64) * STEP
        if self.missing is None:
            return Bounds(low=low, high=low)
        high = np.where(self.missing[hours].any(axis=0), np.inf, low)
        return Bounds(low=low, high=high)

    @property
    def known(self) -> Mask:
        """Where an hour of the frame under way or the next is known, (now, place)."""
        if self.missing is None:
            return np.ones(self.tenths.shape[1:], np.bool_)
        found: Mask = np.logical_not(self.missing[FRAME_H:].all(axis=0))
        return found

    def strongest_hour(self) -> Bounds:
        """Most rain of one hour of the frame under way or the next, (now, place) [mm]."""
        return self._open(self.tenths[FRAME_H:].max(axis=0) * np.float64(STEP), FRAME_H)

    def strongest(self, amounts: Iterable[tuple[int, float]]) -> Bounds:
        """Highest ratio of rain over some hours to an amount, (now, place) [1].

        `amounts` are pairs of hours, up to 24, and millimetres. The hours end in the frame under way or the
        next, and may begin in the last one.
        """
        told = running_totals(self.tenths, np.float32)
        best, longest = np.zeros(self.tenths.shape[1:]), 0
        for hours, amount in amounts:
            sums = told[FRAME_H + 1 :] - told[FRAME_H + 1 - hours : len(told) - hours]
            best = np.maximum(best, sums.max(axis=0) * np.float64(STEP) / amount)
            longest = max(longest, hours)
        return self._open(best, FRAME_H + 1 - longest)

    def when(self, offset: int, amount: Array) -> npt.NDArray[np.int64]:
        """Hours from as_of to the start of the hour of a frame in which its rain reaches an amount [mm].

        Of an amount of 0 or less that is the frame's first hour; of one it does not reach, its last.
        """
        rain = running_totals(self.tenths[_hours(offset)], np.float32)[1:]
        below = (rain < (amount / STEP - 0.5).astype(np.float32)).sum(axis=0)
        first = self.end + FRAME_H * (offset - 1)
        hour: npt.NDArray[np.int64] = first + np.minimum(below, FRAME_H - 1)
        return hour

    def _open(self, low: Array, first: int) -> Bounds:
        if self.missing is None:
            return Bounds(low=low, high=low)
        return Bounds(low=low, high=np.where(self.missing[first:].any(axis=0), np.inf, low))


def _hours(offset: int) -> slice:
    first = FRAME_H * (offset - _LAST)
    return slice(first, first + FRAME_H)
