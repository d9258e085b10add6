"""A chance from a weighted sum of inputs, any of which may be missing.

What is missing is taken at its mean given what is known, and how far it may lie from there draws the chance
towards the middle (MacKay 1992, https://doi.org/10.1162/neco.1992.4.5.720, equation 10). Where the missing
inputs carry most of what the model goes by, there is no chance: NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

ENOUGH = 0.5
"""Share of the variance of the weighted sum that known inputs must explain, or the chance is NaN."""
PLAIN, ROOT, LOG, ODDS = 0.0, 1.0, 2.0, 3.0
"""How an input enters the sum: as it is, by its root, the logarithm of a rate, or of the odds of a share."""
LOG_FROM, ODDS_FROM = 0.005, 0.03
"""Added to a rate and to both sides of the odds, so that never and always stay numbers [1/d]."""
# Standard deviations from the mean at which an input stops mattering more.
_FAR = 6.0


def chances(model: Mapping[str, Any], table: Array) -> Array:
    """Chance per place, (place,) 0 to 1, NaN where too much is missing.

    Parameters
    ----------
    model : mapping of arrays
        ``form``, ``centre``, ``scale``, ``weights`` (feature,), ``bias`` (1,) and ``covariance``
        (feature, feature) of the standardised inputs.
    table : array (place, feature), in the order of the model; NaN where unknown
        Infinity counts as unknown.
    """
    middle, variance = _sum(model, standard(model, table))
    shrunk = middle / np.sqrt(1.0 + np.pi / 8.0 * variance)
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-shrunk)), float)


def moved(model: Mapping[str, Any], table: Array) -> Array:
    """How much each input adds to the log odds beside its training mean, (place, feature); NaN if missing."""
    return np.asarray(standard(model, table) * model["weights"], float)


def standard(model: Mapping[str, Any], table: Array) -> Array:
    """Inputs as they enter the sum, in standard deviations from their mean; NaN stays."""
    shaped = transformed(np.asarray(table, float), model["form"])
    away: Array = (shaped - model["centre"]) / model["scale"]
    return np.clip(away, -_FAR, _FAR)


def transformed(table: Array, form: Array) -> Array:
    """Inputs in the form in which they enter the sum (see `PLAIN`); unknown ones are NaN."""
    known = np.where(np.isfinite(table), table, np.nan)
    for shape, shaped in _SHAPES.items():
        own = form == shape
        known[:, own] = shaped(np.maximum(known[:, own], 0.0))
    return known


def _odds(share: Array) -> Array:
    low = np.minimum(share, 1.0)
    return np.asarray(np.log((low + ODDS_FROM) / (1.0 + ODDS_FROM - low)))


def _rate(rate: Array) -> Array:
    return np.asarray(np.log(rate + LOG_FROM))


_SHAPES: dict[float, Callable[[Array], Array]] = {ROOT: np.sqrt, LOG: _rate, ODDS: _odds}


def _sum(model: Mapping[str, Any], inputs: Array) -> tuple[Array, Array]:
    """Mean and variance of the weighted sum given what is known; the mean is NaN where that is too little."""
    unknown = np.isnan(inputs)
    middle = float(model["bias"][0]) + np.where(unknown, 0.0, inputs) @ model["weights"]
    variance = np.zeros(len(inputs))
    for rows in _alike(unknown):
        pattern = unknown[rows[0]]
        guess, left = _filled(model, pattern)
        middle[rows] += inputs[np.ix_(rows, ~pattern)] @ guess
        variance[rows] = left
    whole = model["weights"] @ model["covariance"] @ model["weights"]
    middle[variance > (1.0 - ENOUGH) * whole] = np.nan
    return middle, variance


def _alike(unknown: npt.NDArray[np.bool_]) -> Iterator[npt.NDArray[np.intp]]:
    """Numbers of the rows that lack the same inputs, a group at a time; complete rows are left out."""
    some = np.flatnonzero(unknown.any(axis=1))
    # One whole number for each pattern sorts far faster than rows do.
    number = unknown[some] @ (1 << np.arange(unknown.shape[1], dtype=np.int64))
    order = np.argsort(number, kind="stable")
    ends = np.flatnonzero(np.diff(number[order])) + 1
    if some.size:
        yield from np.split(some[order], ends)


def _filled(model: Mapping[str, Any], pattern: npt.NDArray[np.bool_]) -> tuple[Array, float]:
    """Weights by which known inputs stand for the missing ones, and the variance that is left."""
    weights, covariance = model["weights"][pattern], model["covariance"]
    own = covariance[np.ix_(pattern, pattern)]
    if pattern.all():
        return np.zeros(0), float(weights @ own @ weights)
    across = covariance[np.ix_(~pattern, pattern)]
    guess = np.linalg.solve(covariance[np.ix_(~pattern, ~pattern)], across @ weights)
    left = weights @ own @ weights - guess @ across @ weights
    return guess, max(float(left), 0.0)


def fading(labels: Array, half_life: float) -> Array:
    """Rate of days with an event, fading with age, (place,) [1/d].

    `labels` is (place, day), 1 where it happened, 0 where not, NaN where unknown, newest last. NaN where less
    than half of the weight is on known days, or where there is no day.
    """
    days = labels.shape[-1]
    weight = 0.5 ** (np.arange(days)[::-1] / half_life)
    known = ~np.isnan(labels)
    total = known @ weight
    # Of an endless series: a history that is too short counts as unknown, too.
    enough = total >= 0.5 / (1.0 - 0.5 ** (1.0 / half_life))
    seen = np.where(known, labels, 0.0) @ weight
    return np.where(enough, seen / np.where(enough, total, 1.0), np.nan)


def last_days(series: Array, days: int, *, at_least: bool = False) -> Array:
    """The last `days` of (place, day), NaN before its beginning; with `at_least` longer ones stay whole."""
    have = series if at_least else series[:, -days:]
    missing = max(0, days - have.shape[1])
    return np.pad(have, ((0, 0), (missing, 0)), constant_values=np.nan) if missing else have


def as_table(columns: Mapping[str, Array], names: Sequence[str]) -> Array:
    """Table (place, feature) of columns (place,) in the order of `names`."""
    return np.stack([columns[name] for name in names], axis=1)


def season(day_of_year: Array, latitude: Array, harmonic: int = 1) -> tuple[Array, Array]:
    """Sine and cosine of the turn of the year, told in days of the northern hemisphere.

    `day_of_year` 1 to 366 and `latitude` [°N] broadcast; south of the equator half a year is added.
    """
    days = np.asarray(day_of_year, float) + np.where(np.asarray(latitude) < 0.0, 182.6, 0.0)
    turn = 2.0 * np.pi * harmonic * days / 365.25
    return np.sin(turn), np.cos(turn)
