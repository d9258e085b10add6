"""Quiet hours: what can wait for the morning waits, with its call; what cannot, pierces."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fakes import AT, BLUE, CALLS, HOUR, MINUTE, NONE, ORANGE, RED, YELLOW, change, desk, routes
from sqlalchemy import Connection

from alerts.answers import calls, errands
from alerts.duty.people import Quiet, Routes
from alerts.duty.quiet import end_of, waits_until
from alerts.duty.routing import Warned, route
from alerts.event.transition import Reason, Transition
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Delivery
from alerts.record import store
from alerts.record.store import CallStatus
from rules.level import Level

NIGHT = Quiet(start="22:00", end="07:00", pierced_by=ORANGE)
MIDNIGHT = AT.replace(hour=16, minute=0)
"""00:00 in Beijing, on the tenth."""
MORNING = MIDNIGHT + 7 * HOUR


def quiet(**parts) -> Routes:
    """Everybody sleeps from ten to seven; yellow has a ladder."""
    ladders = {RED: CALLS, ORANGE: CALLS[:2], YELLOW: CALLS}
    return routes(**({"quiet": NIGHT, "ladders": ladders} | parts))


def own_hours(hours: Quiet) -> Routes:
    """The safety officer of the night has hours of their own."""
    whole = quiet()
    officer = replace(whole.people["safety_night"], quiet=hours)
    return replace(whole, people=whole.people | {"safety_night": officer})


def opened(level=YELLOW, at: datetime = MIDNIGHT, **parts) -> Transition:
    """A level that opens at midnight."""
    return change(at=at, to_level=level, places={"a": level}, opened_at=at, **parts)


@pytest.mark.parametrize(
    ("hours", "clock", "until"),
    [
        (NIGHT, "21:59", None),
        (NIGHT, "22:00", "07:00"),
        (NIGHT, "06:59", "07:00"),
        (NIGHT, "07:00", None),
        (replace(NIGHT, start="12:00", end="14:00"), "12:30", "14:00"),
        (replace(NIGHT, start="12:00", end="14:00"), "14:00", None),
        (replace(NIGHT, start="22:00", end="00:00"), "23:00", "00:00"),
        (replace(NIGHT, zone="Asia/Tokyo"), "21:30", "06:00"),
    ],
)
def test_quiet_hours_hold_their_begin_and_not_their_end(hours: Quiet, clock: str, until: str | None):
    """Over midnight too, and in their own zone."""
    hour, minute = map(int, clock.split(":"))
    moment = MIDNIGHT + timedelta(hours=hour, minutes=minute)
    found = end_of(hours, moment)
    told = None if found is None else f"{(found + 8 * HOUR):%H:%M}"
    assert told == until


@pytest.mark.parametrize("now", ["2022-03-26T23:30+01:00", "2022-10-29T23:30+02:00"])
def test_quiet_hours_end_at_seven_when_the_clocks_change(now: str):
    """Summer time begins or ends in the night; the morning is the clock's."""
    hours = replace(NIGHT, zone="Europe/Berlin")
    found = end_of(hours, datetime.fromisoformat(now))
    assert found is not None
    assert f"{found.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" == "07:00"


@pytest.mark.parametrize(
    ("level", "waits"), [(NONE, True), (BLUE, True), (YELLOW, True), (ORANGE, False), (RED, False)]
)
def test_a_level_at_or_above_pierces(level, waits: bool):
    """The boundary belongs to those that pierce."""
    until = waits_until("safety_night", quiet(), level, MIDNIGHT)
    assert until == (MORNING if waits else None)


def test_ones_own_hours_take_the_place_of_the_roster_s():
    """Who is awake at night says so with a lower level that pierces; who sleeps longer, with an end."""
    awake = own_hours(replace(NIGHT, pierced_by=BLUE))
    assert waits_until("safety_night", awake, YELLOW, MIDNIGHT) is None
    assert waits_until("health_night", awake, YELLOW, MIDNIGHT) == MORNING
    longer = own_hours(replace(NIGHT, end="09:00"))
    assert waits_until("safety_night", longer, YELLOW, MIDNIGHT) == MORNING + 2 * HOUR


