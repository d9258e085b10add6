"""Forest-fire scenarios that a forecaster wrote down, judged by the ladder that ships."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from simulators.fire_days import NAN, at, block, noons

from pipeline.config import load
from rules.findings import Verdict
from rules.hazard import Hazard

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS: list[dict[str, Any]] = [
    scenario
    for path in sorted((ROOT / "tests" / "scenarios" / "forest_fire").glob("*.yaml"))
    for scenario in yaml.safe_load(path.read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def shipped() -> Hazard:
    """Forest fire as the configuration that ships has it."""
    return load(ROOT / "config").hazards["forest_fire"].rule


def moment(text: str) -> Any:
    """The moment of ``-1 08:05``."""
    day, clock = text.split()
    hour, minute = clock.split(":")
    return at(int(day), int(hour) + int(minute) / 60)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[item["title"] for item in SCENARIOS])
def test_a_scenario_is_judged_as_a_forecaster_would(
    scenario: dict[str, Any], shipped: Hazard
) -> None:
    """At every moment that the scenario names."""
    gone = dict.fromkeys(scenario.get("unknown", []), NAN)
    series = noons(scenario.get("levels"), scenario.get("index", {}) | gone)
    spots = {moment(text): 2.0 for text in scenario.get("hot_spots", [])}
    for text, expected in scenario["expect"].items():
        found = shipped.assess("forest_fire", block(series, nows=[moment(text)], spots=spots))
        floor, reach = (Verdict(int(part[0, 0])).name.lower() for part in (found.floor, found.reach))
        verdict = Verdict(int(found.verdict[0, 0])).name.lower()
        assert expected in (verdict, f"{floor}..{reach}"), f"{verdict} {floor}..{reach} at {text}"


@pytest.mark.parametrize("level", ["none", "yellow", "orange", "red", "unknown"])
def test_every_verdict_has_its_scenarios(level: str) -> None:
    """No rung of the ladder goes without."""
    expected = [word for item in SCENARIOS for word in item["expect"].values()]
    assert expected.count(level) >= 3
