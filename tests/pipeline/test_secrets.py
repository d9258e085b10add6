"""No secret in any log, error, row or page; links act only by POST; people never see each other."""

from __future__ import annotations

import base64
import json
import logging
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from click.testing import CliRunner
from simulators.gateway import Gateway
from simulators.receiver import Conduct, MisbehavingReceiver, Seen, closed_port
from sqlalchemy import select
from stage import instance

from alerts.event.transition import Reason
from alerts.record import tables
from ingest.database import reading
from ingest.errors import FengsuiError
from pipeline.acknowledge import acknowledge, word_of
from pipeline.beginning import begin
from pipeline.cli import main
from pipeline.config import default_folder, load, with_only
from pipeline.console.server import Console
from tests.outage import MINUTE, NONE, ORANGE, RED, Town

MARK = "Verborgen"
"""In every secret there is."""
_TOKEN = re.compile(r"/(?:ack|approve)/([A-Za-z0-9_-]+)")
_PHONE = re.compile(r"(?<![0-9])1380000[0-9]{4}(?![0-9])")


class Echo(MisbehavingReceiver):  # type: ignore[misc]  # pytest finds simulators by its own path
    """A gateway that answers with all that it was sent: error, refusal, success and redirection alike."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = cycle((200, 400, 500, 403, 200, 302))

    def note(self, request: Seen) -> Conduct:
        """Keep the request and repeat it."""
        super().note(request)
        told = json.dumps({"path": request.path, **request.headers})
        said = f"{told} {request.body.decode(errors='replace')}"
        body = {"errcode": 40035, "code": 7, "success": False, "error": said, "Code": said[:60],
                "errmsg": said, "msg": said, "message": said, "Message": said, "rspcod": said,
                "Response": {"Error": {"Code": said[:60], "Message": said}}}  # fmt: skip
        status = next(self._turns)
        moved = {"location": f"http://127.0.0.1:1{request.path}"} if status == 302 else {}
        return Conduct(status=status, body=json.dumps(body).encode(), headers=moved)


def blocks(echo: Echo, gone: int) -> dict[str, dict[str, Any]]:
    """A block of every kind of channel, each of its secrets with the mark in it."""

    def hidden(name: str) -> dict[str, str]:
        return {"file": f"secrets/{name}"}

    url, sms = echo.url("").rstrip("/"), {"default": "SMS_1"}
    there = {"host": "127.0.0.1", "port": gone}
    token = f"{MARK}-in-the-address"
    return {
        "outbox": {"kind": "outbox"},
        "hook": {"kind": "webhook", "url": f"{url}/{token}?key={token}", "secret": hidden("whsec"),
                 "success_field": "code", "success_value": 0},
        "dingtalk": {"kind": "dingtalk", "url": f"{url}/d", "token": hidden("a"), "secret": hidden("b")},
        "wecom": {"kind": "wecom", "url": f"{url}/w", "token": hidden("c")},
        "feishu": {"kind": "feishu", "url": f"{url}/f", "token": hidden("d"), "secret": hidden("e")},
        "aliyun": {"kind": "aliyun_sms", "endpoint": url, "access_key_id": hidden("f"),
                   "access_key_secret": hidden("g"), "sign_name": "烽燧", "templates": sms,
                   "parameters": {"t": "token"}, "longest": 35, "callback": hidden("h")},
        "voice": {"kind": "aliyun_voice", "endpoint": url, "access_key_id": hidden("i"),
                  "access_key_secret": hidden("j"), "templates": sms},
        "tencent": {"kind": "tencent_sms", "endpoint": url, "secret_id": hidden("k"),
                    "secret_key": hidden("l"), "sdk_app_id": "1400000001", "sign_name": "烽燧",
                    "templates": {"default": "1"}, "callback": hidden("m")},
        "yunmas": {"kind": "yunmas", "url": f"{url}/y", "ec_name": "x", "ap_id": "y",
                   "secret_key": hidden("n"), "sign": "z", "callback": hidden("o")},
        "smpp": {"kind": "smpp", **there, "system_id": "fs", "password": hidden("short"), "source": "1069"},
        "mail": {"kind": "email", **there, "sender": "a@example.org", "user": "u", "password": hidden("p"),
                 "tls": "none"},
        "mqtt": {"kind": "mqtt", **there, "user": "u", "password": hidden("q"), "tls": False},
        "syslog": {"kind": "syslog", **there},
        "am": {"kind": "alertmanager", "url": f"{url}/{token}", "token": hidden("r")},
        "pager": {"kind": "pagerduty", "url": f"{url}/p", "routing_key": hidden("s")},
    }  # fmt: skip


def write(folder: Path, told: dict[str, dict[str, Any]]) -> None:
    """The configuration that ships, with these channels, all of them used by everybody."""
    shutil.copytree(default_folder(), folder)
    secrets = folder / "secrets"
    secrets.mkdir(exist_ok=True)
    texts = {name: f"{MARK}{number:06d}{'x' * 20}" for number, name in enumerate("abcdefghijklmnopqrs")}
    texts |= {"whsec": "whsec_" + base64.b64encode(f"{MARK * 4}".encode()).decode(), "short": MARK[:8]}
    for name, text in texts.items():
        (secrets / name).write_text(text, encoding="utf-8")
        (secrets / name).chmod(0o600)
    (folder / "channels.yaml").write_text(json.dumps(told, indent=1), encoding="utf-8")
    routes = yaml.safe_load((folder / "routes.yaml").read_text(encoding="utf-8"))
    for name, person in routes["people"].items():
        person["channels"] = list(told)
        person["addresses"] = dict.fromkeys(("mail", "hook"), f"{name}@example.org")
    text = json.dumps(routes, ensure_ascii=False, indent=1)
    (folder / "routes.yaml").write_text(text, encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """Everything that a storm over all channels left to be seen."""

    logs: str
    rows: dict[str, str]
    pages: str
    commands: str
    files: str
    texts: list[tuple[str, str, str]] = field(default_factory=list)
    """Person, words, facts of every message."""
    people: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Id -> name and number."""
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    """Tables before and after every link was looked at."""
    answered: dict[str, int] = field(default_factory=dict)
    """Channel -> attempts."""


