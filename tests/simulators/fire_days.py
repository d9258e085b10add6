"""Blocks of fire weather drawn by hand: one index a noon, day 0 is 16 August 2019, days are Beijing's."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import xarray as xr

TODAY = datetime(2019, 8, 15, 16, tzinfo=UTC)
"""Beijing midnight with which day 0 begins."""
NAN = float("nan")
FIRST, LAST = -80, 12
NOON = 13
OF_LEVEL = {1: 3.0, 2: 8.0, 3: 15.0, 4: 30.0, 5: 45.0}
"""An index amid each danger level of the classes that ship."""
FEWEST_DAYS = (60, 5)

Noons = npt.NDArray[np.float64]


def at(day: int, hour: float) -> datetime:
    """The moment of a Beijing hour of a day."""
    return TODAY + timedelta(days=day, hours=hour)


def noons(
    levels: Mapping[int, int] | None = None, index: Mapping[int, float] | None = None, calm: int = 1
) -> Noons:
    """The index of every noon: calm but for danger levels of some days, and indices of others."""
    series = np.full(LAST - FIRST, OF_LEVEL[calm])
    for day, level in (levels or {}).items():
        series[day - FIRST] = OF_LEVEL[level]
    for day, value in (index or {}).items():
        series[day - FIRST] = value
    return series


def block(
    *towns: Noons,
    nows: Sequence[datetime] = (at(0, 8),),
    spots: Mapping[datetime, float] | None = None,
    codes: Noons | None = None,
    lag: int = 0,
    size: tuple[int, int] = FEWEST_DAYS,
) -> xr.Dataset:
    """What a tick at each now knows of these towns: noons that ended, then perfectly foretold ones.

    `spots` are the detections of the first town by the moment their hour ends; `codes` the drought code of
    every noon in all towns, steady unless given; `size` the days back and ahead.
    """
    moments = np.array([np.datetime64(now.replace(tzinfo=None), "s") for now in nows])
    as_of = moments.astype("datetime64[h]") - np.timedelta64(lag, "h")
    days, hours = np.arange(-size[0], size[1]), np.arange(-23, 25 + lag)
    ended = [int((now - at(0, NOON)) // timedelta(days=1)) for now in nows]
    columns = np.array(ended)[:, None] + 1 + days - FIRST
    index = np.stack(towns)[:, columns].transpose(1, 0, 2)
    drought = np.full(LAST - FIRST, 400.0) if codes is None else codes
    dc = np.broadcast_to(drought[columns][:, None], index.shape)
    seen = np.full((len(nows), len(towns), hours.size), NAN)
    for moment, count in (spots or {}).items():
        ends = np.datetime64(moment.replace(tzinfo=None), "h")
        seen[:, 0] = np.where(as_of[:, None] + hours == ends, count, seen[:, 0])
    daily, hourly = ("now", "place", "day"), ("now", "place", "hour")
    parts = {"fwi": (daily, index), "dc": (daily, dc), "fire_hot_spots": (hourly, seen)}
    flags = {f"flags_{name}": (axes, np.zeros(v.shape, np.uint8)) for name, (axes, v) in parts.items()}
    return xr.Dataset(
        {**parts, **flags},
        {
            "now": moments, "as_of": ("now", as_of.astype("datetime64[s]")),
            "place": [f"50015300{number}" for number in range(1, len(towns) + 1)],
            "hour": hours, "day": days,
        },
    )  # fmt: skip
