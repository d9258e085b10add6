"""`fengsui verify`, `verdict` and `happened`, at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fakes import change, database
from stage import day, recorded

from alerts.record import store
from alerts.record.verify import verify as examine
from ingest import archive
from ingest.database import reading
from pipeline.cli import FINE, MISUSE, PROBLEM, main
from pipeline.commands.verify import with_windows
from pipeline.config import default_folder
from pipeline.verify.terms import load_terms

Fengsui = Callable[..., Result]
EVENT = "heatwave-2022-08"
ALERT = "500153-heat-20220818T000500Z"
SAID = ("--by", "health_duty_a", "--why", "多人中暑")
HAPPENED = ("--what", "积水80厘米", "--source", "街道办", "--by", "王")


def cli(data: Path) -> Fengsui:
    """The command line of a data folder, with the configuration that ships."""

    def run(*words: object) -> Result:
        return CliRunner().invoke(main, ["--data", str(data), *map(str, words)])

    return run


@pytest.fixture
def fengsui(tmp_path: Path) -> Fengsui:
    """An instance that once warned of heat."""
    with database(tmp_path) as engine, engine.begin() as connection:
        store.record(connection, change(id=f"{ALERT}.1", alert=ALERT), [])
    return cli(tmp_path)


PERIOD = ("--from", "2022-08-15T00:05+08:00", "--to", "2022-08-19T00:05+08:00", "--hazard", "heat")


@pytest.fixture(scope="module")
def hot(tmp_path_factory: pytest.TempPathFactory) -> Fengsui:
    """An instance whose archive holds four days of the bundled event."""
    folder = tmp_path_factory.mktemp("hot")
    with database(folder) as engine, engine.begin() as connection:
        archive.metadata.create_all(connection)
        told = recorded(day("08-13 00:00"), day("08-19 00:05"))
        archive.Archive().append(connection, told)
    return cli(folder)


@pytest.fixture(scope="module")
def verified(hot: Fengsui) -> dict:
    """Four days, verified once."""
    result = hot("verify", *PERIOD, "--json")
    assert result.exit_code == FINE, result.output
    return json.loads(result.stdout)


@pytest.mark.soak
def test_the_bundled_event_is_verified(tmp_path: Path):
    """The red of August 2022 was hit, and the alert that hit it is named."""
    result = cli(tmp_path)("verify", "heatwave-2022-08", "--hazard", "heat", "--json")
    heat = json.loads(result.stdout)["hazards"]["heat"]
    red = [one for one in heat["stories"] if one["event"]["level"] == "red"]
    assert red
    assert all(one["fate"] == "hit" for one in red)


def test_a_period_of_the_archive_is_verified(verified: dict):
    """The red of 18 August was hit, and the alert that hit it is named."""
    stories = verified["hazards"]["heat"]["stories"]
    assert [one["fate"] for one in stories if one["event"]["level"] == "red"] == ["hit"]
    assert "heat" in stories[0]["alert"]


def test_only_the_hazards_asked_for_are_scored(verified: dict):
    """Nothing of the pigs."""
    assert set(verified["hazards"]) == {"heat"}
    assert {one["hazard"] for one in verified["worth"]} <= {"heat"}


def test_every_figure_has_its_interval(verified: dict):
    """Value, low, high, n and how."""
    for level in verified["hazards"]["heat"]["levels"].values():
        for figure in level["figures"].values():
            assert set(figure) == {"value", "low", "high", "n", "how"}


def test_a_proposal_is_verified_beside_today_s_rules(hot: Fengsui, tmp_path: Path):
    """What it would have caught and lost, in one sentence."""
    patch = tmp_path / "patch.yaml"
    patch.write_text(
        "title: 红色要45度\nchanges:\n  hazards/heat.yaml:\n    ladder.red.at_least: 60.0\n", "utf-8"
    )
    result = hot("verify", *PERIOD, "--changes", patch)
    assert result.exit_code == FINE, result.output
    assert "红色要45度" in result.stdout
    assert "loses" in result.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], MISUSE, "give an event, or both --from and --to"),
        ([EVENT, "--from", "2022-08-01T00:00Z", "--to", "2022-08-02T00:00Z"], MISUSE, "give an event"),
        ([EVENT, "--hazard", "haet"], MISUSE, "no hazard is called 'haet'"),
        ([EVENT, "--early", "3 hours"], MISUSE, "write a duration"),
        ([EVENT, "--block", "century"], MISUSE, "century"),
        ([EVENT, "--report", "x.doc"], PROBLEM, ".html or .pdf"),
        (["--from", "2022-08-01T00:00Z", "--to", "2022-08-02T00:00Z"], PROBLEM, "data"),
    ],
)
def test_what_cannot_be_verified_is_said_in_one_sentence(tmp_path: Path, words, code, sentence):
    """Before hours of work."""
    result = cli(tmp_path / "never")("verify", *words)
    assert (result.exit_code, sentence in result.output) == (code, True), result.output


def test_without_the_library_the_command_says_how_to_get_it(tmp_path, monkeypatch):
    """And replays nothing."""
    monkeypatch.setattr("pipeline.verify.published.find_spec", lambda name: None)
    result = cli(tmp_path)("verify", EVENT)
    assert result.exit_code == PROBLEM
    assert 'pip install "fengsui[verify]"' in result.output


def test_windows_can_be_asked_for_every_hazard():
    """What is not named stays as configured."""
    terms = load_terms(default_folder())
    made = with_windows(terms, {"early": "5h", "late": None, "near": None})
    assert {one.early.total_seconds() for one in made.windows.values()} == {5 * 3600}
    assert made.windows["landslide"].near == terms.windows["landslide"].near


def test_a_verdict_is_kept_and_listed(fengsui: Fengsui):
    """With the name of the officer, not the id."""
    assert "命中 hit" in fengsui("verdict", ALERT, "hit", *SAID).stdout
    assert "卫生健康值班员A" in fengsui("verdict", ALERT).stdout
    (told,) = json.loads(fengsui("verdict", "--json").stdout)
    assert (told["judged"], told["places"], told["level"]) == ("hit", ["a", "b"], "red")


def test_a_verdict_is_sealed_in_the_record(fengsui: Fengsui, tmp_path: Path):
    """The chain is whole with it."""
    fengsui("verdict", ALERT, "false_alarm", *SAID)
    fengsui("happened", "heat", "--onset", "2022-08-18T12:00+08:00", *HAPPENED)
    with database(tmp_path) as engine, reading(engine) as connection:
        found = examine(connection)
    assert (found.whole, found.rows) == (True, 3)


@pytest.mark.parametrize("words", [["nothing", "hit", *SAID], [ALERT, "hit"], [ALERT, "perfect", *SAID]])
def test_a_verdict_that_cannot_be_kept_is_misuse(fengsui: Fengsui, words):
    """And nothing is written."""
    assert fengsui("verdict", *words).exit_code == MISUSE
    assert "没有评定" in fengsui("verdict").stdout


def test_damage_is_kept_by_town_names(fengsui: Fengsui):
    """Names become codes, and the listing says them again."""
    onset = ("--onset", "2026-07-08T06:30+08:00", "--places", "昌元街道、Anfu", "--level", "orange")
    first = fengsui("happened", "waterlogging", *onset, *HAPPENED)
    assert first.exit_code == FINE, first.output
    assert "昌元街道、安富街道：积水80厘米" in fengsui("happened", "--list").stdout
    (told,) = json.loads(fengsui("happened", "--json").stdout)
    assert told["places"] == ["500153001", "500153005"]


def test_damage_can_be_set_right(fengsui: Fengsui):
    """The old report no longer stands."""
    onset = ("waterlogging", "--onset", "2026-07-08T06:30+08:00")
    fengsui("happened", *onset, *HAPPENED)
    fengsui("happened", *onset, "--what", "没有积水", "--source", "核实", "--by", "王", "--replaces", "1")
    (told,) = json.loads(fengsui("happened", "--json").stdout)
    assert (told["what"], told["replaces"]) == ("没有积水", 1)


@pytest.mark.parametrize("words", [[], ["heat", "--onset", "yesterday", *HAPPENED]])
def test_damage_that_cannot_be_kept_is_misuse(fengsui: Fengsui, words):
    """And nothing is written."""
    assert fengsui("happened", *words).exit_code == MISUSE
    assert "没有灾情记录" in fengsui("happened", "--list").stdout


@pytest.mark.parametrize("command", [["verdict"], ["happened", "--list"]])
def test_an_instance_that_never_ran_has_no_record(tmp_path: Path, command):
    """The sentence says what to do."""
    result = cli(tmp_path / "never")(*command)
    assert result.exit_code == PROBLEM
    assert len(result.output.splitlines()) == 1
