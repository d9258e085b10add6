"""The figures of a run, read from its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.event.transition import Transition
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Delivery, Status
from alerts.record import store
from alerts.record.store import Acknowledgement, Call, CallStatus, Told
from rules.level import Level

# What was folded was told in a digest.
_TOLD = frozenset({Status.SENT, Status.FOLDED})


@dataclass(frozen=True, kw_only=True)
class Row:
    """One change and what came of it."""

    change: Transition
    """The change."""
    people: int
    """People it was sent to."""
    by_channel: Mapping[str, int]
    """Channel -> messages it took."""
    calls: int
    """Subsystems called to acknowledge."""
    escalated: int
    """Calls that climbed their ladder."""
    acknowledged: int
    """Calls that were answered."""
    waits: str
    """Shortest and longest time from call to answer, in minutes."""


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Sums over a run."""

    deliveries: Mapping[Status, int]
    """Status -> delivery rows."""
    calls: int
    """Calls begun."""
    escalated: int
    """Calls that climbed."""
    acknowledged: int
    """Calls answered."""
    unanswered: int
    """Calls still open."""


def rows(connection: Connection) -> list[Row]:
    """A row per change, in order."""
    sent = deliveries.all_deliveries(connection)
    called = store.calls(connection)
    words = store.acknowledgements(connection)
    return [
        _row(
            change,
            [d for d in sent if d.transition == change.id],
            [call for call in called if call.transition == change.id],
            [word for word in words if word.transition == change.id and word.effective],
        )
        for change in store.transitions(connection)
    ]


def _row(
    change: Transition, sent: list[Delivery], called: list[Call], words: list[Acknowledgement]
) -> Row:
    waits = [word.at - change.at for word in words]
    return Row(
        change=change,
        people=len({(d.subsystem, d.recipient) for d in sent if d.status in _TOLD}),
        by_channel=Counter(d.channel for d in sent if d.status in _TOLD),
        calls=len(called),
        escalated=sum(1 for call in called if call.step > 0),
        acknowledged=sum(1 for call in called if call.status is CallStatus.ACKNOWLEDGED),
        waits=_range(waits),
    )


@dataclass(frozen=True, kw_only=True)
class CallRow:
    """One call: who was told at which step, and who answered after how long."""

    begun_at: datetime
    """When it began."""
    subsystem: str
    """Id of the subsystem."""
    hazard: str
    """Hazard it was about."""
    level: Level
    """Level of the district."""
    told: Mapping[int, tuple[str, datetime]]
    """Step -> ids of the people called, and when."""
    by: str
    """Who answered; empty where nobody did."""
    after: timedelta | None
    """How long after the call began."""


def call_rows(connection: Connection) -> list[CallRow]:
    """A row per call, in the order they began."""
    notices = [item for item in store.notices(connection) if item.person]
    words = [word for word in store.acknowledgements(connection) if word.effective]
    hazards = {change.id: change.hazard for change in store.transitions(connection)}
    return [
        _call_row(call, hazards[call.transition], notices, words)
        for call in store.calls(connection)
    ]


def _call_row(
    call: Call, hazard: str, notices: list[Told], words: list[Acknowledgement]
) -> CallRow:
    told: dict[int, tuple[str, datetime]] = {}
    for item in notices:
        if (item.transition, item.subsystem) == (call.transition, call.subsystem):
            before = told.get(item.step, ("", item.at))[0]
            told[item.step] = (f"{before},{item.person}".strip(","), item.at)
    mine = [w for w in words if (w.transition, w.subsystem) == (call.transition, call.subsystem)]
    return CallRow(
        begun_at=call.begun_at,
        subsystem=call.subsystem,
        hazard=hazard,
        level=call.level,
        told=told,
        by=mine[0].by if mine else "",
        after=mine[0].at - call.begun_at if mine else None,
    )


def _range(waits: list[timedelta]) -> str:
    if not waits:
        return ""
    minutes = sorted(int(wait.total_seconds() // 60) for wait in waits)
    return f"{minutes[0]}-{minutes[-1]}分"


def totals(connection: Connection) -> Totals:
    """Sums over the whole run."""
    called = store.calls(connection)
    return Totals(
        deliveries=deliveries.counts(connection),
        calls=len(called),
        escalated=sum(1 for call in called if call.step > 0),
        acknowledged=sum(1 for call in called if call.status is CallStatus.ACKNOWLEDGED),
        unanswered=sum(1 for call in called if call.status is CallStatus.OPEN),
    )
