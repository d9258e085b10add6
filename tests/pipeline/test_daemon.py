"""The daemon: which job runs when, and what a mistake in one costs the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fakes import RecordingChannel
from stage import (
    ALARM,
    HOUR,
    Told,
    actions,
    alarmed,
    changes,
    day,
    instance,
    messages,
    play,
    present,
    reasons,
    recorded,
    telling,
    ticks,
    today,
    until,
    working,
)

from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Status
from alerts.record import ledger
from ingest.batch import Batch
from ingest.database import reading, writing
from ingest.errors import StoreError
from ingest.source import Request
from pipeline.daemon import Daemon, SimulatedClock, SteadyClock
from pipeline.lock import sole_instance
from pipeline.ports import Ports
from pipeline.work import Job, jobs

FIRST, LAST = day("08-05 00:05"), day("08-06 00:05")


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Ports]:
    """An instance without any data."""
    with instance(tmp_path, telling([])) as ports:
        yield ports


@dataclass
class Counted:
    """A job that is always due, counts its runs and then does something."""

    then: Callable[[], object] = lambda: None
    runs: list[datetime] = field(default_factory=list)

    def job(self, name: str = "counted", *, beside: bool = False) -> Job:
        """Looked at ten times a second."""
        every = timedelta(seconds=0.1)
        return Job(name=name, run=self.run, due=lambda now: now, every=every, beside=beside)

    def run(self, now: datetime) -> None:
        """Count and do."""
        self.runs.append(now)
        self.then()


def fail(error: Exception) -> Callable[[], None]:
    """Something that goes wrong."""

    def wrong() -> None:
        raise error

    return wrong


@pytest.mark.parametrize("error", [StoreError("the disk is full"), ZeroDivisionError("bug")])
def test_a_mistake_in_one_job_costs_the_others_nothing(
    quiet: Ports, error: Exception, caplog: pytest.LogCaptureFixture
):
    """It is logged with its action; a bug with its trace, a fault as one sentence."""
    bad, good = Counted(then=fail(error)), Counted()
    with working(quiet, bad.job("bad"), good.job("good")):
        until(lambda: len(good.runs) > 3 and bad.runs)
    failed = [record for record in caplog.records if getattr(record, "job", "") == "bad"]
    assert set(actions(failed)) == {"job_failed"}
    assert all(bool(record.exc_info) is (type(error) is ZeroDivisionError) for record in failed)


def test_a_job_that_fails_is_tried_again_after_a_growing_pause(quiet: Ports):
    """One second, then two: the log is not flooded and a source's budget not spent."""
    bad = Counted(then=fail(StoreError("the disk is full")))
    with working(quiet, bad.job()):
        until(lambda: len(bad.runs) == 3)
    first, second, third = bad.runs
    assert timedelta(seconds=1) <= second - first < timedelta(seconds=2)
    assert timedelta(seconds=2) <= third - second


def test_a_job_whose_moment_cannot_be_told_is_a_mistake_too(
    quiet: Ports, caplog: pytest.LogCaptureFixture
):
    """The question when it is due is asked of the database, which can be out of reach."""

    def due(now: datetime) -> datetime:
        raise StoreError("the database is away")

    good = Counted()
    lost = Job(name="lost", run=lambda now: None, due=due, every=timedelta(seconds=0.1))
    with working(quiet, lost, good.job()):
        until(lambda: len(good.runs) > 3)
    assert "lost: the database is away" in caplog.messages


def test_slow_work_beside_the_others_holds_up_nobody(quiet: Ports):
    """A source that takes its time keeps neither ticks nor messages waiting."""
    release = threading.Event()
    slow, good = Counted(then=lambda: release.wait(20)), Counted()
    with working(quiet, slow.job("pull slow", beside=True), good.job()):
        until(lambda: slow.runs and len(good.runs) > 5)
        assert len(slow.runs) == 1
        release.set()


@dataclass(frozen=True, kw_only=True)
class Slow:
    """A source that answers only when it is let."""

    told: Told
    let: threading.Event

    def fetch(self, name: str, request: Request) -> list[Batch]:
        """What it has, later."""
        self.let.wait(20)
        return self.told.fetch(name, request)


def test_data_that_came_while_a_tick_passed_is_judged_at_once(tmp_path: Path):
    """A tick overtook the slow answer and has not seen it; nobody waits for the next heartbeat."""
    config, let = today(), threading.Event()
    block = config.sources["told"]
    slow = replace(block, source=Slow(told=Told(batches=block.source.batches), let=let))
    with instance(tmp_path, replace(config, sources={"told": slow})) as ports, working(ports):
        until(lambda: ticks(ports))
        let.set()
        assert until(lambda: changes(ports)) < 5
        with reading(ports.engine) as connection:
            known = ports.archive.newest(connection)
        assert ticks(ports)[0] < known <= changes(ports)[0].at


def test_it_ends_whatever_is_under_way(quiet: Ports):
    """Short lives in which everything is always due: each ends when it is told to."""
    busy = [Counted() for _ in range(6)]
    for _ in range(4):
        with working(quiet, *[one.job(str(number)) for number, one in enumerate(busy)]):
            before = len(busy[0].runs)
            until(lambda before=before: len(busy[0].runs) > before)


