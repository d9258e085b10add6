"""The clocks of calls while nobody could hear them: people asleep, or the service down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, update

from alerts.duty.routing import Notice, begins, call, ladder
from alerts.outgoing import folding
from alerts.outgoing.dispatch import Desk
from alerts.record import store
from alerts.record.store import Call
from alerts.record.tables import call as table


def rest(connection: Connection, desk: Desk, now: datetime) -> Sequence[Notice]:
    """Put off the steps that fall into the quiet hours of all they call; their clocks stand still meanwhile.

    Without it the deputy and the centre would both be told in the morning, before the deputy had any time.
    """
    for due in store.calls(connection, due=now):
        until = _wakes(connection, due, desk, now)
        if until > now and due.next_at is not None:
            _shift(connection, replace(due, next_at=until), until - due.next_at)
    return []


def _wakes(connection: Connection, due: Call, desk: Desk, now: datetime) -> datetime:
    """When the first of those whom the next step calls can be told."""
    change = store.transition(connection, due.transition)
    steps, number = ladder(desk.routes, due.level), due.step + 1
    if change is None or number >= len(steps):
        return now
    step = (number, steps[number].who)
    made = call(desk.routes, due.subsystem, change.hazard, due.level, step, now)
    return begins(made, due.subsystem, now)


def resume(connection: Connection, desk: Desk, now: datetime, gap: timedelta) -> int:
    """Take up work after so long a pause; how many backlogs became one message each.

    Where the pause was longer than `Desk.stale_after` people hear how things stand and not the backlog. A
    call whose steps fell due meanwhile takes one of them and its clock goes on from now: who is called first
    gets their time before the next is. To be called once, before the first errand.
    """
    for due in store.calls(connection, due=now):
        steps, number = ladder(desk.routes, due.level), due.step + 1
        if number < len(steps):
            _shift(connection, due, now - steps[number].after - due.begun_at)
    if desk.stale_after is None or gap < desk.stale_after:
        return 0
    return folding.state_of_the_world(connection, desk, now, timedelta(0))


def _shift(connection: Connection, due: Call, by: timedelta) -> None:
    """Let a call have begun later by so long, and keep when its next step is due."""
    mine = (table.c.transition == due.transition) & (table.c.subsystem == due.subsystem)
    values = {"begun_at": due.begun_at + by, "next_at": due.next_at}
    connection.execute(update(table).where(mine).values(values))
