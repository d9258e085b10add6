"""The chance that the rain of a day reaches an amount, from an ensemble: members counted, and calibrated.

Calibrated means a gamma distribution whose mean lies between the mean of the members and the climate, further
from the members with lead, and whose width follows spread and mean (after Scheuerer and Möller 2015,
https://doi.org/10.1214/15-AOAS843). One distribution answers for every amount, so a larger amount is never
more likely than a smaller one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import beta, expit, gammainc, gammaincc

Array = npt.NDArray[np.float64]

THRESHOLDS = (25.0, 50.0, 100.0)
"""Amounts of 24 hours whose chance is told [mm]: heavy rain, rainstorm, severe rainstorm."""
FEWEST = 5
"""Fewer known members than this give no chance."""
UNITS: dict[str, str] = {"mean": "mm", "spread": "mm", "lead": "d"}
"""Feature -> unit, in the order of the columns."""
COEFFICIENTS = (
    "log_climate", "trust", "trust_lead", "log_gain", "width", "width_mean", "width_lead",
    "width_spread",
)  # fmt: skip
"""What a model consists of, in the order of its ``coefficients``."""
# Mean and width below which the rain of a gauge cannot be told apart [mm].
_LEAST = 0.05
_LEADS = 9.0


def features(members: Array, lead: npt.ArrayLike) -> Array:
    """Mean and standard deviation of the known members [mm], and the lead [d]; (place, 3).

    Parameters
    ----------
    members : array (place, member), rain of the same 24 hours [mm]; NaN where a member is missing
    lead : days ahead, 1 for the first day; broadcasts to (place,)

    Mean and spread are NaN where fewer than `FEWEST` members are known.
    """
    rain = np.asarray(members, float)
    known = np.isfinite(rain) & (rain >= 0.0)
    count = known.sum(axis=1)
    size = np.where(count >= FEWEST, count, np.nan)
    mean = np.where(known, rain, 0.0).sum(axis=1) / size
    off = np.where(known, rain - mean[:, None], 0.0)
    spread = np.sqrt((off**2).sum(axis=1) / size)
    return np.stack([mean, spread, np.broadcast_to(np.asarray(lead, float), mean.shape)], axis=1)


def counted(members: Array, thresholds: Sequence[float] = THRESHOLDS) -> Array:
    """Share of the known members that reach each amount [mm], (threshold, place).

    NaN where fewer than `FEWEST` are known. This is what the physical rule goes by.
    """
    rain = np.asarray(members, float)
    known = np.isfinite(rain) & (rain >= 0.0)
    count = known.sum(axis=1)
    size = np.where(count >= FEWEST, count, np.nan)
    reach = [(known & (rain >= amount)).sum(axis=1) / size for amount in thresholds]
    return np.array(reach)


def chance(
    model: Mapping[str, Any], table: Array, thresholds: Sequence[float] = THRESHOLDS
) -> Array:
    """Calibrated chance that the rain reaches each amount [mm], (threshold, place).

    `table` is that of `features`; NaN where one of its values is unknown, for there is nothing else to go by.
    """
    shape, scale = gamma(np.asarray(model["coefficients"], float), table)
    with np.errstate(invalid="ignore"):
        return np.array([gammaincc(shape, amount / scale) for amount in thresholds])


def gamma(coefficients: Array, table: Array) -> tuple[Array, Array]:
    """Shape [1] and scale [mm] of the distribution of each row, (place,); NaN where an input is unknown."""
    given = np.where(np.isfinite(table), table, np.nan)
    told = dict(zip(COEFFICIENTS, coefficients, strict=True))
    late = (given[:, 2] - 1.0) / _LEADS
    trust = expit(told["trust"] + told["trust_lead"] * late)
    members = given[:, 0] * np.exp(told["log_gain"])
    mean = np.maximum(np.exp(told["log_climate"]) * (1.0 - trust) + trust * members, _LEAST)
    width = np.exp(
        told["width"] + told["width_mean"] * np.log(mean) + told["width_lead"] * late
        + told["width_spread"] * np.log(given[:, 1] + 0.1)
    )  # fmt: skip
    variance = np.maximum(width, _LEAST) ** 2
    return mean**2 / variance, variance / mean


def crps(shape: Array, scale: Array, observed: Array) -> Array:
    """Continuous ranked probability score of gamma distributions, (case,) [mm]; NaN where one is unknown.

    Scheuerer and Möller 2015, https://doi.org/10.1214/15-AOAS843, appendix.
    """
    below = gammainc(shape, observed / scale)
    above = gammainc(shape + 1.0, observed / scale)
    spread = scale / beta(0.5, shape)
    score: Array = observed * (2 * below - 1) - shape * scale * (2 * above - 1) - spread
    return score
