"""The jobs of the daemon: what each does, and when each is next due.

Every answer comes from the database, so that a restart after a crash goes on where the last commit stood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerts.answers import errands, pauses
from alerts.duty.routing import Notice
from alerts.event import orders
from alerts.outgoing import desks
from alerts.record import ledger
from alerts.record.ledger import Run
from ingest.database import reading, writing
from pipeline import derive, hearing
from pipeline.guard import JOB, Drift, Guard
from pipeline.guard import due as guard_due
from pipeline.learn import home, shadowing
from pipeline.learn.foretell import JOB as FORETELL
from pipeline.learn.foretell import Foreteller
from pipeline.learn.shelf import Shelf
from pipeline.ports import Ports
from pipeline.pull import job_name, pull
from pipeline.tick import tick

Event = object
"""What a job tells those who watch: Pulled, TickReport, a list of Notice or of Answer, or nothing."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job of the daemon."""

    name: str
    """Name in the ledger and the log."""
    run: Callable[[datetime], Event]
    """Does the work at a moment."""
    due: Callable[[datetime], datetime | None]
    """When the work is next due, asked at a moment; None where nothing waits."""
    every: timedelta
    """How often a real clock looks whether it is due."""
    beside: bool = False
    """True where it may run beside the others: it waits for the network and decides nothing."""
    makes_due: bool = True
    """True where its result can make other jobs due."""


_LOOK = timedelta(seconds=1)
_GAP = timedelta(minutes=1)


def jobs(
    ports: Ports, clock: Callable[[], datetime] | None = None, drift: Drift | None = None
) -> list[Job]:
    """All jobs, in the order in which they run at the same moment: data first, messages last.

    `clock` gives the present while a pull is under way; without one, a pull takes no time. `drift` is that of
    the machine's clock; without one the clock is simulated, and no guard watches over a machine.
    """
    pulls = [
        _pull_job(name, ports, clock)
        for name, block in ports.config.sources.items()
        if block.feed.enabled
    ]
    return [
        *pulls,
        Job(
            name="derive",
            run=lambda now: run_derive(now, ports),
            due=lambda now: derive_due(now, ports),
            every=timedelta(seconds=30),
        ),
        Job(
            name="tick",
            run=lambda now: tick(now, ports),
            due=lambda now: tick_due(now, ports),
            every=_LOOK,
        ),
        *([_shadow_job(ports)] if shadowing.watched(ports.config) else []),
        _errand_job(ports, real=drift is not None),
        Job(
            name=hearing.JOB,
            run=lambda now: hearing.ask(now, ports),
            due=lambda now: hearing.due(now, ports),
            every=timedelta(seconds=10),
            beside=True,
        ),
        Job(
            name="deliver",
            run=ports.outbox.work,
            due=lambda _now: ports.outbox.next_due(),
            every=_LOOK,
            beside=True,
            makes_due=False,
        ),
        *([] if drift is None else [*_learning(ports), _guard_job(Guard(ports=ports, drift=drift))]),
    ]


def _learning(ports: Ports) -> list[Job]:
    """On a real clock only: a simulated one plays what was archived, the chances of its day with it."""
    asking = Foreteller(ports=ports, shelf=Shelf(data=ports.folder))
    lessons = home.Lessons(ports=ports)
    return [
        Job(name=FORETELL, run=asking.run, due=asking.due, every=timedelta(seconds=10), beside=True),
        Job(
            name=home.JOB, run=lessons.run, due=lessons.due, every=timedelta(minutes=1), beside=True,
            makes_due=False,
        ),
    ]  # fmt: skip


def _shadow_job(ports: Ports) -> Job:
    return Job(
        name=shadowing.JOB,
        run=lambda now: shadowing.run(now, ports),
        due=lambda now: shadowing.due(now, ports),
        every=timedelta(seconds=5),
        beside=True,
        makes_due=False,
    )


