"""The one database may be PostgreSQL: the same event, the same rows, by changing one URL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from fakes import delivery
from simulators import postgresql
from sqlalchemy import Engine
from stage import changes, day, instance, messages, play, recorded, telling

from alerts.event.transition import Transition
from alerts.outgoing import deliveries
from alerts.record import tables
from ingest.database import create_tables, open_engine, reading, writing
from ingest.errors import StoreError

FIRST, LAST = day("07-20 00:05"), day("07-28 08:05")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server of our own, started once for this file."""
    pytest.importorskip("psycopg", reason="the driver is missing: install fengsui[postgresql]")
    programs = postgresql.binaries()
    if programs is None:
        pytest.skip("there is no PostgreSQL server here: apt-get install postgresql")
    with postgresql.server(programs) as address:
        yield address


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """The database, with the tables of deliveries."""
    opened = open_engine(postgresql.new_database(url, uuid4().hex))
    create_tables(opened, tables.metadata)
    yield opened
    opened.dispose()


def told(folder: Path, database: str | None) -> tuple[list[Transition], list[tuple[str, str, str]]]:
    """Changes and messages of the first alert, in a database; links signed with the same key."""
    folder.mkdir()
    (folder / "link.key").write_text("0" * 40)
    with instance(folder, telling(recorded(FIRST, LAST)), database) as ports:
        play(ports, FIRST, LAST)
        sent = [(row.key, row.status, row.text) for row in messages(ports)]
        return list(changes(ports)), sorted(sent)


@pytest.mark.soak
def test_the_event_leaves_the_same_rows(tmp_path: Path, url: str):
    """Every change and every message, word for word."""
    here, there = tmp_path / "sqlite", tmp_path / "postgresql"
    found = told(there, postgresql.new_database(url, "event"))
    assert found == told(here, None)
    assert len(found[0]) >= 4


def test_a_row_is_claimed_by_one_of_many(engine: Engine):
    """Compare-and-set holds between connections."""
    with writing(engine) as connection:
        deliveries.plan(connection, [delivery("contested")])

    def claim(_: int) -> bool:
        with writing(engine) as connection:
            return deliveries.claim(connection, "contested")

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(16))) == 1


def test_a_failed_transaction_leaves_nothing(engine: Engine):
    """All or nothing, as on SQLite."""

    def half_done() -> None:
        with writing(engine) as connection:
            deliveries.plan(connection, [delivery("half")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_done()
    with reading(engine) as connection:
        assert "half" not in {row.key for row in deliveries.all_deliveries(connection)}


def test_a_server_that_is_gone_is_one_sentence(url: str):
    """Without the password that the address may hold."""
    nobody = url.replace("fengsui@", "fengsui:secret-word@").rsplit(":", 1)[0] + ":1/postgres"
    gone = open_engine(nobody)
    with pytest.raises(StoreError) as caught, reading(gone):
        pass
    gone.dispose()
    assert "secret-word" not in str(caught.value)
