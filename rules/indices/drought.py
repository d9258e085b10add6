"""Drought (干旱) by rain, evaporation and their memory: the parts of GB/T 20481-2017 and its classes.

Every function is pure numpy in float64, time on the last axis and newest last, any leading axes; a series
comes back as long as it went in, NaN where its window is not full. The standard's own text was not seen:
formulas and limits are those of papers and open programs that follow it, named where they are used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from rules.indices.standardise import (
    GammaFit,
    LogLogisticFit,
    Pearson3Fit,
    fit_gamma,
    fit_loglogistic,
    fit_pearson3,
)

Array = npt.NDArray[np.float64]
Calibration = slice | tuple[int, int] | npt.NDArray[np.bool_] | None
"""Which months are fitted: all (None), a slice or (start, stop) of month indices, or a mask over time."""
Days = npt.NDArray[np.bool_]
"""Truth about each day, (day, ...)."""
Distribution = Literal["gamma", "pearson3", "loglogistic"]
Fit = GammaFit | Pearson3Fit | LogLogisticFit

_FITS: Mapping[str, Callable[[Array], Fit]] = MappingProxyType(
    {"gamma": fit_gamma, "pearson3": fit_pearson3, "loglogistic": fit_loglogistic}
)

INDEX_LIMITS = (-0.5, -1.0, -1.5, -2.0)
"""SPI, SPEI and MCI: at or below each the next drier class begins [1].

