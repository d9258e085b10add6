"""Delivery rows: planned before any send, claimed by compare-and-set, never lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from alerts.delivery import REPLACED, Delivery, Status
from alerts.tables import delivery as table

_FIELDS = (
    "key transition alert subsystem recipient step channel text data planned_at due_at expires_at"
    " priority attempts sent_at detail"
).split()

_NEXT_DUE = select(func.min(table.c.due_at)).where(table.c.status == Status.DUE.value)
_DUE = (
    select(table)
    .where(table.c.status == Status.DUE.value, table.c.due_at <= bindparam("now"))
    .where(table.c.channel.not_in(bindparam("without", expanding=True)))
    .order_by(table.c.priority, table.c.due_at, table.c.planned_at, table.c.key)
    .limit(bindparam("most"))
)
_CLAIM = (
    update(table)
    .where(table.c.key == bindparam("mine"), table.c.status == Status.DUE.value)
    .values(status=Status.CLAIMED.value, attempts=table.c.attempts + 1)
)
_GIVE_WAY = (
    update(table)
    .where(table.c.status == Status.CLAIMED.value, table.c.replaced)
    .values(status=Status.CANCELLED.value, detail=REPLACED)
)
_SETTLE = update(table).where(
    table.c.key == bindparam("mine"), table.c.status == Status.CLAIMED.value
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
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


def plan(connection: Connection, deliveries: Iterable[Delivery]) -> int:
    """Add rows and return how many were new; one whose key exists already is left as it is."""
    wanted = {item.key: item for item in deliveries}
    if not wanted:
        return 0
    there = set(connection.scalars(select(table.c.key).where(table.c.key.in_(wanted))))
    new = [item for item in wanted.values() if item.key not in there]
    rows = [asdict(item) | {"status": item.status.value} for item in new]
    if rows:
        connection.execute(insert(table), rows)
    return len(rows)


def due(
    connection: Connection, now: datetime, limit: int, *, without: Iterable[str] = ()
) -> list[Delivery]:
    """Rows whose time has come, the most urgent and oldest first; none of the channels in `without`."""
    asked = {"now": now, "without": list(without), "most": limit}
    return [_delivery(row) for row in connection.execute(_DUE, asked)]


def claim(connection: Connection, key: str) -> bool:
    """Take a due row for sending; False where another worker, or an acknowledgement, was faster."""
    return connection.execute(_CLAIM, {"mine": key}).rowcount == 1


def settle(connection: Connection, outcome: Outcome) -> None:
    """Write the outcome of an attempt into its claimed row; a replaced one is not tried again."""
    if outcome.status is Status.DUE:
        connection.execute(_GIVE_WAY.where(table.c.key == outcome.key))
    values: dict[str, Any] = {"status": outcome.status.value, "detail": outcome.detail}
    if outcome.status is Status.SENT:
        values["sent_at"] = outcome.at
    if outcome.next_at is not None:
        values["due_at"] = outcome.next_at
    connection.execute(_SETTLE, {"mine": outcome.key, **values})


def recover(connection: Connection) -> int:
    """Make rows due again that were being sent when the process died; they keep their keys.

    Those that a newer change had replaced meanwhile are cancelled instead.
    """
    connection.execute(_GIVE_WAY)
    stuck = update(table).where(table.c.status == Status.CLAIMED.value)
    return connection.execute(stuck.values(status=Status.DUE.value)).rowcount


def next_due(connection: Connection) -> datetime | None:
    """When the next row is due; None where nothing waits."""
    moment: datetime | None = connection.scalar(_NEXT_DUE)
    return moment


def all_deliveries(connection: Connection, alert: str | None = None) -> list[Delivery]:
    """Every row in the order it was planned, of one alert or of all."""
    query = select(table).order_by(table.c.planned_at, table.c.priority, table.c.key)
    if alert is not None:
        query = query.where(table.c.alert == alert)
    return [_delivery(row) for row in connection.execute(query)]


def counts(connection: Connection, since: datetime | None = None) -> dict[Status, int]:
    """Status -> number of rows, of all or of those planned since a moment."""
    query = select(table.c.status, func.count()).group_by(table.c.status)
    if since is not None:
        query = query.where(table.c.planned_at >= since)
    rows = connection.execute(query)
    return {Status(status): number for status, number in rows}


def _delivery(row: Row[Any]) -> Delivery:
    parts = {name: getattr(row, name) for name in _FIELDS}
    return Delivery(**parts, status=Status(row.status))
