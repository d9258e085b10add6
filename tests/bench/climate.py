"""Weather made up for the bench: hour by hour, with the seasons and extremes of the Sichuan Basin.

Nothing here is measured. January means 7 °C and July 27 °C, about 1100 mm fall in a year; a hot dry spell in
August, five storms in summer and four falls of cold air see to it that every hazard has something to judge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from ingest.batch import Values
from ingest.quantities import quantity
from rules.baseline import HUMIDITY, RAIN, TEMPERATURE_MAX, TEMPERATURE_MEAN, Baseline, fit_baseline

_DAY_H = 24
# Day of the year, hour of the day and total at the centre [mm] of each storm.
_STORMS = ((169, 20, 150.0), (184, 3, 90.0), (201, 15, 260.0), (243, 22, 120.0), (252, 5, 190.0))
_PROFILE = np.array([0.08, 0.17, 0.32, 0.25, 0.12, 0.06])
# Day of the year and depth of each fall of cold air [K].
_COLD = ((24, 7.0), (72, 12.0), (320, 11.0), (352, 7.0))
_HOT = (222, 238)


@dataclass(frozen=True, kw_only=True)
class Weather:
    """Hours of some places, all drawn from one sequence of days."""

    first_day: np.datetime64
    """Beijing date of the first day; the first column is its midnight."""
    places: int
    """How many; they lie along a line, over which the storms pass at different points."""
    days: int
    """How many."""
    chance: np.random.Generator
    """Where all chance comes from."""
    dry: tuple[int, int] = _HOT
    """First and last day of the year of the long dry spell besides the hot one."""

    def hours(self) -> dict[str, Values]:
        """Hourly quantity -> (place, hour), in the steps of its quantity; NaN where nothing is said."""
        days = _Days.drawn(self)
        sky = _Sky(weather=self, days=days, storm=self._storms(days), place=self._place())
        temperature = sky.temperature()
        made: dict[str, Values] = {
            "temperature_2m": temperature,
            "relative_humidity_2m": sky.humidity(temperature),
            "precipitation": sky.rain(),
            "wind_speed_10m": (wind := sky.wind()),
            "wind_gusts_10m": wind * self.chance.uniform(1.3, 2.0, wind.shape),
            "wind_direction_10m": self.chance.uniform(0.0, 360.0, wind.shape),
            "shortwave_radiation": sky.radiation(),
            "soil_moisture_0_to_7cm": np.full(wind.shape, 0.25),
            "fire_hot_spots": sky.hot_spots(),
        }
        return {name: stepped(name, values) for name, values in made.items()}

    def _place(self) -> Values:
        """Where the places lie along the line, (place, 1) between 0 and 1."""
        return np.linspace(0.0, 1.0, self.places)[:, None]

    def _storms(self, days: _Days) -> Values:
        """Rain of the storms alone, (place, hour) [mm]."""
        rain = np.zeros((self.places, self.days * _DAY_H))
        for number, (day, hour, total) in enumerate(_STORMS):
            near = np.exp(-(((self._place() - (number % 3) / 2.0) / 0.35) ** 2))
            for found in np.flatnonzero(days.of_year == day):
                start = int(found) * _DAY_H + hour
                cut = rain[:, start : start + _PROFILE.size]
                cut += near * total * _PROFILE[: cut.shape[1]]
        return rain


def stepped(name: str, values: Values) -> Values:
    """Values within the believable and in the steps in which a quantity is reported."""
    known = quantity(name)
    steps = np.rint(np.clip(values, known.low, known.high) / known.resolution)
    told: Values = np.round(steps * known.resolution, 4)
    return told


@dataclass(frozen=True, kw_only=True)
class _Days:
    """What all places share of each day, (day,)."""

    of_year: Values
    """Day of the year, 1 January being 0."""
    summer: Values
    """-1 in mid-January, 1 in mid-July."""
    mean: Values
    """Mean temperature [°C]."""
    hot: Values
    """1 in the hot spell, else 0."""
    cold: Values
    """How far the air has cooled below the season [K]."""
    amount: Values
    """Rain besides the storms [mm]; 0 on a dry day."""

    @classmethod
    def drawn(cls, weather: Weather) -> _Days:
        """Days by chance, one after another."""
        chance, dates = weather.chance, weather.first_day + np.arange(weather.days)
        of_year = (dates - dates.astype("datetime64[Y]")).astype(float)
        summer = -np.cos(2 * np.pi * (of_year - 15) / 365.25)
        hot = ((of_year >= _HOT[0]) & (of_year <= _HOT[1])).astype(float)
        cold = sum(
            depth * np.exp(-(of_year - day) / 4.0) * (of_year >= day) for day, depth in _COLD
        ) * np.ones(weather.days)
        wander = _wandering(chance.normal(0.0, 1.3, weather.days), 0.7)
        dry = (of_year >= weather.dry[0]) & (of_year <= weather.dry[1])
        wet = _spells(chance.random(weather.days), 0.27 + 0.07 * summer) & (hot == 0) & ~dry
        amount = np.where(wet, chance.exponential(2.05, weather.days) * (2.6 + 1.8 * summer), 0.0)
        return cls(
            of_year=of_year,
            summer=summer,
            mean=17.0 + 10.0 * summer + wander + 7.5 * hot - cold,
            hot=hot,
            cold=cold,
            amount=amount,
        )


def _wandering(shocks: Values, memory: float) -> Values:
    """A course that leans on the day before."""
    found = np.empty_like(shocks)
    last = 0.0
    for day, shock in enumerate(shocks):
        last = memory * last + shock
        found[day] = last
    return found


def _spells(draws: Values, begin: Values) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Wet days: one begins a spell by chance, and six of ten are followed by another."""
    found = np.zeros(draws.size, bool)
    for day, draw in enumerate(draws):
        found[day] = draw < (0.6 if day and found[day - 1] else begin[day])
    return found


