"""A change of an alert, as a row: from, to, when, why, where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from rules.level import Level


class Reason(StrEnum):
    """Why an alert changed; every transition names one."""

    OPENED = "opened"
    """The first town reached a level."""
    RAISED = "raised"
    """The highest level of the district rose."""
    SPREAD = "spread"
    """The highest level stayed and more towns came under warning or rose."""
    LOWERED = "lowered"
    """The highest level of the district fell."""
    NARROWED = "narrowed"
    """The highest level stayed and some towns were lowered or cleared."""
    EXTENDED = "extended"
    """The hazard lasts beyond the end people were told."""
    ENDED = "ended"
    """The last town was cleared."""
    CORRECTED = "corrected"
    """A person set what had been told right."""
    CANCELLED = "cancelled"
    """A person withdrew the alert."""
    DATA_LOST = "data_lost"
    """The hazard can no longer be judged; open levels stand."""
    DATA_FOUND = "data_found"
    """It can be judged again."""


CALLING = frozenset({Reason.OPENED, Reason.RAISED})
"""Reasons that call for an acknowledgement; a spread informs those who have the alert already."""


OVER = frozenset({Reason.ENDED, Reason.CANCELLED})
"""Reasons that close an alert."""

TO_THE_WARNED = frozenset({Reason.LOWERED, Reason.ENDED, Reason.CORRECTED, Reason.CANCELLED})
"""Reasons that are told to exactly those who were warned."""

ABOUT_DATA = frozenset({Reason.DATA_LOST, Reason.DATA_FOUND})
"""Reasons that tell of data and not of the hazard."""


UNCONFIRMED = "未经确认 / unconfirmed"
"""Note of a change that went out because none of those who were to approve it answered in time."""


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One change of one alert."""

    id: str
    """Identifier, unique for ever: the alert's and the number in it."""
    alert: str
    """Identifier of the alert."""
    hazard: str
    """Name of the hazard block."""
    at: datetime
    """The `now` of the tick that made it."""
    reason: Reason
    """What kind of change."""
    from_level: Level
    """Highest level of the district before."""
    to_level: Level
    """Highest level of the district after."""
    places: Mapping[str, Level]
    """Town -> level after the change; towns without a level are left out."""
    changed: Mapping[str, Level]
    """Town -> level after the change, only towns whose level changed (NONE where cleared)."""
    onset: datetime | None
    """Earliest hour from now on at which a town of the highest level meets it; None where none does any
    more and the level is only kept."""
    expires: datetime | None
    """End of the last hour at which a town of the highest level still meets it."""
    value: float | None
    """Most severe metric among the towns under warning, in the hazard's unit."""
    threshold: float | None
    """Threshold of the highest level."""
    basis: int
    """Bits of `rules.findings.Basis` over the towns that meet the highest level."""
    marks: int
    """Bits of `ingest.batch.Flag` telling the provenance of the data used."""
    opened_at: datetime
    """When the alert opened."""
    peak_level: Level
    """Highest level the alert has had so far."""
    peak_value: float | None
    """Most severe metric so far."""
    figures: Mapping[str, float]
    """Further figures for texts (largest over the towns), for example ``hot_day_run`` [d]."""
    falling: bool = False
    """True where low values of the metric are the dangerous ones."""
    incident: str = ""
    """Identifier of the incident, shared by the hazards of a chain; the alert's own where it stands alone.
    Empty in a change that `alerts.event.incidents` has not seen."""
    related: Mapping[str, Level] = field(default_factory=dict)
    """Other hazards whose alerts of the same incident are open after the tick -> their level."""
    note: str = ""
    """What the person who corrected or cancelled it said, and how it was released where that matters."""

    @property
    def duration(self) -> timedelta:
        """How long the alert has been open."""
        return self.at - self.opened_at

    @property
    def unconfirmed(self) -> bool:
        """Whether it went out without the approval it was to have."""
        return UNCONFIRMED in self.note


def supposed(
    name: str,
    hazard: str,
    at: datetime,
    *,
    before: Level,
    after: Level,
    places: Mapping[str, Level] | None = None,
) -> Transition:
    """A change that nobody judged, as far as routing looks at it, to ask who would hear of it."""
    return Transition(
        id=name,
        alert=name,
        hazard=hazard,
        at=at,
        reason=Reason.RAISED if before else Reason.OPENED,
        from_level=before,
        to_level=after,
        places=places or {},
        changed=places or {},
        onset=None,
        expires=None,
        value=None,
        threshold=None,
        basis=0,
        marks=0,
        opened_at=at,
        peak_level=after,
        peak_value=None,
        figures={},
    )
