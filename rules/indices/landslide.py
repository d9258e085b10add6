"""Rain that landslides remember: effective and antecedent rain, ARI7, intensity-duration thresholds.

All series are daily rain [mm] with time on the last axis, newest last; a series comes back as long as it
went in. A window that is not full or holds a NaN gives NaN: rain that was not measured is not rain that did
not fall.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

CAINE = (14.82, 0.39)
"""(alpha, beta) of Caine (1980), https://doi.org/10.1080/04353676.1980.11879996."""
CAINE_HOURS = (0.167, 500.0)
"""Durations Caine's curve was drawn for [h]."""
ARI_DAYS = 7
"""Days of the antecedent rainfall index, today included [d]."""


def effective_rain(pr_daily: npt.ArrayLike, *, decay: float, days: int) -> Array:
    """Effective rain Pe = P_0 + Σ K^i P_i over the `days` before [mm]; P_0 is the rain of the day itself.

    Parameters
    ----------
    pr_daily : array (..., day) [mm]
    decay : float
        K, the share of the rain that still counts a day later, above 0 and at most 1; about 0.6 is reported
        for Chongqing (0.84 after Bruce and Clark elsewhere).
    days : int
        Days before the day itself, 1 or more.

    Returns array (..., day), NaN for the first `days` days. ValueError names decay, days or pr_daily.
    """
    rain = _series(pr_daily)
    return _weighted(rain, [1.0, *_decays(decay, days)], lag=0)


def antecedent_rain(pr_daily: npt.ArrayLike, *, decay: float, days: int) -> Array:
    """Antecedent rain Σ K^i P_i over the `days` before [mm], without the day itself.

    Parameters, shape and errors as `effective_rain`; a NaN on the day itself does no harm.
    """
    return _weighted(_series(pr_daily), _decays(decay, days), lag=1)


def ari7(pr_daily: npt.ArrayLike) -> Array:
    """Antecedent rainfall index of LHASA [mm/d]: mean of seven days, weight 1 / (t + 1)², today t = 0.

    `pr_daily` is (..., day) [mm/d]; the result has its shape, NaN for the first six days. Source: Kirschbaum
    and Stanley (2018), https://doi.org/10.1002/2017EF000715. ValueError if there is no time axis.
    """
    weights = [1.0 / (ago + 1) ** 2 for ago in range(ARI_DAYS)]
    index: Array = _weighted(_series(pr_daily), weights, lag=0) / sum(weights)
    return index


def intensity_threshold(duration_h: npt.ArrayLike, *, alpha: float, beta: float) -> Array:
    """Mean intensity I = alpha D^-beta above which landslides were seen to begin [mm/h].

    Parameters
    ----------
    duration_h : array, duration D [h]; NaN, zero and less give NaN
    alpha, beta : float
        Of the curve in use, such as ``CAINE``. Each curve has its own range of durations
        (``CAINE_HOURS``) and its own terrain; neither is enforced here.
    """
    duration = np.asarray(duration_h, dtype=np.float64)
    threshold: Array = alpha * np.where(duration > 0.0, duration, np.nan) ** -beta
    return np.asarray(threshold)


def amount_threshold(duration_h: npt.ArrayLike, *, alpha: float, beta: float) -> Array:
    """Rain E = I D that the intensity threshold amounts to over its duration [mm]."""
    intensity = intensity_threshold(duration_h, alpha=alpha, beta=beta)
    amount: Array = np.asarray(intensity * np.asarray(duration_h, dtype=np.float64))
    return amount


def _series(pr_daily: npt.ArrayLike) -> Array:
    rain = np.asarray(pr_daily, dtype=np.float64)
    if rain.ndim == 0:
        raise ValueError("pr_daily: a single number, expected time on the last axis")
    return rain


def _decays(decay: float, days: int) -> list[float]:
    if not 0.0 < decay <= 1.0:
        raise ValueError(f"decay: {decay} is not above 0 and at most 1")
    if days < 1:
        raise ValueError(f"days: {days} is less than 1")
    return [decay**ago for ago in range(1, days + 1)]


def _weighted(rain: Array, weights: list[float], lag: int) -> Array:
    """Sum of weight times rain, the first weight for the day `lag` days ago and so on backwards."""
    reach = lag + len(weights) - 1
    out = np.full_like(rain, np.nan)
    days = rain.shape[-1]
    if days <= reach:
        return out
    total = np.zeros_like(rain[..., reach:])
    for ago, weight in enumerate(weights, start=lag):
        total += weight * rain[..., reach - ago : days - ago]
    out[..., reach:] = total
    return out