def _errand_job(ports: Ports, *, real: bool) -> Job:
    looking = _Errands(ports, real=real)
    return Job(name="escalate", run=looking.run, due=looking.due, every=_LOOK)


def _guard_job(guard: Guard) -> Job:
    return Job(
        name=JOB,
        run=guard.look,
        due=lambda now: guard_due(now, guard.ports),
        every=_LOOK,
        beside=True,
        makes_due=False,
    )


def _pull_job(name: str, ports: Ports, clock: Callable[[], datetime] | None) -> Job:
    feed = ports.config.sources[name].feed

    def due(now: datetime) -> datetime:
        with reading(ports.engine) as connection:
            last = ledger.last_run(connection, job_name(name))
        if last is None:
            return now
        return max(last.at + feed.every, last.not_before or last.at)

    return Job(
        name=job_name(name),
        run=lambda now: pull(name, now, ports, clock),
        due=due,
        every=_LOOK,
        beside=True,
    )


def tick_due(now: datetime, ports: Ports) -> datetime:
    """At once where something became known or was ordered since the last tick, else a heartbeat after it."""
    with reading(ports.engine) as connection:
        last = ledger.last_tick(connection)
        newest = ports.archive.newest(connection)
        ordered = orders.waiting(connection)
    if ordered:
        return now
    if last is None:
        return now if newest is None else max(newest, now)
    if newest is not None and newest > last.at:
        return newest
    return last.at + ports.config.service.heartbeat


def derive_due(now: datetime, ports: Ports) -> datetime:
    """At each end of a day, and at once where a report came late."""
    with reading(ports.engine) as connection:
        run = ledger.last_run(connection, "derive")
        last = None if run is None else run.at
        since = last or datetime.fromtimestamp(0, UTC)
        earliest = ports.archive.earliest(connection, since, now, derive.observing(ports))
    return derive.due(now, last, earliest)


def run_derive(now: datetime, ports: Ports) -> None:
    """The job of derived quantities, in one commit with its entry in the ledger."""
    with writing(ports.engine) as connection:
        last = ledger.last_run(connection, "derive")
        count = derive.derive(connection, now, ports, None if last is None else last.at)
        detail = f"{count} batches" if count else "nothing new"
        ledger.record_run(connection, Run(job="derive", at=now, outcome="ok", detail=detail))


def escalate(
    now: datetime,
    ports: Ports,
    gap: timedelta = timedelta(0),
    known: Mapping[str, datetime] | None = None,
) -> list[Notice]:
    """Do what fell due by itself: call whoever is next, remind, fold into digests.

    After a `gap` in which nobody looked, a call goes on with one step and not with all that fell due. `known`
    is what is due, where that was just asked.
    """
    with writing(ports.engine) as connection:
        if gap > _GAP:
            pauses.resume(connection, desks.current(connection, ports.desk, now), now, gap)
        return errands.run_due(connection, ports.desk, now, known)


class _Errands:
    """The errands of a daemon; what its look found due is not asked again when it is done.

    On a `real` clock they look every second; a longer gap is a pause or a clock that jumped.
    """

    def __init__(self, ports: Ports, *, real: bool) -> None:
        self._ports = ports
        self._real = real
        self._last: datetime | None = None
        self._known: dict[str, datetime] | None = None

    def due(self, now: datetime) -> datetime | None:
        """When there is something to do; at once after a gap."""
        if self._gap(now) > _GAP:
            self._known = None
            return now
        self._last = now
        with reading(self._ports.engine) as connection:
            self._known = errands.moments(connection, self._ports.desk)
        return min(self._known.values(), default=None)

    def run(self, now: datetime) -> list[Notice]:
        """Do what is due."""
        gap, self._last = self._gap(now), now
        known, self._known = self._known, None
        return escalate(now, self._ports, gap, known)

    def _gap(self, now: datetime) -> timedelta:
        return now - self._last if self._real and self._last is not None else timedelta(0)
