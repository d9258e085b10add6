"""Towns by their code: who is in a block, and figures that some towns have of their own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from rules.shared import once


@once
def names_of(block: xr.Dataset) -> tuple[str, ...]:
    """Place ids of a block."""
    # The index holds them as they were given; of the coordinate xarray would make an array of text each time.
    return tuple(block.get_index("place").tolist())


def of_towns(
    block: xr.Dataset, named: Mapping[str, float], default: float
) -> npt.NDArray[np.float64]:
    """One figure per place, (place,): its own where the place is named, else the default."""
    figures = np.full(block.sizes["place"], default)
    if named:
        rows = _rows_of(block, tuple(named))
        own = np.fromiter(named.values(), np.float64, len(named))
        figures[rows[rows >= 0]] = own[rows >= 0]
    return figures


@once
def _rows_of(block: xr.Dataset, towns: tuple[str, ...]) -> npt.NDArray[np.intp]:
    """Place of each town along the dimension of places; -1 for one that is not there."""
    # Blocks of a view share their index, and with it the table in which it looks up names.
    return np.asarray(block.get_index("place").get_indexer(pd.Index(towns)), np.intp)
