"""A loopback server that answers like the area API of NASA FIRMS, and can be told to misbehave.

It shares the misbehaviours of the weather server. What satellites see in its world is the list
`spots`, so a test knows what must come back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from simulators.open_meteo import Misbehaviour, OpenMeteoServer, Seen
from simulators.small_district import TOWNS

BAD_KEY = "Invalid MAP_KEY."
BAD_CALL = "Invalid API call."

VIIRS = (
    "latitude,longitude,bright_ti4,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,"
    "bright_ti5,frp,daynight"
)
MODIS = VIIRS.replace("bright_ti4", "brightness").replace("bright_ti5", "bright_t31")


@dataclass(frozen=True, kw_only=True)
class Spot:
    """One pixel that some satellite sees burning."""

    at: datetime
    """When it is seen, aware UTC."""
    lat: float = TOWNS[0].lat
    """Latitude."""
    lon: float = TOWNS[0].lon
    """Longitude."""
    confidence: str = ""
    """As the table writes it; empty for what the product calls nominal."""
    product: str | None = None
    """The product that tells it; None for every product, each under its own satellite."""


def spots_near(now: datetime) -> list[Spot]:
    """A fire at each town an hour and a half ago, and one at the first in the evening before."""
    recent = (now - timedelta(hours=1, minutes=18)).astimezone(UTC)
    evening = (recent - timedelta(days=1)).replace(hour=18, minute=4)
    return [Spot(at=recent, lat=town.lat, lon=town.lon) for town in TOWNS] + [Spot(at=evening)]


@dataclass
class FirmsServer(OpenMeteoServer):  # type: ignore[misc]  # mypy does not see pytest's path
    """``with FirmsServer(now=...) as server``: `server.url` is the base_url to ask."""

    key: str = "a-key"
    """The one key it knows."""
    spots: list[Spot] | None = None
    """What satellites see; None for a few fires near the towns."""
    rewrite: Callable[[list[str]], object] = field(default=lambda lines: None)
    """Changes the lines of an answer before they are written."""

    @property
    def url(self) -> str:
        """Address of the area API."""
        return f"http://{self.host}/api/area/csv"

    def answer(self, seen: Seen) -> bytes:
        """The table a request deserves, or the text the server sends instead, with status 200."""
        parts = seen.path.removeprefix("/api/area/csv/").split("/")
        if parts[0] != self.key:
            return BAD_KEY.encode()
        if len(parts) != 5 or not 1 <= int(parts[3]) <= 5:
            return BAD_CALL.encode()
        product, area, days, first = parts[1:]
        west, south, east, north = (float(text) for text in area.split(","))
        start = date.fromisoformat(first)
        asked = {start + timedelta(days=number) for number in range(int(days))}
        told = [
            spot
            for spot in (spots_near(self.now) if self.spots is None else self.spots)
            if spot.product in (None, product) and spot.at.date() in asked
            and west <= spot.lon <= east and south <= spot.lat <= north
            and (self.known_until is None or spot.at <= self.known_until)
        ]
        lines = [MODIS if product.startswith("MODIS") else VIIRS]
        lines += [_line(spot, product) for spot in told]
        self.rewrite(lines)
        return "".join(f"{line}\n" for line in lines).encode()


def status(code: int, reason: str) -> Misbehaviour:
    """Answer with a status and a plain text."""
    return lambda handler: handler.reply(code, reason.encode(), X_Sent_By="simulator")


def _line(spot: Spot, product: str) -> str:
    modis = product.startswith("MODIS")
    satellite = "Terra" if modis else {"SNPP": "N", "NOAA20": "N20", "NOAA21": "N21"}[product.split("_")[1]]
    confidence = spot.confidence or ("65" if modis else "n")
    # Leading zeros of the time are left out, as the server does.
    return (
        f"{spot.lat:.5f},{spot.lon:.5f},338.41,0.42,0.37,{spot.at:%Y-%m-%d},{int(spot.at.strftime('%H%M'))},"
        f"{satellite},{'MODIS' if modis else 'VIIRS'},{confidence},2.0NRT,296.12,4.21,D"
    )
