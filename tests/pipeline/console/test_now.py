"""NOW without a browser: what the page says, who may do what on it, and its twins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from consoles import Desk, Visit, console_of
from sqlalchemy import text
from stage import ALARM, HOUR, alarmed, changes, day, instance, recorded, telling

from alerts.answers import reports
from alerts.duty import silences
from alerts.duty.silences import Wish
from alerts.outgoing import desks
from alerts.record import deeds, store, troubles
from alerts.record.troubles import Symptom
from ingest.database import reading, writing
from pipeline.console.now.board import board_of
from pipeline.ports import Ports
from pipeline.pull import pull
from pipeline.tick import tick
from rules.level import Level

ALERT = "500153-heat-20220815T040500Z"
CHANGE = f"{ALERT}.1"
ACK = f"/alerts/{ALERT}/acknowledge"
REPORT = f"/alerts/{ALERT}/report"


@pytest.fixture
def officer(desk: Desk) -> Visit:
    """On duty for health."""
    return desk.enter("officer", name="zhang", title="张三", subsystems=("health",))


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One console for all tests that only look."""
    with alarmed(tmp_path_factory.mktemp("shown")) as ports, console_of(ports, ALARM) as served:
        yield served


@pytest.fixture
def reader(shown: Desk) -> Visit:
    """The same officer, who changes nothing here."""
    return shown.enter("officer", name="zhang", title="张三", subsystems=("health",))


def word_of(visit: Visit) -> str:
    """The word that forms of its session bring back."""
    found = re.search(r'name="csrf" content="([^"]+)"', visit.get("/").text)
    assert found is not None
    return found[1]


def asked_json(visit: Visit, path: str = "/api/v1/now", **body: object):
    """A twin, with a body where one is given."""
    head = {"X-CSRF": word_of(visit)}
    method = "POST" if body else "GET"
    return visit.session.request(method, visit.url + path, json=body or None, headers=head, timeout=20)


@pytest.mark.parametrize("path", ["/", "/wall", "/now/part", "/wall/part"])
def test_whoever_is_not_in_is_sent_to_sign_in(shown: Desk, path: str):
    """Nothing of the present is told to strangers."""
    visit = shown.enter(name="gone")
    visit.session.cookies.clear()
    answer = visit.session.get(shown.url + path, allow_redirects=False, timeout=20)
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in")


@pytest.mark.parametrize("path", ["/api/v1/now", "/api/v1/map"])
def test_twins_need_somebody(shown: Desk, path: str):
    """A program without a key is answered 401."""
    visit = shown.enter(name="gone")
    visit.session.cookies.clear()
    assert visit.get(path).status_code == 401


@pytest.mark.parametrize("path", ["/", "/wall"])
@pytest.mark.parametrize(
    ("tongue", "words"), [("zh", ("高温", "红色", "资料截至")), ("en", ("Heat", "Red", "As of"))]
)
def test_what_is_open_stands_on_the_page(reader: Visit, path: str, tongue: str, words: tuple[str, ...]):
    """In the language of who reads."""
    text = reader.get(f"{path}?lang={tongue}").text
    assert all(word in text for word in words)


@pytest.mark.parametrize(
    "words", ["全区21个镇街", "42.8", "08-15 13:00", "还有3天1小时", "谁收到了 0/8", "/alerts/" + ALERT]
)
def test_an_incident_says_what_must_be_known(reader: Visit, words: str):
    """Towns, worst value, onset, time left, who has it, and the way to its evidence."""
    assert words in reader.get("/").text


def test_only_who_acts_for_a_subsystem_gets_its_button(reader: Visit):
    """An officer of health is not offered the word of others."""
    found = re.findall(r'name="call" value="(\w+) ', reader.get("/").text)
    assert found == ["health"]


def test_the_command_centre_may_speak_for_all(shown: Desk):
    """Its own button first, then those of others on their behalf."""
    visit = shown.enter("officer", name="centre", subsystems=("command_centre",))
    found = re.findall(r'name="call" value="(\w+) ', visit.get("/").text)
    assert found[0] == "command_centre"
    assert len(found) == 8


