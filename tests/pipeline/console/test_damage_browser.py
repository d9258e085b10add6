"""The damage form on a phone, with and without a connection."""

from __future__ import annotations

from pathlib import Path

from consoles import DESK, PHONE, Desk, axe, page_of


def fill(page, words: str) -> None:
    """As somebody standing in it would."""
    page.select_option("#hazard", "heat")
    page.select_option("#town", "500153100")
    page.fill("#what", words)


def test_a_report_made_without_a_connection_is_sent_once_when_it_is_back(desk: Desk, browser):
    """The form opens without a network, keeps what was written, and sends it by itself."""
    token = desk.account("li", ["reporter"], title="李四")
    page = page_of(browser, desk, token, PHONE)
    page.goto(f"{desk.url}/damage")
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    page.context.set_offline(True)
    page.goto(f"{desk.url}/damage")
    fill(page, "山坡塌下来堵了路")
    page.click("#damage-form button[type=submit]")
    page.wait_for_selector("#damage-state:has-text('已存在这台手机上')")
    page.context.set_offline(False)
    page.wait_for_url("**/damage?said=kept")
    page.reload()
    assert page.locator(".report", has_text="山坡塌下来堵了路").count() == 1


def test_the_form_works_without_scripts_and_meets_wcag(desk: Desk, browser, axe_script: Path):
    """A plain form on any phone; nothing for axe to find at either width."""
    token = desk.account("li", ["reporter"], title="李四")
    page = page_of(browser, desk, token, PHONE, java_script_enabled=False)
    page.goto(f"{desk.url}/damage")
    fill(page, "院坝进水")
    page.click("#damage-form button[type=submit]")
    assert page.url.endswith("said=kept")
    for viewport in (PHONE, DESK):
        page = page_of(browser, desk, token, viewport, bypass_csp=True)
        page.goto(f"{desk.url}/damage")
        assert axe(page, axe_script) == []
