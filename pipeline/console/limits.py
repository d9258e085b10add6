"""How much one visitor may ask: so often, and so many bytes at once."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_FIELDS = 200
"""Fields a form has at most."""
MOST_BYTES = 256_000
"""Longest body that is read, where `LONGER` says nothing else."""
LONGER: Mapping[str, int] = {
    # A photo of 8 MB, with its form; the callbacks of gateways know a limit of their own, below this one.
    "/damage": 8_000_000 + MOST_BYTES,
    "/api/v1/damage": 8_000_000 + MOST_BYTES,
    "/inbound/": 2_000_000,
}
"""Beginning of a path -> longest body that is read there."""
_REMEMBERED = 4096
# How many times the limit is listened to before the answer.
_PATIENCE = 4


class Kind(StrEnum):
    """What is counted."""

    SIGN_IN = "sign_in"
    """Passwords tried from an address."""
    UNKNOWN = "unknown"
    """Requests from an address without a session or a key that works."""
    CHANGE = "change"
    """State changes of a session or key."""
    READ = "read"
    """Requests of the API by a session or key that change nothing."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A bucket of tokens."""

    burst: int
    """Requests at once."""
    per_second: float
    """Requests in the long run [1/s]."""


RATES: Mapping[Kind, Rate] = {
    Kind.SIGN_IN: Rate(burst=20, per_second=1 / 3),
    Kind.UNKNOWN: Rate(burst=120, per_second=2),
    Kind.CHANGE: Rate(burst=60, per_second=1),
    # A wall of screens behind one account opens its streams anew all at once after a restart.
    Kind.READ: Rate(burst=600, per_second=20),
}
"""How often each may be done."""


class Gate:
    """Buckets by who asks; forgets those it has not seen for longest, so that its memory is bounded.

    It lives in memory: a restart forgives. `clock` counts seconds and never goes back.
    """

    def __init__(
        self, rates: Mapping[Kind, Rate] = RATES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rates = rates
        self._clock = clock
        self._lock = threading.Lock()
        self._left: OrderedDict[tuple[Kind, str], tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def admit(self, kind: Kind, who: str) -> None:
        """Count a request; HTTPException 429 with ``Retry-After`` [s] where it is one too many."""
        wait = self._take(kind, who)
        if wait > 0:
            seconds = max(1, math.ceil(wait))
            raise HTTPException(
                429, f"请求太频繁，请{seconds}秒后再试 / too many requests, wait {seconds} s",
                {"Retry-After": str(seconds)},
            )  # fmt: skip

    def _take(self, kind: Kind, who: str) -> float:
        """Seconds until there is a token; zero where one was taken."""
        rate, now = self._rates[kind], self._clock()
        with self._lock:
            left, before = self._left.pop((kind, who), (float(rate.burst), now))
            left = min(rate.burst, left + (now - before) * rate.per_second)
            taken = left >= 1
            self._left[kind, who] = (left - taken, now)
            while len(self._left) > _REMEMBERED:
                self._left.popitem(last=False)
        return 0.0 if taken else (1 - left) / rate.per_second


class BodyLimit:
    """Answers 413 where a body is too long, announced or not; nothing beyond the limit is kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its body piece by piece."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = _most(scope["path"])
        told = Headers(scope=scope).get("content-length", "0")
        if not told.isdecimal() or int(told) > most:
            await _hear_out(receive, most)
            answer = JSONResponse({"detail": _too_long(most)}, 413, {"Connection": "close"})
            await answer(scope, receive, send)
            return
        await self._app(scope, _counted(receive, most), send)


def _counted(receive: Receive, most: int) -> Receive:
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            if message.get("more_body", False):
                await _hear_out(receive, most)
            raise HTTPException(413, _too_long(most))
        return message

    return counted


async def _hear_out(receive: Receive, most: int) -> None:
    """Let a body that is somewhat too long come, and keep none of it: who is cut off hears no answer."""
    read, more = 0, True
    while more and read <= _PATIENCE * most:
        message = await receive()
        read += len(message.get("body", b""))
        more = message.get("more_body", False)


def _most(path: str) -> int:
    return next((most for start, most in LONGER.items() if path.startswith(start)), MOST_BYTES)


def _too_long(most: int) -> str:
    return f"内容太长，最多{most // 1000} kB / too long, at most {most // 1000} kB"
