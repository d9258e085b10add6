"""Replies by SMS: "1" is an acknowledgement, "1 指挥… 影响… 转移…" a report; all other words are kept.

Nobody is answered. A reply says something of the calls about which its number was sent a message before it,
and of nothing that came later: a gateway may hand over a reply hours after it was written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, insert, select

from alerts.answers import reports
from alerts.answers.call_rows import Acknowledgement, Call, CallStatus
from alerts.answers.facts import Meaning, understand
from alerts.answers.receipts import plain_number, read_by
from alerts.answers.reports import Report, plain_text
from alerts.duty.people import Person
from alerts.outgoing.delivery import Purpose, Reply, Status
from alerts.outgoing.dispatch import Desk
from alerts.record import audit, store, tables
from ingest.times import utc

_REPLY, _ROW, _CALL = tables.reply, tables.delivery, tables.call
_CARRIER = _ROW.alias("carrier")
_OWED = _CALL.c.facts_at.is_(None) & (
    _CALL.c.facts_due.is_not(None) | (_CALL.c.status == CallStatus.OWING.value)
)
_WAITS = (_CALL.c.status == CallStatus.OPEN.value) | _OWED
# Providers tell time to the minute, cut off.
_CLOCKS = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A reply as it was kept."""

    channel: str
    """Name of the channel it came over."""
    person: str | None
    """Id of the person whose number it is; None where it is nobody's."""
    text: str
    """The words."""
    at: datetime
    """When it was written, by the provider's clock."""
    heard_at: datetime
    """When we heard it."""
    meaning: str
    """One of `alerts.answers.facts.Meaning`."""
    detail: str
    """What it led to, in words."""


_COLUMNS = [_REPLY.c[name] for name in Kept.__dataclass_fields__]


def take(
    connection: Connection, channel: str, told: Iterable[Reply], desk: Desk, now: datetime
) -> list[Acknowledgement]:
    """Keep replies and do what they say; the acknowledgements that ended calls. A repeat does nothing."""
    words: list[Acknowledgement] = []
    for reply in told:
        said = replace(
            reply, text=plain_text(reply.text), phone=plain_number(reply.phone), at=utc(reply.at)
        )
        name = _name(channel, said)
        known = select(_REPLY.c.id).where(_REPLY.c.id == name)
        if connection.execute(known).first() is None:
            # A clock ahead of ours must not let a reply answer what is sent after it.
            heard = replace(said, at=min(said.at, now))
            words += _take_one(connection, (channel, name), heard, desk, now)
    return words


def _name(channel: str, reply: Reply) -> str:
    reference = reply.reference.encode("utf-8", "replace").decode()
    parts = (channel, reference, reply.phone, reply.at.isoformat(), reply.text)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _take_one(
    connection: Connection, where: tuple[str, str], reply: Reply, desk: Desk, now: datetime
) -> list[Acknowledgement]:
    people = _people(reply.phone, desk)
    meant = understand(reply.text)
    meaning, words, detail = meant.meaning, list[Acknowledgement](), "nothing was done"
    person = next(iter(people), None)
    if person is None:
        meaning, detail = Meaning.STRANGER, f"the number {reply.phone[:20]} is nobody's on file"
    elif meaning is not Meaning.UNKNOWN:
        about = _about(connection, reply, people)
        words = [_acknowledge(connection, call, by, reply, desk, now) for call, by in about]
        if meaning is Meaning.FACTS:
            _report(connection, [(call, by) for call, by in about], reply, now)
        person = about[0][1].id if about else person
        detail = _outcome(words, about, meaning)
    _keep(connection, where, replace(reply, phone=""), (person, meaning, detail), now)
    return [word for word in words if word.effective]


@dataclass(frozen=True, kw_only=True)
class _Sender:
    """Somebody whose number a reply came from."""

    id: str
    """Id of the person."""
    person: Person
    """The person."""


def _people(phone: str, desk: Desk) -> dict[str, Person]:
    """Everybody with a number, by id: an office phone may be several people's."""
    if not phone:
        return {}
    return {
        name: person
        for name, person in desk.routes.people.items()
        if plain_number(person.phone) == phone
    }


