"""How findings open, raise, lower and end an alert."""

from dataclasses import replace
from datetime import timedelta, timezone

import numpy as np
import pytest
from fakes import (
    AT,
    AT_ONCE,
    BLUE,
    CONDUCT,
    HOUR,
    LADDER,
    NONE,
    ORANGE,
    RED,
    TOLD_END,
    YELLOW,
    Story,
    findings,
)

from alerts.event.lifecycle import Still, advance
from alerts.event.memory import dump, load
from alerts.event.transition import Reason
from ingest.times import instant64
from rules.level import Level

HELD = LADDER | {level: replace(LADDER[level], hold=2 * HOUR) for level in (YELLOW, RED)}


def opened(*floor: Level, **parts) -> Story:
    """A story that begins with these levels at hour 0."""
    story = Story(**parts)
    story.at(0, *floor)
    return story


def test_the_first_certain_town_opens_an_alert():
    """The opening names the town, its level, its threshold and its period."""
    (made,) = opened(NONE, ORANGE).changes
    assert (made.reason, made.from_level, made.to_level) == (Reason.OPENED, NONE, ORANGE)
    assert made.places == made.changed == {"b": ORANGE}
    assert (made.threshold, made.value, made.onset, made.expires) == (37.0, 38.0, AT, TOLD_END)
    assert (made.opened_at, made.duration) == (AT, timedelta(0))


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ((YELLOW,), (RED,), "raised"),
        ((YELLOW, YELLOW), (NONE, RED), "raised"),
        ((RED,), (RED, YELLOW), "spread"),
        ((RED, YELLOW), (RED, ORANGE), "spread"),
        ((RED, YELLOW, NONE), (RED, NONE, YELLOW), "spread"),
        ((RED, RED), (RED, ORANGE), "narrowed"),
        ((RED, YELLOW), (RED, NONE), "narrowed"),
        ((RED, YELLOW), (NONE, RED), "spread"),
        ((RED, RED), (ORANGE, ORANGE), "lowered"),
        ((RED, NONE), (NONE, ORANGE), "lowered"),
        ((YELLOW, RED), (NONE, NONE), "ended"),
    ],
)
def test_each_change_of_levels_has_its_reason(before, after, reason: str):
    """The highest level of the district decides first, then whether any town rose."""
    story = opened(*before, ladder=AT_ONCE)
    story.at(1, *after)
    assert story.reasons == ["opened", reason]


@pytest.mark.parametrize(("before", "after"), [((RED, YELLOW), (NONE, RED)), ((RED,), ())])
def test_a_change_names_every_town_that_moved(before, after):
    """A cleared town is told as NONE in `changed` and left out of `places`."""
    story = opened(*before, ladder=AT_ONCE)
    story.at(1, *after)
    full = {town: level for town, level in zip("ab", (*after, NONE, NONE), strict=False) if level}
    assert story.changes[-1].places == full
    assert story.changes[-1].changed["a"] == NONE


@pytest.mark.parametrize("level", [YELLOW, ORANGE, RED])
@pytest.mark.parametrize(("short", "kept"), [(1, True), (0, False)])
def test_a_level_is_left_exactly_when_its_keep_is_over(level: Level, short: int, kept: bool):
    """Counted from the first clear tick: one second before `keep` it stands; at `keep` it is left."""
    story = opened(level)
    story.at(1)
    keep = LADDER[level].keep - timedelta(seconds=short)
    step = story.at(1 + keep / HOUR)
    assert (step.still is Still.KEEPING) is kept
    assert bool(step.transitions) is not kept


@pytest.mark.parametrize(("after", "reached"), [(1, False), (2, True)])
def test_a_part_of_a_second_is_held_for_the_whole(after: int, reached: bool):
    """Moments are whole seconds: a `hold` of a second and a half is over at the second one."""
    hold = timedelta(seconds=1.5)
    story = opened(RED, ladder=LADDER | {RED: replace(LADDER[RED], hold=hold)})
    story.at(timedelta(seconds=after) / HOUR, RED)
    assert (story.changes[-1].to_level == RED) is reached


@pytest.mark.parametrize("hours", [0.1, 1, 20])
def test_without_keep_a_level_is_left_at_the_first_clear_tick(hours: float):
    """Whenever that comes, it waits for no second one."""
    story = opened(RED, ladder=AT_ONCE)
    assert story.at(hours).transitions[0].reason is Reason.ENDED


