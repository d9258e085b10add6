"""Hourly ticks of the event through a real file, and how soon a change leaves the house."""

from __future__ import annotations

import base64
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from bench.figures import Figure, seconds
from bench.weather import EVENT, LATENCY, played

from alerts.channels.webhook import Webhook
from ingest.recordings import load_event
from ingest.secret import Secret
from ingest.times import HOUR
from pipeline import derive
from pipeline.config import ChannelBlock, Config
from pipeline.demo.subsystem import LoopbackServer
from pipeline.ports import Ports
from pipeline.pull import pull
from pipeline.settings import Settings
from pipeline.tick import TickReport, tick
from pipeline.wiring import build
from pipeline.work import run_derive

_PATIENCE_S = 30.0


class _Watchman:
    """A receiver on loopback that takes everything and says when its first request came."""

    def __init__(self) -> None:
        self._came = threading.Event()
        self._first = 0.0

    def note(self) -> None:
        """Keep the time of the first request."""
        if not self._came.is_set():
            self._first = time.perf_counter()
            self._came.set()

    def first(self) -> float:
        """When the first request came; waits for it."""
        if not self._came.wait(_PATIENCE_S):
            raise TimeoutError("no message came")
        return self._first

    def again(self) -> None:
        """Forget it, for the next."""
        self._came.clear()


def _handler(watchman: _Watchman) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            watchman.note()
            self.rfile.read(int(self.headers["content-length"]))
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def _listening(watchman: _Watchman) -> Iterator[str]:
    """The address at which a watchman listens."""
    server = LoopbackServer(0, _handler(watchman))
    server.start()
    try:
        yield f"http://127.0.0.1:{server.port}/hook"
    finally:
        server.stop()


@dataclass(frozen=True, kw_only=True)
class _Watch:
    """What the hours of an event took [s]."""

    pulls: list[float] = field(default_factory=list)
    """Fetch, check and archive."""
    ticks: list[float] = field(default_factory=list)
    """Judge, route and write down."""
    sends: list[float] = field(default_factory=list)
    """From the begin of the pull to the first request at the receiver, where something changed."""


def measure(*, quick: bool) -> Iterator[Figure]:
    """Every hour of the event (two days where it must be quick), each pulled, judged and sent."""
    event = load_event(EVENT)
    start = event.start + LATENCY
    end = start + timedelta(days=2) if quick else event.end + LATENCY
    watch = _Watch()
    receiver = _Watchman()
    with tempfile.TemporaryDirectory() as name, _listening(receiver) as url:
        ports = _ports(Path(name), url)
        try:
            _play(start, end, ports, receiver, watch)
        finally:
            ports.close()
    both = [first + second for first, second in zip(watch.pulls, watch.ticks, strict=True)]
    yield _figure("hourly tick on file (WAL, FULL), pull excluded", watch.ticks)
    yield _figure("hourly tick on file (WAL, FULL), pull included", both)
    yield _figure("data arrival -> first send (begin of pull -> receiver)", watch.sends)


def _figure(what: str, found: list[float]) -> Figure:
    return Figure(what=what, unit="ms", samples=tuple(1000 * value for value in found))


def _ports(folder: Path, url: str) -> Ports:
    key = folder / "receiver.key"
    key.write_text("whsec_" + base64.b64encode(b"a key of thirty-two bytes, no more").decode())
    key.chmod(0o600)
    settings = Settings(config=folder, data=folder, database=f"sqlite:///{folder}/fengsui.db")
    return build(_by_webhook(played(), url, key), settings)


def _by_webhook(config: Config, url: str, key: Path) -> Config:
    """The configuration with everybody reached by one webhook, at any hour and one message at a time."""
    webhook = Webhook(url=url, secret=Secret(file=str(key)))
    block = ChannelBlock(name="hook", enabled=True, channel=webhook)
    people = {
        name: replace(person, channels=("hook",)) for name, person in config.routes.people.items()
    }
    routes = replace(config.routes, people=people, quiet=None, budget=None)
    return replace(config, channels={"hook": block}, routes=routes)


def _play(
    start: datetime, end: datetime, ports: Ports, receiver: _Watchman, watch: _Watch
) -> None:
    now, derived = start, derive.due(start, None)
    while now <= end:
        if derived <= now:
            run_derive(derived, ports)
            derived = derive.due(derived, derived)
        _one_hour(now, ports, receiver, watch)
        now += HOUR


def _one_hour(now: datetime, ports: Ports, receiver: _Watchman, watch: _Watch) -> None:
    (source,) = ports.config.sources
    begun = time.perf_counter()
    watch.pulls.append(seconds(lambda: pull(source, now, ports)))
    reports: list[TickReport] = []
    watch.ticks.append(seconds(lambda: reports.append(tick(now, ports))))
    if reports[0].planned:
        receiver.again()
        ports.outbox.pump(now)
        watch.sends.append(receiver.first() - begun)
        ports.outbox.drain(now)
