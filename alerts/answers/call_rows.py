"""Calls and acknowledgements, as rows: who is asked, who answered, what an answer stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, func, insert, or_, select, update

from alerts.duty.people import Answer
from alerts.event.incidents import Page
from alerts.event.transition import ABOUT_DATA, OVER, Transition
from alerts.outgoing.delivery import REPLACED, Purpose, Status
from alerts.record import audit, tables
from rules.level import Level

_DELIVERY, _CALL = tables.delivery, tables.call
_ABOUT_DATA = tables.transition.c.reason.in_([reason.value for reason in ABOUT_DATA])
_NOTHING_ASKED: Mapping[Level, Answer] = MappingProxyType({})


class CallStatus(StrEnum):
    """Where a call for acknowledgement stands."""

    OPEN = "open"
    """Nobody has acknowledged yet."""
    ACKNOWLEDGED = "acknowledged"
    """Somebody has it."""
    OWING = "owing"
    """Somebody has it, and the facts it asked for did not come in time."""
    SUPERSEDED = "superseded"
    """A newer change of the alert took its place."""


_OPEN = CallStatus.OPEN.value
ANSWERED = frozenset({CallStatus.ACKNOWLEDGED, CallStatus.OWING})
"""States of a call that somebody answered."""
_ANSWERED = tuple(status.value for status in ANSWERED)
_NEXT_CALL = select(func.min(_CALL.c.next_at)).where(_CALL.c.status == _OPEN)


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
    facts_due: datetime | None = None
    """When somebody is next asked for the facts; None where nobody is."""
    facts_at: datetime | None = None
    """When the facts were told; None where they were not, or none are asked for."""
    closed_at: datetime | None = None
    """When it was answered or superseded."""
    by: str | None = None
    """Who answered."""


_FIELDS = tuple(Call.__dataclass_fields__)


def open_call(connection: Connection, call: Call) -> None:
    """Begin a call."""
    row = asdict(call) | {"level": int(call.level), "status": call.status.value}
    connection.execute(insert(_CALL).values(row))


def supersede(connection: Connection, alert: str, now: datetime) -> int:
    """Close the open calls of an alert, because a newer change takes their place; how many.

    Messages about the older state that have not gone out are cancelled, one that is being sent is not tried
    again, and nobody is chased for one: after an outage people hear how things stand, not how they stood.
    News of lost data stays, and facts that were asked for are not asked for any more.
    """
    change = tables.transition
    news = select(change.c.id).where(change.c.alert == alert, _ABOUT_DATA)
    mine = (_DELIVERY.c.alert == alert) & _DELIVERY.c.transition.not_in(news)
    _withdraw(connection, mine, REPLACED, now)
    _leave_alone(connection, mine)
    in_alert = update(_CALL).where(_CALL.c.alert == alert)
    connection.execute(in_alert.where(_CALL.c.facts_due.is_not(None)).values(facts_due=None))
    done = in_alert.where(_CALL.c.status == _OPEN)
    values = {"status": CallStatus.SUPERSEDED.value, "closed_at": now}
    return connection.execute(done.values(values)).rowcount


def _withdraw(
    connection: Connection, mine: ColumnElement[bool], why: str, now: datetime
) -> None:
    """Cancel what has not gone out; what is being sent is not tried again."""
    waiting = mine & (_DELIVERY.c.status == Status.DUE.value)
    keys = list(connection.scalars(select(_DELIVERY.c.key).where(waiting)))
    unsent = update(_DELIVERY).where(waiting)
    connection.execute(unsent.values(status=Status.CANCELLED.value, detail=why))
    in_flight = update(_DELIVERY).where(mine, _DELIVERY.c.status == Status.CLAIMED.value)
    said = {} if why == REPLACED else {"detail": why}
    connection.execute(in_flight.values(replaced=True, **said))
    audit.seal(connection, now, "outcome", keys)


def _leave_alone(connection: Connection, mine: ColumnElement[bool]) -> None:
    """Nobody is chased for these messages any more, nor for those of them that are still being sent."""
    chased = or_(_DELIVERY.c.chase_at.is_not(None), _DELIVERY.c.status == Status.CLAIMED.value)
    connection.execute(update(_DELIVERY).where(mine, chased).values(chase_at=None, chase_s=None))


def step_call(connection: Connection, call: Call) -> None:
    """Keep the step a call has reached, when the next is due, and how it stands with the facts."""
    where = (_CALL.c.transition == call.transition) & (_CALL.c.subsystem == call.subsystem)
    values = {"step": call.step, "next_at": call.next_at, "facts_due": call.facts_due}
    connection.execute(update(_CALL).where(where).values(**values, status=call.status.value))


def calls(
    connection: Connection,
    *,
    due: datetime | None = None,
    status: CallStatus | None = None,
    alert: str | None = None,
) -> list[Call]:
    """Calls in the order they began; with `due`, the open ones whose next step is due by then."""
    query = select(_CALL).order_by(_CALL.c.begun_at, _CALL.c.id)
    if due is not None:
        query = query.where(_CALL.c.status == _OPEN, _CALL.c.next_at <= due)
    if status is not None:
        query = query.where(_CALL.c.status == status.value)
    if alert is not None:
        query = query.where(_CALL.c.alert == alert)
    return [call_of(row) for row in connection.execute(query)]


def asked_of(connection: Connection, person: str) -> list[Call]:
    """Calls of which a person was told and that wait for a word or for facts, in the order they began."""
    told = tables.notice
    mine = exists().where(
        told.c.transition == _CALL.c.transition,
        told.c.subsystem == _CALL.c.subsystem,
        told.c.person == person,
    )
    owing = _CALL.c.facts_due.is_not(None) | (_CALL.c.status == CallStatus.OWING.value)
    waits = (_CALL.c.status == _OPEN) | (owing & _CALL.c.facts_at.is_(None))
    query = select(_CALL).where(mine, waits).order_by(_CALL.c.begun_at, _CALL.c.id)
    return [call_of(row) for row in connection.execute(query)]


def call_for(connection: Connection, transition: str, subsystem: str) -> Call | None:
    """The call of a subsystem for one change; None where it is not called for it."""
    query = select(_CALL).where(_CALL.c.transition == transition, _CALL.c.subsystem == subsystem)
    row = connection.execute(query).first()
    return None if row is None else call_of(row)


def call_of(row: Row[Any]) -> Call:
    """The call that a row of the table is."""
    parts = {name: getattr(row, name) for name in _FIELDS}
    return Call(**(parts | {"level": Level(row.level), "status": CallStatus(row.status)}))


def pages(connection: Connection, change: Transition) -> list[Page]:
    """Calls of the incident of a change that somebody answered or is being called for.

    A call that was overtaken does not count, nor one that has climbed its ladder without an answer: nobody
    has said that they have it, and nobody is asked any more. One made at this very moment counts in any case.
    """
    made = tables.transition
    over = select(made.c.alert).where(
        made.c.incident == change.incident, made.c.reason.in_([reason.value for reason in OVER])
    )
    waiting = or_(_CALL.c.next_at.is_not(None), _CALL.c.begun_at == change.at)
    query = (
        select(_CALL, made.c.hazard)
        .join(made, made.c.id == _CALL.c.transition)
        .where(made.c.incident == change.incident, _CALL.c.alert.not_in(over))
        .where(or_(_CALL.c.status.in_(_ANSWERED), (_CALL.c.status == _OPEN) & waiting))
        .order_by(_CALL.c.id)
    )
    return [
        Page(
            incident=change.incident,
            alert=row.alert,
            hazard=row.hazard,
            subsystem=row.subsystem,
            level=Level(row.level),
            begun_at=row.begun_at,
            answered=row.status in _ANSWERED,
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
    """``cli``, ``link``, ``sms`` or another way in."""
    at: datetime
    """When."""
    transition: str | None = None
    """The change they answered, where the way in names one; a word about one is none about another."""
    effective: bool = False
    """True where it closed an open call; False where somebody had it already."""


def acknowledge(
    connection: Connection,
    word: Acknowledgement,
    answers: Mapping[Level, Answer] = _NOTHING_ASKED,
    now: datetime | None = None,
) -> Acknowledgement:
    """Keep an acknowledgement and close the subsystem's open calls that it answers.

    Nobody is paged for them any more: further steps and messages over further channels that have not gone
    out are cancelled, and nobody is chased. Where `answers` asks for the facts at the level of a call, they
    are due from `now` on, which is when the word was heard (default: when it was given). Acknowledging again
    is kept too and changes nothing.
    """
    heard = now or word.at
    mine = (_CALL.c.alert == word.alert) & (_CALL.c.subsystem == word.subsystem)
    waiting = [call_of(row) for row in connection.execute(select(_CALL).where(mine, _CALL.c.status == _OPEN))]
    answered = [call for call in waiting if word.transition in (None, call.transition)]
    for call in answered:
        _close(connection, call, word, _facts_due(call, answers, heard))
    kept = Acknowledgement(**(asdict(word) | {"effective": bool(answered)}))
    added = connection.execute(insert(tables.acknowledgement).values(asdict(kept)))
    audit.seal(connection, heard, "acknowledgement", added.inserted_primary_key or ())
    if len(answered) == len(waiting):
        _spare(connection, word, answered, heard)
    return kept


def _facts_due(call: Call, answers: Mapping[Level, Answer], now: datetime) -> datetime | None:
    answer = answers.get(call.level)
    if answer is None or not answer.facts or call.facts_at is not None:
        return None
    return now + answer.facts_within


def _close(
    connection: Connection, call: Call, word: Acknowledgement, facts_due: datetime | None
) -> None:
    this = (_CALL.c.transition == call.transition) & (_CALL.c.subsystem == call.subsystem)
    done = {"status": CallStatus.ACKNOWLEDGED.value, "closed_at": word.at, "by": word.by}
    connection.execute(update(_CALL).where(this).values(**done, facts_due=facts_due))


def _spare(
    connection: Connection, word: Acknowledgement, answered: Sequence[Call], now: datetime
) -> None:
    """Withdraw further steps and further channels; the first message still reaches its officer."""
    mine = (_DELIVERY.c.alert == word.alert) & (_DELIVERY.c.subsystem == word.subsystem)
    mine &= _DELIVERY.c.purpose == Purpose.ALERT.value
    # Of a spread or an extension that came after the call everybody still hears.
    of_calls = _DELIVERY.c.transition.in_([call.transition for call in answered])
    begun = max((call.begun_at for call in answered), default=now)
    further = (_DELIVERY.c.step > 0) | (of_calls & (_DELIVERY.c.planned_at > begun))
    _withdraw(connection, mine & further, f"acknowledged by {word.by}", now)
    _leave_alone(connection, mine & of_calls)


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
