"""A lifecycle state as JSON and back, so that a restart forgets nothing."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import numpy as np

from alerts.event.state import Cap, Stand, State
from ingest.times import Instants
from rules.level import Level

_NAT = np.iinfo(np.int64).min


def dump(state: State) -> dict[str, Any]:
    """Everything a state remembers, as plain JSON."""
    return {item.name: _plain(getattr(state, item.name)) for item in fields(state)}


def _plain(part: Any) -> Any:
    if isinstance(part, np.ndarray) and part.dtype.kind == "M":
        seconds = part.astype("datetime64[s]").astype(np.int64)
        return [[None if s == _NAT else s for s in row] for row in seconds.tolist()]
    if isinstance(part, np.ndarray):
        return part.tolist()
    if isinstance(part, datetime):
        return part.isoformat()
    if isinstance(part, Cap | Stand):
        return {name: _plain(value) for name, value in asdict(part).items()}
    return int(part) if isinstance(part, Level) else part


def load(stored: dict[str, Any], places: tuple[str, ...]) -> State:
    """The state that `dump` was given, on the towns of today's configuration.

    A town that is new begins without a level; one that is gone is forgotten.
    """
    known = {place: row for row, place in enumerate(stored["places"])}
    kept = [row for row, place in enumerate(places) if place in known]
    old = [known[places[row]] for row in kept]
    fresh = State.fresh(stored["hazard"], stored["district"], places)
    if kept:
        fresh.level[kept] = np.array(stored["level"], np.int8)[old]
        fresh.certain_since[kept] = _instants(stored["certain_since"])[old]
        fresh.clear_since[kept] = _instants(stored["clear_since"])[old]
    return State(
        hazard=fresh.hazard,
        district=fresh.district,
        places=places,
        level=fresh.level,
        certain_since=fresh.certain_since,
        clear_since=fresh.clear_since,
        alert=stored["alert"],
        count=stored["count"],
        opened_at=_moment(stored["opened_at"]),
        peak_level=Level(stored["peak_level"]),
        peak_value=stored["peak_value"],
        told_until=_moment(stored["told_until"]),
        blind_since=_moment(stored["blind_since"]),
        blind_told=stored["blind_told"],
        blind_alert=stored["blind_alert"],
        # States kept by older versions lack these.
        incident=stored.get("incident"),
        ended_at=_moment(stored.get("ended_at")),
        cap=_cap(stored.get("cap")),
        stand=_stand(stored.get("stand")),
    )


def _cap(stored: dict[str, Any] | None) -> Cap | None:
    if stored is None:
        return None
    levels = {"level": Level(stored["level"]), "seen": Level(stored["seen"])}
    return Cap(**{**stored, **levels, "until": datetime.fromisoformat(stored["until"])})


def _stand(stored: dict[str, Any] | None) -> Stand | None:
    if stored is None:
        return None
    return Stand(**{**stored, "until": datetime.fromisoformat(stored["until"])})


def _instants(seconds: list[list[int | None]]) -> Instants:
    filled = [[_NAT if s is None else s for s in row] for row in seconds]
    return np.array(filled, dtype=np.int64).astype("datetime64[s]")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
