"""Batches in few words: hours count from T0, values are lists, and nobody needs a network."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import xarray as xr
from sqlalchemy import Connection

from ingest import archive
from ingest.archive import Archive
from ingest.batch import Batch, Flag
from ingest.block import View
from ingest.database import IN_MEMORY, create_tables, open_engine, writing

T = "temperature_2m"
RUN = "hot_day_run"
T0 = datetime(2022, 8, 18, tzinfo=UTC)
A, B = "500153001", "500153101"


def hour(number: float) -> datetime:
    """The moment so many hours after T0."""
    return T0 + timedelta(hours=number)


def said(*values: Any, first: int = 0, **parts: Any) -> Batch:
    """An observation of successive hours from `first` on, known as soon as its last hour is over.

    A value is that of every place, or a tuple with one per place. Further parts: `source`, `kind`,
    `issued` and `known` (hours after T0), `places`, `quantity`, `flag` (of all values).
    """
    places = parts.get("places", (A, B))
    rows = [value if isinstance(value, tuple) else (value,) * len(places) for value in values]
    array = np.array(rows, dtype=float).T
    last = first + len(values) - 1
    name = parts.get("quantity", T)
    flag = parts.get("flag")
    return Batch(
        source=parts.get("source", "station"),
        kind=parts.get("kind", "observation"),
        issued_at=hour(parts.get("issued", parts.get("known", last))),
        available_at=hour(parts.get("known", last)),
        places=places,
        valid_at=np.datetime64(T0.replace(tzinfo=None), "s")
        + (first + np.arange(len(values))) * np.timedelta64(3600, "s"),
        values={name: array},
        flags={} if flag is None else {name: np.full(array.shape, np.uint8(flag))},
    )


def foretold(*values: Any, issued: float, **parts: Any) -> Batch:
    """A forecast of the hours after its issue, known as soon as it is issued."""
    given = {"first": int(issued) + 1, "known": issued, **parts}
    return said(*values, kind="forecast", issued=issued, **given)


def view(**keys: Any) -> View:
    """Both places, temperature, three hours back and three ahead of one source, unless told otherwise."""
    given: dict[str, Any] = {
        "places": (A, B), "quantities": (T,), "hours_back": 3, "hours_ahead": 3,
        "sources": ("station",),
    }
    return View(**{**given, **keys})


@contextmanager
def kept(*batches: Batch, **keys: Any) -> Iterator[tuple[Archive, Connection]]:
    """An archive in memory that holds these batches, and the connection to read it."""
    engine = open_engine(IN_MEMORY)
    try:
        create_tables(engine, archive.metadata)
        store = Archive(**keys)
        with writing(engine) as connection:
            store.append(connection, batches)
            yield store, connection
    finally:
        engine.dispose()


def block(*batches: Batch, nows: tuple[float, ...], **keys: Any) -> xr.Dataset:
    """What was known of these batches at moments given in hours after T0."""
    with kept(*batches) as (store, connection):
        return store.block(connection, [hour(now) for now in nows], view(**keys))


def told(*batches: Batch, now: float, **keys: Any) -> list[float | None]:
    """What was known of the first place at one moment, hour by hour; None where nothing was."""
    found = block(*batches, nows=(now,), **keys)[T].values[0, 0]
    return [None if np.isnan(value) else float(value) for value in found]


def believed(*batches: Batch, at: int, now: float) -> float | None:
    """What was believed of one hour of the first place at a moment after it."""
    back = int(now) - at + 1
    return told(*batches, now=now, hours_back=back)[0]


def flagged(*batches: Batch, now: float, **keys: Any) -> list[Flag]:
    """The flags of the first place at one moment, hour by hour."""
    found = block(*batches, nows=(now,), **keys)[f"flags_{T}"].values[0, 0]
    return [Flag(int(bits)) for bits in found]
