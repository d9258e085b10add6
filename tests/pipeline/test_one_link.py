"""One link answers every call of its reader that is open: one by one, or all at once, by POST."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from stage import ALARM, changes, messages

from alerts.answers import calls
from alerts.duty.routing import route
from alerts.event.transition import Reason, Transition
from alerts.record import store
from alerts.record.store import CallStatus
from ingest.database import reading, writing
from tests.pipeline.test_answering_page import FACTS, Phone, served

MINUTE = timedelta(minutes=1)
ALL = "项全部收到 All received"


def announce(phone: Phone, alert: str, number: int = 1) -> Transition:
    """Another alert opens, or rises, a minute after the first."""
    last, now = changes(phone.ports)[0], phone.clock.at
    reason = Reason.OPENED if number == 1 else Reason.RAISED
    made = replace(last, id=f"{alert}.{number}", alert=alert, incident=alert, at=now, reason=reason)
    with writing(phone.ports.engine) as connection:
        calls.replace_older(connection, made, now)
        told = route(made, phone.ports.config.routes, now, store.warned(connection, alert))
        calls.announce(connection, made, told, phone.ports.desk, now)
    phone.ports.outbox.drain(now)
    return made


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    """The health officer has three calls, and opens the link of the first."""
    with served(tmp_path) as opened:
        announce(opened, "slides")
        announce(opened, "flood")
        yield opened


def waiting(phone: Phone, subsystem: str = "health") -> list[str]:
    """Alerts whose calls to a subsystem are open."""
    with reading(phone.ports.engine) as connection:
        found = store.calls(connection, status=CallStatus.OPEN)
    return sorted(call.alert for call in found if call.subsystem == subsystem)


def buttons(page: str) -> list[list[str]]:
    """What each form that answers further calls sends, in the order of the page."""
    forms = re.findall(r'<form method="post" action="/ack/[^"]+/all">(.*?)</form>', page, re.DOTALL)
    return [re.findall(r'name="call" value="([^"]+)"', form) for form in forms]


def press(phone: Phone, names: list[str]) -> requests.Response:
    """Press a button of the page."""
    return requests.post(
        f"{phone.url}{phone.path}/all", data={"call": names, "name": "李四"}, timeout=10
    )


def test_the_page_lists_what_else_waits_with_a_button_each_and_one_for_all(phone: Phone):
    """The last button sends the call of the link too."""
    page = phone.get().text
    first = changes(phone.ports)[0].id
    assert buttons(page) == [
        ["health/flood.1"],
        ["health/slides.1"],
        [f"health/{first}", "health/flood.1", "health/slides.1"],
    ]
    assert f"3{ALL}" in page


def test_a_button_answers_its_call_and_no_other(phone: Phone):
    """Nor that of another subsystem."""
    page = press(phone, ["health/flood.1"]).text
    assert waiting(phone) == sorted([changes(phone.ports)[0].alert, "slides"])
    assert "flood" in waiting(phone, "agriculture")
    assert f"2{ALL}" in page
    assert "已确认，请点开回报三件事" in page


def test_all_received_answers_all_of_them(phone: Phone):
    """By name, each of them read; pressed twice it changes nothing."""
    names = buttons(phone.get().text)[-1]
    assert [press(phone, names).status_code for _ in range(2)] == [200, 200]
    assert waiting(phone) == []
    with reading(phone.ports.engine) as connection:
        words = store.acknowledgements(connection)
    assert [word.by for word in words if word.effective] == ["李四"] * 3
    assert all(row.read_at for row in messages(phone.ports) if row.recipient == "health_duty_a")


def test_looking_answers_nothing(phone: Phone):
    """A GET of the address of the button is refused."""
    assert phone.get("/all").status_code == 405
    assert len(waiting(phone)) == 3


def test_what_changed_meanwhile_is_not_answered_unseen(phone: Phone):
    """The others are; the page says so and shows what is new."""
    names = buttons(phone.get().text)[-1]
    phone.clock.at += MINUTE
    announce(phone, "slides", 2)
    answer = press(phone, names)
    assert (answer.status_code, "情况已变化" in answer.text) == (409, True)
    assert waiting(phone) == ["slides"]
    assert ["health/slides.2"] in buttons(answer.text)


@pytest.mark.parametrize("name", ["traffic/flood.1", "health/nothing.1", "nobody", "/"])
def test_the_calls_of_others_cannot_be_answered(phone: Phone, name: str):
    """A link stands for its person, whatever is sent."""
    before = waiting(phone, "traffic"), waiting(phone)
    assert press(phone, [name]).status_code == 200
    assert (waiting(phone, "traffic"), waiting(phone)) == before


def test_a_link_that_expired_answers_nothing(phone: Phone):
    """Neither its own call nor others."""
    names = buttons(phone.get().text)[-1]
    phone.clock.at = ALARM + 25 * 60 * MINUTE
    assert press(phone, names).status_code == 410
    assert len(waiting(phone)) == 3


def test_what_is_reported_behind_its_own_link_leaves_the_list(phone: Phone):
    """The list leads there, until the facts are told."""
    page = press(phone, ["health/flood.1"]).text
    (path,) = [one for one in re.findall(r'href="(/ack/[^"]+)"', page) if _is_of(phone, one, "flood")]
    requests.post(f"{phone.url}{path}/report", data=FACTS, timeout=10)
    assert path not in phone.get().text


def _is_of(phone: Phone, path: str, alert: str) -> bool:
    return any(
        str(row.data["ack_link"]).endswith(path) for row in messages(phone.ports) if row.alert == alert
    )


def test_one_call_alone_needs_no_list(tmp_path: Path):
    """The page is as short as it was."""
    with served(tmp_path) as alone:
        assert "同时等您处理" not in alone.get().text
