"""The database keeps what it says it kept, and says in one sentence why it cannot."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulators.reports import hour, said
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, event, insert, select, text
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.exc import IntegrityError, StatementError

from ingest.archive import Archive, metadata
from ingest.database import IN_MEMORY, UtcTime, create_tables, open_engine, reading, writing
from ingest.errors import StoreError

SCHEMA = MetaData()
NOTE = Table(
    "note", SCHEMA, Column("id", Integer, primary_key=True), Column("body", LargeBinary),
    Column("at", UtcTime, unique=True),
)


@pytest.fixture
def url(tmp_path):
    """Address of a database that does not exist yet."""
    return f"sqlite:///{tmp_path}/house.db"


@pytest.fixture
def engine(url):
    """A database with one table."""
    engine = open_engine(url)
    create_tables(engine, SCHEMA)
    yield engine
    engine.dispose()


def note(connection, body=b"", at=None):
    """Write one row."""
    connection.execute(insert(NOTE).values(body=body, at=at))


def notes(engine, *rows):
    """Write some rows in one transaction."""
    with writing(engine) as connection:
        for row in rows:
            note(connection, **row)


def ask(engine, way, query):
    """Read something in a transaction of one of the two kinds."""
    with way(engine) as connection:
        connection.execute(text(query))


def count(engine):
    """Number of rows."""
    with reading(engine) as connection:
        return connection.scalar(text("SELECT count(*) FROM note"))


# --- opening ---


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 10000)],
)
def test_a_commit_survives_a_power_cut(engine, pragma, value):
    """Write-ahead log, synchronous=FULL (2), foreign keys, a patient wait: on every connection."""
    for _ in range(2):
        with reading(engine) as connection:
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_nothing_is_opened_before_it_is_used(url, tmp_path):
    """Building an engine makes no file."""
    open_engine(url).dispose()
    assert list(tmp_path.iterdir()) == []


def test_tables_that_exist_are_left_as_they_are(engine):
    """Every start makes what is missing and nothing else."""
    with writing(engine) as connection:
        note(connection)
    create_tables(engine, SCHEMA, metadata)
    assert count(engine) == 1


def test_a_database_in_memory_is_one_for_all_its_connections():
    """A replay writes and reads in turn, from any thread."""
    engine = open_engine(IN_MEMORY)
    create_tables(engine, SCHEMA)
    with writing(engine) as connection:
        note(connection)
    found = []
    thread = threading.Thread(target=lambda: found.append(count(engine)))
    thread.start()
    thread.join()
    engine.dispose()
    assert found == [1]


# --- transactions ---


def test_an_error_takes_everything_back(engine):
    """Half a transaction is none, and a mistake in the data is no fault of the disk."""
    with pytest.raises(IntegrityError):
        notes(engine, {"at": hour(0)}, {"at": hour(0)})
    assert count(engine) == 0


def test_a_reader_sees_one_moment_and_waits_for_nobody(engine):
    """What is written meanwhile is seen by the next reader."""
    with reading(engine) as reader:
        before = reader.scalar(text("SELECT count(*) FROM note"))
        with writing(engine) as connection:
            note(connection)
        assert reader.scalar(text("SELECT count(*) FROM note")) == before == 0
    assert count(engine) == 1


def test_reading_commits_nothing(engine):
    """A reader that writes by mistake leaves no trace."""
    with reading(engine) as connection:
        note(connection)
    assert count(engine) == 0


def test_threads_that_read_then_write_take_turns(engine):
    """Each counts and writes its number; no count is taken twice, no one fails half-way."""

    def work():
        for _ in range(10):
            with writing(engine) as connection:
                seen = connection.scalar(text("SELECT count(*) FROM note"))
                note(connection, at=hour(seen))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(engine) == 40


WRITER = """
import sys
from ingest.archive import Archive
from ingest.database import open_engine, writing
from simulators.reports import said
engine = open_engine(sys.argv[1])
for number in range(25):
    with writing(engine) as connection:
        Archive().append(connection, [said(number, source=sys.argv[2], known=number)])
