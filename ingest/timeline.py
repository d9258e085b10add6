"""A timeline: what each source has said so far, laid side by side on the hours or days it speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ingest.batch import Batch, Flags, Kind, Values
from ingest.layer import Index, Layer, Numbers, Rows, Spot
from ingest.quantities import Quantity
from ingest.times import BEIJING_OFFSET_H, Instants

NOWHERE = np.int64(np.iinfo(np.int64).min)


@dataclass(frozen=True, kw_only=True)
class Clock:
    """How instants are numbered: by hours, or by days that end at an hour of Beijing time."""

    hours: int = 1
    """Hours from one number to the next: 1 or 24."""
    ends: int = 0
    """Hour of Beijing time at which a day ends."""

    @classmethod
    def of(cls, measured: Quantity) -> Clock:
        """The clock of a quantity."""
        return cls(hours=24, ends=measured.day_ends) if measured.meaning == "day" else cls()

    def numbers(self, valid_at: Instants) -> Numbers:
        """Number of the hour or day that ends at each whole hour; `NOWHERE` for an hour that ends no day."""
        hours = valid_at.astype("datetime64[s]").astype(np.int64) // 3600 + self._shift
        if self.hours == 1:
            return hours
        return np.where(hours % self.hours == 0, hours // self.hours, NOWHERE)

    def coming(self, valid_at: Instants) -> Numbers:
        """Number of the hour or day that ends at each whole hour, or first after it."""
        hours = valid_at.astype("datetime64[s]").astype(np.int64) // 3600 + self._shift
        found: Numbers = -(-hours // self.hours)
        return found

    def running(self, nows: Instants) -> Numbers:
        """Number of the hour or day under way at each now; one that ends at a now is over."""
        seconds = nows.astype("datetime64[s]").astype(np.int64) + self._shift * 3600
        found: Numbers = seconds // (self.hours * 3600) + 1
        return found

    @property
    def _shift(self) -> int:
        return BEIJING_OFFSET_H - self.ends if self.hours > 1 else 0


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Layers by kind and source on one stretch of hours or days.

    Before each now lies what was observed, after it what was foretold: a layer holds only the columns that
    some window shows of its kind.
    """

    clock: Clock
    """What its columns count."""
    first: int
    """Number of the last observed column at the first now."""
    back: int
    """Observed columns of a window."""
    ahead: int
    """Foretold columns of a window."""
    shifts: int
    """How many columns the window moves from the first now to the last."""
    places: tuple[str, ...]
    """Place ids, its rows."""
    quantities: tuple[str, ...]
    """Names of what it holds."""
    boards: dict[str, tuple[Values, Flags]] = field(default_factory=dict)
    """Source -> values and flags (quantity, column, place): observed columns, then foretold ones. For one
    now alone, that is a window."""
    layers: dict[tuple[Kind, str], Layer] = field(default_factory=dict)
    """(Kind, source) -> layer, a part of the board of its source."""
    rows: list[tuple[tuple[str, ...], Rows]] = field(default_factory=list)
    """Places that batches had, and what rows they are. Few differ, and a hash of many takes long."""

    def lay(self, run: list[Batch]) -> None:
        """Lay the usable values of a run of batches over what was known before."""
        told = run[0].values
        rows = [row for row, name in enumerate(self.quantities) if name in told]
        spot = self._spot(run) if rows else None
        if spot is None:
            return
        layer = self._layer(run[0].kind, run[0].source)
        for start, end in _stretches(rows):
            layer.lay(start, self.quantities[start:end], spot)

    def _spot(self, run: list[Batch]) -> Spot | None:
        """Where in its layer a run goes; None where no window shows it."""
        hours = [batch.valid_at for batch in run]
        columns = self.clock.numbers(np.concatenate(hours) if len(run) > 1 else hours[0])
        columns -= self._start(run[0].kind)
        chosen = np.flatnonzero((columns >= 0) & (columns < self._width(run[0].kind)))
        rows = self._rows(run[0].places)
        if not chosen.size or (rows is not None and not rows[0].size):
            return None
        columns = columns[chosen]
        run, chosen, issued = _shown(run, chosen)
        return Spot(
            run=run,
            columns=_whole(columns),
            rows=rows,
            chosen=_whole(chosen),
            entire=rows is None and chosen.size == sum(batch.valid_at.size for batch in run),
            issued=issued,
        )

    def first_columns(self, kind: Kind, batches: Sequence[Batch]) -> list[int]:
        """For each batch a column of the layers of a kind before which it tells of nothing."""
        hours = np.array([batch.valid_at[0] for batch in batches], "datetime64[s]")
        columns: list[int] = (self.clock.coming(hours) - self._start(kind)).tolist()
        return columns

    def shown(self, kind: Kind) -> int:
        """How many columns of a kind a window shows."""
        return self.back if kind == "observation" else self.ahead

    def _start(self, kind: Kind) -> int:
        return self.first - self.back + 1 if kind == "observation" else self.first + 1

    def _width(self, kind: Kind) -> int:
        return self.shifts + self.shown(kind)

    def _rows(self, places: tuple[str, ...]) -> Rows:
        for known, rows in self.rows:
            if known is places or known == places:
                return rows
        self.rows.append((places, None if places == self.places else _shared(self.places, places)))
        return self.rows[-1][1]

    def _layer(self, kind: Kind, source: str) -> Layer:
        if (kind, source) not in self.layers:
            observed = self._width("observation")
            if source not in self.boards:
                # In memory the places of an hour lie side by side: what looks along the hours then works on
                # whole rows of places, several times faster on a province.
                shape = (len(self.quantities), observed + self._width("forecast"), len(self.places))
                self.boards[source] = (np.full(shape, np.nan), np.zeros(shape, np.uint8))
            part = slice(observed) if kind == "observation" else slice(observed, None)
            values, flags = self.boards[source]
            self.layers[kind, source] = Layer(values[:, part], flags[:, part])
        return self.layers[kind, source]