def _about(
    connection: Connection, reply: Reply, people: dict[str, Person]
) -> list[tuple[Call, _Sender]]:
    """Calls that wait, about which the number was sent a message before the reply; and to whom."""
    until = reply.at + _CLOCKS
    waiting = select(_CALL.c.transition).where(_WAITS)
    told = (
        select(_ROW.c.transition, _ROW.c.subsystem, _ROW.c.recipient)
        .where(_ROW.c.transition.in_(waiting), _ROW.c.recipient.in_(list(people)))
        .where(_ROW.c.purpose.in_([Purpose.ALERT.value, Purpose.FACTS.value]))
        .order_by(_ROW.c.planned_at, _ROW.c.key)
    )
    sent = (_ROW.c.status == Status.SENT.value) & (_ROW.c.sent_at <= until)
    # What was told in a digest went out with it: its key is the detail of what was folded.
    out = (_CARRIER.c.status == Status.SENT.value) & (_CARRIER.c.sent_at <= until)
    carried = exists().where(_CARRIER.c.key == _ROW.c.detail, out)
    query = told.where(sent | ((_ROW.c.status == Status.FOLDED.value) & carried))
    found: dict[tuple[str, str], tuple[Call, _Sender]] = {}
    for row in connection.execute(query):
        made = store.call_for(connection, row.transition, row.subsystem)
        if made is not None and _concerns(made):
            by = _Sender(id=row.recipient, person=people[row.recipient])
            found.setdefault((row.transition, row.subsystem), (made, by))
    return list(found.values())


def _concerns(made: Call) -> bool:
    """Whether a call waits for a word or for the facts."""
    owes = made.facts_at is None and (made.facts_due is not None or made.status is CallStatus.OWING)
    return made.status is CallStatus.OPEN or owes


def _acknowledge(
    connection: Connection, call: Call, by: _Sender, reply: Reply, desk: Desk, now: datetime
) -> Acknowledgement:
    word = Acknowledgement(
        alert=call.alert,
        transition=call.transition,
        subsystem=call.subsystem,
        by=by.person.name,
        via="sms",
        at=reply.at,
    )
    read_by(connection, call.transition, call.subsystem, by.id, reply.at)
    if call.status is not CallStatus.OPEN:
        return word
    return store.acknowledge(connection, word, desk.routes.answers, now)


def _report(
    connection: Connection, about: Iterable[tuple[Call, _Sender]], reply: Reply, now: datetime
) -> None:
    facts = understand(reply.text).facts
    for call, by in about:
        report = Report(
            kind="facts",
            alert=call.alert,
            transition=call.transition,
            subsystem=call.subsystem,
            by=by.person.name,
            via="sms",
            at=reply.at,
            commander=facts.commander,
            affected=facts.affected,
            moved=facts.moved,
            words=reply.text,
        )
        reports.add(connection, report)


def _outcome(
    words: list[Acknowledgement], about: list[tuple[Call, _Sender]], meaning: Meaning
) -> str:
    ended = [f"{word.alert} {word.subsystem}" for word in words if word.effective]
    parts = [f"acknowledged: {', '.join(ended)}"] if ended else []
    if meaning is Meaning.FACTS and about:
        parts.append("reported: " + ", ".join(f"{call.alert} {call.subsystem}" for call, _ in about))
    if about and not parts:
        parts.append("acknowledged already; the facts are still asked for")
    return "; ".join(parts) or "nothing was waiting for this number"


def _keep(
    connection: Connection,
    where: tuple[str, str],
    reply: Reply,
    understood: tuple[str | None, Meaning, str],
    now: datetime,
) -> None:
    channel, name = where
    person, meaning, detail = understood
    row = {"id": name, "channel": channel, "person": person, "text": reply.text, "at": reply.at}
    kept = {"heard_at": now, "meaning": meaning.value, "detail": detail}
    connection.execute(insert(_REPLY).values(**row, **kept))
    audit.seal(connection, now, "reply", [name])


def replies(connection: Connection, since: datetime | None = None) -> list[Kept]:
    """Replies in the order we heard them, of all time or heard since a moment."""
    query = select(*_COLUMNS).order_by(_REPLY.c.heard_at, _REPLY.c.id)
    if since is not None:
        query = query.where(_REPLY.c.heard_at >= since)
    return [Kept(**row._mapping) for row in connection.execute(query)]
