"""Delivery rows: planned before any send, claimed by compare-and-set, never lost."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    case,
    func,
    insert,
    literal,
    select,
    update,
)

from alerts.outgoing import bulk
from alerts.outgoing.delivery import REPLACED, Delivery, Purpose, Status
from alerts.record import audit
from alerts.record.tables import delivery as table
from ingest.times import utc

_FIELDS = (
    "key transition alert subsystem recipient step channel text data planned_at due_at expires_at"
    " priority attempts sent_at detail reference delivered_at read_at fold_at chase_s purpose status"
).split()
COLUMNS = tuple(table.c[name] for name in _FIELDS)
"""What `delivery_of` reads, in its order."""
_PURPOSES = {purpose.value: purpose for purpose in Purpose}
_STATUSES = {status.value: status for status in Status}
_CHUNK = 500
_SEALED = tuple(column.name for column in audit.KINDS["delivery"].columns)
_Sent = tuple[str, str, datetime, str, datetime | None]

# Rows that wait for a digest go out with it.
_WAITS = (table.c.status == Status.DUE.value) & table.c.fold_at.is_(None)
_CLAIMED = table.c.status == Status.CLAIMED.value
_MINE = table.c.key.in_(bindparam("keys", expanding=True))
_DUE = (
    select(*COLUMNS)
    .where(_WAITS, table.c.due_at <= bindparam("now"))
    .where(table.c.channel.not_in(bindparam("without", expanding=True)))
    .order_by(table.c.priority, table.c.due_at, table.c.planned_at, table.c.key)
    .limit(bindparam("most"))
)
_CLAIM = (
    update(table)
    .where(_MINE, _WAITS)
    .values(status=Status.CLAIMED.value, attempts=table.c.attempts + 1)
    .returning(table.c.key)
)
_STUCK = (
    _WAITS,
    table.c.channel == bindparam("over"),
    table.c.chase_at.is_(None),
    table.c.chased_at.is_(None),
    table.c.purpose != Purpose.CANARY.value,
)
_WAITING = select(table.c.chase_s).where(*_STUCK)
# A message that an acknowledgement made needless says so already.
_WHY = case((table.c.detail.like("acknowledged by %"), table.c.detail), else_=REPLACED)
_GIVE_WAY = (
    update(table)
    .where(_CLAIMED, table.c.replaced)
    .values(status=Status.CANCELLED.value, detail=_WHY)
)
_ONE_LESS = case((table.c.attempts > 0, table.c.attempts - 1), else_=0)
_BACK = (
    update(table)
    .where(_CLAIMED)
    .values(status=Status.DUE.value, attempts=_ONE_LESS)
)
_CLAIMED_FACTS = (
    select(table.c.key, table.c.replaced, table.c.chase_s, table.c.purpose)
    .where(_MINE, _CLAIMED)
    .with_for_update()
)
_ENDED = update(table).where(table.c.key == bindparam("mine"), _CLAIMED)
_NEWS = ("detail", "sent_at", "reference", "chase_at")
_SENT = _ENDED.values(
    status=Status.SENT.value, **{name: bindparam(f"new_{name}") for name in _NEWS}
)


class Outcome(NamedTuple):
    """How an attempt ended."""

    key: str
    """Idempotency key of the delivery."""
    status: Status
    """SENT, FAILED, or DUE for another attempt."""
    at: datetime
    """When it was known."""
    detail: str
    """In words, without secrets."""
    next_at: datetime | None = None
    """When to try again, where the status is DUE."""
    reference: str = ""
    """The provider's id, where the status is SENT."""
    counted: bool = True
    """False where it only found out that the gateway is still out of order; that is no attempt."""


class _Fact(NamedTuple):
    """What the end of an attempt depends on."""

    key: str
    replaced: bool
    chase_s: int | None
    purpose: str


def plan(connection: Connection, deliveries: Iterable[Delivery]) -> int:
    """Add rows and return how many were new; one whose key exists already is left as it is."""
    wanted = {item.key: item for item in deliveries}
    if not wanted:
        return 0
    there = set(connection.scalars(select(table.c.key).where(table.c.key.in_(wanted))))
    new = [item for item in wanted.values() if item.key not in there]
    rows = [_row(item) for item in new]
    if rows:
        connection.execute(insert(table), rows)
        written = [(row["key"], [row[name] for name in _SEALED]) for row in map(_kept, rows)]
        audit.seal_written(connection, max(item.planned_at for item in new), "delivery", written)
    return len(rows)


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    """The row as the database gives it back: JSON knows neither tuples nor keys that are no text."""
    return row | {"data": json.loads(json.dumps(row["data"]))}


def _row(item: Delivery) -> dict[str, Any]:
    row = vars(item) | {"status": item.status.value, "purpose": item.purpose.value}
    chase = row.pop("chase_after")
    return row | {"chase_s": None if chase is None else int(chase.total_seconds())}


