"""The studio in a real browser: a slider for time, and one for a threshold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from consoles import DESK, PHONE, Desk, Visit, axe, console_of, page_of
from stage import ALARM, EVENT, alarmed


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory, browser) -> Iterator[tuple[Desk, Visit, str]]:
    """A replay whose progress somebody watched until its page came by itself."""
    with alarmed(tmp_path_factory.mktemp("studio")) as ports, console_of(ports, ALARM) as desk:
        who = desk.enter("forecaster")
        page = page_of(browser, desk, who.token)
        page.goto(desk.url + "/studio")
        page.click(f"label:has(input[value='{EVENT}'])")
        page.click("form.choose button[type=submit]")
        page.wait_for_selector("[data-time]:not([hidden])", timeout=90_000)
        path = page.url.removeprefix(desk.url).partition("?")[0]
        page.context.close()
        yield desk, who, path


def test_time_moves_by_keyboard_and_the_map_with_it(replayed, browser):
    """Arrows go by the hour, page keys by the day; the next change is one press away."""
    desk, who, path = replayed
    page = page_of(browser, desk, who.token)
    page.goto(f"{desk.url}{path}?at=2022-08-01T12:00")
    page.wait_for_selector("[data-time]:not([hidden])")
    before = page.locator("svg.district .town.red").count()
    slider = page.locator("[data-time]")
    slider.focus()
    for key in ("ArrowRight", *["PageDown"] * 3, *["PageUp"] * 14):
        slider.press(key)
    assert slider.get_attribute("aria-valuetext") == "2022-08-12 13:05"
    assert before == 0
    assert page.locator("svg.district .town.red").count() > 10
    page.click("[data-jump='1']")
    page.wait_for_function("() => new URL(location).searchParams.get('at') > '2022-08-12T13:05'")
    assert page.locator("[data-changes] li.now").count() == 1
    page.context.close()


def test_a_dragged_threshold_changes_the_figures_at_once(replayed, browser):
    """No button is pressed: the figures follow, the address keeps them, and going back clears them."""
    desk, who, path = replayed
    page = page_of(browser, desk, who.token)
    page.goto(f"{desk.url}{path}/trial?hazard=heat")
    row = page.locator("[data-row=transitions]")
    today = row.locator("td").first.inner_text()
    page.locator("form.ladder input[type=range]").nth(1).fill("36.2")
    page.wait_for_selector("[data-row=transitions] .delta")
    assert row.locator("td").first.inner_text() == today
    assert row.locator("b").inner_text() != today
    assert "36.2" in page.url
    assert page.locator("[data-say]").inner_text().startswith("改后")
    page.fill(".export textarea", "去年三次都偏晚")
    with page.expect_download() as got:
        page.click(".export button")
    assert got.value.suggested_filename.startswith("heat-")
    page.click("[data-reset]")
    page.wait_for_selector("[data-row=transitions] .delta", state="detached")
    page.context.close()


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(DESK, "light"), pytest.param(PHONE, "dark", marks=pytest.mark.soak)]
)
def test_pages_are_open_to_everybody_and_fit(replayed, browser, axe_script, viewport, scheme):
    """No fault against WCAG, and nothing to scroll sideways."""
    desk, who, path = replayed
    page = page_of(browser, desk, who.token, viewport, color_scheme=scheme, bypass_csp=True)
    for address in ("/studio", path, f"{path}/trial?hazard=heat&ladder.orange.at_least=36.2"):
        page.goto(desk.url + address)
        assert axe(page, axe_script) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.context.close()
