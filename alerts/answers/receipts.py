"""Receipts: what gateways and pages tell of a message after it was taken. Twice, late and out of order."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from alerts.duty.people import Person
from alerts.outgoing.delivery import Pending, Purpose, Receipt, Sign, Status
from alerts.record import audit, tables
from ingest.times import utc

log = logging.getLogger(__name__)

PATIENCE = timedelta(hours=2)
"""For so long after a message was sent its provider is asked what became of it."""
PAGE = "page"
"""What stands for the channel of a receipt that the page behind a link gave."""
_ROW, _RECEIPT = tables.delivery, tables.receipt
_MOST = 500
_FOUND: Select[Any] = select(_ROW.c.key, _ROW.c.recipient, _ROW.c.delivered_at, _ROW.c.read_at)


def plain_number(phone: str) -> str:
    """The digits of a number without the country code of China; whatever is no digit is left out."""
    digits = re.sub(r"[^0-9]", "", phone)
    return re.sub(r"^(?:00)?86(?=1[0-9]{10}$)", "", digits)


def take(
    connection: Connection,
    channel: str,
    receipts: Iterable[Receipt],
    people: Mapping[str, Person],
    now: datetime,
) -> int:
    """Keep what a channel tells of its own messages; how many of the receipts told something new.

    A receipt names a message by its key, or by the provider's reference, which may stand for many numbers.
    The earliest time of each sign counts, in whatever order they come. "Will not arrive" makes the message's
    silence count at once. What is told of messages that are not known is logged, and no error.
    """
    new = 0
    for receipt in receipts:
        rows = _rows(connection, channel, receipt, people)
        if not rows:
            said = {"action": "receipt_unknown", "channel": channel}
            log.warning("channel %s tells of a message that is not known", channel, extra=said)
        new += sum(_take_one(connection, channel, row, receipt, now) for row in rows)
    return new


def _rows(
    connection: Connection, channel: str, receipt: Receipt, people: Mapping[str, Person]
) -> list[Row[Any]]:
    """The messages that a receipt is about: never those of another channel."""
    query = _FOUND.where(_ROW.c.channel == channel)
    if receipt.key is not None:
        return list(connection.execute(query.where(_ROW.c.key == receipt.key)))
    if not receipt.reference:
        return []
    rows = list(connection.execute(query.where(_ROW.c.reference == receipt.reference)))
    if receipt.phone is None:
        # A reference that stands for many numbers says nothing of any of them.
        return rows if len(rows) == 1 else []
    number = plain_number(receipt.phone)
    return [row for row in rows if _number_of(people, row.recipient) == number]


def _number_of(people: Mapping[str, Person], person: str) -> str:
    found = people.get(person)
    return "" if found is None else plain_number(found.phone)


def _take_one(
    connection: Connection,
    channel: str,
    row: Row[Any],
    receipt: Receipt,
    now: datetime,
) -> bool:
    at = utc(receipt.at)
    _keep_time(connection, row, receipt.sign, at)
    told = (_RECEIPT.c.key == row.key) & (_RECEIPT.c.sign == receipt.sign.value)
    if connection.execute(select(_RECEIPT.c.id).where(told)).first() is not None:
        return False
    kept = {"key": row.key, "sign": receipt.sign.value, "at": at, "heard_at": now, "channel": channel}
    detail = receipt.detail.replace("\x00", "").encode("utf-8", "replace").decode()[:500]
    added = connection.execute(insert(_RECEIPT).values(**kept, detail=detail))
    audit.seal(connection, now, "receipt", added.inserted_primary_key or ())
    if receipt.sign is Sign.UNDELIVERED:
        mine = update(_ROW).where(_ROW.c.key == row.key, _ROW.c.purpose != Purpose.CANARY.value)
        connection.execute(mine.values(chase_at=now))
    return True


def _keep_time(
    connection: Connection,
    row: Row[Any],
    sign: Sign,
    at: datetime,
) -> None:
    """The earliest time at which the message is said to have arrived, or to have been read."""
    if sign is Sign.UNDELIVERED:
        return
    name = "delivered_at" if sign is Sign.DELIVERED else "read_at"
    known = row.delivered_at if sign is Sign.DELIVERED else row.read_at
    if known is None or at < known:
        connection.execute(update(_ROW).where(_ROW.c.key == row.key).values({name: at}))


def read_by(
    connection: Connection, transition: str, subsystem: str, person: str, now: datetime
) -> int:
    """Keep that a person has seen what was sent of a change; how many messages that was new of."""
    told = (Status.SENT.value, Status.CLAIMED.value, Status.FOLDED.value)
    mine = (_ROW.c.transition == transition) & (_ROW.c.subsystem == subsystem)
    mine &= (_ROW.c.recipient == person) & _ROW.c.status.in_(told)
    # What was told in a digest was read in it: its key is the detail of what was folded.
    folded = select(_ROW.c.detail).where(mine, _ROW.c.status == Status.FOLDED.value)
    carriers = list(connection.scalars(folded))
    unread = _FOUND.where(_ROW.c.read_at.is_(None))
    seen = Receipt(sign=Sign.READ, at=now)
    rows = list(connection.execute(unread.where(mine)))
    if carriers:
        rows += connection.execute(unread.where(_ROW.c.key.in_(carriers)))
    return sum(_take_one(connection, PAGE, row, seen, now) for row in rows)


def waiting(connection: Connection, channel: str, now: datetime) -> bool:
    """Whether anything that a channel sent in the last two hours may still bring a sign or an answer."""
    fresh = (_ROW.c.channel == channel) & (_ROW.c.sent_at >= now - PATIENCE)
    open_ones = select(_ROW.c.key).where(
        fresh, _ROW.c.status == Status.SENT.value, _ROW.c.read_at.is_(None)
    )
    return connection.execute(open_ones.limit(1)).first() is not None


def pending(
    connection: Connection, channel: str, people: Mapping[str, Person], now: datetime
) -> list[Pending]:
    """What a channel sent in the last two hours of which no receipt has come, oldest first."""
    told = select(_RECEIPT.c.key).where(_RECEIPT.c.key == _ROW.c.key).exists()
    query = (
        select(_ROW.c.key, _ROW.c.reference, _ROW.c.recipient, _ROW.c.sent_at)
        .where(_ROW.c.channel == channel, _ROW.c.sent_at >= now - PATIENCE)
        .where(_ROW.c.status == Status.SENT.value, _ROW.c.reference != "", ~told)
        .order_by(_ROW.c.sent_at, _ROW.c.key)
        .limit(_MOST)
    )
    return [
        Pending(
            key=row.key,
            reference=row.reference,
            phone=_number_of(people, row.recipient),
            sent_at=row.sent_at,
        )
        for row in connection.execute(query)
    ]
