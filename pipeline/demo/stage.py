"""Sets the stage of a demonstration.

The configuration of the district with a recorded source and a subsystem on loopback, and the daemon itself.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from alerts.channels.webhook import Webhook
from alerts.duty.routing import centre_of
from alerts.outgoing.post import Post
from alerts.record import ledger
from ingest.database import reading, writing
from ingest.errors import StoreError
from ingest.recordings import Event, load_event
from ingest.secret import Secret
from ingest.source import Feed
from ingest.sources.recorded import Recorded
from pipeline.config import ChannelBlock, Config, SourceBlock, with_only
from pipeline.console.people.doors import Doors, new_password
from pipeline.console.people.first import first_account
from pipeline.console.people.visitor import Role
from pipeline.console.server import Console
from pipeline.daemon import Daemon, SimulatedClock, Watcher, wall_clock
from pipeline.demo.officers import Officers
from pipeline.demo.subsystem import Receiver
from pipeline.ports import Ports
from pipeline.settings import Settings
from pipeline.wiring import build, prepare_folder

CHANNEL = "subsystem"
SOURCE = "recorded"
GUEST = "demo"
"""Account of whoever watches the demonstration."""
_MARKER = "demo.json"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything of one demonstration, ready to run."""

    event: Event
    """What is played."""
    ports: Ports
    """The instance."""
    clock: SimulatedClock
    """Its clock."""
    end: datetime
    """When the play ends."""
    resumed: bool
    """True where an earlier run in the same folder is continued."""
    officers: Officers
    """Who answers."""
    url: str
    """Address of the console."""
    password: str
    """Password of the account `GUEST`, which may do everything there."""

    def play(self, watch: Watcher) -> None:
        """Run the daemon to the end of the event."""
        daemon = Daemon(ports=self.ports, watch=watch, others=(self.officers.job(),))
        daemon.simulate(self.clock, self.end)


def recorded_source(event: str) -> SourceBlock:
    """A source block that plays an event hour by hour, with perfect-prognosis forecasts."""
    recorded = Recorded(event=event, forecasts="perfect")
    feed = Feed(kind="recorded", every=timedelta(hours=1), latency=recorded.delay)
    return SourceBlock(name=SOURCE, feed=feed, source=recorded)


@contextmanager
def set_stage(
    event_name: str, config: Config, settings: Settings, until: datetime | None = None
) -> Iterator[Stage]:
    """Open everything a demonstration needs, and close it again.

    The play ends with the event, or at `until` where that is earlier.

    An unfinished run in the data folder is continued; a finished one is cleared away first. A folder that
    holds anything else is refused with StoreError.
    """
    event = load_event(event_name)
    block = recorded_source(event_name)
    delay = block.feed.latency
    resumed = _prepare(settings.data, event_name)
    key = _subsystem_key(settings.data)
    clock = SimulatedClock(event.start + delay)
    with ExitStack() as stack:
        receiver = stack.enter_context(
            Receiver(key, settings.data / "subsystem.jsonl", now=clock.now)
        )
        console = stack.enter_context(Console("127.0.0.1:0"))
        url = console.bind()
        played = _on_stage(with_only(config, event.hazards), block, receiver.url(CHANNEL), settings.data)
        ports = build(played, settings, public_url=url)
        stack.callback(ports.close)
        # The event is played, the people in front of the console are real.
        console.start(ports, clock.now, wall_clock)
        clock.at = _resume_at(ports) or clock.at
        post = stack.enter_context(Post())
        asking = [level.key for level, answer in config.routes.answers.items() if answer.facts]
        officers = Officers(receiver, post, settings.data, url, asking)
        yield Stage(
            event=event,
            ports=ports,
            clock=clock,
            end=min(event.end + delay, until or event.end + delay),
            resumed=resumed,
            officers=officers,
            url=url,
            password=_admit(ports, clock.at),
        )


def _admit(ports: Ports, now: datetime) -> str:
    """The password of the guest; a run that is continued gets a new one, for the old is kept nowhere."""
    given = first_account(ports, now, name=GUEST, roles=tuple(Role), changing=False)
    if given is None:
        given = new_password()
        with writing(ports.engine) as connection:
            Doors(centre=centre_of(ports.config.routes)).set_password(connection, GUEST, given)
    return given


def finish(folder: Path) -> None:
    """Mark the demonstration in a folder as finished, so that the next one begins anew."""
    marker = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
    _write_marker(folder, marker["event"], finished=True)


def _on_stage(config: Config, block: SourceBlock, url: str, folder: Path) -> Config:
    """The configuration with the recorded source alone, and everybody also reached by the subsystem."""
    webhook = Webhook(url=url, secret=Secret(file=str((folder / "subsystem.key").absolute())))
    channels = config.channels | {
        CHANNEL: ChannelBlock(name=CHANNEL, enabled=True, channel=webhook)
    }
    people = {
        name: replace(person, channels=(*person.channels, CHANNEL))
        for name, person in config.routes.people.items()
    }
    return replace(
        config,
        # One at a time, so that a run that is killed can repeat one message at most.
        service=replace(config.service, lane=1),
        sources={block.name: block},
        channels=channels,
        routes=replace(config.routes, people=people),
    )


def _resume_at(ports: Ports) -> datetime | None:
    with reading(ports.engine) as connection:
        return ledger.newest_moment(connection)


def _prepare(folder: Path, event: str) -> bool:
    """Make the folder ready; True where an unfinished run of the same event is in it."""
    prepare_folder(folder)
    marker = folder / _MARKER
    if marker.exists():
        known = json.loads(marker.read_text(encoding="utf-8"))
        if known["event"] == event and not known["finished"]:
            return True
        _clear(folder)
    elif (folder / "fengsui.db").exists():
        raise StoreError(
            f"{folder} holds the data of a real instance; choose another folder for the demo with --data"
        )
    _write_marker(folder, event, finished=False)
    return False


_LEFT_BEHIND = (
    "fengsui.db", "fengsui.db-wal", "fengsui.db-shm", "outbox.journal", "outbox.txt",
    "subsystem.jsonl", "answered.txt",
)  # fmt: skip


def _clear(folder: Path) -> None:
    for name in _LEFT_BEHIND:
        (folder / name).unlink(missing_ok=True)


def _write_marker(folder: Path, event: str, *, finished: bool) -> None:
    text = json.dumps({"event": event, "finished": finished})
    temporary = folder / f"{_MARKER}.new"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(folder / _MARKER)


def _subsystem_key(folder: Path) -> str:
    path = folder / "subsystem.key"
    if not path.exists():
        key = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        temporary = folder / "subsystem.key.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(key)
        temporary.replace(path)
    return path.read_text(encoding="ascii")
