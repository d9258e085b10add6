"""The district of the bench: its configuration, and a year of weather told by its source."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from bench.climate import Weather, baseline, daily, stepped
from bench.figures import seconds
from sqlalchemy import insert, select

from ingest import archive
from ingest.archive import Archive
from ingest.batch import Batch, Flag, Kind, Values
from ingest.block import exact64
from ingest.database import create_tables, open_engine, reading, writing
from ingest.times import HOUR
from pipeline import derive
from pipeline.config import Config, default_folder, load
from pipeline.demo.stage import SOURCE, recorded_source
from pipeline.ports import Judging
from pipeline.replay.run import Period
from pipeline.view import DERIVED, view_of
from rules.baseline import HUMIDITY, RAIN, TEMPERATURE_MAX, TEMPERATURE_MEAN, Baseline

EVENT = "heatwave-2022-08"
LATENCY = timedelta(minutes=5)
_DAY_H = 24
_FIRST_DAY = np.datetime64("2022-06-15")
_MIDNIGHT = datetime(2022, 6, 14, 16, tzinfo=UTC)
# The longest run that a forecast is told for at 00 and 12 UTC, and at 06 and 18 UTC [h].
_AHEAD = (168, 72)
_EVERY = 6
# Days whose rain and temperature are known before the first hour: the drought indices look at 150.
_KNOWN_BEFORE = 160
_DRY = (262, 340)
# Years of weather that a climate is fitted to, fewer for so few days.
_YEARS, _FEW, _FEW_YEARS = 25, 10, 4
_NEEDS_CLIMATE = {"spiw60", "mi30", "spi90", "spi150"}


def played() -> Config:
    """The district as it ships, with the recorded event as its only source."""
    block = recorded_source(EVENT)
    return replace(load(default_folder()), sources={block.name: block})


@dataclass(frozen=True, kw_only=True)
class MadeUp:
    """An archive of weather that was made up."""

    period: Period
    """What to replay."""
    days: int
    """How many days."""
    derived_s: float
    """What the job of derived quantities took for all of them [s]."""


def long_period(config: Config, days: int, url: str) -> MadeUp:
    """Archive `days` days from 15 June 2022 on, told by the source of the recorded event.

    Every hour is observed, and foretold every six hours, nearly right; then the derived quantities are made
    as the daemon would have. For those that are held against a climate, one is fitted to weather of the same
    kind.
    """
    engine = open_engine(url)
    create_tables(engine, archive.metadata)
    start = _MIDNIGHT + LATENCY
    end = start + timedelta(days=days)
    view = view_of(config)
    judging = Judging(
        config=config,
        archive=Archive(),
        view=view,
        baseline=_climate(view.places, days) if _NEEDS_CLIMATE & set(view.quantities) else None,
    )
    with writing(engine) as connection:
        judging.archive.append(connection, _year(view.places, days))
        took = seconds(lambda: derive.derive_days(connection, start, end, judging))
    period = Period(name=f"{days} days", engine=engine, start=start, end=end)
    return MadeUp(period=period, days=days, derived_s=took)


def repeated(made: Period, times: int, days: int, url: str) -> Period:
    """An archive of the same days so many times, one after the other, each told anew.

    The rows are written as they lie in the database: telling 40 years batch by batch takes an hour.
    """
    engine = open_engine(url)
    create_tables(engine, archive.metadata)
    table = archive.metadata.tables["batch"]
    with reading(made.engine) as connection:
        told = [
            (dict(row._mapping), _Payload.of(row.payload))
            for row in connection.execute(select(table).order_by(table.c.id))
        ]
    for number in range(times):
        with writing(engine) as connection:
            connection.execute(insert(table), [_later(*one, number * days) for one in told])
    end = made.start + times * timedelta(days=days)
    return replace(made, engine=engine, end=end, name=f"{times} times {days} days")


def _later(row: dict[str, Any], payload: _Payload, days: int) -> dict[str, Any]:
    """A row of the archive, told and valid so many days later, under a number of its own."""
    moved = {name: at + timedelta(days=days) for name, at in row.items() if isinstance(at, datetime)}
    content = payload.later(days)
    same = {name: row[name] for name in ("source", "kind")}
    return {**same, **moved, "payload": content, "digest": hashlib.sha256(content).hexdigest()}


@dataclass(frozen=True, kw_only=True)
class _Payload:
    """A payload whose head can be changed without compressing the rest again."""

    head: dict[str, Any]
    """Places, hours and names."""
    rest: bytes
    """The arrays."""
    deflated: bytes
    """The arrays as the last blocks of a deflate stream."""

    @classmethod
    def of(cls, payload: bytes) -> _Payload:
        """Take a payload of `ingest.codec` apart."""
        start = int.from_bytes(payload[:4], "little")
        body = zlib.decompress(payload[4:])
        head, rest = json.loads(body[:start]), body[start:]
        deflate = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
        return cls(head=head, rest=rest, deflated=deflate.compress(rest) + deflate.flush())

    def later(self, days: int) -> bytes:
        """The same of so many days later: a zlib stream whose head is a stored block (RFC 1950, 1951)."""
        hours = [hour + days * _DAY_H for hour in self.head["hours"]]
        text = json.dumps({**self.head, "hours": hours}, separators=(",", ":")).encode()
        stored = struct.pack("<BHH", 0, len(text), len(text) ^ 0xFFFF) + text
        check = zlib.adler32(self.rest, zlib.adler32(text))
        return struct.pack("<I", len(text)) + b"\x78\x01" + stored + self.deflated + struct.pack(">I", check)


def _climate(places: tuple[str, ...], days: int) -> Baseline:
    """The climate that the days are held against; a short one where they are only to be seen running."""
    return baseline(places, _YEARS if days > _FEW else _FEW_YEARS)


def year_of(places: int, days: int = 365) -> dict[str, Values]:
    """Hours of the year that the bench plays, from the midnight of 15 June on."""
    chance = np.random.default_rng(2022)
    weather = Weather(first_day=_FIRST_DAY, places=places, days=days, chance=chance, dry=_DRY)
    return weather.hours()


def _year(places: tuple[str, ...], days: int) -> Iterator[Batch]:
    """The days before, then hour for hour what was observed and foretold."""
    yield _before(places)
    hours = year_of(len(places), days + _AHEAD[0] // _DAY_H + 1)
    chance = np.random.default_rng(6)
    for hour in range(days * _DAY_H + 1):
        yield _told(SOURCE, "observation", places, hour, columns(hours, slice(hour, hour + 1)))
        run = hour + _MIDNIGHT.hour
        if run % _EVERY == 0:
            ahead = _AHEAD[run // _EVERY % 2]
            later = columns(hours, slice(hour + 1, hour + 1 + ahead))
            yield _told(SOURCE, "forecast", places, hour, _mistaken(later, chance))


def columns(hours: dict[str, Values], columns: slice) -> dict[str, Values]:
    """Some hours of all that is told; what nobody says in any of them is left out."""
    cut = {name: values[:, columns] for name, values in hours.items()}
    return {name: values for name, values in cut.items() if not np.isnan(values).all()}


def _mistaken(hours: dict[str, Values], chance: np.random.Generator) -> dict[str, Values]:
    """A forecast of what will come, each town off by a third of a degree and a twentieth of any amount."""
    found = {}
    for name, values in hours.items():
        error = chance.normal(0.0, 1.0, (len(values), 1))
        wrong = values + 0.3 * error if name == "temperature_2m" else values * (1 + 0.05 * error)
        found[name] = stepped(name, wrong)
    return found


def _told(
    source: str, kind: Kind, places: tuple[str, ...], hour: int, values: dict[str, Values]
) -> Batch:
    """A statement made so many hours after the first midnight, of that hour or of those after it."""
    count = next(iter(values.values())).shape[1]
    first = hour + (kind == "forecast")
    at = _MIDNIGHT + hour * HOUR
    analysis = np.uint8(Flag.ANALYSIS if kind == "observation" else 0)
    return Batch(
        source=source,
        kind=kind,
        issued_at=at,
        available_at=at + LATENCY,
        places=places,
        valid_at=exact64(_MIDNIGHT).astype("datetime64[h]") + np.arange(first, first + count),
        values=values,
        flags={name: np.full(array.shape, analysis) for name, array in values.items()},
    )


def _before(places: tuple[str, ...]) -> Batch:
    """Days before the first hour, as the job of derived quantities would have left them."""
    weather = Weather(
        first_day=_FIRST_DAY - _KNOWN_BEFORE,
        places=len(places),
        days=_KNOWN_BEFORE,
        chance=np.random.default_rng(2021),
    )
    days = daily(weather.hours())
    return Batch(
        source=DERIVED,
        kind="observation",
        issued_at=_MIDNIGHT,
        available_at=_MIDNIGHT,
        places=places,
        valid_at=exact64(_MIDNIGHT).astype("datetime64[h]")
        + np.arange(-_KNOWN_BEFORE + 1, 1) * _DAY_H,
        values={
            "precipitation_day": days[RAIN],
            "temperature_max_day": days[TEMPERATURE_MAX],
            "temperature_mean_day": days[TEMPERATURE_MEAN],
            "relative_humidity_mean_day": days[HUMIDITY],
        },
    )
