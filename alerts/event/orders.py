"""Orders by people: an open alert is set lower, cancelled, raised, held, or left to the rules again.

An order is a row until the next tick takes it, which is due at once. It counts for a while and no longer.
Nobody opens an alert by hand: to warn of what no data show at all is for the bulletins of the forecasters.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, update

from alerts.record import audit
from alerts.record.tables import order as table
from ingest.errors import UnknownName
from rules.level import Level

LASTS = timedelta(hours=12)
"""How long an order counts, where nothing else is said."""
LONGEST = timedelta(hours=24)
"""How long it counts at most: none can be forgotten."""


class Kind(StrEnum):
    """What an order does."""

    CORRECT = "correct"
    """Sets the level of the district."""
    CANCEL = "cancel"
    """Ends the alert: it was a mistake."""
    RAISE = "raise"
    """Raises the towns of the highest level to a higher one, and keeps them there."""
    HOLD = "hold"
    """Keeps every town at least at its level."""
    LIFT = "lift"
    """Leaves the level to the rules again."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a person wants changed."""

    hazard: str
    """Name of the hazard block."""
    alert: str
    """Identifier of the open alert; empty for LIFT, which may come after it was cancelled."""
    kind: Kind
    """What is to be done."""
    level: Level
    """Level to set; NONE where none is."""
    by: str
    """Name of the person."""
    why: str
    """The reason, as people read it; may be empty where an alert is cancelled."""
    at: datetime
    """When it was given."""
    until: datetime
    """Until when it counts: the rules may not go above the level meanwhile, or not below."""
    id: int | None = None
    """Number of its row; None before it has one."""

    @property
    def note(self) -> str:
        """``why（by）``, as the texts print it."""
        return f"{self.why}（{self.by}）"


def give(connection: Connection, order: Order) -> Order:
    """Keep an order for the next tick; the order with its number.

    UnknownName, with the remedy, where it counts for longer than LONGEST or for no time at all.
    """
    if order.until <= order.at:
        raise UnknownName("an order must count for longer than nothing; give a longer --for")
    if order.until - order.at > LONGEST:
        hours = int(LONGEST / timedelta(hours=1))
        raise UnknownName(f"an order counts for {hours} hours at most; give a shorter --for")
    row = asdict(order) | {"kind": order.kind.value, "level": int(order.level)}
    del row["id"]
    number = connection.scalar(insert(table).values(row).returning(table.c.id))
    audit.seal(connection, order.at, "order", [number])
    return Order(**(asdict(order) | {"id": number}))


def untaken(connection: Connection) -> list[Order]:
    """Orders that no tick has taken yet, oldest first."""
    rows = connection.execute(select(table).where(table.c.taken_at.is_(None)).order_by(table.c.id))
    orders = []
    for row in rows:
        parts = dict(row._mapping)
        del parts["taken_at"]
        parts |= {"kind": Kind(parts["kind"]), "level": Level(parts["level"])}
        orders.append(Order(**parts))
    return orders


_WAITING = select(func.count()).select_from(table).where(table.c.taken_at.is_(None))


def waiting(connection: Connection) -> bool:
    """Whether an order waits for a tick."""
    return bool(connection.scalar(_WAITING))


def take(connection: Connection, orders: Collection[Order], now: datetime) -> None:
    """Note that a tick has taken orders; an order is taken once."""
    numbers = [order.id for order in orders]
    if numbers:
        connection.execute(update(table).where(table.c.id.in_(numbers)).values(taken_at=now))
