"""Which warnings were about which events: windows, levels, towns, and every event counted once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import AT, BLUE, HOUR, NONE, ORANGE, RED, YELLOW, Story, change
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.event.transition import Reason
from pipeline.verify.catalogue import Occurrence
from pipeline.verify.matching import Warned, Windows, match, warned
from rules.level import Level

DAY = timedelta(days=1)
WINDOWS = Windows(early=6 * HOUR, late=1 * HOUR, near=12 * HOUR)


def event(hours: float = 0, **parts) -> Occurrence:
    """A red heat so many hours after `AT`."""
    made = Occurrence(
        id=f"e{hours}", hazard="heat", onset=AT + hours * HOUR, source="test", level=RED
    )
    return replace(made, **parts)


def alert(begin: float, end: float | None = None, level: Level = RED, **parts) -> Warned:
    """A warning of towns a and b from so many hours after `AT` to so many."""
    steps = [(AT + begin * HOUR, level)]
    ended = None if end is None else AT + end * HOUR
    if ended is not None:
        steps.append((ended, NONE))
    made = Warned(
        alert=f"w{begin}", hazard="heat", level=level, began=steps[0][0], ended=ended,
        places=frozenset("ab"), steps=tuple(steps), towns={"a": level, "b": level},
    )  # fmt: skip
    return replace(made, **parts)


def fate(*warnings: Warned, of: Occurrence | None = None, at_least: Level = RED) -> str:
    """What became of one event."""
    found = match(warnings, [of or event()], WINDOWS, at_least)
    names = ("hits", "misses", "near_hits", "late")
    told = [name for name in names if getattr(found, name)]
    assert len(told) == 1
    return told[0]


@pytest.mark.parametrize(
    ("begin", "end", "told"),
    [
        (-3, 5, "hits"),
        (-200, 5, "hits"),
        (-9, -5.9, "hits"),
        (-9, -6, "near_hits"),
        (-30, -18.1, "misses"),
        (1, 5, "hits"),
        (1.01, 5, "late"),
        (13, 15, "late"),
        (13.1, 15, "misses"),
    ],
)
def test_a_warning_counts_by_its_windows(begin, end, told):
    """In force from six hours before to one after; late until over; near twelve hours further."""
    assert fate(alert(begin, end)) == told


@pytest.mark.parametrize(("end", "told"), [(4, "misses"), (30, "late")])
def test_late_lasts_until_the_event_is_over(end, told):
    """A warning during the flood is late, one after it is none, near or not."""
    over = event(end=AT + end * HOUR)
    assert fate(alert(20, 25), of=over) == told


@pytest.mark.parametrize(("begin", "lead"), [(-3, 3), (0.5, -0.5), (-100, 100)])
def test_lead_time_runs_from_the_level_to_the_onset(begin, lead):
    """Below zero where the warning came after."""
    hit = match([alert(begin, 200)], [event()], WINDOWS, RED).hits[0]
    assert hit.lead == lead * HOUR
    assert hit.standing == (begin < -6)


def test_an_onset_known_to_half_a_day_widens_both_sides():
    """Nobody is called late who may have been in time."""
    assert fate(alert(10, 20)) == "late"
    assert fate(alert(10, 20), of=event(within=12 * HOUR)) == "hits"


def test_the_first_of_several_warnings_is_the_hit_and_none_is_false():
    """Two alerts of one spell are one success."""
    found = match([alert(-5, -4), alert(-2, 3)], [event()], WINDOWS, RED)
    assert [hit.warned.alert for hit in found.hits] == ["w-5"]
    assert found.false_alarms == ()


def test_one_long_warning_hits_several_events():
    """A heat of three weeks holds more than one bad day."""
    found = match([alert(-2, 500)], [event(), event(100), event(300)], WINDOWS, RED)
    assert [hit.lead / HOUR for hit in found.hits] == [2, 102, 302]


def test_another_hazard_is_another_matter():
    """A rain is no heat."""
    found = match([alert(-2, 5, hazard="rainstorm")], [event()], WINDOWS, RED)
    assert (len(found.misses), len(found.false_alarms)) == (1, 1)


@pytest.mark.parametrize(
    ("places", "told"), [((), "hits"), (("a",), "hits"), (("b", "c"), "hits"), (("c",), "near_hits")]
)
def test_towns_must_meet(places, told):
    """A warning for other towns was nearly right; an event without towns is the district's."""
    assert fate(alert(-2, 5), of=event(places=places)) == told


