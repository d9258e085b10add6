"""Blocks of rain drawn by hand: frames end at 20 o'clock Beijing time, day 0 is 4 July 2024."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import xarray as xr

TODAY = datetime(2024, 7, 3, 16, tzinfo=UTC)
"""Beijing midnight with which day 0 begins."""
FIRST_DAY, LAST_DAY = -12, 5
NAN = float("nan")
ENDS, DAY_H = 20, 24
CODES = tuple(f"5001530{number:02d}" for number in range(1, 22))

Series = npt.NDArray[np.float64]


def at(day: int, hour: float) -> datetime:
    """The moment of a Beijing hour of a day."""
    return TODAY + timedelta(days=day, hours=hour)


def place(day: int, hour: int) -> int:
    """Where the hour that ends at a Beijing hour of a day stands in a series."""
    return (day - FIRST_DAY) * DAY_H + hour


def frame(day: int) -> slice:
    """The hours of the frame that ends at 20 o'clock of a day."""
    return slice(place(day, ENDS) - DAY_H + 1, place(day, ENDS) + 1)


def spread(total: float) -> Series:
    """A total over the hours of a frame, as evenly as tenths allow."""
    tenths = round(total * 10)
    return np.diff(np.arange(DAY_H + 1) * tenths // DAY_H) / 10


def rain(
    frames: Mapping[int, float] | None = None, hours: Mapping[tuple[int, int], float] | None = None
) -> Series:
    """Hourly rain: totals of frames by the day they end on, and single hours (day, hour) set last."""
    series = np.zeros((LAST_DAY - FIRST_DAY) * DAY_H)
    for day, total in (frames or {}).items():
        series[frame(day)] = NAN if np.isnan(total) else spread(total)
    for (day, hour), amount in (hours or {}).items():
        series[place(day, hour)] = amount
    return series


def totals(series: Series) -> dict[int, float]:
    """Rain of every whole frame, by the day it ends on; NaN where an hour is missing."""
    return {day: float(series[frame(day)].sum()) for day in range(FIRST_DAY + 1, LAST_DAY)}


def block(
    *towns: Series,
    nows: Sequence[datetime] = (at(0, 8),),
    lag: int = 0,
    forget: Sequence[int] = (),
    flags: int = 0,
) -> xr.Dataset:
    """What a tick at each now sees of these towns: observed up to as_of, then perfectly foretold.

    `forget` names ended frames, by day, whose daily total was never archived; `flags` marks every hour.
    """
    moments = np.array([np.datetime64(now.replace(tzinfo=None), "s") for now in nows])
    as_of_h = moments.astype("datetime64[h]").astype(np.int64) - lag
    zero = as_of_h - int(at(FIRST_DAY, 0).timestamp()) // 3600
    hours, days = np.arange(-47, 49 + lag), range(-7, 0)
    cube = np.stack(towns)[:, zero[:, None] + hours].transpose(1, 0, 2)
    by_frame = [totals(series) | dict.fromkeys(forget, NAN) for series in towns]
    last = [int((now - at(0, ENDS)) // timedelta(days=1)) for now in nows]
    daily = [[[own[end + 1 + day] for day in days] for own in by_frame] for end in last]
    axes = ("now", "place")
    return xr.Dataset(
        {
            "precipitation": ((*axes, "hour"), cube),
            "flags_precipitation": ((*axes, "hour"), np.full(cube.shape, flags, np.uint8)),
            "precipitation_day_20": ((*axes, "day"), np.array(daily)),
            "flags_precipitation_day_20": ((*axes, "day"), np.zeros(np.shape(daily), np.uint8)),
        },
        {
            "now": moments,
            "as_of": ("now", (as_of_h * 3600).astype("datetime64[s]")),
            "place": list(CODES[: len(towns)]), "hour": hours, "day": list(days),
        },
    )  # fmt: skip
