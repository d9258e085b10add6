"""Deciding about an alert: seen before it counts, by whom it may be, and exactly as it was shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from consoles import Desk, Visit, console_of
from stage import (
    ALARM,
    HOUR,
    alarmed,
    changes,
    day,
    informed,
    instance,
    messages,
    recorded,
    telling,
    tick,
)

from alerts.duty import release_rows
from alerts.duty.people import Release
from alerts.duty.release_rows import Decision
from alerts.event import orders
from alerts.event.transition import Reason
from alerts.outgoing.delivery import Delivery, Purpose
from alerts.record import deeds, verdicts
from ingest.database import reading
from pipeline.console.incident.rehearsal import Sheet, sheets
from pipeline.console.people.doors import csrf_of
from rules.level import Level

LATER = ALARM + HOUR / 4
FIRST, SECOND = "command_centre_duty_a", "command_centre_deputy_a"
PAYLOAD = "<img src=x onerror=alert(1)>'; DROP TABLE delivery; --"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A quarter of an hour after everybody heard of a red of heat."""
    with alarmed(tmp_path) as ports, console_of(ports, LATER) as served:
        ports.outbox.drain(ALARM)
        yield served


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Desk]:
    """A red of heat that waits for two approvals."""
    with waiting(tmp_path) as served:
        yield served


@pytest.fixture(scope="module")
def unmoved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The same for tests in which nothing may change."""
    with alarmed(tmp_path_factory.mktemp("unmoved")) as ports, console_of(ports, LATER) as served:
        yield served
        assert len(changes(ports)) == 1
        with reading(ports.engine) as connection:
            assert not orders.waiting(connection)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A red that waits for two approvals, and goes on waiting."""
    with waiting(tmp_path_factory.mktemp("held")) as served:
        yield served
        with reading(served.ports.engine) as connection:
            (row,) = release_rows.asked(connection)
        assert row.decision is Decision.WAITING


@contextmanager
def waiting(folder: Path) -> Iterator[Desk]:
    """A red of heat that waits for two approvals."""
    config = telling(recorded(day("08-12 12:00"), ALARM))
    rule = Release(approvers=(FIRST, SECOND), needed=2)
    routes = replace(config.routes, release={Level.RED: rule}, supervisor=("operations_duty_a",))
    informed(folder)
    with instance(folder, replace(config, routes=routes)) as ports, console_of(ports, LATER) as served:
        tick(ALARM, ports)
        yield served


def path(desk: Desk, rest: str = "") -> str:
    """Address of the alert."""
    return f"/alerts/{changes(desk.ports)[0].alert}{rest}"


def newest(desk: Desk) -> str:
    """What a decision is made in the sight of."""
    return changes(desk.ports)[-1].id


def forecaster(desk: Desk, person: str | None = FIRST) -> Visit:
    """Somebody who may give orders."""
    return desk.enter("forecaster", name=f"forecaster of {person}", title="zhang", person=person)


def send(visit: Visit, address: str, **body: object) -> Any:
    """Post to a twin, as a program with a session does."""
    return visit.session.post(
        visit.url + "/api/v1" + address, json=body, headers={"X-CSRF": csrf_of(visit.token)}, timeout=20
    )


def plain(found: tuple[Sheet, ...]) -> set[tuple[str, str, str, tuple[str, ...]]]:
    """Every text with everybody who gets it."""
    return {
        (sheet.text, one.person, one.subsystem, one.channels) for sheet in found for one in sheet.recipients
    }


def shown(told: Any) -> set[tuple[str, str, str, tuple[str, ...]]]:
    """The same, of a preview."""
    return {
        (sheet["text"], one["person"], one["subsystem"], tuple(one["channels"]))
        for sheet in told["sheets"]
        for one in sheet["recipients"]
    }


def fresh(desk: Desk, before: list[Delivery]) -> list[Delivery]:
    """Messages planned since."""
    known = {row.key for row in before}
    return [row for row in messages(desk.ports) if row.key not in known]


