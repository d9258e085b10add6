"""The page of an alert in a real browser: readable for everybody, by keyboard, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from consoles import DESK, PHONE, Desk, axe, console_of, page_of
from stage import ALARM, HOUR, alarmed, changes


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A quarter of an hour after a red of heat opened."""
    folder = tmp_path_factory.mktemp("incident")
    with alarmed(folder) as ports, console_of(ports, ALARM + HOUR / 4) as served:
        yield served


def address(desk: Desk) -> str:
    """The page of the alert."""
    return f"{desk.url}/alerts/{changes(desk.ports)[0].alert}"


def officer(desk: Desk) -> str:
    """Token of somebody who may decide everything here."""
    roles = ("officer", "forecaster", "approver")
    return desk.account("zhang", roles, person="command_centre_duty_a", subsystems=("command_centre",))


@pytest.mark.parametrize(
    ("viewport", "scheme"), [pytest.param(DESK, "light", marks=pytest.mark.soak), (PHONE, "dark")]
)
def test_nothing_keeps_anybody_out(desk: Desk, browser, axe_script, viewport, scheme):
    """WCAG AA by axe-core on alert, forms, card and preview; nothing runs off the side."""
    page = page_of(browser, desk, officer(desk), viewport, bypass_csp=True, color_scheme=scheme)
    page.goto(f"{desk.url}/evidence?hazard=heat")
    assert axe(page, axe_script) == []
    page.goto(address(desk))
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    for one in page.locator("#decide summary").all():
        one.click()
    assert axe(page, axe_script) == []
    page.fill("#cancel-why", "误报")
    page.get_by_role("button", name="预览").last.click()
    assert axe(page, axe_script) == []
    page.close()


def test_an_order_is_given_by_keyboard(desk: Desk, browser):
    """Open, choose, give a reason, look at the texts, confirm: without a mouse."""
    page = page_of(browser, desk, officer(desk), PHONE)
    page.goto(address(desk))
    page.locator("#decide summary").first.focus()
    page.keyboard.press("Enter")
    order = []
    for _ in range(4):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    assert order == ["correct-level", "correct-hours", "correct-why", "预览…"]
    page.locator("#correct-why").focus()
    page.keyboard.type("测站故障")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".sheets")
    page.get_by_role("button", name="确认更正").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=status]:not([hidden])")
    assert "已下达" in page.inner_text("main")
    page.close()


def test_touch_targets_are_large_on_a_phone(desk: Desk, browser):
    """Buttons, summaries and links that stand alone are 44 px high at least."""
    page = page_of(browser, desk, officer(desk), PHONE)
    page.goto(address(desk))
    small = page.evaluate(
        """() => [...document.querySelectorAll('main .btn, main summary, .hero-links a, .sorts a, .towns a')]
        .filter(one => one.offsetParent && one.getBoundingClientRect().height < 43.5)
        .map(one => one.textContent)"""
    )
    assert small == []
    page.close()
