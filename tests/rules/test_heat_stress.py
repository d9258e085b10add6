"""Heat stress by an index of temperature and humidity, hour by hour."""

from datetime import timedelta

import numpy as np
import pytest
from simulators.seasons import block, every_hour
from simulators.sky import NAN, at, place

from rules.findings import Basis, Verdict
from rules.hazards.heat_stress import HeatStress
from rules.indices import comfort
from rules.level import Level
from rules.spans import RisingSpan

DAY = timedelta(hours=24)
PIGS = {
    Level.YELLOW: RisingSpan(at_least=75.0, within=DAY),
    Level.ORANGE: RisingSpan(at_least=79.0, within=DAY),
    Level.RED: RisingSpan(at_least=84.0, within=DAY),
}
THI = HeatStress(index="thi", ladder=PIGS)
NOON = at(0, 12)


def drawn(hours, humidity=60.0, otherwise=15.0):
    """Temperature of some hours by (day, hour), the same humidity in all."""
    series = every_hour(otherwise)
    for (day, hour), value in hours.items():
        series[place(day, hour)] = value
    return {"temperature_2m": [series], "relative_humidity_2m": [every_hour(humidity)]}


def judged(weather, rule=THI, now=NOON, lag=0):
    """Findings of one town."""
    return rule.assess("here", block(rule, weather, [now], lag))


@pytest.mark.parametrize(
    ("celsius", "humidity", "index", "verdict"),
    [
        (25.0, 50.0, 71.775, Verdict.NONE), (26.0, 60.0, 74.224, Verdict.NONE),
        (28.0, 75.0, 79.045, Verdict.ORANGE), (30.0, 70.0, 81.38, Verdict.ORANGE),
        (35.0, 60.0, 86.86, Verdict.RED), (38.0, 50.0, 88.74, Verdict.RED),
    ],
)  # fmt: skip
def test_the_index_of_livestock_is_that_worked_by_hand(celsius, humidity, index, verdict):
    """Alert from 75, danger from 79, emergency from 84."""
    found = judged(drawn({(0, 15): celsius}, humidity))
    assert (found.value[0, 0], found.verdict[0, 0]) == (pytest.approx(index), verdict)


@pytest.mark.parametrize("index", ["heat_index", "wbgt", "humidex"])
def test_other_indices_are_those_of_the_library(index):
    """In °C, at 35 °C and 60 %."""
    rule = HeatStress(index=index, ladder={Level.RED: RisingSpan(at_least=30.0, within=DAY)})
    expected = getattr(comfort, index)(35.0, 60.0)
    assert judged(drawn({(0, 15): 35.0}), rule).value[0, 0] == pytest.approx(float(expected))


def test_it_lasts_through_a_night_and_not_through_a_cool_day():
    """From the first hour that meets the level to the end of the last."""
    hours = dict.fromkeys([(0, 15), (0, 16), (1, 10), (1, 13)], 30.0)
    found = judged(drawn(hours, 70.0))
    assert found.onset[0, 0].astype(int) == at(0, 15).timestamp()
    assert found.expires[0, 0].astype(int) == at(1, 14).timestamp()
    assert found.extra["stress_hours"][0, 0] == 3
    assert found.basis[0, 0] == Basis.FORECAST


@pytest.mark.parametrize(("hours", "verdict"), [(1, 4), (2, 3), (3, 3), (4, 0)])
def test_a_level_may_ask_for_hours_in_a_row(hours, verdict):
    """The highest of their lowest counts."""
    rungs = {
        level: RisingSpan(at_least=rung.at_least, within=DAY, hours=hours) for level, rung in PIGS.items()
    }
    rule = HeatStress(index="thi", ladder=rungs)
    weather = drawn({(0, 14): 30.0, (0, 15): 35.0, (0, 16): 30.0}, 70.0)
    assert judged(weather, rule).verdict[0, 0] == verdict


def test_single_hours_are_left_out_of_the_times_of_a_run():
    """An hour that meets the limit alone neither begins nor ends a spell of two."""
    rungs = {Level.RED: RisingSpan(at_least=84.0, within=DAY, hours=2)}
    hours = dict.fromkeys([(0, 13), (0, 15), (0, 16), (0, 20)], 36.0)
    found = judged(drawn(hours), HeatStress(index="thi", ladder=rungs))
    assert found.onset[0, 0].astype(int) == at(0, 15).timestamp()
    assert found.expires[0, 0].astype(int) == at(0, 17).timestamp()


@pytest.mark.parametrize("name", ["temperature_2m", "relative_humidity_2m"])
@pytest.mark.parametrize(("hours", "reach"), [(2, 0), (3, 4)])
def test_an_hour_without_either_is_missing(name, hours, reach):
    """Two in a row are bridged, three may hide anything."""
    weather = drawn({})
    weather[name][0][place(0, 14) : place(0, 14 + hours)] = NAN
    found = judged(weather)
    assert (found.floor[0, 0], found.reach[0, 0]) == (0, reach)


@pytest.mark.parametrize(("name", "age"), [("temperature_2m", 3.0), ("relative_humidity_2m", 3.0)])
def test_age_is_that_of_the_older_of_the_two(name, age):
    """The index is as old as what it lacks."""
    rule = HeatStress(index="thi", ladder={Level.RED: RisingSpan(at_least=84.0, within=DAY, hours=6)})
    weather = drawn({})
    weather[name][0][place(0, 10) : place(0, 13)] = NAN
    assert judged(weather, rule).age[0, 0] == age


@pytest.mark.parametrize("lag", [1, 3])
def test_latency_does_not_shorten_the_look_ahead(lag):
    """24 hours count from now."""
    assert judged(drawn({(1, 12): 36.0}), lag=lag).verdict[0, 0] == Verdict.RED
    assert judged(drawn({(1, 13): 36.0}), lag=lag).verdict[0, 0] == Verdict.NONE


def test_no_level_has_no_hours():
    """The figure is for texts about a level."""
    assert np.isnan(judged(drawn({})).extra["stress_hours"][0, 0])
