"""Instants are aware UTC; Beijing time exists for people and for the bounds of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

BEIJING = ZoneInfo("Asia/Shanghai")
BEIJING_OFFSET_H = 8
HOUR = timedelta(hours=1)

Instants = npt.NDArray[np.datetime64]
"""Array of UTC instants, dtype ``datetime64[s]``."""


def utc(moment: datetime) -> datetime:
    """Return `moment` in UTC; a naive datetime is refused with ValueError."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; add Z or an offset such as +08:00")
    return moment.astimezone(UTC)


def parse_instant(text: str) -> datetime:
    """Read ISO 8601 with an offset; a text without one is refused with ValueError."""
    return utc(datetime.fromisoformat(text))


def instant64(moment: datetime) -> np.datetime64:
    """The UTC instant as ``datetime64[s]``."""
    return np.datetime64(utc(moment).replace(tzinfo=None), "s")


def from64(moment: np.datetime64) -> datetime:
    """The aware UTC datetime of a ``datetime64``; NaT is refused with ValueError."""
    if np.isnat(moment):
        raise ValueError("NaT is no instant")
    seconds = int(moment.astype("datetime64[s]").astype(np.int64))
    return datetime.fromtimestamp(seconds, UTC)


def floor_hour(moment: datetime) -> datetime:
    """The last full hour at or before `moment`."""
    return utc(moment).replace(minute=0, second=0, microsecond=0)


def beijing_day(moment: datetime) -> date:
    """The calendar day in Beijing at `moment`."""
    return utc(moment).astimezone(BEIJING).date()


def beijing_midnight(moment: datetime) -> datetime:
    """The instant at which the Beijing day of `moment` began, in UTC."""
    local = utc(moment).astimezone(BEIJING)
    return utc(local.replace(hour=0, minute=0, second=0, microsecond=0))
