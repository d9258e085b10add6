"""Windows over hours: what is certain, what is possible, and how long it lasts."""

from datetime import timedelta

import hypothesis.strategies as st
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis.extra.numpy import arrays
from simulators.sky import FIRST_DAY, at, block, days, place

from rules.windows import (
    Bounds,
    aligned,
    any_known,
    consecutive,
    groups,
    highest,
    newest,
    silence,
    spell,
)

NAN, INF = float("nan"), float("inf")
X = NAN


# --- the highest of some hours ---


@pytest.mark.parametrize(
    ("series", "gap", "low", "high"),
    [
        ([1, 3, 2], 0, 3, 3), ([1, X, 2], 0, 2, INF), ([1, X, 2], 1, 2, 2),
        ([X, X, 2, 1], 1, 2, INF), ([2, 1, X, X], 1, 2, INF), ([2, 1, X, X], 2, 2, 2),
        ([1, X, 2, X, 3], 1, 3, 3), ([X, X, X], 2, -INF, INF), ([X, X], 2, -INF, INF),
        ([X, 1], 5, 1, 1), ([-40], 0, -40, -40), ([X], 0, -INF, INF), ([X] * 3, 3, -INF, INF),
    ],
)
def test_the_highest_lies_between_what_is_known_and_what_a_gap_may_hide(series, gap, low, high):
    """A gap of at most so many hours hides nothing; where nothing at all is known, everything may be."""
    bounds = highest(np.array([series], dtype=float), gap)
    assert (bounds.low.tolist(), bounds.high.tolist()) == ([low], [high])


def test_only_the_last_axis_is_looked_along():
    """Each town and now has its own bounds."""
    bounds = highest(np.array([[[1.0, 2], [X, X]], [[3, X], [4, 4]]]), 0)
    assert bounds.low.tolist() == [[2, -INF], [3, 4]]
    assert bounds.high.tolist() == [[2, INF], [INF, 4]]


@given(
    series=arrays(float, 12, elements=st.sampled_from([X, 1.0, 2.0])), gap=st.integers(0, 14)
)
def test_a_gap_is_counted_hour_by_hour(series, gap):
    """The same as looking for a run of missing hours with one's finger."""
    runs = "".join("x" if np.isnan(value) else "." for value in series)
    hidden = "x" * (gap + 1) in runs or set(runs) == {"x"}
    assert np.isinf(highest(series[None], gap).high[0]) == hidden


# --- days in a row ---


@pytest.mark.parametrize(
    ("days_", "length", "expected"),
    [
        ([35, 36, 37], 3, 35), ([5], 1, 5), ([1, 2, 3], 2, 2), ([9, 1, 8], 2, 1),
        ([1, 5, 6, 7, 2], 3, 5), ([1, 5, 6, -INF, 9], 3, 1),
    ],
)
def test_the_best_run_counts_by_its_lowest_day(days_, length, expected):
    """The highest threshold that some run meets on each of its days."""
    bounds = [Bounds(low=np.array([day]), high=np.array([day])) for day in days_]
    found = consecutive(bounds, length)
    assert (found.low[0], found.high[0]) == (expected, expected)


def test_certain_and_possible_are_counted_apart():
    """A day that may be hot opens the run upwards and leaves it certain downwards."""
    bounds = [Bounds(low=np.array([low]), high=np.array([high])) for low, high in
              ((36, 36), (20, INF), (35, 35))]
    found = consecutive(bounds, 3)
    assert (found.low[0], found.high[0]) == (20, 35)


# --- spells ---


@pytest.mark.parametrize(
    ("hits", "pause", "expected"),
    [
        ("....", 2, (-1, -1)), ("x...", 2, (0, 0)), ("...x", 2, (3, 3)), (".xx.", 2, (1, 2)),
        ("x.x.", 2, (0, 2)), ("x..x", 2, (0, 0)), ("x..x", 3, (0, 3)), ("xx..x.x", 2, (0, 1)),
        ("x.x..x", 2, (0, 2)), ("x.x.x.", 2, (0, 4)), (".x..x..x", 2, (1, 1)), ("", 2, (-1, -1)),
    ],
)
def test_a_spell_goes_on_over_short_pauses(hits, pause, expected):
    """From the first hit to the last before the first pause that is too long."""
    row = np.array([[mark == "x" for mark in hits]], dtype=bool)
    if row.size == 0:
        row = np.zeros((1, 1), dtype=bool)
    first, last = spell(row, pause)
    assert (first[0], last[0]) == expected


# --- nows at the same hour of the day ---


