"""The one way in over HTTP: a total deadline, a size limit, few retries, no secret in any error.

The time-out of `requests` starts anew with every read: a server that drips one byte a second holds
its caller for hours, in the headers as well as in the body. Here the clock runs once for each
answer, until the last byte is read, below TLS, chunking and decompression.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from http.cookiejar import DefaultCookiePolicy
from random import Random
from typing import Any, NoReturn

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from ingest.answers import Refused, Unreachable, host_of, parse_json, redirect_target, retry_after
from ingest.errors import BadPayload, SourceError

Params = Mapping[str, str | Sequence[str]]

_PASSING = frozenset({502, 503, 504})
_CONNECT_S = 5.0
_HOPS = 3
_CHUNK = 65536


@dataclass(frozen=True, kw_only=True)
class _Question:
    """One call, unchanged over its attempts; path, query and headers may hold a key."""

    url: str
    """Address without query, of which messages show the host."""
    params: Params
    """Query, shown in no message."""
    headers: Mapping[str, str]
    """Headers beside our own, shown in no message."""
    largest: int
    """Most bytes taken, after decompression."""
    until: float
    """Moment of the monotonic clock at which the whole call is over [s]."""

    @property
    def host(self) -> str:
        """What messages call the server."""
        return host_of(self.url)


class HttpClient:
    """A session opened with the first call and closed by `close`; usable from several threads.

    It also keeps the ledger of what was spent where on which UTC day, for sources with a daily
    budget. The ledger lives in memory: after a restart the day counts from zero, and the server's
    own refusal (status 429) is what then protects the budget.

    Parameters
    ----------
    tries : int
        Attempts a call, all within its deadline.
    pause, longest_pause : timedelta
        Bound of the first pause between attempts, doubled each time, and where that stops. The
        pause is drawn evenly between zero and the bound: many clients do not return together.
    random, sleep
        The generator that draws the pause and the function that waits [s].
    """

    def __init__(
        self,
        *,
        tries: int = 3,
        pause: timedelta = timedelta(seconds=0.5),
        longest_pause: timedelta = timedelta(seconds=5),
        random: Random | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._tries = tries
        self._pause = pause.total_seconds()
        self._longest_pause = longest_pause.total_seconds()
        self._random = random or Random()
        self._sleep = sleep
        self._lock = threading.Lock()
        self._session: requests.Session | None = None
        self._spent: dict[tuple[str, date], float] = {}

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; a later call opens the session anew."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def get_json(
        self,
        url: str,
        params: Params,
        *,
        deadline: timedelta = timedelta(seconds=20),
        largest: int = 20_000_000,
        headers: Mapping[str, str] | None = None,
    ) -> object:
        """Fetch one JSON document.

        Connection errors, time-outs and the statuses 502, 503, 504 are tried again within
        `deadline`, nothing else is. A redirect is followed on the same host only. Raises
        Unreachable without an answer, Refused for any status but 200 (with the pause of
        its Retry-After), BadPayload where the answer is no JSON or has more than `largest` bytes.
        """
        until = time.monotonic() + deadline.total_seconds()
        question = _Question(
            url=url, params=params, headers=headers or {}, largest=largest, until=until
        )
        return parse_json(self._body(question), question.host)

    def get_text(
        self,
        url: str,
        *,
        deadline: timedelta = timedelta(seconds=20),
        largest: int = 20_000_000,
    ) -> str:
        """Fetch one text in UTF-8, such as a table; like `get_json` in everything else.

        The path of `url` may hold a key: no message and no log shows more of it than its host. Raises
        BadPayload where the answer is no UTF-8.
        """
        until = time.monotonic() + deadline.total_seconds()
        headers = {"Accept": "text/csv, text/plain"}
        question = _Question(url=url, params={}, headers=headers, largest=largest, until=until)
        try:
            return self._body(question).decode("utf-8-sig")
        except UnicodeDecodeError:
            # The library's error would carry the body, which may repeat the key.
            text = f"{question.host} sent no text in UTF-8; check its address and any proxy"
            raise BadPayload(text) from None

    def spend(self, host: str, day: date, calls: float) -> None:
        """Count `calls`, weighted as the host weighs them, against a host's UTC day."""
        with self._lock:
            self._spent[host, day] = self._spent.get((host, day), 0.0) + calls

    def spent(self, host: str, day: date) -> float:
        """Weighted calls counted so far against a host's UTC day."""
        with self._lock:
            return self._spent.get((host, day), 0.0)

    def _body(self, question: _Question) -> bytes:
        attempt = 1
        while True:
            try:
                return self._attempt(question, self._allowance(question.until, attempt))
            except (Unreachable, Refused) as error:
                if not self._try_again(error, attempt, question.until):
                    raise
                attempt += 1

    def _allowance(self, until: float, attempt: int) -> float:
        """Seconds for one attempt: half of what remains while others may follow, else all of it."""
        return _remaining(until) / (1 if attempt >= self._tries else 2)

    def _try_again(self, error: Unreachable | Refused, attempt: int, until: float) -> bool:
        final = isinstance(error, Refused) and error.status not in _PASSING
        if final or attempt >= self._tries:
            return False
        bound = min(self._longest_pause, self._pause * 2 ** (attempt - 1))
        asked = error.retry_after.total_seconds() if error.retry_after else 0.0
        pause = max(asked, self._random.uniform(0, bound))
        if time.monotonic() + pause >= until:
            return False
        self._sleep(pause)
        return True

    def _attempt(self, question: _Question, seconds: float) -> bytes:
        until = time.monotonic() + seconds
        url, params = question.url, question.params
        try:
            for _ in range(_HOPS):
                with self._opened().get(
                    url, params=params, headers=question.headers, timeout=_remaining(until),
                    stream=True, allow_redirects=False,
                ) as response:
                    if not response.is_redirect:
                        return _read(response, question)
                    url, params = redirect_target(url, response.headers["location"]), {}
        except requests.RequestException as error:
            _refuse(error, question.host)
        raise SourceError(f"{question.host} redirects in circles; check its address")

    def _opened(self) -> requests.Session:
        with self._lock:
            if self._session is None:
                self._session = _new_session()
            return self._session


