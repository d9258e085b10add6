"""Droughts that a forecaster wrote down, judged by the ladder that ships."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from simulators.parched import DAY_0, Drawn, at, block

from pipeline.config import load
from rules.findings import Verdict
from rules.hazard import Hazard

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "scenarios" / "drought"


def read(path: Path) -> Any:
    """A YAML file as it stands."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


SCENARIOS: list[dict[str, Any]] = [
    scenario for path in sorted(FOLDER.glob("*.yaml")) for scenario in read(path)
]


@pytest.fixture(scope="module")
def shipped() -> Hazard:
    """Drought with the ladder of the configuration that ships."""
    return load(ROOT / "config").hazards["drought"].rule


def drawn(scenario: dict[str, Any]) -> Drawn:
    """The index of a scenario, day by day."""
    series = {int(day): float(value) for day, value in scenario.get("days", {}).items()}
    for stretch in scenario.get("missing", []):
        first, _, last = str(stretch).partition(" - ")
        series |= dict.fromkeys(range(int(first), int(last or first) + 1), float("nan"))
    return series


def answer(rule: Hazard, scenario: dict[str, Any], text: str) -> tuple[str, str]:
    """The verdict at a moment, and the interval in words."""
    today: date = scenario.get("today", DAY_0)
    day, _, clock = text.rpartition(" ")
    hour, minute = clock.split(":")
    now = at(int(day or 0), int(hour) + int(minute) / 60, today)
    found = rule.assess("drought", block(drawn(scenario), nows=[now], today=today))
    floor, reach = Verdict(int(found.floor[0, 0])), Verdict(int(found.reach[0, 0]))
    return Verdict(int(found.verdict[0, 0])).name.lower(), f"{floor.name}..{reach.name}".lower()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[item["title"] for item in SCENARIOS])
def test_a_scenario_is_judged_as_a_forecaster_would(scenario: dict[str, Any], shipped: Hazard) -> None:
    """At every moment that the scenario names."""
    for text, expected in scenario["expect"].items():
        assert expected in answer(shipped, scenario, text), f"{scenario['title']} at {text}"


@pytest.mark.parametrize("level", ["none", "yellow", "orange", "red", "unknown"])
def test_every_verdict_has_its_scenarios(level: str) -> None:
    """No rung of the ladder goes without."""
    expected = [word for item in SCENARIOS for word in item["expect"].values()]
    assert expected.count(level) >= 3
