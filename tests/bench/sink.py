"""A process that accepts every notification on loopback and remembers how many came, and when.

A number on its command line is the time it takes over each answer [s]. GET is answered with the count, and
the moments of the first and the last on the monotonic clock [s]. It takes as little of the machine as it can,
for the senders that are measured need the same cores.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
_HEAD_END = b"\r\n\r\n"


class Count:
    """How many came, and the moments of the first and the last."""

    def __init__(self) -> None:
        self.taken = 0
        self.first = self.last = 0.0

    def add(self) -> None:
        """One more, now."""
        self.last = time.monotonic()
        self.first = self.first if self.taken else self.last
        self.taken += 1

    def told(self) -> bytes:
        """The answer to whoever asks."""
        body = f"{self.taken} {self.first} {self.last}".encode()
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


class Connection(asyncio.Protocol):
    """Takes everything that comes over one connection."""

    def __init__(self, count: Count, delay_s: float) -> None:
        self._count = count
        self._delay_s = delay_s
        self._come = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole by now."""
        self._come += data
        while (end := self._come.find(_HEAD_END)) >= 0:
            head = self._come[:end]
            length = _LENGTH.search(head)
            whole = end + len(_HEAD_END) + (int(length.group(1)) if length else 0)
            if len(self._come) < whole:
                return
            self._come = self._come[whole:]
            if head.startswith(b"GET"):
                self._answer(self._count.told())
            else:
                self._count.add()
                self._take_time()

    def _take_time(self) -> None:
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._answer, _ANSWER)
        else:
            self._answer(_ANSWER)

    def _answer(self, text: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(text)


async def main() -> None:
    """Say the port, then serve until the process is ended."""
    count, delay_s = Count(), float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(count, delay_s), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
