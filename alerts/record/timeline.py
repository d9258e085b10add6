"""Everything that happened to an alert, as one list of lines out of all tables, a page at a time.

The database joins, sorts and cuts: an alert of twenty thousand deliveries costs one page of lines. In the
story the messages and decisions that were written together stand as one line with their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    case,
    cast,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)

from alerts.event.transition import OVER, Transition
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Delivery, Purpose, Status
from alerts.record import store, tables
from alerts.record.account_tables import deed
from ingest.database import UtcTime

KINDS = (
    "change", "release", "vote", "order", "notice", "send", "receipt", "word", "reply", "report", "verdict",
    "deed",
)  # fmt: skip
"""Sorts of lines, in the order in which those of one moment stand."""
_FOLDED = ("notice", "send")
_TEXTS = ("ref", "subject", "who", "subsystem", "via", "said", "state")
_NUMBERS = ("number", "good", "bad", "read")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that happened."""

    at: datetime
    """When."""
    kind: str
    """One of `KINDS`."""
    ref: str
    """What tells it apart within its kind."""
    subject: str
    """Identifier of the change it belongs to, or what it was done to; may be empty."""
    who: str
    """Id or name of a person; empty where there is none."""
    subsystem: str
    """Id of the subsystem; may be empty."""
    via: str
    """Channel, or way in."""
    said: str
    """The words, as they were written."""
    state: str
    """How it stands: a reason, a status, a decision, a meaning."""
    number: int
    """How many rows the line stands for; of a change or an order the level."""
    good: int
    """Of folded messages those that were sent; of folded decisions those who were told."""
    bad: int
    """Of folded messages those that failed; of folded decisions those who were not told."""
    read: int
    """Of folded messages those that are known to have been seen."""


def lines(
    connection: Connection, alert: str, *, kind: str | None = None, first: int = 0, most: int = 50
) -> list[Line]:
    """A page of what happened to an alert, the newest first; of one kind, each row for itself, or the story.

    The story folds the decisions and messages of one moment, and leaves receipts to their messages.
    """
    parts = [_part(name, alert, folded=True) for name in KINDS if name != "receipt"]
    asked = union_all(*parts) if kind is None else union_all(_part(kind, alert, folded=False))
    found = asked.subquery()
    order = (found.c.at.desc(), found.c.rank, found.c.ref)
    rows = connection.execute(select(found).order_by(*order).limit(most).offset(first))
    return [Line(**{name: value for name, value in row._mapping.items() if name != "rank"}) for row in rows]


def counts(connection: Connection, alert: str) -> dict[str, int]:
    """Kind -> number of rows, each for itself."""
    found = union_all(
        *(select(literal(name).label("kind"), func.count().label("number")).select_from(
            _part(name, alert, folded=False).subquery()
        ) for name in KINDS)
    )  # fmt: skip
    return {row.kind: row.number for row in connection.execute(found)}


@dataclass(frozen=True, kw_only=True)
class Road:
    """How far the messages to one person of one subsystem came over one channel: the earliest of each."""

    subsystem: str
    """Id of the subsystem."""
    recipient: str
    """Id of the person."""
    channel: str
    """Name of the channel block."""
    tried: bool
    """Whether any was tried."""
    sent_at: datetime | None
    """When the channel first took one."""
    delivered_at: datetime | None
    """When one first reached a device."""
    read_at: datetime | None
    """When one was first seen."""


def roads(connection: Connection, alert: str, purposes: Iterable[Purpose]) -> list[Road]:
    """What became of an alert's messages of some purposes, in the order in which roads were first taken."""
    table = tables.delivery
    group = (table.c.subsystem, table.c.recipient, table.c.channel)
    moments = (table.c.sent_at, table.c.delivered_at, table.c.read_at)
    query = (
        select(*group, func.max(table.c.attempts), *(func.min(one, type_=UtcTime) for one in moments))
        .where(table.c.alert == alert, table.c.purpose.in_([one.value for one in purposes]))
        .group_by(*group)
        .order_by(func.min(table.c.planned_at), func.min(table.c.priority), func.min(table.c.key))
    )
    names = ("sent_at", "delivered_at", "read_at")
    return [
        Road(
            subsystem=subsystem,
            recipient=recipient,
            channel=channel,
            tried=bool(attempts) or told[0] is not None,
            **dict(zip(names, told, strict=True)),
        )
        for subsystem, recipient, channel, attempts, *told in connection.execute(query)
    ]


