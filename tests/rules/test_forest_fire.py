"""Forest fire: danger levels of days in a row, with the fires that satellites saw."""

from datetime import timedelta

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from simulators.fire_days import FIRST, LAST, NAN, at, block, noons

from ingest.batch import Flag
from rules.findings import Basis, Verdict
from rules.hazards.forest_fire import FireRung, ForestFire
from rules.level import Level

CLASSES = (5.2, 11.2, 21.3, 38.0)
LADDER = {
    Level.YELLOW: FireRung(at_least=3),
    Level.ORANGE: FireRung(at_least=4, days=3, ahead=1),
    Level.RED: FireRung(at_least=4, days=5, ahead=2),
}
RULE = ForestFire(ladder=LADDER, classes=CLASSES)
MORNING, AFTERNOON = at(0, 8), at(0, 15)
PARTS = ("floor", "reach", "ceiling", "value", "threshold", "onset", "expires", "basis", "age", "marks")


def judged(series, now=MORNING, rule=RULE, **keys):
    """Findings of one town at one moment."""
    return rule.assess("forest_fire", block(series, nows=(now,), **keys))


def figure(found, name):
    """A further figure of the one town."""
    return float(found.extra[name][0, 0])


# --- levels ---


@pytest.mark.parametrize(
    ("index", "level"),
    [
        (0.0, 1), (5.19, 1), (5.2, 2), (11.19, 2), (11.2, 3), (21.29, 3), (21.294, 3), (21.296, 4),
        (21.3, 4), (37.99, 4), (38.0, 5), (300.0, 5),
    ],
)  # fmt: skip
def test_an_index_makes_the_level_whose_limit_it_reaches(index, level):
    """In hundredths, as the index is archived."""
    assert judged(noons(index={0: index})).value[0, 0] == level


def test_the_value_is_the_lowest_level_of_the_run():
    """Orange rests on all its days, so it says what they all had."""
    found = judged(noons({-2: 5, -1: 4, 0: 5, 1: 5}))
    assert (found.value[0, 0], found.threshold[0, 0]) == (4, 4)


@pytest.mark.parametrize("now", [MORNING, AFTERNOON, at(0, 12.99), at(0, 13), at(0, 23.9)])
def test_today_is_the_beijing_date(now):
    """Foretold before its noon, observed after it, and one day of the run either way."""
    found = judged(noons({-2: 4, -1: 4, 0: 4, 1: 4}), now)
    assert found.verdict[0, 0] == Verdict.ORANGE


# --- when, and on what ---


@pytest.mark.parametrize(
    ("levels", "ends"),
    [({0: 3}, 1), ({0: 3, 1: 3}, 2), ({0: 3, 1: 3, 3: 3}, 2), ({-2: 4, -1: 4, 0: 4, 1: 4, 2: 3}, 2)],
)
def test_it_lasts_to_the_end_of_the_last_day_at_its_level(levels, ends):
    """At midnight, as the days of people end; from now on."""
    found = judged(noons(levels))
    assert found.onset[0, 0] == np.datetime64(MORNING.replace(tzinfo=None), "s")
    assert found.expires[0, 0] == np.datetime64(at(ends, 0).replace(tzinfo=None), "s")


def test_without_a_forecast_it_has_no_end():
    """Nobody knows when it ends."""
    found = judged(noons({0: 3}, dict.fromkeys(range(1, 9), NAN)), AFTERNOON)
    assert found.floor[0, 0] == Level.YELLOW
    assert np.isnat(found.expires[0, 0])


@pytest.mark.parametrize(
    ("levels", "now", "expected"),
    [
        ({0: 3}, MORNING, Basis.FORECAST), ({0: 3}, AFTERNOON, Basis.OBSERVED), ({}, MORNING, Basis.NOTHING),
        ({-2: 4, -1: 4, 0: 4, 1: 4}, MORNING, Basis.BOTH),
        ({-2: 4, -1: 4, 0: 4, 1: 4}, AFTERNOON, Basis.BOTH),
    ],
)  # fmt: skip
def test_it_says_what_a_level_rests_on(levels, now, expected):
    """Days that ended, days that are foretold, or both."""
    assert Basis(int(judged(noons(levels), now).basis[0, 0])) == expected


