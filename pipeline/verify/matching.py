"""Which warnings were about which events.

An occurrence is hit where a warning of the level asked for was in force at some time from `early` before its
onset to `late` after it. The warning may have begun long before; the lead time tells. What began only after
that, and before the event was over, came too late. `near` widens both sides: a warning there is a near hit,
and so is one in time for other towns, or of another level. A near hit is told of, and counts as a miss and a
false alarm all the same: nobody was warned in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from ingest.registry import Duration
from pipeline.verify.catalogue import Occurrence
from pipeline.verify.table import Contingency
from pipeline.verify.warned import Warned, warned
from rules.level import Level

__all__ = ["Hit", "Late", "Matches", "Near", "Warned", "Windows", "is_of", "match", "warned"]

Why = Literal["time", "place", "level", "verdict"]


@dataclass(frozen=True, kw_only=True)
class Windows:
    """How far a warning and an event may lie apart."""

    early: Duration = timedelta(hours=24)
    """A warning may have ended so long before the onset and still have been about it."""
    late: Duration = timedelta(0)
    """A warning may begin so long after the onset and still be in time."""
    near: Duration = timedelta(hours=24)
    """So much beyond either side a warning is a near hit."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """An event that was warned of in time."""

    occurrence: Occurrence
    """The event."""
    warned: Warned
    """The warning of it that came first."""
    lead: timedelta
    """From the warning's reaching the level to the onset; below zero where it came after."""
    standing: bool = False
    """Whether the level was reached before the window: it stood already, for something earlier."""


@dataclass(frozen=True, kw_only=True)
class Late(Hit):
    """An event that was warned of too late, by the first warning after the window; `lead` is below zero."""


@dataclass(frozen=True, kw_only=True)
class Near:
    """A warning that was nearly right."""

    occurrence: Occurrence
    """The event it was nearest to, or the verdict that says so."""
    warned: Warned
    """The warning."""
    why: Why
    """What did not fit: the time, the towns, or the level; or an officer said so."""


@dataclass(frozen=True, kw_only=True)
class Matches:
    """What became of every event and every warning of a level; an event is in one list only."""

    at_least: Level
    """The level."""
    hits: tuple[Hit, ...] = ()
    """Events warned of in time."""
    misses: tuple[Occurrence, ...] = ()
    """Events without any warning."""
    false_alarms: tuple[Warned, ...] = ()
    """Warnings of the level without any event, not even a near one."""
    near_hits: tuple[Near, ...] = ()
    """Warnings, of any level, that were nearly right."""
    late: tuple[Late, ...] = ()
    """Events warned of too late."""

    @property
    def deserved(self) -> tuple[Occurrence, ...]:
        """All events of the level, each once."""
        met = [one.occurrence for one in self.hits] + [one.occurrence for one in self.late]
        told = (*met, *self.misses, *(one.occurrence for one in self.near_hits))
        events = {one.id: one for one in told if one.happened and is_of(one, self.at_least)}
        return tuple(events.values())

    @property
    def unmatched(self) -> tuple[Warned, ...]:
        """Warnings of the level that were not in time for any event: false alarms and near hits."""
        near = {one.warned.alert: one.warned for one in self.near_hits}
        return (*self.false_alarms, *(w for w in near.values() if w.level >= self.at_least))

    @property
    def table(self) -> Contingency:
        """Events hit and missed (late and near ones too) and warnings in vain."""
        hits = len(self.hits)
        return Contingency(
            hits=hits, misses=len(self.deserved) - hits, false_alarms=len(self.unmatched)
        )


def is_of(occurrence: Occurrence, at_least: Level) -> bool:
    """Whether an event deserved a warning of a level: one of unknown level deserved any."""
    return occurrence.level is None or occurrence.level >= at_least


def match(
    warnings: Sequence[Warned], occurrences: Sequence[Occurrence], windows: Windows, at_least: Level
) -> Matches:
    """Match warnings of a level or above with the events that deserved one; hazards match by name.

    Several warnings may be in time for one event: the first is its hit and none is a false alarm. One long
    warning may be in time for several events.
    """
    strong = [one for one in warnings if one.level >= at_least]
    events = [one for one in occurrences if one.happened and is_of(one, at_least)]
    fates = _Fates(at_least=at_least, windows=windows)
    for event in events:
        fates.settle(event, [one for one in strong if one.hazard == event.hazard])
    free = [one for one in strong if one.alert not in fates.used]
    for one in free:
        fates.excuse(one, [other for other in occurrences if other.hazard == one.hazard])
    fates.mourn([one for one in warnings if one.level < at_least])
    return fates.told([one for one in free if one.alert not in fates.used])


