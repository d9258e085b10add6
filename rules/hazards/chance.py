"""A chance as a hazard: the calibrated probability of a model that learned, on the ordinary ladder.

The chances are daily quantities of the archive, made by `pipeline.learn` and known as of the moment they were
made. This file knows no model: a chance that nobody gives is NaN, and NaN is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ingest.quantities import QUANTITIES, quantity
from rules.findings import Basis, Findings
from rules.hazard import Reach, Rule, hazard
from rules.ladder import Rising, check_ladder, reached
from rules.level import LevelName
from rules.shared import values_of
from rules.sheet import Sheet, plain
from rules.spans import last_days
from rules.windows import Array, Bounds, Mask, ended_days

PREFIX = "chance_"
"""Names of chances in the table of quantities begin so."""
CHANCE = "chance"
"""Further figure of findings: the chance behind the level found [1]."""
_ALL = slice(None)


@dataclass(frozen=True, kw_only=True)
class ChanceRung(Rising):
    """Which chance, from how much on, and how many days are looked at."""

    of: str
    """The chance, by the name of the table of quantities, such as ``chance_tmax_37``."""
    within_days: int = 2
    """Days looked at, the one under way being the first [d]."""

    @property
    def alike(self) -> object:
        """Only thresholds of the same chance can be compared."""
        return self.of

    def check(self) -> None:
        """Refuse what is no chance, a threshold that is none, and a window of nothing."""
        super().check()
        if self.of not in QUANTITIES or not self.of.startswith(PREFIX):
            known = ", ".join(name for name in QUANTITIES if name.startswith(PREFIX))
            raise ValueError(f"of: {self.of!r} is no chance; there are {known}")
        if not 0.0 < self.clearing <= self.at_least <= 1.0:
            raise ValueError(f"at_least {self.at_least:g} is no chance; write more than 0 and at most 1")
        if self.within_days < 1:
            raise ValueError("within_days counts days from today on; write 1 or more")


@hazard("chance")
@dataclass(frozen=True, kw_only=True)
class Chance(Rule):
    """The highest chance of any day within so many days [1], the day under way being the first.

    A day whose chance is not known may hold anything: what the other days reach is certain, and more is
    possible, so that a model that falls silent gives UNKNOWN and never calm.
    """

    ladder: dict[LevelName, ChanceRung]
    """Chances, windows, hold and keep per level."""

    def __post_init__(self) -> None:
        check_ladder(self.ladder)

    @property
    def quantities(self) -> tuple[str, ...]:
        """The chances of the rungs, that of the lowest level first."""
        return tuple(dict.fromkeys(rung.of for _, rung in sorted(self.ladder.items())))

    @property
    def reach(self) -> Reach:
        """The days of the longest window."""
        return Reach(days_ahead=max(rung.within_days for rung in self.ladder.values()))

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block with the chances of its rungs (now, place, day) [1].

        Gives ``chance``: the chance behind the level found, or behind the lowest where none is.
        """
        sheet = Sheet.empty(block, quantity(self.quantities[0]).resolution)
        today, days = ended_days(block), self.reach.days_ahead
        ahead = {of: values_of(block, of)[..., today : today + days] for of in self.quantities}
        sky = {
            level: plain(rung, highest_of(ahead[rung.of][..., : rung.within_days]))
            for level, rung in self.ladder.items()
        }
        sheet.climb(_ALL, sky)
        last_days(sheet, block, self._met(sheet, ahead), np.ones(sheet.floor.shape, bool))
        sheet.basis[:] = np.where(sheet.floor > 0, Basis.FORECAST, Basis.NOTHING)
        for of in self.quantities:
            sheet.mark(_ALL, values_of(block, f"flags_{of}")[..., today : today + days])
        age = np.full(sheet.floor.shape, np.inf)
        return sheet.findings(name, block, age, {CHANCE: sheet.value.copy()})

    def _met(self, sheet: Sheet, ahead: Mapping[str, Array]) -> Mask:
        """Whether each day meets the threshold of its floor's level, (now, place, day)."""
        met = np.zeros(next(iter(ahead.values())).shape, bool)
        for level, rung in self.ladder.items():
            hits = reached(ahead[rung.of], rung.at_least, sheet.resolution)
            hits[..., rung.within_days :] = False
            met |= hits & (sheet.floor == level)[..., np.newaxis]
        return met


def highest_of(days: Array) -> Bounds:
    """The highest of some days (..., day); open upwards where one is NaN, -inf where all are."""
    known = ~np.isnan(days)
    low = np.where(known, days, -np.inf).max(axis=-1)
    if known.all():
        return Bounds(low=low, high=low)
    return Bounds(low=low, high=np.where(known.all(axis=-1), low, np.inf))
