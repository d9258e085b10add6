"""The one table of weather quantities: names, units and the bounds of the believable.

Names follow Open-Meteo's where it has one, so that a payload reads like the table. The bounds are for
quality control of hourly values in the Sichuan Basin, not climatology: they refuse what no instrument
there has shown, and let every record pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ingest.errors import UnknownName

Meaning = Literal[
    "instant",
    "sum of the preceding hour",
    "mean of the preceding hour",
    "maximum of the preceding hour",
    "day",
]


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One measurable, with its unit and the limits that quality control holds it to."""

    name: str
    """Key of the quantity everywhere: payload, archive, block."""
    zh: str
    """Name in Chinese, for texts."""
    unit: str
    """Unit as written by the sources, checked against every payload that names units."""
    meaning: Meaning
    """What the value at a valid hour stands for; that of a day is valid at the hour that ends it."""
    resolution: float
    """Step in which the value is reported; comparisons are made in whole steps."""
    low: float
    """Smallest believable value."""
    high: float
    """Largest believable value."""
    step: float | None = None
    """Largest believable change in one hour; None where a jump is natural."""
    stuck_hours: int | None = None
    """So many equal values in a row mean a stuck instrument; None where equality is natural."""
    spatial: float | None = None
    """Largest believable distance from the median of all places in the same hour."""
    day_ends: int = 0
    """Hour of Beijing time at which the day of a daily quantity ends: 0 midnight, 13 noon by the sun, 20."""


