"""The score of a drill: who was called, who answered in time, and who told what was asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.answers import clocks, reports
from alerts.duty.people import Routes
from alerts.outgoing import deliveries
from alerts.record import store
from alerts.record.store import Call, CallStatus
from rules.level import Level


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How one call of one subsystem went."""

    alert: str
    """Identifier of the alert."""
    subsystem: str
    """Id of the subsystem."""
    level: str
    """Level it was called for."""
    called_at: datetime
    """When the first message was planned."""
    read_s: float | None
    """Time until somebody had read it [s]; None where nobody is known to have."""
    answered_s: float | None
    """Time until somebody acknowledged [s]; None where nobody did."""
    limit_s: float | None
    """Time until the next person would have been called [s]; None where nobody would."""
    climbed: int
    """Further steps that were taken."""
    facts: bool | None
    """Whether the three facts were told in full; None where none were asked."""

    @property
    def in_time(self) -> bool:
        """Answered before anybody else had to be called, with the facts where they were asked."""
        answered = self.answered_s is not None and self.climbed == 0
        return answered and self.facts is not False


@dataclass(frozen=True, kw_only=True)
class Score:
    """A drill in figures."""

    title: str
    """Name of the drill."""
    begun_at: datetime
    """When it began."""
    ended_at: datetime
    """When it ended."""
    marks: tuple[Mark, ...]
    """One per call, in the order they began; those that a newer call overtook at once are left out."""
    messages: dict[str, int]
    """Status -> number of messages."""
    people: int
    """People to whom something was sent."""

    @property
    def share(self) -> float | None:
        """Share of calls that were answered in time; None without a call."""
        return sum(mark.in_time for mark in self.marks) / len(self.marks) if self.marks else None

    def as_json(self) -> dict[str, object]:
        """The same, ready for JSON; times in ISO 8601."""
        marks = [
            asdict(mark) | {"called_at": mark.called_at.isoformat(), "in_time": mark.in_time}
            for mark in self.marks
        ]
        return {
            "title": self.title,
            "status": "Exercise",
            "begun_at": self.begun_at.isoformat(),
            "ended_at": self.ended_at.isoformat(),
            "messages": self.messages,
            "people": self.people,
            "in_time": self.share,
            "calls": marks,
        }


def score(
    connection: Connection, routes: Routes, title: str, begun: datetime, ended: datetime
) -> Score:
    """Read the score from the ledger of a drill."""
    calls = [one for one in store.calls(connection) if _counts(one)]
    counted = deliveries.counts(connection)
    sent = {item.recipient for item in deliveries.all_deliveries(connection) if item.sent_at}
    return Score(
        title=title,
        begun_at=begun,
        ended_at=ended,
        marks=tuple(_marks(connection, calls, routes)),
        messages={status.value: number for status, number in counted.items() if number},
        people=len(sent),
    )


def _counts(one: Call) -> bool:
    """A call that a newer one took the place of, unanswered and within its first step, tells nothing."""
    return one.status is not CallStatus.SUPERSEDED or one.step > 0


def _marks(
    connection: Connection, calls: Iterable[Call], routes: Routes
) -> Iterable[Mark]:
    seen = {
        alert: clocks.clocks(connection, alert, routes.people)
        for alert in dict.fromkeys(one.alert for one in calls)
    }
    words = store.acknowledgements(connection)
    told = reports.reports(connection)
    for one in calls:
        mine = [clock for clock in seen[one.alert] if clock.subsystem == one.subsystem]
        answers = [
            word.at
            for word in words
            if (word.alert, word.subsystem) == (one.alert, one.subsystem) and word.at >= one.begun_at
        ]
        facts = [
            report.complete
            for report in told
            if (report.alert, report.subsystem) == (one.alert, one.subsystem)
        ]
        yield Mark(
            alert=one.alert,
            subsystem=one.subsystem,
            level=one.level.key,
            called_at=one.begun_at,
            read_s=_after(one, [clock.read for clock in mine if clock.read is not None]),
            answered_s=_after(one, answers),
            limit_s=_limit(one.level, routes),
            climbed=one.step,
            facts=any(facts) if _asked(one.level, routes) else None,
        )


def _after(one: Call, moments: Iterable[datetime]) -> float | None:
    later = [moment - one.begun_at for moment in moments if moment >= one.begun_at]
    return min(later, default=timedelta(0)).total_seconds() if later else None


def _limit(level: Level, routes: Routes) -> float | None:
    steps = routes.ladders.get(level, ())
    return steps[1].after.total_seconds() if len(steps) > 1 else None


def _asked(level: Level, routes: Routes) -> bool:
    answer = routes.answers.get(level)
    return answer is not None and answer.facts
