"""Heat at home: the pairs of forecast and maximum that the archive keeps, as the heat model wants them.

The day-1 and day-2 forecasts of an evening are what each model's source had said by 20 o'clock Beijing time,
and those of today what it has said by now: nothing that became known later is read. A source whose block is
called as the model (``ifs``, ``aifs``, ``gfs``, ``icon``, ``gem``) is that model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import xarray as xr
from sqlalchemy import Connection

from ingest.times import BEIJING_OFFSET_H, HOUR, beijing_day, beijing_midnight, instant64
from pipeline.learn.heat_data import HeatDays
from pipeline.learn.inputs import Inputs
from pipeline.ports import Judging
from rules.derived import day_maximum
from rules.learned.heat_days import HeatModel
from rules.learned.heat_features import UNITS, table
from rules.learned.heat_memory import MODELS, WEATHER, Array, advance, nothing_known

CAME: Mapping[str, tuple[str, float]] = {
    f"chance_tmax_{limit}": ("temperature_max_day", float(limit)) for limit in (35, 37, 40)
}
"""Chance -> the daily quantity and the value from which it has come true."""
BACK = 120
"""Days before today of which forecasts and maxima are remembered; the slowest memory halves in 200 [d]."""
WATCHED = 60
"""Days before today on which drift is counted [d]."""

_DAY = timedelta(days=1)
_DAY_H = 24
_EVENING = timedelta(hours=20)
# After this hour the highest temperature so far counts as the day's.
_COOLING = timedelta(hours=18)
_AHEAD_H = 76
_HOURLY_BACK = 30
_TEMPERATURE = "temperature_2m"
_WIND, _SUN = "wind_speed_10m", "shortwave_radiation"
_MAX, _HUMID, _RAIN = "temperature_max_day", "relative_humidity_mean_day", "precipitation_day"


def units() -> Mapping[str, str]:
    """Features of the heat model -> unit, in the order of their columns."""
    return UNITS


def ask(model: Any, table: Array) -> Mapping[str, Array]:
    """Chances of tomorrow from a loaded heat model and a table (place, feature)."""
    told = HeatModel.of_parts(model).foretell_from(table)
    return {name: told.chance(limit) for name, (_, limit) in CAME.items()}


def gather(connection: Connection, now: datetime, judging: Judging) -> tuple[Inputs, ...]:
    """The features of tomorrow, and of the `WATCHED` days before; nothing where no model is archived."""
    if not set(MODELS) & set(judging.archive.sources(connection)):
        return ()
    known = archived_days(connection, now, judging, BACK)
    memory = nothing_known(len(known.places))
    tables = []
    tomorrow = len(known.days) - 2
    for day in range(tomorrow + 1):
        tables.append(table(memory, known.outlook(day)))
        # Of a day under way nothing was learned yet: what is remembered is a day older, and not forgotten.
        if np.isfinite(known.maximum[day]).any() or day < tomorrow - 1:
            memory = advance(memory, known.outlook(day), known.ended(day))
    past = slice(len(tables) - 1 - WATCHED, len(tables) - 1)
    maxima = known.maximum[past]
    came = {
        name: np.where(np.isnan(maxima), np.nan, maxima >= limit)
        for name, (_, limit) in CAME.items()
    }
    return (Inputs(offset=1, table=tables[-1], past=np.array(tables[past]), came=came),)


def archived_days(
    connection: Connection, now: datetime, judging: Judging, back: int
) -> HeatDays:
    """Forecasts and weather of the `back` days before today, of today, and what is foretold of tomorrow.

    The last day is the day after tomorrow, of which there is only the day-2 forecast.
    """
    today = beijing_midnight(now)
    evenings = [today - _DAY * age + _EVENING - _DAY for age in range(back, -1, -1)]
    moments = [*(min(evening, now) for evening in evenings), now]
    near, far = [], []
    for name in MODELS:
        block = _block(connection, moments, judging, name)
        near.append(_maxima(block, moments, 0))
        far.append(_maxima(block, moments, 1))
    tomorrow, after = np.stack(near, axis=1), np.stack(far, axis=1)
    none = np.full((1, *tomorrow.shape[1:]), np.nan)
    past = _Past.read(connection, now, judging, back)
    dates = np.datetime64(beijing_day(now), "D") + np.arange(-back, 3)
    return HeatDays(
        days=dates,
        places=judging.view.places,
        tomorrow=np.concatenate([tomorrow, none]),
        earlier=np.concatenate([none, after]),
        maximum=past.maximum,
        weather=past.weather,
    )


def _block(
    connection: Connection, moments: list[datetime], judging: Judging, source: str
) -> xr.Dataset:
    """What one model had said of the temperature at each moment."""
    view = replace(
        judging.view, quantities=(_TEMPERATURE,), hours_back=1, hours_ahead=_AHEAD_H, days_back=0,
        days_ahead=0, sources=(source,), remembering=(), latency=timedelta(0),
    )  # fmt: skip
    return judging.archive.block(connection, moments, view)


def _maxima(block: xr.Dataset, moments: list[datetime], later: int) -> Array:
    """Highest temperature of the day after that of each moment, or `later` days more, (now, place) [°C]."""
    hours = block.variables[_TEMPERATURE].values
    as_of = block.variables["as_of"].values
    found = np.full(hours.shape[:2], np.nan)
    for row, moment in enumerate(moments):
        begins = instant64(beijing_midnight(moment) + _DAY * (1 + later))
        first = int((begins - as_of[row]) / np.timedelta64(1, "h"))
        found[row] = day_maximum(hours[row, :, first : first + _DAY_H])
    return found


@dataclass(frozen=True, kw_only=True)
class _Past:
    """What was observed up to now; the last three days are today, tomorrow and the day after."""

    maximum: Array
    """(day, place) [°C]."""
    weather: Array
    """(day, kind, place), kinds and units of `WEATHER`."""

    @classmethod
    def read(cls, connection: Connection, now: datetime, judging: Judging, back: int) -> _Past:
        view = replace(
            judging.view, quantities=(_TEMPERATURE, _WIND, _SUN, _MAX, _HUMID, _RAIN),
            hours_back=_DAY_H * (_HOURLY_BACK + 1), hours_ahead=0, days_back=back, days_ahead=0,
        )  # fmt: skip
        block = judging.archive.block(connection, [now], view)
        days = {
            name: _padded(block.variables[name].values[0].T, back) for name in (_MAX, _HUMID, _RAIN)
        }
        hours = {name: block.variables[name].values[0] for name in (_TEMPERATURE, _WIND, _SUN)}
        as_of = now - (now - beijing_midnight(now)) % HOUR - judging.view.latency
        wind, sun = (_by_day(hours[name], as_of, back) for name in (_WIND, _SUN))
        kinds = dict.fromkeys(WEATHER, np.full(days[_MAX].shape, np.nan))
        kinds |= {"humidity": days[_HUMID], "rain": days[_RAIN]}
        kinds |= {"wind": _highest(wind) * 3.6, "radiation": sun.sum(axis=-1) * 3600 / 1e6}
        maximum = days[_MAX]
        if now - beijing_midnight(now) >= _COOLING:
            maximum[back] = _so_far(hours[_TEMPERATURE], as_of)
        return cls(maximum=maximum, weather=np.stack([kinds[name] for name in WEATHER], axis=1))


def _padded(days: Array, back: int) -> Array:
    """Days that ended (day, place), and today, tomorrow and the day after, of which nothing is known."""
    room = np.full((back + 3, days.shape[1]), np.nan)
    room[:back] = days
    return room


def _by_day(hours: Array, as_of: datetime, back: int) -> Array:
    """Observed hours (place, hour) up to `as_of` as whole Beijing days, (day, place, 24); NaN before them."""
    since = _hour_of_day(as_of) + 1
    whole = hours[:, : hours.shape[1] - since][:, -_DAY_H * _HOURLY_BACK :]
    room = np.full((back + 3, hours.shape[0], _DAY_H), np.nan)
    days = min(back, _HOURLY_BACK)
    cut = whole[:, whole.shape[1] - _DAY_H * days :].reshape(hours.shape[0], days, _DAY_H)
    room[back - days : back] = np.moveaxis(cut, 1, 0)
    return room


def _highest(hours: Array) -> Array:
    known = np.where(np.isnan(hours), -np.inf, hours).max(axis=-1)
    return np.where(np.isfinite(known), known, np.nan)


def _so_far(hours: Array, as_of: datetime) -> Array:
    """Highest temperature since midnight, (place,) [°C]; NaN where too many hours are missing."""
    return day_maximum(hours[:, -_hour_of_day(as_of) - 1 :])


def _hour_of_day(as_of: datetime) -> int:
    return (as_of.hour + BEIJING_OFFSET_H) % _DAY_H
