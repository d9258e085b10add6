"""The end of a silence: its author hears, and those it covered are told how the alerts stand now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from alerts.answers import calls
from alerts.duty import silences
from alerts.duty.people import Silence
from alerts.duty.routing import SILENCED, Notice, route
from alerts.event.transition import ABOUT_DATA, CALLING, Reason, Transition
from alerts.outgoing import digest
from alerts.outgoing.delivery import Purpose
from alerts.outgoing.dispatch import Desk
from alerts.record import store
from alerts.record.tables import lifecycle
from alerts.record.tables import notice as table
from alerts.wording import memos
from alerts.wording.memos import Memo
from rules.level import Level


def end_silences(connection: Connection, desk: Desk, now: datetime) -> Sequence[Notice]:
    """Do what the end of a silence asks for; a level that calls, calls now."""
    notices: list[Notice] = []
    for silence, by in silences.ended(connection, now):
        caught_up = [_tell(connection, silence, alert, desk, now) for alert in _open(connection, silence)]
        notices += [notice for told in caught_up for notice in told]
        memo = Memo(
            purpose=Purpose.SILENCE,
            subject=silences.subject_of(silence.id),
            template="memo_silence_over",
            facts=silences.facts_of(silence, desk) | {"by": by, "count": sum(map(bool, caught_up))},
            people=silences.author(silence, desk.routes),
            step=1,
        )
        digest.plan(connection, memos.deliveries(memo, desk, now), desk, now)
    return notices


def _open(connection: Connection, silence: Silence) -> list[str]:
    """Alerts that are open and were covered by a silence."""
    rows = connection.execute(select(lifecycle.c.hazard, lifecycle.c.state).order_by(lifecycle.c.hazard))
    found = [(row.hazard, row.state["alert"]) for row in rows if row.state["alert"]]
    return [
        alert
        for hazard, alert in found
        if silence.hazard in (None, hazard) and silence.alert in (None, alert)
    ]


def _tell(
    connection: Connection, silence: Silence, alert: str, desk: Desk, now: datetime
) -> list[Notice]:
    """Tell the subsystems that did not hear of changes of an alert how it stands."""
    changes = store.transitions(connection, alert=alert)
    real = [one for one in changes if one.reason not in ABOUT_DATA and one.reason is not Reason.NARROWED]
    if not real:
        return []
    passed_over, told = _heard(connection, real, silence)
    calling = [one for one in real if one.reason in CALLING]
    told_notices = []
    for subsystem in passed_over:
        newest = real[-1]
        known = not calling or (calling[-1].id, subsystem) in told
        change = newest if known else _as_a_call(newest, calling[-1])
        told_notices += _route(connection, change, subsystem, desk, now)
    return told_notices


def _heard(
    connection: Connection, changes: Collection[Transition], silence: Silence
) -> tuple[list[str], set[tuple[str, str]]]:
    """Subsystems that a silence kept from a change since it began; (change, subsystem) that were told."""
    query = select(table).where(table.c.transition.in_([one.id for one in changes])).order_by(table.c.id)
    passed_over: dict[str, None] = {}
    told = set()
    for row in connection.execute(query):
        if row.person is not None:
            told.add((row.transition, row.subsystem))
        elif _passed_over(row.why, row.subsystem, silence) and row.at >= silence.begun_at:
            passed_over[row.subsystem] = None
    return list(passed_over), told


def _passed_over(why: str, subsystem: str, silence: Silence) -> bool:
    return why.startswith(SILENCED) and silence.subsystem in (None, subsystem)


def _as_a_call(newest: Transition, calling: Transition) -> Transition:
    """How an alert stands, told as the change that called for an answer and was not heard."""
    if newest.to_level == calling.to_level:
        return replace(newest, id=calling.id, reason=calling.reason, from_level=calling.from_level)
    return replace(newest, id=calling.id, reason=Reason.OPENED, from_level=Level.NONE)


def _route(
    connection: Connection, change: Transition, subsystem: str, desk: Desk, now: datetime
) -> list[Notice]:
    warned = store.warned(connection, change.alert)
    decided = route(change, desk.routes, now, warned)
    mine = [notice for notice in decided if notice.subsystem == subsystem]
    store.note(connection, change.id, now, mine)
    calls.spread_word(connection, change, mine, desk, now)
    return [notice for notice in mine if notice.told]
