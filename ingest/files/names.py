"""What the columns and variables of files are called: their names for our quantities."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.quantities import QUANTITIES

DAY_RAIN = "rain of a day"
"""Stands for rain of the day that ends where the plan says; no quantity by itself."""
DEW_POINT, EASTWARD, NORTHWARD = "dew point", "eastward wind", "northward wind"
"""What files give in place of humidity and wind; no quantities by themselves."""

STANDS_IN = {
    DAY_RAIN: "precipitation_day",
    DEW_POINT: "temperature_2m",
    EASTWARD: "wind_speed_10m",
    NORTHWARD: "wind_speed_10m",
}
"""Such a name -> the quantity whose unit it is told in."""

_ALIASES = {
    # Names of our own first, those of CF, ECMWF and the stations after them.
    "temperature_2m": "t2m 2t tas air_temperature temperature temp 气温",
    "relative_humidity_2m": "rh2m hurs relative_humidity humidity 相对湿度",
    "precipitation": "tp pr precipitation_amount total_precipitation rain_1h 降水量 "
    "lwe_thickness_of_precipitation_amount",
    "wind_speed_10m": "ws10m sfcwind wind_speed windspeed 10si si10 风速",
    "wind_direction_10m": "wd10m wind_from_direction wind_direction wdir 风向",
    "wind_gusts_10m": "gust fg10 i10fg 10fg wind_speed_of_gust wind_gust 阵风",
    "shortwave_radiation": "ssrd rsds surface_downwelling_shortwave_flux_in_air 短波辐射",
    "soil_moisture_0_to_7cm": "swvl1 土壤湿度",
    DEW_POINT: "d2m 2d dew_point_2m dewpoint dew_point dew_point_temperature 露点",
    EASTWARD: "u10 10u eastward_wind wind_u_10m",
    NORTHWARD: "v10 10v northward_wind wind_v_10m",
    "temperature_max_day": "tmax tasmax maxtemp 日最高气温",
    "temperature_min_day": "tmin tasmin mintemp 日最低气温",
    "temperature_mean_day": "tmean tavg avgtemp 日平均气温",
    "relative_humidity_mean_day": "rh avgrh 日平均相对湿度",
    DAY_RAIN: "rain prcp 日降水量",
}  # fmt: skip
_KNOWN = {alias.casefold(): name for name, text in _ALIASES.items() for alias in text.split()}
_KNOWN |= {name: name for name in QUANTITIES}
_HEADING = re.compile(r"(?P<name>.*?)\s*[(\[（](?P<unit>[^)\]）]*)[)\]）]\s*")


@dataclass(frozen=True, kw_only=True)
class Column:
    """What one column or variable of a file holds."""

    name: str
    """A quantity, or a name of `STANDS_IN`."""
    unit: str | None
    """Unit as the file writes it; None where it says none."""

    @property
    def quantity(self) -> str:
        """The quantity whose unit and bounds count."""
        return STANDS_IN.get(self.name, self.name)

    @property
    def daily(self) -> bool:
        """Whether it is told once a day."""
        return QUANTITIES[self.quantity].meaning == "day"


def heading(text: str) -> tuple[str, str | None]:
    """Name and unit of a heading such as ``tmax (°C)`` or ``rain [mm]``; None for a unit not there."""
    found = _HEADING.fullmatch(text.strip())
    return (found["name"], found["unit"].strip()) if found else (text.strip(), None)


def meaning(name: str) -> str | None:
    """The quantity, or name of `STANDS_IN`, that a column called so holds; None where nobody knows."""
    return _KNOWN.get(name.strip().casefold())
