"""A sheet: the windows that many nows show of the quantities of one clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ingest.batch import Batch, Flags, Kind, Values
from ingest.layer import Numbers
from ingest.timeline import Clock, Timeline, runs
from ingest.times import Instants

if TYPE_CHECKING:
    from ingest.block import View

OBSERVED: Kind = "observation"
FORETOLD: Kind = "forecast"

Told = tuple[int, Batch]
"""A batch, and the first now at which it is known."""


class Sheet:
    """Windows of one clock: those of every now, and the timeline they are cut from."""

    def __init__(self, clock: Clock, lines: Numbers, view: View, names: tuple[str, ...]) -> None:
        """Make room around `lines`, the number of the last observed column of each now."""
        first = int(lines.min())
        self.hourly = clock.hours == 1
        self.names = names
        self.shifts: list[int] = (lines - first).tolist()
        self.timeline = Timeline(
            clock=clock,
            first=first,
            back=view.hours_back if self.hourly else view.days_back,
            ahead=view.hours_ahead if self.hourly else view.days_ahead,
            shifts=max(self.shifts),
            places=view.places,
            quantities=names,
        )
        self._view = view
        self._mine = frozenset(names)
        self._room: tuple[Values, Flags] | None = None

    def lay(self, run: list[Batch]) -> None:
        """Lay a run of batches, if it is read here."""
        if self._reads(run[0]):
            self.timeline.lay(run)

    def _reads(self, batch: Batch) -> bool:
        # Of other sources only some hours are read, which would make a past of days with holes.
        if not self.hourly and batch.kind == OBSERVED and batch.source not in self._view.remembering:
            return False
        return not self._mine.isdisjoint(batch.values)

    def cut(self, rows: slice, nows: Instants) -> None:
        """Fill the windows of some nows from what is laid so far."""
        for kind in (OBSERVED, FORETOLD):
            self._cut(kind, rows, nows)

    def run_through(self, told: Sequence[Told], nows: Instants) -> None:
        """Lay all batches in order and cut the windows of all nows, many at once."""
        mine = [one for one in told if self._reads(one[1])]
        if len(self.shifts) == 1:
            # Whose place is the window's own is only known when all is laid.
            for run in runs([batch for _, batch in mine]):
                self.timeline.lay(run)
            self.cut(slice(1), nows)
            return
        for kind in (OBSERVED, FORETOLD):
            for rows, batches in self._stages(kind, [one for one in mine if one[1].kind == kind]):
                for run in runs(batches):
                    self.timeline.lay(run)
                self._cut(kind, rows, nows)

    def _stages(self, kind: Kind, told: Sequence[Told]) -> Iterator[tuple[slice, list[Batch]]]:
        """Rows that are cut from the same timeline, and what is laid before they are.

        What no window shows before it is known may be laid sooner: of an hour that is told in time nothing
        is to be seen at the nows before.
        """
        timeline, start = self.timeline, 0
        columns = timeline.first_columns(kind, [batch for _, batch in told])
        batches: list[Batch] = []
        for (row, batch), column in zip(told, columns, strict=True):
            if row > start and column < self.shifts[row - 1] + timeline.shown(kind):
                yield slice(start, row), batches
                start, batches = row, []
            batches.append(batch)
        yield slice(start, len(self.shifts)), batches

    def _cut(self, kind: Kind, rows: slice, nows: Instants) -> None:
        """Fill one side of some windows, the most trusted source first."""
        timeline = self.timeline
        values, flags = self.room()
        side = slice(timeline.back) if kind == OBSERVED else slice(timeline.back, None)
        out, bits, width = values[:, rows, side], flags[:, rows, side], timeline.shown(kind)
        columns = [slice(shift, shift + width) for shift in self.shifts[rows]]
        is_first = True
        for source in self._view.sources:
            layer = timeline.layers.get((kind, source))
            if layer is not None:
                oldest = self._oldest(source, nows[rows]) if kind == FORETOLD else None
                lay = layer.write if is_first else layer.fill
                lay(columns, oldest, out, bits)
                is_first = False
        if is_first:
            out[...] = np.nan

    def _oldest(self, source: str, nows: Instants) -> list[int] | None:
        """At each now, the issue time from which on forecasts are believed; None for any age."""
        limit = self._view.freshness.get(source)
        if limit is None:
            return None
        oldest: list[int] = (nows.astype(np.int64) - int(limit.total_seconds())).tolist()
        return oldest

    def room(self) -> tuple[Values, Flags]:
        """Values and flags as (quantity, now, column, place); flags are zero before the first cut.

        One now alone is cut from where its most trusted source is laid already.
        """
        if self._room is None:
            boards, sources = self.timeline.boards, self._view.sources
            lead = next((boards[source] for source in sources if source in boards), None)
            if lead is not None and len(self.shifts) == 1:
                self._room = (lead[0][:, None], lead[1][:, None])
            else:
                timeline = self.timeline
                shape = (
                    len(self.names), len(self.shifts), timeline.back + timeline.ahead,
                    len(timeline.places),
                )  # fmt: skip
                self._room = (np.empty(shape), np.zeros(shape, np.uint8))
        return self._room
