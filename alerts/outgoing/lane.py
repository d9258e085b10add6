"""A lane: what is claimed for one channel, in the order of urgency, and the workers that send it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from alerts.outgoing.circuit import Circuit
from alerts.outgoing.delivery import Delivery
from alerts.outgoing.rates import Window
from alerts.outgoing.sending import Word

AHEAD_S = 0.5
"""No more is claimed than is sent in this time [s]: a red waits no longer, what waits can be cancelled."""
MOST = 768
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
    alone : bool
        One thread has all its requests under way at once, in place of a thread for each.
    """

    def __init__(self, together: int, window: Window | None, *, alone: bool = False) -> None:
        self.together = together
        self.window = window
        self.alone = alone
        self.circuit = Circuit()
        self.halted = False
        self._lock = threading.Lock()
        # The most urgent last.
        self._queue: list[_Place] = []
        self._sending = 0
        self._workers = 0
        self._bell: Callable[[], None] | None = None
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
                self._queue.append((*rank, claimed, item))
            # Two runs that are in order already: cheaper than a heap, which compares anew for each it gives.
            self._queue.sort(reverse=True)
            # To fetch some takes about as long as to send as many: it is begun while most are left.
            self._low, self._told = len(self._queue) * 3 // 4, False
            more = self._wanted(workers)
            self._workers += more
            if self._bell is not None and self._sending < workers:
                self._bell()
            return more

    def _wanted(self, workers: int) -> int:
        if self.alone:
            return int(not self._workers and bool(self._queue))
        wanted = -(-len(self._queue) // self.together)
        return max(0, min(workers - self._workers, wanted))

    def answer_to(self, bell: Callable[[], None]) -> None:
        """Have the bell rung whenever something is added that could be begun; until its worker goes."""
        with self._lock:
            self._bell = bell

    def ring(self) -> None:
        """Ring the bell, if it is there still."""
        with self._lock:
            if self._bell is not None:
                self._bell()

    def take(self, now: datetime, *, ended: int = 0) -> list[Delivery]:
        """The most urgent rows for one request, in place of so many that ended; none: the worker is to go."""
        with self._lock:
            self._sending -= ended
            items = self._pop(now, self.together)
            self._workers -= not items
            return items

    def take_places(
        self, now: datetime, places: int, *, ended: int, busy: bool
    ) -> list[Delivery] | None:
        """The most urgent rows for all places that are free, for the one worker that has them all.

        None tells it to go; one that is busy is never told so.
        """
        with self._lock:
            self._sending -= ended
            items = self._pop(now, places - self._sending)
            if items or busy:
                return items
            self._workers, self._bell = 0, None
            return None

    def _pop(self, now: datetime, most: int) -> list[Delivery]:
        if self.halted or self.circuit.paused(now):
            return []
        items = [self._queue.pop()[-1] for _ in range(min(most, len(self._queue)))]
        self._sending += len(items)
        if self.window is not None:
            for _ in items:
                self.window.begin(now)
        return items

    def done(self, words: Sequence[Word], at: datetime, took_s: float) -> bool:
        """What came of rows taken, and how long they took together [s]; True where it is time to claim more.

        Their places are free with the next `take`.
        """
        with self._lock:
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
            return [place[-1] for place in stale]

    def remove(self, keys: Collection[str]) -> list[Delivery]:
        """Take back rows by their keys, unless they have been begun."""
        with self._lock:
            found = [place for place in self._queue if place[3] in keys]
            if found:
                self._queue = [place for place in self._queue if place[3] not in keys]
            return [place[-1] for place in found]
