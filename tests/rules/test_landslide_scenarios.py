"""Landslide scenarios that a forecaster wrote down, judged by the ladder that ships."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from simulators.rain_days import CODES, NAN, at, block, place, rain

from pipeline.config import load
from rules.findings import Verdict
from rules.hazards.landslide import Landslide

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS: list[dict[str, Any]] = [
    scenario
    for path in sorted((ROOT / "tests" / "scenarios" / "landslide").glob("*.yaml"))
    for scenario in yaml.safe_load(path.read_text(encoding="utf-8"))
]
TOWNS = {"moderate": "500153001", "high": "500153003", "low": "500153101"}


@pytest.fixture(scope="module")
def shipped() -> Landslide:
    """Landslide as the configuration that ships has it."""
    rule = load(ROOT / "config").hazards["landslide"].rule
    assert isinstance(rule, Landslide)
    return rule


def moment(text: str) -> tuple[int, int, int]:
    """Day, hour and minute of ``-1 08:05``."""
    day, clock = text.split()
    hour, minute = clock.split(":")
    return int(day), int(hour), int(minute)


def drawn(scenario: dict[str, Any]) -> Any:
    """The rain of a scenario, hour by hour."""
    hours = {moment(text)[:2]: amount for text, amount in scenario.get("hours", {}).items()}
    series = rain(scenario.get("frames"), hours)
    for stretch in scenario.get("missing", []):
        first, last = (place(*moment(text)[:2]) for text in stretch.split(" - "))
        series[first : last + 1] = NAN
    return series


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[item["title"] for item in SCENARIOS])
def test_a_scenario_is_judged_as_a_forecaster_would(
    scenario: dict[str, Any], shipped: Landslide
) -> None:
    """At every moment that the scenario names."""
    series, town = drawn(scenario), TOWNS[scenario.get("town", "moderate")]
    for text, expected in scenario["expect"].items():
        day, hour, minute = moment(text)
        sky = block(series, nows=[at(day, hour + minute / 60)], forget=scenario.get("no_total", []))
        found = shipped.assess("landslide", sky.assign_coords(place=[town]))
        floor, reach = (Verdict(int(part[0, 0])).name.lower() for part in (found.floor, found.reach))
        verdict = Verdict(int(found.verdict[0, 0])).name.lower()
        assert expected in (verdict, f"{floor}..{reach}"), f"{verdict} {floor}..{reach} at {text}"


@pytest.mark.parametrize("level", ["none", "blue", "yellow", "orange", "red"])
def test_every_verdict_has_its_scenarios(level: str) -> None:
    """No rung of the ladder goes without."""
    expected = [word for item in SCENARIOS for word in item["expect"].values()]
    assert expected.count(level) >= 3


def test_the_towns_of_the_configuration_are_those_of_the_district(shipped: Landslide) -> None:
    """Every town has a susceptibility of its own."""
    assert shipped.towns == tuple(sorted(shipped.susceptibility))
    assert set(shipped.susceptibility) == {t.id for t in load(ROOT / "config").district.towns}
    assert len(CODES) == 21
