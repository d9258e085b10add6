"""Many pages that listen to a console, in a process of their own: each fetches the part when it hears news.

Run as ``python listeners.py HOST PORT COOKIE NUMBER``; prints ``ready`` once all listen, and at the end of
its input how much they heard and fetched.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys


class Page:
    """One page."""

    def __init__(self, host: str, port: int, cookie: str) -> None:
        self.where = (host, port)
        self.head = f"Host: {host}\r\nCookie: {cookie}\r\nAccept-Encoding: gzip\r\n"
        self.heard = self.fetched = self.unchanged = 0
        self.tag = ""

    async def listen(self, listening: asyncio.Event) -> None:
        """Hear the stream to its end."""
        reader, writer = await asyncio.open_connection(*self.where)
        writer.write(f"GET /stream HTTP/1.1\r\n{self.head}\r\n".encode())
        name, fetching = "", None
        try:
            while line := (await reader.readline()).decode().strip("\r\n") or not reader.at_eof():
                if not isinstance(line, str):
                    continue
                listening.set()
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: ") and name == "now":
                    self.heard += 1
                    if fetching is None or fetching.done():
                        fetching = asyncio.create_task(self._fetch(json.loads(line[6:])["within"]))
        finally:
            writer.close()

    async def _fetch(self, within: float) -> None:
        await asyncio.sleep(random.random() * within)
        reader, writer = await asyncio.open_connection(*self.where)
        known = f"If-None-Match: {self.tag}\r\n" if self.tag else ""
        writer.write(f"GET /now/part HTTP/1.1\r\n{self.head}{known}Connection: close\r\n\r\n".encode())
        answer = (await reader.read()).split(b"\r\n\r\n", 1)[0].decode()
        writer.close()
        self.fetched += 1
        self.unchanged += " 304 " in answer.splitlines()[0]
        for line in answer.splitlines():
            if line.lower().startswith("etag: "):
                self.tag = line[6:]


async def main(host: str, port: int, cookie: str, number: int) -> None:
    """Listen until the input ends."""
    pages = [Page(host, port, cookie) for _ in range(number)]
    listening = [asyncio.Event() for _ in pages]
    work = []
    for page, event in zip(pages, listening, strict=True):
        work.append(asyncio.create_task(page.listen(event)))
        if len(work) % 25 == 0:
            await asyncio.sleep(0.05)
    await asyncio.wait_for(asyncio.gather(*(event.wait() for event in listening)), 60)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    told = {name: sum(getattr(page, name) for page in pages) for name in ("heard", "fetched", "unchanged")}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
