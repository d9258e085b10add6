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
from typing import Any, NamedTuple

from alerts.outgoing.answer import AGAIN, LONGEST_PAUSE, Answer, judge
from alerts.outgoing.wire import BadAddress, Head, Target, head_of, request, target_of
from ingest.errors import DeliveryError

__all__ = ["AGAIN", "LONGEST_PAUSE", "MEGABYTE", "Answer", "Post", "judge"]

MEGABYTE = 1_000_000
_IDLE = 16
_TARGETS = 256
_PIECE = 64 * 1024
_LONGEST_HEAD = 64 * 1024
_HEAD_END = b"\r\n\r\n"


class _Unreachable(OSError):
    """No address of the host takes a connection."""


class _Line:
    """One connection, used by one thread at a time; each of its steps is held to one deadline."""

    def __init__(self, sock: socket.socket, home: dict[str, list[_Line]], until: float) -> None:
        self.sock = sock
        self.home = home
        self.until = until
        self._patience = 0.0
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._heads: tuple[bytes, Head | None] = (b"", None)
        if not isinstance(sock, ssl.SSLSocket):
            # Python waits and then reads, each a call to the system that gives up the interpreter; a
            # blocking socket waits in the read itself, and the system keeps the time.
            sock.settimeout(None)

    def head(self, text: bytes) -> Head:
        """The head of an answer; a receiver often says the same again, which is not read twice."""
        known, head = self._heads
        if text != known:
            head = head_of(text)
            self._heads = (text, head)
        if head is None:
            raise http.client.BadStatusLine("")
        return head

    def send(self, content: bytes) -> None:
        """Send all of it."""
        rest = memoryview(content)
        while rest:
            self._hold()
            try:
                rest = rest[self.sock.send(rest) :]
            except BlockingIOError:
                raise TimeoutError from None

    def receive(self) -> bytes:
        """The next piece, empty at the end; a socket's own time-out starts anew at every read."""
        self._hold()
        try:
            return self.sock.recv(_PIECE)
        except BlockingIOError:
            raise TimeoutError from None

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


class _Raw(NamedTuple):
    """An answer as it was read."""

    head: Head
    """Its head."""
    body: bytes
    """Its body; longer than was allowed where it was refused."""
    keep: bool
    """Whether the connection can be used again."""


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
        self._idle: dict[str, list[_Line]] = {}

    def __enter__(self) -> Post:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all idle connections; a later send opens new ones."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for lines in idle.values():
            for line in lines:
                line.sock.close()

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
        target = self._target(url)
        content = _written(target, headers, body)
        try:
            answer = self._exchange(target, content, started + seconds, seconds / 3, largest)
        except (http.client.HTTPException, OSError) as error:
            raise _fault(error, target.origin, seconds) from None
        if len(answer.body) > largest:
            raise DeliveryError(
                f"{target.origin} answered more than {largest} bytes; check that it is a receiver",
                retry=True,
            )
        return Answer(
            status=answer.head.status,
            headers=answer.head.fields,
            body=answer.body,
            elapsed_s=time.monotonic() - started,
        )

    def _exchange(
        self, target: Target, content: bytes, until: float, longest: float, largest: int
    ) -> _Raw:
        line = self._line(target, until, longest)
        try:
            try:  # noqa: SIM105 - a context manager costs a microsecond of each message
                line.send(content)
            except (BrokenPipeError, ConnectionResetError):
                # Who answers before it has read everything may have closed: its answer still counts.
                pass
            raw = _answer(line, largest)
        except BaseException:
            line.sock.close()
            raise
        self._put_away(target.origin, line, raw.keep)
        return raw

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

    def _line(self, target: Target, until: float, longest: float) -> _Line:
        """An idle connection that is still open, the last used first, or a new one."""
        while True:
            with self._lock:
                home = self._idle
                idle = home.get(target.origin)
                line = idle.pop() if idle else None
            if line is None:
                sock = _connect(target, until, longest)
                return _Line(self._secured(sock, target, until), home, until)
            if line.quiet():
                line.until = until
                return line
            line.sock.close()

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

    def _put_away(self, origin: str, line: _Line, keep: bool) -> None:
        """Keep a connection for the next send, unless we were closed meanwhile."""
        with self._lock:
            idle = line.home.setdefault(origin, [])
            if keep and line.home is self._idle and len(idle) < _IDLE:
                idle.append(line)
                return
        line.sock.close()


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


def _connect(target: Target, until: float, longest: float) -> socket.socket:
    """A socket to the first address of the host that takes it; _Unreachable where none does."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError:
        raise _Unreachable from None
    last: OSError = _Unreachable()
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(min(longest, _left(until)))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except OSError as error:
            sock.close()
            last = error if isinstance(error, TimeoutError) else _Unreachable()
    raise last


def _answer(line: _Line, largest: int) -> _Raw:
    """Read an answer; its body is cut at the first piece that makes it longer than `largest`."""
    content = line.receive()
    while (end := content.find(_HEAD_END)) < 0:
        piece = line.receive()
        if not piece or len(content) > _LONGEST_HEAD:
            raise http.client.BadStatusLine("")
        content += piece
    head = line.head(content[:end])
    if head.length is None:
        return _odd_answer(line, content, largest)
    body = content[end + 4 :]
    if len(body) < head.length <= largest:
        body = _whole(line, body, head.length)
    whole = len(body) == head.length
    # A promise of more than may be read is refused by the length of what is handed back.
    body = body if head.length <= largest else b" " * (largest + 1)
    return _Raw(head=head, body=body[: head.length], keep=head.keep and whole)


def _whole(line: _Line, begun: bytes, length: int) -> bytes:
    pieces, missing = [begun], length - len(begun)
    while missing > 0:
        piece = line.receive()
        if not piece:
            raise http.client.IncompleteRead(b"")
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _odd_answer(line: _Line, begun: bytes, largest: int) -> _Raw:
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
    return _Raw(head=head, body=bytes(body), keep=keep)


def _fault(error: Exception, origin: str, seconds: float) -> DeliveryError:
    """Say what went wrong on the way, without the library's text."""
    if isinstance(error, _Unreachable):
        text = f"{origin} cannot be reached; check that it runs and that the network is up"
    elif isinstance(error, TimeoutError):
        text = f"{origin} did not answer within {seconds:g} s; check that it is not overloaded"
    elif isinstance(error, ssl.SSLError):
        text = f"{origin} has no certificate that is trusted for it; have it renewed"
    else:
        text = f"{origin} broke off before its answer was complete; check its logs"
    return DeliveryError(text, retry=True)
