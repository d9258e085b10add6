"""The approval page: looking decides nothing, a button does, and a link of another sort never approves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests
from sqlalchemy import select
from stage import ALARM, HOUR, changes, day, informed, instance, messages, recorded, telling

from alerts.duty import release_rows
from alerts.duty.people import Release
from alerts.duty.release_rows import Asked
from alerts.outgoing.delivery import Purpose
from alerts.record import tables
from ingest.database import reading
from pipeline.config import Config
from pipeline.console.server import Console
from pipeline.daemon import SimulatedClock
from pipeline.ports import Ports
from pipeline.tick import tick
from pipeline.work import escalate
from rules.level import Level

FIRST, SECOND = "command_centre_duty_a", "command_centre_deputy_a"


def guarded(needed: int = 2, **parts: object) -> Config:
    """Red heat in the district, released by two people of the command centre."""
    config = telling(recorded(day("08-12 12:00"), ALARM))
    rule = Release(approvers=(FIRST, SECOND), needed=needed)
    routes = replace(config.routes, release={Level.RED: rule}, supervisor=("operations_duty_a",))
    return replace(config, routes=routes, **parts)


@dataclass(frozen=True, kw_only=True)
class Pages:
    """The console of an instance whose red waits for approval."""

    ports: Ports
    clock: SimulatedClock
    url: str

    def link(self, person: str = FIRST) -> str:
        """Address of a person's page, as the message gave it."""
        asked = [row for row in messages(self.ports) if row.purpose is Purpose.APPROVAL]
        link = next(str(row.data["ack_link"]) for row in asked if row.recipient == person)
        return link.replace(self.ports.config.service.public_url, self.url)

    def press(self, word: str, person: str = FIRST, **form: str) -> requests.Response:
        """Press a button."""
        return requests.post(self.link(person), data={"word": word, **form}, timeout=10)

    @property
    def release(self) -> Asked:
        """How the release stands."""
        with reading(self.ports.engine) as connection:
            (row,) = release_rows.asked(connection)
        return row

    def warned(self) -> int:
        """Messages about the change itself."""
        return sum(row.purpose is Purpose.ALERT for row in messages(self.ports))

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
    informed(tmp_path)
    with instance(tmp_path, guarded()) as ports, Console("127.0.0.1:0") as console:
        tick(ALARM, ports)
        url = console.bind()
        console.start(ports, clock.now)
        yield Pages(ports=ports, clock=clock, url=url)


def test_the_question_names_the_level_and_what_is_to_be_done(pages: Pages):
    """Two are asked by message; nobody has been warned."""
    asked = [row for row in messages(pages.ports) if row.purpose is Purpose.APPROVAL]
    assert sorted(row.recipient for row in asked) == [SECOND, FIRST]
    for word in ("请审批", "高温红色预警建议", "须2人同意", "尚未通知任何人", "/approve/"):
        assert word in asked[0].text
    assert pages.warned() == 0


def test_opening_a_link_shows_what_would_be_sent_to_whom_and_decides_nothing(pages: Pages):
    """A scanner that fetches every link approves nothing."""
    before = pages.rows()
    for _ in range(2):
        page = requests.get(pages.link(), timeout=10)
        assert page.status_code == 200
    for word in ("高温红色预警建议 · 请审批", "指挥中心值班员A", "卫生健康：卫生健康值班员A", "尚无人表态"):
        assert word in page.text
    assert pages.rows() == before


def test_two_yes_send_it(pages: Pages):
    """The first is counted and shown to the second."""
    assert "指挥中心值班员A：同意" in pages.press("yes").text
    assert (pages.release.decision.value, pages.warned()) == ("waiting", 0)
    assert "已批准发出" in pages.press("yes", SECOND).text
    assert pages.release.decision.value == "approved"
    assert pages.warned() > 5


def test_pressing_twice_counts_once(pages: Pages):
    """One phone is not two people."""
    for _ in range(3):
        assert pages.press("yes").status_code == 200
    assert pages.release.decision.value == "waiting"


def test_a_no_keeps_it_back(pages: Pages):
    """With the reason; the other then has nothing to decide."""
    assert "已退回，未通知任何人" in pages.press("no", why="测站 故障").text
    assert "测站 故障" in pages.release.detail
    assert pages.press("yes", SECOND).status_code == 409
    assert pages.warned() == 0


def test_an_acknowledgement_link_never_approves(pages: Pages):
    """Nor the other way round: what a token is for is part of what was signed."""
    pages.press("yes")
    pages.press("yes", SECOND)
    links = [str(row.data["ack_link"]) for row in messages(pages.ports) if row.purpose is Purpose.ALERT]
    token = next(link.rpartition("/")[2] for link in links if "/ack/" in link)
    assert requests.post(f"{pages.url}/approve/{token}", data={"word": "no"}, timeout=10).status_code == 410
    mine = pages.link().rpartition("/")[2]
    assert requests.post(f"{pages.url}/ack/{mine}", data={"name": "x"}, timeout=10).status_code == 410


@pytest.mark.parametrize("form", [{}, {"word": "maybe"}, {"word": ""}])
def test_a_form_without_a_clear_word_decides_nothing(pages: Pages, form: dict[str, str]):
    """Neither yes nor no is refused."""
    assert requests.post(pages.link(), data=form, timeout=10).status_code == 422
    assert pages.release.decision.value == "waiting"


def test_an_old_link_is_refused(pages: Pages):
    """After the time messages are worth sending."""
    link = pages.link()
    pages.clock.at = ALARM + pages.ports.config.service.link_valid
    assert requests.get(link, timeout=10).status_code == 410
    assert requests.post(link, data={"word": "yes"}, timeout=10).status_code == 410


def test_html_in_a_reason_stays_text(pages: Pages):
    """What somebody types is shown, never run."""
    page = pages.press("no", why="<script>alert(1)</script>").text
    assert "<script>alert" not in page


@pytest.mark.parametrize("deadly", [True, False])
def test_nobody_answers(tmp_path: Path, deadly: bool):
    """The errands of the daemon ask on and decide: out with the words, or held and the supervisor told."""
    config = guarded()
    block = config.hazards["heat"]
    conduct = replace(block.conduct, life_safety=deadly)
    config = replace(config, hazards={"heat": replace(block, conduct=conduct)})
    informed(tmp_path)
    with instance(tmp_path, config) as ports:
        tick(ALARM, ports)
        escalate(ALARM + HOUR, ports)
        warnings = [row for row in messages(ports) if row.purpose is Purpose.ALERT]
        memos = [row.text for row in messages(ports) if row.recipient == "operations_duty_a"]
        (change,) = changes(ports)
    assert bool(warnings) is change.unconfirmed is deadly
    assert all("【未经确认】" in row.text for row in warnings)
    assert any(("未经确认已发出" if deadly else "无人审批") in text for text in memos)
