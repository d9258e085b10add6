"""The API and every way in as a whole: found by walking the routes, so that a new one is held to the same."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from consoles import Desk
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from forms import forms_of, paths_of
from stage import ALARM, alarmed, present, tokens
from starlette.testclient import TestClient

from alerts.record import accounts, keys, store
from alerts.record.keys import Key
from ingest.database import reading, writing
from pipeline.console.app import OPENAPI, make_app
from pipeline.console.limits import RATES, Gate, Rate
from pipeline.console.people.doors import COOKIE, csrf_of
from pipeline.console.people.visitor import Right, Role
from pipeline.daemon import SimulatedClock
from pipeline.ports import Ports

LINKS = ("/ack/", "/approve/", "/inbound/")
"""Ways in that carry a secret of their own."""
OPEN = {"/sign-in", "/sign-in/service", "/sign-in/service/back", "/health", OPENAPI, "/damage/worker.js"}
"""Ways in for whoever comes: none of them tells or changes anything of the district."""
OWN = {"/sign-out", "/password"}
"""What everybody may do with their own session."""
ENDLESS = {"/stream"}
"""Answers that do not end by themselves."""
GENEROUS = dict.fromkeys(RATES, Rate(burst=1_000_000, per_second=1_000.0))


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """An instance with an open red."""
    with alarmed(tmp_path_factory.mktemp("api")) as found:
        yield found


@pytest.fixture(scope="module")
def app(ports: Ports) -> FastAPI:
    """Its application, which counts nobody out."""
    return make_app(ports, lambda: ALARM, present, Gate(GENEROUS))


@pytest.fixture(scope="module")
def desk(ports: Ports) -> Desk:
    """Makes accounts in it."""
    return Desk(ports=ports, clock=SimulatedClock(ALARM), url="http://testserver")


def entered(app: FastAPI, desk: Desk, name: str, roles: list[str]) -> tuple[TestClient, dict[str, str]]:
    """Somebody of these roles, and the header that their changes must bring."""
    token = desk.account(name, roles, subsystems=["health"], person="health_duty_a")
    client = TestClient(app, cookies={COOKIE: token}, follow_redirects=False, raise_server_exceptions=True)
    return client, {"X-CSRF": csrf_of(token)}


@pytest.fixture(scope="module")
def anybody(app: FastAPI) -> TestClient:
    """Somebody from the street."""
    return TestClient(app, follow_redirects=False)


def ways(app: FastAPI, *, changing: bool) -> list[tuple[str, str]]:
    """Method and address of every way in that needs somebody known, its parameters filled."""
    found = []
    for one in iter_route_contexts(app.routes):
        path = str(one.path)
        if path.startswith((*LINKS, "/static")) or path in OPEN:
            continue
        methods = sorted(set(one.methods or ()) - {"HEAD"})
        found += [(method, filled(path)) for method in methods if (method != "GET") is changing]
    return found


def filled(path: str) -> str:
    """An address whose parameters are something."""
    parts = (("1" if part.startswith("{") else part) for part in path.split("/"))
    return "/".join(parts)


def answers(client: TestClient, found: list[tuple[str, str]], **headers: str) -> dict[str, int]:
    """What each way in answers; bodies are empty, for who may not come in is refused before they count."""
    return {
        f"{method} {path}": client.request(method, path, headers=headers).status_code
        for method, path in found
    }


def test_no_change_is_made_for_somebody_unknown(app: FastAPI, anybody: TestClient):
    """Every way in that changes something, of whatever room: 401; to sign out is to be sent to sign in."""
    found = answers(anybody, ways(app, changing=True))
    assert len(found) > 25
    assert {way: status for way, status in found.items() if status != 401} == {"POST /sign-out": 303}


def test_no_change_is_made_without_the_right(app: FastAPI, desk: Desk):
    """Somebody who is in but may do nothing is refused everywhere but at home."""
    client, csrf = entered(app, desk, "nothing", [])
    found = answers(client, [way for way in ways(app, changing=True) if way[1] not in OWN], **csrf)
    assert {way: status for way, status in found.items() if status != 403} == {}


def test_no_change_is_made_without_the_word_of_the_session(app: FastAPI, desk: Desk):
    """Whoever may do everything is refused too where another site could have sent it."""
    client, _ = entered(app, desk, "forged", [str(role) for role in Role])
    found = answers(client, ways(app, changing=True))
    assert {way: status for way, status in found.items() if status != 403} == {}
    assert client.get("/api/v1/me").status_code == 200


def test_nothing_is_read_by_somebody_unknown(app: FastAPI, anybody: TestClient):
    """Programs hear 401, people are sent to sign in and on from there."""
    found = answers(anybody, ways(app, changing=False))
    assert {way: status for way, status in found.items() if status != 401} == {}
    answer = anybody.get("/duty?x=1", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fduty%3Fx%3D1")


def test_nothing_is_read_without_the_right(app: FastAPI, desk: Desk):
    """But who one is, and the form for one's password."""
    client, _ = entered(app, desk, "nothing", [])
    own = {"/api/v1/me", "/password"}
    found = answers(client, [way for way in ways(app, changing=False) if way[1] not in own])
    assert {way: status for way, status in found.items() if status != 403} == {}


