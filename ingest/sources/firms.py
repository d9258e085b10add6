"""The source `firms`: fires that satellites saw near each town (NASA FIRMS)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote, urlsplit

import numpy as np
import numpy.typing as npt

from ingest.answers import Refused, host_of
from ingest.batch import Batch, Values
from ingest.errors import SourceError
from ingest.places import Place
from ingest.secret import Secret
from ingest.source import Request, source
from ingest.sources.firms_table import CONFIDENCES, Detection, first_words, read_detections
from ingest.times import HOUR, floor_hour, utc

HOT_SPOTS = "fire_hot_spots"

_PRODUCT = re.compile(r"(MODIS|VIIRS_(SNPP|NOAA20|NOAA21))_(NRT|SP)")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_EARTH_KM = 6371.0
_KM_A_DEGREE = _EARTH_KM * math.pi / 180
# The server counts 5000 calls of a key in 10 minutes, and sends no Retry-After.
_LIMIT_WINDOW = timedelta(minutes=10)


@source("firms")
@dataclass(frozen=True, kw_only=True)
class Firms:
    """Counts the hot spots of each hour near each town.

    A detection belongs to the nearest town, if that is at most `radius_km` away, and to the hour that
    ends after it: the value of 05:00 counts those from 04:01 to 05:00. An hour and town without a
    detection is NaN, never zero: a satellite passes a few times a day and sees nothing through cloud,
    so that no detection is not no fire. A hot spot is a pixel, not a fire: one fire may have
    several, in several passes, and a lime kiln has them too.

    The newest two to five UTC days are asked for at each pull, because a pass is published some three
    hours later and may be completed afterwards; the newest count of an hour replaces the older one.
    """

    map_key: Secret
    """The free key of the server (MAP_KEY). It stands in the path of each call and in no message."""
    base_url: str = "https://firms.modaps.eosdis.nasa.gov/api/area/csv"
    """Address of the area API, up to before the key."""
    products: tuple[str, ...] = ("VIIRS_SNPP_NRT", "VIIRS_NOAA20_NRT", "VIIRS_NOAA21_NRT")
    """Instruments and satellites, by the server's names; each is one call a pull."""
    days: int = 2
    """UTC days asked for, today the last of them, 2 to 5."""
    radius_km: float = 10.0
    """How far from a town a detection still counts for it [km]."""
    lowest_confidence: Literal["low", "nominal", "high"] = "nominal"
    """Weakest detections that count. VIIRS names the class; of MODIS 30 % is nominal and 80 % high."""

    def __post_init__(self) -> None:
        _check_address(self.base_url)
        if not self.products or len(set(self.products)) != len(self.products):
            raise ValueError("products: give at least one, each once")
        for product in self.products:
            if not _PRODUCT.fullmatch(product):
                raise ValueError(
                    f"products: {product} is none we can read; write VIIRS_NOAA20_NRT or MODIS_NRT"
                )
        if not 2 <= self.days <= 5:
            raise ValueError("days must be 2 to 5: the first is needed for the hours round midnight")
        if not 0 < self.radius_km <= 100:
            raise ValueError("radius_km must be more than 0 and at most 100")

    def fetch(self, name: str, request: Request) -> list[Batch]:
        """One observation batch from 01 UTC of the first day to the last full hour.

        It comes also where nothing was detected (then all NaN), as a sign that somebody looked.
        Detections of the hour that has not ended are told once it has. Raises SourceError with the
        server's reason where it refuses the key or the question, BadPayload where its answer
        is no table.
        """
        now = utc(request.now)
        first = floor_hour(now).replace(hour=0) - (self.days - 1) * timedelta(days=1)
        key = request.reveal(self.map_key)
        # What two products or two rows say alike was seen once.
        seen = {
            spot
            for product in self.products
            for spot in self._ask(product, first, key, request)
            if CONFIDENCES.index(spot.confidence) >= CONFIDENCES.index(self.lowest_confidence)
        }
        # The hour of the first midnight is mostly of the day before, which was not asked for.
        hours = np.arange(_hour(first) + 1, _hour(floor_hour(now)) + 1)
        counts = count(seen, request.district.towns, hours, self.radius_km)
        return [
            Batch(
                source=name, kind="observation", issued_at=now, available_at=now,
                places=request.district.place_ids,
                valid_at=hours.astype("datetime64[h]").astype("datetime64[s]"),
                values={HOT_SPOTS: counts},
            )
        ]

    def _ask(
        self, product: str, first: datetime, key: str, request: Request
    ) -> list[Detection]:
        host = host_of(self.base_url)
        box = bounding_box(request.district.towns, self.radius_km)
        area = ",".join(f"{degrees:.2f}" for degrees in box)
        told = f"{product}/{area}/{self.days}/{first.date().isoformat()}"
        url = f"{self.base_url.rstrip('/')}/{quote(key, safe='')}/{told}"
        try:
            return read_detections(request.http.get_text(url), host)
        except SourceError as error:
            raise _without(key, error, host) from None


