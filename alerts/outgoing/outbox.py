"""The outbox: claims due rows, sends them, writes the outcome. A dead receiver holds up nobody else.

Rows are claimed in one commit for as many as a lane sends in half a second; their outcomes are appended to
a journal the moment they are known and enter the database with the next commit. A process that is killed
therefore repeats the sends it was in the middle of, no more than a lane has under way at once, under their
old keys, and none that had ended. A loss of power can repeat what was sent since the last commit as well.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TypeVar

from sqlalchemy import Connection, Engine

from alerts.duty.people import Routes
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Batching, Channel, Delivery, Means
from alerts.outgoing.journal import NAME, Journal
from alerts.outgoing.lane import Lane
from alerts.outgoing.posting import Posting
from alerts.outgoing.rates import Rate, Window
from alerts.outgoing.sending import Attempt, Ended, Remembering, Word, outcome_of, too_late
from alerts.outgoing.volley import Orders, Volley
from ingest.database import reading, writing
from ingest.errors import DeliveryError, FengsuiError

log = logging.getLogger(__name__)
T = TypeVar("T")

# Threads start as they are needed: enough for the widest lanes of sixteen channels that all hang.
_WORKERS = 1024
_GLANCE_S = 0.1


class _Floor:
    """What the outbox has in hand; touched by the thread that pumps, except where it says otherwise."""

    def __init__(self) -> None:
        self.lanes: dict[str, Lane] = {}
        self.hand: dict[str, Delivery] = {}
        self.clock: Callable[[], datetime] | None = None
        self.journal: Journal | None = None
        # Set by workers when there is something to keep or room to claim.
        self.wake = threading.Event()
        self.winding_up = threading.Event()
        self.pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="send")
        self.aside = ThreadPoolExecutor(_WORKERS, thread_name_prefix="open")


class _Safely:
    """Asks a channel; whatever it raises becomes a word, for its bug must not cost the other messages."""

    def __init__(self, channel: str) -> None:
        self._channel = channel

    def __call__(self, ask: Callable[..., T], *given: object) -> T | DeliveryError:
        try:
            return ask(*given)
        except DeliveryError as error:
            return error
        except FengsuiError as error:
            return DeliveryError(str(error), retry=True)
        except Exception as error:
            log.exception("channel failed", extra={"action": "deliver", "channel": self._channel})
            fault = f"channel {self._channel} failed with {type(error).__name__}; see the log"
            return DeliveryError(fault, retry=True)


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """Sends what is due, a lane per channel: each channel may hold so many workers and no more."""

    engine: Engine
    """The database."""
    channels: Mapping[str, Channel]
    """Name -> channel."""
    routes: Routes
    """People, for their addresses."""
    means: Means
    """What channels may use."""
    retry: tuple[timedelta, ...]
    """Pauses before the second, third, ... attempt; after the last the row is given up."""
    lane: int = 4
    """Sends under way at once in one channel; a kill can repeat that many."""
    rates: Mapping[str, Rate] = field(default_factory=dict)
    """Channel -> what its gateway allows; channels that are not named have no limit."""
    sick: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    """Channel -> since when it has been out of order and why, until its next success; for others to read."""
    _floor: _Floor = field(default_factory=_Floor, repr=False)

    def pump(self, now: datetime) -> int:
        """Keep what has been sent and claim what is due, in one commit; then start it. Never waits.

        Returns how many messages are in hand: claimed, under way, or sent and not kept yet.
        """
        return self._turn(now, lambda: now)

    def drain(self, now: datetime, deadline: float = 60.0) -> None:
        """Send everything that is due at `now` and wait for it, at most `deadline` seconds in all."""
        end = time.monotonic() + deadline
        while self.pump(now):
            left = end - time.monotonic()
            if left <= 0:
                return
            self._floor.wake.wait(min(left, _GLANCE_S))

    def work(self, now: datetime) -> None:
        """Send what is due until nothing is under way, taking up what falls due meanwhile.

        Time goes on from `now` by the monotonic clock. For the one thread that sends on a real clock.
        """
        begun = time.monotonic()

        def clock() -> datetime:
            return now + timedelta(seconds=time.monotonic() - begun)

        while not self._floor.winding_up.is_set() and self._turn(clock(), clock):
            self._floor.wake.wait(_GLANCE_S)

    def wind_up(self) -> None:
        """Let `work` return: what is under way is finished by `close`, what waits stays due."""
        self._floor.winding_up.set()
        for lane in list(self._floor.lanes.values()):
            lane.halted = True

    def next_due(self) -> datetime | None:
        """When to pump next: at once while messages are in hand, whose outcomes want to be kept.

        Rows of a channel that is paused or has used up its rate count from when it may send again.
        """
        # Asked by other threads than the one that sends.
        hand = list(self._floor.hand.values())
        if hand:
            return min(item.due_at for item in hand)
        lanes = dict(self._floor.lanes)
        shut = {name: lane.opens_at() for name, lane in lanes.items()}
        waits = {name: opens for name, opens in shut.items() if opens is not None}
        with reading(self.engine) as connection:
            moments = [deliveries.next_due(connection, without=waits)]
            for name, opens in waits.items():
                due = deliveries.next_due(connection, channel=name)
                moments.append(None if due is None else max(due, opens))
                if lanes[name].circuit.open:
                    at_once = lanes[name].circuit.at_fault
                    moments.append(deliveries.next_chase(connection, name, at_once=at_once))
        return min((moment for moment in moments if moment is not None), default=None)

    def recover(self) -> int:
        """After a crash: rows that were claimed are due again, under their own keys.

        Those whose outcome the journal knows get it instead.
        """
        journal = self._journal()
        with writing(self.engine) as connection:
            again = deliveries.recover(connection, journal.left())
        journal.clear()
        return again

    def close(self) -> None:
        """Wait for what is under way, keep its outcomes, give back the rest, and end the workers."""
        self.wind_up()
        self._floor.pool.shutdown(wait=True)
        self._floor.aside.shutdown(wait=True)
        if self._floor.hand:
            outcomes, size = self._journal().waiting()
            with writing(self.engine) as connection:
                deliveries.settle_all(connection, outcomes)
                deliveries.hand_back(connection, self._floor.hand)
            self._floor.hand.clear()
            self._journal().settled(len(outcomes), size)
        self._journal().close()

    def _turn(self, now: datetime, clock: Callable[[], datetime]) -> int:
        floor, journal = self._floor, self._journal()
        floor.clock = clock
        floor.wake.clear()
        outcomes, size = journal.waiting()
        back = [item for lane in floor.lanes.values() for item in lane.withdraw(now)]
        if not (outcomes or back or floor.hand) and not self._anything(now):
            return 0
        try:
            with writing(self.engine) as connection:
                deliveries.settle_all(connection, outcomes)
                back += self._overtaken(connection)
                deliveries.hand_back(connection, [item.key for item in back])
                self._fail_over(connection, now)
                mine = self._claim(connection, now)
        except BaseException:
            self._start(back)
            raise
        journal.settled(len(outcomes), size)
        for key in [*(one.key for one in outcomes), *(item.key for item in back)]:
            floor.hand.pop(key, None)
        floor.hand.update((item.key, item) for item in mine)
        self._start(mine)
        return len(floor.hand)

    def _anything(self, now: datetime) -> bool:
        """Whether anything is due: asked first, because a look at an idle outbox must not hold up writers."""
        with reading(self.engine) as connection:
            return bool(deliveries.due(connection, now, 1))

    def _overtaken(self, connection: Connection) -> list[Delivery]:
        """Claimed rows that have become needless before they were begun."""
        keys = set(deliveries.replaced(connection)) if self._floor.hand else set()
        lanes = self._floor.lanes.values() if keys else ()
        return [item for lane in lanes for item in lane.remove(keys)]

    def _fail_over(self, connection: Connection, now: datetime) -> None:
        """What waits for a channel that is out of order is chased as if it had been sent and not received."""
        for name, lane in self._floor.lanes.items():
            if lane.circuit.open:
                deliveries.chase_waiting(connection, name, now, at_once=lane.circuit.at_fault)

    def _claim(self, connection: Connection, now: datetime) -> list[Delivery]:
        """The next rows for lanes with room; a full lane's rows must not crowd out the others."""
        if not self._floor.lanes:
            self._open_lanes(connection, now)
        room = {name: lane.room(now, self.lane) for name, lane in self._floor.lanes.items()}
        mine: list[Delivery] = []
        while True:
            full = {name for name, number in room.items() if number <= 0}
            limit = max(self.lane, sum(number for number in room.values() if number > 0))
            if full and full >= self.channels.keys():
                return mine
            waiting = deliveries.due(connection, now, limit, without=full)
            mine += self._take(connection, now, waiting, room)
            if len(waiting) < limit:
                return mine

    def _take(
        self, connection: Connection, now: datetime, waiting: list[Delivery], room: dict[str, int]
    ) -> list[Delivery]:
        """Claim of these rows what there is room for; what is too late is given up."""
        wanted: list[Delivery] = []
        for item in waiting:
            over = now > item.expires_at
            if over or room.setdefault(item.channel, self.lane) > 0:
                wanted.append(item)
                room[item.channel] -= not over
        keys = deliveries.claim_all(connection, [item.key for item in wanted])
        won = [item for item in wanted if item.key in keys]
        late = [too_late(item, now) for item in won if now > item.expires_at]
        deliveries.settle_all(connection, late)
        return [item for item in won if now <= item.expires_at]

    def _open_lanes(self, connection: Connection, now: datetime) -> None:
        for name, channel in self.channels.items():
            rate, window = self.rates.get(name), None
            if rate is not None:
                since = now - rate.per
                sent = deliveries.sent_since(connection, name, since, rate.most)
                window = Window(rate, sent)
            together = channel.batch if isinstance(channel, Batching) else 1
            alone = isinstance(channel, Posting) and together == 1
            self._floor.lanes[name] = Lane(together, window, alone=alone)

    def _start(self, items: list[Delivery]) -> None:
        by_channel: dict[str, list[Delivery]] = {}
        for item in items:
            by_channel.setdefault(item.channel, []).append(item)
        for name, mine in by_channel.items():
            lane = self._floor.lanes.get(name)
            if lane is None:
                lane = self._floor.lanes[name] = Lane(1, None)
            for _ in range(lane.add(mine, self.lane)):
                self._floor.pool.submit(self._run, name, lane)

    def _run(self, name: str, lane: Lane) -> None:
        """A worker: sends from its lane until nothing is left there."""
        channel = self.channels.get(name)
        if lane.alone and isinstance(channel, Posting):
            self._volley(name, lane, channel).run()
        else:
            self._work_off(name, lane)
        self._floor.wake.set()

    def _volley(self, name: str, lane: Lane, channel: Posting) -> Volley:
        return Volley(
            Orders(
                lane=lane,
                places=self.lane,
                channel=channel,
                attempt=self._attempt,
                safely=_Safely(name),
                keep=partial(self._keep, name, lane),
                clock=self._now,
                aside=self._floor.aside,
            )
        )

    def _work_off(self, name: str, lane: Lane) -> None:
        at, items, safely = self._now(), list[Delivery](), _Safely(name)
        while items := lane.take(at, ended=len(items)):
            begun, probing = time.monotonic(), lane.circuit.open
            said = safely(self._attempt, items, at)
            words = [said] * len(items) if isinstance(said, DeliveryError) else said
            each = (time.monotonic() - begun) / len(items)
            at = self._keep(
                name, lane, [Ended(*one, probing, each) for one in zip(items, words, strict=True)]
            )

    def _keep(self, name: str, lane: Lane, ended: Sequence[Ended]) -> datetime:
        """Write down what has ended, so that a kill does not repeat it; the moment of it."""
        at, words = self._now(), [one.word for one in ended]
        self._journal().keep([outcome_of(one, at, self.retry) for one in ended])
        ready = lane.done(words, at, sum([one.took_s for one in ended]))
        self._diagnose(name, lane, words, at)
        if ready:
            self._floor.wake.set()
        return at

    def _diagnose(self, name: str, lane: Lane, words: Sequence[Word], at: datetime) -> None:
        if not lane.circuit.open:
            self.sick.pop(name, None)
        else:
            faults = [str(word) for word in words if isinstance(word, DeliveryError)]
            if faults:
                self.sick.setdefault(name, (at, faults[-1]))

    def _now(self) -> datetime:
        assert self._floor.clock is not None, "workers are started by a turn, which brings a clock"
        return self._floor.clock()

    @cached_property
    def _attempt(self) -> Attempt:
        means = replace(self.means, reveal=Remembering(self.means.reveal))
        return Attempt(channels=self.channels, routes=self.routes, means=means)

    def _journal(self) -> Journal:
        if self._floor.journal is None:
            self._floor.journal = Journal(self.means.folder / NAME)
        return self._floor.journal
