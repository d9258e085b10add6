"""The Canadian fire weather index: printed numbers, reference series, an independent library, and gaps."""

import csv
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from rules.indices import fire
from rules.indices.fire import LONG_GAP_DAYS, RECOVERY_DAYS, Codes
from rules.indices.fire_tables import VARIANTS, Ground, variant_named

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "data" / "reference_fwi"
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(),
    reason=f"data set {REFERENCE.name} is missing: put it into {REFERENCE.parent}",
)
KEYS = ("ffmc", "dmc", "dc", "isi", "bui", "fwi", "dsr")
PRINTED_DAY = (17.0, 42.0, 25.0, 0.0)


def rate(weather, month, latitude=29.4, **more):
    """Indices of a (T, RH, wind, rain) of series."""
    tas, hurs, wind, pr = weather
    return fire.fwi(tas, hurs, wind, pr, month, latitude, **more)


def stepped(weather, month, latitude, codes, variant="van_wagner"):
    """Codes after a day of (T, RH, wind, rain)."""
    tas, hurs, wind, pr = weather
    return fire.step(tas, hurs, wind, pr, month, latitude, codes, variant)


def constant(days, weather, latitude=29.4, month=8, **more):
    """The same weather (T, RH, wind, rain) every day."""
    series = [np.full(days, value, dtype=float) for value in weather]
    return rate(series, np.full(days, month), latitude, **more)


def random_weather(places, days, seed=20, wild=False):
    """Weather of every kind, rain on a third of the days, in tenths where gauges have tenths."""
    rng = np.random.default_rng(seed)
    shape = (places, days)
    rain = np.where(rng.random(shape) < 0.33, rng.exponential(9.0, shape), 0.0).round(1)
    low, high, gale = (-60.0, 60.0, 250.0) if wild else (-20.0, 45.0, 60.0)
    tas = rng.uniform(low, high, shape).round(1)
    return tas, rng.uniform(2.0, 100.0, shape).round(), rng.uniform(0.0, gale, shape).round(1), rain


def table(name, delimiter=","):
    """Columns of a reference file by lower-case name."""
    with (REFERENCE / name).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=delimiter))
    return {key.lower(): np.array([float(row[key]) for row in rows]) for key in rows[0]}


@pytest.mark.parametrize(
    ("variant", "latitude", "expected"),
    [
        (
            "van_wagner",
            45.98,
            (87.692980, 8.5450511, 19.0140, 10.853661, 8.4904265, 10.096371, 1.62908),
        ),
        ("cffdrs", 46.0, (87.6494, 8.5450511, 19.0140, 10.7762, 8.4904265, 10.0362, 1.6119)),
        ("cffdrs", 29.4, (87.6494, 7.8889, 19.0140, 10.7762, 7.8719, 9.716, None)),
    ],
)
def test_the_printed_day_comes_out(variant, latitude, expected):
    """The worked example of the 1985 report, in both constants and at Rongchang's day length."""
    found = constant(1, PRINTED_DAY, latitude, 4, variant=variant)
    for key, value in zip(KEYS, expected, strict=True):
        assert value is None or found[key][0] == pytest.approx(value, abs=5.1e-4), key


@pytest.mark.parametrize(("day", "value"), [(1, 13.49), (5, 23.0), (10, 30.82), (20, 41.67)])
def test_a_hot_dry_august_climbs_as_worked_out(day, value):
    """41 °C, 28 % and 9 km/h without rain, from the standard codes."""
    found = constant(20, (41.0, 28.0, 9.0, 0.0), variant="cffdrs")
    assert found["fwi"][day - 1] == pytest.approx(value, abs=5e-3)


@needs_reference
@pytest.mark.parametrize("inputs", ["cffdrs_fwi_01.csv", "cffdrs_test_fwi.csv"])
def test_the_cffdrs_variant_reproduces_the_reference_series(inputs):
    """48 days from 85, 6 and 15 at 40 °N, each figure within the digits that are printed."""
    printed = table("cffdrs_fwi_01.csv")
    day = table(inputs, ";" if inputs.startswith("cffdrs_test") else ",")
    found = fire.fwi(
        day["temp"],
        day["rh"],
        day["ws"],
        day["prec"],
        day["mon"].astype(int),
        40.0,
        variant="cffdrs",
    )
    for key in KEYS:
        np.testing.assert_allclose(found[key], printed[key], rtol=0, atol=1e-2)


