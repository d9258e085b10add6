"""What the archive holds: per source and kind, the hours, quantities and gaps, read without the values."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from ingest.archive import metadata
from ingest.quantities import quantity
from ingest.timeline import Clock
from ingest.times import from64

_BATCH = metadata.tables["batch"]
_LENGTH = struct.Struct("<I")
_ROWS = 500


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Hours, or days, in a row of which nothing was said."""

    first: datetime
    """The first of them, aware UTC."""
    last: datetime
    """The last of them, aware UTC."""


@dataclass(frozen=True, kw_only=True)
class Holding:
    """What one source has said of one kind."""

    source: str
    """Its name."""
    kind: str
    """``observation`` or ``forecast``."""
    batches: int
    """How many statements."""
    first: datetime
    """First hour told of, aware UTC."""
    last: datetime
    """Last hour told of, aware UTC."""
    known_from: datetime
    """When the first statement became known, aware UTC."""
    known_until: datetime
    """When the last one did, aware UTC."""
    places: tuple[str, ...]
    """Places told of, in the order they came."""
    quantities: tuple[str, ...]
    """Quantities told of, in the order they came."""
    gaps: tuple[Gap, ...]
    """Hours between the first and the last that no statement tells of; of days, days."""


def holdings(connection: Connection) -> list[Holding]:
    """Everything the archive holds, by source and kind; the heads of the batches are read, no values.

    A value of NaN counts as told here: what is missing within a batch only a block shows.
    """
    tallies: dict[tuple[str, str], _Tally] = {}
    for row in _rows(connection):
        tally = tallies.setdefault((row.source, row.kind), _Tally(row.source, row.kind))
        tally.add(row.available_at, _head(row.payload))
    return [tallies[key].holding() for key in sorted(tallies)]


def _rows(connection: Connection) -> Iterator[Any]:
    """Every batch as it became known, a few at a time."""
    columns = [_BATCH.c[name] for name in ("source", "kind", "available_at", "payload")]
    query = _BATCH.select().with_only_columns(*columns).order_by(_BATCH.c.available_at, _BATCH.c.id)
    yield from connection.execution_options(yield_per=_ROWS).execute(query)


def _head(payload: bytes) -> dict[str, Any]:
    """Places, hours and names of a batch, decompressed no further than they reach."""
    (length,) = _LENGTH.unpack_from(payload)
    text = zlib.decompressobj().decompress(payload[_LENGTH.size :], length)
    head: dict[str, Any] = json.loads(text[:length])
    return head


class _Tally:
    """Counts the batches of one source and kind."""

    def __init__(self, source: str, kind: str) -> None:
        self.source = source
        self.kind = kind
        self.count = 0
        self.known: list[datetime] = []
        self.places: dict[str, None] = {}
        self.quantities: dict[str, None] = {}
        self.hours: dict[Clock, set[int]] = {}

    def add(self, available_at: datetime, head: dict[str, Any]) -> None:
        """Take in one batch."""
        self.count += 1
        self.known = [self.known[0] if self.known else available_at, available_at]
        self.places |= dict.fromkeys(head["places"])
        self.quantities |= dict.fromkeys(head["values"])
        if head["values"]:
            self.hours.setdefault(clock_of(head["values"]), set()).update(head["hours"])

    def holding(self) -> Holding:
        """What was counted."""
        hours = [hour for told in self.hours.values() for hour in told]
        return Holding(
            source=self.source,
            kind=self.kind,
            batches=self.count,
            first=_moment(min(hours)),
            last=_moment(max(hours)),
            known_from=self.known[0],
            known_until=self.known[1],
            places=tuple(self.places),
            quantities=tuple(self.quantities),
            gaps=all_gaps(self.hours),
        )


def clock_of(names: Iterable[str]) -> Clock:
    """The clock by which the quantities of a batch are told: of hours, or of days that end alike."""
    return Clock.of(quantity(next(iter(names))))


def all_gaps(hours: Mapping[Clock, Collection[int]]) -> tuple[Gap, ...]:
    """Gaps in the hours told by each clock [h since 1970], the earliest first."""
    told = (gaps_between(np.array(sorted(own), dtype=np.int64)) for own in hours.values())
    return tuple(sorted((gap for own in told for gap in own), key=lambda gap: gap.first))


def gaps_between(hours: npt.NDArray[np.int64]) -> tuple[Gap, ...]:
    """Stretches that rising hours [h since 1970] leave out.

    Where nothing is told more often than every few hours, the usual step is no gap: days leave out the hours
    between their ends.
    """
    steps = np.diff(hours)
    usual = int(np.sort(steps)[(steps.size - 1) // 2]) if steps.size else 1
    return tuple(
        Gap(first=_moment(hours[at] + usual), last=_moment(hours[at + 1] - usual))
        for at in np.flatnonzero(steps > usual).tolist()
        if hours[at] + usual <= hours[at + 1] - usual
    )


def _moment(hour: np.int64 | int) -> datetime:
    return from64(np.datetime64(int(hour) * 3600, "s"))
