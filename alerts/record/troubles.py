"""Troubles: what is sick of Fengsui itself, told to the operators once, and once when it is well again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from alerts.duty.people import Routes
from alerts.duty.rota import shift_at
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Purpose
from alerts.outgoing.dispatch import Desk
from alerts.record.tables import trouble as table
from alerts.wording import memos
from alerts.wording.memos import Memo
from rules.level import Level


@dataclass(frozen=True, kw_only=True)
class Symptom:
    """Something that is not as it should be."""

    text: str
    """What, since when and what to do, in both languages."""
    avoid: frozenset[str] = frozenset()
    """Channels that cannot be trusted to tell of it."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A symptom that was seen and is not over."""

    id: int
    """Number of its row."""
    name: str
    """What is sick, without figures that change."""
    text: str
    """The symptom as it was first seen."""
    since: datetime
    """When it was first seen."""


def observe(
    connection: Connection, desk: Desk, found: Mapping[str, Symptom], now: datetime
) -> tuple[Trouble, ...]:
    """Compare what is sick now with what was: tell the operators of what is new, and of what is over.

    Returns everything that is sick now. They are told over channels that are not part of the trouble.
    """
    before = {one.name: one for one in open_troubles(connection)}
    for name, symptom in found.items():
        if name not in before:
            _begin(connection, desk, name, symptom, now)
    for name, one in before.items():
        if name not in found:
            _end(connection, desk, one, now)
    return open_troubles(connection)


def open_troubles(connection: Connection) -> tuple[Trouble, ...]:
    """Everything that is sick, the oldest first."""
    query = select(table).where(table.c.over_at.is_(None)).order_by(table.c.since, table.c.id)
    return tuple(_trouble(row) for row in connection.execute(query))


def _trouble(row: Row[tuple[object, ...]]) -> Trouble:
    return Trouble(id=row.id, name=row.name, text=row.text, since=row.since)


def _begin(
    connection: Connection, desk: Desk, name: str, symptom: Symptom, now: datetime
) -> None:
    row = {"name": name, "text": symptom.text, "since": now, "told_at": now}
    key = connection.execute(insert(table), row).inserted_primary_key
    number = key[0] if key else 0
    facts = {"text": symptom.text, "since": now}
    _tell(connection, desk, ("memo_trouble", f"trouble-{number}"), facts, symptom.avoid, now)


def _end(connection: Connection, desk: Desk, one: Trouble, now: datetime) -> None:
    connection.execute(update(table).where(table.c.id == one.id).values(over_at=now))
    facts = {"text": one.text, "since": one.since}
    told = ("memo_trouble_over", f"trouble-{one.id}-over")
    _tell(connection, desk, told, facts, frozenset(), now)


def _tell(
    connection: Connection,
    desk: Desk,
    told: tuple[str, str],
    facts: Mapping[str, object],
    avoid: frozenset[str],
    now: datetime,
) -> None:
    template, subject = told
    memo = Memo(
        purpose=Purpose.TROUBLE,
        subject=subject,
        template=template,
        facts=facts,
        people=operators(desk.routes, now),
        # Who watches over everybody's warnings is not left waiting behind an orange.
        level=Level.ORANGE,
        avoid=avoid,
        data={"trouble": subject.removesuffix("-over"), "over": template == "memo_trouble_over"},
    )
    deliveries.plan(connection, memos.deliveries(memo, desk, now))


def operators(routes: Routes, now: datetime) -> tuple[str, ...]:
    """Ids of those on duty who run Fengsui; where nobody is, of those at the command centre."""
    found: list[str] = []
    for operator in (True, False):
        for subsystem in routes.subsystems.values():
            if found or not (subsystem.operator if operator else subsystem.centre):
                continue
            shift = shift_at(subsystem, now)
            found += [*shift.duty, *shift.deputy] if shift is not None else []
    return tuple(dict.fromkeys(found))
