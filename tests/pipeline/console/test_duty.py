from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import product

import pytest
from consoles import Desk, Visit, console_of
from stage import ALARM, alarmed, changes, district, messages, play

from alerts.record import deeds
from alerts.record.verify import verify
from ingest.database import reading
from pipeline.acknowledge import acknowledge, word_of
from pipeline.console.duty import reasons, unaware
from pipeline.console.duty.gets import who_gets
from rules.level import Level

TABS = ("/duty", "/duty/rotas", "/duty/who-gets", "/duty/silences", "/duty/unaware")
ASKED = "/duty/who-gets?hazard=heat&level=red"
TWINS = (
    "matrix", "rotas", "coverage", "who-gets?hazard=heat&level=red", "silences", "stand-ins", "unaware",
)  # fmt: skip
HOUR = timedelta(hours=1)
SILENCE = {"level": "orange", "hours": "4", "person": "operations_duty_a", "why": "检修", "hazard": "heat"}
STAND_IN = {
    "subsystem": "power", "duty": "power_duty_b", "end": "2022-08-15T18:00", "why": "A去市里开会",
}  # fmt: skip
CHANGES = {
    "/duty/silences": SILENCE,
    "/duty/silences/1/lift": {"why": "好了"},
    "/duty/stand-ins": STAND_IN,
    "/duty/stand-ins/1/withdraw": {"why": "回来了"},
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A console on which nothing is changed."""
    with alarmed(tmp_path_factory.mktemp("seen")) as ports, console_of(ports, ALARM) as served:
        yield served


def enter(desk: Desk, role: str) -> Visit:
    """Somebody of a role, with an account of their own."""
    return desk.enter(role, name=role)


def api(visit: Visit, path: str) -> dict:
    """What a twin says."""
    answer = visit.get(f"/api/v1/{path}", Accept="application/json")
    assert answer.status_code == 200, answer.text
    return answer.json()


def send(visit: Visit, method: str, path: str, **body: object):
    """A change by a program in somebody's session."""
    word = re.search('name="csrf" content="([^"]+)"', visit.get("/duty").text)
    head = {"X-CSRF": word[1] if word else "", "Accept": "application/json"}
    url = f"{visit.url}/api/v1/{path}"
    return visit.session.request(method, url, json=body or None, headers=head, timeout=20)


def done(desk: Desk) -> list[str]:
    """What was kept of what people did."""
    with reading(desk.ports.engine) as connection:
        return [deed.what for deed in deeds.deeds(connection)]


@pytest.mark.parametrize("path", [*TABS, ASKED])
@pytest.mark.parametrize("tongue", ["zh", "en"])
def test_a_tab_opens_for_whoever_may_look(seen: Desk, path: str, tongue: str):
    """Every tab is there in both languages, without anything inline."""
    answer = enter(seen, "viewer").get(f"{path}{'&' if '?' in path else '?'}lang={tongue}")
    assert answer.status_code == 200
    assert "style=" not in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize("path", TWINS)
def test_a_twin_gives_the_same_facts(seen: Desk, path: str):
    """Every tab has a twin for programs, with levels by name and moments in UTC."""
    assert api(enter(seen, "viewer"), path) is not None
    text = enter(seen, "viewer").get(f"/api/v1/{path}").text
    assert not re.search(r'"(level|lowest|in_force)":\d', text)
    assert not re.search(r"T\d\d:\d\d:\d\d\+08:00", text)


@pytest.mark.parametrize("path", [*TABS, *(f"/api/v1/{twin}" for twin in TWINS)])
def test_nobody_else_may_look(seen: Desk, path: str):
    """Without a session a page sends to the door, and a twin answers 401."""
    visit = enter(seen, "viewer")
    visit.session.cookies.clear()
    answer = visit.session.get(visit.url + path, allow_redirects=False, timeout=20)
    assert answer.status_code == (401 if path.startswith("/api") else 303)


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("role", ["viewer", "officer", "forecaster", "approver"])
def test_only_who_arranges_may_change(seen: Desk, path: str, role: str):
    """Silences and stand-ins are not for everybody."""
    assert enter(seen, role).post(path, **CHANGES[path]).status_code == 403


@pytest.mark.parametrize("path", CHANGES)
def test_a_form_of_another_site_changes_nothing(seen: Desk, path: str):
    """Without the word of the session nothing is taken."""
    answer = enter(seen, "operator").post(path, **(CHANGES[path] | {"csrf": "guess"}))
    assert answer.status_code == 403


def test_the_matrix_says_who_leads_and_from_which_level_on(seen: Desk):
    """A cell is a role and the lowest level; the row knows what is in force."""
    row = next(row for row in api(enter(seen, "viewer"), "matrix")["rows"] if row["hazard"]["id"] == "heat")
    lead = next(cell for cell in row["cells"] if cell["role"] == "lead")
    assert (lead["subsystem"], lead["lowest"], row["in_force"]) == ("work_safety", "yellow", "red")
    assert [task["level"] for task in lead["tasks"]] == ["yellow", "orange", "red"]


def test_the_matrix_opens_at_what_is_in_force(seen: Desk):
    """The tasks below it are those of the hazard with the highest level; a link shows another's."""
    visit = enter(seen, "viewer")
    assert "停止室外作业" in visit.get("/duty").text
    assert visit.get("/duty?hazard=nonsense").status_code == 200


def test_the_rota_says_who_is_on_duty_now_and_next(seen: Desk):
    """With the number to call on the page; programs are told none."""
    visit = enter(seen, "viewer")
    first = api(visit, "rotas")["rotas"][0]
    assert "phone" not in first["now"]["duty"][0]
    assert "tel:13800000001" in visit.get("/duty/rotas").text
    assert first["next"]["duty"][0]["id"] == "command_centre_duty_b"
    assert first["now"]["end"] == first["next"]["start"] == "2022-08-15T12:00:00+00:00"


def test_a_stand_in_counts_at_once_and_can_be_withdrawn(desk: Desk):
    """Rota and simulator name who stands in, and why; withdrawn, the rota counts again."""
    visit = desk.enter("operator")
    assert visit.post("/duty/stand-ins", **STAND_IN).headers["location"] == "/duty/rotas?said=arranged"
    assert "A去市里开会" in visit.get("/duty/rotas").text
    told = api(visit, "who-gets?hazard=heat&level=red")["told"]
    why = {one["person"]["id"]: one["why"] for one in told}["power_duty_b"]
    assert "顶班，经办zhang：A去市里开会" in why
    visit.post("/duty/stand-ins/1/withdraw", why="回来了")
    assert not api(visit, "stand-ins")
    assert done(desk) == ["withdraw", "stand_in"]


def test_a_silence_shows_how_long_it_lasts_and_can_be_lifted(desk: Desk):
    """It cannot be forgotten, and what was done is on the sealed record."""
    visit = desk.enter("operator")
    assert visit.post("/duty/silences", **SILENCE).status_code == 303
    assert "还剩4小时" in visit.get("/duty/silences").text
    desk.clock.at += 3.8 * HOUR
    found = api(visit, "silences")["silences"][0]
    assert (found["left_s"], found["share"], found["level"]) == (720, 95, "orange")
    assert "⚠ 还剩12分钟" in visit.get("/duty/silences").text
    visit.post("/duty/silences/1/lift", why="好了")
    assert api(visit, "silences")["silences"] == []
    assert done(desk) == ["lift", "silence"]
    with reading(desk.ports.engine) as connection:
        assert verify(connection).whole


def test_a_silence_is_counted_by_the_simulator(desk: Desk):
    """Whoever would not hear under it is among those who are not told, with its reason."""
    visit = desk.enter("operator")
    visit.post("/duty/silences", **(SILENCE | {"subsystem": "traffic"}))
    found = api(visit, "who-gets?hazard=heat&level=orange")
    why = {one["subsystem"]["id"]: one["why"] for one in found["not_told"]}["traffic"]
    assert why.startswith("静默至08-15 16:05，系统运维值班员A：检修")
    assert found["silences"][0]["id"] == 1


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("/duty/silences", {"hours": "25"}, "静默最长24小时"),
        ("/duty/silences", {"hours": "x"}, "请选择静默多久"),
        ("/duty/silences", {"why": "  "}, "请写明原因"),
        ("/duty/silences", {"person": ""}, "提醒谁"),
        ("/duty/silences", {"level": "pink"}, "level"),
        ("/duty/silences", {"hazard": "plague"}, "plague"),
        ("/duty/silences/9/lift", {"why": "x"}, "no silence has the number 9"),
        ("/duty/stand-ins", {"end": ""}, "请写明日期"),
        ("/duty/stand-ins", {"end": "2022-08-14T18:00"}, "结束时间须晚于"),
        ("/duty/stand-ins", {"end": "99999"}, "请写明日期"),
        ("/duty/stand-ins", {"duty": "nobody"}, "nobody"),
        ("/duty/stand-ins", {"duty": ""}, "duty"),
        ("/duty/stand-ins/9/withdraw", {"why": "x"}, "no stand-in has the number 9"),
    ],
)
def test_a_form_filled_in_wrongly_comes_back_with_the_reason(
    seen: Desk, path: str, form: dict[str, str], said: str
):
    """What was filled in is kept, and nothing is done."""
    answer = enter(seen, "operator").post(path, **(CHANGES.get(path, {}) | form))
    assert answer.status_code == 400
    assert said in re.findall('role="alert">(.*?)</p>', answer.text)[0]
    assert done(seen) == []


