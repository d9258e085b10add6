"""Faults: each costs one clear sentence, loses nothing, and the daemon goes on."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import RecordingChannel
from simulators import open_meteo as simulator
from simulators.open_meteo import OpenMeteoServer
from simulators.receiver import Conduct, MisbehavingReceiver
from sqlalchemy import event
from stage import (
    HOUR,
    KEY,
    ROOT,
    SECOND,
    actions,
    changes,
    day,
    instance,
    messages,
    play,
    recorded,
    telling,
    ticks,
    today,
    until,
    working,
)

from alerts.channels.outbox import Outbox as OutboxFile
from alerts.channels.webhook import Webhook
from alerts.outgoing.delivery import Channel, Delivery, Status
from alerts.record import ledger
from ingest.database import reading
from ingest.errors import StoreError
from ingest.secret import Secret
from ingest.source import Feed
from ingest.sources.open_meteo import OpenMeteo
from pipeline.config import Config, SourceBlock
from pipeline.daemon import SteadyClock, wall_clock
from pipeline.ports import Ports
from pipeline.pull import pull
from pipeline.tick import tick

NOW = day("08-15 12:05")


def hot(channel: object = None) -> Config:
    """Three days of extreme heat, already told."""
    return telling(recorded(day("08-12 12:00"), NOW), channel=channel)


# What a source may say.


@pytest.fixture
def server() -> Iterator[OpenMeteoServer]:
    """A weather server that can be told to misbehave."""
    with OpenMeteoServer(now=NOW) as server:
        yield server


@pytest.fixture
def asking(server: OpenMeteoServer, tmp_path: Path) -> Iterator[Ports]:
    """An instance that asks it."""
    block = SourceBlock(
        name="meteo",
        feed=Feed(kind="open_meteo", every=HOUR),
        source=OpenMeteo(base_url=server.url, quantities=("temperature_2m",)),
    )
    with instance(tmp_path, replace(telling([]), sources={"meteo": block})) as ports:
        yield ports


def hourly(edit: Callable[[dict[str, Any]], object]) -> Callable[[list[dict[str, Any]]], object]:
    """Spoil the hourly part of the first place."""
    return lambda answers: edit(answers[0]["hourly"])


def shuffle(answers: list[dict[str, Any]]) -> None:
    """The hours of the first place come backwards, and one of them twice."""
    for column in answers[0]["hourly"].values():
        column.append(column[0])
        column.reverse()


BODIES = {
    "truncated": (simulator.truncated, "broken JSON"),
    "a web page": (simulator.body(b"<html>login</html>"), "web page"),
    "nothing": (simulator.body(b""), "empty answer"),
    "half": (simulator.cut_off, "127.0.0.1"),
    "status 500": (simulator.status(500), "status 500"),
    "over the limit": (simulator.limit("daily"), "Daily API request limit exceeded"),
}
EDITS = {
    "a wrong unit": (lambda told: told[0]["hourly_units"].update(temperature_2m="°F"), "°F"),
    "NaN": (hourly(lambda hours: hours["temperature_2m"].__setitem__(3, float("nan"))), "broken JSON"),
    "an hour twice": (hourly(lambda hours: hours["time"].__setitem__(3, hours["time"][2])), "hour"),
    "an hour left out": (hourly(lambda hours: [column.pop(9) for column in hours.values()]), "hour"),
    "a short column": (hourly(lambda hours: hours["temperature_2m"].pop()), "temperature_2m"),
    "text": (hourly(lambda hours: hours["temperature_2m"].__setitem__(3, "warm")), "temperature_2m"),
}


def pulled(ports: Ports) -> tuple[str, str, datetime | None]:
    """Outcome and detail of the last pull, and when something last became known."""
    with reading(ports.engine) as connection:
        run = ledger.last_run(connection, "pull meteo")
        return run.outcome, run.detail, ports.archive.newest(connection)


def one_pull_fails(ports: Ports, sentence: str, caplog: pytest.LogCaptureFixture) -> None:
    """The next pull keeps nothing and leaves one sentence; the one after is as if nothing was."""
    pull("meteo", NOW, ports)
    outcome, detail, newest = pulled(ports)
    assert (outcome, newest) == ("failed", None)
    assert sentence in detail
    assert "\n" not in detail
    assert actions(caplog.records) == ["pull_failed"]
    assert len(tick(NOW, ports).findings["heat"].places) == 21


@pytest.mark.parametrize("fault", BODIES)
def test_an_answer_that_is_no_weather(
    server: OpenMeteoServer, asking: Ports, caplog: pytest.LogCaptureFixture, fault: str
):
    """One sentence in ledger and log, nothing of half an answer; the next answer is taken."""
    server.always, sentence = BODIES[fault]
    one_pull_fails(asking, sentence, caplog)
    server.always = None
    pull("meteo", NOW + HOUR, asking)
    assert pulled(asking)[0] == "ok"
    assert pulled(asking)[2] == NOW + HOUR


@pytest.mark.parametrize("fault", EDITS)
def test_weather_that_does_not_add_up(
    server: OpenMeteoServer, asking: Ports, caplog: pytest.LogCaptureFixture, fault: str
):
    """One bad place spoils the pull, because a whole that lacks a part is no answer."""
    server.edit, sentence = EDITS[fault]
    one_pull_fails(asking, sentence, caplog)
    server.edit = lambda answers: None
    pull("meteo", NOW + HOUR, asking)
    assert pulled(asking)[0] == "ok"


def test_an_impossible_value_is_masked_and_counted(server: OpenMeteoServer, asking: Ports):
    """999999 °C is kept as it came, flagged, and judged as missing."""
    server.edit = hourly(lambda hours: hours["temperature_2m"].__setitem__(30, 999999))
    pulled_now = pull("meteo", NOW, asking)
    assert pulled_now.masked.get("RANGE") == 1
    assert "1 RANGE" in pulled(asking)[1]
    with reading(asking.engine) as connection:
        block = asking.archive.block(connection, [NOW], asking.view)
    assert float(np.nanmax(block["temperature_2m"].values)) < 60


def test_hours_out_of_order_and_told_twice_are_put_in_order(
    server: OpenMeteoServer, asking: Ports
):
    """What agrees with itself is weather, in whatever order it comes."""
    found: list[Any] = []
    for edit in (shuffle, lambda answers: None):
        server.edit = edit
        pull("meteo", NOW + len(found) * SECOND, asking)
        with reading(asking.engine) as connection:
            block = asking.archive.block(connection, [NOW + len(found) * SECOND], asking.view)
        found.append(block["temperature_2m"].values)
    np.testing.assert_array_equal(found[0], found[1])


def test_a_pause_that_was_asked_for_is_kept(server: OpenMeteoServer, asking: Ports):
    """After a daily limit the source is left alone until the next day, over a restart too."""
    server.always = simulator.limit("daily")
    play(asking, NOW, NOW + 6 * HOUR)
    assert len(server.requests) == 1
    server.always = None
    play(asking, NOW + 6 * HOUR, NOW + 24 * HOUR)
    assert pulled(asking)[0] == "ok"


# What a channel may do.


def statuses(ports: Ports) -> set[Status]:
    """Where the messages stand."""
    return {row.status for row in messages(ports)}


def all_sent(ports: Ports) -> bool:
    """Whether there are messages, and all were taken."""
    return statuses(ports) == {Status.SENT}


def test_a_channel_that_raises_is_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """A bug in a channel costs an attempt and a trace in the log, no message and no daemon."""
    channel = RecordingChannel(errors=[ZeroDivisionError("bug"), KeyError("bug")])
    with instance(tmp_path, today(channel)) as ports, working(ports):
        until(lambda: all_sent(ports))
        rows = messages(ports)
    assert sorted(channel.keys) == sorted(row.key for row in rows)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert actions(errors) == ["deliver", "deliver"]


def hooked(receiver: MisbehavingReceiver, folder: Path, **more: Any) -> Config:
    """Everybody is told by webhook."""
    folder.joinpath("hook.key").write_text(KEY)
    folder.joinpath("hook.key").chmod(0o600)
    secret = Secret(file=str(folder / "hook.key"))
    return today(Webhook(url=receiver.url(), secret=secret, **more))


def ids(receiver: MisbehavingReceiver) -> list[str]:
    """Keys in the order in which they came."""
    return [seen.headers["webhook-id"] for seen in receiver.seen]


def test_a_receiver_that_fails_is_tried_again_with_the_same_key(tmp_path: Path):
    """500 twice, then 200: every message arrives, and only the refused ones came twice."""
    with MisbehavingReceiver(Conduct(status=500), Conduct(status=500), Conduct()) as receiver:
        with instance(tmp_path, hooked(receiver, tmp_path)) as ports, working(ports):
            until(lambda: all_sent(ports))
            rows = messages(ports)
        came = ids(receiver)
    assert set(came) == {row.key for row in rows}
    assert len(came) == len(rows) + 2
    assert sum(row.attempts for row in rows) == len(came)


def test_a_receiver_that_is_gone_is_not_asked_again(tmp_path: Path):
    """410 gives a row up at once, and says why; the others go their way."""
    with MisbehavingReceiver(Conduct(status=410), Conduct()) as receiver:
        with instance(tmp_path, hooked(receiver, tmp_path)) as ports, working(ports):
            until(lambda: statuses(ports) == {Status.SENT, Status.FAILED})
            (lost,) = [row for row in messages(ports) if row.status is Status.FAILED]
        came = ids(receiver)
    assert "410" in lost.detail
    assert came.count(lost.key) == 1


@dataclass(frozen=True, kw_only=True)
class Split:
    """A channel of its own for one subsystem's people."""

    config: Config
    """Health is reached by `slow`, everybody else by the channel that was there."""

    @classmethod
    def of(cls, config: Config, slow: Channel) -> Split:
        """Take the health people off the common channel."""
        block = replace(config.channels["outbox"], name="slow", channel=slow)
        people = {
            name: replace(person, channels=("slow",)) if name.startswith("health") else person
            for name, person in config.routes.people.items()
        }
        routes = replace(config.routes, people=people)
        return cls(config=replace(config, channels=config.channels | {"slow": block}, routes=routes))