def test_a_town_that_only_had_a_lower_level_does_not_count():
    """Town b stood at yellow while the red was for a."""
    split = alert(-2, 5, towns={"a": RED, "b": YELLOW})
    assert fate(split, of=event(places=("b",))) == "near_hits"


@pytest.mark.parametrize(
    ("given_", "deserved", "told"),
    [(RED, RED, "hits"), (ORANGE, RED, "near_hits"), (RED, None, "hits")],
)
def test_a_lower_warning_of_a_red_is_a_near_hit(given_, deserved, told):
    """Somebody was warned, but not of this."""
    assert fate(alert(-2, 5, level=given_), of=event(level=deserved)) == told


def test_a_red_for_what_was_an_orange_is_near_and_in_vain():
    """At red there was no event; the warning is not called false, but it does not count either."""
    found = match([alert(-2, 5)], [event(level=ORANGE)], WINDOWS, RED)
    assert [near.why for near in found.near_hits] == ["level"]
    assert (found.table.hits, found.table.misses, found.table.false_alarms) == (0, 0, 1)
    assert not found.false_alarms
    assert not found.deserved


@pytest.mark.parametrize(
    ("judged", "of", "near", "false"), [("near_hit", "w-2", 1, 0), ("near_hit", "w9", 0, 1),
                                        ("false_alarm", "w-2", 0, 1)]
)  # fmt: skip
def test_an_officer_s_word_makes_a_near_hit(judged, of, near, false):
    """Of that alert only; a false alarm stays what it is."""
    word = event(kind="verdict", judged=judged, alert=of)
    found = match([alert(-2, 5)], [word], WINDOWS, RED)
    assert (len(found.near_hits), len(found.false_alarms), found.deserved) == (near, false, ())


def test_near_hits_count_as_misses_and_in_vain():
    """Nobody was warned in time."""
    found = match([alert(-15, -10)], [event()], WINDOWS, RED)
    assert (found.table.hits, found.table.misses, found.table.false_alarms) == (0, 1, 1)


def test_a_level_reached_for_the_second_time_counts():
    """Red, orange, red again: the second red was in time, the first long over."""
    up_and_down = alert(
        -50, steps=((AT - 50 * HOUR, RED), (AT - 40 * HOUR, ORANGE), (AT - 2 * HOUR, RED))
    )
    hit = match([up_and_down], [event()], WINDOWS, RED).hits[0]
    assert hit.lead == 2 * HOUR


def test_alerts_are_read_from_transitions():
    """Opened, raised, ended: one warning with its steps, its towns and its highest level."""
    story = Story()
    story.at(0, YELLOW)
    story.at(5, YELLOW, RED)
    story.at(6)
    story.at(30)
    found = warned(story.changes)[0]
    assert (found.level, found.began, found.places) == (RED, AT, frozenset("ab"))
    assert found.towns == {"a": YELLOW, "b": RED}
    assert [(at - AT) / HOUR for at, _ in found.steps][:2] == [0, 5]
    assert found.ended == found.steps[-1][0]


def test_lost_data_is_no_warning():
    """Being blind warns of nothing."""
    lost = change(Reason.DATA_LOST, places={}, from_level=NONE, to_level=NONE)
    assert warned([lost]) == ()


def test_time_at_each_level_adds_up():
    """What is still open counts to the end of the period."""
    steps = ((AT, YELLOW), (AT + 2 * HOUR, RED), (AT + 5 * HOUR, YELLOW))
    spent = alert(0, steps=steps, ended=None).time_at(AT + 10 * HOUR)
    assert spent == {YELLOW: 7 * HOUR, RED: 3 * HOUR}


HOURS = st.integers(-100, 100)
SPANS = st.tuples(HOURS, st.integers(1, 60), st.sampled_from([YELLOW, ORANGE, RED]))


@given(
    st.lists(SPANS, max_size=6, unique_by=lambda span: span[0]),
    st.lists(HOURS, max_size=5, unique=True),
    st.sampled_from([BLUE, YELLOW, ORANGE, RED]),
)
@settings(max_examples=30)
def test_every_event_and_every_warning_has_one_fate(spans, onsets, at_least):
    """Nothing is counted twice and nothing is lost."""
    warnings = [alert(b, b + length, level) for b, length, level in spans]
    events = [event(onset, level=None) for onset in onsets]
    found = match(warnings, events, WINDOWS, at_least)
    assert sorted(one.id for one in found.deserved) == sorted(one.id for one in events)
    assert found.table.hits + found.table.misses == len(events)
    near = {one.warned.alert for one in found.near_hits}
    assert not near & {one.alert for one in found.false_alarms}
    assert not {h.occurrence.id for h in found.hits} & {one.id for one in found.misses}
