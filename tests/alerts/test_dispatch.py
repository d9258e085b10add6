"""From a decision to rows: one per person and channel, with exactly the words that go out."""

import json
from dataclasses import replace

import pytest
from fakes import AT, HOUR, NONE, ORANGE, RED, SUBSYSTEMS, YELLOW, change, desk, routes

from alerts.duty.routing import Notice, route
from alerts.event.transition import OVER, Reason, Transition
from alerts.outgoing.delivery import Delivery
from alerts.outgoing.dispatch import Desk, deliveries
from rules.level import Level

NOTICE = Notice(
    subsystem="safety", person="safety_day", role="lead", task={"zh": "轮换"}, step=0, why="duty"
)


def rows(made: Transition | None = None, own: Desk | None = None, **parts) -> list[Delivery]:
    """The rows of one notice."""
    return deliveries(made or change(), [replace(NOTICE, **parts)], own or desk(), AT)


def reached_by(*channels: str) -> Desk:
    """A desk whose safety officer has these channels."""
    own = routes()
    officer = replace(own.people["safety_day"], channels=channels)
    return desk(replace(own, people={**own.people, "safety_day": officer}))


def test_every_told_person_gets_a_row_a_channel():
    """All channels at once, each under its own key."""
    made = rows(own=reached_by("sms", "call"))
    assert [row.channel for row in made] == ["sms", "call"]
    assert len({row.key for row in made}) == 2


def test_who_is_not_told_gets_no_row():
    """A refusal is a notice, not a delivery."""
    assert rows(person=None) == []


def test_the_same_decision_has_the_same_key():
    """So that planning it again, after a crash, adds nothing."""
    assert rows() == rows()
    assert rows()[0].key.startswith("msg_")


@pytest.mark.parametrize(
    "other", [{"step": 1}, {"person": "safety_night"}, {"subsystem": "health"}], ids=str
)
def test_every_part_of_a_decision_is_in_the_key(other):
    """Another step, person or subsystem is another message."""
    assert rows(**other)[0].key != rows()[0].key


def test_another_change_is_another_message():
    """The transition is in the key too."""
    assert rows(change(id="x.2"))[0].key != rows()[0].key


def test_a_row_is_due_at_once_and_for_a_while():
    """After `valid` it is not worth sending."""
    (row,) = rows()
    assert (row.planned_at, row.due_at, row.expires_at) == (AT, AT, AT + 24 * HOUR)
    assert (row.transition, row.alert, row.recipient) == ("x.1", "x", "safety_day")


@pytest.mark.parametrize(
    ("reason", "role", "linked"),
    [
        ("opened", "lead", True),
        ("raised", "support", True),
        ("opened", "inform", False),
        ("spread", "lead", False),
        ("ended", "lead", False),
    ],
)
def test_a_link_goes_where_an_answer_is_asked(reason: str, role, linked: bool):
    """In the words and in the facts for machines, the same one."""
    (row,) = rows(change(Reason(reason)), role=role)
    link = "http://127.0.0.1/x.1/safety/safety_day/0005"
    assert row.data["ack_link"] == (link if linked else None)
    assert (link in row.text) is linked


def test_who_is_spared_is_told_without_a_link():
    """Its own words and task, and nothing to answer."""
    (row,) = rows(spared=True)
    assert row.data["ack_link"] is None
    assert row.data["task"] == {"zh": "轮换"}
    assert "http" not in row.text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_words_are_of_the_desk_s_language(language: str):
    """A task without that language is left out rather than told in another."""
    (row,) = rows(own=desk(language=language))
    assert ("轮换" in row.text) is (language == "zh")


@pytest.mark.parametrize(
    ("before", "after", "priority"),
    [(NONE, RED, 0), (RED, NONE, 0), (RED, ORANGE, 0), (NONE, ORANGE, 1), (NONE, YELLOW, 2), (NONE, NONE, 4)],
)
def test_a_red_goes_first_and_so_does_its_all_clear(before: Level, after: Level, priority: int):
    """The higher of the two levels decides."""
    (row,) = rows(change(from_level=before, to_level=after))
    assert row.priority == priority


@pytest.mark.parametrize("parts", [{}, {"onset": None, "expires": None, "value": None}], ids=["full", "bare"])
def test_the_facts_are_ready_for_machines(parts):
    """Plain JSON, levels by name, times with their offset, and never posing as a signal."""
    (row,) = rows(change(**parts, incident="s", related={"hail": ORANGE}))
    facts = json.loads(json.dumps(dict(row.data)))
    assert facts["places"] == {"a": "red", "b": "red"}
    assert (facts["from"], facts["to"], facts["recommendation"]) == ("none", "red", True)
    assert facts["onset"] == (None if parts else "2022-08-09T00:05:00+00:00")
    assert (facts["incident"], facts["related"]) == ("s", {"hail": "orange"})


@pytest.mark.parametrize("reason", Reason)
def test_an_all_clear_says_so(reason: Reason):
    """Machines need not know the reasons by heart."""
    assert rows(change(reason))[0].data["all_clear"] is (reason in OVER)


def test_a_whole_route_gives_a_row_for_each_who_is_told():
    """Three subsystems hear of a red, each with one person on duty and one channel."""
    notices = route(change(), routes(), AT)
    made = deliveries(change(), notices, desk(), AT)
    assert {row.subsystem for row in made} == {"safety", "health", "traffic"}
    assert len(made) == 3 < len(SUBSYSTEMS)
