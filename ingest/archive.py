"""The archive: an append-only list of batches, readable as of any moment."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import xarray as xr
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    or_,
    select,
    type_coerce,
)

from ingest.batch import Batch, Values
from ingest.block import View, Walk, exact64, fill, reported
from ingest.codec import Envelope, decode, encode
from ingest.database import UtcTime
from ingest.times import HOUR, Instants, from64, utc

metadata = MetaData()

_batch = Table(
    "batch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("issued_at", UtcTime, nullable=False),
    Column("available_at", UtcTime, nullable=False),
    Column("first_valid", UtcTime, nullable=False),
    Column("last_valid", UtcTime, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("batch_known", "kind", "source", "last_valid", "available_at"),
    Index("batch_available", "available_at"),
    Index("batch_source", "source", "available_at"),
)

_CACHE_BYTES = 256 * 1024 * 1024
_VALUE_BYTES = 8

# Statements are written once: an hour of weather costs a dozen of them, and composing one takes longer than
# the database takes to answer it.
_TELLS_APART = ("source", "kind", "issued_at", "available_at", "digest")
_NAMES = select(*(_batch.c[name] for name in _TELLS_APART))
_SAME = _NAMES.where(*(_batch.c[name] == bindparam(name) for name in _TELLS_APART))
_SAME_OF_MANY = _NAMES.where(
    _batch.c.source.in_(bindparam("sources", expanding=True)),
    _batch.c.available_at.between(bindparam("first"), bindparam("last")),
    _batch.c.digest.in_(bindparam("digests", expanding=True)),
)
_ADD = insert(_batch)
_ARRIVALS = (
    select(_batch.c.available_at)
    .distinct()
    .where(_batch.c.available_at > bindparam("after"), _batch.c.available_at <= bindparam("until"))
    .order_by(_batch.c.available_at)
)
_TELLING = (
    (_batch.c.available_at > bindparam("after"))
    & (_batch.c.available_at <= bindparam("until"))
    & (_batch.c.kind == "observation")
    & _batch.c.source.in_(bindparam("sources", expanding=True))
)
_EARLIEST = select(func.min(_batch.c.first_valid)).where(_TELLING)
_TOLD = (
    select(_batch.c.available_at, _batch.c.first_valid)
    .where(_TELLING)
    .order_by(_batch.c.available_at)
)
_STATEMENTS = (
    select(
        _batch.c.source,
        _batch.c.kind,
        func.max(_batch.c.issued_at, type_=UtcTime).label("issued_at"),
        func.max(_batch.c.available_at, type_=UtcTime).label("available_at"),
    )
    .where(_batch.c.available_at <= bindparam("until"))
    .group_by(_batch.c.source, _batch.c.kind)
    .order_by(_batch.c.source, _batch.c.kind)
)
_NEWEST = select(func.max(_batch.c.available_at))
_NEWEST_OF = _NEWEST.where(_batch.c.source == bindparam("source"))
# A rolled back row number is given to another batch, and two databases number alike: a batch in memory is
# known by all of this. The times are compared as they are stored, and need no reading.
_IDENTITY = (
    type_coerce(_batch.c.available_at, Text),
    _batch.c.id,
    _batch.c.source,
    _batch.c.kind,
    type_coerce(_batch.c.issued_at, Text),
    _batch.c.digest,
)


def _valid(kind: str, since: str, sources: str = "sources") -> ColumnElement[bool]:
    """Batches of a kind from the asked sources with a valid hour at or after the moment called `since`.

    Without the other end a replay would look, for every block, through all the years that follow.
    """
    return (
        (_batch.c.kind == kind)
        & _batch.c.source.in_(bindparam(sources, expanding=True))
        & _batch.c.last_valid.between(bindparam(since), bindparam("farthest"))
    )


# Not ordered here: SQLite would rather walk a source's whole past in order than sort a few rows.
_KNOWN = select(*_IDENTITY).where(_batch.c.available_at <= bindparam("until"))
_VIEWED = _KNOWN.where(
    or_(
        _valid("observation", "observed_from"),
        _valid("forecast", "foretold_from"),
        _valid("observation", "remembered_from", "remembering"),
    )
)
_REPORTED = _KNOWN.where(_valid("observation", "observed_from"))
_CONTENT = select(
    _batch.c.id,
    _batch.c.source,
    _batch.c.kind,
    _batch.c.issued_at,
    _batch.c.available_at,
    _batch.c.payload,
).where(_batch.c.id.in_(bindparam("ids", expanding=True)))
_MANY = 500
# Further ahead than any source tells: seasonal outlooks end after nine months.
_FARTHEST = timedelta(days=400)
# So much is encoded and added at once: a forecast of a province alone, or hundreds of hours of a district.
_AT_ONCE_BYTES = 4 * 1024 * 1024
_Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """The newest that one source has said."""

    source: str
    """Name of the source."""
    kind: str
    """``observation`` or ``forecast``."""
    issued_at: datetime
    """When it stated it: the run of a forecast."""
    available_at: datetime
    """When it became known."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """Reads and appends batches on a connection it is given; never changes or deletes one."""

    cache_bytes: InitVar[int] = _CACHE_BYTES
    """How much decoded weather is kept in memory; reading is slower with less, never different."""
    _decoded: _Cache = field(init=False, repr=False)

    def __post_init__(self, cache_bytes: int) -> None:
        object.__setattr__(self, "_decoded", _Cache(cache_bytes))

    def append(self, connection: Connection, batches: Iterable[Batch]) -> int:
        """Add batches and return how many were new; one that is already there is not added twice."""
        count = 0
        for told in _portions(batches):
            fresh = _fresh(connection, [_row(batch) for batch in told])
            if fresh:
                connection.execute(_ADD, fresh)
            count += len(fresh)
        return count

    def block(self, connection: Connection, nows: Sequence[datetime], view: View) -> xr.Dataset:
        """What was known at each `now`: dims (now, place, hour), see `ingest.block.fill`.

        A batch that tells of a moment more than 400 days after the last now is not read.
        """
        return fill(self._viewed(connection, nows, view), _exact(nows), view)

    def walk(self, connection: Connection, nows: Sequence[datetime], view: View) -> Walk:
        """The same now after now, for whoever says something at one that is known at the next."""
        return Walk(self._viewed(connection, nows, view), _exact(nows), view)

    def _viewed(
        self, connection: Connection, nows: Sequence[datetime], view: View
    ) -> list[Batch]:
        ahead = utc(min(nows)) - view.latency - HOUR
        back = ahead - timedelta(hours=view.hours_back)
        asked = {
            "sources": view.sources,
            "remembering": view.remembering,
            "until": utc(max(nows)),
            "farthest": utc(max(nows)) + _FARTHEST,
            "observed_from": back,
            "foretold_from": ahead,
            "remembered_from": utc(min(nows)) - timedelta(days=view.days_back + 1),
        }
        return self._read(connection, _VIEWED, asked)

    def recent(self, connection: Connection, batch: Batch, hours: int) -> dict[str, Values]:
        """What the batch's own source had reported of the hours before it when it arrived.

        Returns quantity -> array (place, hours), masked values included, the last column one hour before
        the batch; NaN where nothing was reported.
        """
        first = from64(batch.valid_at[0])
        asked = {
            "sources": [batch.source],
            "until": batch.available_at,
            "farthest": batch.available_at + _FARTHEST,
            "observed_from": first - timedelta(hours=hours),
        }
        own = self._read(connection, _REPORTED, asked)
        return reported(own, batch.places, batch.valid_at[0], hours)

    def arrivals(self, connection: Connection, after: datetime, until: datetime) -> list[datetime]:
        """Distinct moments in (after, until] at which something new became known."""
        return list(connection.scalars(_ARRIVALS, {"after": after, "until": until}))

    def statements(self, connection: Connection, until: datetime) -> list[Statement]:
        """The newest statement of each source, by kind, known at a moment."""
        rows = connection.execute(_STATEMENTS, {"until": utc(until)})
        return [Statement(**row._mapping) for row in rows]

    def earliest(
        self, connection: Connection, after: datetime, until: datetime, sources: Sequence[str]
    ) -> datetime | None:
        """First hour that observations of some sources tell of which became known in (after, until]."""
        asked = {"after": after, "until": until, "sources": list(sources)}
        first: datetime | None = connection.scalar(_EARLIEST, asked)
        return first

    def told(
        self, connection: Connection, after: datetime, until: datetime, sources: Sequence[str]
    ) -> list[tuple[datetime, datetime]]:
        """When observations became known in (after, until], and of which first hour each told."""
        asked = {"after": after, "until": until, "sources": list(sources)}
        return [(row[0], row[1]) for row in connection.execute(_TOLD, asked)]

    def sources(self, connection: Connection) -> list[str]:
        """Names of all sources that ever said anything."""
        query = select(_batch.c.source).distinct().order_by(_batch.c.source)
        return list(connection.scalars(query))

    def newest(self, connection: Connection, source: str | None = None) -> datetime | None:
        """When something last became known, from one source or from any; None where never."""
        asked = (_NEWEST, {}) if source is None else (_NEWEST_OF, {"source": source})
        newest: datetime | None = connection.scalar(*asked)
        return newest

    def _read(
        self, connection: Connection, query: Select[Any], asked: dict[str, Any]
    ) -> list[Batch]:
        """The batches a query names, as they became known, from memory where they are there."""
        rows = sorted(tuple(row) for row in connection.execute(query, asked).all())
        found = {row[1]: self._decoded.get(row) for row in rows}
        missing = {row[1]: row for row in rows if found[row[1]] is None}
        fresh = self._decode(connection, missing)
        return [found[row[1]] or fresh[row[1]] for row in rows]

    def _decode(
        self, connection: Connection, missing: dict[int, tuple[Any, ...]]
    ) -> dict[int, Batch]:
        numbers = list(missing)
        decoded = {}
        for start in range(0, len(numbers), _MANY):
            for row in connection.execute(_CONTENT, {"ids": numbers[start : start + _MANY]}):
                envelope = Envelope(
                    source=row.source,
                    kind=row.kind,
                    issued_at=row.issued_at,
                    available_at=row.available_at,
                )
                decoded[row.id] = decode(envelope, row.payload)
                self._decoded.keep(missing[row.id], decoded[row.id])
        return decoded


def _exact(nows: Sequence[datetime]) -> Instants:
    return np.array([exact64(now) for now in nows])


def _portions(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    portion: list[Batch] = []
    size = 0
    for batch in batches:
        portion.append(batch)
        size += _bytes(batch)
        if size >= _AT_ONCE_BYTES or len(portion) == _MANY:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _row(batch: Batch) -> _Row:
    payload = encode(batch)
    return {
        "source": batch.source,
        "kind": batch.kind,
        "issued_at": batch.issued_at,
        "available_at": batch.available_at,
        "first_valid": from64(batch.valid_at[0]),
        "last_valid": from64(batch.valid_at[-1]),
        "digest": hashlib.sha256(payload).hexdigest(),
        "payload": payload,
    }


def _fresh(connection: Connection, rows: Sequence[_Row]) -> list[_Row]:
    """Those of some rows that are not archived, each once."""
    if len(rows) == 1:
        return [row for row in rows if connection.execute(_SAME, row).first() is None]
    known = [row["available_at"] for row in rows]
    asked = {
        "sources": list({row["source"] for row in rows}),
        "first": min(known),
        "last": max(known),
        "digests": [row["digest"] for row in rows],
    }
    there = {tuple(row) for row in connection.execute(_SAME_OF_MANY, asked)}
    fresh = []
    for row in rows:
        identity = tuple(row[name] for name in _TELLS_APART)
        if identity not in there:
            there.add(identity)
            fresh.append(row)
    return fresh


class _Cache:
    """Decoded batches by identity, the least used forgotten first; threads may share it."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._size = 0
        self._batches: OrderedDict[tuple[Any, ...], tuple[Batch, int]] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, identity: tuple[Any, ...]) -> Batch | None:
        """A batch, freshly used; None where it is not here."""
        with self._guard:
            found = self._batches.get(identity)
            if found is None:
                return None
            self._batches.move_to_end(identity)
            return found[0]

    def keep(self, identity: tuple[Any, ...], batch: Batch) -> None:
        """Keep a batch; others go while the size is over the limit."""
        with self._guard:
            if identity not in self._batches:
                size = _bytes(batch)
                self._batches[identity] = (batch, size)
                self._size += size
            while self._size > self._largest and len(self._batches) > 1:
                _, (_, size) = self._batches.popitem(last=False)
                self._size -= size


def _bytes(batch: Batch) -> int:
    cells = len(batch.places) * batch.valid_at.size
    return cells * (_VALUE_BYTES * len(batch.values) + len(batch.flags))