def test_a_receiver_that_hangs_holds_up_nobody_else(tmp_path: Path):
    """Its own message waits for another attempt; everybody else has theirs, and ticks go on."""
    with MisbehavingReceiver(Conduct(manner="hang")) as receiver:
        slow = hooked(receiver, tmp_path, deadline=2 * SECOND).channels["outbox"].channel
        config = Split.of(today(RecordingChannel()), slow).config
        with instance(tmp_path, config) as ports, working(ports):
            until(lambda: receiver.seen)
            until(lambda: _others_sent(ports), 2)
            until(lambda: _hanging(ports).detail)
            row = _hanging(ports)
    assert row.status is not Status.SENT
    assert "2" in row.detail


def _others_sent(ports: Ports) -> bool:
    rows = [row for row in messages(ports) if row.channel != "slow"]
    return bool(rows) and all(row.status is Status.SENT for row in rows)


def _hanging(ports: Ports) -> Delivery:
    return next(row for row in messages(ports) if row.channel == "slow")


# What the machine may do.


def test_ticks_go_on_when_the_clock_is_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An hour back on the whole machine, the scheduler's clock too: the daemon does not sleep an hour."""
    back = timedelta(0)

    class Set(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - back

    for module in ("schedulers.base", "triggers.interval"):
        monkeypatch.setattr(f"apscheduler.{module}.datetime", Set)
    monkeypatch.setattr("pipeline.daemon.wall_clock", lambda: wall_clock() - back)
    config = today()
    service = replace(config.service, heartbeat=SECOND)
    clock = SteadyClock(lambda: wall_clock() - back)
    with instance(tmp_path, replace(config, service=service)) as ports, working(ports, clock=clock):
        until(lambda: len(ticks(ports)) >= 2)
        back, before = HOUR, len(ticks(ports))
        until(lambda: len(ticks(ports)) >= before + 3, 8)
        assert ticks(ports) == sorted(set(ticks(ports)))


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A small file system of its own."""

    folder: Path

    def fill(self) -> None:
        """Leave not a byte."""
        ballast = os.open(self.folder / "ballast", os.O_WRONLY | os.O_CREAT)
        try:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        os.write(ballast, b"\0" * size)
                except OSError:
                    continue
        finally:
            os.close(ballast)

    def free(self) -> None:
        """Throw the ballast out."""
        (self.folder / "ballast").unlink()


@pytest.fixture
def disk() -> Iterator[Disk]:
    """Twelve megabytes in memory; needs the right to mount."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    folder = Path(tempfile.mkdtemp(prefix="fengsui-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "fengsui-test", str(folder)],
        check=False, capture_output=True,
    )
    try:
        if mounted.returncode:
            pytest.skip("this machine lets nobody mount")
        yield Disk(folder=folder)
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", str(folder)], check=True)
        shutil.rmtree(folder)


