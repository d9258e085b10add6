"""Where an alert stands: pending, active, clearing or ended, and what is waited for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from alerts.event.state import Cap, Stand, State
from alerts.event.transition import OVER, Transition
from ingest.times import Instants, from64
from rules.findings import Levels
from rules.ladder import Rung
from rules.level import Level


class Stage(StrEnum):
    """Where an alert stands. That data is missing is told beside it: it never ends an alert."""

    PENDING = "pending"
    """A level is certain, and on hold or held down by a person: nobody has been told."""
    ACTIVE = "active"
    """The highest level is met, or may be for all that is known."""
    CLEARING = "clearing"
    """The highest level is no longer possible and is kept for a while."""
    ENDED = "ended"
    """It is over."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One alert and where it stands at a moment."""

    hazard: str
    """Name of the hazard block."""
    alert: str | None
    """Identifier of the alert; None while it is pending."""
    stage: Stage
    """Where it stands."""
    level: Level
    """Highest level of the district; of what is pending, the level that is certain."""
    places: Mapping[str, Level]
    """Town -> level; of what is pending, the level that is certain."""
    since: datetime | None
    """Since when it stands there."""
    until: datetime | None
    """The earliest moment at which it opens, is lowered or ends; None where nothing is foreseen."""
    opened_at: datetime | None
    """When the alert opened; None while it is pending."""
    peak_level: Level
    """Highest level so far."""
    peak_value: float | None
    """Most severe metric so far."""
    unjudged_since: datetime | None
    """Since when towns cannot be judged for lack of data; None where all can."""
    rising: Level | None
    """A higher level that is certain and on hold, of an open alert."""
    cap: Cap | None
    """What a person set it to."""
    stand: Stand | None = None
    """What a person upholds."""


def keeps(ladder: Mapping[Level, Rung], tail: timedelta) -> dict[Level, timedelta]:
    """Level -> for how long it is kept after it was last possible: the lowest also for the tail."""
    lowest = min(ladder, default=None)
    return {
        level: max(rung.keep, tail) if level == lowest else rung.keep
        for level, rung in ladder.items()
    }


def standing(
    state: State, ladder: Mapping[Level, Rung], tail: timedelta = timedelta(0)
) -> Standing | None:
    """Where the alert of a hazard stands as of its last tick; None where all is calm."""
    if not state.top:
        return _pending(state, ladder)
    cleared = state.clear_since[state.topmost, state.top]
    clearing = not bool(np.isnat(cleared).any())
    opened = state.opened_at
    last = _latest(cleared) if clearing else None
    return Standing(
        hazard=state.hazard,
        alert=state.alert,
        stage=Stage.CLEARING if clearing else Stage.ACTIVE,
        level=state.top,
        places=_by_town(state, state.level),
        since=last or opened,
        until=None if last is None else last + keeps(ladder, tail).get(state.top, timedelta(0)),
        opened_at=opened,
        peak_level=state.peak_level,
        peak_value=state.peak_value,
        unjudged_since=state.blind_since,
        rising=_rising(state, ladder),
        cap=state.cap,
        stand=state.stand,
    )


def _pending(state: State, ladder: Mapping[Level, Rung]) -> Standing | None:
    certain = [level for level in ladder if not np.isnat(state.certain_since[:, level]).all()]
    if not certain:
        return None
    begun = {level: _earliest(state.certain_since[:, level]) for level in certain}
    opens = min(begun[level] + ladder[level].hold for level in certain)
    sure = np.where(np.isin(state.sure, certain), state.sure, 0)
    return Standing(
        hazard=state.hazard,
        alert=None,
        stage=Stage.PENDING,
        level=max(certain),
        places=_by_town(state, sure),
        since=min(begun.values()),
        until=opens if state.cap is None else max(opens, state.cap.until),
        opened_at=None,
        peak_level=Level.NONE,
        peak_value=None,
        unjudged_since=state.blind_since,
        rising=None,
        cap=state.cap,
    )


def ended(change: Transition) -> Standing:
    """What is told of an alert that is over, from the change that closed it."""
    return Standing(
        hazard=change.hazard,
        alert=change.alert,
        stage=Stage.ENDED,
        level=Level.NONE,
        places={},
        since=change.at,
        until=None,
        opened_at=change.opened_at,
        peak_level=change.peak_level,
        peak_value=change.peak_value,
        unjudged_since=None,
        rising=None,
        cap=None,
    )


def ends(changes: Iterable[Transition]) -> list[Standing]:
    """The alerts that some changes closed, in their order."""
    return [ended(change) for change in changes if change.reason in OVER]


def _rising(state: State, ladder: Mapping[Level, Rung]) -> Level | None:
    higher = [own for own in ladder if own > state.top and (state.sure >= own).any()]
    return max(higher, default=None)


def _by_town(state: State, levels: Levels) -> dict[str, Level]:
    return {state.places[row]: Level(int(levels[row])) for row in np.flatnonzero(levels > 0)}


def _latest(moments: Instants) -> datetime:
    return from64(moments.max())


def _earliest(moments: Instants) -> datetime:
    return from64(moments[~np.isnat(moments)].min())
