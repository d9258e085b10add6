"""Rain that a forecaster wrote down, judged by the ladders that ship."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from simulators.rainfall import NOW, Sky, amounts, around

from pipeline.config import load
from rules.findings import Basis, Findings, Verdict
from rules.hazard import Hazard

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "scenarios" / "rain"
AS_OF = NOW - np.timedelta64(300, "s")

SCENARIOS: list[tuple[str, dict[str, Any]]] = [
    (path.stem, scenario)
    for path in sorted(FOLDER.glob("*.yaml"))
    for scenario in yaml.safe_load(path.read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def shipped() -> dict[str, Hazard]:
    """The hazards of the configuration that ships."""
    return {name: block.rule for name, block in load(ROOT / "config").hazards.items()}


def answer(rule: Hazard, scenario: dict[str, Any]) -> Findings:
    """The findings of a scenario: one town, one moment."""
    reach = rule.reach
    hours = around(scenario["rain"], (reach.hours_back, reach.hours_ahead))
    days = amounts(scenario.get("days", ""))
    daily = np.array([0.0] * (reach.days_back - len(days)) + days)
    sky = Sky(
        rain=hours[None, None], back=reach.hours_back, days=daily[None, None],
        towns=(scenario.get("town", "500153002"),),
    )  # fmt: skip
    return rule.assess("here", sky.block)


def told(found: Findings) -> dict[str, Any]:
    """Findings in the words of the scenarios."""
    floor, reach = Verdict(int(found.floor[0, 0])), Verdict(int(found.reach[0, 0]))
    onset, expires = (
        None if np.isnat(at) else int((at - AS_OF) / np.timedelta64(3600, "s"))
        for at in (found.onset[0, 0], found.expires[0, 0])
    )
    return {
        "expect": (Verdict(int(found.verdict[0, 0])).name.lower(), f"{floor.name}..{reach.name}".lower()),
        "onset": (onset,),
        "expires": (expires, "none" if expires is None else expires),
        "basis": (Basis(int(found.basis[0, 0])).name.lower(),),
        "value": (float(found.value[0, 0]),),
        "threshold": (float(found.threshold[0, 0]),),
        "window": (float(found.extra["window_hours"][0, 0]) if "window_hours" in found.extra else None,),
    }


@pytest.mark.parametrize(
    ("name", "scenario"), SCENARIOS, ids=[f"{name}: {item['title']}" for name, item in SCENARIOS]
)
def test_a_scenario_is_judged_as_a_forecaster_would(
    name: str, scenario: dict[str, Any], shipped: dict[str, Hazard]
) -> None:
    """Level, and onset, expiry, basis, amount and window where the scenario names them."""
    words = told(answer(shipped[name], scenario))
    for key in words.keys() & scenario.keys():
        assert scenario[key] in words[key], key


@pytest.mark.parametrize("name", sorted({name for name, _ in SCENARIOS}))
def test_every_level_is_met_exactly_and_missed_by_a_tenth(name: str, shipped: dict[str, Hazard]) -> None:
    """No rung of a shipped ladder goes without its three scenarios."""
    own = [item["title"] for hazard, item in SCENARIOS if hazard == name]
    for level in shipped[name].ladder:
        for word in ("exactly", "just under", "just over"):
            assert any(title.startswith(f"{level.key}: {word}") for title in own), (level, word)
