"""A signed webhook (Standard Webhooks); its answer is judged by the body, not by status alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, urlsplit

from alerts.gateways.robots import admit
from alerts.gateways.standard_webhooks import sign, sign_all
from alerts.outgoing.delivery import Means, Message, Taken, channel
from alerts.outgoing.post import Answer
from alerts.outgoing.posting import post_once
from alerts.outgoing.wire import Request
from ingest.errors import ConfigMistake, DeliveryError
from ingest.registry import Duration
from ingest.secret import Secret
from ingest.times import utc

Scalar = str | int | bool | None
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")
_PLAIN = re.compile("[!-$&-~]+")
_SHORTEST_KEY = 6
_SHORT = 256
# The module's `dumps` makes an encoder anew for each body.
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@channel("webhook")
@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Posts the facts and the words of a message as signed JSON to one address."""

    url: str = field(repr=False)
    """Where to post, http or https; its path may hold a key and is never printed."""
    secret: Secret
    """``whsec_`` and base64 of 24 to 64 bytes, shared with the receiver."""
    former: Secret | None = None
    """The secret before it, while the receiver may still hold that one: requests are signed with both."""
    success_field: str | None = None
    """Key of the JSON answer that tells success, such as ``errcode`` or ``Response.Error.Code``."""
    success_value: Scalar = None
    """What that key must hold, of the very type: 0, "0" and false differ."""
    deadline: Duration = timedelta(seconds=10)
    """Total time of one attempt."""

    def __post_init__(self) -> None:
        if (self.success_field is None) != (self.success_value is None):
            raise ValueError("give success_field and success_value together or neither")
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            raise ValueError("url must begin with http:// or https:// and name a host")

    def send(self, message: Message, means: Means) -> Taken:
        """Post once; the id of the request is the message's key, so a repeat is known as one.

        DeliveryError by the rules of `alerts.gateways.robots.admit` (a 410 is the end of the whole gateway),
        and with ``retry=True`` where the status is 2xx and the body is not a success.
        """
        return post_once(self, message, means)

    def request(self, message: Message, means: Means) -> Request:
        """The signed body; DeliveryError without retry where the facts are no JSON."""
        body = _body(message)
        return Request(self.url, body, self._headers(message, body, means), self.deadline)

    def taken(self, answer: Answer, message: Message) -> Taken:
        """Believe an answer by its status and its body, or raise as `send` says."""
        admit(answer, message.at)
        self._judge_body(answer, message)
        return Taken(reference=_id(message), detail=f"HTTP {answer.status}")

    def _headers(self, message: Message, body: bytes, means: Means) -> dict[str, str]:
        id = _id(message)
        _, stamp = _moment(message.at)
        try:
            signature = self._sign(id, stamp, body, means)
        except ConfigMistake as mistake:
            # The operator can mend this before the message expires.
            raise DeliveryError(str(mistake), retry=True) from None
        return {
            "content-type": "application/json",
            "user-agent": "fengsui",
            "webhook-id": id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature,
        }

    def _sign(self, id: str, stamp: int, body: bytes, means: Means) -> str:
        key = means.reveal(self.secret)
        if self.former is None:
            return sign(key, id, stamp, body)
        return sign_all((key, means.reveal(self.former)), id, stamp, body)

    def _judge_body(self, answer: Answer, message: Message) -> None:
        """Refuse a 2xx whose body denies it; what is no JSON passes unless a field is named."""
        if self.success_field is not None:
            self._judge_field(_said(answer.body), answer.status, message)
        short = len(answer.body) <= _SHORT
        refusal = _known_refusal(answer.body) if short else _refusal(answer.body)
        if refusal:
            text = f"the receiver answered {answer.status} with {refusal} in its body"
            raise DeliveryError(f"{text}; look in its logs", retry=True)

    def _judge_field(self, said: object, status: int, message: Message) -> None:
        """Compare the configured field, telling 0 from false and from "0"."""
        came = said
        for key in (self.success_field or "").split("."):
            came = came.get(key) if isinstance(came, Mapping) else None
        if type(came) is type(self.success_value) and came == self.success_value:
            return
        shown = self._shown(came, message)
        raise DeliveryError(
            f"the receiver answered {status}, but {self.success_field} is {shown} in place of "
            f"{self.success_value!r}; look it up in the receiver's manual",
            retry=True,
        )

    def _shown(self, came: object, message: Message) -> str:
        """What came, unless it repeats the phone number or a part of the address."""
        if came is None:
            return "missing"
        if not isinstance(came, str | int | float):
            return "no single value"
        parts = urlsplit(self.url)
        words = re.split("[/&=]", f"{parts.path}/{parts.query}")
        hidden = {message.recipient.phone, *(word for word in words if len(word) >= _SHORTEST_KEY)}
        if any(word in str(came) for word in hidden if word):
            return "a text that is not repeated here"
        return repr(came)[:80]


def _said(body: bytes) -> object:
    """What an answer says as JSON; None where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _refusal(body: bytes) -> str:
    """The sign of refusal at the top level of a JSON answer; empty where there is none."""
    said = _said(body)
    if not isinstance(said, Mapping):
        return ""
    if said.get("error"):
        return '"error"'
    denied = (key for key in ("success", "accepted") if said.get(key) is False)
    return next((f'"{key}": false' for key in denied), "")


# A receiver says the same to thousands of messages.
_known_refusal = lru_cache(maxsize=64)(_refusal)


@lru_cache(maxsize=4)
def _moment(at: datetime) -> tuple[str, int]:
    """A moment in ISO 8601 and in Unix seconds; many messages are sent at the same."""
    moment = utc(at)
    return f"{moment.isoformat(timespec='seconds')[:19]}Z", int(moment.timestamp())


def _id(message: Message) -> str:
    """The message's key as text of a header field."""
    plain = _PLAIN.fullmatch(message.key)
    return message.key if plain else quote(message.key, safe=_PRINTABLE)


def _body(message: Message) -> bytes:
    """The JSON body; the phone number stays at home."""
    payload = {
        "type": f"alert.{message.data.get('reason', 'notice')}",
        "timestamp": _moment(message.at)[0],
        "data": {
            **message.data,
            "text": message.text,
            "recipient": message.recipient.name,
            "subsystem": message.subsystem,
        },
    }
    try:
        return _JSON.encode(payload).encode()
    except (TypeError, ValueError):
        text = "the facts of the message cannot be written as JSON; report this as a defect"
        raise DeliveryError(text, retry=False) from None
