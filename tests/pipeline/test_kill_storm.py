"""Kill -9 in the middle of a storm: thousands of messages under way, none lost, next to none repeated."""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from fakes import database, delivery
from simulators import sender
from simulators.receiver import MisbehavingReceiver

from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Status
from ingest.database import reading, writing

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Storm:
    """What a storm under kills left behind."""

    planned: set[str]
    received: Counter[str]
    statuses: dict[Status, int]
    repeats: list[int]
    """After each restart, how many messages came that the receiver knew already."""

    @property
    def repeated(self) -> int:
        """Messages that came again."""
        return sum(self.received.values()) - len(self.received)


def storm(folder: Path, alerts: int, recipients: int, kills: int, lane: int) -> Storm:
    """Every alert goes to every recipient; the outbox is killed at random points and started again."""
    seed = int(os.environ.get("KILL_SEED", random.randrange(10**6)))
    log.warning("seed %d: KILL_SEED=%d repeats it", seed, seed)
    chance, keys = random.Random(seed), [f"{a}-{r}" for a in range(alerts) for r in range(recipients)]
    with database(folder) as engine, MisbehavingReceiver() as receiver:
        with writing(engine) as connection:
            for first in range(0, len(keys), 1000):
                deliveries.plan(connection, map(_row, keys[first : first + 1000]))
        per_kill = _sweep(receiver, folder, lane, chance, len(keys) // (kills + 1), kills)
        with reading(engine) as connection:
            statuses = deliveries.counts(connection)
        received = Counter(seen.headers["webhook-id"] for seen in receiver.seen)
    return Storm(planned=set(keys), received=received, statuses=statuses, repeats=per_kill)


def _row(key: str):
    return delivery(
        key, alert=key.partition("-")[0], channel="hook", recipient="officer",
        planned_at=sender.MOMENT, due_at=sender.MOMENT,
        expires_at=sender.MOMENT + timedelta(days=9),
    )  # fmt: skip


def _sweep(
    receiver: MisbehavingReceiver, folder: Path, lane: int, chance: random.Random, each: int, kills: int
) -> list[int]:
    """Kill after about `each` messages, so many times; then let it end."""
    program = [sys.executable, sender.__file__, str(folder), receiver.url(), str(lane)]
    found, before = [], 0
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as popen:
        assert popen.stdin is not None
        assert popen.stdout is not None
        for number in range(kills + 1):
            popen.stdin.write("\n")
            popen.stdin.flush()
            pid = int(popen.stdout.readline())
            if number < kills:
                _wait_for(receiver, len(receiver.seen) + chance.randrange(2 * each))
                time.sleep(chance.uniform(0, 0.003))
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            ended = os.waitstatus_to_exitcode(int(popen.stdout.readline()))
            assert ended in (0, -signal.SIGKILL)
            seen = [one.headers["webhook-id"] for one in list(receiver.seen)]
            found.append(len(seen) - len(set(seen)) - before)
            before += found[-1]
    return found


def _wait_for(receiver: MisbehavingReceiver, number: int) -> None:
    until = time.monotonic() + 3
    while len(receiver.seen) < number and time.monotonic() < until:
        time.sleep(0.0005)


def check(found: Storm, lane: int) -> None:
    """Nothing is lost, and each kill repeats at most the one send that each worker was in the middle of."""
    assert set(found.received) == found.planned
    assert found.statuses == {Status.SENT: len(found.planned)}
    assert max(found.repeats) <= lane, found.repeats
    assert found.repeated <= lane * (len(found.repeats) - 1)


@pytest.mark.parametrize("lane", [1, 4])
def test_a_storm_under_kills_loses_nothing_and_repeats_only_what_was_in_flight(tmp_path: Path, lane: int):
    """One send for one worker, four for four, each under its own key."""
    check(storm(tmp_path, 30, 40, 8, lane), lane)


@pytest.mark.soak
@pytest.mark.parametrize("lane", [1, 4])
def test_500_alerts_to_40_recipients_live_through_200_kills(tmp_path: Path, lane: int):
    """Twenty thousand messages in flight."""
    found = storm(tmp_path, 500, 40, 200, lane)
    log.warning("lane %d: %d repeats in 200 kills", lane, found.repeated)
    check(found, lane)
