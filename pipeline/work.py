"""The jobs of the daemon: what each does, and when each is next due.

Every answer comes from the database, so that a restart after a crash goes on where the last commit stood.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerts import calls, ledger, store
from alerts.ledger import Run
from alerts.routing import Notice
from ingest.database import reading, writing
from pipeline import derive
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


def jobs(ports: Ports, clock: Callable[[], datetime] | None = None) -> list[Job]:
    """All jobs, in the order in which they run at the same moment: data first, messages last.

    `clock` gives the present while a pull is under way; without one, a pull takes no time.
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
        Job(
            name="escalate",
            run=lambda now: escalate(now, ports),
            due=lambda _now: _next_call(ports),
            every=_LOOK,
        ),
        Job(
            name="deliver",
            run=ports.outbox.work,
            due=lambda _now: ports.outbox.next_due(),
            every=_LOOK,
            beside=True,
            makes_due=False,
        ),
    ]


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
    """At once where something became known since the last tick, else a heartbeat after it."""
    with reading(ports.engine) as connection:
        last = ledger.last_tick(connection)
        newest = ports.archive.newest(connection)
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


def escalate(now: datetime, ports: Ports) -> list[Notice]:
    """Call whoever is next where nobody has acknowledged in time."""
    with writing(ports.engine) as connection:
        return calls.escalate(connection, ports.desk, now)


def _next_call(ports: Ports) -> datetime | None:
    with reading(ports.engine) as connection:
        return store.next_call(connection)
