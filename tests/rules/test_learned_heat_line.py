"""The line of a place: it finds by how much each model should count, and forgets."""

import numpy as np
import pytest

from rules.learned import heat_line
from rules.learned.heat_memory import Ended, Outlook, advance, line_error, nothing_known, passed

RNG = np.random.default_rng(8)
PLACES = 40
WEATHER = np.full((5, PLACES), 10.0)


def days_of(count=120, better=2):
    """The memory of some places after days on which one model alone was right, and the last evening."""
    memory = nothing_known(PLACES)
    for day in range(count + 1):
        said = 30.0 + RNG.normal(0, 3, PLACES) + RNG.normal(0, 1, (5, PLACES))
        evening = Outlook(tomorrow=said, earlier=said, after=said, date=np.datetime64("2024-05-01") + day)
        if day == count:
            return memory, evening, said[better]
        memory = advance(memory, evening, Ended(maximum=said[better], weather=WEATHER))


@pytest.mark.parametrize("better", range(5))
def test_the_model_that_is_right_is_found(better):
    """After four months the line is nearer to what that model says than the mean, by far."""
    memory, evening, right = days_of(better=better)
    off = np.abs(right - evening.mean - line_error(memory, evening)).mean()
    assert off < 0.4 * np.abs(right - evening.mean).mean()


def test_a_new_place_has_the_line_zero():
    """Without a past nothing is added to the mean."""
    _, evening, _ = days_of(1)
    assert not line_error(nothing_known(PLACES), evening).any()


def test_a_day_without_a_maximum_only_fades():
    """An unknown outcome is no error of zero."""
    memory, evening, _ = days_of(30)
    blind = advance(memory, evening, Ended(maximum=np.full(PLACES, np.nan), weather=WEATHER))
    assert blind.sums == pytest.approx(memory.sums * heat_line.FADE)


def test_silence_draws_the_line_back_to_zero():
    """After years without news it says what it says of a new place."""
    memory, evening, _ = days_of()
    near = np.abs(line_error(memory, evening))
    assert (np.abs(line_error(passed(memory, 2000), evening)) < 1e-6).all()
    assert near.max() > 0.1


@pytest.mark.parametrize("kept", [0, 1, 4])
def test_missing_models_leave_a_number(kept):
    """With some models or none the line still has an answer, and no NaN in it."""
    memory, evening, _ = days_of(40)
    said = np.where(np.arange(5)[:, None] < kept, evening.tomorrow, np.nan)
    poor = Outlook(tomorrow=said, earlier=said, after=said, date=evening.date)
    assert np.isfinite(line_error(memory, poor)).all()
