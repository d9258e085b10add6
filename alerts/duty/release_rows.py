"""Releases and approvals as rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from alerts.answers.links import Claim
from alerts.event.transition import ABOUT_DATA
from alerts.outgoing.delivery import Purpose, Status
from alerts.record import audit, tables
from rules.level import Level

_ROWS, _VOTES = tables.release, tables.approval
_UNTOLD = (Status.CANCELLED.value, Status.FAILED.value)
_TELLING = (Purpose.ALERT.value, Purpose.DIGEST.value)


class Decision(StrEnum):
    """How a release stands."""

    WAITING = "waiting"
    """Approvers are being asked."""
    HELD = "held"
    """All were asked and too few answered; it can still be approved."""
    APPROVED = "approved"
    """As many as needed said yes; people were told."""
    UNCONFIRMED = "unconfirmed"
    """Too few answered, and it went out all the same, marked as unconfirmed."""
    REFUSED = "refused"
    """One said no; nobody was told."""
    SUPERSEDED = "superseded"
    """A newer change of the alert took its place."""


OPEN = (Decision.WAITING, Decision.HELD)
"""What can still be decided."""
OUT = (Decision.APPROVED, Decision.UNCONFIRMED)
"""What people were told of."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A change that waits, or waited, for approval."""

    transition: str
    """Identifier of the change."""
    alert: str
    """Identifier of the alert."""
    level: Level
    """Level it is about."""
    needed: int
    """Approvals by different people."""
    asked_at: datetime
    """When the first approvers were asked, of this change or of those of its level that it overtook."""
    step: int
    """Number of approvers asked so far."""
    next_at: datetime | None
    """When the next is asked, or it is decided without; None where nothing follows by itself."""
    decision: Decision = Decision.WAITING
    """How it stands."""
    decided_at: datetime | None = None
    """Since when, where it does not wait."""
    detail: str = ""
    """By whom and why."""

    @property
    def open(self) -> bool:
        """Whether it can still be decided."""
        return self.decision in OPEN


@dataclass(frozen=True, kw_only=True)
class Vote:
    """The word of one approver."""

    transition: str
    """Identifier of the change."""
    person: str
    """Id of the approver."""
    yes: bool
    """Whether it may go out."""
    at: datetime
    """When."""
    via: str
    """``cli``, ``link`` or another way in."""
    why: str = ""
    """The reason given."""


def begin(connection: Connection, row: Asked, now: datetime) -> None:
    """Write a release down."""
    values = {
        "transition": row.transition,
        "alert": row.alert,
        "level": int(row.level),
        "needed": row.needed,
        "asked_at": row.asked_at,
        "step": row.step,
        "next_at": row.next_at,
        "status": row.decision.value,
        "detail": row.detail,
    }
    connection.execute(insert(_ROWS).values(values))
    audit.seal(connection, now, "release", [row.transition])


def move(connection: Connection, row: Asked) -> None:
    """Keep how many were asked, and when the next is."""
    mine = update(_ROWS).where(_ROWS.c.transition == row.transition)
    connection.execute(mine.values(step=row.step, next_at=row.next_at))


def close(
    connection: Connection, row: Asked, decision: Decision, now: datetime, detail: str
) -> Asked:
    """Write a decision down; nothing follows by itself any more."""
    values = {"status": decision.value, "decided_at": now, "detail": detail, "next_at": None}
    connection.execute(update(_ROWS).where(_ROWS.c.transition == row.transition).values(values))
    audit.seal(connection, now, "release", [row.transition])
    return replace(row, decision=decision, decided_at=now, detail=detail, next_at=None)


def of(connection: Connection, transition: str) -> Asked | None:
    """The release of a change; None where it needs none."""
    row = connection.execute(select(_ROWS).where(_ROWS.c.transition == transition)).first()
    return None if row is None else _asked(row)


def newest_for(connection: Connection, transition: str) -> Asked | None:
    """The release that a word on a change counts for: its own, or an open one that overtook it."""
    row = of(connection, transition)
    if row is None or row.decision is not Decision.SUPERSEDED:
        return row
    later = asked(connection, alert=row.alert, open_only=True)
    return next((one for one in later if one.level == row.level), row)


def last_of(connection: Connection, alert: str) -> Asked | None:
    """The newest release of an alert; None where it never needed one."""
    rows = asked(connection, alert=alert)
    return rows[-1] if rows else None