ORDERS = [
    ({"kind": "correct", "level": "orange"}, Reason.CORRECTED),
    ({"kind": "correct", "level": "red"}, Reason.CORRECTED),
    ({"kind": "correct", "level": "none"}, Reason.ENDED),
    ({"kind": "cancel"}, Reason.CANCELLED),
]


@pytest.mark.parametrize(("wish", "reason"), ORDERS)
def test_what_is_sent_is_what_was_shown(desk: Desk, wish: dict[str, str], reason: Reason):
    """Word for word, to the same people over the same channels."""
    visit, before = forecaster(desk), messages(desk.ports)
    asked = wish | {"why": "测站故障"}
    preview = send(visit, path(desk, "/preview"), **asked).json()
    assert messages(desk.ports) == before
    given = send(visit, path(desk, "/orders"), **asked, about=preview["about"])
    assert given.json()["status"] == "given"
    tick(LATER, desk.ports)
    assert changes(desk.ports)[-1].reason is reason
    assert plain(sheets(fresh(desk, before))) == shown(preview) != set()


def test_the_page_shows_every_text_before_its_button(desk: Desk):
    """And the button leads on to what was chosen."""
    visit = forecaster(desk)
    text = visit.post(path(desk, "/preview"), kind="correct", level="orange", why="测站故障").text
    assert "高温橙色" in text
    assert "安全生产值班员A" in text
    assert text.index("测站故障") < text.index("确认更正")
    assert f'value="{newest(desk)}"' in text


def test_an_order_by_form_is_taken_by_the_next_tick(desk: Desk):
    """It comes back to the alert, and stands in the record of deeds."""
    form = {"kind": "cancel", "why": "误报", "about": newest(desk)}
    answer = forecaster(desk).post(path(desk, "/orders"), **form)
    assert (answer.status_code, answer.headers["location"]) == (303, path(desk, "?said=ordered"))
    tick(LATER, desk.ports)
    assert changes(desk.ports)[-1].reason is Reason.CANCELLED
    with reading(desk.ports.engine) as connection:
        (deed,) = deeds.deeds(connection, subject=changes(desk.ports)[0].alert)
    assert (deed.what, deed.why, deed.title) == ("order_cancel", "误报", "zhang")


def test_a_hold_is_previewed_as_telling_nobody_and_stands_on_the_page(desk: Desk):
    """Nothing is sent; the page says who upholds it and until when, and offers to lift it."""
    visit = forecaster(desk)
    preview = send(visit, path(desk, "/preview"), kind="hold", why="夜间仍有病例").json()
    assert not preview["sheets"]
    send(visit, path(desk, "/orders"), kind="hold", why="夜间仍有病例", about=preview["about"])
    tick(LATER, desk.ports)
    page = visit.get(path(desk, "")).text
    assert "人工维持" in page
    assert "恢复按数据判定" in page


def test_a_red_cannot_be_raised_further(desk: Desk):
    """There is nothing above it; one sentence says so."""
    answer = send(forecaster(desk), path(desk, "/preview"), kind="raise", level="red", why="雷达")
    assert (answer.status_code, "现在不能升级" in answer.text) == (409, True)


def test_a_correction_can_be_lifted(desk: Desk):
    """Once it counts, the page offers to leave the level to the rules again."""
    visit = forecaster(desk)
    assert send(visit, path(desk, "/orders"), kind="lift", why="恢复").status_code == 409
    send(visit, path(desk, "/orders"), kind="correct", level="orange", why="测站故障")
    tick(LATER, desk.ports)
    assert "已由指挥中心值班员A更正至橙色" in visit.get(path(desk)).text
    assert send(visit, path(desk, "/orders"), kind="lift", why="恢复").json()["status"] == "given"


