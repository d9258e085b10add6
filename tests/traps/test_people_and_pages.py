"""Traps 4, 18 and 19: looking changes nothing, silences end, whoever is on a rota can be called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result
from fastapi.routing import iter_route_contexts
from stage import ALARM, alarmed, instance, rewrite, tokens

from ingest.errors import ConfigMistake
from pipeline.cli import main
from pipeline.config import init, load
from pipeline.console.app import make_app
from pipeline.console.server import Console
from pipeline.daemon import SimulatedClock
from pipeline.ports import Ports

LOOKING = ("GET", "HEAD", "OPTIONS")
FILES = ("fengsui.db", "fengsui.db-wal")


@dataclass(frozen=True, kw_only=True)
class Site:
    """The pages of an instance with an open red alert."""

    ports: Ports
    url: str
    folder: Path

    def addresses(self) -> list[tuple[str, set[str]]]:
        """Every address the application serves, filled in with names and tokens that exist."""
        app = make_app(self.ports, SimulatedClock(ALARM).now)
        routes = [one for one in iter_route_contexts(app.routes) if one.methods]
        return [(self._filled(str(one.path)), set(one.methods or ())) for one in routes]

    def _filled(self, path: str) -> str:
        given = {"token": tokens(self.ports)["health"], "channel": "outbox"}
        return re.sub(r"{(\w+)[^}]*}", lambda found: given.get(found[1], "x"), path)

    def content(self) -> list[bytes]:
        """The bytes of the database."""
        return [file.read_bytes() for name in FILES if (file := self.folder / name).exists()]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Served on loopback, at the moment of the alert."""
    folder = tmp_path_factory.mktemp("site")
    with alarmed(folder) as ports, Console("127.0.0.1:0") as console:
        url = console.bind()
        console.start(ports, SimulatedClock(ALARM).now)
        yield Site(ports=ports, url=url, folder=folder)


def test_trap_04_the_walk_knows_the_pages(site: Site):
    """The link of an acknowledgement is among the addresses, and can be pressed."""
    addresses = dict.fromkeys(address for address, _ in site.addresses())
    assert f"/ack/{tokens(site.ports)['health']}" in addresses
    assert len(addresses) >= 4


@pytest.mark.parametrize("method", LOOKING)
def test_trap_04_looking_changes_no_byte_of_the_database(site: Site, method: str):
    """PRISM acted on a GET of a link in a mail; scanners fetch every link before anybody reads it.

    Every address of the application, also those made for POST, leaves each byte of the database as it was.
    """
    before = site.content()
    for address, _ in site.addresses():
        for query in ("", "?name=x&word=yes&seen=1"):
            requests.request(method, site.url + address + query, timeout=10, allow_redirects=False)
    assert site.content() == before


def test_trap_04_what_acts_cannot_be_had_by_looking(site: Site):
    """An address that takes a POST and shows no page answers 405 to a GET."""
    shown = {address for address, methods in site.addresses() if "GET" in methods}
    acting = {address for address, methods in site.addresses() if "POST" in methods} - shown
    assert acting
    for address in acting:
        assert requests.get(site.url + address, timeout=10).status_code == 405


def fengsui(folder: Path, *arguments: str) -> Result:
    """Run a command with the configuration and data of a folder."""
    own = ("--config", str(folder / "config"), "--data", str(folder / "data"))
    return CliRunner().invoke(main, [*own, *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The district's own configuration, to be spoilt."""
    init(tmp_path / "config")
    return tmp_path


SILENCE = ("silence", "--hazard", "heat", "--level", "yellow", "--by", "traffic_duty_a", "--why", "检修")


@pytest.fixture
def home(folder: Path) -> Path:
    """The same with an instance that has run."""
    with instance(folder / "data", load(folder / "config")):
        return folder


@pytest.mark.parametrize(
    "wrong",
    [("--for", "25h"), ("--for", "0m"), ("--for", "4h", "--why", " "), ("--for", "4h", "--by", "nobody")],
    ids=" ".join,
)
def test_trap_18_no_silence_without_end_reason_or_author(home: Path, wrong: tuple[str, ...]):
    """Alertmanager's silences were forgotten and real alerts missed (#1639): a day is the most."""
    assert fengsui(home, *SILENCE, *wrong).exit_code != 0
    assert "检修" not in fengsui(home, "silences").output


def test_trap_18_a_silence_that_was_ended_does_not_come_back(home: Path):
    """Deleted silences came back as ghosts (#3457): gone is gone, after a restart and when asked twice."""
    assert fengsui(home, *SILENCE, "--for", "4h").exit_code == 0
    assert "检修" in fengsui(home, "silences").output
    assert fengsui(home, "unsilence", "1", "--by", "traffic_duty_a").exit_code == 0
    assert fengsui(home, "unsilence", "1", "--by", "traffic_duty_a").exit_code != 0
    for _ in range(2):
        assert "检修" not in fengsui(home, "silences").output


SPOILT = {
    "no channel": (r"(  health_duty_a: .*)channels: \[outbox\]", r"\1channels: []"),
    "no number": (r"(  health_duty_a: .*)phone: \"\d+\"", r'\1phone: ""'),
    "gone": (r"^  health_duty_a: .*$", ""),
    "wrong channel": (r"(  health_duty_a: .*)channels: \[outbox\]", r"\1channels: [pager]"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_trap_19_a_rota_that_reaches_somebody_without_a_number_is_refused(folder: Path, how: str):
    """OnCall's chain reached somebody without a phone on file and skipped on to directors (#1326).

    Such a configuration starts nothing: one sentence names file, line and person.
    """
    rewrite(folder / "config/routes.yaml", SPOILT[how])
    with pytest.raises(ConfigMistake, match=r"routes.yaml:\d+: .*health"):
        load(folder / "config")
    for command in ("run", "tick"):
        assert fengsui(folder, command).exit_code == 2
    assert not (folder / "data" / "fengsui.db").exists()


def test_trap_19_a_mail_channel_needs_an_address(folder: Path):
    """A phone number is no way to write a letter to somebody."""
    block = "mail: {kind: email, host: 127.0.0.1, sender: a@b.example}\n"
    channels = folder / "config/channels.yaml"
    channels.write_text(channels.read_text(encoding="utf-8") + block, encoding="utf-8")
    rewrite(folder / "config/routes.yaml", (r"(  health_duty_a: .*)\[outbox\]", r"\1[mail]"))
    with pytest.raises(ConfigMistake, match="mail has no address of this person"):
        load(folder / "config")


def test_trap_19_a_channel_that_is_off_reaches_nobody(folder: Path):
    """It is found before anybody is to be called over it."""
    rewrite(folder / "config/channels.yaml", (r"^  kind: outbox$", "  kind: outbox\n  enabled: false"))
    checked = fengsui(folder, "check")
    assert checked.exit_code != 0
    assert "值班员A" in checked.output