def test_viewers_get_no_button(shown: Desk):
    """They read."""
    assert 'name="call"' not in shown.enter("viewer", name="looker").get("/").text


def test_an_acknowledgement_comes_back_with_a_word(officer: Visit):
    """It closes the call under the officer's name, and says so."""
    answer = officer.post(ACK, call=f"health {CHANGE}")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/?said=acknowledged&of=health#a-{ALERT}"
    assert "已由张三确认" in officer.get("/").text


def test_an_acknowledgement_is_in_the_record(officer: Visit, desk: Desk):
    """With the account that gave it."""
    officer.post(ACK, call=f"health {CHANGE}")
    with reading(desk.ports.engine) as connection:
        (kept,) = store.acknowledgements(connection, ALERT)
        done = deeds.deeds(connection, subject=ALERT)
    assert (kept.by, kept.via, kept.effective) == ("张三", "console", True)
    assert [(one.what, one.by) for one in done] == [("acknowledge", "zhang")]


def test_what_cannot_be_kept_with_its_name_is_not_done(officer: Visit, desk: Desk):
    """An acknowledgement and who gave it stand in one transaction, so the call goes on."""
    with writing(desk.ports.engine) as connection:
        connection.execute(text(
            "CREATE TRIGGER full BEFORE INSERT ON deed BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        ))  # fmt: skip
    assert officer.post(ACK, call=f"health {CHANGE}").status_code >= 500
    with reading(desk.ports.engine) as connection:
        assert store.acknowledgements(connection, ALERT) == []


def test_the_second_officer_hears_who_was_first(officer: Visit, desk: Desk):
    """Nothing is acknowledged twice."""
    other = desk.enter("officer", name="li", title="李四", subsystems=("health",))
    officer.post(ACK, call=f"health {CHANGE}")
    answer = other.post(ACK, call=f"health {CHANGE}")
    assert "said=already" in answer.headers["location"]
    assert "已由张三确认" in other.get("/").text


def test_what_moved_on_is_not_acknowledged_unseen(officer: Visit, desk: Desk):
    """The button of an older change says that there is a newer one."""
    with writing(desk.ports.engine) as connection:
        store.supersede(connection, ALERT, ALARM)
    assert "said=moved_on" in officer.post(ACK, call=f"health {CHANGE}").headers["location"]


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        (ACK, {"call": f"education {CHANGE}"}, 403),
        (ACK, {"call": "health nothing"}, 404),
        (ACK, {"call": ""}, 404),
        (ACK, {"call": f"health {CHANGE}", "csrf": "wrong"}, 403),
        (REPORT, {"subsystem": "education", "commander": "x"}, 403),
        (REPORT, {"subsystem": "health", "commander": "x" * 2001}, 422),
        ("/alerts/nothing/acknowledge", {"call": f"health {CHANGE}"}, 404),
        ("/alerts/nothing/report", {"subsystem": "health", "commander": "x"}, 404),
    ],
)
def test_what_must_not_be_done_is_refused(reader: Visit, path: str, form: dict[str, str], status: int):
    """For others, for nothing, without the word of the session, or too long."""
    assert reader.post(path, **form).status_code == status


@pytest.mark.parametrize("path", [ACK, REPORT])
def test_viewers_change_nothing(shown: Desk, path: str):
    """Their role has no such right."""
    visit = shown.enter("viewer", name="looker")
    assert visit.post(path, call=f"health {CHANGE}", subsystem="health").status_code == 403


def facts_of(desk: Desk) -> list[tuple[str, str, bool]]:
    """Reports so far."""
    with reading(desk.ports.engine) as connection:
        return [(one.by, one.commander, one.complete) for one in reports.reports(connection, ALERT)]


def lead(desk: Desk) -> Visit:
    """On duty for the subsystem that leads, which is asked for the facts."""
    visit = desk.enter("officer", name="wang", title="王五", subsystems=("work_safety",))
    visit.post(ACK, call=f"work_safety {CHANGE}")
    return visit


