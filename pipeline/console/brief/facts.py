"""What whoever takes over must know, on one page."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.console.brief.shifts import Stretch, Which
from pipeline.console.duty.rotas import Hole, InPlace, OnDuty
from pipeline.console.duty.shapes import Called, Instant, LevelKey, Somebody
from pipeline.console.duty.silence_facts import Quieted


@dataclass(frozen=True, kw_only=True)
class Said:
    """A sentence in both languages."""

    zh: str
    """In Chinese."""
    en: str
    """In English."""
    since: Instant | None = None
    """Since when it holds; None where the sentence says so itself."""


@dataclass(frozen=True, kw_only=True)
class OpenLine:
    """An open alert, or one that is about to open."""

    alert: str | None
    """Its identifier; None while nobody was told."""
    hazard: Called
    """Its hazard."""
    level: LevelKey
    """Highest level of the district; of what is pending, the level that is certain."""
    stage: str
    """``pending``, ``active`` or ``clearing``."""
    towns: int
    """Towns concerned."""
    since: Instant | None
    """When it opened; of what is pending, since when the level is certain."""
    until: Instant | None
    """The end people know of; of what is pending, when it opens."""
    expiring: bool
    """Whether the end people know of comes before the end of the shift that takes over."""
    clears: Instant | None
    """When a level that is only kept is let go, if nothing changes."""
    rising: LevelKey | None
    """A higher level that is certain and on hold."""
    blind_since: Instant | None
    """Since when some town cannot be judged."""
    waiting: tuple[Called, ...]
    """Subsystems that were called and have not answered."""


@dataclass(frozen=True, kw_only=True)
class ReleaseLine:
    """A change of which nobody is told before it is approved."""

    alert: str
    """Identifier of the alert."""
    hazard: Called
    """Its hazard."""
    level: LevelKey
    """The level it is about."""
    held: bool
    """Whether all were asked, and too few answered."""
    since: Instant
    """When the first were asked."""
    people: tuple[Somebody, ...]
    """Whose turn it is."""


@dataclass(frozen=True, kw_only=True)
class OwedLine:
    """Something a subsystem has not answered."""

    kind: str
    """``call``, ``facts`` or ``closing``."""
    alert: str
    """Identifier of the alert."""
    hazard: Called
    """Its hazard."""
    subsystem: Called
    """Which subsystem."""
    since: Instant
    """Since when it is asked."""


@dataclass(frozen=True, kw_only=True)
class ChangeLine:
    """One change in the shift."""

    at: Instant
    """When."""
    hazard: Called
    """The hazard."""
    reason: str
    """Why, as a key such as ``opened``."""
    before: LevelKey
    """Highest level of the district before."""
    after: LevelKey
    """Highest level after."""


@dataclass(frozen=True, kw_only=True)
class DamageLine:
    """Something that happened (灾情)."""

    onset: Instant
    """When it began."""
    hazard: Called
    """The hazard."""
    places: tuple[str, ...]
    """Names of the towns; empty for the district."""
    what: str
    """What happened."""
    source: str
    """Who tells of it."""


@dataclass(frozen=True, kw_only=True)
class CrewLine:
    """Who holds the shift that takes over."""

    subsystem: Called
    """Which subsystem."""
    turns: tuple[OnDuty, ...]
    """Stretch by stretch."""


@dataclass(frozen=True, kw_only=True)
class Brief:
    """The handover brief."""

    at: Instant
    """The moment it was made."""
    exercise: str | None
    """Name of the drill it belongs to; None where it is real."""
    which: Which
    """Which shift it is about."""
    shift: Stretch
    """That shift."""
    leaving: tuple[OnDuty, ...]
    """Who holds it at the command centre."""
    coming: Stretch
    """The shift that takes over."""
    open: tuple[OpenLine, ...]
    """Open alerts, the most severe first."""
    watch: tuple[OpenLine, ...]
    """Levels that are certain and on hold: nobody has been told."""
    releases: tuple[ReleaseLine, ...]
    """Changes that wait for approval."""
    owed: tuple[OwedLine, ...]
    """Calls without an answer, facts and closing reports that did not come."""
    sick: tuple[Said, ...]
    """What is wrong with Fengsui itself, its sources and its gateways."""
    notes: tuple[Said, ...]
    """What is left to do and nobody's fault."""
    holes: tuple[Hole, ...]
    """Where nobody would answer, up to the end of the shift that takes over."""
    crews: tuple[CrewLine, ...]
    """Who holds the shift that takes over."""
    stand_ins: tuple[InPlace, ...]
    """Stand-ins that count now or later."""
    silences: tuple[Quieted, ...]
    """Silences in force; each ends by itself."""
    changes: tuple[ChangeLine, ...]
    """What changed in the shift, the newest first."""
    damages: tuple[DamageLine, ...]
    """What happened in the shift and was reported, the newest first."""
    drills: tuple[Said, ...]
    """Drills that were begun in the shift."""

    @property
    def expiring(self) -> list[OpenLine]:
        """Open alerts whose end comes before the end of the shift that takes over."""
        return sorted((line for line in self.open if line.expiring), key=lambda line: line.until or self.at)
