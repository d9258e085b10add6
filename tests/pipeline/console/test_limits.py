"""Nobody asks too often or too much: buckets of tokens, and bodies that end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests
from consoles import Desk, console_of
from fastapi import HTTPException
from stage import ALARM, instance, present, telling
from starlette.testclient import TestClient

from pipeline.console.app import make_app
from pipeline.console.limits import LONGER, MOST_BYTES, MOST_FIELDS, Gate, Kind, Rate
from pipeline.console.people.doors import COOKIE, csrf_of

RATE = {Kind.READ: Rate(burst=3, per_second=0.5), Kind.CHANGE: Rate(burst=1, per_second=1.0)}


class Seconds:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        """The present [s]."""
        return self.at


def admitted(gate: Gate, times: int, who: str = "a", kind: Kind = Kind.READ) -> int:
    """How many of so many requests are let through."""
    passed = 0
    for _ in range(times):
        with suppress(HTTPException):
            gate.admit(kind, who)
            passed += 1
    return passed


@pytest.mark.parametrize(("after", "more"), [(0.0, 0), (1.9, 0), (2.0, 1), (4.0, 2), (1000.0, 3)])
def test_a_bucket_fills_again_with_time(after: float, more: int):
    """At its rate, and never beyond its brim."""
    clock = Seconds()
    gate = Gate(RATE, clock)
    assert admitted(gate, 9) == 3
    clock.at = after
    assert admitted(gate, 9) == more


def test_who_is_refused_hears_when_to_come_again():
    """In whole seconds, which are enough."""
    clock = Seconds()
    gate = Gate(RATE, clock)
    admitted(gate, 3)
    with pytest.raises(HTTPException) as caught:
        gate.admit(Kind.READ, "a")
    assert (caught.value.status_code, caught.value.headers) == (429, {"Retry-After": "2"})
    clock.at = 2.0
    gate.admit(Kind.READ, "a")


def test_each_has_a_bucket_of_their_own_for_each_kind():
    """One who asks too often holds up nobody else, and is not kept from what is counted apart."""
    gate = Gate(RATE, Seconds())
    admitted(gate, 9)
    assert admitted(gate, 9, who="b") == 3
    assert admitted(gate, 9, kind=Kind.CHANGE) == 1


def test_a_flood_of_strangers_fills_no_memory():
    """Those not seen for longest are forgotten, the one at work is not."""
    gate = Gate(RATE, Seconds())
    for number in range(20_000):
        admitted(gate, 1, who=str(number))
        admitted(gate, 1, who="busy")
    assert len(gate) <= 4096
    assert admitted(gate, 1, who="busy") == 0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A console without weather."""
    with instance(tmp_path_factory.mktemp("limits"), telling(())) as ports, console_of(ports, ALARM) as desk:
        yield desk


FEW = dict.fromkeys(Kind, Rate(burst=4, per_second=0.5))


def browsers(desk: Desk, number: int) -> list[tuple[TestClient, dict[str, str]]]:
    """Operators at a console whose clock stands and that lets four requests through, each with a word."""
    app = make_app(desk.ports, lambda: ALARM, present, Gate(FEW, Seconds()))
    tokens = [desk.account("zhang", ["operator"]) for _ in range(number)]
    return [
        (TestClient(app, cookies={COOKIE: token}, follow_redirects=False), {"csrf": csrf_of(token)})
        for token in tokens
    ]


def test_passwords_are_tried_so_often_from_one_address(shared: Desk):
    """Whatever the accounts; pages are still shown there."""
    ((client, _),) = browsers(shared, 1)
    said = [client.post("/sign-in", data={"name": str(number)}) for number in range(6)]
    assert [answer.status_code for answer in said] == [401] * 4 + [429] * 2
    assert said[-1].headers["Retry-After"] == "2"
    assert client.get("/sign-in?next=/").status_code == 303


@pytest.mark.parametrize(
    ("method", "path", "passed"),
    [("POST", "/people/accounts/zhang/unlock", 303), ("GET", "/api/v1/me", 200)],
)
def test_a_session_asks_so_often(shared: Desk, method: str, path: str, passed: int):
    """Changes and the API are counted; another session of the same account goes on, and pages do."""
    (client, word), (other, own) = browsers(shared, 2)
    said = [client.request(method, path, data=word).status_code for _ in range(6)]
    assert said == [passed] * 4 + [429] * 2
    assert other.request(method, path, data=own).status_code == passed
    assert [client.get("/people").status_code for _ in range(6)] == [200] * 6


def test_strangers_are_counted_by_where_they_come_from(shared: Desk):
    """Whatever cookie they make up: nobody tries tokens or keys without end."""
    ((client, _),) = browsers(shared, 1)
    said = [
        client.get("/api/v1/me", headers={"Authorization": f"Bearer fsk_{number}"}).status_code
        for number in range(6)
    ]
    assert said == [401] * 4 + [429] * 2


def test_behind_a_proxy_each_address_is_its_own(shared: Desk):
    """What a proxy on this machine says of where somebody is counts: one does not hold up the others."""
    address = f"{shared.url}/sign-in/service"
    said = {
        place: [
            requests.get(address, timeout=20, headers={"X-Forwarded-For": place}).status_code
            for _ in range(times)
        ]
        for place, times in (("10.0.0.1", 40), ("10.0.0.2", 1))
    }
    assert 429 in said["10.0.0.1"]
    assert said["10.0.0.2"] == [404]


@pytest.mark.parametrize(
    "path", ["/sign-in", "/people/accounts", "/api/v1/people/accounts", "/ack/x", "/none"]
)
def test_a_body_has_an_end(shared: Desk, path: str):
    """What says it is too long is not kept; the answer says how much may come."""
    answer = requests.post(shared.url + path, data=b"x" * (MOST_BYTES + 1), timeout=20)
    assert (answer.status_code, f"{MOST_BYTES // 1000} kB" in answer.json()["detail"]) == (413, True)


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/json"])
def test_a_body_that_does_not_say_how_long_it_is_has_an_end_too(shared: Desk, kind: str):
    """Counted piece by piece."""
    pieces = (b"x" * 10_000 for _ in range(MOST_BYTES // 10_000 + 2))
    visit = shared.enter("operator")
    headers = {"Content-Type": kind, "Accept": "application/json"}
    path = "/people/accounts" if "form" in kind else "/api/v1/people/accounts"
    answer = visit.session.post(shared.url + path, data=pieces, headers=headers, timeout=20)
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/damage", "/api/v1/damage"])
def test_a_photo_may_be_longer(shared: Desk, path: str):
    """Up to its own limit: it is refused for want of a session, not of room."""
    for extra, status in ((-1000, 401), (1000, 413), (20_000_000, 413)):
        body = b"x" * (LONGER[path] + extra)
        kind = {"Content-Type": "image/jpeg"}
        answer = requests.post(shared.url + path, data=body, timeout=20, headers=kind)
        assert answer.status_code == status


@pytest.mark.parametrize("length", ["-1", "many", "1e3"])
def test_a_length_that_is_no_number_is_refused(shared: Desk, length: str):
    """Nothing is read on the strength of it."""
    answer = requests.post(
        f"{shared.url}/sign-in", data=b"", headers={"Content-Length": length}, timeout=20
    )
    assert answer.status_code in (400, 413)


def test_a_form_has_so_many_fields(shared: Desk):
    """One with thousands is refused while it is read."""
    form = [(f"field{number}", "x") for number in range(MOST_FIELDS + 1)]
    assert requests.post(f"{shared.url}/sign-in", data=form, timeout=20).status_code == 400
