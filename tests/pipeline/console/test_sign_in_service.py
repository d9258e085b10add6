"""Signing in through a service of the district: a provider on loopback, and what it may not get away with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from consoles import Desk, console_of
from simulators.identity import CLIENT, SECRET, Identity
from stage import ALARM, instance, telling

from alerts.record import accounts, deeds
from ingest.database import reading, writing
from ingest.errors import ConfigMistake
from ingest.secret import Secret
from pipeline.config import default_folder, load
from pipeline.configuration.sign_in import Grant, SignIn
from pipeline.console.people.doors import COOKIE
from pipeline.console.people.visitor import Role

PLACES = count(1)
OFFICER = Grant(group="duty", role=Role.OFFICER, subsystem="health")


@pytest.fixture(scope="module")
def provider() -> Iterator[Identity]:
    """One service for all: its keys take long to make."""
    with Identity() as found:
        yield found


@pytest.fixture
def identity(provider: Identity) -> Identity:
    """The service, as it should be."""
    provider.claims = {"sub": "1", "preferred_username": "zhang", "name": "张三", "groups": ["duty"]}
    provider.spoil = {}
    provider.asked.clear()
    return provider


@contextmanager
def served(folder: Path, identity: Identity, **keys: Any) -> Iterator[Desk]:
    """A console that trusts the service."""
    secret = folder / "oidc.secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    usual = {
        "issuer": identity.issuer, "client_id": CLIENT, "client_secret": Secret(file=str(secret)),
        "grants": (OFFICER,),
    }  # fmt: skip
    config = telling(())
    config = replace(config, service=replace(config.service, sign_in=SignIn(**(usual | keys))))
    with instance(folder, config) as ports, console_of(ports, ALARM) as desk:
        yield desk


@pytest.fixture
def desk(tmp_path: Path, identity: Identity) -> Iterator[Desk]:
    """A console that lets the group on duty in."""
    with served(tmp_path, identity) as found:
        yield found


@pytest.fixture(scope="module")
def wary(tmp_path_factory: pytest.TempPathFactory, provider: Identity) -> Iterator[Desk]:
    """The same, for all who are not let in."""
    with served(tmp_path_factory.mktemp("wary"), provider) as found:
        yield found


def walk(desk: Desk, identity: Identity, session: requests.Session | None = None) -> requests.Response:
    """What a browser does: to the service, in there, and back here."""
    session = session or requests.Session()
    # Each from somewhere else, as a proxy on this machine tells it: many from one place would be held up.
    session.headers.update({"Accept": "text/html", "X-Forwarded-For": f"10.0.0.{next(PLACES)}"})
    away = session.get(f"{desk.url}/sign-in/service?next=/duty", timeout=20, allow_redirects=False)
    if away.status_code != 303:
        return away
    back = identity.approve(away.headers["Location"])
    home = desk.url + back.removeprefix("http://127.0.0.1:8480")
    return session.get(home, timeout=20, allow_redirects=False)


def who(desk: Desk, answer: requests.Response) -> dict[str, Any]:
    """Who somebody is after signing in."""
    assert answer.status_code == 200, answer.text
    cookies = {COOKIE: answer.cookies[COOKIE]}
    return dict(requests.get(f"{desk.url}/api/v1/me", cookies=cookies, timeout=20).json())


def test_somebody_the_service_knows_comes_in(desk: Desk, identity: Identity):
    """As what their group is here; the account is named after them there, and the record knows the way."""
    found = who(desk, walk(desk, identity))
    assert (found["account"], found["title"], found["subsystems"]) == ("zhang@127.0.0.1", "张三", ["health"])
    with reading(desk.ports.engine) as connection:
        (kept,) = deeds.deeds(connection)
    assert (kept.what, kept.detail) == ("sign_in", {"via": identity.issuer})


def test_the_page_goes_on_by_itself_without_a_script(desk: Desk, identity: Identity):
    """A redirect from another site would leave the strict cookie at home."""
    answer = walk(desk, identity)
    assert '<meta http-equiv="refresh" content="0;url=/duty">' in answer.text
    assert "SameSite=strict" in answer.headers["Set-Cookie"]


def test_who_comes_again_is_the_same(desk: Desk, identity: Identity):
    """By the subject, though the name there has changed."""
    first = who(desk, walk(desk, identity))
    identity.claims["preferred_username"] = "zhang.san"
    assert who(desk, walk(desk, identity))["account"] == first["account"]


def test_an_account_made_here_belongs_to_nobody_there(desk: Desk, identity: Identity):
    """Who calls himself as the operator does gets no account of hers; nor does a second of one name."""
    desk.account("zhang", ["operator"])
    desk.account("zhang@127.0.0.1", ["operator"])
    found = who(desk, walk(desk, identity))
    assert found["account"].startswith("zhang-")
    assert "operate" not in found["rights"]


def test_what_a_group_grants_is_taken_with_it(desk: Desk, identity: Identity):
    """Who left the group is refused at the next sign-in."""
    assert walk(desk, identity).status_code == 200
    identity.claims["groups"] = []
    answer = walk(desk, identity)
    assert (answer.status_code, "不在可以进入的分组里" in answer.text) == (403, True)


def test_a_closed_account_stays_closed(desk: Desk, identity: Identity):
    """Whatever the service says."""
    walk(desk, identity)
    with writing(desk.ports.engine) as connection:
        accounts.change(connection, "zhang@127.0.0.1", {"closed_at": ALARM})
    assert walk(desk, identity).status_code == 403


WRONG: dict[str, dict[str, Any]] = {
    "signed by somebody else": {"foreign": True},
    "not signed": {"header": {"alg": "none"}},
    "for another client": {"claims": {"aud": "other"}},
    "from another issuer": {"claims": {"iss": "http://127.0.0.1:1"}},
    "too old": {"claims": {"exp": 1_000_000_000}},
    "of another sign-in": {"claims": {"nonce": "other"}},
    "without a nonce": {"claims": {"nonce": None}},
    "about nobody": {"claims": {"sub": None}},
    "no token": {"token": (200, {"access_token": "a", "token_type": "Bearer"})},
    "a refusal": {"token": (400, {"error": "invalid_grant"})},
    "an outage": {"token": (503, {})},
    "a list": {"token": (200, [])},
    "another state": {"back": {"state": "other"}},
    "sent by another service": {"back": {"iss": "https://evil.example"}},
    "a code it never gave": {"back": {"code": "other"}},
    "another name": {"discovery": {"issuer": "https://evil.example"}},
    "without keys": {"discovery": {"jwks_uri": None}},
}


@pytest.mark.parametrize("how", WRONG)
def test_what_proves_nothing_lets_nobody_in(wary: Desk, identity: Identity, how: str):
    """The page says so in a sentence, without any secret; there is no session and no account."""
    identity.spoil = WRONG[how]
    answer = walk(wary, identity)
    assert answer.status_code == 502
    assert COOKIE not in answer.cookies
    assert SECRET not in answer.text
    with reading(wary.ports.engine) as connection:
        assert accounts.number(connection) == 0


def test_an_answer_belongs_to_the_browser_that_asked(wary: Desk, identity: Identity):
    """Somebody else's link signs nobody in as them."""
    away = requests.get(f"{wary.url}/sign-in/service", timeout=20, allow_redirects=False)
    back = identity.approve(away.headers["Location"]).removeprefix("http://127.0.0.1:8480")
    assert requests.get(wary.url + back, timeout=20).status_code == 502


