"""The climate of whole years: ERA5 from Open-Meteo's archive, grid cell by grid cell."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import NoneType

import numpy as np

from ingest.answers import Refused, host_of
from ingest.batch import Values
from ingest.climate.series import Climate, Days
from ingest.errors import BadPayload, SourceError
from ingest.http import HttpClient
from ingest.places import Place
from ingest.sources.open_meteo import weight
from ingest.sources.open_meteo_payload import reason_of, refusal

ARCHIVE = "https://archive-api.open-meteo.com/v1/archive"

# Quantity -> (daily variable of the server, its unit).
_DAILY = {
    "temperature_max_day": ("temperature_2m_max", "°C"),
    "temperature_min_day": ("temperature_2m_min", "°C"),
    "temperature_mean_day": ("temperature_2m_mean", "°C"),
    "relative_humidity_mean_day": ("relative_humidity_2m_mean", "%"),
    "precipitation_day": ("precipitation_sum", "mm"),
}
YEARS_A_CALL = 10
"""Years one call asks for: some 130 weighted calls, well below what a minute allows."""

# The free tier allows 600 weighted calls a minute and 5000 an hour; the daemon needs its share of them.
_A_MINUTE, _AN_HOUR = 500.0, 4500.0
_CELL = 0.25
_LAPSE = 0.0065
_BEIJING_S = 28_800
_NUMBERS = frozenset({int, float, NoneType})
_TRIES = 3
_REFUSED_S = 61.0
_AGAIN = "start it again"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What fetching a climate takes."""

    questions: int
    """Calls that are made."""
    calls: float
    """What the server counts for them; the free tier has 600 a minute, 5000 an hour, 10000 a day."""
    wait: timedelta
    """Pauses between them, so that no limit is met; answering comes on top."""


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One call: some years of one cell."""

    cell: tuple[float, float]
    """Latitude and longitude of its middle [degrees]."""
    elevation: float
    """Height for which temperature is asked [m]."""
    first: date
    """First day."""
    last: date
    """Last day."""

    @property
    def days(self) -> Days:
        """All its days."""
        return _span(self.first, self.last)

    @property
    def calls(self) -> float:
        """Weighted calls it counts as."""
        return weight(1, len(_DAILY), self.days.size)

    @property
    def params(self) -> dict[str, str]:
        """Query of the call."""
        return {
            "latitude": f"{self.cell[0]:.2f}",
            "longitude": f"{self.cell[1]:.2f}",
            "elevation": f"{self.elevation:.1f}",
            "start_date": self.first.isoformat(),
            "end_date": self.last.isoformat(),
            "daily": ",".join(variable for variable, _ in _DAILY.values()),
            "models": "era5",
            "temperature_unit": "celsius",
            "precipitation_unit": "mm",
            "timeformat": "iso8601",
            "timezone": "Asia/Shanghai",
            "cell_selection": "nearest",
        }


def fetch_climate(
    places: Sequence[Place],
    first_year: int,
    last_year: int,
    http: HttpClient,
    *,
    base_url: str = ARCHIVE,
    sleep: Callable[[float], None] = time.sleep,
) -> Climate:
    """ERA5 of every day of whole years, for the 0.25° cell nearest to each place.

    Places of one cell share its rain and humidity. Temperature is asked for at their mean height, to
    which the server carries it, and from there by the same 6.5 K/km to the height of each place,
    rounded to 0.1 °C: what the server would say of the place itself, but for that rounding.
    The day is Beijing's, 00 to 24 (the server keeps +08:00 also for the summer times of 1986 to 1991).

    The free tier allows 600 weighted calls a minute: between calls there is a pause, so that thirty
    years of the six cells of Rongchang take some five minutes (`cost` tells); a call that is
    refused for the minute is made again after it. Figures by Open-Meteo.com (CC BY 4.0), from
    modified Copernicus Climate Change Service information.

    Raises ValueError where there are no places or the years are none; SourceError, before any call,
    where an hour's share of calls would not do, and with the server's reason where it refuses;
    BadPayload where an answer is not what was asked for.
    """
    price = cost(places, first_year, last_year)
    if price.calls > _AN_HOUR:
        raise SourceError(
            f"{price.calls:.0f} weighted calls are more than the {_AN_HOUR:.0f} that are left of an hour;"
            " ask for fewer years or places at once, or read a CSV file"
        )
    days = _span(date(first_year, 1, 1), date(last_year, 12, 31))
    values = {name: np.full((len(places), days.size), np.nan) for name in _DAILY}
    for number, (part, towns) in enumerate(_parts(places, first_year, last_year)):
        if number:
            sleep(60 * part.calls / _A_MINUTE)
        start = int((part.days[0] - days[0]).astype(int))
        told = _read(_ask(part, http, base_url, sleep), part, host_of(base_url))
        for town in towns:
            for name, row in _at(places[town].elevation, part, told).items():
                values[name][town, start : start + row.size] = row
    return Climate(
        places=tuple(place.id for place in places),
        days=days,
        series=values,
        source=f"ERA5 by Open-Meteo.com ({host_of(base_url)}), {first_year}-{last_year}, CC BY 4.0",
    )


def cost(places: Sequence[Place], first_year: int, last_year: int) -> Cost:
    """What `fetch_climate` would take; raises ValueError as it does."""
    calls = [part.calls for part, _ in _parts(places, first_year, last_year)]
    wait = timedelta(seconds=60 * sum(calls[1:]) / _A_MINUTE)
    return Cost(questions=len(calls), calls=sum(calls), wait=wait)


def cell_of(place: Place) -> tuple[float, float]:
    """Latitude and longitude of the middle of the 0.25° cell of ERA5 that a place lies in."""
    return round(place.lat / _CELL) * _CELL, round(place.lon / _CELL) * _CELL


def _parts(
    places: Sequence[Place], first_year: int, last_year: int
) -> list[tuple[_Part, list[int]]]:
    """Every call, with the rows of the places it is for."""
    if not places:
        raise ValueError("a climate needs at least one place")
    if not 1940 <= first_year <= last_year:
        raise ValueError(f"{first_year} to {last_year} are no years of ERA5, which begins in 1940")
    cells: dict[tuple[float, float], list[int]] = {}
    for row, place in enumerate(places):
        cells.setdefault(cell_of(place), []).append(row)
    parts = []
    for cell, rows in cells.items():
        elevation = round(float(np.mean([places[row].elevation for row in rows])), 1)
        for year in range(first_year, last_year + 1, YEARS_A_CALL):
            last = date(min(year + YEARS_A_CALL - 1, last_year), 12, 31)
            part = _Part(cell=cell, elevation=elevation, first=date(year, 1, 1), last=last)
            parts.append((part, rows))
    return parts


def _span(first: date, last: date) -> Days:
    return np.datetime64(first, "D") + np.arange((last - first).days + 1)


def _ask(
    part: _Part, http: HttpClient, base_url: str, sleep: Callable[[float], None]
) -> object:
    for _ in range(_TRIES):
        reason, payload = _asked(part, http, base_url)
        if reason is None:
            return payload
        if not reason.startswith("Minutely"):
            break
        sleep(_REFUSED_S)
    raise SourceError(f'{host_of(base_url)} sent no climate and says: "{reason}"')


def _asked(part: _Part, http: HttpClient, base_url: str) -> tuple[str | None, object]:
    """The server's reason to refuse, and its answer; one of them is None."""
    try:
        payload = http.get_json(base_url, part.params, deadline=timedelta(seconds=90))
    except Refused as error:
        reason = reason_of(error, host_of(base_url))
        if reason is None:
            raise
        return reason, None
    reason = refusal(payload)
    return reason, None if reason else payload


