"""The source `open_meteo`: Open-Meteo's forecast or archive for every town of the district."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

import numpy as np

from ingest.answers import Refused, Unreachable, host_of
from ingest.batch import Batch, Flag, Kind
from ingest.errors import BadPayload, SourceError, UnknownName
from ingest.places import Place
from ingest.quantities import quantity
from ingest.secret import Secret
from ingest.source import Request, source
from ingest.sources.open_meteo_payload import Hours, read_hours, reason_of, refusal
from ingest.times import HOUR, floor_hour, instant64, utc

PLACES_A_CALL = 100
"""Places asked for at once: keeps the URL below 4 kB; the server's own limit is 1000."""

_DAY = timedelta(days=1)
_FREE = "open-meteo.com"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@source("open_meteo")
@dataclass(frozen=True, kw_only=True)
class OpenMeteo:
    """Asks Open-Meteo for hourly values at the position and elevation of every town.

    With the elevation of the town the server carries temperature from the mean height of the grid
    cell to that of the town by 6.5 K/km. Values come in the units of the table of quantities, hours
    in GMT. The server names no run of its model, so a forecast counts as issued at the full hour of
    the pull; the model run behind it is some hours older.
    """

    base_url: str = "https://api.open-meteo.com/v1/forecast"
    """Address of the forecast or archive, without query; a server of one's own serves as well."""
    mode: Literal["forecast", "archive"] = "forecast"
    """`forecast` tells past and future hours, `archive` past ones only (ERA5, some 5 days late)."""
    model: str | None = None
    """One model by the server's name (`cma_grapes_global`); without it, the server's best match."""
    quantities: tuple[str, ...] = (
        "temperature_2m", "relative_humidity_2m", "precipitation", "wind_speed_10m",
    )
    """What to ask for, by the names of the table of quantities."""
    past_days: int = 2
    """Whole UTC days before today in mode forecast, 0 to 92."""
    forecast_days: int = 5
    """UTC days from today on in mode forecast, 0 to 16."""
    days_back: int = 10
    """Whole UTC days before today in mode archive."""
    cell_selection: Literal["land", "sea", "nearest"] = "land"
    """Which grid cell stands for a place: the best on land, on water, or the nearest."""
    daily_budget: int = 10_000
    """Weighted calls a UTC day that may be spent; 10000 is the limit of the free tier."""
    api_key: Secret | None = None
    """Key of a paid plan, sent in the header X-Api-Key so that no URL or log holds it."""

    def __post_init__(self) -> None:
        _check_address(self)
        _check_quantities(self.quantities)
        if not (0 <= self.past_days <= 92 and 0 <= self.forecast_days <= 16):
            raise ValueError("past_days must be 0 to 92 and forecast_days 0 to 16")
        if self.days < 1 or self.days_back < 0:
            raise ValueError("ask for at least one day of weather")

    @property
    def days(self) -> int:
        """Days of weather in one answer."""
        forecast = self.mode == "forecast"
        return self.past_days + self.forecast_days if forecast else self.days_back + 1

    def fetch(self, name: str, request: Request) -> list[Batch]:
        """Hours up to `now` as an observation flagged ANALYSIS, later ones as a forecast.

        Mode archive gives the observation only. What the server does not know is NaN, also at the
        end of the archive. Raises SourceError before any call where the daily budget cannot hold
        the pulls of a day or is used up, with the server's reason where it refuses, BadPayload
        where its answer is not what was asked for.
        """
        self._check_budget(request)
        parts = [self._ask(towns, request) for towns in _chunks(request.district.towns)]
        hours = _joined(parts)
        now = utc(request.now)
        cut = int(np.searchsorted(hours.valid_at, instant64(now), side="right"))
        told = _Told(name=name, places=request.district.place_ids, hours=hours, now=now)
        batches = [told.batch("observation", slice(0, cut))] if cut else []
        if self.mode == "forecast" and cut < hours.valid_at.size:
            batches.append(told.batch("forecast", slice(cut, None)))
        return batches

    def _check_budget(self, request: Request) -> None:
        cost = weight(len(request.district.towns), len(self.quantities), self.days)
        pulls = _DAY / request.every if request.every else 1.0
        if cost * pulls > self.daily_budget:
            raise SourceError(
                f"Open-Meteo would take {math.ceil(cost * pulls)} weighted calls a day of"
                f" {self.daily_budget}; pull it less often or ask for fewer days or quantities"
            )
        host, now = host_of(self.base_url), utc(request.now)
        spent = request.http.spent(host, now.date())
        if spent + cost > self.daily_budget:
            raise SourceError(
                f"{host}: {math.ceil(spent)} of {self.daily_budget} weighted calls are spent today;"
                " it is asked again after 00:00 UTC",
                retry_after=_until_tomorrow(now),
            )

    def _ask(self, towns: Sequence[Place], request: Request) -> Hours:
        host, now = host_of(self.base_url), utc(request.now)
        key = request.reveal(self.api_key) if self.api_key else ""
        headers = {"X-Api-Key": key} if key else {}
        cost = weight(len(towns), len(self.quantities), self.days)
        params = self._params(towns, now)
        try:
            payload = request.http.get_json(self.base_url, params, headers=headers)
        except (Refused, Unreachable) as error:
            # The server counts a call that failed as one, whatever it asked for.
            cost = 1.0
            raise _explained(error, host, now, key) from None
        finally:
            request.http.spend(host, now.date(), cost)
        reason = refusal(payload)
        if reason is not None:
            raise _with_reason(f"{host} sent no data", reason, now, key)
        return read_hours(payload, towns, self.quantities)

    def _params(self, towns: Sequence[Place], now: datetime) -> dict[str, str]:
        params = {
            "latitude": ",".join(str(town.lat) for town in towns),
            "longitude": ",".join(str(town.lon) for town in towns),
            "elevation": ",".join(str(town.elevation) for town in towns),
            "hourly": ",".join(self.quantities),
            "wind_speed_unit": "ms",
            "precipitation_unit": "mm",
            "temperature_unit": "celsius",
            "timeformat": "iso8601",
            "timezone": "GMT",
            "cell_selection": self.cell_selection,
        }
        if self.model:
            params["models"] = self.model
        if self.mode == "forecast":
            days = {"past_days": str(self.past_days), "forecast_days": str(self.forecast_days)}
            return params | days
        first = now.date() - timedelta(days=self.days_back)
        return params | {"start_date": first.isoformat(), "end_date": now.date().isoformat()}


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What one pull was told, ready to be cut into batches."""

    name: str
    """Name of the source block."""
    places: tuple[str, ...]
    """Place ids."""
    hours: Hours
    """Past and future hours."""
    now: datetime
    """Moment of the pull."""

    def batch(self, kind: Kind, cut: slice) -> Batch:
        values = {key: array[:, cut] for key, array in self.hours.values.items()}
        analysis = np.uint8(Flag.ANALYSIS)
        flags = {key: np.full(array.shape, analysis) for key, array in values.items()}
        return Batch(
            source=self.name, kind=kind, issued_at=floor_hour(self.now), available_at=self.now,
            places=self.places, valid_at=self.hours.valid_at[cut], values=values,
            flags=flags if kind == "observation" else {},
        )


def weight(places: int, variables: int, days: int) -> float:
    """Weighted calls one request costs.

    Each place counts max(1, variables / 10 x max(1, days / 14)) (open-meteo.com, pricing).
    """
    return places * max(1.0, variables / 10 * max(1.0, days / 14))


def pause_for(reason: str, now: datetime) -> timedelta | None:
    """How long to stay away after a refusal, by its text; None where it names no limit.

    The server sends no Retry-After. "Minutely" is one minute, "Hourly" the rest of the hour of
    `now`, "Daily" the rest of its UTC day, too many concurrent requests ten seconds.
    """
    if reason.startswith("Minutely"):
        return timedelta(minutes=1)
    if reason.startswith("Hourly"):
        return floor_hour(now) + HOUR - now
    if reason.startswith("Daily"):
        return _until_tomorrow(now)
    return timedelta(seconds=10) if reason.startswith("Too many concurrent") else None


def _until_tomorrow(now: datetime) -> timedelta:
    return floor_hour(now).replace(hour=0) + _DAY - now


def _chunks(towns: Sequence[Place]) -> Iterator[Sequence[Place]]:
    for first in range(0, len(towns), PLACES_A_CALL):
        yield towns[first : first + PLACES_A_CALL]


def _joined(parts: Sequence[Hours]) -> Hours:
    """Parts of the district put together; they differ where midnight passed between two calls."""
    first = parts[0]
    if any(not np.array_equal(part.valid_at, first.valid_at) for part in parts):
        raise BadPayload("Open-Meteo told parts of the district for other hours; it is asked again")
    values = {key: np.concatenate([part.values[key] for part in parts]) for key in first.values}
    return replace(first, values=values)


def _explained(error: SourceError, host: str, now: datetime, key: str) -> SourceError:
    """The error with the server's own reason, where its body holds one."""
    if not isinstance(error, Refused):
        return error
    reason = reason_of(error, host)
    if reason is None:
        return error
    told = _with_reason(f"{host} answered with status {error.status}", reason, now, key)
    return SourceError(str(told), retry_after=error.retry_after or told.retry_after)


