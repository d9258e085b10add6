"""The pages behind links, and what else stands outside the rooms, are for everybody too."""

from __future__ import annotations

from pathlib import Path

from consoles import PHONE, Desk, axe, page_of
from stage import tokens


def test_the_page_behind_a_link_is_for_everybody(desk: Desk, browser, axe_script: Path):
    """A red with its three facts, on a phone; then one that is no link, and a password of one's own."""
    token = desk.account("zhang", ["officer"], title="张三")
    page = page_of(browser, desk, token, PHONE, bypass_csp=True)
    page.goto(f"{desk.url}/ack/{tokens(desk.ports)['health']}")
    found = axe(page, axe_script)
    page.click("button[type=submit]")
    page.wait_for_selector("text=已确认")
    found += axe(page, axe_script)
    for path in ("/ack/none", "/password", "/nowhere"):
        page.goto(desk.url + path)
        found += axe(page, axe_script)
    assert found == []
