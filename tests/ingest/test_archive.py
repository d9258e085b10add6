"""The archive keeps every batch once, for good, and tells who knew what when."""

import itertools
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from simulators.reports import A, B, T, foretold, hour, kept, said, view
from sqlalchemy import text

from ingest.archive import Archive, metadata
from ingest.batch import Flag
from ingest.database import create_tables, open_engine, reading, writing

NAN = float("nan")


def count(connection):
    """Number of rows."""
    return connection.scalar(text("SELECT count(*) FROM batch"))


def failing(engine, work):
    """Do some work in a transaction that then fails."""

    def fail():
        with writing(engine) as connection:
            work(connection)
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        fail()


# --- appending ---


def test_appending_twice_adds_once():
    """A pull that repeats what we hold changes nothing, also when it mixes old and new."""
    with kept(said(30)) as (store, connection):
        assert store.append(connection, [said(30), said(31, known=1)]) == 1
        assert store.append(connection, [said(30), said(31, known=1)]) == 0
        assert count(connection) == 2


@pytest.mark.parametrize(
    "other",
    [
        said(30.1), said(30, known=1), said(30, issued=-1), said(30, source="model"),
        said(30, kind="forecast"), said(30, places=(A,)), said(30, first=1, known=0, issued=0),
        said(30, flag=Flag.RANGE), said(NAN),
    ],
)
def test_what_differs_in_anything_is_another_batch(other):
    """Value, time, source, kind, place, hour or flag: each makes a statement of its own."""
    with kept(said(30)) as (store, connection):
        assert store.append(connection, [other]) == 1


@pytest.mark.parametrize("at_once", [1, 2, 1000])
@pytest.mark.parametrize("there", range(6))
def test_many_batches_are_appended_as_one_by_one(there, at_once, monkeypatch):
    """In their order, each once, whatever is there already and however many go at once."""
    monkeypatch.setattr("ingest.archive._MANY", at_once)
    told = [said(30), said(31, known=1), said(30), said(32, source="model"), said(31, known=1), said(33)]
    with kept(*told[:there]) as (store, connection):
        before = count(connection)
        assert before + store.append(connection, iter(told)) == count(connection) == 4
        ids = connection.scalars(text("SELECT source FROM batch ORDER BY id")).all()
    assert ids == ["station", "station", "model", "station"]


def test_appending_nothing_adds_nothing():
    """Of an empty pull nothing is asked of the database."""
    with kept() as (store, connection):
        assert store.append(connection, []) == 0


def test_a_large_batch_goes_by_itself(monkeypatch):
    """What is held in memory at once has a limit, and a batch over it is archived all the same."""
    monkeypatch.setattr("ingest.archive._AT_ONCE_BYTES", 1)
    with kept() as (store, connection):
        assert store.append(connection, [said(30), said(31), said(32)]) == 3


def test_nothing_is_appended_where_the_transaction_fails(tmp_path):
    """A pull is archived whole or not at all."""
    engine = open_engine(f"sqlite:///{tmp_path}/a.db")
    create_tables(engine, metadata)
    failing(engine, lambda connection: Archive().append(connection, [said(30), said(31, known=1)]))
    with reading(engine) as connection:
        assert count(connection) == 0
    engine.dispose()


def test_a_row_number_used_again_does_not_bring_the_old_batch_back(tmp_path):
    """What was read inside a transaction that failed is forgotten with it."""
    engine, store = open_engine(f"sqlite:///{tmp_path}/a.db"), Archive()
    create_tables(engine, metadata)

    def look(connection):
        store.append(connection, [said(99)])
        store.block(connection, [hour(0)], view())

    failing(engine, look)
    with writing(engine) as connection:
        store.append(connection, [said(30)])
        assert store.block(connection, [hour(0)], view())[T].values[0, 0, 2] == 30
    engine.dispose()


def test_one_archive_reads_two_databases():
    """Nothing of one is ever taken for the other's."""
    store = Archive()
    for value in (30, 31):
        with kept() as (_, connection):
            store.append(connection, [said(value)])
            assert store.block(connection, [hour(0)], view())[T].values[0, 0, 2] == value


# --- reading back ---


def test_a_batch_survives_a_restart(tmp_path):
    """Another archive on the same file finds what was archived, flags and all."""
    url = f"sqlite:///{tmp_path}/a.db"
    for store in (Archive(), Archive()):
        engine = open_engine(url)
        create_tables(engine, metadata)
        with writing(engine) as connection:
            store.append(connection, [said(30, flag=Flag.ANALYSIS)])
            found = store.block(connection, [hour(0)], view())
        engine.dispose()
        assert (found[T].values[0, 0, 2], found[f"flags_{T}"].values[0, 0, 2]) == (30, Flag.ANALYSIS)