@dataclass(frozen=True, kw_only=True)
class _Sky:
    """Hours drawn around the days."""

    weather: Weather
    """Of what."""
    days: _Days
    """What the places share."""
    storm: Values
    """Rain of the storms, (place, hour) [mm]."""
    place: Values
    """Where the places lie, (place, 1)."""

    def temperature(self) -> Values:
        """Air temperature, (place, hour) [°C]: highest at 15 o'clock, the range narrower under rain."""
        swing = np.where(self.days.amount > 0, 2.5, 4.5 + self.days.hot)
        course = np.cos(2 * np.pi * (self._hour() - 15) / _DAY_H)
        shared = np.repeat(self.days.mean, _DAY_H) + np.repeat(swing, _DAY_H) * course
        own = 2.0 * (0.5 - self.place) + self._noise(0.3)
        return shared + own

    def humidity(self, temperature: Values) -> Values:
        """Relative humidity, (place, hour) [%]: low in the afternoon and in the hot spell, high in rain."""
        base = 80.0 - 22.0 * self.days.hot + 10.0 * (self.days.amount > 0)
        warmer = temperature - np.repeat(self.days.mean, _DAY_H)
        return np.repeat(base, _DAY_H) - 3.0 * warmer + self._noise(2.0)

    def rain(self) -> Values:
        """Rain of the hour, (place, hour) [mm]: one shower a wet day, in every place its own amount."""
        days, chance = self.weather.days, self.weather.chance
        begin, length = chance.integers(0, 16, days), chance.integers(2, 9, days)
        hour = np.arange(_DAY_H)
        shower = (hour >= begin[:, None]) & (hour < (begin + length)[:, None])
        share = shower * chance.gamma(1.0, 1.0, (days, _DAY_H))
        total = np.maximum(share.sum(axis=1, keepdims=True), 1e-9)
        shared = (share / total * self.days.amount[:, None]).ravel()
        own = chance.lognormal(-0.08, 0.4, (self.weather.places, days))
        return shared * np.repeat(own, _DAY_H, axis=1) + self.storm

    def wind(self) -> Values:
        """Mean wind, (place, hour) [m/s]: light, stronger where the air turns cold or a storm passes."""
        fresh = np.diff(self.days.cold, prepend=self.days.cold[:1]).clip(0.0)
        shared = 1.0 + np.repeat(fresh, _DAY_H) * 0.6
        return shared * self.weather.chance.gamma(9.0, 0.12, self._shape) + 0.12 * self.storm

    def radiation(self) -> Values:
        """Shortwave radiation, (place, hour) [W/m²]: none at night, a quarter under rain."""
        height = np.sin(np.pi * (self._hour() - 6) / 12).clip(0.0)
        clear = (650.0 + 250.0 * self.days.summer) * np.where(self.days.amount > 0, 0.25, 0.8)
        return np.repeat(clear, _DAY_H) * height + np.zeros(self._shape)

    def hot_spots(self) -> Values:
        """Fires that satellites saw, (place, hour): a few in the hot spell, else nothing is said."""
        seen = self.weather.chance.random(self._shape) < 0.005 * np.repeat(self.days.hot, _DAY_H)
        return np.where(seen, 1.0, np.nan)

    @property
    def _shape(self) -> tuple[int, int]:
        return self.weather.places, self.weather.days * _DAY_H

    def _hour(self) -> Values:
        return np.tile(np.arange(_DAY_H, dtype=np.float64), self.weather.days)

    def _noise(self, spread: float) -> Values:
        """By how much a place differs from the others for a day, (place, hour)."""
        days = (self.weather.places, self.weather.days)
        return np.repeat(self.weather.chance.normal(0.0, spread, days), _DAY_H, axis=1)


_DAILY: dict[str, tuple[str, Callable[[Values], Values]]] = {
    RAIN: ("precipitation", lambda hours: hours.sum(axis=-1).round(1)),
    TEMPERATURE_MAX: ("temperature_2m", lambda hours: hours.max(axis=-1)),
    TEMPERATURE_MEAN: ("temperature_2m", lambda hours: hours.mean(axis=-1).round(2)),
    HUMIDITY: ("relative_humidity_2m", lambda hours: hours.mean(axis=-1).round(1)),
}


def daily(hours: dict[str, Values]) -> dict[str, Values]:
    """Daily series as climate records name them, (place, day)."""
    return {
        name: fold(hours[source].reshape(len(hours[source]), -1, _DAY_H))
        for name, (source, fold) in _DAILY.items()
    }


@cache
def baseline(places: tuple[str, ...], years: int) -> Baseline:
    """The climate of this weather, fitted to so many years of it."""
    first = np.datetime64("1996-12-01")
    length = int((np.datetime64(f"{1997 + years}-01-01") - first).astype(int))
    weather = Weather(
        first_day=first, places=len(places), days=length, chance=np.random.default_rng(1997)
    )
    return fit_baseline(
        daily(weather.hours()), first, places, source="made up", alpha=0.85, minimum_years=years
    )
