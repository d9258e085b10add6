"""A delivery is a row before it is a send; a channel is one `send` that tells the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from alerts.duty.people import Person
from alerts.outgoing.post import Post
from alerts.outgoing.sessions import Sessions
from ingest.errors import DeliveryError, FengsuiError
from ingest.registry import Registry
from ingest.secret import Secret
from rules.level import Level, parse_level


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
    FOLDED = "folded"
    """Told in a digest, whose key is in `detail`."""


class Purpose(StrEnum):
    """Why a message goes out; only those about an alert make somebody "warned"."""

    ALERT = "alert"
    """A change of an alert."""
    DIGEST = "digest"
    """Several changes in one message."""
    APPROVAL = "approval"
    """An approver is asked to release a change."""
    FACTS = "facts"
    """Who acknowledged a red is reminded of the facts asked for."""
    CLOSING = "closing"
    """A subsystem is asked for its closing report after an alert ended."""
    SILENCE = "silence"
    """The author of a silence hears that it ends."""
    COVERAGE = "coverage"
    """The supervisor hears of a gap in the rotas."""
    TROUBLE = "trouble"
    """The operators hear that a part of Fengsui is sick, or well again."""
    CANARY = "canary"
    """The synthetic message of the dead-man's ring."""


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
    purpose: Purpose = Purpose.ALERT
    """Why it goes out."""
    reference: str = ""
    """The provider's id of the message, once it was taken."""
    delivered_at: datetime | None = None
    """When it reached the device, by the provider's receipt."""
    read_at: datetime | None = None
    """When the person is known to have seen it."""
    chase_after: timedelta | None = None
    """Without a sign of life for so long after it was sent, the person's next channel is used."""
    fold_at: datetime | None = None
    """Waits for this moment, to be told in a digest with others; None goes out by itself."""


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
    channel: str = ""
    """Name of the channel block."""
    purpose: Purpose = Purpose.ALERT
    """Why it goes out."""

    @property
    def title(self) -> str:
        """A short heading, for channels that show one."""
        return str(self.data.get("title") or self.text[:24])

    @property
    def level(self) -> Level:
        """Level of the district after the change; NONE for what is no change."""
        return parse_level(str(self.data.get("to", "none")))

    @property
    def exercise(self) -> str | None:
        """Name of the drill it belongs to; None for what is real."""
        name = self.data.get("exercise")
        return None if name is None else str(name)

    @property
    def link(self) -> str | None:
        """Where to answer; None where nothing is asked."""
        link = self.data.get("ack_link")
        return None if link is None else str(link)

    @property
    def address(self) -> str | None:
        """What the person is called in this channel (user id, e-mail, topic); None where none is on file."""
        return self.recipient.addresses.get(self.channel)


class Taken(NamedTuple):
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
    sessions: Sessions = field(default_factory=Sessions)
    """Connections that outlive one send, for protocols that log in."""


class Sign(StrEnum):
    """What a provider tells of a message after it took it."""

    DELIVERED = "delivered"
    """It is on the device, or the call was answered. Nobody need have looked."""
    UNDELIVERED = "undelivered"
    """It will not arrive; another road is needed."""
    READ = "read"
    """Somebody has seen it."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """One sign of life of one message; it may come twice, late, and out of order."""

    sign: Sign
    """What is told."""
    at: datetime
    """When it happened, by the provider's clock, aware UTC."""
    key: str | None = None
    """Idempotency key of the delivery, where the provider carries it back."""
    reference: str | None = None
    """The provider's id of the message, where it does not."""
    phone: str | None = None
    """Number it was for, digits only; one reference can stand for many numbers."""
    detail: str = ""
    """The provider's own word, without secrets."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What somebody wrote back."""

    phone: str
    """Number it came from, eleven digits without country code."""
    text: str
    """The words."""
    at: datetime
    """When, by the provider's clock, aware UTC."""
    reference: str = ""
    """The provider's id of the reply, where it gives one."""


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A message of which no receipt has come yet."""

    key: str
    """Idempotency key."""
    reference: str
    """The provider's id."""
    phone: str
    """Number it was for."""
    sent_at: datetime
    """When the channel took it."""


@dataclass(frozen=True, kw_only=True)
class Inbound:
    """A request that a gateway made to us."""

    headers: Mapping[str, str]
    """Header fields, names in lower case."""
    query: Mapping[str, str]
    """Parameters of the address."""
    body: bytes
    """Body as it came."""
    at: datetime
    """Present moment, aware UTC."""


@dataclass(frozen=True, kw_only=True)
class Intake:
    """What a gateway told us, and what it wants to hear in return."""

    receipts: tuple[Receipt, ...] = ()
    """Signs of life."""
    replies: tuple[Reply, ...] = ()
    """What people wrote back."""
    answer: bytes = b"{}"
    """Body of our answer, where the gateway asked."""
    content_type: str = "application/json"
    """Its type."""


class BadCallback(FengsuiError):
    """A request of a gateway is not proven to come from it, or cannot be read; it is answered 4xx."""


class Channel(Protocol):
    """A frozen dataclass registered with ``@channel("kind")``; its fields are the keys of its block."""

    def send(self, message: Message, means: Means) -> Taken:
        """Send once; raise DeliveryError saying whether another attempt can help.

        Must be safe to call from several threads, and must return or raise within its deadline.
        """
        ...


@runtime_checkable
class Batching(Protocol):
    """A channel that can put many messages into one request."""

    @property
    def batch(self) -> int:
        """Most messages in one request."""
        ...

    def send_many(self, messages: Sequence[Message], means: Means) -> list[Taken | DeliveryError]:
        """Send in one request; one outcome per message, in their order.

        Raises DeliveryError where the whole request failed.
        """
        ...


@runtime_checkable
class Asking(Protocol):
    """A channel whose provider must be asked for receipts and replies."""

    def ask(self, pending: Sequence[Pending], means: Means, now: datetime) -> Intake:
        """What the provider knows by now; DeliveryError where it cannot be asked."""
        ...


@runtime_checkable
class Hearing(Protocol):
    """A channel whose provider calls us with receipts and replies."""

    @property
    def callback(self) -> Secret | None:
        """What the last part of the callback address must be; None takes no callbacks."""
        ...

    def hear(self, request: Inbound, means: Means) -> Intake:
        """Read a callback; BadCallback where it is not genuine or cannot be read."""
        ...


channel: Registry[Channel] = Registry("channel")
