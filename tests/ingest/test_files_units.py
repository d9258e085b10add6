"""Units of files become those of the table of quantities, or are refused."""

import numpy as np
import pytest

from ingest.files.names import heading, meaning
from ingest.files.series import completed, humidity
from ingest.files.units import converted, convertible, units_for
from ingest.quantities import QUANTITIES


@pytest.mark.parametrize(
    ("name", "unit", "said", "meant"),
    [
        ("temperature_2m", "K", 300.15, 27.0),
        ("temperature_2m", "degC", 27.0, 27.0),
        ("temperature_2m", "°F", 212.0, 100.0),
        ("temperature_max_day", "0.1 °C", 385.0, 38.5),
        ("relative_humidity_2m", "1", 0.55, 55.0),
        ("relative_humidity_2m", "%", 55.0, 55.0),
        ("wind_speed_10m", "km/h", 36.0, 10.0),
        ("wind_speed_10m", "m s-1", 10.0, 10.0),
        ("wind_speed_10m", "m s**-1", 10.0, 10.0),
        ("wind_gusts_10m", "kn", 3600 / 1852, 1.0),
        ("precipitation", "m", 0.0123, 12.3),
        ("precipitation", "kg m-2", 12.3, 12.3),
        ("precipitation_day", "inch", 1.0, 25.4),
        ("shortwave_radiation", "J m**-2", 3_600_000.0, 1000.0),
        ("shortwave_radiation", "W m-2", 1000.0, 1000.0),
        ("soil_moisture_0_to_7cm", "%", 31.0, 0.31),
    ],
)
def test_a_unit_is_converted(name: str, unit: str, said: float, meant: float):
    """What is written in another unit is the same weather, without binary dust."""
    assert converted(name, unit, np.array([said, np.nan])).tolist()[0] == meant
    assert np.isnan(converted(name, unit, np.array([np.nan]))).all()


@pytest.mark.parametrize("name", QUANTITIES)
def test_every_quantity_is_taken_in_its_own_unit(name: str):
    """The table of units knows each unit of the table of quantities."""
    assert convertible(name, QUANTITIES[name].unit)
    assert units_for(name)


@pytest.mark.parametrize(
    ("name", "unit"), [("temperature_2m", "mm"), ("precipitation", "hPa"), ("wind_speed_10m", "°C")]
)
def test_a_unit_of_something_else_is_none(name: str, unit: str):
    """Millimetres are no temperature."""
    assert not convertible(name, unit)
    with pytest.raises(KeyError):
        converted(name, unit, np.zeros(1))


@pytest.mark.parametrize(
    ("text", "name", "unit"),
    [
        ("tmax (°C)", "tmax", "°C"),
        ("rain [mm]", "rain", "mm"),
        ("气温（℃）", "气温", "℃"),
        ("tmax", "tmax", None),
        (" rh (%) ", "rh", "%"),
    ],
)
def test_a_heading_has_a_name_and_perhaps_a_unit(text: str, name: str, unit: str | None):
    """The unit stands in brackets of any sort."""
    assert heading(text) == (name, unit)


@pytest.mark.parametrize(
    ("alias", "name"),
    [("T2M", "temperature_2m"), ("air_temperature", "temperature_2m"), ("气温", "temperature_2m"),
     ("tmax", "temperature_max_day"), ("fwi", "fwi"), ("nothing", None)],
)  # fmt: skip
def test_names_of_others_are_known(alias: str, name: str | None):
    """Names of CF, ECMWF and stations lead to ours, and a name nobody knows to none."""
    assert meaning(alias) == name


@pytest.mark.parametrize(
    ("warm", "dew", "share"), [(20.0, 20.0, 100.0), (30.0, 20.0, 55.0), (10.0, 12.0, 100.0)]
)
def test_humidity_follows_from_the_dew_point(warm: float, dew: float, share: float):
    """At the dew point the air is full; a dew point above the temperature is no more than full."""
    assert humidity(np.array([warm]), np.array([dew]))[0] == share


def test_wind_follows_from_its_parts():
    """A wind towards the east comes from 270 degrees; calm has no direction."""
    made = completed({"eastward wind": np.array([[3.0, 0.0]]), "northward wind": np.array([[0.0, 0.0]])})
    assert made["wind_speed_10m"].tolist() == [[3.0, 0.0]]
    np.testing.assert_array_equal(made["wind_direction_10m"], [[270.0, np.nan]])
