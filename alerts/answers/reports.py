"""What subsystems report: the three facts after a red is acknowledged, and how it ended.

Acknowledged is not acted. Whoever acknowledges a level that asks for facts has a while to tell who commands,
what is affected and who was moved; without them the call goes on up its ladder, asking for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, insert, select, update

from alerts.answers import closing
from alerts.answers.call_rows import ANSWERED, Call, CallStatus, call_of
from alerts.answers.closing import title_of
from alerts.answers.facts import Facts
from alerts.duty.routing import FIRST_STEP, Notice, call, ladder
from alerts.event.transition import Transition
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Purpose, Status
from alerts.outgoing.dispatch import Desk
from alerts.record import audit, store, tables
from alerts.wording import memos
from alerts.wording.memos import Memo

Sort = Literal["facts", "closing"]

_CALL, _REPORT, _DELIVERY = tables.call, tables.report, tables.delivery
_ANSWERED = _CALL.c.status.in_([status.value for status in ANSWERED])
_OWED = _ANSWERED & _CALL.c.facts_at.is_(None)
_NEXT = select(func.min(_CALL.c.facts_due)).where(_OWED)
_LONGEST = 2000


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a subsystem told of an alert."""

    kind: Sort
    """Whether it is the facts after an acknowledgement, or the closing report."""
    alert: str
    """Identifier of the alert."""
    transition: str
    """The change it answers."""
    subsystem: str
    """Id of the subsystem."""
    by: str
    """Name of the person."""
    via: str
    """``link``, ``sms`` or ``cli``."""
    at: datetime
    """When."""
    commander: str = ""
    """Who commands; empty where it was not told."""
    affected: str = ""
    """What is affected."""
    moved: str = ""
    """Who was moved."""
    words: str = ""
    """The words as they came."""
    complete: bool = False
    """True where nothing that was asked for is missing; set when it is kept."""

    @property
    def facts(self) -> Facts:
        """The three facts."""
        return Facts(commander=self.commander, affected=self.affected, moved=self.moved)


def add(connection: Connection, report: Report) -> Report:
    """Keep a report as it completes what the subsystem told before; a complete one ends the asking.

    Facts that this one leaves out are taken from the one before it about the same change. A closing report is
    complete with any words at all.
    """
    kept = replace(
        report,
        commander=plain_text(report.commander),
        affected=plain_text(report.affected),
        moved=plain_text(report.moved),
        words=plain_text(report.words),
    )
    if report.kind == "facts":
        facts = kept.facts.over(_before(connection, kept))
        kept = replace(kept, **asdict(facts), complete=facts.complete)
    else:
        kept = replace(kept, complete=bool(kept.facts.told or kept.words))
    added = connection.execute(insert(_REPORT).values(asdict(kept)))
    audit.seal(connection, kept.at, "report", added.inserted_primary_key or ())
    if kept.complete and kept.kind == "facts":
        _end_asking(connection, kept)
    if kept.complete and kept.kind == "closing":
        closing.given(connection, kept.alert, kept.subsystem, kept.at)
    return kept


