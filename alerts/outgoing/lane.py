"""A lane: what is claimed for one channel, in the order of urgency, and the workers that send it."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from heapq import heapify, heappop, heappush

from alerts.outgoing.circuit import Circuit
from alerts.outgoing.delivery import Delivery
from alerts.outgoing.rates import Window
from alerts.outgoing.sending import Word

AHEAD_S = 0.5
"""No more is claimed than is sent in this time [s]: a red waits no longer, what waits can be cancelled."""
MOST = 512
"""Most messages claimed ahead in one lane."""
STALE_S = 1.0
"""What was claimed and not begun for so long is handed back."""

_Place = tuple[int, datetime, datetime, str, float, Delivery]


class Lane:
    """The state of one channel; safe for threads.

    Parameters
    ----------
    together : int
        Most messages that the channel takes in one request.
    window : Window or None
        What its gateway allows.
    """

    def __init__(self, together: int, window: Window | None) -> None:
        self.together = together
        self.window = window
        self.circuit = Circuit()
        self.halted = False
        self._lock = threading.Lock()
        self._queue: list[_Place] = []
        self._sending = 0
        self._workers = 0
        self._low, self._told = 0, False
        self._pace_s: float | None = None

    def room(self, now: datetime, workers: int) -> int:
        """How many more may be claimed, where so many workers send at once."""
        with self._lock:
            waiting, held = len(self._queue), len(self._queue) + self._sending
            if self.halted or self.circuit.paused(now):
                return 0
            if self.circuit.open:
                return max(0, 1 - held)
            room = self._ahead(workers) - held
            if self.window is not None:
                room = min(room, self.window.free(now) - waiting)
            return max(0, room)

    def opens_at(self) -> datetime | None:
        """From when more may be sent; None where nothing holds the lane back."""
        with self._lock:
            opens = None if self.window is None else self.window.opens_at()
            moments = (self.circuit.until, opens)
            return max((moment for moment in moments if moment is not None), default=None)

    def _ahead(self, workers: int) -> int:
        least = workers * self.together
        if self._pace_s is None:
            return least
        return max(least, min(MOST, int(workers * AHEAD_S / max(self._pace_s, 1e-6))))

    def add(self, items: Iterable[Delivery], workers: int) -> int:
        """Queue claimed rows; how many more workers are to be started for them."""
        claimed = time.monotonic()
        with self._lock:
            for item in items:
                rank = (item.priority, item.due_at, item.planned_at, item.key)
                heappush(self._queue, (*rank, claimed, item))
            self._low, self._told = len(self._queue) // 2, False
            wanted = -(-len(self._queue) // self.together)
            more = max(0, min(workers - self._workers, wanted))
            self._workers += more
            return more

    def take(self, now: datetime) -> list[Delivery]:
        """The most urgent rows for one request; none tells the worker to go."""
        with self._lock:
            if self.halted or self.circuit.paused(now):
                items = []
            else:
                number = min(self.together, len(self._queue))
                items = [heappop(self._queue)[-1] for _ in range(number)]
            self._sending += len(items)
            self._workers -= not items
            if self.window is not None:
                for _ in items:
                    self.window.begin(now)
            return items

    def done(self, words: Sequence[Word], at: datetime, took_s: float) -> bool:
        """What came of the rows taken; True where it is time to claim more."""
        with self._lock:
            self._sending -= len(words)
            each = took_s / len(words)
            self._pace_s = each if self._pace_s is None else 0.8 * self._pace_s + 0.2 * each
            for word in words:
                self.circuit.hear(word, at)
            low = not self._told and len(self._queue) <= self._low
            self._told = self._told or low
            return low or self.circuit.open

    def withdraw(self, now: datetime) -> list[Delivery]:
        """Take back what must not or cannot be begun soon."""
        with self._lock:
            if self.halted or self.circuit.paused(now):
                stale, self._queue = self._queue, []
                return [place[-1] for place in stale]
            oldest = time.monotonic() - STALE_S
            stale = [place for place in self._queue if place[-2] < oldest]
            if stale:
                # It is slower than it was.
                self._pace_s = None
                self._queue = [place for place in self._queue if place[-2] >= oldest]
                heapify(self._queue)
            return [place[-1] for place in stale]

    def remove(self, keys: Collection[str]) -> list[Delivery]:
        """Take back rows by their keys, unless they have been begun."""
        with self._lock:
            found = [place for place in self._queue if place[3] in keys]
            if found:
                self._queue = [place for place in self._queue if place[3] not in keys]
                heapify(self._queue)
            return [place[-1] for place in found]
