"""Who hears of a change, in which role, and why; and who does not, and why not."""

from dataclasses import replace

import pytest
from fakes import (
    AT,
    BLUE,
    HOUR,
    NONE,
    ORANGE,
    PARTS,
    RED,
    SUBSYSTEMS,
    YELLOW,
    change,
    routes,
    staffed,
    with_subsystem,
)

from alerts.duty.people import Routes
from alerts.duty.routing import FIRST_STEP, Notice, Warned, call, ladder, must_answer, route
from alerts.event.transition import Reason
from rules.level import Level

EVENING = AT + 12 * HOUR
MATRIX = [Reason.OPENED, Reason.RAISED, Reason.SPREAD, Reason.EXTENDED]
SOME = [Warned(subsystem="safety", person="safety_night"), Warned(subsystem="safety", person="centre_day")]


def told(notices: list[Notice]) -> dict[str, list[str]]:
    """Subsystem -> people who are told, for those that are."""
    found: dict[str, list[str]] = {}
    for notice in notices:
        if notice.person is not None:
            found.setdefault(notice.subsystem, []).append(notice.person)
    return found


def reasons(notices: list[Notice]) -> dict[str, str]:
    """Subsystem -> why, for those with one notice."""
    return {notice.subsystem: notice.why for notice in notices}


@pytest.mark.parametrize("reason", MATRIX)
@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (BLUE, set()),
        (YELLOW, {"safety", "traffic"}),
        (ORANGE, {"safety", "traffic", "health"}),
        (RED, {"safety", "traffic", "health"}),
    ],
)
def test_the_matrix_tells_from_the_lowest_level_up(reason: Reason, level: Level, expected):
    """At the lowest level of a part, exactly, its subsystem hears."""
    notices = route(change(reason, to_level=level), routes(), AT)
    assert told(notices).keys() == expected


def test_whoever_is_on_duty_at_the_moment_is_told():
    """By day the day shift, by night the night shift."""
    assert told(route(change(), routes(), AT))["safety"] == ["safety_day"]
    assert told(route(change(), routes(), EVENING))["safety"] == ["safety_night"]


def test_everybody_on_the_shift_is_told():
    """Two people on duty are two notices."""
    shift = replace(SUBSYSTEMS["safety"].rota[0], duty=("safety_day", "safety_night"))
    own = with_subsystem("safety", replace(SUBSYSTEMS["safety"], rota=(shift,)))
    assert told(route(change(), own, AT))["safety"] == ["safety_day", "safety_night"]


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("warned", [[], SOME], ids=["nobody_warned", "some_warned"])
def test_every_subsystem_is_decided_with_a_reason(reason: Reason, level: Level, warned):
    """In every case: its people once each, or one notice that says why nobody is told."""
    notices = route(change(reason, to_level=level), routes(), AT, warned)
    assert {notice.subsystem for notice in notices} == SUBSYSTEMS.keys()
    assert all(notice.why for notice in notices)
    decided = [(notice.subsystem, notice.person) for notice in notices]
    assert len(set(decided)) == len(decided)
    refused = [notice.subsystem for notice in notices if not notice.told]
    assert len(set(refused)) == len(refused)
    assert set(refused).isdisjoint(told(notices))


@pytest.mark.parametrize(
    ("reason", "subsystem", "why"),
    [
        ("opened", "slides", "no part in heat in the matrix"),
        ("opened", "operations", "no part in heat in the matrix"),
        ("opened", "health", "hears of orange and above, this is yellow"),
        ("opened", "safety", "lead from yellow up; duty of safety"),
        ("opened", "traffic", "inform from yellow up; duty of traffic"),
        ("narrowed", "safety", "a narrowing is recorded, not sent"),
        ("narrowed", "slides", "no part in heat in the matrix"),
        ("ended", "safety", "was warned of this alert"),
        ("lowered", "health", "was not warned of this alert"),
        ("data_lost", "health", "lost data concerns the operators and the lead of an open alert"),
        ("data_lost", "operations", "duty of operations"),
    ],
)
def test_each_decision_is_told_in_words(reason: str, subsystem: str, why: str):
    """For the record, and for who asks why nobody called."""
    notices = route(change(Reason(reason), to_level=YELLOW), routes(), AT, SOME)
    assert reasons(notices)[subsystem] == why


@pytest.mark.parametrize("reason", [Reason.LOWERED, Reason.ENDED])
def test_the_all_clear_goes_to_exactly_the_warned(reason: Reason):
    """Not to the matrix and not to today's shift: to those who heard, wherever they heard."""
    notices = route(change(reason, to_level=NONE), routes(), EVENING, SOME * 2)
    assert told(notices) == {"safety": ["centre_day", "safety_night"]}


def test_a_lowering_also_reaches_those_who_never_heard_of_the_alert():
    """Their first message was overtaken; the level that stands concerns them all the same."""
    people = told(route(change(Reason.LOWERED, to_level=YELLOW), routes(), AT, SOME))
    assert people["safety"] == ["centre_day", "safety_night"]
    assert people["traffic"] == ["traffic_day"]
    assert "health" not in people


def test_nobody_warned_is_nobody_to_tell():
    """An alert whose messages all failed ends without a word."""
    assert told(route(change(Reason.ENDED, to_level=NONE), routes(), AT, [])) == {}


def test_a_warned_person_who_left_stops_nothing():
    """The configuration may lose a person while an alert is open; that is said."""
    gone = Warned(subsystem="health", person="retired")
    notices = route(change(Reason.ENDED, to_level=NONE), routes(), AT, [*SOME, gone])
    assert told(notices).keys() == {"safety"}
    assert "has no more" in reasons(notices)["health"]