@needs_reference
def test_the_older_reference_series_has_the_printed_constant():
    """The file of cffdrs 1.8 was made with 147.2; its second run goes on from the end of the first."""
    pytest.importorskip("h5netcdf", reason="h5netcdf reads reference_fwi/xclim_cffdrs_test_fwi.nc")
    with xr.open_dataset(REFERENCE / "xclim_cffdrs_test_fwi.nc", engine="h5netcdf") as file:
        data = file.load()
    month = data["time"].dt.month.values
    series = [data[name].values for name in ("tas", "rh", "ws", "pr")]
    start: dict[str, float] = {}
    for run in range(2):
        found = rate(series, month, float(data["lat"]), **start)
        for key in KEYS[:-1]:
            np.testing.assert_allclose(found[key], data[key].values[run], rtol=0, atol=1e-9)
        start = {code: found[code][-1] for code in ("ffmc", "dmc", "dc")}


def test_the_default_is_xclim_on_a_thousand_stations():
    """A year at every latitude, edges of the bands among them, against an independent library."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library = pytest.importorskip("xclim.indices.fire", reason="xclim is the oracle here")
    weather = random_weather(1000, 365)
    edges = [-90.0, -30.0, -15.0, 0.0, 15.0, 20.0, 29.4, 30.0, 90.0]
    latitude = np.append(edges, np.random.default_rng(21).uniform(-60, 75, 1000 - len(edges)))
    time = np.arange("2022-01-01", "2023-01-01", dtype="datetime64[D]").astype("datetime64[ns]")
    tas, hurs, wind, pr = (
        xr.DataArray(series, dims=("place", "time"), coords={"time": time}, attrs={"units": unit})
        for series, unit in zip(weather, ("degC", "%", "km/h", "mm/d"), strict=True)
    )
    lat = xr.DataArray(latitude, dims="place", attrs={"units": "degrees_north"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = library.cffwis_indices(tas, pr, wind, hurs, lat)
    ours = rate(weather, tas["time"].dt.month.values, latitude)
    for name in theirs._fields:
        expected = getattr(theirs, name).values
        np.testing.assert_allclose(ours[name.lower()], expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("variant", "latitude", "july", "drying"),
    [
        ("van_wagner", 46.0, 12.4, 6.4),
        ("van_wagner", 30.0, 12.4, 6.4),
        ("van_wagner", 29.4, 10.1, 6.4),
        ("van_wagner", 15.0, 10.1, 6.4),
        ("van_wagner", 14.9, 9.0, 1.39),
        ("van_wagner", -15.0, 9.0, 1.39),
        ("van_wagner", -15.1, 7.9, -1.6),
        ("van_wagner", -30.1, 6.5, -1.6),
        ("cffdrs", 30.1, 12.4, 6.4),
        ("cffdrs", 30.0, 10.1, 6.4),
        ("cffdrs", 20.1, 10.1, 6.4),
        ("cffdrs", 20.0, 10.1, 1.4),
        ("cffdrs", 10.1, 10.1, 1.4),
        ("cffdrs", 10.0, 9.0, 1.4),
        ("cffdrs", -10.0, 7.9, 1.4),
        ("cffdrs", -20.0, 7.9, -1.6),
        ("cffdrs", -30.0, 6.5, -1.6),
    ],
)
def test_a_place_on_an_edge_has_a_band(variant, latitude, july, drying):
    """Each variant says which band a latitude falls in, its edges included."""
    ground = Ground.at(np.array([latitude]), variant_named(variant))
    assert (ground.day_length[6, 0], ground.drying[6, 0]) == (july, drying)


@pytest.mark.parametrize("variant", VARIANTS)
def test_stepping_by_the_day_equals_the_whole_series(variant):
    """State carried from day to day loses nothing, gaps of every length included."""
    weather = random_weather(40, 200)
    rng = np.random.default_rng(3)
    for begin in rng.integers(0, 190, 40):
        place = rng.integers(40)
        weather[rng.integers(4)][place, begin : begin + rng.integers(1, 9)] = np.nan
    month = np.arange(200) // 30 % 12 + 1
    latitude = np.linspace(-50, 60, 40)
    whole = rate(weather, month, latitude, variant=variant)
    codes = Codes.start((40,))
    for day in range(200):
        today = [series[:, day] for series in weather]
        codes = stepped(today, month[day], latitude, codes, variant)
        found = (*fire.indices(codes, today[2], variant), np.where(codes.trusted, codes.dc, np.nan))
        for key, value in zip(("isi", "bui", "fwi", "dsr", "dc"), found, strict=True):
            np.testing.assert_array_equal(value, whole[key][:, day])


def test_codes_may_begin_as_plain_numbers():
    """A state given by its three codes alone has no gap behind it."""
    start = Codes(ffmc=np.array(85.0), dmc=np.array(6.0), dc=np.array(15.0))
    after = stepped(PRINTED_DAY, 4, 45.98, start)
    assert fire.indices(after, 25.0)[2] == pytest.approx(10.096371, abs=1e-5)


@pytest.mark.parametrize("missing", range(4))
@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_a_day_without_one_input_is_nan_and_leaves_the_codes(missing, hole):
    """The day is NaN throughout, and the next goes on from the day before it."""
    weather = [series[0] for series in random_weather(1, 12)]
    kept = [np.delete(series, 5) for series in weather]
    weather[missing][5] = hole
    month = np.full(12, 7)
    holed, short = rate(weather, month, 29.4), rate(kept, month[1:], 29.4)
    for key in KEYS:
        assert np.isnan(holed[key][5])
        np.testing.assert_array_equal(np.delete(holed[key], 5), short[key])


@pytest.mark.parametrize("days", range(1, 8))
def test_a_long_gap_costs_three_more_complete_days(days):
    """Up to three missing days are crossed; after more the outputs wait, the codes do not."""
    weather = [series[0] for series in random_weather(1, 30)]
    weather[1][10 : 10 + days] = np.nan
    found = rate(weather, np.full(30, 7), 29.4)["fwi"]
    wait = RECOVERY_DAYS if days > LONG_GAP_DAYS else 0
    expected = np.zeros(30, dtype=bool)
    expected[10 : 10 + days + wait] = True
    np.testing.assert_array_equal(np.isnan(found), expected)


def test_the_codes_are_stepped_while_the_outputs_wait():
    """After a long gap the drought code has all the days that were complete, and no restart."""
    weather = [np.full(20, value) for value in (30.0, 40.0, 10.0, 0.0)]
    weather[0][5:11] = np.nan
    found = rate(weather, np.full(20, 7), 29.4, dc=400.0)["dc"]
    assert found[-1] == constant(14, (30.0, 40.0, 10.0, 0.0), month=7, dc=400.0)["dc"][-1]


def test_a_short_gap_within_the_wait_lengthens_it_by_itself_only():
    """The wait counts complete days."""
    weather = [np.full(20, value) for value in (30.0, 40.0, 10.0, 0.0)]
    weather[0][[2, 3, 4, 5, 7]] = np.nan
    found = rate(weather, np.full(20, 7), 29.4)["fwi"]
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found)), np.arange(2, 10))


@pytest.mark.parametrize("argument", range(4))
def test_a_gap_at_one_place_changes_no_other(argument):
    """Places are judged alone."""
    weather = random_weather(6, 60)
    month = np.full(60, 8)
    clean = rate(weather, month, 29.4)["fwi"]
    weather[argument][2, 20:30] = np.nan
    holed = rate(weather, month, 29.4)["fwi"]
    np.testing.assert_array_equal(np.delete(holed, 2, 0), np.delete(clean, 2, 0))


@pytest.mark.parametrize(
    ("quantity", "change"), [(0, 2.0), (1, -5.0), (2, 5.0), (3, -1.0), (3, -20.0)]
)
def test_worse_weather_never_lowers_the_day(quantity, change):
    """Hotter, drier, windier or less wet: FWI of that day does not fall while the fuel can still dry.

    Fuel drier than the air takes up vapour, and takes it up faster in the heat: the system means that, so the
    FFMC of yesterday stays at or below 80 here.
    """
    rng = np.random.default_rng(4)
    size = 20_000
    sky = [rng.uniform(0, 45, size), rng.uniform(0, 100, size), rng.uniform(0, 60, size)]
    sky.append(np.where(rng.random(size) < 0.5, 0.0, rng.exponential(10.0, size)))
    codes = Codes.start((size,), rng.uniform(0, 80, size), rng.uniform(0, 200, size), 300.0)
    worse = list(sky)
    worse[quantity] = np.maximum(sky[quantity] + change, 0.0)
    before, after = (fire.indices(stepped(day, 8, 29.4, codes), day[2])[2] for day in (sky, worse))
    assert (after >= before - 1e-9).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_extremes_pass_without_a_warning(variant):
    """Any weather on Earth and some beyond gives finite numbers within the codes' ranges."""
    weather = random_weather(500, 400, wild=True)
    weather[1][::7] = 0.0
    weather[1][::11] = 100.0
    weather[3][::5, ::3] = 2000.0
    found = rate(weather, np.arange(400) // 31 % 12 + 1, np.linspace(-90, 90, 500))
    assert all(np.isfinite(value).all() and (value >= 0).all() for value in found.values())
    assert found["ffmc"].max() <= 101.0


def test_ten_years_without_rain_stay_finite():
    """Codes that only grow overflow nothing, and the first rain brings them down."""
    weather = [np.full(3650, value) for value in (45.0, 5.0, 40.0, 0.0)]
    weather[3][-1] = 100.0
    found = rate(weather, np.full(3650, 7), 29.4)
    assert all(np.isfinite(value).all() for value in found.values())
    assert found["fwi"][-1] < found["fwi"][-2]


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ((20.0, 130.0, 10.0, 0.0), (20.0, 100.0, 10.0, 0.0)),
        ((20.0, -5.0, 10.0, 0.0), (20.0, 0.0, 10.0, 0.0)),
        ((20.0, 50.0, -3.0, 0.0), (20.0, 50.0, 0.0, 0.0)),
        ((20.0, 50.0, 10.0, -0.1), (20.0, 50.0, 10.0, 0.0)),
    ],
)
def test_impossible_readings_are_clipped(given, taken):
    """Humidity to 0..100, wind and rain to zero."""
    for key in KEYS:
        assert constant(3, given)[key].tolist() == constant(3, taken)[key].tolist()


