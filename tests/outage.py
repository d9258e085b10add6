"""A town whose people are reached by SMS, by voice when SMS is silent, while the gateway misbehaves.

Changes are announced as the tick announces them; everything behind that is the real instance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fakes import RecordingChannel, change
from simulators.gateway import Gateway
from stage import ALARM, HOUR, district, instance, messages

from alerts.answers import clocks
from alerts.answers.clocks import Clocks
from alerts.duty import release
from alerts.event.transition import Reason, Transition
from alerts.outgoing.delivery import Channel, Delivery, Means, Message, Purpose, Status, Taken
from alerts.record import verify
from ingest.database import reading, writing
from pipeline import guard
from pipeline.config import ChannelBlock, ChannelKeys, Config, with_only
from pipeline.daemon import Daemon, SimulatedClock
from pipeline.ports import Ports
from pipeline.work import Event, Job
from rules.level import Level

MINUTE = timedelta(minutes=1)
NONE, BLUE, YELLOW, ORANGE, RED = Level
BY_SMS = ("health", "agriculture", "water", "traffic", "education", "work_safety")
"""Subsystems whose people are reached by SMS; all others by the file."""
_MOST_RUNS = 200
BOTH = "health"
"""The one that has mail as well."""


@dataclass
class Heard(RecordingChannel):  # type: ignore[misc]  # pytest finds fakes by its own path
    """Takes everything, and gives no reference by which receipts could find it."""

    def send(self, message: Message, means: Means) -> Taken:
        """Take it."""
        super().send(message, means)
        return Taken()

    def first(self) -> dict[str, datetime]:
        """Number -> when it first got something about an alert."""
        found: dict[str, datetime] = {}
        for message in self.taken:
            if message.purpose is Purpose.ALERT:
                found.setdefault(message.recipient.phone, message.at)
        return found


def served(gateway: Channel, few: tuple[str, ...] = BY_SMS, **service: Any) -> Config:
    """The district as it ships, without sources: some people by SMS and then by voice, the rest by a file."""
    shipped = with_only(district(), ("heat",))
    keys = ChannelKeys(kind="aliyun_sms", receipt_within=3 * MINUTE, words="brief")
    blocks = {
        "sms": ChannelBlock(name="sms", channel=gateway, keys=keys),
        **{name: ChannelBlock(name=name, channel=Heard()) for name in ("voice", "mail", "outbox")},
    }
    people = {
        name: replace(person, **_roads(name, few)) for name, person in shipped.routes.people.items()
    }
    routes = replace(shipped.routes, people=people, quiet=None, budget=None)
    own = replace(shipped.service, **service)
    return replace(shipped, routes=routes, channels=blocks, sources={}, service=own)


def _roads(name: str, few: tuple[str, ...]) -> dict[str, Any]:
    if not name.startswith(few):
        return {"channels": ("outbox",), "fallback": ()}
    both = ("sms", "mail") if name.startswith(BOTH) else ("sms",)
    return {"channels": both, "fallback": ("voice",)}


@dataclass
class Town:
    """An instance on a simulated clock, and the gateway it sends over."""

    ports: Ports
    """The instance."""
    gateway: Gateway
    """The gateway."""
    at: datetime = ALARM
    """The present."""
    others: tuple[Job, ...] = ()
    """Further jobs."""
    counts: dict[str, int] = field(default_factory=dict)
    """Alert -> changes so far."""

    def now(self) -> datetime:
        """The present."""
        return self.at

    def announce(self, alert: str, reason: Reason, *levels: Level, hazard: str = "heat") -> Transition:
        """Let an alert change from one level to another, now, in every town."""
        self.counts[alert] = self.counts.get(alert, 0) + 1
        before, after = levels
        towns = dict.fromkeys(district().district.place_ids, after)
        made = change(
            reason, id=f"{alert}.{self.counts[alert]}", alert=alert, hazard=hazard, at=self.at,
            from_level=before, to_level=after, places=towns, changed=towns, opened_at=ALARM,
            onset=self.at, expires=self.at + 48 * HOUR, peak_level=max(before, after),
        )  # fmt: skip
        with writing(self.ports.engine) as connection:
            release.announce(connection, made, self.ports.desk, self.at)
        return made

    def pass_time(self, span: timedelta = timedelta(0)) -> None:
        """Let the daemon work for a while."""
        own = guard.Guard(ports=self.ports)
        watching = Job(
            name=guard.JOB, run=own.look, due=lambda now: guard.due(now, self.ports), every=MINUTE
        )
        runs: Counter[datetime] = Counter()

        def watch(job: Job, now: datetime, event: Event) -> None:
            runs[now] += 1
            assert runs[now] < _MOST_RUNS, f"{job.name} is run at {now} over and over"

        daemon = Daemon(ports=self.ports, others=(watching, *self.others), watch=watch)
        daemon.simulate(SimulatedClock(self.at), self.at + span)
        self.at += span

    def channel(self, name: str) -> Heard:
        """One of the channels that keep what they take."""
        found = self.ports.outbox.channels[name]
        assert isinstance(found, Heard)
        return found

    def rows(self, **wanted: object) -> list[Delivery]:
        """Delivery rows with these values."""
        return [row for row in messages(self.ports) if all(getattr(row, k) == v for k, v in wanted.items())]

    def phone(self, person: str) -> str:
        """Number of a person."""
        return self.ports.config.routes.people[person].phone

    def clocks(self, alert: str) -> list[Clocks]:
        """The five clocks of everybody."""
        with reading(self.ports.engine) as connection:
            return clocks.clocks(connection, alert, self.ports.config.routes.people)

    def check(self) -> None:
        """What holds after every story: the record is whole, and nothing is left in hand."""
        with reading(self.ports.engine) as connection:
            verdict = verify.verify(connection)
        assert verdict.whole, verdict.faults
        assert not self.rows(status=Status.CLAIMED)


@contextmanager
def town(folder: Path, database: str | None = None, **keys: Any) -> Iterator[Town]:
    """A town with a fine gateway; the record is examined at the end."""
    fields = keys.pop("channel", {})
    with Gateway() as gateway:
        config = served(gateway.channel(folder, **fields), **keys)
        with instance(folder, config, database) as ports:
            found = Town(ports=ports, gateway=gateway)
            try:
                yield found
            finally:
                gateway.turn("fine")
            found.check()
