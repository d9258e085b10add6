"""Gale by mean wind or gust, in forces of the Beaufort scale."""

from datetime import timedelta

import numpy as np
import pytest
from simulators.seasons import block, every_hour
from simulators.sky import NAN, at, place

from rules.findings import Verdict
from rules.hazards.gale import Gale, GaleRung
from rules.level import Level

HOUR = timedelta(hours=1)
LADDER = {
    Level.BLUE: GaleRung(within=24 * HOUR, force=6, gust=7),
    Level.YELLOW: GaleRung(within=12 * HOUR, force=8, gust=9),
    Level.ORANGE: GaleRung(within=6 * HOUR, force=10, gust=11),
    Level.RED: GaleRung(within=6 * HOUR, force=12, gust=13),
}
GALE = Gale(ladder=LADDER)
MEAN_ONLY = Gale(ladder=LADDER, gusts=False)
NOON = at(0, 12)


def drawn(wind=None, gust=None, calm=2.0):
    """Mean wind and gusts of some hours by (day, hour)."""
    weather = {"wind_speed_10m": [every_hour(calm)], "wind_gusts_10m": [every_hour(calm)]}
    for series, hours in zip(weather.values(), (wind or {}, gust or {}), strict=True):
        for (day, hour), value in hours.items():
            series[0][place(day, hour)] = value
    return weather


def judged(weather, rule=GALE, now=NOON, lag=0):
    """Findings of one town."""
    return rule.assess("here", block(rule, weather, [now], lag))


@pytest.mark.parametrize(
    ("wind", "gust", "level", "value", "threshold"),
    [
        (10.8, 10.8, 1, 10.8, 10.8), (2.0, 13.9, 1, 13.9, 13.9), (17.2, 20.8, 2, 17.2, 17.2),
        (10.8, 20.8, 2, 20.8, 20.8), (33.0, 40.0, 4, 33.0, 32.7), (10.7, 13.8, 0, 10.7, NAN),
    ],
)  # fmt: skip
def test_the_value_is_that_of_the_wind_that_decides(wind, gust, level, value, threshold):
    """The mean wind where it is enough, else the gust."""
    found = judged(drawn({(0, 15): wind}, {(0, 15): gust}))
    told = (found.floor[0, 0], found.value[0, 0], found.threshold[0, 0])
    assert told == pytest.approx((level, value, threshold), nan_ok=True)


def test_it_tells_both_forces():
    """The highest of the farthest window."""
    found = judged(drawn({(0, 15): 11.0, (1, 13): 30.0}, {(1, 12): 21.0}))
    assert found.extra["wind_force"][0, 0] == 6
    assert found.extra["gust_force"][0, 0] == 9


@pytest.mark.parametrize(("pause", "end"), [(6, 21), (7, 15)])
def test_a_lull_of_some_hours_does_not_end_it(pause, end):
    """Six hours are one, seven two."""
    found = judged(drawn({(0, 14): 11.0}, {(0, 14 + pause): 14.0}))
    assert found.onset[0, 0].astype(int) == at(0, 14).timestamp()
    assert found.expires[0, 0].astype(int) == at(0, end).timestamp()


def test_gusts_that_nobody_reports_are_not_calm():
    """UNKNOWN, unless the block leaves them out."""
    weather = drawn()
    weather["wind_gusts_10m"] = [every_hour(NAN)]
    assert judged(weather).verdict[0, 0] == Verdict.UNKNOWN
    assert judged(weather, MEAN_ONLY).verdict[0, 0] == Verdict.NONE


def test_without_gusts_a_block_needs_none():
    """They are neither asked for nor read."""
    weather = {"wind_speed_10m": drawn({(0, 15): 18.0})["wind_speed_10m"]}
    assert MEAN_ONLY.quantities == ("wind_speed_10m",)
    assert judged(weather, MEAN_ONLY).verdict[0, 0] == Verdict.YELLOW
    assert np.isnan(judged(weather, MEAN_ONLY).extra["gust_force"][0, 0])


@pytest.mark.parametrize("lag", [1, 3])
@pytest.mark.parametrize(("ahead", "level"), [(6, 4), (7, 2), (12, 2), (13, 1), (24, 1), (25, 0)])
def test_windows_count_from_now(lag, ahead, level):
    """Whatever the latency."""
    weather = drawn({((12 + ahead) // 24, (12 + ahead) % 24): 33.0})
    assert judged(weather, lag=lag).floor[0, 0] == level


@pytest.mark.parametrize(
    ("rung", "sentence"),
    [
        (GaleRung(within=HOUR, force=6, gust=5), "gust 5 is below force 6"),
        (GaleRung(within=HOUR, force=18, gust=18), "no wind force 18"),
    ],
)
def test_an_impossible_rung_is_refused(rung, sentence):
    """In one sentence."""
    with pytest.raises(ValueError, match=sentence):
        Gale(ladder={Level.BLUE: rung})
