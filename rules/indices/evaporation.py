"""Potential evapotranspiration (可能蒸散量) from temperature alone: what the air would take, were it there.

Pure numpy in float64, time on the last axis. Both methods need no humidity, wind or radiation, which is all
that the archive always has; where those are known, Penman-Monteith (FAO-56) is the better choice. The sun
is that of FAO-56 (Allen et al. 1998), equations 21 to 25 and 34.
"""

from __future__ import annotations

import calendar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_SOLAR_CONSTANT = 0.0820
"""[MJ m-2 min-1], FAO-56."""
_MM_PER_MJ = 0.408
"""Water that a megajoule per square metre evaporates [mm], FAO-56."""
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def thornthwaite(
    tas_monthly: npt.ArrayLike,
    latitude: npt.ArrayLike,
    *,
    first_year: int | None = None,
    normals: npt.ArrayLike | None = None,
) -> Array:
    """Monthly potential evapotranspiration after Thornthwaite (1948), corrected for day length [mm].

    16 (L/12) (N/30) (10 T / H)^A with H the sum of (T/5)^1.514 over the normal year; T below zero counts
    as zero. Thornthwaite's own correction above 26.5 °C is not made, like in climate_indices, whose
    fixture this equals.

    Parameters
    ----------
    tas_monthly : array (..., month), mean temperature [°C], the first month a January; NaN gives NaN
    latitude : float or array (...) [°N]
    first_year : int or None
        Year of the first month, for the length of February and its days; None takes 28 days always.
    normals : array (..., 12) or None
        Mean temperature of each calendar month, for H [°C]; None takes the means of the series, and a
        calendar month that it never has makes everything NaN.
    """
    warm = np.maximum(np.asarray(tas_monthly, np.float64), 0.0)
    usual = (
        _month_means(warm) if normals is None else np.maximum(np.asarray(normals, np.float64), 0.0)
    )
    heat = np.sum((usual / 5.0) ** 1.514, axis=-1)[..., np.newaxis]
    power = 6.75e-7 * heat**3 - 7.71e-5 * heat**2 + 1.792e-2 * heat + 0.49239
    ratio = 10.0 * warm / np.where(heat > 0.0, heat, np.inf)
    # Where the whole year is frozen nothing evaporates, but an unknown year stays unknown.
    ratio = np.where(np.isnan(heat), np.nan, ratio)
    lit = _lit_months(warm.shape[-1], np.asarray(latitude, np.float64), first_year)
    pet: Array = 16.0 * lit * ratio**power
    return pet


def hargreaves(
    tmin: npt.ArrayLike, tmax: npt.ArrayLike, latitude: npt.ArrayLike, day_of_year: npt.ArrayLike
) -> Array:
    """Daily reference evapotranspiration after Hargreaves and Samani (1985), FAO-56 equation 52 [mm/d].

    0.0023 (Tmean + 17.8) sqrt(Tmax - Tmin) 0.408 Ra, with Tmean halfway between the two; never below zero.
    Other libraries take the sun from Spencer's series: at 29.4 °N xclim is up to 0.064 mm/d (2.4 %) away, at
    45 °N up to 0.09 mm/d (4.8 %, in winter).

    Parameters
    ----------
    tmin, tmax : arrays (..., day) [°C]; NaN gives NaN, and so does a maximum below its minimum
    latitude : float or array (...) [°N]
    day_of_year : int or array (day), 1 to 366
    """
    low, high = np.asarray(tmin, np.float64), np.asarray(tmax, np.float64)
    spread = np.where(high >= low, high - low, np.nan)
    sun = _MM_PER_MJ * _radiation(np.asarray(latitude, np.float64), np.atleast_1d(day_of_year))
    pet: Array = np.maximum(0.0023 * ((low + high) / 2.0 + 17.8) * np.sqrt(spread) * sun, 0.0)
    return pet


def _month_means(series: Array) -> Array:
    """Mean of each calendar month over the known years, (..., 12)."""
    missing = -series.shape[-1] % 12
    filled = np.concatenate([series, np.full((*series.shape[:-1], missing), np.nan)], axis=-1)
    years = filled.reshape(*series.shape[:-1], -1, 12)
    count = np.count_nonzero(np.isfinite(years), axis=-2)
    means: Array = np.nansum(years, axis=-2) / np.where(count > 0, count, np.nan)
    return means


def _lit_months(months: int, latitude: Array, first_year: int | None) -> Array:
    """Day length over 12 hours times days over 30, for each month of a series."""
    lit = {leap: _lit_year(latitude, leap) for leap in (False, True)}
    years = range(-(-months // 12))
    leaps = [first_year is not None and calendar.isleap(first_year + year) for year in years]
    return np.concatenate([lit[False][..., :0], *(lit[leap] for leap in leaps)], axis=-1)[
        ..., :months
    ]


def _lit_year(latitude: Array, leap: bool) -> Array:
    days = np.array(_MONTH_DAYS)
    days[1] += leap
    last = np.cumsum(days)
    hours = 24.0 / np.pi * _sunset_angle(latitude, np.arange(1, last[-1] + 1))[0]
    return np.add.reduceat(hours, last - days, axis=-1) / 12.0 / 30.0


def _sunset_angle(latitude: Array, day: npt.NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """Sunset hour angle, latitude and declination [rad], (..., day)."""
    parallel = np.deg2rad(latitude)[..., np.newaxis]
    declination = 0.409 * np.sin(2.0 * np.pi / 365.0 * day - 1.39)
    sunset = np.arccos(np.clip(-np.tan(parallel) * np.tan(declination), -1.0, 1.0))
    return sunset, parallel, declination


def _radiation(latitude: Array, day: npt.NDArray[np.int64]) -> Array:
    """Radiation from the sun above the air, FAO-56 equation 21 [MJ m-2 d-1]."""
    sunset, parallel, declination = _sunset_angle(latitude, day)
    near = 1.0 + 0.033 * np.cos(2.0 * np.pi / 365.0 * day)
    upright = sunset * np.sin(parallel) * np.sin(declination)
    slant = np.cos(parallel) * np.cos(declination) * np.sin(sunset)
    power: Array = 24.0 * 60.0 / np.pi * _SOLAR_CONSTANT * near * (upright + slant)
    return power
