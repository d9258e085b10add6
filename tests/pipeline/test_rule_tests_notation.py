"""Rule tests say weather and expectations in few words, and every mistake in one sentence."""

import re
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.errors import ConfigMistake
from pipeline.config import Config, default_folder, load
from pipeline.rule_tests.moments import Clock
from pipeline.rule_tests.notation import read_tests
from pipeline.rule_tests.run import Verdict, run_files, run_test
from pipeline.rule_tests.series import curve, extremes, figures
from pipeline.wiring import desk_of

ROOT = Path(__file__).resolve().parents[2]
CLOCK = Clock(start=datetime(2022, 7, 29, 16, tzinfo=UTC))
MIDNIGHT = datetime(2022, 7, 29, 16, tzinfo=UTC)
HEAD = "hazard: outdoor_work\nstart: 2022-07-30\nnormally: {temperature_2m: 25}\n"


@lru_cache(maxsize=1)
def shipped() -> Config:
    """The configuration that ships."""
    return load(default_folder())


def written(folder: Path, text: str) -> Path:
    """A file of tests."""
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def judged(folder: Path, text: str, config: Config | None = None) -> Verdict:
    """The verdict on the only test of a file."""
    config = config or shipped()
    (test,) = read_tests(written(folder, text), config)
    return run_test(config, test, desk_of(config, secrets.token_urlsafe(32), "http://127.0.0.1:1"))


def fed(**keys: Any) -> Config:
    """The configuration with other keys for its weather source."""
    block = shipped().sources["open_meteo"]
    return replace(shipped(), sources={block.name: replace(block, feed=replace(block.feed, **keys))})


def said(folder: Path, test: str, head: str = HEAD) -> str:
    """What is said of a file that cannot be understood, without the folder."""
    with pytest.raises(ConfigMistake) as caught:
        list(run_files(shipped(), [written(folder, f"{head}tests:\n  - name: x\n{test}")]))
    return str(caught.value).replace(f"{folder}/", "")


# --- figures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("26", [26.0]), (26, [26.0]), (-1.5, [-1.5]), ("26x3", [26.0] * 3), ("26*2", [26.0] * 2),
        ("26×2", [26.0] * 2), ("1 2,3", [1.0, 2.0, 3.0]), ("5..4x2", [5.0, 4.0]),
        ("30..35x6", [30.0, 31.0, 32.0, 33.0, 34.0, 35.0]),
        ("0x2 -3.5", [0.0, 0.0, -3.5]), ("10..11x3", [10.0, 10.5, 11.0]),
    ],
)  # fmt: skip
def test_figures_are_written_one_after_the_other(text: object, series: list[float]) -> None:
    """Repeats and even steps."""
    assert figures(text).tolist() == series


def test_a_question_mark_is_not_a_number() -> None:
    """What nobody reported is NaN, never zero."""
    assert np.isnan(figures("1 ?x2 3")).tolist() == [False, True, True, False]


@pytest.mark.parametrize("text", ["", "  ", "warm", "1..2", "?..3x2", "30..35x1", "x3", "1 - 2"])
def test_other_words_are_refused_with_an_example(text: str) -> None:
    """The sentence shows how to write it."""
    with pytest.raises(ValueError, match="write"):
        figures(text)


def test_a_day_meets_its_extremes_and_never_leaves_them() -> None:
    """Also where the night before was warmer."""
    hours = curve([(25.0, 40.0), (10.0, 15.0), (12.0, 20.0)]).reshape(3, 24)
    assert hours.min(axis=1).tolist() == [25.0, 10.0, 12.0]
    assert hours.max(axis=1).tolist() == [40.0, 15.0, 20.0]


def test_a_day_without_extremes_is_missing_and_its_neighbours_are_whole() -> None:
    """From midnight to midnight."""
    hours = curve([(20.0, 30.0), (np.nan, np.nan), (20.0, 30.0)]).reshape(3, 24)
    assert np.isnan(hours).sum(axis=1).tolist() == [0, 24, 0]


@pytest.mark.parametrize("day", [[30, 20], [20], 30, "warm", [20, "?"], [1, 2, 3], None])
def test_a_day_is_its_lowest_and_its_highest_value(day: object) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match="lowest and its highest"):
        extremes(day)


