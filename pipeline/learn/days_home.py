"""Slides and fires at home: the days that the archive keeps, as their models want them.

Both are asked about the day under way and the next one, from days that ended and what is foretold of those
two. What was trained on reports of slides or fires finds none here: those features are NaN, which widens the
answer or makes it NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection

from ingest.times import HOUR, beijing_day, beijing_midnight
from pipeline.learn.inputs import Inputs
from pipeline.ports import Judging
from rules.learned import fire_days, slide_days
from rules.learned.manifest import Array

WATCHED = 60
"""Days before today on which drift is counted [d]."""
AHEAD = 2
"""Days foretold, the one under way being the first [d]."""

_DAY_H = 24
_NOON = timedelta(hours=13)
_RAIN, _MAX, _MIN = "precipitation_day", "temperature_max_day", "temperature_min_day"
_CODES = ("ffmc", "dmc", "dc")
_HOURLY = ("temperature_2m", "relative_humidity_2m", "wind_speed_10m")


def slide_units() -> Mapping[str, str]:
    """Features of the landslide model -> unit, in the order of their columns."""
    return slide_days.UNITS


def fire_units() -> Mapping[str, str]:
    """Features of the fire model -> unit, in the order of their columns."""
    return fire_days.UNITS


def ask_slides(model: Any, table: Array) -> Mapping[str, Array]:
    """Chance of a slide from a loaded model and a table (place, feature)."""
    return {"chance_landslide": slide_days.chance(model, table)}


def ask_fires(model: Any, table: Array) -> Mapping[str, Array]:
    """Chance of a fire from a loaded model and a table (place, feature)."""
    return {"chance_fire": fire_days.chance(model, table)}


def slides(connection: Connection, now: datetime, judging: Judging) -> tuple[Inputs, ...]:
    """The features of the days ahead; none where no rain is archived."""
    kept = _Calendar.read(connection, now, judging, (_RAIN,), slide_days.RAIN_DAYS)
    if not np.isfinite(kept.days[_RAIN]).any():
        return ()

    def table(offset: int) -> Array:
        rain = kept.until(_RAIN, offset, slide_days.RAIN_DAYS)
        nobody = np.full((len(rain), 2), np.nan)
        return slide_days.features(rain, nobody, kept.day_of_year(offset), kept.latitude)

    return _inputs(table)


def fires(connection: Connection, now: datetime, judging: Judging) -> tuple[Inputs, ...]:
    """The features of the days ahead; none where no temperature is archived."""
    names = (_RAIN, _MAX, _MIN, *_CODES)
    kept = _Calendar.read(connection, now, judging, names, fire_days.RAIN_DAYS)
    if not np.isfinite(kept.days[_MAX]).any():
        return ()
    hours = _hours(connection, now, judging)
    # The day of the codes ends at noon: from then on the newest one that ended is today's.
    later = -1 if now - beijing_midnight(now) >= _NOON else 0

    def table(offset: int) -> Array:
        humidity, wind = _at_warmest(hours, offset)
        weather = fire_days.FireWeather(
            maximum=kept.until(_MAX, offset, fire_days.WARM_DAYS), minimum=kept.on(_MIN, offset),
            humidity=humidity, wind=wind, rain=kept.until(_RAIN, offset, fire_days.RAIN_DAYS),
            **{code: kept.on(code, offset + later) for code in _CODES},
        )  # fmt: skip
        nobody = np.full((len(humidity), 2), np.nan)
        return fire_days.features(weather, nobody, kept.day_of_year(offset), kept.latitude)

    return _inputs(table)


def _inputs(table: Any) -> tuple[Inputs, ...]:
    past = np.array([table(offset) for offset in range(-WATCHED, 0)])
    return tuple(Inputs(offset=offset, table=table(offset), past=past) for offset in range(AHEAD))


@dataclass(frozen=True, kw_only=True)
class _Calendar:
    """Daily quantities (place, day) of days that ended and of those ahead."""

    days: Mapping[str, Array]
    today: int
    date: np.datetime64
    latitude: Array

    @classmethod
    def read(
        cls,
        connection: Connection,
        now: datetime,
        judging: Judging,
        names: tuple[str, ...],
        memory: int,
    ) -> _Calendar:
        """As known at `now`, with `memory` days before the first one on which drift is counted."""
        view = replace(
            judging.view, quantities=names, hours_back=1, hours_ahead=0,
            days_back=WATCHED + memory + 1, days_ahead=AHEAD,
        )  # fmt: skip
        block = judging.archive.block(connection, [now], view)
        return cls(
            days={name: block.variables[name].values[0] for name in names},
            today=view.days_back,
            date=np.datetime64(beijing_day(now), "D"),
            latitude=np.array([town.lat for town in judging.config.district.towns]),
        )

    def on(self, name: str, offset: int) -> Array:
        return self.days[name][:, self.today + offset]

    def until(self, name: str, offset: int, count: int) -> Array:
        last = self.today + offset + 1
        return self.days[name][:, last - count : last]

    def day_of_year(self, offset: int) -> int:
        date = self.date + offset
        return int((date - date.astype("datetime64[Y]").astype("datetime64[D]")).astype(int)) + 1


def _hours(connection: Connection, now: datetime, judging: Judging) -> dict[str, Array]:
    """Hours (place, day, 24) of the Beijing days from `WATCHED` before today to the last one ahead."""
    view = replace(
        judging.view, quantities=_HOURLY, hours_back=_DAY_H * (WATCHED + 2),
        hours_ahead=_DAY_H * (AHEAD + 1), days_back=0, days_ahead=0,
    )  # fmt: skip
    block = judging.archive.block(connection, [now], view)
    as_of = block.variables["as_of"].values[0].astype("datetime64[s]").astype(np.int64)
    midnight = int(beijing_midnight(now).timestamp())
    first = view.hours_back - 1 + int(midnight - as_of) // int(HOUR.total_seconds()) - _DAY_H * WATCHED
    count = WATCHED + AHEAD
    found = {}
    for name in _HOURLY:
        hours = block.variables[name].values[0][:, first : first + _DAY_H * count]
        found[name] = hours.reshape(len(hours), count, _DAY_H)
    return found


def _at_warmest(hours: Mapping[str, Array], offset: int) -> tuple[Array, Array]:
    """Humidity at the warmest hour [%] and mean wind [m/s] of a day, (place,); NaN where unknown."""
    warm, humid, wind = (hours[name][:, WATCHED + offset] for name in _HOURLY)
    known = np.isfinite(warm) & np.isfinite(humid)
    at = np.where(known, warm, -np.inf).argmax(axis=1)
    told = np.where(known.any(axis=1), humid[np.arange(len(humid)), at], np.nan)
    windy = np.isfinite(wind)
    mean = np.where(windy, wind, 0.0).sum(axis=1) / np.maximum(windy.sum(axis=1), 1)
    return told, np.where(windy.sum(axis=1) >= _DAY_H // 2, mean, np.nan)
