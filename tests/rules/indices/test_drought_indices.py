from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from rules.indices.drought import (
    INDEX_LIMITS,
    MI_LIMITS,
    PA_LIMITS,
    WEIGHTS_NORTH,
    WEIGHTS_SOUTH,
    Calibration,
    drought_class,
    drought_run,
    mci,
    mi,
    precipitation_anomaly,
    rolling_sum,
    run_under_way,
    spei,
    spi,
    weighted_antecedent,
)

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "data" / "reference_spi_spei"
NAN = float("nan")
CALIBRATION = ((1981 - 1895) * 12, (2011 - 1895) * 12)

needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(),
    reason=f"data set {REFERENCE.name} is missing: put it into {REFERENCE.parent}",
)


def reference(name):
    """A monthly series of the fixtures of climate_indices, January 1895 to December 2017."""
    return np.load(REFERENCE / f"{name}.npy").ravel()


def months(years=40, seed=3, dry=0.1):
    """Monthly rain in tenths of a millimetre, some months dry."""
    draw = np.random.default_rng(seed)
    rain = np.round(draw.gamma(1.5, 50.0, years * 12), 1)
    return np.where(draw.random(rain.size) < dry, 0.0, rain)


# --- like with like: the fixtures ---


@needs_reference
@pytest.mark.parametrize(
    ("name", "scale", "distribution", "calibration", "distance"),
    [
        ("spi_01_gamma", 1, "gamma", None, 2e-4),
        ("spi_06_gamma", 6, "gamma", None, 1e-5),
        ("spi_06_pearson3", 6, "pearson3", CALIBRATION, 1e-5),
    ],
)
def test_spi_equals_the_reference(name, scale, distribution, calibration, distance):
    """Same distribution, same calibration: equal to the fixture, missing months and all."""
    rain = reference("precips_mm_monthly")
    ours = spi(rain, scale, calibration=calibration, distribution=distribution)
    np.testing.assert_allclose(ours, reference(name), rtol=0, atol=distance)


@needs_reference
@pytest.mark.parametrize(("distribution", "distance"), [("gamma", 1e-5), ("pearson3", 6e-4)])
def test_spei_equals_the_reference(distribution, distance):
    """Fitted over the whole record; the Pearson fixture was stored with three decimals."""
    series = reference("precips_mm_monthly"), reference("pet_thornthwaite")
    ours = spei(*series, 6, distribution=distribution)
    np.testing.assert_allclose(ours, reference(f"spei_06_{distribution}"), rtol=0, atol=distance)


@needs_reference
def test_spei_by_default_is_the_one_that_a_fixture_confirms():
    """The default is gamma; the log-logistic lies near it, and how near is known."""
    series = reference("precips_mm_monthly"), reference("pet_thornthwaite")
    default, other = spei(*series, 6), spei(*series, 6, distribution="loglogistic")
    np.testing.assert_array_equal(default, spei(*series, 6, distribution="gamma"))
    distance = np.abs(default - other)
    assert np.nanmedian(distance) == pytest.approx(0.051, abs=0.002)
    assert np.nanmax(distance) == pytest.approx(0.668, abs=0.005)


# --- sums ---


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=60), st.integers(1, 12))
def test_sums_of_tenths_are_exact(tenths, length):
    """A sum of 0.1-mm amounts is the nearest number to the decimal sum, whatever came before."""
    sums = rolling_sum(np.array(tenths) / 10, length)
    exact = [sum(tenths[end - length : end]) / 10 for end in range(length, len(tenths) + 1)]
    assert sums[length - 1 :].tolist() == exact


def test_a_dry_window_after_a_storm_is_zero():
    """Nothing of an earlier storm is left over, not even a rounding error."""
    rain = np.array([87.3, 0.1, 0.2, 123.4, 0.0, 0.0, 0.0, 0.0])
    assert (rolling_sum(rain, 3)[-2:] == 0.0).all()


def test_single_precision_does_not_matter():
    """Rain that was stored as float32 sums to the same."""
    rain = months()
    np.testing.assert_array_equal(rolling_sum(rain.astype(np.float32), 6), rolling_sum(rain, 6))


