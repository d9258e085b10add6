"""A loopback server that answers like Open-Meteo, and can be told to misbehave.

Key order and number formatting follow the server's JSON writer, error texts are the server's own. The
weather is a pure function of place, hour and quantity (`weather`), so a test knows what must come back.
"""

from __future__ import annotations

import json
import math
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

UNITS = {
    "temperature_2m": ("°C", 1),
    "relative_humidity_2m": ("%", 0),
    "wind_speed_10m": ("km/h", 1),
    "wind_direction_10m": ("°", 0),
    "wind_gusts_10m": ("km/h", 1),
    "shortwave_radiation": ("W/m²", 1),
    "soil_moisture_0_to_7cm": ("m³/m³", 3),
    "precipitation": ("mm", 2),
}
"""Hourly variable -> unit and decimals, at the server's defaults."""

LIMITS = {
    "minutely": "Minutely API request limit exceeded. Please try again in one minute.",
    "hourly": "Hourly API request limit exceeded. Please try again in the next hour.",
    "daily": "Daily API request limit exceeded. Please try again tomorrow.",
    "concurrent": "Too many concurrent requests",
}
"""Texts of status 429; the server sends no Retry-After with them."""

DAILY = {
    "temperature_2m_max": ("°C", 1),
    "temperature_2m_min": ("°C", 1),
    "temperature_2m_mean": ("°C", 1),
    "relative_humidity_2m_mean": ("%", 0),
    "precipitation_sum": ("mm", 2),
}
"""Daily variable -> unit and decimals, at the server's defaults."""

_SPAN = {"temperature_2m": (18.0, 42.0), "relative_humidity_2m": (20, 99), "wind_speed_10m": (0, 12),
         "wind_direction_10m": (0, 359), "wind_gusts_10m": (0, 25), "shortwave_radiation": (0, 900),
         "soil_moisture_0_to_7cm": (0.1, 0.4), "precipitation": (0, 30)}


def weather(quantity: str, lat: float, lon: float, hour: datetime) -> float:
    """The weather of this world at an hour (aware), in SI as the table of quantities has it."""
    low, high = _SPAN[quantity]
    phase = hour.timestamp() / 3600 * 0.7 + lat * 13 + lon * 7 + len(quantity)
    decimals = 2 if UNITS[quantity][0] == "km/h" else UNITS[quantity][1]
    return round(low + (high - low) * (1 + math.sin(phase)) / 2, decimals)


def day_weather(quantity: str, lat: float, lon: float, elevation: float, day: date) -> float:
    """The weather of this world on a day at a height; temperature falls by 6.5 K/km from 400 m."""
    unit, decimals = DAILY[quantity]
    phase = day.toordinal() * 0.017 + lat * 13 + lon * 7 + len(quantity)
    height = (elevation - 400) * 0.0065 if unit == "°C" else 0.0
    return round(20 + 15 * math.sin(phase) - height, decimals)


class Mistake(Exception):
    """A request the server refuses with status 400 and this reason."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request as it arrived."""

    path: str
    """Path without query."""
    query: dict[str, list[str]]
    """Parameter -> values, repeated ones in order."""
    headers: dict[str, str]
    """Header (lower case) -> value."""


Misbehaviour = Callable[["_Handler"], None]
"""Answers a request instead of the server."""


@dataclass
class OpenMeteoServer:
    """``with OpenMeteoServer(now=...) as server``: `server.url` is the base_url to ask."""

    now: datetime
    """The server's present; days count from it and nothing here reads a clock."""
    requests: list[Seen] = field(default_factory=list)
    """What was asked, oldest first."""
    connections: int = 0
    """How many connections were opened."""
    always: Misbehaviour | None = None
    """How every request is answered; None for weather."""
    once: deque[Misbehaviour] = field(default_factory=deque)
    """How the next requests are answered, one each."""
    edit: Callable[[list[dict[str, Any]]], object] = lambda answers: None
    """Changes the answers (one dict a place) before they are written."""
    known_until: datetime | None = None
    """Hours after this one are null."""
    closing: threading.Event = field(default_factory=threading.Event)
    """Set when the server goes, to wake those who hang."""

    def __enter__(self) -> OpenMeteoServer:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.world = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    @property
    def host(self) -> str:
        """Address and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """Address of the forecast."""
        return f"http://{self.host}/v1/forecast"

    @property
    def archive(self) -> str:
        """Address of the archive, which tells days as well."""
        return f"http://{self.host}/v1/archive"

    def answer(self, seen: Seen) -> bytes:
        """The body a request deserves, with a Mistake written as the server writes it."""
        try:
            told = _days_of_places if "daily" in seen.query else _answers
            answers = list(told(self, seen.query))
        except Mistake as mistake:
            return error_body(str(mistake))
        self.edit(answers)
        texts = [_written(answer) for answer in answers]
        return (texts[0] if len(texts) == 1 else f"[{','.join(texts)}]").encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64
    world: OpenMeteoServer

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lock = threading.Lock()
        self.open: set[socket.socket] = set()

    def hang_up(self) -> None:
        """End the connections that clients left open, so that their threads end too."""
        with self.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the middle is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.world.connections += 1
            self.server.open.add(self.connection)

    def finish(self) -> None:
        with self.server.lock:
            self.server.open.discard(self.connection)
        super().finish()

    def log_message(self, *_: object) -> None:
        """Keep quiet: the requests are recorded."""

    @property
    def world(self) -> OpenMeteoServer:
        return self.server.world

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query, keep_blank_values=True)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen = Seen(path=url.path, query=query, headers=headers)
        self.world.requests.append(self.seen)
        misbehave = self.world.once.popleft() if self.world.once else self.world.always
        misbehave(self) if misbehave else self.reply(200, self.weather())

    def weather(self) -> bytes:
        """The body this request deserves."""
        return self.world.answer(self.seen)

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        """Send a whole answer; an error body of the weather gets its status 400."""
        if status == 200 and body.startswith(b'{"error":true') and not headers:
            status = 400
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def begin(self, length: int) -> None:
        """Send the head of an answer whose body follows in pieces."""
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()


def error_body(reason: str) -> bytes:
    """An error as the server writes it."""
    return json.dumps({"error": True, "reason": reason}, ensure_ascii=False, separators=(",", ":")).encode()


def status(code: int, reason: str | None = None, **headers: str) -> Misbehaviour:
    """Answer with a status; with the server's error body where there is a reason."""
    body = error_body(reason) if reason is not None else b"upstream trouble"
    return lambda handler: handler.reply(code, body, X_Sent_By="simulator", **headers)


