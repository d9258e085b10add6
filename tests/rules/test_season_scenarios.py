"""Scenarios of heat waves, heat stress, cold and gale, judged by the ladders that ship."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from simulators.seasons import DAYS, NEWEST_DAY, OLDEST_DAY, block, every_day, every_hour
from simulators.sky import FIRST_DAY, LAST_DAY, NAN, at, place

from pipeline.config import HazardBlock, load
from rules.findings import Verdict

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    path
    for folder in ("heat_wave", "heat_stress", "cold", "gale")
    for path in sorted((ROOT / "tests" / "scenarios" / folder).glob("*.yaml"))
]
NAMES = {"temperature": "temperature_2m", "wind": "wind_speed_10m", "gust": "wind_gusts_10m"}
COLDEST_HOUR = 6
# At 100 % humidity torridity and the index of livestock are 1.8 T + 32.
QUIET = {
    "temperature_2m": 15.0, "relative_humidity_2m": 100.0, "wind_speed_10m": 2.0,
    "wind_gusts_10m": 4.0, "temperature_max_day": 28.0, "relative_humidity_mean_day": 100.0,
}  # fmt: skip


def scenarios() -> Iterator[Any]:
    """Hazard and scenario of every file."""
    for path in FILES:
        sheet = yaml.safe_load(path.read_text(encoding="utf-8"))
        for scenario in sheet["scenarios"]:
            name = f"{sheet['hazard']}: {scenario['title']}"
            yield pytest.param(sheet["hazard"], scenario, id=name)


@pytest.fixture(scope="module")
def shipped() -> dict[str, HazardBlock]:
    """The hazards of the configuration that ships."""
    return load(ROOT / "config").hazards


def moment(text: str) -> tuple[int, int, int]:
    """Day, hour and minute of ``-1 08:05``."""
    day, clock = text.split()
    hour, minute = clock.split(":")
    return int(day), int(hour), int(minute)


def stretch(text: str) -> slice:
    """Places of ``0 16:00`` or ``0 16:00 - 1 03:00`` in a series of hours, both ends included."""
    ends = [place(*moment(part)[:2]) for part in text.split(" - ")]
    return slice(ends[0], ends[-1] + 1)


def celsius(index: float) -> float:
    """Temperature in saturated air of a torridity or livestock index."""
    return (index - 32.0) / 1.8


def drawn(scenario: dict[str, Any]) -> dict[str, Any]:
    """The weather of a scenario: quantity -> series."""
    weather = {name: every_day(v) if "day" in name else every_hour(v) for name, v in QUIET.items()}
    minima, last = scenario.get("minima", {}), 15.0
    for day in range(FIRST_DAY, LAST_DAY):
        last = minima.get(day, last)
        weather["temperature_2m"][place(day, 0) : place(day, 23) + 1] = last + 5.0
        weather["temperature_2m"][place(day, COLDEST_HOUR)] = last
    for key, name in NAMES.items():
        for text, value in scenario.get(key, {}).items():
            weather[name][stretch(text)] = value
    for text, value in scenario.get("thi", {}).items():
        weather["temperature_2m"][stretch(text)] = celsius(value)
    for day, value in scenario.get("torridity", {}).items():
        weather["temperature_max_day"][day - OLDEST_DAY] = celsius(value)
    for key, gaps in scenario.get("missing", {}).items():
        for gap in gaps:
            where = gap - OLDEST_DAY if key == "days" else stretch(gap)
            weather["temperature_max_day" if key == "days" else NAMES[key]][where] = NAN
    return weather


@pytest.mark.parametrize(("name", "scenario"), list(scenarios()))
def test_a_scenario_is_judged_as_a_forecaster_would(
    name: str, scenario: dict[str, Any], shipped: dict[str, HazardBlock]
) -> None:
    """At every moment that the scenario names."""
    rule = shipped[name].rule
    weather = {key: [series] for key, series in drawn(scenario).items()}
    for text, expected in scenario["expect"].items():
        day, hour, minute = moment(text)
        now = at(day, hour) + timedelta(minutes=minute)
        found = rule.assess(name, block(rule, weather, [now]))
        verdict, floor, reach = (
            Verdict(int(part[0, 0])).name.lower() for part in (found.verdict, found.floor, found.reach)
        )
        assert expected in (verdict, f"{floor}..{reach}"), f"{scenario['title']} at {text}"


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_level_of_a_ladder_has_its_scenarios(
    path: Path, shipped: dict[str, HazardBlock]
) -> None:
    """At the threshold, and under it."""
    sheet = yaml.safe_load(path.read_text(encoding="utf-8"))
    told = {word for scenario in sheet["scenarios"] for word in scenario["expect"].values()}
    assert {"none", *(level.key for level in shipped[sheet["hazard"]].rule.ladder)} <= told


def test_drawn_days_reach_as_far_as_any_rule() -> None:
    """A scenario must not look at days that nobody drew."""
    assert np.size(every_day(0.0)) == DAYS == NEWEST_DAY - OLDEST_DAY
