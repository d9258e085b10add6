"""The daemon: the only reader of the clock, and what runs when.

The same jobs serve a real and a simulated clock.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from alerts.record import ledger
from ingest.database import reading
from ingest.errors import FengsuiError
from pipeline.beginning import begin
from pipeline.lock import sole_instance
from pipeline.ports import Ports
from pipeline.work import Event, Job, jobs

log = logging.getLogger(__name__)

Watcher = Callable[[Job, datetime, Event], None]
"""Is told of every job run, for progress bars and the like."""

_THREADS = 16
_GLANCE_S = 0.2
# What decides and sends is tried again within seconds; a pull costs the source something each time.
_LONGEST_REST_S = 8.0
_LONGEST_PULL_REST_S = 300.0


def wall_clock() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class SteadyClock:
    """A clock that never goes back: where the machine's does, it goes on by the monotonic one and says so.

    Lifecycle, retries and ladders count on time moving forward; a machine whose clock is set back an hour
    must not be blind for an hour.
    """

    def __init__(self, wall: Callable[[], datetime] = wall_clock) -> None:
        self._wall = wall
        self._last = wall()
        self._mark = time.monotonic()
        self._seen = (self._last, self._mark)
        self._behind = False
        self._guard = threading.Lock()

    def not_before(self, moment: datetime) -> None:
        """Begin no earlier than `moment`, the newest one in the database."""
        with self._guard:
            if moment > self._last:
                self._last, self._mark = moment, time.monotonic()

    def drift(self) -> timedelta:
        """How far the machine's clock moved since the last call, beyond the time that passed."""
        with self._guard:
            wall, tick = self._wall(), time.monotonic()
            moved = wall - self._seen[0] - timedelta(seconds=tick - self._seen[1])
            self._seen = (wall, tick)
            return moved

    def now(self) -> datetime:
        """The present moment, later than or equal to the one before."""
        with self._guard:
            wall, tick = self._wall(), time.monotonic()
            steady = self._last + timedelta(seconds=tick - self._mark)
            behind = wall < self._last
            if behind and not self._behind:
                log.error(
                    "the machine's clock went back to %s; going on from %s until it has caught up, check"
                    " the time service",
                    wall.isoformat(),
                    self._last.isoformat(),
                    extra={"action": "clock_went_back"},
                )
            self._behind = behind
            self._last, self._mark = (steady if behind else wall), tick
            return self._last


class SimulatedClock:
    """A clock that stands where it was set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The present moment of the simulation."""
        return self.at


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """Runs the jobs of an instance, one at a time, on a real or a simulated clock."""

    ports: Ports
    """The doors of the house."""
    watch: Watcher = lambda job, now, event: None
    """Told of every job run."""
    others: tuple[Job, ...] = ()
    """Further jobs, run after the daemon's own at the same moment."""

    def run(self, stop: threading.Event, clock: SteadyClock) -> None:
        """Work on the real clock until `stop` is set, then finish what is under way."""
        with self._open():
            self._resume(clock)
            work = [*jobs(self.ports, clock.now, clock.drift), *self.others]
            shift = _Shift(work=work, clock=clock, watch=self.watch)
            shift.begin()
            log.info("the daemon works", extra={"action": "started", "jobs": len(work)})
            shift.attend(stop)
            log.info("told to stop; what is under way is finished", extra={"action": "stopping"})
            self.ports.outbox.wind_up()
            shift.end()
            log.info("the daemon stops", extra={"action": "stopped"})

    def simulate(self, clock: SimulatedClock, end: datetime) -> None:
        """Work on a simulated clock from where it stands to `end`, as fast as the machine can.

        Each moment's sends are waited for, so that the outcome does not depend on the machine's speed.
        """
        with self._open():
            work = [*jobs(self.ports), *self.others]
            dues: dict[str, datetime | None] = {}
            while True:
                for job in work:
                    if job.name not in dues:
                        dues[job.name] = job.due(clock.at)
                moment = min((due for due in dues.values() if due is not None), default=None)
                if moment is None or moment > end:
                    return
                clock.at = max(clock.at, moment)
                self._simulate_moment(work, dues, clock)

    def _simulate_moment(
        self, work: list[Job], dues: dict[str, datetime | None], clock: SimulatedClock
    ) -> None:
        """Run what is due, in order; what ran may have made another job due, so that all are asked again."""
        for job in work:
            if job.name not in dues:
                dues[job.name] = job.due(clock.at)
            due = dues[job.name]
            if due is not None and due <= clock.at:
                self._simulate_job(job, clock)
                dues.clear()

    def _simulate_job(self, job: Job, clock: SimulatedClock) -> None:
        if job.name == "deliver":
            self.ports.outbox.drain(clock.at)
            self.watch(job, clock.at, None)
        else:
            # A mistake ends a simulation: going on would only meet it again at the same moment.
            self.watch(job, clock.at, job.run(clock.at))

    @contextmanager
    def _open(self) -> Iterator[None]:
        with sole_instance(self.ports.folder):
            again = self.ports.outbox.recover()
            if again:
                log.warning(
                    "%d messages were being sent when the last run ended; they are sent again under the"
                    " same keys",
                    again,
                    extra={"action": "recovered"},
                )
            yield

    def _resume(self, clock: SteadyClock) -> None:
        with reading(self.ports.engine) as connection:
            newest = ledger.newest_moment(connection)
        if newest is not None:
            clock.not_before(newest)
        try:
            begin(self.ports, clock.now(), newest)
        except FengsuiError as error:
            # A disk that is full must not keep what can still be sent from being sent.
            log.error("not everything could be begun: %s", error, extra={"action": "begin_failed"})


