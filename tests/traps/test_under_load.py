"""Trap 20: as many alerts at once as broke a peer's SQLite, while ticks and answers go on."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import change, delivery
from stage import HOUR, instance, ticks, today, until, working

from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Delivery, Status, Taken
from alerts.record import store
from alerts.record.store import Acknowledgement
from ingest.database import reading, writing
from pipeline.acknowledge import acknowledge
from pipeline.daemon import wall_clock
from pipeline.ports import Ports

RED_LAST = 10
"""Of the messages, so many reds are planned after all others."""


class Sink:
    """Takes everything and remembers when."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def send(self, message: Any, means: Any) -> Taken:
        """Take it."""
        self.at[message.key] = time.monotonic()
        return Taken()


def fire(ports: Ports, number: int) -> list[Delivery]:
    """So many alerts open at once, each with a change, a call and a message that is due; the last are red."""
    now = wall_clock()
    people = [id for id, person in ports.config.routes.people.items() if "outbox" in person.channels]
    rows = []
    with writing(ports.engine) as connection:
        for index in range(number):
            red = index >= number - RED_LAST
            made = replace(
                change(), id=f"load-{index}.1", alert=f"load-{index}", at=now, incident=f"load-{index}"
            )
            store.record(connection, made, [])
            rows.append(
                delivery(
                    f"load-{index}", transition=made.id, alert=made.alert, channel="outbox",
                    recipient=people[index % len(people)], subsystem="health", planned_at=now, due_at=now,
                    expires_at=now + 24 * HOUR, priority=0 if red else 2,
                )
            )  # fmt: skip
        deliveries.plan(connection, rows)
    return rows


def loaded(folder: Path, number: int, seconds: float) -> tuple[list[Delivery], Sink, list[float]]:
    """Fire, and answer alerts while they are sent: the rows, the sink, and how long each answer took [s]."""
    sink = Sink()
    waits: list[float] = []
    with instance(folder, today(sink)) as ports:
        fire(ports, number)
        with working(ports):
            begun = time.monotonic()
            while not _done(ports):
                assert time.monotonic() - begun < seconds, "the queue is not empty in time"
                asked = time.monotonic()
                acknowledge(ports, _word(len(waits)))
                waits.append(time.monotonic() - asked)
                time.sleep(0.2)
            until(lambda: ticks(ports), seconds)
        with reading(ports.engine) as connection:
            rows = deliveries.matching(connection)
    return [row for row in rows if row.alert.startswith("load-")], sink, waits


def _done(ports: Ports) -> bool:
    with reading(ports.engine) as connection:
        found = deliveries.counts(connection)
    return not found.get(Status.DUE) and not found.get(Status.CLAIMED)


def _word(number: int) -> Acknowledgement:
    return Acknowledgement(
        alert=f"load-{number}", subsystem="health", by="张三", via="cli", at=wall_clock()
    )


def judge(number: int, found: tuple[list[Delivery], Sink, list[float]]) -> None:
    """Everything was sent once, the reds first, and nobody who answered waited long."""
    rows, sink, waits = found
    assert len(rows) == number
    assert {row.status for row in rows} == {Status.SENT}
    assert {row.attempts for row in rows} == {1}
    moments = sorted(sink.at, key=lambda key: sink.at[key])
    own = [key for key in moments if key.startswith("load-")]
    reds = [own.index(f"load-{index}") for index in range(number - RED_LAST, number)]
    assert max(reds) < RED_LAST * 4
    assert max(waits) < 5


def test_trap_20_hundreds_of_alerts_at_once(tmp_path: Path):
    """Alertmanager's SQLite died at 2,500 firing alerts (#276): the short form of that load.

    Ticks and answers go on while the queue is sent, nothing meets a locked database, reds overtake.
    """
    judge(250, loaded(tmp_path, 250, 60))


@pytest.mark.soak
def test_trap_20_two_and_a_half_thousand_alerts_at_once(tmp_path: Path):
    """The full size."""
    judge(2500, loaded(tmp_path, 2500, 300))
