"""Where a time axis has its marks: whole days and months of Beijing, as many as there is room for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ingest.times import BEIJING, HOUR
from pipeline.reports.language import Tongue

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HOURS = (1, 2, 3, 6, 12)
_DAYS = (1, 2, 5, 10, 15)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)


def marks(start: datetime, end: datetime, most: int) -> list[datetime]:
    """At most so many moments from `start` to `end` at even hours, days or months of Beijing."""
    hours = (end - start) / HOUR
    for step in _HOURS:
        if hours / step <= most:
            return _every(start, end, timedelta(hours=step))
    for days in _DAYS:
        if hours / 24 / days <= most:
            return _every(start, end, timedelta(days=days))
    months = next((n for n in _MONTHS if hours / 730 / n <= most), _MONTHS[-1])
    return _monthly(start, end, months)


def _every(start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    local = start.astimezone(BEIJING)
    moment = local.replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    while moment <= end:
        if moment >= start:
            found.append(moment)
        moment += step
    return found


def _monthly(start: datetime, end: datetime, step: int) -> list[datetime]:
    local = start.astimezone(BEIJING)
    first, last = local.year * 12, end.astimezone(BEIJING).year * 12 + 12
    moments = (datetime(n // 12, n % 12 + 1, 1, tzinfo=BEIJING) for n in range(first, last, step))
    return [moment for moment in moments if start <= moment <= end]


def time_axis(axes: Axes, period: tuple[datetime, datetime], most: int, tongue: Tongue) -> None:
    """Lay an axis of hours since the start of the period, with marks that people can read."""
    start, end = period
    moments = marks(start, end, most)
    axes.set_xlim(0, (end - start) / HOUR)
    labels = [_label(moment, end - start, tongue) for moment in moments]
    axes.set_xticks([(moment - start) / HOUR for moment in moments], labels)


def _label(moment: datetime, length: timedelta, tongue: Tongue) -> str:
    if length > timedelta(days=75):
        return tongue.month(moment)
    midnight = moment.astimezone(BEIJING).hour == 0
    return tongue.day(moment) if midnight else tongue.clock(moment)
