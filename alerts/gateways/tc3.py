"""TC3-HMAC-SHA256, the signature of Tencent Cloud's API 3.0: over content type, host and body."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

from ingest.times import utc

ALGORITHM = "TC3-HMAC-SHA256"
"""Name of the scheme, as it stands in headers and in what is signed."""
CONTENT_TYPE = "application/json"
"""Type of every body signed here; the signature covers it."""
_SIGNED = "content-type;host"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A key pair of the cloud account, read; never printed."""

    id: str = field(repr=False)
    """SecretId, which names the key."""
    key: str = field(repr=False)
    """SecretKey, which signs."""


def authorization(account: Account, service: str, host: str, body: bytes, at: datetime) -> str:
    """The ``Authorization`` header of a POST to ``/``.

    Parameters
    ----------
    account : Account
        Whose key signs.
    service : str
        First part of the vendor's host name, such as ``sms``.
    host : str
        The ``Host`` header as it is sent, with its port where it is not the scheme's.
    body : bytes
        The body as it is sent.
    at : datetime
        Moment of the ``X-TC-Timestamp`` header; more than five minutes off the vendor's clock the
        request is refused. A naive one raises ValueError.
    """
    day = f"{utc(at):%Y-%m-%d}"
    scope = f"{day}/{service}/tc3_request"
    signature = _hmac(_key(account.key, day, service), _text(scope, host, body, at)).hex()
    return f"{ALGORITHM} Credential={account.id}/{scope}, SignedHeaders={_SIGNED}, Signature={signature}"


def timestamp(at: datetime) -> str:
    """``X-TC-Timestamp``: whole seconds since 1970."""
    return str(int(utc(at).timestamp()))


def _text(scope: str, host: str, body: bytes, at: datetime) -> str:
    """The string to sign."""
    headers = f"content-type:{CONTENT_TYPE}\nhost:{host}\n"
    request = "\n".join(["POST", "/", "", headers, _SIGNED, hashlib.sha256(body).hexdigest()])
    digest = hashlib.sha256(request.encode()).hexdigest()
    return "\n".join([ALGORITHM, timestamp(at), scope, digest])


def _key(secret: str, day: str, service: str) -> bytes:
    """The key of one day and one service."""
    return _hmac(_hmac(_hmac(f"TC3{secret}".encode(), day), service), "tc3_request")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
