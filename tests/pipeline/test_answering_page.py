"""The page behind a link: seen, acknowledged, reported, closed; and what has moved on since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from sqlalchemy import select
from stage import ALARM, changes, day, informed, instance, messages, recorded, telling, tokens

from alerts.answers import calls, reports
from alerts.duty.people import Answer
from alerts.duty.routing import route
from alerts.event.transition import Reason, Transition
from alerts.outgoing.delivery import Purpose
from alerts.record import store, tables
from ingest.database import reading, writing
from pipeline.console.server import Console
from pipeline.daemon import SimulatedClock
from pipeline.ports import Ports
from pipeline.tick import tick
from rules.level import Level

MINUTE = timedelta(minutes=1)
FACTS = {"commander": "张三", "affected": "昌元、广顺", "moved": "320人"}


@dataclass
class Phone:
    """A browser without a script, at the link of an officer."""

    ports: Ports
    clock: SimulatedClock
    url: str
    path: str

    def get(self, path: str = "") -> requests.Response:
        """Open the page."""
        return requests.get(f"{self.url}{self.path}{path}", timeout=10)

    def post(self, path: str = "", **form: str) -> requests.Response:
        """Press a button."""
        return requests.post(f"{self.url}{self.path}{path}", data=form, timeout=10)

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table."""
        with reading(self.ports.engine) as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(select(table))]
                for table in tables.metadata.sorted_tables
            }

    def announce(self, reason: Reason, level: Level) -> Transition:
        """The alert changes."""
        last = changes(self.ports)[-1]
        now = self.clock.at
        parts = {"reason": reason, "from_level": last.to_level, "to_level": level}
        made = replace(last, id=f"{last.alert}.9", at=now, **parts)
        with writing(self.ports.engine) as connection:
            calls.replace_older(connection, made, now)
            told = route(made, self.ports.config.routes, now, store.warned(connection, made.alert))
            calls.announce(connection, made, told, self.ports.desk, now)
        self.ports.outbox.drain(now)
        return made

    def effective(self) -> list[str]:
        """Names of those whose word ended a call."""
        with reading(self.ports.engine) as connection:
            return [word.by for word in store.acknowledgements(connection) if word.effective]

    def told(self) -> list[tuple[str, bool]]:
        """Sort and completeness of every report."""
        with reading(self.ports.engine) as connection:
            return [(one.kind, one.complete) for one in reports.reports(connection)]


@contextmanager
def served(folder: Path, exercise: str | None = None) -> Iterator[Phone]:
    """A red that asks for facts, sent and served on loopback."""
    config = telling(recorded(day("08-12 12:00"), ALARM))
    asking = replace(config.routes, answers={Level.RED: Answer(facts=True)})
    informed(folder)
    with instance(folder, replace(config, routes=asking)) as built, Console("127.0.0.1:0") as console:
        ports = replace(built, desk=replace(built.desk, exercise=exercise))
        tick(ALARM, ports)
        ports.outbox.drain(ALARM)
        clock = SimulatedClock(ALARM + MINUTE)
        url = console.bind()
        console.start(ports, clock.now)
        yield Phone(ports=ports, clock=clock, url=url, path=f"/ack/{tokens(ports)['health']}")


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    """At the link of the health officer."""
    with served(tmp_path) as opened:
        yield opened


def test_trap_4_a_get_changes_nothing(phone: Phone):
    """Not of the page, not of any of the addresses it posts to."""
    before = phone.rows()
    assert phone.get().status_code == 200
    assert {phone.get(path).status_code for path in ("/read", "/report")} == {405}
    assert phone.rows() == before


def test_the_beacon_of_a_visible_page_says_that_it_was_read(phone: Phone):
    """By POST, once; the call goes on."""
    assert 'data-read="/ack/' in phone.get().text
    assert [phone.post("/read").status_code for _ in range(2)] == [204, 204]
    read = {row.subsystem: row.read_at for row in messages(phone.ports)}
    assert read.pop("health") == ALARM + MINUTE
    assert set(read.values()) == {None}
    assert phone.effective() == []


def test_a_beacon_of_somebody_elses_making_says_nothing(phone: Phone):
    """Only a link that we signed counts."""
    answer = requests.post(f"{phone.url}/ack/{'x' * 22}/read", timeout=10)
    assert answer.status_code == 410


def test_acknowledging_implies_reading(phone: Phone):
    """Without a script the button says both."""
    phone.post(name="李四")
    assert {row.read_at for row in messages(phone.ports) if row.subsystem == "health"} == {ALARM + MINUTE}


def test_a_red_asks_for_three_facts_after_the_button(phone: Phone):
    """Not before it."""
    assert "谁在指挥" not in phone.get().text.partition("<main>")[2].replace("回报谁在指挥", "")
    page = phone.post(name="李四").text
    assert all(f'name="{name}"' in page for name in FACTS)
    assert "谁在指挥" in page


