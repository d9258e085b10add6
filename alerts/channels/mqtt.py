"""MQTT 5: loudspeakers, signs and dashboards subscribe; the broker's acknowledgement is waited for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from queue import Empty, SimpleQueue
from string import Formatter
from typing import TYPE_CHECKING, Any

from alerts.gateways.endings import reveal
from alerts.outgoing.delivery import Means, Message, Taken, channel
from alerts.outgoing.line import (
    Line,
    Until,
    check_ca_file,
    check_installed,
    dial,
    fault,
    is_loopback,
    trust,
)
from ingest.errors import DeliveryError
from ingest.registry import Duration
from ingest.secret import Secret
from ingest.times import utc

if TYPE_CHECKING:
    from paho.mqtt.client import Client

_KEEP_ALIVE_S = 30
_SAFE_IN_TOPIC = re.compile(r"[+#/\x00-\x1f\x7f]")
_NAMES = {"subsystem", "hazard", "level", "alert"}
# Reason codes of MQTT 5 (OASIS standard, 2.4).
_TAKEN = {0x00, 0x10}
_KEYS_REFUSED = {0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C, 0x9D}
_TOPIC_REFUSED = {0x87, 0x90, 0x95, 0x99}


@channel("mqtt")
@dataclass(frozen=True, kw_only=True)
class Mqtt:
    """Publishes words and facts as JSON with QoS 1; taken means acknowledged by the broker.

    A retained ``online`` stands on the status topic while Fengsui is connected, ``offline``
    otherwise: the broker itself says so, as last will, where the connection dies.
    """

    host: str
    """Name of the broker; its certificate must be for this name."""
    topic: str = "fengsui/{subsystem}/{hazard}"
    """Where to publish, of subsystem, hazard, level and alert; an address on file goes before it."""
    status_topic: str = "fengsui/status"
    """Where the retained status stands."""
    client_id: str = "fengsui"
    """Name of this client, the only one of its name at the broker."""
    tls: bool = True
    """Whether the connection is TLS; false is for a broker on this machine only."""
    port: int | None = None
    """Port; None takes 8883 with TLS, 1883 without."""
    user: str | None = None
    """Name to log in with; None does not log in."""
    password: Secret | None = None
    """Its password."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of the system's."""
    deadline: Duration = timedelta(seconds=10)
    """Total time of one attempt."""

    def __post_init__(self) -> None:
        check_installed("paho", "mqtt")
        check_ca_file(self.ca_file)
        if (self.user is None) != (self.password is None):
            raise ValueError("give user and password together or neither")
        if not self.tls and not is_loopback(self.host):
            raise ValueError("tls: false is for a broker on this machine; write true")
        if set("+#") & set(self.topic + self.status_topic):
            raise ValueError("a topic to publish to holds neither + nor #")
        named = {name for _, name, _, _ in Formatter().parse(self.topic) if name is not None}
        if not named <= _NAMES:
            raise ValueError(f"topic may hold {', '.join(sorted(_NAMES))} in braces")

    def send(self, message: Message, means: Means) -> Taken:
        """Publish once and wait for the acknowledgement; the key is in the payload and a property.

        DeliveryError: a broker that is gone, busy or silent may be tried again; a refused topic is
        final; a refused login is the gateway's.
        """
        topic, payload = self._topic(message), _payload(message)
        until = Until(self.deadline)
        with means.sessions.borrow(self, Line[_Session]) as line:
            pass  # The line has turns of its own, which nobody awaits beyond a deadline.
        try:
            with line.turn(until, lambda: self._log_in(means, until)) as session:
                code = session.publish(topic, payload, message.key, until)
        except OSError as error:
            raise fault(error, self._where, until) from None
        if code not in _TAKEN:
            raise self._refused(code)
        return Taken(reference=message.key, detail=f"PUBACK {code:#04x}")

    @property
    def _port(self) -> int:
        return self.port or (8883 if self.tls else 1883)

    @property
    def _where(self) -> str:
        return f"the MQTT broker {self.host}:{self._port}"

    def _topic(self, message: Message) -> str:
        if message.address:
            return "/".join(map(_level_of_topic, message.address.split("/")))
        facts = {
            "subsystem": message.subsystem,
            "hazard": message.data.get("hazard") or str(message.purpose),
            "level": message.level.key,
            "alert": message.data.get("alert") or "none",
        }
        return self.topic.format(**{name: _level_of_topic(fact) for name, fact in facts.items()})

    def _log_in(self, means: Means, until: Until) -> _Session:
        context = trust(self.ca_file) if self.tls else None
        events: _Events = SimpleQueue()
        client = _client(
            self.client_id, events, lambda: dial(self.host, self._port, until, context)
        )
        if context is not None:
            client.tls_set_context(context)
        if self.user is not None and self.password is not None:
            client.username_pw_set(self.user, reveal(self.password, means))
        client.will_set(self.status_topic, "offline", qos=1, retain=True)
        client.connect(self.host, self._port, keepalive=_KEEP_ALIVE_S, clean_start=True)
        session = _Session(client=client, events=events, status_topic=self.status_topic)
        try:
            client.loop_start()
            code = session.wait("connected", None, until)
            if code:
                raise self._not_welcome(code)
        except BaseException:
            session.close()
            raise
        client.publish(self.status_topic, "online", qos=1, retain=True)
        return session

    def _not_welcome(self, code: int) -> DeliveryError:
        if code in _KEYS_REFUSED:
            text = (
                f"{self._where} refused the login ({code:#04x}); check user, password and client_id"
            )
            return DeliveryError(text, retry=False, gateway=True)
        text = f"{self._where} takes no connection now ({code:#04x}) and is tried again"
        return DeliveryError(text, retry=True)

    def _refused(self, code: int) -> DeliveryError:
        if code in _TOPIC_REFUSED:
            text = f"{self._where} refused the message ({code:#04x}); allow its topic in the ACL"
            return DeliveryError(text, retry=False)
        text = f"{self._where} did not take the message ({code:#04x}) and is tried again"
        return DeliveryError(text, retry=True)


