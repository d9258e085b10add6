"""A TCP server on loopback that talks as it is told, one thread per connection."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

Talk = Callable[[socket.socket, threading.Event], None]
"""What is said over one connection; the event tells that the server is closing."""


class Peer:
    """Accepts on 127.0.0.1 and lets `talk` speak; every socket and thread ends with it."""

    def __init__(self, talk: Talk, tls: tuple[Path, Path] | None = None) -> None:
        self._talk = talk
        self._tls = tls
        self._ended = threading.Event()
        self._guard = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.port = 0

    def __enter__(self) -> Peer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(10)

    def hang_up(self) -> None:
        """Cut every connection; new ones are still taken."""
        with self._guard:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._guard:
                self._open.add(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        spoken = connection
        try:
            if self._tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*self._tls)
                spoken = context.wrap_socket(connection, server_side=True)
                with self._guard:
                    self._open.discard(connection)
                    self._open.add(spoken)
            with suppress(OSError):
                self._talk(spoken, self._ended)
        except OSError:
            pass
        finally:
            with self._guard:
                self._open -= {connection, spoken}
                spoken.close()
                connection.close()


def hang(_: socket.socket, ended: threading.Event) -> None:
    """Say nothing, ever."""
    ended.wait()


def close(_: socket.socket, __: threading.Event) -> None:
    """Hang up at once."""


def drip(connection: socket.socket, ended: threading.Event) -> None:
    """Send a byte now and then that never completes anything."""
    while not ended.wait(0.05):
        connection.sendall(b"2")
