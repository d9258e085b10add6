"""Storm mode: what is more than a person can take in waits for a digest; nothing is lost.

A person can take in so many messages in a period (`Roster.budget`). Further ones are held until the period
ends and then told together (`alerts.outgoing.folding`). What somebody must answer, every red, and every
message that is not about a change pierces: it goes out at once, and counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from alerts.duty.people import Budget
from alerts.event.transition import CALLING, Reason
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Delivery, Purpose, Status
from alerts.outgoing.dispatch import Desk, priority_of
from alerts.record import audit
from alerts.record.tables import delivery as table
from rules.level import Level

Reached = tuple[str, str]
"""A person and a channel: each channel of a person has a budget of its own, for each tells them the same."""

_OUT = (Status.DUE.value, Status.CLAIMED.value)
_CALLING = {reason.value for reason in CALLING}


def plan(connection: Connection, rows: Iterable[Delivery], desk: Desk, now: datetime) -> int:
    """Add rows as `deliveries.plan` does, and hold those above a person's budget for a digest.

    News that data is back is not sent beside an opening or a rise of the same hazard to the same person:
    that says as much.
    """
    wanted = _as_one(connection, list(rows), now)
    if desk.routes.budget is not None:
        wanted = _held(connection, wanted, desk.routes.budget, now)
    added = deliveries.plan(connection, wanted)
    folded = [row.key for row in wanted if row.status is Status.FOLDED]
    audit.seal(connection, now, "outcome", folded)
    return added


def pierces(row: Delivery) -> bool:
    """Whether a message goes out at any budget: an answer is asked, it is a red, or it is no change."""
    asked = row.data.get("ack_link") is not None
    return row.purpose is not Purpose.ALERT or asked or row.priority <= priority_of(Level.RED)


@dataclass(frozen=True, kw_only=True)
class _Load:
    """What people have been told in a period, and until when further messages to them are held."""

    budget: Budget
    """What each can take in."""
    now: datetime
    """The present."""
    told: dict[Reached, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    """Moments of the messages of the period, oldest first."""
    held: dict[Reached, datetime] = field(default_factory=dict)
    """End of the hold, for whom there is one."""

    def place(self, row: Delivery) -> Delivery:
        """The row as it is to be planned: at once, or held."""
        if row.fold_at is not None or row.status is not Status.DUE:
            return row
        reached = (row.recipient, row.channel)
        told = self.told[reached]
        room = reached not in self.held and len(told) < self.budget.pages
        if room or pierces(row):
            told.append(self.now)
            return row
        if reached not in self.held:
            self.held[reached] = told[-self.budget.pages] + self.budget.per
        return replace(row, fold_at=self.held[reached])


def _held(
    connection: Connection, rows: list[Delivery], budget: Budget, now: datetime
) -> list[Delivery]:
    if all(row.fold_at is not None or pierces(row) for row in rows):
        return rows
    load = _load(connection, {row.recipient for row in rows}, budget, now)
    return [load.place(row) for row in rows]


def _load(
    connection: Connection, people: Collection[str], budget: Budget, now: datetime
) -> _Load:
    load = _Load(budget=budget, now=now)
    mine = table.c.recipient.in_(people)
    person = (table.c.recipient, table.c.channel)
    sent = select(*person, table.c.sent_at.label("at")).where(mine, table.c.sent_at > now - budget.per)
    out = select(*person, table.c.planned_at.label("at"), table.c.fold_at).where(
        mine, table.c.sent_at.is_(None), table.c.status.in_(_OUT)
    )
    found = [((row.recipient, row.channel), row.at) for row in connection.execute(sent)]
    for row in connection.execute(out):
        reached = (row.recipient, row.channel)
        if row.fold_at is None:
            # What has not gone out yet counts as of now: it will be read together with the next.
            found.append((reached, now))
        elif row.fold_at <= now + budget.per:
            load.held[reached] = min(row.fold_at, load.held.get(reached, row.fold_at))
    for reached, at in sorted(found, key=lambda one: one[1]):
        load.told[reached].append(at)
    return load


def _as_one(connection: Connection, rows: list[Delivery], now: datetime) -> list[Delivery]:
    """The rows of a change, where news of data found of the same moment becomes one with a call."""
    reasons = {row.data.get("reason") for row in rows}
    if Reason.DATA_FOUND.value in reasons:
        calls = {_same(row): row.key for row in _planned(connection, rows, now, _CALLING)}
        return [_folded(row, calls.get(_same(row))) for row in rows]
    if reasons & _CALLING:
        news = {_same(row): row.key for row in _planned(connection, rows, now, {Reason.DATA_FOUND.value})}
        for row in rows:
            if _same(row) in news:
                fold(connection, [news[_same(row)]], row.key, now)
    return rows


def _planned(
    connection: Connection, rows: list[Delivery], now: datetime, reasons: Collection[str]
) -> list[Delivery]:
    """What waits of the same moment to the same people, about changes of these reasons."""
    people = {row.recipient for row in rows}
    found = deliveries.matching(
        connection,
        table.c.recipient.in_(people),
        table.c.sent_at.is_(None),
        table.c.status == Status.DUE.value,
        table.c.planned_at == now,
    )
    return [row for row in found if row.data.get("reason") in reasons]


def _same(row: Delivery) -> tuple[str, str, object]:
    return row.recipient, row.channel, row.data.get("hazard")


def _folded(row: Delivery, key: str | None) -> Delivery:
    return row if key is None else replace(row, status=Status.FOLDED, detail=key, fold_at=None)


def fold(connection: Connection, keys: Collection[str], into: str, now: datetime) -> None:
    """Mark waiting rows as told in the message of another key."""
    waiting = update(table).where(table.c.key.in_(keys), table.c.status == Status.DUE.value)
    connection.execute(waiting.values(status=Status.FOLDED.value, detail=into, fold_at=None))
    audit.seal(connection, now, "outcome", keys)


def next_fold(connection: Connection) -> datetime | None:
    """When the next rows that are held are to be told; None where none are."""
    query = select(func.min(table.c.fold_at)).where(table.c.status == Status.DUE.value)
    moment: datetime | None = connection.scalar(query)
    return moment
