"""A process that accepts every notification on loopback and remembers how many came, and when.

A number on its command line is the time it takes over each answer [s]. GET is answered with the count, and
the moments of the first and the last on the monotonic clock [s].
"""

from __future__ import annotations

import asyncio
import re
import sys
import time

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
_HEAD_END = b"\r\n\r\n"


class Sink:
    """Takes everything."""

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        self.taken = 0
        self.first = self.last = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""
        try:
            while True:
                head = await reader.readuntil(_HEAD_END)
                if head.startswith(b"GET"):
                    writer.write(self._told())
                else:
                    length = _LENGTH.search(head)
                    await reader.readexactly(int(length.group(1)) if length else 0)
                    self._count()
                    if self.delay_s:
                        await asyncio.sleep(self.delay_s)
                    writer.write(_ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _count(self) -> None:
        self.last = time.monotonic()
        self.first = self.first if self.taken else self.last
        self.taken += 1

    def _told(self) -> bytes:
        body = f"{self.taken} {self.first} {self.last}".encode()
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


async def main() -> None:
    """Say the port, then serve until the process is ended."""
    sink = Sink(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0)
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
