"""Gale (大风) by mean wind or gust.

Source: CMA Order No. 16 (2007) as a news page prints it: blue, mean wind of force 6 or gusts of force 7
within 24 hours; yellow 8 or 9 within 12 hours; orange 10 or 11 and red 12 or 13 within 6 hours. Wind that
already blows and may go on counts as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from ingest.registry import Duration
from rules.beaufort import STEP, force_of, lowest_speed
from rules.findings import Findings
from rules.hazard import Reach, Rule, hazard
from rules.ladder import Rising, Rung, check_ladder
from rules.level import LevelName
from rules.shared import values_of
from rules.sheet import Criterion, Sheet, Sky, hits_of, observed_age
from rules.spans import EXPIRY_H
from rules.windows import Array, Bounds, Stretch, highest, stretches, whole_hours

WIND, GUST = "wind_speed_10m", "wind_gusts_10m"
WIND_FORCE, GUST_FORCE = "wind_force", "gust_force"
# Wind comes in waves: some hours of lull do not end a gale.
_PAUSE_H = 6


@dataclass(frozen=True, kw_only=True)
class GaleRung(Rung):
    """Forces on the Beaufort scale, and how soon."""

    within: Duration
    """How far ahead the wind must come."""
    force: int
    """Force of the mean wind from which the level is reached."""
    gust: int
    """Force of the gusts that are as good."""

    @property
    def limit(self) -> float:
        """Lowest mean wind of the force [m/s]."""
        return lowest_speed(self.force)

    @property
    def clearing(self) -> float:
        """The same: a gale ends where it does not begin."""
        return self.limit

    def check(self) -> None:
        """Refuse forces that do not exist, and gusts weaker than the mean wind."""
        lowest_speed(self.force)
        lowest_speed(self.gust)
        if self.gust < self.force:
            raise ValueError(f"gust {self.gust} is below force {self.force}; raise it")


@hazard("gale")
@dataclass(frozen=True, kw_only=True)
class Gale(Rule):
    """Mean wind and gusts at 10 m [m/s] against forces, from as_of to `within` after now.

    Either is enough for a level. A gap of at most `max_gap` is bridged; a longer one leaves its metric open
    upwards, so that gusts nobody reports leave every level possible: with a source that has none, set
    `gusts` to false.
    """

    ladder: dict[LevelName, GaleRung]
    """Forces, windows, hold and keep per level."""
    gusts: bool = True
    """Whether gusts are judged; false where no source reports them."""
    max_gap: Duration = timedelta(hours=1)
    """Longest run of missing hours that is bridged."""

    def __post_init__(self) -> None:
        check_ladder(self.ladder)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Wind, and gusts where they are judged."""
        return (WIND, GUST) if self.gusts else (WIND,)

    @property
    def reach(self) -> Reach:
        """A day beyond the farthest window, for the expiry."""
        return Reach(hours_ahead=self._farthest + EXPIRY_H)

    @property
    def _farthest(self) -> int:
        return max(whole_hours(rung.within) for rung in self.ladder.values())

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block with the wind quantities (now, place, hour) [m/s].

        Gives ``wind_force`` and ``gust_force``, the highest known of the farthest window.
        """
        sheet = Sheet.empty(block, STEP)
        forces = {figure: np.full(sheet.floor.shape, np.nan) for figure in (WIND_FORCE, GUST_FORCE)}
        for stretch in stretches(block):
            winds = self._cut(block, stretch, "")
            strongest = [self._strongest(series, stretch) for series in winds]
            sheet.climb(stretch.rows, self._sky(strongest))
            self._span(sheet, stretch, winds)
            sheet.mark(stretch.rows, *self._cut(block, stretch, "flags_"))
            for figure, found in zip(forces, strongest, strict=False):
                forces[figure][stretch.rows] = force_of(found[self._farthest].low)
        ages = [observed_age(block, kind) for kind in self.quantities]
        return sheet.findings(name, block, np.min(ages, axis=0), forces)

    def _cut(self, block: xr.Dataset, stretch: Stretch, prefix: str) -> list[npt.NDArray[Any]]:
        hours = stretch.ahead(timedelta(hours=self._farthest + EXPIRY_H))
        return [
            values_of(block, prefix + kind)[stretch.rows][..., hours]
            for kind in self.quantities
        ]

    def _strongest(self, series: Array, stretch: Stretch) -> dict[int, Bounds]:
        """Highest wind of each window, by its hours."""
        gap = whole_hours(self.max_gap)
        windows = {whole_hours(rung.within) for rung in self.ladder.values()}
        return {hours: highest(series[..., : stretch.lag + hours + 1], gap) for hours in windows}

    def _sky(self, strongest: list[dict[int, Bounds]]) -> Sky:
        sky: dict[LevelName, list[Criterion]] = {}
        for level, rung in self.ladder.items():
            hours = whole_hours(rung.within)
            sky[level] = [
                Criterion(metric=found[hours], limit=limit, clearing=limit, window=hours)
                for found, limit in zip(strongest, _limits(rung), strict=False)
            ]
        return sky

    def _span(self, sheet: Sheet, stretch: Stretch, winds: list[Array]) -> None:
        cells = sheet.begun(stretch.rows)
        if not cells.row.size:
            return
        hours = [cells.of(series) for series in winds]
        hits = np.zeros(hours[0].shape, bool)
        for number, series in enumerate(hours):
            ladder = {
                level: Rising(at_least=_limits(rung)[number]) for level, rung in self.ladder.items()
            }
            hits |= hits_of(series, sheet.floor[cells.at], ladder, STEP)
        foreseen = np.asarray(np.isfinite(hours[0][:, 1:]).any(axis=-1))
        sheet.span(cells, hits, foreseen, max_pause=_PAUSE_H, at_least=1)


def _limits(rung: GaleRung) -> tuple[float, float]:
    """Lowest mean wind and lowest gust of a rung [m/s]."""
    return rung.limit, lowest_speed(rung.gust)
