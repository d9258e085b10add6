"""Readers of measured weather kept beside the checkout; tests that need an absent set skip and name it.

None of these sets enters the project: most of them state no licence. What is read comes out as the program's
own types, missing values as NaN.
"""

import gzip
from collections.abc import Mapping, Sequence
from csv import DictReader
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sqlalchemy import Connection

from ingest.batch import Batch, Flag, Kind
from ingest.climate.series import Climate
from ingest.places import District, Place, Station
from ingest.times import instant64
from pipeline.ports import Judging

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CMA, SYNOP, ISD = (
    "weather_cma_daily_38cities_2014_2019", "weather_synop_57516_2022", "weather_isd_hong_kong_2023",
)  # fmt: skip
HOUR = timedelta(hours=1)
DAY_H = 24
SOURCE = "gauge"
"""Name under which rain is archived."""

Amounts = npt.NDArray[np.float64]
Days = dict[str, npt.NDArray[np.float64]]
"""Daily quantity -> (place, day)."""


def needs(name: str) -> pytest.MarkDecorator:
    """Skip, naming the set, where it is absent."""
    return pytest.mark.skipif(
        not (DATA / name).is_dir(), reason=f"data set {name} is missing: put it into {DATA}"
    )


def district(*places: Place) -> District:
    """A district of places anywhere, for stations that lie far from ours."""
    station = Station(id="57516", name="沙坪坝", lat=29.58, lon=106.47, elevation=259.1)
    return District(
        code="500106", name="沙坪坝区", name_en="Shapingba", boundary="boundary.geojson",
        station=station, towns=places,
    )  # fmt: skip


def place(code: str, name: str, lat: float = 29.58, lon: float = 106.47) -> Place:
    """A place that needs no height."""
    return Place(id=code, name=name, name_en=name, lat=lat, lon=lon, elevation=259.0)


SHAPINGBA = place("57516", "沙坪坝")


# --- daily observations of 38 cities ---


def cma_daily(*columns: str) -> pd.DataFrame:
    """Some columns of every city, each day from 2014 to 2019: index (file_city, date), NaN where missing."""
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: the data set cannot be read")
    table = pd.read_parquet(DATA / CMA / "daily.parquet", columns=["file_city", "date", *columns])
    table["file_city"] = table["file_city"].astype(str)
    table["date"] = pd.to_datetime(table["date"], format="mixed")
    return table.set_index(["file_city", "date"]).sort_index()


def chongqing_climate() -> Climate:
    """Rain, warmth and humidity of Chongqing, every day from 2014 to 2019; April 2017 is empty."""
    names = {
        "precipitation_day": "precipitation", "temperature_max_day": "maxtemp",
        "temperature_min_day": "mintemp", "temperature_mean_day": "avgtemp",
        "relative_humidity_mean_day": "avgrh",
    }  # fmt: skip
    table = cma_daily(*names.values()).query("file_city == 'chongqing'").droplevel("file_city")
    return _climate(table, names, "CMA daily, 57516")


def synop_2022() -> Climate:
    """Rain and mean temperature of Chongqing, every day from 1 January to 23 August 2022."""
    names = {"precipitation_day": "Prec(mm)", "temperature_mean_day": "Ave.T"}
    table = pd.read_csv(DATA / SYNOP / "chongqing.csv", parse_dates=["Date"], index_col="Date")
    return _climate(table.sort_index(), names, "daily SYNOP, 57516")


def _climate(table: pd.DataFrame, names: Mapping[str, str], source: str) -> Climate:
    series = {name: table[[column]].to_numpy(np.float64).T for name, column in names.items()}
    days = table.index.to_numpy().astype("datetime64[D]")
    assert (np.diff(days) == np.timedelta64(1, "D")).all()
    return Climate(places=(SHAPINGBA.id,), days=days, series=series, source=source)


@dataclass(frozen=True, kw_only=True)
class WetDays:
    """Days of much rain, each with the days before it."""

    cities: tuple[str, ...]
    """City of each."""
    dates: tuple[date, ...]
    """Date of each."""
    rain: Amounts
    """Daily rain, (case, day) [mm], the last column the day itself; NaN where missing."""

    @property
    def totals(self) -> Amounts:
        """Rain of the day itself, (case,) [mm]."""
        total: Amounts = self.rain[:, -1]
        return total

    def find(self, city: str, day: str) -> int:
        """Where a day of a city stands."""
        return list(zip(self.cities, self.dates, strict=True)).index((city, date.fromisoformat(day)))


