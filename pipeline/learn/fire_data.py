"""Training data of the fire model: daily weather and the days a fire started, in SI units.

The published set gives inches, degrees Fahrenheit and miles an hour, and no humidity: the air is taken to be
saturated at the night's minimum, which is the usual stand-in (Allen et al. 1998, FAO paper 56, eq. 48) and
too moist where nights are dry. Its columns YEAR, SEASON and the like are computed anew or left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.errors import FengsuiError
from pipeline.learn.chance_train import Cases, Days
from pipeline.learn.frames import read_frame
from pipeline.learn.slide_data import by_date, day_of_year, trailing
from rules.indices.fire import fwi
from rules.learned.fire_days import (
    FIRE_DAYS,
    RAIN_DAYS,
    WARM_DAYS,
    FireWeather,
    features,
    saturation,
)
from rules.learned.logistic import Array

if TYPE_CHECKING:
    import pandas as pd

LATITUDE = 34.0
"""Of the weather station of the published set [°N]; used where a file names none."""
_KMH = 3.6
_COLUMNS = ("DATE", "PRECIPITATION", "MAX_TEMP", "MIN_TEMP", "AVG_WIND_SPEED", "FIRE_START_DAY")
_WEATHER = ("maximum", "minimum", "humidity", "wind", "rain", "ffmc", "dmc", "dc", "danger", "fires")


@dataclass(frozen=True, kw_only=True)
class FireDays:
    """One place, day after day without a gap; arrays (day,), NaN where unknown."""

    days: Days
    """Dates, ``datetime64[D]``."""
    maximum: Array
    """Highest temperature of the day [°C]."""
    minimum: Array
    """Lowest temperature of the day [°C]."""
    humidity: Array
    """Relative humidity at the warmest hour [%]."""
    wind: Array
    """Mean wind [m/s]."""
    rain: Array
    """Rain [mm]."""
    fires: Array
    """1 on days a fire started, 0 without."""
    latitude: float
    """Of the place [°N]."""
    ffmc: Array
    """Fine Fuel Moisture Code."""
    dmc: Array
    """Duff Moisture Code."""
    dc: Array
    """Drought Code."""
    danger: Array
    """Fire Weather Index, by which the physical rule ranks the days."""

    def until(self, last: date) -> FireDays:
        """The days up to and with `last`."""
        return self._cut(slice(0, int((self.days <= np.datetime64(last, "D")).sum())))

    def tail(self) -> dict[str, Any]:
        """What a model must remember to go on after its training, as plain parts."""
        part = self._cut(slice(-FIRE_DAYS, None))
        series = {name: getattr(part, name) for name in _WEATHER}
        return {"first": int(part.days[0].astype(np.int64)), **series}

    def after(self, tail: Mapping[str, Any]) -> FireDays:
        """These days with the end of the training before them, where they follow it; codes run on."""
        start = np.datetime64(int(tail["first"]), "D")
        size = len(tail["rain"])
        if self.days[0] <= start:
            return self
        days = np.arange(start, max(self.days[-1], start + size - 1) + 1)
        own = (self.days - start).astype(np.int64)
        joined: dict[str, Any] = {}
        for name in _WEATHER:
            joined[name] = np.full(len(days), np.nan)
            joined[name][:size] = tail[name]
            joined[name][own] = getattr(self, name)
        longer = replace(self, days=days, **joined)
        last = {name: tail[name][-1] for name in ("ffmc", "dmc", "dc")}
        return _coded(longer, size, last if np.isfinite(list(last.values())).all() else {})

    def cases(self) -> Cases:
        """Inputs, outcome and index of the rule of every day; look-ahead is shut out by windows."""
        weather = FireWeather(
            maximum=trailing(self.maximum, WARM_DAYS), minimum=self.minimum, humidity=self.humidity,
            wind=self.wind, rain=trailing(self.rain, RAIN_DAYS), ffmc=self.ffmc, dmc=self.dmc, dc=self.dc,
        )  # fmt: skip
        before = trailing(np.append(np.nan, self.fires[:-1]), FIRE_DAYS)
        return Cases(
            days=self.days,
            table=features(weather, before, day_of_year(self.days), self.latitude),
            happened=self.fires,
            rule=self.danger,
        )

    def _cut(self, part: slice) -> FireDays:
        series: dict[str, Any] = {name: getattr(self, name)[part] for name in _WEATHER}
        return replace(self, days=self.days[part], **series)


def read_fires(path: Path) -> FireDays:
    """Read a CSV or Parquet file of the columns of the published set; FengsuiError says what is wrong."""
    frame = read_frame(path)
    missing = [name for name in _COLUMNS if name not in frame]
    if missing:
        raise FengsuiError(
            f"{path} has no column {', '.join(missing)}; it needs {', '.join(_COLUMNS)}"
        )
    return _california(by_date(_dated(frame, path), "DATE", path))


def read_algerian(path: Path) -> dict[str, FireDays]:
    """Region -> one summer of the Algerian set; its two blocks parted, a damaged line left as unknown."""
    blocks: dict[str, list[list[str]]] = {}
    for line in path.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if "Region Dataset" in cells[0]:
            blocks[cells[0].partition(" Region")[0]] = []
        elif cells[0].isdigit() and blocks:
            blocks[list(blocks)[-1]].append(cells)
    if not blocks:
        raise FengsuiError(f"{path} names no region; give the file with its two blocks")
    return {name: _algerian(rows) for name, rows in blocks.items()}


def _dated(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Dates such as 31/12/84 or 1984-12-31 as days; years 69 to 99 are of the last century."""
    import pandas as pd

    text = frame["DATE"].astype(str)
    form = "%d/%m/%y" if text.str.fullmatch(r"\d\d/\d\d/\d\d").all() else None
    try:
        return frame.assign(DATE=pd.to_datetime(text, format=form))
    except ValueError:
        raise FengsuiError(f"{path} has a DATE that is no date; write 2020-12-31") from None


