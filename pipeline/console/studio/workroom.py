"""One study at a time, each in a process of its own: who waits, how far it is, and what was found."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Literal

from ingest.errors import FengsuiError
from pipeline.console.studio.studying import Order, Studied, work

WAITING = 4
"""More than so many that wait are refused."""
KEPT = 8
"""Ended studies that are kept; the oldest goes first."""
KEPT_BYTES = 256 * 1024 * 1024
"""Memory that what was found may take together [B]; at least the newest is kept."""
_POLL_S = 0.2
_END_S = 10.0

State = Literal["waiting", "running", "done", "failed", "cancelled"]
Work = Callable[[Order, Connection], None]
"""What the process does."""


class Full(FengsuiError):
    """排队的回放太多，请等一等或取消一个 / too many replays are waiting; wait, or cancel one."""


class Job:
    """One order on its way."""

    def __init__(self, order: Order, by: str, then: Callable[[Any], None] | None = None) -> None:
        """Waiting; `then` gets what was found, and where it is None it is kept as `studied`."""
        self.id = secrets.token_hex(5)
        self.order = order
        self.by = by
        self.then = then
        self.state: State = "waiting"
        self.done, self.total = 0, 0
        self.why = ""
        self.studied: Studied | None = None
        self.ready: Callable[[], None] | None = None
        self.begun_at = self.ended_at = self.first_at = 0.0
        self.first = 0
        self.stop = threading.Event()

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def spent_s(self) -> float:
        """How long it has been carried out [s]."""
        if not self.begun_at:
            return 0.0
        return (self.ended_at or time.monotonic()) - self.begun_at

    @property
    def per_second(self) -> float | None:
        """Steps a second since the first of them; None until it is known."""
        spent = (self.ended_at or time.monotonic()) - self.first_at
        return (self.done - self.first) / spent if self.done > self.first and spent > 0 else None

    def reached(self, done: int, total: int) -> None:
        """Note how far it is; getting ready takes as long as it takes and counts for no rate."""
        if not self.first_at:
            self.first_at, self.first = time.monotonic(), done
        self.done, self.total = done, total

    @property
    def left_s(self) -> float | None:
        """Time it will still take, at this rate [s]; None until it is known."""
        rate = self.per_second
        return None if rate is None or self.over else (self.total - self.done) / rate

    def end(self, state: State, why: str = "") -> None:
        """Say how it ended."""
        self.why = why
        self.ended_at = time.monotonic()
        self.state = state


class Workroom:
    """Carries jobs out one after the other; a thread is there only while there is something to do."""

    def __init__(self, work: Work = work) -> None:
        """Nothing to do yet; `work` is what a process does with an order."""
        self._work = work
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._thread: threading.Thread | None = None

    def ask(self, job: Job) -> Job:
        """Put a job in the queue; the one that is there already where it asks for the same past.

        Raises Full where too many wait.
        """
        with self._lock:
            same = [one for one in self._jobs.values() if not one.over and _alike(one, job)]
            if same:
                return same[0]
            if sum(one.state == "waiting" for one in self._jobs.values()) >= WAITING:
                raise Full(Full.__doc__)
            self._jobs[job.id] = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="studio", daemon=True)
                self._thread.start()
        return job

    def cancel(self, job: Job) -> None:
        """Stop a job, whether it waits or runs; one that is over stays as it is."""
        with self._lock:
            job.stop.set()
            if job.state == "waiting":
                job.end("cancelled")

    def find(self, name: str) -> Job | None:
        """A job by its id; None where there is none, or it was too long ago."""
        return self._jobs.get(name)

    def jobs(self) -> list[Job]:
        """All jobs, the newest first."""
        return list(reversed(list(self._jobs.values())))

    def _run(self) -> None:
        try:
            while (job := self._next()) is not None:
                self._carry_out(job)
                self._tidy()
        finally:
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _next(self) -> Job | None:
        with self._lock:
            job = next((one for one in self._jobs.values() if one.state == "waiting"), None)
            if job is None:
                # Here and not later: whoever asks next must start a new thread.
                self._thread = None
                return None
            job.begun_at = time.monotonic()
            job.state = "running"
            return job

    def _carry_out(self, job: Job) -> None:
        # Spawned, not forked: the console has threads, and a fork would inherit their locks.
        context = get_context("spawn")
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(
            target=self._work, args=(job.order, theirs), name="studio", daemon=True
        )
        try:
            process.start()
            theirs.close()
            while not job.over:
                _listen(job, mine)
        finally:
            if not job.over:
                job.end("failed", "回放没有做完，详见日志 / the replay broke off; see the log")
            if process.pid is not None:
                _end(process, at_once=job.state != "done")
            mine.close()

    def _tidy(self) -> None:
        """Let the oldest go where there are too many, or they take too much memory."""
        with self._lock:
            ended = [job for job in reversed(self._jobs.values()) if job.over]
            for sort in (True, False):
                room = KEPT_BYTES
                for place, job in enumerate(one for one in ended if bool(one.order.blocks) is sort):
                    room -= job.studied.kept_bytes if job.studied else 0
                    if place and (place >= KEPT or room < 0):
                        del self._jobs[job.id]


def _end(process: BaseProcess, *, at_once: bool) -> None:
    if at_once:
        process.terminate()
    process.join(_END_S)
    if process.is_alive():
        process.kill()
        process.join()
    process.close()


def _alike(one: Job, other: Job) -> bool:
    return (one.order.asked, one.order.blocks) == (other.order.asked, other.order.blocks)


def _listen(job: Job, pipe: Connection) -> None:
    """Take in what the process says next, or notice that somebody cancelled or it died."""
    if job.stop.is_set():
        job.end("cancelled")
        return
    if not pipe.poll(_POLL_S):
        return
    try:
        kind, *said = pipe.recv()
    except EOFError:
        job.end(
            "failed",
            "回放进程中途没了，可能是内存不足，详见日志"
            " / the process is gone, perhaps for want of memory; see the log",
        )
        return
    if kind == "at":
        job.reached(*said)
    elif kind == "failed":
        job.end("failed", said[0])
    else:
        _take(job, said[0])


def _take(job: Job, found: Any) -> None:
    if job.then is None:
        job.studied = found
    else:
        job.then(found)
    if job.ready is not None:
        job.ready()
    job.done = job.total
    job.end("done")
