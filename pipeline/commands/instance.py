"""The database of an instance, for commands that work beside the daemon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import Engine

from alerts.record import tables
from ingest import archive
from ingest.database import create_tables, open_engine, reading
from ingest.errors import StoreError
from pipeline.config import Config, load
from pipeline.settings import Settings, require_data
from pipeline.verify.catalogue import Occurrence, entries


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Engine, Config]]:
    """The database and the configuration of an instance that has run; UsageError for what is mistyped."""
    require_data(settings)
    config = load(settings.config)
    engine = open_engine(settings.database)
    try:
        yield engine, config
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    finally:
        engine.dispose()


@contextmanager
def recorded(settings: Settings) -> Iterator[Engine | None]:
    """The database with all its tables, which it may be older than; None where no instance has run."""
    try:
        require_data(settings)
    except StoreError:
        yield None
        return
    engine = open_engine(settings.database)
    try:
        create_tables(engine, archive.metadata, tables.metadata)
        yield engine
    finally:
        engine.dispose()


def known_entries(settings: Settings, config: Config) -> tuple[Occurrence, ...]:
    """The catalogue, with what officers said of it where this instance has ever run."""
    with recorded(settings) as engine:
        if engine is None:
            return entries(config)
        with reading(engine) as connection:
            return entries(config, connection)
