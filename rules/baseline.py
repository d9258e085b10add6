"""The climate of the district, fitted once: what the drought, heat and landslide indices compare today with.

A day of the year is counted as in a leap year, 1 to 366, so that 1 March is day 61 every year and 29
February has a place of its own; `calendar_day` gives it.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ingest.errors import FengsuiError, StoreError, UnknownName
from rules.indices.drought import rolling_sum, weighted_antecedent
from rules.indices.heat import critical_torridity, torridity
from rules.indices.landslide import ari7
from rules.indices.standardise import GammaFit, fit_gamma

Array = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]
DayOfYear = int | npt.NDArray[np.int64]

RAIN = "precipitation_day"
TEMPERATURE_MAX = "temperature_max_day"
TEMPERATURE_MEAN = "temperature_mean_day"
HUMIDITY = "relative_humidity_mean_day"
NEEDED = (RAIN, TEMPERATURE_MAX, TEMPERATURE_MEAN, HUMIDITY)
"""Daily quantities that a baseline is fitted to: mm, °C, °C and %."""

FITS = ("rain_90", "rain_150", "wap_60")
"""Amounts that a baseline can standardise."""

FORMAT = 1
"""Version of the file; one that differs is not read."""

POOLED_DAYS = 7
"""A day's sample takes so many days on either side. Thirty values make a fit that jumps from day to day;
a 90-day sum shares nine tenths of its days with those a week away, so this blurs the season by less than
the noise that it removes. It also gives 29 February as full a sample as any other day."""

RAIN_DAY_MM = 0.1
"""Rain from which a day counts as a day with rain [mm]."""

_DAYS = 366
_MOST_MISSING = 0.1
_FEWEST_YEARS = 0.75
_MONTH_STARTS = np.cumsum([1, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30])
_PLAIN: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"rain_mean_30": (_DAYS,), "temperature_normals": (12,), "ti_critical": (), "ari7_p95": ()}
)
_ANEW = "`fengsui baseline` makes it anew"


@dataclass(frozen=True, kw_only=True, eq=False)
class Baseline:
    """A fitted climate. Rows of every array are the places, in their order."""

    first_year: int
    """First calendar year of the period."""
    last_year: int
    """Last calendar year, whole as well."""
    source: str
    """Where the daily record came from, for people."""
    places: tuple[str, ...]
    """Ids of the places."""
    alpha: float
    """Decay a day of the weighted antecedent rain [1]; today's must be made with the same."""
    fits: Mapping[str, GammaFit]
    """By name: rain of 90 days, of 150 days, weighted antecedent of today and 60 days; (place, 366) each."""
    rain_mean_30: Array
    """Mean rain of 30 days, (place, 366) [mm]."""
    temperature_normals: Array
    """Mean temperature of each calendar month, (place, 12) [°C], for Thornthwaite's heat index."""
    ti_critical: Array
    """Critical torridity (炎热临界值), (place,); NaN where no day of the period was above 33 °C."""
    ari7_p95: Array
    """95th percentile of ARI7 over days with rain, (place,) [mm]; NaN where it never rained."""

    def __post_init__(self) -> None:
        for name, array in self._arrays().items():
            shape = (len(self.places), *_PLAIN.get(name, (_DAYS,)))
            if array.shape != shape or array.dtype != np.float64:
                raise ValueError(f"{name} is {array.dtype}{array.shape}, not float64{shape}")

    def standardised(self, name: str, value: Array, day_of_year: DayOfYear) -> Array:
        """Standard normal value of an amount on a calendar day, within ±3.09; NaN in, NaN out.

        Parameters
        ----------
        name : one of `FITS`
        value : array (place,) for one day or (place, day) [mm]
        day_of_year : 1 to 366 by `calendar_day`, one or (day,)
        """
        if name not in FITS:
            raise UnknownName(f"a baseline has no fit {name!r}; there are {', '.join(FITS)}")
        index = np.asarray(day_of_year) - 1
        if np.any((index < 0) | (index >= _DAYS)):
            raise ValueError("a day of the year is 1 to 366, counted as in a leap year")
        return self.fits[name][:, index].standardise(value)

    def select(self, places: Sequence[str]) -> Self:
        """The baseline of these places, in this order; one that it lacks raises UnknownName."""
        lacking = [place for place in places if place not in self.places]
        if lacking:
            raise UnknownName(f"the baseline lacks {', '.join(lacking)}")
        rows = np.array([self.places.index(place) for place in places], np.intp)
        fits = {name: fit[rows] for name, fit in self.fits.items()}
        plain = {name: getattr(self, name)[rows] for name in _PLAIN}
        return replace(self, places=tuple(places), fits=fits, **plain)

    def save(self, path: Path) -> None:
        """Write one file: under a temporary name first, so that a reader never sees half of it."""
        fresh = path.with_name(f".{path.name}.new")
        head = {
            "format": np.array(FORMAT),
            "period": np.array([self.first_year, self.last_year]),
            "alpha": np.array(self.alpha),
            "source": np.array(self.source),
            "places": np.array(self.places, dtype=np.str_),
        }
        try:
            with fresh.open("wb") as file:
                np.savez(file, allow_pickle=False, **head, **self._arrays())
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            raise StoreError(
                f"the baseline cannot be written to {path}: {error.strerror}"
            ) from error

    @classmethod
    def load(cls, path: Path, places: Sequence[str] | None = None) -> Self:
        """Read a file of `save`; with `places`, the rows of these and in this order.

        StoreError says in one sentence what is wrong: no file, damaged, another version, a place it lacks.
        """
        if not path.exists():
            raise StoreError(f"there is no baseline at {path}; `fengsui baseline` makes one")
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                version = int(stored["format"])
                baseline = cls._from(stored) if version == FORMAT else None
        # A byte of the zip structure gone wrong may read as encryption or an odd compression.
        except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
            raise StoreError(f"the baseline {path} is damaged; {_ANEW}") from error
        if baseline is None:
            raise StoreError(
                f"the baseline {path} has version {version}, and {FORMAT} is needed; {_ANEW}"
            )
        try:
            return baseline if places is None else baseline.select(places)
        except UnknownName as error:
            raise StoreError(f"{error} in {path}; {_ANEW} for the district as it is") from error

    @classmethod
    def _from(cls, stored: Mapping[str, npt.NDArray[Any]]) -> Self:
        parts = ("shape", "scale", "zero")
        first, last = stored["period"].tolist()
        plain = {name: stored[name] for name in _PLAIN}
        return cls(
            first_year=first,
            last_year=last,
            source=str(stored["source"]),
            places=tuple(stored["places"].tolist()),
            alpha=float(stored["alpha"]),
            fits={name: GammaFit(**{p: stored[f"{name}_{p}"] for p in parts}) for name in FITS},
            **plain,
        )

    def _arrays(self) -> dict[str, Array]:
        fits = {
            f"{name}_{part}": array
            for name, fit in self.fits.items()
            for part, array in fit.arrays()
        }
        return fits | {name: getattr(self, name) for name in _PLAIN}


