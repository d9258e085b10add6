"""`fengsui alerts`, `releases`, `approve`, `correct`, `cancel` and `uncap`, at the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from stage import instance, present, today

from alerts.duty import release_rows
from ingest.database import reading
from pipeline.cli import main
from pipeline.config import Config, init, load, with_only
from pipeline.pull import pull
from pipeline.tick import tick

Fengsui = Callable[..., Result]
BY = ("--by", "command_centre_duty_a")
RELEASE = """
release:
  red:
    approvers: [command_centre_duty_a, command_centre_deputy_a]
    needed: 2
"""


@contextmanager
def red(folder: Path, config: Config) -> Iterator[None]:
    """A red heat alert of the real present in a data folder."""
    told = replace(today(), routes=config.routes)
    with instance(folder, told) as ports:
        now = present()
        pull("told", now, ports)
        tick(now, ports)
        ports.outbox.drain(now)
        yield


def alerted(folder: Path, more: str) -> Path:
    """The folder of an instance with a red alert, with more in its routes."""
    config, data = folder / "config", folder / "data"
    init(config)
    with (config / "routes.yaml").open("a", encoding="utf-8") as stream:
        stream.write(more)
    data.mkdir()
    with red(data, with_only(load(config), ("heat",))):
        pass
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Such a folder for what is added to its routes, made once and only copied."""
    return cache(lambda more: alerted(tmp_path_factory.mktemp("made"), more))


def command_line(made: Path, folder: Path) -> Fengsui:
    """The command line of an instance that begins as another stands."""
    shutil.copytree(made, folder, dirs_exist_ok=True)

    def run(*arguments: object) -> Result:
        words = ["--config", str(folder / "config"), "--data", str(folder / "data"), *map(str, arguments)]
        return CliRunner().invoke(main, words)

    return run


@pytest.fixture
def fengsui(made: Callable[[str], Path], tmp_path: Path) -> Fengsui:
    """Everything is released at once."""
    return command_line(made(""), tmp_path)


@pytest.fixture
def guarded(made: Callable[[str], Path], tmp_path: Path) -> Fengsui:
    """A red needs two people."""
    return command_line(made(RELEASE), tmp_path)


def the_alert(fengsui: Fengsui) -> dict[str, Any]:
    """The first alert that `fengsui alerts` tells."""
    found: dict[str, Any] = json.loads(fengsui("alerts", "--json").output)[0]
    return found


def test_alerts_tells_how_each_stands(fengsui: Fengsui):
    """Level, stage, towns, peak, and who has not answered."""
    told = the_alert(fengsui)
    assert (told["hazard"], told["level"], told["stage"]) == ("heat", "red", "active")
    assert (len(told["places"]), told["peak_level"], told["has_it"]) == (21, "red", [])
    assert "health" in told["waiting"]
    text = fengsui("alerts").output
    for word in ("高温 红色 red", "生效中 active", "21个镇街", "最高 peak：红色", "待确认 called"):
        assert word in text


def test_a_hold_says_that_nobody_is_told(fengsui: Fengsui):
    """It is confirmed as what it is, and a rise above a red is refused in a sentence."""
    name = the_alert(fengsui)["alert"]
    words = (*BY, "--why", "夜间仍有病例")
    result = fengsui("hold", name, *words)
    assert (result.exit_code, "不通知任何人" in result.output) == (0, True), result.output
    refused = fengsui("raise", name, "--level", "red", *words)
    assert (refused.exit_code, "raising sets it higher" in refused.output) == (2, True), refused.output


def test_a_correction_is_confirmed_and_waits_for_the_tick(fengsui: Fengsui):
    """It says until when it counts."""
    alert = the_alert(fengsui)["alert"]
    result = fengsui("correct", alert, "--level", "yellow", *BY, "--why", "x")
    assert result.exit_code == 0
    assert "更正为黄色 / corrected to yellow" in result.output


def test_a_withdrawal_needs_only_a_name(fengsui: Fengsui):
    """One tap."""
    result = fengsui("cancel", the_alert(fengsui)["alert"], "--by", "command_centre_duty_a")
    assert (result.exit_code, "撤销 / withdrawn" in result.output) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["cancel", "nothing", *BY], 2, "no alert 'nothing' is open; open ones: 500153-heat"),
        (["cancel", "ALERT", "--by", " "], 2, "must not be empty"),
        (["cancel", "ALERT", "--by", "Li"], 2, "nobody in routes.yaml is called 'Li'"),
        (["correct", "ALERT", "--level", "yellow", "--why", "x", "--by", "Li"], 2, "id or name of one of"),
        (["uncap", "heat", "--by", "Li"], 2, "nobody in routes.yaml is called 'Li'"),
        (["cancel", "ALERT", *BY, "--for", "25h"], 2, "24 hours at most"),
        (["cancel", "ALERT", *BY, "--for", "soon"], 2, "write a duration"),
        (["cancel", "ALERT", *BY, "--for", "0h"], 2, "longer than nothing"),
        (["uncap", "heat", *BY], 2, "nobody has set heat lower"),
        (["approve", "nothing", "--by", "li"], 2, "fengsui releases"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    fengsui: Fengsui, arguments: list[str], code: int, words: str
):
    """With the remedy."""
    named = [the_alert(fengsui)["alert"] if each == "ALERT" else each for each in arguments]
    result = fengsui(*named)
    assert (result.exit_code, words in result.output) == (code, True), result.output


def test_two_people_release_a_red(guarded: Fengsui):
    """It is listed while it waits; the second yes sends it."""
    (waiting,) = json.loads(guarded("releases", "--json").output)
    assert (waiting["status"], waiting["level"], waiting["needed"]) == ("waiting", "red", 2)
    assert "审批 release：waiting" in guarded("alerts").output
    first = guarded("approve", waiting["transition"], "--by", "command_centre_duty_a")
    assert "1 of 2 agreed" in first.output
    second = guarded("approve", waiting["transition"], "--by", "command_centre_deputy_a")
    assert "approved, going out" in second.output
    assert "approved  red" in guarded("releases").output


def test_a_no_needs_a_person_of_the_list(guarded: Fengsui):
    """Names are told in the error."""
    (waiting,) = json.loads(guarded("releases", "--json").output)
    wrong = guarded("approve", waiting["transition"], "--by", "somebody", "--no")
    assert (wrong.exit_code, "指挥中心值班员A" in wrong.output) == (2, True)
    no = guarded("approve", waiting["transition"], "--by", "command_centre_duty_a", "--no", "--why", "x")
    assert "refused, nobody was told" in no.output


@pytest.mark.parametrize(("by", "words"), [("", "an approval needs a person"), ("x", "'x' does not approve")])
def test_an_approval_by_nobody_is_refused(guarded: Fengsui, by: str, words: str):
    """An empty name, or one that is not on the list, decides nothing."""
    (waiting,) = json.loads(guarded("releases", "--json").output)
    result = guarded("approve", waiting["transition"], "--by", by)
    assert (result.exit_code, words in result.output) == (2, True), result.output
    assert "those who do: command_centre_duty_a" in result.output
    assert json.loads(guarded("releases", "--json").output)[0]["votes"] == []


def test_nothing_waits_and_nothing_is_open(tmp_path: Path):
    """An instance at peace says so."""
    with instance(tmp_path / "data", today()) as ports:
        tick(present(), ports)
        with reading(ports.engine) as connection:
            assert release_rows.asked(connection) == []
    run = CliRunner().invoke
    base = ["--data", str(tmp_path / "data")]
    assert "nothing waits" in run(main, [*base, "releases"]).output
    assert "no alert is pending" in run(main, [*base, "alerts"]).output
