from pathlib import Path

import numpy as np
import pytest

from rules.indices.evaporation import hargreaves, thornthwaite

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "data" / "reference_spi_spei"
NAN = float("nan")
RONGCHANG = 29.4

needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(),
    reason=f"data set {REFERENCE.name} is missing: put it into {REFERENCE.parent}",
)

YEAR = np.array([7.5, 9.6, 13.6, 18.7, 22.4, 25.1, 28.3, 28.2, 23.9, 18.7, 14.1, 9.0])
"""A year of monthly means like Rongchang's [°C]."""


@needs_reference
def test_thornthwaite_equals_the_reference():
    """123 years at 25.2292 °N, the place of the fixture: equal to 1e-4 mm, missing months and all."""
    warmth = np.load(REFERENCE / "temp_celsius.npy").ravel()
    ours = thornthwaite(warmth, 25.2292, first_year=1895)
    expected = np.load(REFERENCE / "pet_thornthwaite.npy").ravel()
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-4)


def test_thornthwaite_is_near_the_worked_number():
    """1 °C all year: xclim gives about 42.76 mm for February at 45 °N and asks for 10 % only; so do we."""
    assert thornthwaite(np.ones(12), 45.0)[1] == pytest.approx(42.76, rel=0.1)


def test_thornthwaite_of_a_basin_year_is_plausible():
    """Rongchang needs some 900 to 1000 mm a year, most in July."""
    need = thornthwaite(YEAR, RONGCHANG)
    assert 850 < need.sum() < 1050
    assert np.argmax(need) == 6


@pytest.mark.parametrize("cold", [-10.0, -0.1, 0.0])
def test_a_frozen_month_takes_nothing(cold):
    """Below zero counts as zero, in the month and in the heat of the year."""
    year = np.where(np.arange(12) == 0, cold, YEAR)
    assert thornthwaite(year, RONGCHANG)[0] == 0.0
    assert thornthwaite(year, RONGCHANG)[6] == thornthwaite(np.maximum(year, 0.0), RONGCHANG)[6]


def test_a_frozen_year_takes_nothing():
    """Without any warmth there is no division by it."""
    assert (thornthwaite(np.full(12, -5.0), RONGCHANG) == 0.0).all()


def test_a_missing_month_is_missing_alone():
    """The heat of the year is taken from the other years."""
    warmth = np.tile(YEAR, 3)
    warmth[17] = NAN
    assert np.flatnonzero(np.isnan(thornthwaite(warmth, RONGCHANG))).tolist() == [17]


@pytest.mark.parametrize(
    "warmth", [YEAR[:7], np.full(24, NAN)], ids=["seven months", "all missing"]
)
def test_a_month_that_never_was_makes_the_heat_unknown(warmth):
    """A year without its autumn has no heat index, so nothing is told."""
    assert np.isnan(thornthwaite(warmth, RONGCHANG)).all()


def test_normals_stand_in_for_the_year():
    """With normals a single month is enough, and equals the same month of the whole year."""
    alone = thornthwaite(YEAR[:1], RONGCHANG, normals=YEAR)
    assert alone == pytest.approx(thornthwaite(YEAR, RONGCHANG)[:1])


def test_a_leap_february_is_a_day_longer():
    """29 days against 28, and nearly the same light."""
    leap, common = (thornthwaite(YEAR, RONGCHANG, first_year=year)[1] for year in (2020, 2021))
    assert leap / common == pytest.approx(29 / 28, rel=0.005)


def test_each_place_has_its_own_latitude():
    """Places are rows; further north a July day is longer."""
    need = thornthwaite(np.stack([YEAR, YEAR]), np.array([20.0, 45.0]))
    assert need.shape == (2, 12)
    assert need[1, 6] > need[0, 6]
    np.testing.assert_array_equal(need[0], thornthwaite(YEAR, 20.0))


@pytest.mark.parametrize("day", range(158, 188))
def test_hargreaves_is_within_three_percent_of_the_worked_number(day):
    """45 °N, 10 to 20 °C: 4.030339 mm by xclim, on a summer day that the source does not name."""
    assert hargreaves(10.0, 20.0, 45.0, day) == pytest.approx(4.030339, rel=0.03)


def test_hargreaves_uses_the_sun_of_fao():
    """3 September at 20 °S: 32.2 MJ m-2 d-1, example 8 of FAO-56."""
    need = hargreaves(10.0, 20.0, -20.0, 246)
    assert need / (0.0023 * (15.0 + 17.8) * np.sqrt(10.0) * 0.408) == pytest.approx(32.2, abs=0.05)


@pytest.mark.parametrize(("low", "high"), [(NAN, 20.0), (10.0, NAN), (20.0, 19.9)])
def test_a_day_without_a_span_is_missing(low, high):
    """NaN in either, or a maximum below its minimum."""
    assert np.isnan(hargreaves(low, high, RONGCHANG, 200)).all()


def test_hargreaves_is_never_below_zero():
    """In deep cold the formula would give back water."""
    assert hargreaves(-40.0, -30.0, RONGCHANG, 15) == 0.0


def test_a_day_without_range_takes_nothing():
    """Equal extremes mean a closed sky."""
    assert hargreaves(15.0, 15.0, RONGCHANG, 200) == 0.0


def test_hargreaves_follows_places_and_days():
    """Rows are places, columns days."""
    low, high = np.full((2, 3), 20.0), np.full((2, 3), 35.0)
    need = hargreaves(low, high, np.array([20.0, 45.0]), np.array([1, 100, 366]))
    assert need.shape == (2, 3)
    assert need[0, 0] > need[1, 0]
