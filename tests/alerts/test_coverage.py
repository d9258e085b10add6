"""The coverage guard: gaps are told to the supervisor before they matter."""

from dataclasses import replace
from itertools import pairwise

import pytest
from fakes import AT, DAY, HOUR, MINUTE, NIGHT, ORANGE, RED, SUBSYSTEMS, routes, worded_desk
from sqlalchemy import Connection

from alerts.answers import errands
from alerts.duty import coverage, stand_ins
from alerts.duty.coverage import find, reachable
from alerts.duty.people import Override, Release, Routes, Shift
from alerts.duty.stand_ins import StandIn
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Delivery, Purpose
from alerts.outgoing.dispatch import Desk

EVENING = AT + 12 * HOUR - 5 * MINUTE
"""20:00 in Beijing."""
NIGHTLESS = replace(SUBSYSTEMS["health"], rota=SUBSYSTEMS["health"].rota[:1])


def staffed(**parts) -> Routes:
    """The rotas of the fakes, watched over by the centre."""
    return routes(**({"supervisor": ("centre_day",)} | parts))


def health(**parts) -> Routes:
    """The same with another health."""
    return staffed(subsystems=SUBSYSTEMS | {"health": replace(SUBSYSTEMS["health"], **parts)})


def found(own: Routes, **parts) -> list[tuple[str, str]]:
    """Kind and subsystem of every gap of the next day."""
    return [(gap.kind, gap.subsystem) for gap in find(worded_desk(own, **parts), AT)]


def told(connection: Connection, own: Routes, now) -> list[Delivery]:
    """What the supervisor has been told by a moment."""
    due = coverage.next_look(connection)
    while due is not None and due <= now:
        moment = max(due, AT)
        errands.run_due(connection, worded_desk(own), moment)
        due = coverage.next_look(connection)
    return [
        row
        for row in deliveries.all_deliveries(connection)
        if row.purpose is Purpose.COVERAGE
    ]


def test_full_rotas_have_no_gap():
    """Nothing is told of nothing."""
    assert found(staffed()) == []


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ({"rota": NIGHTLESS.rota}, "nobody"),
        ({"rota": (Shift(start="08:00", end="08:00", duty=("health_day",), last="2022-08-09"),)}, "ends"),
        (
            {"rota": (), "overrides": (Override(start=AT, end=AT + HOUR, duty=("health_day",)),)},
            "stand_in",
        ),
    ],
)
def test_a_gap_is_told_by_its_reason(parts, kind: str):
    """A missing shift, a rota that ends tonight, a stand-in that ends into nothing."""
    assert (kind, "health") in found(health(**parts))


def person(**parts) -> Routes:
    """Health's officer of the day, reached differently."""
    own = staffed()
    return replace(own, people=own.people | {"health_day": replace(own.people["health_day"], **parts)})


@pytest.mark.parametrize(
    ("own", "desk", "fine"),
    [
        (person(), {}, True),
        (person(), {"enabled": frozenset({"fake"})}, True),
        (person(), {"enabled": frozenset({"other"})}, False),
        (person(fallback=("other",)), {"enabled": frozenset({"other"})}, True),
        (person(), {"addressed": frozenset({"fake"})}, False),
        (person(addresses={"fake": "li@example.org"}), {"addressed": frozenset({"fake"})}, True),
        (person(phone=""), {}, False),
    ],
)
def test_somebody_is_reachable_over_a_channel_that_may_send(own: Routes, desk, fine: bool):
    """One that is on, with an address on file where a number is not enough."""
    assert reachable("health_day", worded_desk(own, **desk)) is fine


def test_a_watch_without_anybody_to_reach_is_a_gap():
    """As long as one of those on duty can be reached there is none."""
    assert ("unreachable", "health") in found(person(channels=("off",)), enabled=frozenset({"fake"}))
    own = person(channels=("off",))
    both = replace(own.subsystems["health"], rota=(Shift(**DAY, duty=("health_day", "health_night")),
                                                   SUBSYSTEMS["health"].rota[1]))  # fmt: skip
    own = replace(own, subsystems=own.subsystems | {"health": both})
    assert found(own, enabled=frozenset({"fake"})) == []


