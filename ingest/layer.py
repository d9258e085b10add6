"""A layer: what one source has said of some hours or days, the usable and newest of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ingest.batch import MASKING, Batch, Flag, Flags, Values

Numbers = npt.NDArray[np.int64]
"""Numbers of hours or days, or issue times [s since 1970]."""
Index = npt.NDArray[np.intp]
Rows = tuple[Index, Index] | None
"""(Places here, places in a batch), by number; None where they are the same."""

_T = TypeVar("_T", bound=np.generic)
_MASKING = int(MASKING)
# The issue time of what was never said: never older than a limit.
_NEVER = np.int64(np.iinfo(np.int64).max)
# A transposed copy of so many places at a time stays within the processor's cache.
_PLACES = 1024


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Where in a layer a run of batches goes."""

    run: list[Batch]
    """Those of its batches that some window shows a column of."""
    columns: slice | Index
    """Columns of the layer."""
    rows: Rows
    """Which places of the layer are told of."""
    chosen: slice | Index
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
    def cells(self) -> tuple[slice | Index, ...]:
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

    def lay(self, row: int, names: Sequence[str], spot: Spot) -> None:
        """Lay what a run of batches says of quantities, those of `row` and on, over what was known."""
        rows = slice(row, row + len(names))
        # Nothing is lost where nothing was said: what comes first goes to its place at once.
        first = spot.direct and not self._by_place and self._says_nothing(rows, spot)
        room = self.values[rows, spot.columns] if first else None
        fresh = spot.values(names, room)
        bits = spot.flags(names, self.flags[rows, spot.columns] if first else None)
        self._place(rows, spot, fresh, bits, first)

    def _says_nothing(self, rows: slice, spot: Spot) -> bool:
        return bool((self.issued[rows, spot.columns] == _NEVER).all())

    def _place(
        self, rows: slice, spot: Spot, fresh: Values, bits: Flags | None, first: bool
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

    def _says_nothing_newer(self, rows: slice, spot: Spot) -> bool:
        before = self.issued[rows, spot.columns]
        return bool(((before == _NEVER) | (before <= spot.issued)).all())

    def _merge(self, row: int, spot: Spot, fresh: Values, bits: Flags) -> None:
        """Replace value by value what is newly said and usable, and not older than what is known."""
        values, flags, cells = self.values[row], self.flags[row], spot.cells
        old = values[cells]
        before = self.issued[row][cells if self._by_place else spot.columns]
        said, unknown = ~np.isnan(fresh), np.isnan(old)
        usable = said & ((bits & _MASKING) == 0) & (unknown | (before <= spot.issued))
        self._reissue(row, spot, usable)
        values[cells] = np.where(usable, fresh, old)
        flags[cells] = np.where(usable | (said & unknown), bits, flags[cells])

    def _reissue(self, row: int, spot: Spot, usable: npt.NDArray[np.bool_]) -> None:
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

    def write(
        self, columns: Sequence[slice], oldest: Sequence[int] | None, out: Values, bits: Flags
    ) -> None:
        """Write windows to `out` and `bits` (quantity, now, column, place), which is zero.

        `columns` are those of each window, and what was issued before its `oldest` is stale. Where `out` is
        their own place in memory, only what is stale is written.
        """
        if not np.may_share_memory(self.values, out):
            for row, part in enumerate(columns):
                out[:, row] = self.values[:, part]
            for row, part in enumerate(columns if self.flagged else ()):
                bits[:, row] = self.flags[:, part]
        if oldest is not None:
            self._mask_stale(columns, oldest, out, bits)

    def fill(
        self, columns: Sequence[slice], oldest: Sequence[int] | None, out: Values, bits: Flags
    ) -> None:
        """Write windows where `out` knows nothing, and flags where it does not say why."""
        gaps = np.isnan(out)
        if not gaps.any():
            return
        fresh, marks = np.empty(out.shape), np.zeros(bits.shape, np.uint8)
        self.write(columns, oldest, fresh, marks)
        np.copyto(bits, marks, where=gaps & ((bits == 0) | ~np.isnan(fresh)))
        np.copyto(out, fresh, where=gaps)

    def _mask_stale(
        self, columns: Sequence[slice], oldest: Sequence[int], out: Values, bits: Flags
    ) -> None:
        """Take stale values out of windows, and say so in their flags."""
        seen = self.issued[:, columns[0].start : columns[-1].stop]
        if seen.min(initial=_NEVER) >= oldest[-1]:
            return
        for row, part in enumerate(columns):
            stale = self.issued[:, part] < oldest[row]
            if stale.any():
                values, flags = out[:, row], bits[:, row]
                np.bitwise_or(flags, np.uint8(Flag.STALE), out=flags, where=stale & ~np.isnan(values))
                np.copyto(values, np.nan, where=stale)
