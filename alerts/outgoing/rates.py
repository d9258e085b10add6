"""What a gateway allows: so many messages in any period; who must wait, waits in the queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Rate:
    """At most so many messages begun in any window of a length."""

    most: int
    """Messages in a window, at least one."""
    per: timedelta = timedelta(minutes=1)
    """Length of the window; exactly so long after a message its place is free again."""

    def __post_init__(self) -> None:
        if self.most < 1 or self.per <= timedelta(0):
            raise ValueError("a rate needs at least one message in a period longer than nothing")


class Window:
    """The last messages of a gateway.

    Parameters
    ----------
    rate : Rate
    begun : iterable of datetime
        When messages were begun, of before a restart.
    """

    def __init__(self, rate: Rate, begun: Iterable[datetime] = ()) -> None:
        self.rate = rate
        self._begun = deque(sorted(begun), maxlen=rate.most)

    def begin(self, at: datetime) -> None:
        """A message is begun."""
        self._begun.append(at)

    def free(self, now: datetime) -> int:
        """How many may be begun at `now`."""
        return self.rate.most - sum(now - at < self.rate.per for at in list(self._begun))

    def opens_at(self) -> datetime | None:
        """From when one more may be begun; None where it always could, since few were."""
        begun = list(self._begun)
        return begun[0] + self.rate.per if len(begun) == self.rate.most else None