def test_a_password_of_somebody_else_opens_nothing(app: FastAPI, desk: Desk):
    """It must be changed first, whatever the roles."""
    client, csrf = entered(app, desk, "fresh", [str(role) for role in Role])
    with writing(desk.ports.engine) as connection:
        accounts.change(connection, "fresh", {"changing": True})
    both = ways(app, changing=True) + ways(app, changing=False)
    found = answers(client, [way for way in both if way[1] not in OWN], **csrf)
    assert set(found.values()) == {403}


def test_a_session_that_is_over_opens_nothing(ports: Ports, desk: Desk):
    """Half a day after it was last used, and a week after it began in any case."""
    token = desk.account("late", ["viewer"])
    for after, status in ((timedelta(hours=11), 200), (timedelta(hours=24), 401), (timedelta(days=8), 401)):
        late = make_app(ports, lambda: ALARM, SimulatedClock(present() + after).now)
        assert TestClient(late, cookies={COOKIE: token}).get("/api/v1/me").status_code == status


@pytest.fixture(scope="module")
def key(ports: Ports) -> str:
    """A key that may do everything."""
    public, whole, digest = keys.make()
    rights = tuple(str(right) for right in Right)
    own: dict[str, Any] = {"title": "x", "subsystems": ("health",), "by": "x", "made_at": ALARM}
    made = Key(id=public, hash=digest, rights=rights, **own)
    with writing(ports.engine) as connection:
        keys.add(connection, made)
    return whole


POLICY = ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'")


def test_every_answer_keeps_browsers_safe(app: FastAPI, desk: Desk, anybody: TestClient):
    """The policy is strict on pages, refusals and files: no inline script, no frame, nothing foreign."""
    client, _ = entered(app, desk, "reader", [str(role) for role in Role])
    paths = [path for _, path in ways(app, changing=False) if path not in ENDLESS]
    asked = [client.get(path) for path in (*paths, *OPEN, "/static/console.css", "/nowhere")]
    asked += [anybody.get("/duty"), anybody.post("/sign-in", content=b"x" * 300_000)]
    for answer in asked:
        policy = answer.headers["content-security-policy"]
        assert all(part in policy for part in POLICY), answer.url
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.status_code < 500, answer.url


@pytest.mark.parametrize("secure", [True, False])
def test_cookies_are_for_this_site_alone(ports: Ports, desk: Desk, secure: bool):
    """Over https they never leave in the clear."""
    desk.account("cookie", ["viewer"], password="a-good-long-one")
    address = "https://fengsui.example.gov.cn" if secure else "http://127.0.0.1:8480"
    app = make_app(with_address(ports, address), lambda: ALARM, present)
    answer = TestClient(app, follow_redirects=False).post(
        "/sign-in", data={"name": "cookie", "password": "a-good-long-one"}
    )
    parts = set(answer.headers["set-cookie"].split("; "))
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= parts
    assert ("Secure" in parts) is secure


