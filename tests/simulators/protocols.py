"""Real peers of the channels that do not speak HTTP, one case per kind, for the contract tests."""

from __future__ import annotations

import email
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.policy import default
from pathlib import Path

from simulators.mail_server import MailServer
from simulators.mqtt_broker import USER, Broker, mosquitto, subscriber
from simulators.smsc import Smsc
from simulators.syslog_server import SyslogServer

from alerts.channels.email import Email
from alerts.channels.mqtt import Mqtt
from alerts.channels.smpp import Smpp
from alerts.channels.syslog import Syslog
from alerts.outgoing.delivery import Channel
from ingest.secret import Secret

DEADLINE = timedelta(seconds=5)
Came = Callable[[], list[tuple[str, bytes]]]
"""What has come so far: the id by which the peer knows a repeat, and all that was said."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """How one kind of channel is tried."""

    peer: Callable[[str], AbstractContextManager[tuple[int, Came]]]
    """A real peer that knows the password: its port, and what came."""
    make: Callable[[int, timedelta], Channel]
    """The channel that sends to a port of this machine."""
    missing: str = ""
    """Why it cannot be tried on this machine; empty where it can."""
    calls_numbers: bool = False
    """Whether the peer is given the phone number, because it calls it."""
    knows_repeats: bool = True
    """Whether the protocol has an id by which a repeat is known."""
    secret: bool = True
    """Whether it logs in."""


@contextmanager
def mail(password: str) -> Iterator[tuple[int, Came]]:
    """A mail server."""
    with MailServer(login=("fengsui", password)) as server:
        yield (
            server.port,
            lambda: [(_message_id(one.content), one.content) for one in server.letters],
        )


def _message_id(content: bytes) -> str:
    return str(email.message_from_bytes(content, policy=default)["message-id"])


@contextmanager
def broker(password: str) -> Iterator[tuple[int, Came]]:
    """A mosquitto and a subscriber to everything below our topic."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Broker(folder=Path(folder), password=password) as running,
        subscriber(running.port, "fengsui/flood/#") as queue,
    ):
        kept: list[tuple[str, bytes]] = []

        def came() -> list[tuple[str, bytes]]:
            while not queue.empty():
                one = queue.get()
                kept.append((dict(one.properties.UserProperty)["fengsui-key"], one.payload))
            return kept

        yield running.port, came


@contextmanager
def centre(password: str) -> Iterator[tuple[int, Came]]:
    """A short message centre; its own ids."""
    with Smsc(password=password) as smsc:
        yield (
            smsc.port,
            lambda: [(str(n), one.content) for n, one in enumerate(smsc.submitted)],
        )


@contextmanager
def collector(_: str) -> Iterator[tuple[int, Came]]:
    """A syslog server."""
    with SyslogServer() as server:
        yield server.port, lambda: [(_key(line), line) for line in server.lines]


def _key(line: bytes) -> str:
    found = re.search(rb' key="([^"]*)"', line)
    return found[1].decode() if found else ""


SECRET = Secret(env="HOOK")
PROTOCOLS = {
    "email": Case(
        peer=mail,
        make=lambda port, deadline: Email(
            host="127.0.0.1",
            port=port,
            sender="alerts@fengsui.example",
            tls="none",
            user="fengsui",
            password=SECRET,
            deadline=deadline,
        ),
    ),
    "mqtt": Case(
        peer=broker,
        make=lambda port, deadline: Mqtt(
            host="127.0.0.1",
            port=port,
            tls=False,
            user=USER,
            password=SECRET,
            deadline=deadline,
        ),
        missing="" if mosquitto() else "mosquitto is not installed: no proof by a real broker",
    ),
    "smpp": Case(
        peer=centre,
        make=lambda port, deadline: Smpp(
            host="127.0.0.1",
            port=port,
            system_id="fengsui",
            source="10690001",
            password=SECRET,
            deadline=deadline,
        ),
        calls_numbers=True,
        knows_repeats=False,
    ),
    "syslog": Case(
        peer=collector,
        make=lambda port, deadline: Syslog(host="127.0.0.1", port=port, deadline=deadline),
        secret=False,
    ),
}
"""Kinds that speak a protocol of their own."""
