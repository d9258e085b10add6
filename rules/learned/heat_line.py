"""A line for each place: how far off the multi-model mean will be, as a weighted sum of what the models say.

Recursive least squares with forgetting, drawn to zero: the sums of a place fade with each day, so that the
weights follow the models when those change. A place without a past has the line zero.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

TERMS = ("ifs", "aifs", "gfs", "icon", "gem", "warmth", "always", "change")
"""What the line weighs: each model's distance to the mean [°C], how warm it is [10 °C from 25], one, and the
change of the mean from the runs of the evening before [°C]."""
FADE = 0.97
"""Share of the sums that is left a day later: half of them after 23 days."""
_DRAWN = 8.0
_MILD, _WARMTH = 25.0, 10.0
_COUNT = len(TERMS)
ROWS = _COUNT * _COUNT + _COUNT
"""Rows of the sums of a place: products of the terms with each other, then with the error."""


def terms(off: Array, mean: Array, change: Array) -> Array:
    """The terms of one evening, (term, place); zero where a model or all of them are unknown.

    Parameters
    ----------
    off : array (model, place), distance of each model to the mean [°C]; NaN where missing
    mean : array (place,), multi-model mean [°C]
    change : array (place,), the same less that of the evening before [°C]
    """
    warmth = (mean - _MILD) / _WARMTH
    always = np.where(np.isnan(mean), 0.0, 1.0)
    return np.asarray(np.nan_to_num(np.vstack([off, warmth, always, change])), float)


def advanced(sums: Array, told: Array, error: Array) -> Array:
    """The sums (row, place) a day on, with the terms told and how far off the mean was, (place,) [°C].

    A place of which no error is known keeps its sums, a day more faded.
    """
    known = np.isfinite(error)
    seen = np.where(known, told, 0.0)
    products = (seen[:, None] * seen[None]).reshape(_COUNT * _COUNT, -1)
    return np.asarray(sums * FADE + np.vstack([products, seen * np.where(known, error, 0.0)]))


def fitted(sums: Array) -> Array:
    """Weights of the terms, (term, place)."""
    places = sums.shape[1]
    products = sums[: _COUNT * _COUNT].T.reshape(places, _COUNT, _COUNT)
    with_error = sums[_COUNT * _COUNT :].T[:, :, None]
    found = np.linalg.solve(products + _DRAWN * np.eye(_COUNT), with_error)
    return np.ascontiguousarray(found[:, :, 0].T)


def answer(weights: Array, told: Array) -> Array:
    """How far off the line says the mean will be, (place,) [°C]."""
    return np.asarray((weights * told).sum(axis=0), float)
