"""A new instance makes one account, tells its password to a person, and listens to this machine alone."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from consoles import console_of
from stage import ALARM, actions, district, instance, telling

from alerts.record import accounts, deeds
from ingest.database import reading
from pipeline.check import loopback, unguarded
from pipeline.commands.run import greet
from pipeline.config import Config
from pipeline.console.people.first import FIRST, OPERATOR, first_account
from pipeline.console.people.visitor import Role

NAMED = re.compile(r"口令 password: (\S+)")


def test_the_first_account_makes_all_others(tmp_path: Path):
    """Its password is kept nowhere, must be changed, and is made once."""
    with instance(tmp_path, telling(())) as ports:
        password = first_account(ports, ALARM)
        assert first_account(ports, ALARM) is None
        with reading(ports.engine) as connection:
            (made,) = accounts.everybody(connection)
            (kept,) = deeds.deeds(connection)
    assert (made.name, made.roles, made.changing) == (OPERATOR, tuple(map(str, FIRST)), True)
    assert password is not None
    assert password not in repr((made, kept))
    assert password.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("fengsui.db*"))


def test_a_demonstration_makes_one_that_may_do_everything(tmp_path: Path):
    """Without a change of password; an officer of the command centre acts for every subsystem."""
    with instance(tmp_path, telling(())) as ports:
        first_account(ports, ALARM, name="demo", roles=tuple(Role), changing=False)
        with reading(ports.engine) as connection:
            (made,) = accounts.everybody(connection)
    assert (made.name, made.subsystems, made.changing) == ("demo", ("command_centre",), False)


def test_who_starts_it_is_told_the_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Once, on standard error; it opens the form for a password of one's own and nothing else."""
    with instance(tmp_path, telling(())) as ports, console_of(ports, ALARM) as desk:
        greet(ports, ALARM, spoken=True)
        told = capsys.readouterr()
        greet(ports, ALARM, spoken=True)
        assert capsys.readouterr() == ("", "")
        form = {"name": OPERATOR, "password": NAMED.findall(told.err)[0]}
        answer = requests.post(f"{desk.url}/sign-in", data=form, timeout=20, allow_redirects=False)
        opened = {
            path: requests.get(desk.url + path, cookies=answer.cookies, timeout=20).status_code
            for path in ("/people", "/api/v1/me", "/password")
        }
    assert told.out == ""
    assert opened == {"/people": 403, "/api/v1/me": 403, "/password": 200}


def test_a_log_for_machines_never_holds_the_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    """It says how to get one instead."""
    with instance(tmp_path, telling(())) as ports:
        greet(ports, ALARM, spoken=False)
    assert "fengsui account password operator" in caplog.text
    assert actions(caplog.records) == ["first_account"]
    assert "password:" not in caplog.text + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("listen", "alone"),
    [
        ("127.0.0.1:8480", True), ("127.8.0.1:1", True), ("localhost:8480", True), ("[::1]:8480", True),
        ("0.0.0.0:8480", False), ("10.0.0.5:8480", False), ("[::]:8480", False), ("127.example.org:1", False),
    ],
)  # fmt: skip
def test_an_address_is_of_this_machine_or_not(listen: str, alone: bool):
    """By its host."""
    assert loopback(listen) is alone


def serving(listen: str, public_url: str) -> Config:
    """The shipped configuration at another address."""
    found = district()
    return replace(found, service=replace(found.service, listen=listen, public_url=public_url))


def test_what_ships_listens_to_this_machine_alone():
    """Nothing is open to the network until somebody opens it."""
    assert loopback(district().service.listen)


@pytest.mark.parametrize(
    ("listen", "public_url", "warned"),
    [
        ("127.0.0.1:8480", "http://127.0.0.1:8480", False),
        ("0.0.0.0:8480", "https://fengsui.example.gov.cn", False),
        ("0.0.0.0:8480", "http://10.0.0.5:8480", True),
    ],
)
def test_check_warns_of_passwords_in_the_clear(listen: str, public_url: str, warned: bool):
    """Where others reach the pages and their address is not https."""
    assert bool(unguarded(serving(listen, public_url))) is warned