def test_the_code_is_bound_to_who_asked(desk: Desk, identity: Identity):
    """PKCE: the verifier goes with the code, and the secret in the header alone."""
    walk(desk, identity)
    (form,) = identity.asked
    assert len(form["code_verifier"]) >= 43
    assert SECRET not in str(form)


def test_a_silent_service_leaves_the_passwords(tmp_path: Path, identity: Identity):
    """The page to sign in says so, and works."""
    with served(tmp_path, identity, issuer="http://127.0.0.1:9/realm") as desk:
        answer = walk(desk, identity)
    assert (answer.status_code, 'name="password"' in answer.text) == (502, True)


def test_without_a_service_there_is_no_such_way(tmp_path: Path):
    """Neither a button nor an address."""
    with instance(tmp_path, telling(())) as ports, console_of(ports, ALARM) as desk:
        assert "/sign-in/service" not in requests.get(f"{desk.url}/sign-in", timeout=20).text
        assert requests.get(f"{desk.url}/sign-in/service", timeout=20).status_code == 404


# --- every key has an effect (trap 2) -----------------------------------------------------------------------


def outcome(folder: Path, identity: Identity, **keys: Any) -> object:
    """What is seen of a sign-in: the button, the address of the service, the answer, who came in as what."""
    with served(folder, identity, **keys) as desk:
        page = requests.get(f"{desk.url}/sign-in", timeout=20).text
        button = page.partition("/sign-in/service?next=")[2].partition("</a>")[0]
        answer = walk(desk, identity)
        with reading(desk.ports.engine) as connection:
            found = [(one.name, one.roles, one.subsystems) for one in accounts.everybody(connection)]
    return button, answer.status_code, found


