"""One attempt: claimed rows become messages, the channel is asked, its word becomes an outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from alerts.duty.people import Routes
from alerts.outgoing.deliveries import Outcome
from alerts.outgoing.delivery import Batching, Channel, Delivery, Means, Message, Status, Taken
from ingest.errors import DeliveryError
from ingest.secret import Secret

Word = Taken | DeliveryError
"""What a channel said of one message."""
_REMEMBERED_S = 2.0
_REFERENCE = 128


class Ended(NamedTuple):
    """An attempt that has ended."""

    item: Delivery
    """The row."""
    word: Word
    """What was said of it."""
    probing: bool
    """Whether it was to find out if a gateway works again."""
    took_s: float
    """How long it took [s]."""


class Unsendable(DeliveryError):
    """A row that cannot become a message; no gateway was asked, and none is at fault."""


class Remembering:
    """Reads a secret anew after two seconds: a changed key needs no restart, a storm no thousand reads."""

    def __init__(self, reveal: Callable[[Secret], str]) -> None:
        self._reveal = reveal
        self._known: dict[Secret, tuple[float, str]] = {}

    def __call__(self, secret: Secret) -> str:
        """What the secret says; ConfigMistake where it is missing, which is never remembered."""
        now = time.monotonic()
        read_at, text = self._known.get(secret, (-_REMEMBERED_S, ""))
        if now - read_at >= _REMEMBERED_S:
            text = self._reveal(secret)
            self._known[secret] = (now, text)
        return text


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """How rows are sent."""

    channels: Mapping[str, Channel]
    """Name -> channel."""
    routes: Routes
    """People, for their addresses."""
    means: Means
    """What channels may use."""

    def __call__(self, items: Sequence[Delivery], at: datetime) -> list[Word]:
        """Send rows of one channel, in one request where there are several; one word for each.

        Raises what the channel raises.
        """
        made = [self.message(item, at) for item in items]
        messages = [one for one in made if isinstance(one, Message)]
        if not messages:
            return [one for one in made if isinstance(one, DeliveryError)]
        said = iter(self._ask(self.channels[items[0].channel], items[0].channel, messages))
        return [next(said) if isinstance(one, Message) else one for one in made]

    def message(self, item: Delivery, at: datetime) -> Message | DeliveryError:
        """What a row says at a moment, or why it is not to be sent at all."""
        if item.channel not in self.channels:
            return Unsendable(f"channel {item.channel} is not configured any more", retry=False)
        person = self.routes.people.get(item.recipient)
        if person is None:
            gone = f"{item.recipient} is not among the people of the configuration any more"
            return Unsendable(gone, retry=False)
        if at > item.expires_at:
            late = f"not delivered by {item.expires_at:%Y-%m-%dT%H:%MZ}"
            return Unsendable(late, retry=False)
        # Thousands a second: a frozen dataclass takes three times as long to set its fields one by one.
        made = object.__new__(Message)
        made.__dict__.update(
            key=item.key,
            text=item.text,
            recipient=person,
            subsystem=item.subsystem,
            data=item.data,
            at=at,
            channel=item.channel,
            purpose=item.purpose,
        )
        return made

    def _ask(self, channel: Channel, name: str, messages: Sequence[Message]) -> Sequence[Word]:
        if len(messages) == 1:
            return [channel.send(messages[0], self.means)]
        return _many(channel, name, messages, self.means)


def _many(
    channel: Channel, name: str, messages: Sequence[Message], means: Means
) -> Sequence[Word]:
    assert isinstance(channel, Batching), f"{name} takes one message at a time"
    said = channel.send_many(messages, means)
    if len(said) != len(messages):
        # Which one was taken is not known: a repeat under the same key is the lesser harm.
        fault = f"channel {name} gave {len(said)} answers for {len(messages)} messages"
        return [DeliveryError(f"{fault}; report this as a defect", retry=True)] * len(messages)
    return said


def outcome_of(ended: Ended, at: datetime, retry: tuple[timedelta, ...]) -> Outcome:
    """How an attempt ended; `retry` are the pauses before the second, third, ... attempt."""
    return (ended.probing and _probed(ended.item, ended.word, at)) or _outcome(
        ended.item, ended.word, at, retry
    )


def _outcome(
    item: Delivery, word: Word, at: datetime, retry: tuple[timedelta, ...]
) -> Outcome:
    if isinstance(word, Taken):
        reference, said = _keepable(word.reference), _keepable(word.detail)
        detail = f"{reference} {said}" if reference and said else reference or said
        return Outcome(
            key=item.key, status=Status.SENT, at=at, detail=detail, reference=reference[:_REFERENCE]
        )
    attempts, fault = item.attempts + 1, _keepable(str(word))
    if not word.retry or attempts > len(retry):
        words = f"given up after {attempts} attempts: {fault}"
        return Outcome(key=item.key, status=Status.FAILED, at=at, detail=words)
    pause = max(retry[attempts - 1], word.retry_after or timedelta(0))
    return Outcome(key=item.key, status=Status.DUE, at=at, detail=fault, next_at=at + pause)


def _probed(item: Delivery, word: Word, at: datetime) -> Outcome | None:
    """The outcome of a message that was to find out whether its gateway works again; None where it does.

    The row stays due, and that is no attempt: the most urgent row must not be used up by asking.
    """
    if isinstance(word, Taken) or not (word.retry or word.gateway):
        return None
    return Outcome(key=item.key, status=Status.DUE, at=at, detail=_keepable(str(word)), counted=False)


def _keepable(text: str) -> str:
    """A provider's words without what no database keeps: half a surrogate pair, NUL."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def too_late(item: Delivery, at: datetime) -> Outcome:
    """The outcome of a row whose last moment has passed."""
    words = f"given up: not delivered by {item.expires_at:%Y-%m-%dT%H:%MZ}; {item.detail}"
    return Outcome(key=item.key, status=Status.FAILED, at=at, detail=words)
