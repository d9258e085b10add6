"""Orders of people are rows until a tick takes them, once."""

from dataclasses import replace

import pytest
from fakes import AT, HOUR, NONE, YELLOW
from sqlalchemy import Connection

from alerts.event import orders
from alerts.event.orders import Kind, Order
from alerts.record.verify import verify
from ingest.errors import UnknownName

ORDER = Order(
    hazard="heat", alert="x", kind=Kind.CORRECT, level=YELLOW, by="Li", why="sensor",
    at=AT, until=AT + 12 * HOUR,
)  # fmt: skip


def test_an_order_waits_for_a_tick(connection: Connection):
    """It comes back as it was given, with its number."""
    assert not orders.waiting(connection)
    given = orders.give(connection, ORDER)
    assert given == replace(ORDER, id=1)
    assert (orders.waiting(connection), orders.untaken(connection)) == (True, [given])


def test_an_order_is_taken_once(connection: Connection):
    """After a restart the next tick does not take it again."""
    orders.take(connection, [orders.give(connection, ORDER)], AT)
    assert (orders.waiting(connection), orders.untaken(connection)) == (False, [])
    orders.take(connection, [], AT)


def test_orders_come_in_the_order_they_were_given(connection: Connection):
    """The last word on a hazard counts."""
    orders.give(connection, ORDER)
    orders.give(connection, replace(ORDER, kind=Kind.CANCEL, level=NONE))
    assert [one.kind for one in orders.untaken(connection)] == [Kind.CORRECT, Kind.CANCEL]


@pytest.mark.parametrize(("hours", "fine"), [(1, True), (24, True), (24.01, False), (100, False)])
def test_no_order_counts_for_longer_than_a_day(connection: Connection, hours: float, fine: bool):
    """None can be forgotten."""
    long = replace(ORDER, until=AT + hours * HOUR)
    if fine:
        assert orders.give(connection, long).until == long.until
        return
    with pytest.raises(UnknownName, match="24 hours at most"):
        orders.give(connection, long)


def test_an_order_is_sealed(connection: Connection):
    """Whoever changes afterwards what was ordered is found out; that a tick took it changes nothing."""
    given = orders.give(connection, ORDER)
    orders.take(connection, [given], AT)
    assert verify(connection).whole
    connection.exec_driver_sql("update orders set level = 4")
    assert not verify(connection).whole