def test_a_full_disk_costs_a_pull_and_a_tick_nothing(disk: Disk):
    """Each says that the disk is full, and does its work once there is space."""
    with instance(disk.folder, hot()) as ports:
        disk.fill()
        with pytest.raises(StoreError, match=r"full or failing.*free some space, nothing was changed"):
            pull("told", NOW, ports)
        disk.free()
        assert pull("told", NOW, ports).batches > 50
        disk.fill()
        with pytest.raises(StoreError, match="free some space"):
            tick(NOW, ports)
        disk.free()
        assert changes(ports) == messages(ports) == []
        assert len(tick(NOW, ports).transitions) == 1


def test_a_full_disk_delays_the_file_of_messages(disk: Disk, tmp_path: Path):
    """What cannot be appended is due again and written whole, once, when there is space."""
    config = hot(OutboxFile())
    with instance(tmp_path, config) as kept:
        ports = replace(
            kept,
            outbox=replace(kept.outbox, means=replace(kept.outbox.means, folder=disk.folder)),
        )
        pull("told", NOW, ports)
        tick(NOW, ports)
        disk.fill()
        ports.outbox.drain(NOW)
        assert statuses(ports) == {Status.DUE}
        assert "free space on its disk" in messages(ports)[0].detail
        disk.free()
        ports.outbox.drain(NOW + 30 * SECOND)
        ports.outbox.close()
        assert all_sent(ports)
        text = (disk.folder / "outbox.txt").read_text(encoding="utf-8")
        assert [text.count(row.key) for row in messages(ports)] == [1] * len(messages(ports))


