"""What the machine may do while people are called: clocks that jump, a full disk, a kill, PostgreSQL."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes import HOUR
from simulators import postgresql
from stage import actions, until, working

from alerts.event.transition import Reason
from alerts.outgoing.delivery import Message, Purpose, Status
from alerts.record import store
from alerts.record.store import CallStatus
from ingest.database import reading, writing
from ingest.errors import FengsuiError
from pipeline.acknowledge import acknowledge, word_of
from pipeline.console.server import Console
from pipeline.daemon import SteadyClock, wall_clock
from pipeline.guard import Guard
from tests.outage import MINUTE, NONE, ORANGE, RED, Town, town

SECOND = timedelta(seconds=1)


# The clock.


def steps(it: Town) -> set[int]:
    """Steps of the ladders reached."""
    with reading(it.ports.engine) as connection:
        return {one.step for one in store.calls(connection)}


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
def test_a_clock_that_jumps_climbs_no_ladder_to_its_end(
    tmp_path: Path, jump: timedelta, caplog: pytest.LogCaptureFixture
):
    """One step at most, nobody called twice over a channel, and the guard tells of the jump."""
    moved = timedelta(0)
    clock = SteadyClock(lambda: wall_clock() + moved)
    with town(tmp_path) as it, caplog.at_level(logging.ERROR):
        it.at = wall_clock()
        it.announce("a", Reason.OPENED, NONE, RED)
        with working(it.ports, clock=clock):
            until(lambda: it.rows() and {row.status for row in it.rows()} == {Status.SENT})
            clock.drift()
            moved = jump
            until(lambda: _stays(it), 20)
        told = Counter((row.recipient, row.channel) for row in it.rows(purpose=Purpose.ALERT))
        assert steps(it) <= {0, 1}
        assert set(told.values()) == {1}
        assert it.gateway.repeats() == {}
        assert clock.drift() < MINUTE
    assert actions(caplog.records) == (["clock_went_back"] if jump < timedelta(0) else [])


def _stays(it: Town, seconds: float = 4.0) -> bool:
    """Whether nothing new was said for so long."""
    begun, rows = wall_clock(), len(it.rows())
    while wall_clock() - begun < seconds * SECOND:
        if len(it.rows()) != rows:
            return False
    return True


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
def test_the_guard_tells_of_a_clock_that_jumped(tmp_path: Path, jump: timedelta):
    """By the machine's own clock against its monotonic one."""
    moved = timedelta(0)
    clock = SteadyClock(lambda: wall_clock() + moved)
    with town(tmp_path) as it:
        look = Guard(ports=it.ports, drift=clock.drift).look
        assert "clock" not in [one.name for one in look(clock.now())]
        moved = jump
        assert "clock" in [one.name for one in look(clock.now())]
        memos = it.rows(purpose=Purpose.TROUBLE)
        assert any("时钟跳变" in memo.text for memo in memos)
        assert {memo.recipient.rpartition("_")[0] for memo in memos} >= {"operations_duty"}


# A full disk.


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A small file system of its own."""

    folder: Path

    def fill(self) -> None:
        """Leave not a byte."""
        ballast = os.open(self.folder / "ballast", os.O_WRONLY | os.O_CREAT)
        try:
            for size in (65536, 4096, 1):
                with suppress(OSError):
                    while True:
                        os.write(ballast, b"\0" * size)
        finally:
            os.close(ballast)

    def free(self) -> None:
        """Throw the ballast out."""
        (self.folder / "ballast").unlink()


@contextmanager
def small_disk() -> Iterator[Disk]:
    """Sixteen megabytes in memory; needs the right to mount."""
    folder = Path(tempfile.mkdtemp(prefix="fengsui-disk-"))
    size = ["mount", "-t", "tmpfs", "-o", "size=16m", "fengsui-test", str(folder)]
    mounted = os.geteuid() == 0 and not subprocess.run(size, check=False, capture_output=True).returncode
    try:
        if not mounted:
            pytest.skip("this machine lets nobody mount a small disk")
        yield Disk(folder=folder)
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)
        shutil.rmtree(folder)


def test_a_disk_that_fills_while_messages_are_under_way_loses_none_and_sends_none_unkept():
    """What was not claimed on disk is not begun; with room again everything goes out, each once."""
    with small_disk() as disk, town(disk.folder) as it:
        it.announce("a", Reason.OPENED, NONE, RED)
        disk.fill()
        with suppress(FengsuiError):
            it.ports.outbox.drain(it.at, deadline=2)
        durable = {row.key for row in it.rows() if row.attempts}
        assert set(it.channel("outbox").keys) | set(it.channel("mail").keys) <= durable
        disk.free()
        it.pass_time(MINUTE)
        assert {row.status for row in it.rows(purpose=Purpose.ALERT)} == {Status.SENT}
        assert it.gateway.repeats() == {}
        assert set(Counter(it.channel("outbox").keys).values()) == {1}


def test_a_disk_that_is_full_when_a_gateway_has_just_taken_them_loses_no_outcome():
    """They were claimed with room and are sent without: known by their keys, none is sent again."""
    with small_disk() as disk, town(disk.folder) as it:
        full, turn = threading.Event(), threading.Lock()

        def fill(message: Message) -> None:
            with turn:
                if not full.is_set():
                    disk.fill()
                    full.set()

        it.channel("outbox").look = fill
        it.announce("a", Reason.OPENED, NONE, RED)
        with suppress(FengsuiError):
            it.ports.outbox.drain(it.at, deadline=2)
        assert full.wait(10)
        disk.free()
        it.ports.outbox.drain(it.at)
        it.pass_time(MINUTE)
        assert {row.status for row in it.rows(purpose=Purpose.ALERT)} == {Status.SENT}
        assert set(Counter(it.channel("outbox").keys).values()) == {1}
        assert it.gateway.repeats() == {}


# A kill.


def in_a_child(work: Any) -> int:
    """Fork, work, and end as a kill would: nothing is closed; the exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(9)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_kill_between_an_acknowledgement_and_its_commit_leaves_the_call_open(tmp_path: Path):
    """Nobody was told that it counts: the ladder goes on, and the answer given again is taken."""
    with town(tmp_path) as it:
        it.announce("a", Reason.OPENED, NONE, RED)
        it.pass_time()
        word = word_of(alert="a", subsystem="health", by="张三", via="link", at=it.at)

        def killed() -> None:
            with writing(it.ports.engine) as connection:
                store.acknowledge(connection, word, it.ports.desk.routes.answers)
                os._exit(9)

        it.ports.engine.dispose()
        assert in_a_child(killed) == 9
        with reading(it.ports.engine) as connection:
            open_calls = store.calls(connection, status=CallStatus.OPEN)
            assert "health" in {call.subsystem for call in open_calls}
            assert store.acknowledgements(connection) == []
        it.pass_time(6 * MINUTE)
        assert it.rows(subsystem="health", recipient="health_deputy_a")
        acknowledge(it.ports, replace(word, at=it.at))
        before = len(it.rows(subsystem="health", purpose=Purpose.ALERT))
        it.pass_time(10 * MINUTE)
        assert len(it.rows(subsystem="health", purpose=Purpose.ALERT)) == before


