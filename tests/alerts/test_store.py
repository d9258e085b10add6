"""Rows of states, transitions, calls and acknowledgements come back as they were."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from fakes import AT, HOUR, MINUTE, NONE, RED, TOWNS, YELLOW, Story, change, delivery
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from alerts.duty.routing import Notice, Warned
from alerts.event.transition import Reason, Transition
from alerts.outgoing import deliveries
from alerts.outgoing.deliveries import Outcome
from alerts.outgoing.delivery import Status
from alerts.record import store, tables
from alerts.record.store import Acknowledgement, Call, CallStatus

BARE = {
    "onset": None, "expires": None, "value": None, "threshold": None, "peak_value": None,
    "places": {}, "changed": {"a": NONE}, "figures": {}, "to_level": NONE,
}  # fmt: skip
CALL = Call(
    transition="x.1", alert="x", subsystem="safety", level=RED, begun_at=AT, step=0,
    next_at=AT + 5 * MINUTE,
)  # fmt: skip
WORD = Acknowledgement(alert="x", subsystem="safety", by="Li", via="link", at=AT + MINUTE)


FULL = change(falling=True, incident="storm-1", related={"hail": RED, "flood": YELLOW})


@pytest.mark.parametrize("made", [FULL, change(Reason.ENDED, **BARE)], ids=["full", "bare"])
def test_a_transition_comes_back_as_it_was(connection: Connection, made: Transition):
    """Levels as levels, instants aware, None as None."""
    store.record(connection, made, [])
    back = store.transition(connection, made.id)
    assert back == made
    assert all(type(level) is type(NONE) for level in (*back.changed.values(), *back.related.values()))
    assert list(back.related) == list(made.related)


def test_microseconds_survive(connection: Connection):
    """A tick's moment is kept exactly."""
    made = change(at=AT + timedelta(microseconds=7))
    store.record(connection, made, [])
    assert store.transition(connection, "x.1").at == made.at


def test_an_unknown_transition_is_none(connection: Connection):
    """Not an error: links may be old."""
    assert store.transition(connection, "y.1") is None


def test_an_identifier_is_used_once(connection: Connection):
    """The same change cannot be written down twice."""
    store.record(connection, change(), [])
    with pytest.raises(IntegrityError):
        store.record(connection, change(), [])


def test_changes_are_listed_in_the_order_they_happened(connection: Connection):
    """Two of one tick by their numbers, of which the tenth follows the ninth."""
    for number in (10, 9, 11):
        store.record(connection, change(id=f"x.{number}"), [])
    store.record(connection, change(id="w.2", at=AT - HOUR), [])
    assert [made.id for made in store.transitions(connection)] == ["w.2", "x.9", "x.10", "x.11"]


def test_changes_of_one_tick_are_listed_as_they_were_announced(connection: Connection):
    """The most severe first, whatever their names."""
    for hazard, level in (("a", NONE), ("c", RED), ("b", YELLOW), ("d", RED)):
        store.record(connection, change(id=f"{hazard}.1", hazard=hazard, to_level=level), [])
    assert [made.hazard for made in store.transitions(connection)] == ["c", "d", "b", "a"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["x.1", "y.1"]),
        ({"alert": "y"}, ["y.1"]),
        ({"since": AT}, ["y.1"]),
        ({"since": AT - HOUR}, ["x.1", "y.1"]),
        ({"alert": "x", "since": AT}, []),
    ],
)
def test_changes_can_be_asked_for(connection: Connection, wanted, found):
    """By alert, and after a moment, which itself is left out."""
    store.record(connection, change(), [])
    store.record(connection, change(id="y.1", alert="y", at=AT + HOUR), [])
    assert [made.id for made in store.transitions(connection, **wanted)] == found


def test_every_decision_is_kept_with_its_change(connection: Connection):
    """Who was told and who was not, and why."""
    no = Notice(subsystem="slides", person=None, role="inform", task={}, step=0, why="no part")
    yes = replace(no, subsystem="safety", person="safety_day", why="duty of safety")
    store.record(connection, change(), [no, yes])
    rows = connection.execute(select(tables.notice)).all()
    assert [(row.subsystem, row.person, row.why, row.at) for row in rows] == [
        ("slides", None, "no part", AT),
        ("safety", "safety_day", "duty of safety", AT),
    ]