def test_time_never_goes_back_behind_what_was_written(quiet: Ports):
    """A restart on a machine whose clock is behind goes on from the newest row."""
    ahead = present() + HOUR
    with writing(quiet.engine) as connection:
        ledger.record_tick(connection, ledger.Tick(at=ahead, transitions=0, still={}, unknown={}))
    seen = Counted()
    with working(quiet, seen.job()):
        until(lambda: seen.runs)
    assert seen.runs[0] >= ahead


def test_what_was_being_sent_at_a_crash_is_sent_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """Under the same key, with a line in the log; nothing else is sent twice."""
    channel = RecordingChannel()
    with alarmed(tmp_path, channel) as ports:
        rows = messages(ports)
        with writing(ports.engine) as connection:
            for row in rows[:3]:
                assert deliveries.claim(connection, row.key)
        play(ports, ALARM, ALARM)
        assert sorted(channel.keys) == sorted(row.key for row in rows)
        assert {row.status for row in messages(ports)} == {Status.SENT}
    assert "3 messages were being sent when the last run ended" in caplog.text


@pytest.mark.parametrize("how", ["run", "simulate"])
def test_it_holds_its_folder(quiet: Ports, how: str):
    """A second daemon in the same folder does nothing at all."""
    daemon = Daemon(ports=quiet)
    ways = {
        "run": lambda: daemon.run(threading.Event(), SteadyClock()),
        "simulate": lambda: daemon.simulate(SimulatedClock(FIRST), LAST),
    }
    with sole_instance(quiet.folder), pytest.raises(StoreError, match="another instance"):
        ways[how]()


def test_jobs_run_in_the_order_of_data_to_message(quiet: Ports):
    """What comes in is judged and told at the same moment."""
    names = [job.name for job in jobs(quiet)]
    assert names == ["pull told", "derive", "tick", "escalate", "receipts", "deliver"]


def test_everybody_hears_at_the_moment_of_the_data(tmp_path: Path):
    """Pull and tick share one moment of the simulation; a yellow of the night is sent at seven."""
    watched: list[tuple[str, datetime]] = []
    with instance(tmp_path, telling(recorded(day("08-04 00:00"), LAST))) as ports:
        daemon = Daemon(ports=ports, watch=lambda job, now, event: watched.append((job.name, now)))
        daemon.simulate(SimulatedClock(FIRST), LAST)
        opened = changes(ports)[0]
        first = [row for row in messages(ports) if row.transition == opened.id and row.step == 0]
        seven = day("08-05 07:00")
        assert {row.sent_at for row in first} == {seven}
    moments = [moment for _, moment in watched]
    assert moments == sorted(moments)
    jobs = [name for name, moment in watched if moment == opened.at and name != "derive"]
    assert jobs[:2] == ["pull told", "tick"]


@pytest.mark.parametrize("cut", [1, 5, 17, 24])
def test_a_simulation_in_two_parts_is_one(tmp_path: Path, cut: int):
    """A restart continues where the last commit stood."""
    config = telling(recorded(day("08-04 00:00"), LAST))
    with instance(tmp_path / "whole", config) as ports:
        play(ports, FIRST, LAST)
        whole = changes(ports), [(row.key, row.sent_at) for row in messages(ports)]
    with instance(tmp_path / "parts", config) as ports:
        play(ports, FIRST, FIRST + cut * HOUR)
    with instance(tmp_path / "parts", config) as ports:
        play(ports, FIRST + cut * HOUR, LAST)
        assert (changes(ports), [(row.key, row.sent_at) for row in messages(ports)]) == whole


def test_silence_climbs_the_ladder_on_time(tmp_path: Path):
    """A red that nobody answers calls the deputy after five minutes and the centre after ten; each once."""
    channel = RecordingChannel()
    with alarmed(tmp_path, channel) as ports:
        play(ports, ALARM, ALARM + timedelta(minutes=59))
        rows = [row for row in messages(ports) if row.subsystem == "health"]
    assert [(row.step, row.sent_at) for row in sorted(rows, key=lambda row: row.step)] == [
        (step, ALARM + timedelta(minutes=late)) for step, late in enumerate((0, 5, 10))
    ]


def test_a_heartbeat_ticks_where_nothing_comes(quiet: Ports):
    """Blindness is noticed by time passing, and told once it lasts three hours."""
    play(quiet, FIRST, FIRST + 5 * HOUR)
    with reading(quiet.engine) as connection:
        moments = [tick.at for tick in ledger.ticks(connection)]
    assert moments == [FIRST + number * HOUR for number in range(6)]
    assert reasons(quiet) == ["data_lost"]
    assert changes(quiet)[0].at == FIRST + 3 * HOUR


def test_every_life_is_logged(quiet: Ports, caplog: pytest.LogCaptureFixture):
    """Begin and end, in this order."""
    with caplog.at_level(logging.INFO, "pipeline.daemon"), working(quiet):
        until(lambda: "the daemon works" in caplog.messages)
    ours = [record for record in caplog.records if record.name == "pipeline.daemon"]
    assert actions(ours) == ["started", "stopping", "stopped"]