def test_a_gap_empties_the_windows_that_hold_it():
    """A NaN is no zero: every window with it is NaN, and no other."""
    sums = rolling_sum([1.0, NAN, 1.0, 1.0, 1.0], 2)
    np.testing.assert_array_equal(sums, [NAN, NAN, NAN, 2.0, 2.0])


@pytest.mark.parametrize("length", [0, -3])
def test_a_window_without_steps_is_refused(length):
    """The message says what to give."""
    with pytest.raises(ValueError, match="give 1 or more"):
        rolling_sum([1.0], length)


# --- SPI and SPEI ---


@pytest.mark.parametrize("size", [0, 1, 5, 11])
def test_a_series_shorter_than_its_window_is_all_missing(size):
    """As long as it went in, and nothing in it."""
    answer = spi(np.ones(size), 12)
    assert answer.shape == (size,)
    assert np.isnan(answer).all()


def test_a_few_years_are_no_climate():
    """Three Januaries make no distribution."""
    assert np.isnan(spi(months(years=3, dry=0.0), 1)).all()


def test_a_dry_month_stands_at_the_share_of_dry_months():
    """Ten dry Januaries of forty: each has the rank 0.25, exactly."""
    rain = months(dry=0.0)
    rain[0:120:12] = 0.0
    assert (spi(rain, 1)[0:120:12] == ndtri(0.25)).all()


def test_a_dry_season_is_dry_to_the_bit():
    """Three dry months after a wet one sum to zero and enter the zero class with all others."""
    rain = months(dry=0.0).reshape(-1, 12)
    rain[::2, 9:] = 0.0
    december = spi(rain.ravel(), 3)[11::12]
    assert (december[::2] == ndtri(0.5)).all()


@pytest.mark.parametrize("kind", ["slice", "tuple", "mask"])
def test_a_calibration_may_be_said_in_three_ways(kind):
    """The same months, however named, give the same index."""
    rain = months()
    mask = np.zeros(rain.size, bool)
    mask[120:360] = True
    ways: dict[str, Calibration] = {"slice": slice(120, 360), "tuple": (120, 360), "mask": mask}
    np.testing.assert_array_equal(
        spi(rain, 3, calibration=ways[kind]), spi(rain, 3, calibration=(120, 360))
    )


def test_the_calibration_decides():
    """A year outside the calibration changes its own index only."""
    rain, wetter = months(), months()
    wetter[-12:] *= 3.0
    before, after = (spi(series, 1, calibration=(0, 360)) for series in (rain, wetter))
    np.testing.assert_array_equal(before[:-12], after[:-12])
    assert (after[-12:] >= before[-12:]).all()


@pytest.mark.parametrize("calibration", [(500, 600), slice(0, 0), np.ones(7, bool), np.ones(480)])
def test_a_calibration_beside_the_series_is_refused(calibration):
    """Months that the series does not have, or a mask that does not fit."""
    with pytest.raises(ValueError, match="calibration"):
        spi(months(), 1, calibration=calibration)


@pytest.mark.parametrize("distribution", ["gamma", "pearson3"])
def test_places_do_not_mix(distribution):
    """A stack of places gives the stack of their indices."""
    places = np.stack([months(seed=seed) for seed in (1, 2, 3)]).reshape(3, 1, -1)
    together = spi(places, 3, distribution=distribution)
    assert together.shape == places.shape
    alone = spi(places[1, 0], 3, distribution=distribution)
    np.testing.assert_array_equal(together[1, 0], alone)


def test_a_year_that_has_just_begun_counts():
    """A series need not end in December."""
    rain = months()[:-5]
    whole = spi(months(), 3, calibration=(0, 468))
    np.testing.assert_array_equal(spi(rain, 3, calibration=(0, 468)), whole[:-5])


def test_a_missing_month_leaves_its_windows_out():
    """The months whose window holds a NaN are NaN; the others are told."""
    rain = months()
    rain[100] = NAN
    assert np.flatnonzero(np.isnan(spi(rain, 3))).tolist() == [0, 1, 100, 101, 102]