def _read(payload: object, part: _Part, host: str) -> dict[str, Values]:
    """Quantity -> (day,) of one call."""
    answer = payload if isinstance(payload, dict) else {}
    units, daily = answer.get("daily_units"), answer.get("daily")
    if not isinstance(units, dict) or not isinstance(daily, dict):
        raise BadPayload(f"{host} sent no daily values; check that its address is an archive")
    if answer.get("utc_offset_seconds") != _BEIJING_S:
        raise BadPayload(f"{host} sent days that are not Beijing's; check for a proxy between")
    if daily.get("time") != part.days.astype(str).tolist():
        raise BadPayload(f"{host} sent other days than {part.first} to {part.last}; {_AGAIN}")
    found = {}
    for name, (variable, unit) in _DAILY.items():
        if units.get(variable) != unit:
            raise BadPayload(f"{host} sent {variable} in {units.get(variable)}, expected {unit}")
        found[name] = _column(daily.get(variable), part.days.size, f"{host} sent {variable}")
    return found


def _column(column: object, size: int, what: str) -> Values:
    if not isinstance(column, list) or len(column) != size or not set(map(type, column)) <= _NUMBERS:
        raise BadPayload(f"{what} that is no number a day; {_AGAIN}")
    try:
        values = np.array(column, dtype=np.float64)
    except OverflowError:
        values = np.full(size, np.inf)
    if np.isinf(values).any():
        raise BadPayload(f"{what} that is infinite; {_AGAIN}")
    return values


def _at(elevation: float, part: _Part, told: Mapping[str, Values]) -> dict[str, Values]:
    """The values of a cell as they hold at a height [m]."""
    colder = (elevation - part.elevation) * _LAPSE
    return {
        name: np.round(row - colder, 1) if name.startswith("temperature") else row
        for name, row in told.items()
    }
