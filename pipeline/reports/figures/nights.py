"""Which hours of a period are night."""

from __future__ import annotations

from datetime import datetime, timedelta

from ingest.times import HOUR, beijing_midnight

Night = tuple[float, float]
"""Begin and end of the night in Beijing [h of the day]; an end at or before the begin is next day."""

SHADED = 62
"""Longest period whose nights are shaded [d]: more would be a grey haze."""


def nights(start: datetime, end: datetime, night: Night) -> list[tuple[float, float]]:
    """Begin and end of each night between two moments [h since the start]."""
    begin_h, end_h = night
    length_h = (end_h - begin_h) % 24 or 24.0
    found, midnight = [], beijing_midnight(start) - timedelta(days=1)
    while midnight < end:
        begin = (midnight - start) / HOUR + begin_h
        clipped = max(0.0, begin), min((end - start) / HOUR, begin + length_h)
        if clipped[1] > clipped[0]:
            found.append(clipped)
        midnight += timedelta(days=1)
    return found


def of_day(night: Night) -> list[tuple[float, float]]:
    """The pieces of a day from 0 to 24 that are night."""
    begin, end = night
    return [(begin, end)] if begin < end else [(0.0, end), (begin, 24.0)]
