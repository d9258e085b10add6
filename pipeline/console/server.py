"""Serves the pages from a thread of its own, so that they never delay a tick."""

from __future__ import annotations

import socket
import threading
import time

import uvicorn
from fastapi import FastAPI

from ingest.errors import ConfigMistake
from pipeline.console.app import make_app
from pipeline.console.pages import Clock
from pipeline.ports import Ports

_START_S = 15.0
# So long a request may still take once the server stops; the streams are told to end and need none of it.
_GRACE_S = 5


class Console:
    """A listening address now, and pages on it between `start` and `close`."""

    def __init__(self, listen: str) -> None:
        self._listen = listen
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.app: FastAPI | None = None

    def bind(self) -> str:
        """Take the address and return it as a URL; port 0 takes any free one.

        Raises ConfigMistake where it is taken or not ours.
        """
        host, _, port = self._listen.rpartition(":")
        try:
            self._socket = socket.create_server((host.strip("[]"), int(port)))
        except OSError as error:
            raise ConfigMistake(
                f"service.yaml: listen: {self._listen} cannot be used ({error.strerror}); stop what holds it"
                " or choose another port"
            ) from error
        return f"http://{host}:{self._socket.getsockname()[1]}"

    def start(self, ports: Ports, clock: Clock, wall: Clock | None = None) -> None:
        """Serve until `close`; see `make_app` for the two clocks."""
        if self._socket is None:
            self.bind()
        self.app = make_app(ports, clock, wall)
        config = uvicorn.Config(
            self.app, log_level="warning", access_log=False, lifespan="off",
            timeout_graceful_shutdown=_GRACE_S,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="console", daemon=True
        )
        self._thread.start()
        until = time.monotonic() + _START_S
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.01)

    def close(self) -> None:
        """End the streams, answer what is under way and stop listening."""
        if self._server is not None and self._thread is not None:
            live = getattr(self.app.state, "live", None) if self.app is not None else None
            if live is not None:
                live.pulse.close()
            self._server.should_exit = True
            self._thread.join(timeout=_START_S)
        if self._socket is not None:
            self._socket.close()

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
