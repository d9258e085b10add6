"""A call climbs its ladder until somebody answers, and not a step further."""

from dataclasses import replace
from datetime import datetime

import pytest
from fakes import (
    AT,
    CALLS,
    HOUR,
    MINUTE,
    NONE,
    ORANGE,
    RED,
    SUBSYSTEMS,
    YELLOW,
    change,
    delivery,
    desk,
    routes,
)
from sqlalchemy import Connection, func, select

from alerts.answers import calls
from alerts.duty.people import Routes
from alerts.duty.routing import Warned, route
from alerts.event.transition import Reason, Transition
from alerts.outgoing import deliveries
from alerts.outgoing.deliveries import Outcome
from alerts.outgoing.delivery import Delivery, Purpose, Status
from alerts.record import store, tables
from alerts.record.store import Acknowledgement, CallStatus

EVENING = AT.replace(hour=11, minute=57)
"""Three minutes before the night shift begins, in Beijing."""


def announce(
    connection: Connection, made: Transition | None = None, now: datetime = AT, own: Routes | None = None
) -> int:
    """Put a change in the place of older ones, route it and write it down, as a tick does."""
    made, own = made or change(at=now), own or routes()
    calls.replace_older(connection, made, now)
    warned = store.warned(connection, made.alert)
    return calls.announce(connection, made, route(made, own, now, warned), desk(own), now)


def pages(connection: Connection, now: datetime, own: Routes | None = None) -> list[tuple]:
    """Whom the calls that are due reach at a moment."""
    notices = calls.escalate(connection, desk(own), now)
    return [(notice.subsystem, notice.step, notice.person) for notice in notices]


def answer(connection: Connection, now: datetime, subsystem: str = "safety") -> Acknowledgement:
    """Somebody of a subsystem has it."""
    word = Acknowledgement(alert="x", subsystem=subsystem, by="Li", via="link", at=now)
    return store.acknowledge(connection, word)


def send(connection: Connection, **wanted) -> None:
    """Let the due messages with these values go out."""
    for row in rows(connection, status=Status.DUE, **wanted):
        deliveries.claim(connection, row.key)
        outcome = Outcome(key=row.key, status=Status.SENT, at=row.due_at, detail="taken")
        deliveries.settle(connection, outcome)


def rows(connection: Connection, **wanted) -> list[Delivery]:
    """Delivery rows with these values."""
    found = deliveries.all_deliveries(connection)
    return [row for row in found if all(getattr(row, k) == v for k, v in wanted.items())]


def test_a_change_is_written_with_everything_that_follows(connection: Connection):
    """Change, decisions, calls and deliveries, in the caller's transaction."""
    assert announce(connection) == 3
    assert store.transition(connection, "x.1") == change()
    assert connection.scalar(select(func.count()).select_from(tables.notice)) == len(SUBSYSTEMS)
    assert [row.status for row in rows(connection)] == [Status.DUE] * 3


def test_who_is_only_informed_is_never_called(connection: Connection):
    """Lead and support must answer; traffic gets its message and is left alone."""
    announce(connection)
    assert [one.subsystem for one in store.calls(connection)] == ["safety", "health"]
    for minutes in range(0, 60, 5):
        assert "traffic" not in {who for who, *_ in pages(connection, AT + minutes * MINUTE)}


@pytest.mark.parametrize("reason", [r for r in Reason if r not in (Reason.OPENED, Reason.RAISED)])
def test_other_changes_begin_no_call(connection: Connection, reason: Reason):
    """They inform those who have the alert already."""
    announce(connection, change(reason))
    assert store.calls(connection) == []


def test_the_ladder_is_climbed_at_its_minutes(connection: Connection):
    """Duty at once, the deputy after five minutes, the centre after ten; each exactly then."""
    announce(connection)
    assert pages(connection, AT + 4.9 * MINUTE) == []
    deputies = pages(connection, AT + 5 * MINUTE)
    assert deputies == [("safety", 1, "safety_deputy_day"), ("health", 1, "health_deputy_day")]
    assert pages(connection, AT + 9.9 * MINUTE) == []
    assert pages(connection, AT + 10 * MINUTE) == [("safety", 2, "centre_day"), ("health", 2, "centre_day")]


