"""When the daemon would have ticked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta


def tick_times(
    arrivals: Sequence[datetime], start: datetime, end: datetime, heartbeat: timedelta
) -> list[datetime]:
    """Moments from `start` to `end` at which the daemon ticks: each arrival, and each `heartbeat` without.

    Parameters
    ----------
    arrivals : sequence of datetime, rising
        When something became known; those outside the period count for nothing.
    heartbeat : timedelta
        Longest pause between two ticks.
    """
    moments = [start]
    for arrival in arrivals:
        if start < arrival <= end:
            _beat(moments, arrival, heartbeat)
            moments.append(arrival)
    _beat(moments, end + timedelta.resolution, heartbeat)
    return moments


def _beat(moments: list[datetime], before: datetime, heartbeat: timedelta) -> None:
    """Add the heartbeats that follow the last moment, up to but not at `before`."""
    while moments[-1] + heartbeat < before:
        moments.append(moments[-1] + heartbeat)