def test_the_last_state_of_a_hazard_counts(connection: Connection):
    """One row a hazard, overwritten each tick."""
    story = Story(towns=4)
    for hour, level in enumerate((NONE, YELLOW, RED)):
        story.at(hour, level)
        store.remember(connection, story.state, AT + hour * HOUR)
    (state,) = store.states(connection, TOWNS).values()
    assert state.level.tolist() == [RED, NONE, NONE, NONE]
    np.testing.assert_equal(state.clear_since, story.state.clear_since)


def test_no_state_is_known_of_a_hazard_never_judged(connection: Connection):
    """It is left out rather than made up."""
    assert store.states(connection, TOWNS) == {}


@pytest.mark.parametrize(
    ("statuses", "heard"),
    [
        (["sent"], True),
        (["due"], True),
        (["claimed"], True),
        (["failed"], False),
        (["cancelled"], False),
        (["failed", "sent"], True),
        (["failed", "cancelled"], False),
    ],
)
def test_the_warned_are_those_a_message_reached_or_may_reach(connection, statuses, heard: bool):
    """Any one of a person's messages is enough."""
    store.record(connection, change(), [])
    rows = [delivery(key=status, status=Status(status)) for status in statuses]
    deliveries.plan(connection, rows)
    expected = [Warned(subsystem="safety", person="safety_day")] if heard else []
    assert store.warned(connection, "x") == expected


def test_the_warned_are_listed_once_a_subsystem(connection: Connection):
    """A person may stand for two of them; other alerts do not count."""
    for made in (change(), change(id="y.1", alert="y")):
        store.record(connection, made, [])
    other = {"alert": "y", "transition": "y.1", "subsystem": "traffic"}
    others = [{}, {"channel": "b"}, {"subsystem": "health"}, other]
    rows = [delivery(key=str(number), **parts) for number, parts in enumerate(others)]
    deliveries.plan(connection, rows)
    assert [one.subsystem for one in store.warned(connection, "x")] == ["health", "safety"]
    assert [one.subsystem for one in store.warned(connection, "y")] == ["traffic"]


@pytest.mark.parametrize("reason", Reason)
def test_lost_data_is_no_warning(connection: Connection, reason: Reason):
    """Who only heard that data was lost or found needs no all-clear; any other message warns."""
    store.record(connection, change(reason), [])
    deliveries.plan(connection, [delivery()])
    heard = bool(store.warned(connection, "x"))
    assert heard is (reason not in (Reason.DATA_LOST, Reason.DATA_FOUND))


def test_who_heard_of_the_alert_and_of_lost_data_was_warned(connection: Connection):
    """Once, by the one message that counts; the operator beside them was not."""
    for made in (change(), change(Reason.DATA_LOST, id="x.2")):
        store.record(connection, made, [])
    lost = {"transition": "x.2", "status": Status.SENT}
    operator = delivery("3", **lost, subsystem="operations", recipient="operations_day")
    deliveries.plan(connection, [delivery("1"), delivery("2", **lost), operator])
    assert store.warned(connection, "x") == [Warned(subsystem="safety", person="safety_day")]


def test_a_message_of_a_change_never_recorded_warns_nobody(connection: Connection):
    """Nothing says what it was about."""
    deliveries.plan(connection, [delivery(status=Status.SENT)])
    assert store.warned(connection, "x") == []


def test_a_call_comes_back_as_it_was(connection: Connection):
    """With its level as a level."""
    store.open_call(connection, CALL)
    assert store.calls(connection) == [CALL]


def test_a_change_calls_a_subsystem_once(connection: Connection):
    """A second call for the same change is refused by the table itself."""
    store.open_call(connection, CALL)
    with pytest.raises(IntegrityError):
        store.open_call(connection, CALL)


@pytest.mark.parametrize(("minutes", "count"), [(4.9, 0), (5, 1), (60, 1)])
def test_a_call_is_due_at_its_moment(connection: Connection, minutes: float, count: int):
    """At it or after it."""
    store.open_call(connection, CALL)
    assert len(store.calls(connection, due=AT + minutes * MINUTE)) == count


@pytest.mark.parametrize("closed", ["acknowledged", "superseded", "ended ladder"])
def test_a_closed_call_is_never_due(connection: Connection, closed: str):
    """Answered, replaced, or without a further step."""
    last = replace(CALL, next_at=None) if closed == "ended ladder" else CALL
    store.open_call(connection, last)
    if closed == "acknowledged":
        store.acknowledge(connection, WORD)
    elif closed == "superseded":
        store.supersede(connection, "x", AT)
    assert store.calls(connection, due=AT + 99 * HOUR) == []
    assert store.next_call(connection) is None


