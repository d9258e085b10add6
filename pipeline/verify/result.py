"""What a verification found; every score with its interval and the number of cases behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

from alerts.duty.people import Advice
from pipeline.verify.bootstrap import Figure
from pipeline.verify.catalogue import Occurrence
from pipeline.verify.load import Load
from pipeline.verify.matching import Matches, Windows
from pipeline.verify.reliability import Reliability
from pipeline.verify.table import Contingency
from pipeline.verify.tiers import Tiers
from pipeline.verify.value import Worth
from rules.level import Level

Fate = Literal["hit", "late", "near", "miss"]
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Story:
    """One event, and how it was warned of."""

    occurrence: Occurrence
    """The event."""
    level: Level
    """Level it was judged at: the highest of the ladder that it deserved, the lowest where nobody knows."""
    fate: Fate
    """Whether it was warned of at that level in time, too late, nearly, or not at all."""
    leads: Mapping[Level, timedelta]
    """Level that it deserved and that was reached in time or late -> from its first warning to the onset;
    below zero where it came after."""
    alert: str | None = None
    """The alert of that first warning; None where there was none."""

    @property
    def first(self) -> timedelta | None:
        """Lead time of the very first warning, of any level; None where there was none."""
        return max(self.leads.values(), default=None)

    def as_json(self) -> dict[str, object]:
        """All of it; times in hours."""
        return {
            "event": self.occurrence.as_json(), "level": self.level.key, "fate": self.fate,
            "lead_h": {level.key: lead / _HOUR for level, lead in self.leads.items()},
            "first_lead_h": None if self.first is None else self.first / _HOUR, "alert": self.alert,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LevelScore:
    """How one level of one hazard did."""

    level: Level
    """The level; warnings of it and above count."""
    matches: Matches
    """What became of every event and warning."""
    events: Contingency
    """Table of events and warnings; correct negatives cannot be counted."""
    days: Contingency
    """Table of Beijing days."""
    figures: Mapping[str, Figure]
    """Name -> score: pod, far, csi, bias of the events; day_pod, pofd, sedi, peirce of the days."""
    time: timedelta
    """How long the district stood at exactly this level."""

    @property
    def leads(self) -> tuple[timedelta, ...]:
        """Lead times of the hits, the shortest first, without those of warnings that stood already."""
        return tuple(sorted(one.lead for one in self.matches.hits if not one.standing))

    @property
    def standing(self) -> int:
        """Hits by a warning that stood long before, whose lead time tells nothing of foresight."""
        return sum(one.standing for one in self.matches.hits)

    def as_json(self) -> dict[str, object]:
        """All of it; times in hours, events and alerts by their identifiers."""
        told, leads = self.matches, [lead / _HOUR for lead in self.leads]
        return {
            "level": self.level.key,
            "events": self.events.as_json(), "days": self.days.as_json(),
            "figures": {name: figure.as_json() for name, figure in self.figures.items()},
            "lead_h": {"n": len(leads), "standing": self.standing, "shortest": min(leads, default=None),
                       "median": median(leads) if leads else None,
                       "longest": max(leads, default=None)},
            "hours_at_level": self.time / _HOUR,
            "hits": [
                {"event": one.occurrence.id, "alert": one.warned.alert, "lead_h": one.lead / _HOUR}
                for one in told.hits
            ],
            "late": [
                {"event": one.occurrence.id, "alert": one.warned.alert, "lead_h": one.lead / _HOUR}
                for one in told.late
            ],
            "misses": [one.id for one in told.misses],
            "false_alarms": [
                {"alert": one.alert, "began": one.began.isoformat(),
                 "ended": one.ended.isoformat() if one.ended else None, "level": one.level.key}
                for one in told.false_alarms
            ],
            "near_hits": [
                {"event": one.occurrence.id, "alert": one.warned.alert, "why": one.why}
                for one in told.near_hits
            ],
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class HazardScore:
    """How one hazard did."""

    hazard: str
    """Name of the hazard block."""
    windows: Windows
    """How far a warning and an event might lie apart."""
    levels: Mapping[Level, LevelScore]
    """Level of the ladder -> its scores, rising."""
    stories: tuple[Story, ...]
    """Its events, by onset."""
    judged: bool = True
    """False where the catalogue holds no event of it at all, at any time: nothing can be said against its
    warnings, and all figures are NaN."""
    tiers: Tiers | None = None
    """Score of the ladder as a whole, per day; None where no event's level is known."""
    reliability: Reliability | None = None
    """Score of its probabilities; None where its metric is none."""

    def as_json(self) -> dict[str, object]:
        """All of it."""
        spans = {name: getattr(self.windows, name) / _HOUR for name in ("early", "late", "near")}
        return {
            "hazard": self.hazard, "judged": self.judged, "windows_h": spans,
            "levels": {level.key: score.as_json() for level, score in self.levels.items()},
            "stories": [story.as_json() for story in self.stories],
            "tiers": None if self.tiers is None else self.tiers.as_json(),
            "reliability": None if self.reliability is None else self.reliability.as_json(),
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What a period of warnings was worth."""

    event: str
    """Name of the event or period replayed."""
    start: datetime
    """First moment, aware UTC."""
    end: datetime
    """Last moment, aware UTC."""
    block: str
    """What the bootstrap draws as one: day, week, season or year."""
    hazards: Mapping[str, HazardScore]
    """Hazard -> its scores; hazards without any event or warning are left out."""
    quiet: tuple[str, ...]
    """Hazards without any event or warning."""
    worth: tuple[Worth, ...]
    """Value to each subsystem of each hazard it hears of, where something happened."""
    load: Load
    """What the warnings asked of people."""
    notes: tuple[Advice, ...] = field(default=())
    """What a reader must know before believing the figures, in both languages."""

    @property
    def stories(self) -> tuple[Story, ...]:
        """All events, by onset."""
        told = (story for score in self.hazards.values() for story in score.stories)
        return tuple(sorted(told, key=lambda story: (story.occurrence.onset, story.occurrence.id)))

    def as_json(self) -> dict[str, object]:
        """All of it, ready for JSON: moments in ISO 8601, times in hours, None for what cannot be told."""
        return {
            "event": self.event, "from": self.start.isoformat(), "to": self.end.isoformat(),
            "block": self.block,
            "hazards": {name: score.as_json() for name, score in self.hazards.items()},
            "quiet": list(self.quiet),
            "worth": [one.as_json() for one in self.worth],
            "load": self.load.as_json(),
            "notes": [{"zh": note.zh, "en": note.en} for note in self.notes],
        }  # fmt: skip