def planned(connection: Connection, alert: str, since: datetime) -> dict[str, Delivery]:
    """Key -> message of an alert that was planned at or after a moment."""
    table = tables.delivery
    rows = deliveries.matching(connection, table.c.alert == alert, table.c.planned_at >= since)
    return {row.key: row for row in rows}


def waiting(connection: Connection, alert: str) -> int:
    """Number of messages of an alert that have not gone out yet."""
    table = tables.delivery
    mine = (table.c.alert == alert) & (table.c.status == Status.DUE.value)
    return connection.scalar(select(func.count()).select_from(table).where(mine)) or 0


def decisions(connection: Connection, changes: Iterable[str]) -> list[store.Told]:
    """What the router decided on some changes, in order."""
    table = tables.notice
    columns = (table.c[name] for name in ("transition", "at", "subsystem", "person", "step", "why"))
    query = select(*columns).where(table.c.transition.in_(list(changes))).order_by(table.c.id)
    return [store.Told(**row._mapping) for row in connection.execute(query)]


def closed(connection: Connection, hazard: str, most: int = 500) -> list[Transition]:
    """The change that ended each past alert of a hazard, the newest first."""
    table = tables.transition
    over = [reason.value for reason in OVER]
    query = (
        select(table.c.id)
        .where(table.c.hazard == hazard, table.c.reason.in_(over))
        .order_by(table.c.at.desc())
        .limit(most)
    )
    found = (store.transition(connection, name) for name in connection.scalars(query).all())
    return [change for change in found if change is not None]


def incident_alerts(connection: Connection, incident: str) -> list[str]:
    """Identifiers of the alerts of an incident, in the order in which they opened."""
    table = tables.transition
    opened = func.min(table.c.at)
    query = select(table.c.alert).where(table.c.incident == incident).group_by(table.c.alert)
    return list(connection.scalars(query.order_by(opened, table.c.alert)))


def _part(kind: str, alert: str, *, folded: bool) -> Select[Any]:
    if folded and kind in _FOLDED:
        return {"notice": _notices_folded, "send": _sends_folded}[kind](alert)
    return _PARTS[kind](alert)


def _line(
    kind: str, at: ColumnElement[Any], ref: ColumnElement[Any], /, **given: ColumnElement[Any] | int
) -> Select[Any]:
    """A select with every column of `Line`, those not given being empty."""
    texts = [cast(given.get(name, literal("")), Text).label(name) for name in _TEXTS if name != "ref"]
    numbers = [cast(given.get(name, literal(0)), Integer).label(name) for name in _NUMBERS]
    columns: list[ColumnElement[Any]] = [
        type_coerce(at, UtcTime).label("at"),
        literal(KINDS.index(kind)).label("rank"),
        literal(kind).label("kind"),
        cast(ref, Text).label("ref"),
        *texts,
        *numbers,
    ]
    return select(*columns)


def _changes(alert: str) -> Select[Any]:
    row = tables.transition.c
    return _line(
        "change", row.at, row.id, subject=row.id, said=row.note, state=row.reason, number=row.to_level
    ).where(row.alert == alert)


def _changes_of(alert: str) -> Select[Any]:
    return select(tables.transition.c.id).where(tables.transition.c.alert == alert)


def _notices(alert: str) -> Select[Any]:
    row = tables.notice.c
    told = case((row.person.is_(None), "not_told"), else_="told")
    return _line(
        "notice", row.at, row.id, subject=row.transition, who=func.coalesce(row.person, ""),
        subsystem=row.subsystem, said=row.why, state=told, number=row.step,
    ).where(row.transition.in_(_changes_of(alert)))  # fmt: skip


def _notices_folded(alert: str) -> Select[Any]:
    row = tables.notice.c
    return (
        _line(
            "notice", row.at, row.transition, subject=row.transition, number=func.count(),
            good=func.count(row.person), bad=func.count() - func.count(row.person),
        )
        .where(row.transition.in_(_changes_of(alert)))
        .group_by(row.transition, row.at)
    )  # fmt: skip


def _sends(alert: str) -> Select[Any]:
    row = tables.delivery.c
    return _line(
        "send", func.coalesce(row.sent_at, row.planned_at), row.key, subject=row.transition,
        who=row.recipient, subsystem=row.subsystem, via=row.channel, said=row.text, state=row.status,
    ).where(row.alert == alert)  # fmt: skip


