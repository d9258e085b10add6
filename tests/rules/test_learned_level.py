"""The level of a chance: it follows what came, day by day, and never looks ahead."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.learned.level import (
    PRIOR,
    RAREST,
    Level,
    bounded,
    followed,
    level_of,
    raised,
    untaught,
    with_level,
    without_level,
)

DAYS = np.datetime64("2020-01-01") + np.arange(1500)


def told(offset=0.0, slope=0.0, days=1500, seed=3):
    """Chances of some days, and what came of them where their log odds were off by so much."""
    draw = np.random.default_rng(seed)
    said = 1.0 / (1.0 + np.exp(-draw.normal(-1.5, 1.5, days)))
    true = raised(said, offset, slope)
    return said, (draw.random(days) < true).astype(float)


def test_before_anything_came_a_chance_stays_as_it_is():
    """The untaught level adds nothing."""
    said = np.array([0.0, 0.01, 0.5, 1.0, np.nan])
    assert untaught().applied(said) == pytest.approx(said, nan_ok=True)


@pytest.mark.parametrize(("offset", "slope"), [(1.0, 0.0), (-1.0, 0.0), (0.0, 0.4), (0.5, -0.3)])
def test_what_a_chance_is_off_by_is_learned(offset, slope):
    """After four years of days the offset and the slope are found again, roughly."""
    _, level = followed(untaught(), DAYS, *told(offset, slope))
    assert level.mean == pytest.approx([offset, slope], abs=0.35)


def test_a_chance_too_low_becomes_reliable():
    """Of the later half, levelled chances say how much came; as they were they said far less."""
    said, came = told(offset=1.2)
    added, _ = followed(untaught(), DAYS, said, came)
    later = np.arange(1500) > 700
    levelled = raised(said, *added)[later].mean()
    assert abs(levelled - came[later].mean()) < 0.03 < came[later].mean() - said[later].mean()


def test_an_honest_chance_is_left_nearly_alone():
    """Noise of four years moves no chance by more than a few hundredths."""
    said, came = told()
    added, _ = followed(untaught(), DAYS, said, came)
    assert np.abs(raised(said, *added) - said).mean() < 0.03


def test_a_day_is_answered_before_it_is_learned_from():
    """What came on a day, or after it, changes nothing of that day's level."""
    said, came = told()
    other = came.copy()
    other[400:] = 1.0 - other[400:]
    first, second = (followed(untaught(), DAYS, said, each)[0] for each in (came, other))
    assert np.array_equal(first[:, :401], second[:, :401])
    assert not np.array_equal(first, second)


def test_places_of_one_day_share_its_level():
    """Cases of the same day are all answered from the days before."""
    said, came = told()
    added, _ = followed(untaught(), np.repeat(DAYS[:500], 3), said, came)
    assert (added.reshape(2, 500, 3) == added.reshape(2, 500, 3)[:, :, :1]).all()


def test_it_can_be_followed_in_two_parts():
    """Stopping, keeping the level and going on is the same as going through."""
    said, came = told()
    whole, end = followed(untaught(), DAYS, said, came)
    first, middle = followed(untaught(), DAYS[:600], said[:600], came[:600])
    second, again = followed(middle, DAYS[600:], said[600:], came[600:])
    assert np.concatenate([first, second], axis=1) == pytest.approx(whole)
    assert again.mean == pytest.approx(end.mean)


@pytest.mark.parametrize("unknown", ["said", "came"])
def test_what_is_not_known_teaches_nothing(unknown):
    """Days without a chance or without an outcome leave the level where it was."""
    said, came = told()
    nothing = np.full_like(said, np.nan)
    parts = (nothing, came) if unknown == "said" else (said, nothing)
    _, level = followed(untaught(), DAYS, *parts)
    assert not level.mean.any()


def test_time_without_news_makes_it_less_sure_and_moves_nothing():
    """After years of silence it is as unsure as before anything came, and where it was."""
    _, level = followed(untaught(), DAYS, *told(offset=1.0))
    later = level.passed(10_000)
    assert np.array_equal(later.mean, level.mean)
    assert np.diag(level.variance)[0] < np.diag(later.variance)[0]
    assert np.sqrt(np.diag(later.variance)) == pytest.approx(PRIOR)


def test_kinds_of_chance_share_a_level_and_keep_their_order():
    """What is rarer stays rarer at any level."""
    low, came = told(offset=1.0)
    added, _ = followed(untaught(), DAYS, np.stack([low, low / 2]), np.stack([came, came / 2 > 0.9]))
    assert (raised(low, *added) >= raised(low / 2, *added)).all()


@given(
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 1.0, np.nan])), min_size=1, max_size=60)
)
def test_whatever_came_a_chance_stays_a_chance(cases):
    """Any run of outcomes leaves numbers between none and certain, and the certain ones where they are."""
    said, came = np.array(cases).T
    added, level = followed(untaught(), DAYS[: len(said)], said, came)
    found = raised(said, *added)
    assert ((found >= 0.0) & (found <= 1.0)).all()
    assert level.applied(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]


def test_a_level_comes_back_from_a_file():
    """A model keeps its level, gives it back, and without it is as it was."""
    _, level = followed(untaught(), DAYS, *told(offset=0.7))
    model = {"bias": np.zeros(1)}
    kept = with_level(model, level)
    assert level_of(kept).mean == pytest.approx(level.mean, abs=1e-8)
    assert without_level(kept) == model
    assert not level_of(model).mean.any()


def test_no_day_is_less_likely_than_training_can_tell():
    """Chances of days end at one in four hundred; unknown ones stay unknown."""
    assert bounded(np.array([0.0, 0.5, 1.0])).tolist() == [RAREST, 0.5, 1.0 - RAREST]
    assert np.isnan(bounded(np.array([np.nan])))[0]


def test_many_places_under_one_sky_count_for_less_than_many_days():
    """Fifty places on one day move the level less than as many days of one place."""
    said, came = np.full(50, 0.3), np.ones(50)
    one_day = untaught().advanced(said, came)
    _, many_days = followed(untaught(), DAYS[:50], said, came)
    assert isinstance(one_day, Level)
    assert 0.0 < one_day.mean[0] < many_days.mean[0]
