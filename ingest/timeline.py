"""A timeline: what each source has said so far, laid side by side on the hours or days it speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ingest.batch import MASKING, Batch, Flag, Flags, Values
from ingest.quantities import Quantity
from ingest.times import BEIJING_OFFSET_H, Instants

NOWHERE = np.int64(np.iinfo(np.int64).min)
_LONG_AGO = np.int64(np.iinfo(np.int64).min)
_Cells = tuple[slice, slice] | tuple[npt.NDArray[np.intp], ...]
Numbers = npt.NDArray[np.int64]


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
class _Layer:
    """What one source has said of one quantity so far."""

    values: Values
    """Usable values (place, column)."""
    flags: Flags
    """Flag bits of the value kept, or of the one that was masked."""
    issued: Numbers
    """Issue time of the value kept [s since 1970], for forecasts."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Layers by (kind, source, quantity) on one stretch of hours or days."""

    clock: Clock
    """What its columns count."""
    start: int
    """Number of its first column."""
    columns: int
    """How many columns."""
    places: tuple[str, ...]
    """Place ids, its rows."""
    quantities: tuple[str, ...]
    """Names of what it holds."""
    layers: dict[tuple[str, str, str], _Layer] = field(default_factory=dict)
    """(kind, source, quantity) -> layer."""
    rows: dict[tuple[str, ...], tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]] = field(
        default_factory=dict
    )
    """Places of a batch -> (rows here, rows in the batch)."""

    def lay(self, run: list[Batch]) -> None:
        """Lay the usable values of a run of batches over what was known before."""
        names = [name for name in self.quantities if name in run[0].values]
        if not names:
            return
        numbers = self.clock.numbers(np.concatenate([batch.valid_at for batch in run]))
        inside = (numbers >= self.start) & (numbers < self.start + self.columns)
        if not inside.any():
            return
        target, own = self._rows(run[0].places)
        where = _cells(target, numbers[inside] - self.start)
        issued = np.repeat(
            [int(batch.issued_at.timestamp()) for batch in run],
            [batch.valid_at.size for batch in run],
        )[inside]
        chosen = _cells(own, np.flatnonzero(inside))
        for name in names:
            fresh = np.concatenate([batch.values[name].T for batch in run]).T
            bits = np.concatenate([batch.flags_of(name).T for batch in run]).T
            _lay(self._layer(run[0], name), where, fresh[chosen], bits[chosen], issued)

    def cut(
        self, key: tuple[str, str, str], columns: slice, oldest: int | None, out: Values, bits: Flags
    ) -> None:
        """Write some columns of a layer over `out` and `bits`; values issued before `oldest` are stale."""
        layer = self.layers.get(key)
        if layer is None:
            return
        fresh = layer.values[:, columns]
        marks = layer.flags[:, columns]
        stale = layer.issued[:, columns] < oldest if oldest is not None else None
        if stale is not None and stale.any():
            marks = np.where(stale & ~np.isnan(fresh), marks | np.uint8(Flag.STALE), marks)
            fresh = np.where(stale, np.nan, fresh)
        known = ~np.isnan(fresh)
        np.copyto(out, fresh, where=known)
        np.copyto(bits, marks, where=known | (np.isnan(out) & (marks > 0)))

    def _rows(self, places: tuple[str, ...]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        if places not in self.rows:
            own = {place: row for row, place in enumerate(places)}
            shared = [(row, own[place]) for row, place in enumerate(self.places) if place in own]
            self.rows[places] = (
                np.array([row for row, _ in shared], dtype=np.intp),
                np.array([row for _, row in shared], dtype=np.intp),
            )
        return self.rows[places]

    def _layer(self, batch: Batch, name: str) -> _Layer:
        key = (batch.kind, batch.source, name)
        if key not in self.layers:
            shape = (self.columns, len(self.places))
            self.layers[key] = _Layer(
                values=np.full(shape, np.nan).T,
                flags=np.zeros(shape, dtype=np.uint8).T,
                issued=np.full(shape, _LONG_AGO).T,
            )
        return self.layers[key]


def runs(batches: Sequence[Batch]) -> Iterator[list[Batch]]:
    """Split batches into runs that can be laid at once.

    The batches of a run are of one source and kind, with the same places and quantities and hours
    that only rise. Runs that tell of the same quantity keep the order of their batches.
    """
    open_runs: dict[tuple[str, str], list[list[Batch]]] = {}
    for batch in batches:
        mine = open_runs.setdefault((batch.kind, batch.source), [])
        run = next((run for run in mine if run[-1].values.keys() & batch.values.keys()), None)
        if run is not None and _follows(run[-1], batch):
            run.append(batch)
            continue
        touched = [run for run in mine if run[-1].values.keys() & batch.values.keys()]
        yield from touched
        mine[:] = [run for run in mine if all(run is not other for other in touched)]
        mine.append([batch])
    for kept in open_runs.values():
        yield from kept


def _follows(last: Batch, batch: Batch) -> bool:
    return (
        bool(batch.valid_at[0] > last.valid_at[-1])
        and batch.places == last.places
        and batch.values.keys() == last.values.keys()
    )


def _cells(rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> _Cells:
    """Index of all cells of rows and columns; by slices where these follow each other, which is faster."""
    if _is_whole(rows) and _is_whole(columns):
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return np.ix_(rows, columns)


def _is_whole(index: npt.NDArray[np.intp]) -> bool:
    return index.size > 0 and bool((np.diff(index) == 1).all())


def _lay(
    layer: _Layer,
    where: _Cells,
    fresh: Values,
    bits: Flags,
    issued: Numbers,
) -> None:
    said = ~np.isnan(fresh)
    usable = said & ((bits & MASKING) == 0) & (layer.issued[where] <= issued)
    old = layer.values[where]
    layer.values[where] = np.where(usable, fresh, old)
    layer.issued[where] = np.where(usable, issued, layer.issued[where])
    remark = usable | (said & np.isnan(old))
    layer.flags[where] = np.where(remark, bits, layer.flags[where])