@pytest.mark.parametrize("after", [0, 12])
def test_a_pause_of_the_daemon_is_no_clear_time(after: int):
    """Nobody looked for twenty hours, before or after a red tick; `keep` counts from the first clear look."""
    story = opened(RED, ladder=LADDER | {RED: replace(LADDER[RED], keep=3 * HOUR)})
    story.at(after, RED)
    assert story.at(after + 20).still is Still.KEEPING
    assert story.at(after + 22.9).still is Still.KEEPING
    lowered = story.at(after + 23).transitions[0]
    assert (lowered.reason, lowered.to_level) == (Reason.LOWERED, ORANGE)


@pytest.mark.parametrize(
    ("hours", "clear_since"), [((), None), ((1,), 1), ((1, 2), 1), ((1, 2, 3.5), 1), ((5, 6), 5)]
)
def test_a_level_is_clear_since_the_first_tick_at_which_it_is_impossible(hours, clear_since):
    """Not a time while it is possible; later clear ticks do not move it."""
    story = opened(RED, ladder={level: replace(rung, keep=99 * HOUR) for level, rung in LADDER.items()})
    for hour in hours:
        story.at(hour)
    since = np.datetime64("NaT") if clear_since is None else instant64(AT + clear_since * HOUR)
    np.testing.assert_equal(story.state.clear_since[0, RED], since)


@pytest.mark.parametrize("between", ["red", "clearing", "blind"])
def test_a_level_that_may_be_met_again_is_clear_no_more(between: str):
    """Met, above the clearing threshold or unknown: its clock starts again at the next clear tick."""
    story = opened(RED)
    story.at(1)
    if between == "blind":
        story.blind(2)
    else:
        story.at(2, RED if between == "red" else NONE, ceiling=[RED, NONE, NONE])
    assert np.isnat(story.state.clear_since[0]).all()
    assert story.at(3).still is story.at(4.9).still is Still.KEEPING
    assert story.at(5).transitions[0].to_level == ORANGE


def test_a_red_comes_down_step_by_step():
    """Each level leaves when its own clock runs out, all of them started when the heat broke."""
    story = opened(RED)
    for hour in range(1, 8):
        story.at(hour)
    steps = [(made.reason.value, made.to_level, made.at - AT) for made in story.changes[1:]]
    assert steps == [
        ("lowered", ORANGE, 3 * HOUR),
        ("lowered", YELLOW, 5 * HOUR),
        ("ended", NONE, 7 * HOUR),
    ]


def test_a_warm_spell_starts_only_its_own_clocks_again():
    """A return to orange keeps orange and yellow for longer, not red."""
    story = opened(RED)
    story.at(1)
    story.at(2, ORANGE)
    assert story.at(3).transitions[0].to_level == ORANGE
    assert story.at(5).transitions == story.at(6.9).transitions == ()
    assert story.at(7).transitions[0].to_level == YELLOW
    assert story.at(8.9).transitions == ()
    assert story.at(9).transitions[0].reason is Reason.ENDED


def test_a_level_that_comes_back_in_time_is_no_news():
    """A dip shorter than `keep` is not told."""
    story = opened(RED)
    story.at(1)
    assert story.at(1.5, RED).still is Still.STANDS
    assert story.at(2).still is story.at(3.9).still is Still.KEEPING
    assert story.at(4).transitions[0].reason is Reason.LOWERED


def test_flapping_tells_people_once():
    """Red every other hour for two days is one alert with one message."""
    story = Story()
    for hour in range(40):
        story.at(hour, *[RED] * (hour % 2))
    assert story.reasons == ["opened"]


@pytest.mark.parametrize("runs", [2, 10])
def test_identical_model_runs_are_one_message(runs: int):
    """However often the same is found, people hear it once."""
    story = Story()
    stills = [story.at(hour, RED, ORANGE).still for hour in range(runs)]
    assert story.reasons == ["opened"]
    assert set(stills[1:]) == {Still.STANDS}


