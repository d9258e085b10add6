"""The source `recorded`: a past event told hour by hour, as if it were happening."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from ingest.batch import Batch, Flag, Flags, Values
from ingest.places import District
from ingest.recordings import Event, bundled_events, load_event
from ingest.recordings.table import TEMPERATURE, Table, read_table
from ingest.registry import Duration
from ingest.source import Request, source
from ingest.times import HOUR, Instants, utc

__all__ = ["Event", "Recorded", "bundled_events", "load_event"]

T = TypeVar("T", bound=np.generic)

_DAY = timedelta(hours=24)


@source("recorded")
@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Tells a recorded event at the pace of the clock it is asked with.

    Temperature is carried from the elevation of the recording to that of each town by the event's
    lapse rate (6.5 K/km in the bundled event, from 380 m: the mean altitude of the district,
    because the source does not state the elevation of the ERA5 cell) and rounded to 0.1 °C; every
    other quantity is the same in all towns.
    """

    event: str
    """Name of a bundled event, or path of a folder with `event.yaml`."""
    forecasts: Literal["none", "perfect"] = "none"
    """`perfect` also tells forecasts, taken from the recording's own future and flagged as such."""
    issue_every: Duration = timedelta(hours=6)
    """Pause between forecasts, counted from 00 UTC; whole hours that divide a day."""
    horizon: Duration = timedelta(hours=78)
    """How far a forecast reaches beyond its issue time; whole hours."""
    delay: Duration = timedelta(minutes=5)
    """How long after its hour a value, or after its issue a forecast, becomes available."""

    def __post_init__(self) -> None:
        if self.issue_every < HOUR or self.issue_every % HOUR or _DAY % self.issue_every:
            raise ValueError("issue_every must be whole hours that divide a day, such as 6h")
        if self.horizon < HOUR or self.horizon % HOUR:
            raise ValueError("horizon must be at least one whole hour, such as 78h")
        if self.delay < timedelta(0):
            raise ValueError("delay must not be negative")

    def fetch(self, name: str, request: Request) -> list[Batch]:
        """Batches that became available after `since` and not after `now`, oldest first.

        One observation batch per hour of the event, issued at its hour, with every quantity of the
        recording (NaN where nothing is recorded); with `perfect`, after it also the forecast
        issued at that hour, from the next hour to the horizon or the last figure of the
        recording, whichever comes first, with every quantity the recording has a figure of
        there, NaN in the hours where it has none. Figures after the event's end are foretold and never
        observed. Raises UnknownName, listing the bundled events, where there is no such event.
        """
        event = load_event(self.event)
        first = 0 if request.since is None else self._told(event, request.since)
        last = self._told(event, request.now)
        if first >= last:
            return []
        teller = _Teller.of(name, event, request.district)
        return list(self._batches(teller, range(first, last)))

    def _told(self, event: Event, moment: datetime) -> int:
        """Number of hours of the event that are available at a moment."""
        hours = (utc(moment) - self.delay - event.start) // HOUR + 1
        return min(max(hours, 0), (event.end - event.start) // HOUR + 1)

    def _batches(self, teller: _Teller, told: range) -> Iterator[Batch]:
        horizon, every = self.horizon // HOUR, self.issue_every // HOUR
        for hour in told:
            yield teller.observation(hour, self.delay)
            issues = self.forecasts == "perfect" and teller.hour_of_day(hour) % every == 0
            foretold = teller.foretold(hour, horizon) if issues else ()
            if foretold:
                yield teller.forecast(hour, horizon, self.delay, foretold)


@dataclass(frozen=True, kw_only=True)
class _Teller:
    """An event laid out over the towns, ready to be cut into batches."""

    name: str
    """Name of the source block."""
    start: datetime
    """First hour of the event, aware UTC."""
    valid_at: Instants
    """Every hour of the event, then those that are only foretold."""
    places: tuple[str, ...]
    """Place ids, the first axis."""
    values: Mapping[str, Values]
    """Quantity -> (place, hour)."""
    flags: Mapping[str, Flags]
    """Quantity -> Flag bits (place, hour)."""

    @classmethod
    def of(cls, name: str, event: Event, district: District) -> _Teller:
        table = read_table(event)
        towns = len(district.towns)
        flags = {key: _spread(bits, towns) for key, bits in table.flags.items()}
        return cls(
            name=name,
            start=event.start,
            valid_at=table.hours.astype("datetime64[h]").astype("datetime64[s]"),
            places=district.place_ids,
            values=_town_values(event, table, district),
            flags=flags,
        )

    def foretold(self, hour: int, horizon: int) -> tuple[str, ...]:
        """Quantities of which the recording has a figure in the `horizon` hours after `hour`."""
        cut = slice(hour + 1, hour + 1 + horizon)
        return tuple(
            name for name, array in self.values.items() if np.isfinite(array[0, cut]).any()
        )

    def hour_of_day(self, hour: int) -> int:
        """UTC hour of the day of the event's hour number `hour`."""
        return (self.start + hour * HOUR).hour

    def observation(self, hour: int, delay: timedelta) -> Batch:
        """What is observed at one hour."""
        at = self.start + hour * HOUR
        cut = slice(hour, hour + 1)
        return Batch(
            source=self.name, kind="observation", issued_at=at, available_at=at + delay,
            places=self.places, valid_at=self.valid_at[cut],
            values={key: array[:, cut] for key, array in self.values.items()},
            flags={key: bits[:, cut] for key, bits in self.flags.items() if bits[0, hour]},
        )

    def forecast(
        self, hour: int, horizon: int, delay: timedelta, names: tuple[str, ...]
    ) -> Batch:
        """What the recording itself says of some quantities in the hours after `hour`."""
        at = self.start + hour * HOUR
        cut = slice(hour + 1, hour + 1 + horizon)
        kept, own = np.uint8(Flag.RECONSTRUCTED), np.uint8(Flag.PERFECT_PROGNOSIS)
        return Batch(
            source=self.name, kind="forecast", issued_at=at, available_at=at + delay,
            places=self.places, valid_at=self.valid_at[cut],
            values={name: self.values[name][:, cut] for name in names},
            flags={name: self.flags[name][:, cut] & kept | own for name in names},
        )


def _town_values(event: Event, table: Table, district: District) -> dict[str, Values]:
    values = {key: _spread(array, len(district.towns)) for key, array in table.values.items()}
    if TEMPERATURE not in values:
        return values
    above = np.array([[town.elevation - event.reference_elevation] for town in district.towns])
    values[TEMPERATURE] = np.round(values[TEMPERATURE] - event.lapse_rate / 1000 * above, 1)
    return values


def _spread(row: npt.NDArray[T], towns: int) -> npt.NDArray[T]:
    return np.broadcast_to(row, (towns, row.size))
