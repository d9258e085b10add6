from dataclasses import replace

import numpy as np
import pytest

from ingest.errors import FengsuiError, StoreError, UnknownName
from rules.baseline import (
    FITS,
    HUMIDITY,
    NEEDED,
    RAIN,
    TEMPERATURE_MAX,
    TEMPERATURE_MEAN,
    Baseline,
    calendar_day,
    fit_baseline,
)
from rules.indices.drought import rolling_sum, weighted_antecedent

NAN = float("nan")
PLACES = ("500153001", "500153005", "500153018")
FIRST = np.datetime64("1990-08-01")
DAYS = np.arange(FIRST, np.datetime64("2011-01-01"))
PERIOD = DAYS.astype("datetime64[Y]").astype(int) + 1970 >= 1991
MONTH = DAYS.astype("datetime64[M]").astype(int) % 12
ALPHA = 0.85


def synthetic():
    """Twenty years and five months of a monsoon climate: wet and hot in summer, the places wetter by row."""
    draw = np.random.default_rng(11)
    shape = (len(PLACES), len(DAYS))
    season = np.sin((calendar_day(DAYS) - 110) / 366 * 2 * np.pi)
    amount = draw.gamma(0.7, 10.0, shape) * (1.0 + 0.8 * season) * np.array([[1.0], [1.5], [2.0]])
    hottest = 20.0 + 12.0 * season + draw.normal(0.0, 4.0, shape)
    return {
        RAIN: np.round(np.where(draw.random(shape) < 0.4, amount, 0.0), 1),
        TEMPERATURE_MAX: hottest,
        TEMPERATURE_MEAN: hottest - 5.0,
        HUMIDITY: np.clip(draw.normal(78.0, 8.0, shape), 30.0, 100.0),
    }


DAILY = synthetic()


def fitted(daily=DAILY, minimum_years=20):
    """The baseline of the synthetic record, or of a changed one."""
    return fit_baseline(
        daily, FIRST, PLACES, source="synthetic", alpha=ALPHA, minimum_years=minimum_years
    )


BASELINE = fitted()


def changed(name, row, days, value):
    """The record with some days of one series of one place replaced."""
    series = DAILY[name].copy()
    series[row, days] = value
    return DAILY | {name: series}


def amounts():
    """The daily amounts of every fit, over the whole record."""
    rain = DAILY[RAIN]
    return {
        "rain_90": rolling_sum(rain, 90),
        "rain_150": rolling_sum(rain, 150),
        "wap_60": weighted_antecedent(rain, alpha=ALPHA),
    }


# --- what is fitted ---


def test_the_period_is_the_whole_years():
    """The five months before the first January only fill windows."""
    assert (BASELINE.first_year, BASELINE.last_year) == (1991, 2010)


@pytest.mark.parametrize("name", FITS)
def test_the_climate_itself_is_standard_normal(name):
    """Standardised by its own baseline, the record has mean 0 and standard deviation 1."""
    values = BASELINE.standardised(name, amounts()[name], calendar_day(DAYS))
    assert np.nanmean(values) == pytest.approx(0.0, abs=0.02)
    assert np.nanstd(values) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("month", range(12))
def test_no_season_is_taken_for_a_drought(name, month):
    """The same holds in every calendar month: a dry winter is normal in a monsoon climate."""
    values = BASELINE.standardised(name, amounts()[name], calendar_day(DAYS))
    in_month = values[:, PERIOD & (month == MONTH)]
    assert np.nanmean(in_month) == pytest.approx(0.0, abs=0.05)
    assert np.nanstd(in_month) == pytest.approx(1.0, abs=0.12)


def test_each_place_is_compared_with_itself():
    """The wettest place is not wet for itself."""
    values = BASELINE.standardised("rain_90", amounts()["rain_90"], calendar_day(DAYS))
    assert np.nanmean(values, axis=-1) == pytest.approx(np.zeros(3), abs=0.05)
    assert (np.diff(BASELINE.rain_mean_30.mean(axis=-1)) > 0.0).all()


def test_the_mean_rain_follows_the_season():
    """30 days to mid-August are wetter than 30 days to mid-February."""
    assert (BASELINE.rain_mean_30[:, 227] > 2.0 * BASELINE.rain_mean_30[:, 45]).all()


def test_the_critical_torridity_is_the_median_of_hot_days():
    """Half of the days above 33 °C of the period lie above it."""
    hot = DAILY[TEMPERATURE_MAX][0, PERIOD]
    humid = np.maximum(DAILY[HUMIDITY][0, PERIOD], 60.0) / 100.0
    torrid = (1.8 * hot - 0.55 * (1.8 * hot - 26.0) * (1.0 - humid) + 32.0)[hot > 33.0]
    assert BASELINE.ti_critical[0] == pytest.approx(np.median(torrid))


def test_a_place_without_hot_days_has_no_critical_torridity():
    """A mountain that never sees 33 °C: unknown, not zero."""
    cool = changed(TEMPERATURE_MAX, 1, slice(None), 20.0)
    assert np.isnan(fitted(cool).ti_critical).tolist() == [False, True, False]


