"""The coverage guard: who could not be called in the coming hours is told to the supervisor now, not then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import Connection

from alerts.duty.people import Person, Subsystem
from alerts.duty.rota import Turn, gaps, next_change, turns
from alerts.duty.routing import Notice
from alerts.outgoing import digest
from alerts.outgoing.delivery import Purpose
from alerts.outgoing.dispatch import Desk
from alerts.record import ledger
from alerts.record.ledger import Run
from alerts.wording import memos
from alerts.wording.memos import Memo
from rules.level import Level

JOB = "coverage"
"""Name of the look in the ledger."""
AHEAD = timedelta(hours=24)
"""So far ahead the guard looks."""
AGAIN = timedelta(hours=1)
"""So long before a gap begins it is told once more, and so often the guard looks at least."""
NEEDS_ADDRESS = frozenset({"email"})
"""Kinds of channels that reach nobody by a phone number."""

_BACK = timedelta(days=2)
_NEVER = datetime.fromtimestamp(0, UTC)

Kind = Literal["nobody", "ends", "stand_in", "unreachable", "approvers"]
"""Nobody is on duty, the rota or a stand-in ends, or nothing reaches who is on duty or who approves."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A stretch of time in which nobody would answer."""

    kind: Kind
    """What is missing."""
    subsystem: str
    """Id of the subsystem; for approvers the level they are to release."""
    start: datetime
    """Its begin, aware UTC; at most two days ago."""
    end: datetime
    """Its end, as far ahead as was looked."""
    people: tuple[str, ...] = ()
    """Ids of those who cannot be reached."""
    standing: bool = False
    """True where it began before the time that was looked at."""


def find(desk: Desk, now: datetime, ahead: timedelta = AHEAD) -> list[Gap]:
    """All gaps that are open or begin within a time, the earliest first."""
    found = [gap for name in desk.routes.subsystems for gap in _of_rota(name, desk, now, ahead)]
    found += _of_approvers(desk, now, ahead)
    return sorted(found, key=lambda gap: (gap.start, gap.subsystem, gap.kind))


def _of_rota(name: str, desk: Desk, now: datetime, ahead: timedelta) -> Iterable[Gap]:
    subsystem = desk.routes.subsystems[name]
    begin, end = now - _BACK, now + ahead
    for turn in gaps(subsystem, begin, end):
        if turn.end > now:
            kind = _why(subsystem, turn)
            standing = turn.start == begin
            yield Gap(kind=kind, subsystem=name, start=turn.start, end=turn.end, standing=standing)
    for turn in turns(subsystem, now, end):
        duty = turn.watch.duty if turn.watch is not None else ()
        if duty and not any(reachable(person, desk) for person in duty):
            yield Gap(
                kind="unreachable", subsystem=name, start=turn.start, end=turn.end, people=duty,
                standing=True,
            )  # fmt: skip


def _why(subsystem: Subsystem, turn: Turn) -> Kind:
    if any(override.end == turn.start for override in subsystem.overrides):
        return "stand_in"
    day = turn.end.date().isoformat()
    over = [shift.last is not None and shift.last < day for shift in subsystem.rota]
    return "ends" if over and all(over) else "nobody"


def _of_approvers(desk: Desk, now: datetime, ahead: timedelta) -> Iterable[Gap]:
    for level, release in desk.routes.release.items():
        within = [person for person in release.approvers if reachable(person, desk)]
        if len(within) < release.needed:
            missing = tuple(person for person in release.approvers if person not in within)
            yield Gap(
                kind="approvers", subsystem=level.key, start=now, end=now + ahead, people=missing,
                standing=True,
            )  # fmt: skip


def reachable(person: str, desk: Desk) -> bool:
    """Whether some channel that may send reaches a person."""
    found = desk.routes.people.get(person)
    return found is not None and any(
        _reaches(channel, found, desk) for channel in (*found.channels, *found.fallback)
    )


def _reaches(channel: str, person: Person, desk: Desk) -> bool:
    if desk.enabled is not None and channel not in desk.enabled:
        return False
    return bool(person.addresses.get(channel) if channel in desk.addressed else person.phone)


def next_look(connection: Connection) -> datetime | None:
    """When the guard looks next: at once where it never has."""
    last = ledger.last_run(connection, JOB)
    return _NEVER if last is None else last.not_before


def look(connection: Connection, desk: Desk, now: datetime) -> Sequence[Notice]:
    """Tell the supervisor of each gap when it is found, and again an hour before it begins."""
    found = find(desk, now)
    for gap in found:
        told = _tell(connection, gap, 0, desk, now)
        if not told and gap.start - AGAIN <= now < gap.start:
            _tell(connection, gap, 1, desk, now)
    then = _next(found, desk, now)
    detail = f"{len(found)} gaps" if found else "no gap"
    run = Run(job=JOB, at=now, outcome="ok", detail=detail, not_before=then)
    ledger.record_run(connection, run)
    return []


def _next(found: Iterable[Gap], desk: Desk, now: datetime) -> datetime:
    """An hour from now, or before where a shift changes or a gap is to be told again."""
    moments = [now + AGAIN]
    moments += [gap.start - AGAIN for gap in found if gap.start - AGAIN > now]
    changes = (next_change(one, now, AGAIN) for one in desk.routes.subsystems.values())
    return min([*moments, *(change for change in changes if change is not None)])


def _tell(connection: Connection, gap: Gap, step: int, desk: Desk, now: datetime) -> int:
    memo = Memo(
        purpose=Purpose.COVERAGE,
        subject=_subject(gap, now),
        template="memo_coverage",
        facts={
            "about": gap.kind,
            "items": [desk.routes.people[one].name for one in gap.people if one in desk.routes.people],
            "subsystem": _title(gap, desk),
            "since": gap.start,
            "until": gap.end,
        },
        people=desk.routes.supervisor,
        level=Level.ORANGE,
        step=step,
    )
    return digest.plan(connection, memos.deliveries(memo, desk, now), desk, now)


def _subject(gap: Gap, now: datetime) -> str:
    """What makes a gap the one it is; one that has no begin is told once a day."""
    since = f"{now:%Y-%m-%d}" if gap.standing else f"{gap.start:%Y-%m-%dT%H:%MZ}"
    return " ".join(("gap", gap.kind, gap.subsystem, *gap.people, since))


def _title(gap: Gap, desk: Desk) -> str:
    found = desk.routes.subsystems.get(gap.subsystem)
    if found is None:
        return gap.subsystem
    return found.name if desk.language == "zh" else found.name_en