def _with_reason(what: str, reason: str, now: datetime, key: str) -> SourceError:
    text = reason.replace(key, "***") if key else reason
    return SourceError(f'{what} and says: "{text}"', retry_after=pause_for(reason, now))


def _check_address(block: OpenMeteo) -> None:
    address = urlsplit(block.base_url)
    host = address.hostname or ""
    if address.scheme not in ("http", "https") or not host or address.query:
        raise ValueError("base_url: write an address such as https://host/v1/forecast, without query")
    if block.mode == "archive" and host == f"api.{_FREE}":
        raise ValueError(f"base_url: mode archive is at https://archive-api.{_FREE}/v1/archive")
    if block.api_key is None:
        return
    if host.endswith(_FREE) and not host.startswith("customer-"):
        raise ValueError(
            f"api_key: it is sent to customer hosts only; write base_url: https://customer-{host}/..."
        )
    if address.scheme != "https" and host not in _LOOPBACK:
        raise ValueError("api_key: it is never sent without TLS; write base_url with https")


def _check_quantities(names: Sequence[str]) -> None:
    if not names or len(set(names)) != len(names):
        raise ValueError("quantities: give at least one, each once")
    for name in names:
        try:
            found = quantity(name)
        except UnknownName as error:
            raise ValueError(f"quantities: {error}") from None
        if found.meaning == "day":
            raise ValueError(f"quantities: {name} is a value of a day; ask for hourly ones")
