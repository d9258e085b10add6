"""A replay as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alerts.event.transition import Transition
from alerts.outgoing.delivery import Delivery
from alerts.wording.texts import Texts
from ingest.times import HOUR
from pipeline.replay.result import Paged, Replay


def as_json(replay: Replay, texts: Texts, language: str) -> dict[str, Any]:
    """The replay in its published form; times in ISO 8601 with offset."""
    return {
        "event": replay.event,
        "ticks": replay.ticks,
        "elapsed_s": round(replay.elapsed_s, 3),
        "transitions": [_transition(change, texts, language) for change in replay.transitions],
        "deliveries": [_delivery(item) for item in replay.deliveries],
    }


def published(replay: Replay, texts: Texts, language: str) -> dict[str, Any]:
    """The same with who was paged when, and how long the rules were blind [h]."""
    return {
        **as_json(replay, texts, language),
        "start": replay.start.isoformat(),
        "end": replay.end.isoformat(),
        "pages": [_page(page) for page in replay.pages],
        "blind_h": {name: round(span / HOUR, 3) for name, span in replay.blind.items() if span},
    }


def _page(page: Paged) -> dict[str, Any]:
    return {
        "at": page.at.isoformat(),
        "person": page.person,
        "subsystem": page.subsystem,
        "transition": page.transition,
        "hazard": page.hazard,
        "level": page.level.key,
        "reason": page.reason.value,
        "calls": page.calls,
        "night": page.night,
        "woken": page.woken,
        "changes": page.changes,
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