def count(
    seen: Iterable[Detection], towns: Sequence[Place], hours: npt.NDArray[np.int64], radius_km: float
) -> Values:
    """Number of detections (town, hour); NaN where there is none.

    `hours` are whole hours since 1970-01-01T00Z, without a gap; each counts what was seen after the hour
    before and not after itself. Detections outside them, or further than `radius_km` from every
    town, are left out; of two towns at the same distance the first takes it.
    """
    counts = np.zeros((len(towns), hours.size))
    for spot in seen:
        distances = [_distance_km(spot, town) for town in towns]
        nearest = int(np.argmin(distances))
        # The hour that ends with or after the minute.
        column = _hour(spot.seen_at - timedelta(minutes=1)) + 1 - int(hours[0])
        if distances[nearest] <= radius_km and 0 <= column < hours.size:
            counts[nearest, column] += 1
    return np.where(counts > 0, counts, np.nan)


def bounding_box(towns: Sequence[Place], radius_km: float) -> tuple[float, float, float, float]:
    """West, south, east and north [degrees] round all that lies within `radius_km` of a town.

    Rounded outwards to 0.01°. Not for districts that touch a pole or the date line.
    """
    lats, lons = [town.lat for town in towns], [town.lon for town in towns]
    high = radius_km / _KM_A_DEGREE
    wide = high / math.cos(math.radians(max(abs(lat) for lat in lats) + high))
    return (
        math.floor((min(lons) - wide) * 100) / 100,
        math.floor((min(lats) - high) * 100) / 100,
        math.ceil((max(lons) + wide) * 100) / 100,
        math.ceil((max(lats) + high) * 100) / 100,
    )


def _distance_km(spot: Detection, town: Place) -> float:
    """Great-circle distance on a sphere of 6371 km (haversine) [km]."""
    lat, town_lat = math.radians(spot.lat), math.radians(town.lat)
    half_lon = math.radians(town.lon - spot.lon) / 2
    share = math.sin((town_lat - lat) / 2) ** 2
    share += math.cos(lat) * math.cos(town_lat) * math.sin(half_lon) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(share))


def _hour(moment: datetime) -> int:
    """Whole hours from 1970 to the last full hour at or before a moment."""
    return int(floor_hour(moment).timestamp()) // int(HOUR.total_seconds())


def _without(key: str, error: SourceError, host: str) -> SourceError:
    """The error with the server's own reason, where its body holds one, and without the key."""
    pause, text, kind = error.retry_after, str(error), type(error)
    if isinstance(error, Refused):
        kind = SourceError
        pause = pause or (_LIMIT_WINDOW if error.status == 429 else None)
        reason = first_words(error.body.decode("utf-8", "replace"))
        text = f'{host} answered with status {error.status} and says: "{reason}"' if reason else text
    for secret in filter(None, (key, quote(key, safe=""))):
        text = text.replace(secret, "***")
    return kind(text, retry_after=pause)


def _check_address(base_url: str) -> None:
    address = urlsplit(base_url)
    host = address.hostname or ""
    if address.scheme not in ("http", "https") or not host or address.query:
        raise ValueError("base_url: write an address such as https://host/api/area/csv, without query")
    if address.scheme != "https" and host not in _LOOPBACK:
        raise ValueError("base_url: the key stands in the address, write it with https")
