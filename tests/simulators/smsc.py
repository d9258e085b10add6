"""Short message centres on loopback: a small one of our own, byte by byte, and one by npm ``smpp``."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from simulators.peer import Peer

PASSWORD = "s3cr3t"
# Read when the file is: the tests run without the shell's variables of ours.
_FOLDERS = [os.environ.get(name, "") for name in ("FENGSUI_TEST_NODE_MODULES", "NODE_PATH")]


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """A submit_sm as it came."""

    source: bytes
    """Address it comes from."""
    destination: bytes
    """Address it goes to."""
    esm_class: int
    """Message mode, type and features."""
    registered: int
    """Whether a receipt is wanted."""
    coding: int
    """Data coding."""
    content: bytes
    """User data."""


class Smsc(Peer):  # type: ignore[misc]  # pytest finds simulators by its own path
    """Takes binds and texts, answers with the next status told, and delivers what it is told to."""

    def __init__(
        self,
        *statuses: int,
        bind: int | None = None,
        ids: str = "{}",
        password: str = PASSWORD,
    ) -> None:
        super().__init__(self._talk_smpp)
        self.statuses = list(statuses)
        self.submitted: list[Submitted] = []
        self.acknowledged: list[tuple[int, int]] = []
        self.enquired = 0
        self.binds = 0
        self.silent_after_bind = False
        self._bind = bind
        self._ids = ids
        self._password = password.encode()
        self._bound: dict[int, socket.socket] = {}
        self._numbers = 0

    def deliver(
        self, text: bytes, *, source: bytes = b"8613800000001", receipt: bool = False, **more
    ) -> int:
        """Send a deliver_sm to the one who is bound; its sequence number."""
        self._numbers += 1
        kind = more.get("esm_class", 0x04 if receipt else 0)
        body = b"\0\1\1" + source + b"\0\0\1" + b"1069\0" + bytes([kind, 0, 0]) + b"\0\0"
        body += bytes([0, 0, more.get("coding", 0), 0, len(text)]) + text
        for tag, value in more.get("tlvs", {}).items():
            body += struct.pack(">HH", tag, len(value)) + value
        self.say(0x05, 0, self._numbers, body)
        return self._numbers

    def say(self, code: int, status: int, number: int, body: bytes = b"") -> None:
        """Send a PDU to everybody who is bound."""
        for connection in list(self._bound.values()):
            _put(connection, code, status, number, body)

    def _talk_smpp(self, connection: socket.socket, ended: threading.Event) -> None:
        try:
            with connection.makefile("rb") as stream:
                while len(head := stream.read(16)) == 16:
                    length, code, status, number = struct.unpack(">LLLL", head)
                    body = stream.read(length - 16)
                    if code == 0x09:
                        self.binds += 1
                        self._welcome(connection, number, body)
                    elif self.silent_after_bind:
                        ended.wait()
                    else:
                        self._hear(connection, code, status, number, body)
        finally:
            self._bound.pop(id(connection), None)

    def _welcome(self, connection: socket.socket, number: int, body: bytes) -> None:
        right = body.split(b"\0")[1] == self._password
        status = self._bind if self._bind is not None else (0 if right else 0x0E)
        _put(connection, 0x80000009, status, number, b"smsc\0")
        if status == 0:
            self._bound[id(connection)] = connection

    def _hear(
        self, connection: socket.socket, code: int, status: int, number: int, body: bytes
    ) -> None:
        if code == 0x04:
            self._take(connection, number, body)
        elif code == 0x15:
            self.enquired += 1
            _put(connection, 0x80000015, 0, number)
        elif code == 0x06:
            _put(connection, 0x80000006, 0, number)
        elif code == 0x80000005:
            self.acknowledged.append((number, status))

    def _take(self, connection: socket.socket, number: int, body: bytes) -> None:
        status = self.statuses.pop(0) if self.statuses else 0
        if status:
            _put(connection, 0x80000004, status, number)
            return
        self.submitted.append(_submitted(body))
        id = self._ids.format(len(self.submitted))
        _put(connection, 0x80000004, 0, number, id.encode() + b"\0")


def _put(connection: socket.socket, code: int, status: int, number: int, body: bytes = b"") -> None:
    connection.sendall(struct.pack(">LLLL", 16 + len(body), code, status, number) + body)


def _submitted(body: bytes) -> Submitted:
    _, rest = body.split(b"\0", 1)
    source, rest = rest[2:].split(b"\0", 1)
    destination, rest = rest[2:].split(b"\0", 1)
    esm_class = rest[0]
    _, _, rest = rest[3:].split(b"\0", 2)
    registered, _, coding, _, length = rest[:5]
    return Submitted(
        source=source,
        destination=destination,
        esm_class=esm_class,
        registered=registered,
        coding=coding,
        content=rest[5 : 5 + length],
    )


def node_modules() -> Path | None:
    """Folder of a Node installation's modules that holds ``smpp``; None where there is none."""
    folders = [Path(part) for folder in _FOLDERS for part in folder.split(os.pathsep) if part]
    found = (folder for folder in folders if (folder / "smpp").is_dir())
    return next(found, None) if shutil.which("node") else None


_SCRIPT = """
const smpp = require('smpp');
const say = (told) => console.log(JSON.stringify(told));
let count = 0x0f;
const server = smpp.createServer((session) => {
  session.on('error', () => {});
  session.on('bind_transceiver', (pdu) => {
    const right = pdu.password === process.env.SMPP_PASSWORD;
    session.send(pdu.response({command_status: right ? 0 : smpp.ESME_RINVPASWD}));
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
  session.on('submit_sm', (pdu) => {
    const text = pdu.short_message.message, header = pdu.short_message.udh;
    const id = (++count).toString(16);
    say({to: pdu.destination_addr, text, parts: header ? header[0][3] : 1, coding: pdu.data_coding});
    session.send(pdu.response({message_id: id}));
    const receipt = `id:${count} sub:001 dlvrd:001 submit date:2208180900 `
      + `done date:2208180901 stat:DELIVRD err:000 text:x`;
    session.deliver_sm({source_addr: pdu.destination_addr, destination_addr: pdu.source_addr,
      esm_class: 4, short_message: receipt});
    session.deliver_sm({source_addr: '86' + pdu.destination_addr, destination_addr: '1069',
      data_coding: 8, short_message: '1 收到'});
  });
  session.on('deliver_sm_resp', (pdu) => say({acknowledged: pdu.command_status}));
});
server.listen(0, '127.0.0.1', () => say({port: server.address().port}));
process.stdin.on('end', () => process.exit(0)).resume();
"""


class NodeSmsc:
    """A server of the npm package ``smpp``, and what it says of what it read."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(str(self.next()["port"]))

    def next(self) -> Mapping[str, object]:
        """The next thing it says."""
        assert self._process.stdout is not None
        told: Mapping[str, object] = json.loads(self._process.stdout.readline())
        return told


@contextmanager
def node_smsc(modules: Path, folder: Path) -> Iterator[NodeSmsc]:
    """Run it until the block ends."""
    script = folder / "smsc.js"
    script.write_text(_SCRIPT, encoding="utf-8")
    surroundings = {**os.environ, "NODE_PATH": str(modules), "SMPP_PASSWORD": PASSWORD}
    with subprocess.Popen(
        ["node", str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=surroundings,
    ) as process:
        try:
            yield NodeSmsc(process)
        finally:
            with suppress(OSError):
                process.kill()