@pytest.mark.parametrize("when", ["before the claim", "after the claim"])
def test_a_kill_between_the_end_and_its_sends_costs_nobody_the_all_clear(tmp_path: Path, when: str):
    """It reaches exactly those who were warned, each once a channel, after the restart."""
    with town(tmp_path) as it:
        it.announce("a", Reason.OPENED, NONE, ORANGE)
        it.pass_time(MINUTE)
        warned = {row.recipient for row in it.rows(purpose=Purpose.ALERT) if row.sent_at}
        end = it.announce("a", Reason.ENDED, ORANGE, NONE)

        def killed() -> None:
            if when == "after the claim":
                from alerts.outgoing import deliveries

                with writing(it.ports.engine) as connection:
                    waiting = deliveries.due(connection, it.at, 5)
                    deliveries.claim_all(connection, [row.key for row in waiting])

        it.ports.engine.dispose()
        assert in_a_child(killed) == 9
        it.pass_time(MINUTE)
        rows = it.rows(transition=end.id, purpose=Purpose.ALERT)
        assert {row.recipient for row in rows} == warned
        assert {row.status for row in rows} == {Status.SENT}
        taken = [one for name in ("outbox", "mail") for one in it.channel(name).keys]
        assert len(taken) == len(set(taken))
        assert it.gateway.repeats() == {}


# Another database.


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A PostgreSQL server of our own."""
    pytest.importorskip("psycopg", reason="the driver is missing: install fengsui[postgresql]")
    programs = postgresql.binaries()
    if programs is None:
        pytest.skip("there is no PostgreSQL server here: apt-get install postgresql")
    with postgresql.server(programs) as address:
        yield address


def story(folder: Path, database: str | None) -> list[tuple[Any, ...]]:
    """A short storm: calls, a gateway that fails, receipts, answers and an end; what the rows say."""
    folder.mkdir()
    (folder / "link.key").write_text("0" * 40)
    with town(folder, database) as it, Console("127.0.0.1:0") as console:
        url = console.bind()
        console.start(it.ports, it.now)
        it.gateway.turn("500")
        it.announce("a", Reason.OPENED, NONE, ORANGE)
        it.pass_time(MINUTE)
        it.gateway.turn("fine")
        it.announce("a", Reason.RAISED, ORANGE, RED)
        it.pass_time(2 * MINUTE)
        told = sorted(it.gateway.pushes(it.at), key=lambda one: str(one["phone_number"]))
        for _ in range(2):
            assert it.gateway.push(url, told).status_code == 200
        acknowledge(it.ports, word_of(alert="a", subsystem="water", by="李四", via="cli", at=it.at))
        it.pass_time(8 * MINUTE)
        it.announce("a", Reason.ENDED, RED, NONE)
        it.pass_time(5 * MINUTE)
        it.check()
        return sorted(
            (row.key, row.channel, row.status, row.sent_at, row.delivered_at, row.detail[:9])
            for row in it.rows(purpose=Purpose.ALERT)
        )


def test_a_storm_leaves_the_same_rows_on_postgresql(tmp_path: Path, url: str):
    """Outbox, calls, receipts, and a record that is whole, on a real server."""
    found = story(tmp_path / "there", postgresql.new_database(url, "storm"))
    assert [row[:5] for row in found] == [row[:5] for row in story(tmp_path / "here", None)]
    assert {row[2] for row in found} >= {Status.SENT, Status.CANCELLED}
    assert any(row[4] is not None for row in found)
