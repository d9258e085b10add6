"""The evidence card says why: value against threshold, what is missing, and what the neighbours do."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ingest.archive import Archive
from ingest.database import reading
from ingest.errors import UnknownName
from ingest.times import parse_instant
from pipeline.cli import main
from pipeline.config import Config, load
from pipeline.explain import Card, explain, find_town, nearest
from pipeline.ports import Judging
from pipeline.replay.run import event_period
from pipeline.view import view_of
from rules.findings import Verdict

CONFIG = Path(__file__).resolve().parents[2] / "config"
EVENT = "heatwave-2022-08"
HOT = parse_instant("2022-08-18T08:05+08:00")


@pytest.fixture(scope="module")
def config() -> Config:
    """The configuration that ships."""
    return load(CONFIG)


@pytest.fixture(scope="module")
def seen(config: Config):
    """Asks for cards of the bundled event."""
    played, period = event_period(config, EVENT)
    judging = Judging(config=played, archive=Archive(), view=view_of(played))
    with reading(period.engine) as connection:
        yield lambda hazard, town, at=HOT: explain(connection, judging, hazard, town, at)
    period.engine.dispose()


def fengsui(*words: str) -> Result:
    """A command."""
    return CliRunner().invoke(main, list(words))


def test_a_card_tells_value_threshold_and_period(seen):
    """The red of 18 August: far above 40 °C, from the afternoon on."""
    card: Card = seen("heat", "昌元街道")
    assert card.asked.verdict is Verdict.RED
    assert card.threshold == 40.0
    assert card.asked.value == pytest.approx(42.4)
    assert card.onset == parse_instant("2022-08-18T13:00+08:00")
    assert card.expires == parse_instant("2022-08-20T21:00+08:00")
    assert card.as_of == parse_instant("2022-08-18T08:00+08:00")
    assert card.age == pytest.approx(5 / 60)
    assert set(card.marks) == {"analysis", "perfect_prognosis"}


def test_a_card_has_every_rung_with_its_margin(seen):
    """What would raise or lower it is the distance to the next threshold."""
    steps = seen("heat", "昌元街道").steps
    assert [(step.level.key, step.limit, step.reached) for step in steps] == [
        ("yellow", 35.0, True), ("orange", 37.0, True), ("red", 40.0, True),
    ]
    assert [step.margin for step in steps] == [pytest.approx(step.certain - step.limit) for step in steps]


def test_where_data_is_missing_the_card_says_so(seen):
    """Before 10 August there is no humidity: unknown, open to the highest level, without a value."""
    card = seen("pig_heat", "昌元街道", parse_instant("2022-07-25T12:05+08:00"))
    assert card.asked.verdict is Verdict.UNKNOWN
    assert (card.asked.floor.key, card.asked.reach.key) == ("none", "red")
    assert card.asked.value is None
    assert all(step.certain is None and step.possible is None for step in card.steps)


def test_a_hazard_of_days_shows_days(seen):
    """The fire weather index is a series of noons."""
    card = seen("forest_fire", "昌元街道", parse_instant("2022-08-22T14:05+08:00"))
    assert card.measured.name == "fwi"
    assert card.asked.verdict is Verdict.RED
    assert card.figures["fire_days"] >= 5


def test_neighbours_are_the_nearest_towns(seen, config):
    """As the crow flies; none of them the town itself."""
    card = seen("heat", "昌元街道")
    near = [found.town.name for found in card.neighbours]
    assert near == [town.name for town in nearest(config.district, card.asked.town)]
    assert near[0] == "昌州街道"
    assert "昌元街道" not in near


def test_the_newest_run_of_each_source_is_named(seen):
    """Known at the moment asked about, not later."""
    runs = {(item.source, item.kind): item for item in seen("heat", "昌元街道").statements}
    assert set(runs) == {(s, k) for s in ("recorded", "derived") for k in ("observation", "forecast")}
    assert all(item.available_at <= HOT for item in runs.values())
    assert runs["recorded", "forecast"].issued_at == HOT - timedelta(minutes=5)


@pytest.mark.parametrize("asked", ["500153001", "昌元街道", "昌元", "Changyuan", "changyuan"])
def test_a_town_is_found_by_code_or_name(config: Config, asked: str):
    """Or by the beginning of it."""
    assert find_town(config.district, asked).id == "500153001"


@pytest.mark.parametrize("asked", ["昌", "上海", ""])
def test_a_town_that_is_none_or_several_is_refused(config: Config, asked: str):
    """With the names there are."""
    with pytest.raises(UnknownName, match="昌元街道、昌州街道"):
        find_town(config.district, asked)


def test_the_command_prints_a_card():
    """In words a forecaster reads, with a line of bars."""
    done = fengsui("explain", "heat", "昌元", "--event", EVENT, "--at", "2022-08-18T08:05+08:00")
    assert done.exit_code == 0, done.output
    for words in ("红色 red", "阈值 threshold 40 °C", "高出 beyond by", "▁", "|"):
        assert words in done.output
    assert "存疑 doubt" in done.output


def test_the_command_prints_json():
    """The same facts for programs."""
    done = fengsui("explain", "heat", "昌元", "--event", EVENT, "--at", "2022-08-18T08:05+08:00", "--json")
    facts: dict[str, Any] = json.loads(done.output)
    assert (facts["verdict"], facts["threshold"]) == ("red", 40.0)
    assert len(facts["series"]["values"]) > 48
    assert [step["level"] for step in facts["ladder"]] == ["yellow", "orange", "red"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["explain", "hail", "昌元", "--event", EVENT], 2, "no hazard is called 'hail'"),
        (["explain", "heat", "上海", "--event", EVENT], 2, "is no town of 荣昌区"),
        (["explain", "heat", "昌元", "--event", EVENT, "--at", "noon"], 2, "--at"),
        (["explain", "heat", "昌元", "--event", "atlantis"], 2, "no event is called"),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_sentence(words: list[str], code: int, says: str):
    """What is wrong and what there is."""
    done = fengsui(*words)
    assert done.exit_code == code
    assert says in done.output


def test_an_instance_that_never_ran_says_so(tmp_path: Path):
    """And makes nothing."""
    done = fengsui("--data", str(tmp_path / "none"), "explain", "heat", "昌元")
    assert done.exit_code == 1
    assert "start fengsui run" in done.output
    assert not (tmp_path / "none").exists()


def test_hazards_are_listed_with_sources_and_doubts(config: Config):
    """Every one that is configured."""
    done = fengsui("hazards")
    assert done.exit_code == 0
    for name, block in config.hazards.items():
        assert f"{block.conduct.name} {name}" in done.output
        assert block.conduct.source.zh in done.output
        assert block.conduct.doubt.en in done.output


def test_hazards_are_listed_as_json(config: Config):
    """With their ladders and who leads."""
    facts = json.loads(fengsui("hazards", "--json").output)
    assert [item["name"] for item in facts] == [*config.hazards, *config.aside]
    rain = next(item for item in facts if item["name"] == "rainstorm")
    assert rain["dispatch"]["flood_control"] == "lead"
    assert "at_least 100" in rain["ladder"]["red"]


@pytest.mark.parametrize(("hazard", "observed"), [("heat", 48), ("forest_fire", 48)])
def test_the_series_is_parted_where_the_forecast_begins(seen, hazard: str, observed: int):
    """The hour of as_of is observed; the day under way is not."""
    card = seen(hazard, "昌元街道", parse_instant("2022-08-22T14:05+08:00"))
    assert card.observed == observed
    assert card.series.size > observed
