"""Blocks of rain, written by hand as text or drawn at random."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import xarray as xr

NAN = float("nan")
NOW = np.datetime64("2025-05-21T17:05:00", "s")
"""Five past one in the night of 22 May 2025, Beijing time."""
TOWNS = ("500153001", "500153002", "500153101")

Cube = npt.NDArray[np.float64]


def amounts(text: str) -> list[float]:
    """Hours as text: ``5 0 12.5*3 ?`` is five, nothing, three times 12.5 and one missing."""
    found: list[float] = []
    for word in text.split():
        amount, _, times = word.partition("*")
        found += [NAN if amount == "?" else float(amount)] * int(times or 1)
    return found


def around(text: str, size: tuple[int, int]) -> Cube:
    """Hours (back + ahead,) of a text whose ``|`` is now; hours that are not written are dry."""
    before, _, after = text.partition("|")
    fell, coming = amounts(before), amounts(after)
    back, ahead = size
    assert len(fell) <= back
    assert len(coming) <= ahead
    return np.array([0.0] * (back - len(fell)) + fell + coming + [0.0] * (ahead - len(coming)))


@dataclass(frozen=True, kw_only=True)
class Sky:
    """What a block of rain is made of."""

    rain: Cube
    """Hourly rain (now, place, hour) [mm]."""
    back: int
    """Observed hours."""
    days: Cube | None = None
    """Rain of the days that ended (now, place, day) [mm]; dry where not given."""
    days_back: int = 0
    """Days that ended."""
    lag: int = 0
    """Hours from as_of to now."""
    flags: npt.NDArray[np.uint8] | None = None
    """Flag bits of the hourly rain."""
    towns: Sequence[str] = field(default=TOWNS)
    """Codes of the first towns."""

    @property
    def block(self) -> xr.Dataset:
        """The block; hours are reported five minutes after they end, every hour a now."""
        nows, places, hours = self.rain.shape
        days = np.zeros((nows, places, self.days_back)) if self.days is None else self.days
        now = NOW + np.arange(nows) * np.timedelta64(3600, "s")
        as_of = now - np.timedelta64(300, "s") - self.lag * np.timedelta64(3600, "s")
        flags = np.zeros(self.rain.shape, np.uint8) if self.flags is None else self.flags
        names = list(self.towns[:places]) + [f"5001539{n:05d}" for n in range(places - len(self.towns))]
        return xr.Dataset(
            {
                "precipitation": (("now", "place", "hour"), self.rain),
                "flags_precipitation": (("now", "place", "hour"), flags),
                "precipitation_day": (("now", "place", "day"), days),
                "flags_precipitation_day": (("now", "place", "day"), np.zeros(days.shape, np.uint8)),
            },
            {
                "now": now, "as_of": ("now", as_of), "place": names,
                "hour": np.arange(1 - self.back, hours - self.back + 1),
                "day": np.arange(-days.shape[-1], 0),
            },
        )  # fmt: skip
