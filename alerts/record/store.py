"""The store of alerts: states, transitions and notices as rows; calls and answers are in `call_rows`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from alerts.answers.call_rows import (
    Acknowledgement,
    Call,
    CallStatus,
    acknowledge,
    acknowledgements,
    call_for,
    calls,
    next_call,
    open_call,
    pages,
    step_call,
    supersede,
)
from alerts.answers.links import Claim
from alerts.duty.routing import Notice, Warned
from alerts.event.memory import dump, load
from alerts.event.state import State
from alerts.event.transition import ABOUT_DATA, CALLING, Reason, Transition
from alerts.outgoing.delivery import Purpose, Status
from alerts.record import audit, tables
from rules.level import Level

__all__ = ["Acknowledgement", "Call", "CallStatus", "Told"]
__all__ += ["acknowledge", "acknowledgements", "call_for", "calls", "claims", "next_call", "note", "notices"]
__all__ += ["open_call", "pages", "record", "reissues", "remember", "states", "step_call", "supersede"]
__all__ += ["transition", "transitions", "warned"]

_STATES = select(tables.lifecycle.c.hazard, tables.lifecycle.c.state)
_KEEP_STATE = update(tables.lifecycle).where(tables.lifecycle.c.hazard == bindparam("of_hazard"))
_BY_NAME = ("places", "changed", "related")
_ABOUT_DATA = tables.transition.c.reason.in_([reason.value for reason in ABOUT_DATA])


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
    audit.seal(connection, change.at, "transition", [change.id])
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
        added = insert(tables.notice).returning(tables.notice.c.id)
        audit.seal(connection, at, "notice", sorted(connection.scalars(added, rows)))


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


def reissues(connection: Connection, change: Transition, within: timedelta) -> int:
    """How often the hazard was opened or raised to the level of a change within the time before it.

    An alert that was withdrawn was none, and does not count.
    """
    table = tables.transition
    withdrawn = select(table.c.alert).where(table.c.reason == Reason.CANCELLED.value)
    query = select(func.count()).where(
        table.c.hazard == change.hazard,
        table.c.to_level == int(change.to_level),
        table.c.reason.in_([reason.value for reason in CALLING]),
        table.c.at >= change.at - within,
        table.c.at < change.at,
        table.c.alert.not_in(withdrawn),
    )
    return connection.scalar(query) or 0


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
    those who only heard that data was lost, or were only asked or reminded of something. What was folded
    into a digest was told.
    """
    table, change = tables.delivery, tables.transition
    query = (
        select(table.c.subsystem, table.c.recipient)
        .distinct()
        .join(change, change.c.id == table.c.transition)
        .where(
            table.c.alert == alert,
            table.c.status.not_in((Status.CANCELLED.value, Status.FAILED.value)),
            table.c.purpose.in_((Purpose.ALERT.value, Purpose.DIGEST.value)),
            ~_ABOUT_DATA,
        )
        .order_by(table.c.subsystem, table.c.recipient)
    )
    return [
        Warned(subsystem=row.subsystem, person=row.recipient) for row in connection.execute(query)
    ]