def _sends_folded(alert: str) -> Select[Any]:
    row = tables.delivery.c
    sent = func.sum(case((row.status == Status.SENT.value, 1), else_=0))
    failed = func.sum(case((row.status == Status.FAILED.value, 1), else_=0))
    return (
        _line(
            "send", row.planned_at, row.transition + row.purpose, subject=row.transition, state=row.purpose,
            number=func.count(), good=sent, bad=failed, read=func.count(row.read_at),
        )
        .where(row.alert == alert)
        .group_by(row.transition, row.purpose, row.planned_at)
    )  # fmt: skip


def _receipts(alert: str) -> Select[Any]:
    row, sent = tables.receipt.c, tables.delivery.c
    return (
        _line(
            "receipt", row.at, row.id, subject=sent.transition, who=sent.recipient,
            subsystem=sent.subsystem, via=row.channel, said=row.detail, state=row.sign,
        )
        .join_from(tables.receipt, tables.delivery, row.key == sent.key)
        .where(sent.alert == alert)
    )  # fmt: skip


def _words(alert: str) -> Select[Any]:
    row = tables.acknowledgement.c
    state = case((row.effective, "first"), else_="again")
    return _line(
        "word", row.at, row.id, subject=func.coalesce(row.transition, ""), who=row.by,
        subsystem=row.subsystem, via=row.via, state=state,
    ).where(row.alert == alert)  # fmt: skip


def _replies(alert: str) -> Select[Any]:
    """Replies of those who were told, while the alert was open: a reply names no alert."""
    row, sent, change = tables.reply.c, tables.delivery.c, tables.transition.c
    told = select(sent.recipient).where(sent.alert == alert)
    mine = change.alert == alert
    begun = select(func.min(change.at)).where(mine).scalar_subquery()
    over = change.reason.in_([reason.value for reason in OVER])
    ended = select(func.min(change.at)).where(mine, over).scalar_subquery()
    until = func.coalesce(ended, row.heard_at)
    return _line(
        "reply", row.heard_at, row.id, who=func.coalesce(row.person, ""), via=row.channel, said=row.text,
        state=row.meaning,
    ).where(row.person.in_(told), row.heard_at >= begun, row.heard_at <= until)  # fmt: skip


def _reports(alert: str) -> Select[Any]:
    row = tables.report.c
    return _line(
        "report", row.at, row.id, subject=row.transition, who=row.by, subsystem=row.subsystem, via=row.via,
        said=row.words, state=row.kind,
    ).where(row.alert == alert)  # fmt: skip


def _releases(alert: str) -> Select[Any]:
    row = tables.release.c
    return _line(
        "release", func.coalesce(row.decided_at, row.asked_at), row.transition, subject=row.transition,
        said=row.detail, state=row.status, number=row.level,
    ).where(row.alert == alert)  # fmt: skip


def _votes(alert: str) -> Select[Any]:
    row, asked = tables.approval.c, tables.release.c
    state = case((row.yes, "yes"), else_="no")
    return (
        _line(
            "vote", row.at, row.id, subject=row.transition, who=row.person, via=row.via, said=row.why,
            state=state,
        )
        .join_from(tables.approval, tables.release, row.transition == asked.transition)
        .where(asked.alert == alert)
    )  # fmt: skip


def _orders(alert: str) -> Select[Any]:
    row = tables.order.c
    return _line(
        "order", row.at, row.id, who=row.by, said=row.why, state=row.kind, number=row.level
    ).where(row.alert == alert)


def _verdicts(alert: str) -> Select[Any]:
    row = tables.verdict.c
    return _line(
        "verdict", row.at, row.id, who=row.by, said=row.why, state=row.judged, number=row.level
    ).where(row.alert == alert)


def _deeds(alert: str) -> Select[Any]:
    row = deed.c
    return _line(
        "deed", row.at, row.id, subject=row.subject, who=row.title, said=row.why, state=row.what
    ).where(row.subject == alert)


_PARTS = {
    "change": _changes,
    "release": _releases,
    "vote": _votes,
    "order": _orders,
    "notice": _notices,
    "send": _sends,
    "receipt": _receipts,
    "word": _words,
    "reply": _replies,
    "report": _reports,
    "verdict": _verdicts,
    "deed": _deeds,
}
