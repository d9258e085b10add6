"""Signed links for acknowledging: who may answer which call, until when.

Opening a link by GET changes nothing (scanners fetch links before people do); the page behind it
sends the answer by POST.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from itsdangerous import BadData, URLSafeSerializer

from ingest.errors import ConfigMistake, FengsuiError
from ingest.times import utc

SHORTEST_KEY = 16
"""Bytes a key must have at least."""
_SALT = b"fengsui.ack"


class BadLink(FengsuiError):
    """A link is not ours or is too old; the page shows the message to the officer."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a link stands for."""

    alert: str
    """Identifier of the alert."""
    transition: str
    """Identifier of the transition that called."""
    subsystem: str
    """Id of the subsystem that was called."""
    person: str
    """Id of the person who was called."""
    expires_at: datetime
    """From this moment on the link is refused, aware UTC."""


def sign_link(  # noqa: PLR0913 - the claim, spelled out where it is made
    base_url: str,
    key: bytes | str,
    *,
    alert: str,
    transition: str,
    subsystem: str,
    person: str,
    expires_at: datetime,
) -> str:
    """``{base_url}/ack/{token}``; `expires_at` counts in whole seconds.

    The same claim always gives the same link, so a repeat after a crash carries the same words.
    ConfigMistake where the key is shorter than SHORTEST_KEY.
    """
    expires = int(utc(expires_at).timestamp())
    token = _serializer(key).dumps([alert, transition, subsystem, person, expires])
    return f"{base_url.rstrip('/')}/ack/{token}"


def read_token(key: bytes | str, token: str, now: datetime) -> Claim:
    """The claim of a token; BadLink where it was changed, is of another key, or expired."""
    try:
        payload = _serializer(key).loads(token)
    except (BadData, UnicodeError):
        raise BadLink(
            "确认链接无效或不完整，请打开短信中的完整链接。"
            " This link is not valid; open the whole link from the message."
        ) from None
    claim = _claim(payload)
    if utc(now) >= claim.expires_at:
        raise BadLink(
            "确认链接已过期，请打开最近一条消息中的链接或致电指挥中心。"
            " This link has expired; use the one in the latest message or call the command centre."
        )
    return claim


def _claim(payload: tuple[str, str, str, str, int]) -> Claim:
    alert, transition, subsystem, person, expires = payload
    return Claim(
        alert=alert,
        transition=transition,
        subsystem=subsystem,
        person=person,
        expires_at=datetime.fromtimestamp(expires, UTC),
    )


def _serializer(key: bytes | str) -> URLSafeSerializer:
    """Without a clock of its own: expiry is judged against the `now` of the caller."""
    if len(key.encode() if isinstance(key, str) else key) < SHORTEST_KEY:
        raise ConfigMistake(
            f"the key for acknowledgement links has fewer than {SHORTEST_KEY} bytes; "
            "make one with: openssl rand -hex 32"
        )
    how = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(key, salt=_SALT, signer_kwargs=how)
