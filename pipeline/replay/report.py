"""A replay as JSON and as words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alerts.event.transition import Transition
from alerts.outgoing.delivery import Delivery
from alerts.wording.texts import Texts
from pipeline.replay.run import Replay


def as_json(replay: Replay, texts: Texts, language: str) -> dict[str, Any]:
    """The replay in its published form; times in ISO 8601 with offset."""
    return {
        "event": replay.event,
        "ticks": replay.ticks,
        "elapsed_s": round(replay.elapsed_s, 3),
        "transitions": [_transition(change, texts, language) for change in replay.transitions],
        "deliveries": [_delivery(item) for item in replay.deliveries],
    }


def _transition(change: Transition, texts: Texts, language: str) -> dict[str, Any]:
    return {
        "id": change.id,
        "at": change.at.isoformat(),
        "hazard": change.hazard,
        "incident": change.incident,
        "reason": change.reason.value,
        "from": change.from_level.key,
        "to": change.to_level.key,
        "places": {place: level.key for place, level in change.places.items()},
        "onset": _iso(change.onset),
        "expires": _iso(change.expires),
        "because": texts.because(change, language),
    }


def _delivery(item: Delivery) -> dict[str, Any]:
    return {
        "transition": item.transition,
        "subsystem": item.subsystem,
        "recipient": item.recipient,
        "channel": item.channel,
        "status": "rehearsed",
        "at": item.planned_at.isoformat(),
        "text": item.text,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
