"""Delivery rows: planned once, claimed by one, never lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fakes import AT, HOUR, MINUTE, delivery
from sqlalchemy import Connection, Engine

from alerts.outgoing import deliveries
from alerts.outgoing.deliveries import Outcome
from alerts.outgoing.delivery import Status
from ingest.database import reading, writing


def keys(connection: Connection, hours: float = 0, limit: int = 99, **which) -> list[str]:
    """Keys of the rows that are due so many hours after the start."""
    return [row.key for row in deliveries.due(connection, AT + hours * HOUR, limit, **which)]


def settle(connection: Connection, status: Status, **parts) -> None:
    """Write an outcome into the row ``k``."""
    outcome = {"key": "k", "at": AT + MINUTE, "detail": "in words", **parts}
    deliveries.settle(connection, Outcome(status=status, **outcome))


def test_a_row_comes_back_as_it_was(connection: Connection):
    """Every field, with instants aware and facts as they were."""
    full = delivery(attempts=3, sent_at=AT + HOUR, status=Status.SENT, detail="ref", step=2)
    deliveries.plan(connection, [full])
    assert deliveries.all_deliveries(connection) == [full]


def test_planning_again_adds_nothing(connection: Connection):
    """A row that exists is left as it is, whatever became of it."""
    assert deliveries.plan(connection, [delivery(), delivery(), delivery("other")]) == 2
    deliveries.claim(connection, "k")
    assert deliveries.plan(connection, [delivery(text="changed")]) == 0
    assert deliveries.all_deliveries(connection)[0].status is Status.CLAIMED


def test_planning_nothing_is_nothing(connection: Connection):
    """A change that tells nobody."""
    assert deliveries.plan(connection, []) == 0


@pytest.mark.parametrize(
    ("rows", "order"),
    [
        ({"a": {"priority": 2}, "b": {"priority": 0}, "c": {"priority": 1}}, "bca"),
        ({"a": {"due_at": AT}, "b": {"due_at": AT - HOUR}}, "ba"),
        ({"a": {"priority": 1, "due_at": AT - HOUR}, "b": {"priority": 0}}, "ba"),
        ({"a": {"planned_at": AT}, "b": {"planned_at": AT - HOUR}}, "ba"),
        ({"b": {}, "a": {}}, "ab"),
    ],
)
def test_the_most_urgent_goes_first_then_the_oldest(connection: Connection, rows, order: str):
    """A red overtakes a yellow that has waited longer."""
    deliveries.plan(connection, [delivery(key, **parts) for key, parts in rows.items()])
    assert keys(connection) == list(order)
    assert keys(connection, limit=1) == [order[0]]


def test_a_row_is_due_at_its_moment(connection: Connection):
    """And not before it."""
    deliveries.plan(connection, [delivery(due_at=AT + HOUR)])
    assert keys(connection, 0.99) == []
    assert keys(connection, 1) == ["k"]
    assert deliveries.next_due(connection) == AT + HOUR


@pytest.mark.parametrize("status", [one for one in Status if one is not Status.DUE])
def test_only_what_waits_is_due(connection: Connection, status: Status):
    """Nothing under way, sent, given up or cancelled."""
    deliveries.plan(connection, [delivery(status=status)])
    assert keys(connection, 99) == []
    assert deliveries.next_due(connection) is None
    assert not deliveries.claim(connection, "k")


def test_a_channel_can_be_left_out(connection: Connection):
    """Rows of a full lane do not use up the limit."""
    deliveries.plan(connection, [delivery(str(n)) for n in range(9)])
    deliveries.plan(connection, [delivery("z", channel="other", priority=4)])
    assert keys(connection, limit=1, without=["fake"]) == ["z"]


def test_a_claim_counts_as_an_attempt(connection: Connection):
    """It is taken once, and written down before anything is sent."""
    deliveries.plan(connection, [delivery()])
    assert deliveries.claim(connection, "k")
    assert not deliveries.claim(connection, "k")
    (row,) = deliveries.all_deliveries(connection)
    assert (row.status, row.attempts) == (Status.CLAIMED, 1)


@pytest.mark.parametrize("workers", [2, 8])
def test_of_many_workers_exactly_one_wins(engine: Engine, workers: int):
    """Each with a connection of its own, all at once, for each of twenty rows."""
    names = [str(number) for number in range(20)]
    with writing(engine) as connection:
        deliveries.plan(connection, [delivery(name) for name in names])

    def grab(name: str) -> bool:
        with writing(engine) as connection:
            return deliveries.claim(connection, name)

    with ThreadPoolExecutor(workers) as pool:
        answers = zip(names * workers, pool.map(grab, names * workers), strict=True)
        won = [name for name, mine in answers if mine]
    assert sorted(won) == sorted(names)


@pytest.mark.parametrize("status", [Status.SENT, Status.FAILED, Status.DUE])
def test_an_outcome_is_written_into_the_claimed_row(connection: Connection, status: Status):
    """With its words; only a success has a moment of sending."""
    deliveries.plan(connection, [delivery()])
    deliveries.claim(connection, "k")
    settle(connection, status, next_at=AT + HOUR if status is Status.DUE else None)
    (row,) = deliveries.all_deliveries(connection)
    assert (row.status, row.detail) == (status, "in words")
    assert row.sent_at == (AT + MINUTE if status is Status.SENT else None)
    assert row.due_at == (AT + HOUR if status is Status.DUE else AT)


@pytest.mark.parametrize("status", [Status.DUE, Status.SENT, Status.CANCELLED])
def test_an_outcome_never_touches_a_row_nobody_claimed(connection: Connection, status: Status):
    """A late word cannot undo what was decided since."""
    deliveries.plan(connection, [delivery(status=status, detail="before")])
    settle(connection, Status.FAILED)
    (row,) = deliveries.all_deliveries(connection)
    assert (row.status, row.detail) == (status, "before")


def test_after_a_crash_claimed_rows_are_due_under_their_own_keys(engine: Engine):
    """The receiver knows a repeat by the key; the attempt that was cut short is not counted."""
    with writing(engine) as connection:
        deliveries.plan(connection, [delivery(), delivery("sent", status=Status.SENT)])
        deliveries.claim(connection, "k")
    with writing(engine) as connection:
        assert deliveries.recover(connection) == 1
        assert deliveries.recover(connection) == 0
    with reading(engine) as connection:
        (row,) = deliveries.due(connection, AT, 9)
    assert (row.key, row.attempts) == ("k", 0)


def test_rows_can_be_counted_and_listed(connection: Connection):
    """By status, and by alert in the order they were planned."""
    late = delivery("a", alert="y", planned_at=AT + timedelta(seconds=1))
    deliveries.plan(connection, [late, delivery("b"), delivery("c", status=Status.SENT)])
    assert deliveries.counts(connection) == {Status.DUE: 2, Status.SENT: 1}
    assert [row.key for row in deliveries.all_deliveries(connection)] == ["b", "c", "a"]
    assert [row.key for row in deliveries.all_deliveries(connection, "y")] == ["a"]
