"""Reading a table of hours or days from CSV: observations, or forecasts as they were issued."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ingest.batch import Batch, Values
from ingest.files.columns import Header, Role, read_header
from ingest.files.days import Days, check_days, dates_between, foretold_days, observed_days
from ingest.files.moments import dates_of, hours_of, instants_of
from ingest.files.plan import EVERYWHERE, Plan
from ingest.files.refusal import refuse
from ingest.files.series import Series, as_known, completed, refuse_prognosis
from ingest.files.units import converted
from ingest.times import Instants, from64

_MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "None", "--", "-"]
_Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Lines of a table, one value of each column a line."""

    path: Path
    """File, for messages."""
    places: tuple[str, ...]
    """Names of places in the file; `EVERYWHERE` alone where it has no such column."""
    place: _Codes
    """Place of each line, by number."""
    at: Instants
    """Hour or date of each line: ``datetime64[s]`` or ``datetime64[D]``."""
    values: Mapping[str, Values]
    """What the columns hold -> (line,), in units of the table of quantities."""
    known: Instants | None
    """When each line became known; None where the file does not say."""
    issued: Instants | None
    """When each line was issued; None for observations."""

    @property
    def daily(self) -> bool:
        """Whether a line tells of a day."""
        return self.at.dtype == np.dtype("datetime64[D]")

    def only(self, lines: _Codes) -> Rows:
        """Some of the lines."""
        return replace(
            self,
            place=self.place[lines],
            at=self.at[lines],
            values={name: column[lines] for name, column in self.values.items()},
            known=None if self.known is None else self.known[lines],
            issued=None if self.issued is None else self.issued[lines],
        )


def read_csv(path: Path, plan: Plan) -> Iterator[Batch]:
    """The batches a CSV file would have come in, in the order they became known.

    One line per place and moment. Columns: ``valid_at`` (hour of the weather, ISO 8601) or ``date`` (Beijing
    day), perhaps ``place``, ``issued_at`` (then it is a forecast) and ``available_at``, and quantities with
    their unit in the heading, such as ``temperature_2m (°C)``; other names as `Plan.columns` says. An empty
    cell, NA, null and -- are NaN. The file is UTF-8, perhaps compressed (.gz).

    Observations become known hour by hour, or as ``available_at`` says; what was issued together is one
    forecast. Days are archived as days, and as hours too where the plan draws them.

    Raises ConfigMistake in one sentence with file, column or line, and remedy.
    """
    rows = read_rows(path, plan)
    if rows.issued is None and rows.known is None:
        yield from _observed(rows, plan)
        return
    refuse_prognosis(path, plan)
    for lines in _statements(rows):
        yield from _statement(rows.only(lines), plan)


def read_rows(path: Path, plan: Plan) -> Rows:
    """The lines of a CSV file, checked and converted; see `read_csv`."""
    header = read_header(path, plan)
    table = _table(path, header)
    if table.empty:
        refuse(path, "line 2", "there is no line of figures", "write at least one")
    places, place = _places(table, header)
    valid, daily = header.role(Role.VALID), header.role(Role.DATE)
    at = (
        hours_of(table[valid], path, valid, plan.zone)
        if valid is not None
        else dates_of(table[daily], path, daily or "")
    )
    known, issued = header.role(Role.AVAILABLE), header.role(Role.ISSUED)
    return Rows(
        path=path,
        places=places,
        place=place,
        at=at,
        values=_values(table, header, path),
        known=None if known is None else instants_of(table[known], path, known, plan.zone),
        issued=None if issued is None else instants_of(table[issued], path, issued, plan.zone),
    )


def _table(path: Path, header: Header) -> pd.DataFrame:
    figures = set(header.columns)
    texts = dict.fromkeys(header.roles.values(), "str")
    try:
        return pd.read_csv(
            path, usecols=[*figures, *texts], dtype=texts, encoding="utf-8-sig", na_values=_MISSING,
            keep_default_na=False, header=0, names=list(header.names), skipinitialspace=True,
        )  # fmt: skip
    except UnicodeDecodeError:
        refuse(path, "", "it is not written in UTF-8", "save it as CSV UTF-8")
    except (pd.errors.ParserError, ValueError) as mistake:
        refuse(path, "", f"it is no table ({mistake})", "give every line as many cells as the first")


def _places(table: pd.DataFrame, header: Header) -> tuple[tuple[str, ...], _Codes]:
    column = header.role(Role.PLACE)
    if column is None:
        return (EVERYWHERE,), np.zeros(len(table), dtype=np.intp)
    codes, names = pd.factorize(table[column].fillna("").str.strip())
    return tuple(str(name) for name in names), codes.astype(np.intp)


