"""The one database: how it is opened, and how an instant is kept in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    MetaData,
    String,
    TypeDecorator,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool

from ingest.errors import StoreError
from ingest.times import utc

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
IN_MEMORY = "sqlite://"


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime as sortable text; a naive one is refused with ValueError."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Write ``2022-08-09T00:05:00.000000Z``."""
        return None if value is None else utc(value).strftime(_FORMAT)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read it back as aware UTC."""
        return None if value is None else datetime.fromisoformat(value).astimezone(UTC)


def open_engine(url: str) -> Engine:
    """Open the database; SQLite gets WAL and synchronous=FULL, so that a commit survives a power cut.

    Connects only when first used. ``sqlite://`` is a private database in memory, for replays.
    """
    if url == IN_MEMORY:
        engine = create_engine(
            url, poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later can fail half-way when another process
    # wrote in between; a writer therefore takes its place in the queue at the start.
    reading = connection.get_execution_options().get("fengsui_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def create_tables(engine: Engine, *schemas: MetaData) -> None:
    """Make the tables that are missing; tables that exist are left as they are.

    Raises StoreError where one lacks a column that this version writes: a change that cannot be written would
    otherwise be found out in the middle of an alert.
    """
    with writing(engine) as connection:
        for schema in schemas:
            schema.create_all(connection)
        tables = [table for schema in schemas for table in schema.sorted_tables]
        known = {
            table.name: {column["name"] for column in inspect(connection).get_columns(table.name)}
            for table in tables
        }
        lacking = [
            f"{table.name}.{column.name}"
            for table in tables
            for column in table.columns
            if column.name not in known[table.name]
        ]
    if lacking:
        raise StoreError(
            f"the database was made by an earlier version and lacks {', '.join(lacking)}; start with a new"
            " data folder (--data) or a new database, and keep the old one to read"
        )


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that commits at the end and rolls back on any error.

    Raises StoreError with a remedy where the disk is full, the folder read-only or the file locked.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except DatabaseError as error:
        raise _explained(engine, error) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A consistent view for reading; never waits for a writer."""
    try:
        with engine.connect().execution_options(fengsui_reading=True) as connection:
            yield connection
    except DatabaseError as error:
        raise _explained(engine, error) from error


def _explained(engine: Engine, error: DatabaseError) -> Exception:
    """What a person can mend as StoreError; a broken rule of our own tables stays what it is."""
    if isinstance(error, OperationalError) or type(error) is DatabaseError:
        return StoreError(_remedy(engine, error))
    return error


def _remedy(engine: Engine, error: DatabaseError) -> str:
    text = str(error.orig).lower()
    where = engine.url.database or engine.url.render_as_string(hide_password=True)
    if "full" in text or "disk i/o" in text:
        return f"the disk of {where} is full or failing ({error.orig}); free some space, nothing was changed"
    if "readonly" in text or "read-only" in text or "unable to open" in text:
        return f"{where} cannot be written ({error.orig}); give the service write access to its data folder"
    if "not a database" in text or "malformed" in text:
        return f"{where} is damaged ({error.orig}); restore it from a backup or choose another data folder"
    if "locked" in text:
        return f"{where} is locked by another program; stop it or choose another data folder"
    return f"the database {where} refused: {error.orig}"
