"""Five clocks for each person and subsystem: sent, delivered, read, acknowledged, acted.

They come from different machines. Where a gateway's clock puts one before the step that must have come first,
it is set to that step's time, and where a later step proves an earlier one that nobody told us of (whoever
acknowledged has read), the earlier one takes the later one's time. Both are named in `adjusted`; the times as
they were told stay in the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from alerts.answers import reports
from alerts.duty.people import Person
from alerts.outgoing.delivery import Purpose
from alerts.record import store, timeline
from alerts.record.timeline import Road

CLOCKS = ("sent", "delivered", "read", "acknowledged", "acted")
"""The five, in the order in which they happen."""
_TOLD = frozenset({Purpose.ALERT, Purpose.DIGEST})


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """How far a message came with one person of one subsystem; the earliest moment of each step."""

    subsystem: str
    """Id of the subsystem."""
    person: str
    """Id of the person."""
    sent: datetime | None = None
    """When a channel took it; None where none did."""
    delivered: datetime | None = None
    """When it reached a device."""
    read: datetime | None = None
    """When it was seen."""
    acknowledged: datetime | None = None
    """When this person acknowledged for the subsystem."""
    acted: datetime | None = None
    """When this person reported the facts."""
    channels: tuple[str, ...] = ()
    """Channels used, in the order in which they were."""
    answered_by: str | None = None
    """Who acknowledged first for the subsystem, whoever it was."""
    adjusted: tuple[str, ...] = field(default=())
    """Clocks that show another time than was told, or one that nobody told."""

    @property
    def knows(self) -> bool:
        """Whether the person is known to know."""
        return self.read is not None

    @property
    def reached(self) -> int:
        """How many of the five steps were made."""
        return sum(getattr(self, name) is not None for name in CLOCKS)


def clocks(connection: Connection, alert: str, people: Mapping[str, Person]) -> list[Clocks]:
    """The clocks of everybody who was to be told of an alert; who does not know yet comes first."""
    rows: dict[tuple[str, str], list[Road]] = {}
    for row in timeline.roads(connection, alert, _TOLD):
        rows.setdefault((row.subsystem, row.recipient), []).append(row)
    words = store.acknowledgements(connection, alert)
    told = reports.reports(connection, alert)
    found = []
    for (subsystem, person), mine in rows.items():
        names = {person, people[person].name if person in people else person}
        answers = [word for word in words if word.subsystem == subsystem]
        acted = [one.at for one in told if one.subsystem == subsystem and one.by in names]
        seen = _of_rows(mine) | {
            "acknowledged": _earliest(word.at for word in answers if word.by in names),
            "acted": _earliest(acted),
        }
        first = min(answers, key=lambda word: word.at, default=None)
        known, adjusted = in_order(seen)
        found.append(
            Clocks(
                subsystem=subsystem,
                person=person,
                **known,
                channels=tuple(row.channel for row in mine if row.tried),
                answered_by=None if first is None else first.by,
                adjusted=adjusted,
            )
        )
    return sorted(found, key=lambda one: (one.knows, one.reached, one.subsystem, one.person))


def _of_rows(rows: Iterable[Road]) -> dict[str, datetime | None]:
    mine = list(rows)
    return {
        "sent": _earliest(row.sent_at for row in mine),
        "delivered": _earliest(row.delivered_at for row in mine),
        "read": _earliest(row.read_at for row in mine),
    }


def _earliest(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def in_order(
    seen: Mapping[str, datetime | None],
) -> tuple[dict[str, datetime | None], tuple[str, ...]]:
    """The five clocks so that none is before the one it follows, and those that were moved or inferred."""
    known = {name: seen.get(name) for name in CLOCKS}
    later: datetime | None = None
    for name in reversed(CLOCKS):
        # That it was sent is our own word; that it was acted upon proves every step but sending.
        if known[name] is None and name != "sent":
            known[name] = later
        later = known[name]
    floor: datetime | None = None
    for name in CLOCKS:
        moment = known[name]
        if moment is not None and floor is not None:
            known[name] = max(moment, floor)
        floor = known[name] or floor
    return known, tuple(name for name in CLOCKS if known[name] != seen.get(name))
