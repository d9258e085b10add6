"""Whole instances for tests: on a simulated clock in this process, or as a process on the real one."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from fakes import RecordingChannel, empty

from alerts.event.transition import Transition
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Channel, Delivery
from alerts.record import ledger, store, tables
from ingest import archive
from ingest.batch import Batch
from ingest.database import reading
from ingest.http import HttpClient
from ingest.recordings import load_event
from ingest.source import Feed, Request
from ingest.sources.recorded import Recorded
from ingest.times import parse_instant
from pipeline.config import ChannelBlock, Config, SourceBlock, default_folder, load, with_only
from pipeline.daemon import Daemon, SimulatedClock, SteadyClock
from pipeline.ports import Ports
from pipeline.pull import pull
from pipeline.settings import Settings
from pipeline.tick import tick
from pipeline.wiring import build
from pipeline.work import Job

ROOT = Path(__file__).resolve().parents[1]
EVENT = "heatwave-2022-08"
LATENCY = timedelta(minutes=5)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
COMMAND = [sys.executable, "-c", "from pipeline.cli import main; main(prog_name='fengsui')"]
"""The console script, by the interpreter that runs the tests."""


def day(text: str) -> datetime:
    """A moment of the event in Beijing time, such as ``08-07 16:05``."""
    return parse_instant(f"2022-{text.replace(' ', 'T')}:00+08:00")


@cache
def district() -> Config:
    """The configuration that comes with the program."""
    return load(default_folder())


@cache
def recorded(
    first: datetime, last: datetime, forecasts: Literal["none", "perfect"] = "perfect"
) -> tuple[Batch, ...]:
    """What the event tells between two moments, oldest first."""
    event = load_event(EVENT)
    source = Recorded(event=EVENT, forecasts=forecasts)
    with HttpClient() as http:
        request = Request(now=event.end, since=None, district=district().district, http=http)
        told = source.fetch("told", request)
    return tuple(batch for batch in told if first <= batch.available_at <= last)


@dataclass(frozen=True, kw_only=True)
class Told:
    """A source that tells given batches as they become available."""

    batches: Sequence[Batch]
    """Every batch there will ever be."""

    def fetch(self, name: str, request: Request) -> list[Batch]:
        """Those that became available since."""
        since = request.since
        known = [batch for batch in self.batches if batch.available_at <= request.now]
        return [batch for batch in known if since is None or batch.available_at > since]


def telling(batches: Sequence[Batch], **changes: Any) -> Config:
    """Heat in the district, one source that tells these batches, and channels that keep what they take.

    `channel` takes everything; further changes are fields of the source's feed.
    """
    channel: Channel = changes.pop("channel", None) or RecordingChannel()
    feed = Feed(kind="told", every=HOUR, latency=LATENCY, **changes)
    source = SourceBlock(name="told", feed=feed, source=Told(batches=batches))
    block = ChannelBlock(name="outbox", enabled=True, channel=channel)
    heat = with_only(district(), ("heat",))
    return replace(heat, sources={"told": source}, channels={"outbox": block})


def place(folder: Path, config: Path | None = None) -> Settings:
    """Settings of an instance in a folder."""
    database = f"sqlite:///{folder / 'fengsui.db'}"
    return Settings(config=config or default_folder(), data=folder, database=database)


@contextmanager
def instance(folder: Path, config: Config, database: str | None = None) -> Iterator[Ports]:
    """The ports of an instance in a folder, closed at the end; on SQLite unless another is named."""
    own = place(folder)
    file = folder / "fengsui.db"
    if database is None and folder.is_dir() and not file.exists():
        file.write_bytes(empty(archive.metadata, tables.metadata))
    ports = build(config, replace(own, database=database or own.database))
    try:
        yield ports
    finally:
        ports.close()


def play(ports: Ports, first: datetime, last: datetime, others: tuple[Job, ...] = ()) -> None:
    """Run the daemon on a simulated clock."""
    Daemon(ports=ports, others=others).simulate(SimulatedClock(first), last)


def changes(ports: Ports) -> list[Transition]:
    """Every transition so far."""
    with reading(ports.engine) as connection:
        return store.transitions(connection)


def messages(ports: Ports) -> list[Delivery]:
    """Every delivery row so far."""
    with reading(ports.engine) as connection:
        return deliveries.all_deliveries(connection)


def reasons(ports: Ports) -> list[str]:
    """Reasons of every transition so far."""
    return [change.reason.value for change in changes(ports)]


def actions(records: Sequence[logging.LogRecord]) -> list[str]:
    """Actions of those events of a log that have one."""
    return [str(vars(record)["action"]) for record in records if "action" in vars(record)]


def until(wanted: Callable[[], object], seconds: float = 30.0) -> float:
    """Wait for something to become true, and tell how long that took [s]."""
    begun = time.monotonic()
    while not wanted():
        waited = time.monotonic() - begun
        assert waited < seconds, f"nothing of the sort within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - begun


def rewrite(file: Path, *pairs: tuple[str, str]) -> None:
    """Replace patterns in a file of configuration; each must be there."""
    text = file.read_text(encoding="utf-8")
    for pattern, put in pairs:
        text, found = re.subn(pattern, put, text, flags=re.MULTILINE)
        assert found, f"{file} has no {pattern}"
    file.write_text(text, encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Process:
    """A daemon of its own on the real clock, with its log in a file."""

    popen: subprocess.Popen[bytes]
    """The process."""
    log: Path
    """JSON lines."""

    def said(self, action: str) -> list[dict[str, Any]]:
        """Events of an action in its log."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in events if event.get("action") == action]

    def started(self) -> Process:
        """Wait until it works."""
        until(lambda: self.said("started") or self.popen.poll() is not None)
        assert self.popen.poll() is None, self.log.read_text(encoding="utf-8")
        return self

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.popen.send_signal(how)
        return self.popen.wait(30)