def test_a_twentieth_of_the_wet_days_lies_above_the_percentile():
    """The 95th percentile of the week's index, over days with rain."""
    rain = DAILY[RAIN][0]
    weights = 1.0 / np.arange(1, 8) ** 2
    index = np.convolve(rain, weights / weights.sum())[: rain.size]
    wet = (rain >= 0.1) & PERIOD
    assert np.mean(index[wet] > BASELINE.ari7_p95[0]) == pytest.approx(0.05, abs=0.002)


def test_the_temperature_normals_are_monthly_means():
    """July of the period, place by place."""
    expected = DAILY[TEMPERATURE_MEAN][:, PERIOD & (MONTH == 6)].mean(axis=-1)
    assert BASELINE.temperature_normals[:, 6] == pytest.approx(expected)


def test_a_few_missing_days_do_no_harm():
    """A gap of a week is left out of the fits, which stay finite."""
    holed = fitted(changed(RAIN, 0, slice(3000, 3007), NAN))
    assert all(np.isfinite(array).all() for fit in holed.fits.values() for _, array in fit.arrays())
    assert np.isfinite(holed.rain_mean_30).all()


# --- days of the year ---


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("2021-01-01", 1),
        ("2021-02-28", 59),
        ("2020-02-29", 60),
        ("2021-03-01", 61),
        ("2020-03-01", 61),
        ("2021-12-31", 366),
        ("2020-12-31", 366),
    ],
)
def test_a_day_has_the_same_number_every_year(date, day):
    """Counted as in a leap year."""
    assert calendar_day(np.array([date], "datetime64[D]")).tolist() == [day]


@pytest.mark.parametrize("name", FITS)
def test_29_february_is_fitted_like_its_neighbours(name):
    """Five leap years would be no sample; with its neighbours the day is as smooth as any other."""
    fit = BASELINE.fits[name]
    around = fit.shape[:, [58, 60]]
    assert (fit.shape[:, 59] > 0.9 * around.min(axis=-1)).all()
    assert (fit.shape[:, 59] < 1.1 * around.max(axis=-1)).all()


@pytest.mark.parametrize("day", [0, 367, -1])
def test_a_day_outside_the_year_is_refused(day):
    """Rather than counted from the end."""
    with pytest.raises(ValueError, match="1 to 366"):
        BASELINE.standardised("rain_90", np.ones(3), day)


# --- asking it ---


def test_one_day_and_a_series_give_the_same():
    """A day may be asked alone, with a value a place."""
    series = amounts()["rain_90"][:, -5:]
    days = calendar_day(DAYS[-5:])
    together = BASELINE.standardised("rain_90", series, days)
    np.testing.assert_array_equal(
        BASELINE.standardised("rain_90", series[:, 2], int(days[2])), together[:, 2]
    )


def test_an_unknown_amount_stays_unknown():
    """NaN in, NaN out, and only there."""
    values = BASELINE.standardised("wap_60", np.array([NAN, 0.0, 40.0]), 200)
    assert np.isnan(values).tolist() == [True, False, False]


def test_no_rain_at_all_is_the_driest():
    """90 dry days in this climate never were: the lower limit, not an error."""
    assert BASELINE.standardised("rain_90", np.zeros(3), 200).tolist() == [-3.09] * 3


def test_a_fit_that_is_not_there_is_named():
    """With those that are."""
    with pytest.raises(UnknownName, match="rain_90, rain_150, wap_60"):
        BASELINE.standardised("rain_30", np.ones(3), 1)


def test_places_can_be_selected_in_any_order():
    """The rows follow the ids."""
    chosen = BASELINE.select([PLACES[2], PLACES[0]])
    assert chosen.places == (PLACES[2], PLACES[0])
    np.testing.assert_array_equal(chosen.ari7_p95, BASELINE.ari7_p95[[2, 0]])
    np.testing.assert_array_equal(
        chosen.fits["wap_60"].scale, BASELINE.fits["wap_60"].scale[[2, 0]]
    )


def test_arrays_that_do_not_fit_are_refused():
    """A baseline cannot be made of parts of different sizes."""
    with pytest.raises(ValueError, match="ari7_p95"):
        replace(BASELINE, ari7_p95=np.ones(2))


# --- records that will not do ---


@pytest.mark.parametrize("name", NEEDED)
def test_a_record_without_a_series_is_refused(name):
    """The message names it."""
    with pytest.raises(FengsuiError, match=f"lacks {name}"):
        fitted({key: series for key, series in DAILY.items() if key != name})


@pytest.mark.parametrize(("needed", "enough"), [(20, True), (21, False)])
def test_the_years_are_counted_whole(needed, enough):
    """Twenty years and five months are twenty years."""
    if enough:
        assert fitted(minimum_years=needed).first_year == 1991
    else:
        with pytest.raises(FengsuiError, match="20 whole years and a baseline needs 21"):
            fitted(minimum_years=needed)


