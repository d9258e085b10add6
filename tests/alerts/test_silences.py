"""Silences cannot be forgotten, cannot outlive their reason, and cost nobody an all-clear."""

from dataclasses import replace

import pytest
from fakes import (
    AT,
    CALLS,
    HOUR,
    MINUTE,
    NONE,
    ORANGE,
    RED,
    YELLOW,
    change,
    routes,
    worded_desk,
)
from sqlalchemy import Connection, insert, select, update

from alerts.answers import calls, errands
from alerts.duty import silences
from alerts.duty.routing import Notice, route
from alerts.duty.silences import Wish
from alerts.event.transition import Reason, Transition
from alerts.outgoing import deliveries, desks
from alerts.outgoing.delivery import Delivery, Purpose, Status
from alerts.outgoing.dispatch import Desk
from alerts.record import store, tables
from alerts.record.store import CallStatus
from ingest.errors import UnknownName

WORKS = Wish(
    level=ORANGE, until=AT + 4 * HOUR, by="traffic_day", why="on site already", subsystem="safety"
)


def desk_now() -> Desk:
    """Real words; orange has a ladder."""
    return worded_desk(routes(ladders={RED: CALLS, ORANGE: CALLS}))


def silence(connection: Connection, **parts) -> int:
    """Silence safety for four hours up to orange, unless said otherwise."""
    return silences.add(connection, replace(WORKS, **parts), desk_now(), AT)


def announce(connection: Connection, made: Transition, now=AT) -> dict[str, Notice]:
    """Write a change down as a tick does: subsystem -> what was decided."""
    present = desks.current(connection, desk_now(), now)
    calls.replace_older(connection, made, now)
    notices = route(made, present.routes, now, store.warned(connection, made.alert))
    calls.announce(connection, made, notices, present, now)
    state = {"alert": None if made.reason is Reason.ENDED else made.alert, "level": [int(made.to_level)]}
    connection.execute(tables.lifecycle.delete())
    connection.execute(insert(tables.lifecycle).values(hazard="heat", at=now, state=state))
    return {notice.subsystem: notice for notice in notices}


def opened(level=ORANGE, **parts) -> Transition:
    """An alert opens at a level."""
    return change(**({"to_level": level, "peak_level": level, "places": {"a": level}} | parts))


def rows(connection: Connection, **wanted) -> list[Delivery]:
    """Delivery rows with these values."""
    found = deliveries.all_deliveries(connection)
    return [row for row in found if all(getattr(row, key) == value for key, value in wanted.items())]


def run(connection: Connection, now) -> list[Notice]:
    """Do what is due at a moment."""
    return errands.run_due(connection, desk_now(), now)


def test_who_is_silenced_is_not_told_and_the_reason_is_kept(connection: Connection):
    """Neither message nor call; the others hear as ever."""
    silence(connection)
    notices = announce(connection, opened())
    assert notices["safety"].why == "silenced until 08-09 12:05 by traffic_day: on site already"
    assert rows(connection, subsystem="safety") == []
    assert [call.subsystem for call in store.calls(connection)] == ["health"]


@pytest.mark.parametrize(
    ("level", "told"), [(YELLOW, False), (ORANGE, False), (RED, True)]
)
def test_a_level_above_pierces(connection: Connection, level, told: bool):
    """A silence up to orange hides no red."""
    silence(connection)
    assert announce(connection, opened(level))["safety"].told is told


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"subsystem": None}, False),
        ({"hazard": "heat"}, False),
        ({"subsystem": "health"}, True),
    ],
)
def test_a_silence_covers_what_it_names(connection: Connection, parts, told: bool):
    """A hazard or all, a subsystem or all."""
    silence(connection, **parts)
    assert announce(connection, opened())["safety"].told is told


def test_lost_data_pierces_every_silence(connection: Connection):
    """Silence must never be taken for safety."""
    silence(connection, subsystem=None, level=RED)
    lost = announce(connection, change(Reason.DATA_LOST, to_level=ORANGE, from_level=ORANGE))
    assert lost["operations"].told
    assert lost["safety"].told


def test_an_all_clear_pierces_for_those_who_were_warned(connection: Connection):
    """They heard of the alert before the silence, and must hear that it is over."""
    announce(connection, opened())
    silence(connection)
    over = change(Reason.ENDED, id="x.2", from_level=ORANGE, to_level=NONE)
    assert announce(connection, over, AT + HOUR)["safety"].told is False
    for row in rows(connection):
        deliveries.claim(connection, row.key)
    announce(connection, opened(id="y.1", alert="y"), AT + HOUR)
    connection.execute(update(tables.delivery).values(status=Status.SENT.value))
    over = change(Reason.ENDED, id="x.3", from_level=ORANGE, to_level=NONE)
    assert announce(connection, over, AT + HOUR)["safety"].told


def test_its_author_hears_before_it_ends_and_when_it_has(connection: Connection):
    """A quarter of an hour before, and at the end; nobody has to remember it."""
    number = silence(connection)
    (reminder,) = rows(connection, purpose=Purpose.SILENCE)
    assert (reminder.recipient, reminder.due_at) == ("traffic_day", AT + 3.75 * HOUR)
    assert "on site already" in reminder.text
    assert silences.next_end(connection) == AT + 4 * HOUR
    run(connection, AT + 4 * HOUR)
    told = rows(connection, purpose=Purpose.SILENCE, step=1)
    assert [row.recipient for row in told] == ["traffic_day"]
    assert silences.next_end(connection) is None
    with pytest.raises(UnknownName):
        silences.lift(connection, number, "He", AT + 4 * HOUR)