def test_a_late_look_shifts_no_later_step(connection: Connection):
    """The minutes count from the begin of the call, not from the last step."""
    announce(connection)
    assert pages(connection, AT + 9 * MINUTE)[0][1] == 1
    assert pages(connection, AT + 10 * MINUTE)[0][1] == 2


def test_steps_that_were_slept_through_are_taken_one_after_the_other(connection: Connection):
    """After an hour without power nobody is skipped."""
    announce(connection)
    steps = [pages(connection, AT + HOUR)[0][1:] for _ in range(2)]
    assert steps == [(1, "safety_deputy_day"), (2, "centre_day")]


def test_the_end_of_a_ladder_is_the_end(connection: Connection):
    """The call stays open for an answer, and pages nobody any more."""
    announce(connection)
    for _ in range(2):
        pages(connection, AT + HOUR)
    assert pages(connection, AT + 99 * HOUR) == []
    assert store.next_call(connection) is None
    assert answer(connection, AT + 99 * HOUR).effective


@pytest.mark.parametrize("level", [NONE, YELLOW])
def test_a_level_without_a_ladder_waits_for_an_answer(connection: Connection, level):
    """It is told once; the call is open, without a next step."""
    announce(connection, change(to_level=YELLOW, from_level=level))
    (begun,) = store.calls(connection)
    assert (begun.status, begun.next_at) == (CallStatus.OPEN, None)
    assert pages(connection, AT + 99 * HOUR) == []


def test_a_ladder_that_became_shorter_ends_quietly(connection: Connection):
    """The configuration changed while a call was open."""
    announce(connection)
    shorter = routes(ladders={RED: CALLS[:1]})
    assert pages(connection, AT + HOUR, shorter) == []
    assert store.next_call(connection) is None


def test_whoever_is_on_duty_then_is_called(connection: Connection):
    """A shift that changes between two steps hands the call over."""
    announce(connection, now=EVENING)
    assert rows(connection, subsystem="safety")[0].recipient == "safety_day"
    assert pages(connection, EVENING + 5 * MINUTE)[0] == ("safety", 1, "safety_deputy_night")
    assert pages(connection, EVENING + 10 * MINUTE)[0] == ("safety", 2, "centre_night")


def test_each_step_is_a_row_with_its_number(connection: Connection):
    """The deputy's message is planned before it is sent, and its decision is kept."""
    announce(connection)
    pages(connection, AT + 5 * MINUTE)
    (row,) = rows(connection, subsystem="safety", step=1)
    assert (row.recipient, row.due_at, row.status) == ("safety_deputy_day", AT + 5 * MINUTE, Status.DUE)
    assert row.text.startswith("repeat")
    assert connection.scalar(select(func.max(tables.notice.c.step))) == 1


def test_an_answer_ends_the_call(connection: Connection):
    """Nobody of that subsystem is paged again; the others' calls go on."""
    announce(connection)
    assert answer(connection, AT + MINUTE).effective
    for minutes in (5, 10, 600):
        assert {who for who, *_ in pages(connection, AT + minutes * MINUTE)} <= {"health"}


def test_an_answer_withdraws_the_later_steps_that_have_not_gone_out(connection: Connection):
    """What is sent is sent; the first message still reaches its officer."""
    announce(connection)
    pages(connection, AT + 5 * MINUTE)
    answer(connection, AT + 6 * MINUTE)
    found = {(row.subsystem, row.step): row for row in rows(connection)}
    assert found["safety", 1].status is Status.CANCELLED
    assert found["safety", 1].detail == "acknowledged by Li"
    assert found["safety", 0].status is found["health", 1].status is Status.DUE


def test_a_step_under_way_is_not_withdrawn(connection: Connection):
    """Its outcome is still to come."""
    announce(connection)
    pages(connection, AT + 5 * MINUTE)
    (row,) = rows(connection, subsystem="safety", step=1)
    deliveries.claim(connection, row.key)
    answer(connection, AT + 6 * MINUTE)
    assert rows(connection, key=row.key)[0].status is Status.CLAIMED


def test_answering_twice_is_kept_and_changes_nothing(connection: Connection):
    """The second word is not the one that closed the call."""
    announce(connection)
    assert [answer(connection, AT + n * MINUTE).effective for n in (1, 2)] == [True, False]
    assert [word.effective for word in store.acknowledgements(connection, "x")] == [True, False]
    (done,) = store.calls(connection, status=CallStatus.ACKNOWLEDGED)
    assert done.subsystem == "safety"


