"""Torridity, heat-wave index and THI: the worked numbers, runs, and what a missing day does."""

import warnings

import numpy as np
import pytest

from rules.indices.heat import critical_torridity, heat_wave_index, thi, torridity

NAN = np.nan
STEADY = [5.4016, 6.8354, 7.5523, 8.0302, 8.3887, 8.6754, 8.9144]


@pytest.mark.parametrize(
    ("tmax", "hurs", "expected"),
    [
        (33, 60, 84.052),
        (33, 65, 84.9705),
        (35, 60, 86.86),
        (35, 55, 86.86),
        (37, 60, 89.668),
        (38, 70, 93.404),
        (40, 40, 93.88),
        (41, 35, 95.284),
        (NAN, 60, NAN),
        (35, NAN, NAN),
    ],
)
def test_torridity_is_as_worked_out(tmax, hurs, expected):
    """Below 60 % the humidity counts as 60 %; what is missing stays missing."""
    assert torridity(tmax, hurs) == pytest.approx(expected, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    ("tas", "hurs", "expected"),
    [
        (25, 50, 71.775),
        (26, 60, 74.224),
        (28, 75, 79.045),
        (30, 70, 81.38),
        (35, 60, 86.86),
        (38, 50, 88.74),
        (NAN, 50, NAN),
        (30, NAN, NAN),
        (30, 104, 86.0),
    ],
)
def test_thi_is_as_worked_out(tas, hurs, expected):
    """No floor here; above saturation counts as saturated."""
    assert thi(tas, hurs) == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_a_rising_wave_has_the_worked_index():
    """36, 38 and 40 °C at 60 % against 86: light, moderate, severe."""
    ti = torridity([36.0, 38.0, 40.0], 60.0)
    np.testing.assert_allclose(heat_wave_index(ti, 86.0), [3.7168, 8.0288, 12.8524], atol=5e-5)


def test_a_steady_wave_has_the_worked_index():
    """Seven days of 37 °C at 60 %."""
    np.testing.assert_allclose(heat_wave_index([89.668] * 7, 86.0), STEADY, atol=5.1e-5)


@pytest.mark.parametrize("ti", [86.0, 85.999, 20.0])
def test_a_day_not_above_the_critical_value_has_none(ti):
    """TI equal to TI′ is not hot."""
    assert heat_wave_index([ti], 86.0).tolist() == [0.0]


def test_a_run_begins_anew_after_a_day_that_is_not_hot():
    """What was before the pause is forgotten."""
    found = heat_wave_index([89.668] * 3 + [80.0] + [89.668] * 2, 86.0)
    np.testing.assert_allclose(found, [*STEADY[:3], 0.0, *STEADY[:2]], atol=5.1e-5)


def test_a_missing_day_leaves_the_run_unknown_until_it_ends():
    """The run after a gap has no known length; a day that is not hot settles it."""
    found = heat_wave_index([89.668, NAN, 89.668, 89.668, 80.0, 89.668], 86.0)
    expected = [STEADY[0], NAN, NAN, NAN, 0.0, STEADY[0]]
    np.testing.assert_allclose(found, expected, atol=5.1e-5)


def test_a_gap_before_a_cool_day_does_no_harm():
    """A day that is not hot is 0 whatever was before."""
    np.testing.assert_array_equal(heat_wave_index([NAN, 80.0], 86.0), [NAN, 0.0])


def by_the_formula(ti, critical):
    """The published sum, day by day, for a series without gaps."""
    found = []
    for day, today in enumerate(ti):
        ago = 1
        value = 1.2 * (today - critical) + 1.0
        while ago <= day and min(ti[day - ago : day + 1]) > critical:
            value += 0.35 / ago * (ti[day - ago] - critical) + 0.15 / ago
            ago += 1
        found.append(value if today > critical else 0.0)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_random_summers_equal_the_formula(seed):
    """Places with their own critical values, each as if it were alone."""
    rng = np.random.default_rng(seed)
    ti, critical = rng.normal(87.0, 4.0, (4, 3, 90)), rng.uniform(80.0, 90.0, (4, 3))
    found = heat_wave_index(ti, critical)
    for place in np.ndindex(4, 3):
        expected = by_the_formula(ti[place].tolist(), critical[place])
        np.testing.assert_allclose(found[place], expected, atol=1e-9)


def test_a_place_without_a_critical_value_is_unknown():
    """No history, no verdict; its neighbour is not touched."""
    found = heat_wave_index(np.full((2, 3), 89.668), [NAN, 86.0])
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], STEADY[:3], atol=5.1e-5)


@pytest.mark.parametrize("days", range(6))
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_the_critical_value_is_the_median_of_hot_days(days, gaps):
    """Against numpy's own median, with even and odd numbers of days and with gaps."""
    rng = np.random.default_rng(days)
    ti, tmax = rng.normal(85, 5, (20, days)), rng.normal(33, 3, (20, days))
    ti[rng.random(ti.shape) < gaps] = NAN
    tmax[rng.random(ti.shape) < gaps] = NAN
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.nanmedian(np.where(tmax > 33.0, ti, NAN), axis=-1)
    np.testing.assert_allclose(critical_torridity(ti, tmax), expected)


@pytest.mark.parametrize(("threshold", "expected"), [(33.0, 88.0), (32.9, 86.0), (40.0, NAN)])
def test_a_day_at_the_threshold_does_not_count(threshold, expected):
    """The maximum must lie above it; where none does there is no critical value."""
    found = critical_torridity([84.0, 88.0], [33.0, 35.0], threshold)
    assert found == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("hurs", lambda: torridity(np.ones(3), np.ones(2))),
        ("hurs", lambda: thi(np.ones(3), np.ones(2))),
        ("tmax", lambda: critical_torridity(np.ones(3), np.ones(2))),
        ("ti:", lambda: heat_wave_index(86.0, 86.0)),
        ("ti_critical", lambda: heat_wave_index(np.ones((2, 5)), np.ones(5))),
    ],
)
def test_shapes_that_do_not_fit_are_named(name, call):
    """The error begins with the argument at fault."""
    with pytest.raises(ValueError, match=f"^{name}"):
        call()
