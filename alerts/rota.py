"""Who is on duty: shifts in Beijing time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from alerts.people import WEEK, Shift, Subsystem
from ingest.times import BEIJING, utc


def shift_at(subsystem: Subsystem, now: datetime) -> Shift | None:
    """The first shift that covers `now`; None where nobody is on duty."""
    local = utc(now).astimezone(BEIJING)
    return next((shift for shift in subsystem.rota if _covers(shift, local)), None)


def gaps(subsystem: Subsystem, start: datetime, days: int) -> Iterator[datetime]:
    """Half hours of the coming days, from `start`, in which nobody is on duty."""
    for step in range(days * 48):
        moment = start + timedelta(minutes=30 * step)
        if shift_at(subsystem, moment) is None:
            yield moment


def _covers(shift: Shift, local: datetime) -> bool:
    start, end = time.fromisoformat(shift.start), time.fromisoformat(shift.end)
    clock = local.time()
    if start < end:
        return start <= clock < end and _begins(shift, local)
    evening = clock >= start and _begins(shift, local)
    return evening or (clock < end and _begins(shift, local - timedelta(days=1)))


def _begins(shift: Shift, local: datetime) -> bool:
    return WEEK[local.weekday()] in shift.days
