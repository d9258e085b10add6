"""What an import would bring: periods, places, quantities, what is missing; nothing is archived."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ingest.batch import Batch, Flag
from ingest.holdings import Gap, all_gaps, clock_of
from ingest.timeline import Clock
from ingest.times import from64


@dataclass(frozen=True, kw_only=True)
class Told:
    """One quantity of a survey."""

    known: int
    """Values that are said."""
    missing: int
    """Values that are NaN in hours of which something else is said."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What would come from one source, of one kind."""

    source: str
    """Name under which it would be archived."""
    kind: str
    """``observation`` or ``forecast``."""
    batches: int
    """Statements."""
    first: datetime
    """First hour told of, aware UTC."""
    last: datetime
    """Last hour told of, aware UTC."""
    known_from: datetime
    """When the first became known, aware UTC."""
    known_until: datetime
    """When the last did, aware UTC."""
    places: tuple[str, ...]
    """Towns told of."""
    quantities: dict[str, Told]
    """What is told of them."""
    flags: tuple[str, ...]
    """Provenance that values carry."""
    gaps: tuple[Gap, ...]
    """Hours between the first and the last that nothing is told of."""


def survey(batches: Iterable[Batch]) -> list[Survey]:
    """What batches would bring, by source and kind; they are read through once and none is kept."""
    counts: dict[tuple[str, str], _Count] = {}
    for batch in batches:
        counts.setdefault((batch.source, batch.kind), _Count(batch)).add(batch)
    return [counts[key].survey() for key in sorted(counts)]


class _Count:
    """Counts what one source says of one kind."""

    def __init__(self, first: Batch) -> None:
        self.first = self.last = first
        self.batches = 0
        self.places: dict[str, None] = {}
        self.known: dict[str, int] = {}
        self.missing: dict[str, int] = {}
        self.flags = 0
        self.hours: dict[Clock, set[int]] = {}

    def add(self, batch: Batch) -> None:
        """Take one batch into the count."""
        self.batches += 1
        self.last = batch
        self.places |= dict.fromkeys(batch.places)
        hours = (batch.valid_at.astype(np.int64) // 3600).tolist()
        self.hours.setdefault(clock_of(batch.values), set()).update(hours)
        for name, values in batch.values.items():
            unknown = int(np.isnan(values).sum())
            self.known[name] = self.known.get(name, 0) + values.size - unknown
            self.missing[name] = self.missing.get(name, 0) + unknown
        for bits in batch.flags.values():
            self.flags |= int(np.bitwise_or.reduce(bits, axis=None))

    def survey(self) -> Survey:
        """What was counted."""
        hours = [hour for told in self.hours.values() for hour in told]
        ends = [from64(np.datetime64(hour * 3600, "s")) for hour in (min(hours), max(hours))]
        told = {
            name: Told(known=known, missing=self.missing[name]) for name, known in self.known.items()
        }
        return Survey(
            source=self.first.source,
            kind=self.first.kind,
            batches=self.batches,
            first=ends[0],
            last=ends[1],
            known_from=self.first.available_at,
            known_until=self.last.available_at,
            places=tuple(self.places),
            quantities=told,
            flags=tuple(str(flag.name) for flag in Flag if self.flags & flag),
            gaps=all_gaps(self.hours),
        )
