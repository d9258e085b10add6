"""An answer as its pieces come in, whoever waits for them: nothing here reads from a connection."""

from __future__ import annotations

from typing import NamedTuple

from alerts.outgoing.wire import Head, head_of

_LONGEST_HEAD = 64 * 1024
_HEAD_END = b"\r\n\r\n"


class BrokenOff(Exception):
    """An answer ended, or went astray, before it was complete."""


class Raw(NamedTuple):
    """An answer as it was read."""

    head: Head
    """Its head."""
    body: bytes
    """Its body; longer than was allowed where it was refused."""
    keep: bool
    """Whether the connection can be used again."""


class Incoming:
    """What has come of one answer.

    Parameters
    ----------
    largest : int
        Longest body accepted [bytes].
    """

    def __init__(self, largest: int) -> None:
        self.content = b""
        self.odd = False
        self._largest = largest
        self._head: Head | None = None
        self._start = 0

    def take(self, piece: bytes) -> Raw | None:
        """Take the next piece, empty at the end; the answer once it is whole, BrokenOff where it never will.

        An answer without a plain length sets `odd`, and is left to others from its first byte on.
        """
        self.content = self.content + piece if self.content else piece
        head = self._head or self._read_head()
        if head is not None:
            if head.length is None:
                self.odd = True
                return None
            raw = self._body(head, self._start + head.length)
            if raw is not None:
                return raw
        if not piece:
            raise BrokenOff
        return None

    def _read_head(self) -> Head | None:
        end = self.content.find(_HEAD_END)
        if end >= 0:
            self._head, self._start = head_of(self.content[:end]), end + len(_HEAD_END)
            if self._head is None:
                raise BrokenOff
        elif len(self.content) > _LONGEST_HEAD:
            raise BrokenOff
        return self._head

    def _body(self, head: Head, end: int) -> Raw | None:
        if end - self._start > self._largest:
            # A promise of more than may be read is refused by the length of what is handed back.
            return Raw(head, b" " * (self._largest + 1), False)
        come = len(self.content)
        if come < end:
            return None
        return Raw(head, self.content[self._start : end], head.keep and come == end)