def test_the_three_facts_are_asked_for_where_they_are_due(desk: Desk):
    """The form comes with the acknowledgement, for a red."""
    assert "回报三项事实" in lead(desk).get("/").text


def test_three_facts_are_kept(desk: Desk):
    """Complete with all three."""
    answer = lead(desk).post(REPORT, subsystem="work_safety", commander="王", affected="工地", moved="无")
    assert "said=reported" in answer.headers["location"]
    assert facts_of(desk) == [("王五", "王", True)]


@pytest.mark.parametrize(
    ("form", "said"), [({"commander": "王"}, "incomplete"), ({}, "empty"), ({"moved": "  "}, "empty")]
)
def test_facts_that_are_missing_are_asked_for_again(desk: Desk, form: dict[str, str], said: str):
    """Nothing at all is kept as nothing."""
    visit = lead(desk)
    assert f"said={said}" in visit.post(REPORT, subsystem="work_safety", **form).headers["location"]
    assert "回报三项事实" in visit.get("/").text


def test_what_people_wrote_stays_text(desk: Desk):
    """A name with markup in it is shown as it is."""
    visit = desk.enter("officer", name="evil", title="<script>alert(1)</script>", subsystems=("health",))
    visit.post(ACK, call=f"health {CHANGE}")
    text = visit.get("/").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_the_part_is_not_sent_twice(reader: Visit):
    """A browser that has it is told so."""
    first = reader.get("/now/part")
    again = reader.get("/now/part", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.text) == (304, "")


def test_the_part_changes_with_the_database(officer: Visit):
    """An acknowledgement gives it another tag."""
    before = officer.get("/now/part").headers["etag"]
    officer.post(ACK, call=f"health {CHANGE}")
    assert officer.get("/now/part").headers["etag"] != before


def test_the_part_carries_nobodys_word(reader: Visit):
    """It is the same for all who may do the same, so no session's word is in it; the page has its own."""
    word = word_of(reader)
    assert word not in reader.get("/now/part").text
    assert reader.get("/").text.count(word) > 2


def test_one_hazard_can_be_chosen(reader: Visit):
    """Plain links; an unknown one shows all."""
    assert 'href="/?hazard=heat" aria-current="true"' in reader.get("/?hazard=heat").text
    assert 'href="/" aria-current="true"' in reader.get("/?hazard=nothing").text


def test_without_scripts_the_page_comes_back_by_itself(reader: Visit):
    """Every minute."""
    assert '<noscript><meta http-equiv="refresh" content="60"></noscript>' in reader.get("/").text


def test_nothing_runs_inline(reader: Visit):
    """The page's own policy would forbid it."""
    text = reader.get("/").text + reader.get("/wall").text
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", text)


def test_all_is_well_in_one_line(reader: Visit):
    """With the time of the last look."""
    assert "所有数据源正常，最近一次研判 12:05" in reader.get("/").text


def test_the_twin_tells_the_same(reader: Visit):
    """Levels by key, times in UTC."""
    told = reader.get("/api/v1/now").json()
    alert = told["incidents"][0]["alerts"][0]
    assert (alert["alert"], alert["level"], alert["expires"]) == (ALERT, "red", "2022-08-18T06:00:00Z")
    assert told["as_of"] == "2022-08-15T04:05:00Z"


def test_the_map_is_geojson(reader: Visit):
    """A point with its level for each town."""
    told = reader.get("/api/v1/map").json()
    assert {one["properties"]["level"] for one in told["features"]} == {"red"}
    assert len(told["features"]) == 21


def test_a_program_acknowledges_and_reports(officer: Visit):
    """With the same rights, and the word of the session in a header."""
    taken = asked_json(officer, f"/api/v1{ACK}", subsystem="health", transition=CHANGE)
    told = asked_json(officer, f"/api/v1{REPORT}", subsystem="health", commander="张")
    assert taken.json() == {"outcome": "acknowledged", "subsystem": "health", "by": "张三"}
    assert (told.status_code, told.json()["complete"]) == (200, False)


