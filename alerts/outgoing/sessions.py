"""Connections that outlive one send: one per channel, used by one thread at a time, closed with the house."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TypeVar


class Closable(Protocol):
    """Anything that can be closed."""

    def close(self) -> object:
        """Let go of it."""
        ...


S = TypeVar("S", bound=Closable)


class Sessions:
    """Keeps what channels log in to; safe for threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._turns: dict[Hashable, threading.Lock] = {}
        self._open: dict[Hashable, Closable] = {}

    @contextmanager
    def borrow(self, owner: Hashable, log_in: Callable[[], S]) -> Iterator[S]:
        """The session of `owner`, alone; a new one where there is none, and none is kept after an error."""
        with self._guard:
            turn = self._turns.setdefault(owner, threading.Lock())
        with turn:
            session = self._open.get(owner)
            if session is None:
                session = self._open[owner] = log_in()
            try:
                yield session  # type: ignore[misc]  # an owner always keeps sessions of one type
            except BaseException:
                self._open.pop(owner, None)
                # It is broken already: that it cannot be closed either tells nothing new.
                with suppress(Exception):
                    session.close()
                raise

    def close(self) -> None:
        """Close every session that nobody is using; one in use is closed by its error or with the process."""
        with self._guard:
            owners = list(self._turns.items())
        for owner, turn in owners:
            with turn:
                session = self._open.pop(owner, None)
                if session is not None:
                    with suppress(Exception):
                        session.close()