def raised(level=RED) -> Transition:
    """The orange of the alert became red a few minutes later."""
    return change(Reason.RAISED, id="x.2", at=AT + 3 * MINUTE, from_level=ORANGE, to_level=level)


def over(reason: Reason = Reason.ENDED) -> Transition:
    """The red of the alert is over an hour later."""
    return change(reason, id="x.2", at=AT + HOUR, from_level=RED, to_level=NONE)


def test_a_raised_alert_takes_the_place_of_the_old_call(connection: Connection):
    """The old one is superseded, the new one begins at its own minutes."""
    announce(connection, change(to_level=ORANGE))
    announce(connection, raised(), AT + 3 * MINUTE)
    statuses = {(one.transition, one.subsystem): one.status for one in store.calls(connection)}
    assert statuses["x.1", "safety"] is CallStatus.SUPERSEDED
    assert statuses["x.2", "safety"] is CallStatus.OPEN
    assert pages(connection, AT + 5 * MINUTE) == []
    assert len(pages(connection, AT + 8 * MINUTE)) == 2


def test_an_answer_to_the_orange_is_none_to_the_red(connection: Connection):
    """Who had the orange is called again when it becomes red."""
    announce(connection, change(to_level=ORANGE))
    answer(connection, AT + MINUTE)
    announce(connection, raised(), AT + 3 * MINUTE)
    assert ("safety", 1, "safety_deputy_day") in pages(connection, AT + 8 * MINUTE)


@pytest.mark.parametrize("reason", [Reason.LOWERED, Reason.ENDED])
def test_nobody_is_paged_for_what_is_over(connection: Connection, reason: Reason):
    """A lowering and an end close what is open."""
    announce(connection)
    announce(connection, over(reason), AT + MINUTE)
    assert store.calls(connection, status=CallStatus.OPEN) == []
    assert pages(connection, AT + HOUR) == []


REPLACING = [Reason.RAISED, Reason.LOWERED, Reason.ENDED, Reason.CANCELLED]
OTHERS = [reason for reason in Reason if reason not in REPLACING]


@pytest.mark.parametrize("reason", OTHERS)
def test_a_change_of_another_kind_leaves_the_call_open(connection: Connection, reason: Reason):
    """Nobody has answered yet, and the level still stands; what waits still goes out."""
    announce(connection)
    announce(connection, change(reason, id="x.2"), AT + MINUTE)
    assert {row.status for row in rows(connection, transition="x.1")} == {Status.DUE}
    assert len(pages(connection, AT + 5 * MINUTE)) == 2


@pytest.mark.parametrize("reason", REPLACING)
def test_a_replaced_message_says_why_it_never_went_out(connection: Connection, reason: Reason):
    """What is due of every step is cancelled, of this alert only, and never due again."""
    announce(connection)
    announce(connection, change(id="y.1", alert="y"))
    pages(connection, AT + 5 * MINUTE)
    calls.replace_older(connection, change(reason, id="x.2"), AT + HOUR)
    mine = {(row.status, row.detail) for row in rows(connection, alert="x")}
    assert mine == {(Status.CANCELLED, "replaced by a newer change")}
    assert {row.step for row in rows(connection, alert="x")} == {0, 1}
    assert {row.alert for row in deliveries.due(connection, AT + 99 * HOUR, 99)} == {"y"}


@pytest.mark.parametrize("reason", REPLACING)
@pytest.mark.parametrize("status", [Status.CLAIMED, Status.SENT, Status.FAILED])
def test_what_has_left_is_not_replaced(connection: Connection, reason: Reason, status: Status):
    """Its outcome is known or still to come; the row stays exactly as it was."""
    left = delivery("left", status=status, attempts=1, detail="as it was")
    deliveries.plan(connection, [left, delivery("waiting")])
    calls.replace_older(connection, change(reason, id="x.2"), AT + HOUR)
    assert rows(connection, key="left") == [left]
    assert rows(connection, key="waiting")[0].status is Status.CANCELLED


def test_announcing_alone_replaces_nothing(connection: Connection):
    """The caller has done it before it asked who was warned."""
    announce(connection)
    calls.announce(connection, over(), [], desk(), AT + HOUR)
    assert len(store.calls(connection, status=CallStatus.OPEN)) == 2
    assert {row.status for row in rows(connection)} == {Status.DUE}