@pytest.mark.parametrize("level", [NONE, YELLOW, RED])
@pytest.mark.parametrize("reason", [Reason.DATA_LOST, Reason.DATA_FOUND])
def test_news_of_data_goes_to_operators_and_the_lead_of_an_open_alert(reason: Reason, level: Level):
    """Without an alert there is no lead to tell."""
    people = told(route(change(reason, to_level=level), routes(), AT))
    assert people.keys() == ({"operations", "safety"} if level else {"operations"})


def test_a_narrowing_is_told_to_nobody():
    """Not even to the warned."""
    assert told(route(change(Reason.NARROWED), routes(), AT, SOME)) == {}


def test_a_hazard_without_a_row_reaches_nobody():
    """And each subsystem says so."""
    notices = route(change(hazard="hail"), routes(), AT)
    assert set(reasons(notices).values()) == {"no part in hail in the matrix"}


@pytest.mark.parametrize(
    ("who", "expected"), [("duty", "safety_day"), ("deputy", "safety_deputy_day"), ("centre", "centre_day")]
)
def test_each_step_calls_its_own_people(who, expected: str):
    """Duty and deputy of the subsystem, then the centre's duty, in the subsystem's name."""
    (notice,) = call(routes(), "safety", "heat", RED, (1, who), AT)
    assert (notice.subsystem, notice.person, notice.step) == ("safety", expected, 1)


def unstaffed(*names: str) -> Routes:
    """The routes with nobody on these rotas."""
    return routes(subsystems=SUBSYSTEMS | {name: replace(SUBSYSTEMS[name], rota=()) for name in names})


@pytest.mark.parametrize("who", ["duty", "deputy"])
def test_an_empty_rota_is_answered_by_the_centre(who):
    """The message must land on somebody's desk, and the reason says on whose."""
    (notice,) = call(unstaffed("safety"), "safety", "heat", RED, (0, who), AT)
    assert notice.person == "centre_day"
    assert notice.why.endswith(f"nobody is {who} of safety: the command centre is told instead")


def test_a_missing_deputy_is_answered_by_the_centre():
    """The shift is there, its deputy is not."""
    shift = replace(SUBSYSTEMS["safety"].rota[0], deputy=())
    own = with_subsystem("safety", replace(SUBSYSTEMS["safety"], rota=(shift,)))
    (notice,) = call(own, "safety", "heat", RED, (1, "deputy"), AT)
    assert notice.person == "centre_day"


@pytest.mark.parametrize("who", ["duty", "deputy", "centre"])
def test_nobody_anywhere_is_said(who):
    """Without a centre on duty the notice remains, with the reason."""
    own = unstaffed("safety", "centre")
    (notice,) = call(own, "safety", "heat", RED, (0, who), AT)
    assert not notice.told
    assert notice.why.endswith("nor at the command centre")


def test_the_centre_itself_is_routed_like_any_other():
    """A centre with a part of its own is told by the matrix."""
    matrix = {"heat": {**PARTS, "centre": replace(PARTS["health"], lowest=YELLOW)}}
    assert told(route(change(), routes(matrix=matrix), AT))["centre"] == ["centre_day"]


@pytest.mark.parametrize(
    ("subsystem", "level", "task"),
    [
        ("safety", YELLOW, {"zh": "轮换", "en": "take turns"}),
        ("safety", RED, {"zh": "轮换", "en": "take turns"}),
        ("health", RED, {"zh": "出诊", "en": "visit"}),
        ("health", ORANGE, {}),
        ("traffic", RED, {}),
    ],
)
def test_a_level_without_a_task_takes_the_next_lower_one(subsystem: str, level: Level, task):
    """And none where there is none."""
    (notice,) = call(routes(), subsystem, "heat", level, FIRST_STEP, AT)
    assert notice.task == task


def test_a_lowering_asks_for_the_task_of_the_level_that_is_left():
    """At red there was a task; at orange there is none."""
    health = Warned(subsystem="health", person="health_day")
    notices = route(change(Reason.LOWERED, to_level=ORANGE), routes(), AT, [health])
    assert [notice.task for notice in notices if notice.person == "health_day"] == [{}]


def test_operators_need_no_part_to_hear_of_data():
    """They are informed, without a task."""
    notices = route(change(Reason.DATA_LOST, to_level=NONE), routes(), AT)
    (notice,) = [notice for notice in notices if notice.told]
    assert (notice.role, notice.task, notice.step) == ("inform", {}, 0)


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("role", ["lead", "support", "inform"])
def test_only_openings_and_rises_ask_for_an_answer(reason: Reason, role):
    """And never of those who are merely informed."""
    told = Notice(subsystem="safety", person="safety_day", role=role, task={}, step=0, why="duty")
    asks = reason in (Reason.OPENED, Reason.RAISED) and role != "inform"
    assert must_answer(change(reason), told) is asks
    assert not must_answer(change(reason), replace(told, person=None))
    assert not must_answer(change(reason), replace(told, spared=True))


@pytest.mark.parametrize(("level", "steps"), [(RED, 3), (ORANGE, 2), (YELLOW, 0)])
def test_a_level_without_a_ladder_has_no_steps(level: Level, steps: int):
    """It is told once."""
    assert len(ladder(routes(), level)) == steps


def test_the_order_is_that_of_the_configuration():
    """Reports list subsystems as the district does."""
    own = routes(subsystems={"zoo": staffed("zoo"), **SUBSYSTEMS})
    assert [n.subsystem for n in route(change(), own, AT)] == ["zoo", *SUBSYSTEMS]
