"""Training data of the landslide model: daily rain of a gauge and the days with reported slides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ingest.errors import FengsuiError
from pipeline.learn.chance_train import Cases, Days
from pipeline.learn.frames import read_frame
from rules.indices.landslide import effective_rain
from rules.learned.logistic import Array
from rules.learned.slide_days import DAYS, DECAY, RAIN_DAYS, REPORT_DAYS, features

if TYPE_CHECKING:
    import pandas as pd

LATITUDE = -23.9
"""Of the gauge of the published set, Cubatão [°N]; used where a file names none."""
_COUNTS = ("landslides", "slides", "landslide", "slide")
_NEEDED = "date, rainfall and landslides (a number per day)"


@dataclass(frozen=True, kw_only=True)
class SlideDays:
    """One place, day after day without a gap."""

    days: Days
    """Dates, (day,) ``datetime64[D]``."""
    rain: Array
    """Rain of the day, (day,) [mm]; NaN where missing."""
    slides: Array
    """1 on days with a reported slide, 0 without, NaN where unknown, (day,)."""
    latitude: float
    """Of the place [°N]."""

    def until(self, last: date) -> SlideDays:
        """The days up to and with `last`."""
        part = slice(0, int((self.days <= np.datetime64(last, "D")).sum()))
        return SlideDays(
            days=self.days[part],
            rain=self.rain[part],
            slides=self.slides[part],
            latitude=self.latitude,
        )

    def cases(self) -> Cases:
        """Inputs, outcome and index of the rule of every day; look-ahead is shut out by windows."""
        return Cases(
            days=self.days,
            table=features(
                trailing(self.rain, RAIN_DAYS),
                trailing(np.append(np.nan, self.slides[:-1]), REPORT_DAYS),
                day_of_year(self.days),
                self.latitude,
            ),
            happened=self.slides,
            rule=effective_rain(self.rain, decay=DECAY, days=DAYS),
        )


def read_slides(path: Path) -> SlideDays:
    """Read a folder of the published set, or a CSV or Parquet file; FengsuiError says what is wrong.

    The folder holds ``daily_rain.csv`` (date, rainfall) and ``landslides.csv`` (a dated line per slide). A
    file has the columns ``date``, ``rainfall`` [mm] and ``landslides``, a number per day; of a
    ``daily_rain.csv`` the slides lie beside it.
    """
    table = path / "daily_rain.csv" if path.is_dir() else path
    frame = read_frame(table)
    if "date" not in frame or "rainfall" not in frame:
        raise FengsuiError(f"{table} has no column date or rainfall; it needs {_NEEDED}")
    frame = by_date(frame, "date", table)
    return _slides(frame, _counts(frame, table), table)


def by_date(frame: pd.DataFrame, column: str, path: Path, form: str | None = None) -> pd.DataFrame:
    """The rows by rising date, a row for every day; FengsuiError for a bad date or a day said twice."""
    import pandas as pd

    try:
        days = pd.to_datetime(frame[column], format=form)
    except ValueError:
        raise FengsuiError(f"{path} has a {column} that is no date; write 2020-12-31") from None
    dated = frame.set_index(pd.DatetimeIndex(days).normalize())
    if dated.index.has_duplicates:
        raise FengsuiError(f"{path} has one day twice; keep one row of each")
    if dated.empty:
        raise FengsuiError(f"{path} holds no rows; give a file with days")
    return dated.sort_index().asfreq("D")


def trailing(series: Array, days: int) -> Array:
    """For each day the `days` up to and with it, (day, days), NaN before the beginning."""
    padded = np.append(np.full(days - 1, np.nan), series)
    return np.lib.stride_tricks.sliding_window_view(padded, days)


def day_of_year(days: Days) -> Array:
    """Day of the year, 1 to 366."""
    return np.asarray((days - days.astype("datetime64[Y]")).astype(float) + 1.0)


def _slides(frame: pd.DataFrame, counts: pd.Series, path: Path) -> SlideDays:
    import pandas as pd

    rain = pd.to_numeric(frame["rainfall"], errors="coerce").to_numpy(float)
    number = counts.to_numpy(float)
    return SlideDays(
        days=frame.index.to_numpy().astype("datetime64[D]"),
        rain=np.where(rain >= 0.0, rain, np.nan),
        slides=np.where(np.isnan(number), np.nan, (number > 0).astype(float)),
        latitude=float(frame["latitude"].mean()) if "latitude" in frame else LATITUDE,
    )


def _counts(frame: pd.DataFrame, path: Path) -> pd.Series:
    """Slides per day: a column of the file, or the lines of the file beside it."""
    import pandas as pd

    for name in _COUNTS:
        if name in frame:
            return pd.to_numeric(frame[name], errors="coerce")
    beside = path.with_name("landslides.csv")
    if not beside.is_file():
        raise FengsuiError(
            f"{path} has no column landslides and no landslides.csv beside it; it needs {_NEEDED}"
        )
    listed = read_frame(beside, sep=";")
    dates = pd.to_datetime(listed["date"], format="%d/%m/%Y", errors="coerce").dropna()
    return dates.value_counts().reindex(frame.index).fillna(0.0)
