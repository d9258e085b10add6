"""The lifecycle: how findings open, raise, lower and end an alert. Pure; `now` is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from alerts.event import caps, stands
from alerts.event.conduct import Conduct
from alerts.event.evidence import Sight, figures, meeting, threshold, unjudged, worst, worst_town
from alerts.event.orders import Order
from alerts.event.state import NEVER, State
from alerts.event.transition import OVER, Reason, Transition
from ingest.times import HOUR, Instants, instant64, utc
from rules.findings import Findings, Levels
from rules.ladder import Rung
from rules.level import Level

_LEVELS = np.arange(len(Level), dtype=np.int8)
_NAMED = tuple(Level)
_SECOND = timedelta(seconds=1)

Spans = npt.NDArray[np.timedelta64]


class Still(StrEnum):
    """Why a tick changed nothing: the named reason of every non-change."""

    CALM = "calm"
    """No level is certain and none is possible."""
    STANDS = "stands"
    """The alert stands as it was told."""
    HOLDING = "holding"
    """A higher level is certain, but not yet for as long as its `hold` asks."""
    CAPPED = "capped"
    """A higher level is certain, and a person has set it lower for a while."""
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


def advance(  # noqa: PLR0913 - what is judged, and by what, each given by name
    state: State,
    findings: Findings,
    now: datetime,
    *,
    ladder: Mapping[Level, Rung],
    conduct: Conduct,
    row: int = 0,
    order: Order | None = None,
) -> Step:
    """Take the findings of one now into account, and the order of a person where there is one.

    A level opens or rises when `floor` has held it for `hold`; it is left when `ceiling` has been under it
    for `keep`, the lowest one also for the tail of the hazard. Missing data lowers the floor and lifts the
    ceiling, so it can do neither. `findings` has the towns of `state`, and of its nows the one at `row`
    counts. A state of which nothing changes is handed back as it came.
    """
    seen, moment = Sight.of(findings, row), instant64(now)
    order = order if order is not None and caps.concerns(order, state) else None
    clocked = _clocked(state if order is None else caps.obey(state, order), seen, moment)
    moved, note = _leveled(clocked, seen, moment, ladder, conduct.tail), ""
    if moved.cap is not None:
        moved, note = caps.limit(clocked, moved, now, ladder)
    if moved.stand is not None:
        moved, ended = stands.uphold(clocked, moved, now)
        note = note or ended
    moved, transitions = _peaked(moved, seen), []
    reason = _reason(state, moved, seen, now, conduct)
    if order is not None:
        reason = caps.ordered(order, reason, moved, note)
    if reason is not None:
        moved, change = _change(moved, state, reason, seen, now, ladder)
        transitions.append(replace(change, note=caps.said(order, note)) if order or note else change)
    blind = bool(unjudged(moved, seen).any())
    moved, blindness = _watch_blindness(moved, blind, seen, now, ladder, conduct)
    transitions += blindness
    still = None if transitions else _why_still(moved, seen, blind)
    return Step(state=moved, transitions=tuple(transitions), still=still)


def _clocked(state: State, seen: Sight, moment: np.datetime64) -> State:
    certain, clear = seen.floor[:, None] >= _LEVELS, seen.ceiling[:, None] < _LEVELS
    certain_since = _since(state.certain_since, certain, moment)
    clear_since = _since(state.clear_since, clear, moment)
    if certain_since is state.certain_since and clear_since is state.clear_since:
        return state
    return replace(state, certain_since=certain_since, clear_since=clear_since)


def _since(clocks: Instants, run: npt.NDArray[np.bool_], moment: np.datetime64) -> Instants:
    """The clocks, begun or stopped at `moment`; as they came where each runs on or stands as it did."""
    stood = np.isnat(clocks)
    if not (run == stood).any():
        return clocks
    return np.where(run, np.where(stood, moment, clocks), NEVER)


def _leveled(
    state: State,
    seen: Sight,
    moment: np.datetime64,
    ladder: Mapping[Level, Rung],
    tail: timedelta,
) -> State:
    # No clock runs for a town whose level is certain, or between what is certain and what is possible.
    settled = (seen.floor <= state.level) & (state.level <= seen.ceiling)
    if settled.all() and state.in_force <= ladder.keys():
        return state
    level = _levels(state, moment, ladder, tail)
    return state if _alike(level, state.level) else replace(state, level=level)


def _alike(one: Levels, other: Levels) -> bool:
    return bool(one.tolist() == other.tolist())


def _levels(
    state: State, moment: np.datetime64, ladder: Mapping[Level, Rung], tail: timedelta
) -> Levels:
    hold, keep, rungs = clocks(ladder, tail)
    # NaT compares false: not certain, not risen; not clear, not cleared; no rung, neither.
    risen = state.certain_since <= moment - hold
    cleared = state.clear_since <= moment - keep
    stays = (state.level[:, None] >= rungs) & ~cleared
    level: Levels = ((risen | stays) * rungs).max(axis=1)
    return level


def clocks(ladder: Mapping[Level, Rung], tail: timedelta) -> tuple[Spans, Spans, Levels]:
    """Hold, keep and number of each level, (level,); NaT and 0 where a ladder has no such rung."""
    return _clocks(tuple((own, rung.hold, rung.keep) for own, rung in ladder.items()), tail)


@lru_cache(maxsize=64)
def _clocks(
    rungs: tuple[tuple[Level, timedelta, timedelta], ...], tail: timedelta
) -> tuple[Spans, Spans, Levels]:
    lowest = min(level for level, _, _ in rungs)
    hold, keep = np.full((2, len(Level)), np.timedelta64("NaT", "s"))
    numbers = np.zeros(len(Level), np.int8)
    for level, held, kept in rungs:
        hold[level], numbers[level] = _whole(held), level
        keep[level] = _whole(kept if level > lowest else max(kept, tail))
    return hold, keep, numbers


def _whole(span: timedelta) -> np.timedelta64:
    # Moments are whole seconds: what asks for a part of one is met by the whole.
    return np.timedelta64(-(-span // _SECOND), "s")


def _reason(
    state: State, moved: State, seen: Sight, now: datetime, conduct: Conduct
) -> Reason | None:
    before, after = state.top, moved.top
    if before != after:
        return _district_reason(before, after)
    if after == 0 and state.alert is not None:
        return Reason.ENDED  # the towns it stood for are no longer in the configuration
    if moved.level is not state.level:
        return Reason.SPREAD if (moved.level > state.level).any() else Reason.NARROWED
    if after and _outlasts(state, seen, now, conduct.extend_before):
        return Reason.EXTENDED
    return None


def _district_reason(before: int, after: int) -> Reason:
    if before == 0:
        return Reason.OPENED
    if after == 0:
        return Reason.ENDED
    return Reason.RAISED if after > before else Reason.LOWERED


def _outlasts(state: State, seen: Sight, now: datetime, lead: timedelta) -> bool:
    """Whether people must hear of a later end: by much soon before the end they know, by little at it."""
    if state.told_until is not None and now < state.told_until - lead:
        return False
    expires = _latest(seen.expires[seen.floor >= int(state.top)])
    if expires is None or state.told_until is None:
        return expires is not None
    ahead = lead if expires - state.told_until >= lead else min(HOUR, lead)
    return now >= state.told_until - ahead and expires > state.told_until


def _change(
    state: State,
    before: State,
    reason: Reason,
    seen: Sight,
    now: datetime,
    ladder: Mapping[Level, Rung],
) -> tuple[State, Transition]:
    """Number the change, note what people will know, and write it down."""
    told_until = before.told_until
    if reason is not Reason.NARROWED:
        told_until = _latest(seen.expires[state.topmost & meeting(state, seen)])
    moved = replace(
        state,
        alert=before.alert or _alert_id(state, now),
        count=before.count + 1,
        opened_at=before.opened_at or now,
        told_until=told_until,
    )
    change = _transition(moved, before, reason, seen, now, ladder)
    return (_closed(moved) if reason in OVER else moved), change


def _peaked(state: State, seen: Sight) -> State:
    """The worst of an alert may come between two changes, and its end tells of it."""
    if not state.top:
        return state
    value = worst(seen.value[state.topmost], seen.findings.falling)
    worse = min if seen.findings.falling else max
    peak = worse((v for v in (state.peak_value, value) if v is not None), default=None)
    level = max(state.peak_level, state.top)
    if level == state.peak_level and peak == state.peak_value:
        return state
    return replace(state, peak_level=level, peak_value=peak)


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
    seen: Sight,
    now: datetime,
    ladder: Mapping[Level, Rung],
) -> Transition:
    active = state.level > 0
    alert = state.alert or _alert_id(state, now)
    moved = state.level != before.level
    deciding = state.topmost & meeting(state, seen)
    town = worst_town(deciding, seen)
    findings, row = seen.findings, seen.row
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
        onset=_ahead(_earliest(findings.onset[row][deciding]), now),
        expires=_latest(seen.expires[deciding]),
        value=worst(seen.value[state.topmost], findings.falling),
        threshold=threshold(state, seen, town, ladder),
        basis=int(np.bitwise_or.reduce(findings.basis[row][deciding], initial=0)),
        marks=int(np.bitwise_or.reduce(findings.marks[row][active | moved], initial=0)),
        opened_at=state.opened_at or now,
        peak_level=state.peak_level,
        peak_value=state.peak_value,
        figures=figures(state, seen, town),
        falling=findings.falling,
    )


def _watch_blindness(
    state: State,
    blind: bool,
    seen: Sight,
    now: datetime,
    ladder: Mapping[Level, Rung],
    conduct: Conduct,
) -> tuple[State, list[Transition]]:
    """Time spent unable to judge is itself told: once when it lasts, once when it is over."""
    since = (state.blind_since or now) if blind else None
    told = state.blind_told
    moved = state if since == state.blind_since else replace(state, blind_since=since)
    if blind and since is not None and not told and now - since >= conduct.blind_after:
        return _tell_blindness(moved, Reason.DATA_LOST, seen, now, ladder)
    if told and not blind:
        return _tell_blindness(moved, Reason.DATA_FOUND, seen, now, ladder)
    return moved, []


def _tell_blindness(
    state: State, reason: Reason, seen: Sight, now: datetime, ladder: Mapping[Level, Rung]
) -> tuple[State, list[Transition]]:
    lost = reason is Reason.DATA_LOST
    name = state.blind_alert if state.alert is None else state.alert
    alert = name or _alert_id(state, now, word="blind")
    count = state.count + 1 if state.alert else (1 if lost else 2)
    told = replace(state, alert=alert, count=count)
    change = _transition(told, state, reason, seen, now, ladder)
    moved = replace(
        state,
        count=count if state.alert else state.count,
        blind_told=lost,
        blind_alert=alert if lost and state.alert is None else None,
    )
    return moved, [change]


def _why_still(state: State, seen: Sight, blind: bool) -> Still:
    if (seen.floor > state.level).any():
        return Still.HOLDING if state.cap is None else Still.CAPPED
    if blind:
        return Still.UNKNOWN
    if (seen.ceiling < state.level).any():
        return Still.KEEPING
    return Still.STANDS if state.top else Still.CALM


def _alert_id(state: State, now: datetime, *, word: str | None = None) -> str:
    kind = f"{state.hazard}-{word}" if word else state.hazard
    return f"{state.district}-{kind}-{utc(now):%Y%m%dT%H%M%SZ}"


def _by_town(state: State, which: npt.NDArray[np.bool_]) -> dict[str, Level]:
    towns = zip(state.places, state.level.tolist(), which.tolist(), strict=True)
    return {town: _NAMED[level] for town, level, meant in towns if meant}


def _ahead(onset: datetime | None, now: datetime) -> datetime | None:
    """An onset that is over is now: people are told of what is still to come."""
    return onset if onset is None else max(onset, now)


def _latest(moments: Instants) -> datetime | None:
    return _aware(max(_known(moments), default=None))


def _earliest(moments: Instants) -> datetime | None:
    return _aware(min(_known(moments), default=None))


def _known(moments: Instants) -> list[datetime]:
    return [each for each in moments.tolist() if each is not None]


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
