"""Grids and points of NetCDF and Zarr become batches of towns."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from simulators.small_district import TOWNS

from ingest.batch import Batch, Flag
from ingest.errors import ConfigMistake
from ingest.files import Column, Plan, read_netcdf, read_zarr

pytest.importorskip("h5netcdf", reason="h5netcdf is not installed: no NetCDF can be read")
pytest.importorskip("zarr", reason="zarr is not installed: no Zarr can be read")

LAT, LON = np.array([29.75, 29.5, 29.25]), np.array([105.25, 105.5, 105.75])
KELVIN = {"units": "K", "standard_name": "air_temperature"}
START = np.datetime64("2024-08-20T00:00", "ns")


def plan(**changes) -> Plan:
    """A plan for three towns."""
    return Plan(**{"source": "grid", "towns": TOWNS, **changes})


def hourly(*sizes: int) -> np.ndarray:
    """Times in steps of some hours."""
    return START + np.cumsum(np.array(sizes)) * np.timedelta64(3600 * 10**9, "ns")


def grid(times: np.ndarray | None = None, **variables: tuple[np.ndarray, str]) -> xr.Dataset:
    """A grid of (time, latitude, longitude) with temperature by latitude, or other variables."""
    times = hourly(0, 1) if times is None else times
    warm = np.broadcast_to(LAT[:, None] + 273.15, (len(times), 3, 3))
    coords = {"time": times, "latitude": LAT, "longitude": LON}
    dims = ("time", "latitude", "longitude")
    arrays = {name: (dims, values, {"units": unit}) for name, (values, unit) in variables.items()}
    return xr.Dataset(arrays or {"t2m": (dims, warm, KELVIN)}, coords)


def saved(data: xr.Dataset, folder: Path, form: str = "nc") -> Path:
    """The dataset as a file."""
    path = folder / f"weather.{form}"
    if form == "zarr":
        data.to_zarr(path, zarr_format=2)
    else:
        data.to_netcdf(path, engine="h5netcdf")
    return path


def read(data: xr.Dataset, folder: Path, **changes) -> list[Batch]:
    """Batches of a dataset written as NetCDF."""
    return list(read_netcdf(saved(data, folder), plan(**changes)))


@pytest.mark.parametrize(("form", "reader"), [("nc", read_netcdf), ("zarr", read_zarr)])
def test_a_town_takes_its_nearest_cell(tmp_path: Path, form: str, reader):
    """Hours come one by one in our units, from either kind of file."""
    first, second = reader(saved(grid(), tmp_path, form), plan())
    assert first.places == tuple(town.id for town in TOWNS)
    assert first.values["temperature_2m"].tolist() == [[29.5], [29.5], [29.5]]
    assert second.available_at - first.available_at == timedelta(hours=1)


def test_a_town_between_cells_takes_its_share_of_them(tmp_path: Path):
    """Bilinear weights carry a plane exactly, whatever the order of the axis."""
    (batch, _) = read(grid(), tmp_path, cells="bilinear")
    expected = [town.lat for town in TOWNS]
    np.testing.assert_allclose(batch.values["temperature_2m"][:, 0], expected, atol=1e-6)


def test_a_longitude_of_360_degrees_is_the_same_place(tmp_path: Path):
    """Grids count eastward to 360 as well."""
    east = xr.concat([grid(), grid().assign_coords(longitude=LON + 150)], "longitude")
    assert read(east, tmp_path)[0].values["temperature_2m"][0, 0] == 29.5


def test_an_unknown_cell_is_unknown_in_the_town(tmp_path: Path):
    """NaN never becomes a neighbour's value or zero."""
    data = grid()
    data["t2m"] = data["t2m"].where(data.latitude != 29.5)
    assert read(data, tmp_path, cells="bilinear") == []


LEADS = np.array([1, 2, 3])


@pytest.mark.parametrize("lead", [LEADS, LEADS * np.timedelta64(3600 * 10**9, "ns")])
def test_a_forecast_comes_as_issued(tmp_path: Path, lead: np.ndarray):
    """Time of issue and lead make one batch per issue, known the delay after it."""
    values = np.zeros((2, 3, 3, 3)) + np.arange(3)[None, :, None, None] + 273.15
    dims = ("time", "step", "latitude", "longitude")
    coords = {"time": hourly(0, 12), "step": lead, "latitude": LAT, "longitude": LON}
    data = xr.Dataset({"t2m": (dims, values, KELVIN)}, coords)
    first, second = read(data, tmp_path, delay=timedelta(hours=7))
    assert (first.kind, second.issued_at.hour, first.available_at.hour) == ("forecast", 12, 7)
    assert first.values["temperature_2m"].tolist() == [[0.0, 1.0, 2.0]] * 3


def test_sums_that_run_on_are_told_apart(tmp_path: Path):
    """Rain since the start of a forecast becomes rain of each step, spread where steps are long."""
    values = np.zeros((1, 3, 3, 3)) + np.array([0.0, 0.003, 0.009])[None, :, None, None]
    dims = ("time", "step", "latitude", "longitude")
    coords = {"time": hourly(0), "step": [0, 3, 6], "latitude": LAT, "longitude": LON}
    data = xr.Dataset({"tp": (dims, values, {"units": "m"})}, coords)
    (batch,) = read(data, tmp_path, accumulated=True, spread=24)
    assert batch.values["precipitation"][0].tolist() == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
    assert (batch.flags["precipitation"] == Flag.RECONSTRUCTED).all()


