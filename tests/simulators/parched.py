"""Blocks of the composite drought index drawn by hand: day 0 is a Beijing date, negative days have ended."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import xarray as xr

from rules.hazards.drought import PARTS

DAY_0 = date(2022, 8, 18)
"""The day under way where none is named."""
CALM = 0.3
"""Index of every day that is not drawn."""
WEIGHT_SUMS = {True: 1.4, False: 1.3}
"""Sum of the shipped weights, in summer and in winter."""

Drawn = Mapping[int, float]
"""Day -> index; NaN for a day of which nothing is known."""


def at(day: int, hour: float, today: date = DAY_0) -> datetime:
    """The moment of a Beijing hour of a day."""
    midnight = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(hours=8)
    return midnight + timedelta(days=day, hours=hour)


def share(day: date) -> float:
    """What all four parts must be for an index of 1 on a date."""
    return 1.0 / WEIGHT_SUMS[4 <= day.month <= 10]


def block(
    *towns: Drawn,
    nows: Sequence[datetime] = (at(0, 12),),
    today: date = DAY_0,
    size: tuple[int, int] = (60, 7),
    lag: int = 0,
    flags: int = 0,
) -> xr.Dataset:
    """What a tick at each now sees of these towns, all four parts being equal.

    `size` is the days back and ahead, `lag` the declared latency [h], `flags` the bits of every value.
    """
    days = np.arange(-size[0], size[1])
    values = np.array([[_row(town, now, days, today) for town in towns] for now in nows])
    return of_parts(dict.fromkeys(PARTS, values), nows, days, lag=lag, flags=flags)


def of_parts(
    parts: Mapping[str, npt.NDArray[np.float64]],
    nows: Sequence[datetime],
    days: npt.NDArray[np.int64],
    *,
    lag: int = 0,
    flags: int = 0,
) -> xr.Dataset:
    """A block of given parts (now, place, day)."""
    moments = np.array([np.datetime64(now.replace(tzinfo=None), "s") for now in nows])
    as_of = (moments.astype("datetime64[h]") - lag).astype("datetime64[s]")
    cube = ("now", "place", "day")
    values = {name: (cube, array.copy()) for name, array in parts.items()}
    bits = {
        f"flags_{name}": (cube, np.full(array.shape, flags, np.uint8)) for name, array in parts.items()
    }
    places = [f"50015300{number}" for number in range(values[PARTS[0]][1].shape[1])]
    axes = {"now": moments, "place": places, "hour": np.arange(0, 1), "day": days}
    return xr.Dataset({**values, **bits}, {**axes, "as_of": ("now", as_of)})


def _row(town: Drawn, now: datetime, days: npt.NDArray[np.int64], today: date) -> list[float]:
    shown = (now + timedelta(hours=8)).date()
    ahead = (shown - today).days
    dates = [shown + timedelta(days=int(day)) for day in days]
    return [
        town.get(int(day) + ahead, CALM) * share(dates[row]) for row, day in enumerate(days)
    ]
