"""What a replay found: changes, messages, who was paged when, and the weather against the ladders."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from alerts.event.transition import Reason, Transition
from alerts.outgoing.delivery import Delivery
from ingest.times import Instants
from rules.level import Level

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Paged:
    """One message that reached one person: a change, or the most severe of those of a digest."""

    at: datetime
    """When it reaches the person: quiet hours and the budget of messages waited for, aware UTC."""
    person: str
    """Id of the person, who is on duty then."""
    subsystem: str
    """Id of the subsystem through which."""
    transition: str
    """Identifier of the change."""
    alert: str
    """Identifier of the alert."""
    hazard: str
    """Name of the hazard block."""
    level: Level
    """The higher of the levels the change leads from and to."""
    reason: Reason
    """What kind of change."""
    calls: bool
    """Whether it must be answered: the phone rings until somebody does."""
    night: bool
    """Whether it is night in Beijing then (`Service.night`)."""
    woken: bool
    """Whether it falls into the person's own quiet hours all the same; without any, into the night."""
    changes: int = 1
    """How many changes it tells of: more than 1 for a digest."""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The weather of one hazard against its ladder; arrays have one value per now."""

    hazard: str
    """Name of the hazard block."""
    nows: Instants
    """Moments judged, (now,)."""
    value: Array
    """Most severe metric of the district, (now,), in `unit`; NaN where no town's is known."""
    floor: npt.NDArray[np.int8]
    """Highest level that is certain in some town, (now,)."""
    level: npt.NDArray[np.int8]
    """Highest level in force after the now, (now,)."""
    unknown: Counts
    """Number of towns that cannot be judged, (now,)."""
    limits: Mapping[Level, float]
    """Level -> threshold."""
    unit: str
    """Unit of value and thresholds."""
    falling: bool
    """True where low values are the dangerous ones."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What a replay found."""

    event: str
    """Name of the event, or the period."""
    ticks: int
    """Nows judged."""
    elapsed_s: float
    """Time the judging and routing took [s]."""
    transitions: tuple[Transition, ...]
    """Changes in order."""
    deliveries: Collection[Delivery]
    """Messages that would have gone out, had everybody answered at the first call and approved at once."""
    start: datetime
    """First moment, aware UTC."""
    end: datetime
    """Last moment, aware UTC."""
    pages: tuple[Paged, ...] = ()
    """Messages as they reached people, by time; digests folded as the daemon folds them."""
    blind: Mapping[str, timedelta] = field(default_factory=dict)
    """Hazard -> time in which some town could not be judged."""
    traces: Mapping[str, Trace] = field(default_factory=dict)
    """Hazard -> weather against its ladder; empty unless it was asked for."""

    @property
    def months(self) -> float:
        """Length of the period in months of 30.44 days; at least a day, so that nothing divides by zero."""
        return max((self.end - self.start) / timedelta(days=1), 1.0) / 30.436875
