"""A receiver that misbehaves on purpose, on loopback."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Literal

from pipeline.demo.subsystem import LoopbackServer

Manner = Literal["answer", "hang", "drip_head", "drip_body", "close", "cut"]


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """How one request is answered."""

    status: int = 200
    """HTTP status."""
    body: bytes = b'{"accepted": true}'
    """Body of the answer."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further header fields, such as Retry-After."""
    manner: Manner = "answer"
    """Answer at once, never, byte by byte, by closing, or with half of the promised body."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request as it came."""

    path: str
    """Path and query."""
    headers: Mapping[str, str]
    """Header fields, names in lower case."""
    body: bytes
    """Body."""


class MisbehavingReceiver:
    """Answers each request with the next conduct, the last one for ever; keeps every request."""

    def __init__(self, *conducts: Conduct, tls: tuple[Path, Path] | None = None) -> None:
        self.conducts = list(conducts) or [Conduct()]
        self.seen: list[Seen] = []
        self._tls = tls
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server: LoopbackServer | None = None

    def __enter__(self) -> MisbehavingReceiver:
        self._server = LoopbackServer(0, _handler(self))
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        assert self._server is not None
        self._server.stop()

    def url(self, path: str = "/hook") -> str:
        """The address of `path`."""
        assert self._server is not None
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._server.port}{path}"

    def note(self, request: Seen) -> Conduct:
        """Keep a request and say how to answer it."""
        with self._lock:
            self.seen.append(request)
            return self.conducts.pop(0) if len(self.conducts) > 1 else self.conducts[0]

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the receiver is closed; True when it is."""
        return self._ended.wait(seconds)


def closed_port() -> int:
    """A port on which nobody listens."""
    server = LoopbackServer(0, BaseHTTPRequestHandler)
    port = server.port
    server.server_close()
    return port


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Certificate and key for 127.0.0.1 by openssl; FileNotFoundError where that is missing."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    extensions = ["subjectAltName=IP:127.0.0.1", "keyUsage=critical,digitalSignature,keyCertSign"]
    added = [word for extension in extensions for word in ("-addext", extension)]
    files = ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=loopback"]
    subprocess.run([*command.split(), *added, *files], check=True, capture_output=True)
    return certificate, key


class _Wire(BaseHTTPRequestHandler):
    """Puts an answer on the wire in the manner of its conduct."""

    protocol_version = "HTTP/1.1"

    def _say(self, conduct: Conduct, wait: Callable[[float | None], bool]) -> None:
        head, body = _head(conduct), conduct.body
        if conduct.manner in ("hang", "close", "cut"):
            self.close_connection = True
        if conduct.manner == "answer":
            self.wfile.write(head + body)
        elif conduct.manner == "cut":
            self.wfile.write(head + body[: len(body) // 2])
        elif conduct.manner == "hang":
            wait(None)
        elif conduct.manner != "close":
            self._drip(head, body, conduct.manner == "drip_head", wait)

    def _drip(
        self, head: bytes, body: bytes, slow_head: bool, wait: Callable[[float | None], bool]
    ) -> None:
        at_once, slowly = (b"", head + body) if slow_head else (head, body)
        self.wfile.write(at_once)
        for byte in slowly:
            if wait(0.05):
                break
            self.wfile.write(bytes([byte]))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _handler(receiver: MisbehavingReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(_Wire):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            fields = {name.lower(): value for name, value in self.headers.items()}
            conduct = receiver.note(Seen(path=self.path, headers=fields, body=body))
            self._say(conduct, receiver.wait)

        def do_GET(self) -> None:
            fields = {name.lower(): value for name, value in self.headers.items()}
            conduct = receiver.note(Seen(path=self.path, headers=fields, body=b""))
            self._say(conduct, receiver.wait)

    return Handler


def _head(conduct: Conduct) -> bytes:
    fields = {"content-length": str(len(conduct.body)), **conduct.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"HTTP/1.1 {conduct.status} Said\r\n{lines}\r\n".encode()
