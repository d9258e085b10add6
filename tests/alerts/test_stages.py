"""Where an alert stands: pending, active, clearing, ended; and what is waited for."""

from dataclasses import replace

import pytest
from fakes import AT, CONDUCT, HOUR, LADDER, NONE, ORANGE, RED, YELLOW, Story, change

from alerts.event.stages import Stage, Standing, ends, keeps, standing
from alerts.event.state import Cap
from alerts.event.transition import Reason

HELD = {level: replace(rung, hold=2 * HOUR) for level, rung in LADDER.items()}
TAIL = replace(CONDUCT, tail=24 * HOUR)


def told(story: Story) -> Standing | None:
    """Where the alert of a story stands now."""
    return standing(story.state, story.ladder, story.conduct.tail)


def test_calm_stands_nowhere():
    """No level in force, none certain."""
    story = Story()
    story.at(0)
    assert told(story) is None


def test_a_certain_level_on_hold_is_pending():
    """It tells the towns, since when, and when it opens at the earliest; it has no alert yet."""
    story = Story(ladder=HELD)
    story.at(0, ORANGE, YELLOW)
    story.at(1, ORANGE, YELLOW)
    found = told(story)
    assert (found.stage, found.level, found.alert) == (Stage.PENDING, ORANGE, None)
    assert (found.since, found.until) == (AT, AT + 2 * HOUR)
    assert found.places == {"a": ORANGE, "b": YELLOW}


def test_a_met_level_is_active():
    """Since it opened; nothing is foreseen."""
    story = Story()
    story.at(0, ORANGE)
    story.at(1, ORANGE)
    found = told(story)
    assert (found.stage, found.level, found.since, found.until) == (Stage.ACTIVE, ORANGE, AT, None)
    assert found.alert == story.state.alert


def test_a_higher_level_on_hold_is_told_beside_an_active_one():
    """The officer sees the red coming."""
    story = Story(ladder=LADDER | {RED: HELD[RED]})
    story.at(0, ORANGE)
    story.at(1, RED)
    assert (told(story).stage, told(story).level, told(story).rising) == (Stage.ACTIVE, ORANGE, RED)


def test_a_level_that_is_only_kept_is_clearing():
    """Since it became impossible; until its `keep` is over at the earliest."""
    story = Story()
    story.at(0, ORANGE)
    story.at(1, YELLOW)
    found = told(story)
    assert (found.stage, found.since) == (Stage.CLEARING, AT + HOUR)
    assert found.until == AT + HOUR + LADDER[ORANGE].keep


def test_one_town_that_may_still_have_it_keeps_the_alert_active():
    """The level clears with the last of its towns."""
    story = Story()
    story.at(0, ORANGE, ORANGE)
    story.at(1, ORANGE)
    assert told(story).stage is Stage.ACTIVE
    story.at(2)
    assert (told(story).stage, told(story).since) == (Stage.CLEARING, AT + 2 * HOUR)


def test_the_stage_after_until_is_the_next_one():
    """Whatever CLEARING promises comes at that moment and not before."""
    story = Story()
    story.at(0, RED)
    story.at(1)
    until = told(story).until
    story.at((until - AT) / HOUR - 0.01)
    assert told(story).level == RED
    story.at((until - AT) / HOUR)
    assert told(story).level == ORANGE


def test_expiry_is_told_from_data_loss():
    """Data that vanish while an alert clears make it active and unjudged: it no longer promises an end."""
    story = Story()
    story.at(0, RED)
    story.at(1)
    assert (told(story).stage, told(story).unjudged_since) == (Stage.CLEARING, None)
    story.blind(2)
    found = told(story)
    assert (found.stage, found.unjudged_since, found.until) == (Stage.ACTIVE, AT + 2 * HOUR, None)


def test_an_alert_that_a_person_cancelled_is_pending_while_the_data_say_otherwise():
    """It opens again when the person's word runs out, and the page says so."""
    story = Story()
    story.at(0, ORANGE)
    cap = Cap(level=NONE, seen=ORANGE, until=AT + 12 * HOUR, by="Li")
    calm = replace(story.state, level=story.state.level * 0, alert=None, cap=cap)
    found = standing(calm, LADDER)
    assert (found.stage, found.until, found.cap) == (Stage.PENDING, AT + 12 * HOUR, cap)


@pytest.mark.parametrize("reason", list(Reason))
def test_only_an_end_or_a_withdrawal_is_ended(reason: Reason):
    """With its highest level and when it was over."""
    found = ends([change(reason, to_level=NONE)])
    over = reason in (Reason.ENDED, Reason.CANCELLED)
    expected = [(Stage.ENDED, AT, RED)] if over else []
    assert [(one.stage, one.since, one.peak_level) for one in found] == expected


@pytest.mark.parametrize(
    ("tail", "yellow"), [(0, 6), (3, 6), (6, 6), (24, 24)]
)
def test_the_larger_of_keep_and_tail_counts_for_the_lowest_level_alone(tail: int, yellow: int):
    """Red and orange come down as before; only the end waits."""
    spans = keeps(LADDER, tail * HOUR)
    assert spans == {YELLOW: yellow * HOUR, ORANGE: 4 * HOUR, RED: 2 * HOUR}


def test_a_graded_all_clear_comes_down_by_stages_and_ends_after_the_tail():
    """Red to orange to yellow by their own clocks; the all-clear 24 h after yellow was last possible."""
    story = Story(conduct=TAIL)
    story.at(0, RED)
    story.at(1)
    for hour in (3, 5, 7, 13, 24.9):
        story.at(hour)
    assert story.reasons == ["opened", "lowered", "lowered"]
    assert (told(story).stage, told(story).until) == (Stage.CLEARING, AT + 25 * HOUR)
    (end,) = story.at(25).transitions
    assert (end.reason, end.from_level, end.peak_level, end.duration) == (
        Reason.ENDED, YELLOW, RED, 25 * HOUR,
    )  # fmt: skip


def test_rain_within_the_tail_begins_it_anew():
    """The tail counts from the last moment the lowest level was possible."""
    story = Story(conduct=TAIL)
    story.at(0, YELLOW)
    story.at(1)
    story.at(20, YELLOW)
    story.at(21)
    assert story.at(44.9).still.value == "keeping"
    assert story.at(45).transitions[0].reason is Reason.ENDED


def test_missing_data_within_the_tail_begins_it_anew():
    """An alert never ends because data vanished."""
    story = Story(conduct=TAIL)
    story.at(0, YELLOW)
    story.at(1)
    story.blind(20)
    story.at(21)
    assert story.at(44.9).still.value == "keeping"
