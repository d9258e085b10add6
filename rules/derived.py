"""Daily quantities that remember: recursed once a day, archived as batches of a source of their own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ingest.quantities import quantity
from rules.ladder import reached
from rules.windows import highest

HOT_DAY_C = 35.0
"""Daily maximum from which the meteorological service counts a hot day (高温日) [°C]."""

Towns = npt.NDArray[np.float64]


def day_maximum(hours: npt.NDArray[np.float64], max_gap: int = 2) -> Towns:
    """Daily maximum temperature per town [°C].

    Parameters
    ----------
    hours : array (place, hour), the hours of one day [°C]
    max_gap : int
        Longest run of missing hours that is bridged [h]; a longer one makes the day NaN, because the
        maximum may lie in it.
    """
    bounds = highest(hours, max_gap)
    return np.where(np.isfinite(bounds.high), bounds.low, np.nan)


def hot_day_run(maximum: Towns, before: Towns) -> Towns:
    """Number of hot days in a row up to this day, per town [d].

    Parameters
    ----------
    maximum : array (place,), this day's maximum [°C]; NaN makes the run unknown (NaN)
    before : array (place,), yesterday's run [d]; NaN counts as none, so the run is then a lower bound
    """
    hot = reached(maximum, HOT_DAY_C, quantity("temperature_2m").resolution)
    run = np.where(hot, np.nan_to_num(before) + 1.0, 0.0)
    return np.where(np.isnan(maximum), np.nan, run)
