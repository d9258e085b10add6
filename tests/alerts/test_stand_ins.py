"""Stand-ins arranged while the service runs count from the next decision on."""

from dataclasses import replace

import pytest
from fakes import AT, HOUR, MINUTE, change, desk, routes
from sqlalchemy import Connection, select

from alerts.answers import calls, errands
from alerts.duty import stand_ins
from alerts.duty.routing import route
from alerts.duty.stand_ins import StandIn
from alerts.outgoing import desks
from alerts.record import tables
from ingest.errors import UnknownName

ILL = StandIn(
    subsystem="safety", duty=("safety_night",), start=AT, end=AT + 4 * HOUR, by="He", why="ill"
)


def told(connection: Connection, now=AT) -> dict[str, tuple[str | None, str]]:
    """Subsystem -> who hears of a red first at a moment, and why."""
    present = desks.current(connection, desk(), now)
    notices = route(change(at=now), present.routes, now)
    return {notice.subsystem: (notice.person, notice.why) for notice in notices}


def test_a_stand_in_is_told_in_place_of_the_shift(connection: Connection):
    """At once, with who arranged it and why; the others' rotas stand."""
    stand_ins.add(connection, ILL, routes(), AT)
    person, why = told(connection)["safety"]
    assert person == "safety_night"
    assert why.endswith("duty of safety (stand-in by He: ill)")
    assert told(connection)["health"][0] == "health_day"


@pytest.mark.parametrize(("hours", "who"), [(0, "safety_night"), (3.9, "safety_night"), (4, "safety_day")])
def test_it_ends_by_itself(connection: Connection, hours: float, who: str):
    """To the minute; nobody has to remember."""
    stand_ins.add(connection, ILL, routes(), AT)
    assert told(connection, AT + hours * HOUR)["safety"][0] == who


def test_the_last_that_was_arranged_counts(connection: Connection):
    """Whoever is named later knew more."""
    stand_ins.add(connection, ILL, routes(), AT)
    stand_ins.add(connection, replace(ILL, duty=("health_day",)), routes(), AT)
    assert told(connection)["safety"][0] == "health_day"


def test_a_withdrawn_one_counts_no_more(connection: Connection):
    """The rota does again; it cannot be withdrawn twice."""
    number = stand_ins.add(connection, ILL, routes(), AT)
    assert stand_ins.withdraw(connection, number, AT + HOUR).what == ILL
    assert told(connection, AT + HOUR)["safety"][0] == "safety_day"
    with pytest.raises(UnknownName, match="no stand-in has the number 1 any more"):
        stand_ins.withdraw(connection, number, AT + HOUR)


def test_the_next_step_of_a_call_sees_it_at_once(connection: Connection):
    """A deputy named in the middle of a call is the one who is called."""
    calls.announce(connection, change(), route(change(), routes(), AT), desk(), AT)
    wish = replace(ILL, duty=("safety_day",), deputy=("health_night",))
    stand_ins.add(connection, wish, routes(), AT + MINUTE)
    called = {notice.person for notice in errands.run_due(connection, desk(), AT + 5 * MINUTE)}
    assert called == {"health_night", "health_deputy_day"}


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"subsystem": "fire"}, UnknownName, "no subsystem is called 'fire'"),
        ({"duty": ("lee",)}, UnknownName, "nobody is called 'lee'"),
        ({"deputy": ("lee",)}, UnknownName, "nobody is called 'lee'"),
        ({"duty": ()}, ValueError, "who stands in"),
        ({"why": " "}, ValueError, "why"),
        ({"by": ""}, ValueError, "who arranged it"),
        ({"end": AT}, ValueError, "later than the start"),
        ({"start": AT - 2 * HOUR, "end": AT - HOUR}, ValueError, "than now"),
    ],
)
def test_a_useless_one_is_refused(connection: Connection, wrong, error, says: str):
    """With what is wrong; nothing is kept."""
    with pytest.raises(error, match=says):
        stand_ins.add(connection, replace(ILL, **wrong), routes(), AT)
    assert stand_ins.standing(connection, AT) == []


def test_who_left_the_configuration_stands_in_for_nobody(connection: Connection):
    """The rota stands where nobody of a stand-in is left, and a subsystem that is gone is passed over."""
    stand_ins.add(connection, ILL, routes(), AT)
    stand_ins.add(connection, replace(ILL, subsystem="slides"), routes(), AT)
    own = routes()
    people = {name: person for name, person in own.people.items() if name != "safety_night"}
    left = {name: one for name, one in own.subsystems.items() if name != "slides"}
    smaller = replace(own, people=people, subsystems=left)
    assert desks.routes_now(connection, smaller, AT).subsystems == smaller.subsystems


def test_routes_without_any_are_the_very_same(connection: Connection):
    """Nothing is copied where nothing was arranged."""
    own = routes()
    assert desks.routes_now(connection, own, AT) is own


def test_each_is_held_fast_in_the_record(connection: Connection):
    """Once when it is arranged, once when it is withdrawn."""
    number = stand_ins.add(connection, ILL, routes(), AT)
    stand_ins.withdraw(connection, number, AT + HOUR)
    links = connection.scalars(select(tables.audit.c.entries)).all()
    assert [link.startswith('[["stand_in","1"') for link in links] == [True, True]
