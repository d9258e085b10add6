"""The embedded channel: readable blocks in one file, for a start without any gateway."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from alerts.outgoing.delivery import Means, Message, Taken, channel
from alerts.wording.segments import Segments, segments
from ingest.errors import DeliveryError
from ingest.times import BEIJING, utc

TAIL = 64 * 1024
"""Bytes at the end of the file that are searched for a repeated key."""


@channel("outbox")
@dataclass(frozen=True, kw_only=True)
class Outbox:
    """Appends one block per message to a file in the data folder.

    A key found in the last 64 KiB (some 150 messages) is not written again; a repeat follows a
    crash within moments, so it is found unless the file grew by more than that in between.
    """

    file: str = "outbox.txt"
    """Name of the file in the data folder."""
    signature: str = "【烽燧】"
    """Signature that operators put before the text and bill with it."""

    def __post_init__(self) -> None:
        if self.file in ("", ".", "..") or "/" in self.file or "\\" in self.file:
            raise ValueError("file must be a plain name in the data folder, such as outbox.txt")

    def send(self, message: Message, means: Means) -> Taken:
        """Append and sync; DeliveryError with ``retry=True`` where the file cannot be written."""
        cost = segments(message.text, self.signature)
        block = self._block(message, cost)
        try:
            new = _append(means.folder / self.file, block, _key_line(message.key))
        except OSError as error:
            why = error.strerror or "short write"
            raise DeliveryError(
                f"{self.file} in the data folder cannot be written ({why}); "
                "free space on its disk and make the folder writable",
                retry=True,
            ) from None
        repeat = "" if new else "（已写过，未重复）"
        return Taken(reference=self.file, detail=f"{cost.parts} 条短信{repeat}")

    def _block(self, message: Message, cost: Segments) -> str:
        """The block; its key comes last, so a block torn by a crash does not count as written."""
        at = utc(message.at).astimezone(BEIJING)
        person = message.recipient
        words = "".join(f"    {line}\n" for line in (self.signature + message.text).splitlines())
        return (
            f"{'-' * 72}\n"
            f"时间 Time: {at:%Y-%m-%d %H:%M:%S} 北京时间 (UTC+8)\n"
            f"收件人 To: {_line(person.name)} {masked(person.phone)}\n"
            f"分系统 Subsystem: {_line(message.subsystem)}\n"
            f"{words}"
            f"计费 Cost: {cost.parts} 条短信 SMS, {cost.units} 字符 units ({cost.encoding})\n"
            f"{_key_line(message.key)}"
        )


def masked(phone: str) -> str:
    """A number with its middle hidden: ``138****0001``; a short one keeps its last two digits."""
    if len(phone) < 11:
        return "****" + phone[-2:]
    return f"{phone[:3]}****{phone[-4:]}"


def _line(text: str) -> str:
    return " ".join(text.split())


def _key_line(key: str) -> str:
    return f"编号 Key: {_line(key)}\n"


def _append(path: Path, block: str, key_line: str) -> bool:
    """Append `block` in one write unless `key_line` is in the tail; True where it was written."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        # Looking and writing are one step for every thread and process; closing frees the lock.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        tail = os.pread(descriptor, TAIL, max(0, size - TAIL))
        if f"\n{key_line}".encode() in tail:
            return False
        torn = bool(tail) and not tail.endswith(b"\n")
        _write(descriptor, ("\n" * torn + block).encode("utf-8", "replace"), size)
        return True
    finally:
        os.close(descriptor)


def _write(descriptor: int, content: bytes, size: int) -> None:
    """Write all and sync, or leave the file at its former `size` and raise OSError."""
    if os.write(descriptor, content) < len(content):
        os.ftruncate(descriptor, size)
        raise OSError("short write")
    os.fsync(descriptor)