def test_a_program_is_refused_for_others(reader: Visit):
    """As its page is."""
    assert asked_json(reader, f"/api/v1{ACK}", subsystem="education", transition=CHANGE).status_code == 403


@pytest.mark.parametrize("path", ["/api/v1/now", "/api/v1/map", "/api/v1/alerts/{alert}/acknowledge"])
def test_the_twins_are_described(reader: Visit, path: str):
    """In the OpenAPI document."""
    assert path in reader.get("/api/v1/openapi.json").json()["paths"]


def sentences(ports: Ports, now=ALARM) -> str:
    """What is said of Fengsui itself."""
    return " ".join(one.what.zh for one in board_of(ports, now).remarks)


def test_a_silent_source_is_told(tmp_path: Path):
    """With since when, in Beijing time."""
    with alarmed(tmp_path) as ports:
        said = sentences(ports, ALARM + 100 * HOUR)
    assert "数据源told自08-15 12:05起没有新数据" in said
    assert "没有研判" in said


def test_a_silence_is_told(tmp_path: Path):
    """Who arranged it, for what, until when."""
    with alarmed(tmp_path) as ports:
        by = "command_centre_duty_a"
        wish = Wish(level=Level.BLUE, by=by, why="检修", until=ALARM + HOUR, hazard="heat")
        with writing(ports.engine) as connection:
            silences.add(connection, wish, desks.current(connection, ports.desk, ALARM), ALARM)
        assert "静默中：高温，蓝色及以下，至08-15 13:05（指挥中心值班员A：检修）" in sentences(ports)


def test_a_trouble_is_told_with_beijing_time(tmp_path: Path):
    """Stamps of the operators' log are turned into times people read."""
    with alarmed(tmp_path) as ports:
        with writing(ports.engine) as connection:
            found = {"queue sms": Symptom(text="渠道sms有信息自08-15T03:00Z起未发出 / messages wait")}
            troubles.observe(connection, ports.desk, found, ALARM)
        assert "渠道sms有信息自08-15 11:00起未发出" in sentences(ports)


def test_a_sick_channel_is_told(tmp_path: Path):
    """Once, though the guard tells it too."""
    with alarmed(tmp_path) as ports:
        ports.outbox.sick["sms"] = (ALARM, "refused")
        assert sentences(ports).count("渠道sms") == 1


def test_an_empty_rota_is_told(tmp_path: Path):
    """The subsystem by name, and that it is now."""
    config = telling(recorded(day("08-12 12:00"), ALARM))
    systems = {**config.routes.subsystems}
    systems["health"] = replace(systems["health"], rota=())
    with instance(tmp_path, replace(config, routes=replace(config.routes, subsystems=systems))) as ports:
        assert "卫生健康：现在无人值班" in sentences(ports)


def test_before_the_first_tick_every_town_is_unknown(tmp_path: Path):
    """No data is not green."""
    with instance(tmp_path, telling(())) as ports, console_of(ports, ALARM) as desk:
        board = board_of(ports, ALARM)
        text = desk.enter().get("/").text
    assert board.blind == 21
    assert text.count('class="town unknown"') == 21
    assert "还没有研判" in text


def test_towns_without_data_are_unknown_and_named(tmp_path: Path):
    """A tick that could not judge says so town by town."""
    with instance(tmp_path, telling(recorded(ALARM - 2 * HOUR, ALARM, "none"))) as ports:
        pull("told", ALARM, ports)
        tick(ALARM, ports)
        board = board_of(ports, ALARM)
    unknown = sum(one.unknown for one in board.hazards)
    assert bool(unknown) == bool(board.blind)
    assert not unknown or any("缺数据，无法研判：高温" in one.what.zh for one in board.remarks)


def test_a_board_reads_no_deliveries(tmp_path: Path):
    """However many there are."""
    with alarmed(tmp_path) as ports:
        assert board_of(ports, ALARM).open[0].alert == changes(ports)[0].alert
