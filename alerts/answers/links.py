"""Signed links for acknowledging and for approving: who may answer what, until when.

A link is short, because it travels in text messages that are paid by the character: its token is the
signature alone, and what was signed is found among the notices of the last days. Opening a link by GET
changes nothing (scanners fetch links before people do); the page behind it sends the answer by POST.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ingest.errors import ConfigMistake, FengsuiError
from ingest.times import utc

SHORTEST_KEY = 16
"""Bytes a key must have at least."""
ACKNOWLEDGE, APPROVE = "ack", "approve"
"""What a link is for: part of its address, and of what is signed, so that one never does for the other."""
# 132 bits: nobody finds one by trying.
_TOKEN_CHARACTERS = 22


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


def sign_link(
    base_url: str, key: bytes | str, claim: Claim, purpose: str = ACKNOWLEDGE
) -> str:
    """``{base_url}/{purpose}/{token}``.

    The same claim always gives the same link, so a repeat after a crash carries the same words.
    ConfigMistake where the key is shorter than SHORTEST_KEY.
    """
    return f"{base_url.rstrip('/')}/{purpose}/{token_of(key, claim, purpose)}"


def token_of(key: bytes | str, claim: Claim, purpose: str = ACKNOWLEDGE) -> str:
    """The signature of a claim, 22 characters that no message breaks at."""
    parts = [claim.alert, claim.transition, claim.subsystem, claim.person]
    said = json.dumps([*parts, utc(claim.expires_at).isoformat()], ensure_ascii=True).encode()
    digest = hmac.new(_key(key), f"fengsui.{purpose}".encode() + said, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode()[:_TOKEN_CHARACTERS]


def read_token(
    key: bytes | str,
    token: str,
    claims: Iterable[Claim],
    now: datetime,
    purpose: str = ACKNOWLEDGE,
) -> Claim:
    """The claim among `claims` that a token signs; BadLink where there is none, or it expired."""
    given = token.encode("utf-8", "replace")
    for claim in claims:
        if hmac.compare_digest(token_of(key, claim, purpose).encode(), given):
            if utc(now) >= utc(claim.expires_at):
                raise BadLink(
                    "确认链接已过期，请打开最近一条消息中的链接或致电指挥中心。"
                    " This link has expired; use the one in the latest message or call the command centre."
                )
            return claim
    raise BadLink(
        "确认链接无效或不完整，请打开短信中的完整链接。"
        " This link is not valid; open the whole link from the message."
    )


def _key(key: bytes | str) -> bytes:
    known = key.encode() if isinstance(key, str) else key
    if len(known) < SHORTEST_KEY:
        raise ConfigMistake(
            f"the key for acknowledgement links has fewer than {SHORTEST_KEY} bytes; "
            "make one with: openssl rand -hex 32"
        )
    return known
