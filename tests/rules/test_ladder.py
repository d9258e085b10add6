"""A ladder says from where on a level is reached, and where it is left."""

from datetime import timedelta

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from rules.hazards.heat import HeatRung
from rules.ladder import Falling, Rising, check_ladder, reached
from rules.level import Level, LevelName

HEAT = TypeAdapter(dict[LevelName, HeatRung])


@pytest.mark.parametrize(
    ("metric", "threshold", "resolution", "expected"),
    [
        (34.9, 35.0, 0.1, False), (34.94, 35.0, 0.1, False), (34.96, 35.0, 0.1, True),
        (35.0, 35.0, 0.1, True), (35.1, 35.0, 0.1, True), (0.1 + 0.2, 0.3, 0.1, True),
        (49.9, 50.0, 0.1, False), (sum([0.1] * 500), 50.0, 0.1, True), (99.4, 100.0, 1.0, False),
        (99.6, 100.0, 1.0, True), (-5.0, -5.0, 0.1, True), (-5.1, -5.0, 0.1, False),
        (float("nan"), 0.0, 0.1, False), (float("inf"), 35.0, 0.1, True),
        (float("-inf"), 35.0, 0.1, False),
    ],
)
def test_reached_is_at_or_above_in_whole_steps(metric, threshold, resolution, expected):
    """As an instrument of that resolution would report it; NaN never reaches."""
    assert reached(np.array([metric]), threshold, resolution).tolist() == [expected]


@pytest.mark.parametrize("tenth", range(-100, 600, 7))
def test_every_tenth_reaches_itself_and_not_the_next(tenth):
    """Whatever the last binary digit of a figure."""
    figure = np.array([tenth / 10])
    assert reached(figure, tenth / 10, 0.1).all()
    assert not reached(figure, (tenth + 1) / 10, 0.1).any()


def test_the_shape_is_kept():
    """One answer for each figure."""
    assert reached(np.zeros((2, 0, 3)), 1.0, 0.1).shape == (2, 0, 3)


@pytest.mark.parametrize(("clear_below", "clearing"), [(None, 37.0), (36.0, 36.0), (37.0, 37.0)])
def test_a_level_is_left_below_its_clearing_threshold(clear_below, clearing):
    """Which is the threshold itself where no lower one is given."""
    assert Rising(at_least=37.0, clear_below=clear_below).clearing == clearing


@pytest.mark.parametrize(("clear_above", "clearing"), [(None, 0.0), (2.0, 2.0), (0.0, 0.0)])
def test_a_falling_level_is_left_above_its_clearing_threshold(clear_above, clearing):
    """Where low values are the dangerous ones."""
    rung = Falling(at_most=0.0, clear_above=clear_above)
    assert (rung.limit, rung.clearing) == (0.0, clearing)


@pytest.mark.parametrize(
    ("ladder", "says"),
    [
        ({}, "at least one"), ({Level.NONE: Rising(at_least=0.0)}, "never none"),
        ({Level.RED: Rising(at_least=40.0, clear_below=40.1)}, "red: clear_below 40.1 is above"),
        ({Level.BLUE: Falling(at_most=0.0, clear_above=-1.0)}, "blue: clear_above -1.0 is below"),
    ],
)
def test_an_impossible_ladder_is_refused(ladder, says):
    """With the rung and the remedy."""
    with pytest.raises(ValueError, match=says):
        check_ladder(ladder)


def test_a_ladder_is_read_as_it_is_written():
    """Levels by name, durations with their unit."""
    written = {"red": {"at_least": 40, "within": "24h", "keep": "6h"}}
    found = HEAT.validate_python(written)
    day, six = timedelta(hours=24), timedelta(hours=6)
    assert found == {Level.RED: HeatRung(at_least=40.0, within=day, keep=six)}


@pytest.mark.parametrize(
    "written", [{"purple": {"at_least": 40}}, {"red": {}}, {"red": {"at_least": 40, "keep": 6}}]
)
def test_a_ladder_with_a_mistake_is_refused(written):
    """Unknown level, missing threshold, bare number for a duration."""
    with pytest.raises(ValidationError):
        HEAT.validate_python(written)
