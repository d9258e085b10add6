"""Hours in a row, gaps in them, and Beijing midnights."""

from datetime import timedelta

import numpy as np
import pytest
from simulators.seasons import block, every_hour
from simulators.sky import at

from rules.hazards.low_temperature import LowTemperature
from rules.level import Level
from rules.spans import FallingSpan, RisingSpan, bridged, lowest_of, run_of
from rules.windows import midnights, whole_hours

NAN, INF = np.nan, np.inf
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("series", "gap", "low", "high"),
    [
        ([1, 2, 3], 2, [1, 2, 3], [1, 2, 3]),
        ([1, NAN, 3], 1, [1, 1, 3], [1, 1, 3]),
        ([3, NAN, NAN, 1], 2, [3, 1, 1, 1], [3, 1, 1, 1]),
        ([3, NAN, NAN, 1], 1, [3, -INF, -INF, 1], [3, INF, INF, 1]),
        ([NAN, 2, 3], 1, [2, 2, 3], [2, 2, 3]),
        ([2, 3, NAN], 1, [2, 3, 3], [2, 3, 3]),
        ([NAN, NAN], 5, [-INF, -INF], [INF, INF]),
        ([1, NAN, 3], 0, [1, -INF, 3], [1, INF, 3]),
    ],
)
def test_a_short_gap_takes_the_lower_neighbour_and_a_long_one_is_open(series, gap, low, high):
    """At the limit it is bridged, one hour more is not."""
    found = bridged(np.array([series, [1.0] * len(series)], float), gap)
    assert found.low.tolist() == [low, [1.0] * len(series)]
    assert found.open.tolist() == [low != high, False]
    assert found.high.tolist() == ([high] if low != high else [])


@pytest.mark.parametrize("hours", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_runs_are_those_of_a_plain_loop(hours, seed):
    """Lowest of each run, and for each hour the best run that holds it."""
    series = np.random.default_rng(seed).integers(0, 9, 12).astype(float)
    lowest = [series[first : first + hours].min() for first in range(12 - hours + 1)]
    best = [max(lowest[max(0, hour - hours + 1) : hour + 1]) for hour in range(12)]
    assert lowest_of(series, hours).tolist() == lowest
    assert run_of(series, hours).tolist() == best


@pytest.mark.parametrize("rung", [RisingSpan, FallingSpan])
def test_less_than_an_hour_is_refused(rung):
    """With the remedy."""
    key = "at_least" if rung is RisingSpan else "at_most"
    with pytest.raises(ValueError, match="write 1 or more"):
        rung(within=HOUR, hours=0, **{key: 1.0}).check()


@pytest.mark.parametrize("hours", [0, 1, 26])
def test_whole_hours_are_those_that_are_full(hours):
    """Minutes beyond the last one do not count."""
    assert whole_hours(hours * HOUR + timedelta(minutes=59)) == hours


@pytest.mark.parametrize(("hour", "lag", "expected"), [(0, 0, 0), (23, 0, -23), (12, 3, -9), (1, 3, 2)])
def test_midnight_is_that_of_beijing_and_of_now(hour, lag, expected):
    """Counted from as_of, which may lie before it."""
    rule = LowTemperature(ladder={Level.BLUE: FallingSpan(at_most=4.0, within=HOUR)})
    sky = block(rule, {"temperature_2m": [every_hour(9.0)]}, [at(0, hour)], lag)
    assert midnights(sky).tolist() == [expected]