def test_what_moved_on_is_shown_again(desk: Desk):
    """Nothing is ordered on what somebody saw before the last change."""
    visit = forecaster(desk)
    send(visit, path(desk, "/orders"), kind="correct", level="orange", why="测站故障")
    old = newest(desk)
    tick(LATER, desk.ports)
    answer = visit.post(path(desk, "/orders"), kind="cancel", why="误报", about=old)
    assert answer.status_code == 409
    assert "又有了变化" in answer.text
    assert newest(desk) in answer.text


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"kind": "cancel", "why": "误报"}, 409),
        ({"kind": "cancel", "why": "  ", "about": None}, 422),
        ({"kind": "shout", "why": "误报", "about": None}, 422),
        ({"kind": "cancel", "why": "", "about": None}, 422),
        ({"kind": "correct", "level": "purple", "why": "误报", "about": None}, 422),
        ({"kind": "correct", "level": "orange", "hours": "99", "why": "误报", "about": None}, 422),
        ({"kind": "cancel", "why": "误" * 501, "about": None}, 422),
    ],
)
def test_an_order_needs_a_preview_a_kind_and_a_reason(unmoved: Desk, form: dict[str, Any], status: int):
    """Each in its turn; nothing is ordered."""
    said = {name: newest(unmoved) if part is None else part for name, part in form.items()}
    assert forecaster(unmoved).post(path(unmoved, "/orders"), **said).status_code == status


@pytest.mark.parametrize("role", ["viewer", "officer", "approver", "operator"])
@pytest.mark.parametrize("where", ["/preview", "/orders"])
def test_orders_are_for_forecasters(unmoved: Desk, role: str, where: str):
    """Neither looked at nor given by others, over the page or its twin."""
    visit = unmoved.enter(role, name=role, person=FIRST)
    asked = {"kind": "cancel", "why": "误报", "about": newest(unmoved)}
    assert visit.post(path(unmoved, where), **asked).status_code == 403
    assert send(visit, path(unmoved, where), **asked).status_code == 403


def test_an_order_is_given_in_somebodys_name(unmoved: Desk):
    """An account that is nobody of the roster cannot give one."""
    visit = forecaster(unmoved, person=None)
    answer = send(visit, path(unmoved, "/orders"), kind="cancel", why="误报")
    assert answer.status_code == 403
    assert "routes.yaml" in answer.json()["detail"]


@pytest.mark.parametrize("where", ["/preview", "/orders", "/releases", "/verdict"])
def test_every_change_needs_the_word_of_its_session(unmoved: Desk, where: str):
    """A form of another site has none."""
    visit = unmoved.enter("forecaster", "approver", "officer", name="all", person=FIRST)
    answer = visit.post(path(unmoved, where), csrf="wrong", kind="cancel", why="误报", about="x")
    assert answer.status_code == 403


def test_a_payload_stays_text_wherever_it_is_shown(desk: Desk):
    """In the preview, in the message, in the timeline and on the page."""
    visit = desk.enter("forecaster", "officer", person=FIRST)
    form = {"kind": "correct", "level": "orange", "why": PAYLOAD}
    seen = visit.post(path(desk, "/preview"), **form).text
    visit.post(path(desk, "/orders"), **form, about=newest(desk))
    visit.post(path(desk, "/verdict"), judged="hit", why=PAYLOAD)
    tick(LATER, desk.ports)
    for text in (seen, visit.get(path(desk)).text, visit.get(path(desk, "?kind=send")).text):
        assert "<img" not in text
        assert "&lt;img src=x" in text


def test_an_approval_is_shown_and_sent_as_shown(guarded: Desk):
    """The first yes sends nothing; the second tells exactly those who were shown."""
    first = guarded.enter("approver", person=FIRST)
    second = guarded.enter("approver", name="li", person=SECOND)
    assert "还需另一人同意" in first.post(path(guarded, "/preview"), kind="approve").text
    assert send(first, path(guarded, "/releases"), decision="approve").json()["status"] == "waiting"
    before = messages(guarded.ports)
    preview = send(second, path(guarded, "/preview"), kind="approve").json()
    assert preview["decision"] == "approved"
    assert messages(guarded.ports) == before
    form = {"kind": "approve", "about": preview["about"]}
    answer = second.post(path(guarded, "/releases"), **form)
    assert answer.headers["location"].endswith("said=approved")
    assert plain(sheets(fresh(guarded, before))) == shown(preview)
    assert {row.purpose for row in fresh(guarded, before)} == {Purpose.ALERT}