@pytest.mark.parametrize(
    ("hours", "expires", "extended"),
    [
        (41.9, 72, False),
        (42, 72, True),
        (42, 48, False),
        (42, 47, False),
        (41.9, 54, False),
        (42, 54, True),
        (42, 53.9, False),
        (46.9, 53.9, False),
        (47, 53.9, True),
        (46.9, 54, True),
        (47, 48.1, True),
        (47, 48, False),
        (47.9, 49, True),
        (50, 51, True),
    ],
)
def test_a_longer_duration_is_told_shortly_before_the_known_end(hours, expires, extended: bool):
    """Six hours before it where the new end is six hours later or more, one hour before it where less."""
    story = opened(RED)
    story.at(hours, RED, expires=AT + expires * HOUR)
    assert (story.reasons == ["opened", "extended"]) is extended


def test_a_new_end_is_told_once():
    """After an extension the next one waits for the end it told."""
    story = opened(RED)
    for hour in range(1, 72):
        story.at(hour, RED, expires=AT + (48 if hour < 40 else 72) * HOUR)
    assert story.reasons == ["opened", "extended"]
    story.at(72, RED, expires=AT + 96 * HOUR)
    assert story.changes[-1].expires == AT + 96 * HOUR


def test_an_end_that_creeps_is_not_told_at_each_run():
    """Each run moves it by an hour; people hear of it once in the six hours that make a message worth it."""
    story = opened(RED)
    for hour in range(42, 73):
        story.at(hour, RED, expires=AT + (hour + 7) * HOUR)
    told = [(made.at - AT, made.expires - AT) for made in story.changes[1:]]
    assert set(story.reasons[1:]) == {"extended"}
    assert told == [(hour * HOUR, (hour + 7) * HOUR) for hour in (47, 53, 59, 65, 71)]


def test_an_end_only_lower_levels_reach_extends_nothing():
    """The red is not prolonged because an orange town lasts longer."""
    story = opened(RED, ORANGE)
    story.at(42, RED, ORANGE, expires=TOLD_END)
    late = findings((ORANGE, ORANGE, NONE), AT + 43 * HOUR, expires=AT + 90 * HOUR)
    assert story.tick(late, AT + 43 * HOUR).still is Still.KEEPING


def test_a_narrowing_does_not_shift_the_end_people_know():
    """It is not sent, so nobody learned of the end it holds."""
    story = opened(RED, YELLOW, ladder=AT_ONCE)
    story.at(10, RED, expires=AT + 90 * HOUR)
    assert story.reasons[-1] == "narrowed"
    assert story.at(42, RED, expires=AT + 90 * HOUR).transitions[0].reason is Reason.EXTENDED


def test_an_end_forgets_the_alert():
    """The next opening is an alert of its own, numbered from one, with its own peak."""
    story = opened(RED, ladder=AT_ONCE)
    story.at(1)
    story.at(2, YELLOW)
    first, ended, again = story.changes
    assert (ended.alert, ended.opened_at, ended.duration) == (first.alert, AT, HOUR)
    assert again.alert != first.alert
    assert again.id == f"{again.alert}.1"
    assert (again.peak_level, again.peak_value) == (YELLOW, 36.0)
    assert again.opened_at == AT + 2 * HOUR


@pytest.mark.parametrize("look", [Story.at, Story.blind])
def test_an_alert_whose_towns_left_the_configuration_ends(look):
    """At the next tick, whatever is known of the towns there are now; it is not left open for ever."""
    story = opened(RED, YELLOW)
    story.state, story.towns = load(dump(story.state), ("d",)), 1
    (ended,) = look(story, 1).transitions
    assert (ended.id, ended.reason) == (f"{story.changes[0].alert}.2", Reason.ENDED)
    assert (ended.to_level, ended.places, ended.changed) == (NONE, {}, {})
    assert (ended.peak_level, ended.duration) == (RED, HOUR)
    assert story.state.alert is None
    assert look(story, 2).transitions == ()


def test_an_end_tells_the_peak_and_no_value():
    """No town is under warning any more, so calm values are neither told nor a peak."""
    story = opened(YELLOW, ladder=AT_ONCE)
    story.at(1, RED)
    story.at(2, value=[30.0, 50.0, 30.0])
    ended = story.changes[-1]
    assert (ended.value, ended.threshold, ended.onset, ended.expires) == (None, None, None, None)
    assert (ended.peak_level, ended.peak_value) == (RED, 41.0)


def test_a_peak_between_two_changes_counts():
    """The worst hour changed no level, and is still what the all-clear tells."""
    story = opened(RED, ladder=AT_ONCE)
    assert story.at(1, RED, value=[43.5, 30.0, 30.0]).still is Still.STANDS
    story.at(2)
    assert story.changes[-1].peak_value == 43.5


