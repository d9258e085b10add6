"""Reading NOAA's Integrated Surface Database: the global-hourly CSV of one station and year.

Field layout: NOAA, Federal Climate Complex Data Documentation for Integrated Surface Data (ISD).
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from ingest.batch import Batch, Flag, Values
from ingest.files.accumulations import Part, Sum, parts_of, whole_days
from ingest.files.days import spread
from ingest.files.names import DEW_POINT
from ingest.files.plan import EVERYWHERE, Plan
from ingest.files.refusal import refuse
from ingest.files.series import Series, as_known, completed, in_order, prognosis
from ingest.times import BEIJING_OFFSET_H, Instants, from64

BEFORE = timedelta(minutes=10)
"""A report made so shortly before a full hour still tells of it: airports of some countries report at :53."""

# Synoptic reports give tenths, reports for aviation whole degrees and no rain.
_TYPES = {"FM-12": 0, "FM-13": 0, "SY-MT": 0, "FM-15": 1, "FM-16": 2}
_LAST = 3
_NEEDED = ("STATION", "DATE", "REPORT_TYPE")
# Quality codes: 2 and 6 suspect, 3 and 7 erroneous.
_DOUBTED = frozenset("2367")


@dataclass(frozen=True, kw_only=True)
class _Report:
    """One line."""

    at: datetime
    """When it was made, aware UTC."""
    rank: int
    """Which report of an hour counts: the lowest."""
    cells: Mapping[str, str]
    """Column -> text."""

    @property
    def hour(self) -> int | None:
        """The full hour it tells of [h since 1970]; None where it was made between."""
        late = self.at + BEFORE
        full = late.replace(minute=0, second=0, microsecond=0)
        return int(full.timestamp()) // 3600 if full >= self.at else None


def read_isd(path: Path, plan: Plan) -> Iterator[Batch]:
    """The batches that the reports of one station would have come in, in the order they became known.

    Temperature, humidity (from the dew point) and wind of an hour come from the report at the full hour or up
    to `BEFORE` before it, synoptic reports first; a field marked suspect or erroneous is left out, calm is a
    wind of 0. Gusts are the highest that was reported in the hour; where none was, nothing is said of them.

    Rain comes as sums of 1 to 24 hours that overlap; `ingest.files.accumulations` takes them apart. A part of
    one hour is that hour; a longer one without rain is that many hours without rain. A longer one with rain
    enters the hours only where the plan spreads it, flagged RECONSTRUCTED; it becomes known with the last
    report it takes, never before. Without that, days from 20 to 20 o'clock are told where parts fill them. A
    trace is 0; a period of unknown length (99) or a depth of 9999 says nothing.

    The file stands for the towns that ``--place`` names. Raises ConfigMistake naming file and remedy.
    """
    reports = list(_reports(path))
    station = reports[0].cells["STATION"]
    towns = plan.towns_of(station) or plan.stands_for.get(EVERYWHERE, ())
    if not towns:
        remedy = "say which town it stands for, such as --place CODE or --place all"
        refuse(path, "", f"station {station} is no town of the district", remedy)
    weather = as_known(_over(towns, _weather(reports)), plan)
    parts = parts_of([told for report in reports for told in _sums(report)])
    return in_order([weather, *_rain(parts, towns, plan)])


def _reports(path: Path) -> Iterator[_Report]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
            if missing:
                what = f"it has no column {', '.join(missing)}"
                refuse(path, "line 1", what, "give a file of NOAA's global-hourly archive as CSV")
            told = [_report(row, path, number) for number, row in enumerate(rows, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as mistake:
        refuse(path, "", f"it cannot be read ({mistake})", "check the path, or fetch the file again")
    if not told:
        refuse(path, "line 2", "there is no report", "give a year in which the station reported")
    yield from sorted(told, key=lambda report: report.at)


def _report(row: dict[str, str], path: Path, number: int) -> _Report:
    try:
        at = datetime.fromisoformat(row["DATE"]).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        refuse(path, f"line {number}, column DATE", f"{row['DATE']!r} is no time", "fetch the file again")
    rank = _TYPES.get((row["REPORT_TYPE"] or "").strip(), _LAST)
    return _Report(at=at, rank=rank, cells=row)


def _weather(reports: list[_Report]) -> Series:
    """All that is told of full hours, one row."""
    best: dict[int, list[_Report]] = {}
    for report in reports:
        if report.hour is not None:
            best.setdefault(report.hour, []).append(report)
    numbers = sorted(best)
    values = {}
    for name, read in _FIELDS.items():
        values[name] = np.full((1, len(numbers)), np.nan)
        for column, hour in enumerate(numbers):
            ranked = sorted(best[hour], key=lambda report: (report.rank, -report.at.timestamp()))
            values[name][0, column] = _first(read, ranked)
    values["wind_gusts_10m"] = _gusts(reports, numbers)
    told = {name: array for name, array in values.items() if not np.isnan(array).all()}
    return Series(places=("-",), valid_at=_instants(numbers), values=completed(told))


def _first(read: Callable[[Mapping[str, str]], float], ranked: list[_Report]) -> float:
    return next((told for report in ranked if (told := read(report.cells)) == told), np.nan)


def _gusts(reports: list[_Report], numbers: list[int]) -> Values:
    """The highest gust reported in each hour."""
    highest: dict[int, float] = {}
    for report in reports:
        gust = _scaled(report.cells.get("OC1"), 0, 1, missing=9999)
        if gust == gust:
            hour = -(-int(report.at.timestamp()) // 3600)
            highest[hour] = max(gust, highest.get(hour, 0.0))
    return np.array([[highest.get(hour, np.nan) for hour in numbers]])


def _scaled(group: str | None, place: int, quality: int, missing: int = 9999) -> float:
    """A figure of a group in tenths; NaN where it is absent, missing or doubted."""
    parts = (group or "").split(",")
    if len(parts) <= max(place, quality) or parts[quality].strip() in _DOUBTED:
        return np.nan
    try:
        figure = int(parts[place])
    except ValueError:
        return np.nan
    return np.nan if abs(figure) == missing else figure / 10


def _speed(cells: Mapping[str, str]) -> float:
    parts = (cells.get("WND") or "").split(",")
    if len(parts) == 5 and parts[2] == "C" and parts[4] not in _DOUBTED:
        return 0.0
    return _scaled(cells.get("WND"), 3, 4)


def _direction(cells: Mapping[str, str]) -> float:
    tenth = _scaled(cells.get("WND"), 0, 1, missing=999)
    return tenth * 10


_FIELDS: dict[str, Callable[[Mapping[str, str]], float]] = {
    "temperature_2m": lambda cells: _scaled(cells.get("TMP"), 0, 1),
    DEW_POINT: lambda cells: _scaled(cells.get("DEW"), 0, 1),
    "wind_speed_10m": _speed,
    "wind_direction_10m": _direction,
}


def _sums(report: _Report) -> Iterator[Sum]:
    """The rain groups of a report: period [h], depth [0.1 mm], condition, quality."""
    hour = report.hour
    for name in ("AA1", "AA2", "AA3", "AA4"):
        group = report.cells.get(name) or ""
        amount = _scaled(group, 1, 3)
        period = group.partition(",")[0]
        if hour is not None and amount == amount and period.isdecimal() and 1 <= int(period) <= 24:
            yield Sum(ends=hour, hours=int(period), amount=amount)


def _rain(parts: list[Part], towns: tuple[str, ...], plan: Plan) -> list[Iterator[Batch]]:
    told = [part for part in parts if plan.spread or part.hours.size == 1 or part.amount == 0.0]
    streams = [_by_report(told, towns, plan)]
    if plan.prognosis is not None and told:
        series = _over(towns, _hours_of(told, plan.spread or 1))
        kept = series.only(plan.inside(series.valid_at)).flagged(plan.provenance)
        if kept.valid_at.size:
            streams.append(prognosis(kept, plan, plan.prognosis))
    if not plan.spread:
        streams.append(_days(parts, towns, plan))
    return streams


def _by_report(parts: list[Part], towns: tuple[str, ...], plan: Plan) -> Iterator[Batch]:
    """Hours of rain, each batch what became known with one report."""
    known: dict[int, list[Part]] = {}
    for part in parts:
        known.setdefault(part.known, []).append(part)
    for moment, told in sorted(known.items()):
        series = _over(towns, _hours_of(told, plan.spread or 1))
        yield from _one(series, moment, plan, plan.source)


def _hours_of(parts: list[Part], over: int) -> Series:
    """Parts as hours in one row, spread over so many of each; drawn where a longer part has rain."""
    hours = np.concatenate([part.hours for part in parts])
    order = np.argsort(hours)
    rain = [spread(np.array(part.amount), part.hours.size, over) for part in parts]
    drawn = [np.full(part.hours.size, part.hours.size > 1 and part.amount > 0) for part in parts]
    bits = np.where(np.concatenate(drawn), np.uint8(Flag.RECONSTRUCTED), np.uint8(0))[order]
    return Series(
        places=("-",), valid_at=_instants(hours[order].tolist()),
        values={"precipitation": np.concatenate(rain)[order][None]},
        flags={"precipitation": bits[None]},
    )  # fmt: skip


def _days(parts: list[Part], towns: tuple[str, ...], plan: Plan) -> Iterator[Batch]:
    for ends, (amount, known) in whole_days(parts, 20 - BEIJING_OFFSET_H).items():
        series = Series(
            places=("-",), valid_at=_instants([ends]),
            values={"precipitation_day_20": np.array([[amount]])},
        )  # fmt: skip
        yield from _one(_over(towns, series), known, plan, plan.days_source)


def _one(series: Series, moment: int, plan: Plan, source: str) -> Iterator[Batch]:
    """The batch of a series that one report made known."""
    kept = series.only(plan.inside(series.valid_at)).flagged(plan.provenance)
    at = from64(_instants([moment])[0])
    if kept.valid_at.size:
        yield kept.batch("observation", source, at, at + plan.delay)


def _over(towns: tuple[str, ...], series: Series) -> Series:
    """One row of values as it holds for several towns."""
    shape = (len(towns), series.valid_at.size)
    return replace(
        series,
        places=towns,
        values={name: np.broadcast_to(row, shape) for name, row in series.values.items()},
        flags={name: np.broadcast_to(bits, shape) for name, bits in series.flags.items()},
    )


def _instants(hours: list[int]) -> Instants:
    return np.array(hours, dtype="datetime64[h]").astype("datetime64[s]")


