"""What falls due by itself once a change was told: the next step of a call, a reminder, a digest.

Each errand knows from the database when it is next due and does its work in the transaction it is given, so
that a restart goes on where the last commit stood. An errand that was answered meanwhile finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.answers import calls, chase, closing, pauses, reports
from alerts.duty import coverage, release, release_rows, silences, unsilenced
from alerts.duty.routing import Notice
from alerts.outgoing import desks, digest, folding
from alerts.outgoing.dispatch import Desk
from alerts.record import store


@dataclass(frozen=True, kw_only=True)
class Errand:
    """One thing that falls due by itself."""

    name: str
    """What the log calls it."""
    due: Callable[[Connection], datetime | None]
    """When there is next something to do; None where nothing waits."""
    run: Callable[[Connection, Desk, datetime], Sequence[Notice]]
    """Does all that is due at a moment; the notices are for those who watch."""
    after: Callable[[Desk], timedelta | None] = lambda _desk: timedelta(0)
    """How long after that it is to be done; None does it never."""


ERRANDS: tuple[Errand, ...] = (
    Errand(name="release", due=release_rows.next_due, run=release.run),
    Errand(name="chase", due=chase.next_due, run=chase.chase),
    Errand(name="silences", due=silences.next_end, run=unsilenced.end_silences),
    Errand(name="rest", due=store.next_call, run=pauses.rest),
    Errand(name="escalate", due=store.next_call, run=calls.escalate),
    Errand(name="fold", due=digest.next_fold, run=folding.fold_due),
    Errand(
        name="world",
        due=folding.first_backlog,
        run=folding.tell_the_world,
        after=folding.patience,
    ),
    Errand(name="coverage", due=coverage.next_look, run=coverage.look),
    Errand(name="facts", due=reports.next_due, run=reports.remind),
    Errand(name="closing", due=closing.next_due, run=closing.chase),
)
"""In the order in which they run at the same moment."""


def moments(connection: Connection, desk: Desk) -> dict[str, datetime]:
    """Errand -> when it is due; those for which nothing waits are left out."""
    found = {errand.name: _due(errand, connection, desk) for errand in ERRANDS}
    return {name: moment for name, moment in found.items() if moment is not None}


def next_due(connection: Connection, desk: Desk) -> datetime | None:
    """When the first of them is due."""
    return min(moments(connection, desk).values(), default=None)


def _due(errand: Errand, connection: Connection, desk: Desk) -> datetime | None:
    moment, after = errand.due(connection), errand.after(desk)
    return None if moment is None or after is None else moment + after


def run_due(
    connection: Connection, desk: Desk, now: datetime, known: Mapping[str, datetime] | None = None
) -> list[Notice]:
    """Do everything that is due at `now`, with those who stand in at that moment.

    `known` are the `moments` as they were just asked; without them each errand is asked when its turn comes,
    and finds also what those before it made due.
    """
    notices: list[Notice] = []
    present = desks.current(connection, desk, now)
    for errand in ERRANDS:
        asked = _due(errand, connection, desk) if known is None else known.get(errand.name)
        if asked is not None and asked <= now:
            notices += errand.run(connection, present, now)
    return notices
