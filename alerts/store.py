"""The store of alerts: states, transitions, calls and acknowledgements, as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, update

from alerts import tables
from alerts.delivery import REPLACED, Status
from alerts.incidents import Page
from alerts.links import Claim
from alerts.memory import dump, load
from alerts.routing import Notice, Warned
from alerts.state import State
from alerts.transition import ABOUT_DATA, Reason, Transition
from rules.level import Level

_STATES = select(tables.lifecycle.c.hazard, tables.lifecycle.c.state)
_KEEP_STATE = update(tables.lifecycle).where(tables.lifecycle.c.hazard == bindparam("of_hazard"))
_BY_NAME = ("places", "changed", "related")
_ABOUT_DATA = tables.transition.c.reason.in_([reason.value for reason in ABOUT_DATA])


class CallStatus(StrEnum):
    """Where a call for acknowledgement stands."""

    OPEN = "open"
    """Nobody has acknowledged yet."""
    ACKNOWLEDGED = "acknowledged"
    """Somebody has it."""
    SUPERSEDED = "superseded"
    """A newer change of the alert took its place."""


_OPEN, _ANSWERED = CallStatus.OPEN.value, CallStatus.ACKNOWLEDGED.value
_NEXT_CALL = select(func.min(tables.call.c.next_at)).where(tables.call.c.status == _OPEN)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A demand that a subsystem acknowledge a change."""

    transition: str
    """Identifier of the change."""
    alert: str
    """Identifier of the alert."""
    subsystem: str
    """Id of the subsystem."""
    level: Level
    """Level of the district, which chose the ladder."""
    begun_at: datetime
    """When the first step was taken."""
    step: int
    """Number of the last step taken."""
    next_at: datetime | None
    """When the next step is due; None at the end of the ladder, where only an answer closes it."""
    status: CallStatus = CallStatus.OPEN
    """Where it stands."""


def states(connection: Connection, places: tuple[str, ...]) -> dict[str, State]:
    """Hazard -> state as of the last tick; hazards never judged are left out."""
    rows = connection.execute(_STATES)
    return {row.hazard: load(row.state, places) for row in rows}


def remember(connection: Connection, state: State, now: datetime) -> None:
    """Keep the state of a hazard for the next tick; `now` is when it came to be so."""
    kept = {"at": now, "state": dump(state)}
    if connection.execute(_KEEP_STATE, {"of_hazard": state.hazard, **kept}).rowcount == 0:
        connection.execute(insert(tables.lifecycle), {"hazard": state.hazard, **kept})


def record(connection: Connection, change: Transition, notices: Iterable[Notice]) -> None:
    """Write a change down, with every decision about who hears of it."""
    row = asdict(change) | {"reason": change.reason.value}
    row |= {"from_level": int(change.from_level), "to_level": int(change.to_level)}
    row |= {"peak_level": int(change.peak_level)}
    row |= {name: _plain(getattr(change, name)) for name in _BY_NAME}
    connection.execute(insert(tables.transition).values(row | {"figures": dict(change.figures)}))
    note(connection, change.id, change.at, notices)


def note(connection: Connection, change: str, at: datetime, notices: Iterable[Notice]) -> None:
    """Write down the router's decisions on a change."""
    rows = [
        {
            "transition": change,
            "at": at,
            "subsystem": item.subsystem,
            "person": item.person,
            "role": item.role,
            "step": item.step,
            "why": item.why,
        }
        for item in notices
    ]
    if rows:
        connection.execute(insert(tables.notice), rows)


@dataclass(frozen=True, kw_only=True)
class Told:
    """One decision of the router as it was kept."""

    transition: str
    """Identifier of the change."""
    at: datetime
    """When it was decided."""
    subsystem: str
    """Id of the subsystem."""
    person: str | None
    """Id of the person who was told; None where nobody was."""
    step: int
    """Step of the call ladder."""
    why: str
    """The reason."""


def notices(connection: Connection) -> list[Told]:
    """Every decision of the router, in order."""
    table = tables.notice
    columns = (table.c[name] for name in ("transition", "at", "subsystem", "person", "step", "why"))
    rows = connection.execute(select(*columns).order_by(table.c.id))
    return [Told(**row._mapping) for row in rows]


