"""What a model is asked about one day: features of every town now, and as they were on the days before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.learned.manifest import Array


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Features for one day that is foretold."""

    offset: int
    """The day: 0 under way, 1 tomorrow, counted as in a block."""
    table: Array
    """Features now, (place, feature); NaN where unknown."""
    past: Array
    """The same on days before, oldest first, (day, place, feature), for drift."""
    came: Mapping[str, Array] = field(default_factory=dict)
    """Chance -> what came on those days, (day, place): 1 or 0, NaN where it is not known yet."""