@pytest.mark.parametrize("distribution", ["gamma", "pearson3", "loglogistic"])
def test_more_evaporation_is_drier(distribution):
    """The same rain under a thirstier sky has a lower SPEI."""
    rain, need = months(), months(seed=9) + 10.0
    need[240] += 80.0
    usual = spei(rain, months(seed=9) + 10.0, 1, distribution=distribution, calibration=(0, 240))
    thirsty = spei(rain, need, 1, distribution=distribution, calibration=(0, 240))
    assert thirsty[240] < usual[240]


@pytest.mark.parametrize("distribution", ["loglogistic", "normal"])
def test_a_distribution_that_spi_does_not_have_is_refused(distribution):
    """By name, with those that there are."""
    with pytest.raises(ValueError, match="gamma"):
        spi(months(), 1, distribution=distribution)


# --- MCI and its other parts ---


@pytest.mark.parametrize(
    ("weights", "ka", "value", "grade"),
    [(WEIGHTS_SOUTH, 1.2, -1.872, 3), (WEIGHTS_NORTH, 1.0, -1.390, 2)],
)
def test_mci_equals_the_worked_numbers(weights, ka, value, grade):
    """The same parts are a severe drought by the southern weights and a moderate one by the northern."""
    index = mci(-1.5, -0.8, -1.2, -0.9, ka=ka, weights=weights)
    assert index == pytest.approx(value, abs=1e-12)
    assert drought_class(index) == grade


@pytest.mark.parametrize("missing", range(4))
def test_mci_needs_all_its_parts(missing):
    """One unknown part makes the index unknown."""
    parts = [-1.0, -1.0, -1.0, -1.0]
    parts[missing] = NAN
    assert np.isnan(mci(*parts, ka=1.0, weights=WEIGHTS_SOUTH))


def test_mci_takes_weights_by_season():
    """Weights may be series: here summer has the southern, winter the northern."""
    seasonal = np.array([WEIGHTS_SOUTH, WEIGHTS_NORTH]).T
    parts = [np.full(2, part) for part in (-1.5, -0.8, -1.2, -0.9)]
    assert mci(*parts, ka=[1.2, 1.0], weights=seasonal) == pytest.approx([-1.872, -1.390])


@pytest.mark.parametrize(
    ("rain", "need", "index"),
    [(0.0, 90.0, -1.0), (45.0, 90.0, -0.5), (90.0, 90.0, 0.0), (180.0, 90.0, 1.0), (5.0, 0.0, NAN)],
)
def test_mi_is_the_share_that_rain_falls_short(rain, need, index):
    """No rain is -1; without evaporation there is no ratio."""
    assert mi(rain, need) == pytest.approx(index, nan_ok=True)


@pytest.mark.parametrize(
    ("rain", "mean", "percent"), [(0.0, 80.0, -100.0), (20.0, 80.0, -75.0), (1.0, 0.0, NAN)]
)
def test_the_anomaly_is_a_share_of_the_mean(rain, mean, percent):
    """No rain is -100 %; where it never rains there is no anomaly."""
    assert precipitation_anomaly(rain, mean) == pytest.approx(percent, nan_ok=True)


def test_antecedent_rain_fades_with_its_age():
    """Rain n days ago counts alpha^n."""
    rain = np.zeros(70)
    rain[60] = 100.0
    faded = weighted_antecedent(rain, alpha=0.85)
    assert faded[60:] == pytest.approx(100.0 * 0.85 ** np.arange(10))


def test_antecedent_rain_ends_after_its_days():
    """Of 3 days before, the fourth is forgotten, and the dry window is zero to the bit."""
    rain = np.array([50.0, 0.0, 0.0, 0.0, 0.0])
    answer = weighted_antecedent(rain, days=3, alpha=0.5)
    np.testing.assert_array_equal(answer, [NAN, NAN, NAN, 6.25, 0.0])


