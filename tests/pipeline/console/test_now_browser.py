"""NOW in a real browser: news without a reload, a phone, a keyboard, two officers, a cut line, no scripts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from consoles import DESK, PHONE, Desk, axe, console_of, page_of
from stage import ALARM, alarmed, day, instance, present, recorded, telling

from pipeline.console.server import Console
from pipeline.daemon import SimulatedClock
from pipeline.pull import pull
from pipeline.tick import tick

SOON = 20_000
MINE = re.compile("确认收到.*卫生健康")


def officer(desk: Desk, name: str, title: str) -> str:
    """Token of an officer of health."""
    return desk.account(name, ("officer",), title=title, subsystems=("health",))


def test_an_event_arrives_without_a_reload(tmp_path: Path, browser):
    """The page was open before; a tick is all it takes."""
    config = telling(recorded(day("08-12 12:00"), ALARM))
    with instance(tmp_path, config) as ports, console_of(ports, ALARM) as desk:
        page = page_of(browser, desk, officer(desk, "zhang", "张三"))
        page.goto(desk.url)
        page.evaluate("window.same = true")
        page.get_by_text("还没有研判").first.wait_for()
        pull("told", ALARM, ports)
        tick(ALARM, ports)
        page.locator("article.incident.red").wait_for(timeout=SOON)
        assert page.evaluate("window.same") is True
        assert page.locator("svg.district a.town.red").count() == 21
        page.context.close()


def test_two_officers_on_a_phone_and_by_keyboard(desk: Desk, browser):
    """One acknowledges on a phone; the other sees the name at once, and goes by keyboard alone."""
    phone = page_of(browser, desk, officer(desk, "zhang", "张三"), PHONE)
    lead = desk.account("wang", ("officer",), title="王五", subsystems=("work_safety",))
    other = page_of(browser, desk, lead)
    phone.goto(desk.url)
    other.goto(desk.url)
    button = phone.get_by_role("button", name=MINE)
    box = button.bounding_box()
    assert box["height"] >= 44
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    button.click()
    phone.get_by_text("已确认收到").wait_for()
    other.get_by_text("已由张三确认").wait_for(timeout=SOON)
    other.locator("body").press("Tab")
    for _ in range(80):
        if other.evaluate("document.activeElement.matches('.who .mine button')"):
            break
        other.keyboard.press("Tab")
    other.keyboard.press("Enter")
    other.get_by_text("已由王五确认").wait_for()
    # What is being written stays when news of others comes in, and the focus with it.
    other.locator("details.tell summary").click()
    field = other.get_by_label("谁在指挥")
    field.fill("王指挥")
    third = desk.enter("officer", name="zhao", title="赵六", subsystems=("education",))
    change = "500153-heat-20220815T040500Z"
    third.post(f"/alerts/{change}/acknowledge", call=f"education {change}.1")
    other.get_by_text("已由赵六确认").wait_for(timeout=SOON)
    assert field.input_value() == "王指挥"
    assert field.evaluate("node => node === document.activeElement")
    phone.context.close()
    other.context.close()


def test_a_cut_line_is_told_and_mends_itself(tmp_path: Path, browser):
    """The server goes and comes back at the same address; meanwhile the page says how old it is."""
    clock = SimulatedClock(ALARM)
    with alarmed(tmp_path) as ports:
        with Console("127.0.0.1:0") as first:
            url = first.bind()
            first.start(ports, clock.now, present)
            desk = Desk(ports=ports, clock=clock, url=url)
            page = page_of(browser, desk, officer(desk, "zhang", "张三"))
            page.goto(url)
            page.wait_for_timeout(500)
        page.get_by_text("连接中断，显示的是12:05的情况，已过不到1分钟").wait_for(timeout=SOON)
        with Console(url.removeprefix("http://")) as again:
            again.start(ports, clock.now, present)
            page.get_by_text("连接已恢复").wait_for(timeout=SOON)
            assert "cut" not in (page.locator("body").get_attribute("class") or "")
            page.context.close()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.soak)])
def test_nothing_keeps_anybody_out(desk: Desk, browser, axe_script: Path, scheme: str):
    """WCAG A and AA on the page and on the wall, light and dark; and without scripts it reads and acts."""
    token = officer(desk, "zhang", "张三")
    page = page_of(browser, desk, token, DESK, bypass_csp=True, color_scheme=scheme)
    for path in ("/", "/wall"):
        page.goto(desk.url + path)
        assert axe(page, axe_script) == []
    page.context.close()
    bare = page_of(browser, desk, token, PHONE, java_script_enabled=False, color_scheme=scheme)
    bare.goto(desk.url)
    bare.get_by_role("button", name=MINE).click()
    assert bare.get_by_text("已由张三确认").is_visible()
    bare.context.close()