def calendar_day(days: Days) -> npt.NDArray[np.int64]:
    """Day of the year of dates, counted as in a leap year: 1 to 366, 1 March always 61."""
    months = days.astype("datetime64[M]")
    since = (days.astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    day: npt.NDArray[np.int64] = _MONTH_STARTS[months.astype(np.int64) % 12] + since
    return day


def fit_baseline(
    daily: Mapping[str, Array],
    first_day: np.datetime64,
    places: Sequence[str],
    *,
    source: str,
    alpha: float,
    minimum_years: int = 20,
) -> Baseline:
    """Fit the climate of a daily record.

    Parameters
    ----------
    daily : the series of `NEEDED`, each (place, day) [mm, °C, °C, %], NaN where missing; others are ignored
    first_day : date of the first day
        The period is the whole calendar years of the record; days before it only fill the first windows.
    places : ids, one a row
    source : where the record came from, for people
    alpha : decay a day of the weighted antecedent rain [1]
    minimum_years : fewest whole years

    FengsuiError says in one sentence why a record will not do: a series it lacks, too few years, a year that
    lacks more than a tenth of its days, gaps that leave too few full windows.
    """
    record = _Record.cut(daily, first_day, places, source)
    record.check(minimum_years)
    rain, maximum = record.daily[RAIN], record.inside(TEMPERATURE_MAX)
    wanted = {"rain_90": rolling_sum(rain, 90), "rain_150": rolling_sum(rain, 150)}
    wanted["wap_60"] = weighted_antecedent(rain, days=60, alpha=alpha)
    return Baseline(
        first_year=record.first_year,
        last_year=record.last_year,
        source=source,
        places=record.places,
        alpha=alpha,
        rain_mean_30=record.mean_by_day(rolling_sum(rain, 30), minimum_years),
        temperature_normals=record.month_means(record.daily[TEMPERATURE_MEAN]),
        ti_critical=critical_torridity(torridity(maximum, record.inside(HUMIDITY)), maximum),
        ari7_p95=_wet_percentile(ari7(rain)[:, record.within], record.inside(RAIN)),
        fits={name: record.fit_by_day(series, minimum_years) for name, series in wanted.items()},
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Record:
    """A daily record and the whole calendar years in it."""

    daily: Mapping[str, Array]
    """The needed series, (place, day)."""
    days: Days
    """Dates of the columns."""
    first_year: int
    """First whole year."""
    last_year: int
    """Last whole year; smaller than the first where there is none."""
    places: tuple[str, ...]
    """Ids of the rows."""
    source: str
    """Where it came from, for messages."""

    @classmethod
    def cut(
        cls,
        daily: Mapping[str, Array],
        first_day: np.datetime64,
        places: Sequence[str],
        source: str,
    ) -> Self:
        lacking = [name for name in NEEDED if name not in daily]
        if lacking:
            raise FengsuiError(
                f"the record of {source} lacks {', '.join(lacking)}; fetch it again with them"
            )
        series = {name: np.asarray(daily[name], np.float64) for name in NEEDED}
        count = series[RAIN].shape[-1]
        for name, values in series.items():
            if values.shape != (len(places), count):
                raise ValueError(f"{name} has shape {values.shape}, not {(len(places), count)}")
        if not count:
            raise FengsuiError(f"the record of {source} is empty; fetch it again")
        days = first_day.astype("datetime64[D]") + np.arange(count)
        before, after = _year_of(np.array([days[0] - 1, days[-1] + 1]))
        first, last = int(before) + 1, int(after) - 1
        return cls(
            daily=series,
            days=days,
            first_year=first,
            last_year=last,
            places=tuple(places),
            source=source,
        )

    @property
    def within(self) -> npt.NDArray[np.bool_]:
        """Which columns lie in the period."""
        years = _year_of(self.days)
        return (years >= self.first_year) & (years <= self.last_year)

    def inside(self, name: str) -> Array:
        """A series within the period, (place, day)."""
        return self.daily[name][:, self.within]

    def check(self, minimum_years: int) -> None:
        """Refuse a record with too few whole years or with a year that lacks too many days."""
        count = max(self.last_year - self.first_year + 1, 0)
        if count < minimum_years:
            raise FengsuiError(
                f"the record of {self.source} holds {count} whole years and a baseline needs"
                f" {minimum_years}; fetch a longer one"
            )
        for year in range(self.first_year, self.last_year + 1):
            columns = _year_of(self.days) == year
            for name, series in self.daily.items():
                missing = np.isnan(series[:, columns]).mean(axis=-1)
                worst = int(np.argmax(missing))
                if missing[worst] > _MOST_MISSING:
                    raise FengsuiError(
                        f"{name} at {self.places[worst]} lacks {missing[worst]:.0%} of the days of {year};"
                        f" a baseline takes {_MOST_MISSING:.0%}: fill the gap or fetch other years"
                    )

    def fit_by_day(self, series: Array, minimum_years: int) -> GammaFit:
        """Gamma fits of every calendar day, (place, 366)."""
        fits = [fit_gamma(_pool(days)) for days in self._by_day(series, minimum_years)]
        parts = {
            name: np.stack([dict(fit.arrays())[name] for fit in fits])
            for name, _ in fits[0].arrays()
        }
        return GammaFit(**parts)

    def mean_by_day(self, series: Array, minimum_years: int) -> Array:
        """Means of every calendar day, (place, 366)."""
        return np.stack(
            [np.nanmean(_pool(days), axis=-1) for days in self._by_day(series, minimum_years)]
        )

    def month_means(self, series: Array) -> Array:
        """Means of every calendar month of the period, (place, 12)."""
        month = self.days[self.within].astype("datetime64[M]").astype(np.int64) % 12
        inside = series[:, self.within]
        return np.stack([np.nanmean(inside[:, month == m], axis=-1) for m in range(12)], axis=-1)

    def _by_day(self, series: Array, minimum_years: int) -> Array:
        """A series as (place, 366, year), NaN where a year lacks the day or its window is not full."""
        years = self.last_year - self.first_year + 1
        table = np.full((len(self.places), _DAYS, years), np.nan)
        slots = calendar_day(self.days[self.within]) - 1
        table[:, slots, _year_of(self.days)[self.within] - self.first_year] = series[:, self.within]
        full = np.delete(np.isfinite(table).sum(axis=-1), 59, axis=-1).min(axis=-1)
        worst = int(np.argmin(full))
        if full[worst] < _FEWEST_YEARS * minimum_years:
            raise FengsuiError(
                f"gaps in {RAIN} at {self.places[worst]} leave {full[worst]} years on some day of the year;"
                " fill them, or fetch a longer record"
            )
        return table


def _year_of(days: Days) -> npt.NDArray[np.int64]:
    year: npt.NDArray[np.int64] = days.astype("datetime64[Y]").astype(np.int64) + 1970
    return year


def _pool(days: Array) -> Array:
    """Each day's sample with its neighbours', (366, year) -> (366, sample); the year closes on itself."""
    slots = np.arange(_DAYS)[:, np.newaxis] + np.arange(-POOLED_DAYS, POOLED_DAYS + 1)
    sample: Array = days[slots % _DAYS].reshape(_DAYS, -1)
    return sample


def _wet_percentile(index: Array, rain: Array) -> Array:
    wet = np.where(rain >= RAIN_DAY_MM, index, np.nan)
    known = [row[np.isfinite(row)] for row in wet]
    return np.array([np.percentile(row, 95.0) if row.size else np.nan for row in known])