def test_at_its_end_those_it_covered_hear_how_things_stand(connection: Connection):
    """As a call, where the level calls; nobody else is told twice."""
    silence(connection)
    announce(connection, opened())
    before = {row.key for row in rows(connection)}
    run(connection, AT + 4 * HOUR)
    new = [row for row in rows(connection, purpose=Purpose.ALERT) if row.key not in before]
    safety = [row for row in new if row.subsystem == "safety"]
    assert [(row.recipient, row.step) for row in safety] == [("safety_day", 0)]
    assert safety[0].data["ack_link"]
    (call,) = [call for call in store.calls(connection) if call.subsystem == "safety"]
    assert (call.begun_at, call.status) == (AT + 4 * HOUR, CallStatus.OPEN)


def test_a_lifted_silence_tells_them_at_once(connection: Connection):
    """Whoever lifts it is named to its author, and the reminder is withdrawn."""
    number = silence(connection)
    announce(connection, opened())
    silences.lift(connection, number, "health_day", AT + HOUR)
    assert silences.next_end(connection) == AT + HOUR
    run(connection, AT + HOUR)
    assert rows(connection, subsystem="safety", purpose=Purpose.ALERT)
    (said,) = rows(connection, purpose=Purpose.SILENCE, step=1)
    assert "health_day" in said.text
    assert rows(connection, purpose=Purpose.SILENCE, step=0)[0].status is Status.CANCELLED


def test_who_knew_of_the_alert_hears_only_what_was_kept_from_them(connection: Connection):
    """The call of the opening stands; the spread under the silence is told afterwards, without a new call."""
    announce(connection, opened())
    silence(connection)
    announce(connection, opened(reason=Reason.SPREAD, id="x.2", from_level=ORANGE), AT + HOUR)
    assert rows(connection, subsystem="safety", transition="x.2") == []
    run(connection, AT + 4 * HOUR)
    assert [row.step for row in rows(connection, subsystem="safety", transition="x.2")] == [0]
    assert len([c for c in store.calls(connection) if c.subsystem == "safety"]) == 1


def test_an_alert_that_was_raised_and_lowered_meanwhile_is_told_as_it_stands(connection: Connection):
    """The level of now, not the one of the opening."""
    silence(connection)
    announce(connection, opened())
    lowered = opened(YELLOW, reason=Reason.LOWERED, id="x.2", from_level=ORANGE, at=AT + HOUR)
    announce(connection, lowered, AT + HOUR)
    run(connection, AT + 4 * HOUR)
    (row,) = rows(connection, subsystem="safety", purpose=Purpose.ALERT)
    assert row.data["to"] == "yellow"


def test_nothing_is_told_of_what_is_over(connection: Connection):
    """The alert opened and ended under the silence."""
    silence(connection)
    announce(connection, opened())
    announce(connection, change(Reason.ENDED, id="x.2", from_level=ORANGE, to_level=NONE), AT + HOUR)
    run(connection, AT + 4 * HOUR)
    assert rows(connection, subsystem="safety", purpose=Purpose.ALERT) == []


def test_trap_18_a_silence_does_not_outlive_its_reason(connection: Connection):
    """Given for one alert it ends with it: the next alert is told, and its author hears at once."""
    announce(connection, opened())
    silence(connection, alert="x")
    over = change(Reason.ENDED, id="x.2", from_level=ORANGE, to_level=NONE, at=AT + HOUR)
    announce(connection, over, AT + HOUR)
    assert silences.next_end(connection) == AT + HOUR
    run(connection, AT + HOUR)
    assert silences.in_force(connection, AT + HOUR) == []
    assert rows(connection, purpose=Purpose.SILENCE, step=1)
    assert announce(connection, opened(id="y.1", alert="y"), AT + 2 * HOUR)["safety"].told


def test_trap_18_a_silence_does_not_return_once_it_is_over(connection: Connection):
    """Neither lifted nor run out; it is told of once."""
    first, _second = silence(connection), silence(connection, until=AT + HOUR)
    silences.lift(connection, first, "He", AT + MINUTE)
    for minutes in (1, 60, 61, 600):
        run(connection, AT + minutes * MINUTE)
    assert announce(connection, opened(), AT + 11 * HOUR)["safety"].told
    assert len(rows(connection, purpose=Purpose.SILENCE, step=1)) == 2


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"until": AT + 24.1 * HOUR}, ValueError, "24 hours at most"),
        ({"until": AT}, ValueError, "later than now"),
        ({"why": "  "}, ValueError, "reason"),
        ({"by": "nobody"}, UnknownName, "no person is called 'nobody'"),
        ({"hazard": "hail"}, UnknownName, "no hazard is called 'hail'"),
        ({"subsystem": "fire"}, UnknownName, "no subsystem is called 'fire'"),
        ({"alert": "z"}, UnknownName, "no alert 'z' is open"),
    ],
)
def test_a_silence_without_measure_is_refused(connection: Connection, wrong, error, says: str):
    """A day at most, with a reason, by somebody who can be told."""
    with pytest.raises(error, match=says):
        silence(connection, **wrong)
    assert silences.in_force(connection, AT) == []


def test_a_short_silence_needs_no_reminder(connection: Connection):
    """Its author still hears of the end."""
    silence(connection, until=AT + 10 * MINUTE)
    assert rows(connection, purpose=Purpose.SILENCE) == []
    run(connection, AT + 10 * MINUTE)
    assert len(rows(connection, purpose=Purpose.SILENCE)) == 1


def test_every_silence_and_its_end_are_held_fast(connection: Connection):
    """A link of the record each."""
    silence(connection)
    run(connection, AT + 4 * HOUR)
    entries = connection.scalars(select(tables.audit.c.entries)).all()
    assert sum(entry.startswith('[["silence","1"') for entry in entries) == 2
