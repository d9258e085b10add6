"""Cold wave: fall of the daily minimum, the minimum itself, and wind."""

from datetime import timedelta

import numpy as np
import pytest
from simulators.seasons import block, every_hour
from simulators.sky import FIRST_DAY, LAST_DAY, NAN, at, place

from rules.findings import Basis, Verdict
from rules.hazards.cold_wave import ColdWave, ColdWaveRung
from rules.level import Level

HOUR = timedelta(hours=1)
LADDER = {
    Level.BLUE: ColdWaveRung(at_least=8.0, within=48 * HOUR, lowest=4.0, force=5),
    Level.YELLOW: ColdWaveRung(at_least=10.0, within=24 * HOUR, lowest=4.0, force=6),
    Level.ORANGE: ColdWaveRung(at_least=12.0, within=24 * HOUR, lowest=0.0, force=6),
    Level.RED: ColdWaveRung(at_least=16.0, within=24 * HOUR, lowest=0.0, force=6),
}
WAVE = ColdWave(ladder=LADDER)
NOON = at(0, 12)


def drawn(minima, wind=None, hour=6):
    """Daily minima by day at an hour, a day not listed being like the one before; wind by (day, hour)."""
    temperature, speed = every_hour(0.0), every_hour(2.0)
    last = next(iter(minima.values()))
    for day in range(FIRST_DAY, LAST_DAY):
        last = minima.get(day, last)
        temperature[place(day, 0) : place(day, 23) + 1] = last + 6.0
        temperature[place(day, hour)] = last
    for (day, clock), value in (wind or {}).items():
        speed[place(day, clock)] = value
    return {"temperature_2m": [temperature], "wind_speed_10m": [speed]}


def judged(weather, now=NOON, rule=WAVE, lag=0):
    """Findings of one town."""
    return rule.assess("here", block(rule, weather, [now], lag))


WINDY = {(0, 18): 8.0}


def test_a_fall_of_8_to_4_with_force_5_is_blue():
    """Within 48 hours, all exactly at the threshold."""
    found = judged(drawn({-1: 12.0, 0: 9.0, 1: 4.0}, WINDY))
    assert found.verdict[0, 0] == Verdict.BLUE
    assert (found.value[0, 0], found.threshold[0, 0]) == (8.0, 8.0)
    assert found.extra["window_hours"][0, 0] == 48
    assert found.extra["lowest_temperature"][0, 0] == 4.0
    assert found.extra["wind_force"][0, 0] == 5


@pytest.mark.parametrize("hour", [0, 5, 12, 23])
@pytest.mark.parametrize("lag", [0, 2])
@pytest.mark.parametrize("day", [-1, 0, 1])
def test_it_lasts_as_long_as_the_days_that_meet_it(day, hour, lag):
    """A single cold day, known two days ahead; what has begun has begun at as_of."""
    weather = drawn({-1: 12.0, 0: 12.0, 1: 4.0, 2: 12.0}, {(0, 22): 9.0})
    found = judged(weather, at(day, hour), lag=lag)
    assert found.onset[0, 0].astype(int) == max(at(1, 0), at(day, hour - lag)).timestamp()
    assert found.expires[0, 0].astype(int) == at(2, 0).timestamp()


@pytest.mark.parametrize("day", [-2, 2])
def test_before_it_is_seen_and_after_it_there_is_no_time(day):
    """Three days ahead is too far, and the day after it is mild again."""
    weather = drawn({-1: 12.0, 0: 12.0, 1: 4.0, 2: 12.0}, {(0, 22): 9.0})
    found = judged(weather, at(day, 12))
    assert (found.floor[0, 0], found.basis[0, 0]) == (0, Basis.NOTHING)
    assert np.isnat(found.onset[0, 0])


@pytest.mark.parametrize(("hour", "basis"), [(5, Basis.FORECAST), (6, Basis.OBSERVED)])
def test_what_has_fallen_is_observed_once_the_minimum_lies_behind(hour, basis):
    """The coldest hour is 6 o'clock."""
    weather = drawn({-1: 12.0, 0: 4.0, 1: 13.0}, {(-1, 22): 9.0})
    assert judged(weather, at(0, hour)).basis[0, 0] == basis


@pytest.mark.parametrize(
    ("name", "day", "hours", "interval"),
    [
        ("temperature_2m", 1, (3, 8), (0, 1)),  # the cold night itself; wind of force 5 is blue at most
        ("temperature_2m", -1, (3, 8), (1, 1)),  # the day after was as warm
        ("temperature_2m", 1, (3, 4), (1, 1)),  # two hours are bridged
        ("wind_speed_10m", 0, (16, 20), (0, 1)),  # the wind that came with it
        ("wind_speed_10m", -1, (16, 20), (1, 1)),
    ],
)
def test_a_gap_hides_what_it_can_and_no_more(name, day, hours, interval):
    """Certain is what the known hours say; possible what the gap could have held."""
    weather = drawn({-1: 12.0, 0: 12.0, 1: 4.0, 2: 9.0}, WINDY)
    weather[name][0][place(day, hours[0]) : place(day, hours[1]) + 1] = NAN
    found = judged(weather)
    assert (found.floor[0, 0], found.reach[0, 0]) == interval


def test_a_mild_day_without_data_cannot_be_cold_enough_without_wind():
    """All three must hold; one that certainly does not decides."""
    weather = drawn({-1: 12.0})
    weather["temperature_2m"][0][place(1, 0) : place(1, 23)] = NAN
    assert judged(weather).verdict[0, 0] == Verdict.NONE


def test_without_a_forecast_nobody_knows_when_it_ends():
    """It has fallen already."""
    weather = drawn({-1: 12.0, 0: 4.0}, {(-1, 22): 9.0})
    weather["temperature_2m"][0][place(0, 13) :] = NAN
    found = judged(weather)
    assert found.floor[0, 0] == Level.BLUE
    assert np.isnat(found.expires[0, 0])


def test_the_evidence_of_a_rung_is_the_largest_fall():
    """Of all days that it looks at."""
    found = judged(drawn({-1: 12.0, 0: 12.0, 1: 7.0, 2: 5.0}))
    assert found.metrics[Level.BLUE].low[0, 0] == 7.0
    assert found.metrics[Level.RED].low[0, 0] == 5.0


def test_a_fall_over_one_day_and_one_over_two_are_not_compared():
    """12 over 24 hours may stand below or above 12 over 48."""
    assert LADDER[Level.BLUE].alike != LADDER[Level.YELLOW].alike


@pytest.mark.parametrize("within", [timedelta(0), 6 * HOUR, 36 * HOUR])
def test_parts_of_days_are_refused(within):
    """With the remedy."""
    with pytest.raises(ValueError, match="24h or 48h"):
        ColdWave(ladder={Level.BLUE: ColdWaveRung(at_least=8.0, within=within, lowest=4.0, force=5)})
