"""The job of derived quantities: days that ended, and days the forecast covers, archived like any value."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ingest.times import beijing_midnight
from pipeline.day_book import Turn
from pipeline.deriving import derive_turns
from pipeline.ports import Judging
from pipeline.view import DERIVED, LEARNED
from rules.derived import Derivation, derivations

# Half an hour after a day ends: at midnight, at noon by the sun, at 20 o'clock. By then the last hour has
# come in from most sources.
_PAUSE = timedelta(minutes=30)
_ENDS = (timedelta(hours=0), timedelta(hours=13), timedelta(hours=20))
_DAY = timedelta(days=1)
# A report may be dated before a run that did not see it yet: it was still being checked and written.
_OVERLAP = timedelta(hours=1)
FARTHEST_BACK = 30
"""Days a late report is followed back [d]; what came later than that changes nothing derived any more."""
# Kept whatever the hazards need, so that a rule added later finds a past.
_ALWAYS = ("temperature_max_day", "relative_humidity_mean_day", "precipitation_day")
_Reports = list[tuple[datetime, datetime]]


def due(now: datetime, last: datetime | None, earliest: datetime | None = None) -> datetime:
    """When the job is next due: half an hour after each end of a day, see `Quantity.day_ends`.

    It is due at once where a report that came since it `last` ran tells of a day that had ended by then;
    `earliest` is the first hour of which such reports tell. Before its first run any ended day counts.
    """
    if earliest is not None and earliest <= _ended(last or now):
        return now
    if last is None:
        return next(moment for moment in _moments(now) if moment >= now)
    return next(moment for moment in _moments(last) if moment > last)


def _moments(after: datetime) -> Iterator[datetime]:
    today = beijing_midnight(after) + _PAUSE
    for day in range(3):
        for end in _ENDS:
            yield today + day * _DAY + end


def _ended(moment: datetime) -> datetime:
    """End of the last day, by any of the three counts, that the job has seen at a moment."""
    today = beijing_midnight(moment)
    seen = [today + end for end in _ENDS if today + end + _PAUSE <= moment]
    return max(seen, default=today - _DAY + _ENDS[-1])


def derive(
    connection: Connection, now: datetime, judging: Judging, since: datetime | None = None
) -> int:
    """Derive the days known at `now`, ended and foretold, and archive what is new or changed.

    The earliest day of which a report that came after `since` (the last time the job ran, None for never)
    tells is derived again, and all after it, at least the last one and at most `FARTHEST_BACK` days: a stop
    of the service breaks no run of days, for the reports that came meanwhile tell of it. What was archived
    before stays readable as of then. Returns the number of batches.
    """
    told: _Reports = []
    if since is not None:
        told = judging.archive.told(connection, since - _OVERLAP, now, observing(judging))
    turn = Turn(now=now, again=_days_again(told, now, since))
    return derive_turns(connection, [turn], judging, _chain(judging))


def derive_days(connection: Connection, start: datetime, end: datetime, judging: Judging) -> None:
    """Run the job at each of its moments from `start` to `end`, as a daemon would have.

    What is archived is just what `derive` at each of these moments, one after the other, would archive.
    """
    reports = judging.archive.told(connection, start - _DAY, end, observing(judging))
    turns = [
        Turn(now=now, again=_days_again(reports, now, last))
        for now, last in _runs(reports, start, end)
    ]
    derive_turns(connection, turns, judging, _chain(judging))


def _chain(judging: Judging) -> tuple[Derivation, ...]:
    return tuple(derivations((*_ALWAYS, *judging.view.quantities)))


def _runs(
    reports: _Reports, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime | None]]:
    """When the job runs, and when it ran the last time."""
    last: datetime | None = None
    waiting: datetime | None = None
    for known, hour in [*reports, (end + timedelta.resolution, None)]:
        while (moment := due(start, last)) < known:
            yield moment, last
            last, waiting = moment, None
        if hour is not None:
            waiting = hour if waiting is None else min(waiting, hour)
            now = max(known, start)
            if due(now, last, waiting) == now:
                yield now, last
                last, waiting = now, None


def observing(judging: Judging) -> list[str]:
    """Names of the sources whose reports make days."""
    return [name for name in judging.view.sources if name not in (DERIVED, LEARNED)]


def _days_again(reports: _Reports, now: datetime, since: datetime | None) -> int:
    """Ended days to derive again: the last, or back to the earliest of which a new report tells."""
    if since is None:
        return FARTHEST_BACK
    first = bisect_right(reports, since - _OVERLAP, key=_known)
    fresh = reports[first : bisect_right(reports, now, key=_known)]
    if not fresh:
        return 1
    earliest = min(hour for _, hour in fresh)
    # At a moment some frames have just ended and others end soon: one that ended at or after the report's
    # hour holds it.
    today = beijing_midnight(now)
    ended = max(today + end for end in _ENDS if today + end <= now)
    return min(max(1, (ended - earliest) // _DAY + 1), FARTHEST_BACK)


def _known(report: tuple[datetime, datetime]) -> datetime:
    return report[0]
