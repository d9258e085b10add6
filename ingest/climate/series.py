"""What a climate is: days of many years, place by place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.batch import Values

Days = npt.NDArray[np.datetime64]
"""Calendar days in Beijing, dtype ``datetime64[D]``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Climate(Mapping[str, Values]):
    """Quantity -> array (place, day) in the unit of the table of quantities; NaN where nothing is known."""

    places: tuple[str, ...]
    """Place ids, the first axis."""
    days: Days
    """Days, every one from the first to the last, the second axis."""
    series: Mapping[str, Values]
    """The arrays; a quantity that the origin does not have is absent."""
    source: str
    """Where the figures are from, to be kept with what is made of them."""

    def __getitem__(self, name: str) -> Values:
        return self.series[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.series)

    def __len__(self) -> int:
        return len(self.series)
