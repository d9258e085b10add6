"""A batch: what one source said at one moment. Immutable, with three times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag
from typing import Literal

import numpy as np
import numpy.typing as npt

from ingest.quantities import quantity
from ingest.times import Instants, utc

Kind = Literal["observation", "forecast"]
Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.uint8]


class Flag(IntFlag):
    """What is known about one value: the first four mask it, the rest say where it came from."""

    RANGE = 1
    """Outside the believable bounds of its quantity."""
    STEP = 2
    """Jumped further in one hour than the quantity can."""
    STUCK = 4
    """One of too many equal values in a row."""
    SPATIAL = 8
    """Too far from the median of all places."""
    STALE = 16
    """Forecast older than its source's freshness limit; set when a block is read, never stored."""
    ANALYSIS = 32
    """A model's analysis standing in for an observation."""
    RECONSTRUCTED = 64
    """Drawn from daily extremes by a diurnal curve, not measured."""
    PERFECT_PROGNOSIS = 128
    """A forecast taken from the recording's own future: it could not have been known then."""


MASKING = Flag.RANGE | Flag.STEP | Flag.STUCK | Flag.SPATIAL | Flag.STALE
PROVENANCE = Flag.ANALYSIS | Flag.RECONSTRUCTED | Flag.PERFECT_PROGNOSIS


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Values of some quantities at some places and hours, as one source stated them once.

    NaN means "not said": it never replaces an earlier value. Raises ValueError where the parts do not
    fit together, naming the part.
    """

    source: str
    """Name of the source block in the configuration."""
    kind: Kind
    """Whether the values were observed or are foretold."""
    issued_at: datetime
    """When the source made the statement (run time of a forecast), aware UTC."""
    available_at: datetime
    """When we came to know it, aware UTC; nothing before this moment may use it."""
    places: tuple[str, ...]
    """Place ids, the first axis of every array."""
    valid_at: Instants
    """Hours of the weather, strictly increasing whole UTC hours, the second axis of every array."""
    values: Mapping[str, Values]
    """Quantity name -> array (place, hour) in the unit of the table of quantities."""
    flags: Mapping[str, Flags] = field(default_factory=dict)
    """Quantity name -> array (place, hour) of Flag bits; absent means no flag anywhere."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "issued_at", utc(self.issued_at))
        object.__setattr__(self, "available_at", utc(self.available_at))
        object.__setattr__(self, "valid_at", np.asarray(self.valid_at, dtype="datetime64[s]"))
        _check_places(self.places)
        _check_hours(self.valid_at)
        shape = (len(self.places), self.valid_at.size)
        for name, array in self.values.items():
            quantity(name)
            _check_shape(name, array, shape)
        for name, bits in self.flags.items():
            if name not in self.values:
                raise ValueError(f"flags for {name}, but no values")
            _check_shape(name, bits, shape)

    @classmethod
    def checked(cls, **parts: object) -> Batch:
        """A batch of all the fields of one that was checked when it was made; nothing is checked again."""
        batch = object.__new__(cls)
        vars(batch).update(parts)
        return batch

    def flags_of(self, name: str) -> Flags:
        """Flag bits (place, hour) of a quantity; zeros where none were set."""
        found = self.flags.get(name)
        return found if found is not None else np.zeros(self.values[name].shape, dtype=np.uint8)


def _check_places(places: tuple[str, ...]) -> None:
    if not places or len(set(places)) != len(places):
        raise ValueError("places of a batch must be given, each once")


def _check_hours(valid_at: Instants) -> None:
    seconds = valid_at.astype(np.int64)
    if valid_at.size == 0 or np.isnat(valid_at).any():
        raise ValueError("valid_at of a batch is empty or holds NaT")
    if (seconds % 3600).any() or (np.diff(seconds) <= 0).any():
        raise ValueError("valid_at of a batch must be whole UTC hours, strictly increasing")


def _check_shape(name: str, array: npt.NDArray[np.generic], shape: tuple[int, int]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected (place, hour) = {shape}")
