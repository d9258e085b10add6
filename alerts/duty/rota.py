"""Who is on duty: shifts in the zone of their subsystem, exceptions to them, and people who swapped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from alerts.duty.people import WEEK, Override, Shift, Subsystem, Swap
from ingest.times import utc

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Who is on duty, and why they are."""

    duty: tuple[str, ...]
    """Ids of the people on duty."""
    deputy: tuple[str, ...]
    """Ids of their deputies."""
    why: str = ""
    """What makes it another than the shifts say, in words; empty where nothing does."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A stretch of time in which the same people are on duty."""

    start: datetime
    """Its begin, aware UTC."""
    end: datetime
    """Its end, aware UTC."""
    watch: Watch | None
    """Who is; None where nobody is."""


def shift_at(subsystem: Subsystem, now: datetime) -> Watch | None:
    """Who is on duty at `now`; None where nobody is.

    The first shift that covers the moment counts, then the last exception that covers it, then all swaps.
    """
    moment = utc(now)
    watch = _by_the_shifts(subsystem, moment)
    for override in reversed(subsystem.overrides):
        if override.start <= moment < override.end:
            watch = _overridden(watch, override)
            break
    for swap in subsystem.swaps:
        if watch is not None and swap.start <= moment < swap.end:
            watch = _swapped(watch, swap)
    return watch


def turns(subsystem: Subsystem, start: datetime, end: datetime) -> list[Turn]:
    """Who is on duty from `start` to `end`, stretch by stretch without holes."""
    marks = [utc(start), *_changes(subsystem, utc(start), utc(end)), utc(end)]
    found: list[Turn] = []
    for begin, until in pairwise(marks):
        watch = shift_at(subsystem, begin)
        if found and found[-1].watch == watch:
            found[-1] = replace(found[-1], end=until)
        else:
            found.append(Turn(start=begin, end=until, watch=watch))
    return found


def gaps(subsystem: Subsystem, start: datetime, end: datetime) -> list[Turn]:
    """The stretches from `start` to `end` in which nobody is on duty."""
    return [turn for turn in turns(subsystem, start, end) if turn.watch is None or not turn.watch.duty]


def next_change(subsystem: Subsystem, now: datetime, within: timedelta) -> datetime | None:
    """The next moment at which others may be on duty; None where there is none within a time."""
    return next(iter(_changes(subsystem, utc(now), utc(now) + within)), None)


@lru_cache(maxsize=4096)
def instant_of(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The first moment at which clocks of a zone show a time of a day, or have leapt over it; aware UTC.

    Every time of every day has exactly one, so that shifts that meet on paper meet on the nights, too, on
    which summer time begins or ends.
    """
    naive = datetime.combine(day, clock)
    told = naive.replace(tzinfo=zone).astimezone(UTC)
    if told.astimezone(zone).replace(tzinfo=None) == naive:
        return told
    early = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _leap(early, told, zone)


def _leap(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """The second, between two moments, at which the clocks of a zone were put forward."""
    before = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + timedelta(seconds=(late - early) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


def _by_the_shifts(subsystem: Subsystem, moment: datetime) -> Watch | None:
    zone = ZoneInfo(subsystem.zone)
    today = moment.astimezone(zone).date()
    for start, end, watch in _watches(subsystem.rota, today, zone):
        if start <= moment < end:
            return watch
    return None


@lru_cache(maxsize=1024)
def _watches(
    rota: tuple[Shift, ...], today: date, zone: ZoneInfo
) -> tuple[tuple[datetime, datetime, Watch], ...]:
    """Begin, end and people of the shifts that can cover a moment of a day, in the order of the rota."""
    return tuple(
        (start, end, Watch(duty=shift.duty, deputy=shift.deputy))
        for shift in rota
        for start, end in _stretches(shift, (today - _DAY, today), zone)
    )


def _stretches(
    shift: Shift, days: tuple[date, ...], zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """Begin and end of a shift on those days on which it begins."""
    start, end = time.fromisoformat(shift.start), time.fromisoformat(shift.end)
    for day in days:
        if _begins(shift, day):
            until = day if start < end else day + _DAY
            yield instant_of(day, start, zone), instant_of(until, end, zone)


def _begins(shift: Shift, day: date) -> bool:
    if WEEK[day.weekday()] not in shift.days:
        return False
    text = day.isoformat()
    return (shift.first is None or shift.first <= text) and (shift.last is None or text <= shift.last)


def _overridden(watch: Watch | None, override: Override) -> Watch:
    deputy = override.deputy or (watch.deputy if watch is not None else ())
    deputy = tuple(one for one in deputy if one not in override.duty)
    return Watch(duty=override.duty, deputy=deputy, why=_because("stand-in", override.by, override.why))


def _swapped(watch: Watch, swap: Swap) -> Watch:
    other = {swap.one: swap.other, swap.other: swap.one}
    if not other.keys() & {*watch.duty, *watch.deputy}:
        return watch
    why = "; ".join(filter(None, [watch.why, _because("swap", "", swap.why)]))
    duty = tuple(other.get(one, one) for one in watch.duty)
    return Watch(duty=duty, deputy=tuple(other.get(one, one) for one in watch.deputy), why=why)


def _because(what: str, by: str, why: str) -> str:
    named = f"{what} by {by}" if by else what
    return f"{named}: {why}" if why else named


def _changes(subsystem: Subsystem, start: datetime, end: datetime) -> list[datetime]:
    """Moments strictly between two others at which shifts, exceptions and swaps begin or end."""
    zone = ZoneInfo(subsystem.zone)
    first = start.astimezone(zone).date() - _DAY
    number = (end.astimezone(zone).date() - first).days + 1
    days = tuple(first + _DAY * index for index in range(number))
    marks = {mark for shift in subsystem.rota for pair in _stretches(shift, days, zone) for mark in pair}
    marks |= {utc(mark) for one in subsystem.overrides for mark in (one.start, one.end)}
    marks |= {utc(mark) for one in subsystem.swaps for mark in (one.start, one.end)}
    return sorted(mark for mark in marks if start < mark < end)