def limit(which: str) -> Misbehaviour:
    """Refuse with 429 and the text of one of the LIMITS."""
    return status(429, LIMITS[which])


def body(content: bytes) -> Misbehaviour:
    """Answer 200 with any bytes."""
    return lambda handler: handler.reply(200, content, X_Sent_By="simulator")


def truncated(handler: _Handler) -> None:
    """Weather whose JSON ends in the middle, with a length that agrees."""
    whole = handler.weather()
    handler.reply(200, whole[: len(whole) // 2])


def cut_off(handler: _Handler) -> None:
    """Announce the whole weather, send half and hang up."""
    whole = handler.weather()
    handler.begin(len(whole))
    handler.wfile.write(whole[: len(whole) // 2])
    handler.close_connection = True


def hang_up(handler: _Handler) -> None:
    """Hang up without a word."""
    handler.close_connection = True


def hang(handler: _Handler) -> None:
    """Say nothing until the server closes."""
    handler.world.closing.wait(30)
    handler.close_connection = True


def drip(pause: float = 0.02) -> Misbehaviour:
    """Send the weather one byte at a time, `pause` seconds apart."""

    def answer(handler: _Handler) -> None:
        whole = handler.weather()
        handler.begin(len(whole))
        for byte in whole:
            handler.wfile.write(bytes([byte]))
            if handler.world.closing.wait(pause):
                break
        handler.close_connection = True

    return answer


def drip_headers(handler: _Handler) -> None:
    """Send an endless header one byte at a time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.world.closing.wait(0.02):
        handler.wfile.write(b"a")


def huge(size: int) -> Misbehaviour:
    """Send a JSON string of `size` bytes."""
    return body(b'"' + b"a" * (size - 2) + b'"')


def redirect(location: str) -> Misbehaviour:
    """Send the client elsewhere."""
    return lambda handler: handler.reply(302, b"", Location=location)


def _listed(query: dict[str, list[str]], name: str) -> list[str]:
    return [part for text in query.get(name, []) for part in text.split(",") if part]


def _answers(world: OpenMeteoServer, query: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    places = _places(query)
    names = _listed(query, "hourly")
    for name in names:
        if name not in UNITS:
            raise Mistake(
                "Data corrupted at path ''. Cannot initialize ForecastVariable from invalid String"
                f" value {name}."
            )
    zone = ZoneInfo(_one(query, "timezone", "GMT"))
    hours = _hours(world, query, zone)
    offset = hours[0].astimezone(zone).utcoffset() or timedelta(0)
    local = [(hour + offset).strftime("%Y-%m-%dT%H:%M") for hour in hours]
    factor, unit = _wind(query)
    for index, (lat, lon, elevation) in enumerate(places):
        hourly: dict[str, Any] = {"time": list(local)}
        for name in names:
            times = factor if UNITS[name][0] == "km/h" else 1.0
            hourly[name] = [
                None if world.known_until and hour > world.known_until
                else weather(name, lat, lon, hour) * times
                for hour in hours
            ]
        units = {"time": "iso8601"} | {
            name: unit if UNITS[name][0] == "km/h" else UNITS[name][0] for name in names
        }
        yield {
            "latitude": round(lat * 8) / 8,
            "longitude": round(lon * 8) / 8,
            "generationtime_ms": 0.21,
            "utc_offset_seconds": int(offset.total_seconds()),
            "timezone": zone.key,
            "timezone_abbreviation": "GMT" if not offset else f"GMT+{offset // timedelta(hours=1)}",
            "elevation": elevation,
            **({"location_id": index} if index else {}),
            "hourly_units": units,
            "hourly": hourly,
        }


def _days_of_places(
    world: OpenMeteoServer, query: dict[str, list[str]]
) -> Iterator[dict[str, Any]]:
    names = _listed(query, "daily")
    for name in names:
        if name not in DAILY:
            raise Mistake(
                "Data corrupted at path ''. Cannot initialize ForecastVariableDaily from invalid"
                f" String value {name}."
            )
    zone = ZoneInfo(_one(query, "timezone", "GMT"))
    first, last = _days(query, world.now.astimezone(zone).date())
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    unknown = world.known_until.date() if world.known_until else date.max
    # The server takes today's offset for the whole answer, whatever summer times there were.
    offset = world.now.astimezone(zone).utcoffset() or timedelta(0)
    for index, (lat, lon, elevation) in enumerate(_places(query)):
        daily: dict[str, Any] = {"time": [day.isoformat() for day in days]}
        for name in names:
            daily[name] = [
                None if day > unknown else day_weather(name, lat, lon, elevation, day)
                for day in days
            ]
        yield {
            "latitude": lat,
            "longitude": lon,
            "generationtime_ms": 21.0,
            "utc_offset_seconds": int(offset.total_seconds()),
            "timezone": zone.key,
            "timezone_abbreviation": f"GMT+{offset // timedelta(hours=1)}",
            "elevation": elevation,
            **({"location_id": index} if index else {}),
            "daily_units": {"time": "iso8601"} | {name: DAILY[name][0] for name in names},
            "daily": daily,
        }


def _places(query: dict[str, list[str]]) -> list[tuple[float, float, float]]:
    lats = [float(text) for text in _listed(query, "latitude")]
    lons = [float(text) for text in _listed(query, "longitude")]
    heights = [float(text) for text in _listed(query, "elevation")] or [38.0] * len(lats)
    if len(lats) > 1000:
        raise Mistake("Only up to 1000 locations can be requested at once")
    for lat in lats:
        if not -90 <= lat <= 90:
            raise Mistake(f"Latitude must be in range of -90 to 90°. Given: {lat}.")
    if not len(lats) == len(lons) == len(heights) or not lats:
        raise Mistake("Parameter 'latitude' and 'longitude' must have the same number of elements")
    return list(zip(lats, lons, heights, strict=True))


def _one(query: dict[str, list[str]], name: str, default: str) -> str:
    return query.get(name, [default])[0]


def _hours(world: OpenMeteoServer, query: dict[str, list[str]], zone: ZoneInfo) -> list[datetime]:
    today = world.now.astimezone(zone).date()
    first, last = _days(query, today)
    start = datetime(first.year, first.month, first.day, tzinfo=zone).astimezone(UTC)
    return [start + timedelta(hours=hour) for hour in range(24 * ((last - first).days + 1))]


def _days(query: dict[str, list[str]], today: date) -> tuple[date, date]:
    if ("start_date" in query) != ("end_date" in query):
        raise Mistake("Both 'start_date' and 'end_date' must be set in the url")
    past, ahead = int(_one(query, "past_days", "0")), int(_one(query, "forecast_days", "7"))
    if "start_date" not in query:
        if not 0 <= past <= 93:
            raise Mistake(f"Past days is invalid. Allowed range 0 to 93. Given {past}.")
        return today - timedelta(days=past), today + timedelta(days=ahead - 1)
    for name in ("start_date", "end_date"):
        if not date(1940, 1, 1) <= date.fromisoformat(query[name][0]) <= today:
            raise Mistake(f"Parameter '{name}' is out of allowed range from 1940-01-01 to {today}")
    return date.fromisoformat(query["start_date"][0]), date.fromisoformat(query["end_date"][0])


def _wind(query: dict[str, list[str]]) -> tuple[float, str]:
    known = {"kmh": (3.6, "km/h"), "ms": (1.0, "m/s"), "mph": (2.2369363, "mp/h"), "kn": (1.943844, "kn")}
    return known[_one(query, "wind_speed_unit", "kmh")]


def _written(answer: dict[str, Any]) -> str:
    """One place, with the decimals of each variable as the server writes them."""
    parts = [
        f"{json.dumps(key)}:{_table(value, answer)}" if key in ("hourly", "daily")
        else f"{json.dumps(key)}:{json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
        for key, value in answer.items()
    ]
    return "{" + ",".join(parts) + "}"


def _table(columns: dict[str, list[Any]], answer: dict[str, Any]) -> str:
    texts = [f"{json.dumps(name)}:{_column(name, column, answer)}" for name, column in columns.items()]
    return f"{{{','.join(texts)}}}"


def _column(name: str, column: list[Any], answer: dict[str, Any]) -> str:
    unit = answer.get("hourly_units", {}).get(name)
    decimals = 2 if unit == "m/s" else (UNITS | DAILY).get(name, ("", 3))[1]
    return f"[{','.join(_number(value, decimals) for value in column)}]"


def _number(value: Any, decimals: int) -> str:
    if type(value) in (int, float) and abs(value) < 1e15:
        return f"{value:.{decimals}f}"
    return json.dumps(value, ensure_ascii=False)
