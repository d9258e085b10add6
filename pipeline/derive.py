"""The daily job: derived quantities of the days that ended, archived like any other value."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection

from ingest.batch import Batch
from ingest.block import View
from ingest.times import HOUR, beijing_midnight, instant64
from pipeline.ports import Judging
from pipeline.view import DERIVED
from rules.derived import day_maximum, hot_day_run

# Half an hour after Beijing midnight, when the last hour of the day has come in from most sources.
_PAUSE = timedelta(minutes=30)
_DAY = timedelta(days=1)
_DAY_H = 24
# After a stop of some days most sources tell the days that were missed; late hours come in as well.
_AGAIN = 3


def due(now: datetime, last: datetime | None) -> datetime:
    """When the job is next due: half an hour after each Beijing midnight."""
    today = beijing_midnight(now) + _PAUSE
    if last is None:
        return today if now <= today else today + _DAY
    done = beijing_midnight(last) + _PAUSE
    return done if last < done else done + _DAY


def derive(connection: Connection, now: datetime, judging: Judging) -> Batch | None:
    """Derive the Beijing day that ended last, from what is known at `now`, and archive it.

    The two days before it are derived again, so that a stop of the service or a late report breaks no
    run of days. Returns the batch of the last day; None where no town's day is known.
    """
    today = beijing_midnight(now)
    batch = None
    for days in range(_AGAIN - 1, -1, -1):
        batch = _derive_day(connection, now, judging, today - days * _DAY)
        if batch is not None:
            judging.archive.append(connection, [batch])
    return batch


def derive_days(
    connection: Connection, start: datetime, end: datetime, judging: Judging
) -> None:
    """Run the job at each of its moments from `start` to `end`, as a daemon would have."""
    moment = due(start, None)
    while moment <= end:
        derive(connection, moment, judging)
        moment = due(moment, moment)


def _derive_day(
    connection: Connection, now: datetime, judging: Judging, end: datetime
) -> Batch | None:
    # A view of the 24 hours that end one hour before midnight holds the hours of the day and, of the
    # runs, only the one that the day before ended with.
    view = View(
        places=judging.view.places,
        quantities=("temperature_2m", "hot_day_run"),
        hours_back=_DAY_H,
        hours_ahead=0,
        sources=judging.view.sources,
        latency=now - end + HOUR,
    )
    block = judging.archive.block(connection, [now], view)
    maximum = day_maximum(block["temperature_2m"].values[0])
    if np.isnan(maximum).all():
        return None
    run = hot_day_run(maximum, block["hot_day_run"].values[0])
    return Batch(
        source=DERIVED,
        kind="observation",
        issued_at=end,
        available_at=now,
        places=view.places,
        valid_at=np.array([instant64(end)]),
        values={"temperature_max_day": maximum[:, None], "hot_day_run": run[:, None]},
    )