def test_three_facts_are_kept_and_end_the_form(phone: Phone):
    """Shown to whoever opens the link again."""
    phone.post(name="李四")
    page = phone.post("/report", name="李四", **FACTS).text
    assert "已回报" in page
    assert 'name="commander"' not in page
    assert phone.told() == [("facts", True)]
    assert "昌元、广顺" in phone.get().text


def test_two_facts_of_three_ask_for_the_third(phone: Phone):
    """What was told need not be typed again."""
    phone.post(name="李四")
    page = phone.post("/report", commander="张三", affected="昌元").text
    assert "请补齐" in page
    assert 'value="张三"' in page
    assert "已回报" in phone.post("/report", moved="无").text
    assert phone.told() == [("facts", False), ("facts", True)]


def test_an_empty_form_is_no_report(phone: Phone):
    """It says so, and keeps nothing."""
    answer = phone.post("/report", name="李四", commander=" ")
    assert (answer.status_code, "至少填写一项" in answer.text) == (400, True)
    assert phone.told() == []


@pytest.mark.parametrize("form", [{"kind": "other"}, {"commander": "长" * 2001}])
def test_a_form_that_is_not_ours_is_refused(phone: Phone, form: dict[str, str]):
    """Another sort, or a book."""
    assert phone.post("/report", **form).status_code == 422


def test_facts_before_the_button_acknowledge_as_well(phone: Phone):
    """Whoever reports has it."""
    phone.post("/report", name="李四", **FACTS)
    assert phone.effective() == ["李四"]


def test_the_link_of_an_older_change_shows_how_things_stand(phone: Phone):
    """And its button answers what is shown."""
    phone.clock.at += 5 * MINUTE
    made = phone.announce(Reason.RAISED, Level.RED)
    page = phone.get().text
    assert "此链接来自较早的消息" in page
    assert f'name="seen" value="{made.id}"' in page
    assert "已停止对" in phone.post(seen=made.id, name="李四").text


def test_what_changed_while_the_page_was_open_is_not_acknowledged_unseen(phone: Phone):
    """The button of the old page ends nothing; the new content is shown."""
    phone.clock.at += 5 * MINUTE
    phone.announce(Reason.RAISED, Level.RED)
    answer = phone.post(name="李四")
    assert (answer.status_code, "情况已变化" in answer.text) == (409, True)
    assert phone.effective() == []


@pytest.mark.parametrize("reason", [Reason.ENDED, Reason.CANCELLED])
def test_an_alert_that_is_over_asks_for_its_closing_report(phone: Phone, reason: Reason):
    """Behind the old link and behind the one that asks for it; once."""
    phone.post(name="李四")
    phone.clock.at += 60 * MINUTE
    phone.announce(reason, Level.NONE)
    asked = [row for row in messages(phone.ports) if row.purpose is Purpose.CLOSING]
    link = next(str(row.data["ack_link"]) for row in asked if row.subsystem == "health")
    for path in (phone.path, f"/ack/{link.rpartition('/')[2]}"):
        phone.path = path
        assert "请提交总结报告" in phone.get().text
    assert "总结报告已收到" in phone.post("/report", kind="closing", words="已转移安置，无伤亡").text
    assert phone.told() == [("closing", True)]
    assert "请提交总结报告" not in phone.get().text


def test_what_people_report_stays_text(phone: Phone):
    """Shown, never run."""
    phone.post(name="李四")
    page = phone.post("/report", **(FACTS | {"moved": "<script>alert(1)</script>"})).text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_drill_cannot_be_mistaken(tmp_path: Path):
    """A banner, another colour and other words on the button, on every page."""
    with served(tmp_path, exercise="龙舟水") as drill:
        page = drill.get().text
        refused = requests.get(f"{drill.url}/ack/x", timeout=10).text
        pressed = drill.post(name="李四").text
    for shown in (page, refused, pressed):
        assert "演练 EXERCISE" in shown
        assert 'class="exercise"' in shown
        assert "<title>【演练】" in shown
    assert "演练确认 Acknowledge the exercise" in page
    assert "确认收到 Acknowledge" not in page


def test_what_is_real_shows_nothing_of_a_drill(phone: Phone):
    """No banner, no stripes."""
    assert "演练" not in phone.get().text


def test_the_page_speaks_chinese_first_and_english_after_it(phone: Phone):
    """Both say the whole message."""
    page = phone.get().text
    assert page.index("建议") < page.index("recommendation")


def test_no_script_but_our_own_can_run(phone: Phone):
    """The policy names this place alone, and the script is a file."""
    page = phone.get()
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.text.count("<script") == 1
    script = requests.get(f"{phone.url}/static/read.js", timeout=10)
    assert script.headers["content-type"].startswith(("text/javascript", "application/javascript"))
