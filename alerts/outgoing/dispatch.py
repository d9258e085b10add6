"""From a decision to delivery rows: one per person and channel, with exactly the words that go out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.duty.people import Routes
from alerts.duty.routing import Notice, must_answer
from alerts.event.transition import OVER, Transition
from alerts.outgoing.delivery import Delivery
from alerts.wording.texts import Letter, Texts
from rules.level import Level

Sign = Callable[[Transition, Notice, datetime], str]
"""Makes the acknowledgement link of a notice, valid until a moment."""
Approve = Callable[[Transition, str, datetime], str]
"""Makes the link by which a person approves a change, valid until a moment."""


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
    brief: frozenset[str] = frozenset()
    """Channels that get the short words."""
    patience: Mapping[str, timedelta] = field(default_factory=dict)
    """Channel -> time in which its receipt is expected; channels without receipts are left out."""
    exercise: str | None = None
    """Name of the drill that everything belongs to; None where it is real."""
    enabled: frozenset[str] | None = None
    """Channels that may send; None where that is not known."""
    addressed: frozenset[str] = frozenset()
    """Channels that need an address of the person, for which a phone number is not enough."""
    stale_after: timedelta | None = None
    """What could not be sent for so long is told as one message on how things stand; None never is."""
    approve: Approve | None = None
    """Makes approval links; None makes none."""

    @property
    def status(self) -> dict[str, object]:
        """What machines are told of whether it is real, in the words of CAP."""
        if self.exercise is None:
            return {"status": "Actual"}
        return {"status": "Exercise", "exercise": self.exercise}


def deliveries(
    change: Transition,
    notices: Iterable[Notice],
    desk: Desk,
    now: datetime,
    channels: tuple[str, ...] = (),
) -> list[Delivery]:
    """The rows for everybody who is told; those who are not told get none.

    They go out over the channels of each person, or over `channels` where some are named.
    """
    told = [(notice, notice.person) for notice in notices if notice.person is not None]
    if not told:
        return []
    letter = desk.texts.letter(change, desk.language)
    facts = {**_facts(change), "title": marked(letter.title, desk), **desk.status}
    rows = []
    for notice, person in told:
        rows += _for_person(letter, facts, (notice, person), desk, now, channels)
    return rows


def _for_person(
    letter: Letter,
    facts: Mapping[str, object],
    told: tuple[Notice, str],
    desk: Desk,
    now: datetime,
    channels: tuple[str, ...],
) -> list[Delivery]:
    notice, person = told
    change = letter.change
    until = now + desk.valid
    link = desk.sign(change, notice, until) if must_answer(change, notice) else None
    data = {**facts, **_asked(change, notice, link)}
    return [
        Delivery(
            key=key_of(change.id, notice.subsystem, person, str(notice.step), channel),
            transition=change.id,
            alert=change.alert,
            subsystem=notice.subsystem,
            recipient=person,
            step=notice.step,
            channel=channel,
            text=_words(letter, notice, link, channel, desk),
            data=data,
            planned_at=now,
            due_at=notice.not_before or now,
            fold_at=notice.not_before,
            expires_at=until,
            priority=priority_of(max(change.to_level, change.from_level)),
            chase_after=_patience(change, notice, channel, desk),
        )
        for channel in channels or desk.routes.people[person].channels
    ]


def _words(
    letter: Letter, notice: Notice, link: str | None, channel: str, desk: Desk
) -> str:
    subsystem = _title(desk, notice.subsystem)
    if channel in desk.brief:
        return marked(letter.brief(subsystem=subsystem, ack_link=link), desk)
    text = letter.to(
        subsystem=subsystem,
        role=notice.role,
        task=notice.task.get(desk.language, ""),
        ack_link=link,
        step=notice.step,
    )
    return marked(text, desk)


def _patience(
    change: Transition, notice: Notice, channel: str, desk: Desk
) -> timedelta | None:
    """How long to wait for a sign of life: a call must be read, other messages need only arrive."""
    answer = desk.routes.answers.get(change.to_level)
    if answer is not None and must_answer(change, notice):
        return answer.unread
    return desk.patience.get(channel)


def marked(text: str, desk: Desk) -> str:
    """The text as it stands, or between the marks of a drill that nobody can overlook."""
    if desk.exercise is None:
        return text
    facts = {"drill": desk.exercise}
    begin, end = (desk.texts.part(name, desk.language, facts) for name in ("exercise", "exercise_end"))
    return f"{begin}{text}{end}"


def _title(desk: Desk, subsystem: str) -> str:
    found = desk.routes.subsystems[subsystem]
    return found.name if desk.language == "zh" else found.name_en


def key_of(*parts: str) -> str:
    """The idempotency key of a delivery, from what makes it the one it is."""
    return "msg_" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]


def priority_of(level: Level) -> int:
    """Lower goes first: reds, then by level; an all-clear never waits behind an opening of its level."""
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
        **({"unconfirmed": True} if change.unconfirmed else {}),
    }


def _asked(change: Transition, notice: Notice, link: str | None) -> dict[str, object]:
    """What machines are told of what one subsystem is to do."""
    return {
        "role": notice.role,
        "task": dict(notice.task),
        "step": notice.step,
        "all_clear": change.reason in OVER,
        "ack_link": link,
        "recommendation": True,
    }
