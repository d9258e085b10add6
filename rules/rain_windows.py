"""Rain windows around now: their sums, what of them is observed, and whether a storm goes on.

Amounts are whole tenths of a millimetre and a window is the difference of two running totals, so a sum is
exact. Time is the first axis here: the places of an hour lie side by side in a block, and whole rows of them
are added at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import xarray as xr

from rules.findings import Basis
from rules.hazard import Reach
from rules.indices.rain import Tenths, running_totals, tenths
from rules.shared import once, values_of
from rules.windows import Array, Bounds, Mask, Stretch

RAIN = "precipitation"
LONGEST_H = 24
"""Longest window, and how far ahead the end of a level is sought [h]."""
FIGURES_BACK_H = 12
"""Hours back that figures may look at, however short the windows are [h]."""
_HOUR = timedelta(hours=1)
ENDLESS = np.int32(1 << 30)
"""More than any window holds, yet far from the end of 32 bits [0.1 mm]."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Which hours are looked at."""

    back: int
    """Observed hours, the last of them being as_of [h]."""
    ahead: int
    """Hours after now [h]."""
    continues: int
    """So many hours after its last rain a storm still counts as going on [h]."""

    @classmethod
    def over(cls, windows: Iterable[int], continues: timedelta) -> Frame:
        """A frame that holds the longest of some windows on both sides of now, and the figures of texts.

        ValueError if `continues` is shorter than an hour or longer than a day.
        """
        if not _HOUR <= continues <= LONGEST_H * _HOUR:
            raise ValueError(f"continues: write a time from 1h to {LONGEST_H}h")
        pause, longest = continues // _HOUR, max(windows)
        return cls(
            back=max(longest, pause, FIGURES_BACK_H), ahead=LONGEST_H, continues=pause
        )

    @property
    def reach(self) -> Reach:
        """The hours of a block that the frame needs."""
        return Reach(hours_back=self.back, hours_ahead=self.ahead)