def test_antecedent_rain_is_unknown_where_a_day_is():
    """61 days must be known; a shorter series has none."""
    rain = np.ones((2, 130))
    rain[0, 64] = NAN
    answer = weighted_antecedent(rain, alpha=0.85)
    assert np.isfinite(answer).sum(axis=-1).tolist() == [70 - 61, 70]
    assert np.isnan(weighted_antecedent(np.ones(60), alpha=0.85)).all()


# --- classes and processes ---

ALL_LIMITS = {"index": INDEX_LIMITS, "mi": MI_LIMITS, **PA_LIMITS}


@pytest.mark.parametrize("table", ALL_LIMITS)
@pytest.mark.parametrize("grade", [1, 2, 3, 4])
def test_a_limit_belongs_to_the_drier_class(table, grade):
    """Exactly at, just under and just over each limit."""
    limits = ALL_LIMITS[table]
    at = limits[grade - 1]
    assert drought_class([at, at - 1e-6, at + 1e-6], limits).tolist() == [grade, grade, grade - 1]


def test_a_limit_met_through_arithmetic_is_met():
    """0.1 + 0.2 style rounding does not lift a value over its limit."""
    assert drought_class(-(0.1 + 0.2 + 0.2) + 2e-16) == 1


def test_what_is_unknown_has_no_class():
    """NaN is not class 0."""
    assert np.isnan(drought_class([NAN, 0.0])).tolist() == [True, False]


def run(days, **counts):
    """Process by a word of a letter a day: d drought, . none, ? unknown."""
    classes = np.array([{"d": 1.0, ".": 0.0, "?": NAN}[day] for day in days])
    return drought_run(classes, **{"start_after": 3, "end_after": 2} | counts)


@pytest.mark.parametrize(
    ("days", "length"),
    [
        ("dd.dd", "00000"),
        ("ddd", "003"),
        (".ddddd", "000345"),
        ("ddd.d.d", "0034567"),
        ("ddd..dd", "0034000"),
        ("ddd.....", "00340000"),
        ("ddd..ddd", "00340003"),
        ("dd?dd", "00000"),
        ("dd?ddd", "000003"),
        ("ddd?.?.", "0034567"),
        ("ddd?..", "003450"),
        ("ddd????", "0034567"),
        ("?????", "00000"),
        ("", ""),
    ],
)
def test_a_process_starts_and_ends_by_days_in_a_row(days, length):
    """Three in a row start it, dated from the first; two without end it; the unknown do neither."""
    followed = run(days)
    assert "".join(map(str, followed.length)) == length
    np.testing.assert_array_equal(followed.under_way, followed.length > 0)


@pytest.mark.parametrize("needed", [10, 15])
def test_the_day_that_completes_the_count_starts_it(needed):
    """The older rule wants 10 days, the newer is said to want 15."""
    followed = run("d" * 20, start_after=needed)
    assert np.flatnonzero(followed.under_way)[0] == needed - 1


def test_what_is_still_to_come_changes_nothing():
    """The first days of a longer series are followed like the series that ends there."""
    classes = np.random.default_rng(5).choice(
        [0.0, 1.0, 2.0, NAN], (4, 200), p=[0.2, 0.5, 0.2, 0.1]
    )
    whole = drought_run(classes, start_after=4, end_after=2)
    part = drought_run(classes[:, :90], start_after=4, end_after=2)
    np.testing.assert_array_equal(whole.length[:, :90], part.length)
    assert part.under_way.any()


@pytest.mark.parametrize("seed", range(5))
def test_the_run_under_way_is_that_of_the_last_day(seed):
    """Asked for today alone, the days before need not be told."""
    classes = np.random.default_rng(seed).choice([NAN, 0.0, 1.0, 2.0], (6, 40), p=[0.02, 0.2, 0.6, 0.18])
    counts = {"start_after": 4, "end_after": 2}
    days = np.moveaxis(classes, -1, 0)
    today = run_under_way(days >= 1.0, days < 1.0, **counts)
    assert today.tolist() == drought_run(classes, **counts).length[:, -1].tolist()