def claims(connection: Connection, since: datetime, valid: timedelta) -> list[Claim]:
    """What the links signed since a moment stand for: who was told what, until when they may answer."""
    told, change = tables.notice, tables.transition
    query = (
        select(told.c.transition, told.c.subsystem, told.c.person, told.c.at, change.c.alert)
        .join(change, change.c.id == told.c.transition)
        .where(told.c.at >= since, told.c.person.is_not(None))
        .order_by(told.c.id.desc())
    )
    return [
        Claim(
            alert=row.alert,
            transition=row.transition,
            subsystem=row.subsystem,
            person=row.person,
            expires_at=row.at + valid,
        )
        for row in connection.execute(query)
    ]


def transitions(
    connection: Connection, *, alert: str | None = None, since: datetime | None = None
) -> list[Transition]:
    """Changes in the order they happened, of one alert or of all."""
    table = tables.transition
    # Within a tick as `incidents.in_order` has it; the tenth change of an alert comes after its ninth, which
    # text alone would not know.
    order = (table.c.at, table.c.to_level.desc(), table.c.hazard, func.length(table.c.id), table.c.id)
    query = select(table).order_by(*order)
    if alert is not None:
        query = query.where(table.c.alert == alert)
    if since is not None:
        query = query.where(table.c.at > since)
    return [_transition(row) for row in connection.execute(query)]


def transition(connection: Connection, identifier: str) -> Transition | None:
    """One change by its identifier; None where there is none."""
    query = select(tables.transition).where(tables.transition.c.id == identifier)
    row = connection.execute(query).first()
    return None if row is None else _transition(row)


def _transition(row: Row[Any]) -> Transition:
    parts = dict(row._mapping)
    parts["reason"] = Reason(parts["reason"])
    for name in ("from_level", "to_level", "peak_level"):
        parts[name] = Level(parts[name])
    for name in _BY_NAME:
        parts[name] = {place: Level(level) for place, level in parts[name].items()}
    return Transition(**parts)


def _plain(levels: Any) -> dict[str, int]:
    return {place: int(level) for place, level in levels.items()}


def warned(connection: Connection, alert: str) -> list[Warned]:
    """Everybody whom a message of an alert reached or is still on its way to.

    Those whose messages all failed or were cancelled never heard of it, and need no all-clear; nor do
    those who only heard that data was lost.
    """
    table, change = tables.delivery, tables.transition
    query = (
        select(table.c.subsystem, table.c.recipient)
        .distinct()
        .join(change, change.c.id == table.c.transition)
        .where(
            table.c.alert == alert,
            table.c.status.not_in((Status.CANCELLED.value, Status.FAILED.value)),
            ~_ABOUT_DATA,
        )
        .order_by(table.c.subsystem, table.c.recipient)
    )
    return [
        Warned(subsystem=row.subsystem, person=row.recipient) for row in connection.execute(query)
    ]


def open_call(connection: Connection, call: Call) -> None:
    """Begin a call."""
    row = asdict(call) | {"level": int(call.level), "status": call.status.value}
    connection.execute(insert(tables.call).values(row))


def supersede(connection: Connection, alert: str, now: datetime) -> int:
    """Close the open calls of an alert, because a newer change takes their place; how many.

    Messages about the older state that have not gone out are cancelled, and one that is being sent is not
    tried again: after an outage people hear how things stand, not how they stood. News of lost data stays.
    """
    table, change = tables.delivery, tables.transition
    news = select(change.c.id).where(change.c.alert == alert, _ABOUT_DATA)
    mine = (table.c.alert == alert) & table.c.transition.not_in(news)
    unsent = update(table).where(mine, table.c.status == Status.DUE.value)
    connection.execute(unsent.values(status=Status.CANCELLED.value, detail=REPLACED))
    in_flight = update(table).where(mine, table.c.status == Status.CLAIMED.value)
    connection.execute(in_flight.values(replaced=True))
    done = update(tables.call).where(
        tables.call.c.alert == alert, tables.call.c.status == CallStatus.OPEN.value
    )
    values = {"status": CallStatus.SUPERSEDED.value, "closed_at": now}
    return connection.execute(done.values(values)).rowcount


def step_call(connection: Connection, call: Call) -> None:
    """Keep the step a call has reached, and when the next is due."""
    where = (tables.call.c.transition == call.transition) & (
        tables.call.c.subsystem == call.subsystem
    )
    connection.execute(
        update(tables.call).where(where).values(step=call.step, next_at=call.next_at)
    )


