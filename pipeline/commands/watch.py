"""`fengsui watch`: looks at a daemon from outside of it, and tells the operators where it is silent or sick.

A process that is gone cannot report that it is gone. This one shares nothing with it but the configuration:
it asks ``/health`` over HTTP and sends over the channels itself, so that neither the daemon's database nor
its threads need be alive.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from alerts.duty.people import Routes
from alerts.outgoing.delivery import Means, Message, Purpose
from alerts.outgoing.dispatch import key_of
from alerts.outgoing.post import Post
from alerts.record.troubles import operators
from ingest.errors import FengsuiError
from ingest.http import HttpClient
from pipeline.commands.run import stop_on_signals
from pipeline.config import Config, load
from pipeline.daemon import wall_clock
from pipeline.logs import set_up_logs
from pipeline.settings import Settings, reveal
from rules.level import Level

log = logging.getLogger(__name__)

AGAIN = timedelta(hours=1)
"""A trouble that lasts is told again after so long."""
_DEADLINE = timedelta(seconds=10)


class Watch:
    """What is known of the daemon, and what has been told of it.

    Parameters
    ----------
    config : Config
        Whom to tell, and how.
    means : Means
        What channels may use.
    patience : timedelta
        Sick for so long before anybody is told.
    """

    def __init__(self, *, config: Config, means: Means, patience: timedelta) -> None:
        self._config = config
        self._means = means
        self._patience = patience
        self._since: datetime | None = None
        self._told: datetime | None = None

    def see(self, wrong: str | None, now: datetime) -> bool:
        """Take one look into account; whether anybody was told of something."""
        if wrong is None:
            recovered, was_told = self._since, self._told
            self._since = self._told = None
            if was_told is None or recovered is None:
                return False
            return self._tell(f"烽燧恢复应答 / Fengsui answers again, after {recovered:%m-%dT%H:%MZ}", now)
        self._since = self._since or now
        if now - self._since < self._patience or (self._told is not None and now - self._told < AGAIN):
            return False
        words = f"烽燧自{self._since:%m-%dT%H:%MZ}起不正常，请立即检查 / Fengsui is sick since then: {wrong}"
        # Where nobody could be told, the next look tries again.
        told = self._tell(words, now)
        self._told = now if told else self._told
        return told

    def _tell(self, words: str, now: datetime) -> bool:
        """Send to every operator over every channel; one that fails holds up no other."""
        taken = False
        for person, name in _roads(self._config.routes, now):
            block = self._config.channels.get(name)
            if block is None or not block.enabled:
                continue
            message = Message(
                key=key_of("watch", words, person, name),
                text=words,
                recipient=self._config.routes.people[person],
                subsystem="",
                data={"purpose": "trouble", "to": Level.ORANGE.key, "title": "烽燧不正常"},
                at=now,
                channel=name,
                purpose=Purpose.TROUBLE,
            )
            try:
                block.channel.send(message, self._means)
            except FengsuiError as error:
                log.warning("%s: %s", name, error, extra={"action": "watch_unsent", "channel": name})
            else:
                taken = True
        return taken


def _roads(routes: Routes, now: datetime) -> Iterable[tuple[str, str]]:
    for person in operators(routes, now):
        known = routes.people[person]
        yield from ((person, channel) for channel in (*known.channels, *known.fallback))


def ask(url: str, http: HttpClient) -> str | None:
    """What is wrong with the daemon behind an address; None where it says that it is well."""
    try:
        report = http.get_json(f"{url.rstrip('/')}/health", {}, deadline=_DEADLINE)
    except FengsuiError as error:
        return str(error)
    if not isinstance(report, dict):
        return "its answer is no health report; check the address"
    if report.get("healthy"):
        return None
    return "; ".join(str(problem) for problem in report.get("problems", [])) or "it says it is not well"


def watch(settings: Settings, url: str | None, every: timedelta, patience: timedelta) -> None:
    """Look until SIGTERM or SIGINT."""
    set_up_logs("text")
    config = load(settings.config)
    stop = threading.Event()
    stop_on_signals(stop)
    address = url or f"http://{config.service.listen}"
    with Post() as post, HttpClient() as http:
        means = Means(
            post=post, folder=settings.data, reveal=lambda secret: reveal(secret, config.folder)
        )
        settings.data.mkdir(parents=True, exist_ok=True)
        seen = Watch(config=config, means=means, patience=patience)
        try:
            look_until(stop, lambda: seen.see(ask(address, http), wall_clock()), every)
        finally:
            means.sessions.close()


def look_until(stop: threading.Event, look: Callable[[], object], every: timedelta) -> None:
    """Look, pause, and look again until `stop` is set."""
    while not stop.is_set():
        look()
        until = time.monotonic() + every.total_seconds()
        # Not stop.wait: the signal handler that sets it runs in this very thread.
        while not stop.is_set() and time.monotonic() < until:
            time.sleep(0.2)
