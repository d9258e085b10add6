"""From a decision to delivery rows: one per person and channel, with exactly the words that go out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.delivery import Delivery
from alerts.people import Routes
from alerts.routing import Notice, must_answer
from alerts.texts import Letter, Texts
from alerts.transition import Reason, Transition
from rules.level import Level

Sign = Callable[[Transition, Notice, datetime], str]
"""Makes the acknowledgement link of a notice, valid until a moment."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What is needed to write messages."""

    routes: Routes
    """People and their channels."""
    texts: Texts
    """The words."""
    language: str
    """Language of the messages."""
    sign: Sign
    """Makes acknowledgement links."""
    valid: timedelta
    """How long a message is worth sending, and a link can be used."""


def deliveries(
    change: Transition, notices: Iterable[Notice], desk: Desk, now: datetime
) -> list[Delivery]:
    """The rows for everybody who is told; those who are not told get none."""
    told = [(notice, notice.person) for notice in notices if notice.person is not None]
    if not told:
        return []
    letter, facts = desk.texts.letter(change, desk.language), _facts(change)
    rows = []
    for notice, person in told:
        rows += _for_person(letter, facts, (notice, person), desk, now)
    return rows


def _for_person(
    letter: Letter,
    facts: Mapping[str, object],
    told: tuple[Notice, str],
    desk: Desk,
    now: datetime,
) -> list[Delivery]:
    notice, person = told
    change = letter.change
    until = now + desk.valid
    link = desk.sign(change, notice, until) if must_answer(change, notice) else None
    text = letter.to(
        subsystem=_title(desk, notice.subsystem),
        role=notice.role,
        task=notice.task.get(desk.language, ""),
        ack_link=link,
        step=notice.step,
    )
    data = {**facts, **_asked(change, notice, link)}
    return [
        Delivery(
            key=_key(change.id, notice.subsystem, person, str(notice.step), channel),
            transition=change.id,
            alert=change.alert,
            subsystem=notice.subsystem,
            recipient=person,
            step=notice.step,
            channel=channel,
            text=text,
            data=data,
            planned_at=now,
            due_at=now,
            expires_at=until,
            priority=_priority(change),
        )
        for channel in desk.routes.people[person].channels
    ]


def _title(desk: Desk, subsystem: str) -> str:
    found = desk.routes.subsystems[subsystem]
    return found.name if desk.language == "zh" else found.name_en


def _key(*parts: str) -> str:
    return "msg_" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]


def _priority(change: Transition) -> int:
    """Lower goes first: reds, then by level; an all-clear never waits behind an opening of its level."""
    level = max(change.to_level, change.from_level)
    return int(Level.RED - level)


def _facts(change: Transition) -> dict[str, object]:
    """What machines are told of a change, whoever it goes to."""
    return {
        "transition": change.id,
        "alert": change.alert,
        "hazard": change.hazard,
        "incident": change.incident,
        "related": {hazard: level.key for hazard, level in change.related.items()},
        "reason": change.reason.value,
        "from": change.from_level.key,
        "to": change.to_level.key,
        "at": change.at.isoformat(),
        "onset": change.onset.isoformat() if change.onset else None,
        "expires": change.expires.isoformat() if change.expires else None,
        "places": {place: level.key for place, level in change.places.items()},
    }


def _asked(change: Transition, notice: Notice, link: str | None) -> dict[str, object]:
    """What machines are told of what one subsystem is to do."""
    return {
        "role": notice.role,
        "task": dict(notice.task),
        "step": notice.step,
        "all_clear": change.reason is Reason.ENDED,
        "ack_link": link,
        "recommendation": True,
    }