@dataclass(frozen=True, kw_only=True)
class _Fates:
    """What is decided so far."""

    at_least: Level
    """The level asked for."""
    windows: Windows
    """How far a warning and an event may lie apart."""
    hits: list[Hit] = field(default_factory=list)
    """Events warned of in time."""
    late: list[Late] = field(default_factory=list)
    """Events warned of too late."""
    near: list[Near] = field(default_factory=list)
    """Warnings that were nearly right."""
    open: list[Occurrence] = field(default_factory=list)
    """Events that nothing was in time for."""
    used: set[str] = field(default_factory=set)
    """Alerts that belong to an event."""

    def settle(self, event: Occurrence, warnings: Sequence[Warned]) -> None:
        """Decide whether an event was hit or warned of late, or leave it open."""
        here = [one for one in warnings if _same_place(one, event, self.at_least)]
        begun = {one.alert: self._first(one, event) for one in here}
        timely = [(at, one) for one in here if (at := begun[one.alert]) is not None]
        after = [(at, one) for one in here if (at := self._afterwards(one, event)) is not None]
        self.used.update(one.alert for _, one in (*timely, *after))
        if timely:
            at, first = min(timely, key=lambda pair: pair[0])
            standing = at < event.earliest - self.windows.early
            lead = event.onset - at
            self.hits.append(Hit(occurrence=event, warned=first, lead=lead, standing=standing))
        elif after:
            at, first = min(after, key=lambda pair: pair[0])
            self.late.append(Late(occurrence=event, warned=first, lead=event.onset - at))
        else:
            self.open.append(event)

    def excuse(self, warning: Warned, occurrences: Sequence[Occurrence]) -> None:
        """Call a warning that hit nothing a near hit, where something near happened."""
        for one in occurrences:
            why = self._near(warning, one)
            if why is not None:
                self.near.append(Near(occurrence=one, warned=warning, why=why))
                self.used.add(warning.alert)
                return

    def mourn(self, lesser: Sequence[Warned]) -> None:
        """Call a lower warning that was in time for an event a near hit of it."""
        for event in self.open:
            for one in lesser:
                if one.hazard == event.hazard and self._overlaps(one, event, Level.BLUE, timedelta(0)):
                    self.near.append(Near(occurrence=event, warned=one, why="level"))
                    break

    def told(self, free: Sequence[Warned]) -> Matches:
        """All of it."""
        near = {one.occurrence.id for one in self.near}
        return Matches(
            at_least=self.at_least,
            hits=tuple(self.hits),
            misses=tuple(one for one in self.open if one.id not in near),
            false_alarms=tuple(free),
            near_hits=tuple(self.near),
            late=tuple(self.late),
        )

    def _first(self, one: Warned, event: Occurrence) -> datetime | None:
        """When a warning that was in force within the window reached the level; None for none."""
        start, end = event.earliest - self.windows.early, event.latest + self.windows.late
        for since, until in one.spells(self.at_least):
            if since <= end and (until is None or until > start):
                return since
        return None

    def _afterwards(self, one: Warned, event: Occurrence) -> datetime | None:
        """When it reached the level after the window and before the event was over; None for neither."""
        after = event.latest + self.windows.late
        over = event.end or after + self.windows.near
        starts = [since for since, _ in one.spells(self.at_least) if after < since <= over]
        return starts[0] if starts else None

    def _near(self, warning: Warned, other: Occurrence) -> Why | None:
        if other.judged == "near_hit":
            return "verdict" if other.alert == warning.alert else None
        if not other.happened:
            return None
        if not is_of(other, self.at_least):
            return "level" if self._overlaps(warning, other, self.at_least, timedelta(0)) else None
        if self._overlaps(warning, other, self.at_least, timedelta(0)):
            return "place"
        return "time" if self._overlaps(warning, other, self.at_least, self.windows.near) else None

    def _overlaps(
        self, one: Warned, event: Occurrence, at_least: Level, wider: timedelta
    ) -> bool:
        """Whether a warning stood within the window of an event, made `wider` on both sides."""
        start = event.earliest - self.windows.early - wider
        end = max(event.latest + self.windows.late, event.end or event.latest) + wider
        return any(
            since <= end and (until is None or until > start)
            for since, until in one.spells(at_least)
        )


def _same_place(one: Warned, event: Occurrence, at_least: Level) -> bool:
    return not event.places or bool(one.named(at_least).intersection(event.places))
