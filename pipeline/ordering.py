"""Orders by name: correcting, cancelling, and leaving an alert to the rules again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches

from sqlalchemy import Connection, Engine

from alerts.event import orders
from alerts.event.orders import LASTS, Kind, Order
from alerts.event.state import State
from alerts.record import store
from ingest.database import writing
from ingest.errors import UnknownName
from pipeline.config import Config
from rules.level import Level

MISTAKEN = "经核实，此前信息有误"
"""Why an alert is cancelled, where nothing else is said: the ready text of the one tap."""
_SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class Said:
    """Who orders something, when, and why."""

    by: str
    """Id or name of a person of the roster."""
    at: datetime
    """When it was said."""
    why: str = ""
    """The reason, as people will read it."""
    lasts: timedelta = LASTS
    """For how long the rules may not go above it."""


def correct(engine: Engine, config: Config, alert: str, level: Level, said: Said) -> Order:
    """Have the next tick set the level of an open alert, lower than or the same as it stands.

    UnknownName where there is no such alert or person, or it stands lower; ValueError where name or reason is
    missing.
    """
    said = replace(_named(said, config), why=_words(said.why, "理由 / --why", 500))
    with writing(engine) as connection:
        state = _open(connection, config, alert)
        if level > state.top:
            raise UnknownName(
                f"{alert} stands at {state.top.key}; a person can set it lower, and only data raise it"
                " (fengsui uncap leaves it to them again)"
            )
        return orders.give(connection, _order(state, Kind.CORRECT, level, said))


def cancel(engine: Engine, config: Config, alert: str, said: Said) -> Order:
    """Have the next tick withdraw an open alert, told to exactly those who were warned.

    UnknownName where there is no such alert or person; ValueError where nobody is named.
    """
    said = replace(_named(said, config), why=" ".join(said.why.split())[:500] or MISTAKEN)
    with writing(engine) as connection:
        state = _open(connection, config, alert)
        return orders.give(connection, _order(state, Kind.CANCEL, Level.NONE, said))


def lift(engine: Engine, config: Config, hazard: str, said: Said) -> Order:
    """Have the next tick leave a hazard to the rules again, after it was corrected or cancelled.

    UnknownName where nobody set it lower or there is no such person; ValueError where nobody is named.
    """
    said = _named(said, config)
    with writing(engine) as connection:
        state = store.states(connection, config.district.place_ids).get(hazard)
        if state is None or state.cap is None:
            raise UnknownName(f"nobody has set {hazard} lower; list with: fengsui alerts")
        return orders.give(connection, _order(state, Kind.LIFT, Level.NONE, said))


def _open(connection: Connection, config: Config, alert: str) -> State:
    states = store.states(connection, config.district.place_ids).values()
    found = {state.alert: state for state in states if state.alert is not None}
    if alert not in found:
        there = ", ".join(sorted(name for name in found if name)) or "none"
        raise UnknownName(f"no alert {alert!r} is open; open ones: {there}")
    return found[alert]


def _order(state: State, kind: Kind, level: Level, said: Said) -> Order:
    return Order(
        hazard=state.hazard,
        alert=state.alert or "",
        kind=kind,
        level=level,
        by=said.by,
        why=said.why,
        at=said.at,
        until=said.at + said.lasts,
    )


def _named(said: Said, config: Config) -> Said:
    """With the name of the person, as those who are told will read it, where an id was given."""
    by, people = _words(said.by, "姓名 / --by", 64), config.routes.people
    if by in people:
        return replace(said, by=people[by].name)
    if all(by != person.name for person in people.values()):
        near = get_close_matches(by, people, n=3) or list(people)[:_SHOWN]
        more = ", ..." if len(people) > len(near) else ""
        raise UnknownName(
            f"nobody in routes.yaml is called {by!r}; give --by the id or name of one of its people:"
            f" {', '.join(near)}{more}"
        )
    return replace(said, by=by)


def _words(text: str, what: str, most: int) -> str:
    words = " ".join(text.split())
    if not words:
        raise ValueError(f"请写明{what} must not be empty")
    return words[:most]
