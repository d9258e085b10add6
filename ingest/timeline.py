"""A timeline: what each source has said so far, laid side by side on the hours or days it speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ingest.batch import MASKING, Batch, Flag, Flags, Kind, Values
from ingest.quantities import Quantity
from ingest.times import BEIJING_OFFSET_H, Instants

NOWHERE = np.int64(np.iinfo(np.int64).min)
Numbers = npt.NDArray[np.int64]
_T = TypeVar("_T", bound=np.generic)
_Index = npt.NDArray[np.intp]
_MASKING = int(MASKING)
# The issue time of what was never said: never older than a limit.
_NEVER = np.int64(np.iinfo(np.int64).max)
# (Places here, places in a batch), by number; None where they are the same.
_Rows = tuple[_Index, _Index] | None
# A transposed copy of so many places at a time stays within the processor's cache.
_PLACES = 1024


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

    def running(self, nows: Instants) -> Numbers:
        """Number of the hour or day under way at each now; one that ends at a now is over."""
        seconds = nows.astype("datetime64[s]").astype(np.int64) + self._shift * 3600
        found: Numbers = seconds // (self.hours * 3600) + 1
        return found

    @property
    def _shift(self) -> int:
        return BEIJING_OFFSET_H - self.ends if self.hours > 1 else 0


@dataclass(frozen=True, kw_only=True)
class _Spot:
    """Where in a layer a run of batches goes."""

    run: list[Batch]
    """Those of its batches that some window shows a column of."""
    columns: slice | _Index
    """Columns of the layer."""
    rows: _Rows
    """Which places of the layer are told of."""
    chosen: slice | _Index
    """Columns of the run that go there."""
    entire: bool
    """Whether all that it says goes there, place by place."""
    issued: Numbers
    """Issue time of each chosen column, as (column, 1)."""

    @property
    def whole(self) -> bool:
        """Whether all places are told of, in order."""
        return self.rows is None

    @property
    def direct(self) -> bool:
        """Whether it is all places of columns that follow each other."""
        return self.rows is None and isinstance(self.columns, slice)

    @property
    def cells(self) -> tuple[slice | _Index, ...]:
        """Index of all its cells in a (column, place) array."""
        if self.rows is None:
            return (self.columns, slice(None))
        columns = self.columns
        if isinstance(columns, slice):
            columns = np.arange(columns.start, columns.stop)
        return np.ix_(columns, self.rows[0])

    def values(self, names: Sequence[str], out: Values | None) -> Values:
        """What the run says, as (quantity, column, place), written to `out` where there is one."""
        if out is None:
            out = np.empty(self._shape(names))
        for name, room in zip(names, out, strict=True):
            self._gather([batch.values[name] for batch in self.run], room)
        return out

    def flags(self, names: Sequence[str], out: Flags | None) -> Flags | None:
        """Its flags, likewise; None where it has none, and then nothing is written."""
        if not any(batch.flags for batch in self.run):
            return None
        if out is None:
            out = np.empty(self._shape(names), np.uint8)
        for name, room in zip(names, out, strict=True):
            self._gather([batch.flags_of(name) for batch in self.run], room)
        return out

    def _shape(self, names: Sequence[str]) -> tuple[int, int, int]:
        places = self.run[0].places if self.rows is None else self.rows[0]
        return len(names), len(self.issued), len(places)

    def _gather(self, parts: list[npt.NDArray[_T]], out: npt.NDArray[_T]) -> None:
        if self.entire and len(parts) > 1:
            np.concatenate(parts, axis=1, out=out.T)
            return
        said = parts[0].T if len(parts) == 1 else np.concatenate(parts, axis=1).T
        said = said[self.chosen] if self.rows is None else said[self.chosen][:, self.rows[1]]
        for start in range(0, said.shape[1], _PLACES):
            out[:, start : start + _PLACES] = said[:, start : start + _PLACES]


class Layer:
    """What one source has said of all quantities of a clock, as arrays (quantity, column, place).

    `issued` is the issue time of each value kept [s since 1970]. Nearly always all places of a column are
    told at once, and it is (quantity, column, 1); it is as wide as the values only after one was not.
    """

    def __init__(self, values: Values, flags: Flags) -> None:
        """Take arrays that hold NaN and zero, to write into."""
        self.values = values
        self.flags = flags
        self.issued: Numbers = np.full((*values.shape[:2], 1), _NEVER)
        self.flagged = False
        self._by_place = False

    def lay(self, row: int, names: Sequence[str], spot: _Spot) -> None:
        """Lay what a run of batches says of quantities, those of `row` and on, over what was known."""
        rows = slice(row, row + len(names))
        # Nothing is lost where nothing was said: what comes first goes to its place at once.
        first = spot.direct and not self._by_place and self._says_nothing(rows, spot)
        room = self.values[rows, spot.columns] if first else None
        fresh = spot.values(names, room)
        bits = spot.flags(names, self.flags[rows, spot.columns] if first else None)
        self._place(rows, spot, fresh, bits, first)

    def _says_nothing(self, rows: slice, spot: _Spot) -> bool:
        return bool((self.issued[rows, spot.columns] == _NEVER).all())

    def _place(
        self, rows: slice, spot: _Spot, fresh: Values, bits: Flags | None, first: bool
    ) -> None:
        """Take all at once what replaces all, else one quantity after another."""
        seen = 0 if bits is None else int(np.bitwise_or.reduce(bits, axis=None))
        self.flagged |= seen != 0
        usable = spot.direct and not seen & _MASKING and not np.isnan(fresh.min())
        if usable and (first or self._says_nothing_newer(rows, spot)):
            if not first:
                self.values[rows, spot.columns] = fresh
                self.flags[rows, spot.columns] = 0 if bits is None else bits
            self.issued[rows, spot.columns] = spot.issued
        elif len(fresh) > 1:
            for one in range(len(fresh)):
                row, part = slice(rows.start + one, rows.start + one + 1), slice(one, one + 1)
                self._place(row, spot, fresh[part], None if bits is None else bits[part], first)
        else:
            said = np.zeros(fresh[0].shape, np.uint8) if bits is None else bits[0]
            if first:
                fresh, said = fresh.copy(), said.copy()
                self.values[rows, spot.columns], self.flags[rows, spot.columns] = np.nan, 0
            self._merge(rows.start, spot, fresh[0], said)

    def _says_nothing_newer(self, rows: slice, spot: _Spot) -> bool:
        before = self.issued[rows, spot.columns]
        return bool(((before == _NEVER) | (before <= spot.issued)).all())

    def _merge(self, row: int, spot: _Spot, fresh: Values, bits: Flags) -> None:
        """Replace value by value what is newly said and usable, and not older than what is known."""
        values, flags, cells = self.values[row], self.flags[row], spot.cells
        old = values[cells]
        before = self.issued[row][cells if self._by_place else spot.columns]
        said, unknown = ~np.isnan(fresh), np.isnan(old)
        usable = said & ((bits & _MASKING) == 0) & (unknown | (before <= spot.issued))
        self._reissue(row, spot, usable)
        values[cells] = np.where(usable, fresh, old)
        flags[cells] = np.where(usable | (said & unknown), bits, flags[cells])

    def _reissue(self, row: int, spot: _Spot, usable: npt.NDArray[np.bool_]) -> None:
        if not self._by_place:
            before = self.issued[row, spot.columns]
            any_usable, unsaid = usable.any(axis=1, keepdims=True), before == _NEVER
            alike = unsaid | ~any_usable | (before == spot.issued)
            if spot.whole:
                alike |= usable.all(axis=1, keepdims=True)
            if alike.all():
                self.issued[row, spot.columns] = np.where(unsaid | any_usable, spot.issued, before)
                return
            self.issued = np.where(np.isnan(self.values), _NEVER, self.issued)
            self._by_place = True
        self.issued[row][spot.cells] = np.where(usable, spot.issued, self.issued[row][spot.cells])

    def write(self, columns: slice, oldest: int | None, out: Values, bits: Flags) -> None:
        """Write some columns to `out` and `bits`, which is zero; values issued before `oldest` are stale.

        Where `out` is their own place in memory, only what is stale is written.
        """
        fresh, marks, changed = self._window(columns, oldest)
        if changed or not np.may_share_memory(fresh, out):
            out[...] = fresh
            if changed or self.flagged:
                bits[...] = marks

    def fill(self, columns: slice, oldest: int | None, out: Values, bits: Flags) -> None:
        """Write some columns where `out` knows nothing, and flags where it does not say why."""
        gaps = np.isnan(out)
        if not gaps.any():
            return
        fresh, marks, _ = self._window(columns, oldest)
        np.copyto(bits, marks, where=gaps & ((bits == 0) | ~np.isnan(fresh)))
        np.copyto(out, fresh, where=gaps)

    def _window(self, columns: slice, oldest: int | None) -> tuple[Values, Flags, bool]:
        """Values and flags of some columns, and whether some are masked as stale."""
        values, flags = self.values[:, columns], self.flags[:, columns]
        if oldest is None or not (stale := self.issued[:, columns] < oldest).any():
            return values, flags, False
        marks = np.where(stale & ~np.isnan(values), flags | np.uint8(Flag.STALE), flags)
        return np.where(stale, np.nan, values), marks, True


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
    rows: list[tuple[tuple[str, ...], _Rows]] = field(default_factory=list)
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

    def _spot(self, run: list[Batch]) -> _Spot | None:
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
        return _Spot(
            run=run,
            columns=_whole(columns),
            rows=rows,
            chosen=_whole(chosen),
            entire=rows is None and chosen.size == sum(batch.valid_at.size for batch in run),
            issued=issued,
        )

    def _start(self, kind: Kind) -> int:
        return self.first - self.back + 1 if kind == "observation" else self.first + 1

    def _width(self, kind: Kind) -> int:
        return self.shifts + (self.back if kind == "observation" else self.ahead)

    def _rows(self, places: tuple[str, ...]) -> _Rows:
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


def _shown(run: list[Batch], chosen: _Index) -> tuple[list[Batch], _Index, Numbers]:
    """The batches of a run that have chosen columns, these columns counted in them, and their issue times."""
    issued = [int(batch.issued_at.timestamp()) for batch in run]
    if len(run) == 1:
        return run, chosen, np.full((chosen.size, 1), issued[0])
    sizes = np.array([batch.valid_at.size for batch in run])
    ends = sizes.cumsum()
    first, last = ends.searchsorted(chosen[[0, -1]], side="right").tolist()
    start = int(ends[first] - sizes[first])
    return run[first : last + 1], chosen - start, np.repeat(issued, sizes)[chosen][:, None]


def _shared(mine: tuple[str, ...], others: tuple[str, ...]) -> tuple[_Index, _Index]:
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


def _whole(index: _Index) -> slice | _Index:
    """A rising index as a slice where it leaves nothing out, which is faster."""
    first, last = int(index[0]), int(index[-1])
    return slice(first, last + 1) if last - first + 1 == index.size else index
