"""Messages that are not about a change of an alert itself: requests, reminders, digests, troubles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from alerts.outgoing.delivery import Delivery, Purpose
from alerts.outgoing.dispatch import Desk, key_of, marked, priority_of
from rules.level import Level

SAMPLE: Mapping[str, object] = {
    "about": "高温红色",
    "by": "值班员",
    "count": 2,
    "items": ("高温红色：全区21个镇街", "干旱橙色：3个镇街"),
    "level": Level.RED,
    "link": "http://127.0.0.1:8480/approve/x",
    "minutes": 10.0,
    "number": 2,
    "since": datetime(2022, 8, 9, 0, 5, tzinfo=UTC),
    "subsystem": "防汛抗旱",
    "text": "一句话",
    "until": datetime(2022, 8, 9, 12, 5, tzinfo=UTC),
    "why": "检修",
}
"""Everything a memo may name, with an example of each; a memo gives those its template needs."""


@dataclass(frozen=True, kw_only=True)
class Memo:
    """One message to some people, from a template of its own."""

    purpose: Purpose
    """Why it goes out."""
    subject: str
    """What it is about; the same purpose, subject, person and step are sent once."""
    template: str
    """Name of its template, ``memo_...``."""
    facts: Mapping[str, object]
    """What the template names, of the names in `SAMPLE`."""
    people: tuple[str, ...]
    """Ids of the people; who is not in the configuration any more is passed over."""
    level: Level = Level.NONE
    """How urgent it is."""
    subsystem: str = ""
    """Id of the subsystem it goes through, where it goes through one."""
    alert: str = ""
    """Identifier of the alert, where it belongs to one."""
    step: int = 0
    """Number of the reminder."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Person -> where to answer; it is the `link` of the template."""
    over: frozenset[str] | None = None
    """The only channels used; None uses those of each person."""
    avoid: frozenset[str] = frozenset()
    """Channels that are not used, because they are what the message is about."""
    data: Mapping[str, object] = field(default_factory=dict)
    """Further facts for machines, ready for JSON."""
    chase_after: timedelta | None = None
    """Without a sign of life for so long, the person's next channel is used."""


def deliveries(memo: Memo, desk: Desk, now: datetime) -> list[Delivery]:
    """The rows of a memo: one per person and channel."""
    rows = []
    for person in dict.fromkeys(memo.people):
        if person not in desk.routes.people:
            continue
        link = memo.links.get(person)
        text = _text(memo, link, desk)
        rows += [
            _row(memo, (person, channel), text, link, desk, now)
            for channel in _channels(memo, person, desk)
        ]
    return rows


def _channels(memo: Memo, person: str, desk: Desk) -> list[str]:
    """Those of the person; where all of them are to be avoided, the person's further ones."""
    if memo.over is not None:
        return sorted(memo.over - memo.avoid)
    known = desk.routes.people[person]
    first = [name for name in known.channels if name not in memo.avoid]
    return first or [name for name in known.fallback if name not in memo.avoid]


def _text(memo: Memo, link: str | None, desk: Desk) -> str:
    facts = {"district": desk.texts.district, **memo.facts, **({"link": link} if link else {})}
    return marked(desk.texts.part(memo.template, desk.language, facts), desk)


def _row(
    memo: Memo, to: tuple[str, str], text: str, link: str | None, desk: Desk, now: datetime
) -> Delivery:
    person, channel = to
    parts = (memo.purpose.value, memo.subject, memo.subsystem, person, str(memo.step), channel)
    facts = {
        "purpose": memo.purpose.value,
        "subject": memo.subject,
        "to": memo.level.key,
        "ack_link": link,
        "title": text.split("：", 1)[0].split(":", 1)[0][:40],
        **desk.status,
    }
    return Delivery(
        key=key_of(*parts),
        transition=memo.subject,
        alert=memo.alert or memo.subject,
        subsystem=memo.subsystem,
        recipient=person,
        step=memo.step,
        channel=channel,
        text=text,
        data=facts | dict(memo.data),
        planned_at=now,
        due_at=now,
        expires_at=now + desk.valid,
        priority=priority_of(memo.level),
        purpose=memo.purpose,
        chase_after=memo.chase_after,
    )