def _remaining(until: float) -> float:
    # A time-out of zero is refused by the library as a mistake of ours.
    return max(until - time.monotonic(), 0.001)


def _new_session() -> requests.Session:
    # Below these levels the library logs whole URLs, and some sources take their key in the query.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
    logging.getLogger("urllib3.connection").setLevel(logging.ERROR)
    session = requests.Session()
    # Proxies, .netrc and certificates of the environment would be configuration by the back door.
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"User-Agent": "fengsui", "Accept": "application/json"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, _WholeAnswer())
    return session


def _read(response: requests.Response, question: _Question) -> bytes:
    if response.status_code != 200:
        raise Refused(
            question.host,
            status=response.status_code,
            body=next(response.iter_content(_CHUNK), b""),
            retry_after=retry_after(response.headers),
        )
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > question.largest:
            raise BadPayload(
                f"{question.host} sent more than {question.largest} bytes; ask for fewer places,"
                " days or quantities at once"
            )
    return bytes(body)


def _refuse(error: requests.RequestException, host: str) -> NoReturn:
    """Say what went wrong without the library's text, which holds the whole URL."""
    if isinstance(error, requests.exceptions.SSLError):
        raise SourceError(f"{host} shows no certificate we accept; check its address") from None
    if isinstance(error, requests.exceptions.ContentDecodingError):
        raise BadPayload(f"{host} sent an answer that cannot be decompressed") from None
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        raise Unreachable(f"{host} did not answer in time; check the line if this stays") from None
    if isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        text = f"{host} cannot be reached or broke off; check the line and the address"
        raise Unreachable(text) from None
    text = f"{host or 'a source'} has no valid address; write it as https://host/path"
    raise SourceError(text) from None


class _Bounded(io.RawIOBase):
    """Reads from `raw`, the stream of `sock`, until the moment `until` of the monotonic clock."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, until: float) -> None:
        self._raw = raw
        self._sock = sock
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() >= self._until:
            raise TimeoutError("timed out")
        self._sock.settimeout(_remaining(self._until))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        # At this moment the time-out of the socket is what remains of the deadline.
        until = time.monotonic() + (sock.gettimeout() or _CONNECT_S)
        self.fp = io.BufferedReader(_Bounded(self.fp.detach(), sock, until))


class _Connection(HTTPConnection):
    response_class = _Answer


class _TlsConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _WholeAnswer(HTTPAdapter):
    """Makes a time-out of x seconds bound connecting, sending and reading together.

    Only the look-up of the host name is outside it: the system's resolver has limits of its own.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        seconds: float = kwargs["timeout"]
        kwargs["timeout"] = urllib3.Timeout(total=seconds, connect=min(seconds, _CONNECT_S))
        return super().send(*args, **kwargs)