def dump(town: Town) -> dict[str, str]:
    """Every row of every table."""
    with reading(town.ports.engine) as connection:
        return {
            table.name: "\n".join(repr(tuple(row)) for row in connection.execute(select(table)))
            for table in tables.metadata.sorted_tables
        }


def look(url: str, tokens: set[str]) -> str:
    """Every page there is, by GET."""
    paths = ["/health", "/", "/ack/wrong", "/approve/wrong", "/inbound/aliyun/wrong", "/nothing"]
    paths += [f"/{kind}/{token}" for token in sorted(tokens) for kind in ("ack", "approve")]
    answers = [requests.get(url + path, timeout=10) for path in paths]
    return "\n".join(f"{answer.headers} {answer.text}" for answer in answers)


def typed(config: Path, data: Path) -> str:
    """What the commands print that tell of channels, people and messages."""
    words = ("health --json", "check --json", "check --online --json", "answers a --json", "answers a",
             "who-gets heat red", "who-gets heat red --json", "releases --json", "alerts --json", "replies",
             "audit verify --json", "coverage --json")  # fmt: skip
    told = []
    for one in words:
        ran = CliRunner().invoke(main, ["--config", str(config), "--data", str(data), *one.split()])
        told.append(f"$ {one}\n{ran.output}\n{ran.exception!r}")
    return "\n".join(told)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """An orange and a red go out over every kind; each gateway repeats what it was sent, or is not there."""
    base = tmp_path_factory.mktemp("secrets")
    records: list[str] = []
    listener = _Listener(records)
    root = logging.getLogger()
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        with Echo() as echo:
            write(base / "config", blocks(echo, closed_port()))
            yield storm(base, records)
    finally:
        root.removeHandler(listener)
        root.setLevel(level)


