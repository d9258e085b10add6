"""The command line: one sentence, one exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from simulators.open_meteo import OpenMeteoServer, status
from stage import alarmed, present, rewrite

from pipeline.cli import main
from pipeline.config import init

COMMANDS = sorted(main.commands)


def fengsui(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def lines(result: Result) -> list[str]:
    """What it printed, without empty lines."""
    return [line for line in result.output.splitlines() if line]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_an_example(command: str):
    """The example names the command, and everything has a help text."""
    result = fengsui(command, "--help")
    assert result.exit_code == 0
    text = " ".join(result.output.split())
    assert f"Example: fengsui {command}" in text
    for option in main.commands[command].params:
        assert option.param_type_name == "argument" or option.help


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]])
def test_the_program_introduces_itself(arguments: list[str]):
    """With every command in the list."""
    result = fengsui(*arguments)
    assert result.exit_code == 0
    assert "0." in result.output or all(name in result.output for name in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["run", "--nonsense"],
        ["who-gets", "heat"],
        ["who-gets", "heat", "purple"],
        ["who-gets", "flood", "red"],
        ["who-gets", "heat", "red", "--at", "noon"],
        ["who-gets", "heat", "red", "--at", "2022-08-01T12:00"],
        ["replay"],
        ["replay", "heatwave-2022-08", "--from", "2022-08-01T00:00Z", "--to", "2022-08-02T00:00Z"],
        ["replay", "--from", "2022-08-01T00:00Z"],
        ["replay", "atlantis"],
        ["run", "--listen", "nowhere"],
        ["run", "--log", "xml"],
        ["ack", "x"],
        ["init"],
    ],
    ids=" ".join,
)
def test_misuse_is_two(arguments: list[str], tmp_path: Path):
    """With a sentence that says what was meant, and no trace."""
    result = fengsui("--data", tmp_path, *arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert lines(result)


@pytest.mark.parametrize("command", ["check", "run", "tick", "demo", "health", "who-gets"])
def test_a_mistake_in_the_configuration_is_two_with_file_and_line(command: str, tmp_path: Path):
    """Every command that reads it stops with the same sentence."""
    config = tmp_path / "config"
    init(config)
    rewrite(config / "service.yaml", ("^heartbeat: 1h$", "heartbeat: soon"))
    more = ["heat", "red"] if command == "who-gets" else []
    result = fengsui("--config", config, "--data", tmp_path / "data", command, *more)
    assert result.exit_code == 2, result.output
    (line,) = lines(result)
    assert line.startswith(f"{config}/service.yaml:4: heartbeat: ")


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_configuration_that_is_not_there_is_two(command: str, tmp_path: Path):
    """It says how to make one."""
    result = fengsui("--config", tmp_path / "none", command)
    assert (result.exit_code, len(lines(result))) == (2, 1)
    assert "fengsui init FOLDER" in result.output


def test_init_writes_a_configuration_that_is_fine(tmp_path: Path):
    """And names the next step."""
    result = fengsui("init", tmp_path / "mine")
    assert result.exit_code == 0
    assert f"fengsui --config {tmp_path / 'mine'} check" in result.output
    assert fengsui("--config", tmp_path / "mine", "check").exit_code == 0


def test_init_writes_over_nothing(tmp_path: Path):
    """A folder in use is refused."""
    (tmp_path / "file").write_text("mine")
    result = fengsui("init", tmp_path)
    assert (result.exit_code, "is in use already" in result.output) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@dataclass(frozen=True, kw_only=True)
class Home:
    """A configuration whose source is on loopback, and a data folder."""

    config: Path
    data: Path

    def run(self, *arguments: object) -> Result:
        """A command with both folders."""
        return fengsui("--config", self.config, "--data", self.data, *arguments)


@pytest.fixture
def server():
    """A weather server."""
    with OpenMeteoServer(now=present()) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, server: OpenMeteoServer) -> Home:
    """Nothing in it reaches beyond this machine."""
    init(tmp_path / "config")
    source = tmp_path / "config/sources/open_meteo.yaml"
    rewrite(source, ("^every: 1h", f"base_url: {server.url}\nevery: 1h"))
    return Home(config=tmp_path / "config", data=tmp_path / "data")


@pytest.mark.parametrize("more", [[], ["--online"], ["--json"], ["--online", "--json"]])
def test_check_is_zero_where_all_is_well(home: Home, more: list[str]):
    """Also when the source is asked."""
    result = home.run("check", *more)
    assert result.exit_code == 0, result.output
    assert "--json" not in more or json.loads(result.output)["problems"] == []


def test_check_is_one_where_something_is_wrong(home: Home, server: OpenMeteoServer):
    """Each problem on its line, or as JSON."""
    server.always = status(503)
    result = home.run("check", "--online")
    assert (result.exit_code, "✗ sources/open_meteo.yaml" in result.output) == (1, True)
    found = json.loads(home.run("check", "--online", "--json").output)["problems"]
    assert [problem["where"] for problem in found] == ["sources/open_meteo.yaml"]


@pytest.mark.parametrize(("moment", "letter"), [("07:59", "B"), ("08:00", "A")])
def test_who_gets_knows_the_shift(home: Home, moment: str, letter: str):
    """As a table for people and as JSON for programs."""
    words = ["who-gets", "heat", "red", "--at", f"2022-08-01T{moment}+08:00"]
    assert f"卫生健康值班员{letter}" in home.run(*words).output
    facts = json.loads(home.run(*words, "--json").output)
    told = {fact["subsystem"]: fact["person"] for fact in facts["first"] if fact["told"]}
    assert told["health"] == f"卫生健康值班员{letter}"
    assert {fact["after_minutes"] for fact in facts["unanswered"]} == {5, 10}


def test_tick_pulls_judges_and_prints(home: Home):
    """Every town has a verdict; afterwards the instance is healthy."""
    facts = json.loads(home.run("tick", "--json").stdout)
    assert len(facts["verdicts"]["heat"]) == 21
    assert "昌元街道" in home.run("tick").stdout
    assert "no tick yet" not in home.run("health").output


def test_health_is_one_where_nothing_runs(home: Home):
    """Before the first start there is no database, and a sentence says so."""
    result = home.run("health")
    assert (result.exit_code, len(lines(result))) == (1, 1)
    assert "fengsui run" in result.output
    assert not home.data.exists()


def test_health_is_json_where_asked(home: Home, tmp_path: Path):
    """An alert of two years ago: nothing ran since."""
    with alarmed(home.data):
        pass
    result = home.run("health", "--json")
    assert result.exit_code == 1
    assert json.loads(result.output)["healthy"] is False


def test_ack_stops_the_calls_of_a_subsystem(home: Home):
    """By name; said once more, it is kept without effect."""
    with alarmed(home.data):
        alert = _alert(home)
    said = [home.run("ack", alert, "--by", "张三", "--subsystem", "health") for _ in range(2)]
    assert [result.exit_code for result in said] == [0, 0]
    assert "停止对health的叫应" in said[0].output
    assert "nothing was waiting" in said[1].output


def _alert(home: Home) -> str:
    facts = json.loads(home.run("health", "--json").output)
    return str(facts["alerts"][0]["id"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing", "--by", "x", "--subsystem", "health"], "there is no alert 'nothing'"),
        (["ALERT", "--by", "x", "--subsystem", "navy"], "no subsystem is called 'navy'"),
        (["ALERT", "--by", " ", "--subsystem", "health"], "needs a name"),
        (["ALERT", "--by", "x"], "name one with --subsystem"),
    ],
)
def test_ack_of_what_is_not_there_is_two(home: Home, arguments: list[str], sentence: str):
    """The sentence lists what there is."""
    with alarmed(home.data):
        alert = _alert(home)
    result = home.run("ack", *[alert if word == "ALERT" else word for word in arguments])
    assert (result.exit_code, sentence in result.output) == (2, True)


def test_replay_prints_and_writes(tmp_path: Path):
    """The same replay, for people and as JSON in a file."""
    target = tmp_path / "replay.json"
    result = fengsui("replay", "heatwave-2022-08", "--json", target)
    assert result.exit_code == 0, result.output
    facts = json.loads(target.read_text(encoding="utf-8"))
    assert f"{len(facts['transitions'])}次变化" in result.output
    assert list(tmp_path.iterdir()) == [target]


def test_replay_of_an_archive_that_holds_nothing_is_two(home: Home):
    """The sentence names the period."""
    with alarmed(home.data):
        pass
    period = ["--from", "2021-08-01T00:00Z", "--to", "2021-08-02T00:00Z"]
    result = home.run("replay", *period)
    assert (result.exit_code, "the archive holds nothing" in result.output) == (2, True)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.write_text("a file"),
        lambda data: (data.mkdir(), (data / "fengsui.db").write_text("no database" * 100)),
        lambda data: (data.mkdir(), (data / "fengsui.db").mkdir()),
    ],
    ids=["a file", "no database", "a folder in its place"],
)
@pytest.mark.parametrize("command", [["health"], ["tick"], ["ack", "x", "--by", "y"]], ids=" ".join)
def test_a_data_folder_that_cannot_be_used_is_one(
    home: Home, spoil: Callable[[Path], Any], command: list[str]
):
    """One sentence and no trace, whatever stands in its place."""
    spoil(home.data)
    result = home.run(*command)
    assert result.exit_code == 1, (result.output, result.exception)
    assert isinstance(result.exception, SystemExit)
    assert len(lines(result)) == 1


@pytest.mark.parametrize(
    "command",
    [
        ["health"],
        ["ack", "x", "--by", "y"],
        ["replay", "--from", "2022-08-01T00:00Z", "--to", "2022-08-02T00:00Z"],
    ],
    ids=" ".join,
)
def test_asking_an_instance_that_never_ran_makes_none(home: Home, command: list[str]):
    """It says to start the daemon, and leaves no empty database behind."""
    result = home.run(*command)
    assert (result.exit_code, "fengsui run" in result.output) == (1, True)
    assert not home.data.exists()