Source: ChinaXiv:202006.00022 and 201810.00149 for SPI and SPEI; T3 of ghqx.org.cn for MCI.
"""
MI_LIMITS = (-0.40, -0.65, -0.80, -0.95)
"""Relative moisture index of 30 days [1]. Source: ChinaXiv:202006.00022."""
PA_LIMITS: Mapping[str, tuple[float, float, float, float]] = MappingProxyType(
    {
        "month": (-40.0, -60.0, -80.0, -95.0),
        "season": (-25.0, -50.0, -70.0, -80.0),
        "year": (-15.0, -30.0, -40.0, -45.0),
    }
)
"""Precipitation anomaly [%] by length of the period. Source: ChinaXiv:201909.00054."""
WEIGHTS_SOUTH = (0.5, 0.6, 0.2, 0.1)
"""MCI weights a, b, c, d of the south and south-west. Source: a climate-centre program, April to October."""
WEIGHTS_NORTH = (0.3, 0.5, 0.3, 0.2)
"""MCI weights of the north and west, and of that program from November to March; ChinaXiv:202201.00116."""

# A ten-thousandth of a millimetre: 0.1-mm gauges are summed without error, even when read as float32.
_UNITS_PER_MM = 10_000
_SPEI_OFFSET_MM = 1000.0


def rolling_sum(values: npt.ArrayLike, length: int) -> Array:
    """Sum over the last `length` steps, exact for amounts in steps of 0.1 mm.

    Parameters
    ----------
    values : array (..., time) [mm]
        Summed as integers of 0.0001 mm, so that a dry window is 0 and nothing else.
    length : int
        Steps of the window, this one included; a window that is not full or holds a NaN is NaN.
    """
    if length < 1:
        raise ValueError(f"a window of {length} steps holds nothing; give 1 or more")
    series = _float(values)
    known = np.isfinite(series)
    units = np.rint(np.where(known, series, 0.0) * _UNITS_PER_MM).astype(np.int64)
    answer = np.full(series.shape, np.nan)
    total = _windows(units, length) / _UNITS_PER_MM
    full = _windows(known.astype(np.int64), length) == length
    answer[..., length - 1 :] = np.where(full, total, np.nan)
    return answer


def spi(
    pr_monthly: npt.ArrayLike,
    scale: int,
    *,
    calibration: Calibration = None,
    distribution: Distribution = "gamma",
) -> Array:
    """Standardised precipitation index, within ±3.09.

    Rain is summed over `scale` months and compared, calendar month by calendar month, with the fitted
    climate; sums of zero stand at the share of zero sums. "gamma" is fitted by Thom's maximum likelihood
    and equals climate_indices, as does "pearson3", fitted by L-moments. Source: McKee et al. (1993).

    Parameters
    ----------
    pr_monthly : array (..., month) [mm], the first month a January; NaN makes its windows NaN
    scale : int, months summed
    calibration : which months are fitted; by default all
    """
    if distribution == "loglogistic":
        raise ValueError("the log-logistic distribution has no zero class; take gamma or pearson3")
    return _against_months(rolling_sum(pr_monthly, scale), calibration, distribution)


def spei(
    pr_monthly: npt.ArrayLike,
    pet_monthly: npt.ArrayLike,
    scale: int,
    *,
    calibration: Calibration = None,
    distribution: Distribution = "gamma",
) -> Array:
    """Standardised precipitation evapotranspiration index, within ±3.09.

    The water balance P - PET takes the place of rain in the SPI. "gamma" and "pearson3" are those of
    climate_indices, which adds 1000 mm to every month's balance to make it positive; "gamma" is the default
    because it equals an independent record, to 6e-6. "loglogistic" is the method of Vicente-Serrano et al.
    (2010), doi 10.1175/2009JCLI2909.1; on that record it lies 0.05 (median) and at most 0.67 from "gamma".

    Parameters
    ----------
    pr_monthly, pet_monthly : arrays (..., month) [mm], the first month a January
    scale : int, months summed
    calibration : which months are fitted; by default all
    """
    balance = _float(pr_monthly) - _float(pet_monthly)
    if distribution != "loglogistic":
        balance = balance + _SPEI_OFFSET_MM
    return _against_months(rolling_sum(balance, scale), calibration, distribution)


def mci(
    spiw60: npt.ArrayLike,
    mi30: npt.ArrayLike,
    spi90: npt.ArrayLike,
    spi150: npt.ArrayLike,
    *,
    ka: npt.ArrayLike,
    weights: Sequence[npt.ArrayLike] | Array,
) -> Array:
    """Meteorological drought composite index: Ka (a SPIW60 + b MI30 + c SPI90 + d SPI150).

    Parameters
    ----------
    spiw60, mi30, spi90, spi150 : arrays that broadcast [1]; a NaN in any makes the result NaN
    ka : seasonal factor of the main crop, by province and month [1]; the row of Chongqing is unknown to us
    weights : a, b, c, d, numbers or arrays over time, such as `WEIGHTS_SOUTH`; the season may choose

    A check in Sichuan found that MCI overstates severity there (doi 10.11924/j.issn.1000-6850.casb17110072).
    """
    parts = zip(weights, (spiw60, mi30, spi90, spi150), strict=True)
    weighted = (_float(weight) * _float(part) for weight, part in parts)
    return np.asarray(_float(ka) * sum(weighted))


def mi(pr: npt.ArrayLike, pet: npt.ArrayLike) -> Array:
    """Relative moisture index (P - PET) / PET of amounts over the same days [mm]; -1 is no rain at all.

    NaN where evaporation is zero or less: the ratio says nothing there. Source: ChinaXiv:202006.00022.
    """
    need = np.where(_float(pet) > 0.0, _float(pet), np.nan)
    return np.asarray((_float(pr) - need) / need)


def precipitation_anomaly(pr: npt.ArrayLike, mean: npt.ArrayLike) -> Array:
    """Departure of rain from its mean over the same days, PA [%]; -100 is no rain at all.

    NaN where the mean is zero or unknown. Source: ChinaXiv:201909.00054.
    """
    usual = np.where(_float(mean) > 0.0, _float(mean), np.nan)
    return np.asarray((_float(pr) - usual) / usual * 100.0)


def weighted_antecedent(pr_daily: npt.ArrayLike, *, days: int = 60, alpha: float) -> Array:
    """Weighted antecedent rain WAP: the sum of alpha^n P_n over n = 0 (today) to `days` days ago [mm].

    Parameters
    ----------
    pr_daily : array (..., day) [mm]; a window of days + 1 days that holds a NaN is NaN
    alpha : float
        Decay a day [1]: 0.85 in an operational program; whether the standard says so is unverified, an
        older form has 0.95.
    """
    length = days + 1
    rain = _float(pr_daily)
    answer = np.full(rain.shape, np.nan)
    count = rain.shape[-1] - days
    if count > 0:
        shifted = (rain[..., days - n : days - n + count] * alpha**n for n in range(length))
        answer[..., days:] = sum(shifted)
    return answer


def drought_class(index: npt.ArrayLike, limits: Sequence[float] = INDEX_LIMITS) -> Array:
    """Class of an index: 0 none 无旱, 1 light 轻旱, 2 moderate 中旱, 3 severe 重旱, 4 extreme 特旱.

    Parameters
    ----------
    index : array, any shape; NaN has no class (NaN)
    limits : upper limits of light, moderate, severe and extreme
        A limit belongs to the drier class: an MCI of -0.5 is light. Compared at nine decimals, so that
        rounding of the last bit does not decide.
    """
    told = np.round(_float(index), 9)
    count = sum((told <= limit).astype(np.float64) for limit in limits)
    return np.where(np.isnan(told), np.nan, count)


@dataclass(frozen=True, kw_only=True, eq=False)
class DroughtRun:
    """Whether a drought process (干旱过程) is under way on each day, as it could be said on that day."""

    under_way: npt.NDArray[np.bool_]
    """Whether a process has started and not ended, (..., day)."""
    length: npt.NDArray[np.int64]
    """Days since the first of the days that started it, that one included; 0 where none is under way."""


def drought_run(
    classes: npt.ArrayLike, *, start_after: int = 10, end_after: int = 10
) -> DroughtRun:
    """Follow drought processes through daily classes.

    Parameters
    ----------
    classes : array (..., day), from `drought_class`
        NaN neither starts nor ends a process: the days that do must be known, all of them, so a NaN
        restarts both counts. Days of a process that are NaN count in its length.
    start_after : int
        A process starts on the day that is the so-many-th in a row at light or worse, and is dated from
        the first of them. 10 is the older rule (ChinaXiv:202006.00022); 15 is said of 2017, unverified.
    end_after : int
        It ends on the so-many-th day in a row without drought.
    """
    grades = _float(classes)
    dry, calm = (np.moveaxis(hits, -1, 0) for hits in (grades >= 1.0, grades < 1.0))
    under_way, length = np.zeros(grades.shape, bool), np.zeros(grades.shape, np.int64)
    for day, age in enumerate(_ages(dry, calm, start_after, end_after)):
        under_way[..., day], length[..., day] = age > 0, age
    return DroughtRun(under_way=under_way, length=length)


def run_under_way(
    dry: Days, calm: Days, *, start_after: int, end_after: int
) -> npt.NDArray[np.int64]:
    """Length of the process under way on the last day alone, (...) [d]; 0 where none is.

    Parameters
    ----------
    dry, calm : arrays (day, ...)
        Days at light drought or worse, and days without drought; a day that is unknown is neither.
    start_after, end_after : see `drought_run`, which this equals on its last day
    """
    ages = deque(_ages(dry, calm, start_after, end_after), maxlen=1)
    length: npt.NDArray[np.int64] = ages[0].astype(np.int64)
    return length


def _float(values: npt.ArrayLike) -> Array:
    return np.asarray(values, np.float64)


def _windows(units: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    total = np.cumsum(units, axis=-1)
    start = np.zeros_like(total[..., : max(total.shape[-1] - length + 1, 0)])
    start[..., 1:] = total[..., :-length]
    windows: npt.NDArray[np.int64] = total[..., length - 1 :] - start
    return windows


def _ages(
    dry: Days, calm: Days, start_after: int, end_after: int
) -> Iterator[npt.NDArray[np.int32]]:
    """Length of the process under way on each day, (...) [d]; 0 where none is. See `drought_run`."""
    dry_days, calm_days, age = (np.zeros(dry.shape[1:], np.int32) for _ in range(3))
    for hit, miss in zip(dry, calm, strict=True):
        dry_days, calm_days = (dry_days + 1) * hit, (calm_days + 1) * miss
        starts = (age == 0) & (dry_days >= start_after)
        age = np.where(starts, dry_days, age + (age > 0)) * (calm_days < end_after)
        yield age


def _against_months(sums: Array, calibration: Calibration, distribution: Distribution) -> Array:
    """Standardise sums against the fit of their own calendar month."""
    if distribution not in _FITS:
        raise ValueError(
            f"no distribution is called {distribution!r}; there are {', '.join(_FITS)}"
        )
    fitted = np.where(_mask(calibration, sums.shape[-1]), sums, np.nan)
    fit = _FITS[distribution](_by_month(fitted))
    values = fit[..., np.newaxis].standardise(_by_month(sums))
    series = np.swapaxes(values, -1, -2).reshape(*sums.shape[:-1], -1)
    return series[..., : sums.shape[-1]]


def _by_month(series: Array) -> Array:
    """A series (..., month) as (..., 12, year), its last year filled up with NaN."""
    missing = -series.shape[-1] % 12
    whole = np.concatenate([series, np.full((*series.shape[:-1], missing), np.nan)], axis=-1)
    return np.swapaxes(whole.reshape(*series.shape[:-1], -1, 12), -1, -2)


def _mask(calibration: Calibration, months: int) -> npt.NDArray[np.bool_]:
    """The calibration as a mask over time; one that takes no month of the series is refused."""
    mask = np.zeros(months, bool)
    if calibration is None:
        mask[:] = True
    elif isinstance(calibration, np.ndarray):
        if calibration.shape != mask.shape or calibration.dtype != bool:
            raise ValueError(f"a calibration mask must be {months} truth values, one a month")
        mask = calibration
    else:
        mask[slice(*calibration) if isinstance(calibration, tuple) else calibration] = True
    if months and not mask.any():
        raise ValueError("the calibration takes no month of the series; name some that it has")
    return mask
