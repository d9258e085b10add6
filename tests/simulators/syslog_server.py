"""Syslog servers on loopback: our own over TCP, TLS and UDP, and a real rsyslogd."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulators.peer import Peer


class SyslogServer(Peer):  # type: ignore[misc]  # pytest finds simulators by its own path
    """Reads octet-counted messages until the sender has said all, and keeps them."""

    def __init__(self, tls: tuple[Path, Path] | None = None) -> None:
        super().__init__(self._read, tls)
        self.lines: list[bytes] = []

    def _read(self, connection: socket.socket, _: threading.Event) -> None:
        with connection.makefile("rb") as stream:
            while (count := _count(stream.read(1), stream)) is not None:
                self.lines.append(stream.read(count))


def _count(first: bytes, stream) -> int | None:
    digits = first
    while digits and not digits.endswith(b" "):
        digits += stream.read(1)
    return int(digits) if digits else None


class UdpServer:
    """Keeps datagrams."""

    def __enter__(self) -> UdpServer:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(5)
        self.port = self._socket.getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def next(self) -> bytes:
        """The next datagram; TimeoutError where none comes."""
        return self._socket.recv(65_535)


@contextmanager
def rsyslogd(program: str, folder: Path) -> Iterator[tuple[int, Path]]:
    """A real rsyslogd: its TCP port, and the file it writes as JSON."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    output, configuration = folder / "out.log", folder / "rsyslog.conf"
    configuration.write_text(
        f'global(workDirectory="{folder}")\n'
        'module(load="imtcp")\n'
        f'input(type="imtcp" port="{port}" address="127.0.0.1")\n'
        'template(name="all" type="string" string="%PRI%|%TIMESTAMP:::date-rfc3339%|%HOSTNAME%|'
        '%APP-NAME%|%MSGID%|%STRUCTURED-DATA%|%msg%\\n")\n'
        f'*.* action(type="omfile" file="{output}" template="all")\n'
    )
    command = [program, "-n", "-f", str(configuration), "-i", str(folder / "pid")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as daemon:
        try:
            wait_for(port)
            yield port, output
        finally:
            daemon.terminate()
            daemon.wait(10)


def wait_for(port: int, seconds: float = 10) -> None:
    """Wait until something listens on a port."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing listens on {port}")
