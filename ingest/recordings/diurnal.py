"""The diurnal curve: hourly temperatures drawn from daily extremes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ingest.batch import Values

DAY_H = 24

Hours = npt.NDArray[np.int64]
"""Whole hours since 1970-01-01T00Z."""


def half_cosine(hours: Hours, anchors: Mapping[int, float]) -> Values:
    """Temperature at `hours`, half a cosine between neighbouring anchors, rounded to 0.1.

    Parameters
    ----------
    hours : array (hour,)
        Whole hours since 1970-01-01T00Z.
    anchors : mapping
        Hour -> value at that hour [°C]; NaN anchors are left out.

    Returns
    -------
    array (hour,) [°C], rounded to 0.1. An anchor keeps its value. NaN before the first anchor,
    after the last, and between anchors more than 24 h apart: a missing day stays missing.

    Notes
    -----
    Between anchors (t0, v0) and (t1, v1): v0 + (v1 - v0) (1 - cos(pi (t - t0) / (t1 - t0))) / 2,
    so the curve is monotonic between extremes and flat at them. A day's own minimum may be
    undercut in its first hours where the night before was colder; its maximum is met exactly. Our
    choice; measured days rise faster and fall more slowly.
    """
    known = sorted((hour, value) for hour, value in anchors.items() if not np.isnan(value))
    if len(known) < 2:
        return np.full(hours.shape, np.nan)
    at = np.array([hour for hour, _ in known])
    value = np.array([value for _, value in known])
    right = np.searchsorted(at, hours, side="right").clip(1, at.size - 1)
    left = right - 1
    gap = at[right] - at[left]
    share = (hours - at[left]) / gap
    curve = value[left] + (value[right] - value[left]) * (1 - np.cos(np.pi * share)) / 2
    inside = (share >= 0) & (share <= 1) & (gap <= DAY_H)
    return np.where(inside, np.round(curve, 1), np.nan)
