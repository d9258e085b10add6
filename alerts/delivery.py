"""A delivery is a row before it is a send; a channel is one `send` that tells the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from alerts.people import Person
from alerts.post import Post
from ingest.registry import Registry
from ingest.secret import Secret


class Status(StrEnum):
    """Where a delivery stands."""

    DUE = "due"
    """Waiting for its time, or for the next attempt."""
    CLAIMED = "claimed"
    """Being sent right now; after a crash it is due again under the same key."""
    SENT = "sent"
    """The channel took it."""
    FAILED = "failed"
    """Given up, with the reason in `detail`."""
    CANCELLED = "cancelled"
    """Not needed any more, with the reason in `detail`."""


REPLACED = "replaced by a newer change"
"""Detail of a delivery that a newer change of its alert overtook."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message to one person over one channel."""

    key: str
    """Idempotency key, made of transition, subsystem, person, step and channel; unique for ever."""
    transition: str
    """Identifier of the transition it tells of."""
    alert: str
    """Identifier of the alert."""
    subsystem: str
    """Id of the subsystem."""
    recipient: str
    """Id of the person."""
    step: int
    """Step of the call ladder, 0 for the first."""
    channel: str
    """Name of the channel block."""
    text: str
    """Exactly what is sent."""
    data: Mapping[str, object]
    """The same facts for machines, ready for JSON."""
    planned_at: datetime
    """When it was decided."""
    due_at: datetime
    """Not before this moment."""
    expires_at: datetime
    """No attempt after this moment."""
    priority: int
    """Lower goes first: a red overtakes."""
    status: Status = Status.DUE
    """Where it stands."""
    attempts: int = 0
    """Attempts so far."""
    sent_at: datetime | None = None
    """When the channel took it."""
    detail: str = ""
    """Outcome of the last attempt, without secrets."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a channel is given to send."""

    key: str
    """Idempotency key: a repeat after a crash carries the same."""
    text: str
    """The words."""
    recipient: Person
    """Who gets it."""
    subsystem: str
    """Id of the subsystem."""
    data: Mapping[str, object]
    """The same facts for machines, ready for JSON: transition, alert, hazard, level, reason, places,
    times, ack_link where an acknowledgement is asked for."""
    at: datetime
    """Present moment, aware UTC (for time stamps in signatures)."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The channel's word that it took a message."""

    reference: str = ""
    """The provider's message id, where it gives one."""
    detail: str = ""
    """Anything worth keeping, without secrets."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a channel may use."""

    post: Post
    """The one way out over HTTP."""
    folder: Path
    """Data folder."""
    reveal: Callable[[Secret], str]
    """Reads a secret; ConfigMistake where it is missing."""


class Channel(Protocol):
    """A frozen dataclass registered with ``@channel("kind")``; its fields are the keys of its block."""

    def send(self, message: Message, means: Means) -> Taken:
        """Send once; raise DeliveryError saying whether another attempt can help.

        Must be safe to call from several threads, and must return or raise within its deadline.
        """
        ...


channel: Registry[Channel] = Registry("channel")
