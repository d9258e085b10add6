"""Which shift a brief is about: those of the command centre."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from alerts.duty.people import Subsystem
from alerts.duty.rota import instant_of, shift_at, turns
from ingest.times import utc
from pipeline.console.duty.shapes import Instant

Which = Literal["previous", "now", "next"]
"""The shift before, the one under way, or the one after."""
_DAY = timedelta(days=1)
_HALF = timedelta(hours=12)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A shift as it stands in the rota, whoever holds it."""

    start: Instant
    """Its begin, aware UTC."""
    end: Instant
    """Its end, aware UTC."""


def shift_of(subsystem: Subsystem, now: datetime) -> Stretch:
    """The shift of a subsystem at a moment; where none covers it the hole, half a day each way at most."""
    moment = utc(now)
    # Numbered in place of people, so that two shifts of the same person stay two.
    numbered = tuple(
        replace(shift, duty=(str(index),), deputy=()) for index, shift in enumerate(subsystem.rota)
    )
    plain = replace(subsystem, rota=numbered, overrides=(), swaps=())
    watch = shift_at(plain, moment)
    if watch is None:
        around = turns(plain, moment - _HALF, moment + _HALF)
        hole = next(turn for turn in around if turn.start <= moment < turn.end)
        return Stretch(start=hole.start, end=hole.end)
    shift, zone = subsystem.rota[int(watch.duty[0])], ZoneInfo(subsystem.zone)
    begin, end = time.fromisoformat(shift.start), time.fromisoformat(shift.end)
    today = moment.astimezone(zone).date()
    days = (today, today - _DAY)
    found = [(instant_of(day, begin, zone), _end(day, begin, end, zone)) for day in days]
    start, until = next(pair for pair in found if pair[0] <= moment < pair[1])
    return Stretch(start=start, end=until)


def _end(day: date, begin: time, end: time, zone: ZoneInfo) -> datetime:
    return instant_of(day if begin < end else day + _DAY, end, zone)


def pair_of(subsystem: Subsystem, now: datetime, which: Which) -> tuple[Stretch, Stretch]:
    """The shift a brief is about, and the one that takes over."""
    shift = shift_of(subsystem, now)
    if which == "previous":
        return shift_of(subsystem, shift.start - _SECOND), shift
    following = shift_of(subsystem, shift.end)
    if which == "next":
        return following, shift_of(subsystem, following.end)
    return shift, following
