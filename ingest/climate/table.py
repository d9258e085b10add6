"""Daily climate from a CSV file of one's own, such as the records of the district's station."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NoReturn

import numpy as np

from ingest.climate.series import Climate
from ingest.errors import ConfigMistake
from ingest.places import Place
from ingest.quantities import quantity

COLUMNS = {
    "tmax": "temperature_max_day",
    "tmin": "temperature_min_day",
    "tmean": "temperature_mean_day",
    "rh": "relative_humidity_mean_day",
    "rain": "precipitation_day",
}
"""Column of figures -> quantity."""

_DATE = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})")
_YEARS = range(1850, 2200)
_EVERYWHERE = -1


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One line of figures."""

    place: int
    """Row of the place, or `_EVERYWHERE`."""
    day: date
    """The day."""
    figures: tuple[float, ...]
    """In the order of the columns; NaN where the cell is empty."""


def read_climate_csv(path: Path, places: Sequence[Place]) -> Climate:
    """Read a table of days: ``date``, any of ``tmax tmin tmean rh rain``, and perhaps ``place``.

    Temperatures [°C], mean relative humidity [%] and rain [mm] of the Beijing day, which the reader
    of the file must vouch for: stations also sum rain from 20 to 20. Dates are written 2014-01-01
    or 2014/1/1, in any order; days in between that have no line are NaN, and so are empty cells.
    ``place`` is the code, the Chinese or the English name of a town; places without a line are
    NaN. Without the column the series holds for all of them, whatever their height. The file is
    UTF-8.

    Raises ConfigMistake in one sentence with file, line, column and remedy: an unknown column or
    place, a date or figure that cannot be read, a figure outside the bounds of its quantity
    (999999 and the like must be empty cells), a day told twice.
    """
    columns, lines = _read(path, _places(places))
    if not lines:
        _refuse(path, 2, "date", "there is no line of figures", "write at least one day")
    first, last = min(line.day for line in lines), max(line.day for line in lines)
    shape = (len(places), (last - first).days + 1)
    values = {COLUMNS[name]: np.full(shape, np.nan) for name in columns}
    for line in lines:
        rows = slice(None) if line.place == _EVERYWHERE else line.place
        for array, figure in zip(values.values(), line.figures, strict=True):
            array[rows, (line.day - first).days] = figure
    return Climate(
        places=tuple(place.id for place in places),
        days=np.datetime64(first, "D") + np.arange(shape[1]),
        series=values,
        source=f"file {path.name}, {first} to {last}",
    )


def _places(places: Sequence[Place]) -> dict[str, int]:
    named = [(row, (place.id, place.name, place.name_en)) for row, place in enumerate(places)]
    return {name: row for row, names in named for name in names}


def _read(path: Path, known: dict[str, int]) -> tuple[list[str], list[_Line]]:
    """The columns of figures and every line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as text:
            rows = csv.reader(text)
            header = [name.strip() for name in next(rows, [])]
            columns = _columns(path, header)
            return columns, list(_lines(path, rows, header, known))
    except UnicodeDecodeError:
        raise ConfigMistake(f"{path} is not written in UTF-8; save it as CSV UTF-8") from None
    except csv.Error as mistake:
        raise ConfigMistake(f"{path} is no CSV file ({mistake}); save it as CSV UTF-8") from None
    except OSError as mistake:
        raise ConfigMistake(f"{path} cannot be read ({mistake.strerror}); check the path") from None


def _columns(path: Path, header: Sequence[str]) -> list[str]:
    allowed = ("date", "place", *COLUMNS)
    for name in header:
        if name not in allowed or header.count(name) > 1:
            twice = "stands there twice" if name in allowed else "is unknown"
            _refuse(path, 1, name, f"the column {twice}", f"name each once of {', '.join(allowed)}")
    figures = [name for name in header if name in COLUMNS]
    if "date" not in header or not figures:
        _refuse(path, 1, "date", "the columns do not do", f"write date and some of {', '.join(COLUMNS)}")
    return figures


def _lines(
    path: Path, rows: Iterator[list[str]], header: list[str], known: dict[str, int]
) -> Iterator[_Line]:
    seen: set[tuple[int, date]] = set()
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        if len(row) != len(header):
            _refuse(path, number, header[-1], f"{len(row)} cells of {len(header)}", "fill the line up")
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
        line = _line(path, number, cells, known)
        if (line.place, line.day) in seen:
            _refuse(path, number, "date", f"{line.day} stands there twice", "keep one of the lines")
        seen.add((line.place, line.day))
        yield line


def _line(path: Path, number: int, cells: dict[str, str], known: dict[str, int]) -> _Line:
    place = _EVERYWHERE
    if "place" in cells:
        if cells["place"] not in known:
            what = f"{cells['place']!r} is no town of the district"
            _refuse(path, number, "place", what, "write its code or name as in district.yaml")
        place = known[cells["place"]]
    names = [name for name in cells if name in COLUMNS]
    figures = tuple(_figure(path, number, name, cells[name]) for name in names)
    return _Line(place=place, day=_day(path, number, cells["date"]), figures=figures)


def _day(path: Path, number: int, text: str) -> date:
    found = _DATE.fullmatch(text)
    try:
        day = date(int(found[1]), int(found[3]), int(found[4])) if found else None
    except ValueError:
        day = None
    if day is None or day.year not in _YEARS:
        _refuse(path, number, "date", f"{text!r} is no day", "write it as 2014-01-01 or 2014/1/1")
    return day


def _figure(path: Path, number: int, column: str, text: str) -> float:
    if not text:
        return math.nan
    limits = quantity(COLUMNS[column])
    try:
        figure = float(text)
    except ValueError:
        figure = math.nan
    if not limits.low <= figure <= limits.high:
        what = f"{text!r} is no number from {limits.low:g} to {limits.high:g} {limits.unit}"
        _refuse(path, number, column, what, "leave the cell empty where nothing was measured")
    return figure


def _refuse(path: Path, line: int, column: str, what: str, remedy: str) -> NoReturn:
    raise ConfigMistake(f"{path}, line {line}, column {column}: {what}; {remedy}")
