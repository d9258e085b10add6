"""Wind force (风力等级): the table that turns m/s into the numbers people are told.

Source: the classes of GB/T 28591-2012 for the mean wind at 10 m. Its text was not seen; forces 0 to 8
stand in a paper that tabulates them, 9 to 17 are common knowledge, unverified. The limits are given in
tenths and leave no gap only in tenths: 10.7 m/s is force 5, 10.8 is force 6.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LOWEST = (
    0.0, 0.3, 1.6, 3.4, 5.5, 8.0, 10.8, 13.9, 17.2,
    20.8, 24.5, 28.5, 32.7, 37.0, 41.5, 46.2, 51.0, 56.1,
)  # fmt: skip
"""Lowest wind of each force, 0 to 17 [m/s]."""
STEP = 0.1
"""Step in which winds are compared with the table [m/s]."""
STRONGEST = len(LOWEST) - 1
"""Highest force there is."""


def lowest_speed(force: int) -> float:
    """Lowest wind of a force [m/s]; ValueError where there is no such force."""
    if not 0 <= force <= STRONGEST:
        raise ValueError(f"there is no wind force {force}; write 0 to {STRONGEST}")
    return LOWEST[force]


def force_of(speed: Array) -> Array:
    """Force of winds [m/s], any shape; NaN where the wind is not a finite number."""
    tenths = np.rint(np.asarray(speed) / STEP)
    limits = np.rint(np.array(LOWEST) / STEP)
    force = np.searchsorted(limits, tenths, side="right") - 1.0
    return np.where(np.isfinite(speed), np.maximum(force, 0.0), np.nan)