@contextmanager
def daemon(config: Path, data: Path, *more: str) -> Iterator[Process]:
    """``fengsui run`` as a process; killed at the end where it still runs."""
    log = data.parent / f"{data.name}.{time.monotonic_ns()}.log"
    command = [*COMMAND, "--config", str(config), "--data", str(data), "run", "--log", "json", *more]
    with log.open("wb") as stream:
        popen = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=stream)
        try:
            yield Process(popen=popen, log=log)
        finally:
            popen.kill()
            popen.wait()


LAUNCHER = """
import json, os, sys
import pipeline.cli, pipeline.commands.demo, uvicorn.protocols.http.auto, uvicorn.loops.auto
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        arguments, out = json.loads(line)
        stream = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(stream, 1)
        os.dup2(stream, 2)
        pipeline.cli.main(arguments, prog_name="fengsui")
    print(pid, flush=True)
    print(os.waitpid(pid, 0)[1], flush=True)
"""


@dataclass(frozen=True, kw_only=True)
class Launcher:
    """Starts commands as processes that need not import anything any more."""

    popen: subprocess.Popen[str]
    """A process that has imported everything and forks on demand."""
    out: Path
    """Where the commands print."""

    def start(self, *arguments: str) -> int:
        """Begin a command and return its process id."""
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self.popen.stdin.write(json.dumps([arguments, str(self.out)]) + "\n")
        self.popen.stdin.flush()
        return int(self.popen.stdout.readline())

    def wait(self) -> int:
        """Wait for its end: exit code, or minus the signal."""
        assert self.popen.stdout is not None
        return os.waitstatus_to_exitcode(int(self.popen.stdout.readline()))


@contextmanager
def launcher(out: Path) -> Iterator[Launcher]:
    """A launcher of commands."""
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as popen:
        yield Launcher(popen=popen, out=out)


def present() -> datetime:
    """The real present."""
    return datetime.now(UTC)


ALARM = day("08-15 12:05")
"""Noon of a day that is red everywhere."""


@contextmanager
def alarmed(folder: Path, channel: Channel | None = None) -> Iterator[Ports]:
    """An instance that has just opened a red alert; its messages are planned and not sent."""
    lay_down(folder, _alarm())
    with instance(folder, _alarming(channel)) as ports:
        yield ports


def informed(folder: Path) -> None:
    """Prepare the folder of an instance that has archived all that was told before `ALARM`, unjudged."""
    lay_down(folder, _weather())


def lay_down(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files that nobody else may read."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).touch(0o600)
        (folder / name).write_bytes(content)


def _alarming(channel: Channel | None = None) -> Config:
    return telling(recorded(day("08-12 12:00"), ALARM), channel=channel)


@cache
def _weather() -> dict[str, bytes]:
    return _left_by({}, lambda ports: pull("told", ALARM, ports))


@cache
def _alarm() -> dict[str, bytes]:
    return _left_by(_weather(), lambda ports: tick(ALARM, ports))


def _left_by(files: Mapping[str, bytes], work: Callable[[Ports], object]) -> dict[str, bytes]:
    """Name -> content of the files of an instance after some work: done once a process, and copied."""
    with TemporaryDirectory() as made:
        lay_down(folder := Path(made), files)
        with instance(folder, _alarming()) as ports:
            work(ports)
        return {file.name: file.read_bytes() for file in folder.iterdir()}


def tokens(ports: Ports) -> dict[str, str]:
    """Subsystem -> token of its acknowledgement link."""
    links = {row.subsystem: row.data["ack_link"] for row in messages(ports)}
    return {name: str(link).rpartition("/")[2] for name, link in links.items() if link}


def today(channel: Channel | None = None) -> Config:
    """Extreme heat of the last days, told as of the real present; what fails is tried again in a second."""
    shift = timedelta(days=(present().date() - ALARM.date()).days)
    told = recorded(day("08-12 00:00"), day("08-16 23:00"))
    moved = [_moved(batch, shift) for batch in told if batch.available_at + shift <= present()]
    config = telling(moved, channel=channel, freshness=48 * HOUR)
    return replace(config, service=replace(config.service, retry=(SECOND,) * 6))


def _moved(batch: Batch, shift: timedelta) -> Batch:
    return replace(
        batch,
        issued_at=batch.issued_at + shift,
        available_at=batch.available_at + shift,
        valid_at=batch.valid_at + np.timedelta64(shift),
    )


@contextmanager
def working(ports: Ports, *others: Job, clock: SteadyClock | None = None) -> Iterator[None]:
    """The daemon on the real clock, in a thread that must end when it is told to."""
    stop, found = threading.Event(), Daemon(ports=ports, others=others)
    thread = threading.Thread(target=found.run, args=(stop, clock or SteadyClock()))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def ticks(ports: Ports) -> list[datetime]:
    """Moments of all ticks."""
    with reading(ports.engine) as connection:
        return [entry.at for entry in ledger.ticks(connection)]
