"""Overlapping sums of rain taken apart: reports of 6, 12 and 24 hours tell of the same rain again and again.

What is told twice counts once. A sum becomes a *part* of the hours that no shorter sum tells of, with what is
left when the parts inside it are taken away; a sum that cuts through a part cannot be taken apart and says
nothing. So the parts never overlap, and together hold no more than was reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Hours = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Sum:
    """One accumulation as it was reported."""

    ends: int
    """Hour at which its period ended [h since 1970]."""
    hours: int
    """Length of the period [h]."""
    amount: float
    """Rain of the period [mm]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Hours whose rain together is known, and nothing finer."""

    hours: Hours
    """Hours by their ends, rising [h since 1970]; a gap holds a part that was told by itself."""
    amount: float
    """Rain of these hours [mm]."""
    known: int
    """Hour of the last report that it takes to know this [h since 1970]."""


def parts_of(sums: Sequence[Sum]) -> list[Part]:
    """Parts that do not overlap, by the hours they end at; finer sums count before longer ones.

    What is left of a sum is at least nothing: depths are rounded, so that the parts of a sum can be some
    tenths more than it. Of two sums of the same period the one that came first in the sequence counts.
    """
    owner: dict[int, int] = {}
    parts: list[Part] = []
    for total in sorted(sums, key=lambda told: (told.hours, told.ends)):
        hours = range(total.ends - total.hours + 1, total.ends + 1)
        inside = {owner[hour] for hour in hours if hour in owner}
        open_hours = [hour for hour in hours if hour not in owner]
        if not open_hours or any(not _within(parts[number], hours) for number in inside):
            continue
        left = total.amount - sum(parts[number].amount for number in inside)
        known = max([total.ends, *(parts[number].known for number in inside)])
        owner |= dict.fromkeys(open_hours, len(parts))
        parts.append(
            Part(hours=np.array(open_hours), amount=max(round(left, 1), 0.0), known=known)
        )
    return sorted(parts, key=lambda part: int(part.hours[-1]))


def _within(part: Part, hours: range) -> bool:
    return int(part.hours[0]) in hours and int(part.hours[-1]) in hours


def whole_days(parts: Sequence[Part], end: int) -> dict[int, tuple[float, int]]:
    """Rain of each day that parts fill without rest: hour the day ends -> (sum [mm], hour it was known).

    Parameters
    ----------
    end : int
        Hour of UTC at which a day ends, 0 to 23.
    """
    covered: dict[int, list[Part]] = {}
    for part in parts:
        day = -(-(int(part.hours[0]) - end) // 24)
        if day == -(-(int(part.hours[-1]) - end) // 24):
            covered.setdefault(day, []).append(part)
    return {
        day * 24 + end: (
            round(sum(part.amount for part in inside), 1), max(part.known for part in inside)
        )
        for day, inside in sorted(covered.items())
        if sum(part.hours.size for part in inside) == 24
    }  # fmt: skip
