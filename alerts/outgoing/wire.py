"""The text of HTTP/1.1: an address taken apart, a request as bytes, the head of an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import quote, urlsplit

_PORTS = {"http": 80, "https": 443}
_SAFE = "/:?#[]@!$&'()*+,;=-._~%"
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-5]\d\d)(?: |$)")


class BadAddress(ValueError):
    """An address is no http or https URL; it is not repeated, for its path may hold a key."""


class Request(NamedTuple):
    """What is to be posted."""

    url: str
    """Where to, http or https."""
    body: bytes
    """Body, as it is."""
    headers: Mapping[str, str]
    """Header fields, Latin-1 text without line ends."""
    deadline: timedelta = timedelta(seconds=10)
    """Total time for connecting, sending and reading the whole answer."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """An address taken apart."""

    scheme: str
    """``http`` or ``https``."""
    host: str
    """Name or address, in ASCII, without brackets."""
    port: int
    """Port."""
    origin: str
    """Scheme, host and port, which are safe to print."""
    begin: bytes
    """Request line and ``host`` field."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """Head of an answer."""

    status: int
    """HTTP status code."""
    fields: Mapping[str, str]
    """Header fields, names in lower case; those given several times joined by commas."""
    keep: bool
    """Whether the connection stays open."""
    length: int | None
    """Bytes of the body; None where that must be found out while reading."""


def target_of(url: str) -> Target:
    """Take an address apart; BadAddress where it is no http or https URL."""
    try:
        parts = urlsplit(url)
        scheme, name, port = parts.scheme, parts.hostname or "", parts.port
        host = name if name.isascii() else name.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        raise BadAddress from None
    if scheme not in _PORTS or not host or not re.fullmatch(r"[\w.:%-]+", host, re.ASCII):
        raise BadAddress
    path = quote(parts.path or "/", safe=_SAFE) + (
        "?" + quote(parts.query, safe=_SAFE) if parts.query else ""
    )
    named = _bracketed(host) if port in (None, _PORTS[scheme]) else f"{_bracketed(host)}:{port}"
    begin = f"POST {path} HTTP/1.1\r\nhost: {named}\r\naccept-encoding: identity\r\n"
    port = port or _PORTS[scheme]
    origin = f"{scheme}://{_bracketed(host)}:{port}"
    return Target(
        scheme=scheme, host=host, port=port, origin=origin, begin=begin.encode("ascii")
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    """A whole POST; ValueError where a field is no Latin-1 text or holds a line end."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if not lines.count("\r") == lines.count("\n") == len(headers) or "\0" in lines:
        raise ValueError("a header field holds a line end")
    end = f"content-length: {len(body)}\r\n\r\n"
    return b"".join((target.begin, lines.encode("latin-1"), end.encode("ascii"), body))


def head_of(text: bytes) -> Head | None:
    """The head of an answer up to its empty line; None where it is none.

    The length is None for every answer that says it in another way than by one plain
    ``content-length``: in chunks, by closing, or by a status that has no body.
    """
    first, *lines = text.decode("latin-1").split("\r\n")
    said = _STATUS_LINE.match(first)
    if said is None:
        return None
    fields: dict[str, str] = {}
    folded = False
    for line in lines:
        name, colon, value = line.partition(":")
        folded = folded or not colon or line[:1] in (" ", "\t")
        name, value = name.lower(), value.strip()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    status, length = int(said[2]), fields.get("content-length", "")
    plain = status >= 200 and not folded and "transfer-encoding" not in fields
    known = plain and status not in (204, 304) and length.isascii() and length.isdigit()
    return Head(
        status=status,
        fields=fields,
        keep=_kept(said[1], fields.get("connection", "").lower()),
        length=int(length) if known else None,
    )


def _kept(version: str, word: str) -> bool:
    return "close" not in word if version == "1" else "keep-alive" in word
