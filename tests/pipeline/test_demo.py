"""The demonstration: the real daemon, real HTTP, and a folder that can be looked at afterwards."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from stage import EVENT, day, district

from alerts.event.transition import Transition
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Status
from alerts.record import ledger, store
from ingest.database import open_engine, reading
from ingest.times import parse_instant
from pipeline.cli import main
from pipeline.demo.stage import set_stage
from pipeline.replay.run import event_period, run
from pipeline.settings import Settings
from pipeline.wiring import desk_of

END = "2022-07-28T08:00+08:00"


def demo(folder: Path, *more: str) -> Result:
    """Play in a folder."""
    return CliRunner().invoke(main, ["--data", str(folder), "demo", *more])


@dataclass(frozen=True, kw_only=True)
class Played:
    """A finished demonstration of the first alert."""

    folder: Path
    output: str
    transitions: list[Transition]


def transitions(folder: Path) -> list[Transition]:
    """The changes in the database of a demonstration."""
    engine = open_engine(f"sqlite:///{folder / 'demo' / 'fengsui.db'}")
    try:
        with reading(engine) as connection:
            return store.transitions(connection)
    finally:
        engine.dispose()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Opened, raised, ended."""
    folder = tmp_path_factory.mktemp("demo")
    result = demo(folder, EVENT, "--until", END)
    assert result.exit_code == 0, result.output
    return Played(folder=folder / "demo", output=result.output, transitions=transitions(folder))


def test_demo_and_replay_make_the_same_changes(played: Played):
    """Row for row: the demonstration is the production loop, and so is the replay."""
    config, period = event_period(district(), EVENT)
    try:
        found = run(config, period, desk_of(config, "x" * 32, config.service.public_url))
    finally:
        period.engine.dispose()
    last = parse_instant(END)
    assert played.transitions == [change for change in found.transitions if change.at <= last]
    told = [(change.hazard, change.reason.value) for change in played.transitions]
    heat = ["opened", "raised", "ended"]
    # Of humidity, rain and wind nothing is recorded yet: that is told, and nothing is made up.
    blind = [("pig_heat", "data_lost"), ("forest_fire", "data_lost")]
    assert told == blind + [("heat", reason) for reason in heat]


def test_every_message_went_out_over_real_http(played: Played):
    """Webhooks that the receiver verified, each once; the same people have a block in the file."""
    lines = [json.loads(line) for line in (played.folder / "subsystem.jsonl").read_text().splitlines()]
    assert len({line["id"] for line in lines}) == len(lines) > 30
    blocks = (played.folder / "outbox.txt").read_text(encoding="utf-8").count("编号 Key:")
    assert blocks == len(lines)


def test_officers_answered_over_http_and_some_slept(played: Played):
    """All calls are answered through their links; two subsystems only after their ladder climbed."""
    engine = open_engine(f"sqlite:///{played.folder / 'fengsui.db'}")
    with reading(engine) as connection:
        calls = store.calls(connection)
        words = store.acknowledgements(connection)
        rows = deliveries.all_deliveries(connection)
        ticks = ledger.ticks(connection)
    engine.dispose()
    assert {call.status.value for call in calls} == {"acknowledged"}
    climbed = {call.subsystem: call.step for call in calls if call.step}
    assert climbed == {"education": 1, "flood_control": 2}
    assert {word.via for word in words} == {"link"}
    assert {row.status for row in rows} == {Status.SENT}
    assert len(ticks) > 180


def test_it_prints_what_happened(played: Played):
    """Bulletins in words, the table, and where to look."""
    for word in ("荣昌区", "高温", "变化与叫应", "ERA5", "完美预报", "outbox.txt", "fengsui.db"):
        assert word in played.output.replace("\n", "")
    assert Counter(played.output)["✓"] >= 10


@pytest.mark.soak
def test_a_finished_play_begins_anew(tmp_path: Path):
    """The folder is cleared, and the same changes are made again."""
    begin = ["--until", "2022-07-24T01:00+08:00"]
    first = demo(tmp_path, *begin), transitions(tmp_path)
    second = demo(tmp_path, *begin), transitions(tmp_path)
    assert first[1] == second[1] != []
    assert [result.exit_code for result, _ in (first, second)] == [0, 0]
    assert "继续上次未完成的演示" not in second[0].output


def test_an_unfinished_play_is_continued(tmp_path: Path):
    """It says from when; nothing is told twice."""
    folder = tmp_path / "demo"
    settings = Settings(config=district().folder, data=folder, database=f"sqlite:///{folder}/fengsui.db")
    until = day("07-23 12:05")
    with set_stage(EVENT, district(), settings, until) as stage:
        assert not stage.resumed
        stage.play(lambda job, now, event: None)
    result = demo(tmp_path, "--until", "2022-07-24T01:00+08:00")
    assert "继续上次未完成的演示，从07-23 12:05起" in result.output
    heat = [change for change in transitions(tmp_path) if change.hazard == "heat"]
    assert [change.at for change in heat] == [day("07-24 00:05")]


def test_the_folder_of_a_real_instance_is_refused(tmp_path: Path):
    """A demonstration never clears what is not its own."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "fengsui.db").write_bytes(b"precious")
    result = demo(tmp_path)
    assert (result.exit_code, "choose another folder" in result.output) == (1, True)
    assert (folder / "fengsui.db").read_bytes() == b"precious"


def test_an_event_that_is_not_bundled_is_misuse(tmp_path: Path):
    """The message lists those that are."""
    result = demo(tmp_path, "atlantis")
    assert result.exit_code == 2
    assert EVENT in result.output


@pytest.mark.parametrize("until", ["tomorrow", "2022-07-28", "2022-07-28T08:00"])
def test_an_end_that_is_no_moment_is_misuse(tmp_path: Path, until: str):
    """A moment needs its offset."""
    result = demo(tmp_path, "--until", until)
    assert (result.exit_code, "--until" in result.output) == (2, True)


@pytest.mark.soak
def test_the_whole_event_equals_its_replay(tmp_path: Path):
    """All 47 days."""
    assert demo(tmp_path).exit_code == 0
    config, period = event_period(district(), EVENT)
    found = run(config, period, desk_of(config, "x" * 32, config.service.public_url))
    period.engine.dispose()
    assert transitions(tmp_path) == list(found.transitions)