def calls(
    connection: Connection, *, due: datetime | None = None, status: CallStatus | None = None
) -> list[Call]:
    """Calls in the order they began; with `due`, the open ones whose next step is due by then."""
    table = tables.call
    query = select(table).order_by(table.c.begun_at, table.c.id)
    if due is not None:
        query = query.where(table.c.status == CallStatus.OPEN.value, table.c.next_at <= due)
    if status is not None:
        query = query.where(table.c.status == status.value)
    return [_call(row) for row in connection.execute(query)]


def _call(row: Row[Any]) -> Call:
    return Call(
        transition=row.transition,
        alert=row.alert,
        subsystem=row.subsystem,
        level=Level(row.level),
        begun_at=row.begun_at,
        step=row.step,
        next_at=row.next_at,
        status=CallStatus(row.status),
    )


def pages(connection: Connection, change: Transition) -> list[Page]:
    """Calls of the incident of a change that somebody answered or is being called for.

    A call that was overtaken does not count, nor one that has climbed its ladder without an answer: nobody
    has said that they have it, and nobody is asked any more. One made at this very moment counts in any case.
    """
    table, made = tables.call, tables.transition
    over = select(made.c.alert).where(
        made.c.incident == change.incident, made.c.reason == Reason.ENDED.value
    )
    waiting = or_(table.c.next_at.is_not(None), table.c.begun_at == change.at)
    query = (
        select(table, made.c.hazard)
        .join(made, made.c.id == table.c.transition)
        .where(made.c.incident == change.incident, table.c.alert.not_in(over))
        .where(or_(table.c.status == _ANSWERED, (table.c.status == _OPEN) & waiting))
        .order_by(table.c.id)
    )
    return [
        Page(
            incident=change.incident,
            alert=row.alert,
            hazard=row.hazard,
            subsystem=row.subsystem,
            level=Level(row.level),
            begun_at=row.begun_at,
            answered=row.status == _ANSWERED,
        )
        for row in connection.execute(query)
    ]


def next_call(connection: Connection) -> datetime | None:
    """When the next step of any open call is due."""
    moment: datetime | None = connection.scalar(_NEXT_CALL)
    return moment


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """Somebody's word that they have it."""

    alert: str
    """Identifier of the alert."""
    subsystem: str
    """Id of the subsystem they answer for."""
    by: str
    """Name of the person."""
    via: str
    """``cli``, ``link`` or another way in."""
    at: datetime
    """When."""
    transition: str | None = None
    """The change they answered, where the way in names one."""
    effective: bool = False
    """True where it closed an open call; False where somebody had it already."""


def acknowledge(connection: Connection, word: Acknowledgement) -> Acknowledgement:
    """Keep an acknowledgement and close the subsystem's open calls of the alert.

    Messages of later steps that have not gone out yet are cancelled. Acknowledging again is kept too and
    changes nothing.
    """
    mine = (tables.call.c.alert == word.alert) & (tables.call.c.subsystem == word.subsystem)
    closed = update(tables.call).where(mine, tables.call.c.status == CallStatus.OPEN.value)
    done = connection.execute(
        closed.values(status=CallStatus.ACKNOWLEDGED.value, closed_at=word.at, by=word.by)
    ).rowcount
    kept = Acknowledgement(**(asdict(word) | {"effective": done > 0}))
    connection.execute(insert(tables.acknowledgement).values(asdict(kept)))
    unsent = update(tables.delivery).where(
        tables.delivery.c.alert == word.alert,
        tables.delivery.c.subsystem == word.subsystem,
        tables.delivery.c.status == Status.DUE.value,
        tables.delivery.c.step > 0,
    )
    spared = {"status": Status.CANCELLED.value, "detail": f"acknowledged by {word.by}"}
    connection.execute(unsent.values(spared))
    return kept


def acknowledgements(
    connection: Connection, alert: str | None = None
) -> Sequence[Acknowledgement]:
    """Acknowledgements in the order they came, of one alert or of all."""
    table = tables.acknowledgement
    query = select(table).order_by(table.c.at, table.c.id)
    if alert is not None:
        query = query.where(table.c.alert == alert)
    found = []
    for row in connection.execute(query):
        parts = dict(row._mapping)
        parts.pop("id")
        found.append(Acknowledgement(**parts))
    return found


