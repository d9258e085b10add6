"""The lifecycle: how findings open, raise, lower and end an alert. Pure; `now` is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from alerts.conduct import Conduct
from alerts.evidence import figures, meeting, threshold, topmost, unjudged, worst
from alerts.state import NEVER, State
from alerts.transition import Reason, Transition
from ingest.times import HOUR, Instants, from64, instant64, utc
from rules.findings import Findings, Levels
from rules.ladder import Rung
from rules.level import Level

_LEVELS = np.arange(len(Level), dtype=np.int8)



class Still(StrEnum):
    """Why a tick changed nothing: the named reason of every non-change."""

    CALM = "calm"
    """No level is certain and none is possible."""
    STANDS = "stands"
    """The alert stands as it was told."""
    HOLDING = "holding"
    """A higher level is certain, but not yet for as long as its `hold` asks."""
    KEEPING = "keeping"
    """A level is no longer possible, but not yet for as long as its `keep` asks."""
    UNKNOWN = "unknown"
    """Data is missing: nothing can be raised, lowered or ended."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """The outcome of one tick for one hazard."""

    state: State
    """What to remember."""
    transitions: tuple[Transition, ...]
    """What changed, in order."""
    still: Still | None
    """Why nothing changed; None where something did."""


def advance(
    state: State, findings: Findings, now: datetime, *, ladder: Mapping[Level, Rung], conduct: Conduct
) -> Step:
    """Take the findings of one now into account.

    A level opens or rises when `floor` has held it for `hold`; it is left when `ceiling` has been under it
    for `keep`. Missing data lowers the floor and lifts the ceiling, so it can do neither. `findings` has
    the shape (1, town) and the towns of `state`.
    """
    timed = _clock_levels(state, findings, now)
    level = _levels(timed, now, ladder)
    reason = _reason(state, level, findings, now, conduct)
    moved, transitions = _peaked(replace(timed, level=level), findings), []
    if reason is not None:
        moved, change = _change(moved, state, reason, findings, now, ladder)
        transitions.append(change)
    moved, blindness = _watch_blindness(moved, findings, now, ladder, conduct)
    transitions += blindness
    still = None if transitions else _why_still(moved, findings)
    return Step(state=moved, transitions=tuple(transitions), still=still)


def _clock_levels(state: State, findings: Findings, now: datetime) -> State:
    moment = instant64(now)
    certain = findings.floor[0][:, None] >= _LEVELS
    possible = findings.ceiling[0][:, None] >= _LEVELS
    begun = np.where(np.isnat(state.certain_since), moment, state.certain_since)
    cleared = np.where(np.isnat(state.clear_since), moment, state.clear_since)
    return replace(
        state,
        certain_since=np.where(certain, begun, NEVER),
        clear_since=np.where(possible, NEVER, cleared),
    )


def _levels(state: State, now: datetime, ladder: Mapping[Level, Rung]) -> Levels:
    moment = instant64(now)
    level = np.zeros_like(state.level)
    for rung_level in sorted(ladder):
        rung = ladder[rung_level]
        held = moment - state.certain_since[:, rung_level]
        risen = held >= np.timedelta64(rung.hold)  # NaT compares false: not certain, not risen
        cleared = moment - state.clear_since[:, rung_level] >= np.timedelta64(rung.keep)
        stays = (state.level >= rung_level) & ~cleared
        level[risen | stays] = rung_level
    return level


def _reason(
    state: State, level: Levels, findings: Findings, now: datetime, conduct: Conduct
) -> Reason | None:
    before, after = int(state.level.max(initial=0)), int(level.max(initial=0))
    if before != after:
        return _district_reason(before, after)
    if after == 0 and state.alert is not None:
        return Reason.ENDED  # the towns it stood for are no longer in the configuration
    if (level > state.level).any():
        return Reason.SPREAD
    if (level < state.level).any():
        return Reason.NARROWED
    if after and _outlasts(state, findings, now, conduct.extend_before):
        return Reason.EXTENDED
    return None


def _district_reason(before: int, after: int) -> Reason:
    if before == 0:
        return Reason.OPENED
    if after == 0:
        return Reason.ENDED
    return Reason.RAISED if after > before else Reason.LOWERED


def _outlasts(state: State, findings: Findings, now: datetime, lead: timedelta) -> bool:
    """Whether people must hear of a later end: by much soon before the end they know, by little at it."""
    expires = _latest(findings.expires[0][findings.floor[0] >= state.top])
    if expires is None or state.told_until is None:
        return expires is not None
    ahead = lead if expires - state.told_until >= lead else min(HOUR, lead)
    return now >= state.told_until - ahead and expires > state.told_until


def _change(
    state: State,
    before: State,
    reason: Reason,
    findings: Findings,
    now: datetime,
    ladder: Mapping[Level, Rung],
) -> tuple[State, Transition]:
    """Number the change, note what people will know, and write it down."""
    moved = replace(
        state,
        alert=before.alert or _alert_id(state, now),
        count=before.count + 1,
        opened_at=before.opened_at or now,
        told_until=_latest(findings.expires[0][topmost(state) & meeting(state, findings)]),
    )
    change = _transition(moved, before, reason, findings, now, ladder)
    if reason is Reason.NARROWED:
        moved = replace(moved, told_until=before.told_until)
    return (_closed(moved) if reason is Reason.ENDED else moved), change


def _peaked(state: State, findings: Findings) -> State:
    """The worst of an alert may come between two changes, and its end tells of it."""
    value = worst(findings.value[0][topmost(state)], findings.falling)
    worse = min if findings.falling else max
    peak = worse((v for v in (state.peak_value, value) if v is not None), default=None)
    return replace(state, peak_level=max(state.peak_level, state.top), peak_value=peak)


def _closed(state: State) -> State:
    return replace(
        state,
        alert=None,
        count=0,
        opened_at=None,
        peak_level=Level.NONE,
        peak_value=None,
        told_until=None,
    )


def _transition(
    state: State,
    before: State,
    reason: Reason,
    findings: Findings,
    now: datetime,
    ladder: Mapping[Level, Rung],
) -> Transition:
    active = state.level > 0
    alert = state.alert or _alert_id(state, now)
    moved = state.level != before.level
    deciding = topmost(state) & meeting(state, findings)
    return Transition(
        id=f"{alert}.{state.count}",
        alert=alert,
        hazard=state.hazard,
        at=now,
        reason=reason,
        from_level=before.top,
        to_level=state.top,
        places=_by_town(state, active),
        changed=_by_town(state, moved),
        onset=_earliest(findings.onset[0][deciding]),
        expires=_latest(findings.expires[0][deciding]),
        value=worst(findings.value[0][topmost(state)], findings.falling),
        threshold=threshold(state, findings, ladder),
        basis=int(np.bitwise_or.reduce(findings.basis[0][deciding], initial=0)),
        marks=int(np.bitwise_or.reduce(findings.marks[0][active | moved], initial=0)),
        opened_at=state.opened_at or now,
        peak_level=state.peak_level,
        peak_value=state.peak_value,
        figures=figures(state, findings),
        falling=findings.falling,
    )


def _watch_blindness(
    state: State, findings: Findings, now: datetime, ladder: Mapping[Level, Rung], conduct: Conduct
) -> tuple[State, list[Transition]]:
    """Time spent unable to judge is itself told: once when it lasts, once when it is over."""
    blind = bool(unjudged(state, findings).any())
    since = (state.blind_since or now) if blind else None
    told = state.blind_told
    moved = replace(state, blind_since=since)
    if blind and since is not None and not told and now - since >= conduct.blind_after:
        return _tell_blindness(moved, Reason.DATA_LOST, findings, now, ladder)
    if told and not blind:
        return _tell_blindness(moved, Reason.DATA_FOUND, findings, now, ladder)
    return moved, []


def _tell_blindness(
    state: State, reason: Reason, findings: Findings, now: datetime, ladder: Mapping[Level, Rung]
) -> tuple[State, list[Transition]]:
    lost = reason is Reason.DATA_LOST
    name = state.blind_alert if state.alert is None else state.alert
    alert = name or _alert_id(state, now, word="blind")
    count = state.count + 1 if state.alert else (1 if lost else 2)
    told = replace(state, alert=alert, count=count)
    change = _transition(told, state, reason, findings, now, ladder)
    moved = replace(
        state,
        count=count if state.alert else state.count,
        blind_told=lost,
        blind_alert=alert if lost and state.alert is None else None,
    )
    return moved, [change]


def _why_still(state: State, findings: Findings) -> Still:
    floor, ceiling = findings.floor[0], findings.ceiling[0]
    if (floor > state.level).any():
        return Still.HOLDING
    if unjudged(state, findings).any():
        return Still.UNKNOWN
    if (ceiling < state.level).any():
        return Still.KEEPING
    return Still.STANDS if state.top else Still.CALM


def _alert_id(state: State, now: datetime, *, word: str | None = None) -> str:
    kind = f"{state.hazard}-{word}" if word else state.hazard
    return f"{state.district}-{kind}-{utc(now):%Y%m%dT%H%M%SZ}"


def _by_town(state: State, which: npt.NDArray[np.bool_]) -> dict[str, Level]:
    return {state.places[row]: Level(int(state.level[row])) for row in np.flatnonzero(which)}


def _latest(moments: Instants) -> datetime | None:
    known = moments[~np.isnat(moments)]
    return from64(known.max()) if known.size else None


def _earliest(moments: Instants) -> datetime | None:
    known = moments[~np.isnat(moments)]
    return from64(known.min()) if known.size else None