@pytest.mark.parametrize("limit", [0, 1, 100, 10**9])
def test_the_size_of_the_cache_changes_no_answer(limit):
    """Reading is slower with less memory, never different."""
    reports = [said(30 + n, (n, NAN), first=n, known=n + 1) for n in range(9)]
    nows = [hour(now) for now in range(10)]
    with kept(*reports) as (store, connection):
        expected = store.block(connection, nows, view())
    with kept(*reports, cache_bytes=limit) as (store, connection):
        for _ in range(2):
            assert store.block(connection, nows, view()).identical(expected)


def test_more_batches_than_one_query_takes_are_read():
    """A long replay reads thousands of hours."""
    reports = [said(n % 40, first=n) for n in range(1203)]
    with kept(*reports) as (store, connection):
        found = store.block(connection, [hour(1202)], view(hours_back=1203))
    assert found[T].values[0, 0, :1203].tolist() == [n % 40 for n in range(1203)]


@pytest.mark.parametrize(("days", "seen"), [(399, True), (401, False)])
def test_a_batch_that_tells_of_more_than_a_year_ahead_is_not_read(days, seen):
    """So a replay of one year does not look through those that follow it."""
    told = said(30, places=(A,))
    hours = told.valid_at[0] + np.array([0, days * 24], "timedelta64[h]")
    far = replace(told, valid_at=hours, values={T: np.full((1, 2), 30.0)}, flags={})
    with kept(far) as (store, connection):
        found = store.block(connection, [hour(0.5)], view())
    assert (not np.isnan(found[T].values).all()) == seen


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_appending_does_not_matter(order):
    """When something became known decides, not when it was written down."""
    reports = [said(30), said(31, known=1), said(32, known=2)]
    with kept(*(reports[index] for index in order)) as (store, connection):
        found = store.block(connection, [hour(2)], view())
    assert found[T].values[0, 0, 0] == 32


@pytest.mark.parametrize(("back", "seen"), [(24, True), (25, True), (23, False)])
def test_a_window_reaches_as_far_back_as_asked(back, seen):
    """The oldest hour of the window belongs to it."""
    with kept(said(30)) as (store, connection):
        found = store.block(connection, [hour(23.5)], view(hours_back=back))
    assert (not np.isnan(found[T].values).all()) == seen


# --- what a source said before ---


def recent(*reports, batch, hours=3):
    """What was said of the first place before a batch."""
    with kept(*reports) as (store, connection):
        return store.recent(connection, batch, hours).get(T, np.full((1, hours), NAN))[0].tolist()


def test_recent_hours_end_just_before_the_batch():
    """The last column is the hour before; masked values are told, missing ones are NaN."""
    reports = (said(29, 30), said(99, first=3, flag=Flag.RANGE))
    found = recent(*reports, batch=said(31, first=4))
    np.testing.assert_array_equal(found, [30, NAN, 99])


@pytest.mark.parametrize(
    "stranger",
    [
        said(30, first=3, source="model"), said(30, first=3, known=9),
        foretold(30, issued=2), said(30, first=3, places=(B,)),
    ],
)
def test_recent_hours_are_the_sources_own_reports_known_by_then(stranger):
    """No other source, no forecast, nothing that came later, no other place."""
    found = recent(stranger, batch=said(31, first=4, places=(A,)))
    np.testing.assert_array_equal(found, [NAN] * 3)


def test_recent_hours_follow_the_places_of_the_batch():
    """In its order, also where the earlier report had another."""
    with kept(said((1, 2), first=3)) as (store, connection):
        found = store.recent(connection, said(0, first=4, places=(B, A)), 1)
    assert found[T].tolist() == [[2], [1]]


def test_the_later_of_two_reports_of_an_hour_is_recent():
    """A correction counts; a correction to nothing does not."""
    reports = (said(30, first=3), said(31, first=3, known=3.5), said(NAN, first=3, known=3.6))
    assert recent(*reports, batch=said(32, first=4), hours=1) == [31]


# --- who arrived when ---


def test_arrivals_are_each_moment_once():
    """After the first bound, up to and with the second."""
    reports = [said(30, known=known) for known in (0, 1, 2, 3)] + [said(31, known=2)]
    with kept(*reports) as (store, connection):
        assert store.arrivals(connection, hour(0), hour(2)) == [hour(1), hour(2)]


@pytest.mark.parametrize(
    ("source", "newest"), [(None, 5), ("station", 2), ("model", 5), ("nobody", None)]
)
def test_the_newest_arrival_is_known_by_source(source, newest):
    """Of one source, or of any; None where nothing ever came."""
    reports = (said(30, known=2), said(30, known=1), said(30, source="model", known=5))
    with kept(*reports) as (store, connection):
        found = store.newest(connection, source)
    assert found == (None if newest is None else hour(newest))


def test_moments_keep_their_microseconds():
    """What became known first is told apart within a second."""
    moment = 1 / 3600 / 1e6
    with kept(said(30, known=0), said(31, known=moment)) as (store, connection):
        assert store.newest(connection) == hour(0) + timedelta(microseconds=1)