def asked(
    connection: Connection,
    *,
    alert: str | None = None,
    due: datetime | None = None,
    since: datetime | None = None,
    open_only: bool = False,
) -> list[Asked]:
    """Releases, oldest first; with `due`, those that wait and whose pause is over by then.

    With `since`, those that are open, or were asked for or decided since.
    """
    query = select(_ROWS).order_by(_ROWS.c.asked_at, func.length(_ROWS.c.transition), _ROWS.c.transition)
    still = _ROWS.c.status.in_([decision.value for decision in OPEN])
    if alert is not None:
        query = query.where(_ROWS.c.alert == alert)
    if due is not None:
        query = query.where(_ROWS.c.status == Decision.WAITING.value, _ROWS.c.next_at <= due)
    if since is not None:
        query = query.where(or_(still, _ROWS.c.asked_at >= since, _ROWS.c.decided_at >= since))
    if open_only:
        query = query.where(still)
    return [_asked(row) for row in connection.execute(query)]


def _asked(row: Row[Any]) -> Asked:
    parts = dict(row._mapping)
    parts["decision"] = Decision(parts.pop("status"))
    return Asked(**(parts | {"level": Level(row.level)}))


_NEXT = select(func.min(_ROWS.c.next_at)).where(_ROWS.c.status == Decision.WAITING.value)


def next_due(connection: Connection) -> datetime | None:
    """When the pause of any waiting release is over."""
    moment: datetime | None = connection.scalar(_NEXT)
    return moment


def vote(connection: Connection, word: Vote) -> None:
    """Keep the word of an approver; a later one takes the place of the first."""
    mine = (_VOTES.c.transition == word.transition) & (_VOTES.c.person == word.person)
    values = {"yes": word.yes, "at": word.at, "via": word.via, "why": word.why}
    if connection.execute(update(_VOTES).where(mine).values(values)).rowcount == 0:
        named = {"transition": word.transition, "person": word.person}
        connection.execute(insert(_VOTES).values(named | values))
    audit.seal(connection, word.at, "approval", list(connection.scalars(select(_VOTES.c.id).where(mine))))


def votes(connection: Connection, row: Asked) -> list[Vote]:
    """Every word on a release, and on those of its level that it overtook; the newest of each person."""
    chain = select(_ROWS.c.transition).where(
        _ROWS.c.alert == row.alert,
        _ROWS.c.level == int(row.level),
        _ROWS.c.asked_at == row.asked_at,
    )
    query = select(_VOTES).where(_VOTES.c.transition.in_(chain)).order_by(_VOTES.c.at, _VOTES.c.id)
    newest = {}
    for found in connection.execute(query):
        parts = dict(found._mapping)
        del parts["id"]
        newest[found.person] = Vote(**parts)
    return list(newest.values())


def agreed(connection: Connection, row: Asked) -> list[str]:
    """Ids of the different people who said yes to a release."""
    return [word.person for word in votes(connection, row) if word.yes]


def claims(
    connection: Connection, people: dict[Level, tuple[str, ...]], since: datetime, valid: timedelta
) -> list[Claim]:
    """What the approval links signed since a moment stand for; `people` are the approvers of each level."""
    return [
        Claim(
            alert=row.alert,
            transition=row.transition,
            subsystem="",
            person=person,
            expires_at=row.asked_at + valid,
        )
        for row in asked(connection, since=since)
        for person in people.get(row.level, ())
    ]


def known_level(connection: Connection, alert: str) -> Level:
    """The level of an alert as people know it: that of the newest change somebody was told of."""
    change, told = tables.transition, tables.delivery
    heard = select(told.c.transition).where(
        told.c.alert == alert, told.c.status.not_in(_UNTOLD), told.c.purpose.in_(_TELLING)
    )
    query = (
        select(change.c.to_level)
        .where(change.c.alert == alert, change.c.id.in_(heard))
        .where(change.c.reason.not_in([reason.value for reason in ABOUT_DATA]))
        .order_by(change.c.at.desc(), func.length(change.c.id).desc(), change.c.id.desc())
        .limit(1)
    )
    return Level(connection.scalar(query) or 0)


def annotate(connection: Connection, transition: str, note: str, now: datetime) -> None:
    """Add to what a change notes of itself."""
    table = tables.transition
    mine = table.c.id == transition
    before = connection.scalar(select(table.c.note).where(mine)) or ""
    full = f"{before}；{note}" if before else note
    connection.execute(update(table).where(mine).values(note=full))
    audit.seal(connection, now, "transition", [transition])
