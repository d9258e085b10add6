"""The chance that a wildfire starts on a day, from weather, fire-weather codes and the fires before.

The codes are those of the Canadian index (`rules.indices.fire`). The season is an input, the year is not: a
trend of the past is no weather. What fires the last days, months and year had carries the trend honestly; it
may come from reports or from satellite hot spots, and is NaN where neither is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rules.learned.level import bounded, level_of
from rules.learned.logistic import (
    ODDS,
    PLAIN,
    ROOT,
    Array,
    as_table,
    chances,
    fading,
    last_days,
    season,
)

RAIN_DAYS, WARM_DAYS = 180, 30
"""Days of rain and of maxima that are looked at, the day itself included [d]."""
FIRE_DAYS = 730
"""Days of fires that are looked at [d]."""
UNITS: dict[str, str] = {
    "maximum": "°C", "minimum": "°C", "departure": "°C", "vapour_deficit": "hPa", "wind": "m/s",
    "rain_1": "mm", "rain_30": "mm", "rain_180": "mm", "ffmc": "1", "dmc": "1", "dc": "1",
    "season_sin": "1", "season_cos": "1", "half_year_sin": "1", "half_year_cos": "1",
    "fires_1": "1", "fires_3": "1/d", "fires_15": "1/d", "fires_90": "1/d", "fires_365": "1/d",
}  # fmt: skip
"""Feature -> unit, in the order of the columns."""
_ODDS = ("fires_15", "fires_90", "fires_365")
_ROOTS = ("rain_1", "rain_30", "rain_180", "dmc", "dc")
FORMS: dict[str, float] = {
    name: ROOT if name in _ROOTS else ODDS if name in _ODDS else PLAIN for name in UNITS
}
"""Feature -> the form in which it enters the sum."""


@dataclass(frozen=True, kw_only=True)
class FireWeather:
    """Weather of the day judged and before; NaN where unknown."""

    maximum: Array
    """Daily maximum temperature, (place, day), newest last, the day judged included [°C]."""
    minimum: Array
    """Minimum of the day judged, (place,) [°C]."""
    humidity: Array
    """Relative humidity at the warmest hour, (place,) [%]."""
    wind: Array
    """Mean wind of the day, (place,) [m/s]."""
    rain: Array
    """Daily rain, (place, day), newest last, the day judged included [mm]."""
    ffmc: Array
    """Fine Fuel Moisture Code of the day, (place,)."""
    dmc: Array
    """Duff Moisture Code of the day, (place,)."""
    dc: Array
    """Drought Code of the day, (place,)."""


def features(
    weather: FireWeather, fires: Array, day_of_year: npt.ArrayLike, latitude: npt.ArrayLike
) -> Array:
    """What is looked at for one day, (place, feature); NaN where it cannot be known.

    Parameters
    ----------
    weather : FireWeather
        A sum or mean over days that reaches before the first one or holds a NaN is NaN.
    fires : array (place, day)
        1 on days a fire started, 0 on days without, NaN where nobody looked; newest last, the last column is
        the day *before* the one judged.
    day_of_year, latitude : of the day judged [1 to 366] and the place [°N]; broadcast to (place,)
    """
    before = last_days(np.asarray(fires, float)[:, -FIRE_DAYS:], 2, at_least=True)
    columns = {
        **_weather(weather),
        **_season(np.asarray(day_of_year, float), np.asarray(latitude, float), len(before)),
        "fires_1": before[:, -1],
        **{f"fires_{life}": fading(before, float(life)) for life in (3, 15, 90, 365)},
    }
    return as_table(columns, tuple(UNITS))


def chance(model: Mapping[str, Any], table: Array) -> Array:
    """Chance that at least one fire starts on the day, (place,); NaN where too much is unknown.

    At the level the model was saved with, and never nearer to none or to certain than `level.RAREST`.
    """
    return level_of(model).applied(bounded(chances(model, table)))


def saturation(celsius: Array) -> Array:
    """Saturation vapour pressure over water [hPa], Magnus form of WMO-No. 8 (2021), annex 4.B."""
    return np.asarray(6.112 * np.exp(17.62 * celsius / (243.12 + celsius)), float)


def _weather(weather: FireWeather) -> dict[str, Array]:
    warm = last_days(np.asarray(weather.maximum, float), WARM_DAYS)
    rain = last_days(np.asarray(weather.rain, float), RAIN_DAYS)
    today = warm[:, -1]
    return {
        "maximum": today,
        "minimum": weather.minimum,
        "departure": today - warm.mean(axis=1),
        "vapour_deficit": saturation(today) * (1.0 - np.clip(weather.humidity, 0, 100) / 100.0),
        "wind": weather.wind,
        **{f"rain_{days}": rain[:, -days:].sum(axis=1) for days in (1, 30, 180)},
        "ffmc": weather.ffmc,
        "dmc": weather.dmc,
        "dc": weather.dc,
    }


def _season(day: Array, latitude: Array, places: int) -> dict[str, Array]:
    turns = {"season": season(day, latitude), "half_year": season(day, latitude, harmonic=2)}
    everywhere = np.zeros(places)
    return {
        f"{name}_{part}": value + everywhere
        for name, pair in turns.items()
        for part, value in zip(("sin", "cos"), pair, strict=True)
    }
