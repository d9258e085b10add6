"""Splits by season and by place, never at random: days of one spell, and places under one sky, are kin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Fold = npt.NDArray[np.intp]


def folds_by_time(days: npt.NDArray[np.datetime64], *, folds: int, length: int) -> Fold:
    """Fold of each day: spells of `length` days go to the folds in turn, the same for every place.

    Parameters
    ----------
    days : array of any shape, ``datetime64[D]``
    folds : int
        Number of folds, so that each holds days of each season.
    length : int
        Days of a spell [d]; longer than the weather remembers.
    """
    number = days.astype("datetime64[D]").astype(np.int64)
    return np.asarray((number // length) % folds, np.intp)


def folds_by_place(places: Sequence[str], *, folds: int) -> Fold:
    """Fold of each place, in turn of their sorted names: the same names give the same folds."""
    order = {name: turn for turn, name in enumerate(sorted(set(places)))}
    return np.array([order[name] % folds for name in places], np.intp)


def weeks_of(days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.int64]:
    """Number of the week of each day: the block that a bootstrap draws as one, with all its places."""
    number = days.astype("datetime64[D]").astype(np.int64)
    return np.asarray((number + 3) // 7, np.int64)
