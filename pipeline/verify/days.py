"""The period cut into Beijing days: on which was warned, on which did it happen, and at which level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ingest.times import beijing_day
from pipeline.verify.bootstrap import Block, block_of, fitting_block
from pipeline.verify.catalogue import Occurrence
from pipeline.verify.matching import Matches, Warned, is_of
from rules.level import Level

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Days:
    """The Beijing days of a period, both ends included."""

    first: date
    """The first."""
    last: date
    """The last."""
    block: Block
    """What is drawn as one in the bootstrap."""

    @classmethod
    def of(cls, start: datetime, end: datetime, block: Block | None = None) -> Days:
        """The days of a period; with fitting blocks where none are asked for."""
        first, last = beijing_day(start), beijing_day(end)
        return cls(first=first, last=last, block=block or fitting_block(first, last))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    @cached_property
    def blocks(self) -> list[tuple[int, int]]:
        """Block of each day."""
        return [block_of(self.first + timedelta(days=k), self.block) for k in range(len(self))]

    def index(self, moment: datetime) -> int:
        """Number of the day of a moment; days outside count as the nearest one inside."""
        return min(max((beijing_day(moment) - self.first).days, 0), len(self) - 1)

    def table(
        self,
        warned: Iterable[Warned],
        events: Iterable[Occurrence],
        at_least: Level,
        deserved: Level | None = None,
    ) -> Array:
        """Array (day, 4) of hit, miss, false alarm, correct negative: one of them is 1 on each day.

        Days on which `at_least` stood, against days on which something deserved `deserved`, the same level
        where none is named.
        """
        yes = self.levels(warned) >= at_least
        true = np.zeros(len(self), bool)
        for event in events:
            if event.happened and is_of(event, at_least if deserved is None else deserved):
                true[self._days(event.onset, event.end or event.onset)] = True
        return np.stack([yes & true, ~yes & true, yes & ~true, ~yes & ~true], axis=1).astype(float)

    def levels(self, warned: Iterable[Warned]) -> Array:
        """Highest level that stood on each day, (day,)."""
        found = np.zeros(len(self))
        for one in warned:
            ends = [*(at for at, _ in one.steps[1:]), None]
            for (at, level), until in zip(one.steps, ends, strict=True):
                if level:
                    days = self._days(at, until)
                    found[days] = np.maximum(found[days], level)
        return found

    def right(self, events: Sequence[Occurrence]) -> Array:
        """Level that would have been right on each day, (day,); NaN where one happened of unknown level."""
        found = np.zeros(len(self))
        for event in events:
            if event.happened:
                days = self._days(event.onset, event.end or event.onset)
                level = np.nan if event.level is None else float(event.level)
                found[days] = np.maximum(found[days], level)
        return found

    def fates(self, matches: Matches) -> Array:
        """Array (day, 4) of events by the day of their onset and false alarms by the day they began.

        The last column, correct negatives, is NaN-free 0: events that did not happen cannot be counted.
        """
        found = np.zeros((len(self), 4))
        hit = {one.occurrence.id for one in matches.hits}
        for event in matches.deserved:
            found[self.index(event.onset), 0 if event.id in hit else 1] += 1
        for one in matches.unmatched:
            found[self.index(one.began), 2] += 1
        return found

    def _days(self, start: datetime, end: datetime | None) -> slice:
        """Days from a moment to another one that is not itself included; to the last where there is none."""
        if end is None:
            return slice(self.index(start), len(self))
        if beijing_day(end) < self.first or beijing_day(start) > self.last:
            return slice(0, 0)
        last = max(start, end - timedelta.resolution)
        return slice(self.index(start), self.index(last) + 1)
