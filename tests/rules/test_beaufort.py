"""The table of wind forces."""

import numpy as np
import pytest

from rules.beaufort import LOWEST, STRONGEST, force_of, lowest_speed


@pytest.mark.parametrize("force", range(1, STRONGEST + 1))
def test_each_force_begins_at_its_lowest_wind(force):
    """And a tenth less is the force below."""
    lowest = lowest_speed(force)
    assert force_of(np.array([lowest, lowest - 0.1])).tolist() == [force, force - 1]


@pytest.mark.parametrize(
    ("speed", "force"), [(0.0, 0), (7.94, 4), (7.96, 5), (10.8, 6), (20.7, 8), (70.0, 17)]
)
def test_winds_are_compared_in_tenths(speed, force):
    """The classes leave no gap only there."""
    assert force_of(np.array([speed]))[0] == force


@pytest.mark.parametrize("speed", [np.nan, np.inf, -np.inf])
def test_no_wind_known_is_no_force(speed):
    """Never calm."""
    assert np.isnan(force_of(np.array([speed]))[0])


@pytest.mark.parametrize("force", [-1, 18])
def test_a_force_that_does_not_exist_is_refused(force):
    """Naming those that do."""
    with pytest.raises(ValueError, match="write 0 to 17"):
        lowest_speed(force)


def test_forces_rise():
    """Eighteen of them."""
    assert len(LOWEST) == 18
    assert (np.diff(LOWEST) > 0).all()
