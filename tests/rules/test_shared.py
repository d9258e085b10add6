"""What hazards of a block share is found once, and belongs to that block alone."""

import gc
import pickle
import weakref

import numpy as np
import pytest
from simulators.sky import block, days

from rules.shared import once
from rules.windows import over_hours, zero_of


def test_a_block_is_asked_once():
    """A second question with the same arguments gets the very same answer."""
    asked = []

    @once
    def find(seen, number):
        asked.append(number)
        return [number]

    seen = block(days({}))
    assert find(seen, 1) is find(seen, 1)
    find(seen, 2)
    assert asked == [1, 2]


def test_a_cut_of_a_block_begins_with_nothing():
    """What was found of the whole is not true of a part."""
    seen = block(days({}))
    assert zero_of(seen.isel(hour=slice(1, None))) == zero_of(seen) - 1


def test_what_was_found_goes_with_the_block():
    """Nothing waits for the collector: there is no circle of references."""

    class Answer:
        """Something that can be watched."""

    @once
    def find(seen):
        return Answer()

    seen = block(days({}))
    watched = weakref.ref(find(seen))
    gc.disable()
    try:
        del seen
        assert watched() is None
    finally:
        gc.enable()


def test_a_block_is_handed_over_without_what_was_found():
    """Another process finds it for itself."""
    seen = block(days({}))
    zero = zero_of(seen)
    assert zero_of(pickle.loads(pickle.dumps(seen))) == zero


@pytest.mark.parametrize("hours", [1, 15, 16, 17, 24, 49, 97])
@pytest.mark.parametrize("places", [1, 21, 600])
@pytest.mark.parametrize("missing", [0.0, 0.05])
def test_halving_finds_what_going_hour_by_hour_finds(hours, places, missing):
    """Also where hours are missing, and with days between the places and the hours."""
    random = np.random.default_rng(hours + places)
    series = random.normal(size=(2, places, 3, hours))
    series[random.random(series.shape) < missing] = np.nan
    for part in (series, series[:, :, 0]):
        np.testing.assert_array_equal(over_hours(np.maximum, part), part.max(axis=-1))
