"""The rule tests that ship pass, and cover every level of every hazard."""

import json
import secrets
from functools import lru_cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from alerts.outgoing.dispatch import Desk
from pipeline.cli import main
from pipeline.config import Config, default_folder, init, load
from pipeline.rule_tests.notation import RuleTest, read_tests
from pipeline.rule_tests.report import lines
from pipeline.rule_tests.run import failed, files_of, run_test
from pipeline.rule_tests.vocabulary import level_of
from pipeline.wiring import desk_of
from rules.level import Level

FILES = files_of(default_folder())


@lru_cache(maxsize=1)
def shipped() -> Config:
    """The configuration that ships."""
    return load(default_folder())


@lru_cache(maxsize=1)
def desk() -> Desk:
    """Its desk, whose links open nothing."""
    return desk_of(shipped(), secrets.token_urlsafe(32), "http://127.0.0.1:1")


TESTS = [test for path in FILES for test in read_tests(path, shipped())]
HAZARDS = sorted(shipped().hazards)


def of(hazard: str) -> list[RuleTest]:
    """The tests of a hazard."""
    return [test for test in TESTS if test.hazards[0] == hazard]


def called(test: RuleTest) -> str:
    """A test by file and name."""
    return f"{test.hazards[0]}: {test.written.name}"


@pytest.mark.parametrize("test", TESTS, ids=called)
def test_weather_brings_the_warnings_that_are_written(test: RuleTest) -> None:
    """Through the same replay as everything else; what failed is told in words."""
    verdict = run_test(shipped(), test, desk())
    assert verdict.passed, "\n".join(lines(verdict))


@pytest.mark.parametrize("hazard", HAZARDS)
def test_every_level_of_a_ladder_is_expected_somewhere(hazard: str) -> None:
    """No rung goes without a test that comes to it, and none without one that must not."""
    told = [one for test in of(hazard) for one in test.written.expect]
    come = {level_of(word) for one in told for word in (one.becomes, one.level) if word is not None}
    come |= {level_of(word) for one in told for word in (one.towns or {}).values()}
    assert set(shipped().hazards[hazard].rule.ladder) <= come
    assert any(one.never for one in told)


@pytest.mark.parametrize("hazard", HAZARDS)
def test_every_hazard_has_a_test_without_data(hazard: str) -> None:
    """Silence neither raises nor ends, and it is told when it is over."""
    silent = [test for test in of(hazard) if test.written.silent]
    assert any(
        any(one.unknown for one in test.written.expect)
        and any(one.reason == "data_found" for one in test.written.expect)
        for test in silent
    )


def test_a_file_tests_the_hazard_it_is_named_after() -> None:
    """Whoever changes a hazard knows where its tests are."""
    assert {path.stem for path in FILES} == set(HAZARDS)
    assert all(Path(test.document.file).stem == test.hazards[0] for test in TESTS)


def test_names_of_tests_are_told_apart() -> None:
    """A failure names one test."""
    names = [called(test) for test in TESTS]
    assert len(names) == len(set(names))


def test_a_new_configuration_brings_its_tests_and_its_catalogue(tmp_path: Path) -> None:
    """`fengsui init` copies both."""
    init(tmp_path / "own")
    assert [path.name for path in files_of(tmp_path / "own")] == [path.name for path in FILES]
    assert list((tmp_path / "own" / "events").glob("*.yaml"))


def test_a_configuration_tells_which_of_its_tests_fail(tmp_path: Path) -> None:
    """For `fengsui check`; a configuration without tests has none that fail."""
    init(tmp_path / "own")
    for path in (tmp_path / "own" / "tests").glob("*.yaml"):
        path.unlink()
    config = load(tmp_path / "own")
    assert failed(config) == []
    file(tmp_path / "own" / "tests", "{never: orange, to: day 1 20:00}")
    assert [verdict.outcome.test.written.name for verdict in failed(config)] == ["一天37度"]


# --- the command -----------------------------------------------------------------------------------------


def run(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and output of `fengsui test`."""
    result = CliRunner().invoke(main, ["--config", str(default_folder()), "test", *words])
    return result.exit_code, result.output


def file(folder: Path, expect: str) -> str:
    """A file with one test of hot weather."""
    path = folder / "own.yaml"
    path.write_text(
        "hazard: outdoor_work\nstart: 2022-07-30\nnormally: {temperature_2m: 25}\ntests:\n"
        "  - name: 一天37度\n    weather: {temperature_2m: {day 2 16:00: 37}}\n"
        f"    expect:\n      - {expect}\n",
        encoding="utf-8",
    )
    return str(path)


def test_a_test_that_passes_is_counted(tmp_path: Path) -> None:
    """Exit code 0."""
    code, said = run(tmp_path, file(tmp_path, "{at: day 1 16:00, becomes: orange}"))
    assert (code, said.startswith("✓ 1个用例")) == (0, True)


def test_a_failure_tells_what_was_expected_and_what_came(tmp_path: Path) -> None:
    """With file and line, and the course of the event; exit code 1."""
    code, said = run(tmp_path, file(tmp_path, "{at: day 1 16:00, becomes: red}"))
    assert code == 1
    for words in ("own.yaml:8", "一天37度", "变为红色", "发布无→橙色", "07-30 16:00（第1天 / day 1） 发布"):
        assert words in said


def test_the_same_as_json(tmp_path: Path) -> None:
    """Every test with file, line, failures and course."""
    _, said = run(tmp_path, file(tmp_path, "{at: day 1 16:00, becomes: red}"), "--json")
    told = json.loads(said)
    (only,) = told["tests"]
    assert (told["passed"], told["failed"], only["failures"][0]["line"]) == (0, 1, 8)
    assert only["got"][0] | {"places": {}} == {
        "at": "2022-07-30T08:00:00+00:00", "hazard": "outdoor_work", "reason": "opened",
        "from": "none", "to": "orange", "places": {}, "value": 37.0,
    }  # fmt: skip


def test_a_proposal_is_tested_before_it_is_applied(tmp_path: Path) -> None:
    """With --changes the ladder of the patch is judged by."""
    patch = tmp_path / "patch.yaml"
    patch.write_text("changes:\n  hazards/outdoor_work.yaml:\n    ladder.red.at_least: 37.0\n", "utf-8")
    expect = file(tmp_path, "{at: day 1 16:00, becomes: red}")
    assert run(tmp_path, expect, "--changes", str(patch))[0] == 0


def test_a_file_that_cannot_be_understood_is_misuse(tmp_path: Path) -> None:
    """Exit code 2 and a sentence."""
    code, said = run(tmp_path, file(tmp_path, "{at: day 1 16:00, becomes: purple}"))
    assert code == 2
    assert "own.yaml:8: tests[0].expect[0].becomes: purple is no level" in said


def test_levels_in_both_languages_are_the_same() -> None:
    """`yellow`, `黄色` and `黄`."""
    assert {level_of(word) for word in ("yellow", "黄色", "黄")} == {Level.YELLOW}
