"""Call and acknowledge (叫应): a call begins with a change and climbs its ladder until somebody answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.answers import closing
from alerts.duty.routing import Notice, begins, call, ladder, must_answer
from alerts.event.transition import CALLING, OVER, Reason, Transition
from alerts.outgoing import digest, dispatch
from alerts.outgoing.dispatch import Desk
from alerts.record import store
from alerts.record.store import Call

_REPLACING = frozenset({Reason.RAISED, Reason.LOWERED, Reason.ENDED, Reason.CANCELLED})


def replace_older(connection: Connection, change: Transition, now: datetime) -> None:
    """Close the calls, and cancel the unsent messages, that a rise, a lowering or an end overtakes.

    To be done before it is decided who was warned: somebody whose only message is cancelled here was not. A
    correction that leaves the level as it was overtakes nothing: who has it must still answer.
    """
    lowered = change.reason is Reason.CORRECTED and change.to_level < change.from_level
    if change.reason in _REPLACING or lowered:
        store.supersede(connection, change.alert, now)


def announce(
    connection: Connection, change: Transition, notices: list[Notice], desk: Desk, now: datetime
) -> int:
    """Write a change, its notices, its deliveries and its calls as rows; the number of deliveries."""
    store.record(connection, change, notices)
    return spread_word(connection, change, notices, desk, now)


def spread_word(
    connection: Connection, change: Transition, notices: list[Notice], desk: Desk, now: datetime
) -> int:
    """Write the deliveries and the calls of a change that is on record; the number of deliveries.

    A level that came again within `Roster.reissue` begins its calls as many steps higher; where an alert is
    over that had asked for facts, closing reports are asked for.
    """
    skipped = _skipped(connection, change, desk)
    for subsystem in called(change, notices):
        begun = begins(notices, subsystem, now)
        store.open_call(connection, _first(change, subsystem, desk, (begun, skipped)))
    further = at_once(change, notices, desk, skipped, now)
    store.note(connection, change.id, now, further)
    rows = dispatch.deliveries(change, [*notices, *further], desk, now)
    planned = digest.plan(connection, rows, desk, now)
    return planned + (closing.ask(connection, change, desk, now) if change.reason in OVER else 0)


def called(change: Transition, notices: Iterable[Notice]) -> list[str]:
    """Subsystems that are called until somebody acknowledges a change."""
    if change.reason not in CALLING:
        return []
    return list(dict.fromkeys(item.subsystem for item in notices if must_answer(change, item)))


def at_once(
    change: Transition, notices: list[Notice], desk: Desk, skipped: int, now: datetime
) -> list[Notice]:
    """Notices of the first `skipped` further steps of a call, which are taken together with the first."""
    further: list[Notice] = []
    for subsystem in called(change, notices):
        begun = begins(notices, subsystem, now)
        told = {item.person for item in notices if item.subsystem == subsystem}
        made = _again(change, subsystem, desk, skipped, now)
        held = begun if begun > now else None
        further += [replace(item, not_before=held) for item in made if item.person not in told]
    return further


def skipped_by(times: int, change: Transition, desk: Desk) -> int:
    """How many further steps are taken with the first, where the level came so many times before."""
    steps = ladder(desk.routes, change.to_level)
    return min(times, len(steps) - 1) if change.reason in CALLING and len(steps) > 1 else 0


def _skipped(connection: Connection, change: Transition, desk: Desk) -> int:
    """How many steps are taken together with the first, because the level came again so often."""
    if change.reason not in CALLING:
        return 0
    return skipped_by(store.reissues(connection, change, desk.routes.reissue), change, desk)


def _again(
    change: Transition, subsystem: str, desk: Desk, skipped: int, now: datetime
) -> list[Notice]:
    """Notices of the steps that are taken together with the first."""
    steps, notices = ladder(desk.routes, change.to_level), []
    hours = desk.routes.reissue / timedelta(hours=1)
    for number in range(1, skipped + 1):
        why = f"{change.to_level.key} again within {hours:g} h: {steps[number].who} at once"
        notices += _called_at(change, subsystem, desk, number, now, why)
    return notices


def _called_at(
    change: Transition, subsystem: str, desk: Desk, number: int, now: datetime, why: str = ""
) -> list[Notice]:
    """Notices of one step of a ladder; whoever is on duty at `now` is called."""
    step = (number, ladder(desk.routes, change.to_level)[number].who)
    made = call(desk.routes, subsystem, change.hazard, change.to_level, step, now)
    return [replace(item, why=f"{why}; {item.why}" if why else item.why) for item in made]


def _first(
    change: Transition, subsystem: str, desk: Desk, begin: tuple[datetime, int]
) -> Call:
    begun_at, step = begin
    begun = Call(
        transition=change.id,
        alert=change.alert,
        subsystem=subsystem,
        level=change.to_level,
        begun_at=begun_at,
        step=step,
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
            taken += climb(connection, due, change, desk, now)
    return taken


def climb(
    connection: Connection, due: Call, change: Transition, desk: Desk, now: datetime, why: str = ""
) -> list[Notice]:
    """Take the next step of a call now, and keep when the one after it is due."""
    number = due.step + 1
    if number >= len(ladder(desk.routes, due.level)):
        store.step_call(connection, replace(due, next_at=None))
        return []
    moved = replace(due, step=number)
    notices = _called_at(change, due.subsystem, desk, number, now, why)
    store.step_call(connection, replace(moved, next_at=_next_at(moved, desk)))
    store.note(connection, change.id, now, notices)
    digest.plan(connection, dispatch.deliveries(change, notices, desk, now), desk, now)
    return notices
