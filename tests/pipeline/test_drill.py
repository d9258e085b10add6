"""A drill uses the real chain, and cannot be mistaken or escape."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from fakes import RecordingChannel
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import district, messages, place

from alerts.duty import routing
from alerts.duty.people import Person, Release
from alerts.duty.routing import Warned, route
from alerts.event.transition import Reason
from alerts.outgoing.outbox import Outbox
from ingest.errors import ConfigMistake, UnknownName
from ingest.http import HttpClient
from ingest.source import Request
from pipeline.cli import main
from pipeline.config import ChannelBlock, ChannelKeys, Config, default_folder, load
from pipeline.console.server import Console
from pipeline.daemon import SteadyClock
from pipeline.drill import run
from pipeline.drill.plan import Crew, Drill, drills, load_drill, rehearsal, shift_changes
from pipeline.drill.run import Ground, play_fast, play_live, set_up
from pipeline.drill.storm import AHEAD, DRY_BEFORE, DesignStorm
from rules.level import Level

NAME = "storm_327"
BEGINS = datetime(2026, 7, 21, 4, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def shipped(config: Config | None = None) -> Drill:
    """The drill that comes with the program."""
    return load_drill(config or district(), NAME)


def recorded(channel: RecordingChannel) -> Config:
    """The district over a channel that keeps what it takes, with a canary that must stay silent."""
    keys = ChannelKeys(kind="fake", canary="operations_duty_b")
    return replace(district(), channels={"outbox": ChannelBlock(name="outbox", channel=channel, keys=keys)})


@contextmanager
def ground(folder: Path, config: Config, drill: Drill) -> Iterator[Ground]:
    """A drill, set up."""
    with (
        Console("127.0.0.1:0") as console,
        set_up(config, place(folder), drill, NAME, BEGINS, console) as made,
    ):
        yield made


def quiet(*_: object) -> None:
    """Nobody watches."""


def test_a_drill_goes_the_whole_way_and_reaches_only_its_participants(tmp_path: Path):
    """From the first forecast to the all-clear, in its own ledger, with its own words."""
    channel = RecordingChannel()
    config = recorded(channel)
    with ground(tmp_path, config, shipped(config)) as made:
        ended = play_fast(made, quiet)
        found = made.score(ended)
        rows = messages(made.ports)
    assert found.marks
    assert found.share == 1.0
    assert {row.recipient for row in rows} <= shipped().people
    assert any(row.data["reason"] == "ended" for row in rows if "reason" in row.data)
    assert all(message.text.startswith("【演练】") for message in channel.taken)
    assert all("不是真实预警" in message.text for message in channel.taken)
    assert {message.data["status"] for message in channel.taken} == {"Exercise"}
    assert not (tmp_path / "fengsui.db").exists()


PEOPLE = sorted(district().routes.people)
OTHERS = [name for name in district().routes.subsystems if name != "command_centre"]
CREWS = st.builds(
    Crew,
    duty=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True).map(tuple),
    deputy=st.lists(st.sampled_from(PEOPLE), max_size=2, unique=True).map(tuple),
)


@settings(max_examples=30, deadline=None)
@given(
    crews=st.dictionaries(st.sampled_from(OTHERS), CREWS, max_size=6),
    centre=CREWS,
    reason=st.sampled_from(list(Reason)),
    level=st.sampled_from(list(Level)[1:]),
    hour=st.integers(0, 23),
    warned=st.lists(st.sampled_from(PEOPLE), max_size=5),
)
def test_nobody_else_can_be_reached_whatever_is_rehearsed(crews, centre, reason, level, hour, warned):
    """By construction: who takes no part is not in the configuration of the drill at all."""
    from fakes import change

    drill = replace(shipped(), crews={**crews, "command_centre": centre})
    approvers = Release(approvers=tuple(PEOPLE[:4]), needed=1)
    all_of_them = replace(
        district().routes, release={Level.RED: approvers}, supervisor=tuple(PEOPLE)
    )
    real = replace(district(), routes=all_of_them)
    routes = rehearsal(real, drill, BEGINS, "http://127.0.0.1:1").routes
    at = BEGINS.replace(hour=hour)
    made = change(reason, hazard="rainstorm", to_level=level, at=at)
    heard = [Warned(subsystem="flood_control", person=person) for person in warned]
    told = {notice.person for notice in route(made, routes, at, heard) if notice.told}
    for step in ("duty", "deputy", "centre"):
        for name in routes.subsystems:
            told |= {item.person for item in routing.call(routes, name, None, level, (1, step), at)}
    told |= {person for block in routes.release.values() for person in block.approvers}
    told |= set(routes.supervisor) | set(routes.people)
    assert told - {None} <= drill.people


def test_a_row_for_somebody_else_would_find_no_address(tmp_path: Path):
    """The last gate: the outbox knows the participants alone."""
    config = recorded(RecordingChannel())
    with ground(tmp_path, config, shipped(config)) as made:
        outbox: Outbox = made.ports.outbox
        assert set(outbox.routes.people) == shipped().people
        assert made.ports.config.channels["outbox"].keys.canary is None


def test_a_drill_on_the_real_clock_ends_by_telling_everybody(tmp_path: Path, monkeypatch):
    """What was begun is withdrawn, to exactly those who were warned; then it stops by itself."""
    channel = RecordingChannel()
    config, clock, stop = recorded(channel), SteadyClock(), threading.Event()
    short = replace(shipped(config), lasts=timedelta(seconds=3), crews=shipped().crews)
    monkeypatch.setattr(run, "_RUN_OUT", timedelta(seconds=60))
    with (
        Console("127.0.0.1:0") as console,
        set_up(config, place(tmp_path), short, NAME, clock.now(), console) as made,
    ):
        play_live(made, clock, stop, quiet)
    ended = [message for message in channel.taken if message.data.get("reason") == "cancelled"]
    opened = [message for message in channel.taken if message.data.get("reason") == "opened"]
    assert opened
    assert {message.recipient.name for message in ended} == {m.recipient.name for m in opened}
    assert all("演练结束" in message.text for message in ended)


def test_the_storm_is_what_its_file_says():
    """327.5 mm in 24 hours, to the tenth."""
    drill = shipped()
    assert sum(round(hour * 10) for hour in drill.rain) == 3275
    assert len(drill.rain) == 24
    assert drills(default_folder()) == [NAME]


def storm(rain: tuple[float, ...] = (1.0, 2.0, 3.0)) -> DesignStorm:
    """A small storm that begins an hour after the drill."""
    return DesignStorm(begins=BEGINS, lead=HOUR, rain=rain)


def fetch(since: datetime | None, now: datetime) -> list:
    """What the storm tells between two moments."""
    with HttpClient() as http:
        request = Request(now=now, since=since, district=district().district, http=http)
        return storm().fetch("design_storm", request)


def test_the_past_of_a_drill_is_dry_and_its_future_is_told_at_once():
    """So that every rain window is full, and the forecast alone can call."""
    past, ahead = fetch(None, BEGINS)
    assert (past.kind, past.valid_at.size) == ("observation", DRY_BEFORE)
    assert past.values["precipitation"].max() == 0
    assert (ahead.kind, ahead.valid_at.size) == ("forecast", AHEAD)
    assert ahead.values["precipitation"][0][:6].tolist() == [0.0, 1.0, 2.0, 3.0, 0.0, 0.0]


def test_each_hour_is_told_once():
    """Whatever the pace of the pulls."""
    whole = fetch(None, BEGINS + 5 * HOUR)
    pieces = fetch(None, BEGINS)
    for step in range(20):
        since = BEGINS + step * HOUR / 4
        pieces += fetch(since, since + HOUR / 4)
    assert [batch.available_at for batch in pieces] == [batch.available_at for batch in whole]
    rain = [batch.values["precipitation"][0, 0] for batch in whole if batch.kind == "observation"][1:]
    assert rain == [0.0, 1.0, 2.0, 3.0, 0.0]


MISTAKES = {
    "total: 327.5": ("total: 300.0", "add up to 327.5 mm"),
    "hazards: [rainstorm,": ("hazards: [rainstrom,", 'no hazard is called "rainstrom"'),
    "command_centre: {duty: [command_centre_duty_a]": (
        "agriculture: {duty: [agriculture_duty_a]",
        "must take part",
    ),
    "traffic: {duty: [traffic_duty_a]}": ("traffic: {duty: [nobody]}", 'nobody is called "nobody"'),
    "lead: 1h": ("lead: 90m", "whole hours"),
    "lasts: 45m": ("lasts: 0m", "longer than nothing"),
    "operations: {duty: [operations_duty_a]}": ("operations: {duty: []}", "nobody plays it"),
    "2.5, 3.0,": ("6.5, -1.0,", "never less than nothing"),
}


@pytest.mark.parametrize("right", MISTAKES)
def test_a_mistake_in_a_drill_is_one_clear_sentence(tmp_path: Path, right: str):
    """It names file, key and remedy, before anybody is woken."""
    wrong, says = MISTAKES[right]
    folder = tmp_path / "config"
    shutil.copytree(default_folder(), folder)
    file = folder / "drills" / f"{NAME}.yaml"
    text = file.read_text(encoding="utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong), encoding="utf-8")
    with pytest.raises(ConfigMistake) as caught:
        load_drill(load(folder), NAME)
    assert says in str(caught.value)
    assert f"{NAME}.yaml:" in str(caught.value)


def test_a_drill_that_is_not_there_names_those_that_are():
    """Exit code 2."""
    with pytest.raises(UnknownName, match=NAME):
        load_drill(district(), "flood")


@pytest.mark.parametrize(("minute", "changing"), [("07:45", True), ("08:20", True), ("12:00", False)])
def test_no_drill_begins_while_shifts_change(minute: str, changing: bool):
    """The one who leaves is not there any more to say what is real."""
    at = datetime.fromisoformat(f"2026-07-21T{minute}:00+08:00").astimezone(UTC)
    assert bool(shift_changes(district(), shipped(), at)) is changing


def test_the_command_plays_a_drill_and_writes_its_score(tmp_path: Path):
    """`fengsui drill storm_327 --fast`."""
    done = CliRunner().invoke(main, ["--data", str(tmp_path), "drill", NAME, "--fast"])
    assert done.exit_code == 0, done.output
    (score,) = tmp_path.glob("drills/*/score.json")
    found = json.loads(score.read_text(encoding="utf-8"))
    assert found["status"] == "Exercise"
    assert found["in_time"] == 1.0
    assert "【演练" in done.output


def test_without_a_name_the_drills_are_listed(tmp_path: Path):
    """Nobody need know them by heart."""
    done = CliRunner().invoke(main, ["--data", str(tmp_path), "drill"])
    assert NAME in done.output


def test_a_participant_of_the_drill_is_a_real_person_with_the_real_channels():
    """Only quiet hours are lifted: who rehearses is awake."""
    routes = rehearsal(district(), shipped(), BEGINS, "http://127.0.0.1:1").routes
    real: Person = district().routes.people["flood_control_duty_a"]
    assert routes.people["flood_control_duty_a"] == replace(real, quiet=None)