engine.dispose()
"""


def test_two_processes_write_side_by_side(url):
    """Neither loses a batch, neither is refused."""
    engine = open_engine(url)
    create_tables(engine, metadata)
    roots = os.pathsep.join(sys.path)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, name], env={**os.environ, "PYTHONPATH": roots}
        )
        for name in ("one", "two")
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM batch")) == 50
    engine.dispose()


# --- when it cannot ---


def test_a_full_disk_is_told_and_leaves_nothing_half_written(url):
    """The sentence names the file and the remedy; what was there before can still be read."""
    engine = open_engine(url)
    create_tables(engine, SCHEMA)
    with writing(engine) as connection:
        note(connection)
    engine.dispose()
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA max_page_count = 8"))
    with pytest.raises(StoreError, match=r"house\.db is full .*free some space"):
        notes(engine, {}, {"body": bytes(10**6)})
    assert count(engine) == 1
    engine.dispose()


def test_a_pull_that_meets_a_full_disk_is_archived_as_a_whole_later(url):
    """After space was made, the same batches go in."""
    engine = open_engine(url)
    create_tables(engine, metadata)
    engine.dispose()
    reports = [said(*range(400), known=400 + n) for n in range(9)]
    limit = {"pages": 12}
    event.listen(
        engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {limit['pages']}")
    )
    with pytest.raises(StoreError, match="full"), writing(engine) as connection:
        Archive().append(connection, reports)
    engine.dispose()
    limit["pages"] = 1000
    with writing(engine) as connection:
        assert Archive().append(connection, reports) == 9
    engine.dispose()


@pytest.mark.parametrize("way", [reading, writing])
def test_a_folder_that_is_not_there_is_told(tmp_path, way):
    """With the remedy, whether one reads or writes."""
    engine = open_engine(f"sqlite:///{tmp_path}/nowhere/house.db")
    with pytest.raises(StoreError, match=r"house\.db cannot be written .*write access"):
        ask(engine, way, "SELECT 1")
    engine.dispose()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere; run as another user")
def test_a_folder_that_cannot_be_written_is_told(engine, tmp_path):
    """The service lost its write access."""
    engine.dispose()
    for path in (*tmp_path.iterdir(), tmp_path):
        path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(StoreError, match="write access"), writing(engine) as connection:
        note(connection)
    tmp_path.chmod(stat.S_IRWXU)


def test_a_database_that_may_only_be_read_is_told(url, engine):
    """The file system was mounted read-only; writing says so, reading goes on."""
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only = ON"))
    engine.dispose()
    with pytest.raises(StoreError, match="cannot be written"), writing(engine) as connection:
        note(connection)
    assert count(engine) == 0


def test_a_database_locked_by_another_program_is_told(engine, tmp_path):
    """After the wait, with the remedy; readers are not kept."""
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout = 50"))
    engine.dispose()
    other = sqlite3.connect(tmp_path / "house.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another program; stop it"), writing(engine):
        pass
    assert count(engine) == 0
    other.close()


def test_any_other_refusal_is_told_in_its_own_words(engine):
    """A sentence with the file and what the database said."""
    with pytest.raises(StoreError, match=r"house\.db refused: no such table: ghosts"):
        ask(engine, reading, "SELECT * FROM ghosts")


# --- instants ---

MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 1),
    max_value=datetime(2200, 1, 1),
    timezones=st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)


@given(moment=MOMENTS)
def test_an_instant_comes_back_in_utc(moment):
    """To the microsecond, whatever zone it was written in."""
    column, dialect = UtcTime(), SQLiteDialect()
    back = column.process_result_value(column.process_bind_param(moment, dialect), dialect)
    assert (back, back.tzinfo) == (moment, UTC)


@given(first=MOMENTS, second=MOMENTS)
def test_instants_sort_as_text(first, second):
    """So that the database can compare them."""
    texts = [UtcTime().process_bind_param(moment, SQLiteDialect()) for moment in (first, second)]
    assert (sorted(map(str, texts)) == texts) == (first <= second)


def test_a_missing_instant_stays_missing(engine):
    """None is written as NULL."""
    with writing(engine) as connection:
        note(connection)
        assert connection.scalar(select(NOTE.c.at)) is None


def test_a_naive_datetime_is_refused(engine):
    """It could be Beijing or Greenwich."""
    with pytest.raises(StatementError, match="no time zone"), writing(engine) as connection:
        note(connection, at=datetime(2022, 8, 18))


def test_a_database_of_an_earlier_version_is_refused(tmp_path):
    """Before anything is written, naming what it lacks and what to do."""
    engine = open_engine(f"sqlite:///{tmp_path / 'old.db'}")
    try:
        old = MetaData()
        Table("fact", old, Column("id", Integer, primary_key=True))
        create_tables(engine, old)
        newer = MetaData()
        Table("fact", newer, Column("id", Integer, primary_key=True), Column("weight", Integer))
        with pytest.raises(StoreError, match=r"lacks fact.weight; start with a new data folder"):
            create_tables(engine, newer)
    finally:
        engine.dispose()
