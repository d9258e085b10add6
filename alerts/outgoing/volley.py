"""A volley: one thread has the requests of a lane under way, in place of a thread for each that waits.

Threads that wait beside one another cost more than the waiting: whoever has something to do must first be
given the interpreter, four times a message. One thread begins the next requests, waits for whichever answer
comes first, and writes the outcomes of one look at the connections at once, before it begins other requests.
Only what can take long without an answer to wait for, opening a connection, is done aside.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

from alerts.outgoing.delivery import Delivery, Message
from alerts.outgoing.lane import Lane
from alerts.outgoing.post import Exchange
from alerts.outgoing.posting import Posting
from alerts.outgoing.sending import Attempt, Ended, Word
from alerts.outgoing.wire import Request
from ingest.errors import DeliveryError

T = TypeVar("T")


class Safely(Protocol):
    """Asks a channel, and makes a DeliveryError of whatever it raises."""

    def __call__(self, ask: Callable[..., T], *given: object) -> T | DeliveryError:
        """What `ask` returns when it is given these."""
        ...


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a volley is to do, and with what."""

    lane: Lane
    """Where its rows come from."""
    places: int
    """Requests under way at once."""
    channel: Posting
    """What to post, and what an answer means."""
    attempt: Attempt
    """How a row becomes a message."""
    safely: Safely
    """How the channel is asked."""
    keep: Callable[[Sequence[Ended]], object]
    """Takes what has ended; when it returns, a kill does not repeat that any more."""
    clock: Callable[[], datetime]
    """Present moment, aware UTC."""
    aside: Executor
    """Threads that open connections."""


class _Shot(NamedTuple):
    """One message on its way."""

    item: Delivery
    """Its row."""
    message: Message
    """What is sent."""
    wanted: Request
    """How it is posted."""
    probing: bool
    """Whether it is to find out if the gateway works again."""
    begun: float
    """When it was begun, by the monotonic clock [s]."""


class Volley:
    """Sends from a lane until nothing is left there; one thread calls `run`, once.

    Parameters
    ----------
    orders : Orders
    """

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._poll = select.poll()
        self._under_way: dict[int, tuple[_Shot, Exchange]] = {}
        self._opening = 0
        self._opened: deque[tuple[_Shot, Exchange | DeliveryError]] = deque()
        self._ended: list[Ended] = []

    def run(self) -> None:
        """Return as soon as nothing is under way and nothing is left to begin."""
        with _bell() as (ear, ring):
            self._poll.register(ear, select.POLLIN)
            self._orders.lane.answer_to(ring)
            while self._go_on():
                if not self._ended:
                    self._look(ear)

    def _go_on(self) -> bool:
        """Keep what has ended, then begin what there is room for; False where nothing is left to do."""
        orders, ended = self._orders, self._ended
        if ended:
            self._ended = []
            orders.keep(ended)
        at, busy = orders.clock(), bool(self._under_way or self._opening)
        items = orders.lane.take_places(at, orders.places, ended=len(ended), busy=busy)
        # All are made before the first is sent: a receiver that is woken once for them takes less of the
        # machine than one that is woken for each.
        for shot in [self._made(item, at) for item in items or ()]:
            if shot is not None:
                self._send(shot)
        return items is not None

    def _made(self, item: Delivery, at: datetime) -> _Shot | None:
        """What is to be posted for a row; None where that cannot be said, which ends it."""
        orders, begun = self._orders, time.monotonic()
        probing, said = orders.lane.circuit.open, orders.attempt.message(item, at)
        if not isinstance(said, DeliveryError):
            wanted = orders.safely(orders.channel.request, said, orders.attempt.means)
            if not isinstance(wanted, DeliveryError):
                return _Shot(item, said, wanted, probing, begun)
            said = wanted
        self._ended.append(Ended(item, said, probing, time.monotonic() - begun))
        return None

    def _send(self, shot: _Shot) -> None:
        """Send over a connection that stands, or have one opened."""
        said = self._orders.safely(self._orders.attempt.means.post.begin, shot.wanted)
        if isinstance(said, DeliveryError):
            self._end(shot, said)
        elif said is not None:
            self._await(shot, said)
        else:
            self._orders.aside.submit(self._open, shot)
            self._opening += 1

    def _open(self, shot: _Shot) -> None:
        """Send over a new connection; called by a thread that may wait for one."""
        said = self._orders.safely(self._orders.attempt.means.post.open, shot.wanted)
        self._opened.append((shot, said))
        self._orders.lane.ring()

    def _await(self, shot: _Shot, exchange: Exchange) -> None:
        self._under_way[exchange.number] = (shot, exchange)
        self._poll.register(exchange.number, select.POLLIN)

    def _end(self, shot: _Shot, word: Word) -> None:
        took_s = time.monotonic() - shot.begun
        self._ended.append(Ended(shot.item, word, shot.probing, took_s))

    def _look(self, ear: int) -> None:
        """Wait until something has come, the bell has rung or a time is over, and take it in."""
        patience_s = self._patience_s()
        for number, _ in self._poll.poll(None if patience_s is None else max(0.0, patience_s) * 1000):
            if number == ear:
                os.read(ear, 1024)
                self._take_opened()
            else:
                self._hear(number)
        # What came before its time was over has just been taken in, however late that was.
        if patience_s is not None and patience_s <= 0:
            self._expire()

    def _patience_s(self) -> float | None:
        """Time until the next answer is overdue [s], negative where one is; None where none is awaited."""
        if not self._under_way:
            return None
        return min([exchange.until for _, exchange in self._under_way.values()]) - time.monotonic()

    def _take_opened(self) -> None:
        while self._opened:
            shot, said = self._opened.popleft()
            self._opening -= 1
            if isinstance(said, DeliveryError):
                self._end(shot, said)
            else:
                self._await(shot, said)

    def _hear(self, number: int) -> None:
        """Take in what has come of one answer."""
        shot, exchange = self._under_way[number]
        word = self._orders.safely(self._judged, shot, exchange)
        if word is not None:
            self._leave(number)
            self._end(shot, word)

    def _judged(self, shot: _Shot, exchange: Exchange) -> Word | None:
        answer = exchange.hear()
        return None if answer is None else self._orders.channel.taken(answer, shot.message)

    def _expire(self) -> None:
        now = time.monotonic()
        for number, (shot, exchange) in list(self._under_way.items()):
            if exchange.until <= now:
                self._leave(number)
                self._end(shot, exchange.expire())

    def _leave(self, number: int) -> None:
        del self._under_way[number]
        self._poll.unregister(number)


@contextmanager
def _bell() -> Iterator[tuple[int, Callable[[], None]]]:
    """What can be waited for beside connections, and how another thread ends that wait."""
    ear, rope = os.pipe()
    try:
        os.set_blocking(rope, False)

        def ring() -> None:
            # A pipe that is full rings already.
            with suppress(BlockingIOError):
                os.write(rope, b"!")

        yield ear, ring
    finally:
        os.close(ear)
        os.close(rope)
