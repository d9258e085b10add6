"""Figures one after the other as people write them: ``26x6 28 30..35x5 ?x3``."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ingest.recordings.diurnal import DAY_H, half_cosine

Figures = npt.NDArray[np.float64]
"""Hours or days, one after the other; NaN where nothing was said."""

COLDEST_H, WARMEST_H = 6, 15
"""Beijing hours at which a day drawn from its extremes has its lowest and its highest value."""

_NUMBER = r"-?\d+(?:\.\d+)?"
_PART = re.compile(rf"(?P<first>{_NUMBER}|\?)(?:\.\.(?P<last>{_NUMBER}))?(?:[x*×](?P<count>\d{{1,4}}))?")
_REMEDY = "write figures such as 26x6 28 30..35x5, and ? for what nobody reported"


def figures(written: object) -> Figures:
    """A series: a number, or text in which ``26x6`` is six times 26 and ``30..35x6`` rises in six steps.

    ``?`` is NaN: never reported. Raises ValueError with the remedy.
    """
    if isinstance(written, int | float) and not isinstance(written, bool):
        return np.array([float(written)])
    parts = [_part(part) for part in str(written).replace(",", " ").split()]
    if not parts:
        raise ValueError(f"is empty; {_REMEDY}")
    return np.concatenate(parts)


def _part(text: str) -> Figures:
    found = _PART.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is no figure; {_REMEDY}')
    count = int(found["count"] or 1)
    if found["last"] is None:
        return np.full(count, np.nan if found["first"] == "?" else float(found["first"]))
    if found["first"] == "?" or count < 2:
        raise ValueError(f'"{text}" does not say in how many steps; write it such as 30..35x6')
    return np.linspace(float(found["first"]), float(found["last"]), count).round(2)


def constant(written: object) -> float | None:
    """The figure of something that stays as it is, NaN for ``?``; None where more is written."""
    if written == "?":
        return np.nan
    return float(written) if isinstance(written, int | float) and not isinstance(written, bool) else None


def extremes(written: object) -> tuple[float, float]:
    """The lowest and the highest value of a day, ``[26, 35.2]``; ``?`` is a day of which nothing is known."""
    if written == "?":
        return np.nan, np.nan
    pair = [constant(part) for part in written] if isinstance(written, list) else []
    if len(pair) != 2 or pair[0] is None or pair[1] is None or not pair[0] <= pair[1]:
        raise ValueError("a day is its lowest and its highest value; write it such as [26, 35.2]")
    return pair[0], pair[1]


def curve(days: Sequence[tuple[float, float]]) -> Figures:
    """The hours of days, from midnight, drawn between their extremes.

    Half a cosine between the lowest value at 06:00 and the highest at 15:00, in steps of 0.1. No hour from
    00:00 to 23:00 leaves the bounds of its day. A day without extremes is NaN throughout.
    """
    known = [day for day in days if not np.isnan(day[0])]
    if not known:
        return np.full(len(days) * DAY_H, np.nan)
    bridged, last = [], known[0]
    for day in days:
        last = last if np.isnan(day[0]) else day
        bridged.append(last)
    drawn = [bridged[0], *bridged, bridged[-1]]  # the nights before and after
    anchors: dict[int, float] = {}
    for number, (low, high) in enumerate(drawn):
        start = (number - 1) * DAY_H
        anchors |= {start + COLDEST_H: low, start + WARMEST_H: high}
    line = half_cosine(np.arange(len(days) * DAY_H), anchors)
    lows, highs = (np.repeat([day[side] for day in days], DAY_H) for side in (0, 1))
    clipped: Figures = np.clip(line, lows, highs)
    return clipped