def _scheduler() -> BackgroundScheduler:
    """APScheduler as a clock tick: it decides when to look, the database decides what is due."""
    return BackgroundScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
    )


@dataclass(frozen=True, kw_only=True)
class _Shift:
    """The jobs at work on the real clock."""

    work: list[Job]
    """Jobs in their order."""
    clock: SteadyClock
    """The clock."""
    watch: Watcher
    """Told of every job run."""
    scheduler: BackgroundScheduler = field(default_factory=_scheduler)
    """Looks regularly whether a job is due."""
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS))
    """In which it looks."""
    turn: threading.Lock = field(default_factory=threading.Lock)
    """Held by whoever judges or decides: one at a time."""
    rests: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    """Job -> failures in a row, and until when it is left alone for them."""

    def begin(self) -> None:
        """Look at every job now, and from then on at its own pace."""
        self.scheduler.add_executor(self.threads)
        for job in self.work:
            trigger = IntervalTrigger(seconds=job.every.total_seconds())
            self.scheduler.add_job(self.look, trigger, [job], id=job.name, next_run_time=wall_clock())
        self.scheduler.start()

    def attend(self, stop: threading.Event) -> None:
        """Wait for `stop`, and wake the scheduler where the machine's clock goes back.

        It waits by that clock: set back an hour, it would sleep for an hour.
        """
        latest = wall_clock()
        while not stop.is_set():
            # Not stop.wait: the signal handler that sets it runs in this thread, and would wait for the lock
            # that a wait holds.
            time.sleep(_GLANCE_S)
            wall = wall_clock()
            if wall < latest:
                for planned in self.scheduler.get_jobs():
                    planned.modify(next_run_time=wall)
            latest = wall

    def end(self) -> None:
        """Begin nothing new and wait for what is under way."""
        # While it waits itself, the scheduler holds locks that a look may be waiting for.
        self.scheduler.shutdown(wait=False)
        self.threads.shutdown(wait=True)

    def look(self, job: Job) -> None:
        """Run a job if it is due, and at once the jobs that its result makes due."""
        if job.beside:
            ran = self._run(job)
        else:
            with self.turn:
                ran = self._run(job)
        if ran and job.makes_due:
            self._follow()

    def _follow(self) -> None:
        with self.turn:
            for job in self.work:
                if not job.beside:
                    self._run(job)
        for job in self.work:
            if job.beside and not job.makes_due:
                # A scheduler that is being shut down has no jobs any more.
                with suppress(JobLookupError):
                    self.scheduler.modify_job(job.name, next_run_time=wall_clock())

    def _run(self, job: Job) -> bool:
        """Run a job if it is due, and tell whether it ran to its end.

        A mistake in one is logged and costs neither the others nor the daemon. It is tried again after a
        pause that grows, so that a full disk neither floods the log nor spends the budget of a source.
        """
        now = self.clock.now()
        failures, until = self.rests.get(job.name, (0, now))
        if now < until:
            return False
        try:
            due = job.due(now)
            if due is None or due > now:
                return False
            event = job.run(now)
        except FengsuiError as error:
            log.error("%s: %s", job.name, error, extra={"action": "job_failed", "job": job.name})
        except Exception:
            log.exception("%s failed", job.name, extra={"action": "job_failed", "job": job.name})
        else:
            self.rests.pop(job.name, None)
            self.watch(job, now, event)
            return True
        longest = _LONGEST_PULL_REST_S if job.name.startswith("pull ") else _LONGEST_REST_S
        pause = timedelta(seconds=min(2.0**failures, longest))
        self.rests[job.name] = (failures + 1, now + pause)
        return False