@pytest.mark.parametrize(("now", "age"), [(at(0, 8), 19.0), (at(0, 13), 0.0), (at(0, 15.5), 2.5)])
def test_the_age_is_that_of_the_last_noon(now, age):
    """Not of the hours in between, which the index does not read."""
    assert judged(noons(), now).age[0, 0] == pytest.approx(age)
    missing = noons(index={0: NAN, -1: NAN})
    assert judged(missing, at(0, 15)).age[0, 0] == 50.0


def test_provenance_comes_through():
    """Of the days that a rung looks at."""
    sky = block(noons())
    sky["flags_fwi"][:, :, 56:58] = int(Flag.ANALYSIS)
    assert RULE.assess("forest_fire", sky).marks[0, 0] == Flag.ANALYSIS


# --- figures ---


@pytest.mark.parametrize(
    ("levels", "count"),
    [
        ({}, 0), ({0: 4}, 1), ({0: 3, -1: 4}, 0), ({0: 4, -1: 5, -2: 4}, 3), ({0: 4, -2: 4}, 1),
        (dict.fromkeys(range(-40, 1), 4), 31),
    ],
)  # fmt: skip
def test_days_of_high_danger_are_counted_up_to_today(levels, count):
    """For the texts: so many days in a row, at most a month of them."""
    assert figure(judged(noons(levels)), "fire_days") == count
    assert figure(judged(noons(levels), AFTERNOON), "fire_days") == count


def test_the_index_of_today_is_shown():
    """Beside the level that is made of it."""
    assert figure(judged(noons(index={0: 23.45})), "fwi") == 23.45


@pytest.mark.parametrize(
    ("first", "expected"), [(-80, NAN), (-55, NAN), (-50, 50), (-20, 20), (-1, 1), (0, NAN)]
)
def test_a_start_of_the_codes_is_told_for_fifty_days(first, expected):
    """The drought code is too low for so long; after a gap that the codes were carried over it is not."""
    codes = np.where(np.arange(FIRST, LAST) < first, NAN, 400.0)
    found = figure(judged(noons(), codes=codes), "fire_code_days")
    np.testing.assert_equal(found, expected)


@pytest.mark.parametrize(("gap", "expected"), [(9, NAN), (10, 20)])
def test_a_gap_is_no_start_unless_it_is_as_long_as_one(gap, expected):
    """The codes begin anew after ten days."""
    codes = np.full(LAST - FIRST, 400.0)
    codes[-20 - gap - FIRST : -20 - FIRST] = NAN
    found = figure(judged(noons(), codes=codes), "fire_code_days")
    np.testing.assert_equal(found, expected)


# --- hot spots ---


@pytest.mark.parametrize(("lift", "expected"), [(0, 2), (1, 3), (2, 4), (9, 5)])
def test_hot_spots_raise_today_up_to_the_highest_level(lift, expected):
    """By the levels that the configuration gives."""
    rule = ForestFire(ladder=LADDER, classes=CLASSES, hot_spot_lift=lift)
    found = judged(noons({0: 2}), rule=rule, spots={at(0, 3): 1.0})
    assert found.value[0, 0] == expected
    assert figure(found, "hot_spots") == 1


def test_a_count_of_zero_is_no_fire():
    """Said and zero raises nothing; not said is no figure at all."""
    said, unsaid = judged(noons({0: 2}), spots={at(0, 3): 0.0}), judged(noons({0: 2}))
    assert said.value[0, 0] == unsaid.value[0, 0] == 2
    assert figure(said, "hot_spots") == 0
    assert np.isnan(figure(unsaid, "hot_spots"))


def test_a_fire_elsewhere_raises_nothing_here():
    """The second town keeps its level."""
    found = RULE.assess("forest_fire", block(noons({0: 2}), noons({0: 2}), spots={at(0, 3): 5.0}))
    assert found.value[0].tolist() == [3, 2]


# --- configuration ---


