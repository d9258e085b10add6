"""How one event was warned of."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.verify.catalogue import Occurrence
from pipeline.verify.matching import Hit, Matches
from pipeline.verify.result import Fate, Story
from rules.level import Level


def story(event: Occurrence, matches: Mapping[Level, Matches]) -> Story:
    """How one event was warned of, from the matches of every level of its ladder."""
    deserved = [level for level in matches if event.level is None or level <= event.level]
    level = min(matches) if event.level is None or not deserved else max(deserved)
    leads, alerts = {}, {}
    for rung in deserved:
        met_by: list[Hit] = [*matches[rung].hits, *matches[rung].late]
        for met in met_by:
            if met.occurrence.id == event.id:
                leads[rung], alerts[rung] = met.lead, met.warned.alert
    first = max(leads, key=lambda rung: leads[rung], default=None)
    return Story(
        occurrence=event,
        level=level,
        fate=_fate(event, matches[level]),
        leads=leads,
        alert=None if first is None else alerts[first],
    )


def _fate(event: Occurrence, matches: Matches) -> Fate:
    if any(one.occurrence.id == event.id for one in matches.hits):
        return "hit"
    if any(one.occurrence.id == event.id for one in matches.late):
        return "late"
    return "near" if any(one.occurrence.id == event.id for one in matches.near_hits) else "miss"
