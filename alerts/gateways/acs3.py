"""Signature of the Aliyun OpenAPI, version 3 (ACS3-HMAC-SHA256), for calls of the RPC style.

Source: the vendor's own SDK (alibabacloud-tea-openapi 0.4.6, `Utils.get_authorization`), whose requests
are reproduced byte for byte by the tests. Every header field of the request is signed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from ingest.times import utc

ALGORITHM = "ACS3-HMAC-SHA256"


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """A pair of keys of one account; neither is ever printed."""

    id: str = field(repr=False)
    """Goes along with every request."""
    secret: str = field(repr=False)
    """Signs and stays at home."""


def encoded(parameters: Mapping[str, str]) -> str:
    """``name=value&...`` sorted by name, percent-encoded as RFC 3986 asks: a blank is %20, not +."""
    return "&".join(f"{_quoted(name)}={_quoted(parameters[name])}" for name in sorted(parameters))


def fields(action: str, version: str, host: str, body: bytes, at: datetime) -> dict[str, str]:
    """The header fields of one request, names in lower case, with a nonce that is never used again.

    The vendor refuses a date more than 15 minutes from its own.
    """
    made = {
        "accept": "application/json",
        "host": host,
        "user-agent": "fengsui",
        "x-acs-action": action,
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-acs-date": f"{utc(at):%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": secrets.token_hex(16),
        "x-acs-version": version,
    }
    return made | ({"content-type": "application/x-www-form-urlencoded"} if body else {})


def authorization(key: AccessKey, query: str, headers: Mapping[str, str]) -> str:
    """The ``Authorization`` of a POST to ``/``.

    Parameters
    ----------
    query : str
        Parameters of the address as `encoded` writes them; empty where there are none.
    headers : mapping
        All fields to sign; ``x-acs-content-sha256`` is among them and stands for the body.
    """
    known = {name.lower(): value.strip() for name, value in headers.items()}
    names = sorted(known)
    signed = ";".join(names)
    lines = [f"{name}:{known[name]}" for name in names]
    # The block of fields ends in a line end of its own, so that an empty line follows it.
    request = "\n".join(["POST", "/", query, *lines, "", signed, known["x-acs-content-sha256"]])
    said = f"{ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(key.secret.encode(), said.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={key.id},SignedHeaders={signed},Signature={signature}"


def _quoted(text: str) -> str:
    return quote(text, safe="~")
