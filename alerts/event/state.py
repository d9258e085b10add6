"""What the lifecycle of one hazard remembers between two ticks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ingest.times import Instants
from rules.findings import Levels
from rules.level import Level

NEVER = np.datetime64("NaT", "s")
"""No moment."""
_NAMED = tuple(Level)


@dataclass(frozen=True, kw_only=True)
class Cap:
    """A level that a person set, above which the rules may not go for a while."""

    level: Level
    """Highest level allowed; NONE where the alert was cancelled."""
    seen: Level
    """Highest level that was certain when it was set: what goes beyond that, the person did not judge."""
    until: datetime
    """When it ends by itself."""
    by: str
    """Who set it."""
    why: str = ""
    """The reason given."""


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Levels that a person upholds for a while, below which towns may not fall."""

    levels: Mapping[str, int]
    """Town -> number of the level it keeps at least."""
    until: datetime
    """When it ends by itself."""
    by: str
    """Who made it."""
    why: str = ""
    """The reason given."""


@dataclass(frozen=True, kw_only=True)
class State:
    """What the lifecycle of one hazard remembers between two ticks."""

    hazard: str
    """Name of the hazard block."""
    district: str
    """Code of the district."""
    places: tuple[str, ...]
    """Town codes, the axis of the arrays."""
    level: Levels
    """Level in force per town."""
    certain_since: Instants
    """(town, level): since when the level has been certain without a break; NaT where it is not."""
    clear_since: Instants
    """(town, level): since when the level has been impossible without a break; NaT while it is possible."""
    alert: str | None = None
    """Identifier of the open alert."""
    count: int = 0
    """Transitions of the open alert so far."""
    opened_at: datetime | None = None
    """When it opened."""
    peak_level: Level = Level.NONE
    """Highest level so far."""
    peak_value: float | None = None
    """Most severe metric so far."""
    told_until: datetime | None = None
    """The end people know of."""
    blind_since: datetime | None = None
    """Since when some town cannot be judged."""
    blind_told: bool = False
    """Whether the operator has been told of it."""
    blind_alert: str | None = None
    """Identifier under which lost data was told, where no alert was open."""
    incident: str | None = None
    """Incident of the open alert, or of the last one; see `alerts.event.incidents`, which alone sets it."""
    ended_at: datetime | None = None
    """When the last alert ended; None while one is open."""
    cap: Cap | None = None
    """What a person set it to; None where the rules alone decide."""
    stand: Stand | None = None
    """What a person upholds; None where nobody does."""

    @classmethod
    def fresh(cls, hazard: str, district: str, places: tuple[str, ...]) -> State:
        """The state of a hazard that has never been judged."""
        grid = (len(places), len(Level))
        return cls(
            hazard=hazard,
            district=district,
            places=places,
            level=np.zeros(len(places), np.int8),
            certain_since=np.full(grid, NEVER),
            clear_since=np.full(grid, NEVER),
        )

    @cached_property
    def sure(self) -> Levels:
        """Level per town that has been certain since `certain_since`; -1 before the first tick."""
        missing: Levels = np.isnat(self.certain_since).sum(axis=1, dtype=np.int8)
        return np.int8(len(Level) - 1) - missing

    @cached_property
    def possible(self) -> Levels:
        """Level per town above which `clear_since` tells since when no level has been possible."""
        counts: Levels = np.isnat(self.clear_since).sum(axis=1, dtype=np.int8) - np.int8(1)
        return counts

    @cached_property
    def resting(self) -> bool:
        """Whether nothing is in force, on hold, ordered or untold, so that a calm now changes nothing."""
        if self.top or self.blind_told:
            return False
        told = (self.alert, self.blind_since, self.blind_alert, self.cap, self.stand)
        quiet = all(item is None for item in told)
        return quiet and bool(np.isnat(self.certain_since[:, 1:]).all())

    @cached_property
    def top(self) -> Level:
        """Highest level in force."""
        return _NAMED[max(self.level.tolist(), default=0)]

    @cached_property
    def in_force(self) -> frozenset[int]:
        """Levels that some town has, without NONE."""
        return frozenset(self.level.tolist()) - {int(Level.NONE)}

    @cached_property
    def topmost(self) -> npt.NDArray[np.bool_]:
        """Towns at the highest level of the district; none where it has none."""
        # A plain number, because numpy looks long at an enumeration.
        highest: npt.NDArray[np.bool_] = self.level == (int(self.top) or -1)
        return highest
