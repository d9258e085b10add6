"""Who is on duty now and next, who stands in for whom, and where nobody would answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.duty import stand_ins
from alerts.duty.coverage import AHEAD, Gap, Kind, find, reachable
from alerts.duty.rota import Turn, Watch, turns
from alerts.duty.stand_ins import Arranged
from alerts.outgoing.desks import current
from alerts.outgoing.dispatch import Desk
from pipeline.console.duty.reasons import why_another
from pipeline.console.duty.shapes import Called, Instant, Somebody, several, subsystem

_AROUND = timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class OnDuty:
    """A stretch of time with the same people on duty."""

    start: Instant
    """Its begin; at most two days ago."""
    end: Instant
    """Its end; at most two days ahead."""
    duty: tuple[Somebody, ...]
    """Who is on duty; empty where nobody is."""
    deputy: tuple[Somebody, ...]
    """Their deputies."""
    unreachable: tuple[str, ...]
    """Ids of those on duty whom no channel reaches."""
    why: str
    """What makes it another than the shifts say, in Chinese; empty where nothing does."""
    why_en: str
    """The same in English."""


@dataclass(frozen=True, kw_only=True)
class Rota:
    """One subsystem."""

    subsystem: Called
    """Which."""
    centre: bool
    """Whether it is the command centre."""
    zone: str
    """Time zone of its shifts."""
    now: OnDuty
    """Who is on duty."""
    next: OnDuty | None
    """Who takes over; None where nobody else does within two days."""


@dataclass(frozen=True, kw_only=True)
class Hole:
    """A stretch of time in which nobody would answer."""

    kind: Kind
    """What is missing."""
    subsystem: Called
    """Whose; for approvers the level they are to release."""
    start: Instant
    """Its begin."""
    end: Instant
    """Its end, as far ahead as was looked."""
    people: tuple[Somebody, ...]
    """Those who cannot be reached."""
    open: bool
    """Whether it has begun."""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What the guard finds."""

    at: Instant
    """The moment."""
    until: Instant
    """So far ahead it looked."""
    holes: tuple[Hole, ...]
    """The earliest first; none where everybody can be called."""


@dataclass(frozen=True, kw_only=True)
class InPlace:
    """A stand-in that counts now or later."""

    id: int
    """Its number, by which it is withdrawn."""
    subsystem: Called
    """Whose watch."""
    duty: tuple[Somebody, ...]
    """Who stands in."""
    deputy: tuple[Somebody, ...]
    """Their deputies; without any, those of the shift stay."""
    start: Instant
    """From when on."""
    end: Instant
    """Until when."""
    by: str
    """Who arranged it."""
    why: str
    """The reason."""


@dataclass(frozen=True, kw_only=True)
class Rotas:
    """Everything about who is on duty."""

    at: Instant
    """The moment."""
    rotas: tuple[Rota, ...]
    """The command centre and the N."""
    stand_ins: tuple[InPlace, ...]
    """Those that count now or later."""


def rotas(connection: Connection, desk: Desk, now: datetime) -> Rotas:
    """Who is on duty, with the stand-ins of the moment; `desk` is that of the configuration."""
    present = current(connection, desk, now)
    return Rotas(
        at=now,
        rotas=tuple(_rota(name, present, now) for name in present.routes.subsystems),
        stand_ins=tuple(in_place(one, desk) for one in stand_ins.standing(connection, now)),
    )


def _rota(name: str, desk: Desk, now: datetime) -> Rota:
    found = desk.routes.subsystems[name]
    stretches = turns(found, now - _AROUND, now + _AROUND)
    index = next(i for i, turn in enumerate(stretches) if turn.start <= now < turn.end)
    later = stretches[index + 1] if index + 1 < len(stretches) else None
    return Rota(
        subsystem=subsystem(name, desk.routes),
        centre=found.centre,
        zone=found.zone,
        now=on_duty(stretches[index], desk),
        next=None if later is None else on_duty(later, desk),
    )


def on_duty(turn: Turn, desk: Desk) -> OnDuty:
    """A stretch with the names of its people."""
    watch = turn.watch or Watch(duty=(), deputy=())
    return OnDuty(
        start=turn.start,
        end=turn.end,
        duty=several(watch.duty, desk.routes),
        deputy=several(watch.deputy, desk.routes),
        unreachable=tuple(person for person in watch.duty if not reachable(person, desk)),
        why="；".join(why_another(part) for part in watch.why.split("; ")),
        why_en=watch.why,
    )


def coverage(
    connection: Connection, desk: Desk, now: datetime, ahead: timedelta = AHEAD
) -> Coverage:
    """Every gap that is open or begins within a time; `desk` is that of the configuration."""
    present = current(connection, desk, now)
    return coverage_of(present, now, ahead)


def coverage_of(desk: Desk, now: datetime, ahead: timedelta) -> Coverage:
    """The same, of the desk as it is at the moment."""
    holes = tuple(_hole(gap, desk, now) for gap in find(desk, now, ahead))
    return Coverage(at=now, until=now + ahead, holes=holes)


def _hole(gap: Gap, desk: Desk, now: datetime) -> Hole:
    return Hole(
        kind=gap.kind,
        subsystem=subsystem(gap.subsystem, desk.routes),
        start=gap.start,
        end=gap.end,
        people=several(gap.people, desk.routes),
        open=gap.start <= now,
    )


def in_place(one: Arranged, desk: Desk) -> InPlace:
    """A stand-in with the names of its people."""
    what = one.what
    return InPlace(
        id=one.id,
        subsystem=subsystem(what.subsystem, desk.routes),
        duty=several(what.duty, desk.routes),
        deputy=several(what.deputy, desk.routes),
        start=what.start,
        end=what.end,
        by=what.by,
        why=what.why,
    )
