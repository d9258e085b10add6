"""Closing reports: whoever was asked for facts tells, once the alert is over, how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from alerts.duty.routing import FIRST_STEP, Notice, call, centre_of
from alerts.event.transition import Transition
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Purpose
from alerts.outgoing.dispatch import Desk
from alerts.record import store, tables
from alerts.wording import memos
from alerts.wording.memos import Memo

_TABLE = tables.closing
_NEXT = select(func.min(_TABLE.c.due_at)).where(_TABLE.c.reported_at.is_(None))


@dataclass(frozen=True, kw_only=True)
class Closing:
    """A closing report that a subsystem owes or has given."""

    alert: str
    """Identifier of the alert."""
    transition: str
    """The change that ended it."""
    subsystem: str
    """Id of the subsystem."""
    asked_at: datetime
    """When it was asked."""
    due_at: datetime | None
    """When the command centre hears that it is missing; None once it heard, or once it was given."""
    reported_at: datetime | None
    """When it was given."""


_COLUMNS = [_TABLE.c[name] for name in Closing.__dataclass_fields__]


def ask(connection: Connection, change: Transition, desk: Desk, now: datetime) -> int:
    """Ask every subsystem whose call asked for facts; the number of messages planned.

    To be called with the change that ended the alert. Asking twice changes nothing.
    """
    asked = {row.subsystem for row in closings(connection, change.alert)}
    planned = 0
    for subsystem, within in _owing(connection, change.alert, desk).items():
        if subsystem not in asked:
            row = {"alert": change.alert, "transition": change.id, "subsystem": subsystem}
            times = {"asked_at": now, "due_at": now + within}
            connection.execute(insert(_TABLE).values(**row, **times))
            planned += _ask_one(connection, change, subsystem, desk, now)
    return planned


def _owing(connection: Connection, alert: str, desk: Desk) -> dict[str, timedelta]:
    """Subsystem -> time for its closing report, of those that were asked for facts."""
    known = desk.routes.answers
    return {
        made.subsystem: known[made.level].closing_within
        for made in store.calls(connection, alert=alert)
        if made.level in known and known[made.level].facts and made.subsystem in desk.routes.subsystems
    }


def _ask_one(
    connection: Connection, change: Transition, subsystem: str, desk: Desk, now: datetime
) -> int:
    notices = _saying(
        "asked for the closing report",
        call(desk.routes, subsystem, change.hazard, change.to_level, FIRST_STEP, now),
    )
    until = now + desk.valid
    links = {item.person: desk.sign(change, item, until) for item in notices if item.person}
    memo = Memo(
        purpose=Purpose.CLOSING,
        subject=change.id,
        template="memo_closing",
        facts={"about": _title(change, desk), "subsystem": title_of(desk, subsystem)},
        people=tuple(links),
        subsystem=subsystem,
        alert=change.alert,
        links=links,
        level=change.from_level,
    )
    store.note(connection, change.id, now, notices)
    return deliveries.plan(connection, memos.deliveries(memo, desk, now))


def _saying(why: str, notices: Iterable[Notice]) -> list[Notice]:
    return [replace(item, why=f"{why}; {item.why}") for item in notices]


def _title(change: Transition, desk: Desk) -> str:
    return desk.texts.letter(change, desk.language).title


def title_of(desk: Desk, subsystem: str) -> str:
    """Name of a subsystem in the language of the messages; one that is gone stands for itself."""
    found = desk.routes.subsystems.get(subsystem)
    if found is None:
        return subsystem
    return found.name if desk.language == "zh" else found.name_en


def next_due(connection: Connection) -> datetime | None:
    """When the next closing report is overdue."""
    moment: datetime | None = connection.scalar(_NEXT)
    return moment


def chase(connection: Connection, desk: Desk, now: datetime) -> list[Notice]:
    """Tell the command centre, once each, which closing reports did not come in time."""
    late = (_TABLE.c.due_at <= now) & _TABLE.c.reported_at.is_(None)
    rows = connection.execute(select(*_COLUMNS).where(late).order_by(_TABLE.c.due_at, _TABLE.c.id))
    found = [Closing(**row._mapping) for row in rows]
    connection.execute(update(_TABLE).where(late).values(due_at=None))
    told: list[Notice] = []
    for missing in found:
        change = store.transition(connection, missing.transition)
        if change is not None:
            told += _tell_centre(connection, missing, change, desk, now)
    return told


def _tell_centre(
    connection: Connection, missing: Closing, change: Transition, desk: Desk, now: datetime
) -> list[Notice]:
    centre = centre_of(desk.routes)
    made = call(desk.routes, centre, None, change.from_level, FIRST_STEP, now)
    notices = _saying(f"no closing report of {missing.subsystem}", made)
    memo = Memo(
        purpose=Purpose.CLOSING,
        subject=f"{change.id} {missing.subsystem}",
        template="memo_closing_missing",
        facts={
            "about": _title(change, desk),
            "subsystem": title_of(desk, missing.subsystem),
            "since": missing.asked_at,
        },
        people=tuple(item.person for item in notices if item.person),
        subsystem=centre,
        alert=change.alert,
        level=change.from_level,
    )
    store.note(connection, change.id, now, notices)
    deliveries.plan(connection, memos.deliveries(memo, desk, now))
    return notices


def given(connection: Connection, alert: str, subsystem: str, at: datetime) -> bool:
    """Keep that a subsystem gave its closing report; False where none was open."""
    mine = (_TABLE.c.alert == alert) & (_TABLE.c.subsystem == subsystem)
    first = update(_TABLE).where(mine, _TABLE.c.reported_at.is_(None))
    done = connection.execute(first.values(reported_at=at, due_at=None)).rowcount
    return done > 0


def closings(connection: Connection, alert: str) -> list[Closing]:
    """Closing reports asked for an alert, in the order they were asked."""
    query = select(*_COLUMNS).where(_TABLE.c.alert == alert).order_by(_TABLE.c.id)
    return [Closing(**row._mapping) for row in connection.execute(query)]
