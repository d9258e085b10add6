"""What holds of the lifecycle for any weather, any gap in the data and any rhythm of ticks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, takewhile

import numpy as np
import pytest
from fakes import AT, AT_ONCE, HOUR, LADDER, NONE, ORANGE, RED, YELLOW, Ladder, Story, findings
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.event.memory import dump, load
from alerts.event.orders import Kind, Order
from rules.level import Level

HELD: Ladder = {level: replace(rung, hold=2 * HOUR) for level, rung in LADDER.items()}
LADDERS = [AT_ONCE, LADDER, HELD]
INTERVALS = list(combinations_with_replacement([NONE, YELLOW, ORANGE, RED], 3))
"""Every floor, reach and ceiling of a town: in this order by definition."""
few = settings(max_examples=30)


@dataclass(frozen=True)
class Sky:
    """One tick's findings."""

    hour: float
    towns: tuple[tuple[Level, Level, Level], ...]

    def told_to(self, story: Story) -> None:
        """Let a story of so many towns, or fewer, see it."""
        floor, reach, ceiling = zip(*self.towns[: story.towns], strict=True)
        story.at(self.hour, *floor, reach=reach, ceiling=ceiling)

    def wider(self, loss: tuple[int, int]) -> "Sky":
        """The same with less known in every town: floor lowered, reach and ceiling lifted."""
        down, up = loss
        low = [(Level(max(0, f - down)), r, c) for f, r, c in self.towns]
        wide = [(f, Level(min(RED, r + up)), Level(min(RED, c + up))) for f, r, c in low]
        return replace(self, towns=tuple(wide))


interval = st.sampled_from(INTERVALS)
tick = st.tuples(st.sampled_from([0.5, 1, 2, 5]), *[interval] * 4)
"""Hours since the tick before, and the findings of four towns."""


def skies_of(ticks: list[tuple]) -> list[Sky]:
    """The ticks at their hours."""
    hours = np.cumsum([pause for pause, *_ in ticks])
    return [Sky(hour=float(h), towns=tuple(towns)) for h, (_, *towns) in zip(hours, ticks, strict=True)]


skies = st.lists(tick, min_size=1, max_size=12).map(skies_of)


def story_of(days: list[Sky], ladder: Ladder) -> Story:
    """The story of some ticks."""
    story = Story(ladder=ladder)
    for sky in days:
        sky.told_to(story)
    return story


losses = st.tuples(st.integers(0, 4), st.integers(0, 4))
any_ladder = pytest.mark.parametrize("ladder", LADDERS, ids=["at_once", "kept", "held"])


@any_ladder
@few
@given(skies, losses)
def test_missing_data_neither_raises_nor_lowers(ladder: Ladder, days: list[Sky], loss):
    """With wider intervals a town's level moves no way that it would not have moved with narrow ones."""
    story = story_of(days[:-1], ladder)
    before, start = story.state.level, story.state
    days[-1].told_to(story)
    narrow, story.state = story.state.level, start
    days[-1].wider(loss).told_to(story)
    wide = story.state.level
    assert (wide >= np.minimum(before, narrow)).all()
    assert (wide <= np.maximum(before, narrow)).all()


@any_ladder
@few
@given(skies, st.floats(0.1, 1000))
def test_a_blind_tick_changes_no_level(ladder: Ladder, days: list[Sky], later: float):
    """Nothing known at all: every town keeps exactly what it has, after any time."""
    story = story_of(days, ladder)
    before = story.state.level.tolist()
    story.blind(days[-1].hour + later)
    assert story.state.level.tolist() == before


@pytest.mark.parametrize("ladder", LADDERS[:2], ids=["at_once", "kept"])
@few
@given(skies, st.integers(0, 11))
def test_a_blind_tick_in_between_only_prolongs(ladder: Ladder, days: list[Sky], index: int):
    """Wherever a gap falls, no town is later lower than it would have been without it."""
    whole, gapped = Story(ladder=ladder), Story(ladder=ladder)
    for number, sky in enumerate(days):
        if number == index:
            gapped.blind(sky.hour - 0.1)
        sky.told_to(whole)
        sky.told_to(gapped)
        assert (gapped.state.level >= whole.state.level).all()


def clear_for(days: list[Sky], town: int, level: Level) -> float:
    """Hours from the first of the last ticks that all call a level impossible to the last tick."""
    clear = takewhile(lambda sky: sky.towns[town][2] < level, reversed(days))
    return days[-1].hour - min(sky.hour for sky in clear)