# --- moments ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "hours"),
    [
        ("day 1", 0), ("day 1 00:00", 0), ("第1天 08:00", 8), ("day 3 08:00", 56), ("day 2 24:00", 48),
        ("day 0 23:00", -1),
        ("07-30 16:00", 16), ("2022-07-31 00:00", 24), ("08-01", 48), ("day -6", -168),
    ],
)  # fmt: skip
def test_moments_are_dates_or_days_of_the_test(word: str, hours: int) -> None:
    """In Beijing time; the day of the start is day 1."""
    assert CLOCK.read(word) == MIDNIGHT + timedelta(hours=hours)


@pytest.mark.parametrize("word", ["day", "noon", "02-30", "07-30 25:00", "day 1 8:00", "13-01", "", "7-30"])
def test_other_moments_are_refused(word: str) -> None:
    """With a remedy."""
    with pytest.raises(ValueError, match=r"write it such as|correct it"):
        CLOCK.read(word)


# --- a whole test ----------------------------------------------------------------------------------------


def test_chinese_and_english_words_say_the_same(tmp_path: Path) -> None:
    """Keys, levels, hazards, quantities, towns, subsystems and reasons."""
    verdict = judged(
        tmp_path,
        "灾种: 高温露天作业\n开始: 2022-07-30\n平常: {气温: 25}\n用例:\n"
        "  - 名称: 一天37度\n    镇街: 盘龙\n    天气: {气温: {第2天 16:00: 37}}\n"
        "    预报: 如实\n    别无变化: 是\n    预期:\n"
        "      - {时间: 第1天 16:00, 变为: 橙色, 变化: 发布, 通知: 安全生产, 镇街: {盘龙: 橙, 昌元: 无}}\n"
        "      - {时间: 第3天 17:00, 变为: 无}\n      - {从: 第1天, 到: 第3天, 不到: 红}\n",
    )
    assert verdict.passed, verdict.failures


HOLDING = """
{at: day 1 16:00, becomes: orange}
{at: day 1 17:00, becomes: orange, within: 1h}
{at: day 1 15:00, level: none}
{at: day 1 16:00, level: orange}
{never: red}
{never: orange, to: day 1 15:00}
{at: day 1 16:00, reason: opened}
{at: day 1 16:00, unknown: false}
{at: day 1 16:00, hears: work_safety}
{at: day 1 15:00, calls: []}
{at: day 1 16:00, towns: {盘龙镇: orange}}
"""
FAILING = """
{at: day 1 17:00, becomes: orange}
{at: day 1 16:00, level: red}
{never: orange}
{never: orange, from: day 1 17:00}
{at: day 1 16:00, reason: ended}
{at: day 1 15:00, reason: opened}
{at: day 1 16:00, unknown: true}
{at: day 1 16:00, hears: geological_hazards}
{at: day 1 16:00, calls: [work_safety]}
{at: day 1 16:00, towns: {盘龙镇: red}}
"""


@pytest.mark.parametrize(("claims", "fails"), [(HOLDING, False), (FAILING, True)], ids=["holding", "failing"])
def test_every_claim_can_hold_and_can_fail(tmp_path: Path, claims: str, fails: bool) -> None:
    """No claim is always true; each failure names its line."""
    test = "  - name: x\n    end: day 1 20:00\n    weather: {temperature_2m: {day 2 16:00: 37}}\n"
    lines = claims.split("\n")[1:-1]
    expect = "".join(f"      - {line}\n" for line in lines)
    verdict = judged(tmp_path, f"{HEAD}tests:\n{test}    expect:\n{expect}")
    told = [lines[failure.line - 9] for failure in verdict.failures]
    assert told == (lines if fails else [])


