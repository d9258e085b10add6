"""The stream: one look for all, the newest event wins, and nothing outlives its session or the server."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from consoles import Desk, Visit
from stage import ALARM, HOUR, alarmed, present, until

from ingest.database import writing
from ingest.errors import StoreError
from pipeline.console.now import pulse
from pipeline.console.now.pulse import Pulse
from pipeline.console.people.doors import Doors
from pipeline.console.server import Console
from pipeline.daemon import SimulatedClock
from pipeline.tick import tick


async def yes() -> bool:
    """A session that goes on."""
    return True


def told(piece: bytes) -> tuple[str, dict[str, object]]:
    """Name and content of an event."""
    name, data = piece.decode().strip().split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def next_of(stream: AsyncIterator[bytes]) -> tuple[str, dict[str, object]]:
    """The next event."""
    piece = await asyncio.wait_for(anext(stream), 5)
    return await next_of(stream) if piece.startswith(b"retry") else told(piece)


@pytest.fixture(autouse=True)
def _brisk(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pulse, "LOOK_S", 0.02)


def test_everybody_hears_of_a_change():
    """One look tells all of them."""
    versions = ["a"]

    async def scene() -> list[object]:
        one = Pulse(lambda: versions[0])
        streams = [one.stream(yes) for _ in range(5)]
        first = [await next_of(stream) for stream in streams]
        versions[0] = "b"
        second = [await next_of(stream) for stream in streams]
        one.close()
        return [said["version"] for _, said in first + second]

    assert asyncio.run(scene()) == ["a"] * 5 + ["b"] * 5


def test_the_newest_wins_for_who_is_slow():
    """What was not fetched is replaced, and nobody waits."""
    versions = ["a"]

    async def scene() -> object:
        one = Pulse(lambda: versions[0])
        slow = one.stream(yes)
        await next_of(slow)
        for version in "bcd":
            versions[0] = version
            await asyncio.sleep(0.1)
        _, said = await next_of(slow)
        one.close()
        return said["version"]

    assert asyncio.run(scene()) == "d"


def test_many_listeners_fetch_at_leisure():
    """So that a tick finds room between them."""

    async def scene() -> object:
        one = Pulse(lambda: "a")
        streams = [one.stream(yes) for _ in range(120)]
        await asyncio.gather(*(anext(stream) for stream in streams))
        _, said = await next_of(streams[-1])
        one.close()
        return said["within"]

    assert asyncio.run(scene()) == pytest.approx(2.0)


def test_nobody_looks_while_nobody_listens():
    """The last listener takes the look with it."""
    looks: list[int] = []

    def look() -> str:
        looks.append(1)
        return "a"

    async def scene() -> int:
        one = Pulse(look)
        stream = one.stream(yes)
        await next_of(stream)
        await stream.aclose()
        await asyncio.sleep(0.1)
        before = len(looks)
        await asyncio.sleep(0.2)
        return len(looks) - before + one.listeners

    assert asyncio.run(scene()) == 0


def test_a_database_that_cannot_be_read_gives_no_sign_of_life(monkeypatch: pytest.MonkeyPatch):
    """A page then says that the line is cut, and not that all is well."""
    monkeypatch.setattr(pulse, "BEAT_S", 0.05)

    def broken() -> str:
        raise StoreError("the disk is gone")

    async def scene() -> None:
        one = Pulse(broken)
        stream = one.stream(yes)
        assert (await anext(stream)).startswith(b"retry")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 0.4)

    asyncio.run(scene())


def test_a_stream_ends_with_its_session(monkeypatch: pytest.MonkeyPatch):
    """At the next sign of life it is asked, and told why it ends."""
    monkeypatch.setattr(pulse, "BEAT_S", 0.05)

    async def gone() -> bool:
        return False

    async def scene() -> list[str]:
        pieces = [piece async for piece in Pulse(lambda: "a").stream(gone)]
        return [told(piece)[0] for piece in pieces if piece.startswith(b"event")]

    assert asyncio.run(scene()) == ["now", "out"]


@contextmanager
def listening(visit: Visit) -> Iterator[Iterator[str]]:
    """The lines of a stream over HTTP."""
    with visit.session.get(visit.url + "/stream", stream=True, timeout=20) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield (line.decode() for line in answer.iter_lines(chunk_size=1))


def following(lines: Iterator[str], wanted: Callable[[str], bool]) -> str:
    """The next line of a kind."""
    return next(line for line in lines if wanted(line))


def test_a_tick_is_heard_over_http(desk: Desk):
    """Within a second or two, uncompressed and unbuffered."""
    with listening(desk.enter()) as lines:
        before = following(lines, lambda line: line.startswith("data: "))
        tick(ALARM + HOUR, desk.ports)
        begun = time.monotonic()
        after = following(lines, lambda line: line.startswith("data: "))
        assert json.loads(before[6:])["version"] != json.loads(after[6:])["version"]
        assert time.monotonic() - begun < 5


def test_strangers_hear_nothing(desk: Desk):
    """The stream needs somebody who may read."""
    assert requests.get(desk.url + "/stream", timeout=20).status_code == 401


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Console, Desk]]:
    """A console and what stands behind it."""
    clock = SimulatedClock(ALARM)
    with alarmed(tmp_path) as ports, Console("127.0.0.1:0") as console:
        url = console.bind()
        console.start(ports, clock.now, present)
        yield console, Desk(ports=ports, clock=clock, url=url)


def test_who_hangs_up_is_forgotten(served: tuple[Console, Desk]):
    """Nothing is kept for a page that was closed."""
    console, desk = served
    with listening(desk.enter()) as lines:
        following(lines, lambda line: line.startswith("data: "))
        heart = console.app.state.live.pulse
        assert heart.listeners == 1
    until(lambda: heart.listeners == 0, 10)


def test_signing_out_ends_the_stream(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """At the next sign of life."""
    monkeypatch.setattr(pulse, "BEAT_S", 0.1)
    visit = desk.enter()
    with listening(visit) as lines:
        following(lines, lambda line: line.startswith("data: "))
        with writing(desk.ports.engine) as connection:
            Doors(centre="command_centre").sign_out(connection, visit.token)
        assert following(lines, lambda line: line == "event: out")


def test_a_server_with_open_streams_stops_at_once(served: tuple[Console, Desk]):
    """They are told of the end and do not hold it up."""
    console, desk = served
    with listening(desk.enter()) as lines:
        following(lines, lambda line: line.startswith("data: "))
        begun = time.monotonic()
        console.close()
        assert following(lines, lambda line: line == "event: end")
        assert time.monotonic() - begun < 4
