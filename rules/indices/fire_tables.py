"""What the variants of the Canadian FWI system disagree about: one constant, and latitude bands.

Van Wagner (1987) tabulates the day length for Canada only (46 °N). Elsewhere two adaptations are in use, and
they part between 10 and 20 degrees of either hemisphere and exactly at 30 °N:

- ``van_wagner``: the printed constant 147.2 and the bands of GFWED (Field et al. 2015,
  https://doi.org/10.5194/nhess-15-1407-2015), tropics within 15 degrees; the choice of xclim.
- ``cffdrs``: the exact constant 250 * 59.5 / 101 and the bands of Lawson and Armitage (2008, Weather Guide
  for the Canadian Forest Fire Danger Rating System), tropics within 10 degrees for the DMC and 20 for the DC.

North of 20 °N, 30 °N itself left out, the bands are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Months = npt.NDArray[np.int64]

_DAY_LENGTHS: Array = np.array(
    [
        [11.5, 10.5, 9.2, 7.9, 6.8, 6.2, 6.5, 7.4, 8.7, 10.0, 11.2, 11.8],
        [10.1, 9.6, 9.1, 8.5, 8.1, 7.8, 7.9, 8.3, 8.9, 9.4, 9.9, 10.2],
        [9.0] * 12,
        [7.9, 8.4, 8.9, 9.5, 9.9, 10.2, 10.1, 9.7, 9.1, 8.6, 8.1, 7.8],
        [6.5, 7.5, 9.0, 12.8, 13.9, 13.9, 12.4, 10.9, 9.4, 8.0, 7.0, 6.0],
    ]
)
_DRYING_SOUTH = [6.4, 5.0, 2.4, 0.4, -1.6, -1.6, -1.6, -1.6, -1.6, 0.9, 3.8, 5.8]
_DRYING_NORTH = [-1.6, -1.6, -1.6, 0.9, 3.8, 5.8, 6.4, 5.0, 2.4, 0.4, -1.6, -1.6]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One consistent reading of the system."""

    moisture: float
    """Constant between FFMC and moisture content (equations 1 and 10)."""
    day_length_edges: tuple[float, float, float, float]
    """Latitudes that part the five bands of the DMC day length, south to north [°N]."""
    drying_edges: tuple[float, float]
    """Latitudes that part south, tropics and north for the DC day-length factor [°N]."""
    tropical_drying: float
    """DC day-length factor of the tropics, all year."""
    edge_belongs: Literal["north", "south"]
    """The band that holds a place exactly on an edge."""


VARIANTS: dict[str, Variant] = {
    "van_wagner": Variant(
        moisture=147.2,
        day_length_edges=(-30.0, -15.0, 15.0, 30.0),
        drying_edges=(-15.0, 15.0),
        tropical_drying=1.39,
        edge_belongs="north",
    ),
    "cffdrs": Variant(
        moisture=250.0 * 59.5 / 101.0,
        day_length_edges=(-30.0, -10.0, 10.0, 30.0),
        drying_edges=(-20.0, 20.0),
        tropical_drying=1.4,
        edge_belongs="south",
    ),
}


def variant_named(name: str) -> Variant:
    """Look a variant up; ValueError names those there are."""
    if name not in VARIANTS:
        raise ValueError(f"variant: {name!r} is not one of {', '.join(VARIANTS)}")
    return VARIANTS[name]


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What of the places matters to the codes: the tables read off at their latitudes."""

    day_length: Array
    """Effective day length of the DMC [h]: month 1..12 on the first axis, place on the second."""
    drying: Array
    """Day-length factor of the DC, on the same axes."""
    moisture: float
    """Constant between FFMC and moisture content."""

    @classmethod
    def at(cls, latitude: Array, variant: Variant) -> Ground:
        """Read the tables for an array of latitudes (place,) [°N], each within -90..90."""
        drying = np.array([_DRYING_SOUTH, [variant.tropical_drying] * 12, _DRYING_NORTH])
        return cls(
            day_length=_banded(_DAY_LENGTHS, latitude, variant.day_length_edges, variant),
            drying=_banded(drying, latitude, variant.drying_edges, variant),
            moisture=variant.moisture,
        )

    def in_month(self, month: Months) -> tuple[Array, Array]:
        """Day length and drying factor per place; one month for all places (1,), or one each."""
        if month.size == 1:
            return self.day_length[month.item() - 1], self.drying[month.item() - 1]
        place = np.arange(month.size)
        return self.day_length[month - 1, place], self.drying[month - 1, place]


def _banded(table: Array, latitude: Array, edges: tuple[float, ...], variant: Variant) -> Array:
    # searchsorted counts the edges passed; its side decides for a place on one.
    side: Literal["left", "right"] = "right" if variant.edge_belongs == "north" else "left"
    return np.ascontiguousarray(table[np.searchsorted(edges, latitude, side=side)].T)
