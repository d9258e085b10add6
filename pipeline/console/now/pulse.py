"""One pulse for all who listen: it looks once a second whether the present changed, and tells everybody."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress

from fastapi.concurrency import run_in_threadpool

from ingest.errors import FengsuiError

LOOK_S = 1.0
"""Pause between two looks [s]."""
BEAT_S = 15.0
"""Pause between two signs of life [s]."""
CALM = 60
"""So many listeners fetch within a second; more take longer in proportion, so that no tick waits."""

_AT_ONCE = 20
_BREATH_S = 0.01

log = logging.getLogger(__name__)

Beat = tuple[str, dict[str, object]]
"""Name of an event and what it says."""


class Pulse:
    """Tells listeners the version of the present; lives in one event loop and looks in a thread.

    A listener holds one event at most, the newest: one that is slow never makes another wait. Nothing is
    looked at while nobody listens.
    """

    def __init__(self, version: Callable[[], str]) -> None:
        self._version = version
        self._listeners: set[asyncio.Queue[Beat]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Task[None] | None = None
        self._ended = False
        self._door = asyncio.Semaphore(1)
        self.last = ""

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    async def stream(self, still_in: Callable[[], Awaitable[bool]]) -> AsyncGenerator[bytes, None]:
        """Server-sent events until the listener goes, its session ends, or the server does.

        ``now`` tells a version and within how many seconds to fetch it, ``beat`` that the line and the
        database work, ``out`` that the session is over, ``end`` that the server stops.
        """
        mine: asyncio.Queue[Beat] = asyncio.Queue(1)
        self._join(mine)
        try:
            # So soon after a cut a browser tries again [ms].
            yield b"retry: 2000\n\n"
            if self.last:
                yield _event(("now", self._said()))
            async for event in self._events(mine, still_in):
                yield _event(event)
        finally:
            self._listeners.discard(mine)

    async def _events(
        self, mine: asyncio.Queue[Beat], still_in: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[Beat]:
        while not self._ended:
            event = await mine.get()
            if event[0] == "beat" and not await self._checked(still_in):
                yield ("out", {})
                return
            yield event
        if not mine.empty():
            yield mine.get_nowait()

    async def _checked(self, still_in: Callable[[], Awaitable[bool]]) -> bool:
        """Whether a session goes on; they are looked at one by one, so that a tick finds room between."""
        async with self._door:
            await asyncio.sleep(BEAT_S / 4 / max(1, self.listeners))
            return await still_in()

    def close(self) -> None:
        """End every stream; to be called from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self._ended = True
        for listener in self._listeners:
            _put(listener, ("end", {}))
        if self._work is not None:
            self._work.cancel()

    def _join(self, mine: asyncio.Queue[Beat]) -> None:
        self._listeners.add(mine)
        if self._ended:
            mine.put_nowait(("end", {}))
        elif self._work is None or self._work.done():
            self._loop = asyncio.get_running_loop()
            self._work = self._loop.create_task(self._look())

    async def _look(self) -> None:
        clock = asyncio.get_running_loop().time
        beaten = clock()
        while self._listeners:
            version = await self._read()
            if version and version != self.last:
                self.last = version
                await self._spread(("now", self._said()))
            elif version and clock() - beaten >= BEAT_S:
                beaten = clock()
                await self._spread(("beat", {"version": version}))
            await asyncio.sleep(LOOK_S)
        self.last = ""

    async def _read(self) -> str:
        """The version; empty where the database cannot be read, and then no beat says that all is well."""
        try:
            return await run_in_threadpool(self._version)
        except FengsuiError as error:
            log.warning("the stream cannot read: %s", error, extra={"action": "stream_blind"})
            return ""

    def _said(self) -> dict[str, object]:
        return {"version": self.last, "within": max(1.0, self.listeners / CALM)}

    async def _spread(self, event: Beat) -> None:
        """Tell some at a time, for writing to hundreds at once would hold up a tick."""
        waiting = list(self._listeners)
        for first in range(0, len(waiting), _AT_ONCE):
            for listener in waiting[first : first + _AT_ONCE]:
                _put(listener, event)
            if len(waiting) > _AT_ONCE:
                await asyncio.sleep(_BREATH_S)


def _put(listener: asyncio.Queue[Beat], event: Beat) -> None:
    if listener.full():
        # A beat never takes the place of news that was not fetched yet.
        if event[0] == "beat":
            return
        listener.get_nowait()
    listener.put_nowait(event)


def _event(event: Beat) -> bytes:
    name, said = event
    return f"event: {name}\ndata: {json.dumps(said)}\n\n".encode()