class _Listener(logging.Handler):
    def __init__(self, records: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._records = records
        self._own = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(("urllib3", "asyncio", "tzlocal")):
            self._records.append(f"{self._own.format(record)} {vars(record)}")


def secret_of(base: Path, name: str) -> str:
    """What a file of secrets says."""
    return (base / "config" / "secrets" / name).read_text(encoding="utf-8")


def storm(base: Path, records: list[str]) -> Aftermath:
    """Play it and look at everything."""
    config = load(base / "config")
    quiet = replace(config.routes, quiet=None, budget=None)
    calm = replace(with_only(config, ("heat",)), sources={}, routes=quiet)
    with instance(base / "data", calm) as ports, Console("127.0.0.1:0") as console:
        it = Town(ports=ports, gateway=Gateway())
        url = console.bind()
        console.start(ports, it.now)
        begin(ports, it.at, None)
        it.announce("a", Reason.OPENED, NONE, ORANGE)
        it.pass_time(MINUTE)
        it.announce("a", Reason.RAISED, ORANGE, RED)
        it.pass_time(4 * MINUTE)
        for path in ("aliyun/wrong", f"aliyun/{secret_of(base, 'h')}", f"yunmas/{secret_of(base, 'o')}"):
            requests.post(f"{url}/inbound/{path}", data=f"<xml>{it.phone('health_duty_a')}</xml>", timeout=10)
        acknowledge(ports, word_of(alert="a", subsystem="water", by="李四", via="cli", at=it.at))
        tokens = set(_TOKEN.findall("\n".join(row.text for row in it.rows())))
        before = dump(it)
        pages = look(url, tokens)
        after = dump(it)
        return Aftermath(
            logs="\n".join(records),
            rows=after,
            pages=pages,
            commands=typed(base / "config", base / "data"),
            files="\n".join(
                f"{path.name} {path.read_bytes().decode(errors='replace')}"
                for path in (base / "data").iterdir()
                if path.name != "link.key" and not path.name.startswith("fengsui.db")
            ),
            texts=[(row.recipient, row.text, json.dumps(row.data)) for row in it.rows()],
            people={name: (one.name, one.phone) for name, one in config.routes.people.items()},
            before=before,
            after=after,
            answered={
                name: sum(row.attempts for row in it.rows(channel=name)) for name in config.channels
            },
        )


def excerpt(text: str, found: str | re.Pattern[str]) -> list[str]:
    """What stands around each place where something is found."""
    pattern = found if isinstance(found, re.Pattern) else re.compile(re.escape(found))
    return [text[max(0, hit.start() - 80) : hit.end() + 40] for hit in pattern.finditer(text)][:5]


def test_every_kind_of_channel_was_tried(seen: Aftermath):
    """Otherwise nothing would be shown by what follows."""
    assert min(seen.answered.values()) > 0, seen.answered


@pytest.mark.parametrize("where", ["logs", "pages", "commands", "files"])
def test_no_secret_is_seen(seen: Aftermath, where: str):
    """Neither keys nor tokens in addresses, whatever a gateway repeats of them."""
    text = getattr(seen, where)
    assert len(text) > 50
    assert excerpt(text, MARK) == []


def test_no_secret_is_in_any_row(seen: Aftermath):
    """Of any table; files of secrets are not part of the configuration that is kept."""
    found = {name: excerpt(rows, MARK) for name, rows in seen.rows.items() if name != "config_version"}
    assert {name: hits for name, hits in found.items() if hits} == {}
    assert f"{MARK}0000" not in seen.rows["config_version"]


def test_an_address_that_holds_a_key_is_not_kept_with_the_configuration(seen: Aftermath):
    """The path of a webhook may be its key: the record that is exported keeps the host at most."""
    assert excerpt(seen.rows["config_version"], f"{MARK}-in-the-address") == []


@pytest.mark.parametrize("where", ["logs", "pages", "files"])
def test_numbers_are_seen_masked_only(seen: Aftermath, where: str):
    """Three digits and the last four at most."""
    assert excerpt(getattr(seen, where), _PHONE) == []


def test_numbers_are_in_no_row_but_the_kept_configuration(seen: Aftermath):
    """No error, reference, text or fact repeats one."""
    found = {name: excerpt(rows, _PHONE) for name, rows in seen.rows.items() if name != "config_version"}
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_looking_at_links_changes_nothing(seen: Aftermath):
    """A scanner of messages, or a preview, opens every link: every row of every table is as it was."""
    assert seen.before == seen.after


def test_a_token_is_in_the_words_of_one_person_only(seen: Aftermath):
    """Whoever answers by a link is whom it was sent to."""
    holders: dict[str, set[str]] = {}
    for person, text, facts in seen.texts:
        for token in _TOKEN.findall(text + facts):
            holders.setdefault(token, set()).add(person)
    assert holders
    assert {len(people) for people in holders.values()} == {1}


def test_nobody_reads_of_anybody_else(seen: Aftermath):
    """Neither name nor number of another person stands in words or facts."""
    for person, text, facts in seen.texts:
        others = [one for name, one in seen.people.items() if name != person]
        assert not [name for name, phone in others if name in text + facts or phone in text + facts]


def test_a_load_error_repeats_no_secret(tmp_path: Path):
    """A block with a mistake in it is named, and its values are not."""
    with Echo() as echo:
        told = blocks(echo, 1)
    told["hook"]["url"] = f"ftp://{MARK}"
    told["dingtalk"]["token"] = f"{MARK}-written-here"
    write(tmp_path / "config", told)
    with pytest.raises(FengsuiError) as caught:
        load(tmp_path / "config")
    assert MARK not in str(caught.value)
