"""The outbox: claims due rows, sends them, writes the outcome. A dead receiver holds up nobody else."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from alerts import deliveries
from alerts.deliveries import Outcome
from alerts.delivery import Channel, Delivery, Means, Message, Status
from alerts.people import Routes
from ingest.database import reading, writing
from ingest.errors import DeliveryError, FengsuiError

log = logging.getLogger(__name__)

# Threads start as they are needed: enough for the lanes of sixteen channels that all hang.
_WORKERS = 64
_GLANCE_S = 0.2


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
    """Sends under way at once in one channel."""
    _flights: dict[Future[Outcome], Delivery] = field(default_factory=dict, repr=False)
    _winding_up: threading.Event = field(default_factory=threading.Event, repr=False)
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_WORKERS, thread_name_prefix="send"), repr=False
    )

    def pump(self, now: datetime) -> int:
        """Keep what has been sent and claim what is due, in one commit; then start it. Never waits.

        Returns how many sends are under way.
        """
        finished = [flight for flight in self._flights if flight.done()]
        with writing(self.engine) as connection:
            self._keep(connection, finished, now)
            mine = self._claim(connection, now, finished)
        self._forget(finished)
        for item in mine:
            self._flights[self._pool.submit(self._send, item, now)] = item
        return len(self._flights)

    def _claim(
        self, connection: Connection, now: datetime, finished: Collection[Future[Outcome]]
    ) -> list[Delivery]:
        """The next rows for lanes with room; a full lane's rows must not crowd out the others."""
        busy = Counter(item.channel for flight, item in self._flights.items() if flight not in finished)
        mine: list[Delivery] = []
        while True:
            full = {name for name, number in busy.items() if number >= self.lane}
            if full and full >= self.channels.keys():
                return mine
            waiting = deliveries.due(connection, now, self.lane, without=full)
            for item in waiting:
                if busy[item.channel] >= self.lane or not deliveries.claim(connection, item.key):
                    continue
                if now > item.expires_at:
                    deliveries.settle(connection, _too_late(item, now))
                else:
                    busy[item.channel] += 1
                    mine.append(item)
            if len(waiting) < self.lane:
                return mine

    def drain(self, now: datetime, deadline: float = 60.0) -> None:
        """Send everything that is due at `now` and wait for it, at most `deadline` seconds in all."""
        end = time.monotonic() + deadline
        while self.pump(now):
            left = max(0.0, end - time.monotonic())
            done, _ = wait(self._flights, timeout=left, return_when="FIRST_COMPLETED")
            if not done:
                return

    def work(self, now: datetime) -> None:
        """Send what is due until nothing is under way, taking up what falls due meanwhile.

        Time goes on from `now` by the monotonic clock. For the one thread that sends on a real clock.
        """
        begun = time.monotonic()
        while not self._winding_up.is_set() and self.pump(
            now + timedelta(seconds=time.monotonic() - begun)
        ):
            wait(self._flights, timeout=_GLANCE_S, return_when="FIRST_COMPLETED")

    def wind_up(self) -> None:
        """Let `work` return: what is under way is finished by `close`, what waits stays due."""
        self._winding_up.set()

    def next_due(self) -> datetime | None:
        """When to pump next: at once while sends are under way, whose outcomes want to be kept."""
        if self._flights:
            # Asked by other threads than the one that sends.
            return min((item.due_at for item in list(self._flights.values())), default=None)
        with reading(self.engine) as connection:
            return deliveries.next_due(connection)

    def recover(self) -> int:
        """After a crash: rows that were being sent are due again, under their own keys."""
        with writing(self.engine) as connection:
            return deliveries.recover(connection)

    def close(self) -> None:
        """Wait for what is under way, keep its outcomes, and end the workers."""
        self._pool.shutdown(wait=True)
        finished = list(self._flights)
        if finished:
            with writing(self.engine) as connection:
                self._keep(connection, finished, None)
            self._forget(finished)

    def _keep(
        self, connection: Connection, finished: Iterable[Future[Outcome]], now: datetime | None
    ) -> None:
        for flight in finished:
            outcome = flight.result()
            deliveries.settle(connection, replace(outcome, at=now or outcome.at))

    def _forget(self, finished: Iterable[Future[Outcome]]) -> None:
        for flight in finished:
            del self._flights[flight]

    def _send(self, item: Delivery, now: datetime) -> Outcome:
        try:
            taken = self._channel(item).send(self._message(item, now), self.means)
        except DeliveryError as error:
            return self._refused(item, now, error)
        except FengsuiError as error:
            return self._refused(item, now, DeliveryError(str(error), retry=True))
        except Exception as error:  # a channel's bug must not cost the other messages
            log.exception("channel failed", extra={"action": "deliver", "channel": item.channel})
            fault = f"channel {item.channel} failed with {type(error).__name__}; see the log"
            return self._refused(item, now, DeliveryError(fault, retry=True))
        words = " ".join(part for part in (taken.reference, taken.detail) if part)
        return Outcome(key=item.key, status=Status.SENT, at=now, detail=words)

    def _channel(self, item: Delivery) -> Channel:
        try:
            return self.channels[item.channel]
        except KeyError:
            gone = f"channel {item.channel} is not configured any more"
            raise DeliveryError(gone, retry=False) from None

    def _message(self, item: Delivery, now: datetime) -> Message:
        person = self.routes.people.get(item.recipient)
        if person is None:
            gone = f"{item.recipient} is not among the people of the configuration any more"
            raise DeliveryError(gone, retry=False)
        return Message(
            key=item.key,
            text=item.text,
            recipient=person,
            subsystem=item.subsystem,
            data=item.data,
            at=now,
        )

    def _refused(self, item: Delivery, now: datetime, error: DeliveryError) -> Outcome:
        attempts = item.attempts + 1
        if not error.retry or attempts > len(self.retry):
            words = f"given up after {attempts} attempts: {error}"
            return Outcome(key=item.key, status=Status.FAILED, at=now, detail=words)
        pause = max(self.retry[attempts - 1], error.retry_after or timedelta(0))
        return Outcome(
            key=item.key, status=Status.DUE, at=now, detail=str(error), next_at=now + pause
        )


def _too_late(item: Delivery, now: datetime) -> Outcome:
    words = f"given up: not delivered by {item.expires_at:%Y-%m-%dT%H:%MZ}; {item.detail}"
    return Outcome(key=item.key, status=Status.FAILED, at=now, detail=words)
