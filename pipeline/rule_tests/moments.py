"""Moments of a rule test: Beijing dates, or days counted from its start."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.times import BEIJING, HOUR, beijing_midnight, utc

_CLOCK = r"(?: (?P<hour>[01]\d|2[0-4]):(?P<minute>[0-5]\d))?"
_DATE = re.compile(r"(?:(?P<year>\d{4})-)?(?P<month>\d\d)-(?P<day>\d\d)" + _CLOCK)
_COUNTED = re.compile(r"(?:day |第)(?P<count>-?\d{1,3})(?:天)?" + _CLOCK)
REMEDY = "write it such as day 3 08:00, 第3天 08:00 or 08-01 08:00"


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Reads the moments of one test."""

    start: datetime
    """When the test begins; its Beijing day is day 1."""

    def read(self, word: object) -> datetime:
        """A moment, aware UTC; ValueError says how to write one. ``24:00`` ends a day."""
        text = str(word)
        if found := _COUNTED.fullmatch(text):
            days = int(found["count"]) - 1
            return beijing_midnight(self.start) + timedelta(days=days) + _of_day(found)
        return read_date(text, self.start.astimezone(BEIJING).year)

    def words(self, moment: datetime) -> str:
        """A moment as people say it: the day of the test and the date, in Beijing time."""
        day = (beijing_midnight(moment) - beijing_midnight(self.start)) // timedelta(days=1) + 1
        return f"{moment.astimezone(BEIJING):%m-%d %H:%M}（第{day}天 / day {day}）"


def read_date(text: str, year: int | None = None) -> datetime:
    """A Beijing date with or without a time of day, aware UTC; the year may be known beforehand."""
    found = _DATE.fullmatch(text)
    if found is None or (found["year"] is None and year is None):
        remedy = REMEDY if year else "write it such as 2022-07-30 00:00, in Beijing time"
        raise ValueError(f'"{text}" is no moment; {remedy}')
    try:
        day = datetime(
            int(found["year"] or year or 0), int(found["month"]), int(found["day"]), tzinfo=BEIJING
        )
    except ValueError:
        raise ValueError(f'"{text}" is no day of the calendar; correct it') from None
    return utc(day) + _of_day(found)


def _of_day(found: re.Match[str]) -> timedelta:
    return int(found["hour"] or 0) * HOUR + timedelta(minutes=int(found["minute"] or 0))


def hour_number(moment: datetime) -> int:
    """Whole hours since 1970; ValueError where the moment is not a full hour."""
    number, rest = divmod(int(moment.timestamp()), 3600)
    if rest:
        raise ValueError("weather is hourly; write a full hour such as 08:00")
    return number