_Events = SimpleQueue[tuple[str, int | None, int]]
"""What the broker did: its name, the message it is about, the reason code."""


@dataclass(frozen=True, kw_only=True)
class _Session:
    """A connection that a thread of the library keeps alive, and what came over it."""

    client: Client
    """The library's client."""
    events: _Events
    """Filled by its thread."""
    status_topic: str
    """Where the retained status stands."""

    def alive(self, _: Until) -> bool:
        return self.client.is_connected()

    def publish(self, topic: str, payload: bytes, key: str, until: Until) -> int:
        """Publish and give the reason code of its acknowledgement."""
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        properties: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho
        properties.ContentType = "application/json"
        properties.UserProperty = [("fengsui-key", key)]
        info = self.client.publish(topic, payload, qos=1, properties=properties)
        return self.wait("acknowledged", info.mid, until)

    def wait(self, name: str, mid: int | None, until: Until) -> int:
        """The reason code of the event; ConnectionResetError where the broker hangs up instead."""
        while True:
            try:
                happened = self.events.get(timeout=until.left())
            except Empty:
                raise TimeoutError from None
            if happened[:2] == (name, mid):
                return happened[2]
            if happened[0] == "gone":
                raise ConnectionResetError

    def close(self) -> None:
        """Say goodbye, which keeps the last will from being told, and end the thread."""
        if self.client.is_connected():
            self.client.publish(self.status_topic, "offline", qos=1, retain=True)
        self.client.disconnect()
        self.client.loop_stop()


def _client(client_id: str, events: _Events, dialled: Callable[[], Any]) -> Client:
    """A client that tells `events` what happens and never reconnects behind our back."""
    from paho.mqtt import client as mqtt
    from paho.mqtt.enums import CallbackAPIVersion

    class Dialled(mqtt.Client):
        # The library's own way out leaves a socket open where a TLS handshake fails.
        def _create_socket(self) -> Any:
            return dialled()

    client = Dialled(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=mqtt.MQTTv5,
        reconnect_on_failure=False,
    )
    client.on_connect = lambda *event: events.put(("connected", None, event[3].value))
    client.on_publish = lambda *event: events.put(("acknowledged", event[2], event[3].value))
    client.on_disconnect = lambda *_: events.put(("gone", None, 0))
    return client


def _level_of_topic(fact: object) -> str:
    """A fact as one level of a topic: neither separators nor wildcards, never empty."""
    return _SAFE_IN_TOPIC.sub("_", str(fact)) or "_"


def _payload(message: Message) -> bytes:
    """The JSON payload; the phone number stays at home."""
    payload: Mapping[str, object] = {
        "type": f"alert.{message.data.get('reason', 'notice')}",
        "key": message.key,
        "timestamp": utc(message.at).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "data": {**message.data, "text": message.text, "subsystem": message.subsystem},
    }
    try:
        return json.dumps(payload, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    except (TypeError, ValueError):
        text = "the facts of the message cannot be written as JSON; report this as a defect"
        raise DeliveryError(text, retry=False) from None