def test_a_missing_value_leaves_the_peak():
    """NaN is no number to compare."""
    story = opened(RED)
    story.at(1, RED, value=[np.nan] * 3)
    assert story.state.peak_value == 41.0


@pytest.mark.parametrize(
    ("hours", "level"), [((0, 1.9), NONE), ((0, 2), YELLOW), ((0, 1, 2), YELLOW)]
)
def test_a_level_opens_when_its_hold_is_over(hours, level: Level):
    """Certain for less than `hold` opens nothing; exactly `hold` does."""
    story = Story(ladder=HELD)
    stills = [story.at(hour, YELLOW).still for hour in hours]
    assert story.state.top == level
    assert stills[0] is Still.HOLDING


@pytest.mark.parametrize("between", ["calm", "blind"])
def test_a_break_in_certainty_starts_the_hold_anew(between: str):
    """Neither a calm nor an unknown hour counts as certain."""
    story = opened(YELLOW, ladder=HELD)
    story.at(1) if between == "calm" else story.blind(1)
    assert story.at(2, YELLOW).transitions == ()
    assert story.at(4, YELLOW).transitions[0].reason is Reason.OPENED


def test_a_lower_level_need_not_wait_for_the_hold_of_a_higher_one():
    """Red is held back; orange, which it includes, opens at once."""
    story = opened(RED, ladder=HELD)
    assert story.changes[0].to_level == ORANGE
    assert story.at(1, RED).still is Still.HOLDING
    assert story.at(2, RED).transitions[0].reason is Reason.RAISED


def test_a_clearing_threshold_keeps_a_level():
    """Below the threshold but above the clearing one, the level stands for ever."""
    story = opened(RED, ladder=AT_ONCE)
    for hour in range(1, 30):
        assert story.at(hour, ORANGE, ceiling=[RED, NONE, NONE]).still is Still.STANDS
    assert story.at(30, ORANGE).transitions[0].reason is Reason.LOWERED


@pytest.mark.parametrize("level", [NONE, YELLOW, RED])
def test_unknown_neither_opens_nor_ends(level: Level):
    """However long nothing is known, the levels stay as they were."""
    story = opened(level, level)
    for hour in range(1, 50):
        story.blind(hour)
    assert story.state.level.tolist() == [level, level, NONE]
    assert {"ended", "lowered", "raised"}.isdisjoint(story.reasons)


def test_time_spent_blind_does_not_count_as_clear():
    """The clock of `keep` starts when the data say that the level is over."""
    story = opened(RED)
    story.blind(1)
    story.blind(10)
    story.at(11)
    story.at(12.9)
    assert story.reasons == ["opened", "data_lost", "data_found"]
    assert story.at(13).transitions[0].reason is Reason.LOWERED


@pytest.mark.parametrize(("hours", "lost"), [(2.9, False), (3, True), (9, True)])
def test_lost_data_is_told_when_it_lasts(hours: float, lost: bool):
    """After `blind_after`, exactly, and not before."""
    story = opened()
    story.blind(0)
    assert bool(story.blind(hours).transitions) is lost
    assert ("data_lost" in story.reasons) is lost


def test_lost_data_is_told_once_and_found_once():
    """The pair carries one identifier and leaves no alert open."""
    story = Story()
    for hour in range(9):
        story.blind(hour)
    story.at(9)
    story.at(10)
    lost, found = story.changes
    assert (lost.reason, found.reason) == (Reason.DATA_LOST, Reason.DATA_FOUND)
    assert (lost.id, found.id) == (f"{lost.alert}.1", f"{lost.alert}.2")
    assert story.state.alert is None
    assert story.at(11).still is Still.CALM


def test_a_gap_that_closes_in_time_is_not_told():
    """And the next gap is measured from its own begin."""
    story = Story()
    for hour in (0, 2, 4, 6):
        story.blind(hour)
        story.at(hour + 1)
    assert story.reasons == []


def test_lost_data_belongs_to_the_open_alert():
    """It is numbered in it, keeps its levels, and changes no town."""
    story = opened(RED)
    for hour in (1, 4):
        story.blind(hour)
    lost = story.changes[-1]
    assert lost.id == f"{story.changes[0].alert}.2"
    assert (lost.from_level, lost.to_level, lost.changed) == (RED, RED, {})
    story.at(5, RED)
    assert story.changes[-1].id == f"{lost.alert}.3"


