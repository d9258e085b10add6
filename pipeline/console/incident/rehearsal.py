"""What would be sent to whom: the very announcement, made in a transaction that is rolled back.

The weather is judged before that transaction begins, so that the database is held for the writing alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.duty import release
from alerts.duty.release_rows import Asked, Vote
from alerts.event.incidents import in_order
from alerts.event.orders import Order
from alerts.event.transition import Transition
from alerts.outgoing import desks
from alerts.outgoing.delivery import Delivery
from alerts.outgoing.dispatch import Desk
from alerts.record import store, timeline
from ingest.database import reading
from pipeline.ports import Ports
from pipeline.tick import assess, judge

_LINK = re.compile(r"(/(?:ack|approve)/)[A-Za-z0-9_.~=-]+")


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Somebody who would be told."""

    person: str
    """Id of the person."""
    subsystem: str
    """Id of the subsystem; empty for what goes to a person alone."""
    channels: tuple[str, ...]
    """Over which channels."""
    not_before: datetime | None
    """When it goes out, where it waits: for the morning, or for a digest."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One text, and everybody who would get exactly it."""

    text: str
    """The words; a personal link is not shown."""
    recipients: tuple[Recipient, ...]
    """Who."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What would follow."""

    changes: tuple[Transition, ...]
    """Changes of the alert; none where nothing would be told of it."""
    sheets: tuple[Sheet, ...]
    """What would be sent, the text of most people first."""
    silent: tuple[tuple[str, str], ...]
    """Subsystem -> why nobody of it would be told."""
    withdrawn: int
    """Messages still waiting that would not go out any more."""
    asked: Asked | None = None
    """How a release would stand."""

    @property
    def people(self) -> int:
        """How many different people would be told."""
        return len({one.person for sheet in self.sheets for one in sheet.recipients})


def rehearse_order(ports: Ports, order: Order, alert: str, now: datetime) -> Rehearsal:
    """What the next tick would make of an order if it came now."""
    with reading(ports.engine) as connection:
        states = store.states(connection, ports.config.district.place_ids)
        findings = assess(connection, [now], ports)
    steps = judge(states, findings, now, ports, given={order.hazard: order})
    changes = [one for one in in_order(steps.values()) if one.hazard == order.hazard]

    def tell(connection: Connection, desk: Desk) -> None:
        for change in changes:
            release.announce(connection, change, desk, now)

    return _rehearse(ports, alert, now, tell, changes)


def rehearse_vote(ports: Ports, vote: Vote, alert: str) -> Rehearsal:
    """What the word of an approver would lead to; UnknownName where they may not say it."""
    outcome: list[Asked] = []

    def tell(connection: Connection, desk: Desk) -> None:
        outcome.append(release.decide(connection, vote, desk, vote.at))

    with reading(ports.engine) as connection:
        row = release.open_release(connection, vote.transition)
        change = store.transition(connection, row.transition)
    made = _rehearse(ports, alert, vote.at, tell, [] if change is None else [change])
    return Rehearsal(**(vars(made) | {"asked": outcome[0]}))


def _rehearse(
    ports: Ports,
    alert: str,
    now: datetime,
    tell: Callable[[Connection, Desk], None],
    changes: Sequence[Transition],
) -> Rehearsal:
    with _undone(ports) as connection:
        before = timeline.planned(connection, alert, now)
        waiting = timeline.waiting(connection, alert)
        names = [change.id for change in changes]
        decided = len(timeline.decisions(connection, names))
        tell(connection, desks.current(connection, ports.desk, now))
        after = timeline.planned(connection, alert, now)
        fresh = [row for key, row in after.items() if key not in before]
        still = timeline.waiting(connection, alert) - sum(row.status == "due" for row in fresh)
        notices = timeline.decisions(connection, names)[decided:]
    told = {notice.subsystem for notice in notices if notice.person is not None}
    silent = {one.subsystem: one.why for one in notices if one.person is None and one.subsystem not in told}
    return Rehearsal(
        changes=tuple(changes),
        sheets=sheets(fresh),
        silent=tuple(silent.items()),
        withdrawn=waiting - still,
    )


@contextmanager
def _undone(ports: Ports) -> Iterator[Connection]:
    """A transaction of which nothing stays."""
    with ports.engine.connect() as connection, connection.begin() as trial:
        try:
            yield connection
        finally:
            trial.rollback()


def sheets(rows: Sequence[Delivery]) -> tuple[Sheet, ...]:
    """Messages by their words, and who gets each."""
    found: dict[str, dict[tuple[str, str], list[Delivery]]] = {}
    for row in rows:
        to = found.setdefault(without_links(row.text), {})
        to.setdefault((row.recipient, row.subsystem), []).append(row)
    made = [Sheet(text=text, recipients=_recipients(to)) for text, to in found.items()]
    return tuple(sorted(made, key=lambda one: -len(one.recipients)))


def _recipients(
    to: Mapping[tuple[str, str], Sequence[Delivery]],
) -> tuple[Recipient, ...]:
    return tuple(
        Recipient(
            person=person,
            subsystem=subsystem,
            channels=tuple(dict.fromkeys(row.channel for row in rows)),
            not_before=min((at for at in map(_waits_until, rows) if at is not None), default=None),
        )
        for (person, subsystem), rows in sorted(to.items())
    )


def _waits_until(row: Delivery) -> datetime | None:
    later = row.fold_at or row.due_at
    return later if later > row.planned_at else None


def without_links(text: str) -> str:
    """Words without the personal part of a link: whoever has that could answer in another's name."""
    return _LINK.sub(r"\1…", text)
