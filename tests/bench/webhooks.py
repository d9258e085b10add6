"""Webhooks per second to a receiver in another process, every row durable before its send."""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from bench import alertmanager
from bench.figures import Figure, figures, seconds

from alerts.channels.webhook import Webhook
from alerts.duty.people import Person, Routes
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Delivery, Means, Message, Status, Taken
from alerts.outgoing.outbox import Outbox
from alerts.outgoing.post import Answer, Post
from alerts.outgoing.posting import post_once
from alerts.outgoing.wire import Request
from alerts.record import tables
from ingest.database import create_tables, open_engine, reading, writing
from ingest.secret import Secret

_NOW = datetime(2022, 8, 15, 6, 5, tzinfo=UTC)
_KEY = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, no more").decode()
_SINK = Path(__file__).with_name("sink.py")
_DEADLINE_S = 600.0
_PATIENCE_S = 30.0


def measure(*, quick: bool) -> Iterator[Figure]:
    """1,000 and 10,000 rows (100 where it must be quick), beside a peer; then reds in a full queue."""
    sizes = ((100, 1),) if quick else ((1_000, 3), (10_000, 3))
    with _sink() as url:
        for rows, number in sizes:
            _send_all(100, url)
            pairs = [(rows / _send_all(rows, url), _peer(rows, url)) for _ in range(number)]
            yield from _side_by_side(rows, pairs)
    # A fast receiver empties a queue of 10,000 before the last red is planned.
    for words, rows, delay_s, pause_s in (
        ("a fast receiver", 20_000, 0.0, 0.01),
        ("a receiver of 50 ms", 10_000, 0.05, 0.1),
    ):
        with _sink(delay_s) as url:
            samples = _reds(url, 300 if quick else rows, 3 if quick else 100, pause_s)
            yield Figure(
                what=f"first red in a full queue, {words}", unit="s", samples=samples,
                ratio=f"longest {figures(max(samples))} s",
            )  # fmt: skip


def _peer(rows: int, url: str) -> float | None:
    return alertmanager.rate(rows, url) if alertmanager.installed() else None


def _side_by_side(rows: int, pairs: list[tuple[float, float | None]]) -> Iterator[Figure]:
    ours = tuple(mine for mine, _ in pairs)
    theirs = tuple(other for _, other in pairs if other is not None)
    ratio = f"{median(ours) / median(theirs):.2f} x Alertmanager" if theirs else ""
    yield Figure(
        what=f"webhooks to loopback, {rows:,} durable rows", unit="1/s", samples=ours, ratio=ratio
    )
    if theirs:
        what = f"  the same by Alertmanager, {rows:,} alerts, none durable"
        yield Figure(what=what, unit="1/s", samples=theirs)
    else:
        sys.stderr.write(
            "!!! prometheus-alertmanager is not installed, so that nothing stands beside the webhooks;"
            " apt-get install prometheus-alertmanager\n"
        )


@contextmanager
def _sink(delay_s: float = 0.0) -> Iterator[str]:
    command = [sys.executable, str(_SINK), str(delay_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sink:
        try:
            assert sink.stdout is not None
            yield f"http://127.0.0.1:{int(sink.stdout.readline())}/hook"
        finally:
            sink.terminate()


@dataclass(frozen=True, kw_only=True)
class _Timed:
    """A channel that notes when each red was taken."""

    inner: Webhook
    moments: dict[str, float]

    def send(self, message: Message, means: Means) -> Taken:
        """As the webhook sends it."""
        return post_once(self, message, means)

    def request(self, message: Message, means: Means) -> Request:
        """As the webhook makes it."""
        return self.inner.request(message, means)

    def taken(self, answer: Answer, message: Message) -> Taken:
        """As the webhook judges it."""
        said = self.inner.taken(answer, message)
        if message.key.startswith("red"):
            self.moments[message.key] = time.perf_counter()
        return said


def _reds(url: str, rows: int, number: int, pause_s: float) -> tuple[float, ...]:
    """Seconds from the commit of a red row to its arrival, while thousands of yellow rows wait."""
    with _outbox(url, rows, priority=2) as box:
        channel = _Timed(inner=Webhook(url=url, secret=Secret(env="KEY")), moments={})
        timed = replace(box, channels={"hook": channel})
        ended = threading.Event()
        worker = threading.Thread(target=_keep_working, args=(timed, ended))
        worker.start()
        planned: dict[str, float] = {}
        for one in range(number):
            time.sleep(pause_s)
            red = replace(_row(one), key=f"red{one}", priority=0)
            with writing(box.engine) as connection:
                deliveries.plan(connection, [red])
            planned[red.key] = time.perf_counter()
        until = time.perf_counter() + _PATIENCE_S
        while len(channel.moments) < number and time.perf_counter() < until:
            time.sleep(0.01)
        with reading(box.engine) as connection:
            if not deliveries.counts(connection).get(Status.DUE):
                sys.stderr.write("!!! the queue ran empty before the last red; take more rows\n")
        ended.set()
        timed.wind_up()
        worker.join()
    return tuple(channel.moments[key] - at for key, at in planned.items())


def _keep_working(outbox: Outbox, ended: threading.Event) -> None:
    while not ended.is_set():
        outbox.work(_NOW)


def _send_all(rows: int, url: str) -> float:
    """Seconds from the first claim to the last outcome."""
    with _outbox(url, rows) as outbox:
        took = seconds(lambda: outbox.drain(_NOW, _DEADLINE_S))
        with reading(outbox.engine) as connection:
            counted = deliveries.counts(connection)
    if counted != {Status.SENT: rows}:
        raise RuntimeError(f"of {rows} messages these came through: {counted}")
    return took


@contextmanager
def _outbox(url: str, rows: int, priority: int = 0) -> Iterator[Outbox]:
    """An outbox on a file of its own, with so many rows that are due."""
    with tempfile.TemporaryDirectory() as name, Post() as post:
        engine = open_engine(f"sqlite:///{name}/fengsui.db")
        create_tables(engine, tables.metadata)
        with writing(engine) as connection:
            wanted = (replace(_row(number), priority=priority) for number in range(rows))
            deliveries.plan(connection, wanted)
        outbox = Outbox(
            engine=engine,
            channels={"hook": Webhook(url=url, secret=Secret(env="KEY"))},
            routes=_routes(),
            means=Means(post=post, folder=Path(name), reveal=lambda _: _KEY),
            retry=(timedelta(minutes=1),),
        )
        try:
            yield outbox
        finally:
            outbox.close()
            engine.dispose()


def _row(number: int) -> Delivery:
    return Delivery(
        key=f"msg_{number:040d}",
        transition="500153-heat-20220815T060500Z.1",
        alert="500153-heat-20220815T060500Z",
        subsystem="flood_control",
        recipient="officer",
        step=0,
        channel="hook",
        text="荣昌区气象灾害预警建议：高温红色，涉及21个镇街，预计最高气温42.5℃。" * 3,
        data={"transition": "500153-heat-20220815T060500Z.1", "level": "red", "step": 0},
        planned_at=_NOW,
        due_at=_NOW,
        expires_at=_NOW + timedelta(days=1),
        priority=0,
    )


def _routes() -> Routes:
    officer = Person(name="值班员", phone="13800000001", channels=("hook",))
    return Routes(people={"officer": officer}, subsystems={}, matrix={}, ladders={})
