"""Values of a day: its maximum, and how many hot days in a row it ends."""

import numpy as np
import pytest
from simulators.sky import NAN, days, place

from rules.derived import day_maximum, hot_day_run


def day(**gap):
    """24 hours with their maximum of 36.5 at 16:00, some of them missing."""
    hours = days({0: 36.5})[place(0, 0) : place(1, 0)]
    hours[gap.get("first", 0) : gap.get("first", 0) + gap.get("hours", 0)] = NAN
    return hours[None]


@pytest.mark.parametrize(
    ("first", "hours", "expected"),
    [(0, 0, 36.5), (0, 2, 36.5), (22, 2, 36.5), (0, 3, NAN), (21, 3, NAN), (16, 1, 25.0), (0, 24, NAN)],
)
def test_a_maximum_is_known_where_no_long_gap_may_hide_it(first, hours, expected):
    """Two missing hours in a row are bridged; three make the day unknown, wherever they lie."""
    np.testing.assert_array_equal(day_maximum(day(first=first, hours=hours)), [expected])


@pytest.mark.parametrize(("gap", "known"), [(0, False), (1, True)])
def test_the_gap_that_is_bridged_can_be_set(gap, known):
    """One missing hour is one too many where none is bridged."""
    assert np.isfinite(day_maximum(day(first=3, hours=1), max_gap=gap)[0]) == known


@pytest.mark.parametrize(
    ("maximum", "before", "run"),
    [
        (34.9, 5, 0), (34.94, 5, 0), (34.96, 5, 6), (35.0, 0, 1), (35.0, NAN, 1), (42.0, 30, 31),
        (NAN, 5, NAN), (NAN, NAN, NAN), (34.9, NAN, 0),
    ],
)
def test_a_run_grows_by_a_hot_day_and_ends_with_another(maximum, before, run):
    """Without yesterday it is a lower bound; without today it is unknown."""
    np.testing.assert_array_equal(hot_day_run(np.array([maximum]), np.array([before])), [run])


def test_towns_have_runs_of_their_own():
    """One town's cool day ends no other's run."""
    found = hot_day_run(np.array([36.0, 30.0, NAN]), np.array([2.0, 2.0, 2.0]))
    np.testing.assert_array_equal(found, [3, 0, NAN])