@pytest.mark.parametrize("at_least", [0, 6, 3.5])
def test_a_level_that_does_not_exist_is_refused(at_least):
    """Levels are 1 to 5."""
    with pytest.raises(ValueError, match="danger level"):
        ForestFire(ladder={Level.RED: FireRung(at_least=at_least)}, classes=CLASSES)


@pytest.mark.parametrize(
    "change", [{"classes": (5.0, 5.0, 6.0, 7.0)}, {"classes": (0.0, 5.0, 6.0, 7.0)}, {"hot_spot_lift": -1},
               {"ladder": {}}, {"ladder": {Level.RED: FireRung(at_least=4, days=0)}},
               {"ladder": {Level.RED: FireRung(at_least=4, ahead=-1)}}, {"settled_after": -1}],
)  # fmt: skip
def test_an_impossible_block_is_refused(change):
    """With a sentence that names the key."""
    with pytest.raises(ValueError, match=r"classes|hot_spot_lift|ladder|days|settled_after"):
        ForestFire(**{"ladder": LADDER, "classes": CLASSES, **change})


# --- whatever the days ---


DAYS = st.lists(st.sampled_from([1.0, 11.19, 11.2, 21.29, 21.3, 40.0, NAN]), min_size=14, max_size=14)
NOWS = st.lists(st.integers(0, 47), min_size=1, max_size=4, unique=True).map(
    lambda hours: [at(-1, hour) + timedelta(minutes=5) for hour in sorted(hours)]
)


def town(days):
    """A town whose days around today are drawn."""
    return noons(index=dict(zip(range(-7, 7), days, strict=True)))


def assessed(towns, nows, **keys):
    """Findings of some towns at some moments."""
    return RULE.assess("forest_fire", block(*(town(days) for days in towns), nows=nows, **keys))


@settings(max_examples=30)
@given(towns=st.lists(DAYS, min_size=1, max_size=3), nows=NOWS, more=DAYS)
def test_nows_and_towns_are_each_alone(towns, nows, more):
    """A replay and a live tick come to the same findings; a town more changes none."""
    together = assessed([*towns, more], nows)
    for row, now in enumerate(nows):
        alone = assessed(towns, [now])
        for part in PARTS:
            found = getattr(together.at(row), part)[:, : len(towns)]
            np.testing.assert_array_equal(found, getattr(alone, part))


@settings(max_examples=40)
@given(days=DAYS, nows=NOWS, day=st.integers(0, 13), danger=st.floats(0.0, 30.0))
def test_more_danger_is_never_a_lower_level(days, nows, day, danger):
    """On any day, and with a fire."""
    worse = [value + danger * (place == day) for place, value in enumerate(days)]
    mild, bad = assessed([days], nows), assessed([worse], nows, spots={at(0, 3): 1.0})
    for part in ("floor", "reach", "ceiling"):
        assert (getattr(mild, part) <= getattr(bad, part)).all()


@settings(max_examples=40)
@given(days=DAYS, nows=NOWS, gone=st.sets(st.integers(0, 13)))
def test_a_missing_day_neither_opens_nor_ends(days, nows, gone):
    """What is certain is never higher for it, what is possible or not yet cleared never lower."""
    holed = [NAN if place in gone else value for place, value in enumerate(days)]
    full, less = assessed([days], nows), assessed([holed], nows)
    assert (less.floor <= full.floor).all()
    assert (less.reach >= full.reach).all()
    assert (less.ceiling >= full.ceiling).all()


@settings(max_examples=40)
@given(days=DAYS, nows=NOWS)
def test_certain_possible_and_uncleared_are_in_order(days, nows):
    """Floor <= reach <= ceiling, and what is certain has its figures."""
    found = assessed([days], nows)
    assert ((found.floor <= found.reach) & (found.reach <= found.ceiling)).all()
    level = found.floor > 0
    assert (found.value[level] >= found.threshold[level]).all()
    assert (np.isnat(found.onset) == ~level).all()
    ends = level & ~np.isnat(found.expires)
    assert (found.onset[ends] < found.expires[ends]).all()
    assert ((found.basis > 0) == level).all()
