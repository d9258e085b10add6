"""Warnings from their opening to their end, as transitions tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.event.transition import ABOUT_DATA, OVER, Transition
from rules.level import Level


@dataclass(frozen=True, kw_only=True)
class Warned:
    """One alert from its opening to its end."""

    alert: str
    """Its identifier."""
    hazard: str
    """Name of the hazard block."""
    level: Level
    """Highest level it had."""
    began: datetime
    """When it opened."""
    ended: datetime | None
    """When it ended; None where it was still open at the end of the period."""
    places: frozenset[str]
    """Codes of all towns it ever named."""
    steps: tuple[tuple[datetime, Level], ...]
    """(from when on, highest level of the district), in order; NONE last where it ended."""
    towns: Mapping[str, Level] = field(default_factory=dict)
    """Town -> highest level it had."""

    def spells(self, at_least: Level) -> Iterator[tuple[datetime, datetime | None]]:
        """From when to when it stood at a level or above; None for the end where it still did at the last."""
        since: datetime | None = None
        for at, level in self.steps:
            if level >= at_least and since is None:
                since = at
            elif level < at_least and since is not None:
                yield since, at
                since = None
        if since is not None:
            yield since, None

    def named(self, at_least: Level) -> frozenset[str]:
        """Codes of the towns that had a level or a higher one."""
        return frozenset(town for town, level in self.towns.items() if level >= at_least)

    def time_at(self, until: datetime) -> dict[Level, timedelta]:
        """Level -> how long the district stood at it; what is still open is counted to `until`."""
        spent: dict[Level, timedelta] = {}
        ends = [at for at, _ in self.steps[1:]] + [until]
        for (at, level), end in zip(self.steps, ends, strict=True):
            if level > Level.NONE:
                spent[level] = spent.get(level, timedelta(0)) + (end - at)
        return spent


def warned(transitions: Iterable[Transition]) -> tuple[Warned, ...]:
    """The alerts of some changes, in the order they opened; what only tells of lost data is left out."""
    alerts: dict[str, list[Transition]] = {}
    for change in transitions:
        if change.reason not in ABOUT_DATA:
            alerts.setdefault(change.alert, []).append(change)
    return tuple(_warned(changes) for changes in alerts.values())


def _warned(changes: Sequence[Transition]) -> Warned:
    towns: dict[str, Level] = {}
    steps: list[tuple[datetime, Level]] = []
    for change in changes:
        for place, level in change.places.items():
            towns[place] = max(level, towns.get(place, Level.NONE))
        if not steps or steps[-1][1] != change.to_level:
            steps.append((change.at, change.to_level))
    last = changes[-1]
    return Warned(
        alert=last.alert,
        hazard=last.hazard,
        level=max(level for _, level in steps),
        began=changes[0].at,
        ended=last.at if last.reason in OVER else None,
        places=frozenset(towns),
        steps=tuple(steps),
        towns=towns,
    )