def test_members_are_chosen_or_averaged(tmp_path: Path):
    """An ensemble is taken only as told: one member, or the mean."""
    data = xr.concat([grid(), grid() + 2], xr.DataArray([0, 1], dims="number", name="number"))
    data["t2m"].attrs = KELVIN
    with pytest.raises(ConfigMistake, match=r"ensemble of 2; .*--member"):
        read(data, tmp_path)
    path = tmp_path / "weather.nc"
    told = [next(iter(read_netcdf(path, plan(member=name)))) for name in ("1", "mean")]
    assert [batch.values["temperature_2m"][0, 0] for batch in told] == [31.5, 30.5]
    with pytest.raises(ConfigMistake, match="no member 7"):
        list(read_netcdf(path, plan(member="7")))


def test_points_stand_for_the_towns_near_them(tmp_path: Path):
    """A station within 30 km serves a town; one that the plan names serves wherever it lies."""
    data = xr.Dataset(
        {"tas": (("station", "time"), [[300.15, 301.15], [290.15, 291.15]], {"units": "K"})},
        {"time": hourly(0, 1), "station": ["near", "far"], "lat": ("station", [29.4, 40.0]),
         "lon": ("station", [105.6, 116.0])},
    )  # fmt: skip
    (first, _) = read(data, tmp_path, stands_for={"far": (TOWNS[2].id,)})
    assert first.values["temperature_2m"].tolist() == [[27.0], [27.0], [17.0]]


def test_humidity_and_wind_follow_from_what_era5_tells(tmp_path: Path):
    """Dew point and the parts of the wind become humidity, speed and direction."""
    full = np.ones((1, 3, 3))
    data = grid(
        hourly(0), t2m=(full * 303.15, "K"), d2m=(full * 293.15, "K"), u10=(full * 3, "m s**-1"),
        v10=(full * 4, "m s**-1"), ssrd=(full * 3.6e6, "J m**-2"),
    )  # fmt: skip
    (batch,) = read(data, tmp_path, provenance=Flag.ANALYSIS)
    told = {name: float(values[0, 0]) for name, values in batch.values.items()}
    assert told == {
        "temperature_2m": 30.0, "relative_humidity_2m": 55.0, "wind_speed_10m": 5.0,
        "wind_direction_10m": 217.0, "shortwave_radiation": 1000.0,
    }  # fmt: skip
    assert (batch.flags["temperature_2m"] == Flag.ANALYSIS).all()


def test_a_sum_of_three_hours_is_none_of_one(tmp_path: Path):
    """It is refused, or spread where that is asked; after a gap it stands for three hours still."""
    times = hourly(3, 3, 3, 9)
    data = grid(times, tp=(np.full((4, 3, 3), 3.0), "mm"))
    with pytest.raises(ConfigMistake, match="tp: a value stands for more than one hour"):
        read(data, tmp_path)
    told = list(read_netcdf(tmp_path / "weather.nc", plan(spread=24)))
    assert len(told) == 12
    assert {float(batch.values["precipitation"][0, 0]) for batch in told} == {1.0}


MISTAKES = {
    "no unit": (grid(t2m=(np.zeros((2, 3, 3)), "")).map(lambda one: one.drop_attrs()), "it has no unit"),
    "wrong unit": (grid(t2m=(np.zeros((2, 3, 3)), "hPa")), "'hPa' is no unit"),
    "nothing known": (grid(sst=(np.zeros((2, 3, 3)), "K")), "no variable holds a quantity"),
    "far away": (grid().assign_coords(latitude=LAT + 20), "lies outside it"),
    "no latitude": (grid().rename(latitude="row"), "it has no latitude"),
    "no time": (grid().isel(time=0, drop=True), "no dimension tells the time"),
    "half hours": (grid(hourly(0, 1) + np.timedelta64(1800 * 10**9, "ns")), "between full hours"),
    "twice": (grid(hourly(0, 0)), "stands there twice"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_what_cannot_be_read_is_refused(tmp_path: Path, case: str):
    """One sentence names file, variable and what is wrong."""
    data, said = MISTAKES[case]
    with pytest.raises(ConfigMistake, match=rf"weather\.nc.*{said}"):
        read(data, tmp_path)


@pytest.mark.parametrize("reader", [read_netcdf, read_zarr])
def test_another_file_is_refused(tmp_path: Path, reader):
    """A text is neither NetCDF nor Zarr."""
    path = tmp_path / "x"
    path.write_text("no data")
    with pytest.raises(ConfigMistake, match="it cannot be read as"):
        list(reader(path, plan()))


def test_the_plan_names_variables(tmp_path: Path):
    """A variable of any name is read where the plan says what it holds."""
    data = grid(foo=(np.full((2, 3, 3), 30.0), "?"))
    column = Column(name="temperature_2m", unit="°C")
    (batch, _) = read(data, tmp_path, columns={"foo": column})
    assert batch.values["temperature_2m"][0, 0] == 30.0
    assert batch.issued_at == datetime(2024, 8, 20, tzinfo=UTC)
