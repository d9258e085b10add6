"""The one way out over HTTP: total deadline, no redirects, verified TLS, no keys in errors.

The connections are plain sockets: what a library does around each request costs more time than the
request. Answers of a plain length are read here, all others by `http.client`.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from alerts.outgoing.answer import AGAIN, LONGEST_PAUSE, Answer, judge
from alerts.outgoing.exchange import Exchange, Unreachable, fault
from alerts.outgoing.incoming import BrokenOff, Raw
from alerts.outgoing.wire import BadAddress, Head, Request, Target, request, target_of
from ingest.errors import DeliveryError

__all__ = ["AGAIN", "LONGEST_PAUSE", "MEGABYTE", "Answer", "Exchange", "Post", "judge"]

MEGABYTE = 1_000_000
_IDLE = 16
_TARGETS = 256
_PIECE = 64 * 1024


class _Home:
    """Where the connections to one origin rest; safe for threads."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._lock = threading.Lock()
        self._idle: list[_Line] = []
        self._open = True

    def standing(self) -> _Line | None:
        """An idle connection that is still open, the last used first."""
        while True:
            with self._lock:
                line = self._idle.pop() if self._idle else None
            if line is None or line.quiet():
                return line
            line.close()

    def keep(self, line: _Line) -> None:
        """Keep a connection, unless there are enough or the house was closed meanwhile."""
        with self._lock:
            if self._open and len(self._idle) < _IDLE:
                self._idle.append(line)
                return
        line.close()

    def close(self) -> None:
        """Close what is idle, and at its end what is not."""
        with self._lock:
            idle, self._idle, self._open = self._idle, [], False
        for line in idle:
            line.close()


class _Line:
    """One connection, used by one thread at a time; each of its steps is held to one deadline."""

    def __init__(self, sock: socket.socket, home: _Home, until: float) -> None:
        self.sock = sock
        self.number = sock.fileno()
        self.origin = home.origin
        self.until = until
        self._home = home
        self._patience = 0.0
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self.said: tuple[bytes, Raw] | None = None
        if not isinstance(sock, ssl.SSLSocket):
            # Python waits and then reads, each a call to the system that gives up the interpreter; a
            # blocking socket waits in the read itself, and the system keeps the time.
            sock.settimeout(None)

    def close(self) -> None:
        """Let go of it."""
        self.sock.close()

    def rest(self) -> None:
        """Keep it for the next exchange."""
        self._home.keep(self)

    def odd(self, begun: bytes, largest: int) -> Raw:
        """Wait for the whole of an answer in chunks, without a length, or after an interim one."""
        try:
            return _odd_answer(self, begun, largest)
        except http.client.HTTPException:
            raise BrokenOff from None

    def send(self, content: bytes) -> None:
        """Send all of it."""
        sent = 0
        while sent < len(content):
            self._hold()
            try:
                # Nearly always the whole, of which no copy is made.
                sent += self.sock.send(content[sent:])
            except BlockingIOError:
                raise TimeoutError from None

    def receive(self) -> bytes:
        """The next piece, empty at the end; a socket's own time-out starts anew at every read."""
        self._hold()
        try:
            return self.sock.recv(_PIECE)
        except BlockingIOError:
            raise TimeoutError from None

    def glance(self) -> bytes | None:
        """The next piece, empty at the end; None where nothing has come yet."""
        try:
            if not isinstance(self.sock, ssl.SSLSocket):
                return self.sock.recv(_PIECE, socket.MSG_DONTWAIT)
            # A part of a record, or a ticket of the session, is nothing to read yet.
            self._patience = 0.0
            self.sock.settimeout(0.0)
            return self.sock.recv(_PIECE)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None

    def quiet(self) -> bool:
        """Whether an idle connection is open still: one that has something to say was closed."""
        return not self._poll.poll(0)

    def _hold(self) -> None:
        """Let the next step take what is left of the deadline, within a fiftieth."""
        left = _left(self.until)
        if 0.98 * left <= self._patience <= 1.02 * left:
            return
        self._patience = left
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.settimeout(left)
            return
        # Zero would be no limit at all.
        span = struct.pack("@ll", int(left), max(1, int(left % 1 * 1e6)))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self.sock.setsockopt(socket.SOL_SOCKET, option, span)


