"""Heat of people and of pigs: torridity and heat-wave index (GB/T 29457-2012), temperature-humidity index.

Source: GB/T 29457-2012 高温热浪等级, after Huang Zhuo et al. (2011) 高温热浪指标研究. The standard's own text
was not at hand: the formulas are those of a third-party program that implements it, confirmed for the
humidity floor only by a second source.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

HUMIDITY_FLOOR = 60.0
"""Relative humidity below this counts as this in the torridity index [%]."""
HOT_THRESHOLD_C = 33.0
"""The critical torridity is taken over days with a maximum above this [°C]."""


def torridity(tmax: npt.ArrayLike, hurs: npt.ArrayLike) -> Array:
    """Torridity index 炎热指数 TI of a day, without unit.

    TI = 1.8 T - 0.55 (1.8 T - 26) (1 - RH) + 32, with RH as a fraction, raised to `HUMIDITY_FLOOR`.

    Parameters
    ----------
    tmax : array, daily maximum temperature [°C]
    hurs : array that broadcasts with it, relative humidity of the day [%], clipped to 60..100

    NaN in either gives NaN. Meant for hot days; no range is enforced. ValueError where shapes do not fit.
    """
    return _temperature_humidity("tmax", tmax, hurs, HUMIDITY_FLOOR)


def thi(tas: npt.ArrayLike, hurs: npt.ArrayLike) -> Array:
    """Temperature-humidity index of livestock, without unit.

    THI = 1.8 T + 32 - 0.55 (1 - RH) (1.8 T - 26), with RH as a fraction (NRC 1971, A guide to environmental
    research on animals): the algebra of `torridity` without the floor. Livestock limits in use are 75, 79
    and 84; where they begin for pigs is not agreed, so they are configuration.

    Parameters
    ----------
    tas : array, air temperature [°C]
    hurs : array that broadcasts with it, relative humidity [%], clipped to 0..100

    NaN in either gives NaN. ValueError where shapes do not fit.
    """
    return _temperature_humidity("tas", tas, hurs, 0.0)


def critical_torridity(
    ti: npt.ArrayLike, tmax: npt.ArrayLike, threshold: float = HOT_THRESHOLD_C
) -> Array:
    """Critical torridity 炎热临界值 TI′ of a place: median TI of its days with a maximum above `threshold`.

    Parameters
    ----------
    ti, tmax : arrays (..., day), torridity and daily maximum [°C] of the years of reference
    threshold : float [°C]
        The maximum must lie above it; whether the standard means 33 or more is not certain.

    Returns array (...): days with NaN in either are left out, NaN where no day is left. ValueError where the
    shapes differ.
    """
    index, maximum = _float(ti), _float(tmax)
    if index.shape != maximum.shape or index.ndim == 0:
        raise ValueError(f"tmax: shape {maximum.shape}, expected that of ti, {index.shape}")
    chosen = np.sort(np.where(maximum > threshold, index, np.nan), axis=-1)
    if chosen.shape[-1] == 0:
        return np.full(chosen.shape[:-1], np.nan)
    # NaN sorts last, so the median stands in the middle of the days that count.
    count = np.count_nonzero(~np.isnan(chosen), axis=-1, keepdims=True)
    low = np.take_along_axis(chosen, np.maximum(count - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(chosen, np.minimum(count // 2, chosen.shape[-1] - 1), axis=-1)
    median: Array = (0.5 * (low + high))[..., 0]
    return median


def heat_wave_index(ti: npt.ArrayLike, ti_critical: npt.ArrayLike) -> Array:
    """Heat-wave index 热浪指数 HI of every day of a series, without unit.

    A day is hot when TI > TI′. On day N of a run of hot days HI = 1.2 (TI - TI′) + 0.35 Σ (TI_i - TI′) / i
    + 0.15 Σ 1/i + 1, both sums over the N - 1 hot days before, i days ago. A day that is not hot has 0.
    Grades in use: light from 2.8, moderate from 6.5, severe from 10.5.

    Parameters
    ----------
    ti : array (..., day), torridity
    ti_critical : number or array of the leading axes, TI′; NaN makes its place NaN throughout

    Returns array (..., day). A day whose TI is NaN is NaN, and so is every hot day after it until a day
    that is not hot ends the doubt: how long the run was is unknown. A run that is under way on the first day
    counts from that day, so begin the series before the summer. ValueError where shapes do not fit.
    """
    index = _float(ti)
    if index.ndim == 0:
        raise ValueError("ti: a single number, expected time on the last axis")
    try:
        critical = np.broadcast_to(_float(ti_critical), index.shape[:-1])
    except ValueError:
        message = f"ti_critical: shape {np.shape(ti_critical)} does not fit {index.shape[:-1]}"
        raise ValueError(message) from None
    excess = index - critical[..., np.newaxis]
    length = _run_length(excess)
    out = np.where(length > 0, 1.2 * excess + 1.0, 0.0)
    _add_days_before(out.reshape(-1), excess.reshape(-1), length.reshape(-1))
    return np.where(length == _UNKNOWN, np.nan, out)


_UNKNOWN = -1


def _run_length(excess: Array) -> npt.NDArray[np.int64]:
    """Hot days in a row up to each day; 0 where it is not hot, `_UNKNOWN` where that cannot be said."""
    length = np.empty(excess.shape, dtype=np.int64)
    run = np.zeros(excess.shape[:-1], dtype=np.int64)
    for day in range(excess.shape[-1]):
        today = excess[..., day]
        longer = np.where(run == _UNKNOWN, _UNKNOWN, run + 1)
        run = np.where(np.isnan(today), _UNKNOWN, np.where(today > 0.0, longer, 0))
        length[..., day] = run
    return length


def _add_days_before(out: Array, excess: Array, length: npt.NDArray[np.int64]) -> None:
    """Add, in place, what the hot days before contribute; a run never reaches across two places."""
    days = np.flatnonzero(length > 1)
    ago = 1
    while days.size:
        out[days] += (0.35 * excess[days - ago] + 0.15) / ago
        ago += 1
        days = days[length[days] > ago]


def _temperature_humidity(
    name: str, temperature: npt.ArrayLike, hurs: npt.ArrayLike, floor: float
) -> Array:
    celsius, percent = _float(temperature), _float(hurs)
    try:
        celsius, percent = np.broadcast_arrays(celsius, percent)
    except ValueError:
        message = f"hurs: shape {percent.shape} does not fit that of {name}, {celsius.shape}"
        raise ValueError(message) from None
    # Step by step in the same memory: on a province new memory costs more than the sums.
    dryness = np.asarray(np.clip(percent, floor, 100.0))
    dryness /= 100.0
    np.subtract(1.0, dryness, out=dryness)
    index = np.asarray(1.8 * celsius)
    relief = np.asarray(index - 26.0)
    relief *= 0.55
    relief *= dryness
    index -= relief
    index += 32.0
    return index


def _float(value: npt.ArrayLike) -> Array:
    return np.asarray(value, dtype=np.float64)