@pytest.mark.parametrize(
    ("level", "floor", "reach", "blind"),
    [
        (NONE, NONE, YELLOW, True),
        (NONE, NONE, NONE, False),
        (YELLOW, YELLOW, RED, True),
        (RED, RED, RED, False),
        (RED, YELLOW, ORANGE, False),
        (RED, YELLOW, RED, True),
        (ORANGE, NONE, ORANGE, True),
    ],
)
def test_a_town_is_blind_where_data_decide_nothing(level, floor, reach, blind: bool):
    """Doubt below the level in force is no blindness: that level is certainly not met."""
    story = opened(level)
    step = story.at(1, floor, reach=[reach, NONE, NONE], ceiling=[max(level, reach), NONE, NONE])
    assert (step.still is Still.UNKNOWN) is blind


def test_one_blind_town_does_not_hold_up_the_others():
    """The known towns open and end; that one is blind is told beside it."""
    story = Story(ladder=AT_ONCE)
    doubt = {"reach": [RED, RED, NONE], "ceiling": [RED, RED, NONE]}
    story.at(0, RED, **doubt)
    story.at(3, RED, **doubt)
    story.at(4, reach=[NONE, RED, NONE], ceiling=[NONE, RED, NONE])
    assert story.reasons == ["opened", "data_lost", "ended"]
    assert story.state.blind_told


def test_data_found_after_the_end_still_has_a_name_of_its_own():
    """Lost under an alert, found after it: no identifier is used twice."""
    story = Story(ladder=AT_ONCE)
    for hour, level in ((0, RED), (3, RED), (4, NONE)):
        story.at(hour, level, reach=[level, RED, NONE], ceiling=[level, RED, NONE])
    story.at(5)
    assert story.reasons == ["opened", "data_lost", "ended", "data_found"]
    assert len({made.id for made in story.changes}) == 4


def test_a_change_and_found_data_can_come_together():
    """Both are told in the same tick, in this order."""
    story = Story()
    for hour in (0, 3):
        story.blind(hour)
    assert [made.reason.value for made in story.at(4, RED).transitions] == ["opened", "data_found"]


@pytest.mark.parametrize(
    ("first", "then", "still"),
    [
        ((), {}, Still.CALM),
        ((RED,), {"floor": (RED,)}, Still.STANDS),
        ((RED,), {}, Still.KEEPING),
        ((), {"reach": [RED, NONE, NONE]}, Still.UNKNOWN),
        ((ORANGE,), {"floor": (RED,)}, Still.HOLDING),
        ((ORANGE,), {"floor": (RED,), "reach": [RED, YELLOW, NONE]}, Still.HOLDING),
        ((RED,), {"reach": [NONE, YELLOW, NONE]}, Still.UNKNOWN),
    ],
)
def test_every_non_change_has_its_reason(first, then, still: Still):
    """A tick that changes nothing says why."""
    story = opened(*first, ladder={**LADDER, RED: replace(LADDER[RED], hold=HOUR)})
    story.state = replace(story.state, level=np.array([*first, 0, 0, 0][:3], np.int8))
    own = dict(then)
    assert story.at(0.5, *own.pop("floor", ()), **own).still is still


def test_a_change_leaves_no_reason_for_stillness():
    """Something happened."""
    assert Story().at(0, RED).still is None


@pytest.mark.parametrize("floor", [NONE, YELLOW, ORANGE])
def test_the_period_is_that_of_towns_which_meet_their_level(floor: Level):
    """A town that only keeps its level gives neither onset nor end, whatever lower level it meets."""
    story = opened(RED, ORANGE, ladder=LADDER)
    story.at(1, floor)
    story.at(3, floor)
    assert story.reasons == ["opened", "lowered"]
    assert (story.changes[-1].onset, story.changes[-1].expires) == (
        (AT + 3 * HOUR, TOLD_END) if floor is ORANGE else (None, None)
    )


def test_a_level_kept_for_want_of_data_is_marked_so():
    """The text must not say that the criterion is no longer met where nobody knows."""
    story = opened(RED, ladder=AT_ONCE)
    story.at(1, reach=[ORANGE, NONE, NONE])
    assert story.changes[-1].figures == {"unjudged_towns": 1.0}


