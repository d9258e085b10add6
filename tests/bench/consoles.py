"""The first view of the console on a bad night, and what hundreds of open pages cost a tick."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bench.figures import Figure, seconds, timed
from consoles import FLAGS, Desk, Visit, chromium_path, console_of, page_of
from stage import ALARM, alarmed, day, instance, recorded, telling

from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Delivery
from ingest.database import writing
from pipeline.config import Config
from pipeline.ports import Ports
from pipeline.pull import pull
from pipeline.tick import tick

_LISTENERS = Path(__file__).with_name("listeners.py")
_PAUSE_S = 1.5
_SETTLED_S = 12.0
_LINK = re.compile(r'(?:href|src)="(/static/[^"]+)"')
_LOADED = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
_IMPORT = re.compile(r'from "\./([a-z_]+\.js)"')


def measure(*, quick: bool) -> Iterator[Figure]:
    """100 incidents and 20,000 deliveries, then 500 open pages (5, 200 and 10 where it must be quick)."""
    incidents, rows, pages, ticks = (5, 200, 10, 2) if quick else (100, 20_000, 500, 20)
    with tempfile.TemporaryDirectory() as name, crowded(Path(name), incidents, rows) as desk:
        yield from _first_view(desk, f"{incidents} incidents, {rows:,} deliveries", 1 if quick else 5)
    with tempfile.TemporaryDirectory() as name, alarmed(Path(name)) as ports:
        alone = _ticks(ports, ALARM, ticks, 0.0)
        with console_of(ports, ALARM) as desk, _listening(desk, pages) as told:
            # What pages cost that have been open for a while; opening hundreds at once is another matter.
            time.sleep(0.0 if quick else _SETTLED_S)
            crowd = _ticks(ports, ALARM + timedelta(hours=1), ticks, 0.0 if quick else _PAUSE_S)
        yield _longest("longest tick, no page open", alone, "")
        added = 1000 * (max(crowd) - max(alone))
        yield _longest(f"longest tick, {pages} pages open and fetching", crowd, f"{added:+.0f} ms")
        if not quick and not told.get("fetched"):
            sys.stderr.write("!!! no page fetched anything, so the ticks were measured beside silence\n")


def _longest(what: str, found: Sequence[float], ratio: str) -> Figure:
    samples = tuple(1000 * one for one in found)
    told = f"longest {max(samples):.0f} ms {ratio}".strip()
    return Figure(what=what, unit="ms", samples=samples, ratio=told)


def _many(incidents: int) -> Config:
    """Heat so many times over, each an incident of its own."""
    config = telling(recorded(day("08-12 12:00"), ALARM))
    block = config.hazards["heat"]
    hazards = {
        f"heat_{number}": replace(
            block,
            name=f"heat_{number}",
            conduct=replace(block.conduct, name=f"高温{number}", incident=None),
        )
        for number in range(incidents)
    }
    matrix = {name: found.conduct.dispatch for name, found in hazards.items()}
    return replace(config, hazards=hazards, aside={}, routes=replace(config.routes, matrix=matrix))


@contextmanager
def crowded(folder: Path, incidents: int, rows: int) -> Iterator[Desk]:
    """The console of an instance with so many open incidents and delivery rows."""
    with instance(folder, _many(incidents)) as ports:
        pull("told", ALARM, ports)
        report = tick(ALARM, ports)
        first = report.transitions[0]
        with writing(ports.engine) as connection:
            further = range(rows - report.planned)
            deliveries.plan(connection, (_row(number, first.alert) for number in further))
        with console_of(ports, ALARM + timedelta(minutes=12)) as desk:
            yield desk


def _row(number: int, alert: str) -> Delivery:
    return Delivery(
        key=f"msg_{number:040d}", transition=f"{alert}.1", alert=alert, subsystem="flood_control",
        recipient="officer", step=0, channel="outbox", text="荣昌区气象灾害预警建议：高温红色。" * 5, data={},
        planned_at=ALARM, due_at=ALARM, expires_at=ALARM + timedelta(days=1), priority=0,
    )  # fmt: skip


def _first_view(desk: Desk, what: str, number: int) -> Iterator[Figure]:
    visit = desk.enter("officer", name="zhang", subsystems=("command_centre",))
    cold, answer = timed(lambda: visit.get("/"))
    assert answer.status_code == 200, answer.text
    transferred = len(gzip.compress(answer.content, 5)) + _assets(visit, answer.text)
    told = f"first view, bytes with style and scripts, {what}"
    yield Figure(what=told, unit="kB", samples=(transferred / 1000,))
    yield Figure(what="  the server's answer after a change", unit="ms", samples=(1000 * cold,))
    warm = tuple(1000 * seconds(lambda: visit.get("/")) for _ in range(number))
    yield Figure(what="  the server's answer, nothing changed", unit="ms", samples=warm)
    loaded = _in_browser(desk, visit, number)
    if loaded:
        yield Figure(what="  until the browser has the whole document", unit="ms", samples=loaded)


def _assets(visit: Visit, html: str) -> int:
    """Bytes of the style sheets, icons and modules of a page as they are transferred."""
    found, size = dict.fromkeys(_LINK.findall(html)), 0
    waiting = list(found)
    while waiting:
        path = waiting.pop()
        answer = visit.get(path)
        size += len(gzip.compress(answer.content, 5))
        for name in _IMPORT.findall(answer.text) if ".js" in path else ():
            if (further := f"/static/{name}") not in found:
                found[further] = None
                waiting.append(further)
    return size


def _in_browser(desk: Desk, visit: Visit, number: int) -> tuple[float, ...]:
    """Milliseconds from the navigation to DOMContentLoaded, each in a fresh context; none without one."""
    try:
        from playwright.sync_api import sync_playwright

        path = chromium_path()
    except (ImportError, pytest.skip.Exception) as error:
        sys.stderr.write(f"!!! no browser here, so nothing was loaded into one ({error})\n")
        return ()
    took = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        for _ in range(number):
            page = page_of(browser, desk, visit.token)
            page.goto(desk.url, wait_until="domcontentloaded")
            took.append(page.evaluate(_LOADED))
            page.context.close()
        browser.close()
    return tuple(took)


def _ticks(ports: Ports, start: datetime, number: int, pause_s: float) -> list[float]:
    """Seconds of ticks one minute apart, each of which is news; the first, which warms up, does not count."""
    took = []
    for one in range(1, number + 2):
        took.append(_tick_s(start + timedelta(minutes=one), ports))
        time.sleep(pause_s)
    return took[1:]


def _tick_s(now: datetime, ports: Ports) -> float:
    return seconds(lambda: tick(now, ports))


@contextmanager
def _listening(desk: Desk, pages: int) -> Iterator[dict[str, int]]:
    """So many pages open in another process; at the end what they heard."""
    visit = desk.enter("viewer", name="everybody")
    address = urlsplit(desk.url)
    cookie = "; ".join(f"{name}={value}" for name, value in visit.session.cookies.items())
    command = [sys.executable, str(_LISTENERS), str(address.hostname), str(address.port), cookie, str(pages)]
    told: dict[str, int] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as listeners:
        assert listeners.stdin is not None
        assert listeners.stdout is not None
        assert listeners.stdout.readline() == "ready\n", "the pages did not open"
        yield told
        listeners.stdin.close()
        told |= json.loads(listeners.stdout.readline())
        sys.stderr.write(f"the pages: {told}\n")
