"""What really happened, read off daily measurements: runs of hot days, days of much rain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from ingest.times import BEIJING
from rules.level import Level

ORDER = {Level.YELLOW: 35.0, Level.ORANGE: 37.0, Level.RED: 40.0}
"""Daily maxima of CMA Order No. 16 (2007) [°C]."""
_THREE = 3
NOON, EVENING = 12, 20


def at(day: date, hour: int) -> datetime:
    """An hour of a Beijing day; 24 and more are the next."""
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING) + timedelta(hours=hour)


def runs(days: pd.Series, limit: float, at_least: int = 1) -> Iterator[tuple[date, date]]:
    """First and last day of each run of days at or above a limit; a missing day ends a run.

    `days` has one value a day, NaN where missing, on an index without gaps.
    """
    hot = np.r_[False, (days >= limit).to_numpy(), False]
    edges = np.flatnonzero(np.diff(hot.astype(int)))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if end - begin >= at_least:
            yield days.index[begin].date(), days.index[end - 1].date()


def heat_events(days: pd.Series, source: str) -> list[dict[str, Any]]:
    """Every run of days that deserved a level by the daily maximum, an event each.

    A run begins at noon of its first day, for yellow of its third: who hears by noon heard in time, and a
    warning that rests on the temperature of that afternoon is late.
    """
    found = []
    for level, limit in ORDER.items():
        wait = _THREE - 1 if level == Level.YELLOW else 0
        for first, last in runs(days, limit, wait + 1):
            onset = first + timedelta(days=wait)
            told = days[pd.Timestamp(first) : pd.Timestamp(last)]
            note = f"{told.size} d, max {told.max():.1f} °C"
            found.append(
                _event("heat", level, at(onset, NOON), at(last, EVENING), source, note)
            )
    return found


def rain_events(days: pd.Series, limit: float, source: str) -> list[dict[str, Any]]:
    """Every rain day (20 to 20 o'clock) at or above a limit [mm], without a level: its hours are unknown.

    The onset is the middle of the rain day, known to twelve hours.
    """
    found = []
    for day in pd.DatetimeIndex(days.index[days >= limit]):
        note = f"{days[day]:.1f} mm"
        told = _event("rainstorm", None, at(day.date(), 8), at(day.date(), EVENING), source, note)
        found.append({**told, "within": "12h"})
    return found


def _event(
    hazard: str, level: Level | None, onset: datetime, end: datetime, source: str, note: str
) -> dict[str, Any]:
    named = {} if level is None else {"level": level.key}
    name = "" if level is None else f"{level.key}-"
    return {
        "id": f"{hazard}-{name}{onset:%Y-%m-%d}", "hazard": hazard, "onset": onset.isoformat(),
        "end": end.isoformat(), **named, "source": source, "note": {"zh": note, "en": note},
    }  # fmt: skip
