"""Quiet hours: what is below a level waits for the morning, and its call begins then too.

A change weighs as much as the higher of the levels it leads from and to: whoever was woken for a red is still
at work when it is over, and must hear of it, while nobody is up for the end of a yellow. A lowering weighs as
the level that is left: it informs and wakes nobody. That it lasts longer asks nothing new, and weighs as the
lowest level whatever the level is. The hours hold for everybody, on duty or not; who is awake at night has
hours of their own with a lower `pierced_by`. Lost data always pierces where it is the
operators' work.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from alerts.duty.people import Quiet, Roster, Routes
from alerts.duty.rota import instant_of
from ingest.times import utc
from rules.level import Level

_DAY = timedelta(days=1)


@lru_cache(maxsize=64)  # at one moment it is asked for everybody who is told
def end_of(quiet: Quiet, now: datetime) -> datetime | None:
    """When the quiet hours that cover `now` are over, aware UTC; None where none do."""
    moment, zone = utc(now), ZoneInfo(quiet.zone)
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    today = moment.astimezone(zone).date()
    for day in (today - _DAY, today):
        until = instant_of(day if start < end else day + _DAY, end, zone)
        if instant_of(day, start, zone) <= moment < until:
            return until
    return None


def hours_of(person: str, roster: Roster) -> Quiet | None:
    """Quiet hours of a person: their own, else those of the roster; None has none."""
    found = roster.people.get(person)
    return roster.quiet if found is None or found.quiet is None else found.quiet


def waits_until(
    person: str, routes: Routes, weight: Level, now: datetime, hazard: str | None = None
) -> datetime | None:
    """Until when a message of a weight to a person waits; None where it goes out at once.

    A `hazard` that is not slow enough to wait is told at once: rain does not stay away until the morning.
    """
    quiet = hours_of(person, routes)
    if quiet is None or weight >= quiet.pierced_by:
        return None
    if routes.patient is not None and hazard is not None and hazard not in routes.patient:
        return None
    return end_of(quiet, now)