def test_no_quiet_hours_wait_for_nothing():
    """The roster that names none has none."""
    assert waits_until("safety_night", routes(), BLUE, MIDNIGHT) is None


def announce(
    connection: Connection, made: Transition, now: datetime, own: Routes | None = None
) -> list[Delivery]:
    """Write a change down as a tick does, and give the rows of it."""
    own = own or quiet()
    calls.replace_older(connection, made, now)
    warned = store.warned(connection, made.alert)
    calls.announce(connection, made, route(made, own, now, warned), desk(own), now)
    return [row for row in deliveries.all_deliveries(connection) if row.transition == made.id]


def test_a_yellow_at_midnight_is_told_at_seven(connection: Connection):
    """Nothing is due before; the errand of the morning lets it go."""
    rows = announce(connection, opened(), MIDNIGHT)
    assert {row.due_at for row in rows} == {MORNING}
    assert deliveries.due(connection, MORNING, 99) == []
    errands.run_due(connection, desk(quiet()), MORNING)
    assert len(deliveries.due(connection, MORNING, 99)) == len(rows) == 2


def test_an_orange_at_midnight_is_told_at_once(connection: Connection):
    """It pierces for all it concerns."""
    rows = announce(connection, opened(ORANGE), MIDNIGHT)
    assert {row.due_at for row in rows} == {MIDNIGHT}


def test_the_call_of_a_yellow_begins_in_the_morning(connection: Connection):
    """Its minutes count from seven, not from midnight."""
    announce(connection, opened(), MIDNIGHT)
    (call,) = store.calls(connection)
    assert (call.begun_at, call.next_at) == (MORNING, MORNING + 5 * MINUTE)
    assert errands.run_due(connection, desk(quiet()), MORNING + 4 * MINUTE) == []
    (deputy,) = errands.run_due(connection, desk(quiet()), MORNING + 5 * MINUTE)
    assert deputy.person == "safety_deputy_night"


def test_who_is_on_duty_in_the_morning_is_told(connection: Connection):
    """Not who was when the others slept: a shift that ended at six has gone home."""
    own = quiet(quiet=replace(NIGHT, end="09:00"))
    assert {row.recipient for row in announce(connection, opened(), MIDNIGHT, own)} == {
        "safety_day", "traffic_day",
    }  # fmt: skip


def test_the_ladder_stands_still_overnight(connection: Connection):
    """A deputy whose turn came after ten is called at seven, and has their five minutes before the centre."""
    evening = MIDNIGHT - 2 * HOUR - 3 * MINUTE
    announce(connection, opened(at=evening), evening)
    assert errands.run_due(connection, desk(quiet()), evening + 5 * MINUTE) == []
    (call,) = store.calls(connection)
    assert (call.step, call.next_at) == (0, MORNING)
    first, second = (
        errands.run_due(connection, desk(quiet()), MORNING + late * MINUTE) for late in (0, 5)
    )
    assert [n.person for n in first] == ["safety_deputy_night"]
    assert [n.person for n in second] == ["centre_night"]


def test_only_the_newest_state_is_told_in_the_morning(connection: Connection):
    """The alert rose before anybody was up: the older message is cancelled."""
    announce(connection, opened(BLUE), MIDNIGHT, quiet(quiet=replace(NIGHT, pierced_by=RED)))
    own = quiet(quiet=replace(NIGHT, pierced_by=RED))
    announce(connection, opened(YELLOW, id="x.2", reason=Reason.RAISED), MIDNIGHT + HOUR, own)
    errands.run_due(connection, desk(own), MORNING)
    assert {row.transition for row in deliveries.due(connection, MORNING, 99)} == {"x.2"}


