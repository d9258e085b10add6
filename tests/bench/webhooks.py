"""Webhooks per second to a receiver in another process, every row durable before its send."""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figures import Figure, seconds

from alerts import deliveries, tables
from alerts.channels.webhook import Webhook
from alerts.delivery import Delivery, Means, Status
from alerts.outbox import Outbox
from alerts.people import Person, Routes
from alerts.post import Post
from ingest.database import create_tables, open_engine, reading, writing
from ingest.secret import Secret

_NOW = datetime(2022, 8, 15, 6, 5, tzinfo=UTC)
_KEY = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, no more").decode()
_SINK = Path(__file__).with_name("sink.py")
_DEADLINE_S = 600.0


def measure(*, quick: bool) -> Iterator[Figure]:
    """1,000 and 10,000 rows (100 where it must be quick)."""
    with _sink() as url:
        for rows, number in ((100, 1),) if quick else ((1_000, 3), (10_000, 1)):
            _send_all(100, url)
            samples = tuple(rows / _send_all(rows, url) for _ in range(number))
            yield Figure(
                what=f"webhooks to loopback, {rows:,} durable rows", unit="1/s", samples=samples
            )


@contextmanager
def _sink() -> Iterator[str]:
    with subprocess.Popen([sys.executable, str(_SINK)], stdout=subprocess.PIPE, text=True) as sink:
        try:
            assert sink.stdout is not None
            yield f"http://127.0.0.1:{int(sink.stdout.readline())}/hook"
        finally:
            sink.terminate()


def _send_all(rows: int, url: str) -> float:
    """Seconds from the first claim to the last outcome."""
    with tempfile.TemporaryDirectory() as name, Post() as post:
        engine = open_engine(f"sqlite:///{name}/fengsui.db")
        create_tables(engine, tables.metadata)
        with writing(engine) as connection:
            deliveries.plan(connection, (_row(number) for number in range(rows)))
        outbox = Outbox(
            engine=engine,
            channels={"hook": Webhook(url=url, secret=Secret(env="KEY"))},
            routes=_routes(),
            means=Means(post=post, folder=Path(name), reveal=lambda _: _KEY),
            retry=(timedelta(minutes=1),),
        )
        took = seconds(lambda: outbox.drain(_NOW, _DEADLINE_S))
        outbox.close()
        with reading(engine) as connection:
            counted = deliveries.counts(connection)
        engine.dispose()
    if counted != {Status.SENT: rows}:
        raise RuntimeError(f"of {rows} messages these came through: {counted}")
    return took


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
