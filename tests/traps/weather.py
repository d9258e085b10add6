"""Weather of the whole district written by hand, and told the way sources tell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from fakes import RecordingChannel
from stage import HOUR, LATENCY, Told, day, district, messages

from alerts.outgoing.delivery import Channel, Delivery, Purpose
from ingest.batch import Batch, Kind
from ingest.source import Feed
from ingest.times import instant64
from pipeline.config import ChannelBlock, Config, SourceBlock, with_only
from pipeline.daemon import Daemon, SimulatedClock
from pipeline.ports import Ports
from pipeline.work import Event, Job

Series = npt.NDArray[np.float64]
TOWNS = district().district.place_ids
BEGIN = day("08-01 00:00")
HOURS = 40 * 24
NOW = day("08-15 12:05")
"""Noon of the day around which the tests play."""


def hours(*days_of_august: int) -> list[int]:
    """Rows of a series that are hours of these days, Beijing time."""
    return [hour for number in days_of_august for hour in range((number - 1) * 24, number * 24)]


def heat(peaks: Mapping[int, float] | None = None, calm: float = 28.0) -> Series:
    """Temperature (hour,) [°C] whose daily maxima at 15 o'clock are `peaks` by day of August, else `calm`."""
    series = np.empty(HOURS)
    for number in range(HOURS // 24):
        top = (peaks or {}).get(number + 1, calm)
        shape = np.cos((np.arange(24) - 15) / 24 * 2 * np.pi)
        series[number * 24 : (number + 1) * 24] = top - 4.0 + 4.0 * shape
    return np.round(series, 1)


@dataclass(frozen=True, kw_only=True)
class Weather:
    """What the weather is, hour by hour, in every town."""

    values: dict[str, Series]
    """Quantity -> array (town, hour) from BEGIN on."""
    towns: Sequence[str] = field(default=TOWNS)
    """Codes of the towns."""

    @classmethod
    def everywhere(cls, quantity: str, series: Series) -> Weather:
        """The same in every town."""
        return cls(values={quantity: np.tile(series, (len(TOWNS), 1))})

    def told(
        self, kind: Kind, span: tuple[datetime, datetime], at: datetime, towns: Collection[str] = ()
    ) -> Batch:
        """A batch of the hours of a span, known at `at`, of some towns or of all."""
        rows = [row for row, town in enumerate(self.towns) if not towns or town in towns]
        first, last = (int((moment - BEGIN) / HOUR) for moment in span)
        valid = instant64(BEGIN) + np.arange(first, last + 1) * np.timedelta64(3600, "s")
        part = {name: series[rows, first : last + 1] for name, series in self.values.items()}
        return Batch(
            source="told", kind=kind, issued_at=at, available_at=at, values=part,
            places=tuple(self.towns[row] for row in rows), valid_at=valid,
        )  # fmt: skip

    def at(self, now: datetime, towns: Collection[str] = (), back: int = 120) -> list[Batch]:
        """What is told at a moment: the hours that ended, and a run of the coming three days."""
        ended = now - LATENCY
        observed = self.told("observation", (ended - back * HOUR, ended), now, towns)
        return [observed, self.told("forecast", (ended + HOUR, ended + 72 * HOUR), now, towns)]


def told(batches: Sequence[Batch], *hazards: str, channel: Channel | None = None) -> Config:
    """The district with some hazards, a source that tells these batches, and one channel for everybody."""
    block = ChannelBlock(name="outbox", enabled=True, channel=channel or RecordingChannel())
    feed = Feed(kind="told", every=HOUR, latency=LATENCY)
    source = SourceBlock(name="told", feed=feed, source=Told(batches=batches))
    some = with_only(district(), hazards)
    return replace(some, sources={"told": source}, channels={"outbox": block})


def calm_people(config: Config, **more: Any) -> Config:
    """The configuration without quiet hours and digests, so that each message is seen by itself."""
    return replace(config, routes=replace(config.routes, quiet=None, budget=None, **more))


def about(ports: Ports) -> list[Delivery]:
    """Delivery rows that tell of a change."""
    return [row for row in messages(ports) if row.purpose is Purpose.ALERT]


def live(ports: Ports, first: datetime, last: datetime, most: int = 200) -> None:
    """Play as `stage.play` does; a daemon that does the same work over and over fails in place of hanging."""
    runs: Counter[datetime] = Counter()

    def watch(job: Job, now: datetime, event: Event) -> None:
        runs[now] += 1
        assert runs[now] < most, f"{job.name} is run at {now} over and over"

    Daemon(ports=ports, watch=watch).simulate(SimulatedClock(first), last)


def every(step: timedelta, first: datetime, last: datetime) -> list[datetime]:
    """Moments from `first` to `last`."""
    count = int((last - first) / step)
    return [first + number * step for number in range(count + 1)]