@pytest.mark.parametrize("number", [0, 1], ids=["english", "chinese"])
@pytest.mark.parametrize("page", ["rule-tests.md", "rule-tests.en.md"])
def test_the_examples_of_the_documents_pass(tmp_path: Path, page: str, number: int) -> None:
    """What people copy works."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert judged(tmp_path, re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)[number]).passed


def test_a_change_that_nobody_expects_fails_where_nothing_else_may_change(tmp_path: Path) -> None:
    """`nothing_else` speaks of levels, not of extensions."""
    test = "  - name: x\n    nothing_else: true\n    weather: {temperature_2m: {day 2 16:00: 37}}\n"
    expect = "    expect: [{at: day 1 12:00, level: none}, {at: day 2 00:00, level: orange}]\n"
    verdict = judged(tmp_path, f"{HEAD}tests:\n{test}{expect}")
    assert [failure.expected for failure in verdict.failures] == ["别无变化 / nothing else changes"]


def test_forecasts_may_differ_from_what_comes(tmp_path: Path) -> None:
    """And may be withheld: then nobody can say that it stays calm."""
    test = (
        "  - name: x\n    forecast:\n      - {from: day 1 06:00, says: {temperature_2m: {day 2 00:00: 37}}}\n"
        "      - {from: day 1 12:00, says: none}\n"
        "    expect: [{at: day 1 06:00, becomes: orange}, {at: day 2 12:00, unknown: true}]\n"
    )
    assert judged(tmp_path, f"{HEAD}tests:\n{test}").passed


def test_what_was_missed_in_a_silence_is_told_after_it_unless_it_is_lost(tmp_path: Path) -> None:
    """A source that answers again tells of the hours before."""
    for lost, unknown in (("false", "false"), ("true", "true")):
        test = (
            f"  - name: x\n    silent: [{{from: day 1 06:00, to: day 2 18:00, lost: {lost}}}]\n"
            f"    hazard: heat\n    expect: [{{at: day 2 19:00, unknown: {unknown}}}]\n"
            "    weather: {temperature_2m: {days: [[25, 36], [25, 36], [25, 36], [25, 36]]}}\n"
        )
        verdict = judged(tmp_path, f"{HEAD}tests:\n{test}")
        assert verdict.passed, (lost, verdict.failures)


def test_observations_come_as_late_as_the_source_declares(tmp_path: Path) -> None:
    """A heat that no forecast saw is known two hours after it."""
    test = (
        "  - name: x\n    weather: {temperature_2m: {day 1 16:00: 37}}\n"
        "    forecast: [{from: day 1, says: {temperature_2m: {day 1 16:00: 30}}}]\n"
        "    expect: [{at: day 1 17:00, level: none}, {at: day 1 18:00, becomes: orange}]\n"
    )
    verdict = judged(tmp_path, f"{HEAD}tests:\n{test}", fed(latency=timedelta(hours=2)))
    assert verdict.passed, verdict.failures


def test_a_configuration_without_a_source_can_be_tested(tmp_path: Path) -> None:
    """Its rules are there before its data."""
    test = "  - name: x\n    weather: {temperature_2m: {days: [[25, 36], [25, 36], [25, 36]]}}\n"
    expect = "    hazard: heat\n    expect: [{at: day 1 00:00, becomes: yellow}]\n"
    assert judged(tmp_path, f"{HEAD}tests:\n{test}{expect}", fed(enabled=False)).passed


def test_several_hazards_are_judged_together(tmp_path: Path) -> None:
    """An expectation may name the one it is about."""
    test = "  - name: x\n    hazard: [outdoor_work, heat]\n    weather: {temperature_2m: {day 2 16:00: 35}}\n"
    told = "[{at: day 1 16:00, becomes: yellow}, {hazard: 高温, never: yellow, to: day 2 00:00}]"
    assert judged(tmp_path, f"{HEAD}tests:\n{test}    expect: {told}\n").passed


# --- mistakes --------------------------------------------------------------------------------------------


MISTAKES = """
    expect: []
=> own.yaml:6: tests[0].expect: is empty; say what must come of the weather

    expect: [{at: day 1}]
=> own.yaml:6: tests[0].expect[0]: expects nothing; write one of: becomes

    expect: [{level: red}]
=> own.yaml:6: tests[0].expect[0]: needs a moment; write at: as well

    expect: [{at: dawn, level: red}]
=> own.yaml:6: tests[0].expect[0].at: "dawn" is no moment; write it such

    expect: [{at: day 1, level: pink}]
