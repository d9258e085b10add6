"""Stand-ins: who takes over a subsystem's watch for a while, arranged while the service runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from alerts.duty.people import Override, Routes
from alerts.record import audit
from alerts.record.tables import stand_in as table
from ingest.errors import UnknownName
from ingest.times import utc


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """Others on duty than the rota of a subsystem says, for a while."""

    subsystem: str
    """Id of the subsystem."""
    duty: tuple[str, ...]
    """Ids of the people on duty."""
    start: datetime
    """From when on."""
    end: datetime
    """Until when."""
    by: str
    """Who arranged it."""
    why: str
    """The reason."""
    deputy: tuple[str, ...] = ()
    """Ids of their deputies; without any, those of the shift stay."""


@dataclass(frozen=True, kw_only=True)
class Arranged:
    """A stand-in as it is kept."""

    id: int
    """Its number, by which it is withdrawn."""
    what: StandIn
    """Who stands in."""
    withdrawn_at: datetime | None
    """When it was withdrawn; None where it was not."""


def add(connection: Connection, wish: StandIn, routes: Routes, now: datetime) -> int:
    """Keep a stand-in and return its number; it counts from the next decision on.

    Raises UnknownName where the subsystem or a person is not in the configuration, ValueError where it names
    nobody, no reason, or a time that is over.
    """
    _refuse(wish, routes, now)
    row = asdict(wish) | {"duty": list(wish.duty), "deputy": list(wish.deputy), "at": now}
    number: int = connection.execute(insert(table).values(row).returning(table.c.id)).scalar_one()
    audit.seal(connection, now, "stand_in", [number])
    return number


def _refuse(wish: StandIn, routes: Routes, now: datetime) -> None:
    if wish.subsystem not in routes.subsystems:
        names = ", ".join(routes.subsystems)
        raise UnknownName(f"no subsystem is called {wish.subsystem!r}; there are {names}")
    for person in (*wish.duty, *wish.deputy):
        if person not in routes.people:
            raise UnknownName(f"nobody is called {person!r}; `fengsui rota` lists who there is")
    if not wish.duty:
        raise ValueError("请写明由谁顶班 / name who stands in")
    if not wish.by.strip() or not wish.why.strip():
        raise ValueError("请写明经办人和原因 / a stand-in needs who arranged it, and why")
    if utc(wish.end) <= max(utc(wish.start), now):
        raise ValueError("结束时间须晚于开始时间和现在 / the end must be later than the start and than now")


def withdraw(connection: Connection, number: int, now: datetime) -> Arranged:
    """Take a stand-in back; UnknownName where there is none of that number that still counts."""
    query = select(table).where(table.c.id == number, table.c.withdrawn_at.is_(None))
    row = connection.execute(query).first()
    if row is None or row.end <= now:
        raise UnknownName(f"no stand-in has the number {number} any more; `fengsui coverage` lists them")
    connection.execute(update(table).where(table.c.id == number).values(withdrawn_at=now))
    audit.seal(connection, now, "stand_in", [number])
    return replace(_arranged(row), withdrawn_at=now)


def standing(connection: Connection, now: datetime) -> list[Arranged]:
    """Those that count now or later, as they were arranged: the last that covers a moment counts."""
    query = select(table).where(table.c.withdrawn_at.is_(None), table.c.end > now)
    return [_arranged(row) for row in connection.execute(query.order_by(table.c.id))]


def with_stand_ins(routes: Routes, arranged: Iterable[Arranged]) -> Routes:
    """The routes with stand-ins as the last exceptions of their subsystems.

    People and subsystems that left the configuration since are passed over; where nobody is left the rota
    stands.
    """
    subsystems = dict(routes.subsystems)
    for item in arranged:
        override = _override(item.what, routes)
        found = subsystems.get(item.what.subsystem)
        if found is not None and override.duty:
            subsystems[item.what.subsystem] = replace(found, overrides=(*found.overrides, override))
    return replace(routes, subsystems=subsystems)


def _override(wish: StandIn, routes: Routes) -> Override:
    duty, deputy = (
        tuple(one for one in names if one in routes.people) for names in (wish.duty, wish.deputy)
    )
    return Override(
        start=wish.start, end=wish.end, duty=duty, deputy=deputy, by=wish.by, why=wish.why
    )


def _arranged(row: Row[Any]) -> Arranged:
    what = StandIn(
        subsystem=row.subsystem,
        duty=tuple(row.duty),
        deputy=tuple(row.deputy),
        start=row.start,
        end=row.end,
        by=row.by,
        why=row.why,
    )
    return Arranged(id=row.id, what=what, withdrawn_at=row.withdrawn_at)