def test_what_was_over_before_the_morning_wakes_nobody(connection: Connection):
    """Its message never went out, so that there is no all-clear either."""
    announce(connection, opened(), MIDNIGHT)
    over = change(Reason.ENDED, id="x.2", at=MIDNIGHT + HOUR, from_level=YELLOW, to_level=NONE)
    assert announce(connection, over, MIDNIGHT + HOUR) == []
    errands.run_due(connection, desk(quiet()), MORNING)
    assert deliveries.due(connection, MORNING, 99) == []
    assert store.calls(connection, status=CallStatus.OPEN) == []


@pytest.mark.parametrize(
    ("reason", "before", "after", "waits"),
    [
        (Reason.RAISED, YELLOW, ORANGE, False),
        (Reason.RAISED, BLUE, YELLOW, True),
        (Reason.SPREAD, YELLOW, YELLOW, True),
        (Reason.SPREAD, RED, RED, False),
        (Reason.LOWERED, RED, YELLOW, True),
        (Reason.LOWERED, RED, ORANGE, False),
        (Reason.LOWERED, YELLOW, BLUE, True),
        (Reason.ENDED, ORANGE, NONE, False),
        (Reason.ENDED, YELLOW, NONE, True),
        (Reason.CANCELLED, RED, NONE, False),
        (Reason.CORRECTED, YELLOW, YELLOW, True),
    ],
)
def test_a_change_weighs_its_higher_level_and_a_lowering_what_is_left(reason, before, after, waits: bool):
    """Whoever was woken for a red is still at work when it is over; nobody is up for the end of a yellow."""
    made = change(reason, from_level=before, to_level=after, at=MIDNIGHT)
    notices = route(made, quiet(), MIDNIGHT, [Warned(subsystem="safety", person="safety_night")])
    (notice,) = [one for one in notices if one.subsystem == "safety"]
    assert notice.not_before == (MORNING if waits else None)


@pytest.mark.parametrize(
    ("patient", "own", "waits"),
    [(frozenset({"heat"}), None, True), (frozenset(), None, False), (None, BLUE, False)],
)
def test_that_a_red_lasts_longer_waits_for_the_morning(patient, own: Level | None, waits: bool):
    """It asks nothing new; a hazard that cannot wait, and who is awake at night, are told at once."""
    whole = quiet() if own is None else own_hours(replace(NIGHT, pierced_by=own))
    made = change(Reason.EXTENDED, from_level=RED, to_level=RED, at=MIDNIGHT)
    notices = route(made, replace(whole, patient=patient), MIDNIGHT)
    (notice,) = [one for one in notices if one.subsystem == "safety"]
    assert notice.not_before == (MORNING if waits else None)


def test_who_is_on_duty_in_the_morning_hears_that_a_red_lasts_longer(connection: Connection):
    """Like everything that waits."""
    made = change(Reason.EXTENDED, id="x.2", from_level=RED, to_level=RED, at=MIDNIGHT)
    rows = announce(connection, made, MIDNIGHT, quiet(quiet=replace(NIGHT, end="09:00")))
    assert {(row.recipient, row.due_at) for row in rows} == {
        (f"{name}_day", MORNING + 2 * HOUR) for name in ("safety", "health", "traffic")
    }  # fmt: skip


def test_lost_data_wakes_the_operators_and_nobody_else():
    """The lead of a yellow hears in the morning that it can no longer be judged."""
    lost = change(Reason.DATA_LOST, from_level=YELLOW, to_level=YELLOW, at=MIDNIGHT)
    told = {n.person: n.not_before for n in route(lost, quiet(), MIDNIGHT) if n.told}
    assert told == {"operations_night": None, "safety_night": MORNING}
    red = change(Reason.DATA_LOST, from_level=RED, to_level=RED, at=MIDNIGHT)
    assert {n.not_before for n in route(red, quiet(), MIDNIGHT) if n.told} == {None}