def runs(batches: Sequence[Batch]) -> Iterator[list[Batch]]:
    """Split batches into runs that can be laid at once.

    The batches of a run are of one source and kind, with the same places and quantities and hours
    that only rise. Runs that tell of the same quantity keep the order of their batches.
    """
    open_runs: dict[tuple[str, str], list[list[Batch]]] = {}
    for batch in batches:
        mine = open_runs.setdefault((batch.kind, batch.source), [])
        told = batch.values.keys()
        touched = [run for run in mine if not told.isdisjoint(run[-1].values)]
        if touched and _follows(touched[0][-1], batch):
            touched[0].append(batch)
            continue
        yield from touched
        mine[:] = [run for run in mine if all(run is not other for other in touched)]
        mine.append([batch])
    for kept in open_runs.values():
        yield from kept


def _follows(last: Batch, batch: Batch) -> bool:
    return (
        bool(batch.valid_at[0] > last.valid_at[-1])
        and batch.values.keys() == last.values.keys()
        and (batch.places is last.places or batch.places == last.places)
    )


def _shown(run: list[Batch], chosen: Index) -> tuple[list[Batch], Index, Numbers]:
    """The batches of a run that have chosen columns, these columns counted in them, and their issue times."""
    issued = [int(batch.issued_at.timestamp()) for batch in run]
    if len(run) == 1:
        return run, chosen, np.full((chosen.size, 1), issued[0])
    sizes = np.array([batch.valid_at.size for batch in run])
    ends = sizes.cumsum()
    first, last = ends.searchsorted(chosen[[0, -1]], side="right").tolist()
    start = int(ends[first] - sizes[first])
    return run[first : last + 1], chosen - start, np.repeat(issued, sizes)[chosen][:, None]


def _shared(mine: tuple[str, ...], others: tuple[str, ...]) -> tuple[Index, Index]:
    own = {place: row for row, place in enumerate(others)}
    shared = [(row, own[place]) for row, place in enumerate(mine) if place in own]
    return (
        np.array([row for row, _ in shared], dtype=np.intp),
        np.array([row for _, row in shared], dtype=np.intp),
    )


def _stretches(rows: list[int]) -> list[tuple[int, int]]:
    """Where numbers that follow each other begin and end: 0 1 4 5 is 0 to 2 and 4 to 6."""
    starts = [row for row in rows if row - 1 not in rows]
    ends = [row + 1 for row in rows if row + 1 not in rows]
    return list(zip(starts, ends, strict=True))


def _whole(index: Index) -> slice | Index:
    """A rising index as a slice where it leaves nothing out, which is faster."""
    first, last = int(index[0]), int(index[-1])
    return slice(first, last + 1) if last - first + 1 == index.size else index
