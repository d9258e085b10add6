"""Whether a gateway works: one that is out of order is left alone, and asked with one message at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts.outgoing.delivery import Taken
from alerts.outgoing.sending import Unsendable, Word

FAILURES = 10
"""So many attempts in a row that failed on the way, and the channel is left alone."""
PROBE = timedelta(seconds=30)
"""After so long it is tried with one message."""


class Circuit:
    """What the last words of a gateway say of the gateway; guarded by its lane."""

    def __init__(self) -> None:
        self.failures = 0
        self.at_fault = False
        self.until: datetime | None = None

    def paused(self, now: datetime) -> bool:
        """Nothing may be sent."""
        return self.until is not None and now < self.until

    @property
    def open(self) -> bool:
        """Out of order: paused, or tried with one message."""
        return self.until is not None

    def hear(self, word: Word, at: datetime) -> None:
        """Take in what was said of one message."""
        if isinstance(word, Unsendable):
            return
        if isinstance(word, Taken):
            self.failures, self.at_fault, self.until = 0, False, None
        elif word.gateway:
            self.at_fault, self.until = True, at + PROBE
        elif word.retry:
            self.failures += 1
            if self.open or self.failures >= FAILURES:
                self.until = at + PROBE
        else:
            self._refused(at)

    def _refused(self, at: datetime) -> None:
        """One message was refused: the way to the gateway is open, whatever else is wrong with it."""
        self.failures = 0
        self.until = at + PROBE if self.at_fault else None
