"""Critical rain by ground and basin; amounts and thresholds are in tests/scenarios/rain."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from simulators.rainfall import Sky, amounts, around

from rules.findings import Basis, Findings
from rules.hazards.critical_rain import CriticalRain, CriticalRung, Ground
from rules.level import Level

YELLOW, ORANGE, RED = Level.YELLOW, Level.ORANGE, Level.RED
ONE, THREE = timedelta(hours=1), timedelta(hours=3)
GROUND = Ground(days=3, decay=0.5, normal=10.0, wet=30.0)


def table(*rows: tuple[float, float]) -> CriticalRung:
    """A rung of one and three hours on dry, normal and wet ground."""
    dry, normal, wet = ({ONE: one, THREE: three} for one, three in rows)
    return CriticalRung(dry=dry, normal=normal, wet=wet)


LADDER = {
    ORANGE: table((60.0, 100.0), (50.0, 80.0), (40.0, 60.0)),
    RED: table((80.0, 120.0), (70.0, 100.0), (55.0, 85.0)),
}


def critical(**keys: Any) -> CriticalRain:
    """Two levels, two durations, three states of the ground."""
    return CriticalRain(**{"ladder": LADDER, "ground": GROUND, **keys})


def judged(*towns: tuple[str, str], rule: CriticalRain | None = None) -> Findings:
    """Findings of one now; every town is the rain around now and that of the days before."""
    rule = rule or critical()
    size = rule.reach.hours_back, rule.reach.hours_ahead
    rain = np.array([[around(hours, size) for hours, _ in towns]])
    past = [amounts(days) for _, days in towns]
    days = np.array([[[0.0] * (rule.reach.days_back - len(own)) + own for own in past]])
    return rule.assess("flood", Sky(rain=rain, back=size[0], days=days).block)


def test_the_reach_holds_the_days_before() -> None:
    """And the longest window on both sides of now."""
    reach = critical().reach
    assert (reach.hours_back, reach.hours_ahead, reach.days_back) == (12, 24, 3)


def test_each_town_has_the_amounts_of_its_own_ground() -> None:
    """The same 60 mm on dry, normal and wet ground, with the threshold that was met."""
    found = judged(("| 60", ""), ("| 60", "20"), ("| 60", "60"))
    assert found.floor.tolist() == [[ORANGE, ORANGE, RED]]
    assert found.threshold.tolist() == [[60.0, 50.0, 55.0]]
    np.testing.assert_allclose(found.extra["antecedent_rain"], [[0.0, 10.0, 30.0]])


def test_the_shortest_duration_that_is_met_is_told() -> None:
    """85 mm in one hour and 125 in three are both red: the hour is what came first."""
    found = judged(("| 85 40", ""), ("| 40 40 40", ""))
    assert found.extra["window_hours"].tolist() == [[1.0, 3.0]]
    assert found.value.tolist() == [[85.0, 120.0]]


def test_a_factor_makes_the_amounts_of_a_class_of_basins() -> None:
    """Eight tenths for the second town, and nothing for the others."""
    rule = critical(basins={"500153002": "steep"}, factor={"steep": 0.8})
    found = judged(("| 64", ""), ("| 64", ""), ("| 64", ""), rule=rule)
    assert found.floor.tolist() == [[ORANGE, RED, ORANGE]]
    assert found.threshold.tolist() == [[60.0, 64.0, 60.0]]
    assert rule.towns == ("500153002",)


def test_a_town_that_is_named_and_not_in_the_block_does_no_harm() -> None:
    """A block may hold some of the towns."""
    rule = critical(basins={"500153999": "steep"}, factor={"steep": 0.8})
    assert judged(("| 64", ""), rule=rule).floor[0, 0] == ORANGE


@pytest.mark.parametrize(
    ("days", "floor", "reach"), [("?", 0, ORANGE), ("? 60", ORANGE, ORANGE), ("? 20", 0, ORANGE)]
)
def test_a_missing_day_leaves_the_ground_open(days: str, floor: int, reach: int) -> None:
    """What is known of the days is the least; the wet table says what is possible."""
    found = judged(("| 45", days))
    assert (found.floor[0, 0], found.reach[0, 0]) == (floor, reach)
    assert np.isnan(found.extra["antecedent_rain"][0, 0])


def test_a_level_has_times_basis_and_the_largest_hour() -> None:
    """As every hazard of rain windows."""
    found = judged(("50 | 60 0", ""))
    assert (found.onset - found.nows[:, None])[0, 0] == np.timedelta64(55, "m")
    assert (found.expires - found.nows[:, None])[0, 0] == np.timedelta64(115, "m")
    assert found.basis[0, 0] == Basis.FORECAST
    assert found.extra["hour_max"][0, 0] == 60.0


def rung(**tables: Any) -> dict[str, Any]:
    """A ladder of one orange rung with some tables changed."""
    rows = {name: {ONE: 50.0} for name in ("dry", "normal", "wet")}
    return {"ladder": {ORANGE: CriticalRung(**(rows | tables))}}


BAD: list[tuple[str, dict[str, Any]]] = [
    ("orange: dry, normal and wet must list the same durations", rung(wet={THREE: 50.0})),
    ("at least one", rung(dry={}, normal={}, wet={})),
    ("orange: 40 mm is below the 50 of wetter ground", rung(dry={ONE: 40.0})),
    ("without rain", rung(wet={ONE: 0.0})),
    ("no whole number of hours", {"ladder": {RED: CriticalRung(
        dry={ONE / 2: 30.0}, normal={ONE / 2: 30.0}, wet={ONE / 2: 30.0})}}),
    ("red: 60 mm is below the 80 of orange", {"ladder": {ORANGE: LADDER[RED], RED: LADDER[ORANGE]}}),
    ("continues", {"continues": timedelta(0)}),
    ("ground: days", {"ground": Ground(days=0, normal=1.0, wet=2.0)}),
    ("ground: decay", {"ground": Ground(decay=0.0, normal=1.0, wet=2.0)}),
    ("ground: normal", {"ground": Ground(normal=3.0, wet=2.0)}),
    ("has no factor", {"basins": {"500153001": "steep"}}),
    ("factor: steep has 0", {"factor": {"steep": 0.0}}),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "keys"), BAD)
def test_an_impossible_block_is_refused(sentence: str, keys: dict[str, Any]) -> None:
    """With a sentence that names the rung or the key."""
    with pytest.raises(ValueError, match=sentence):
        critical(**keys)