def plain_text(text: str) -> str:
    """The words as every database can keep them: at most 2000 characters, no zeros, no half characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:_LONGEST].strip()


def _before(connection: Connection, report: Report) -> Facts:
    mine = _REPORT.c.transition == report.transition, _REPORT.c.subsystem == report.subsystem
    told = select(_REPORT).where(*mine, _REPORT.c.kind == "facts").order_by(_REPORT.c.id.desc())
    row = connection.execute(told.limit(1)).first()
    if row is None:
        return Facts()
    return Facts(commander=row.commander, affected=row.affected, moved=row.moved)


def _end_asking(connection: Connection, report: Report) -> None:
    mine = (_CALL.c.alert == report.alert) & (_CALL.c.subsystem == report.subsystem)
    told = {"facts_at": report.at, "facts_due": None, "status": CallStatus.ACKNOWLEDGED.value}
    connection.execute(update(_CALL).where(mine, _OWED).values(**told))
    asked = (_DELIVERY.c.alert == report.alert) & (_DELIVERY.c.subsystem == report.subsystem)
    asked &= _DELIVERY.c.purpose == Purpose.FACTS.value
    waiting = asked & (_DELIVERY.c.status == Status.DUE.value)
    keys = list(connection.scalars(select(_DELIVERY.c.key).where(waiting)))
    gone = {"status": Status.CANCELLED.value, "detail": f"reported by {report.by}"}
    connection.execute(update(_DELIVERY).where(waiting).values(**gone))
    connection.execute(update(_DELIVERY).where(asked).values(chase_at=None, chase_s=None))
    audit.seal(connection, report.at, "outcome", keys)


def reports(connection: Connection, alert: str | None = None) -> list[Report]:
    """Reports in the order they came, of one alert or of all."""
    columns = [_REPORT.c[name] for name in Report.__dataclass_fields__]
    query = select(*columns).order_by(_REPORT.c.id)
    if alert is not None:
        query = query.where(_REPORT.c.alert == alert)
    return [Report(**row._mapping) for row in connection.execute(query)]


def next_due(connection: Connection) -> datetime | None:
    """When somebody is next asked for facts that did not come."""
    moment: datetime | None = connection.scalar(_NEXT)
    return moment


def remind(connection: Connection, desk: Desk, now: datetime) -> list[Notice]:
    """Go up the ladder of every call whose facts are overdue, asking for them."""
    overdue = select(_CALL).where(_OWED, _CALL.c.facts_due <= now).order_by(_CALL.c.facts_due, _CALL.c.id)
    asked: list[Notice] = []
    for due in [call_of(row) for row in connection.execute(overdue)]:
        change = store.transition(connection, due.transition)
        if change is not None:
            asked += _remind_one(connection, due, change, desk, now)
    return asked


def _remind_one(
    connection: Connection, due: Call, change: Transition, desk: Desk, now: datetime
) -> list[Notice]:
    steps = ladder(desk.routes, due.level)
    number = min(due.step + 1, max(len(steps) - 1, 0))
    following = number + 1
    again = None
    if following < len(steps):
        again = now + (steps[following].after - steps[number].after)
    status = CallStatus.OWING
    store.step_call(connection, replace(due, step=number, facts_due=again, status=status, next_at=None))
    notices = _owed_by(due, change, desk, number, now)
    store.note(connection, change.id, now, notices)
    memo = _memo(due, change, notices, desk, now)
    deliveries.plan(connection, memos.deliveries(replace(memo, step=number), desk, now))
    return notices


def _owed_by(
    due: Call, change: Transition, desk: Desk, number: int, now: datetime
) -> list[Notice]:
    """The next step of the ladder; the first time also whoever is on duty, who has it and said too little."""
    steps = ladder(desk.routes, due.level)
    wanted = [(number, steps[number].who)] if steps else [FIRST_STEP]
    if due.status is CallStatus.ACKNOWLEDGED:
        wanted.insert(0, (number, FIRST_STEP[1]))
    made: dict[str | None, Notice] = {}
    for step in wanted:
        for item in call(desk.routes, due.subsystem, change.hazard, change.to_level, step, now):
            made.setdefault(item.person, item)
    why = "acknowledged, and the facts were not reported in time"
    return [replace(item, why=f"{why}; {item.why}") for item in made.values()]


def _memo(
    due: Call, change: Transition, notices: Iterable[Notice], desk: Desk, now: datetime
) -> Memo:
    until = now + desk.valid
    links = {item.person: desk.sign(change, item, until) for item in notices if item.person}
    answer = desk.routes.answers.get(due.level)
    return Memo(
        purpose=Purpose.FACTS,
        subject=change.id,
        template="memo_facts",
        facts={
            "about": desk.texts.letter(change, desk.language).title,
            "subsystem": title_of(desk, due.subsystem),
            "since": due.closed_at or due.begun_at,
            "by": due.by or "",
        },
        people=tuple(links),
        level=due.level,
        subsystem=due.subsystem,
        alert=due.alert,
        links=links,
        chase_after=None if answer is None else answer.unread,
    )