def test_calls_can_be_asked_for_by_status(connection: Connection):
    """In the order in which they began."""
    store.open_call(connection, replace(CALL, subsystem="health", begun_at=AT + HOUR))
    store.open_call(connection, CALL)
    assert [one.subsystem for one in store.calls(connection)] == ["safety", "health"]
    store.acknowledge(connection, WORD)
    (done,) = store.calls(connection, status=CallStatus.ACKNOWLEDGED)
    assert done.subsystem == "safety"


def test_the_next_call_is_the_earliest_of_the_open_ones(connection: Connection):
    """So that the daemon knows when to look again."""
    store.open_call(connection, CALL)
    store.open_call(connection, replace(CALL, subsystem="health", next_at=AT + MINUTE))
    assert store.next_call(connection) == AT + MINUTE


def test_superseding_closes_the_open_calls_of_one_alert(connection: Connection):
    """How many, with the moment; another alert's call goes on."""
    for subsystem, alert in (("safety", "x"), ("health", "x"), ("traffic", "y")):
        store.open_call(connection, replace(CALL, subsystem=subsystem, alert=alert))
    assert store.supersede(connection, "x", AT + HOUR) == 2
    assert store.supersede(connection, "x", AT + HOUR) == 0
    assert [one.alert for one in store.calls(connection, status=CallStatus.OPEN)] == ["y"]
    assert connection.scalar(select(func.max(tables.call.c.closed_at))) == AT + HOUR


@pytest.mark.parametrize("status", Status)
def test_superseding_cancels_what_is_due_of_one_alert(connection: Connection, status: Status):
    """With the reason; what has left, and another alert's message, stay exactly as they were."""
    mine, other = delivery("1", status=status), delivery("2", alert="y", status=status)
    deliveries.plan(connection, [mine, other])
    store.supersede(connection, "x", AT + HOUR)
    gone = {"status": Status.CANCELLED, "detail": "replaced by a newer change"}
    expected = replace(mine, **gone) if status is Status.DUE else mine
    assert deliveries.all_deliveries(connection) == [expected, other]


def test_acknowledgements_are_kept_in_order(connection: Connection):
    """Every word, of one alert or of all."""
    later = replace(WORD, alert="y", at=AT + HOUR, transition="y.1")
    for word in (later, WORD):
        store.acknowledge(connection, word)
    assert store.acknowledgements(connection) == [WORD, later]
    assert store.acknowledgements(connection, "y") == [later]


def overtaken(connection: Connection) -> None:
    """A message that is being sent while a newer change takes its place."""
    deliveries.plan(connection, [delivery("1")])
    deliveries.claim(connection, "1")
    store.supersede(connection, "x", AT + HOUR)


def test_a_message_overtaken_in_flight_is_not_tried_again(connection: Connection):
    """Its attempt failed after the newer change: the old words must not arrive after the new ones."""
    overtaken(connection)
    again = Outcome(key="1", status=Status.DUE, at=AT, detail="no answer", next_at=AT + HOUR)
    deliveries.settle(connection, again)
    (row,) = deliveries.all_deliveries(connection)
    assert (row.status, row.detail) == (Status.CANCELLED, "replaced by a newer change")


def test_a_message_overtaken_in_flight_that_arrived_is_sent(connection: Connection):
    """What was taken was taken."""
    overtaken(connection)
    deliveries.settle(connection, Outcome(key="1", status=Status.SENT, at=AT, detail=""))
    assert deliveries.all_deliveries(connection)[0].status is Status.SENT


def test_a_crash_does_not_revive_an_overtaken_message(connection: Connection):
    """Others that were being sent are due again."""
    overtaken(connection)
    deliveries.plan(connection, [delivery("2", alert="y")])
    deliveries.claim(connection, "2")
    assert deliveries.recover(connection) == 1
    assert [row.status for row in deliveries.all_deliveries(connection)] == [
        Status.CANCELLED,
        Status.DUE,
    ]


@pytest.mark.parametrize("reason", [Reason.DATA_LOST, Reason.DATA_FOUND])
def test_news_of_lost_data_is_not_superseded(connection: Connection, reason: Reason):
    """A rise tells nobody that the data is gone."""
    store.record(connection, change(reason, id="x.1"), [])
    deliveries.plan(connection, [delivery("1")])
    store.supersede(connection, "x", AT + HOUR)
    assert deliveries.all_deliveries(connection)[0].status is Status.DUE
