"""A person sets an alert lower, or withdraws it: what the rules may do then, and for how long."""

import json
from dataclasses import replace

import pytest
from fakes import AT, AT_ONCE, BLUE, HOUR, LADDER, NONE, ORANGE, RED, YELLOW, Story, findings

from alerts.event import caps
from alerts.event.lifecycle import Step, Still
from alerts.event.memory import dump, load
from alerts.event.orders import Kind, Order
from alerts.event.transition import Reason
from rules.level import Level

HELD = LADDER | {RED: replace(LADDER[RED], hold=2 * HOUR)}


def told(
    story: Story, hours: float, kind: Kind, level: Level, *floor: Level, lasts: float = 12
) -> Step:
    """Judge so many hours after `AT`, with an order that is taken at the same moment."""
    now = AT + hours * HOUR
    order = Order(
        hazard="heat", alert=story.state.alert or "", kind=kind, level=level, by="Li",
        why="sensor", at=now, until=now + lasts * HOUR,
    )  # fmt: skip
    full = (*floor, *[NONE] * (story.towns - len(floor)))
    return story.tick(findings(full, now), now, order)


def orange(**parts) -> Story:
    """Orange and yellow since hour 0."""
    story = Story(**parts)
    story.at(0, ORANGE, YELLOW)
    return story


def test_a_correction_lowers_the_district_and_says_why():
    """The towns above the level come down to it; the note names reason and person."""
    story = orange()
    (made,) = told(story, 1, Kind.CORRECT, YELLOW, ORANGE, YELLOW).transitions
    assert (made.reason, made.from_level, made.to_level) == (Reason.CORRECTED, ORANGE, YELLOW)
    assert (made.places, made.changed) == ({"a": YELLOW, "b": YELLOW}, {"a": YELLOW})
    assert made.note == "sensor（Li）"


def test_a_correction_that_leaves_the_level_corrects_the_words():
    """It is told all the same, and caps nothing: a later rise is a rise."""
    story = orange()
    (made,) = told(story, 1, Kind.CORRECT, ORANGE, ORANGE, YELLOW).transitions
    assert (made.reason, made.from_level, made.to_level) == (Reason.CORRECTED, ORANGE, ORANGE)
    assert story.state.cap is None
    assert story.at(2, RED, YELLOW).transitions[0].reason is Reason.RAISED


def test_a_withdrawal_ends_the_alert():
    """It keeps the highest level and the duration, and the alert is closed."""
    story = orange()
    (made,) = told(story, 3, Kind.CANCEL, NONE, ORANGE, YELLOW).transitions
    assert (made.reason, made.to_level, made.peak_level) == (Reason.CANCELLED, NONE, ORANGE)
    assert (made.duration, made.places) == (3 * HOUR, {})
    assert (story.state.alert, story.state.count) == (None, 0)


@pytest.mark.parametrize(("kind", "level"), [(Kind.CORRECT, YELLOW), (Kind.CANCEL, NONE)])
def test_the_rules_do_not_raise_again_what_a_person_set_lower(kind: Kind, level: Level):
    """Tick after tick the data say orange, and the reason for the silence has a name."""
    story = orange()
    told(story, 1, kind, level, ORANGE, YELLOW)
    for hour in range(2, 13):
        assert story.at(hour, ORANGE, YELLOW).still is Still.CAPPED
    assert story.state.top == level


@pytest.mark.parametrize(
    ("kind", "level", "reason"),
    [(Kind.CORRECT, YELLOW, Reason.RAISED), (Kind.CANCEL, NONE, Reason.OPENED)],
)
@pytest.mark.parametrize("lasts", [1, 12, 24])
def test_a_correction_cannot_be_forgotten(kind: Kind, level: Level, reason: Reason, lasts: int):
    """At the end of its time the rules decide again, and the change says so."""
    story = orange()
    told(story, 1, kind, level, ORANGE, YELLOW, lasts=lasts)
    assert story.at(1 + lasts - 0.01, ORANGE, YELLOW).still is Still.CAPPED
    (made,) = story.at(1 + lasts, ORANGE, YELLOW).transitions
    assert (made.reason, made.to_level, made.note) == (reason, ORANGE, caps.RAN_OUT)
    assert story.state.cap is None


@pytest.mark.parametrize(("kind", "level"), [(Kind.CORRECT, YELLOW), (Kind.CANCEL, NONE)])
def test_danger_that_the_person_had_not_seen_breaks_the_cap(kind: Kind, level: Level):
    """Orange was judged to be yellow, or nothing; nobody judged the red."""
    story = orange()
    told(story, 1, kind, level, ORANGE)
    (made,) = story.at(2, RED).transitions
    assert (made.to_level, made.note, story.state.cap) == (RED, caps.BROKEN, None)
    assert made.reason in (Reason.RAISED, Reason.OPENED)


def test_what_rises_at_the_moment_of_the_order_was_not_judged():
    """The person saw orange; the red of this very tick is told as a rise, and the order is void."""
    story = orange()
    (made,) = told(story, 1, Kind.CANCEL, NONE, RED).transitions
    assert (made.reason, made.from_level, made.to_level) == (Reason.RAISED, ORANGE, RED)
    assert made.note == f"sensor（Li）；{caps.BROKEN}"


