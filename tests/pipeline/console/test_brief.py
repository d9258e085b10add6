from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from consoles import Desk, Visit, console_of
from stage import ALARM, HOUR, alarmed, changes, district, play

from alerts.duty import release_rows, silences, stand_ins
from alerts.duty.people import Override, Release, Shift, Swap
from alerts.duty.release_rows import Asked
from alerts.duty.silences import Wish
from alerts.duty.stand_ins import StandIn
from alerts.record import verdicts
from alerts.record.verdicts import Damage
from ingest.database import writing
from pipeline.console.brief import printing
from pipeline.console.brief.facts import Brief
from pipeline.console.brief.gathering import brief
from pipeline.console.brief.shifts import pair_of, shift_of
from pipeline.console.pages import Pages
from pipeline.ports import Ports
from rules.level import Level

CENTRE = district().routes.subsystems["command_centre"]
NOON = datetime(2022, 8, 15, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A console on which nothing is changed."""
    with alarmed(tmp_path_factory.mktemp("seen")) as ports, console_of(ports, ALARM) as served:
        yield served


def made(ports: Ports, now: datetime = ALARM) -> Brief:
    """The brief of the shift under way."""
    return brief(ports, now, "now")


def sheets(pdf: bytes) -> int:
    """How many pages a PDF has."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    plain = b"".join(zlib.decompressobj().decompress(one) for one in streams if one[:1] == b"x")
    return len(re.findall(rb"/Type ?/Page\b", plain))


def twin(visit: Visit, query: str = "") -> dict:
    """The brief for programs."""
    return visit.get(f"/api/v1/brief{query}", Accept="application/json").json()


def rota(*shifts: Shift, **more):
    """The command centre with other shifts."""
    return replace(CENTRE, rota=shifts, **more)


DAY = Shift(start="08:00", end="08:00", duty=("a",))
ODD = Shift(start="08:00", end="20:00", duty=("a",), days=("tue",))


@pytest.mark.parametrize(
    ("centre", "now", "start", "end"),
    [
        (CENTRE, "15 04:00", "15 00:00", "15 12:00"),
        (CENTRE, "15 00:00", "15 00:00", "15 12:00"),
        (CENTRE, "15 12:00", "15 12:00", "16 00:00"),
        (CENTRE, "15 23:59", "15 12:00", "16 00:00"),
        (rota(DAY), "15 04:00", "15 00:00", "16 00:00"),
        (rota(DAY), "14 23:00", "14 00:00", "15 00:00"),
        (rota(ODD), "15 04:00", "14 16:00", "15 16:00"),
        (rota(ODD), "15 20:00", "15 08:00", "16 00:00"),
        (
            rota(*CENTRE.rota, overrides=(Override(start=NOON - HOUR, end=NOON + HOUR, duty=("b",)),)),
            "15 04:00", "15 00:00", "15 12:00",
        ),
        (
            rota(*CENTRE.rota, swaps=(Swap(start=NOON - HOUR, end=NOON + HOUR, one="a", other="b"),)),
            "15 04:00", "15 00:00", "15 12:00",
        ),
    ],
)  # fmt: skip
def test_a_shift_is_what_the_rota_says(centre, now: str, start: str, end: str):
    """Whoever holds it, and however it is broken by stand-ins; a hole is a stretch like any other."""
    told = [datetime.strptime(f"2022-08-{one}Z", "%Y-%m-%d %H:%M%z") for one in (now, start, end)]
    found = shift_of(centre, told[0])
    assert [found.start, found.end] == told[1:]


@pytest.mark.parametrize(("which", "hours"), [("previous", -12), ("now", 0), ("next", 12)])
def test_the_shifts_of_a_brief_follow_each_other(which, hours: int):
    """The one it is about ends where the one that takes over begins."""
    shift, coming = pair_of(CENTRE, NOON, which)
    assert shift.end == coming.start
    assert shift.start == datetime(2022, 8, 15, tzinfo=UTC) + timedelta(hours=hours)


@pytest.mark.parametrize("path", ["/brief", "/brief?shift=previous", "/brief?shift=next&lang=en"])
def test_the_page_opens_for_every_shift(seen: Desk, path: str):
    """Nothing is inline, and there is a line to sign on."""
    answer = seen.enter("viewer").get(path)
    assert answer.status_code == 200
    assert "style=" not in answer.text
    assert ("接班人签字" in answer.text) or ("Taken over by" in answer.text)


def test_another_shift_there_is_not(seen: Desk):
    """What cannot be asked for is refused."""
    assert seen.enter("viewer").get("/brief?shift=last").status_code == 422


def test_the_twin_gives_the_same_facts(seen: Desk):
    """What is open, who has not answered, and who comes."""
    found = twin(seen.enter("viewer"))
    assert (found["open"][0]["hazard"]["id"], found["open"][0]["level"]) == ("heat", "red")
    assert "work_safety" in {one["id"] for one in found["open"][0]["waiting"]}
    assert found["crews"][0]["turns"][0]["duty"][0]["id"] == "command_centre_duty_b"
    assert found["changes"][0]["reason"] == "opened"


def test_the_print_is_a_page_or_two(seen: Desk):
    """A4, made by WeasyPrint from the same facts; English takes more room."""
    answer = seen.enter("viewer").get("/brief.pdf?lang=en")
    assert answer.headers["content-type"] == "application/pdf"
    assert sheets(answer.content) in (1, 2)


def test_without_the_extra_one_sentence_says_what_to_install(
    seen: Desk, monkeypatch: pytest.MonkeyPatch
):
    """And the page can still be printed."""
    monkeypatch.setattr(printing, "find_spec", lambda name: None)
    answer = seen.enter("viewer").get("/brief.pdf", Accept="application/json")
    assert answer.status_code == 501
    assert "fengsui[reports]" in answer.json()["detail"]


def test_a_print_loads_nothing():
    """Not even a picture of its own: whatever a person wrote, nothing is asked of any address."""
    with pytest.raises(ValueError, match="loads nothing"):
        printing._nothing("http://127.0.0.1/x")


def test_a_drill_cannot_be_mistaken(seen: Desk):
    """On the page and on every sheet of paper."""
    ports = replace(seen.ports, desk=replace(seen.ports.desk, exercise="暴雨演练"))
    found = brief(ports, ALARM, "now")
    text = Pages(ports).text("brief/print.html", "zh", who=None, brief=found)
    assert text.count("不是真实预警") == 2
    assert "演练 · 不是真实预警" in text


def test_silences_and_stand_ins_are_handed_over(desk: Desk):
    """With when they end, and why."""
    with writing(desk.ports.engine) as connection:
        wish = Wish(level=Level.RED, until=ALARM + HOUR, by="operations_duty_a", why="检修", hazard="heat")
        silences.add(connection, wish, desk.ports.desk, ALARM)
        stand = StandIn(
            subsystem="power", duty=("power_duty_b",), start=ALARM, end=ALARM + HOUR, by="李", why="开会"
        )
        stand_ins.add(connection, stand, desk.ports.config.routes, ALARM)
    text = desk.enter("viewer").get("/brief").text
    assert "检修" in text
    assert "开会" in text
    assert "还剩 1小时" in text


def test_what_happened_in_the_shift_is_handed_over_and_what_did_before_is_not(desk: Desk):
    """Damage reports by when they were entered."""
    for hours, what in ((-1, "塌方"), (-9, "昨夜积水")):
        at = ALARM + hours * HOUR
        damage = Damage(hazard="heat", onset=at, what=what, source="镇政府", by="王", at=at)
        with writing(desk.ports.engine) as connection:
            verdicts.report(connection, damage)
    assert [one.what for one in made(desk.ports).damages] == ["塌方"]
    assert [one.what for one in brief(desk.ports, ALARM, "previous").damages] == ["昨夜积水"]


def test_a_call_without_an_answer_is_handed_over(desk: Desk):
    """So that whoever comes phones them."""
    play(desk.ports, ALARM, ALARM + timedelta(minutes=20))
    found = made(desk.ports, ALARM + timedelta(minutes=20))
    assert {one.kind for one in found.owed} == {"call"}
    assert "work_safety" in {one.subsystem.id for one in found.owed}


def test_a_gap_in_the_coming_shift_is_handed_over(desk: Desk):
    """Nobody is on duty at the waterworks from eight in the evening on."""
    routes = desk.ports.config.routes
    water = replace(routes.subsystems["water"], rota=routes.subsystems["water"].rota[:1])
    wrong = replace(routes, subsystems=routes.subsystems | {"water": water})
    ports = replace(desk.ports, desk=replace(desk.ports.desk, routes=wrong))
    (hole,) = made(ports).holes
    assert (hole.kind, hole.subsystem.id, hole.start) == ("nobody", "water", NOON + 8 * HOUR)


def test_a_silent_source_is_handed_over(desk: Desk):
    """What is sick of Fengsui itself stands on the page, in both languages."""
    found = made(desk.ports, ALARM + 72 * HOUR)
    assert any("told" in one.zh and "没有新数据" in one.zh for one in found.sick)
    assert any("silent since" in one.en for one in found.sick)


def test_an_alert_of_a_hazard_that_left_the_configuration_is_handed_over(desk: Desk):
    """It is open all the same, under its own name."""
    ports = replace(desk.ports, config=replace(desk.ports.config, hazards={}))
    (line,) = made(ports).open
    assert (line.hazard.name, line.level) == ("heat", Level.RED)


def test_a_release_that_waits_is_handed_over(desk: Desk):
    """With whose turn it is."""
    release = Release(approvers=("command_centre_duty_a",))
    routes = replace(desk.ports.config.routes, release={Level.RED: release})
    ports = replace(desk.ports, desk=replace(desk.ports.desk, routes=routes))
    config = replace(desk.ports.config, routes=routes)
    change = changes(desk.ports)[-1]
    row = Asked(
        transition=change.id, alert=change.alert, level=Level.RED, needed=1, asked_at=ALARM, step=1,
        next_at=ALARM + HOUR,
    )  # fmt: skip
    with writing(desk.ports.engine) as connection:
        release_rows.begin(connection, row, ALARM)
    (line,) = made(replace(ports, config=config)).releases
    assert [one.id for one in line.people] == ["command_centre_duty_a"]
    assert "等待审批" in desk.enter("viewer").get("/brief").text
