"""Connections of the channels that do not speak HTTP: one deadline, verified TLS, one turn at a time."""

from __future__ import annotations

import io
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from ingest.errors import DeliveryError

Socket = socket.socket
"""What `dial` opens; other modules need no more of the library than its type."""


class Until:
    """The end of one attempt, whatever number of reads and writes it takes."""

    def __init__(self, deadline: timedelta) -> None:
        self.seconds = deadline.total_seconds()
        self._end = time.monotonic() + self.seconds

    @property
    def over(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() >= self._end

    def left(self) -> float:
        """Time left [s], always above zero; TimeoutError where none is."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


def trust(ca_file: str | None) -> ssl.SSLContext:
    """A context that verifies certificate and name, by the system's authorities or those of a file.

    DeliveryError (the channel as a whole is at fault) where the file cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError:
        text = "the certificates of ca_file cannot be read; enter the path of a PEM file"
        raise DeliveryError(text, retry=False, gateway=True) from None


def check_ca_file(ca_file: str | None) -> None:
    """ValueError where the path is not absolute: a daemon's present folder is nobody's intention."""
    if ca_file is not None and not Path(ca_file).is_absolute():
        raise ValueError("ca_file must be an absolute path")


def check_installed(module: str, extra: str) -> None:
    """ValueError with the command that mends it where an optional library is not installed."""
    if find_spec(module) is None:
        raise ValueError(f'this kind needs a further library: pip install "fengsui[{extra}]"')


def is_loopback(host: str) -> bool:
    """Whether `host` is this very machine, by its name or its number."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def dial(
    host: str, port: int, until: Until, context: ssl.SSLContext | None = None
) -> socket.socket:
    """Connect, with TLS where a context is given; OSError in time where that fails.

    Every address of the name gets its share of the time left; looking the name up comes on top.
    """
    plain = _reach(host, port, until)
    try:
        plain.settimeout(until.left())
        # A small message must not wait for the acknowledgement of the one before.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain if context is None else context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _reach(host: str, port: int, until: Until) -> socket.socket:
    """Try the addresses of a name in turn; the error of the last where none answers."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for rest, (family, kind, protocol, _, address) in zip(
        range(len(found), 0, -1), found, strict=True
    ):
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(until.left() / rest)
            opened.connect(address)
        except OSError:
            opened.close()
            if rest == 1:
                raise
        else:
            return opened
    raise OSError("the name has no address")


def datagram(host: str, port: int, content: bytes) -> None:
    """Send one UDP datagram; nobody says whether it arrives. OSError where it cannot leave."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as opened:
        opened.sendto(content, address)


def write(sock: socket.socket, content: bytes, until: Until) -> None:
    """Write all of it before the deadline, or raise OSError."""
    sock.settimeout(until.left())
    sock.sendall(content)


def read(sock: socket.socket, count: int, until: Until) -> bytes:
    """Exactly `count` bytes before the deadline; ConnectionResetError where the peer hangs up."""
    content = bytearray()
    while len(content) < count:
        sock.settimeout(until.left())
        piece = sock.recv(count - len(content))
        if not piece:
            raise ConnectionResetError("the peer hung up")
        content += piece
    return bytes(content)


def waiting(sock: socket.socket) -> bool:
    """Whether something can be read at once: bytes, or the end."""
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True
    return bool(select.select([sock], [], [], 0)[0])


def finish(sock: socket.socket, until: Until) -> None:
    """Say that nothing more comes, and wait until the peer has read all and closes as well."""
    sock.shutdown(socket.SHUT_WR)
    reader = TimelyReader(sock, until)
    while reader.read(4096):
        continue


class TimelyReader(io.RawIOBase):
    """Reads a socket against one deadline; a socket's own time-out starts anew at every read."""

    def __init__(self, sock: socket.socket, until: Until) -> None:
        self._sock = sock
        self._until = until

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read what is there, or wait for it until the deadline."""
        self._sock.settimeout(self._until.left())
        return self._sock.recv_into(buffer)


def fault(error: OSError, where: str, until: Until) -> DeliveryError:
    """Say what went wrong on the way to `where`; the library's words may hold more than they should."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"{where} has no certificate that is trusted for it; have it renewed, or set ca_file"
        return DeliveryError(text, retry=False, gateway=True)
    if isinstance(error, TimeoutError) or until.over:
        text = f"did not answer within {until.seconds:g} s; check that it is not overloaded"
    elif isinstance(error, ssl.SSLError):
        text = "does not speak TLS as it should; check port and tls of its block"
    elif isinstance(error, ConnectionResetError | BrokenPipeError | EOFError):
        text = "broke off; check its logs"
    else:
        text = "cannot be reached; check that it runs and that the network is up"
    return DeliveryError(f"{where} {text}", retry=True)


class Kept(Protocol):
    """A connection that outlives one send."""

    def alive(self, until: Until) -> bool:
        """Whether it can still be used; asking the other end takes no longer than the deadline."""
        ...

    def close(self) -> object:
        """Let go of it."""
        ...


C = TypeVar("C", bound=Kept)


class Line(Generic[C]):
    """At most one connection, used by one thread at a time; who waits for it waits within a deadline."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._connection: C | None = None

    @contextmanager
    def turn(self, until: Until, log_in: Callable[[], C]) -> Iterator[C]:
        """The connection, alone: a new one where there is none or it died, none kept after an error.

        TimeoutError where others held it until the deadline.
        """
        if not self._turn.acquire(timeout=until.left()):
            raise TimeoutError("others hold the line")
        try:
            if self._connection is not None and not self._connection.alive(until):
                self._drop()
            if self._connection is None:
                self._connection = log_in()
            try:
                yield self._connection
            except BaseException:
                self._drop()
                raise
        finally:
            self._turn.release()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # It is broken already: that it cannot be closed either tells nothing new.
            with suppress(OSError):
                connection.close()

    def close(self) -> None:
        """Close the connection, after whoever uses it."""
        with self._turn:
            self._drop()
