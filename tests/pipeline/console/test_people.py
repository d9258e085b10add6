"""Who comes in: passwords, locks, sessions, accounts made by operators, keys of departments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from consoles import Desk, console_of
from stage import ALARM, instance, present, telling

from alerts.record import accounts, deeds
from alerts.record.verify import verify
from ingest.database import reading, writing
from pipeline.console.people.doors import COOKIE, LOCKED, TRIES, Doors, Locked, Refused, csrf_of
from pipeline.console.people.visitor import RIGHTS, Right, Role

PASSWORD = "a-good-long-one"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Desk]:
    """A console without weather, which people need none of."""
    with instance(tmp_path, telling(())) as ports, console_of(ports, ALARM) as desk:
        yield desk


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The same, for tests that change nothing in it."""
    with instance(tmp_path_factory.mktemp("shared"), telling(())) as ports, console_of(ports, ALARM) as desk:
        desk.account("zhang", ["operator"], password=PASSWORD)
        yield desk


def try_in(desk: Desk, name: str, password: str, **headers: str) -> requests.Response:
    """Send the form of the page to sign in."""
    form = {"name": name, "password": password, "next": "/people"}
    return requests.post(
        f"{desk.url}/sign-in", data=form, headers={"Accept": "text/html"} | headers, timeout=20,
        allow_redirects=False,
    )  # fmt: skip


def done(desk: Desk) -> list[str]:
    """What was kept of what people did, oldest first."""
    with reading(desk.ports.engine) as connection:
        return [one.what for one in reversed(deeds.deeds(connection))]


def told(answer: requests.Response) -> str:
    """The secret a page shows."""
    found = re.search(r'class="told"><code>([^<]+)<', answer.text)
    assert found, answer.text
    return found[1]


def test_who_knows_the_password_comes_in_and_goes_on(house: Desk):
    """The cookie is one that no script reads and no other site sends; the record knows who came."""
    house.account("zhang", ["operator"], password=PASSWORD)
    answer = try_in(house, "zhang", PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/people")
    assert {"HttpOnly", "SameSite=strict"} <= set(answer.headers["Set-Cookie"].split("; "))
    assert done(house) == ["sign_in"]


@pytest.mark.parametrize(("name", "password"), [("zhang", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_password_and_an_unknown_name_look_the_same(shared: Desk, name: str, password: str):
    """Nobody finds out which accounts there are."""
    answer = try_in(shared, name, password)
    assert answer.status_code == 401
    assert "账号或口令不对" in answer.text


def test_another_site_signs_nobody_in(shared: Desk):
    """A form that a browser says comes from elsewhere is refused before the password is looked at."""
    assert try_in(shared, "zhang", PASSWORD, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:x"]
)
def test_nobody_is_sent_to_another_site(shared: Desk, back: str):
    """Where to go on is a page of ours."""
    form = {"name": "zhang", "password": PASSWORD, "next": back}
    answer = requests.post(f"{shared.url}/sign-in", data=form, timeout=20, allow_redirects=False)
    assert answer.headers["Location"] == "/"


def test_ten_wrong_passwords_lock_an_account_for_everybody(house: Desk):
    """The right password does not help then; the record says who was locked, once."""
    house.account("zhang", ["viewer"], password=PASSWORD)
    said = [try_in(house, "zhang", "wrong").text for _ in range(TRIES)]
    assert "请15分钟后再试" not in said[-2]
    assert "请15分钟后再试" in said[-1]
    assert "分钟后再试" in try_in(house, "zhang", PASSWORD).text
    assert done(house) == ["locked"]


@pytest.mark.parametrize(
    ("after", "let_in"), [(timedelta(0), False), (LOCKED - timedelta(seconds=1), False), (LOCKED, True)]
)
def test_a_lock_ends_by_the_clock(tmp_path: Path, after: timedelta, let_in: bool):
    """After a quarter of an hour, to the second, the right password counts again."""
    now = present()
    with instance(tmp_path, telling(())) as ports:
        desk = Desk(ports=ports, clock=None, url="")
        desk.account("zhang", ["viewer"], password=PASSWORD)
        doors = Doors(centre="command_centre")
        with writing(ports.engine) as connection:
            known = accounts.find(connection, "zhang")
            said = [doors.settle(connection, known, False, now) for _ in range(TRIES)]
            assert [isinstance(one, Locked) for one in said] == [False] * (TRIES - 1) + [True]
            again = doors.settle(connection, known, True, now + after)
    assert isinstance(again, str) is let_in


def test_a_right_password_forgives_the_wrong_ones_before_it(house: Desk):
    """Nine and nine with a success between lock nobody."""
    house.account("zhang", ["viewer"], password=PASSWORD)
    doors, now = Doors(centre="command_centre"), present()
    with writing(house.ports.engine) as connection:
        known = accounts.find(connection, "zhang")
        said = [
            doors.settle(connection, known, number == TRIES - 1, now) for number in range(2 * TRIES - 1)
        ]
    assert not any(isinstance(one, Locked) for one in said)


def test_wrong_old_passwords_lock_too(house: Desk):
    """Who found an open screen cannot try passwords without end."""
    visit = house.enter("viewer", password=PASSWORD)
    form = {"old": "wrong", "new": "another-long-one", "again": "another-long-one"}
    said = [visit.post("/password", **form).text for _ in range(TRIES)]
    assert "请15分钟后再试" in said[-1]


def test_a_new_password_ends_every_other_session(house: Desk):
    """Who changed it stays; whoever else was in is out."""
    other, visit = house.enter("viewer", password=PASSWORD), house.enter("viewer")
    form = {"old": PASSWORD, "new": "another-long-one", "again": "another-long-one"}
    assert visit.post("/password", **form).status_code == 303
    assert visit.get("/api/v1/me").status_code == 200
    assert other.get("/api/v1/me").status_code == 401
    assert try_in(house, "zhang", "another-long-one").status_code == 303


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"old": "wrong", "new": "another-long-one", "again": "another-long-one"}, "原口令不对"),
        ({"old": PASSWORD, "new": "another-long-one", "again": "other"}, "不一样"),
        ({"old": PASSWORD, "new": "short", "again": "short"}, "至少10个字符"),
    ],
)
def test_a_bad_new_password_changes_nothing(house: Desk, form: dict[str, str], said: str):
    """The page says what is wrong with it."""
    visit = house.enter("viewer", password=PASSWORD)
    answer = visit.post("/password", **form)
    assert (answer.status_code, said in answer.text) == (400, True)
    assert try_in(house, "zhang", PASSWORD).status_code == 303