=> own.yaml:6: tests[0].expect[0].level: pink is no level; there are

    expect: [{at: day 1, becoms: red}]
=> own.yaml:6: tests[0].expect[0].becoms: there is no such key; did you mean "becomes"?

    预期: [{时间: 拂晓, 等级: 红}]
=> own.yaml:6: tests[0].预期[0].时间: "拂晓" is no moment

    expect: [{at: day 1, hears: sheriff}]
=> own.yaml:6: tests[0].expect[0].hears: no subsystem is called "sheriff"

    expect: [{at: day 1, towns: {火星: red}}]
=> own.yaml:6: tests[0].expect[0].towns.火星: no town is called "火星"

    expect: [{at: day 1, towns: {盘龙镇: pink}}]
=> own.yaml:6: tests[0].expect[0].towns.盘龙镇: pink is no level

    expect: [{never: none}]
=> own.yaml:6: tests[0].expect[0]: never is about a stretch

    expect: [{at: day 1, reason: moved}]
=> own.yaml:6: tests[0].expect[0].reason: moved is no change

    expect: [{at: day 0, level: none}]
=> own.yaml:6: tests[0].expect: the test ends 07-29 00:00

    weather: {temperatur: 3}
    expect: [{never: red}]
=> tests[0].weather.temperatur: no quantity is called "temperatur"; did you mean "temperature_2m"?

    weather: {temperature_2m: warm}
    expect: [{never: red}]
=> tests[0].weather.temperature_2m: "warm" is no figure

    weather: {temperature_2m: {day 1 08:30: 3}}
    expect: [{never: red}]
=> tests[0].weather.temperature_2m.day 1 08:30: weather is hourly

    weather: {temperature_2m: {days: [30]}}
    expect: [{never: red}]
=> tests[0].weather.temperature_2m.days[0]: a day is its lowest

    weather: {precipitation: {days: [[1, 2]]}}
    expect: [{never: red}]
=> tests[0].weather.precipitation.days: is for values of the moment

    silent: [{from: day 2, to: day 1}]
    expect: [{never: red}]
=> tests[0].silent[0].to: lies before from

    forecast: perhaps
    expect: [{never: red}]
=> tests[0].forecast: write as_it_comes, none

    forecast: [{says: none}]
    expect: [{never: red}]
=> tests[0].forecast[0]: has the keys from and says

    hazard: locusts
    expect: [{never: red}]
=> tests[0].hazard: no hazard is called "locusts"

    start: soon
    expect: [{never: red}]
=> tests[0].start: "soon" is no moment; write it such as 2022-07-30 00:00

    hazard: gale
    expect: [{never: red}]
=> tests[0].weather: says nothing of wind_speed_10m (风速), wind_gusts_10m (阵风)

    name: y
    expect: [{never: red}]
=> tests[0].name: is written twice

    名称: y
    expect: [{never: red}]
=> is written as name as well; remove one of them
"""


@pytest.mark.parametrize("mistake", MISTAKES.strip("\n").split("\n\n"))
def test_a_mistake_is_one_sentence_with_its_line(tmp_path: Path, mistake: str) -> None:
    """File, line, key and remedy."""
    test, sentence = mistake.split("\n=> ")
    told = said(tmp_path, test)
    assert sentence in told
    assert told.count("\n") == 0


def test_a_daily_value_that_follows_from_hours_is_not_written_as_well(tmp_path: Path) -> None:
    """One of them would be passed over."""
    head = "hazard: landslide\nstart: 2024-07-04\nnormally: {precipitation: 0, precipitation_day_20: 0}\n"
    assert "precipitation_day_20 follows from the hours" in said(tmp_path, "    expect: [{never: red}]", head)


def test_all_mistakes_of_all_files_are_told_before_anything_is_run(tmp_path: Path) -> None:
    """Nobody mends one to meet the next."""
    tests = "".join(f"  - {{name: x{n}, expect: [{{at: dawn, level: red}}]}}\n" for n in range(3))
    with pytest.raises(ConfigMistake) as caught:
        list(run_files(shipped(), [written(tmp_path, f"{HEAD}tests:\n{tests}")]))
    assert str(caught.value).count("\n") == 2
