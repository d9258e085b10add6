"""Figures that some towns have of their own."""

import xarray as xr

from rules.towns import names_of, of_towns


def test_a_town_that_is_named_has_its_own_figure_and_the_others_the_default():
    """In the order of the block; a name that the block lacks does no harm."""
    block = xr.Dataset(coords={"place": ["b", "a", "c"]})
    assert of_towns(block, {"a": 2.0, "elsewhere": 9.0}, 1.0).tolist() == [1.0, 2.0, 1.0]
    assert of_towns(block, {}, 1.0).tolist() == [1.0, 1.0, 1.0]


def test_names_are_the_text_they_were():
    """Plain strings, as findings carry them."""
    assert names_of(xr.Dataset(coords={"place": ["500153001", "x"]})) == ("500153001", "x")
