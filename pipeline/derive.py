"""The job of derived quantities: days that ended, and days the forecast covers, archived like any value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from ingest.batch import PROVENANCE, Batch, Flags, Kind, Values
from ingest.quantities import quantity
from ingest.times import HOUR, beijing_day, beijing_midnight, instant64
from pipeline.ports import Judging
from pipeline.view import DERIVED
from rules.derived import Day, Derivation, derivations
from rules.windows import Group, groups

# Half an hour after a day ends: at midnight, at noon by the sun, at 20 o'clock. By then the last hour has
# come in from most sources.
_PAUSE = timedelta(minutes=30)
_ENDS = (timedelta(hours=0), timedelta(hours=13), timedelta(hours=20))
_DAY = timedelta(days=1)
_DAY_H = 24
# A report may be dated before a run that did not see it yet: it was still being checked and written.
_OVERLAP = timedelta(hours=1)
FARTHEST_BACK = 30
"""Days a late report is followed back [d]; what came later than that changes nothing derived any more."""
# Days of forecast that are derived, the one under way being the first.
_AHEAD = 7
# Kept whatever the hazards need, so that a rule added later finds a past.
_ALWAYS = ("temperature_max_day", "relative_humidity_mean_day", "precipitation_day")


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
    chain = tuple(derivations((*_ALWAYS, *judging.view.quantities)))
    again = _days_again(connection, now, judging, since)
    book = _Book.read(connection, now, judging, chain, again)
    for made in chain:
        for offset in range(-again, _AHEAD):
            book.derive(made, offset)
    return judging.archive.append(connection, book.batches(chain, now))


def derive_days(connection: Connection, start: datetime, end: datetime, judging: Judging) -> None:
    """Run the job at each of its moments from `start` to `end`, as a daemon would have."""
    last: datetime | None = None
    waiting: datetime | None = None
    reports = judging.archive.told(connection, start - _DAY, end, observing(judging))
    for known, hour in [*reports, (end + timedelta.resolution, None)]:
        while (moment := due(start, last)) < known:
            derive(connection, moment, judging, last)
            last, waiting = moment, None
        if hour is not None:
            waiting = hour if waiting is None else min(waiting, hour)
            now = max(known, start)
            if due(now, last, waiting) == now:
                derive(connection, now, judging, last)
                last, waiting = now, None


def observing(judging: Judging) -> list[str]:
    """Names of the sources whose reports make days."""
    return [name for name in judging.view.sources if name != DERIVED]


def _days_again(
    connection: Connection, now: datetime, judging: Judging, since: datetime | None
) -> int:
    """Ended days to derive again: the last, or back to the earliest of which a new report tells."""
    if since is None:
        return FARTHEST_BACK
    earliest = judging.archive.earliest(connection, since - _OVERLAP, now, observing(judging))
    if earliest is None:
        return 1
    # At a moment some frames have just ended and others end soon: one that ended at or after the report's
    # hour holds it.
    today = beijing_midnight(now)
    ended = max(today + end for end in _ENDS if today + end <= now)
    return min(max(1, (ended - earliest) // _DAY + 1), FARTHEST_BACK)


@dataclass(frozen=True, kw_only=True)
class _Book:
    """Hours and days as known at one now, and what is derived from them; day offsets as in a block."""

    group: Group
    """Where the hours stand."""
    midnight: datetime
    """Beijing midnight with which the day of the now began."""
    hours: Mapping[str, Values]
    """Hourly quantity -> (place, hour)."""
    hour_flags: Mapping[str, Flags]
    """Hourly quantity -> flag bits."""
    days: dict[str, Values]
    """Daily quantity -> (place, day), what is known and what is derived."""
    day_flags: dict[str, Flags]
    """Daily quantity -> flag bits."""
    told: Mapping[str, Values]
    """Daily quantity -> (place, day) as archived before."""
    first: int
    """Offset of the first day."""
    latitude: Values
    """Latitude of each town [degrees north]."""
    judging: Judging
    """The district and its climate."""

    @classmethod
    def read(
        cls,
        connection: Connection,
        now: datetime,
        judging: Judging,
        chain: Iterable[Derivation],
        again: int,
    ) -> _Book:
        """What is known at `now` of all that a chain of derivations needs."""
        chain = tuple(chain)
        depth = again + max((max(made.before.values(), default=0) for made in chain), default=0)
        hourly = dict.fromkeys(name for made in chain for name in made.hours)
        daily = dict.fromkeys(
            name for made in chain for name in (*made.gives, *made.before, *made.same)
        )
        view = replace(
            judging.view,
            quantities=(*hourly, *daily),
            hours_back=_DAY_H * (again + 1),
            hours_ahead=_DAY_H * (_AHEAD + 1),
            days_back=depth,
            days_ahead=_AHEAD,
        )
        block = judging.archive.block(connection, [now], view)
        (group,) = groups(block)
        days = {name: block.variables[name].values[0].copy() for name in daily}
        for values in days.values():
            values[:, depth:] = np.nan  # what was foretold before is foretold anew, or not at all
        return cls(
            group=group,
            midnight=beijing_midnight(now),
            hours={name: block.variables[name].values[0] for name in hourly},
            hour_flags={name: block.variables[f"flags_{name}"].values[0] for name in hourly},
            days=days,
            day_flags={name: block.variables[f"flags_{name}"].values[0].copy() for name in daily},
            told={name: block.variables[name].values[0] for name in daily},
            first=-depth,
            latitude=np.array([town.lat for town in judging.config.district.towns]),
            judging=judging,
        )

    def derive(self, made: Derivation, offset: int) -> None:
        """Derive one day and write down what can be known of it."""
        column = offset - self.first
        end = self._end(made.ends, offset)
        day = Day(
            date=np.datetime64(beijing_day(end - timedelta(seconds=1)), "D"),
            hours={name: self._hours_of(name, made.ends, offset) for name in made.hours},
            before={
                name: self.days[name][:, max(0, column - back) : column]
                for name, back in made.before.items()
            },
            same={name: self.days[name][:, column] for name in made.same},
            latitude=self.latitude,
            baseline=self.judging.baseline,
        )
        bits = self._provenance(made, offset)
        for name, values in made.compute(day).items():
            known = ~np.isnan(values)
            self.days[name][known, column] = values[known]
            self.day_flags[name][known, column] = bits[known]

    def batches(self, chain: Iterable[Derivation], now: datetime) -> list[Batch]:
        """What is new, by the hour at which days end: of the days that ended, and of those to come."""
        by_end: dict[int, list[str]] = {}
        for made in chain:
            by_end.setdefault(made.ends, []).extend(made.gives)
        found = []
        for ends, names in by_end.items():
            for kind, offsets in _KINDS:
                batch = self._batch(kind, offsets(self.first), names, ends, now)
                found += [] if batch is None else [batch]
        return found

    def _batch(
        self, kind: Kind, offsets: range, names: list[str], ends: int, now: datetime
    ) -> Batch | None:
        columns = np.array([offset - self.first for offset in offsets])
        fresh = {name: self.days[name][:, columns] for name in names}
        if kind == "observation":
            fresh = {name: self._changed(name, columns) for name in names}
        said = np.any([~np.isnan(values).all(axis=0) for values in fresh.values()], axis=0)
        if not said.any():
            return None
        ended = [self._end(ends, offset) for offset in np.array(offsets)[said].tolist()]
        return Batch(
            source=DERIVED,
            kind=kind,
            issued_at=now,
            available_at=now,
            places=self.judging.view.places,
            valid_at=np.array([instant64(moment) for moment in ended]),
            # All of them each time, also those that say nothing new: batches alike are laid at once.
            values={name: values[:, said] for name, values in fresh.items()},
            flags={name: self.day_flags[name][:, columns[said]] for name in fresh},
        )

    def _changed(self, name: str, columns: npt.NDArray[np.int64]) -> Values:
        """Days that differ from what was archived; NaN, which says nothing, where they do not."""
        derived, told = self.days[name][:, columns], self.told[name][:, columns]
        return np.where(derived == told, np.nan, derived)

    def _hours_of(self, name: str, ends: int, offset: int) -> Values:
        """The 24 hours of a day; of one that ended, without what was only foretold of it."""
        window = self._window(name, ends, offset)
        hours = self.hours[name][:, window]
        if offset >= 0 or window.stop <= self.group.zero + 1:
            return hours
        told = hours.copy()
        told[:, max(0, self.group.zero + 1 - window.start) :] = np.nan
        return told

    def _window(self, name: str, ends: int, offset: int) -> slice:
        # A value of the moment midnight belongs to the day it begins; a sum of the hour before it does not.
        if ends == 0 and quantity(name).meaning == "instant":
            return self.group.day(offset)
        return self.group.frame(offset, ends)

    def _provenance(self, made: Derivation, offset: int) -> Flags:
        column = offset - self.first
        bits = np.zeros(self.latitude.size, np.uint8)
        for name in made.hours:
            window = self._window(name, made.ends, offset)
            bits |= np.bitwise_or.reduce(self.hour_flags[name][:, window], axis=1)
        for name in made.same:
            bits |= self.day_flags[name][:, column]
        for name, back in made.before.items():
            if name not in made.gives:
                past = self.day_flags[name][:, max(0, column - back) : column]
                bits |= np.bitwise_or.reduce(past, axis=1)
        return bits & np.uint8(PROVENANCE)

    def _end(self, ends: int, offset: int) -> datetime:
        hours = self.group.ends_at(offset, ends) - self.group.zero + self.group.phase
        return self.midnight + hours * HOUR


_KINDS: tuple[tuple[Kind, Callable[[int], range]], ...] = (
    ("observation", lambda first: range(first, 0)),
    ("forecast", lambda first: range(_AHEAD)),
)