def test_an_empty_record_is_refused():
    """Not an index error."""
    with pytest.raises(FengsuiError, match="is empty"):
        fitted({name: np.zeros((3, 0)) for name in NEEDED})


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize(("days", "refused"), [(36, False), (37, True)])
def test_a_year_may_lack_a_tenth_of_its_days(name, days, refused):
    """36 of 365 pass, 37 do not; the message names series, place and year."""
    start = int((np.datetime64("1998-02-01") - FIRST).astype(int))
    record = changed(name, 1, slice(start, start + days), NAN)
    if refused:
        with pytest.raises(FengsuiError, match=rf"{name} at {PLACES[1]} lacks 10% .* of 1998"):
            fitted(record)
    else:
        assert fitted(record).last_year == 2010


def test_scattered_gaps_that_empty_the_windows_are_refused():
    """A missing day a month is little by the year, and leaves no full window of 90 days."""
    with pytest.raises(FengsuiError, match=f"gaps in {RAIN} at {PLACES[0]}"):
        fitted(changed(RAIN, 0, slice(None, None, 30), NAN))


def test_a_record_of_another_shape_is_refused():
    """Rows are the places."""
    with pytest.raises(ValueError, match="has shape"):
        fit_baseline(DAILY, FIRST, PLACES[:2], source="x", alpha=ALPHA)


# --- the file ---


@pytest.fixture
def file(tmp_path):
    """The baseline as a file."""
    path = tmp_path / "baseline.npz"
    BASELINE.save(path)
    return path


def test_a_baseline_comes_back_as_it_was_saved(file):
    """Every number, bit for bit, and every word."""
    back = Baseline.load(file)
    for name in ("first_year", "last_year", "source", "places", "alpha"):
        assert getattr(back, name) == getattr(BASELINE, name)
    for name in ("rain_mean_30", "temperature_normals", "ti_critical", "ari7_p95"):
        np.testing.assert_array_equal(getattr(back, name), getattr(BASELINE, name))
    for name in FITS:
        for (_, ours), (_, theirs) in zip(
            BASELINE.fits[name].arrays(), back.fits[name].arrays(), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


def test_nothing_but_the_file_is_left(file):
    """The temporary name is gone; saving again replaces the file."""
    BASELINE.select(PLACES[:1]).save(file)
    assert [path.name for path in file.parent.iterdir()] == ["baseline.npz"]
    assert Baseline.load(file).places == PLACES[:1]


def test_the_district_chooses_its_rows(file):
    """Loaded for a district, the rows are its places in its order."""
    assert Baseline.load(file, PLACES[::-1]).places == PLACES[::-1]


def test_a_place_that_it_lacks_is_named(file):
    """With the file and the remedy."""
    with pytest.raises(StoreError, match=r"lacks 500153099 in .*baseline\.npz; `fengsui baseline`"):
        Baseline.load(file, [*PLACES, "500153099"])


def test_a_file_that_is_not_there_is_named(tmp_path):
    """With the command that makes one."""
    with pytest.raises(StoreError, match=r"no baseline at .*none\.npz; `fengsui baseline`"):
        Baseline.load(tmp_path / "none.npz")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.99])
def test_half_a_file_is_damaged(file, share):
    """Cut off anywhere."""
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(
        StoreError, match=r"baseline\.npz is damaged; `fengsui baseline` makes it anew"
    ):
        Baseline.load(file)


@pytest.mark.parametrize("at", [0.02, 0.25, 0.5, 0.75])
def test_a_flipped_bit_is_damage(file, at):
    """The numbers carry a checksum."""
    content = bytearray(file.read_bytes())
    content[int(at * len(content))] ^= 4
    file.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        Baseline.load(file)


@pytest.mark.parametrize("content", [b"not a baseline", b"\x80\x04N."], ids=["text", "pickle"])
def test_another_sort_of_file_is_damaged(file, content):
    """Nothing in it is run."""
    file.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        Baseline.load(file)


def rewritten(file, **changes):
    """Replace arrays of a stored baseline; None takes one out."""
    with np.load(file) as stored:
        arrays = {name: stored[name] for name in stored.files} | changes
    np.savez(file, **{name: array for name, array in arrays.items() if array is not None})


def test_a_file_of_another_version_says_so(file):
    """Rather than being read by guess."""
    rewritten(file, format=np.array(99))
    with pytest.raises(StoreError, match="has version 99, and 1 is needed; `fengsui baseline`"):
        Baseline.load(file)


@pytest.mark.parametrize(
    "changes",
    [{"ari7_p95": None}, {"ari7_p95": np.ones(2)}, {"wap_60_zero": np.ones((3, 366), np.float32)}],
    ids=["absent", "other size", "other type"],
)
def test_arrays_that_are_not_what_they_were_are_damage(file, changes):
    """Absent, of another size or of another type."""
    rewritten(file, **changes)
    with pytest.raises(StoreError, match="damaged"):
        Baseline.load(file)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """The operator reads where and why."""
    with pytest.raises(StoreError, match="cannot be written to"):
        BASELINE.save(tmp_path / "absent" / "baseline.npz")