def test_a_live_block_is_one_group():
    """Its day begins so many hours before as_of."""
    (group,) = groups(block(days({}), nows=[at(0, 9)], lag=1))
    assert (group.rows, group.phase, group.lag, group.zero) == (slice(None), 8, 1, 95)


def test_nows_are_grouped_by_hour_of_the_beijing_day():
    """Two midnights and one noon make two groups, whichever date they have."""
    nows = [at(0, 0), at(0, 12), at(1, 0)]
    found = {group.phase: group.rows.tolist() for group in groups(block(days({}), nows=nows))}
    assert found == {0: [0, 2], 12: [1]}


def test_just_after_midnight_as_of_lies_on_the_day_before():
    """The phase is negative, and today is still the day of now."""
    (group,) = groups(block(days({}), nows=[at(0, 0) + timedelta(minutes=5)], lag=2))
    assert (group.phase, group.lag) == (-2, 2)


@pytest.mark.parametrize("lag", [0, 1, 4])
@pytest.mark.parametrize("hour", range(0, 24, 5))
@pytest.mark.parametrize("day", [-2, -1, 0, 1, 2])
def test_a_day_is_its_24_hours(day, hour, lag):
    """A series that tells its own hour shows which hours a slice holds."""
    clock = np.arange(days({}).size, dtype=float)
    found = block(clock, nows=[at(0, hour)], lag=lag)
    (group,) = groups(found)
    hours = found["temperature_2m"].values[0, 0, group.day(day)]
    assert hours.tolist() == list(range(place(day, 0), place(day + 1, 0)))


@pytest.mark.parametrize("lag", [0, 3])
@pytest.mark.parametrize("span", [0, 1, 24])
def test_ahead_runs_from_as_of_to_the_span_after_now(span, lag):
    """Both ends belong to it."""
    clock = np.arange(days({}).size, dtype=float)
    found = block(clock, nows=[at(0, 12)], lag=lag)
    (group,) = groups(found)
    hours = found["temperature_2m"].values[0, 0, group.ahead(timedelta(hours=span))]
    assert hours.tolist() == list(range(place(0, 12 - lag), place(0, 12 + span) + 1))


def test_the_drawn_days_begin_where_they_say():
    """What these tests stand on."""
    assert place(FIRST_DAY, 0) == 0


# --- nows at different hours, looked at together ---


def test_hours_of_each_now_begin_at_its_own():
    """What is cut for many nows at once is what each of them would cut alone."""
    series = np.arange(3 * 2 * 10.0).reshape(3, 2, 10)
    found = aligned(series, np.array([0, 4, 7]), 3)
    for now, first in enumerate((0, 4, 7)):
        assert found[now].tolist() == series[now, :, first : first + 3].tolist()


def test_nows_at_the_same_hour_are_not_copied():
    """A province has one now and no memory to spare."""
    series = np.zeros((2, 3, 10))
    assert np.shares_memory(aligned(series, np.array([4, 4]), 3), series)


@pytest.mark.parametrize(
    ("series", "expected"),
    [([1, 2], 0), ([1, NAN], 1), ([1, NAN, NAN], 2), ([NAN, 1], 0), ([NAN, NAN], INF)],
)
def test_silence_counts_what_is_missing_since_the_last_value(series, expected):
    """Nothing known at all is endless."""
    assert silence(np.array([[series]], float)).tolist() == [[expected]]


@pytest.mark.parametrize(
    ("series", "known"), [([1, NAN], True), ([NAN, 1], True), ([NAN, NAN], False), ([], False)]
)
def test_one_known_value_is_enough(series, known):
    """Wherever it stands; infinity is none."""
    assert any_known(np.array([series, series], float)).tolist() == [known, known]


@pytest.mark.parametrize(
    ("days", "expected"), [([1, 2, NAN], 2), ([1, NAN, 9], 1), ([NAN, NAN, 9], NAN)]
)
def test_the_newest_day_is_the_last_known_that_ended(days, expected):
    """The day under way does not count."""
    found = xr.Dataset(
        {"x": (("now", "place", "day"), np.array([[days]], float))}, {"day": [-2, -1, 0]}
    )
    np.testing.assert_array_equal(newest(found, "x"), [[expected]])


def test_what_is_done_to_settled_bounds_is_done_once():
    """Equal sides stay one array; sides that differ are changed apart."""
    sides = np.array([1.0, 2.0]), np.array([1.0, INF])
    settled, open_ = Bounds(low=sides[0], high=sides[0]), Bounds(low=sides[0], high=sides[1])
    assert (-settled).settled
    assert settled[:1].settled
    assert not open_[:1].settled
    assert (-open_).high.tolist() == [-1.0, -INF]
