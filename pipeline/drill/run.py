"""Running a drill: a ledger of its own, the real daemon, and an end that everybody hears of."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from alerts.answers.reports import Report
from alerts.event import orders
from alerts.event.orders import Kind, Order
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Status
from alerts.record import store
from alerts.record.store import Acknowledgement, Call, CallStatus
from ingest.database import reading, writing
from pipeline.acknowledge import acknowledge, report, word_of
from pipeline.config import Config
from pipeline.configuration.folder import DRILLS
from pipeline.console.server import Console
from pipeline.daemon import Daemon, SimulatedClock, SteadyClock, Watcher
from pipeline.drill.plan import Drill, rehearsal
from pipeline.drill.score import Score, score
from pipeline.drill.storm import DesignStorm
from pipeline.ports import Ports
from pipeline.settings import DATABASE_FILE, Settings
from pipeline.wiring import build
from pipeline.work import Job
from rules.level import Level

ANSWERS_AFTER = timedelta(minutes=2)
"""In a drill on a simulated clock every crew answers so long after it was called."""
_RUN_OUT = timedelta(minutes=2)
"""Time for the last messages of a drill to leave."""
_TAIL = timedelta(hours=60)
_LOOK = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Everything of one drill, ready to run."""

    drill: Drill
    """What is rehearsed."""
    ports: Ports
    """The instance, with its own ledger."""
    begins: datetime
    """When it begins."""
    title: str
    """Its name in the language of the messages."""

    def score(self, ended: datetime) -> Score:
        """The score as it stands."""
        with reading(self.ports.engine) as connection:
            return score(connection, self.ports.config.routes, self.title, self.begins, ended)


@contextmanager
def set_up(
    config: Config, settings: Settings, drill: Drill, name: str, begins: datetime, console: Console
) -> Iterator[Ground]:
    """Open a drill in a folder of its own below the data folder: nothing of it reaches the real ledger."""
    folder = settings.data / DRILLS / f"{name}-{begins:%Y%m%dT%H%M%SZ}"
    title = drill.title.zh if config.service.language == "zh" else drill.title.en
    with ExitStack() as stack:
        url = console.bind()
        played = rehearsal(config, drill, begins, _public(config, url))
        own = Settings(config=settings.config, data=folder, database=_ledger(folder))
        ports = build(played, own, exercise=title)
        stack.callback(ports.close)
        stack.callback(console.close)
        yield Ground(drill=drill, ports=ports, begins=begins, title=title)


def _ledger(folder: Path) -> str:
    return f"sqlite:///{folder.absolute() / DATABASE_FILE}"


def _public(config: Config, url: str) -> str:
    """Phones reach the drill on the public host, at the port of the drill."""
    public = config.service.public_url
    local = public.startswith(("http://127.0.0.1", "http://localhost"))
    return url if local else f"{public.rsplit(':', 1)[0]}:{url.rsplit(':', 1)[1]}"


def play_live(ground: Ground, clock: SteadyClock, stop: threading.Event, watch: Watcher) -> None:
    """Run on the real clock for as long as the drill lasts; stopped early, everybody hears that too."""
    director = Director(ground=ground, stop=stop, ends=ground.begins + ground.drill.lasts)
    Daemon(ports=ground.ports, watch=watch, others=(director.job(),)).run(stop, clock)


def play_fast(ground: Ground, watch: Watcher) -> datetime:
    """Run through the whole storm on a simulated clock, with crews that answer; when it ended."""
    storm = ground.ports.config.sources["design_storm"].source
    assert isinstance(storm, DesignStorm)
    clock, crews = SimulatedClock(ground.begins), Crews(ports=ground.ports)
    daemon = Daemon(ports=ground.ports, watch=watch, others=(crews.job(),))
    daemon.simulate(clock, storm.end + _TAIL)
    return clock.at


@dataclass(frozen=True, kw_only=True)
class Director:
    """Ends a drill: withdraws every alert, so that all who were warned hear it, and stops when it is sent."""

    ground: Ground
    """The drill."""
    stop: threading.Event
    """Set when all is over."""
    ends: datetime
    """When to end."""

    def job(self) -> Job:
        """The director as a job beside those of the daemon."""
        return Job(name="director", run=self.act, due=self.due, every=_LOOK)

    def due(self, now: datetime) -> datetime:
        """At the end, and then until everything has been sent."""
        return max(now, self.ends)

    def act(self, now: datetime) -> None:
        """Withdraw what is open; stop where nothing is open or waits any more, or its time is over."""
        with writing(self.ground.ports.engine) as connection:
            states = store.states(connection, self.ground.ports.config.district.place_ids)
            open_alerts = {state.hazard: state.alert for state in states.values() if state.alert}
            waiting = orders.waiting(connection)
            if not waiting:
                for hazard, alert in open_alerts.items():
                    orders.give(connection, _over(hazard, alert, now))
            counted = deliveries.counts(connection)
        busy = waiting or open_alerts or counted.get(Status.DUE) or counted.get(Status.CLAIMED)
        if not busy or now > self.ends + _RUN_OUT:
            self.stop.set()


def _over(hazard: str, alert: str, now: datetime) -> Order:
    return Order(
        hazard=hazard, alert=alert, kind=Kind.CANCEL, level=Level.NONE, by="演练导演",
        why="演练结束，感谢参加", at=now, until=now + orders.LASTS,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Crews:
    """The participants of a drill without people: every call is answered, by whoever is on duty."""

    ports: Ports
    """The instance of the drill."""

    def job(self) -> Job:
        """The crews as a job beside those of the daemon."""
        return Job(name="crews", run=self.act, due=self.due, every=_LOOK)

    def due(self, now: datetime) -> datetime | None:
        """When the next call is answered."""
        with reading(self.ports.engine) as connection:
            waiting = store.calls(connection, status=CallStatus.OPEN)
        return min((call.begun_at + ANSWERS_AFTER for call in waiting), default=None)

    def act(self, now: datetime) -> None:
        """Answer every call that has waited long enough, with the facts where they are asked."""
        with reading(self.ports.engine) as connection:
            waiting = store.calls(connection, status=CallStatus.OPEN)
        for call in waiting:
            if call.begun_at + ANSWERS_AFTER <= now:
                self._answer(call, now)

    def _answer(self, call: Call, now: datetime) -> None:
        routes = self.ports.config.routes
        officer = routes.subsystems[call.subsystem].rota[0].duty[0]
        word = word_of(
            alert=call.alert, subsystem=call.subsystem, by=routes.people[officer].name, via="drill", at=now,
            transition=call.transition,
        )  # fmt: skip
        acknowledge(self.ports, word)
        asked = routes.answers.get(call.level)
        if asked is not None and asked.facts:
            report(self.ports, _told(word, call))


def _told(word: Acknowledgement, call: Call) -> Report:
    return Report(
        kind="facts", alert=call.alert, transition=call.transition, subsystem=call.subsystem, by=word.by,
        via="drill", at=word.at, commander=word.by, affected="演练：无", moved="演练：无",
    )  # fmt: skip