@any_ladder
@few
@given(skies)
def test_a_level_is_left_only_after_its_keep_of_clear_ticks(ladder: Ladder, days: list[Sky]):
    """The time before the first clear tick counts for nothing, however long nobody looked."""
    story = Story(ladder=ladder)
    for number, sky in enumerate(days, start=1):
        before = story.state.level
        sky.told_to(story)
        for town, (old, new) in enumerate(zip(before, story.state.level, strict=True)):
            left = [level for level in ladder if new < level <= old]
            for level in left:
                assert clear_for(days[:number], town, level) * HOUR >= ladder[level].keep


@any_ladder
@few
@given(skies)
def test_no_level_outstays_its_keep(ladder: Ladder, days: list[Sky]):
    """What is in force is possible, or has been clear for less than its own keep."""
    story = story_of(days, ladder)
    for town, level in enumerate(map(Level, story.state.level.tolist())):
        if level and days[-1].towns[town][2] < level:
            assert clear_for(days, town, level) * HOUR < ladder[level].keep


@any_ladder
@few
@given(skies)
def test_another_town_changes_no_level_of_the_first(ladder: Ladder, days: list[Sky]):
    """Each town is judged by itself."""
    few, more = Story(towns=3, ladder=ladder), Story(towns=4, ladder=ladder)
    for sky in days:
        sky.told_to(few)
        sky.told_to(more)
        assert few.state.level.tolist() == more.state.level[:3].tolist()


@any_ladder
@few
@given(skies, st.integers(0, 12))
def test_a_restart_changes_nothing(ladder: Ladder, days: list[Sky], at: int):
    """A run in two halves, through JSON in the middle, equals the run in one."""
    whole, half = story_of(days, ladder), story_of(days[:at], ladder)
    half.state = load(json.loads(json.dumps(dump(half.state))), half.state.places)
    for sky in days[at:]:
        sky.told_to(half)
    assert half.changes == whole.changes
    assert dump(half.state) == dump(whole.state)


@any_ladder
@few
@given(skies)
def test_the_changes_tell_the_whole_story(ladder: Ladder, days: list[Sky]):
    """Folding `changed` gives the level of every town at any time, and so does `places`."""
    story = story_of(days, ladder)
    told: dict[str, Level] = {}
    for made in story.changes:
        told |= made.changed
        assert {town: level for town, level in told.items() if level} == made.places
    levels = zip(story.state.places, story.state.level.tolist(), strict=True)
    assert {town: level for town, level in levels if level} == {t: v for t, v in told.items() if v}


@any_ladder
@few
@given(skies)
def test_the_changes_form_a_chain(ladder: Ladder, days: list[Sky]):
    """Each begins at the level where the one before ended; identifiers never repeat."""
    changes = story_of(days, ladder).changes
    ends = [NONE, *[made.to_level for made in changes]]
    assert [made.from_level for made in changes] == ends[:-1]
    assert len({made.id for made in changes}) == len(changes)
    assert all(made.to_level == max(made.places.values(), default=NONE) for made in changes)


@any_ladder
@few
@given(skies)
def test_an_alert_is_open_exactly_while_a_town_has_a_level(ladder: Ladder, days: list[Sky]):
    """It opens with the first and ends with the last, each once."""
    story = Story(ladder=ladder)
    for sky in days:
        sky.told_to(story)
        assert (story.state.alert is not None) == bool(story.state.top)
    moves = [reason for reason in story.reasons if reason in ("opened", "ended")]
    assert moves == (["opened", "ended"] * len(moves))[: len(moves)]


@any_ladder
@few
@given(skies)
def test_the_peak_is_at_least_every_level_and_value_told(ladder: Ladder, days: list[Sky]):
    """Within one alert the peak never falls."""
    peaks: dict[str, Level] = {}
    for made in story_of(days, ladder).changes:
        assert made.peak_level >= max(made.to_level, peaks.get(made.alert, NONE))
        assert made.value is None or made.peak_value >= made.value
        peaks[made.alert] = made.peak_level


@any_ladder
@few
@given(skies)
def test_every_tick_either_changes_or_says_why_not(ladder: Ladder, days: list[Sky]):
    """There is a transition or a reason, never both and never neither."""
    story = Story(ladder=ladder)
    for sky in days:
        before = len(story.changes)
        floor, reach, ceiling = zip(*sky.towns[:3], strict=True)
        step = story.at(sky.hour, *floor, reach=reach, ceiling=ceiling)
        assert (step.still is None) == (len(story.changes) > before)