def test_any_leading_axes_and_a_month_for_each_place():
    """Grids come back as grids; places may stand in different months."""
    weather = random_weather(6, 40)
    month = np.repeat(np.arange(1, 7)[:, None], 40, axis=1)
    latitude = np.linspace(-40, 50, 6)
    flat = rate(weather, month, latitude, dc=np.arange(6.0))
    grid = [series.reshape(2, 3, 40) for series in weather]
    places = {"latitude": latitude.reshape(2, 3), "dc": np.arange(6.0).reshape(2, 3)}
    shaped = rate(grid, month.reshape(2, 3, 40), **places)
    for key in KEYS:
        assert shaped[key].shape == (2, 3, 40)
        np.testing.assert_array_equal(shaped[key].reshape(6, 40), flat[key])
    alone = rate([s[4] for s in weather], month[4], latitude[4], dc=4.0)
    np.testing.assert_array_equal(alone["fwi"], flat["fwi"][4])


def test_more_places_than_a_block_change_nothing():
    """Work in blocks is invisible."""
    weather = random_weather(5000, 20)
    latitude = np.linspace(-60, 60, 5000)
    month = np.full(20, 7)
    many = rate(weather, month, latitude)["fwi"]
    last = rate([series[4500:] for series in weather], month, latitude[4500:])["fwi"]
    np.testing.assert_array_equal(many[4500:], last)


