"""Rainstorm (暴雨) and what follows from it by rain alone: amounts within windows of some hours.

Source of the shipped ladder: CMA Order No. 16 (2007): 50 mm within 12 hours (blue), 6 hours (yellow), 3 hours
(orange), 100 mm within 3 hours (red), "or already reached and may continue". Waterlogging, small rivers and
roads have ladders of their own, which no standard gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np
import xarray as xr

from ingest.registry import Duration
from rules.findings import Findings
from rules.hazard import Reach, Rule, hazard
from rules.ladder import Rising, check_ladder
from rules.level import Level, LevelName
from rules.rain_levels import Way, judge
from rules.rain_windows import FIGURES_BACK_H, RAIN, Frame, Rain, check_window
from rules.windows import Array

HOUR_MAX = "hour_max"
"""Largest hourly amount from as_of to the end of the longest window [mm]."""
HOUR_BAND = ("hour_band_from", "hour_band_to")
"""Bounds of the band of `bands` that the largest hourly amount lies in [mm]; the top band has no second."""
LAST_HOUR = "rain_1h"
"""Rain of the newest hour observed [mm]."""
DAY_SUM = "rain_24h"
"""Rain of the 24 hours that end twelve hours after now [mm]: what fell and what comes, for the grade word."""


@dataclass(frozen=True, kw_only=True)
class RainWindow:
    """An amount of rain within some hours."""

    hours: int
    """Length of the window [h]."""
    at_least: float
    """Amount that counts [mm]."""

    def check(self) -> None:
        """Refuse an impossible window with ValueError saying the remedy."""
        check_window(self.hours, self.at_least)


@dataclass(frozen=True, kw_only=True)
class RainRung(Rising):
    """An amount of rain [mm] within some hours, and further such windows that reach the level as well."""

    hours: int
    """Length of the window [h]."""
    also: tuple[RainWindow, ...] = ()
    """Further windows; one of them is enough."""

    @property
    def alike(self) -> object:
        """Amounts within equally long windows can be compared."""
        return self.hours

    @property
    def windows(self) -> tuple[RainWindow, ...]:
        """All windows, the rung's own first."""
        return (RainWindow(hours=self.hours, at_least=self.at_least), *self.also)

    @property
    def ways(self) -> list[Way]:
        """The windows as ways to reach the level; only the rung's own may have a clearing threshold."""
        own = Way(hours=self.hours, limit=self.limit, clearing=self.clearing)
        return [own] + [
            Way(hours=more.hours, limit=more.at_least, clearing=more.at_least) for more in self.also
        ]

    def check(self) -> None:
        """Refuse a window without length or amount, and two of the same length."""
        super().check()
        for window in self.windows:
            window.check()
        check_window(self.hours, self.clearing)
        if len({window.hours for window in self.windows}) <= len(self.also):
            raise ValueError("two windows have the same hours; keep the one with the lower amount")


@hazard("rainstorm")
@dataclass(frozen=True, kw_only=True)
class Rainstorm(Rule):
    """Rain within windows of some hours [mm] that may straddle now: observed hours, then those foretold.

    A window of W hours counts where it ends from as_of to W hours after now and the storm goes on: at least
    0.1 mm fell or is foretold from `continues` before as_of to its end. So what was reached and may
    continue counts, and a storm that is over does not. A missing hour adds nothing to what is certain and
    leaves open what is possible.
    """

    ladder: dict[LevelName, RainRung]
    """Amounts [mm] and windows, hold and keep per level."""
    continues: Duration = timedelta(hours=3)
    """How long after its last rain a storm still counts as going on; a pause no longer ends no warning."""
    bands: tuple[float, ...] = ()
    """Bounds [mm] between which texts say the largest hourly amount to lie, rising."""

    def __post_init__(self) -> None:
        check_ladder(self.ladder)
        Frame.over(self._hours, self.continues)
        if any(upper <= lower for lower, upper in pairwise(self.bands)):
            raise ValueError("bands: must rise; put them in order")
        for sentence in _milder(self.ladder):
            raise ValueError(sentence)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Hourly rain."""
        return (RAIN,)

    @property
    def reach(self) -> Reach:
        """The longest window on both sides of now, and a day ahead for the end of a level."""
        return self._frame.reach

    @property
    def _frame(self) -> Frame:
        return Frame.over(self._hours, self.continues)

    @property
    def _hours(self) -> set[int]:
        return {window.hours for rung in self.ladder.values() for window in rung.windows}

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block with ``precipitation`` (now, place, hour) [mm].

        NaN is missing: it can raise what is possible, never what is certain.
        """
        ways = {level: rung.ways for level, rung in self.ladder.items()}
        return judge(name, block, self._frame, ways, self._figures)

    def _figures(self, rain: Rain) -> dict[str, Array]:
        most = rain.heaviest(rain.lag + max(self._hours))
        end = rain.lag + FIGURES_BACK_H
        told = {
            HOUR_MAX: most,
            LAST_HOUR: rain.amount(-1, 0),
            DAY_SUM: rain.amount(end - 2 * FIGURES_BACK_H, end),
        }
        return told | (_band(most, self.bands) if self.bands else {})


def _band(amount: Array, bands: tuple[float, ...]) -> dict[str, Array]:
    """Bounds of the band each amount lies in; NaN below the first, and above the last for the upper one."""
    place = np.searchsorted(np.array(bands), amount, side="right")
    known = ~np.isnan(amount)
    bounds = np.array([np.nan, *bands, np.nan])
    return {
        name: np.where(known & (place > 0), bounds[np.minimum(place + step, len(bands) + 1)], np.nan)
        for step, name in enumerate(HOUR_BAND)
    }


def _milder(ladder: Mapping[Level, RainRung]) -> Iterator[str]:
    """One sentence for each window that asks for less than an equally long one of a lower level."""
    before: dict[int, tuple[float, Level]] = {}
    for level, rung in sorted(ladder.items()):
        for window in rung.windows:
            amount, lower = before.get(window.hours, (0.0, level))
            if window.at_least < amount:
                yield (
                    f"{level.key}: {window.at_least:g} mm in {window.hours} h is below the {amount:g} of"
                    f" {lower.key}; thresholds must not fall as the level rises"
                )
            before[window.hours] = (window.at_least, level)
