"""A red that is announced, sent, chased and answered: the steps of call and acknowledge, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fakes import AT, MINUTE, RED, change, desk, routes
from sqlalchemy import Connection

from alerts.answers import calls, chase, errands
from alerts.duty.people import Answer, Person, Routes
from alerts.duty.routing import Notice, route
from alerts.event.transition import Transition
from alerts.outgoing import deliveries
from alerts.outgoing.deliveries import Outcome
from alerts.outgoing.delivery import Delivery, Reply, Status
from alerts.outgoing.dispatch import Desk
from alerts.record import store
from alerts.record.store import Acknowledgement, Call

SAFETY, HEALTH = "13800000101", "13800000102"
"""Numbers of the officers of the day."""
FACTS = Answer(facts=True)
"""Three minutes to read, fifteen to report, thirty to close."""


def manned(**parts: Any) -> Routes:
    """The routes of `fakes` with numbers of their own, voice to fall back on, and facts after a red."""
    own = routes(answers={RED: FACTS}, **parts)
    numbers = {"safety_day": SAFETY, "health_day": HEALTH}
    people = {
        name: replace(
            person,
            phone=numbers.get(name, f"1390000{number:04d}"),
            channels=("sms",),
            fallback=("voice", "mail"),
        )
        for number, (name, person) in enumerate(own.people.items())
    }
    return replace(own, people=people)


def with_person(own: Routes, name: str, **parts: Any) -> Routes:
    """The routes with one person otherwise."""
    changed: Person = replace(own.people[name], **parts)
    return replace(own, people={**own.people, name: changed})


@dataclass
class Story:
    """One alert of heat, as the tick, the outbox and the errands treat it."""

    connection: Connection
    """Where it is kept."""
    own: Routes = field(default_factory=manned)
    """Who there is."""

    @property
    def desk(self) -> Desk:
        """What writes the messages, with the memos in words that show what they name."""
        made = desk(self.own)
        memos = ("memo_facts", "memo_closing", "memo_closing_missing")
        plain = {name: {"zh": f"{name} {{{{ about }}}}", "en": name} for name in memos}
        return replace(made, texts=replace(made.texts, templates={**made.texts.templates, **plain}))

    def announce(self, made: Transition | None = None, at: datetime = AT) -> int:
        """Put a change in the place of older ones, route it and write it down."""
        made = made or change(at=at)
        calls.replace_older(self.connection, made, at)
        told = route(made, self.own, at, store.warned(self.connection, made.alert))
        return calls.announce(self.connection, made, told, self.desk, at)

    def rows(self, **wanted: object) -> list[Delivery]:
        """Delivery rows with these values, oldest first."""
        found = deliveries.all_deliveries(self.connection)
        return [row for row in found if all(getattr(row, k) == v for k, v in wanted.items())]

    def settle(self, at: datetime, status: Status = Status.SENT, **wanted: object) -> list[str]:
        """Let due messages end in a status; their keys."""
        mine = [row for row in self.rows(**wanted) if row.status is Status.DUE and row.due_at <= at]
        for row in mine:
            deliveries.claim(self.connection, row.key)
            reference = f"ref-{row.recipient}-{row.channel}"
            done = Outcome(key=row.key, status=status, at=at, detail="", reference=reference)
            deliveries.settle(self.connection, done)
        return [row.key for row in mine]

    def chase(self, at: datetime) -> list[tuple[str, int, str | None]]:
        """Whom the silences that count by a moment lead to."""
        return [(one.subsystem, one.step, one.person) for one in chase.chase(self.connection, self.desk, at)]

    def run(self, at: datetime) -> Sequence[Notice]:
        """Do every errand that is due."""
        return errands.run_due(self.connection, self.desk, at)

    def answer(self, at: datetime, subsystem: str = "safety", **parts: Any) -> Acknowledgement:
        """Somebody of a subsystem has it."""
        word = Acknowledgement(alert="x", subsystem=subsystem, by="Li", via="link", at=at, **parts)
        return store.acknowledge(self.connection, word, self.own.answers)

    def call(self, subsystem: str = "safety") -> Call:
        """The newest call of a subsystem."""
        return [made for made in store.calls(self.connection) if made.subsystem == subsystem][-1]

    def channels(self, person: str) -> list[str]:
        """Channels over which a person was told or is to be told, in their order."""
        return [row.channel for row in self.rows(recipient=person)]


def sms(text: str, phone: str = SAFETY, at: datetime = AT + 2 * MINUTE, **parts: Any) -> Reply:
    """Words that came back."""
    return Reply(phone=phone, text=text, at=at, **parts)
