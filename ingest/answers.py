"""Reading what a server answered: strict JSON, and errors that show no query."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import urljoin, urlsplit

from ingest.errors import BadPayload, SourceError

_LONGEST_PAUSE = timedelta(days=1)
_REMEDY = {
    401: "check the key of this source",
    403: "check the key of this source and whether this address may use it",
    404: "check the address of this source",
    429: "it is asked too often; pull it less often",
}


class Unreachable(SourceError):
    """No answer: refused, lost on the way or too slow; another attempt may help."""


class Refused(SourceError):
    """An answer with a status other than 200.

    Parameters
    ----------
    host : str
        Who answered.
    status : int
        HTTP status.
    body : bytes
        Beginning of the answer, at most 64 kB; it may repeat the query and is never shown.
    retry_after : timedelta or None
        The pause the server asked for in its headers.
    """

    def __init__(
        self, host: str, *, status: int, body: bytes = b"", retry_after: timedelta | None = None
    ) -> None:
        remedy = _REMEDY.get(status, "it is asked again at the next pull")
        super().__init__(f"{host} answered with status {status}; {remedy}", retry_after=retry_after)
        self.status = status
        self.body = body


def host_of(url: str) -> str:
    """Host of a URL, with its port where one is named: all that messages show of an address.

    Empty where the URL has none.
    """
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def parse_json(body: bytes, host: str) -> object:
    """Parse strict JSON; BadPayload with one sentence naming the host where it is anything else."""
    if not body.strip():
        raise BadPayload(f"{host} sent an empty answer; it is asked again at the next pull")
    if body.lstrip().startswith(b"<"):
        raise BadPayload(f"{host} sent a web page, no data; check its address and any proxy")
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        # The parser's traceback would carry the body, which may repeat the query.
        raise BadPayload(f"{host} sent broken JSON; it is asked again at the next pull") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Pause of a Retry-After header, at most a day; None where there is none that can be read.

    A date in it is read against the server's own Date header, so that no clock of ours is needed.
    """
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return timedelta(seconds=min(int(text[:9]), int(_LONGEST_PAUSE.total_seconds())))
    try:
        pause = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return min(max(pause, timedelta(0)), _LONGEST_PAUSE)


def redirect_target(url: str, location: str) -> str:
    """Where a redirect leads; SourceError where that is another host or leaves TLS."""
    target = urljoin(url, location)
    old, new = urlsplit(url), urlsplit(target)
    if new.hostname != old.hostname or (old.scheme, new.scheme) == ("https", "http"):
        raise SourceError(
            f"{host_of(url)} redirects to {new.scheme}://{host_of(target)}, which is not followed;"
            " if that is right, write the new address into the block of this source"
        )
    return target