def test_a_refused_release_tells_nobody_of_the_alert(guarded: Desk):
    """The others hear that it was refused and why; the page says that it is."""
    visit, before = guarded.enter("approver", person=FIRST), messages(guarded.ports)
    preview = send(visit, path(guarded, "/preview"), kind="refuse", why="数据可疑").json()
    form = {"kind": "refuse", "why": "数据可疑", "about": preview["about"]}
    assert visit.post(path(guarded, "/releases"), **form).status_code == 303
    with reading(guarded.ports.engine) as connection:
        (row,) = release_rows.asked(connection)
    assert row.decision is Decision.REFUSED
    assert {one.purpose for one in fresh(guarded, before)} == {Purpose.APPROVAL}
    assert plain(sheets(fresh(guarded, before))) == shown(preview)
    assert "不批准" in visit.get(path(guarded)).text


@pytest.mark.parametrize(
    ("roles", "person", "body", "status"),
    [
        (("viewer",), FIRST, {"decision": "approve"}, 403),
        (("forecaster",), FIRST, {"decision": "approve"}, 403),
        (("approver",), None, {"decision": "approve"}, 403),
        (("approver",), "traffic_duty_a", {"decision": "approve"}, 403),
        (("approver",), FIRST, {"decision": "refuse"}, 422),
        (("approver",), FIRST, {"decision": "perhaps"}, 422),
        (("approver",), FIRST, {"decision": "approve", "about": "older"}, 409),
    ],
)
def test_a_release_is_for_its_approvers(
    held: Desk, roles: tuple[str, ...], person: str | None, body: dict[str, str], status: int
):
    """With the role, as a person of the list, with a reason for a no, and on what stands now."""
    visit = held.enter(*roles, name=f"{roles} {person}", person=person)
    assert send(visit, path(held, "/releases"), **body).status_code == status


def test_nothing_waits_where_nothing_must_be_approved(unmoved: Desk):
    """A word on it is refused in a sentence."""
    visit = unmoved.enter("approver", name="nobody asked", person=FIRST)
    answer = send(visit, path(unmoved, "/releases"), decision="approve")
    assert (answer.status_code, "没有等待审批" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("form", "onset"),
    [
        ({"judged": "hit", "why": "实况达到"}, "08-15 13:00"),
        ({"judged": "too_late", "why": "晚了", "onset": "2022-08-15T10:00"}, "08-15 10:00"),
    ],
)
def test_an_officer_judges_afterwards(desk: Desk, form: dict[str, str], onset: str):
    """The onset is the one that was foretold unless another is given, in Beijing time."""
    answer = desk.enter("officer").post(path(desk, "/verdict"), **form)
    assert answer.headers["location"].endswith("said=judged")
    with reading(desk.ports.engine) as connection:
        (kept,) = verdicts.history(connection)
    assert (kept.judged, kept.onset, kept.by) == (form["judged"], day(onset), "zhang")


@pytest.mark.parametrize(
    "form",
    [
        {"judged": "too_late", "why": "晚了"},
        {"judged": "hit", "why": ""},
        {"judged": "perhaps", "why": "不知道"},
        {"judged": "hit", "why": "x", "onset": "tomorrow"},
        {"judged": "hit", "why": "x", "onset": "9999-12-31T23:59"},
        {"judged": "hit", "why": "x", "onset": "2023-01-01T00:00"},
    ],
)
def test_a_verdict_is_complete_or_refused(unmoved: Desk, form: dict[str, str]):
    """What came too late has an onset; reasons are given; times are possible and past."""
    visit = unmoved.enter("officer", name="officer")
    assert visit.post(path(unmoved, "/verdict"), **form).status_code == 422
    with reading(unmoved.ports.engine) as connection:
        assert verdicts.history(connection) == []


@pytest.mark.parametrize("role", ["viewer", "approver", "operator"])
def test_others_do_not_judge(unmoved: Desk, role: str):
    """Neither over the page nor over its twin."""
    visit = unmoved.enter(role, name=role)
    assert visit.post(path(unmoved, "/verdict"), judged="hit", why="x").status_code == 403
    assert send(visit, path(unmoved, "/verdict"), judged="hit", why="x").status_code == 403
