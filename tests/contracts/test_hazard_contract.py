"""What every kind of hazard must do. A kind that is registered and not listed here fails."""

from dataclasses import fields
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import xarray as xr

from ingest.quantities import QUANTITIES
from pipeline.configuration.kinds import register_all
from rules.findings import Findings, Verdict
from rules.hazard import Hazard, hazard
from rules.hazards.chance import Chance, ChanceRung
from rules.hazards.cold_wave import ColdWave, ColdWaveRung
from rules.hazards.critical_rain import CriticalRain, CriticalRung, Ground
from rules.hazards.drought import Drought, DroughtRung
from rules.hazards.forest_fire import FireRung, ForestFire
from rules.hazards.gale import Gale, GaleRung
from rules.hazards.heat import Heat, HeatRung
from rules.hazards.heat_stress import HeatStress
from rules.hazards.heat_wave import HeatWave, HeatWaveRung
from rules.hazards.landslide import Landslide, LandslideRung
from rules.hazards.low_temperature import LowTemperature
from rules.hazards.rainstorm import RainRung, Rainstorm, RainWindow
from rules.level import Level
from rules.spans import FallingSpan, RisingSpan

register_all()

DAY = timedelta(hours=24)
CANDIDATES: dict[str, list[Any]] = {
    "rainstorm": [
        Rainstorm(
            ladder={
                Level.BLUE: RainRung(hours=12, at_least=1800.0),
                Level.ORANGE: RainRung(hours=3, at_least=600.0, clear_below=550.0),
                Level.RED: RainRung(
                    hours=3, at_least=650.0, also=(RainWindow(hours=1, at_least=249.0),)
                ),
            },
            bands=(20.0, 240.0, 245.0),
        ),
        Rainstorm(ladder={Level.YELLOW: RainRung(hours=1, at_least=240.0)}, continues=DAY / 24),
    ],
    "critical_rain": [
        CriticalRain(
            ladder={
                level: CriticalRung(
                    dry={DAY / 8: amount + 50.0, DAY: 3500.0},
                    normal={DAY / 8: amount, DAY: 3400.0},
                    wet={DAY / 8: amount - 50.0, DAY: 3000.0},
                )
                for level, amount in {Level.ORANGE: 550.0, Level.RED: 650.0}.items()
            },
            ground=Ground(days=3, normal=900.0, wet=1500.0),
            basins={"500153001": "steep"}, factor={"steep": 0.9},
        ),
    ],
    "heat": [
        Heat(
            ladder={
                Level.YELLOW: HeatRung(at_least=35.0, days=3),
                Level.ORANGE: HeatRung(at_least=37.0, within=DAY, clear_below=36.0),
                Level.RED: HeatRung(at_least=40.0, within=DAY),
            }
        ),
        Heat(ladder={Level.BLUE: HeatRung(at_least=33.0, days=1)}, max_gap=timedelta(0)),
        Heat(ladder={Level.RED: HeatRung(at_least=40.0, within=2 * DAY)}),
    ],
    "heat_wave": [
        HeatWave(
            ladder={
                Level.YELLOW: HeatWaveRung(at_least=2.8),
                Level.RED: HeatWaveRung(at_least=10.5, within_days=2, clear_below=9.0),
            },
            critical=60.0,
            critical_by_town={"500153001": 70.0, "500153002": 55.0},
        ),
        HeatWave(
            ladder={Level.BLUE: HeatWaveRung(at_least=1.0, within_days=0)}, critical=80.0, run_days=5
        ),
    ],
    "heat_stress": [
        HeatStress(
            index="thi",
            ladder={
                Level.YELLOW: RisingSpan(at_least=75.0, within=DAY),
                Level.RED: RisingSpan(at_least=82.0, within=DAY / 2, hours=3, clear_below=80.0),
            },
        ),
        HeatStress(
            index="humidex", max_gap=timedelta(0),
            ladder={Level.BLUE: RisingSpan(at_least=40.0, within=DAY / 4)},
        ),
    ],
    "low_temperature": [
        LowTemperature(
            ladder={
                Level.BLUE: FallingSpan(at_most=25.0, within=DAY, clear_above=26.0),
                Level.ORANGE: FallingSpan(at_most=28.0, within=DAY, hours=4),
            }
        ),
    ],
    "cold_wave": [
        ColdWave(
            ladder={
                Level.BLUE: ColdWaveRung(at_least=1.0, within=2 * DAY, lowest=25.0, force=5),
                Level.RED: ColdWaveRung(at_least=1.5, within=DAY, lowest=21.0, force=6),
            }
        ),
    ],
    "gale": [
        Gale(
            ladder={
                Level.BLUE: GaleRung(within=DAY, force=6, gust=7),
                Level.RED: GaleRung(within=DAY / 4, force=17, gust=17),
            }
        ),
        Gale(ladder={Level.YELLOW: GaleRung(within=DAY / 2, force=8, gust=9)}, gusts=False),
    ],
    "landslide": [
        Landslide(
            ladder={
                Level.BLUE: LandslideRung(at_least=900.0, hour=240.0, id_ratio=9.0),
                Level.ORANGE: LandslideRung(at_least=3000.0, ari_ratio=20.0, clear_below=2500.0),
            },
            susceptibility={"500153001": "high", "500153002": "low"},
            ari7_p95={"500153000": 30.0},
        ),
        Landslide(ladder={Level.RED: LandslideRung(at_least=3500.0)}, decay=0.84, days=3),
    ],
    "drought": [
        Drought(
            ladder={
                Level.YELLOW: DroughtRung(at_most=-1.0, clear_above=-0.8),
                Level.ORANGE: DroughtRung(at_most=-1.5),
                Level.RED: DroughtRung(at_most=-2.0),
            }
        ),
        Drought(ladder={Level.RED: DroughtRung(at_most=-2.0, within_days=0)}, days_back=20),
        Drought(ladder={Level.BLUE: DroughtRung(at_most=-0.5, within_days=3)}, max_gap=timedelta(0)),
    ],
    "chance": [
        Chance(
            ladder={
                Level.YELLOW: ChanceRung(of="chance_tmax_35", at_least=0.5, within_days=1),
                Level.ORANGE: ChanceRung(of="chance_tmax_37", at_least=0.6, clear_below=0.4),
                Level.RED: ChanceRung(of="chance_tmax_40", at_least=0.8),
            },
        ),
        Chance(ladder={Level.BLUE: ChanceRung(of="chance_landslide", at_least=0.9, within_days=3)}),
    ],
    "forest_fire": [
        ForestFire(
            ladder={
                Level.YELLOW: FireRung(at_least=3),
                Level.ORANGE: FireRung(at_least=4, days=3, ahead=1, clear_below=3),
                Level.RED: FireRung(at_least=5, days=5, ahead=2),
            },
            classes=(50.0, 100.0, 200.0, 300.0),
        ),
        ForestFire(
            ladder={Level.BLUE: FireRung(at_least=2, ahead=1)},
            classes=(400.0, 500.0, 600.0, 700.0), hot_spot_lift=0, settled_after=0,
        ),
    ],
}

