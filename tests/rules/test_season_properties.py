"""What must hold of heat waves, heat stress, cold and gale whatever the weather."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from simulators.seasons import DAYS, HOURS, block
from simulators.sky import at, place

from rules.hazards.cold_wave import ColdWave, ColdWaveRung
from rules.hazards.gale import Gale, GaleRung
from rules.hazards.heat_stress import HeatStress
from rules.hazards.heat_wave import HeatWave, HeatWaveRung
from rules.hazards.low_temperature import LowTemperature
from rules.level import Level
from rules.spans import FallingSpan, RisingSpan

DAY = timedelta(hours=24)
STRICT: dict[str, Any] = {"max_gap": timedelta(0)}
HEAT_STRESS = HeatStress(
    index="thi", **STRICT,
    ladder={
        Level.YELLOW: RisingSpan(at_least=79.0, within=DAY, hours=3, clear_below=78.0),
        Level.RED: RisingSpan(at_least=86.0, within=DAY / 4),
    },
)  # fmt: skip
LOW = LowTemperature(
    **STRICT,
    ladder={
        Level.BLUE: FallingSpan(at_most=21.0, within=DAY, hours=3, clear_above=22.0),
        Level.ORANGE: FallingSpan(at_most=18.2, within=DAY / 4),
    },
)
GALE = Gale(
    **STRICT,
    ladder={
        Level.BLUE: GaleRung(within=DAY, force=6, gust=10),
        Level.RED: GaleRung(within=DAY / 4, force=7, gust=11),
    },
)
COLD = ColdWave(
    **STRICT,
    ladder={
        Level.BLUE: ColdWaveRung(at_least=0.3, within=2 * DAY, lowest=18.5, force=6),
        Level.RED: ColdWaveRung(at_least=0.5, within=DAY, lowest=18.3, force=6, clear_below=0.4),
    },
)
WAVE = HeatWave(
    critical=91.0,
    ladder={
        Level.YELLOW: HeatWaveRung(at_least=2.8),
        Level.RED: HeatWaveRung(at_least=6.5, within_days=0, clear_below=5.0),
    },
)
RULES = [HEAT_STRESS, LOW, GALE, COLD, WAVE]
# Quantity -> bounds of the drawn weather, near the thresholds, and what makes it worse.
DRAWN = {
    "temperature_2m": (18.0, 33.0), "relative_humidity_2m": (40.0, 95.0),
    "wind_speed_10m": (0.0, 14.0), "wind_gusts_10m": (5.0, 28.6),
    "temperature_max_day": (34.0, 39.5), "relative_humidity_mean_day": (50.0, 70.0),
}  # fmt: skip
TOWNS = 6
NOWS = [at(day, hour) + timedelta(minutes=5) for day in (-1, 0, 1) for hour in (0, 7, 15, 23)]
every_rule = pytest.mark.parametrize("rule", RULES, ids=[type(rule).__name__ for rule in RULES])
seeds = pytest.mark.parametrize("seed", range(6))


def weather(rule: Any, seed: int, missing: float = 0.0) -> dict[str, list[Any]]:
    """Some towns, with hours or days and stretches of them missing."""
    random = np.random.default_rng(seed)
    drawn = {}
    for name in rule.quantities:
        shape = (TOWNS, DAYS if name.endswith("_day") else HOURS)
        values = np.round(random.uniform(*DRAWN[name], shape), 1)
        values[random.random(shape) < missing] = np.nan
        drawn[name] = list(values)
    return drawn


def judged(rule: Any, drawn: Any, lag: int = 0) -> Any:
    """Findings at all moments."""
    return rule.assess("here", block(rule, drawn, NOWS, lag))


def worse(rule: Any, drawn: Any) -> dict[str, list[Any]]:
    """The same weather, more dangerous."""
    changed = {name: [series.copy() for series in towns] for name, towns in drawn.items()}
    for name, towns in changed.items():
        for series in towns:
            if rule is COLD and name == "temperature_2m":
                series[: place(-1, 0)] += 0.7
            else:
                series += -0.7 if rule is LOW else 0.7
    return changed


@every_rule
@seeds
def test_more_danger_is_never_a_lower_level(rule: Any, seed: int) -> None:
    """Hotter, damper, colder, windier: neither what is certain nor what is possible falls."""
    drawn = weather(rule, seed, missing=0.02)
    nows = slice(0, 4) if rule is COLD else slice(None)  # of day -1: the days before were warmer
    mild, harsh = judged(rule, drawn).rows(nows), judged(rule, worse(rule, drawn)).rows(nows)
    for part in ("floor", "reach", "ceiling"):
        assert (getattr(mild, part) <= getattr(harsh, part)).all()


@every_rule
@seeds
@pytest.mark.parametrize("lag", [0, 3])
def test_the_truth_lies_between_certain_and_possible(rule: Any, seed: int, lag: int) -> None:
    """A missing hour or day never raises what is certain, and never lowers or ends anything."""
    whole = weather(rule, seed)
    random = np.random.default_rng(seed)
    holed = {
        name: [np.where(random.random(series.size) < 0.03, np.nan, series) for series in towns]
        for name, towns in whole.items()
    }
    told, truth = judged(rule, holed, lag), judged(rule, whole, lag)
    assert (told.floor <= truth.floor).all()
    assert (truth.floor <= told.reach).all()
    assert (truth.ceiling <= told.ceiling).all()


@every_rule
@seeds
def test_the_drawn_weather_decides_something(rule: Any, seed: int) -> None:
    """Both certain levels of a ladder, and none, occur; otherwise the tests above say nothing."""
    assert len(np.unique(judged(rule, weather(rule, seed)).floor)) >= 2


@every_rule
def test_one_more_town_changes_no_other(rule: Any) -> None:
    """Findings of the first towns are the same with and without the last."""
    drawn = weather(rule, 1, missing=0.02)
    fewer = {name: towns[:-1] for name, towns in drawn.items()}
    all_towns, some = judged(rule, drawn), judged(rule, fewer)
    for part in ("floor", "reach", "ceiling", "value", "onset", "expires", "age"):
        np.testing.assert_array_equal(getattr(all_towns, part)[:, :-1], getattr(some, part))


@every_rule
@seeds
def test_onset_and_expiry_frame_the_level(rule: Any, seed: int) -> None:
    """A level has an onset not after its expiry; without a level there is neither."""
    found = judged(rule, weather(rule, seed))
    begun = found.floor > 0
    assert (np.isnat(found.onset) == ~begun).all()
    assert (np.isnat(found.expires) == ~begun).all()
    assert (found.onset[begun] < found.expires[begun]).all()
    assert (found.basis[begun] > 0).all()
