"""Training data of the heat model: forecasts of five models, observed maxima and weather, day by day.

The published set has Dutch column names; they are translated here and nowhere else. Its columns of relative
humidity, cloud, wind, radiation and rain are known only after the day: the day they belong to ends first, and
then they enter the memory. The multi-model mean, spread and run-to-run change are always computed anew.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ingest.errors import FengsuiError
from pipeline.learn.frames import read_frame
from rules.learned.heat_memory import MODELS, WEATHER, Array, Ended, Outlook

if TYPE_CHECKING:
    import pandas as pd

_WEATHER = dict(
    zip(
        WEATHER,
        ("rh_gem", "bewolking_gem", "wind_max", "instraling_som", "neerslag_som"),
        strict=True,
    )
)
_NEEDED = ("city", "datum", *(f"p1_{name}" for name in MODELS), *(f"p2_{name}" for name in MODELS))


@dataclass(frozen=True, kw_only=True)
class HeatDays:
    """Some places over days without a gap; NaN where the file says nothing."""

    days: npt.NDArray[np.datetime64]
    """Dates, (day,) ``datetime64[D]``, each one day after the other."""
    places: tuple[str, ...]
    """Names of the places, sorted."""
    tomorrow: Array
    """Day-1 forecasts of each day's maximum, (day, model, place) [°C]."""
    earlier: Array
    """Day-2 forecasts of it, (day, model, place) [°C]."""
    maximum: Array
    """Observed maximum, (day, place) [°C]."""
    weather: Array
    """Weather of the day, known only when it ended, (day, kind, place); units as in `WEATHER`."""

    def outlook(self, day: int) -> Outlook:
        """What the models said the evening before a day, by its number."""
        later = self.earlier[day + 1] if day + 1 < len(self.days) else self.earlier[day] * np.nan
        return Outlook(
            tomorrow=self.tomorrow[day],
            earlier=self.earlier[day],
            after=later,
            date=self.days[day],
        )

    def ended(self, day: int) -> Ended:
        """What was known of a day once it had ended, by its number."""
        return Ended(maximum=self.maximum[day], weather=self.weather[day])

    def until(self, last: date) -> HeatDays:
        """The days up to and with `last`; the runs of that evening go with them."""
        return self._cut(slice(0, int((self.days <= np.datetime64(last, "D")).sum())))

    def since(self, first: date) -> HeatDays:
        """The days from `first` on."""
        return self._cut(slice(int((self.days < np.datetime64(first, "D")).sum()), None))

    def only(self, chosen: npt.NDArray[np.bool_]) -> HeatDays:
        """Some of the places, by a mask."""
        return HeatDays(
            days=self.days,
            places=tuple(name for name, own in zip(self.places, chosen, strict=True) if own),
            tomorrow=self.tomorrow[:, :, chosen],
            earlier=self.earlier[:, :, chosen],
            maximum=self.maximum[:, chosen],
            weather=self.weather[:, :, chosen],
        )

    def _cut(self, part: slice) -> HeatDays:
        return HeatDays(
            days=self.days[part],
            places=self.places,
            tomorrow=self.tomorrow[part],
            earlier=self.earlier[part],
            maximum=self.maximum[part],
            weather=self.weather[part],
        )


def read_heat(path: Path) -> HeatDays:
    """Read a Parquet or CSV file of the columns of the published set; FengsuiError says what is wrong.

    ``city``, ``datum``, ``p1_*`` and ``p2_*`` of the five models are needed; ``doel`` (the observed maximum)
    and the weather may be missing, wholly or on some days. A row said twice is refused.
    """
    frame = read_frame(path)
    missing = [name for name in _NEEDED if name not in frame]
    if missing:
        raise FengsuiError(
            f"{path} has no column {', '.join(missing)}; it needs {', '.join(_NEEDED)} and doel"
        )
    return _days(frame, path)


def fingerprint(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _days(frame: pd.DataFrame, path: Path) -> HeatDays:
    import pandas as pd

    frame = frame.assign(city=frame["city"].astype(str), datum=pd.to_datetime(frame["datum"]))
    if frame.duplicated(["city", "datum"]).any():
        raise FengsuiError(f"{path} has a city twice on one day; keep one row of each")
    if frame.empty:
        raise FengsuiError(f"{path} holds no rows; give a file with days")
    days = pd.date_range(frame["datum"].min(), frame["datum"].max(), freq="D")
    places = sorted(frame["city"].unique())

    def grid(name: str) -> Array:
        if name not in frame:
            return np.full((len(days), len(places)), np.nan)
        wide = frame.pivot(index="datum", columns="city", values=name)
        return wide.reindex(index=days, columns=places).to_numpy(float)

    return HeatDays(
        days=days.to_numpy().astype("datetime64[D]"),
        places=tuple(places),
        tomorrow=np.stack([grid(f"p1_{name}") for name in MODELS], axis=1),
        earlier=np.stack([grid(f"p2_{name}") for name in MODELS], axis=1),
        maximum=grid("doel"),
        weather=np.stack([grid(_WEATHER[name]) for name in WEATHER], axis=1),
    )
