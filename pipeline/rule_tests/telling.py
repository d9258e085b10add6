"""The weather of a rule test as batches: told hour by hour, as a source would have told it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from ingest.batch import Batch, Kind
from ingest.quantities import quantity
from ingest.times import HOUR, beijing_midnight
from pipeline.rule_tests.sky import Drawn, Span
from pipeline.view import DERIVED

ISSUE_EVERY_H = 6
"""Pause between forecasts; less where they would grow stale before."""
# When the days that ended are known, as the job of derived quantities has it.
_RUNS = (timedelta(minutes=30), timedelta(hours=13, minutes=30), timedelta(hours=20, minutes=30))
_DAY = timedelta(days=1)
_DAYS_AHEAD = 7

Scenarios = Sequence[tuple[datetime, Drawn | None]]
"""What forecasts say from which moment on; None where there are none."""


@dataclass(frozen=True, kw_only=True)
class Silence:
    """A stretch in which nothing is told."""

    start: datetime
    """First moment of it."""
    end: datetime
    """First moment at which something is told again."""
    lost: bool
    """Whether what was missed is never told."""


@dataclass(frozen=True, kw_only=True)
class Teller:
    """Tells drawn weather from the start to the end of a test."""

    source: str
    """Name of the source block that tells it."""
    latency: timedelta
    """How long after its hour an observation is known, as the source declares it."""
    freshness: timedelta
    """Age at which a forecast of the source is no longer believed."""
    horizon: int
    """Hours that a forecast reaches [h]."""
    places: tuple[str, ...]
    """Codes of the towns, the first axis of the drawn weather."""
    span: Span
    """Hours and days that are drawn."""
    start: datetime
    """First moment of the test."""
    end: datetime
    """Last moment of the test."""
    silences: tuple[Silence, ...] = ()
    """When nothing is told."""

    def hours(self, drawn: Drawn, scenarios: Scenarios) -> Iterator[Batch]:
        """Batches of hourly quantities: the past at once at the start, then each hour, and the forecasts."""
        hourly = _only(drawn, daily=False)
        if not hourly:
            return
        for known, numbers in self._arrivals():
            yield self._batch(hourly, "observation", known, numbers - self.span.first, self.span.hours)
        for moment in self._issues(scenarios):
            says = _valid(scenarios, moment)
            if says is not None:
                ahead = self._told(moment) + 1 + np.arange(self.horizon) - self.span.first
                yield self._batch(_only(says, daily=False), "forecast", moment, ahead, self.span.hours)

    def days(self, drawn: Drawn, scenarios: Scenarios) -> Iterator[Batch]:
        """Batches of daily quantities, told when the job that derives them would have run."""
        by_end: dict[int, list[str]] = {}
        for name in _only(drawn, daily=True):
            by_end.setdefault(quantity(name).day_ends, []).append(name)
        for names in by_end.values():
            ends, told = self.span.ends(names[0]), -1
            for moment in self._runs():
                ended = int(np.searchsorted(ends, moment.timestamp() / 3600, side="right"))
                if ended - 1 > told:
                    fresh = np.arange(told + 1, ended)
                    yield self._batch({n: drawn[n] for n in names}, "observation", moment, fresh, ends)
                    told = ended - 1
                says = _valid(scenarios, moment)
                if says is not None:
                    ahead = np.arange(ended, min(ended + _DAYS_AHEAD, ends.size))
                    yield self._batch({n: says[n] for n in names}, "forecast", moment, ahead, ends)

    def _batch(
        self,
        drawn: Drawn,
        kind: Kind,
        known: datetime,
        columns: npt.NDArray[np.int64],
        valid: npt.NDArray[np.int64],
    ) -> Batch:
        daily = quantity(next(iter(drawn))).meaning == "day"
        return Batch(
            source=DERIVED if daily else self.source,
            kind=kind,
            issued_at=known,
            available_at=known,
            places=self.places,
            valid_at=(valid[columns] * 3600).astype("datetime64[s]"),
            values={name: array[:, columns] for name, array in drawn.items()},
        )

    def _told(self, moment: datetime) -> int:
        """Last hour observed at a moment [hours since 1970]."""
        return int((moment - self.latency).timestamp()) // 3600

    def _arrivals(self) -> Iterator[tuple[datetime, npt.NDArray[np.int64]]]:
        """When which hours become known [hours since 1970]."""
        first = self._told(self.start)
        yield self.start, np.arange(self.span.first, first + 1)
        late: dict[datetime, list[int]] = {}
        for hour in range(first + 1, self._told(self.end) + 1):
            known = datetime.fromtimestamp(hour * 3600, UTC) + self.latency
            silence = self._silent(known)
            if silence is None or not silence.lost:
                late.setdefault(known if silence is None else silence.end, []).append(hour)
        for known in sorted(late):
            if known <= self.end:
                yield known, np.array(late[known])

    def _issues(self, scenarios: Scenarios) -> list[datetime]:
        pause = max(1, min(ISSUE_EVERY_H, int(self.freshness / HOUR) // 2)) * HOUR
        count = int((self.end - self.start) / pause) + 1
        moments = {self.start + turn * pause for turn in range(count)}
        moments |= {since for since, _ in scenarios} | {silence.end for silence in self.silences}
        return self._heard(moments)

    def _runs(self) -> list[datetime]:
        day, moments = beijing_midnight(self.start), {self.start}
        while day <= self.end:
            moments |= {day + run for run in _RUNS if day + run >= self.start}
            day += _DAY
        return self._heard(moments)

    def _heard(self, moments: Iterable[datetime]) -> list[datetime]:
        """Those of some moments that lie in the test and in no silence, in order."""
        own = {moment for moment in moments if self.start <= moment <= self.end}
        return sorted(moment for moment in own if self._silent(moment) is None)

    def _silent(self, moment: datetime) -> Silence | None:
        within: Callable[[Silence], bool] = lambda one: one.start <= moment < one.end  # noqa: E731
        return next(filter(within, self.silences), None)


def _only(drawn: Drawn, *, daily: bool) -> Drawn:
    return {name: array for name, array in drawn.items() if (quantity(name).meaning == "day") is daily}


def _valid(scenarios: Scenarios, moment: datetime) -> Drawn | None:
    """What forecasts say at a moment."""
    return [says for since, says in scenarios if since <= moment][-1]
