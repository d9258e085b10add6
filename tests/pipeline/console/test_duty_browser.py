from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from consoles import DESK, PHONE, Desk, axe, console_of, page_of
from stage import ALARM, alarmed

from alerts.duty import silences, stand_ins
from alerts.duty.silences import Wish
from alerts.duty.stand_ins import StandIn
from ingest.database import writing
from rules.level import Level

PAGES = (
    "/duty", "/duty/rotas", "/duty/who-gets?hazard=heat&level=red", "/duty/silences", "/duty/unaware",
    "/brief",
)  # fmt: skip
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A drill with an open red, silences and a stand-in."""
    with alarmed(tmp_path_factory.mktemp("busy")) as ports:
        wish = Wish(level=Level.ORANGE, until=ALARM + 3 * HOUR, by="operations_duty_a", why="检修")
        stand = StandIn(
            subsystem="power", duty=("power_duty_b",), start=ALARM, end=ALARM + HOUR, by="李", why="开会"
        )
        with writing(ports.engine) as connection:
            silences.add(connection, wish, ports.desk, ALARM)
            silences.add(connection, replace(wish, until=ALARM + HOUR / 3), ports.desk, ALARM)
            stand_ins.add(connection, stand, ports.config.routes, ALARM)
        drilled = replace(ports, desk=replace(ports.desk, exercise="暴雨演练"))
        with console_of(drilled, ALARM) as served:
            yield served


@pytest.mark.parametrize(
    ("viewport", "scheme"),
    [(DESK, "light"), pytest.param(PHONE, "dark", marks=pytest.mark.soak)],
    ids=["desk", "phone"],
)
def test_every_page_is_for_everybody(browser, busy: Desk, axe_script: Path, viewport, scheme):
    """No page offends axe-core or is wider than its screen, and each says that it is a drill."""
    token = busy.account("wang", ["operator"], title="王运维", person="operations_duty_a")
    page = page_of(browser, busy, token, viewport, bypass_csp=True, color_scheme=scheme)
    for path in PAGES:
        page.goto(busy.url + path)
        assert "不是真实预警" in page.inner_text("body")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert axe(page, axe_script) == [], path
    page.context.close()


def test_a_silence_by_keyboard_alone_and_without_scripts(browser, desk: Desk):
    """Tab, arrows and Enter are enough to silence; what is shown then says how long it lasts."""
    token = desk.account("wang", ["operator"], person="operations_duty_a")
    page = page_of(browser, desk, token, PHONE, java_script_enabled=False)
    page.goto(desk.url + "/duty/silences")
    page.focus("#q-hazard")
    page.keyboard.type("高温")
    page.focus("input[name=level][value=orange]")
    page.keyboard.press("ArrowLeft")
    page.focus("#q-why")
    page.keyboard.type("工地已停工")
    page.keyboard.press("Enter")
    page.wait_for_url("**/duty/silences?said=silenced")
    assert "还剩4小时" in page.inner_text("main")
    assert "工地已停工" in page.inner_text("main")
    page.context.close()
