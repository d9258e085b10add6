"""`fengsui account` and `fengsui key`: who may come in, by the database of an instance."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result
from consoles import console_of
from stage import ALARM, instance, place, present, telling

from alerts.record import accounts, deeds
from alerts.record.accounts import Account
from alerts.record.verify import verify
from ingest.database import open_engine, reading
from pipeline.cli import main
from pipeline.console.people.doors import Doors
from pipeline.console.people.first import first_account

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A command on an instance that has run, with its exit code."""
    with instance(tmp_path, telling(())):
        pass

    def call(*words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(main, ["--data", str(tmp_path), *words])
        assert done.exit_code == code, done.output
        return done

    return call


@pytest.fixture(scope="module")
def one_operator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an instance with one account, zhang, an operator."""
    folder = tmp_path_factory.mktemp("one")
    with instance(folder, telling(())) as ports:
        first_account(ports, ALARM, name="zhang")
    return folder


def add(run: Run, name: str = "zhang", *more: str) -> str:
    """Make an operator; the password."""
    done = run("account", "add", name, "--role", "operator", "--by", "李四", *more)
    return done.stdout.strip().rpartition("：")[2]


def found(folder: Path, name: str = "zhang") -> Account:
    """An account as it is kept."""
    engine = open_engine(place(folder).database)
    try:
        with reading(engine) as connection:
            known = accounts.find(connection, name)
    finally:
        engine.dispose()
    assert known is not None
    return known


def test_an_account_is_made_with_a_password_told_once(run: Run, tmp_path: Path):
    """On standard output alone, so that it can be handed on; it fits, and must be changed."""
    password = add(run, "zhang", "--title", "张三")
    made = found(tmp_path)
    assert (made.title, made.roles, made.changing) == ("张三", ("operator",), True)
    assert Doors(centre="command_centre").fits(made, password)


def test_a_new_password_replaces_the_old_one(run: Run, tmp_path: Path):
    """Both are told once."""
    old = add(run)
    new = run("account", "password", "zhang", "--by", "李四").stdout.strip().rpartition("：")[2]
    doors, made = Doors(centre="command_centre"), found(tmp_path)
    assert (doors.fits(made, old), doors.fits(made, new)) == (False, True)


def test_roles_change_and_accounts_close_and_open(run: Run, tmp_path: Path):
    """Each command does what it is called."""
    add(run)
    add(run, "li")
    run("account", "roles", "zhang", "--role", "officer", "--subsystem", "health", "--by", "李四")
    assert (found(tmp_path).roles, found(tmp_path).subsystems) == (("officer",), ("health",))
    run("account", "close", "zhang", "--why", "调离", "--by", "李四")
    assert found(tmp_path).closed_at is not None
    run("account", "close", "zhang", "--reopen", "--by", "李四")
    assert found(tmp_path).closed_at is None
    run("account", "unlock", "zhang", "--by", "李四")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("account", "close", "zhang"), "最后一个运维账号"),
        (("account", "roles", "zhang", "--role", "viewer"), "最后一个运维账号"),
        (("account", "password", "nobody"), "没有账号"),
        (("account", "add", "zhang", "--role", "viewer"), "已存在"),
        (("account", "add", "wang", "--role", "officer"), "要有分系统"),
        (("account", "add", "wang", "--role", "officer", "--subsystem", "x"), "没有分系统"),
        (("account", "add", "wang", "--role", "approver", "--person", "x"), "routes.yaml"),
        (("key", "add", "卫健委", "--right", "rule"), "没有权限"),
        (("key", "add", "卫健委", "--right", "report"), "要指定分系统"),
        (("key", "add", "卫健委", "--right", "read", "--until", "2020-01-01T00:00+08:00"), "到期时间已过"),
        (("key", "end", "nothing"), "没有在用的密钥"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(one_operator: Path, words: tuple[str, ...], said: str):
    """Nothing is kept of it."""
    done = CliRunner().invoke(main, ["--data", str(one_operator), *words, "--by", "李四"])
    assert done.exit_code in (1, 2)
    assert said in done.output


def test_lists_are_for_people_and_for_programs(run: Run):
    """Without any secret."""
    assert "no accounts yet" in run("account", "list").stdout
    assert "no keys yet" in run("key", "list").stdout
    add(run)
    run("key", "add", "区卫健委", "--right", "read", "--by", "李四")
    assert "待换口令" in run("account", "list").stdout
    assert "区卫健委" in run("key", "list").stdout
    (one,) = json.loads(run("account", "list", "--json").stdout)
    (key,) = json.loads(run("key", "list", "--json").stdout)
    assert (one["name"], one["roles"], one["state"]) == ("zhang", ["operator"], "changing")
    assert (key["title"], key["rights"], key["state"]) == ("区卫健委", ["read"], "works")
    assert not {"hash", "secret"} & {*one, *key}


def test_a_key_works_until_it_is_ended(run: Run, tmp_path: Path):
    """At the console of the same instance."""
    line = run("key", "add", "区卫健委", "--right", "read", "--by", "李四").stdout.strip()
    name, whole = line.split("：")[0].split()[-1], line.rpartition("：")[2]
    with instance(tmp_path, telling(())) as ports, console_of(ports, ALARM) as desk:
        headers = {"Authorization": f"Bearer {whole}"}
        assert requests.get(f"{desk.url}/api/v1/me", headers=headers, timeout=20).status_code == 200
        run("key", "end", name, "--by", "李四")
        assert requests.get(f"{desk.url}/api/v1/me", headers=headers, timeout=20).status_code == 401


def test_everything_is_in_the_chain(run: Run, tmp_path: Path):
    """With who said at the command line that they did it."""
    password = add(run)
    add(run, "li")
    run("account", "close", "zhang", "--why", "调离", "--by", "王五")
    engine = open_engine(place(tmp_path).database)
    try:
        with reading(engine) as connection:
            kept = deeds.deeds(connection)
            assert verify(connection).whole
    finally:
        engine.dispose()
    assert [(one.by, one.title, one.what) for one in kept][:1] == [("cli", "王五", "account_closed")]
    assert password not in repr(kept)
    assert all(abs(one.at - present()).total_seconds() < 600 for one in kept)


def test_a_command_needs_an_instance(tmp_path: Path):
    """Where none has run, it says how to start one."""
    done = CliRunner().invoke(main, ["--data", str(tmp_path / "none"), "account", "list"])
    assert done.exit_code == 1
    assert "fengsui run" in done.output
