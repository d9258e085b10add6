"""The one way out over HTTP: total deadline, no redirects, verified TLS, no keys in errors."""

from __future__ import annotations

import http.client
import io
import logging
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, LocationValueError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as HttpTimeout

from ingest.errors import DeliveryError

MEGABYTE = 1_000_000
LONGEST_PAUSE = timedelta(days=1)
"""A receiver that asks for a longer pause is asked again after this one."""
AGAIN = frozenset({408, 425, 429})
"""Client errors that another attempt can mend (RFC 9110, RFC 8470, RFC 6585)."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a receiver answered, not yet judged."""

    status: int
    """HTTP status code."""
    headers: Mapping[str, str]
    """Header fields, names in lower case."""
    body: bytes
    """Body as it came."""
    elapsed_s: float
    """Time from the start of the send to the last byte [s]."""


class _TimelyReader(io.RawIOBase):
    """Reads a socket against one deadline; a socket's own time-out starts anew at every read."""

    def __init__(self, sock: socket.socket) -> None:
        # urllib3 sets the socket's time-out to what is left of the total just before it reads.
        left = sock.gettimeout()
        self._until = None if left is None else time.monotonic() + left
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the deadline has passed")
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimelyResponse(http.client.HTTPResponse):
    """A response whose head and body share one deadline: a dripping head is cut off as well."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_TimelyReader(sock))


class _PlainConnection(HTTPConnection):
    response_class = _TimelyResponse


class _TlsConnection(HTTPSConnection):
    response_class = _TimelyResponse


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class Post:
    """Sends bodies over HTTP and HTTPS and keeps connections for the next; safe for threads.

    Neither proxies nor certificates are taken from the environment.

    Parameters
    ----------
    ca_file : Path or None
        Certificates to trust in place of the system's, for a receiver inside the district.
    """

    def __init__(self, *, ca_file: Path | None = None) -> None:
        self._ca_file = ca_file
        self._lock = threading.Lock()
        self._pools: urllib3.PoolManager | None = None

    def __enter__(self) -> Post:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all idle connections; a later send opens new ones."""
        with self._lock:
            pools, self._pools = self._pools, None
        if pools is not None:
            pools.clear()

    def send(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        deadline: timedelta = timedelta(seconds=10),
        largest: int = MEGABYTE,
    ) -> Answer:
        """POST once and return the answer whatever its status; redirects are not followed.

        Parameters
        ----------
        url : str
            Where to post, http or https.
        body : bytes
            What to post, as it is.
        headers : Mapping
            Header fields, Latin-1 text without line ends.
        deadline : timedelta
            Total time for connecting, sending and reading the whole answer. The system's look-up
            of the host name comes on top. Connecting to an address may take a third of it.
        largest : int
            Longest body accepted [bytes].

        Raises
        ------
        DeliveryError
            With ``retry=True`` where the network or the receiver failed, ``retry=False`` where
            the address is none. It names scheme, host and port only: paths may hold keys.
        """
        started = time.monotonic()
        seconds = deadline.total_seconds()
        try:
            status, fields, content = self._exchange(url, body, headers, seconds, largest)
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise _fault(error, url, seconds) from None
        if len(content) > largest:
            raise DeliveryError(
                f"{_origin(url)} answered more than {largest} bytes; check that it is a receiver",
                retry=True,
            )
        return Answer(
            status=status, headers=fields, body=content, elapsed_s=time.monotonic() - started
        )

    def _exchange(
        self, url: str, body: bytes, headers: Mapping[str, str], seconds: float, largest: int
    ) -> tuple[int, dict[str, str], bytes]:
        if not url.lower().startswith(("http://", "https://")):
            raise LocationValueError
        response = self._open().urlopen(
            "POST",
            url,
            redirect=False,
            retries=False,
            body=body,
            headers=dict(headers),
            preload_content=False,
            timeout=urllib3.Timeout(total=seconds, connect=seconds / 3),
        )
        try:
            content = _content(response, largest)
            fields = {name.lower(): value for name, value in response.headers.items()}
            if len(content) <= largest:
                response.release_conn()
        finally:
            # After a release this closes only the response; otherwise the connection as well.
            response.close()
        return response.status, fields, content

    def _open(self) -> urllib3.PoolManager:
        with self._lock:
            if self._pools is None:
                # The library logs whole paths at debug level, and paths may hold keys.
                logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
                self._pools = urllib3.PoolManager(
                    num_pools=64,
                    maxsize=16,
                    cert_reqs="CERT_REQUIRED",
                    ca_certs=str(self._ca_file) if self._ca_file else None,
                )
                self._pools.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
            return self._pools


def _content(response: urllib3.BaseHTTPResponse, largest: int) -> bytes:
    """The body as it came, cut at the first piece that makes it longer than `largest` bytes."""
    content = bytearray()
    # A single read would hand back half a body without complaint where the connection broke.
    for piece in response.stream(16 * 1024, decode_content=False):
        content += piece
        if len(content) > largest:
            break
    return bytes(content)


def judge(answer: Answer, *, now: datetime | None = None) -> None:
    """Raise DeliveryError unless the status is 2xx; the body is the channel's to judge.

    408, 425, 429 and 5xx may be tried again, after the pause of ``Retry-After`` where it is given
    in seconds, or as a date and `now` is given. Another attempt cannot mend anything else.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    if status in AGAIN or status >= 500:
        raise DeliveryError(
            f"the receiver answered {status} and is tried again; if it lasts, tell its operator",
            retry=True,
            retry_after=_pause(answer.headers.get("retry-after", ""), now),
        )
    raise DeliveryError(f"the receiver answered {status}; {_remedy(status)}", retry=False)


def _remedy(status: int) -> str:
    if status == 410:
        return "it is gone for good, so take it out of the channels or enter its new address"
    if 300 <= status < 400:
        return "redirects are not followed, so enter its final address"
    return "check its address and key"


def _pause(text: str, now: datetime | None) -> timedelta | None:
    """The pause ``Retry-After`` asks for, within [0, LONGEST_PAUSE]; None where unreadable."""
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), LONGEST_PAUSE.total_seconds()))
    if now is None:
        return None
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    # RFC 5322 says -0000 where the zone is unknown, and Python then leaves it out; HTTP means GMT.
    pause = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(pause, timedelta(0)), LONGEST_PAUSE)


def _origin(url: str) -> str:
    """Scheme, host and port of `url`, which are safe to print."""
    try:
        parts = urllib3.util.parse_url(url)
    except LocationValueError:
        return "the receiver"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{parts.host}:{port}"


def _fault(error: Exception, url: str, seconds: float) -> DeliveryError:
    """Say what went wrong on the way, without the library's text, which may hold the path."""
    if isinstance(error, LocationValueError):
        text = "the address of the receiver is no http or https URL; correct it in the channels"
        return DeliveryError(text, retry=False)
    origin = _origin(url)
    if isinstance(error, NewConnectionError):
        text = f"{origin} cannot be reached; check that it runs and that the network is up"
    elif isinstance(error, HttpTimeout | TimeoutError):
        text = f"{origin} did not answer within {seconds:g} s; check that it is not overloaded"
    elif isinstance(error, SSLError):
        text = f"{origin} has no certificate that is trusted for it; have it renewed"
    else:
        text = f"{origin} broke off before its answer was complete; check its logs"
    return DeliveryError(text, retry=True)
