"""The weather of a drill: a design storm, told hour by hour as if it came, and foretold as it will."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ingest.batch import Batch, Kind
from ingest.source import Request
from ingest.times import HOUR, instant64, utc

SOURCE = "design_storm"
"""Name under which it is archived."""
DRY_BEFORE = 72
"""Hours without rain that are told before a drill begins [h], so that every rain window is full."""
AHEAD = 72
"""Hours that each forecast reaches ahead [h]."""
_DRY_AFTER = 72
_RAIN = "precipitation"


@dataclass(frozen=True, kw_only=True)
class DesignStorm:
    """Tells dry hours, then the storm, then dry hours; the forecast is the rest of it, unchanged.

    The same rain falls in every town. What it tells is no measurement and no forecast of anybody: it exists
    in the archive of a drill alone.
    """

    begins: datetime
    """Begin of the drill, aware UTC; the hours count from the whole hour it lies in."""
    lead: timedelta
    """From that hour to the first rain; whole hours."""
    rain: tuple[float, ...]
    """Rain of each hour of the storm [mm]."""

    @property
    def first(self) -> datetime:
        """The whole hour in which the drill begins."""
        return utc(self.begins).replace(minute=0, second=0, microsecond=0)

    @property
    def end(self) -> datetime:
        """End of the last hour of rain."""
        return self.first + self.lead + len(self.rain) * HOUR

    def fetch(self, name: str, request: Request) -> list[Batch]:
        """At the begin the dry past, at each hour that hour, and with each the forecast from there."""
        since, now, places = request.since, utc(request.now), request.district.place_ids
        batches = []
        if since is None or since < self.begins <= now:
            past = [self.first - step * HOUR for step in reversed(range(DRY_BEFORE))]
            batches.append(self._batch(name, places, past, "observation", self.begins))
            batches.append(self._foretold(name, places, self.first, self.begins))
        for hour in self._hours(since, now):
            batches.append(self._batch(name, places, [hour], "observation", hour))
            batches.append(self._foretold(name, places, hour, hour))
        return batches

    def _foretold(self, name: str, places: tuple[str, ...], hour: datetime, at: datetime) -> Batch:
        ahead = [hour + (step + 1) * HOUR for step in range(AHEAD)]
        return self._batch(name, places, ahead, "forecast", at)

    def _hours(self, since: datetime | None, now: datetime) -> Iterator[datetime]:
        """Whole hours that ended after the drill began, since the last look."""
        hour = self.first + HOUR
        last = self.end + _DRY_AFTER * HOUR
        while hour <= min(now, last):
            if since is None or hour > utc(since):
                yield hour
            hour += HOUR

    def _batch(
        self,
        name: str,
        places: tuple[str, ...],
        hours: list[datetime],
        kind: Kind,
        at: datetime,
    ) -> Batch:
        rain = np.array([self._of(hour) for hour in hours])
        return Batch(
            source=name,
            kind=kind,
            issued_at=at,
            available_at=at,
            places=places,
            valid_at=np.array([instant64(hour) for hour in hours]),
            values={_RAIN: np.tile(rain, (len(places), 1))},
        )

    def _of(self, hour: datetime) -> float:
        """Rain of the hour that ends at a moment [mm]."""
        index = (hour - self.first - self.lead) // HOUR - 1
        return self.rain[index] if 0 <= index < len(self.rain) else 0.0