def test_a_red_on_hold_that_was_certain_when_corrected_stays_down():
    """The person had the red before them and judged it."""
    story = orange(ladder=HELD)
    story.at(1, RED)
    told(story, 2, Kind.CORRECT, YELLOW, RED)
    assert story.at(4, RED).still is Still.CAPPED
    assert story.state.top == YELLOW


def test_a_cap_breaks_only_when_the_rise_has_held():
    """A red that must hold two hours breaks the cap after two hours."""
    story = orange(ladder=HELD)
    told(story, 1, Kind.CORRECT, YELLOW, ORANGE)
    assert story.at(2, RED).still is Still.CAPPED
    assert story.at(4, RED).transitions[0].to_level == RED


def test_a_cap_is_gone_when_the_data_no_longer_reach_above_it():
    """After as long as an orange would have been kept (4 h) the next orange is a new one."""
    story = orange()
    told(story, 1, Kind.CORRECT, YELLOW, ORANGE)
    story.at(2, YELLOW)
    story.at(5.9, YELLOW)
    assert story.state.cap is not None
    story.at(6, YELLOW)
    assert story.state.cap is None
    assert story.at(7, ORANGE).transitions[0].reason is Reason.RAISED


def test_a_flickering_sensor_does_not_undo_a_correction():
    """One clear hour is shorter than the orange would have been kept."""
    story = orange()
    told(story, 1, Kind.CORRECT, YELLOW, ORANGE)
    story.at(2, YELLOW)
    assert story.at(3, ORANGE).still is Still.CAPPED


def test_missing_data_ends_no_cap():
    """Nothing is certain, everything is possible: the cap stays until its time is over."""
    story = orange()
    told(story, 1, Kind.CORRECT, YELLOW, ORANGE)
    for hour in range(2, 13):
        story.blind(hour)
        assert story.state.cap is not None


def test_lifting_leaves_the_level_to_the_rules_again():
    """At once, with a note of who did it; a lift without a cap is nothing."""
    story = orange()
    told(story, 1, Kind.CORRECT, YELLOW, ORANGE)
    (made,) = told(story, 2, Kind.LIFT, NONE, ORANGE).transitions
    assert (made.reason, made.to_level, made.note) == (Reason.RAISED, ORANGE, f"{caps.LIFTED}（Li）")
    assert told(story, 3, Kind.LIFT, NONE, ORANGE, YELLOW).still is Still.STANDS


def test_other_towns_come_under_the_cap_too():
    """More towns spread the alert at the corrected level, not above it."""
    story = orange()
    told(story, 1, Kind.CORRECT, YELLOW, ORANGE)
    (made,) = story.at(2, ORANGE, YELLOW, ORANGE).transitions
    assert (made.reason, made.places) == (Reason.SPREAD, {"a": YELLOW, "b": YELLOW, "c": YELLOW})


def test_an_order_for_another_alert_is_nothing():
    """The alert it meant is over; the one that is open now stands."""
    story = orange(ladder=AT_ONCE)
    order = Order(
        hazard="heat", alert="another", kind=Kind.CANCEL, level=NONE, by="Li", why="",
        at=AT, until=AT + HOUR,
    )  # fmt: skip
    step = story.tick(findings((ORANGE, YELLOW, NONE), AT + HOUR), AT + HOUR, order)
    assert (step.transitions, step.still) == ((), Still.STANDS)


def test_a_correction_of_what_the_data_end_in_the_same_tick_is_an_end():
    """Nothing is left to correct; whoever was warned hears that it is over."""
    story = orange(ladder=AT_ONCE)
    assert told(story, 1, Kind.CORRECT, YELLOW).transitions[0].reason is Reason.ENDED


def test_a_withdrawal_of_what_the_data_end_in_the_same_tick_is_a_withdrawal():
    """Those who were warned hear that it was a mistake."""
    story = orange(ladder=AT_ONCE)
    assert told(story, 1, Kind.CANCEL, NONE).transitions[0].reason is Reason.CANCELLED


def test_a_cap_survives_a_restart():
    """As JSON and back it is the same, and states of older versions have none."""
    story = orange()
    told(story, 1, Kind.CORRECT, YELLOW, ORANGE)
    stored = json.loads(json.dumps(dump(story.state)))
    assert load(stored, story.state.places).cap == story.state.cap
    assert load({k: v for k, v in stored.items() if k != "cap"}, story.state.places).cap is None


def test_a_capped_calm_is_not_at_rest():
    """A replay or a tick must still look at it, so that the cap can end."""
    story = orange()
    told(story, 1, Kind.CANCEL, NONE, ORANGE)
    story.at(2)
    assert not story.state.resting
    story.at(9)
    assert story.state.cap is None
    assert story.state.resting


@pytest.mark.parametrize("lowest", [BLUE, YELLOW])
def test_a_lower_correction_takes_the_place_of_the_first(lowest: Level):
    """Corrected to orange, then to less: the lower level counts, for its own time."""
    ladder = LADDER | {BLUE: LADDER[YELLOW]}
    story = Story(ladder=ladder)
    story.at(0, RED)
    told(story, 1, Kind.CORRECT, ORANGE, RED)
    told(story, 2, Kind.CORRECT, lowest, RED)
    assert (story.state.top, story.state.cap.until) == (lowest, AT + 14 * HOUR)
