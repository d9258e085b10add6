"""Signing in and the page of operators in a real browser: locked out, by keyboard alone, readable by all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from consoles import DESK, PHONE, Desk, axe, console_of, page_of
from stage import ALARM, instance, telling

PASSWORD = "a-good-long-one"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A console without weather, with an operator."""
    folder = tmp_path_factory.mktemp("people")
    with instance(folder, telling(())) as ports, console_of(ports, ALARM) as desk:
        desk.account("zhang", ["operator"], title="张三", password=PASSWORD)
        yield desk


def test_ten_wrong_passwords_lock_the_door(browser, house: Desk):
    """The page says for how long, and the right password does not help."""
    house.account("li", ["viewer"], password=PASSWORD)
    page = page_of(browser, house, "", PHONE)
    page.goto(f"{house.url}/sign-in")
    for password in [*["wrong"] * 10, PASSWORD]:
        page.fill("#name", "li")
        page.fill("#password", password)
        page.press("#password", "Enter")
        page.wait_for_load_state()
    assert "分钟后再试" in page.inner_text("[role=alert]")


def test_an_account_is_made_by_keyboard_alone(browser, house: Desk):
    """From the page to sign in to the one-time password of somebody else."""
    page = page_of(browser, house, "")
    page.goto(f"{house.url}/sign-in?next=/people")
    page.wait_for_selector("#name:focus")
    page.keyboard.type("zhang")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{house.url}/people")
    page.locator(".new summary").first.focus()
    for keys in ("Enter", "Tab", "w", "u", "Tab", "Tab", "Space", "Enter"):
        page.keyboard.press(keys)
    page.wait_for_selector(".secret")
    assert "wu" in page.inner_text(".secret")


@pytest.mark.parametrize(
    "viewport", [PHONE, pytest.param(DESK, marks=pytest.mark.soak)], ids=["phone", "desk"]
)
def test_everybody_can_read_it(browser, house: Desk, axe_script: Path, viewport: dict[str, int]):
    """The pages of this room keep WCAG AA, open forms too, and do not run over the edge."""
    found = []
    for token, path in (("", "/sign-in"), (house.account("zhang", []), "/people"), ("", "/nowhere")):
        page = page_of(browser, house, token, viewport, bypass_csp=True)
        page.goto(house.url + path)
        for summary in page.locator("main details > summary").all():
            summary.click()
        found += axe(page, axe_script)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        page.context.close()
    assert found == []