def _california(frame: pd.DataFrame) -> FireDays:
    maximum, minimum = (
        (frame[name].to_numpy(float) - 32.0) / 1.8 for name in ("MAX_TEMP", "MIN_TEMP")
    )
    humidity = np.clip(100.0 * saturation(minimum) / saturation(maximum), 5.0, 100.0)
    fires = frame["FIRE_START_DAY"].astype(str).map({"True": 1.0, "False": 0.0, "1": 1.0, "0": 0.0})
    unknown = np.full(len(frame), np.nan)
    days = FireDays(
        days=frame.index.to_numpy().astype("datetime64[D]"),
        maximum=maximum,
        minimum=minimum,
        humidity=humidity,
        wind=frame["AVG_WIND_SPEED"].to_numpy(float) * 0.44704,
        rain=frame["PRECIPITATION"].to_numpy(float) * 25.4,
        fires=np.asarray(fires, float),
        latitude=float(frame["latitude"].mean()) if "latitude" in frame else LATITUDE,
        ffmc=unknown, dmc=unknown, dc=unknown, danger=unknown,
    )  # fmt: skip
    return _coded(days, 0, {})


def _coded(days: FireDays, first: int, codes: Mapping[str, Any]) -> FireDays:
    """The days with codes from day number `first` on, which run on from `codes` or start as by convention."""
    part = slice(first, None)
    month = days.days[part].astype("datetime64[M]").astype(int) % 12 + 1
    found = fwi(
        days.maximum[part], days.humidity[part], days.wind[part] * _KMH, days.rain[part],
        month, days.latitude, **codes,
    )  # fmt: skip
    whole = {"ffmc": "ffmc", "dmc": "dmc", "dc": "dc", "danger": "fwi"}
    series: dict[str, Any] = {
        ours: np.append(getattr(days, ours)[:first], found[theirs]) for ours, theirs in whole.items()
    }
    return replace(days, **series)


def _algerian(rows: list[list[str]]) -> FireDays:
    days = np.array([f"{row[2]}-{int(row[1]):02}-{int(row[0]):02}" for row in rows], "datetime64[D]")
    # A damaged line has two codes in one cell and an empty one behind: all of its codes are unknown then.
    whole = [row if all(row[3:14]) else [*row[:7], *["nan"] * 6, row[-1]] for row in rows]
    values = np.array([[float(cell) for cell in row[3:13]] for row in whole])
    spoken = [row[13].lower() for row in whole]
    return FireDays(
        days=days, maximum=values[:, 0], minimum=np.full(len(days), np.nan), humidity=values[:, 1],
        wind=values[:, 2] / _KMH, rain=values[:, 3],
        fires=np.array([1.0 if word == "fire" else 0.0 for word in spoken]), latitude=36.0,
        ffmc=values[:, 4], dmc=values[:, 5], dc=values[:, 6], danger=values[:, 9],
    )  # fmt: skip
