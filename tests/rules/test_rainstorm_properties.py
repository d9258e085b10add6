"""What holds for any rain: more never lowers, a gap ends nothing, places stay apart, sums are exact."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from simulators.rainfall import NAN, Cube, Sky

from pipeline.config import load
from rules.findings import Findings
from rules.hazard import Hazard
from rules.hazards.rainstorm import Rainstorm

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("rainstorm", "waterlogging", "river_rise", "road", "flash_flood", "debris_flow")
TOWNS = tuple(f"500153{number:03d}" for number in (1, 2, 3, 4, 5, 6, 100, 101))


@pytest.fixture(scope="module")
def shipped() -> dict[str, Hazard]:
    """The hazards of the configuration that ships."""
    return {name: block.rule for name, block in load(ROOT / "config").hazards.items()}


@pytest.fixture(params=NAMES)
def rule(request: pytest.FixtureRequest, shipped: dict[str, Hazard]) -> Hazard:
    """Each hazard of rain windows."""
    return shipped[request.param]


def storms(rule: Hazard, seed: int, *, nows: int = 40, lag: int = 1, missing: float = 0.0) -> Sky:
    """Showers of every strength, hour and length, and the days before them."""
    random = np.random.default_rng(seed)
    reach = rule.reach
    shape = (nows, len(TOWNS), reach.hours_back + reach.hours_ahead + lag)
    scale = random.choice([0.0, 2.0, 8.0, 25.0, 60.0], size=shape[:2])[..., None]
    rain = np.rint(random.gamma(0.6, 10.0, shape) * scale) / 10.0
    rain *= random.random(shape) < 0.4
    days = np.rint(random.gamma(0.5, 300.0, (*shape[:2], reach.days_back))) / 10.0
    for cube in (rain, days):
        cube[random.random(cube.shape) < missing] = NAN
    return Sky(
        rain=rain, back=reach.hours_back, days=days, days_back=reach.days_back, lag=lag, towns=TOWNS
    )


def changed(sky: Sky, rain: Cube, days: Cube | None = None) -> Sky:
    """The same sky with other amounts."""
    return Sky(rain=rain, back=sky.back, days=sky.days if days is None else days,
               days_back=sky.days_back, lag=sky.lag, towns=sky.towns)  # fmt: skip


def assess(rule: Hazard, sky: Sky) -> Findings:
    """The findings of a sky."""
    return rule.assess("rain", sky.block)


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(3))
def test_more_rain_never_lowers(rule: Hazard, seed: int, missing: float) -> None:
    """Neither what is certain, nor what is possible, nor what is not yet cleared; in hours or in days."""
    sky = storms(rule, seed, missing=missing)
    random = np.random.default_rng(seed)
    less = assess(rule, sky)
    for amount in (0.1, 3.0, 40.0):
        more = sky.rain + amount * (random.random(sky.rain.shape) < 0.05)
        wetter = sky.days + amount * (random.random(sky.days.shape) < 0.2)
        found = assess(rule, changed(sky, more, wetter))
        for name in ("floor", "reach", "ceiling"):
            assert (getattr(found, name) >= getattr(less, name)).all(), name


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(3))
def test_a_gap_raises_nothing_and_ends_nothing(rule: Hazard, seed: int, missing: float) -> None:
    """What was certain may become open; what was possible stays so."""
    sky = storms(rule, seed, missing=missing)
    random = np.random.default_rng(seed)
    known = assess(rule, sky)
    for share in (0.01, 0.2, 1.0):
        holes = np.where(random.random(sky.rain.shape) < share, NAN, sky.rain)
        days = np.where(random.random(sky.days.shape) < share, NAN, sky.days)
        found = assess(rule, changed(sky, holes, days))
        assert (found.floor <= known.floor).all()
        assert (found.reach >= known.reach).all()
        assert (found.ceiling >= known.ceiling).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_truth_lies_between_what_is_certain_and_what_is_possible(rule: Hazard, seed: int) -> None:
    """Whatever the missing hours held."""
    sky = storms(rule, seed)
    random = np.random.default_rng(seed)
    truth = assess(rule, sky)
    holes = np.where(random.random(sky.rain.shape) < 0.05, NAN, sky.rain)
    found = assess(rule, changed(sky, holes))
    assert (truth.floor == truth.reach).all()
    assert ((found.floor <= truth.floor) & (truth.floor <= found.reach)).all()


def test_a_place_more_changes_no_other(rule: Hazard) -> None:
    """Nor do other nows: each town and moment alone is judged as among all."""
    sky = storms(rule, 5, missing=0.05)
    together = assess(rule, sky)
    for town in range(len(TOWNS)):
        part = sky.block.isel(place=[town])
        for name, alone in parts(rule.assess("rain", part)).items():
            np.testing.assert_array_equal(alone[:, 0], parts(together)[name][:, town], err_msg=name)


def test_a_wider_block_changes_nothing(rule: Hazard) -> None:
    """Hours and days beyond the reach, which other hazards ask for, are not looked at."""
    sky = storms(rule, 6, missing=0.05)
    deluge = np.full((*sky.rain.shape[:2], 9), 200.0)
    wide = Sky(
        rain=np.concatenate([deluge, sky.rain, deluge], axis=-1), back=sky.back + 9,
        days=np.concatenate([deluge, sky.days], axis=-1), lag=sky.lag, towns=TOWNS,
    )  # fmt: skip
    narrow = parts(assess(rule, sky))
    for name, part in parts(assess(rule, wide)).items():
        np.testing.assert_array_equal(part, narrow[name], err_msg=name)


def parts(found: Findings) -> dict[str, Any]:
    """What findings hold per now and place."""
    names = ("floor", "reach", "ceiling", "value", "threshold", "onset", "expires", "basis", "marks")
    return {name: getattr(found, name) for name in names} | dict(found.extra)


# --- exactness --------------------------------------------------------------------------------------------
def integer_levels(rule: Rainstorm, tenths: Any, back: int) -> Any:
    """Levels by sums of 64-bit integers, window by window; it rains in every window's live hours."""
    levels = np.zeros(tenths.shape[0], np.int8)
    for level, rung in sorted(rule.ladder.items()):
        limit = int(Decimal(str(rung.at_least)) * 10)
        reach = tenths[:, back - rung.hours : back + rung.hours]
        sums = sliding_window_view(reach, rung.hours, axis=1).sum(axis=-1)
        levels[(sums >= limit).any(axis=1)] = level
    return levels