def test_an_operator_makes_an_account_whose_password_is_told_once(house: Desk):
    """Its owner must change it before anything else."""
    visit = house.enter("operator")
    form = {"name": "li", "title": "李四", "roles": ["officer"], "subsystems": ["health"]}
    secret = told(visit.post("/people/accounts", **form))
    assert secret not in visit.get("/people").text
    token = try_in(house, "li", secret).cookies[COOKIE]
    answer = requests.get(f"{house.url}/api/v1/me", cookies={COOKIE: token}, timeout=20)
    assert (answer.status_code, "口令" in answer.json()["detail"]) == (403, True)
    change = {"csrf": csrf_of(token), "old": secret, "new": PASSWORD, "again": PASSWORD}
    requests.post(f"{house.url}/password", data=change, cookies={COOKIE: token}, timeout=20)
    found = requests.get(f"{house.url}/api/v1/me", cookies={COOKIE: token}, timeout=20).json()
    assert (found["title"], found["subsystems"]) == ("李四", ["health"])


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "li"}, "至少选一个角色"),
        ({"name": "li", "roles": ["officer"]}, "要有分系统"),
        ({"name": "li", "roles": ["officer"], "subsystems": ["nowhere"]}, "没有分系统"),
        ({"name": "li", "roles": ["approver"]}, "routes.yaml"),
        ({"name": "li", "roles": ["viewer"], "person": "nobody"}, "nobody"),
        ({"name": "zhang", "roles": ["viewer"]}, "已存在"),
        ({"name": "a b", "roles": ["viewer"]}, "账号用字母"),
        ({"name": "li@elsewhere", "roles": ["viewer"]}, "账号用字母"),
        ({"name": "", "roles": ["viewer"]}, "账号用字母"),
    ],
)
def test_an_account_that_makes_no_sense_is_not_made(shared: Desk, form: dict[str, Any], said: str):
    """The page says why in one sentence."""
    answer = shared.enter("operator").post("/people/accounts", **form)
    assert (answer.status_code, said in answer.text) == (409, True)
    with reading(shared.ports.engine) as connection:
        assert accounts.number(connection) == 1


@pytest.mark.parametrize(("what", "form"), [("close", {}), ("roles", {"roles": ["viewer"]})])
def test_the_last_operator_stays(house: Desk, what: str, form: dict[str, Any]):
    """Nobody locks everybody out; with a second operator it can be done."""
    visit = house.enter("operator")
    answer = visit.post(f"/people/accounts/zhang/{what}", **form)
    assert (answer.status_code, "最后一个运维账号" in answer.text) == (409, True)
    house.account("li", ["operator"])
    assert visit.post(f"/people/accounts/zhang/{what}", **form).status_code == 303


def test_a_closed_account_is_out_at_once_and_can_be_opened_again(house: Desk):
    """Sessions end with it, and its password opens nothing until then."""
    operator, other = house.enter("operator"), house.enter("viewer", name="li", password=PASSWORD)
    operator.post("/people/accounts/li/close", why="调离")
    assert other.get("/api/v1/me").status_code == 401
    assert try_in(house, "li", PASSWORD).status_code == 401
    operator.post("/people/accounts/li/reopen")
    assert try_in(house, "li", PASSWORD).status_code == 303


