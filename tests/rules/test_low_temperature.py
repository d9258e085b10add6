"""Low temperature for livestock and crops: low values are the dangerous ones."""

from datetime import timedelta

import numpy as np
import pytest
from simulators.seasons import block, every_hour
from simulators.sky import NAN, at, place

from rules.hazards.low_temperature import LowTemperature
from rules.level import Level
from rules.spans import FallingSpan

DAY = timedelta(hours=24)
LADDER = {
    Level.BLUE: FallingSpan(at_most=4.0, within=DAY, hours=3, clear_above=5.0),
    Level.YELLOW: FallingSpan(at_most=2.0, within=DAY, hours=3),
    Level.ORANGE: FallingSpan(at_most=0.0, within=DAY),
}
COLD = LowTemperature(ladder=LADDER)
NOON = at(0, 12)


def judged(hours, now=NOON, rule=COLD, lag=0, otherwise=15.0):
    """Findings of one town; `hours` gives the temperature by (day, hour)."""
    series = every_hour(otherwise)
    for (day, hour), value in hours.items():
        series[place(day, hour)] = value
    return rule.assess("here", block(rule, {"temperature_2m": [series]}, [now], lag))


def night(*celsius):
    """Temperatures of the coming night from 4 o'clock on."""
    return {(1, 4 + step): value for step, value in enumerate(celsius)}


@pytest.mark.parametrize(
    ("hours", "level", "value"),
    [
        (night(4.04, 4.04, 4.04), 1, 4.04), (night(4.06, 4.0, 4.0), 0, 4.06), (night(2.0, 1.0, 2.0), 2, 2.0),
        (night(0.04), 3, 0.04), (night(0.06), 0, 15.0), (night(3.0, 3.0, 3.0, -5.0), 3, -5.0),
    ],
)  # fmt: skip
def test_a_threshold_is_reached_at_or_below_it(hours, level, value):
    """In whole tenths of a degree; the value is that of the rung that decides."""
    found = judged(hours)
    assert (found.floor[0, 0], found.value[0, 0]) == (level, value)
    assert found.falling


def test_a_clearing_threshold_lies_above():
    """At 5 °C blue may not be left yet."""
    assert judged(night(5.0, 5.0, 5.0)).ceiling[0, 0] == 1
    assert judged(night(5.1, 5.0, 5.0)).ceiling[0, 0] == 0


def test_it_lasts_from_the_first_cold_hour_to_the_last():
    """Through one mild afternoon."""
    found = judged(night(0.0, -1.0) | {(1, 20): -1.0})
    assert found.onset[0, 0].astype(int) == at(1, 4).timestamp()
    assert found.expires[0, 0].astype(int) == at(1, 21).timestamp()
    assert found.extra["cold_hours"][0, 0] == 2


@pytest.mark.parametrize(("hours", "reach"), [(2, 0), (3, 3)])
def test_a_gap_may_hide_cold(hours, reach):
    """Two hours are bridged, three may hide anything; nothing is certain."""
    found = judged(dict.fromkeys([(1, 4 + step) for step in range(hours)], NAN))
    assert (found.floor[0, 0], found.reach[0, 0]) == (0, reach)


def test_nothing_known_has_no_value():
    """Missing is not warm."""
    found = judged({}, otherwise=NAN)
    assert np.isnan(found.value[0, 0])
    assert found.verdict[0, 0] == -1


@pytest.mark.parametrize("lag", [0, 2])
def test_a_frost_that_is_over_is_over(lag):
    """From as_of on; with latency the hours not reported yet still count."""
    assert judged({(0, 9): -3.0}, lag=lag).floor[0, 0] == 0
    assert judged({(0, 12 - lag): -3.0}, lag=lag).floor[0, 0] == 3


def test_a_clearing_threshold_below_the_other_is_refused():
    """With the remedy."""
    with pytest.raises(ValueError, match="raise it"):
        LowTemperature(ladder={Level.BLUE: FallingSpan(at_most=4.0, within=DAY, clear_above=3.0)})