def test_a_program_silences_and_lifts(desk: Desk):
    """The twins change the same rows, guarded by the same right."""
    visit = desk.enter("operator", person="operations_duty_a")
    until = (desk.clock.now() + HOUR).isoformat()
    made = send(visit, "POST", "silences", level="red", until=until, why="演示")
    assert (made.status_code, made.json()) == (201, {"id": 1})
    assert send(visit, "DELETE", "silences/1?why=over").status_code == 204
    assert send(visit, "DELETE", "silences/1?why=over").status_code == 404


def test_a_program_arranges_and_withdraws(desk: Desk):
    """Likewise with stand-ins."""
    visit, end = desk.enter("operator"), (desk.clock.now() + HOUR).isoformat()
    body = {"subsystem": "power", "duty": ["power_duty_b"], "end": end, "why": "换人"}
    assert send(visit, "POST", "stand-ins", **body).json() == {"id": 1}
    assert send(visit, "DELETE", "stand-ins/1?why=over").status_code == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"until": "2022-08-17T00:00:00Z"}, 400),
        ({"until": "2022-08-15T12:00:00"}, 422),
        ({"until": "9999-12-31T23:59:59-12:00"}, 422),
        ({"level": "none"}, 422),
        ({"why": ""}, 422),
        ({"person": None}, 400),
        ({"subsystem": "navy"}, 404),
        ({"alert": "none such"}, 404),
    ],
)
def test_a_program_hears_what_is_wrong(seen: Desk, body: dict[str, object], status: int):
    """With a status that says whose mistake it is, and never an error of ours."""
    good = {"until": "2022-08-15T08:00:00Z", "level": "red", "why": "x", "person": "operations_duty_a"}
    assert send(enter(seen, "operator"), "POST", "silences", **(good | body)).status_code == status


