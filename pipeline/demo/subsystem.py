"""A subsystem on loopback: takes signed webhooks and keeps them, as the software of a bureau would.

Used by the demo and to show what a receiver has to do: verify, keep, and only then answer.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from alerts.gateways.standard_webhooks import BadSignature, sign, verify
from alerts.outgoing.post import Answer, Post
from ingest.errors import StoreError
from ingest.times import parse_instant

LARGEST = 1_000_000
"""Longest request body taken [bytes]."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One accepted request."""

    id: str
    """The sender's ``webhook-id``, the same for every repeat."""
    at: datetime
    """Time stamp in the payload, aware UTC."""
    data: dict[str, Any]
    """The ``data`` of the payload."""
    repeat: bool
    """True where the id had been accepted before."""


class LoopbackServer(ThreadingHTTPServer):
    """An HTTP server on 127.0.0.1 that ends its open connections and threads when it is closed."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), handler)
        self._loop = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Answer requests in threads of its own."""
        self._loop.start()

    def stop(self) -> None:
        """Stop answering, end every connection and wait for the threads."""
        self.shutdown()
        self._loop.join()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def server_bind(self) -> None:
        """Bind without asking the resolver for the machine's name, as the base class would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.port

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection and remember it."""
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A broken connection is the client's affair; anything else is logged with its trace."""
        _log.debug("a request failed", exc_info=True, extra={"action": "receiver.request_failed"})


class Receiver:
    """Accepts ``POST /hooks/<anything>`` with a valid signature; a context manager.

    Entering raises ConfigMistake where the secret is none and StoreError where the log is no log.

    Parameters
    ----------
    secret : str
        ``whsec_`` and base64, shared with the sender.
    log : Path
        File of accepted requests, one JSON object a line; read again at the start.
    now : callable
        Gives the present moment; signatures older or newer than five minutes are refused.
    port : int
        Port on 127.0.0.1, 0 for any free one.
    """

    def __init__(
        self, secret: str, log: Path, *, now: Callable[[], datetime], port: int = 0
    ) -> None:
        self._secret = secret
        self._path = log
        self._now = now
        self._port = port
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._seen: set[str] = set()
        self._server: LoopbackServer | None = None

    def __enter__(self) -> Receiver:
        sign(self._secret, "", 0, b"")
        self._reload()
        self._server = LoopbackServer(self._port, _handler(self))
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def url(self, name: str) -> str:
        """Where subsystem `name` takes its webhooks, while the receiver runs."""
        if self._server is None:
            raise RuntimeError("the receiver has no address before it is entered")
        return f"http://127.0.0.1:{self._server.port}/hooks/{name}"

    def calls(self) -> list[Call]:
        """All accepted requests, oldest first, those of earlier runs included."""
        with self._lock:
            return list(self._calls)

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Judge one request and keep it; HTTP status and, where it is refused, the reason."""
        if not path.startswith("/hooks/"):
            return 404, "post to /hooks/<name>"
        try:
            verify(self._secret, headers, body, self._now())
            record = {
                "id": headers["webhook-id"],
                "timestamp": headers["webhook-timestamp"],
                "body": body.decode(),
            }
            self._keep(record)
        except BadSignature as refusal:
            return 401, str(refusal)
        except (ValueError, KeyError, TypeError):
            return 400, "the body must be JSON with timestamp and data"
        except OSError:
            return 500, "the log cannot be written; free space on its disk"
        return 200, ""

    def _keep(self, record: dict[str, Any]) -> None:
        """Write the record down, then remember it: what is answered is on the disk."""
        with self._lock:
            record["repeat"] = record["id"] in self._seen
            call = _call(record)
            line = json.dumps(record, ensure_ascii=False) + "\n"
            _append(self._path, line.encode())
            self._remember(call)

    def _remember(self, call: Call) -> None:
        self._calls.append(call)
        self._seen.add(call.id)

    def _reload(self) -> None:
        """Read the log; a last line without its end was torn by a crash and never answered."""
        self._calls.clear()
        self._seen.clear()
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self._path, whole)
        try:
            for line in content[:whole].splitlines():
                self._remember(_call(json.loads(line)))
        except (ValueError, KeyError, TypeError):
            raise StoreError(f"{self._path} is no log of a receiver; move it away") from None


def acknowledge(link: str, name: str, post: Post) -> Answer:
    """Answer a call as a person would: post the form behind an acknowledgement link.

    Returns the page's answer unjudged; DeliveryError where it cannot be reached.
    """
    form = urlencode({"name": name}).encode()
    return post.send(link, form, {"content-type": "application/x-www-form-urlencoded"})


def report(link: str, told: Mapping[str, str], post: Post) -> Answer:
    """Send the form below an acknowledgement: `told` holds kind, name and the facts by their fields.

    Returns the page's answer unjudged; DeliveryError where it cannot be reached.
    """
    form = urlencode(told).encode()
    return post.send(f"{link}/report", form, {"content-type": "application/x-www-form-urlencoded"})


def _call(record: Mapping[str, Any]) -> Call:
    """Read a record; ValueError, KeyError or TypeError where its body is not a webhook's."""
    payload = json.loads(record["body"])
    if not isinstance(payload["data"], dict):
        raise TypeError("data must be an object")
    return Call(
        id=record["id"],
        at=parse_instant(payload["timestamp"]),
        data=payload["data"],
        repeat=record["repeat"],
    )


def _append(path: Path, line: bytes) -> None:
    """Append one line and sync; a line that does not fit leaves the file as it was."""
    with path.open("ab", buffering=0) as file:
        size = file.tell()
        if file.write(line) < len(line):
            file.truncate(size)
            raise OSError("short write")
        os.fsync(file.fileno())


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    """A request handler that hands everything to `receiver`."""

    class Handler(BaseHTTPRequestHandler):
        """Reads a request of known length and answers with JSON."""

        protocol_version = "HTTP/1.1"
        server_version = "fengsui-subsystem"
        sys_version = ""
        timeout = 30
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            """Take one webhook."""
            length = self.headers.get("content-length", "")
            if not (length.isascii() and length.isdigit() and int(length[:99]) <= LARGEST):
                # What follows on this connection cannot be told from a body that was not read.
                self.close_connection = True
                self._answer(413, f"send a body of known length up to {LARGEST} bytes")
                return
            body = self.rfile.read(int(length[:99]))
            fields = {name.lower(): value for name, value in self.headers.items()}
            self._answer(*receiver.take(self.path, fields, body))

        def _answer(self, status: int, reason: str) -> None:
            said = {"accepted": False, "error": reason} if reason else {"accepted": True}
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            if self.close_connection:
                self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the log of accepted requests is the record."""

    return Handler
