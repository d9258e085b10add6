"""What of the findings is told with a change: the worst town, its threshold, and figures for the texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alerts.event.state import State
from ingest.times import Instants
from rules.findings import Findings, Levels
from rules.ladder import Rung
from rules.level import Level
from rules.sheet import WINDOW

UNJUDGED = "unjudged_towns"
"""Figure of a transition: towns at the highest level of which the data cannot tell whether they meet it."""
_LOWEST = "lowest_"

Rows = npt.NDArray[np.intp]
"""Indices of towns."""



@dataclass(frozen=True, kw_only=True)
class Sight:
    """The findings of one now, looked at where they lie; arrays have shape (town,)."""

    findings: Findings
    """Findings of this now, and maybe of others."""
    row: int
    """Which now."""
    floor: Levels
    """Level that is certain."""
    reach: Levels
    """Level that is possible given what is missing."""
    ceiling: Levels
    """Level that is not cleared."""
    value: npt.NDArray[np.float64]
    """Metric at the deciding rung."""
    expires: Instants
    """End of the last hour at which the floor level is met."""

    @classmethod
    def of(cls, findings: Findings, row: int) -> Sight:
        """One now of some findings."""
        return cls(
            findings=findings,
            row=row,
            floor=findings.floor[row],
            reach=findings.reach[row],
            ceiling=findings.ceiling[row],
            value=findings.value[row],
            expires=findings.expires[row],
        )


def meeting(state: State, seen: Sight) -> npt.NDArray[np.bool_]:
    """Towns that certainly meet the level they have; the others only keep it."""
    sure: npt.NDArray[np.bool_] = (state.level > 0) & (seen.floor >= state.level)
    return sure


def unjudged(state: State, seen: Sight) -> npt.NDArray[np.bool_]:
    """Towns whose level in force, or absence of one, the data can neither confirm nor deny."""
    unsure: npt.NDArray[np.bool_] = seen.floor < seen.reach
    if unsure.any():
        unsure &= seen.reach >= np.maximum(state.level, 1)
    return unsure


def figures(state: State, seen: Sight, town: Rows) -> dict[str, float]:
    """Further figures of the towns under warning, by name: the largest, of those called lowest_ the smallest.

    The window is that of the value told, of the worst `town`. Towns at the highest level that cannot be
    judged are counted.
    """
    warned = state.level > 0
    told = {
        name: worst(figure[seen.row][town if name == WINDOW else warned], name.startswith(_LOWEST))
        for name, figure in seen.findings.extra.items()
    }
    known = {name: value for name, value in told.items() if value is not None}
    unsure = float((unjudged(state, seen) & state.topmost).sum())
    return known | ({UNJUDGED: unsure} if unsure else {})


def threshold(
    state: State, seen: Sight, town: Rows, ladder: Mapping[Level, Rung]
) -> float | None:
    """Threshold that the worst town met; where none meets it any more, that of the level's rung."""
    if not state.top:
        return None
    met = seen.findings.threshold[seen.row][town]
    return float(met[0]) if met.size and np.isfinite(met[0]) else ladder[state.top].limit


def worst_town(deciding: npt.NDArray[np.bool_], seen: Sight) -> Rows:
    """Index of the town that decides the highest level, as an array of one; empty where none meets it.

    `deciding` are the towns that have the highest level and certainly meet it.
    """
    towns = np.flatnonzero(deciding)
    values = seen.value[towns]
    known = np.isfinite(values)
    if not known.any():
        return towns[:1]
    extreme = np.argmin if seen.findings.falling else np.argmax
    one: Rows = towns[known][[extreme(values[known])]]
    return one


def worst(values: npt.NDArray[np.float64], falling: bool = False) -> float | None:
    """The largest of some values, or the smallest where low ones are dangerous; None where none is known."""
    known = values[np.isfinite(values)]
    if not known.size:
        return None
    return float(known.min() if falling else known.max())
