"""What was seen on the spot: the details of a damage report that came from a phone, and its photographs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, select

from alerts.record import audit
from alerts.record.tables import sighting


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """Where exactly, how many, and what it looks like."""

    id: int
    """Number of the damage report."""
    sent: str
    """What the sender calls it; the same one again is no second report."""
    spot: str = ""
    """Where within the town, in words."""
    lat: float | None = None
    """Latitude of the phone [degrees north, WGS-84]; None where it was not told."""
    lon: float | None = None
    """Longitude of the phone [degrees east, WGS-84]; None where it was not told."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What -> how many: people moved, houses, and the like; what nobody counted is left out."""
    photos: tuple[str, ...] = ()
    """SHA-256 and suffix of each photograph, by which it is filed."""


def keep(connection: Connection, seen: Sighting, at: datetime) -> None:
    """Keep the details of a damage report, in the transaction that keeps the report."""
    row = asdict(seen) | {"counts": dict(seen.counts), "photos": list(seen.photos)}
    connection.execute(insert(sighting), row)
    audit.seal(connection, at, "sighting", [seen.id])


def sent_as(connection: Connection, sent: str) -> Sighting | None:
    """What was sent under a name; None where nothing was."""
    return next(iter(_read(connection, sighting.c.sent == sent)), None)


def of(connection: Connection, numbers: Iterable[int]) -> dict[int, Sighting]:
    """Number of a damage report -> its details, of those that have any."""
    return {seen.id: seen for seen in _read(connection, sighting.c.id.in_(list(numbers)))}


def filed(connection: Connection, photo: str) -> bool:
    """Whether a report has a photograph of this name."""
    return any(photo in row.photos for row in connection.execute(select(sighting.c.photos)))


def _read(connection: Connection, condition: ColumnElement[bool]) -> list[Sighting]:
    rows = connection.execute(select(sighting).where(condition))
    return [Sighting(**dict(row._mapping) | {"photos": tuple(row.photos)}) for row in rows]