VIEWER = Grant(group="duty", role=Role.VIEWER)
PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "issuer": ({}, {"issuer": "http://127.0.0.1:9"}),
    "client_id": ({}, {"client_id": "other"}),
    "client_secret": ({}, {"client_secret": None}),
    "label": ({}, {"label": "渝快政"}),
    "account": ({}, {"account": "email"}),
    "groups": ({}, {"groups": "departments"}),
    "grants": ({}, {"grants": ()}),
    "unknown": ({"grants": ()}, {"grants": (), "unknown": "viewer"}),
    "group": ({}, {"grants": (replace(OFFICER, group="other"),)}),
    "role": ({"grants": (VIEWER,)}, {"grants": (replace(VIEWER, role=Role.FORECASTER),)}),
    "subsystem": ({}, {"grants": (replace(OFFICER, subsystem="traffic"),)}),
}


@pytest.mark.parametrize("key", PAIRS)
def test_trap_02_a_key_of_the_service_has_an_effect(tmp_path: Path, identity: Identity, key: str):
    """One key is changed and nothing else; the same sign-in then looks different."""
    identity.claims["email"] = "zhang.san"
    one, other = PAIRS[key]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert outcome(tmp_path / "a", identity, **one) != outcome(tmp_path / "b", identity, **other)


def test_trap_02_every_key_of_the_service_is_in_the_table():
    """A new key without an entry fails."""
    assert {item.name for kind in (SignIn, Grant) for item in fields(kind)} == set(PAIRS)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"issuer": "http://id.example.gov.cn"}, "must be reached over https"),
        ({"issuer": "id.example.gov.cn"}, "write it such as"),
        ({"grants": [{"group": "duty", "role": "officer"}]}, "a duty officer needs a subsystem"),
        ({"grants": [{"group": "duty", "role": "officer", "subsystem": "helth"}]}, 'did you mean "health"?'),
        ({"grants": [{"group": "duty", "role": "boss"}]}, "role"),
        ({"client_secret": "plain"}, "client_secret"),
        ({"grants": [], "unknown": "refuse"}, "nobody would be let in"),
    ],
)
def test_a_mistake_in_the_keys_is_named(tmp_path: Path, keys: dict[str, Any], said: str):
    """With the file and the remedy."""
    folder = tmp_path / "config"
    shutil.copytree(default_folder(), folder)
    block = {"issuer": "https://id.example.gov.cn", "client_id": "fengsui", "unknown": "viewer"} | keys
    with (folder / "service.yaml").open("a", encoding="utf-8") as stream:
        stream.write(yaml.safe_dump({"sign_in": block}))
    with pytest.raises(ConfigMistake, match=r"service\.yaml") as caught:
        load(folder)
    assert said in str(caught.value)
