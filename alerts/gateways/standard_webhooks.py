"""Signatures of Standard Webhooks: HMAC-SHA256 over id, time stamp and body.

Source: https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ingest.errors import ConfigMistake, FengsuiError
from ingest.times import utc

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
"""How far a time stamp may be from the present, by the specification."""
_FIELDS = ("webhook-id", "webhook-timestamp", "webhook-signature")


class BadSignature(FengsuiError):
    """A request is not proven to come from who holds the secret; the receiver answers 401."""


class Replayed(BadSignature):
    """A genuine request came a second time; it was acted upon already, so it is not again."""


class Replays:
    """Ids of the requests taken while their time stamps are valid; safe for threads.

    A time stamp may lie `tolerance` in the future, so an id is kept for twice that time. The memory
    is the process's own: in the first minutes after a restart only what stands in the database
    tells a repeat, so what is taken must be harmless twice.

    Parameters
    ----------
    tolerance : timedelta
        The one given to `verify`.
    """

    def __init__(self, tolerance: timedelta = TOLERANCE) -> None:
        self._kept = 2 * tolerance
        self._lock = threading.Lock()
        self._seen: dict[str, datetime] = {}

    @contextmanager
    def taking(self, id: str, now: datetime) -> Iterator[None]:
        """Take a verified request once; one that fails inside may come again under its id.

        Parameters
        ----------
        id : str
            Its ``webhook-id``. Only ids of verified requests belong here: nobody else can fill it.
        now : datetime
            Present moment, aware.

        Raises
        ------
        Replayed
            The id was taken before, or is being taken by another thread.
        """
        self._take(id, utc(now))
        try:
            yield
        except BaseException:
            with self._lock:
                self._seen.pop(id, None)
            raise

    def _take(self, id: str, now: datetime) -> None:
        with self._lock:
            while self._seen:
                oldest = next(iter(self._seen))
                if now - self._seen[oldest] <= self._kept:
                    break
                del self._seen[oldest]
            if id in self._seen:
                raise Replayed("a request with this webhook-id was taken already; it counts once")
            self._seen[id] = now

    def __len__(self) -> int:
        return len(self._seen)


def sign(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature`` for a body sent at `timestamp` [Unix seconds].

    Raises ConfigMistake where `secret` is not ``whsec_`` and base64 of 24 to 64 bytes.
    """
    return _signature(secret, f"{id}.{timestamp}.".encode() + body)


def sign_all(secrets: Sequence[str], id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature`` under several secrets, as a sender does that changes its key.

    One signature per secret, separated by blanks; whoever holds one of the secrets accepts it.
    """
    signed = f"{id}.{timestamp}.".encode() + body
    return " ".join(_signature(secret, signed) for secret in secrets)


def _signature(secret: str, signed: bytes) -> str:
    hash = _keyed(secret).copy()
    hash.update(signed)
    return f"v1,{base64.b64encode(hash.digest()).decode('ascii')}"


@lru_cache(maxsize=16)
def _keyed(secret: str) -> hmac.HMAC:
    """A hash that has taken in the key, to be copied for each signature: that takes as long as the rest."""
    return hmac.new(_key(secret), digestmod="sha256")


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
