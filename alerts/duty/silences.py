"""Silences: for a while some need not hear of some changes - by whom, why and until when is kept.

A silence cannot be forgotten: it lasts a day at most, its author hears before it ends and when it has, and
those it covered are told then how the alerts stand of which they did not hear. Every end is an errand of
the daemon, which finds it in the database.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from alerts.duty.people import Roster, Routes, Silence
from alerts.event.transition import OVER
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Purpose, Status
from alerts.outgoing.dispatch import Desk
from alerts.record import audit, tables
from alerts.record.tables import silence as table
from alerts.wording import memos
from alerts.wording.memos import Memo
from ingest.errors import UnknownName
from ingest.times import utc
from rules.level import Level

LONGEST = timedelta(hours=24)
"""The longest a silence may last."""
NOTICE = timedelta(minutes=15)
"""So long before the end its author hears."""

_OVER = tables.transition.c.reason.in_([reason.value for reason in OVER])
_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody wants silenced."""

    level: Level
    """What is above this level is told all the same."""
    until: datetime
    """Until when."""
    by: str
    """Who gives it: the id of a person, so that they can be told when it ends."""
    why: str
    """The reason."""
    hazard: str | None = None
    """Name of the hazard; None silences all."""
    subsystem: str | None = None
    """Id of the subsystem; None silences all."""
    alert: str | None = None
    """Identifier of the one alert it is about; the silence ends with it."""


def add(connection: Connection, wish: Wish, desk: Desk, now: datetime) -> int:
    """Keep a silence and return its number; it counts from the next change on.

    Raises UnknownName for a hazard, subsystem, person or alert there is not, ValueError where there is no
    reason, or it ends before it begins or later than a day from now.
    """
    _refuse(connection, wish, desk.routes, now)
    row = asdict(wish) | {"level": int(wish.level), "begun_at": now}
    number: int = connection.execute(insert(table).values(row).returning(table.c.id)).scalar_one()
    audit.seal(connection, now, "silence", [number])
    if wish.until - now > NOTICE:
        _plan_reminder(connection, _read(connection, number), desk, now)
    return number


def _refuse(connection: Connection, wish: Wish, routes: Routes, now: datetime) -> None:
    for name, known, what in (
        (wish.hazard, routes.matrix, "hazard"),
        (wish.subsystem, routes.subsystems, "subsystem"),
        (wish.by, routes.people, "person"),
    ):
        if name is not None and name not in known:
            near = get_close_matches(name, known, n=3) or sorted(known)[:_SHOWN]
            more = ", ..." if len(known) > len(near) else ""
            raise UnknownName(f"no {what} is called {name!r}; there are {', '.join(near)}{more}")
    if wish.alert is not None and not _still_open(connection, wish.alert):
        raise UnknownName(f"no alert {wish.alert!r} is open; `fengsui health` lists those that are")
    if not wish.why.strip():
        raise ValueError("请写明静默原因 / a silence needs a reason")
    if not now < utc(wish.until) <= now + LONGEST:
        raise ValueError("静默最长24小时 / a silence ends later than now and lasts 24 hours at most")


def _still_open(connection: Connection, alert: str) -> bool:
    known, over = (
        connection.scalar(select(func.count()).where(tables.transition.c.alert == alert, *more))
        for more in ((), (_OVER,))
    )
    return bool(known) and not over


def _plan_reminder(connection: Connection, silence: Silence, desk: Desk, now: datetime) -> None:
    memo = Memo(
        purpose=Purpose.SILENCE,
        subject=subject_of(silence.id),
        template="memo_silence_ends",
        facts=facts_of(silence, desk) | {"minutes": NOTICE / timedelta(minutes=1)},
        people=(silence.by,),
    )
    when = silence.until - NOTICE
    rows = memos.deliveries(memo, desk, now)
    deliveries.plan(
        connection, [replace(row, due_at=when, expires_at=silence.until) for row in rows]
    )


def subject_of(number: int) -> str:
    """What the messages about a silence are filed under."""
    return f"silence {number}"