def wet_days(at_least: float, before: int) -> WetDays:
    """Every day of every city with so much rain [mm], and the rain of the days before it."""
    series = cma_daily("precipitation")["precipitation"]
    found = series[series >= at_least]
    shifts = range(before, -1, -1)
    past = {
        back: series.groupby(level="file_city").shift(back).loc[found.index].to_numpy() for back in shifts
    }
    return WetDays(
        cities=tuple(found.index.get_level_values("file_city")),
        dates=tuple(moment.date() for moment in found.index.get_level_values("date")),
        rain=np.stack([past[back] for back in shifts], axis=-1).astype(np.float64),
    )


def spread(totals: Amounts, hours: int, largest: float = np.inf) -> Amounts:
    """Totals (...) over the first hours from the middle of a day on, as evenly as tenths allow: (..., 24).

    24 hours are the whole day; an hour takes `largest` at most, and the hours after it the rest.
    """
    tenths = np.rint(totals * 10.0)[..., None]
    steps = np.arange(hours + 1) * tenths // hours
    day = np.zeros((*totals.shape, DAY_H))
    first = 0 if hours == DAY_H else DAY_H // 2
    day[..., first : first + hours] = np.diff(steps, axis=-1) / 10.0
    for hour in range(first, DAY_H - 1):
        over = np.maximum(day[..., hour] - largest, 0.0)
        day[..., hour] -= over
        day[..., hour + 1] += over
    return day


# --- six-hourly reports of Hong Kong airport ---


@dataclass(frozen=True, kw_only=True)
class Report:
    """The rain group of a report."""

    at: datetime
    """When it was made, and when its period ended."""
    hours: int | None
    """Length of the period [h]; None where the report does not say it (99)."""
    amount: float
    """Rain of the period [mm]; NaN where missing (9999)."""


def hong_kong(first: datetime, last: datetime) -> list[Report]:
    """Rain groups AA1 and AA2 of the SYNOP reports between two moments, in order.

    A group is period [h], depth [0.1 mm], condition and quality, as the ISD format document tells.
    """
    found = []
    with gzip.open(DATA / ISD / "VHHH_2023.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        for row in DictReader(lines):
            at = datetime.fromisoformat(row["DATE"]).replace(tzinfo=UTC)
            if row["REPORT_TYPE"].strip() == "FM-12" and first <= at <= last:
                found += [_group(at, row[name]) for name in ("AA1", "AA2") if row[name]]
    return found


def _group(at: datetime, text: str) -> Report:
    period, depth, _, _ = text.split(",")
    return Report(
        at=at,
        hours=None if period == "99" else int(period),
        amount=float("nan") if depth == "9999" else int(depth) / 10,
    )


@dataclass(frozen=True, kw_only=True)
class SixHours:
    """Rain of six hours, as reports make it known."""

    known: datetime
    """When the first report said it."""
    ends: datetime
    """When the six hours ended."""
    amount: float
    """Rain [mm]."""


def six_hourly(reports: Sequence[Report]) -> list[SixHours]:
    """The six hours that reports tell of, each as soon as the sums leave only it open.

    A longer period that holds six hours not told before gives them as the rest of its sum; a period of
    unknown length and a missing depth say nothing. Depths are whole millimetres, so sums differ by some
    tenths.
    """
    told: dict[datetime, float] = {}
    found = []
    for report in reports:
        parts = [report.at - hours * HOUR for hours in range(0, report.hours or 0, 6)]
        open_parts = [ends for ends in parts if ends not in told]
        if len(open_parts) == 1 and not np.isnan(report.amount):
            rest = report.amount - sum(told.get(ends, 0.0) for ends in parts)
            told[open_parts[0]] = max(round(rest, 1), 0.0)
            part = SixHours(known=report.at, ends=open_parts[0], amount=told[open_parts[0]])
            found.append(part)
    return found


def days_shown(
    connection: Connection, judging: Judging, now: datetime, names: tuple[str, ...], back: int
) -> Days:
    """Daily quantities as known at a moment, (place, day), the last being the day that ended last."""
    view = replace(judging.view, quantities=names, days_back=back, days_ahead=0)
    block = judging.archive.block(connection, [now], view)
    return {name: block.variables[name].values[0] for name in names}


def rain_batch(
    kind: Kind, known: datetime, first: datetime, rain: Amounts, places: Sequence[str]
) -> Batch:
    """Hourly rain (place, hour) [mm] whose first hour begins at `first`, as it became known."""
    ends = instant64(first) + np.arange(1, rain.shape[-1] + 1) * np.timedelta64(3600, "s")
    bits = np.uint8(Flag.PERFECT_PROGNOSIS if kind == "forecast" else 0)
    return Batch(
        source=SOURCE, kind=kind, issued_at=known, available_at=known, places=tuple(places),
        valid_at=ends, values={"precipitation": rain},
        flags={"precipitation": np.full(rain.shape, bits, np.uint8)},
    )  # fmt: skip
