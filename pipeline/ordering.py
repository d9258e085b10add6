"""Orders by name: correcting, cancelling, raising, holding, and leaving an alert to the rules again."""

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
    """For how long it counts."""


def correct(engine: Engine, config: Config, alert: str, level: Level, said: Said) -> Order:
    """Have the next tick set the level of an open alert; see `correction`."""
    with writing(engine) as connection:
        return orders.give(connection, correction(connection, config, alert, level, said))


def correction(
    connection: Connection, config: Config, alert: str, level: Level, said: Said
) -> Order:
    """The order that sets an open alert lower than, or the same as, it stands; it is not given yet.

    UnknownName where there is no such alert or person, or it stands lower; ValueError where name or reason is
    missing.
    """
    said = replace(_named(said, config), why=_words(said.why, "理由 / --why", 500))
    state = _open(connection, config, alert)
    if level > state.top:
        raise UnknownName(
            f"{alert} stands at {state.top.key}; correcting sets it lower, fengsui raise sets it higher"
        )
    return _order(state, Kind.CORRECT, level, said)


def cancel(engine: Engine, config: Config, alert: str, said: Said) -> Order:
    """Have the next tick withdraw an open alert; see `cancellation`."""
    with writing(engine) as connection:
        return orders.give(connection, cancellation(connection, config, alert, said))


def cancellation(connection: Connection, config: Config, alert: str, said: Said) -> Order:
    """The order that withdraws an open alert, told to exactly those who were warned; not given yet.

    UnknownName where there is no such alert or person; ValueError where nobody is named.
    """
    said = replace(_named(said, config), why=" ".join(said.why.split())[:500] or MISTAKEN)
    return _order(_open(connection, config, alert), Kind.CANCEL, Level.NONE, said)


def raise_(engine: Engine, config: Config, alert: str, level: Level, said: Said) -> Order:
    """Have the next tick raise an open alert; see `raising`."""
    with writing(engine) as connection:
        return orders.give(connection, raising(connection, config, alert, level, said))


def raising(
    connection: Connection, config: Config, alert: str, level: Level, said: Said
) -> Order:
    """The order that raises the towns of an open alert's highest level, and keeps them there; not given yet.

    UnknownName where there is no such alert or person, it stands as high, or its hazard has no such level;
    ValueError where name or reason is missing.
    """
    said = replace(_named(said, config), why=_words(said.why, "理由 / --why", 500))
    state = _open(connection, config, alert)
    known = sorted(config.hazards[state.hazard].rule.ladder)
    if level not in known:
        there = ", ".join(one.key for one in known)
        raise UnknownName(f"{state.hazard} has no level {level.key}; it has {there}")
    if level <= state.top:
        raise UnknownName(
            f"{alert} stands at {state.top.key}; raising sets it higher, fengsui correct sets it lower"
        )
    return _order(state, Kind.RAISE, level, said)


def hold(engine: Engine, config: Config, alert: str, said: Said) -> Order:
    """Have the next tick keep an open alert from falling; see `holding`."""
    with writing(engine) as connection:
        return orders.give(connection, holding(connection, config, alert, said))


def holding(connection: Connection, config: Config, alert: str, said: Said) -> Order:
    """The order that keeps every town of an open alert at its level at least; not given yet.

    UnknownName where there is no such alert or person; ValueError where name or reason is missing.
    """
    said = replace(_named(said, config), why=_words(said.why, "理由 / --why", 500))
    state = _open(connection, config, alert)
    return _order(state, Kind.HOLD, state.top, said)


def lift(engine: Engine, config: Config, hazard: str, said: Said) -> Order:
    """Have the next tick leave a hazard to the rules again; see `lifting`."""
    with writing(engine) as connection:
        return orders.give(connection, lifting(connection, config, hazard, said))


def lifting(connection: Connection, config: Config, hazard: str, said: Said) -> Order:
    """The order that leaves a hazard to the rules again, after a person changed it; not given yet.

    UnknownName where nobody changed it or there is no such person; ValueError where nobody is named.
    """
    said = _named(said, config)
    state = store.states(connection, config.district.place_ids).get(hazard)
    if state is None or (state.cap is None and state.stand is None):
        raise UnknownName(f"nobody has set {hazard} lower, raised or held it; list with: fengsui alerts")
    return _order(state, Kind.LIFT, Level.NONE, said)


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
