"""Rows to learn from: the days replayed in order, each place with what was known the evening before."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.learn.heat_data import HeatDays
from rules.learned.heat_features import UNITS, table
from rules.learned.heat_memory import (
    Array,
    Memory,
    Outlook,
    advance,
    nothing_known,
)

_WORN, _DROPPED, _FORGOTTEN = 0.2, 0.4, 0.3


@dataclass(frozen=True, kw_only=True)
class HeatTable:
    """Cases of many days and places, one below the other."""

    rows: Array
    """Features, (case, feature), in the order of `heat_features.UNITS`."""
    maximum: Array
    """Observed maximum, (case,) [°C]; NaN where unknown."""
    models: Array
    """Day-1 forecasts, (case, model) [°C]."""
    days: npt.NDArray[np.datetime64]
    """Day that is foretold, (case,) ``datetime64[D]``."""
    places: npt.NDArray[np.intp]
    """Number of the place, (case,)."""

    @property
    def mean(self) -> Array:
        """Multi-model mean, (case,) [°C]; NaN where no model is known."""
        return self.rows[:, 0]

    def column(self, name: str) -> Array:
        """One feature by its name, (case,)."""
        return np.asarray(self.rows[:, list(UNITS).index(name)], float)

    def taken(self, chosen: npt.NDArray[np.bool_]) -> HeatTable:
        """Some of the cases, by a mask."""
        return replace(
            self,
            rows=self.rows[chosen],
            maximum=self.maximum[chosen],
            models=self.models[chosen],
            days=self.days[chosen],
            places=self.places[chosen],
        )

    def known(self) -> HeatTable:
        """The cases of which forecast and outcome are known."""
        return self.taken(np.isfinite(self.mean) & np.isfinite(self.maximum))


def gather(days: HeatDays, memory: Memory) -> tuple[HeatTable, Memory]:
    """All cases of the days in order, from a memory on; and the memory after the last of them."""
    parts = []
    for day in range(len(days.days)):
        outlook = days.outlook(day)
        parts.append(_cases(days, day, table(memory, outlook), outlook))
        memory = advance(memory, outlook, days.ended(day))
    return joined(parts), memory


def worn(days: HeatDays, seed: int) -> HeatTable:
    """Some of the cases once more, with models taken away or the memory of the place forgotten.

    So the rule learns what a missing model and a new place mean: a wider distribution.
    """
    chance = np.random.default_rng(seed)
    memory, parts = nothing_known(len(days.places)), []
    for day in range(len(days.days)):
        outlook = days.outlook(day)
        chosen = chance.random(len(days.places)) < _WORN
        poor = _poorer(outlook, chance)
        forgotten = chance.random(len(days.places)) < _FORGOTTEN
        kept = memory.of(np.where(forgotten, -1, np.arange(len(days.places))))
        parts.append(_cases(days, day, table(kept, poor), poor).taken(chosen))
        memory = advance(memory, outlook, days.ended(day))
    return joined(parts)


def strangers(days: HeatDays) -> HeatTable:
    """All cases as if nothing were ever remembered of any place: how it is told of a new one."""
    nothing, parts = nothing_known(len(days.places)), []
    for day in range(len(days.days)):
        outlook = days.outlook(day)
        parts.append(_cases(days, day, table(nothing, outlook), outlook))
    return joined(parts)


def joined(parts: list[HeatTable]) -> HeatTable:
    """Tables one below the other."""
    return HeatTable(
        rows=np.concatenate([part.rows for part in parts]),
        maximum=np.concatenate([part.maximum for part in parts]),
        models=np.concatenate([part.models for part in parts]),
        days=np.concatenate([part.days for part in parts]),
        places=np.concatenate([part.places for part in parts]),
    )


def _cases(days: HeatDays, day: int, rows: Array, outlook: Outlook) -> HeatTable:
    count = len(days.places)
    return HeatTable(
        rows=rows,
        maximum=days.maximum[day],
        models=outlook.tomorrow.T,
        days=np.repeat(days.days[day], count),
        places=np.arange(count),
    )


def _poorer(outlook: Outlook, chance: np.random.Generator) -> Outlook:
    """The outlook without some models at some places; what a model said at all is gone with it."""
    gone = chance.random(outlook.tomorrow.shape) < _DROPPED
    return Outlook(
        tomorrow=np.where(gone, np.nan, outlook.tomorrow),
        earlier=np.where(gone, np.nan, outlook.earlier),
        after=np.where(gone, np.nan, outlook.after),
        date=outlook.date,
    )