# The ERA5 hours of the bundled event step by 2-5 C at 02, 05, 10 and 15 UTC: a limit of 12 C/h lets them
# pass and still catches a broken sensor. All limits are our choice for this district [unverified].
_TABLE = (
    Quantity(
        name="temperature_2m", zh="气温", unit="°C", meaning="instant", resolution=0.1,
        low=-30.0, high=55.0, step=12.0, stuck_hours=12, spatial=12.0,
    ),
    Quantity(
        name="relative_humidity_2m", zh="相对湿度", unit="%", meaning="instant", resolution=1.0,
        low=0.0, high=100.0,
    ),
    Quantity(
        name="wind_speed_10m", zh="风速", unit="m/s", meaning="instant", resolution=0.01,
        low=0.0, high=75.0, step=40.0,
    ),
    Quantity(
        name="wind_direction_10m", zh="风向", unit="°", meaning="instant", resolution=1.0,
        low=0.0, high=360.0,
    ),
    Quantity(
        name="shortwave_radiation", zh="短波辐射", unit="W/m²",
        meaning="mean of the preceding hour", resolution=1.0, low=0.0, high=1400.0,
    ),
    Quantity(
        name="soil_moisture_0_to_7cm", zh="土壤湿度", unit="m³/m³", meaning="instant",
        resolution=0.001, low=0.0, high=1.0,
    ),
    Quantity(
        name="precipitation", zh="降水量", unit="mm", meaning="sum of the preceding hour",
        resolution=0.1, low=0.0, high=250.0,
    ),
    Quantity(
        name="wind_gusts_10m", zh="阵风", unit="m/s", meaning="maximum of the preceding hour",
        resolution=0.01, low=0.0, high=100.0,
    ),
    Quantity(
        name="fire_hot_spots", zh="卫星热点", unit="1", meaning="sum of the preceding hour",
        resolution=1.0, low=0.0, high=9_000.0,
    ),
    Quantity(
        name="temperature_max_day", zh="日最高气温", unit="°C", meaning="day", resolution=0.1,
        low=-30.0, high=55.0,
    ),
    Quantity(
        name="temperature_min_day", zh="日最低气温", unit="°C", meaning="day", resolution=0.1,
        low=-30.0, high=55.0,
    ),
    Quantity(
        name="temperature_mean_day", zh="日平均气温", unit="°C", meaning="day", resolution=0.01,
        low=-30.0, high=55.0,
    ),
    Quantity(
        name="relative_humidity_mean_day", zh="日平均相对湿度", unit="%", meaning="day",
        resolution=0.1, low=0.0, high=100.0,
    ),
    Quantity(
        name="hot_day_run", zh="连续高温日数", unit="d", meaning="day", resolution=1.0,
        low=0.0, high=366.0,
    ),
    Quantity(
        name="precipitation_day", zh="日降水量", unit="mm", meaning="day", resolution=0.1,
        low=0.0, high=1500.0,
    ),
    Quantity(
        name="precipitation_day_20", zh="20时至20时降水量", unit="mm", meaning="day",
        resolution=0.1, low=0.0, high=1500.0, day_ends=20,
    ),
    # The three codes of the Canadian Forest Fire Weather Index, and the index, of a day that ends at noon
    # by the sun: 13:00 Beijing time at 105.6 E.
    Quantity(
        name="ffmc", zh="细小可燃物湿度码", unit="1", meaning="day", resolution=0.01,
        low=0.0, high=101.0, day_ends=13,
    ),
    Quantity(
        name="dmc", zh="腐殖质湿度码", unit="1", meaning="day", resolution=0.01,
        low=0.0, high=5_000.0, day_ends=13,
    ),
    Quantity(
        name="dc", zh="干旱码", unit="1", meaning="day", resolution=0.01,
        low=0.0, high=9_000.0, day_ends=13,
    ),
    Quantity(
        name="fwi", zh="火险天气指数", unit="1", meaning="day", resolution=0.01,
        low=0.0, high=1_000.0, day_ends=13,
    ),
    # The composite drought index and its parts (GB/T 20481-2017), standardised where they say so.
    Quantity(
        name="spiw60", zh="60天标准化权重降水指数", unit="1", meaning="day", resolution=0.01,
        low=-10.0, high=10.0,
    ),
    Quantity(
        name="precipitation_anomaly_30", zh="30天降水距平百分率", unit="%", meaning="day",
        resolution=1.0, low=-100.0, high=9_000.0,
    ),
    Quantity(
        name="mi30", zh="30天相对湿润度指数", unit="1", meaning="day", resolution=0.01,
        low=-1.0, high=1_000.0,
    ),
    Quantity(
        name="spi90", zh="90天标准化降水指数", unit="1", meaning="day", resolution=0.01,
        low=-10.0, high=10.0,
    ),
    Quantity(
        name="spi150", zh="150天标准化降水指数", unit="1", meaning="day", resolution=0.01,
        low=-10.0, high=10.0,
    ),
    # Chances of a day, calibrated by a model that learned (`rules.learned`); NaN where no model may speak.
    # All count Beijing days, rain the 24 hours to 20 o'clock.
    Quantity(
        name="chance_tmax_35", zh="最高气温达35℃的概率", unit="1", meaning="day", resolution=0.001,
        low=0.0, high=1.0,
    ),
    Quantity(
        name="chance_tmax_37", zh="最高气温达37℃的概率", unit="1", meaning="day", resolution=0.001,
        low=0.0, high=1.0,
    ),
    Quantity(
        name="chance_tmax_40", zh="最高气温达40℃的概率", unit="1", meaning="day", resolution=0.001,
        low=0.0, high=1.0,
    ),
    Quantity(
        name="chance_landslide", zh="滑坡概率", unit="1", meaning="day", resolution=0.001,
        low=0.0, high=1.0,
    ),
    Quantity(
        name="chance_fire", zh="林火发生概率", unit="1", meaning="day", resolution=0.001,
        low=0.0, high=1.0,
    ),
    Quantity(
        name="chance_rain_50", zh="24小时降水量达50毫米的概率", unit="1", meaning="day",
        resolution=0.001, low=0.0, high=1.0, day_ends=20,
    ),
)

QUANTITIES: dict[str, Quantity] = {quantity.name: quantity for quantity in _TABLE}


def quantity(name: str) -> Quantity:
    """Look a quantity up; an unknown name raises UnknownName listing those that exist."""
    try:
        return QUANTITIES[name]
    except KeyError:
        raise UnknownName(
            f"no quantity is called {name!r}; there are {', '.join(QUANTITIES)}"
        ) from None
