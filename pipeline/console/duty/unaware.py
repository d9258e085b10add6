"""Who does not know yet: per open alert and subsystem the five clocks of each person, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from alerts.answers.call_rows import Call, CallStatus, calls
from alerts.answers.clocks import CLOCKS, Clocks, clocks
from alerts.duty import release_rows
from alerts.duty.people import Role, Routes
from alerts.duty.routing import call, ladder
from alerts.event.state import State
from alerts.outgoing.desks import current
from alerts.outgoing.dispatch import Desk
from alerts.record import store
from pipeline.config import Config
from pipeline.console.duty.shapes import (
    Called,
    Instant,
    LevelKey,
    Somebody,
    several,
    somebody,
    subsystem,
)
from pipeline.console.duty.silence_facts import hazard
from rules.level import Level

MOST_PEOPLE = 300
"""So many people are read at once; what is left is counted, and comes up as the more urgent is answered."""

Stand = Literal["exhausted", "calling", "owing", "unsent", "unread", "settled"]
"""The ladder is at its end without an answer; it is being climbed; the facts are owed; nothing was sent;
it was sent and nobody is known to have read it; somebody has it, or is known to know."""
ORDER: tuple[Stand, ...] = ("exhausted", "calling", "owing", "unsent", "unread", "settled")
"""The most urgent first."""


@dataclass(frozen=True, kw_only=True)
class Five:
    """How far the message came with one person."""

    person: Somebody
    """Who."""
    sent: Instant | None
    """When a channel took it."""
    delivered: Instant | None
    """When it reached a device."""
    read: Instant | None
    """When it was seen."""
    acknowledged: Instant | None
    """When this person acknowledged."""
    acted: Instant | None
    """When this person reported the facts."""
    channels: tuple[str, ...]
    """Channels used."""
    missing: str
    """The first of the five that is not known to have happened; empty where all have."""

    @property
    def five(self) -> list[datetime | None]:
        """The five moments in their order."""
        return [getattr(self, name) for name in CLOCKS]


@dataclass(frozen=True, kw_only=True)
class Next:
    """What happens next by itself."""

    at: Instant
    """When."""
    what: Literal["call", "facts"]
    """Whether others are called, or the facts are asked for again."""
    people: tuple[Somebody, ...]
    """Who is called, with the rota of that moment."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """One subsystem and one alert."""

    subsystem: Called
    """Which."""
    role: Role
    """Its role in the hazard."""
    stand: Stand
    """Where it stands."""
    by: str | None
    """Who acknowledged; None where nobody has."""
    next: Next | None
    """What happens next; None where nothing does by itself."""
    people: tuple[Five, ...]
    """Everybody who was to be told, who knows least first."""


@dataclass(frozen=True, kw_only=True)
class Open:
    """One open alert."""

    alert: str
    """Its identifier."""
    hazard: Called
    """Its hazard."""
    level: LevelKey
    """Highest level of the district."""
    groups: tuple[Group, ...]
    """Its subsystems that are not settled, the most urgent first."""
    settled: tuple[Called, ...]
    """Those where somebody has it or is known to know."""
    held: bool
    """Whether a change of it waits for approval, so that nobody was told of that."""


@dataclass(frozen=True, kw_only=True)
class Unaware:
    """All open alerts."""

    at: Instant
    """The moment."""
    alerts: tuple[Open, ...]
    """The most severe first."""
    left_out: int
    """Further open alerts that were not looked into."""

    def count(self, *stands: Stand) -> int:
        """How many subsystems stand so."""
        return sum(group.stand in stands for one in self.alerts for group in one.groups)


def unaware(connection: Connection, config: Config, desk: Desk, now: datetime) -> Unaware:
    """Who does not know yet; `desk` is that of the configuration."""
    routes = current(connection, desk, now).routes
    states = store.states(connection, config.district.place_ids).values()
    wanted = sorted(
        (state for state in states if state.alert is not None and state.top > Level.NONE),
        key=lambda state: (-state.top, state.opened_at or now),
    )
    held = {row.alert for row in release_rows.asked(connection, open_only=True)}
    found, people = [], 0
    for state in wanted:
        if people >= MOST_PEOPLE:
            break
        one = _open(connection, config, state, routes, held)
        people += sum(len(group.people) for group in one.groups)
        found.append(one)
    return Unaware(at=now, alerts=tuple(found), left_out=len(wanted) - len(found))


def _open(
    connection: Connection, config: Config, state: State, routes: Routes, held: Iterable[str]
) -> Open:
    alert = state.alert or ""
    asked = {
        made.subsystem: made
        for made in calls(connection, alert=alert)
        if made.status is not CallStatus.SUPERSEDED
    }
    told: dict[str, list[Clocks]] = {name: [] for name in asked}
    for one in clocks(connection, alert, routes.people):
        told.setdefault(one.subsystem, []).append(one)
    groups = [_group(name, mine, asked.get(name), state, routes) for name, mine in told.items()]
    return Open(
        alert=alert,
        hazard=hazard(state.hazard, config),
        level=state.top,
        groups=tuple(sorted((one for one in groups if one.stand != "settled"), key=_urgency)),
        settled=tuple(one.subsystem for one in groups if one.stand == "settled"),
        held=alert in held,
    )


def _urgency(group: Group) -> tuple[int, str, str]:
    when = group.next.at.isoformat() if group.next else ""
    return ORDER.index(group.stand), when, group.subsystem.id


def _group(
    name: str, told: list[Clocks], made: Call | None, state: State, routes: Routes
) -> Group:
    part = routes.matrix.get(state.hazard, {}).get(name)
    return Group(
        subsystem=subsystem(name, routes),
        role=part.role if part else "inform",
        stand=_stand(told, made),
        by=next((one.answered_by for one in told if one.answered_by), made.by if made else None),
        next=_next(made, state.hazard, routes),
        people=tuple(_five(one, routes) for one in told),
    )


def _stand(told: list[Clocks], made: Call | None) -> Stand:
    if made is not None and made.status is CallStatus.OPEN:
        return "exhausted" if made.next_at is None else "calling"
    if made is not None:
        owing = made.facts_at is None and (made.facts_due or made.status is CallStatus.OWING)
        return "owing" if owing else "settled"
    if any(one.knows or one.answered_by for one in told):
        return "settled"
    return "unread" if any(one.sent for one in told) else "unsent"


def _next(made: Call | None, hazard_name: str, routes: Routes) -> Next | None:
    """The next step of the ladder, or the next time the facts are asked for."""
    if made is None:
        return None
    steps, number = ladder(routes, made.level), made.step + 1
    if made.status is CallStatus.OPEN and made.next_at is not None and number < len(steps):
        step = (number, steps[number].who)
        notices = call(routes, made.subsystem, hazard_name, made.level, step, made.next_at)
        people = several((item.person for item in notices if item.person), routes)
        return Next(at=made.next_at, what="call", people=people)
    if made.facts_due is not None and made.facts_at is None:
        return Next(at=made.facts_due, what="facts", people=())
    return None


def _five(one: Clocks, routes: Routes) -> Five:
    moments = {name: getattr(one, name) for name in CLOCKS}
    missing = next((name for name in CLOCKS if moments[name] is None), "")
    person = somebody(one.person, routes)
    return Five(person=person, **moments, channels=one.channels, missing=missing)
