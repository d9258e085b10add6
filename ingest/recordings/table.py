"""The figures of an event, hour by hour, as they hold at its reference elevation."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ingest.batch import Flag, Flags, Values
from ingest.errors import ConfigMistake
from ingest.quantities import quantity
from ingest.recordings import Event
from ingest.recordings.diurnal import Hours, half_cosine
from ingest.times import Instants, instant64

TEMPERATURE = "temperature_2m"
_MAX, _MIN = "temperature_2m_max", "temperature_2m_min"


@dataclass(frozen=True, kw_only=True)
class Table:
    """Every hour of an event and what is recorded after it; the arrays are shared and cannot be written."""

    hours: Hours
    """Hours since 1970-01-01T00Z, without a gap from the event's start to its last figure, (hour,)."""
    values: Mapping[str, Values]
    """Quantity -> (hour,) in the unit of the table of quantities; NaN where nothing is recorded."""
    flags: Mapping[str, Flags]
    """Quantity -> Flag bits (hour,): ANALYSIS or RECONSTRUCTED wherever there is a value."""


@lru_cache(maxsize=16)
def read_table(event: Event) -> Table:
    """Read `hourly.csv` and `daily.csv` of an event, once in the life of a process.

    Figures after the event's end are read as well, so that a forecast issued near the end can be
    taken from them; where there are none the table ends with the event.

    Hours that `hourly.csv` spans are kept as they are. Outside them the temperature is drawn from
    `daily.csv` (if there is one) by `half_cosine`: each UTC day's maximum stands at
    `event.tmax_hour`, its minimum at `event.tmin_hour`, and the first and last hourly values are
    anchors too. In the bundled event these hours are 09 and 21 UTC, where the 19 hourly days of
    the Chongqing cell, which the daily values are of, first reach their extremes most often:
    maximum at 09 on 11 days (08: 6, 07: 2), minimum at 21 on 10 days (20: 3, 00: 3, 01: 2, 23: 1).
    Other quantities are never reconstructed. Raises ConfigMistake where a file cannot be read as
    hours or days of figures.
    """
    first, last = _hour(np.array([instant64(event.start), instant64(event.end)]))
    measured_at, measured = _read_hours(event.folder / "hourly.csv")
    daily = _daily_anchors(event) if TEMPERATURE in measured else {}
    hours = np.arange(first, max(last, measured_at[-1], *daily) + 1)
    values = {name: _placed(hours, measured_at, column) for name, column in measured.items()}
    flags = {name: _bits(~np.isnan(column), Flag.ANALYSIS) for name, column in values.items()}
    if TEMPERATURE in values:
        drawn = _drawn(daily, hours, measured_at, measured[TEMPERATURE])
        values[TEMPERATURE] = np.where(np.isnan(drawn), values[TEMPERATURE], drawn)
        flags[TEMPERATURE] |= _bits(~np.isnan(drawn), Flag.RECONSTRUCTED)
    for array in (hours, *values.values(), *flags.values()):
        array.setflags(write=False)
    return Table(hours=hours, values=values, flags=flags)


def _drawn(
    daily: Mapping[int, float], hours: Hours, measured_at: Hours, measured: Values
) -> Values:
    """Reconstructed temperature (hour,); NaN inside the measured span."""
    first, last = int(measured_at[0]), int(measured_at[-1])
    anchors = {hour: value for hour, value in daily.items() if hour < first or hour > last}
    anchors |= {first: float(measured[0]), last: float(measured[-1])}
    outside = (hours < first) | (hours > last)
    return np.where(outside, half_cosine(hours, anchors), np.nan)


def _daily_anchors(event: Event) -> dict[int, float]:
    path = event.folder / "daily.csv"
    if not path.is_file():
        return {}
    at, columns = _read(path)
    if not {_MAX, _MIN} <= set(columns):
        raise ConfigMistake(f"{path} needs the columns time, {_MAX} and {_MIN}")
    maxima = zip(at + event.tmax_hour, columns[_MAX], strict=True)
    minima = zip(at + event.tmin_hour, columns[_MIN], strict=True)
    return {int(hour): float(value) for hour, value in (*maxima, *minima)}


def _read_hours(path: Path) -> tuple[Hours, dict[str, Values]]:
    at, columns = _read(path)
    for name in columns:
        quantity(name)
    return at, columns


def _read(path: Path) -> tuple[Hours, dict[str, Values]]:
    """Hours since 1970 of the column `time` (UTC) and the other columns; an empty cell is NaN."""
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            header, *rows = list(csv.reader(lines))
        table = list(zip(*rows, strict=True))
        moments = np.array(table[header.index("time")], dtype="datetime64[s]")
        columns = {
            name: np.array([float(cell or "nan") for cell in cells])
            for name, cells in zip(header, table, strict=True)
            if name != "time"
        }
    except (OSError, ValueError, IndexError) as mistake:
        raise ConfigMistake(
            f"{path} cannot be read ({mistake}); it needs a column time and rows of figures"
        ) from mistake
    at = _hour(moments)
    if (moments != at.astype("datetime64[h]")).any() or (np.diff(at) <= 0).any():
        raise ConfigMistake(f"{path}: times must be whole UTC hours or days, each once and in order")
    return at, columns


def _hour(moments: Instants) -> Hours:
    return moments.astype("datetime64[h]").astype(np.int64)


def _placed(hours: Hours, at: Hours, column: Values) -> Values:
    placed = np.full(hours.shape, np.nan)
    inside = (at >= hours[0]) & (at <= hours[-1])
    placed[at[inside] - hours[0]] = column[inside]
    return placed


def _bits(where: npt.NDArray[np.bool_], flag: Flag) -> Flags:
    return np.where(where, np.uint8(flag), np.uint8(0))