def _values(table: pd.DataFrame, header: Header, path: Path) -> dict[str, Values]:
    found = {}
    for heading, column in header.columns.items():
        figures = _numbers(table[heading], path, heading)
        found[column.name] = converted(column.quantity, column.unit or "", figures)
    return found


def _numbers(cells: pd.Series, path: Path, heading: str) -> Values:
    if cells.dtype.kind in "fiu":
        return cells.to_numpy(np.float64)
    numbers = pd.to_numeric(cells, errors="coerce")
    wrong = np.flatnonzero((numbers.isna() & cells.notna()).to_numpy())
    if wrong.size:
        line, text = int(wrong[0]) + 2, cells.iloc[int(wrong[0])]
        what, remedy = f"{text!r} is no number", "leave the cell empty where nothing was measured"
        refuse(path, f"line {line}, column {heading}", what, remedy)
    return numbers.to_numpy(np.float64)


def _statements(rows: Rows) -> list[_Codes]:
    """Lines of each statement, in the order they became known."""
    issued = rows.at[:0] if rows.issued is None else rows.issued
    known = rows.known if rows.known is not None else issued
    pairs = np.stack([known.astype(np.int64), (issued if issued.size else known).astype(np.int64)])
    order = np.lexsort(pairs[::-1])
    fresh = np.flatnonzero(np.any(np.diff(pairs[:, order], axis=1) != 0, axis=0)) + 1
    return np.split(order.astype(np.intp), fresh)


def _statement(rows: Rows, plan: Plan) -> Iterator[Batch]:
    """One statement: lines that became known, and were issued, together."""
    issued = None if rows.issued is None else from64(rows.issued[0])
    known = None if rows.known is None else from64(rows.known[0])
    if issued is None and known is not None:
        for batch in _observed(rows, plan):
            yield replace(batch, available_at=known, issued_at=min(known, batch.issued_at))
    elif issued is not None:
        available = known if known is not None else issued + plan.delay
        if rows.daily:
            yield from foretold_days(_days(rows, plan), plan, issued, available)
            return
        series = _series(rows, plan)
        kept = series.only(series.said() & plan.inside(series.valid_at))
        if kept.valid_at.size:
            yield kept.batch("forecast", plan.source, issued, available)


def _observed(rows: Rows, plan: Plan) -> Iterator[Batch]:
    if rows.daily:
        yield from observed_days(_days(rows, plan), plan)
    else:
        yield from as_known(_series(rows, plan), plan)


def _days(rows: Rows, plan: Plan) -> Days:
    dates = dates_between(rows.at.min(), rows.at.max())
    places, values = _laid(rows, plan, (rows.at - dates[0]).astype(np.intp), dates.size)
    days = Days(places=places, dates=dates, values=values)
    check_days(days, plan, rows.path)
    return days


def _series(rows: Rows, plan: Plan) -> Series:
    hours, columns = np.unique(rows.at, return_inverse=True)
    places, values = _laid(rows, plan, columns.astype(np.intp), hours.size)
    return Series(places=places, valid_at=hours, values=completed(values))


def _laid(
    rows: Rows, plan: Plan, columns: _Codes, width: int
) -> tuple[tuple[str, ...], dict[str, Values]]:
    """Towns, and values as (town, column); every town of the district that some place stands for."""
    spots = rows.place * width + columns
    _once(rows, spots)
    chosen = _towns(rows, plan)
    source = np.array([chosen[town] for town in plan.places if town in chosen], dtype=np.intp)
    values = {}
    for name, column in rows.values.items():
        laid = np.full(len(rows.places) * width, np.nan)
        laid[spots] = column
        values[name] = laid.reshape(-1, width)[source]
    return tuple(town for town in plan.places if town in chosen), values


def _once(rows: Rows, spots: _Codes) -> None:
    _, first, counts = np.unique(spots, return_index=True, return_counts=True)
    if (counts > 1).any():
        line = int(first[np.argmax(counts > 1)])
        where = f"{rows.places[rows.place[line]]} at {rows.at[line]}"
        refuse(rows.path, "", f"{where} stands there twice", "keep one of the lines")


def _towns(rows: Rows, plan: Plan) -> dict[str, int]:
    """Town -> number of the place of the file that stands for it."""
    chosen: dict[str, int] = {}
    for number, name in enumerate(rows.places):
        towns = plan.towns_of(name)
        what = "no place is named" if name == EVERYWHERE else f"{name!r} is no town of the district"
        if not towns:
            remedy = "say which town it stands for, such as --place CODE or --place NAME=all"
            refuse(rows.path, "", what, remedy)
        for town in towns:
            if chosen.setdefault(town, number) != number:
                other = rows.places[chosen[town]]
                both = f"{other!r} and {name!r} both stand for {town}"
                refuse(rows.path, "", both, "choose one with --place")
    return chosen
