"""A lane: the order of its rows, its places, and the bell of the worker that has them all."""

from __future__ import annotations

from itertools import chain, count

import pytest
from fakes import AT, HOUR, MINUTE, delivery
from hypothesis import given
from hypothesis import strategies as st

from alerts.outgoing.delivery import Delivery, Taken
from alerts.outgoing.lane import Lane
from ingest.errors import DeliveryError


def keys(items: list[Delivery] | None) -> list[str]:
    """What was taken."""
    return [item.key for item in items or []]


ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), max_size=30)


@given(first=ROWS, second=ROWS)
def test_the_most_urgent_and_oldest_goes_first(first, second):
    """Whatever was added before or after it."""
    number = count()
    rows = [
        [
            delivery(f"{next(number):03}", priority=p, due_at=AT + d * HOUR, planned_at=AT + n * HOUR)
            for p, d, n in part
        ]
        for part in (first, second)
    ]
    lane = Lane(1, None, alone=True)
    for part in rows:
        lane.add(part, 4)
    wanted = sorted(chain(*rows), key=lambda one: (one.priority, one.due_at, one.planned_at, one.key))
    assert keys(lane.take_places(AT, 99, ended=0, busy=True)) == [one.key for one in wanted]


def filled(number: int, rung: list[str]) -> Lane:
    """A lane with so many rows and a worker that listens."""
    lane = Lane(1, None, alone=True)
    assert lane.add([delivery(f"{n}") for n in range(number)], 2) == 1
    lane.answer_to(lambda: rung.append("!"))
    return lane


def test_places_are_taken_anew_only_when_they_are_given_back():
    """Two places, two rows; one has ended, one more."""
    lane = filled(4, [])
    assert keys(lane.take_places(AT, 2, ended=0, busy=False)) == ["0", "1"]
    assert keys(lane.take_places(AT, 2, ended=0, busy=True)) == []
    assert keys(lane.take_places(AT, 2, ended=1, busy=True)) == ["2"]


def test_more_is_asked_for_once_while_three_quarters_are_left():
    """Of eight rows the second to be begun leaves six, and nobody is told again after that."""
    lane, asked = filled(8, []), []
    for _ in range(8):
        lane.take_places(AT, 1, ended=0, busy=True)
        asked.append(lane.done([Taken()], AT, 0.1))
        lane.take_places(AT, 0, ended=1, busy=True)
    assert asked == [False, True, *[False] * 6]


@pytest.mark.parametrize(("under_way", "rings"), [(1, 1), (2, 0)])
def test_the_bell_rings_for_who_could_be_begun(under_way: int, rings: int):
    """Not while every place is taken: the worker comes by itself."""
    rung: list[str] = []
    lane = filled(under_way, rung)
    lane.take_places(AT, 2, ended=0, busy=False)
    assert lane.add([delivery("more")], 2) == 0
    assert len(rung) == rings


def test_a_worker_that_has_gone_hears_no_bell_and_is_replaced():
    """Its bell is no more; the next row starts another worker."""
    rung: list[str] = []
    lane = filled(1, rung)
    lane.take_places(AT, 2, ended=0, busy=False)
    assert lane.take_places(AT, 2, ended=1, busy=False) is None
    lane.ring()
    assert lane.add([delivery("more")], 2) == 1
    assert rung == []


def test_a_worker_that_waits_for_an_answer_stays():
    """However empty the lane."""
    lane = filled(1, [])
    lane.take_places(AT, 2, ended=0, busy=False)
    assert lane.take_places(AT, 2, ended=0, busy=True) == []
    assert lane.add([delivery("more")], 2) == 0


@pytest.mark.parametrize("why", ["halted", "at fault"])
def test_a_lane_that_is_held_back_gives_nothing_and_gives_back_everything(why: str):
    """What has not been begun is due again."""
    lane = filled(3, [])
    lane.take_places(AT, 1, ended=0, busy=False)
    if why == "halted":
        lane.halted = True
    else:
        lane.done([DeliveryError("empty", retry=False, gateway=True)], AT, 0.1)
    assert lane.take_places(AT, 4, ended=1, busy=True) == []
    assert keys(lane.withdraw(AT)) == ["2", "1"]


def test_more_is_claimed_the_faster_it_is_sent():
    """Half a second ahead; one place each until it is known."""
    lane = filled(1, [])
    assert lane.room(AT, 4) == 3
    lane.take_places(AT, 4, ended=0, busy=False)
    lane.done([Taken()], AT, 0.1)
    lane.take_places(AT, 4, ended=1, busy=True)
    assert lane.room(AT + MINUTE, 4) == 20
