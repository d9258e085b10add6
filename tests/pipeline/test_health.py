"""Health tells whether it is alive and everybody knows, or whether it is just quiet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fakes import RecordingChannel
from stage import ALARM, HOUR, alarmed, changes, day, informed, instance, play, recorded, telling

from alerts.duty.people import Release
from alerts.duty.release import decide
from alerts.duty.release_rows import Vote
from ingest.database import writing
from ingest.errors import DeliveryError
from pipeline.acknowledge import acknowledge, word_of
from pipeline.health import Health, health
from pipeline.ports import Ports
from pipeline.tick import tick
from pipeline.work import escalate
from rules.level import Level

MINUTE = timedelta(minutes=1)


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    """An instance that has just opened a red alert."""
    with alarmed(tmp_path) as ports:
        yield ports


def at(ports: Ports, moment: datetime = ALARM) -> Health:
    """Its health at a moment."""
    return health(ports.engine, ports.config, moment)


def test_an_alert_is_no_illness(ports: Ports):
    """A red that everybody is being told of is what the service is for."""
    found = at(ports)
    assert found.healthy
    assert found.last_tick == ALARM
    assert [source.name for source in found.sources] == ["told"]


def test_before_the_first_tick_it_is_not_healthy(tmp_path: Path):
    """It says how to start."""
    with instance(tmp_path, telling([])) as ports:
        found = at(ports)
    assert not found.healthy
    assert any("start the daemon with fengsui run" in problem for problem in found.problems)
    assert any("从未 / ever" in problem for problem in found.problems)


@pytest.mark.parametrize(("minutes", "healthy"), [(0, True), (69, True), (71, False)])
def test_a_daemon_that_stopped_is_noticed(ports: Ports, minutes: int, healthy: bool):
    """One heartbeat and ten minutes after its last tick."""
    found = at(ports, ALARM + minutes * MINUTE)
    assert found.healthy is healthy
    assert any("no tick since then" in problem for problem in found.problems) is not healthy


def test_a_silent_source_is_named(ports: Ports):
    """With how long, and what its last pull said."""
    later = ALARM + 25 * HOUR
    tick(later, ports)
    (source,) = at(ports, later).sources
    assert (source.silent, source.newest) == (True, ALARM)
    assert any("told" in problem and "silent" in problem for problem in at(ports, later).problems)


@pytest.mark.parametrize(("minutes", "silent"), [(0, False), (1, True)])
def test_three_turns_without_news_are_silence(ports: Ports, minutes: int, silent: bool):
    """Long before its forecasts are too old to use."""
    feed = ports.config.sources["told"].feed
    later = ALARM + feed.latency + 3 * feed.every + minutes * MINUTE
    assert feed.freshness > 3 * feed.every
    assert at(ports, later).sources[0].silent is silent


def test_towns_that_cannot_be_judged_are_counted(ports: Ports):
    """Missing is not calm."""
    later = ALARM + 60 * HOUR
    tick(later, ports)
    found = at(ports, later)
    assert found.unknown == {"heat": 21}
    assert any("21 towns cannot be judged" in problem for problem in found.problems)


def test_calls_that_nobody_answered_are_a_problem(tmp_path: Path):
    """After the last step of the ladder, until somebody does."""
    with alarmed(tmp_path) as ports:
        play(ports, ALARM, ALARM + 30 * MINUTE)
        found = at(ports, ALARM + 30 * MINUTE)
        assert found.unanswered == 8
        assert any("calls nobody answered: 8" in problem for problem in found.problems)
        alert, later = changes(ports)[0].alert, ALARM + 31 * MINUTE
        for name in found.alerts[0].waiting:
            acknowledge(ports, word_of(alert=alert, subsystem=name, by="x", via="cli", at=later))
        assert at(ports, later).healthy


def test_messages_that_were_given_up_are_a_problem(tmp_path: Path):
    """Somebody was not told."""
    refused = [DeliveryError("gone", retry=False)] * 3
    with alarmed(tmp_path, RecordingChannel(errors=list(refused))) as ports:
        ports.outbox.drain(ALARM)
        found = at(ports)
    assert found.deliveries["failed"] == 3
    assert any("messages given up: 3" in problem for problem in found.problems)


APPROVERS = ("command_centre_duty_a", "command_centre_deputy_a")


@contextmanager
def guarded(folder: Path, needed: int = 1) -> Iterator[tuple[Ports, str]]:
    """An instance whose red waits for approval, and the change that waits."""
    config = telling(recorded(day("08-12 12:00"), ALARM))
    rule = Release(approvers=APPROVERS, needed=needed)
    routes = replace(config.routes, release={Level.RED: rule})
    informed(folder)
    with instance(folder, replace(config, routes=routes)) as ports:
        tick(ALARM, ports)
        yield ports, changes(ports)[0].id


def test_what_waits_for_approval_is_noted_with_whose_turn_it_is(tmp_path: Path):
    """It is nobody's fault yet; the JSON names the change, its age and the approver."""
    with guarded(tmp_path) as (ports, change):
        found = at(ports)
    assert found.healthy
    (told,) = found.as_json()["releases"]
    assert told == {
        "transition": change, "level": "red", "status": "waiting", "since": ALARM.isoformat(),
        "turn": ["command_centre_duty_a"],
    }  # fmt: skip
    (note,) = found.notes
    assert f"1项变化正在等待审批，最早自{ALARM:%Y-%m-%dT%H:%MZ}起，应由指挥中心值班员A审批" in note
    assert f"fengsui approve {change}" in note


