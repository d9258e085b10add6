"""Reading GHCN-Daily: a station's CSV, the table by year or station, and the fixed-width .dly.

Layout: NOAA NCEI, readme of GHCN-Daily. Values are tenths of a millimetre and of a degree; a value whose
quality flag is not blank has failed a check there and is left out.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.batch import Batch
from ingest.files.days import Days, check_days, dates_between, observed_days
from ingest.files.names import DAY_RAIN
from ingest.files.plan import EVERYWHERE, Plan
from ingest.files.refusal import refuse

_ELEMENTS = {
    "TMAX": "temperature_max_day",
    "TMIN": "temperature_min_day",
    "TAVG": "temperature_mean_day",
    "PRCP": DAY_RAIN,
}
_MISSING = -9999


@dataclass(frozen=True, kw_only=True)
class _Value:
    """One value of one day."""

    station: str
    """Its id."""
    date: str
    """Day, ISO 8601."""
    name: str
    """What it is."""
    value: float
    """In degrees or millimetres."""


def read_ghcn(path: Path, plan: Plan) -> Iterator[Batch]:
    """The batches that the days of the stations of a file would have come in.

    Temperature is taken for the Beijing day of its date; when the rain day ends must be said
    (`Plan.rain_day`). A station stands for the towns that the plan names; stations that it does not name are
    left out, and at least one must be named. Raises ConfigMistake naming file, line and remedy.
    """
    days = _days(list(_values(path)), path, plan)
    check_days(days, plan, path)
    yield from observed_days(days, plan)


def _values(path: Path) -> Iterator[_Value]:
    dly = ".dly" in path.suffixes
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as lines:
            yield from _fixed(lines, path) if dly else _table(lines, path)
    except (OSError, UnicodeDecodeError, csv.Error) as mistake:
        refuse(path, "", f"it cannot be read ({mistake})", "check the path, or fetch the file again")


def _fixed(lines: Iterable[str], path: Path) -> Iterator[_Value]:
    """Id 1-11, year 12-15, month 16-17, element 18-21, then 31 times value 5, flags m q s."""
    for number, line in enumerate(lines, start=1):
        name = _ELEMENTS.get(line[17:21])
        month = f"{line[11:15]}-{line[15:17]}"
        if name is None:
            continue
        for day in range(31):
            field = line[21 + 8 * day : 29 + 8 * day]
            figure = _figure(field[:5], path, number)
            if figure is not None and not field[6:7].strip():
                yield _Value(
                    station=line[:11], date=f"{month}-{day + 1:02}", name=name, value=figure / 10
                )


def _table(lines: Iterable[str], path: Path) -> Iterator[_Value]:
    rows = csv.reader(lines)
    first = next(rows, [])
    if "STATION" in first and "DATE" in first:
        read: Callable[[list[str], int], Iterator[_Value]] = _wide(first, path)
    elif len(first) >= 6 and first[1].isdecimal() and len(first[1]) == 8:
        read = _long(path)
        yield from read(first, 1)
    else:
        remedy = "give a station's CSV, a table by year, or a .dly"
        refuse(path, "line 1", "these are no columns of GHCN-Daily", remedy)
    for number, row in enumerate(rows, start=2):
        if row:
            yield from read(row, number)


def _wide(header: list[str], path: Path) -> Callable[[list[str], int], Iterator[_Value]]:
    """Lines of a station: an element a column, with its attributes ``m,q,s`` in the next."""
    columns = {element: header.index(element) for element in _ELEMENTS if element in header}
    marks = {
        element: header.index(f"{element}_ATTRIBUTES")
        for element in columns
        if f"{element}_ATTRIBUTES" in header
    }
    station, day = header.index("STATION"), header.index("DATE")

    def read(row: list[str], number: int) -> Iterator[_Value]:
        if len(row) != len(header):
            refuse(path, f"line {number}", f"{len(row)} cells of {len(header)}", "fetch the file again")
        for element, column in columns.items():
            quality = row[marks[element]].split(",")[1:2] if element in marks else []
            figure = _figure(row[column], path, number)
            if figure is not None and not any(part.strip() for part in quality):
                name = _ELEMENTS[element]
                yield _Value(station=row[station], date=row[day], name=name, value=figure / 10)

    return read


def _long(path: Path) -> Callable[[list[str], int], Iterator[_Value]]:
    """Lines of the tables by year or by station: id, date, element, value, flags m q s."""

    def read(row: list[str], number: int) -> Iterator[_Value]:
        name = _ELEMENTS.get(row[2]) if len(row) >= 6 else None
        figure = _figure(row[3], path, number) if name is not None else None
        if name is not None and figure is not None and not row[5].strip():
            date = f"{row[1][:4]}-{row[1][4:6]}-{row[1][6:8]}"
            yield _Value(station=row[0], date=date, name=name, value=figure / 10)

    return read


def _figure(text: str, path: Path, number: int) -> float | None:
    """A whole number; None where it is missing."""
    if not text.strip():
        return None
    try:
        figure = int(text)
    except ValueError:
        refuse(path, f"line {number}", f"{text!r} is no whole number", "fetch the file again")
    return None if figure == _MISSING else figure


def _days(values: list[_Value], path: Path, plan: Plan) -> Days:
    if not values:
        refuse(path, "", "it holds no temperature and no rain", "give a station that measures them")
    chosen = _stations(values, path, plan)
    try:
        at = np.array([value.date for value in values], dtype="datetime64[D]")
    except ValueError as mistake:
        refuse(path, "", f"a date cannot be read ({mistake})", "fetch the file again")
    dates = dates_between(at.min(), at.max())
    towns = tuple(town for town in plan.places if town in chosen)
    rows = {
        station: [row for row, town in enumerate(towns) if chosen[town] == station]
        for station in set(chosen.values())
    }
    shape = (len(towns), dates.size)
    names = dict.fromkeys(value.name for value in values if value.station in rows)
    laid = {name: np.full(shape, np.nan) for name in names}
    for value, column in zip(values, (at - dates[0]).astype(int).tolist(), strict=True):
        if value.station in rows:
            laid[value.name][rows[value.station], column] = value.value
    return Days(places=towns, dates=dates, values=laid)


def _stations(values: list[_Value], path: Path, plan: Plan) -> dict[str, str]:
    """Town -> the station that stands for it."""
    stations = list(dict.fromkeys(value.station for value in values))
    everywhere = plan.stands_for.get(EVERYWHERE, ()) if len(stations) > 1 else ()
    chosen: dict[str, str] = {}
    for station in stations:
        for town in plan.towns_of(station):
            if town not in everywhere and chosen.setdefault(town, station) != station:
                both = f"{chosen[town]} and {station} both stand for {town}"
                refuse(path, "", both, "choose one with --place")
    if not chosen:
        shown = ", ".join(stations[:5])
        remedy = f"say which town one of them stands for, such as --place {stations[0]}=CODE"
        refuse(path, "", f"it holds the stations {shown}", remedy)
    return chosen