@pytest.mark.parametrize("number", ["0", "-1", "2147483648", "x"])
def test_a_number_there_cannot_be_is_refused(seen: Desk, number: str):
    """Before it reaches the database."""
    assert send(enter(seen, "operator"), "DELETE", f"silences/{number}?why=x").status_code == 422


def test_who_gets_a_red_says_every_yes_and_no_and_the_ladder(seen: Desk):
    """With reasons in Chinese, the words, and nothing sent."""
    before = len(messages(seen.ports))
    found = api(enter(seen, "viewer"), "who-gets?hazard=heat&level=red")
    assert len(found["told"]) + len(found["not_told"]) == len(seen.ports.config.routes.subsystems)
    assert {one["after_s"] for one in found["later"]} == {300, 600}
    assert {one["why"] for one in found["not_told"]} == {"矩阵中与此灾害无关"}
    assert "高温红色" in found["words"][0]["text"]
    assert found["asked"]["facts_within_s"] == 900
    assert len(messages(seen.ports)) == before


def test_who_gets_a_yellow_at_night_hears_in_the_morning(seen: Desk):
    """Quiet hours are told, and the ladder begins after them."""
    found = api(enter(seen, "viewer"), "who-gets?hazard=heat&level=yellow&at=2022-08-15T15:30:00Z")
    assert {one["at"] for one in found["told"]} == {"2022-08-15T23:00:00+00:00"}
    assert {one["waits"] for one in found["told"]} == {"22:00-07:00"}
    assert {one["at"] for one in found["later"]} == {"2022-08-16T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("query", "page", "twin"),
    [
        ("hazard=plague&level=red", 400, 404),
        ("hazard=heat&level=pink", 400, 422),
        ("hazard=heat&level=red&at=yesterday", 400, 422),
        ("hazard=heat&level=red&at=0001-01-01T00:00:00Z", 400, 422),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(seen: Desk, query: str, page: int, twin: int):
    """In a sentence on the page, and with its status for programs."""
    visit = enter(seen, "viewer")
    assert visit.get(f"/duty/who-gets?{query}").status_code == page
    assert visit.get(f"/api/v1/who-gets?{query}").status_code == twin


def test_who_does_not_know_yet_is_listed_with_what_comes_next(seen: Desk):
    """Each subsystem that is called, its people's clocks, and who is called when."""
    found = api(enter(seen, "viewer"), "unaware")["alerts"][0]
    lead = next(one for one in found["groups"] if one["role"] == "lead")
    assert (found["level"], lead["stand"]) == ("red", "calling")
    assert lead["people"][0]["missing"] == "sent"
    assert lead["next"]["people"][0]["id"] == "work_safety_deputy_a"
    assert lead["next"]["at"] == "2022-08-15T04:10:00+00:00"


def test_what_is_too_much_to_read_is_counted(seen: Desk, monkeypatch: pytest.MonkeyPatch):
    """A page that lists thousands helps nobody: lesser alerts wait their turn, and are not forgotten."""
    monkeypatch.setattr(unaware, "MOST_PEOPLE", 0)
    assert "另有1条较轻的预警未列出" in enter(seen, "viewer").get("/duty/unaware").text


def test_an_acknowledgement_leaves_the_facts_owed(desk: Desk):
    """Acknowledged is not acted: the subsystem stays until it told the facts."""
    alert = changes(desk.ports)[-1].alert
    word = word_of(alert=alert, subsystem="health", by="卫生健康值班员A", via="link", at=ALARM)
    acknowledge(desk.ports, word)
    groups = api(desk.enter("viewer"), "unaware")["alerts"][0]["groups"]
    health = next(one for one in groups if one["subsystem"]["id"] == "health")
    assert (health["stand"], health["next"]["what"]) == ("owing", "facts")
    assert health["people"][0]["missing"] == "sent"


def test_a_ladder_that_ended_without_an_answer_comes_first(desk: Desk):
    """Nobody is called any more by itself: the page says to phone."""
    play(desk.ports, ALARM, ALARM + timedelta(minutes=20))
    visit = desk.enter("viewer")
    groups = api(visit, "unaware")["alerts"][0]["groups"]
    assert groups[0]["stand"] == "exhausted"
    assert groups[0]["next"] is None
    assert "请打电话" in visit.get("/duty/unaware").text


def test_what_somebody_wrote_stays_text(desk: Desk):
    """An HTML payload in a reason is shown as it was typed, on every page that shows it."""
    visit, payload = desk.enter("operator"), "<img src=x onerror=alert(1)>'; DROP TABLE silence;--"
    visit.post("/duty/silences", **(SILENCE | {"why": payload}))
    visit.post("/duty/stand-ins", **(STAND_IN | {"why": payload}))
    for path in ("/duty/silences", "/duty/rotas", f"{ASKED}&at=2022-08-15T12:30", "/brief"):
        text = visit.get(path).text
        assert "<img" not in text
        assert "&lt;img src=x" in text


@pytest.mark.parametrize(
    ("why", "chinese"),
    [
        ("no part in heat in the matrix", "矩阵中与此灾害无关"),
        ("hears of red and above, this is yellow", "只收红色及以上，这次是黄色"),
        ("lead from blue up; duty of power", "牵头，蓝色起；电力保障值班员"),
        ("support from red up; centre of command_centre", "配合，红色起；指挥中心"),
        ("inform from red up; deputy of power (swap: 休假)", "知会，红色起；电力保障副班（换班：休假）"),
        (
            "nobody is deputy of power: the command centre is told instead",
            "电力保障没有副班，改报指挥中心",
        ),
        ("silenced until 08-15 20:00 by nobody: a; b", "静默至08-15 20:00，nobody：a; b"),
        ("some day another sentence", "some day another sentence"),
    ],
)
def test_a_reason_of_the_router_is_told_in_chinese(why: str, chinese: str):
    """What no sentence fits stays as it is."""
    assert reasons.in_chinese(why, district().routes) == chinese


def test_every_reason_the_router_gives_has_its_sentence(seen: Desk):
    """Nobody reads English by surprise, whatever the hazard and the level."""
    ports = seen.ports
    with reading(ports.engine) as connection:
        for asked in product(ports.config.hazards, (Level.YELLOW, Level.RED)):
            found = who_gets(connection, ports.config, ports.desk, asked, ALARM)
            whys = [one.why for one in (*found.told, *found.later)] + [no.why for no in found.not_told]
            assert not [why for why in whys if re.search("[a-z]{3}", why)]
