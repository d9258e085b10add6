"""Rain sums: exact to the tenth whatever the window, and the grade words."""

from decimal import Decimal

import numpy as np
import pytest

from rules.indices.rain import GRADES, grade, tenths, window_sum, window_sum_tenths

NAN = np.nan
LADDER = {3: (500, 1000), 6: (500,), 12: (500, 300, 700, 1400), 24: (100, 250, 500, 1000, 2500)}


@pytest.mark.parametrize("hours", LADDER)
def test_ten_million_windows_keep_their_level(hours):
    """No sum of tenths falls on the wrong side of a threshold: the amounts are integers to begin with."""
    rng = np.random.default_rng(hours)
    # Most sums lie near the thresholds, and thousands exactly on one.
    whole = rng.integers(0, 2 * LADDER[hours][0] // hours, (250, 10_000))
    sums = np.cumsum(whole, axis=-1)
    sums[:, hours:] -= sums[:, :-hours].copy()
    found = window_sum(whole / 10.0, hours)[:, hours - 1 :]
    for threshold in LADDER[hours]:
        at_least = sums[:, hours - 1 :] >= threshold
        np.testing.assert_array_equal(found >= threshold / 10.0, at_least)
    assert (sums[:, hours - 1 :] == LADDER[hours][0]).sum() > 1000


def test_a_sum_is_the_double_nearest_to_the_decimal():
    """Ten hours of 0.1 mm are 1.0 mm, and every sum is what its decimal text reads as."""
    rng = np.random.default_rng(6)
    texts = [f"{value // 10}.{value % 10}" for value in rng.integers(0, 400, 500)]
    found = window_sum([float(text) for text in texts], 24)
    for end in range(23, 500):
        exact = sum(Decimal(text) for text in texts[end - 23 : end + 1])
        assert found[end] == float(exact)


@pytest.mark.parametrize("hours", [1, 2, 3, 5, 6, 7, 12, 24, 31, 48, 72, 100, 127, 200])
def test_every_length_of_window_adds_up(hours):
    """Against a plain sum, on axes before the last and on series shorter than the window."""
    whole = np.random.default_rng(7).integers(0, 900, (3, 2, 150)).astype(np.int32)
    found = window_sum(whole / 10.0, hours)
    for end in range(150):
        part = whole[..., end - hours + 1 : end + 1]
        expected = part.sum(axis=-1) / 10.0 if end >= hours - 1 else np.full((3, 2), NAN)
        np.testing.assert_array_equal(found[..., end], expected)


@pytest.mark.parametrize("hours", [1, 2, 3, 5, 8, 24, 60, 300])
def test_a_missing_hour_is_missing_in_every_window_that_holds_it(hours):
    """Exactly `hours` sums are lost to one gap, on its row only."""
    rain = np.random.default_rng(8).integers(0, 50, (20, 100)) / 10.0
    holes = np.random.default_rng(hours).random(rain.shape) < 0.03
    expected = window_sum(rain, hours)
    for row, hour in zip(*np.nonzero(holes), strict=True):
        expected[row, hour : hour + hours] = NAN
    np.testing.assert_array_equal(window_sum(np.where(holes, NAN, rain), hours), expected)


@pytest.mark.parametrize(
    ("amount", "whole", "missing"),
    [
        (0.1, 1, False),
        (0.3, 3, False),
        (12.7, 127, False),
        (0.04, 0, False),
        (-1e-7, 0, False),
        (-0.1, 0, True),
        (-999.9, 0, True),
        (NAN, 0, True),
        (np.inf, 0, True),
        (10_000.0, 100_000, False),
        (1e30, 0, True),
    ],
)
def test_an_amount_becomes_tenths_or_is_missing(amount, whole, missing):
    """Rounded to the nearest tenth; what no gauge can say is missing."""
    found, mask = tenths([amount])
    assert (found[0], mask[0]) == (whole, missing)
    assert found.dtype == np.int32


@pytest.mark.parametrize("axis", [0, 1, 2, -2])
def test_the_time_axis_may_be_any(axis):
    """Sums run along the axis that is named."""
    whole = np.random.default_rng(9).integers(0, 90, (12, 13, 14)).astype(np.int32)
    found = window_sum_tenths(whole, 5, axis)
    last = window_sum_tenths(np.moveaxis(whole, axis, -1), 5)
    np.testing.assert_array_equal(found, np.moveaxis(last, -1, axis))


def test_before_a_window_is_full_its_sum_is_that_of_its_part():
    """Integers have no NaN."""
    assert window_sum_tenths(np.array([1, 2, 3, 4], dtype=np.int32), 3).tolist() == [1, 3, 6, 9]


def test_the_longest_window_of_the_largest_amounts_fits():
    """Nothing wraps within the bounds that are promised."""
    found = window_sum(np.full(20_000, 10_000.0), 20_000)
    assert found[-1] == 2e8


def test_more_rain_never_gives_a_smaller_sum():
    """Adding a tenth anywhere raises or keeps every window."""
    rng = np.random.default_rng(10)
    rain = rng.integers(0, 300, (50, 60)) / 10.0
    more = rain + rng.integers(0, 2, rain.shape) / 10.0
    assert (window_sum(more, 12)[:, 11:] >= window_sum(rain, 12)[:, 11:]).all()


@pytest.mark.parametrize("hours", [0, -3, 20_001])
def test_an_impossible_window_is_refused(hours):
    """A window has at least one hour."""
    with pytest.raises(ValueError, match=r"^hours"):
        window_sum(np.ones(5), hours)


def test_a_single_number_has_no_time():
    """The error says which axis is missing."""
    with pytest.raises(ValueError, match=r"^pr_hourly"):
        window_sum(3.0, 3)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 4)])
def test_nothing_in_is_nothing_out(shape):
    """Empty series come back empty."""
    assert window_sum(np.empty(shape), 3).shape == shape


BOUNDS_24H = [(0.1, 1), (10.0, 2), (25.0, 3), (50.0, 4), (100.0, 5), (250.0, 6)]
BOUNDS_12H = [(0.1, 1), (5.0, 2), (15.0, 3), (30.0, 4), (70.0, 5), (140.0, 6)]


@pytest.mark.parametrize(
    ("hours", "bound", "index"),
    [(24, *row) for row in BOUNDS_24H] + [(12, *row) for row in BOUNDS_12H],
)
def test_a_bound_belongs_to_the_higher_grade(hours, bound, index):
    """Exactly at, a tenth under and a tenth over each bound of the table."""
    found = grade([round(bound - 0.1, 1), bound, bound + 0.1], hours)
    assert found.tolist() == [index - 1, index, index]


def test_a_missing_amount_has_no_grade():
    """Minus one, which no list of words should be asked for; a grid stays a grid."""
    found = grade([[NAN, 0.0], [260.0, 60.0]], 24)
    assert found.tolist() == [[-1, 0], [6, 4]]


def test_the_words_are_those_of_the_standard():
    """From a trace to the extreme, in both languages."""
    assert [row.zh for row in GRADES] == "微量 小雨 中雨 大雨 暴雨 大暴雨 特大暴雨".split()
    assert len({row.en for row in GRADES}) == len(GRADES)


@pytest.mark.parametrize("hours", [1, 6, 48])
def test_other_hours_have_no_grades(hours):
    """The table is for 12 and 24 hours."""
    with pytest.raises(ValueError, match=r"^hours"):
        grade([1.0], hours)