@dataclass(frozen=True, kw_only=True)
class Rain:
    """Hourly rain of some nows and places, or of single cells of them; the first axis is time.

    A missing hour adds nothing to `total` and one to `gaps`. Ends of windows are counted in hours after
    as_of, so 0 is a window that has just been measured to its end.
    """

    total: Tenths
    """Rain before each hour of the frame and after the last, (hour + 1, ...) [0.1 mm]."""
    gaps: Tenths | None
    """Missing hours likewise; None where none is missing."""
    line: int
    """Index of the total up to as_of."""
    lag: int
    """Whole hours from as_of to now."""
    continues: int
    """See `Frame`."""
    found: dict[int, Bounds] = field(default_factory=dict)
    """Length of a window -> what `wettest` found: several hazards ask."""

    @classmethod
    def around(cls, block: xr.Dataset, stretch: Stretch, continues: int) -> Rain:
        """The rain of a stretch of a block with ``precipitation`` (now, place, hour) [mm], NaN where missing.

        It holds the longest windows, as far back as the block knows them, whoever asks.
        """
        return _around(block, stretch, continues)

    @property
    def last(self) -> int:
        """The last hour after as_of that is looked at [h]."""
        return len(self.total) - 1 - self.line

    def cells(self, *index: npt.NDArray[np.intp] | Mask) -> Rain:
        """The rain of some cells, (hour + 1, cell)."""
        gaps = None if self.gaps is None else self.gaps[:, *index]
        return replace(self, total=self.total[:, *index], gaps=gaps, found={})

    def storm(self, hours: int, last: int) -> Tenths:
        """Known rain of the windows that end from 0 to `last`, (end, ...); none where no storm goes on.

        It goes on where at least 0.1 mm fell or is foretold from `continues` hours before as_of up to the
        end of the window: what was reached "and may continue". A storm that is over reaches nothing.
        """
        known: Tenths = self._within(self.total, hours, last) * self._since(self.total, last)
        return known

    def wettest(self, hours: int) -> Bounds:
        """Highest amount [mm] of the windows that end from as_of to `hours` hours after now.

        A missing hour adds nothing to what is certain and makes the amount that is possible infinite,
        unless no storm can be going on.
        """
        if hours not in self.found:
            self.found[hours] = self._wettest(hours)
        return self.found[hours]

    def _wettest(self, hours: int) -> Bounds:
        last = self.lag + hours
        known = self.storm(hours, last).max(axis=0)
        low = known / 10.0
        if self.gaps is None:
            return Bounds(low=low, high=low)
        holes = self._within(self.gaps, hours, last)
        most = np.where(holes > 0, ENDLESS, self._within(self.total, hours, last))
        most *= self._since(self.total, last) | self._since(self.gaps, last)
        possible = most.max(axis=0)
        blind = self.gaps[self.line + last] - self.gaps[self.line - hours] == last + hours
        return Bounds(
            low=np.where(blind, -np.inf, low),
            high=np.where(possible == ENDLESS, np.inf, possible / 10.0),
        )

    def amount(self, first: int, last: int) -> Array:
        """Rain from after hour `first` to hour `last` [mm]; NaN where one of them is missing."""
        begin, end = self.line + first, self.line + last
        whole: Array = (self.total[end] - self.total[begin]) / 10.0
        return whole if self.gaps is None else np.where(self.gaps[end] > self.gaps[begin], np.nan, whole)

    def heaviest(self, last: int) -> Array:
        """Largest known hourly amount from as_of to hour `last` [mm]; NaN where none is known."""
        hourly: Array = self._within(self.total, 1, last).max(axis=0) / 10.0
        if self.gaps is None:
            return hourly
        blind = self.gaps[self.line + last] - self.gaps[self.line - 1] == last + 1
        return np.where(blind, np.nan, hourly)

    def foreseen(self) -> Mask:
        """Whether any hour after as_of is known."""
        if self.gaps is None:
            return np.ones(self.total.shape[1:], dtype=np.bool_)
        return np.asarray(self.gaps[-1] - self.gaps[self.line] < self.last)

    def origin(self, hours: int) -> npt.NDArray[np.int8]:
        """Basis of the wettest window: whether observed rain, rain that is foretold or both are in it."""
        storm = self.storm(hours, self.lag + hours)
        end = np.argmax(storm, axis=0)
        whole = np.take_along_axis(storm, end[None], axis=0)[0]
        begin = np.maximum(end - hours, 0)
        rain = [np.take_along_axis(self.total, (self.line + at)[None], axis=0)[0] for at in (begin, end)]
        foretold = rain[1] - rain[0]
        ahead = np.where(foretold > 0, np.int8(Basis.FORECAST), np.int8(Basis.NOTHING))
        behind = np.where(whole > foretold, np.int8(Basis.OBSERVED), np.int8(Basis.NOTHING))
        return np.asarray(ahead | behind)

    def _within(self, running: Tenths, hours: int, last: int) -> Tenths:
        begin = self.line - hours
        count = last + 1
        summed: Tenths = running[self.line : self.line + count] - running[begin : begin + count]
        return summed

    def _since(self, running: Tenths, last: int) -> Mask:
        """Whether anything was added from `continues` hours before as_of up to each end."""
        upto = running[self.line : self.line + last + 1]
        return np.asarray(upto > running[self.line - self.continues])


@once
def _around(block: xr.Dataset, stretch: Stretch, continues: int) -> Rain:
    total, gaps, line = _running(block, stretch)
    return Rain(total=total, gaps=gaps, line=line, lag=stretch.lag, continues=continues)


@once
def _running(block: xr.Dataset, stretch: Stretch) -> tuple[Tenths, Tenths | None, int]:
    """Running totals and missing hours, see `Rain`, and the index of the total up to as_of."""
    line = min(LONGEST_H, stretch.zero + 1)
    first = stretch.zero + 1 - line
    hours = slice(first, stretch.zero + 1 + stretch.lag + LONGEST_H)
    series = values_of(block, RAIN)[stretch.rows][..., hours]
    whole, missing = tenths(np.moveaxis(series, -1, 0))
    return running_totals(whole), running_totals(missing) if missing.any() else None, line


def hours_of(stretch: Stretch, frame: Frame) -> slice:
    """Hour indices of a frame in a block."""
    return slice(stretch.zero + 1 - frame.back, stretch.zero + 1 + stretch.lag + frame.ahead)


def check_window(hours: int, amount: float) -> None:
    """Refuse an impossible window with ValueError saying the remedy; `amount` is in mm."""
    if not 1 <= hours <= LONGEST_H:
        raise ValueError(f"hours {hours} is outside 1..{LONGEST_H}; correct it")
    if round(amount, 1) <= 0:
        raise ValueError(f"{amount:g} mm is reached without rain; raise it")
