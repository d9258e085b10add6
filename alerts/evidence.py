"""What of the findings is told with a change: the worst town, its threshold, and figures for the texts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from alerts.state import State
from rules.findings import Findings
from rules.ladder import Rung
from rules.level import Level
from rules.sheet import WINDOW

UNJUDGED = "unjudged_towns"
"""Figure of a transition: towns at the highest level of which the data cannot tell whether they meet it."""
_LOWEST = "lowest_"


def topmost(state: State) -> npt.NDArray[np.bool_]:
    """Towns at the highest level of the district; none where it has none."""
    highest: npt.NDArray[np.bool_] = (state.level == state.top) & (state.level > 0)
    return highest


def meeting(state: State, findings: Findings) -> npt.NDArray[np.bool_]:
    """Towns that certainly meet the level they have; the others only keep it."""
    sure: npt.NDArray[np.bool_] = (state.level > 0) & (findings.floor[0] >= state.level)
    return sure


def unjudged(state: State, findings: Findings) -> npt.NDArray[np.bool_]:
    """Towns whose level in force, or absence of one, the data can neither confirm nor deny."""
    floor, reach = findings.floor[0], findings.reach[0]
    unsure: npt.NDArray[np.bool_] = (floor < reach) & (reach >= np.maximum(state.level, 1))
    return unsure


def figures(state: State, findings: Findings) -> dict[str, float]:
    """Further figures of the towns under warning, by name: the largest, of those called lowest_ the smallest.

    The window is that of the value told. Towns at the highest level that cannot be judged are counted.
    """
    warned, deciding = state.level > 0, worst_town(state, findings)
    told = {
        name: worst(figure[0][deciding if name == WINDOW else warned], name.startswith(_LOWEST))
        for name, figure in findings.extra.items()
    }
    known = {name: value for name, value in told.items() if value is not None}
    unsure = float((unjudged(state, findings) & topmost(state)).sum())
    return known | ({UNJUDGED: unsure} if unsure else {})


def threshold(
    state: State, findings: Findings, ladder: Mapping[Level, Rung]
) -> float | None:
    """Threshold that the worst town met; where none meets it any more, that of the level's rung."""
    if not state.top:
        return None
    met = findings.threshold[0][worst_town(state, findings)]
    return float(met[0]) if met.size and np.isfinite(met[0]) else ladder[state.top].limit


def worst_town(state: State, findings: Findings) -> npt.NDArray[np.intp]:
    """Index of the town that decides the highest level, as an array of one; empty where none meets it."""
    towns = np.flatnonzero(topmost(state) & meeting(state, findings))
    values = findings.value[0][towns]
    known = np.isfinite(values)
    if not known.any():
        return towns[:1]
    extreme = np.argmin if findings.falling else np.argmax
    one: npt.NDArray[np.intp] = towns[known][[extreme(values[known])]]
    return one


def worst(values: npt.NDArray[np.float64], falling: bool = False) -> float | None:
    """The largest of some values, or the smallest where low ones are dangerous; None where none is known."""
    known = values[np.isfinite(values)]
    if not known.size:
        return None
    return float(known.min() if falling else known.max())
