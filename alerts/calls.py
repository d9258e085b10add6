"""Call and acknowledge (叫应): a call begins with a change and climbs its ladder until somebody answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from alerts import deliveries, dispatch, store
from alerts.dispatch import Desk
from alerts.routing import Notice, call, ladder, must_answer
from alerts.store import Call
from alerts.transition import Reason, Transition

_REPLACING = frozenset({Reason.RAISED, Reason.LOWERED, Reason.ENDED})


def replace_older(connection: Connection, change: Transition, now: datetime) -> None:
    """Close the calls, and cancel the unsent messages, that a rise, a lowering or an end overtakes.

    To be done before it is decided who was warned: somebody whose only message is cancelled here was not.
    """
    if change.reason in _REPLACING:
        store.supersede(connection, change.alert, now)


def announce(
    connection: Connection, change: Transition, notices: list[Notice], desk: Desk, now: datetime
) -> int:
    """Write a change, its notices, its deliveries and its calls as rows; the number of deliveries."""
    store.record(connection, change, notices)
    for subsystem in called(change, notices):
        store.open_call(connection, _first(change, subsystem, desk, now))
    return deliveries.plan(connection, dispatch.deliveries(change, notices, desk, now))


def called(change: Transition, notices: Iterable[Notice]) -> list[str]:
    """Subsystems that are called until somebody acknowledges a change."""
    return list(dict.fromkeys(item.subsystem for item in notices if must_answer(change, item)))


def _first(change: Transition, subsystem: str, desk: Desk, now: datetime) -> Call:
    begun = Call(
        transition=change.id,
        alert=change.alert,
        subsystem=subsystem,
        level=change.to_level,
        begun_at=now,
        step=0,
        next_at=None,
    )
    return replace(begun, next_at=_next_at(begun, desk))


def _next_at(begun: Call, desk: Desk) -> datetime | None:
    steps = ladder(desk.routes, begun.level)
    following = begun.step + 1
    return begun.begun_at + steps[following].after if following < len(steps) else None


def escalate(connection: Connection, desk: Desk, now: datetime) -> list[Notice]:
    """Take the next step of every open call whose time has come; whoever is on duty now is called."""
    taken: list[Notice] = []
    for due in store.calls(connection, due=now):
        change = store.transition(connection, due.transition)
        if change is not None:
            taken += _step(connection, due, change, desk, now)
    return taken


def _step(
    connection: Connection, due: Call, change: Transition, desk: Desk, now: datetime
) -> list[Notice]:
    steps = ladder(desk.routes, due.level)
    number = due.step + 1
    moved = replace(due, step=number)
    if number >= len(steps):
        store.step_call(connection, replace(due, next_at=None))
        return []
    part = desk.routes.matrix.get(change.hazard, {}).get(due.subsystem)
    step = (number, steps[number].who)
    notices = call(desk.routes, due.subsystem, part, change.to_level, step, now)
    store.step_call(connection, replace(moved, next_at=_next_at(moved, desk)))
    store.note(connection, change.id, now, notices)
    deliveries.plan(connection, dispatch.deliveries(change, notices, desk, now))
    return notices