ordering = st.tuples(st.integers(0, 11), st.sampled_from(list(Kind)), st.sampled_from([NONE, YELLOW, ORANGE]))
"""At which tick somebody orders what, and to which level."""
lowering = ordering.filter(lambda said: said[1] not in (Kind.RAISE, Kind.HOLD))
upholding = ordering.filter(lambda said: said[1] in (Kind.RAISE, Kind.HOLD))


def see(story: Story, sky: Sky, kind: Kind | None = None, level: Level = NONE) -> None:
    """Let a story see a tick, with an order where there is one."""
    now = AT + sky.hour * HOUR
    floor, reach, ceiling = zip(*sky.towns[: story.towns], strict=True)
    order = kind and Order(
        hazard="heat", alert=story.state.alert or "", kind=kind,
        level=NONE if kind is Kind.CANCEL else level, by="Li", why="", at=now, until=now + 12 * HOUR,
    )  # fmt: skip
    story.tick(findings(floor, now, reach=reach, ceiling=ceiling), now, order or None)


def with_order(days: list[Sky], ladder: Ladder, said: tuple[int, Kind, Level]) -> Iterator[Story]:
    """The story after each tick, with the order at its tick."""
    story, (at, kind, level) = Story(ladder=ladder), said
    for number, sky in enumerate(days):
        see(story, sky, *((kind, level) if number == at else ()))
        yield story


@any_ladder
@few
@given(skies, upholding)
def test_what_is_upheld_never_lowers(ladder: Ladder, days: list[Sky], said):
    """No town is ever lower for a rise or a hold than the rules alone would have it."""
    plain = Story(ladder=ladder)
    for sky, story in zip(days, with_order(days, ladder, said), strict=True):
        sky.told_to(plain)
        assert (story.state.level >= plain.state.level).all()


@any_ladder
@few
@given(skies, lowering)
def test_a_correction_only_ever_lowers(ladder: Ladder, days: list[Sky], said):
    """No town is ever higher for it, and none above the cap while that lasts."""
    plain = Story(ladder=ladder)
    for sky, story in zip(days, with_order(days, ladder, said), strict=True):
        sky.told_to(plain)
        assert (story.state.level <= plain.state.level).all()
        assert story.state.cap is None or story.state.top <= story.state.cap.level


@pytest.mark.parametrize("ladder", LADDERS[:2], ids=["at_once", "kept"])
@few
@given(skies, ordering)
def test_a_cap_never_hides_what_rose_after_it_was_set(ladder: Ladder, days: list[Sky], said):
    """What is certain beyond what was certain then is in force at once."""
    for sky, story in zip(days, with_order(days, ladder, said), strict=True):
        cap, floor = story.state.cap, [town[0] for town in sky.towns[: story.towns]]
        assert cap is None or max(floor) <= max(cap.seen, cap.level)


@any_ladder
@few
@given(skies, ordering)
def test_a_cap_ends_by_itself(ladder: Ladder, days: list[Sky], said):
    """After its time nothing but the rules decides."""
    for sky, story in zip(days, with_order(days, ladder, said), strict=True):
        assert story.state.cap is None or story.state.cap.until > AT + sky.hour * HOUR


@any_ladder
@few
@given(skies, ordering)
def test_changes_with_an_order_still_form_a_chain(ladder: Ladder, days: list[Sky], said):
    """Each begins where the one before ended, and folding `changed` gives every town's level."""
    story = [*with_order(days, ladder, said)][-1]
    ends = [NONE, *[made.to_level for made in story.changes]]
    assert [made.from_level for made in story.changes] == ends[:-1]
    assert len({made.id for made in story.changes}) == len(story.changes)
    told = {town: level for made in story.changes for town, level in made.changed.items()}
    levels = zip(story.state.places, story.state.level.tolist(), strict=True)
    assert {t: v for t, v in levels if v} == {t: v for t, v in told.items() if v}


@any_ladder
@few
@given(skies, ordering, st.integers(0, 12))
def test_a_restart_under_a_cap_changes_nothing(ladder: Ladder, days: list[Sky], said, at: int):
    """Through JSON at any tick, the changes are the same."""
    whole = [*with_order(days, ladder, said)][-1]
    for number, story in enumerate(with_order(days, ladder, said)):
        if number == at:
            story.state = load(json.loads(json.dumps(dump(story.state))), story.state.places)
    assert story.changes == whole.changes