def test_who_was_out_of_reach_hears_only_the_rise(connection: Connection):
    """Down while the alert opened and rose: afterwards one message, about how things stand."""
    announce(connection, change(to_level=ORANGE))
    announce(connection, raised(), AT + 3 * MINUTE)
    waiting = deliveries.due(connection, AT + 4 * MINUTE, 99)
    assert {row.transition for row in waiting} == {"x.2"}
    assert sorted(row.recipient for row in waiting) == ["health_day", "safety_day", "traffic_day"]


def test_who_heard_nothing_gets_no_all_clear(connection: Connection):
    """Their only message was cancelled by the end itself; whoever had theirs hears the end."""
    announce(connection)
    send(connection, subsystem="safety")
    announce(connection, over(), AT + HOUR)
    assert [row.recipient for row in rows(connection, transition="x.2")] == ["safety_day"]
    assert {row.status for row in rows(connection, subsystem="traffic")} == {Status.CANCELLED}


def test_a_message_under_way_earns_the_all_clear(connection: Connection):
    """It may arrive, and whoever reads it must hear that it is over."""
    announce(connection)
    (row,) = rows(connection, subsystem="traffic")
    deliveries.claim(connection, row.key)
    announce(connection, over(), AT + HOUR)
    assert [row.recipient for row in rows(connection, transition="x.2")] == ["traffic_day"]


def test_the_centre_called_on_the_way_hears_the_all_clear(connection: Connection):
    """Everybody whom a step reached is among the warned, for the subsystem it was called for."""
    announce(connection)
    for minutes in (5, 10):
        pages(connection, AT + minutes * MINUTE)
    send(connection)
    assert Warned(subsystem="safety", person="centre_day") in store.warned(connection, "x")
    announce(connection, over(), AT + HOUR)
    heard = {row.recipient for row in rows(connection, transition="x.2", subsystem="safety")}
    assert heard == {"safety_day", "safety_deputy_day", "centre_day"}


def test_an_empty_rota_does_not_lose_the_call(connection: Connection):
    """The centre is told in the subsystem's name, and the call stays the subsystem's."""
    own = routes(subsystems=SUBSYSTEMS | {"safety": replace(SUBSYSTEMS["safety"], rota=())})
    announce(connection, own=own)
    assert rows(connection, subsystem="safety")[0].recipient == "centre_day"
    assert pages(connection, AT + 5 * MINUTE, own)[0] == ("safety", 1, "centre_day")


def test_two_hazards_are_answered_apart(connection: Connection):
    """An answer to one alert leaves the other's call open."""
    announce(connection)
    announce(connection, change(id="y.1", alert="y"))
    answer(connection, AT + MINUTE)
    assert [one[0] for one in pages(connection, AT + 5 * MINUTE)] == ["health", "safety", "health"]


ZHENGZHOU = ["19T13:59", "19T22:02", "20T01:08", "20T03:50", "20T08:01"]
"""The red rainstorm signals of 19 and 20 July 2021 in UTC; in Beijing 21:59, 06:02, 09:08, 11:50, 16:01."""


def reds(connection: Connection, times: list[str], withdrawn: tuple[int, ...] = ()) -> list[list[tuple]]:
    """Announce a red at each time, each in an alert of its own; who of safety is called at once each time."""
    called = []
    for number, time in enumerate(times):
        at = datetime.fromisoformat(f"2021-07-{time}:00+00:00")
        made = change(id=f"r{number}.1", alert=f"r{number}", at=at)
        announce(connection, made, at)
        if number in withdrawn:
            off = change(Reason.CANCELLED, id=f"r{number}.2", alert=f"r{number}", at=at, to_level=NONE)
            announce(connection, off, at)
        mine = rows(connection, transition=made.id, subsystem="safety")
        called.append(sorted((row.step, row.recipient) for row in mine))
    return called


def test_zhengzhou_2021_a_red_that_comes_again_begins_higher(connection: Connection):
    """Five reds in eighteen hours: the second calls the deputy at once, from the third on the centre too."""
    found = reds(connection, ZHENGZHOU)
    assert [len(steps) for steps in found] == [1, 2, 3, 3, 3]
    assert [person.rpartition("_")[0] for _, person in found[2]] == ["safety", "safety_deputy", "centre"]
    whys = connection.scalars(select(tables.notice.c.why).where(tables.notice.c.transition == "r1.1"))
    assert any(why.startswith("red again within 12 h: deputy at once") for why in whys)


