"""Effective rain, ARI7 and intensity-duration curves: worked numbers, windows and gaps."""

from functools import partial

import numpy as np
import pytest

from rules.indices.landslide import (
    CAINE,
    amount_threshold,
    antecedent_rain,
    ari7,
    effective_rain,
    intensity_threshold,
)

NAN = np.nan
FIVE_DAYS = [30.0, 0.0, 10.0, 20.0, 60.0]
SEVEN_DAYS = [15.0, 5.0, 0.0, 40.0, 30.0, 20.0, 10.0]
ALPHA, BETA = CAINE


@pytest.mark.parametrize(
    ("decay", "effective", "antecedent"),
    [(0.6, 79.488, 19.488), (0.8, 94.688, 34.688), (0.84, 98.792, 38.792), (0.85, 99.885, 39.885)],
)
def test_effective_rain_is_as_worked_out(decay, effective, antecedent):
    """60 mm today after 20, 10, 0 and 30, with and without today."""
    given = {"decay": decay, "days": 4}
    assert effective_rain(FIVE_DAYS, **given)[-1] == pytest.approx(effective, abs=5.1e-4)
    assert antecedent_rain(FIVE_DAYS, **given)[-1] == pytest.approx(antecedent, abs=5.1e-4)


def test_ari7_is_as_worked_out():
    """10 mm today after 20, 30, 40, 0, 5 and 15."""
    assert ari7(SEVEN_DAYS)[-1] == pytest.approx(14.0749, abs=5e-5)


def test_ari7_of_steady_rain_is_that_rain():
    """The weights are shares."""
    np.testing.assert_allclose(ari7(np.full(9, 12.5))[6:], 12.5)


@pytest.mark.parametrize(
    ("function", "needs"),
    [
        (partial(effective_rain, decay=0.6, days=7), 8),
        (partial(antecedent_rain, decay=0.6, days=7), 8),
        (partial(effective_rain, decay=1.0, days=1), 2),
        (ari7, 7),
    ],
)
@pytest.mark.parametrize("days", [0, 1, 6, 7, 8, 30])
def test_a_window_that_is_not_full_is_nan(function, needs, days):
    """A series comes back as long as it went in."""
    found = function(np.ones((2, 3, days)))
    assert found.shape == (2, 3, days)
    known = np.broadcast_to(np.arange(days) >= needs - 1, found.shape)
    np.testing.assert_array_equal(np.isfinite(found), known)


@pytest.mark.parametrize(
    ("function", "lost"),
    [
        (partial(effective_rain, decay=0.6, days=7), range(10, 18)),
        (partial(antecedent_rain, decay=0.6, days=7), range(11, 18)),
        (ari7, range(10, 17)),
    ],
)
def test_a_missing_day_is_missing_while_it_counts(function, lost):
    """Rain that was not measured makes every window that holds it NaN, at its own place only."""
    rain = np.ones((2, 30))
    rain[0, 10] = NAN
    found = function(rain)
    first = 6 if function is ari7 else 7
    assert np.flatnonzero(np.isnan(found[0, first:])).tolist() == [day - first for day in lost]
    assert np.isfinite(found[1, first:]).all()


@pytest.mark.parametrize("decay", [0.6, 0.84])
def test_effective_rain_is_today_and_what_went_before(decay):
    """Pe = P0 + antecedent rain, on random grids."""
    rain = np.random.default_rng(11).exponential(8.0, (3, 4, 60))
    given = {"decay": decay, "days": 7}
    parts = rain + antecedent_rain(rain, **given)
    np.testing.assert_allclose(effective_rain(rain, **given), parts)


@pytest.mark.parametrize(
    "function", [partial(effective_rain, decay=0.6, days=7), ari7], ids=["effective", "ari7"]
)
def test_more_rain_never_lowers_it(function):
    """Every day counts upwards."""
    rng = np.random.default_rng(12)
    rain = rng.exponential(8.0, (20, 60))
    more = rain + rng.exponential(1.0, rain.shape)
    assert (function(more)[:, 7:] > function(rain)[:, 7:]).all()


@pytest.mark.parametrize(
    ("hours", "amount"),
    [(1, 14.8), (3, 29.0), (6, 44.2), (12, 67.5), (24, 103.0), (48, 157.2), (72, 201.3)],
)
def test_the_amounts_of_caine_are_as_worked_out(hours, amount):
    """Intensity times duration."""
    found = amount_threshold(hours, alpha=ALPHA, beta=BETA)
    assert found == pytest.approx(amount, abs=0.051)


@pytest.mark.parametrize(
    ("hours", "intensity"), [(24, 4.291), (1, 14.82), (NAN, NAN), (0, NAN), (-1, NAN)]
)
def test_the_intensities_of_caine_are_as_worked_out(hours, intensity):
    """What has no duration has no threshold."""
    found = intensity_threshold([hours], alpha=ALPHA, beta=BETA)[0]
    assert found == pytest.approx(intensity, abs=5e-4, nan_ok=True)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("decay", lambda: effective_rain(FIVE_DAYS, decay=0.0, days=4)),
        ("decay", lambda: antecedent_rain(FIVE_DAYS, decay=1.01, days=4)),
        ("decay", lambda: effective_rain(FIVE_DAYS, decay=NAN, days=4)),
        ("days", lambda: effective_rain(FIVE_DAYS, decay=0.6, days=0)),
        ("pr_daily", lambda: ari7(3.0)),
        ("pr_daily", lambda: effective_rain(3.0, decay=0.6, days=4)),
    ],
)
def test_an_impossible_argument_is_named(name, call):
    """The error begins with the argument at fault."""
    with pytest.raises(ValueError, match=f"^{name}"):
        call()
