"""Scenarios that a forecaster wrote down, judged by the ladder that ships."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from simulators.sky import NAN, Series, at, block, days, place

from pipeline.config import load
from rules.findings import Verdict
from rules.hazard import Hazard

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "scenarios"


def read(path: Path) -> Any:
    """A YAML file as it stands."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


SCENARIOS: list[dict[str, Any]] = [
    scenario for path in sorted(FOLDER.glob("*.yaml")) for scenario in read(path)
]


@pytest.fixture(scope="module")
def shipped() -> Hazard:
    """Heat with the ladder of the configuration that ships."""
    return load(ROOT / "config").hazards["heat"].rule


def moment(text: str) -> tuple[int, int, int]:
    """Day, hour and minute of ``-1 08:05``."""
    day, clock = text.split()
    hour, minute = clock.split(":")
    return int(day), int(hour), int(minute)


def drawn(scenario: dict[str, Any]) -> Series:
    """The weather of a scenario, hour by hour."""
    hours = {moment(text)[:2]: value for text, value in scenario.get("hours", {}).items()}
    series = days(scenario.get("days", {}), hours)
    for stretch in scenario.get("missing", []):
        first, last = (place(*moment(text)[:2]) for text in stretch.split(" - "))
        series[first : last + 1] = NAN
    return series


def answer(rule: Hazard, series: Series, text: str) -> tuple[Verdict, str]:
    """The verdict at a moment, and the interval in words."""
    day, hour, minute = moment(text)
    now = at(day, hour) + timedelta(minutes=minute)
    size = (rule.reach.hours_back, rule.reach.hours_ahead)
    found = rule.assess("heat", block(series, nows=[now], size=size))
    floor, reach = Verdict(int(found.floor[0, 0])), Verdict(int(found.reach[0, 0]))
    return Verdict(int(found.verdict[0, 0])), f"{floor.name}..{reach.name}".lower()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[item["title"] for item in SCENARIOS])
def test_a_scenario_is_judged_as_a_forecaster_would(scenario: dict[str, Any], shipped: Hazard) -> None:
    """At every moment that the scenario names."""
    series = drawn(scenario)
    for text, expected in scenario["expect"].items():
        verdict, interval = answer(shipped, series, text)
        assert expected in (verdict.name.lower(), interval), f"{scenario['title']} at {text}"


@pytest.mark.parametrize("level", ["none", "yellow", "orange", "red", "unknown"])
def test_every_verdict_has_its_scenarios(level: str) -> None:
    """No rung of the ladder goes without."""
    expected = [word for item in SCENARIOS for word in item["expect"].values()]
    assert expected.count(level) >= 3