TABLE = [(kind, rule) for kind, listed in CANDIDATES.items() for rule in listed]
every_kind = pytest.mark.parametrize(
    "rule", [rule for _, rule in TABLE], ids=[f"{kind}{i}" for i, (kind, _) in enumerate(TABLE)]
)
START = np.datetime64("2022-08-15T00:05:00", "s")


def weather(
    rule: Hazard, nows: int = 5, places: int = 3, *, missing: float = 0.0, lag: int = 0
) -> xr.Dataset:
    """A block with every quantity the rule reads, anywhere between its believable bounds."""
    random = np.random.default_rng(20220818)
    reach = rule.reach
    hours = np.arange(1 - reach.hours_back, reach.hours_ahead + lag + 1)
    days = np.arange(-reach.days_back, reach.days_ahead)
    now = START + np.arange(nows) * np.timedelta64(7, "h")
    parts: dict[str, Any] = {}
    for name in rule.quantities:
        limits = QUANTITIES[name]
        axis, size = ("day", days.size) if limits.meaning == "day" else ("hour", hours.size)
        shape = (nows, places, size)
        low, high = (limits.low, limits.high) if name != "temperature_2m" else (20.0, 42.0)
        values = random.uniform(low, high, shape)
        values[random.random(shape) < missing] = np.nan
        parts[name] = (("now", "place", axis), values)
        parts[f"flags_{name}"] = (("now", "place", axis), np.zeros(shape, np.uint8))
    as_of = now.astype("datetime64[h]").astype("datetime64[s]") - np.timedelta64(lag, "h")
    towns = [f"50015300{number}" for number in range(places)]
    axes = {"place": towns, "hour": hours, "day": days}
    return xr.Dataset(parts, {"now": now, "as_of": ("now", as_of), **axes})


def arrays(found: Findings) -> dict[str, Any]:
    """The arrays (now, place) of some findings, by name."""
    parts = {item.name: getattr(found, item.name) for item in fields(found)}
    return {
        name: part for name, part in parts.items()
        if isinstance(part, np.ndarray) and name != "nows"
    } | found.extra


def same(one: Findings, other: Findings) -> None:
    """Fail where two findings differ in anything."""
    assert (one.hazard, one.places) == (other.hazard, other.places)
    for name, part in arrays(one).items():
        np.testing.assert_array_equal(part, arrays(other)[name], err_msg=name)