def test_bits_and_figures_come_from_the_towns_under_warning():
    """Basis is the highest level's, marks are joined, figures are the largest; calm towns do not count."""
    story = Story()
    rows = {"basis": [1, 2, 0], "marks": [4, 8, 16], "extra": {"run": [2.0, 5.0, 9.0], "x": [np.nan] * 3}}
    made = story.at(0, RED, ORANGE, **rows).transitions[0]
    assert (made.basis, made.marks, made.figures) == (1, 12, {"run": 5.0})


def test_the_period_lasts_from_the_first_town_to_the_last():
    """The earliest onset and the latest end of the towns at the highest level; others do not count."""
    hours = np.array([[8, 6, 5]]).astype("timedelta64[h]")
    begun = np.datetime64("2022-08-09T00:00:00") + hours
    found = replace(findings((RED, RED, ORANGE)), onset=begun, expires=begun + hours)
    made = Story().tick(found, AT).transitions[0]
    assert (made.onset.hour, made.expires.hour) == (6, 16)


def test_the_value_is_the_worst_of_the_highest_level():
    """A higher number in an orange town belongs to another rung's metric."""
    made = Story().at(0, RED, ORANGE, RED, value=[40.5, 44.0, 41.5]).transitions[0]
    assert made.value == 41.5


def test_identifiers_are_in_utc_whatever_the_zone_of_now():
    """The same moment gives the same name."""
    story = Story()
    story.tick(findings((RED, NONE, NONE)), AT.astimezone(timezone(8 * HOUR)))
    assert story.changes[0].id == "500153-heat-20220809T000500Z.1"


def test_a_level_without_a_rung_cannot_be_in_force():
    """A ladder without blue never warns in blue."""
    assert opened(BLUE).changes == []


def test_patience_with_missing_data_is_a_matter_of_configuration():
    """`blind_after` of zero tells at once."""
    story = Story(conduct=replace(CONDUCT, blind_after=timedelta(0)))
    assert story.blind(0).transitions[0].reason is Reason.DATA_LOST


def test_where_low_is_dangerous_the_lowest_is_told():
    """Value, peak and threshold are those of the coldest town, and the change says which way it looks."""
    story, cold = Story(ladder=AT_ONCE), {"threshold": [5.0, 4.0, 0.0]}
    for hour, value in enumerate(([3.0, 1.0, 9.0], [3.0, -2.0, 9.0], [3.0, 2.0, 9.0])):
        found = findings((RED, RED, NONE), AT + hour * HOUR, value=value, **cold)
        story.tick(replace(found, falling=True), AT + hour * HOUR)
    ended = replace(findings((NONE, NONE, NONE), AT + 9 * HOUR), falling=True)
    story.tick(ended, AT + 9 * HOUR)
    first, last = story.changes
    assert (first.value, first.threshold, first.falling) == (1.0, 4.0, True)
    assert (last.peak_value, last.falling) == (-2.0, True)


def test_the_window_is_that_of_the_value():
    """The longest window of the towns belongs to another amount of rain."""
    rows = {"value": [60.0, 82.0, 40.0], "extra": {"window_hours": [6.0, 3.0, 24.0], "run": [1.0, 2.0, 3.0]}}
    made = Story().at(0, RED, RED, ORANGE, **rows).transitions[0]
    assert (made.value, made.figures) == (82.0, {"window_hours": 3.0, "run": 3.0})


def test_a_state_of_which_nothing_changes_is_handed_back_as_it_came():
    """So nobody writes it down again: at rest, in force, held and kept."""
    story = Story(ladder=HELD)
    for hour, floor in ((0, NONE), (2, YELLOW), (4, YELLOW), (8, NONE)):
        story.at(hour, floor)
        before = story.state
        assert story.at(hour + 0.5, floor).state is before


def test_of_many_nows_the_one_at_the_row_is_judged():
    """A replay hands over its block as it is."""
    rows = [findings([level, NONE, NONE], AT) for level in (RED, ORANGE)]
    block = replace(
        rows[0],
        **{
            name: np.concatenate([getattr(each, name) for each in rows])
            for name in ("nows", "floor", "reach", "ceiling", "value", "threshold", "onset", "expires",
                         "basis", "age", "marks")
        },
    )  # fmt: skip
    for row, found in enumerate(rows):
        state = Story().state
        alone = advance(state, found, AT, ladder=LADDER, conduct=CONDUCT)
        among = advance(state, block, AT, ladder=LADDER, conduct=CONDUCT, row=row)
        assert among.transitions == alone.transitions
