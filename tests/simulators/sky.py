"""Blocks of temperature drawn by hand: days and hours are Beijing's, day 0 is 18 August 2022."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import xarray as xr

TODAY = datetime(2022, 8, 17, 16, tzinfo=UTC)
"""Beijing midnight with which day 0 begins."""
FIRST_DAY, LAST_DAY = -8, 8
CALM = 25.0
PEAK = 16
"""Beijing hour at which a drawn day is warmest."""
NAN = float("nan")

Series = npt.NDArray[np.float64]


def at(day: int, hour: float) -> datetime:
    """The moment of a Beijing hour of a day."""
    return TODAY + timedelta(days=day, hours=hour)


def place(day: int, hour: int) -> int:
    """Where an hour stands in a series."""
    return (day - FIRST_DAY) * 24 + hour


def days(
    maxima: Mapping[int, float], hours: Mapping[tuple[int, int], float] | None = None
) -> Series:
    """Temperature of every hour of the drawn days: calm, with each day's maximum at its peak hour.

    A maximum of NaN makes the whole day missing; `hours`, by (day, hour), are set last.
    """
    series = np.full((LAST_DAY - FIRST_DAY) * 24, CALM)
    for day, maximum in maxima.items():
        if np.isnan(maximum):
            series[place(day, 0) : place(day + 1, 0)] = NAN
        else:
            series[place(day, PEAK)] = maximum
    for (day, hour), value in (hours or {}).items():
        series[place(day, hour)] = value
    return series


def block(
    *towns: Series,
    nows: Sequence[datetime] = (at(0, 12),),
    lag: int = 0,
    size: tuple[int, int] = (96, 72),
    flags: Sequence[npt.NDArray[np.uint8]] | None = None,
) -> xr.Dataset:
    """What a tick at each now sees of these towns: observed up to as_of, then perfectly foretold.

    `lag` is the declared latency in hours, `size` the hours back and ahead (as of a live view, the
    lag is added ahead); `flags` has one series of bits per town.
    """
    back, ahead = size[0], size[1] + lag
    moments = np.array([np.datetime64(now.replace(tzinfo=None), "s") for now in nows])
    as_of_h = moments.astype("datetime64[h]").astype(np.int64) - lag
    zero = as_of_h - int(at(FIRST_DAY, 0).timestamp()) // 3600
    window = zero[:, None] + np.arange(1 - back, ahead + 1)
    bits = np.zeros((len(towns), towns[0].size), np.uint8) if flags is None else np.array(flags)
    cube = ("now", "place", "hour")
    return xr.Dataset(
        {
            "temperature_2m": (cube, np.stack(towns)[:, window].transpose(1, 0, 2)),
            "flags_temperature_2m": (cube, bits[:, window].transpose(1, 0, 2)),
        },
        {
            "now": moments,
            "as_of": ("now", (as_of_h * 3600).astype("datetime64[s]")),
            "place": [f"50015300{number}" for number in range(len(towns))],
            "hour": np.arange(1 - back, ahead + 1),
        },
    )
