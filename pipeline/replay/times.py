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
        When something became known.
    heartbeat : timedelta
        Longest pause between two ticks.
    """
    moments = [start]
    for arrival in [*arrivals, None]:
        limit = end if arrival is None else arrival
        while moments[-1] + heartbeat < limit or (arrival is None and moments[-1] + heartbeat == end):
            moments.append(moments[-1] + heartbeat)
        if arrival is not None and start < arrival <= end:
            moments.append(arrival)
    return moments
