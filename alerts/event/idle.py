"""Until when nothing changes of a hazard, so that a replay need not look at the nows in between. Pure.

`next_event` errs on the safe side only: at every now it leaves out, `lifecycle.advance` would have made no
transition and handed the state back as it came; of a hazard at rest, but for clocks of levels that are not in
force, which nothing reads. A property test holds it to that.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from alerts.event.conduct import Conduct
from alerts.event.lifecycle import clocks
from alerts.event.state import State
from ingest.times import instant64
from rules.findings import Findings
from rules.ladder import Rung
from rules.level import Level

_FOREVER = np.datetime64("9999-12-31", "s")
_LEVELS = np.arange(len(Level), dtype=np.int8)
_Rows = npt.NDArray[np.bool_]


def next_event(
    state: State, findings: Findings, row: int, ladder: Mapping[Level, Rung], conduct: Conduct
) -> int:
    """The first now after `row` at which a step may change anything; the number of nows where none may.

    `state` is what the step at `row` left, or, with a `row` of -1, the one before the first now.
    """
    count = len(findings.nows)
    if state.resting:
        return _first(~findings.calm[row + 1 :], row + 1)
    if row < 0 or state.cap is not None or state.stand is not None:
        return row + 1
    until = _first(findings.moved[row + 1 :], row + 1)
    if until == row + 1:
        return until
    due = _deadline(state, findings.nows[row], ladder, conduct)
    until = min(until, int(np.searchsorted(findings.nows, due)), count)
    between = slice(row + 1, until)
    if not state.top or until == row + 1:
        return until
    return _first(_worse(state, findings, between) | _longer(state, findings, between, conduct), row + 1)


def _first(true: _Rows, start: int) -> int:
    """Number of the first True, counted on from `start`; that of the end where there is none."""
    place = int(true.argmax()) if true.size else 0
    return start + (place if true.size and true[place] else true.size)


def _deadline(
    state: State, now: np.datetime64, ladder: Mapping[Level, Rung], conduct: Conduct
) -> np.datetime64:
    """The first moment after `now` at which a `hold`, a `keep` or the patience with lost data runs out.

    A level that is not in force waits for its `hold`, one that is for its `keep`.
    """
    hold, keep, _ = clocks(ladder, conduct.tail)
    higher = state.level[:, None] < _LEVELS
    ends = np.where(higher, state.certain_since + hold, state.clear_since + keep)
    ahead = ends[ends > now]  # NaT compares false: what does not run never ends
    due = ahead.min() if ahead.size else _FOREVER
    if state.blind_since is None or state.blind_told:
        return np.datetime64(due)
    return min(due, instant64(state.blind_since + conduct.blind_after))


def _worse(state: State, findings: Findings, rows: slice) -> _Rows:
    """Nows at which the highest level is worse than it ever was."""
    values = findings.value[rows][:, state.topmost]
    if state.peak_value is None:
        return np.asarray(np.isfinite(values).any(axis=1))
    beyond = values < state.peak_value if findings.falling else values > state.peak_value
    return np.asarray((beyond & np.isfinite(values)).any(axis=1))


def _longer(state: State, findings: Findings, rows: slice, conduct: Conduct) -> _Rows:
    """Nows at which people may have to hear of a later end."""
    ends, met = findings.expires[rows], findings.floor[rows] >= int(state.top)
    if state.told_until is None:
        return np.asarray((met & ~np.isnat(ends)).any(axis=1))
    late = findings.nows[rows] >= instant64(state.told_until - conduct.extend_before)
    if not late.any():
        return np.asarray(late)
    later = ends > instant64(state.told_until)  # NaT compares false
    return np.asarray(late & (met & later).any(axis=1))
