"""Weather for the bench: the bundled event, repeated and varied, and a province made up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import xarray as xr

from ingest import archive
from ingest.archive import Archive
from ingest.batch import Batch, Flag, Values
from ingest.block import View, exact64, fill
from ingest.database import create_tables, open_engine, writing
from ingest.http import HttpClient
from ingest.recordings import load_event
from ingest.source import Request
from ingest.times import HOUR, Instants
from pipeline import derive
from pipeline.config import Config, default_folder, load
from pipeline.demo.stage import recorded_source
from pipeline.ports import Judging
from pipeline.replay.run import Period
from pipeline.view import view_of

EVENT = "heatwave-2022-08"
TEMPERATURE = "temperature_2m"
_AS_OF = datetime(2022, 8, 15, 6, tzinfo=UTC)
LATENCY = timedelta(minutes=5)


def played() -> Config:
    """The district as it ships, with the recorded event as its only source."""
    block = recorded_source(EVENT)
    return replace(load(default_folder()), sources={block.name: block})


def long_period(config: Config, days: int, url: str) -> Period:
    """An archive of `days` days, made of the event again and again, each time a little different."""
    engine = open_engine(url)
    create_tables(engine, archive.metadata)
    start = load_event(EVENT).start + LATENCY
    end = start + timedelta(days=days)
    judging = Judging(config=config, archive=Archive(), view=view_of(config))
    with writing(engine) as connection:
        told = (batch for batch in _repeated(config) if batch.available_at <= end)
        judging.archive.append(connection, _until(told, end))
        derive.derive_days(connection, start, end, judging)
    return Period(name=f"{days} days", engine=engine, start=start, end=end)


def _until(batches: Iterator[Batch], end: datetime) -> Iterator[Batch]:
    for batch in batches:
        yield batch
        if batch.kind == "observation" and batch.available_at + HOUR > end:
            return


def _repeated(config: Config) -> Iterator[Batch]:
    """The event without end; the seasons differ by up to 12 °C, the towns by some tenths."""
    batches = _event_batches(config)
    span = batches[-1].valid_at[0] - batches[0].valid_at[0] + np.timedelta64(1, "h")
    chance = np.random.default_rng(2022)
    number = 0
    while True:
        cooler = 6 * (1 - np.cos(2 * np.pi * number / 7.6))
        for batch in batches:
            yield _moved(batch, number * span, cooler, chance)
        number += 1


def _event_batches(config: Config) -> list[Batch]:
    (block,) = config.sources.values()
    with HttpClient() as http:
        request = Request(
            now=load_event(EVENT).end + LATENCY, since=None, district=config.district, http=http
        )
        return block.source.fetch(block.name, request)


def _moved(
    batch: Batch, by: np.timedelta64, cooler: float, chance: np.random.Generator
) -> Batch:
    shift = timedelta(seconds=int(by / np.timedelta64(1, "s")))
    varied = batch.values[TEMPERATURE] - cooler + chance.normal(0, 0.3, (len(batch.places), 1))
    return replace(
        batch,
        issued_at=batch.issued_at + shift,
        available_at=batch.available_at + shift,
        valid_at=batch.valid_at + by,
        values={**batch.values, TEMPERATURE: varied.round(1)},
    )


@dataclass(frozen=True, kw_only=True)
class Province:
    """Batches of one tick of a province."""

    batches: list[Batch]
    """One observation per hour back, one forecast."""
    nows: Instants
    """The one now."""
    view: View
    """What the hazards read of it."""

    def block(self) -> xr.Dataset:
        """What was known at the now."""
        return fill(self.batches, self.nows, self.view)


def province(places: int, back: int, ahead: int, quantities: tuple[str, ...]) -> Province:
    """A hot day at so many places: calm, yellow, orange and red ones."""
    names = tuple(str(number) for number in range(places))
    hours = exact64(_AS_OF).astype("datetime64[h]") + np.arange(1 - back, ahead + 1)
    values = _daily_course(places, hours)
    batches = [
        _batch("observation", names, hours[row : row + 1], values[:, row : row + 1], row - back)
        for row in range(back)
    ]
    batches.append(_batch("forecast", names, hours[back:], values[:, back:], -1))
    view = View(
        places=names,
        quantities=quantities,
        hours_back=back,
        hours_ahead=ahead,
        sources=("grid",),
        latency=LATENCY,
        freshness={"grid": timedelta(hours=12)},
    )
    now = np.array([exact64(_AS_OF + LATENCY)])
    return Province(batches=batches, nows=now, view=view)


def _daily_course(places: int, hours: Instants) -> Values:
    chance = np.random.default_rng(70_000)
    phase = (hours.astype(np.int64) - 9) % 24 / 24 * 2 * np.pi
    course = 33 + 6 * np.cos(phase)
    level = chance.normal(0, 1.5, (places, 1))
    values: Values = (course + level + chance.normal(0, 0.3, (places, hours.size))).round(1)
    return values


def _batch(
    kind: str, places: tuple[str, ...], hours: Instants, values: Values, hour: int
) -> Batch:
    at = _AS_OF + (hour + 1) * HOUR
    flags = np.full(values.shape, np.uint8(Flag.ANALYSIS))
    return Batch(
        source="grid",
        kind="forecast" if kind == "forecast" else "observation",
        issued_at=at,
        available_at=at + LATENCY,
        places=places,
        valid_at=hours.astype("datetime64[s]"),
        values={TEMPERATURE: np.ascontiguousarray(values)},
        flags={TEMPERATURE: flags},
    )