@pytest.mark.parametrize("shape", [(0, 5), (3, 0), (0,)])
def test_nothing_in_is_nothing_out(shape):
    """Empty series come back empty."""
    empty = np.empty(shape)
    found = fire.fwi(empty, empty, empty, empty, np.full(shape[-1:], 7), 29.4)
    assert found["fwi"].shape == shape


def test_an_unknown_start_code_keeps_its_place_nan():
    """NaN for the DC of one place: what rests on it is NaN there, the FFMC is not, nor is the other place."""
    weather = random_weather(2, 10)
    found = rate(weather, np.full(10, 7), 29.4, dc=np.array([np.nan, 15.0]))
    assert np.isnan(found["fwi"][0]).all()
    assert np.isfinite(found["ffmc"]).all()
    assert np.isfinite(found["fwi"][1]).all()


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("hurs", {"hurs": np.ones(4)}),
        ("tas", {"tas": 1.0}),
        ("month", {"month": np.full(5, 13)}),
        ("month", {"month": np.full(4, 7)}),
        ("latitude", {"latitude": 91.0}),
        ("latitude", {"latitude": np.nan}),
        ("latitude", {"latitude": np.zeros(3)}),
        ("dmc", {"dmc": np.zeros(3)}),
        ("variant", {"variant": "mcarthur"}),
    ],
)
def test_an_impossible_argument_is_named(name, changed):
    """The error begins with the argument at fault."""
    given: dict[str, Any] = dict.fromkeys(("tas", "hurs", "wind", "pr"), np.ones(5))
    given |= {"month": np.full(5, 7), "latitude": 29.4} | changed
    with pytest.raises(ValueError, match=f"^{name}"):
        fire.fwi(**given)


def test_a_step_names_the_array_that_does_not_fit():
    """Weather of another number of places than the codes is refused."""
    with pytest.raises(ValueError, match=r"^wind"):
        fire.step(20.0, 50.0, np.ones(3), 0.0, 7, 29.4, Codes.start((2,)))


@pytest.mark.parametrize(
    ("autumn", "rain", "expected"),
    [
        (300.0, 110.0, 109.4657),
        (300.0, 2000.0, 15.0),
        (np.nan, 110.0, np.nan),
        (300, np.nan, np.nan),
    ],
)
def test_the_drought_code_winters(autumn, rain, expected):
    """Worked number, the floor under it, and NaN for what is unknown."""
    assert fire.overwinter(autumn, rain) == pytest.approx(expected, abs=1e-4, nan_ok=True)


def test_the_winter_keeps_to_its_shares():
    """Nothing carried over and nothing fallen is a drought without end, said without a warning."""
    assert fire.overwinter([300.0], [0.0], carry_over=0.0)[0] == np.inf
