"""Who judges which block of a replay that several processes share, so that each reads the archive once.

A block needs weather from before it, which its neighbour has read. So blocks are shared out in rounds: each
process gets one run of neighbours, and this one, which also follows the lifecycle, the first and shortest.
Rather than wait for another it judges what that one has left for last.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from rules.findings import Findings

Block = Sequence[datetime]
"""The nows of a block."""
Found = dict[str, Findings]
"""Hazard -> findings of a block."""
Blocks = Generator[tuple[Block, Found], None, None]
"""The nows of a block, and what was found; closing it ends what is under way."""

_EACH = 12
"""Blocks of a round for each process; two rounds are under way at most, and findings take 4 MiB a block."""
_OWN = 0.5
"""Share of this process, of what each of the others gets: a block costs it half as much again."""


@dataclass(frozen=True, kw_only=True)
class Crew:
    """The process that replays, and others beside it."""

    blocks: Sequence[Block]
    """The blocks, in order."""
    others: int
    """How many processes there are beside this one."""
    ask: Callable[[Block, int], Future[Found]]
    """Asks one of the others, by number, to judge a block."""
    here: Callable[[Block], Found]
    """Judges a block in this process."""
    _asked: dict[int, Future[Found]] = field(default_factory=dict)
    """Blocks by number that another was asked to judge, or that were judged here early."""

    def judged(self) -> Blocks:
        """The blocks in order, each with what was found."""
        size = _EACH * (self.others + 1)
        starts = range(0, len(self.blocks), size)
        rounds = [range(start, min(start + size, len(self.blocks))) for start in starts]
        for number, this in enumerate(rounds):
            coming = rounds[number + 1] if number + 1 < len(rounds) else range(0)
            self._hand_out(this)
            self._hand_out(coming)
            for place in this:
                while self._is_awaited(place) and self._take_over(range(place + 1, this.stop), coming):
                    pass
                yield self.blocks[place], self._found(place)

    def _own(self, share: range) -> range:
        """Blocks of a round that nobody else is asked for."""
        return share[: round(len(share) * _OWN / (_OWN + self.others))]

    def _hand_out(self, share: range) -> None:
        rest = share[len(self._own(share)) :]
        for place in rest:
            if place not in self._asked:
                other = (place - rest.start) * self.others // len(rest)
                self._asked[place] = self.ask(self.blocks[place], other)

    def _is_awaited(self, place: int) -> bool:
        return place in self._asked and not self._asked[place].done()

    def _take_over(self, rest: range, coming: range) -> bool:
        """Judge a block here that nobody has begun, the last of this round or the first of the next."""
        left = (place for place in reversed(rest) if place in self._asked and self._asked[place].cancel())
        mine = (place for place in self._own(coming) if place not in self._asked)
        place = next(left, next(mine, None))
        if place is None:
            return False
        self._asked[place] = Future()
        self._asked[place].set_result(self.here(self.blocks[place]))
        return True

    def _found(self, place: int) -> Found:
        asked = self._asked.pop(place, None)
        return self.here(self.blocks[place]) if asked is None else asked.result()
