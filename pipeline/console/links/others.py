"""What else waits for the person of a link: one link answers every call of theirs that is open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.answers import call_rows
from alerts.answers.call_rows import Call, CallStatus
from alerts.answers.links import Claim, token_of
from alerts.record import store
from alerts.wording.texts import Texts
from rules.level import Level


@dataclass(frozen=True, kw_only=True)
class Other:
    """A call of the same person beside that of the link."""

    claim: Claim
    """What the link of its own message stands for."""
    token: str
    """Token of that link, behind which the whole content and the forms are."""
    level: Level
    """Level the subsystem is called for."""
    at: datetime
    """When the change was made."""
    titles: dict[str, str]
    """Language -> heading of the change."""
    waits: bool
    """Whether it is to be acknowledged; else only the facts are missing."""

    @property
    def name(self) -> str:
        """What the button of it sends."""
        return name_of(self.claim)


def name_of(claim: Claim) -> str:
    """``subsystem/transition``: which call a button is about."""
    return f"{claim.subsystem}/{claim.transition}"


def others_of(
    connection: Connection, claim: Claim, signed: Iterable[Claim], texts: Texts, key: str
) -> list[Other]:
    """Other calls of the person of a link that wait for a word or for facts, the most severe first.

    `signed` are the claims that can still be used; a call without one is left out, for its own link could
    not be opened.
    """
    usable: dict[tuple[str, str], Claim] = {}
    for one in signed:
        if one.person == claim.person:
            usable.setdefault((one.subsystem, one.transition), one)
    found = []
    for call in call_rows.asked_of(connection, claim.person):
        own = usable.get((call.subsystem, call.transition))
        if own is not None and (call.alert, call.subsystem) != (claim.alert, claim.subsystem):
            found += _other(connection, call, own, texts, key)
    return sorted(found, key=lambda other: (-other.level, other.at, other.name))


def _other(
    connection: Connection, call: Call, claim: Claim, texts: Texts, key: str
) -> list[Other]:
    change = store.transition(connection, call.transition)
    if change is None:
        return []
    made = Other(
        claim=claim,
        token=token_of(key, claim),
        level=call.level,
        at=change.at,
        titles={language: texts.letter(change, language).title for language in ("zh", "en")},
        waits=call.status is CallStatus.OPEN,
    )
    return [made]