def facts_of(silence: Silence, desk: Desk) -> dict[str, object]:
    """What the texts name of a silence."""
    subsystems, conducts = desk.routes.subsystems, desk.texts.conducts
    hazard, subsystem = silence.hazard or "", silence.subsystem or ""
    named = conducts[hazard].name if hazard in conducts else hazard
    asked = subsystems[subsystem].name if subsystem in subsystems else subsystem
    parts = [silence.alert or named, asked, f"≤{silence.level.key}"]
    about = "，".join(part for part in parts if part)
    return {"about": about, "until": silence.until, "why": silence.why, "by": silence.by}


def lift(connection: Connection, number: int, by: str, now: datetime) -> Silence:
    """End a silence before its time; UnknownName where there is none of that number in force.

    Those it covered are told by the daemon's next errand.
    """
    found = next((one for one in in_force(connection, now) if one.id == number), None)
    if found is None:
        raise UnknownName(f"no silence has the number {number} any more; `fengsui silences` lists them")
    _end(connection, number, by, now)
    return found


def _end(connection: Connection, number: int, by: str, now: datetime) -> None:
    ended = update(table).where(table.c.id == number, table.c.lifted_at.is_(None))
    connection.execute(ended.values(lifted_at=now, lifted_by=by))
    audit.seal(connection, now, "silence", [number])
    sent = tables.delivery
    waiting = (sent.c.transition == subject_of(number)) & (sent.c.status == Status.DUE.value)
    keys = list(connection.scalars(select(sent.c.key).where(waiting)))
    cancelled = {"status": Status.CANCELLED.value, "detail": "the silence is over"}
    connection.execute(update(sent).where(sent.c.key.in_(keys)).values(cancelled))
    audit.seal(connection, now, "outcome", keys)


def in_force(connection: Connection, now: datetime) -> list[Silence]:
    """Those that cover changes now, oldest first; one for an alert that is over covers nothing any more."""
    query = select(table).where(
        table.c.lifted_at.is_(None), table.c.until > now, table.c.begun_at <= now
    )
    return [_silence(row) for row in connection.execute(query.order_by(table.c.id))]


def next_end(connection: Connection) -> datetime | None:
    """When the next silence ends of which nobody was told yet; None where none is left."""
    untold = table.c.told_at.is_(None)
    lifted = func.min(func.coalesce(table.c.lifted_at, table.c.until))
    first = connection.execute(select(lifted, func.count(table.c.alert)).where(untold)).one()
    moments: list[datetime | None] = [_moment(first[0])]
    if first[1]:
        moments.append(connection.scalar(_first_over()))
    return min((moment for moment in moments if moment is not None), default=None)


def _moment(found: datetime | str | None) -> datetime | None:
    # A coalesce has no column's type, so that SQLite gives the text it keeps.
    return utc(datetime.fromisoformat(found)) if isinstance(found, str) else found


def _first_over() -> Any:
    made = tables.transition
    joined = select(func.min(made.c.at)).join(table, table.c.alert == made.c.alert)
    return joined.where(table.c.told_at.is_(None), _OVER)


def ended(connection: Connection, now: datetime) -> list[tuple[Silence, str]]:
    """Silences that are over by `now` and of which nobody was told, with what ended each; they are closed."""
    over = select(tables.transition.c.alert).where(_OVER)
    due = (table.c.lifted_at.is_not(None)) | (table.c.until <= now) | table.c.alert.in_(over)
    rows = connection.execute(select(table).where(table.c.told_at.is_(None), due).order_by(table.c.id))
    found = []
    for row in rows.all():
        by = row.lifted_by or ("the alert is over" if row.until > now else "time is up")
        if row.lifted_at is None:
            _end(connection, row.id, by, now)
        found.append((replace(_silence(row), until=row.lifted_at or min(row.until, now)), by))
    connection.execute(
        update(table).where(table.c.id.in_([one.id for one, _ in found])).values(told_at=now)
    )
    return found


def author(silence: Silence, roster: Roster) -> tuple[str, ...]:
    """Who hears of the end of a silence; who left the configuration does not."""
    return (silence.by,) if silence.by in roster.people else ()


def _read(connection: Connection, number: int) -> Silence:
    return _silence(connection.execute(select(table).where(table.c.id == number)).one())


def _silence(row: Row[Any]) -> Silence:
    names = "id hazard subsystem alert by why begun_at until".split()
    return Silence(level=Level(row.level), **{name: getattr(row, name) for name in names})
