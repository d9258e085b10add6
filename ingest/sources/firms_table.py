"""Reading one answer of NASA FIRMS: a table of fire detections, or one sentence why there is none."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ingest.errors import BadPayload

CONFIDENCES = ("low", "nominal", "high")
"""Classes of confidence, the weakest first."""

MOST_ROWS = 20_000
"""Detections one answer may hold: a burning province has hundreds a day."""

# MODIS gives 0 to 100; its user's guide calls 30 and more nominal, 80 and more high. VIIRS gives the class.
_NOMINAL_FROM, _HIGH_FROM = 30.0, 80.0
_LETTERS = {name: name for name in CONFIDENCES} | {name[0]: name for name in CONFIDENCES}
_COLUMNS = frozenset(
    {"latitude", "longitude", "acq_date", "acq_time", "satellite", "confidence"}
)
_AGAIN = "it is asked again at the next pull"


@dataclass(frozen=True, kw_only=True)
class Detection:
    """One pixel in which a satellite saw a fire; two are the same whatever confidence they were given."""

    lat: float
    """Latitude of the middle of the pixel [degrees north]; of MODIS 1 km and more, of VIIRS 375 m."""
    lon: float
    """Longitude of the same [degrees east]."""
    seen_at: datetime
    """When the satellite passed, to the minute, aware UTC."""
    satellite: str
    """Which satellite, as the table writes it."""
    confidence: str = field(compare=False)
    """One of `CONFIDENCES`."""


def read_detections(text: str, host: str) -> list[Detection]:
    """Every detection of a CSV table of MODIS or VIIRS, in its order, repetitions included.

    The columns may come in any order and be more than needed. Raises BadPayload naming the line where
    a row cannot be read, and where there are more than `MOST_ROWS`; a text without the header of such
    a table is refused with its first words (the server answers 200 to a wrong key).
    """
    try:
        rows = list(_rows(text, host))
    except csv.Error:
        raise BadPayload(f"{host} sent a damaged table; {_AGAIN}") from None
    return [_detection(row, line, host) for line, row in enumerate(rows, start=2)]


def first_words(text: str) -> str:
    """What a server says instead of a table, in one line of at most 200 characters; empty for a web page."""
    return "" if text.lstrip().startswith("<") else " ".join(text[:2000].split())[:200]


def _rows(text: str, host: str) -> Iterator[Mapping[str, str]]:
    lines = csv.reader(text.splitlines())
    header = next(lines, [])
    if not set(header) >= _COLUMNS:
        raise BadPayload(
            f'{host} sent no table of fire detections and says: "{first_words(text)}"; check the key and'
            " the address of this source"
        )
    for number, cells in enumerate(lines, start=2):
        if number > MOST_ROWS + 1:
            raise BadPayload(f"{host} sent more than {MOST_ROWS} detections; ask for fewer days")
        if len(cells) != len(header):
            raise BadPayload(f"{host} sent a table that breaks off in line {number}; {_AGAIN}")
        yield dict(zip(header, cells, strict=True))


def _detection(row: Mapping[str, str], line: int, host: str) -> Detection:
    try:
        lat, lon = float(row["latitude"]), float(row["longitude"])
        # The server leaves out leading zeros: 612 is 06:12.
        moment = f"{row['acq_date']} {int(row['acq_time']):04d}"
        seen_at = datetime.strptime(moment, "%Y-%m-%d %H%M").replace(tzinfo=UTC)
        confidence = _confidence(row["confidence"])
    except ValueError:
        raise BadPayload(
            f"{host} sent a detection without a usable place, time or confidence in line {line}; {_AGAIN}"
        ) from None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise BadPayload(f"{host} sent a detection that is nowhere on Earth in line {line}; {_AGAIN}")
    return Detection(
        lat=lat, lon=lon, seen_at=seen_at, satellite=row["satellite"], confidence=confidence
    )


def _confidence(text: str) -> str:
    """The class of a letter, a word or a number from 0 to 100; ValueError for anything else."""
    if text in _LETTERS:
        return _LETTERS[text]
    number = float(text)
    if not 0 <= number <= 100:
        raise ValueError(f"{text} is no confidence")
    return "high" if number >= _HIGH_FROM else "nominal" if number >= _NOMINAL_FROM else "low"
