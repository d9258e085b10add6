"""A person raises an alert, or holds it: towns keep that level for a while, then the rules decide again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fakes import AT, BLUE, HOUR, NONE, ORANGE, RED, YELLOW, Story, findings

from alerts.event import stands
from alerts.event.lifecycle import Step
from alerts.event.memory import dump, load
from alerts.event.orders import Kind, Order
from alerts.event.transition import Reason
from rules.level import Level


def told(
    story: Story, hours: float, kind: Kind, level: Level, *floor: Level, lasts: float = 12
) -> Step:
    """Judge so many hours after `AT`, with an order that is taken at the same moment."""
    now = AT + hours * HOUR
    order = Order(
        hazard="heat", alert=story.state.alert or "", kind=kind, level=level, by="Li",
        why="radar", at=now, until=now + lasts * HOUR,
    )  # fmt: skip
    full = (*floor, *[NONE] * (story.towns - len(floor)))
    return story.tick(findings(full, now), now, order)


def orange() -> Story:
    """Orange and yellow since hour 0."""
    story = Story()
    story.at(0, ORANGE, YELLOW)
    return story


def test_a_rise_takes_the_worst_towns_with_it_and_says_why():
    """It is told as a rise, so that people are called; the other towns keep their level."""
    (made,) = told(orange(), 1, Kind.RAISE, RED, ORANGE, YELLOW).transitions
    assert (made.reason, made.from_level, made.to_level) == (Reason.RAISED, ORANGE, RED)
    assert (made.places, made.changed) == ({"a": RED, "b": YELLOW}, {"a": RED})
    assert made.note == "radar（Li）"


def test_what_was_raised_does_not_fall_while_its_time_lasts():
    """The data have been calm for hours, and nothing is told."""
    story = orange()
    told(story, 1, Kind.RAISE, RED, ORANGE, YELLOW)
    for hour in range(2, 13):
        step = story.at(hour, NONE, NONE)
        assert all(change.to_level is RED for change in step.transitions)
    assert story.state.level[0] == RED


def test_a_hold_tells_nobody_and_lets_nothing_fall():
    """It only takes away what would have been lowered."""
    story = orange()
    assert not told(story, 1, Kind.HOLD, ORANGE, ORANGE, YELLOW).transitions
    for hour in range(2, 13):
        assert not story.at(hour, NONE, NONE).transitions
    assert story.state.level.tolist()[:2] == [ORANGE, YELLOW]


def test_a_hold_does_not_keep_data_from_raising():
    """It is a floor, not a lid."""
    story = orange()
    told(story, 1, Kind.HOLD, ORANGE, ORANGE, YELLOW)
    (made,) = story.at(2, RED, YELLOW).transitions
    assert (made.reason, made.to_level) == (Reason.RAISED, RED)


@pytest.mark.parametrize(("kind", "level"), [(Kind.RAISE, RED), (Kind.HOLD, ORANGE)])
@pytest.mark.parametrize("lasts", [1, 12, 24])
def test_what_is_upheld_cannot_be_forgotten(kind: Kind, level: Level, lasts: int):
    """At the end of its time the rules decide again, and the change says so."""
    story = orange()
    told(story, 1, kind, level, ORANGE, YELLOW, lasts=lasts)
    for hour in range(2, 1 + lasts):
        story.at(hour, NONE, NONE)
    changes = [change for hour in range(1 + lasts, 40) for change in story.at(hour, NONE, NONE).transitions]
    assert changes[0].note == stands.RAN_OUT or lasts == 1
    assert changes[-1].reason is Reason.ENDED
    assert story.state.stand is None


def test_the_last_word_counts():
    """Set lower after it was raised, raised after it was set lower, withdrawn, and left to the rules."""
    story = orange()
    told(story, 1, Kind.RAISE, RED, ORANGE, YELLOW)
    (made,) = told(story, 2, Kind.CORRECT, YELLOW, ORANGE, YELLOW).transitions
    assert (made.to_level, story.state.stand) == (YELLOW, None)
    (made,) = told(story, 3, Kind.RAISE, RED, ORANGE, YELLOW).transitions
    assert (made.to_level, story.state.cap) == (RED, None)
    (made,) = told(story, 4, Kind.LIFT, NONE, ORANGE, YELLOW).transitions
    assert (made.reason, made.to_level, story.state.stand) == (Reason.LOWERED, ORANGE, None)
    told(story, 5, Kind.HOLD, ORANGE, ORANGE, YELLOW)
    (made,) = told(story, 6, Kind.CANCEL, NONE, ORANGE, YELLOW).transitions
    assert (made.reason, story.state.stand) == (Reason.CANCELLED, None)


def test_a_restart_forgets_nothing_of_it():
    """As JSON and back, and an older state has none."""
    story = orange()
    told(story, 1, Kind.RAISE, RED, ORANGE, YELLOW)
    kept = json.loads(json.dumps(dump(story.state)))
    assert load(kept, story.state.places).stand == story.state.stand
    assert load({**kept, "stand": None}, story.state.places).stand is None
    assert not story.state.resting


def test_a_town_that_is_gone_is_not_upheld():
    """The configuration lost it between two ticks."""
    story = orange()
    told(story, 1, Kind.HOLD, ORANGE, ORANGE, YELLOW)
    stand = replace(story.state.stand, levels={"elsewhere": int(RED), "a": int(BLUE)})
    story.state = replace(story.state, stand=stand)
    story.at(2, ORANGE, YELLOW)
    assert story.state.top == ORANGE
