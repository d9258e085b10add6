"""What is done from the page of the present: acknowledging for a subsystem, and reporting the facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from alerts.answers.reports import Report
from alerts.record import store
from alerts.record.store import CallStatus
from ingest.database import reading, writing
from ingest.errors import UnknownName
from pipeline import acknowledge
from pipeline.console.house import House
from pipeline.console.people.visitor import Right, Visitor
from pipeline.console.refusals import refuse

Outcome = Literal["acknowledged", "already", "moved_on"]
"""It counts; somebody had it before; a newer change of the alert must be seen first."""
VIA = "console"
"""The way in, as the record has it."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What came of an acknowledgement."""

    outcome: Outcome
    """Whether it counted."""
    subsystem: str
    """Id of the subsystem."""
    by: str | None
    """Who has it now; None where nobody does."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The three facts as they were filled in."""

    commander: str = ""
    """Who commands."""
    affected: str = ""
    """What is affected."""
    moved: str = ""
    """Who was moved."""

    @property
    def words(self) -> str:
        """All of it, as it was written."""
        return " ".join(part.strip() for part in (self.commander, self.affected, self.moved) if part.strip())


def take(house: House, who: Visitor, alert: str, subsystem: str, seen: str) -> Taken:
    """Acknowledge the change that somebody has seen; a second word changes nothing and says who was first.

    Raises HTTPException 403 where they do not act for the subsystem, UnknownName where it was not called for
    that change.
    """
    _allowed(who, Right.ACKNOWLEDGE, subsystem)
    with reading(house.ports.engine) as connection:
        call = store.call_for(connection, seen, subsystem)
    if call is None or call.alert != alert:
        raise UnknownName(f"{subsystem!r} was not called for {seen!r} of {alert!r}; load the page again")
    if call.status is not CallStatus.OPEN:
        moved = call.status is CallStatus.SUPERSEDED
        return Taken(outcome="moved_on" if moved else "already", subsystem=subsystem, by=call.by)
    word = acknowledge.word_of(
        alert=alert, subsystem=subsystem, by=who.title, via=VIA, at=house.clock(), transition=seen
    )
    with writing(house.ports.engine) as connection:
        kept = acknowledge.acknowledge_in(connection, house.ports, word)
        house.done(connection, who, "acknowledge", subject=alert, subsystem=subsystem)
    if kept.effective:
        return Taken(outcome="acknowledged", subsystem=subsystem, by=kept.by)
    with reading(house.ports.engine) as connection:
        newer = store.call_for(connection, seen, subsystem)
    return Taken(outcome="already", subsystem=subsystem, by=newer.by if newer else None)


def tell(house: House, who: Visitor, alert: str, subsystem: str, facts: Facts) -> Report:
    """Keep what a subsystem reports; it completes what was reported before.

    Raises HTTPException 403 where they do not act for the subsystem, 400 where nothing was filled in.
    """
    _allowed(who, Right.REPORT, subsystem)
    if not facts.words:
        raise refuse(400, "三项都是空的，请至少填一项 / all three are empty, fill in at least one")
    told = Report(
        kind="facts",
        alert=alert,
        transition="",
        subsystem=subsystem,
        by=who.title,
        via=VIA,
        at=house.clock(),
        commander=facts.commander,
        affected=facts.affected,
        moved=facts.moved,
        words=facts.words,
    )
    with writing(house.ports.engine) as connection:
        kept = acknowledge.report_in(connection, house.ports, told)
        house.done(connection, who, "report", subject=alert, subsystem=subsystem)
    return kept


def _allowed(who: Visitor, right: Right, subsystem: str) -> None:
    if not who.may(right, subsystem):
        raise refuse(403, f"您不代表“{subsystem}” / you do not act for {subsystem}")