def test_nobody_reaches_who_is_not_there():
    """Somebody who left the configuration."""
    assert not reachable("nobody", worded_desk())


@pytest.mark.parametrize(
    ("approvers", "needed", "gap"),
    [
        (("centre_day",), 1, False),
        (("gone",), 1, True),
        (("centre_day", "gone"), 1, False),
        (("centre_day", "gone"), 2, True),
        ((), 1, True),
    ],
)
def test_a_release_that_nobody_could_give_is_a_gap(approvers, needed: int, gap: bool):
    """An approver list with nobody in it."""
    own = staffed(release={RED: Release(approvers=approvers, needed=needed)})
    assert (("approvers", "red") in found(own)) is gap


def test_the_supervisor_hears_now_and_an_hour_before(connection: Connection):
    """Not at three in the morning: when it is found, and once more before it begins."""
    own = health(rota=NIGHTLESS.rota)
    (now,) = told(connection, own, AT)
    assert (now.recipient, now.planned_at, now.step) == ("centre_day", AT, 0)
    assert now.text.startswith("值守缺口：health无人值班，2022年8月9日20时00分")
    assert len(told(connection, own, EVENING - HOUR - MINUTE)) == 1
    assert [row.step for row in told(connection, own, EVENING - MINUTE)] == [0, 1]
    again = told(connection, own, EVENING - MINUTE)[1]
    assert again.planned_at == EVENING - HOUR


def test_each_gap_is_told_once(connection: Connection):
    """Three days with a gap a night are three gaps, however often one looks."""
    rows = told(connection, health(rota=NIGHTLESS.rota), AT + 48 * HOUR)
    assert [row.step for row in rows] == [0, 1, 0, 1, 0]


def test_the_guard_looks_each_hour_and_at_each_change_of_shift(connection: Connection):
    """So that a gap that somebody made is found soon."""
    looks = []
    for _ in range(14):
        now = max(coverage.next_look(connection) or AT, AT)
        looks.append(now)
        coverage.look(connection, worded_desk(staffed()), now)
    assert looks[0] == AT
    assert EVENING in looks
    assert all(later - earlier <= HOUR for earlier, later in pairwise(looks))


def test_a_stand_in_closes_a_gap(connection: Connection):
    """And its end opens it again, for the reason that it ends."""
    own = health(rota=NIGHTLESS.rota)
    wish = StandIn(
        subsystem="health", duty=("health_night",), start=EVENING, end=EVENING + 6 * HOUR, by="He", why="ill"
    )
    stand_ins.add(connection, wish, own, AT)
    (row,) = told(connection, own, AT)
    assert "顶班结束后无人值班" in row.text


def test_a_gap_that_has_always_been_is_told_once_a_day(connection: Connection):
    """A subsystem without any shift has no begin to be told by."""
    rows = told(connection, health(rota=()), AT + 30 * HOUR)
    assert [row.planned_at.date().day for row in rows] == [9, 10]


def test_trap_19_a_watch_that_no_channel_reaches_is_told_before_it_begins(connection: Connection):
    """An officer whose only channel is off: the supervisor hears, and directors are not paged unseen."""
    own = person(channels=("off",))
    desk: Desk = worded_desk(own, enabled=frozenset({"fake"}))
    errands.run_due(connection, desk, AT)
    (row,) = [r for r in deliveries.all_deliveries(connection) if r.purpose is Purpose.COVERAGE]
    assert "没有可用的联系渠道" in row.text
    assert "health_day" in row.text
    assert row.data["to"] == ORANGE.key


def test_days_and_nights_make_no_gap_between_them():
    """A shift that ends where the other begins."""
    both = (Shift(**DAY, duty=("health_day",)), Shift(**NIGHT, duty=("health_night",)))
    assert found(health(rota=both)) == []
