"""The console of an instance on loopback, people who are in, and a real browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from argon2 import PasswordHasher
from stage import present

from alerts.record import accounts
from alerts.record.accounts import Account
from ingest.database import writing
from pipeline.console.pages import Clock
from pipeline.console.people.doors import COOKIE, Doors, csrf_of
from pipeline.console.server import Console
from pipeline.daemon import SimulatedClock
from pipeline.ports import Ports

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
CENTRE = "command_centre"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Somebody who is in, without a browser."""

    url: str
    session: requests.Session
    token: str

    def get(self, path: str, **headers: str) -> requests.Response:
        """Open a page or its twin."""
        return self.session.get(self.url + path, timeout=20, headers=headers)

    def post(self, path: str, **form: object) -> requests.Response:
        """Send a form as its page would."""
        return self.session.post(
            self.url + path, data={"csrf": csrf_of(self.token)} | form, timeout=20, allow_redirects=False
        )


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A console and its instance."""

    ports: Ports
    clock: SimulatedClock
    url: str

    def account(
        self,
        name: str,
        roles: Sequence[str],
        *,
        title: str = "",
        subsystems: Sequence[str] = (),
        person: str | None = None,
        password: str = "",
    ) -> str:
        """Make an account, and the token of a session of it."""
        doors, now = Doors(centre=CENTRE, hasher=CHEAP), present()
        made = Account(
            name=name,
            title=title or name,
            hash=doors.hasher.hash(password) if password else "",
            roles=tuple(roles),
            subsystems=tuple(subsystems),
            person=person,
            made_at=now,
        )
        with writing(self.ports.engine) as connection:
            if accounts.find(connection, name) is None:
                accounts.add(connection, made)
            return doors.let_in(connection, name, now)

    def enter(self, *roles: str, name: str = "zhang", **more: Any) -> Visit:
        """Somebody of these roles, signed in."""
        token = self.account(name, roles or ("viewer",), **more)
        session = requests.Session()
        session.headers["Accept"] = "text/html"
        session.cookies.set(COOKIE, token)
        return Visit(url=self.url, session=session, token=token)


@contextmanager
def console_of(ports: Ports, at: datetime | Clock) -> Iterator[Desk]:
    """The console of an instance, served until the block ends; its people live in the real present."""
    clock = SimulatedClock(at) if isinstance(at, datetime) else SimulatedClock(at())
    with Console("127.0.0.1:0") as console:
        url = console.bind()
        console.start(ports, clock.now if isinstance(at, datetime) else at, present)
        yield Desk(ports=ports, clock=clock, url=url)


def chromium_path() -> str:
    """The browser of this machine; a test that needs one is skipped where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium here: on Debian, apt-get install chromium")
    return found


FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def page_of(browser, desk: Desk, token: str, viewport: dict[str, int] = DESK, **options: object):
    """A page of a context of its own, signed in, which fails its test at any error of a script."""
    context = browser.new_context(viewport=viewport, locale="zh-CN", **options)
    if token:
        context.add_cookies([{"name": COOKIE, "value": token, "url": desk.url}])
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.on("pageerror", lambda error: pytest.fail(f"script: {error}", pytrace=False))
    return page


def axe(page, script: Path) -> list[str]:
    """What axe-core finds against WCAG 2.1 A and AA on the page, a line each.

    The page's own policy forbids foreign scripts, so the context must be made with `bypass_csp`.
    """
    page.add_script_tag(path=str(script))
    found = page.evaluate(
        "() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})"
    )
    return [
        f"{fault['id']}: {json.dumps(node['target'])} {node['failureSummary'][:200]}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]
