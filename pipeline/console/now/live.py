"""The page as it is now, read and rendered once for everybody, and the news that it changed."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from alerts.record import audit, ledger
from ingest.database import reading
from pipeline.console.house import House, InHouse
from pipeline.console.now.board import board_of
from pipeline.console.now.facts import Board
from pipeline.console.now.pulse import Pulse

STALE_S = 30.0
"""What changes with time alone, such as a source that falls silent, is looked for so often [s]."""
_PARTS_KEPT = 200

Key = tuple[object, ...]
"""What tells one rendering of the same board from another: language, hazard and rights."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A board and what it was read from."""

    head: str
    """State of the database, see `Live.head`."""
    read_at: float
    """When it was read, on the monotonic clock [s]."""
    board: Board
    """The board."""
    version: str
    """Digest of everything the board shows: two of the same version look the same."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A rendering."""

    html: str
    """The text."""
    zipped: bytes
    """The same as gzip."""
    tag: str
    """Its entity tag."""


class Live:
    """The present of one console: boards are read once a version, parts rendered once a version and key."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.pulse = Pulse(self.version)
        # Stands in a rendering for the word of a session, which every session has of its own.
        self.csrf = secrets.token_urlsafe(16)
        # So many parts are fetched at once: more would only get in each other's way, and in that of a tick.
        self.turns = asyncio.Semaphore(2)
        self._known: Known | None = None
        self._parts: dict[tuple[str, Key], Part] = {}
        self._reader, self._renderer = threading.Lock(), threading.Lock()

    def head(self) -> str:
        """State of the database in two short reads: the last sealed entry, and the last tick."""
        with reading(self.house.ports.engine) as connection:
            last = ledger.last_tick(connection)
            sealed, _ = audit.head(connection)
        return f"{sealed} {last.at.isoformat() if last else ''}"

    def version(self) -> str:
        """The version of the present."""
        return self.known().version

    def known(self) -> Known:
        """The present; read anew where the database has moved on, or after half a minute."""
        with self._reader:
            head, moment, old = self.head(), time.monotonic(), self._known
            if old is not None and old.head == head and moment - old.read_at < STALE_S:
                return old
            board = board_of(self.house.ports, self.house.clock())
            digest = hashlib.sha256(repr(board).encode()).hexdigest()[:16]
            self._known = Known(head=head, read_at=moment, board=board, version=digest)
            return self._known

    def part(self, key: Key, render: Callable[[Board], str]) -> Part:
        """What `render` makes of the present board, which must depend on the board and the key alone."""
        known = self.known()
        with self._renderer:
            found = self._parts.get((known.version, key))
            if found is None:
                self._forget(known.version)
                found = self._parts[(known.version, key)] = _part(render(known.board))
            return found

    def _forget(self, version: str) -> None:
        """Drop what was rendered of older versions, and everything where there is too much."""
        kept: Mapping[tuple[str, Key], Part] = {
            key: part for key, part in self._parts.items() if key[0] == version
        }
        self._parts = dict(kept) if len(kept) < _PARTS_KEPT else {}


def _part(html: str) -> Part:
    content = html.encode()
    digest = hashlib.sha256(content).hexdigest()[:20]
    return Part(html=html, zipped=gzip.compress(content, 5, mtime=0), tag=f'W/"{digest}"')


async def live_of(request: Request, house: InHouse) -> Live:
    """The present of the console that a request came to; one for all, since only one thread comes here."""
    live: Live | None = getattr(request.app.state, "live", None)
    if live is None:
        live = request.app.state.live = Live(house)
    return live


InLive = Annotated[Live, Depends(live_of)]
"""A parameter of this type is the present of the console."""


async def _turn(live: InLive) -> AsyncIterator[None]:
    async with live.turns:
        yield


InTurn = Annotated[None, Depends(_turn)]
"""A parameter of this type waits its turn among hundreds who fetch at the same time; to be the first."""
