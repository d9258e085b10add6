"""The pages: looking changes nothing, pressing the button acknowledges, and names stay text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from fakes import RecordingChannel
from sqlalchemy import select
from stage import ALARM, alarmed, tokens

from alerts.answers.links import Claim, sign_link
from alerts.record import store, tables
from ingest.database import reading
from ingest.errors import ConfigMistake
from pipeline.console.server import Console
from pipeline.daemon import SimulatedClock
from pipeline.ports import Ports


@dataclass(frozen=True, kw_only=True)
class Pages:
    """The console of an instance with an open alert."""

    ports: Ports
    clock: SimulatedClock
    url: str

    def get(self, path: str) -> requests.Response:
        """Open a page."""
        return requests.get(self.url + path, timeout=10)

    def post(self, path: str, **form: str) -> requests.Response:
        """Press its button."""
        return requests.post(self.url + path, data=form, timeout=10)

    def link(self, subsystem: str = "health") -> str:
        """Path of a subsystem's page."""
        return f"/ack/{tokens(self.ports)[subsystem]}"

    def words(self) -> list[tuple[str, str, bool]]:
        """Subsystem, name and effect of every acknowledgement."""
        with reading(self.ports.engine) as connection:
            kept = store.acknowledgements(connection)
        return [(word.subsystem, word.by, word.effective) for word in kept]

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table."""
        with reading(self.ports.engine) as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(select(table))]
                for table in tables.metadata.sorted_tables
            }


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    """Served on loopback, at the moment of the alert."""
    clock = SimulatedClock(ALARM)
    with alarmed(tmp_path) as ports, Console("127.0.0.1:0") as console:
        url = console.bind()
        console.start(ports, clock.now)
        yield Pages(ports=ports, clock=clock, url=url)


def test_opening_a_link_shows_the_call_and_changes_nothing(pages: Pages):
    """A scanner that fetches every link acknowledges nothing."""
    before = pages.rows()
    for _ in range(2):
        page = pages.get(pages.link())
        assert page.status_code == 200
    assert "红色预警建议" in page.text
    assert "尚无人确认" in page.text
    assert '<form method="post" action="/ack/' in page.text
    assert pages.rows() == before


def test_pressing_the_button_acknowledges_by_name(pages: Pages):
    """The calls of this subsystem end; those of the others go on."""
    page = pages.post(pages.link(), name="张三")
    assert page.status_code == 200
    assert "张三" in page.text
    assert "已停止对卫生健康的叫应" in page.text
    assert pages.words() == [("health", "张三", True)]
    with reading(pages.ports.engine) as connection:
        states = {call.subsystem: call.status for call in store.calls(connection)}
    assert states.pop("health") == "acknowledged"
    assert set(states.values()) == {"open"}


def test_a_second_press_says_who_was_first(pages: Pages):
    """It is kept, changes nothing, and both names are shown."""
    pages.post(pages.link(), name="张三")
    page = pages.post(pages.link(), name="李四")
    assert "此前已有人确认" in page.text
    assert "张三" in page.text
    assert pages.words() == [("health", "张三", True), ("health", "李四", False)]
    assert "张三" in pages.get(pages.link()).text


def test_who_gives_no_name_is_who_was_called(pages: Pages):
    """The link knows its person."""
    pages.post(pages.link())
    ((_, name, effective),) = pages.words()
    assert (name, effective) == ("卫生健康值班员A", True)


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "</p>&amp;"]
)
def test_html_in_a_name_stays_text(pages: Pages, name: str):
    """What somebody types is shown, never run."""
    page = pages.post(pages.link(), name=name).text + pages.get(pages.link()).text
    assert name not in page or "<" not in name
    assert page.count("<script") == page.count('<script src="/static/read.js" defer></script>')
    assert "<img" not in page
    assert pages.words()[0][1] == name


@pytest.mark.parametrize(
    ("name", "kept"),
    [(" 张  三 ", "张 三"), ("李\r\n四", "李 四"), ("长" * 150, "长" * 64)],
)
def test_a_name_is_trimmed(pages: Pages, name: str, kept: str):
    """One line of at most 64 characters."""
    pages.post(pages.link(), name=name)
    assert pages.words()[0][1] == kept


def test_a_name_without_end_is_refused(pages: Pages):
    """Nobody is called that; nothing is kept."""
    assert pages.post(pages.link(), name="长" * 100_000).status_code in (400, 413, 422)
    assert pages.words() == []


def forged(pages: Pages, key: str = "x" * 32, **parts: str) -> str:
    """A link of our making."""
    claim = {"alert": "a", "transition": "a.1", "subsystem": "health", "person": "p"} | parts
    return sign_link("", key, Claim(**claim, expires_at=ALARM + timedelta(hours=1)))


@pytest.mark.parametrize("how", ["get", "post"])
@pytest.mark.parametrize("token", ["", "x", "a.b", "烽燧", "..%2f..%2fetc%2fpasswd", "A" * 5000])
def test_a_token_that_is_none_is_refused(pages: Pages, how: str, token: str):
    """A page says what to do; nothing is kept and nothing fails."""
    answer = getattr(pages, how)(f"/ack/{token}")
    assert answer.status_code in (404, 410)
    assert "Traceback" not in answer.text
    assert pages.words() == []


@pytest.mark.parametrize("how", ["get", "post"])
def test_a_token_signed_by_somebody_else_is_refused(pages: Pages, how: str):
    """Only the key of this instance opens a page."""
    answer = getattr(pages, how)(forged(pages))
    assert (answer.status_code, "无法确认" in answer.text) == (410, True)


@pytest.mark.parametrize("where", [0, 5, -1])
def test_a_changed_token_is_refused(pages: Pages, where: int):
    """One character suffices."""
    token = list(tokens(pages.ports)["health"])
    token[where] = "A" if token[where] != "A" else "E"
    assert pages.post(f"/ack/{''.join(token)}", name="x").status_code == 410
    assert pages.words() == []


def test_an_expired_link_is_refused(pages: Pages):
    """After a day the page sends people to the newest message."""
    pages.clock.at += timedelta(hours=23, minutes=59)
    assert pages.get(pages.link()).status_code == 200
    pages.clock.at += timedelta(minutes=1)
    for answer in (pages.get(pages.link()), pages.post(pages.link(), name="x")):
        assert (answer.status_code, "已过期" in answer.text) == (410, True)
    assert pages.words() == []


@pytest.mark.parametrize("how", ["get", "post"])
def test_a_link_to_an_alert_that_is_gone_is_refused(pages: Pages, how: str):
    """A database was restored without it: the page says so."""
    answer = getattr(pages, how)(forged(pages, pages.ports.link_key))
    assert answer.status_code == 410
    assert pages.words() == []


@pytest.mark.parametrize("path", ["/ack/x", "/health", "/static/fengsui.css", "/nowhere", "/"])
def test_every_answer_carries_the_headers_that_keep_browsers_safe(pages: Pages, path: str):
    """No script, no frame, no guess of types, no address to others, no copy in a cache."""
    headers = pages.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/static/../app.py", "/nowhere"])
def test_there_is_nothing_else(pages: Pages, path: str):
    """No documentation of the framework, no file beyond the static ones."""
    assert pages.get(path).status_code == 404


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(pages: Pages, method: str):
    """A page is looked at or posted to."""
    answer = requests.request(method, pages.url + pages.link(), timeout=10)
    assert answer.status_code == 405


def test_health_is_200_while_all_is_well_and_503_when_not(pages: Pages):
    """The probe of a supervisor needs the status alone."""
    well = pages.get("/health")
    assert (well.status_code, well.json()["healthy"], well.json()["problems"]) == (200, True, [])
    pages.clock.at += timedelta(days=2)
    ill = pages.get("/health")
    assert (ill.status_code, ill.json()["healthy"]) == (503, False)
    assert ill.json()["problems"]


def test_an_address_that_is_taken_is_refused(pages: Pages):
    """One sentence with the remedy."""
    second = Console(pages.url.removeprefix("http://"))
    with pytest.raises(ConfigMistake, match="stop what holds it or choose another port"):
        second.bind()


def test_a_console_that_never_started_can_be_closed():
    """Start-up may fail between its two steps."""
    console = Console("127.0.0.1:0")
    console.close()
    with Console("127.0.0.1:0") as bound:
        assert bound.bind().startswith("http://127.0.0.1:")


def test_the_page_is_there_while_messages_are_sent(tmp_path: Path):
    """Pages have a thread of their own: one answers from within a send."""
    seen: list[int] = []
    with Console("127.0.0.1:0") as console:
        address = console.bind() + "/health"
        look = RecordingChannel(look=lambda _: seen.append(requests.get(address, timeout=10).status_code))
        with alarmed(tmp_path, look) as ports:
            console.start(ports, lambda: ALARM)
            ports.outbox.drain(ALARM)
            console.close()
    assert set(seen) == {200}
