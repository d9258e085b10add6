"""What an incident system keeps open or closes: the matter a message is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from alerts.event.transition import ABOUT_DATA, OVER, Reason
from alerts.outgoing.delivery import Message, Purpose

Sort = Literal["hazard", "data", "trouble", "canary", "notice"]


@dataclass(frozen=True, kw_only=True)
class Matter:
    """Something that opens, changes and ends, told in several messages."""

    sort: Sort
    """A hazard, its lost data, a trouble of Fengsui, the ring's synthetic message, or a single notice."""
    key: str
    """The same in every message about it; a drill's never meets a real one's."""
    over: bool
    """Whether this message ends it."""


def matter_of(message: Message) -> Matter:
    """The matter of a message.

    A change of an alert belongs to the alert, one that tells of data to the alert's data. A trouble
    is named by ``data["trouble"]`` and is over where ``data["over"]`` is true. The canary ends what
    never began: an incident system takes it and calls nobody. Anything else is a notice, the
    same for everybody who gets it.
    """
    sort, key, over = _matter(message)
    drill = f"exercise/{message.exercise}/" if message.exercise is not None else ""
    return Matter(sort=sort, key=f"{drill}{key}", over=over)


def _matter(message: Message) -> tuple[Sort, str, bool]:
    data = message.data
    alert = str(data.get("alert") or message.key)
    if message.purpose is Purpose.ALERT:
        reason = data.get("reason")
        if reason in ABOUT_DATA:
            return "data", f"{alert}/data", reason == Reason.DATA_FOUND
        return "hazard", alert, reason in OVER
    if message.purpose is Purpose.TROUBLE:
        name = data.get("trouble") or data.get("subject") or message.key
        return "trouble", f"trouble/{name}", data.get("over") is True
    if message.purpose is Purpose.CANARY:
        return "canary", "canary", True
    return "notice", f"{message.purpose}/{data.get('subject') or message.key}", False
