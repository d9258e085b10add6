"""Signatures of Standard Webhooks: HMAC-SHA256 over id, time stamp and body.

Source: https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ingest.errors import ConfigMistake, FengsuiError
from ingest.times import utc

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
"""How far a time stamp may be from the present, by the specification."""
_FIELDS = ("webhook-id", "webhook-timestamp", "webhook-signature")


class BadSignature(FengsuiError):
    """A request is not proven to come from who holds the secret; the receiver answers 401."""


def sign(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature`` for a body sent at `timestamp` [Unix seconds].

    Raises ConfigMistake where `secret` is not ``whsec_`` and base64 of 24 to 64 bytes.
    """
    signed = f"{id}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode('ascii')}"


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> None:
    """Raise BadSignature unless a signature fits and the time stamp is within `tolerance` of `now`.

    Several signatures separated by blanks are accepted, so that a sender can change its key;
    versions other than ``v1`` are passed over. Names of header fields are compared without case.
    """
    fields = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in _FIELDS if not fields.get(name)]
    if missing:
        raise BadSignature(f"the request lacks {', '.join(missing)}; send all three fields")
    id, stamp, signatures = (fields[name] for name in _FIELDS)
    seconds = _seconds(stamp, now, tolerance)
    expected = sign(secret, id, seconds, body).encode("ascii")
    offered = [text.encode("utf-8", "replace") for text in signatures.split()]
    if not any(hmac.compare_digest(expected, one) for one in offered):
        raise BadSignature("no signature fits the body; check that both sides hold the same secret")


def _seconds(stamp: str, now: datetime, tolerance: timedelta) -> int:
    """Read the time stamp and refuse one that is too far from `now`."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        raise BadSignature("webhook-timestamp is no whole number of Unix seconds")
    apart = utc(now) - datetime.fromtimestamp(int(stamp), UTC)
    if abs(apart) > tolerance:
        raise BadSignature(
            f"webhook-timestamp is more than {tolerance.total_seconds():g} s from the present; "
            "set the clocks of both sides"
        )
    return int(stamp)


def _key(secret: str) -> bytes:
    """The bytes of a secret; padding may be left out."""
    coded = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if coded == secret or not 24 <= len(key) <= 64:
        # The text is raised outside the handler so that no cause carries the secret.
        raise ConfigMistake(
            "the secret of a webhook must be whsec_ followed by base64 of 24 to 64 bytes; "
            "make one with: echo whsec_$(openssl rand -base64 32)"
        )
    return key