def due(
    connection: Connection, now: datetime, limit: int, *, without: Iterable[str] = ()
) -> list[Delivery]:
    """Rows whose time has come, the most urgent and oldest first; none of the channels in `without`."""
    shut = list(without)
    if bulk.possible(connection):
        found = bulk.waiting(connection, _FIELDS, now, limit, shut)
        return [_delivery(parts) for parts in found]
    asked = {"now": now, "without": shut, "most": limit}
    return [delivery_of(row) for row in connection.execute(_DUE, asked)]


def claim(connection: Connection, key: str) -> bool:
    """Take a due row for sending; False where another worker, or an acknowledgement, was faster."""
    return bool(claim_all(connection, [key]))


def claim_all(connection: Connection, keys: Collection[str]) -> set[str]:
    """Take due rows for sending; the keys of those that nobody else was faster with."""
    if not keys:
        return set()
    if bulk.possible(connection):
        return bulk.claim(connection, keys)
    return set(connection.scalars(_CLAIM, {"keys": list(keys)}))


def settle(connection: Connection, outcome: Outcome) -> None:
    """Write the outcome of an attempt into its claimed row; see `settle_all`."""
    settle_all(connection, [outcome])


def settle_all(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Write outcomes into their claimed rows; rows that nobody claimed are left as they are.

    A replaced one is not tried again. Where a message was given up, the person's next channel is due at
    once; where it was sent and a sign of life is expected, as soon as that is late.
    """
    if not outcomes:
        return
    facts = _facts(connection, [outcome.key for outcome in outcomes])
    known = [(outcome, facts[outcome.key]) for outcome in outcomes if outcome.key in facts]
    sent = [
        (one.key, one.detail, one.at, one.reference, _chase_at(one, fact))
        for one, fact in known
        if one.status is Status.SENT
    ]
    if sent and bulk.possible(connection):
        bulk.sent(connection, sent)
    elif sent:
        names = ["mine", *(f"new_{name}" for name in _NEWS)]
        connection.execute(_SENT, [dict(zip(names, row, strict=True)) for row in sent])
    for outcome, fact in known:
        if outcome.status is not Status.SENT:
            connection.execute(_ENDED.values(_values(outcome, fact)), {"mine": outcome.key})
    _seal(connection, sent)
    ended = [
        one
        for one, fact in known
        if one.status is Status.FAILED or (one.status is Status.DUE and fact.replaced)
    ]
    if ended:
        audit.seal(connection, max(one.at for one in ended), "outcome", [one.key for one in ended])


def _seal(connection: Connection, sent: Sequence[_Sent]) -> None:
    """Hold fast what was sent, without reading it back."""
    if sent:
        written = [(key, (Status.SENT.value, _iso(at), reference)) for key, _, at, reference, _ in sent]
        audit.seal_written(connection, max(row[2] for row in sent), "outcome", written)


@lru_cache(maxsize=16)
def _iso(at: datetime) -> str:
    return utc(at).isoformat()


def _facts(connection: Connection, keys: list[str]) -> dict[str, _Fact]:
    """What is known of those rows that are claimed."""
    if bulk.possible(connection):
        return {row[0]: _Fact(*row) for row in bulk.facts(connection, keys)}
    return {row.key: _Fact(*row) for row in connection.execute(_CLAIMED_FACTS, {"keys": keys})}


def _values(outcome: Outcome, fact: _Fact) -> dict[str, Any]:
    if outcome.status is Status.DUE and fact.replaced:
        return {"status": Status.CANCELLED.value, "detail": _WHY}
    values: dict[str, Any] = {"status": outcome.status.value, "detail": outcome.detail}
    if outcome.next_at is not None:
        values["due_at"] = outcome.next_at
    if not outcome.counted:
        values["attempts"] = _ONE_LESS
    if outcome.status is Status.FAILED:
        values["chase_at"] = _chase_at(outcome, fact)
    elif outcome.counted and fact.chase_s is not None and fact.purpose != Purpose.CANARY.value:
        # Patience counts from the first attempt, however often it is tried again.
        late = literal(outcome.at + timedelta(seconds=fact.chase_s), table.c.chase_at.type)
        first = func.coalesce(table.c.chase_at, late)
        values["chase_at"] = case((table.c.chased_at.is_(None), first), else_=table.c.chase_at)
    return values


def _chase_at(outcome: Outcome, fact: _Fact) -> datetime | None:
    """When the person's next channel is due, unless a sign of life comes first."""
    if fact.replaced:
        return None
    if outcome.status is Status.SENT:
        return None if fact.chase_s is None else outcome.at + timedelta(seconds=fact.chase_s)
    # The canary is there to find out which channel fails.
    return None if fact.purpose == Purpose.CANARY.value else outcome.at


def hand_back(connection: Connection, keys: Collection[str]) -> None:
    """Make claimed rows due again that were not begun, unless they became needless; that is no attempt."""
    if keys:
        _give_way(connection, keys)
        connection.execute(_BACK.where(_MINE), {"keys": list(keys)})


def _give_way(connection: Connection, keys: Collection[str]) -> None:
    """Cancel those of these claimed rows that became needless."""
    over = select(table.c.key, table.c.planned_at).where(_CLAIMED, table.c.replaced)
    rows = [row for row in connection.execute(over) if row.key in keys]
    if rows:
        gone = [row.key for row in rows]
        connection.execute(_GIVE_WAY.where(_MINE), {"keys": gone})
        audit.seal(connection, max(row.planned_at for row in rows), "outcome", gone)


def replaced(connection: Connection) -> list[str]:
    """Keys of claimed rows that need not be sent any more."""
    return list(connection.scalars(select(table.c.key).where(_CLAIMED, table.c.replaced)))


def recover(connection: Connection, outcomes: Sequence[Outcome] = ()) -> int:
    """After a crash: rows that were claimed are due again under their keys, less those with an outcome.

    Those that a newer change had replaced meanwhile are cancelled instead. The attempt that the crash cut
    short is not counted. Returns how many are due again.
    """
    for first in range(0, len(outcomes), _CHUNK):
        settle_all(connection, outcomes[first : first + _CHUNK])
    _give_way(connection, replaced(connection))
    return connection.execute(_BACK).rowcount


def chase_waiting(connection: Connection, channel: str, now: datetime, *, at_once: bool) -> None:
    """The people whose messages wait for a channel that is out of order are reached over their next one.

    `at_once`, or where a row has waited for longer than it may go without a sign of life.
    """
    for chase_s in connection.scalars(_WAITING.distinct(), {"over": channel}).all():
        patience = 0 if at_once else chase_s
        if patience is not None:
            late = update(table).where(*_STUCK, table.c.chase_s.is_not_distinct_from(chase_s))
            late = late.where(table.c.due_at <= now - timedelta(seconds=patience))
            connection.execute(late.values(chase_at=now), {"over": channel})


def next_chase(connection: Connection, channel: str, *, at_once: bool) -> datetime | None:
    """When `chase_waiting` has something to do next."""
    waiting = _WAITING.add_columns(func.min(table.c.due_at)).group_by(table.c.chase_s)
    moments = [
        due_at + timedelta(seconds=0 if at_once else chase_s)
        for chase_s, due_at in connection.execute(waiting, {"over": channel})
        if at_once or chase_s is not None
    ]
    return min(moments, default=None)


def sent_since(connection: Connection, channel: str, since: datetime, most: int) -> list[datetime]:
    """When the last messages of a channel were sent after a moment, the newest first, at most so many."""
    sent = select(table.c.sent_at).where(table.c.channel == channel, table.c.sent_at > since)
    return list(connection.scalars(sent.order_by(table.c.sent_at.desc()).limit(most)))


def next_due(
    connection: Connection, *, channel: str | None = None, without: Iterable[str] = ()
) -> datetime | None:
    """When the next row is due, of a channel or of all but those in `without`; None where nothing waits."""
    query = select(func.min(table.c.due_at)).where(_WAITS)
    if channel is not None:
        query = query.where(table.c.channel == channel)
    left_out = list(without)
    if left_out:
        query = query.where(table.c.channel.not_in(left_out))
    moment: datetime | None = connection.scalar(query)
    return moment


def all_deliveries(connection: Connection, alert: str | None = None) -> list[Delivery]:
    """Every row in the order it was planned, of one alert or of all."""
    query = select(*COLUMNS).order_by(table.c.planned_at, table.c.priority, table.c.key)
    if alert is not None:
        query = query.where(table.c.alert == alert)
    return [delivery_of(row) for row in connection.execute(query)]


def matching(connection: Connection, *where: ColumnElement[bool]) -> list[Delivery]:
    """The rows that fit conditions, in the order they were planned."""
    order = (table.c.planned_at, table.c.priority, table.c.key)
    query = select(*COLUMNS).where(*where).order_by(*order)
    return [delivery_of(row) for row in connection.execute(query)]


def counts(connection: Connection, since: datetime | None = None) -> dict[Status, int]:
    """Status -> number of rows, of all or of those planned since a moment."""
    query = select(table.c.status, func.count()).group_by(table.c.status)
    if since is not None:
        query = query.where(table.c.planned_at >= since)
    rows = connection.execute(query)
    return {Status(status): number for status, number in rows}


def delivery_of(row: Row[Any]) -> Delivery:
    """The delivery that a row of the table is."""
    return _delivery([row._mapping[name] for name in _FIELDS])


def _delivery(values: Sequence[Any]) -> Delivery:
    *plain, chase_s, purpose, status = values
    # Thousands of rows a second: a frozen dataclass takes ten times as long to set its fields one by one.
    made = object.__new__(Delivery)
    made.__dict__.update(
        zip(_FIELDS, plain, strict=False),
        chase_after=None if chase_s is None else timedelta(seconds=chase_s),
        purpose=_PURPOSES[purpose],
        status=_STATUSES[status],
    )
    return made
