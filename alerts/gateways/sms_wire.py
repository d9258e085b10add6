"""What gateways for text messages have in common: endings of codes, numbers, local times, batches."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from alerts.outgoing.delivery import BadCallback, Message, Taken
from ingest.errors import DeliveryError
from ingest.times import BEIJING, utc

Outcome = Taken | DeliveryError
"""What became of one message."""
K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def mobile(number: str) -> str:
    """A mobile number of mainland China as eleven digits, without its country code.

    DeliveryError with ``retry=False`` for anything else: one bad number must not spoil a batch.
    """
    digits = re.sub(r"^(?:\+|00)?86(?=1\d{10}$)", "", re.sub(r"[ -]", "", number))
    if not re.fullmatch(r"1[0-9]{10}", digits):
        raise DeliveryError(
            "the number on file is no mobile number of mainland China; correct it in routes.yaml",
            retry=False,
        )
    return digits


def told_number(told: object) -> str:
    """The number in what a gateway tells, as `mobile` reads it; ValueError where it is none."""
    try:
        return mobile(text_of(told))
    except DeliveryError:
        raise ValueError("no number") from None


def beijing_time(told: object, form: str, otherwise: datetime) -> datetime:
    """A local time that a gateway tells, aware UTC; `otherwise` where it cannot be read.

    A receipt must not be lost for want of its time.
    """
    try:
        local = datetime.strptime(text_of(told), form)  # noqa: DTZ007
        return utc(local.replace(tzinfo=BEIJING))
    except (ValueError, OverflowError):
        return utc(otherwise)


def facts_of(told: object) -> Mapping[str, object]:
    """An element that a gateway tells as a JSON object; ValueError where it is none."""
    if not isinstance(told, Mapping):
        raise ValueError("no object")
    return told


def text_of(told: object) -> str:
    """An id or words; empty where it is no text.

    JSON can carry half a surrogate pair and NUL, which no database keeps: they are replaced.
    """
    words = told if isinstance(told, str) else ""
    return words.encode("utf-8", "replace").decode().replace("\0", "?")


def harmless(told: object) -> str:
    """A gateway's own word, at most 80 characters and with long numbers hidden."""
    return re.sub(r"\d{7,}", "…", " ".join(text_of(told).split()))[:80]


def parsed(body: bytes) -> object:
    """The JSON value of a body; None where it holds none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def readable(elements: Sequence[object], read: Callable[[object], T]) -> list[T]:
    """What `read` makes of each element; one it raises ValueError for does not lose the others."""
    found: list[T] = []
    for element in elements:
        with suppress(ValueError):
            found.append(read(element))
    return found


def each(elements: Sequence[object], read: Callable[[object], T]) -> list[T]:
    """The same for a callback; BadCallback where there are elements and none can be read."""
    found = readable(elements, read)
    if elements and not found:
        raise BadCallback(
            "nothing in the callback can be read; check which interface is pushed here"
        )
    return found


def in_groups(
    messages: Sequence[Message],
    content: Callable[[Message], K],
    send: Callable[[K, list[Message], timedelta], list[Outcome]],
    deadline: timedelta,
) -> list[Outcome]:
    """Send messages of equal content together, and say what became of each, in their order.

    Parameters
    ----------
    messages : sequence of Message
        The most urgent first; groups are sent in the order of their first message.
    content : callable
        What two messages must share to go into one request; its DeliveryError ends that message.
    send : callable
        Sends one group within a time; its DeliveryError ends the group and no other.
    deadline : timedelta
        Total time. What could not be tried within it is told so, to be tried again at once.
    """
    until = time.monotonic() + deadline.total_seconds()
    outcomes: dict[int, Outcome] = {}
    groups: dict[tuple[K, int], list[int]] = {}
    seen: dict[tuple[K, str], int] = {}
    for index, message in enumerate(messages):
        try:
            key = content(message)
            number = mobile(message.recipient.phone)
        except DeliveryError as error:
            outcomes[index] = error
            continue
        # Outcomes are told by number, so a number stands in a request only once.
        turn = seen[key, number] = seen.get((key, number), -1) + 1
        groups.setdefault((key, turn), []).append(index)
    for (key, _), members in groups.items():
        left = timedelta(seconds=until - time.monotonic())
        outcomes |= zip(
            members, _attempt(key, [messages[i] for i in members], send, left), strict=True
        )
    return [outcomes[index] for index in range(len(messages))]


def _attempt(
    key: K,
    group: list[Message],
    send: Callable[[K, list[Message], timedelta], list[Outcome]],
    left: timedelta,
) -> list[Outcome]:
    """One outcome per message of a group."""
    if left <= timedelta(0):
        return [out_of_time()] * len(group)
    try:
        return send(key, group, left)
    except DeliveryError as error:
        return [error] * len(group)


def out_of_time() -> DeliveryError:
    """A message could not be tried within the time of its batch; it may go out again at once."""
    text = "there was no time left to try this message; it goes out with the next batch"
    return DeliveryError(text, retry=True, retry_after=timedelta(0))


def single(outcomes: Sequence[Outcome]) -> Taken:
    """The outcome of a batch of one; raises it where it is an error."""
    (outcome,) = outcomes
    if isinstance(outcome, DeliveryError):
        raise outcome
    return outcome
