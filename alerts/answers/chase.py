"""Fail-over on silence: who shows no sign of life is tried over the next channel, then the ladder goes on.

A message that was taken is not a message that arrived. Every row that is to be watched carries the moment at
which its silence counts (`chase_at`: set when it is sent, when it fails for good and when a receipt says that
it will not arrive). One silence uses one channel: the person's other rows are then not chased any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, func, select, update

from alerts.answers import calls
from alerts.answers.call_rows import CallStatus
from alerts.duty.people import Role
from alerts.duty.routing import Notice
from alerts.event.transition import CALLING, OVER, Reason, Transition
from alerts.outgoing import deliveries, dispatch
from alerts.outgoing.deliveries import COLUMNS, delivery_of
from alerts.outgoing.delivery import Delivery, Purpose, Sign, Status
from alerts.outgoing.dispatch import Desk, key_of
from alerts.record import store, tables

_ROW = tables.delivery
_NEXT = select(func.min(_ROW.c.chase_at))
_MOVING_ON = frozenset({*CALLING, *OVER, Reason.LOWERED, Reason.CORRECTED})
_UNDER_WAY = frozenset({Status.DUE, Status.CLAIMED})


def next_due(connection: Connection) -> datetime | None:
    """When the silence of any message next counts."""
    moment: datetime | None = connection.scalar(_NEXT)
    return moment


def chase(connection: Connection, desk: Desk, now: datetime) -> list[Notice]:
    """Use the next channel of everybody whose silence counts by now, or the next step where none is left."""
    late = _ROW.c.chase_at <= now
    query = select(*COLUMNS).where(late).order_by(_ROW.c.priority, _ROW.c.chase_at, _ROW.c.key)
    silent = [delivery_of(row) for row in connection.execute(query)]
    connection.execute(update(_ROW).where(late).values(chase_at=None, chased_at=now))
    told: list[Notice] = []
    for rows in _by_set(silent):
        told += _answer_silence(connection, rows, desk, now)
    return told


def _by_set(rows: Iterable[Delivery]) -> list[list[Delivery]]:
    """Rows of the same message to the same person together."""
    sets: dict[tuple[object, ...], list[Delivery]] = {}
    for row in rows:
        name = (row.transition, row.subsystem, row.recipient, row.step, row.purpose)
        sets.setdefault(name, []).append(row)
    return list(sets.values())


def _answer_silence(
    connection: Connection, silent: list[Delivery], desk: Desk, now: datetime
) -> list[Notice]:
    row = silent[0]
    whole = [delivery_of(each) for each in connection.execute(select(*COLUMNS).where(_set_of(row)))]
    later = any(each.planned_at > max(one.planned_at for one in silent) for each in whole)
    if later or _settled(connection, row) or _reached(connection, row, whole):
        return []
    used = {each.channel for each in whole}
    channel = _next_channel(row, desk, used)
    if channel is not None:
        return _take_channel(connection, row, channel, desk, now)
    keys = {one.key for one in silent}
    if row.purpose is not Purpose.ALERT or _hope(whole, keys) or _others(connection, row, keys):
        return []
    if _on_a_device(connection, whole):
        return []  # it may be read yet: the ladder's own time goes on
    return _take_step(connection, row, desk, now)


def _set_of(row: Delivery) -> ColumnElement[bool]:
    """Every row of the same message to the same person, over whichever channel."""
    message = (_ROW.c.transition == row.transition) & (_ROW.c.purpose == row.purpose.value)
    mine = (_ROW.c.subsystem == row.subsystem) & (_ROW.c.recipient == row.recipient)
    return message & mine & (_ROW.c.step == row.step)


def _settled(connection: Connection, row: Delivery) -> bool:
    """Whether nobody needs to hear it any more: the call was answered, or the alert moved on."""
    if row.purpose is Purpose.ALERT:
        made = store.call_for(connection, row.transition, row.subsystem)
        if made is not None:
            return made.status is not CallStatus.OPEN
    asks = _asks_of(row)
    if asks:
        waiting = (store.call_for(connection, *ask) for ask in asks)
        return not any(made is not None and made.status is CallStatus.OPEN for made in waiting)
    # A memo names the change that it is about, or something else that cannot be overtaken.
    change = store.transition(connection, row.transition)
    return change is not None and _moved_on(connection, change)


def _moved_on(connection: Connection, change: Transition) -> bool:
    table = tables.transition
    newer = select(table.c.id).where(
        table.c.alert == change.alert,
        table.c.at > change.at,
        table.c.reason.in_([reason.value for reason in _MOVING_ON]),
    )
    return connection.execute(newer.limit(1)).first() is not None


def _reached(connection: Connection, row: Delivery, whole: Iterable[Delivery]) -> bool:
    """Whether the person is known to have it: a call must be read or replied to, the rest need arrive."""
    rows = list(whole)
    if any(each.read_at is not None for each in rows):
        return True
    if not _asks(row):
        return any(each.delivered_at is not None for each in rows)
    sent = [each.sent_at for each in rows if each.sent_at is not None]
    return bool(sent) and _replied(connection, row.recipient, min(sent))


def _asks(row: Delivery) -> bool:
    """Whether a row asks for an acknowledgement."""
    if row.purpose is Purpose.ALERT:
        return row.data.get("ack_link") is not None
    return bool(_asks_of(row))


def _asks_of(row: Delivery) -> list[tuple[str, str]]:
    """Change and subsystem of the calls that a digest asks to be answered."""
    asks = row.data.get("asks")
    known = asks if row.purpose is Purpose.DIGEST and isinstance(asks, list) else []
    return [(str(ask["transition"]), str(ask["subsystem"])) for ask in known]


def _replied(connection: Connection, person: str, since: datetime) -> bool:
    table = tables.reply
    said = exists().where(table.c.person == person, table.c.at >= since)
    return bool(connection.scalar(select(said)))


def _next_channel(row: Delivery, desk: Desk, used: set[str]) -> str | None:
    person = desk.routes.people.get(row.recipient)
    if person is None:
        return None
    return next((name for name in (*person.channels, *person.fallback) if name not in used), None)


def _hope(whole: Iterable[Delivery], silent: set[str]) -> bool:
    """Whether another message to the same person may still show that it arrived."""
    others = [each for each in whole if each.key not in silent]
    newest = max((each.planned_at for each in others), default=None)
    return any(_may_arrive(each, newest) for each in others)


def _may_arrive(row: Delivery, newest: datetime | None) -> bool:
    if row.status in _UNDER_WAY:
        return row.planned_at == newest
    return row.status is Status.SENT and row.chase_after is None


def _on_a_device(connection: Connection, whole: Iterable[Delivery]) -> bool:
    """Whether a message was taken and nobody says that it will not arrive."""
    sent = [each.key for each in whole if each.status is Status.SENT]
    table = tables.receipt
    lost = select(table.c.key).where(table.c.key.in_(sent), table.c.sign == Sign.UNDELIVERED.value)
    return bool(set(sent) - set(connection.scalars(lost)))


def _others(connection: Connection, row: Delivery, silent: set[str]) -> bool:
    """Whether anybody is still being waited for at the same step of the same call, the person included."""
    step = (_ROW.c.transition == row.transition) & (_ROW.c.subsystem == row.subsystem)
    step &= (_ROW.c.step == row.step) & (_ROW.c.purpose == row.purpose.value)
    under_way = (_ROW.c.recipient != row.recipient) & _ROW.c.status.in_(
        [status.value for status in _UNDER_WAY]
    )
    waited = _ROW.c.chase_at.is_not(None) | _ROW.c.read_at.is_not(None) | under_way
    query = select(_ROW.c.key).where(step, waited, _ROW.c.key.not_in(silent))
    return connection.execute(query.limit(1)).first() is not None


def _take_channel(
    connection: Connection, row: Delivery, channel: str, desk: Desk, now: datetime
) -> list[Notice]:
    """Plan the same message over another channel, and chase the person's other rows no more."""
    notice = _notice(row, f"no sign of life over {row.channel}: now over {channel}")
    change = store.transition(connection, row.transition) if row.purpose is Purpose.ALERT else None
    if change is None:
        rows = [_copied(row, channel, desk, now)]
    else:
        rows = dispatch.deliveries(change, [notice], desk, now, channels=(channel,))
    # Links are found by the notices they were signed for, so that this one is kept first.
    store.note(connection, row.transition, now, [notice])
    connection.execute(update(_ROW).where(_set_of(row)).values(chase_at=None))
    deliveries.plan(connection, rows)
    return [notice]