def with_address(ports: Ports, address: str) -> Ports:
    """The instance, reached by another address."""
    service = replace(ports.config.service, public_url=address)
    return replace(ports, config=replace(ports.config, service=service))


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of what the API can do."""
    for path, item in app.openapi()["paths"].items():
        if path.startswith("/api/"):
            yield from ((method, path, told) for method, told in item.items())


def test_the_description_says_who_may_call(app: FastAPI, anybody: TestClient):
    """Each operation has a summary, an answer that is described, and the ways to prove who asks."""
    assert anybody.get(OPENAPI).json() == app.openapi()
    for method, path, told in operations(app):
        assert told["summary"], path
        own: dict[str, list[str]] = {"session": []} if method == "get" else {"session": [], "csrf": []}
        assert told["security"] == [{"key": []}, own], path
        assert {"401", "403", "422", "429"} <= set(told["responses"]), path


def test_the_description_leaves_nothing_out(app: FastAPI):
    """Every way in for programs stands in it, with its room."""
    served = {
        (method.lower(), str(one.path))
        for one in iter_route_contexts(app.routes)
        for method in one.methods or ()
        if str(one.path).startswith("/api/") and one.path != OPENAPI
    }
    assert {(method, path) for method, path, _ in operations(app)} == served
    assert all(told["tags"] for _, _, told in operations(app))


def test_nothing_that_fits_the_description_breaks_the_house(app: FastAPI, key: str):
    """Made-up requests of every operation, the same at every run: none of them ends in a 500."""
    headers, statuses = {"Authorization": f"Bearer {key}"}, set[int]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = schemathesis.openapi.from_asgi(OPENAPI, app, headers=headers)
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.path.startswith("/api/"):
                tried(operation, headers, statuses)
    assert {200, 422} <= statuses


def tried(operation: Any, headers: dict[str, str], statuses: set[int]) -> None:
    """Some examples of an operation, and what they are answered."""

    @hypothesis.seed(7)
    @hypothesis.settings(
        max_examples=4, deadline=None, database=None, derandomize=False,
        suppress_health_check=list(hypothesis.HealthCheck), phases=[hypothesis.Phase.generate],
    )  # fmt: skip
    @hypothesis.given(case=operation.as_strategy())
    def try_one(case: Any) -> None:
        answer = case.call(headers=headers)
        statuses.add(answer.status_code)
        assert answer.status_code < 500, f"{case.method} {case.formatted_path} {case.body!r}"

    try_one()


PAYLOAD = "\"><i id=pwn>';--"


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Ports]:
    """An instance of its own, for what changes it."""
    with alarmed(tmp_path) as found:
        yield found


def test_what_people_write_stays_text(alone: Ports):
    """Every form of every page, its fields filled with marks of HTML and SQL: all of it is shown as text.

    Pages and forms are found by following the links of the menu, so that those of a new room are tried too.
    """
    app = make_app(alone, lambda: ALARM, present, Gate(GENEROUS))
    desk = Desk(ports=alone, clock=SimulatedClock(ALARM), url="http://testserver")
    client, _ = entered(app, desk, "writer", [str(role) for role in Role])
    client.headers["Accept"] = "text/html"
    pages = crawled(client)
    forms = {form.action: form for page in pages.values() for form in forms_of(page)}
    sent = [client.post(path, data=form.filled(PAYLOAD)) for path, form in forms.items() if path not in OWN]
    assert len(sent) >= 5
    assert all(answer.status_code < 500 for answer in sent)
    texts = [answer.text for answer in sent] + [client.get(path).text for path in pages]
    assert not [text for text in texts if "<i id=pwn>" in text]
    assert any("&lt;i id=pwn&gt;" in text for text in texts)
    with reading(alone.engine) as connection:
        assert accounts.find(connection, "writer") is not None


def crawled(client: TestClient) -> dict[str, str]:
    """Pages that can be reached from the first one, and from there; one of each sort is enough."""
    known, texts = ["/", "/people"], dict[str, str]()
    for path in known:
        answer = client.get(path)
        if answer.headers.get("content-type", "").startswith("text/html"):
            texts[path] = answer.text
            plain = [link.partition("?")[0] for link in paths_of(answer.text)]
            links = [link for link in dict.fromkeys(plain) if link not in ENDLESS and "." not in link]
            known += [link for link in links if link not in known and len(known) < 25]
    return texts


# --- links of text messages ---------------------------------------------------------------------------------


def test_a_link_needs_no_session_and_gives_none(ports: Ports, anybody: TestClient):
    """It opens one call, and nothing else of the console."""
    token = tokens(ports)["health"]
    answer = anybody.get(f"/ack/{token}", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers.get("set-cookie")) == (200, None)
    assert anybody.get("/api/v1/me").status_code == 401
    assert not [path for path in paths_of(answer.text) if not path.startswith(("/ack/", "/static/"))]


def test_a_link_acts_when_it_is_pressed_and_not_when_it_is_opened(alone: Ports):
    """What looks ahead at links in messages acknowledges nothing."""
    token = tokens(alone)["health"]
    anybody = TestClient(make_app(alone, lambda: ALARM, present))
    for method in ("GET", "HEAD", "OPTIONS"):
        anybody.request(method, f"/ack/{token}")
        anybody.request(method, f"/ack/{token}/all")
    assert acknowledged(alone) == []
    assert anybody.post(f"/ack/{token}", data={"name": "王五"}).status_code == 200
    assert acknowledged(alone) == [("health", "王五")]


def acknowledged(ports: Ports) -> list[tuple[str, str]]:
    """Who has acknowledged for whom so far."""
    with reading(ports.engine) as connection:
        return [(call.subsystem, call.by) for call in store.calls(connection) if call.by]
