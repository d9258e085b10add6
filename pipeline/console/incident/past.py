"""What happened before that was like this: past alerts of the hazard, and events on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.event.transition import Transition
from alerts.record import timeline, verdicts
from alerts.record.verdicts import Damage, Verdict
from pipeline.config import HazardBlock
from pipeline.verify.catalogue import Occurrence
from rules.level import Level

SHOWN = 5
"""Cases of each sort that are shown."""
_AROUND = timedelta(days=1)
_HALF_YEAR = 182.6


@dataclass(frozen=True, kw_only=True)
class Like:
    """What is compared with the past."""

    block: HazardBlock
    """The hazard."""
    level: Level
    """Highest level so far."""
    value: float | None
    """Most severe metric so far."""
    at: datetime
    """When it is, or began: what is later is not looked at."""
    alert: str = ""
    """The alert itself, which is no case of the past."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A past alert, and what came of it."""

    alert: str
    """Identifier of the alert."""
    opened_at: datetime
    """When it opened."""
    ended_at: datetime
    """When it ended."""
    cancelled: bool
    """Whether a person withdrew it."""
    peak_level: Level
    """Highest level."""
    peak_value: float | None
    """Most severe metric."""
    verdict: Verdict | None
    """What an officer said of it; None where nobody did."""
    damages: tuple[Damage, ...]
    """What was reported to have happened then."""


def cases(connection: Connection, like: Like) -> list[Case]:
    """The past alerts of a hazard that are most like one, by level, value and season."""
    ended = timeline.closed(connection, like.block.name)
    known = [one for one in ended if one.alert != like.alert and one.at <= like.at and one.peak_level]
    known.sort(key=lambda one: _apart(like, one.peak_level, one.peak_value, one.opened_at))
    said, happened = verdicts.verdicts(connection), verdicts.damages(connection)
    return [_case(one, said.get(one.alert), happened) for one in known[:SHOWN]]


def _case(change: Transition, verdict: Verdict | None, happened: Sequence[Damage]) -> Case:
    begin, end = change.opened_at - _AROUND, change.at + _AROUND
    mine = (one for one in happened if one.hazard == change.hazard and begin <= one.onset <= end)
    return Case(
        alert=change.alert,
        opened_at=change.opened_at,
        ended_at=change.at,
        cancelled=change.reason.value == "cancelled",
        peak_level=change.peak_level,
        peak_value=change.peak_value,
        verdict=verdict,
        damages=tuple(mine),
    )


def events(catalogue: Sequence[Occurrence], like: Like) -> list[Occurrence]:
    """The published events of a hazard before it that are most like one, by level and season."""
    known = [one for one in catalogue if one.hazard == like.block.name and one.onset < like.at]
    known.sort(key=lambda one: _apart(like, one.level, None, one.onset))
    return known[:SHOWN]


def _apart(like: Like, level: Level | None, value: float | None, at: datetime) -> float:
    """How unlike a case is: a level, half a year, and the width of the ladder weigh the same."""
    limits = [rung.limit for rung in like.block.rule.ladder.values()]
    width = max(limits) - min(limits) or abs(max(limits)) or 1.0
    levels = 1.0 if level is None else abs(level - like.level)
    values = 1.0 if value is None or like.value is None else abs(value - like.value) / width
    days = abs((at - like.at) / timedelta(days=1)) % (2 * _HALF_YEAR)
    return levels + values + min(days, 2 * _HALF_YEAR - days) / _HALF_YEAR
