"""A real mosquitto on loopback with a password file and an ACL, and a subscriber to look into it."""

from __future__ import annotations

import queue
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from simulators.syslog_server import wait_for

USER, PASSWORD = "fengsui", "right-password"
ACL = """\
user fengsui
topic write fengsui/#
user reader
topic read #
"""


def mosquitto() -> str | None:
    """The program, where it is installed."""
    return shutil.which("mosquitto", path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin")


@dataclass(kw_only=True)
class Broker:
    """A mosquitto that can be stopped and started again on its port."""

    folder: Path
    """Where its files stand."""
    tls: tuple[Path, Path] | None = None
    """Certificate and key; None speaks in the clear."""
    password: str = PASSWORD
    """Password of `USER`."""
    port: int = 0
    """Where it listens."""

    def __enter__(self) -> Broker:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = int(taken.getsockname()[1])
        self._write()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it listens."""
        program = mosquitto()
        assert program is not None
        command = [program, "-c", str(self.folder / "mosquitto.conf")]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self.port)

    def stop(self) -> None:
        """Kill it, as a power cut would."""
        self._process.kill()
        self._process.wait(10)

    def freeze(self) -> None:
        """Let it stand still with its connections open."""
        self._process.send_signal(signal.SIGSTOP)

    def _write(self) -> None:
        passwords, acl = self.folder / "passwords", self.folder / "acl"
        passwords.unlink(missing_ok=True)
        passwords.touch(mode=0o600)
        for user, password in ((USER, self.password), ("reader", PASSWORD)):
            command = ["mosquitto_passwd", "-b", str(passwords), user, password]
            subprocess.run(command, check=True, capture_output=True)
        acl.write_text(ACL)
        acl.chmod(0o600)
        # Started as root it would become another user, who may not read a test's folder.
        lines = ["user root", f"listener {self.port} 127.0.0.1", "allow_anonymous false"]
        lines += [f"password_file {passwords}", f"acl_file {acl}", "persistence false"]
        if self.tls:
            lines += [f"certfile {self.tls[0]}", f"keyfile {self.tls[1]}"]
        (self.folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")


@contextmanager
def subscriber(port: int, topic: str = "#") -> Iterator[queue.SimpleQueue[MQTTMessage]]:
    """What is published under a topic, retained messages first."""
    came: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
    ready: queue.SimpleQueue[bool] = queue.SimpleQueue()
    client = Client(CallbackAPIVersion.VERSION2, client_id="", protocol=MQTTv5)
    client.username_pw_set("reader", PASSWORD)
    client.on_message = lambda _, __, message: came.put(message)
    client.on_subscribe = lambda *_: ready.put(True)
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe(topic, qos=1)
    ready.get(timeout=10)
    try:
        yield came
    finally:
        client.disconnect()
        client.loop_stop()
