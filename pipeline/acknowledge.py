"""Acknowledging and reporting by name, whichever way in the word came."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from alerts.answers import receipts, reports
from alerts.answers.links import Claim
from alerts.answers.reports import Report
from alerts.record import store
from alerts.record.store import Acknowledgement, Call, CallStatus
from ingest.database import writing
from ingest.errors import UnknownName
from pipeline.ports import Ports


def acknowledge(
    ports: Ports, word: Acknowledgement
) -> Acknowledgement:
    """Keep somebody's word that they have an alert, and stop calling their subsystem for it.

    Raises UnknownName, listing what exists, where there is no such alert or subsystem.
    """
    with writing(ports.engine) as connection:
        return acknowledge_in(connection, ports, word)


def acknowledge_in(
    connection: Connection, ports: Ports, word: Acknowledgement
) -> Acknowledgement:
    """The same in a transaction that does more than this."""
    _refuse_unknown(connection, word, ports)
    return store.acknowledge(connection, word, ports.desk.routes.answers)


def read(ports: Ports, claim: Claim, at: datetime, further: str | None = None) -> None:
    """Keep that the person of a link has seen what it is about, and a `further` change shown with it."""
    with writing(ports.engine) as connection:
        for change in dict.fromkeys((claim.transition, further or claim.transition)):
            receipts.read_by(connection, change, claim.subsystem, claim.person, at)


def report(ports: Ports, told: Report) -> Report:
    """Keep what a subsystem reports of an alert; the facts also acknowledge, where nobody did.

    Raises UnknownName, listing what exists, where there is no such alert or subsystem.
    """
    with writing(ports.engine) as connection:
        return report_in(connection, ports, told)


def report_in(connection: Connection, ports: Ports, told: Report) -> Report:
    """The same in a transaction that does more than this."""
    word = word_of(
        alert=told.alert, subsystem=told.subsystem, by=told.by, via=told.via, at=told.at
    )
    _refuse_unknown(connection, word, ports)
    made = store.calls(connection, alert=told.alert)
    mine = [call for call in made if call.subsystem == told.subsystem]
    waiting = [call for call in mine if call.status is CallStatus.OPEN]
    if waiting and told.kind == "facts":
        store.acknowledge(connection, word, ports.desk.routes.answers)
    about = mine[-1].transition if mine else store.transitions(connection, alert=told.alert)[-1].id
    return reports.add(connection, replace(told, by=word.by, transition=told.transition or about))


def _refuse_unknown(connection: Connection, word: Acknowledgement, ports: Ports) -> None:
    if word.subsystem not in ports.config.routes.subsystems:
        names = ", ".join(ports.config.routes.subsystems)
        raise UnknownName(f"no subsystem is called {word.subsystem!r}; there are {names}")
    if not store.transitions(connection, alert=word.alert):
        raise UnknownName(f"there is no alert {word.alert!r}; {_open_alerts(connection)}")


def _open_alerts(connection: Connection) -> str:
    waiting = sorted({call.alert for call in store.calls(connection, status=CallStatus.OPEN)})
    return "calls are open for " + ", ".join(waiting) if waiting else "no call is open"


def sole_subsystem(connection: Connection, alert: str) -> str:
    """The subsystem whose call for an alert is open, where it is the only one.

    Raises UnknownName where none or several are, naming them.
    """
    waiting = [
        call.subsystem for call in _open_calls(connection) if call.alert == alert
    ]
    names = list(dict.fromkeys(waiting))
    if len(names) != 1:
        which = ", ".join(names) if names else "none"
        raise UnknownName(f"open calls for {alert}: {which}; name one with --subsystem")
    return names[0]


def _open_calls(connection: Connection) -> list[Call]:
    return store.calls(connection, status=CallStatus.OPEN)


def word_of(
    *, alert: str, subsystem: str, by: str, via: str, at: datetime, transition: str | None = None
) -> Acknowledgement:
    """An acknowledgement as it comes in, its name trimmed; ValueError where it names nobody."""
    name = " ".join(by.split())[:64]
    if not name:
        raise ValueError("请写明确认人姓名 / an acknowledgement needs a name")
    return Acknowledgement(
        alert=alert, subsystem=subsystem, by=name, via=via, at=at, transition=transition
    )