def test_an_operator_lifts_a_lock(house: Desk):
    """The owner need not wait."""
    house.account("li", ["viewer"], password=PASSWORD)
    for _ in range(TRIES):
        try_in(house, "li", "wrong")
    assert house.enter("operator").post("/people/accounts/li/unlock").status_code == 303
    assert try_in(house, "li", PASSWORD).status_code == 303


def test_a_password_given_anew_ends_sessions(house: Desk):
    """Whoever was in with the old one is out."""
    operator, other = house.enter("operator"), house.enter("viewer", name="li", password=PASSWORD)
    secret = told(operator.post("/people/accounts/li/password"))
    assert other.get("/api/v1/me").status_code == 401
    assert try_in(house, "li", PASSWORD).status_code == 401
    assert try_in(house, "li", secret).status_code == 303


def test_new_roles_count_from_the_next_request_on(house: Desk):
    """Without signing in again."""
    operator, other = house.enter("operator"), house.enter("viewer", name="li")
    assert other.get("/api/v1/people").status_code == 403
    operator.post("/people/accounts/li/roles", roles=["operator"], title="李四")
    assert other.get("/api/v1/people").status_code == 200


def keyed(desk: Desk, key: str, path: str) -> requests.Response:
    """What a program gets with a key."""
    return requests.get(desk.url + path, headers={"Authorization": f"Bearer {key}"}, timeout=20)


def test_a_key_opens_what_it_was_made_for_until_it_is_ended(house: Desk):
    """It is told once; what is kept of it opens nothing."""
    visit = house.enter("operator")
    key = told(visit.post("/people/keys", title="区卫健委", rights=["read"]))
    found = keyed(house, key, "/api/v1/me").json()
    assert (found["title"], found["rights"], found["csrf"]) == ("区卫健委", ["read"], "")
    assert keyed(house, key, "/api/v1/people").status_code == 403
    assert key not in visit.get("/people").text
    (kept,) = visit.get("/api/v1/people/keys").json()
    assert kept["by"] == "zhang"
    visit.post(f"/people/keys/{kept['id']}/end")
    assert keyed(house, key, "/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"title": "", "rights": ["read"]}, "哪个部门"),
        ({"title": "卫健委"}, "至少选一项权限"),
        ({"title": "卫健委", "rights": ["acknowledge"]}, "要指定分系统"),
        ({"title": "卫健委", "rights": ["read"], "until": "2020-01-01"}, "到期时间已过"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(shared: Desk, form: dict[str, Any], said: str):
    """The page says why."""
    answer = shared.enter("operator").post("/people/keys", **form)
    assert (answer.status_code, said in answer.text) == (409, True)


def test_everything_is_in_the_chain(house: Desk):
    """Each deed is a row that is sealed, with who did it; no secret stands in any."""
    visit = house.enter("operator", title="李四")
    secret = told(visit.post("/people/accounts", name="wang", roles=["viewer"]))
    key = told(visit.post("/people/keys", title="区卫健委", rights=["read"]))
    visit.post("/people/accounts/wang/close", why="试验")
    assert done(house) == ["account_made", "key_made", "account_closed"]
    with reading(house.ports.engine) as connection:
        kept = deeds.deeds(connection)
        assert verify(connection).whole
    assert {(one.by, one.title) for one in kept} == {("zhang", "李四")}
    assert secret not in repr(kept)
    assert key not in repr(kept)


@pytest.mark.parametrize("path", ["/people", "/api/v1/people", "/api/v1/people/deeds"])
def test_only_operators_see_who_there_is(house: Desk, path: str):
    """Every other role is refused."""
    roles = [role for role in Role if Right.OPERATE not in RIGHTS[role]]
    found = house.enter(*map(str, roles), name="li", subsystems=["health"])
    assert found.get(path).status_code == 403


def test_the_twin_tells_what_the_page_shows(house: Desk):
    """Accounts, keys and deeds, without any secret."""
    house.account("li", ["officer"], title="李四", subsystems=["health"], password=PASSWORD)
    found = house.enter("operator").get("/api/v1/people").json()
    names = {one["name"]: (one["title"], one["state"], one["subsystems"]) for one in found["accounts"]}
    assert names == {"li": ("李四", "open", ["health"]), "zhang": ("zhang", "open", [])}
    assert "argon2" not in str(found)


def test_too_many_at_once_are_told_to_wait(monkeypatch: pytest.MonkeyPatch):
    """Passwords are dear to look at: a few at once, and the others hear so instead of filling the memory."""
    doors = Doors(centre="command_centre")
    doors.turns.acquire()
    doors.turns.acquire()
    monkeypatch.setattr("pipeline.console.people.doors._PATIENCE_S", 0.01)
    with pytest.raises(Refused, match="too many are signing in"):
        doors.fits(None, "x")