class _Rest(io.RawIOBase):
    """What was received already and then the line, in place of the socket `http.client` wants."""

    def __init__(self, begun: bytes, line: _Line) -> None:
        self._begun = begun
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        piece = self._begun or self._line.receive()
        taken = piece[: len(buffer)]
        self._begun = piece[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)


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
        self._tls: ssl.SSLContext | None = None
        self._targets: dict[str, Target] = {}
        self._homes: dict[str, _Home] = {}

    def __enter__(self) -> Post:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all idle connections; a later send opens new ones."""
        with self._lock:
            homes, self._homes = self._homes, {}
        for home in homes.values():
            home.close()

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
        wanted = Request(url, body, headers, deadline)
        return (self.begin(wanted, largest) or self.open(wanted, largest)).wait()

    def begin(self, wanted: Request, largest: int = MEGABYTE) -> Exchange | None:
        """Send a request over a connection that stands; None where none does. Raises as `send` does."""
        target = self._target(wanted.url)
        content = _written(target, wanted.headers, wanted.body)
        line = self._home(target.origin).standing()
        if line is None:
            return None
        started = time.monotonic()
        line.until = started + wanted.deadline.total_seconds()
        return _sent(line, content, started, largest)

    def open(self, wanted: Request, largest: int = MEGABYTE) -> Exchange:
        """Send a request over a new connection. Raises as `send` does."""
        started, seconds = time.monotonic(), wanted.deadline.total_seconds()
        target = self._target(wanted.url)
        content = _written(target, wanted.headers, wanted.body)
        home, until = self._home(target.origin), started + seconds
        try:
            sock = _connect(target, until, seconds / 3)
            line = _Line(self._secured(sock, target, until), home, until)
        except OSError as error:
            raise fault(error, target.origin, seconds) from None
        return _sent(line, content, started, largest)

    def _home(self, origin: str) -> _Home:
        home = self._homes.get(origin)
        if home is None:
            with self._lock:
                home = self._homes.setdefault(origin, _Home(origin))
        return home

    def _target(self, url: str) -> Target:
        target = self._targets.get(url)
        if target is None:
            try:
                target = target_of(url)
            except BadAddress:
                text = "the address of the receiver is no http or https URL; correct it in the channels"
                raise DeliveryError(text, retry=False) from None
            if len(self._targets) >= _TARGETS:
                self._targets.clear()
            self._targets[url] = target
        return target

    def _secured(self, sock: socket.socket, target: Target, until: float) -> socket.socket:
        """The connection itself, or TLS over it whose other end proved to be the host."""
        if target.scheme == "http":
            return sock
        try:
            with self._lock:
                if self._tls is None:
                    self._tls = ssl.create_default_context(cafile=self._ca_file)
            sock.settimeout(_left(until))
            return self._tls.wrap_socket(sock, server_hostname=target.host)
        except BaseException:
            sock.close()
            raise


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


def _written(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    try:
        return request(target, headers, body)
    except ValueError:
        text = "a header field of the message is no line of Latin-1 text; report this as a defect"
        raise DeliveryError(text, retry=False) from None


def _sent(line: _Line, content: bytes, started: float, largest: int) -> Exchange:
    exchange = Exchange(line, started, largest)
    try:
        line.send(content)
    except (BrokenPipeError, ConnectionResetError):
        # Who answers before it has read everything may have closed: its answer still counts.
        pass
    except OSError as error:
        line.close()
        raise fault(error, line.origin, line.until - started) from None
    return exchange


def _connect(target: Target, until: float, longest: float) -> socket.socket:
    """A socket to the first address of the host that takes it; Unreachable where none does."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError:
        raise Unreachable from None
    last: OSError = Unreachable()
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(min(longest, _left(until)))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except OSError as error:
            sock.close()
            last = error if isinstance(error, TimeoutError) else Unreachable()
    raise last


def _odd_answer(line: _Line, begun: bytes, largest: int) -> Raw:
    """Read an answer in chunks, without a length, or after an interim one."""
    rest: Any = _Rest(begun, line)
    with http.client.HTTPResponse(rest, method="POST") as response:
        response.begin()
        body = bytearray()
        while len(body) <= largest and (piece := response.read(_PIECE)):
            body += piece
        if response.length and len(body) <= largest:
            raise http.client.IncompleteRead(b"")
        fields = {name.lower(): value for name, value in response.headers.items()}
        keep = response.isclosed() and not response.will_close
    head = Head(status=response.status, fields=fields, keep=keep, length=None)
    return Raw(head, bytes(body), keep)
