"""Heat (高温) by the national signal ladder.

Source: CMA Order No. 16 (2007), criteria table as published by the national warning service: yellow, daily
maximum at or above 35 °C on three days in a row; orange, to rise to 37 °C or more within 24 hours; red, to
40 °C or more within 24 hours. A day is a Beijing day. The health grades of GB/T 29457 are not judged here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import xarray as xr

from ingest.quantities import quantity
from ingest.registry import Duration
from rules.findings import Findings
from rules.hazard import Reach, Rule, hazard
from rules.ladder import Rising, check_ladder
from rules.level import LevelName
from rules.shared import values_of
from rules.sheet import Sheet, Sky, hits_of, marks_around, observed_age, plain
from rules.windows import (
    Array,
    Bounds,
    Stretch,
    consecutive,
    days_around,
    highest,
    midnights,
    newest,
    stretches,
    whole_hours,
)

Hours = npt.NDArray[np.int64]

TEMPERATURE = "temperature_2m"
HOT_DAYS = "hot_day_run"
_DAY_H = 24
# The hottest hour of two days in a row may shift by some hours without the spell having ended between.
_PAUSE_H = 36


@dataclass(frozen=True, kw_only=True)
class HeatRung(Rising):
    """A temperature [°C], and how long or how soon."""

    days: int | None = None
    """Days in a row whose maximum must meet the threshold."""
    within: Duration | None = None
    """How far ahead the threshold must be met."""

    @property
    def alike(self) -> object:
        """Rungs that count days and rungs that look ahead measure different things."""
        return self.days is None

    def check(self) -> None:
        """Refuse a rung that neither counts days nor looks ahead, or does both."""
        super().check()
        if (self.days is None) == (self.within is None):
            raise ValueError("give either days or within, not both and not neither")


@hazard("heat")
@dataclass(frozen=True, kw_only=True)
class Heat(Rule):
    """Air temperature at 2 m [°C] against a ladder whose rungs look at `days` in a row or `within` hours.

    With `days`, the metric is the lowest of the daily maxima in a run of Beijing days that holds today; the
    run may be past, forecast or both. With `within`, it is the highest temperature from as_of to so many
    hours after now. A gap of at most `max_gap` is bridged; a longer one leaves the metric open upwards, so
    that the level is UNKNOWN unless the known hours already decide it.
    """

    ladder: dict[LevelName, HeatRung]
    """Thresholds [°C], hold and keep per level."""
    max_gap: Duration = timedelta(hours=2)
    """Longest run of missing hours that is bridged."""

    def __post_init__(self) -> None:
        check_ladder(self.ladder)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Temperature, and the run of hot days for the texts."""
        return (TEMPERATURE, HOT_DAYS)

    @property
    def reach(self) -> Reach:
        """The days of a run on both sides of today, with one to spare for latency."""
        back, ahead = _DAY_H * (self._days + 1), _DAY_H * self._days
        return Reach(hours_back=back, hours_ahead=ahead, days_back=3)

    @property
    def _days(self) -> int:
        whole_days = [-(-_within(rung) // timedelta(days=1)) + 1 for rung in self.ladder.values()]
        return max(whole_days + [_length(rung) for rung in self.ladder.values()])

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block with ``temperature_2m`` (now, place, hour) [°C].

        NaN is missing: it can raise what is possible, never what is certain.
        """
        sheet = Sheet.empty(block, quantity(TEMPERATURE).resolution)
        temperature = values_of(block, TEMPERATURE)
        midnight = midnights(block)
        days = self._days_around(block)
        for stretch in stretches(block):
            series = temperature[stretch.rows]
            sheet.climb(stretch.rows, self._sky(series, stretch, days))
            self._span(sheet, stretch, series, midnight + _DAY_H)
        self._origin(sheet, block)
        extra = {HOT_DAYS: newest(block, HOT_DAYS)} if HOT_DAYS in block else {}
        return sheet.findings(name, block, observed_age(block, TEMPERATURE), extra)

    @property
    def _gap(self) -> int:
        return whole_hours(self.max_gap)

    @property
    def _longest(self) -> int:
        return max(_length(rung) for rung in self.ladder.values())

    def _days_around(self, block: xr.Dataset) -> Bounds | None:
        """Maxima of the Beijing days that runs look at, (now, place, day), today in the middle.

        None where no rung counts days.
        """
        if all(rung.days is None for rung in self.ladder.values()):
            return None
        return highest(days_around(block, TEMPERATURE, self._longest - 1), self._gap)

    def _sky(self, series: Array, stretch: Stretch, days: Bounds | None) -> Sky:
        known: dict[tuple[int | None, timedelta | None], Bounds] = {}
        for rung in self.ladder.values():
            key = (rung.days, rung.within)
            if key in known:
                continue
            if rung.within is not None:
                known[key] = highest(series[..., stretch.ahead(rung.within)], self._gap)
            elif days is not None:
                known[key] = _best_run(days[stretch.rows], _length(rung))
        return {
            level: plain(rung, known[rung.days, rung.within]) for level, rung in self.ladder.items()
        }

    def _span(self, sheet: Sheet, stretch: Stretch, series: Array, midnight: Hours) -> None:
        """`midnight` is the end of the day of each now of the block, in hours from as_of."""
        cells = sheet.begun(stretch.rows)
        if not cells.row.size:
            return
        ahead = cells.of(series[..., stretch.zero :])
        hits = hits_of(ahead, sheet.floor[cells.at], self.ladder, sheet.resolution)
        foreseen = np.asarray(~np.isnan(ahead[:, 1:]).all(axis=-1))
        sheet.span(cells, hits, foreseen, max_pause=_PAUSE_H, at_least=midnight[cells.at[0]])

    def _origin(self, sheet: Sheet, block: xr.Dataset) -> None:
        flags = values_of(block, f"flags_{TEMPERATURE}")
        farthest = max(_within(rung) for rung in self.ladder.values())
        for stretch in stretches(block):
            sheet.mark(stretch.rows, flags[stretch.rows][..., stretch.ahead(farthest)])
        counting = [level for level, rung in self.ladder.items() if rung.days is not None]
        by_days = np.isin(sheet.floor, counting)
        if by_days.any():
            run = marks_around(block, TEMPERATURE, self._longest - 1)
            np.copyto(sheet.marks, run, where=by_days)


def _length(rung: HeatRung) -> int:
    return rung.days or 1


def _within(rung: HeatRung) -> timedelta:
    return rung.within or timedelta(0)


def _best_run(days: Bounds, length: int) -> Bounds:
    today = days.low.shape[-1] // 2
    return consecutive(
        [days[..., day] for day in range(today + 1 - length, today + length)], length
    )