def _notice(row: Delivery, why: str) -> Notice:
    """The decision that led to a row, made anew for another reason."""
    asked = row.data.get("task")
    return Notice(
        subsystem=row.subsystem,
        person=row.recipient,
        role=_role(row),
        task=dict(asked) if isinstance(asked, dict) else {},
        step=row.step,
        why=why,
        spared=not _asks(row),
    )


def _role(row: Delivery) -> Role:
    known: tuple[Role, ...] = ("lead", "support", "inform")
    return next((role for role in known if role == row.data.get("role")), "inform")


def _copied(row: Delivery, channel: str, desk: Desk, now: datetime) -> Delivery:
    """A memo, or what else has words of its own, over another channel."""
    return replace(
        row,
        key=key_of(row.key, channel),
        channel=channel,
        planned_at=now,
        due_at=now,
        expires_at=now + desk.valid,
        status=Status.DUE,
        attempts=0,
        sent_at=None,
        detail="",
        reference="",
        delivered_at=None,
        read_at=None,
        fold_at=None,
    )


def _take_step(connection: Connection, row: Delivery, desk: Desk, now: datetime) -> list[Notice]:
    """Go up the ladder now, because nobody of the present step can be reached."""
    made = store.call_for(connection, row.transition, row.subsystem)
    change = store.transition(connection, row.transition)
    if made is None or change is None or made.next_at is None or made.step != row.step:
        return []
    why = f"{row.recipient} shows no sign of life over any channel: next step at once"
    return calls.climb(connection, made, change, desk, now, why)