def test_a_red_that_comes_again_goes_on_from_where_it_began(connection: Connection):
    """The deputy was called at once: after ten minutes the centre, and nothing after five."""
    reds(connection, ZHENGZHOU[:2])
    begun = store.calls(connection)[-1]
    assert (begun.step, begun.next_at) == (1, begun.begun_at + 10 * MINUTE)


@pytest.mark.parametrize(
    ("times", "steps"), [(["19T00:00", "19T12:00"], [1, 2]), (["19T00:00", "19T12:01"], [1, 1])]
)
def test_a_red_of_yesterday_is_another_story(connection: Connection, times: list[str], steps: list[int]):
    """Twelve hours count, and not a minute more."""
    assert [len(found) for found in reds(connection, times)] == steps


def test_a_red_that_was_withdrawn_was_none(connection: Connection):
    """A false alarm does not wake more people the next time."""
    found = reds(connection, ZHENGZHOU[:2], withdrawn=(0,))
    assert [len(steps) for steps in found] == [1, 1]


def test_a_rise_within_one_alert_comes_again_too(connection: Connection):
    """Red, lowered to orange, red again: the same alert."""
    announce(connection)
    lowered = change(Reason.LOWERED, id="x.2", at=AT + HOUR, from_level=RED, to_level=ORANGE)
    announce(connection, lowered, AT + HOUR)
    again = change(Reason.RAISED, id="x.3", at=AT + 2 * HOUR, from_level=ORANGE, to_level=RED)
    announce(connection, again, AT + 2 * HOUR)
    assert sorted(row.step for row in rows(connection, transition="x.3", subsystem="health")) == [0, 1]


def test_an_orange_is_not_the_red_again(connection: Connection):
    """Another level is another matter."""
    announce(connection, change(to_level=ORANGE))
    announce(connection, raised(), AT + 3 * MINUTE)
    assert {row.step for row in rows(connection, transition="x.2")} == {0}


def test_complaint_4_an_answer_in_june_is_the_end_of_it_in_october(connection: Connection):
    """The ladder of an acknowledged call is never climbed again, however late its job comes."""
    announce(connection)
    answer(connection, AT + MINUTE)
    answer(connection, AT + MINUTE, "health")
    assert pages(connection, AT + 120 * 24 * HOUR) == []
    assert {row.step for row in rows(connection)} == {0}


def test_complaint_5_a_step_with_nobody_on_duty_is_not_skipped_in_silence(connection: Connection):
    """Without a deputy the centre is told instead, with the reason, and its own step still comes."""
    shifts = tuple(replace(shift, deputy=()) for shift in SUBSYSTEMS["safety"].rota)
    own = routes(subsystems=SUBSYSTEMS | {"safety": replace(SUBSYSTEMS["safety"], rota=shifts)})
    announce(connection, own=own)
    assert pages(connection, AT + 5 * MINUTE, own)[0] == ("safety", 1, "centre_day")
    whys = connection.scalars(select(tables.notice.c.why).where(tables.notice.c.step == 1))
    assert any("nobody is deputy of safety: the command centre is told instead" in why for why in whys)


def test_an_answer_to_an_older_change_is_none_to_the_newer_one(connection: Connection):
    """Whoever presses the button of the orange has not seen the red: its call goes on."""
    announce(connection, change(to_level=ORANGE))
    announce(connection, raised(), AT + 3 * MINUTE)
    word = Acknowledgement(
        alert="x", subsystem="safety", by="Li", via="link", at=AT + 4 * MINUTE, transition="x.1"
    )
    assert not store.acknowledge(connection, word).effective
    assert ("safety", 1, "safety_deputy_day") in pages(connection, AT + 8 * MINUTE)


@pytest.mark.parametrize("purpose", Purpose)
def test_only_who_heard_of_the_alert_was_warned(connection: Connection, purpose: Purpose):
    """Reminders, requests and troubles warn nobody; what was folded into a digest does."""
    announce(connection)
    told = delivery("1", recipient="slides_day", purpose=purpose, status=Status.FOLDED)
    deliveries.plan(connection, [told])
    warned = {one.person for one in store.warned(connection, "x")}
    assert ("slides_day" in warned) == (purpose in (Purpose.ALERT, Purpose.DIGEST))
