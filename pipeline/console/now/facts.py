"""What the page of the present shows; also what its twin for programs answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import PlainSerializer

from rules.level import Level

LevelKey = Annotated[Level, PlainSerializer(lambda level: Level(level).key, return_type=str)]
"""A level, which programs are told by its key: ``none`` to ``red``."""

FactsState = Literal["none", "asked", "overdue", "told"]
"""Whether the three facts are not asked for, asked for, late, or there."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """One sentence in both languages."""

    zh: str
    """Chinese."""
    en: str
    """English."""


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Something of Fengsui itself that whoever is on duty must know."""

    grave: bool
    """Whether warnings may be missing or late because of it; else it is only to be known."""
    what: Said
    """What is wrong or arranged, and since when."""
    remedy: Said
    """What to do; empty where nothing is to be done."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How it stands between one subsystem and an alert."""

    subsystem: str
    """Id of the subsystem."""
    transition: str
    """The change it is asked to acknowledge."""
    level: LevelKey
    """Level of that change."""
    since: datetime
    """When the call began."""
    by: str | None
    """Who acknowledged; None where nobody has."""
    at: datetime | None
    """When they did."""
    next_at: datetime | None
    """When the call climbs its next step; None where none is left, or somebody has it."""
    step: int
    """Last step taken."""
    facts: FactsState
    """How it stands with the three facts."""

    @property
    def waits(self) -> bool:
        """Whether nobody has acknowledged yet."""
        return self.at is None


@dataclass(frozen=True, kw_only=True)
class OpenAlert:
    """One alert that is pending, active or clearing."""

    alert: str | None
    """Identifier; None while it is pending."""
    hazard: str
    """Name of the hazard block."""
    name: Said
    """Name of the hazard."""
    level: LevelKey
    """Highest level of the district."""
    stage: str
    """``pending``, ``active`` or ``clearing``."""
    places: Mapping[str, LevelKey]
    """Town -> level."""
    towns: tuple[tuple[LevelKey, tuple[Said, ...]], ...]
    """The towns of each level by name, the highest first; no names stand for the whole district."""
    opened_at: datetime | None
    """When it opened."""
    since: datetime | None
    """Since when it stands in its stage."""
    until: datetime | None
    """The earliest moment at which it opens, is lowered or ends; None where nothing is foreseen."""
    onset: datetime | None
    """First hour at which a town of the highest level meets it."""
    expires: datetime | None
    """End of the last one."""
    value: float | None
    """Most severe metric among the towns; None where it is unknown."""
    measure: Said
    """What the value is, with its unit."""
    unjudged_since: datetime | None
    """Since when towns of it cannot be judged; None where all can."""
    rising: LevelKey | None
    """A higher level on hold."""
    capped: str
    """Who set its level and why; empty where the rules decide."""
    asked: tuple[Asked, ...]
    """Every subsystem that is to acknowledge, those first who did not."""

    @property
    def waiting(self) -> tuple[Asked, ...]:
        """Those who do not have it yet."""
        return tuple(one for one in self.asked if one.waits)

    @property
    def having(self) -> tuple[Asked, ...]:
        """Those who have it."""
        return tuple(one for one in self.asked if not one.waits)


@dataclass(frozen=True, kw_only=True)
class Incident:
    """Alerts that are one event to those who must act."""

    id: str
    """Identifier; that of the alert where it stands alone."""
    level: LevelKey
    """Highest level of its alerts."""
    alerts: tuple[OpenAlert, ...]
    """Its alerts, the most severe first."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """A change of which nobody is told before it is approved."""

    transition: str
    """Identifier of the change."""
    alert: str
    """Identifier of its alert."""
    name: Said
    """Name of the hazard."""
    level: LevelKey
    """Level it is about."""
    held: bool
    """Whether all were asked and too few answered."""
    since: datetime
    """When the first approvers were asked."""
    turn: tuple[str, ...]
    """Ids of the approvers who were asked and have not said yes."""


@dataclass(frozen=True, kw_only=True)
class Town:
    """One town and what is known of it."""

    id: str
    """Its code."""
    levels: Mapping[str, LevelKey]
    """Hazard -> level in force."""
    unknown: tuple[str, ...]
    """Hazards that may be there for all that is known, and cannot be judged."""
    age_h: float | None
    """Hours since the newest observation there [h]; None where there is none of the last day."""


@dataclass(frozen=True, kw_only=True)
class HazardNow:
    """One hazard over the whole district."""

    hazard: str
    """Name of its block."""
    name: Said
    """Its name."""
    level: LevelKey
    """Highest level in force."""
    unknown: int
    """Towns that cannot be judged."""
    waiting: bool
    """Whether it cannot be judged at all until a baseline is fitted."""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Fires that satellites saw near a town in the last day."""

    place: str
    """Code of the town, which is the nearest one."""
    count: int
    """Number of detections."""
    last: datetime
    """End of the hour of the newest one."""


@dataclass(frozen=True, kw_only=True)
class SourceAge:
    """How old the newest of one source is."""

    name: str
    """Name of the source."""
    newest: datetime | None
    """When something last became known from it; None where never."""
    silent: bool
    """Whether that is too long ago."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What a rule that is only watched would say, where it differs from the rule in force."""

    hazard: str
    """Name of its block."""
    name: Said
    """Its name."""
    level: LevelKey
    """Highest level it gives."""
    apart: int
    """Towns of which it says something else than the rule."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """The present of one instance."""

    at: datetime = field(repr=False, compare=False)
    """The moment it was read."""
    as_of: datetime | None
    """The newest tick: what is shown is as of then; None before the first."""
    remarks: tuple[Remark, ...]
    """What is wrong with Fengsui itself, the grave first."""
    incidents: tuple[Incident, ...]
    """Open incidents, the most severe first; those that are pending last."""
    releases: tuple[Release, ...]
    """Changes that wait for approval, the oldest first."""
    hazards: tuple[HazardNow, ...]
    """Every hazard that is judged."""
    towns: tuple[Town, ...]
    """Every town."""
    spots: tuple[Spot, ...]
    """Hot spots."""
    sources: tuple[SourceAge, ...]
    """Every source in use."""
    watched: tuple[Watched, ...]
    """What rules that are only watched say differently."""

    @property
    def level(self) -> Level:
        """Highest level of any alert that has opened."""
        return max((one.level for one in self.open), default=Level.NONE)

    @property
    def open(self) -> tuple[OpenAlert, ...]:
        """Alerts that have opened."""
        return tuple(
            one for incident in self.incidents for one in incident.alerts if one.alert is not None
        )

    @property
    def unanswered(self) -> int:
        """Calls that nobody has acknowledged."""
        return sum(len(one.waiting) for one in self.open)

    @property
    def blind(self) -> int:
        """Towns of which something cannot be judged."""
        return sum(1 for town in self.towns if town.unknown)
