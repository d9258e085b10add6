"""Blocks of several quantities drawn by hand, hours and days; day 0 is that of `simulators.sky`."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import xarray as xr
from simulators.sky import FIRST_DAY, LAST_DAY, at

from rules.hazard import Hazard

HOURS = (LAST_DAY - FIRST_DAY) * 24
OLDEST_DAY, NEWEST_DAY = -45, 12
DAYS = NEWEST_DAY - OLDEST_DAY

Drawn = Mapping[str, Sequence[npt.NDArray[np.float64]]]
"""Quantity -> one series a town: `HOURS` hours from the first drawn day, or `DAYS` days from the oldest."""


def every_hour(value: float) -> npt.NDArray[np.float64]:
    """A series that stays as it is."""
    return np.full(HOURS, value)


def every_day(value: float) -> npt.NDArray[np.float64]:
    """A daily series that stays as it is."""
    return np.full(DAYS, value)


def block(rule: Hazard, drawn: Drawn, nows: Sequence[datetime], lag: int = 0) -> xr.Dataset:
    """What a tick at each now sees of these towns: as far as the rule reaches, perfectly foretold."""
    reach = rule.reach
    moments = np.array([np.datetime64(now.replace(tzinfo=None), "s") for now in nows])
    hours = moments.astype("datetime64[h]").astype(np.int64)
    first = int(at(FIRST_DAY, 0).timestamp()) // 3600
    hour = np.arange(1 - reach.hours_back, reach.hours_ahead + lag + 1)
    day = np.arange(-reach.days_back, reach.days_ahead)
    today = (hours - first) // 24 + FIRST_DAY
    places = {
        HOURS: ("hour", (hours - lag - first)[:, None] + hour),
        DAYS: ("day", (today - OLDEST_DAY)[:, None] + day),
    }
    parts = {}
    for name, towns in drawn.items():
        axis, where = places[len(towns[0])]
        values = np.stack(towns)[:, where].transpose(1, 0, 2)
        parts[name] = (("now", "place", axis), values)
        parts[f"flags_{name}"] = (("now", "place", axis), np.zeros(values.shape, np.uint8))
    count = max(len(towns) for towns in drawn.values())
    as_of = ((hours - lag) * 3600).astype("datetime64[s]")
    axes = {"place": [f"5001530{number:02}" for number in range(count)], "hour": hour, "day": day}
    return xr.Dataset(parts, {"now": moments, "as_of": ("now", as_of), **axes})