def test_the_daemon_lives_through_a_full_disk(disk: Disk, caplog: pytest.LogCaptureFixture):
    """It says what is wrong, not every second, and after space is made everybody is told."""
    channel = RecordingChannel()
    with instance(disk.folder, today(channel)) as ports:
        disk.fill()
        with caplog.at_level(logging.ERROR), working(ports):
            until(lambda: len(caplog.records) >= 3)
            assert channel.tries == 0
            disk.free()
            until(lambda: all_sent(ports))
        assert sorted(channel.keys) == sorted(row.key for row in messages(ports))
    assert all("free some space" in record.message for record in caplog.records)
    assert set(actions(caplog.records)) == {"begin_failed", "job_failed"}


def test_a_store_that_reached_its_quota_says_so(tmp_path: Path):
    """The same without a disk of its own: SQLite may not grow, then may."""
    with instance(tmp_path, hot()) as ports:

        def keep_small(connection: Any) -> None:
            connection.exec_driver_sql("PRAGMA max_page_count=1")

        event.listen(ports.engine, "begin", keep_small)
        with pytest.raises(StoreError, match="full or failing"):
            pull("told", NOW, ports)
        event.remove(ports.engine, "begin", keep_small)
        ports.engine.dispose()
        assert pull("told", NOW, ports).batches > 50


BECOME_NOBODY = """
import os, sys
import pipeline.cli, pipeline.commands.demo, pipeline.commands.run, uvicorn.protocols.http.auto
pipeline.config.load(pipeline.config.default_folder())  # the machine's own files are read by now
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
for command in sys.argv[3:]:
    # Each command has a process of its own, which need not import anything any more.
    if os.fork() == 0:
        pipeline.cli.main([*sys.argv[1:3], command], prog_name="fengsui")
    print(command, os.waitstatus_to_exitcode(os.wait()[1]), file=sys.stderr, flush=True)
"""


def test_a_folder_that_cannot_be_written_is_one_sentence():
    """Exit code 1 of every command that writes, and no trace."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody who may not write")
    folder = Path(tempfile.mkdtemp(prefix="fengsui-readonly-"))
    folder.chmod(0o555)
    try:
        words = [sys.executable, "-c", BECOME_NOBODY, "--data", str(folder), "run", "demo", "tick"]
        ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    finally:
        shutil.rmtree(folder)
    said = ended.stderr.splitlines()
    assert said[1::2] == ["run 1", "demo 1", "tick 1"], ended.stderr
    assert [line for line in said[::2] if "another with --data" not in line] == []
