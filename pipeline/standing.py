"""Every alert that is pending, open, clearing or just over: where it stands, and who has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from alerts.duty import release_rows
from alerts.event.stages import Stage, Standing, ends, standing
from alerts.record import store
from alerts.record.store import CallStatus
from pipeline.config import Config
from rules.level import Level

RECENT = timedelta(hours=24)
"""For so long an alert that is over is still shown."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One alert, as a person wants to see it."""

    standing: Standing
    """Where it stands."""
    has_it: tuple[str, ...]
    """``subsystem: name`` of who acknowledged it."""
    waiting: tuple[str, ...]
    """Ids of the subsystems that have been called and not answered."""
    release: str
    """How the release of its newest change stands; empty where it needs none."""

    def as_json(self) -> dict[str, Any]:
        """The same, ready for JSON; times in ISO 8601."""
        told = self.standing
        return {
            "hazard": told.hazard,
            "alert": told.alert,
            "stage": told.stage.value,
            "level": told.level.key,
            "places": {place: level.key for place, level in told.places.items()},
            "since": _iso(told.since),
            "until": _iso(told.until),
            "opened_at": _iso(told.opened_at),
            "peak_level": told.peak_level.key,
            "peak_value": told.peak_value,
            "unjudged_since": _iso(told.unjudged_since),
            "rising": told.rising.key if told.rising else None,
            "cap": _cap(told),
            "stand": _stand(told),
            "has_it": list(self.has_it),
            "waiting": list(self.waiting),
            "release": self.release or None,
        }


def overview(connection: Connection, config: Config, now: datetime) -> list[Row]:
    """What is pending, open or clearing as of the last tick, the highest level first, then what ended."""
    states = store.states(connection, config.district.place_ids)
    found = []
    for name, block in config.hazards.items():
        told = None
        if name in states:
            told = standing(states[name], block.rule.ladder, block.conduct.tail)
        if told is not None:
            found.append(told)
    found.sort(key=lambda one: (one.stage is Stage.PENDING, -one.level, one.hazard))
    over = ends(store.transitions(connection, since=now - RECENT))
    return [_row(connection, told) for told in (*found, *reversed(over))]


def _row(connection: Connection, told: Standing) -> Row:
    if told.alert is None:
        return Row(standing=told, has_it=(), waiting=(), release="")
    words = store.acknowledgements(connection, told.alert)
    has_it = dict.fromkeys(f"{word.subsystem}: {word.by}" for word in words if word.effective)
    open_calls = store.calls(connection, status=CallStatus.OPEN)
    asked = release_rows.last_of(connection, told.alert)
    return Row(
        standing=told,
        has_it=tuple(has_it),
        waiting=tuple(one.subsystem for one in open_calls if one.alert == told.alert),
        release=asked.decision.value if asked else "",
    )


def waited_for(told: Standing, stamp: str) -> str:
    """What is waited for, in words; `stamp` is its `until` as it shall be printed."""
    parts = []
    if told.unjudged_since is not None:
        parts.append("缺数据，无法研判，等级不变 / data is missing, the level stands")
    if told.cap is not None:
        parts.append(f"{told.cap.by}已更正 / corrected by {told.cap.by}")
    if told.stand is not None:
        parts.append(f"{told.stand.by}人工维持 / upheld by {told.stand.by}")
    if told.rising is not None and told.cap is None:
        parts.append(f"{told.rising.zh}待确认 / {told.rising.key} on hold")
    if told.stage is Stage.PENDING:
        parts.append(f"最早{stamp}发布 / opens {stamp} at the earliest")
    if told.stage is Stage.CLEARING:
        parts.append(f"最早{stamp}降级或解除 / lowered or ended {stamp} at the earliest")
    return "；".join(parts)


def _cap(told: Standing) -> dict[str, Any] | None:
    if told.cap is None:
        return None
    cap = told.cap
    return {"level": cap.level.key, "until": _iso(cap.until), "by": cap.by, "why": cap.why}


def _stand(told: Standing) -> dict[str, Any] | None:
    if told.stand is None:
        return None
    made = told.stand
    levels = {town: Level(level).key for town, level in made.levels.items()}
    return {"places": levels, "until": _iso(made.until), "by": made.by, "why": made.why}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