def test_every_registered_kind_is_held_to_the_contract() -> None:
    """A new kind brings its line in the table of this file."""
    assert set(hazard.kinds) == set(CANDIDATES)


@pytest.mark.parametrize("kind", hazard.kinds)
def test_a_kind_is_a_frozen_block_with_a_line_for_each_key(kind: str) -> None:
    """Its fields are the keys of its configuration and cannot change after start-up."""
    cls: Any = hazard[kind]
    assert cls.__dataclass_params__.frozen
    assert all(field.kw_only for field in fields(cls))
    assert cls.__doc__


@every_kind
def test_it_reads_quantities_of_the_table_and_says_how_far(rule: Hazard) -> None:
    """Names that exist, hours that a window can have, a ladder with a rung."""
    assert set(rule.quantities) <= set(QUANTITIES)
    assert rule.reach.hours_back >= 1
    assert min(rule.reach.hours_ahead, rule.reach.days_back, rule.reach.days_ahead) >= 0
    assert rule.ladder


@every_kind
@pytest.mark.parametrize("lag", [0, 2])
def test_nothing_known_is_unknown_everywhere(rule: Hazard, lag: int) -> None:
    """NaN in, UNKNOWN out: never calm, never an alarm, no figure and no time."""
    found = rule.assess("here", weather(rule, missing=1.0, lag=lag))
    assert (found.verdict == Verdict.UNKNOWN).all()
    assert (found.reach == max(rule.ladder)).all()
    assert np.isnan(found.value).all()
    assert np.isnat(found.onset).all()
    assert np.isnat(found.expires).all()


@every_kind
@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize(("nows", "places"), [(1, 1), (1, 4), (6, 1), (5, 3)])
def test_findings_have_one_value_a_now_and_place(
    rule: Hazard, nows: int, places: int, missing: float
) -> None:
    """Of the types that Findings names; a verdict is always one of the enum."""
    found = rule.assess("here", weather(rule, nows, places, missing=missing))
    kinds = {
        "floor": "int8", "reach": "int8", "ceiling": "int8", "basis": "int8", "marks": "uint8",
        "value": "float64", "threshold": "float64", "age": "float64",
        "onset": "datetime64[s]", "expires": "datetime64[s]",
    }
    for name, part in arrays(found).items():
        assert (part.shape, part.dtype) == ((nows, places), np.dtype(kinds.get(name, "float64"))), name
    assert set(found.verdict.ravel().tolist()) <= {int(verdict) for verdict in Verdict}


@every_kind
def test_only_levels_of_the_ladder_are_given(rule: Hazard) -> None:
    """And what is certain is possible, what is possible not yet cleared."""
    found = rule.assess("here", weather(rule, missing=0.2))
    assert set(found.floor.ravel().tolist()) <= {0, *(int(level) for level in rule.ladder)}
    assert (found.floor <= found.reach).all()
    assert (found.reach <= found.ceiling).all()


@every_kind
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_a_block_is_not_touched_and_asking_again_gives_the_same(rule: Hazard, missing: float) -> None:
    """A rule is a function: nothing is written into the weather, nothing remembered."""
    block = weather(rule, missing=missing)
    before = block.copy(deep=True)
    first, second = rule.assess("here", block), rule.assess("here", block)
    assert block.identical(before)
    same(first, second)


@every_kind
def test_a_block_that_cannot_be_written_is_enough(rule: Hazard) -> None:
    """Arrays shared with others are read only."""
    block = weather(rule)
    for name in block.data_vars:
        block[name].values.setflags(write=False)
    same(rule.assess("here", block), rule.assess("here", weather(rule)))


@every_kind
@pytest.mark.parametrize("lag", [0, 3])
def test_many_nows_are_each_now_alone(rule: Hazard, lag: int) -> None:
    """Live is a block of one."""
    block = weather(rule, nows=9, missing=0.1, lag=lag)
    together = rule.assess("here", block)
    for row in range(9):
        same(together.at(row), rule.assess("here", block.isel(now=[row])))


@every_kind
def test_places_keep_their_order_and_do_not_touch_each_other(rule: Hazard) -> None:
    """Another order of towns is the same findings in another order."""
    block = weather(rule, places=4, missing=0.1)
    order = [2, 0, 3, 1]
    straight, turned = rule.assess("here", block), rule.assess("here", block.isel(place=order))
    assert turned.places == tuple(straight.places[index] for index in order)
    for name, part in arrays(straight).items():
        np.testing.assert_array_equal(part[:, order], arrays(turned)[name], err_msg=name)


@every_kind
def test_findings_carry_the_name_of_their_block(rule: Hazard) -> None:
    """Two blocks of one kind stay apart; the moments are those asked about."""
    block = weather(rule)
    found = rule.assess("here", block)
    assert found.hazard == "here"
    np.testing.assert_array_equal(found.nows, block["now"].values)
