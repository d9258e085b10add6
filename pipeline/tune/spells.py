"""Spells of time of many towns as pairs of indices, and the arithmetic of a lifecycle on them. Pure.

A place on the line is ``town * stride + now``, with a stride of one more than there are nows, so that the
spells of two towns never touch. A spell is [first, end).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rules.windows import Mask

Marks = npt.NDArray[np.int64]
"""Places on the line."""

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class Spells:
    """Spells that do not overlap, in order."""

    first: Marks
    """First place of each."""
    end: Marks
    """The place after its last."""

    @classmethod
    def none(cls) -> Spells:
        """No spell."""
        nothing = np.zeros(0, np.int64)
        return cls(first=nothing, end=nothing)

    @classmethod
    def where(cls, found: Mask, marks: Marks) -> Spells:
        """The spells in which something is found that changes only at `marks`, and ends at the last."""
        edges = np.flatnonzero(found[1:] != found[:-1]) + 1
        if found[0]:
            edges = np.concatenate([[0], edges])
        places = marks[edges]
        return cls(first=places[::2], end=places[1::2])

    def __or__(self, other: Spells) -> Spells:
        return merged(
            np.concatenate([self.first, other.first]), np.concatenate([self.end, other.end])
        )

    def at(self, places: Marks) -> Mask:
        """Whether each place lies in a spell."""
        if not self.first.size:
            return np.zeros(places.shape, np.bool_)
        before = np.searchsorted(self.first, places, side="right") - 1
        inside: Mask = (before >= 0) & (places < self.end[before])
        return inside


def merged(first: Marks, end: Marks) -> Spells:
    """Spells in any order as spells that neither overlap nor touch."""
    if not first.size:
        return Spells.none()
    order = np.argsort(first, kind="stable")
    first, farthest = first[order], np.maximum.accumulate(end[order])
    fresh = np.concatenate([[True], first[1:] > farthest[:-1]])
    last = np.concatenate([np.flatnonzero(fresh[1:]), [first.size - 1]])
    return Spells(first=first[fresh], end=farthest[last])


@dataclass(frozen=True, kw_only=True)
class Clock:
    """When the nows of a line are."""

    seconds: Marks
    """Time of each now (now,), not decreasing [s]."""

    @property
    def stride(self) -> int:
        """Places of one town."""
        return self.seconds.size + 1

    def after(self, places: Marks, span: int) -> Marks:
        """The first place, from each on, at which so many seconds have passed; the town's last for never."""
        if span <= 0:
            return places
        town, now = np.divmod(places, self.stride)
        ended = now == self.seconds.size
        begun = self.seconds[np.where(ended, 0, now)]
        later = np.maximum(np.searchsorted(self.seconds, begun + span, side="left"), now)
        return np.asarray(town * self.stride + np.where(ended, now, later))

    def held(self, spells: Spells, hold: int) -> Spells:
        """What is left of spells that count only after so many seconds."""
        risen = self.after(spells.first, hold)
        lasted = risen < spells.end
        return Spells(first=risen[lasted], end=spells.end[lasted])

    def kept(self, set_by: Spells, lasting: Spells, keep: int) -> Spells:
        """Spells that go on until what lasts has been over for so many seconds.

        `lasting` holds every start of `set_by`: what is certain is possible.
        """
        if not set_by.first.size:
            return set_by
        cleared = self.after(lasting.end, keep)
        following = np.concatenate([lasting.first[1:], [_NEVER]])
        # A pause shorter than `keep` clears nothing: the next that is long enough counts.
        end = np.where(cleared < following, cleared, _NEVER)
        end = np.minimum.accumulate(end[::-1])[::-1]
        during = np.searchsorted(lasting.first, set_by.end, side="right") - 1
        return merged(set_by.first, np.maximum(end[during], set_by.end))