def test_ten_million_windows_of_tenths_are_judged_as_integers_are(shipped: dict[str, Hazard]) -> None:
    """420,000 places with 24 windows each (13 of 12 hours, 7 of 6, 4 of 3), crowded about the thresholds."""
    rule = shipped["rainstorm"]
    assert isinstance(rule, Rainstorm)
    random = np.random.default_rng(20250522)
    back, hours = rule.reach.hours_back, rule.reach.hours_back + rule.reach.hours_ahead
    mean = random.choice([25, 32, 55, 110, 220], size=420_000)
    tenths = 1 + (random.random((420_000, hours)) * 2 * mean[:, None]).astype(np.int64)
    found = assess(rule, Sky(rain=tenths[None] / 10.0, back=back))
    np.testing.assert_array_equal(found.floor[0], integer_levels(rule, tenths, back))
    np.testing.assert_array_equal(found.reach, found.floor)
    np.testing.assert_array_equal(np.rint(found.value * 10.0) / 10.0, found.value)
    assert np.bincount(found.floor[0], minlength=5).min() > 1000


def test_a_sum_of_tenths_is_the_decimal_sum(shipped: dict[str, Hazard]) -> None:
    """16.9, 16.2 and 16.9 mm are 50.0 mm and orange, which they are not in binary fractions."""
    rain = np.zeros((1, 1, 36))
    rain[0, 0, 12:15] = [16.9, 16.2, 16.9]
    assert sum([16.9, 16.2, 16.9]) < 50.0
    found = assess(shipped["rainstorm"], Sky(rain=rain, back=12))
    assert found.value[0, 0] == 50.0
    assert found.floor[0, 0] == 3


# --- an oracle that writes the rule out hour by hour ------------------------------------------------------
def written_out(rule: Rainstorm, hours: list[float], back: int, lag: int) -> tuple[int, int]:
    """Certain and possible level of one town, by loops over windows as the rule is worded."""
    certain = possible = 0
    recent = back - rule.continues.seconds // 3600
    for level, rung in rule.ladder.items():
        for window in rung.windows:
            for end in range(back, back + lag + window.hours + 1):
                since, within = hours[recent:end], hours[end - window.hours : end]
                rained = any(amount >= 0.05 for amount in since)
                total = sum(round(amount * 10) for amount in within if amount == amount)
                enough = total >= round(window.at_least * 10)
                if rained and enough:
                    certain = max(certain, level)
                if (rained or np.isnan(since).any()) and (enough or np.isnan(within).any()):
                    possible = max(possible, level)
    return certain, possible


@pytest.mark.parametrize("name", ["rainstorm", "waterlogging", "river_rise", "road"])
@pytest.mark.parametrize("lag", [0, 2])
def test_the_arrays_say_what_the_rule_says_written_out(
    name: str, lag: int, shipped: dict[str, Hazard]
) -> None:
    """Windows, the storm that goes on and missing hours, for some hundred towns and moments."""
    rule = shipped[name]
    assert isinstance(rule, Rainstorm)
    sky = storms(rule, 11, lag=lag, missing=0.02)
    found = assess(rule, sky)
    for row, town in np.ndindex(found.floor.shape):
        certain, possible = written_out(rule, sky.rain[row, town].tolist(), sky.back, lag)
        assert found.floor[row, town] == certain
        assert found.reach[row, town] == possible