def test_what_nobody_approved_in_time_is_a_problem(tmp_path: Path):
    """All were asked and nobody decided: people are not told until somebody does."""
    with guarded(tmp_path) as (ports, _):
        for minutes in (5, 10):
            escalate(ALARM + minutes * MINUTE, ports)
        found = at(ports, ALARM + 10 * MINUTE)
    (problem,) = found.problems
    assert "无人审批、暂未发出" in problem
    assert problem.endswith("the oldest is the turn of command_centre_duty_a, command_centre_deputy_a")


def test_who_has_approved_has_no_turn_any_more(tmp_path: Path):
    """Of two who are needed the other one is waited for."""
    with guarded(tmp_path, needed=2) as (ports, change), writing(ports.engine) as connection:
        word = Vote(transition=change, person=APPROVERS[0], yes=True, at=ALARM, via="cli")
        decide(connection, word, ports.desk, ALARM)
    with instance(tmp_path, ports.config) as again:
        assert [one.turn for one in at(again).releases] == [APPROVERS[1:]]


def test_it_is_json(ports: Ports):
    """Times with offset; what is printed is what the page answers."""
    facts = json.loads(json.dumps(at(ports).as_json()))
    assert facts["healthy"] is True
    assert datetime.fromisoformat(facts["last_tick"]) == ALARM
    assert facts["alerts"][0]["level"] == "red"


def test_asking_changes_nothing(ports: Ports):
    """Health is read, never written."""
    assert at(ports) == at(ports)


def test_a_source_that_is_not_enabled_is_not_missed(tmp_path: Path):
    """Its block is kept, its silence is meant."""
    config = telling(recorded(ALARM, ALARM))
    source = config.sources["told"]
    asleep = replace(source, feed=replace(source.feed, enabled=False))
    with instance(tmp_path, replace(config, sources={"told": asleep})) as ports:
        assert at(ports).sources == ()


def test_a_hazard_that_waits_for_a_baseline_is_noted_and_is_no_illness(ports: Ports):
    """A fresh installation without a climate is not ill; without data it is."""
    later = ALARM + 25 * HOUR
    tick(later, ports)
    found = health(ports.engine, ports.config, later, ["heat"])
    assert not any("cannot be judged" in problem for problem in found.problems)
    assert any("heat" in note and "fengsui baseline" in note for note in found.notes)
    assert any("heat" in problem and "cannot be judged" in problem for problem in at(ports, later).problems)
