"""The report of a model: what it is, what it must not do, and how good it is beside the rule."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from click.testing import CliRunner
from stage import district

from pipeline.cli import main
from pipeline.learn.shelf import shipped
from pipeline.reports import write
from pipeline.reports.language import Tongue
from pipeline.reports.lesson_tables import Tables
from pipeline.reports.lessons import Taught
from pipeline.reports.lessons import sheet as sheet_of
from pipeline.reports.merits import trials_of
from rules.learned.manifest import Manifest
from rules.learned.store import read_manifest

pytest.importorskip("matplotlib")
ZH, EN = Tongue(language="zh"), Tongue(language="en")
NAMES = ["heat", "landslide", "forest_fire"]
each = pytest.mark.parametrize("name", NAMES)
SCORE = {
    "in_training": True, "n": 40, "ap": 0.3, "ap_rule": None, "better_than_rule": False,
    "intervals": {"ap": [-0.1, 0.4], "ap_rule": [None, None]},
}  # fmt: skip
RAIN = {
    "n": 9, "crps": 1.5, "crps_members": 1.6, "intervals": {"crps": [1.4, 1.6], "crps_members": [1.5, 1.7]},
    "amounts": {
        "10": {"ap": 0.3, "ap_members": 0.2, "intervals": {"ap": [0.2, 0.4], "ap_members": [0.1, 0.3]}},
        "5": {"ap": 0.6, "ap_members": 0.5, "intervals": {"ap": [0.5, 0.7], "ap_members": [0.4, 0.6]}},
        "100": {"events": 0},
    },
}  # fmt: skip


@cache
def model(name: str) -> Manifest:
    """A model that ships."""
    return read_manifest(shipped(), name)


@cache
def written(name: str, folder: Path) -> str:
    """The page of a model that ships; drawn once for all tests."""
    path = folder / f"{name}.html"
    write(path, Taught(manifest=model(name)), config=district())
    return path.read_text("utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pages are written."""
    return tmp_path_factory.mktemp("lessons")


def facts(subject: Taught, tongue: Tongue = EN) -> dict[str, Any]:
    """What the page is filled with."""
    return dict(sheet_of(subject, district(), "").facts(tongue, False))


@cache
def shown(name: str) -> dict[str, Any]:
    """The same of a model that ships, in English; drawn once for all tests."""
    return facts(Taught(manifest=model(name)))


@each
def test_a_page_says_what_the_model_is_and_is_not_for(name: str, folder: Path):
    """Use, limits, last day and data, in both languages, and that it was not calibrated here."""
    text, known = written(name, folder).replace("&#39;", "'"), model(name)
    for said in (known.intended_use_zh, known.intended_use_en, known.limits_zh, known.limits_en):
        assert said in text
    assert known.trained_to.isoformat() in text
    assert "没有用荣昌的资料标定" in text
    assert "Not calibrated at Rongchang" in text


@each
def test_the_data_are_named_at_the_foot(name: str):
    """Whoever passes the page on passes on whose data the model was made of."""
    assert shown(name)["head"].credits == [model(name).data]


@each
def test_the_same_model_gives_the_same_bytes(name: str, folder: Path, tmp_path: Path):
    """Nothing of the page depends on when it is written."""
    write(tmp_path / "again.html", Taught(manifest=model(name)), config=district())
    assert (tmp_path / "again.html").read_text("utf-8") == written(name, folder)


@each
def test_a_page_needs_nothing_but_itself(name: str, folder: Path):
    """No script, nothing fetched, and no identifier twice."""
    text = written(name, folder)
    assert not re.search(r"<script|<link|<img|@import|url\((?!#)", text)
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("name", "tests", "drawings"),
    [
        ("heat", ["season", "left_out_places.with_past", "left_out_places.without_past"], [6, 0, 0]),
        ("landslide", ["later_years", "left_out"], [2, 2]),
        ("forest_fire", ["later_years", "left_out"], [2, 2]),
    ],
)
def test_every_test_of_the_training_is_told(name: str, tests: list[str], drawings: list[int]):
    """What came after the training first; reliability and value wherever they were computed."""
    assert [test.name for test in Taught(manifest=model(name)).tests] == tests
    assert [len(part.drawings) for part in shown(name)["parts"]] == drawings


def test_figures_stand_beside_those_of_the_rule_with_their_intervals():
    """Mean absolute error beside the multi-model mean, chances at their threshold."""
    rows = {row.name: row for row in shown("heat")["parts"][0].rows}
    error, found = rows["mean absolute error [°C]"], model("heat").metrics["season"]
    assert (error.value, error.beside) == (f"{found['mae']:.2f}", f"{found['mae_multi_model_mean']:.2f}")
    assert error.whose == "multi-model mean"
    assert " … " in error.beside_bounds
    assert {f"Brier skill ≥{limit}℃" for limit in (35, 37, 40)} <= set(rows)


def test_the_city_that_is_helped_least_comes_first():
    """A reader sees at once where the model is worth little."""
    lines = shown("heat")["parts"][0].each
    gains = [float(line[4].rstrip("%").replace("−", "-")) for line in lines]
    assert len(lines) == 50
    assert gains == sorted(gains)


def test_years_are_listed_with_the_rule_beside():
    """Events, mean chance, and how chance and rule rank the days of each year."""
    part = shown("landslide")["parts"][0]
    assert [line[0] for line in part.each] == [str(year) for year in range(2004, 2012)]
    assert part.columns[-1] == "AP of the rule"


def test_amounts_rise_and_those_that_never_came_are_left_out():
    """Rain keeps a group for each amount; 10 mm comes after 5 mm, and 100 mm was never seen."""
    [trial] = trials_of(RAIN, "stretches")
    assert [group.limit for group in trial.groups] == ["", "5", "10"]
    rows = list(Tables(hazard="rain", tongue=EN).rows(trial))
    assert [(row.name, row.value, row.beside) for row in rows] == [
        ("ranked probability score CRPS [mm]", "1.50", "1.60"),
        ("average precision AP ≥5 mm", "0.60", "0.50"),
        ("average precision AP ≥10 mm", "0.30", "0.20"),
    ]


def test_what_cannot_be_told_is_a_dash():
    """None of a score is no zero, and an interval that is not known is not shown."""
    subject = Taught(manifest=model("landslide"), score=SCORE, scored="days.csv")
    [row] = facts(subject)["parts"][0].rows
    assert (row.value, row.bounds) == ("0.30", "−0.10 … 0.40")
    assert (row.beside, row.beside_bounds) == ("—", "")


@pytest.mark.parametrize(("tongue", "said"), [(ZH, "训练用过的日子"), (EN, "shown in training")])
def test_a_score_on_days_of_training_is_marked(tongue: Tongue, said: str):
    """So is one that does not show the model to beat the rule."""
    notices = facts(Taught(manifest=model("landslide"), score=SCORE), tongue)["head"].notices
    assert said in notices[1].text
    assert len(notices) == 3


def test_a_model_without_figures_is_not_to_be_trusted(tmp_path: Path):
    """The page says so instead of standing empty."""
    write(tmp_path / "m.html", Taught(manifest=replace(model("heat"), metrics={})), config=district())
    text = (tmp_path / "m.html").read_text("utf-8")
    assert "不要相信这个模型" in text
    assert "do not trust this model" in text


@pytest.mark.parametrize("home", ["rongchang", "elsewhere"])
def test_only_a_foreign_model_is_called_foreign(home: Literal["rongchang", "elsewhere"]):
    """One that was calibrated at home has no such line."""
    head = facts(Taught(manifest=replace(model("landslide"), metrics={}, calibrated_for=home)))["head"]
    assert bool(head.notices) is (home == "elsewhere")


def test_print_holds_one_language(tmp_path: Path):
    """A PDF of a model."""
    pytest.importorskip("weasyprint")
    write(tmp_path / "m.pdf", Taught(manifest=model("landslide")), config=district())
    assert (tmp_path / "m.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("command", [["train", "landslide"], ["score-model", "landslide"]])
def test_a_report_that_cannot_be_written_is_refused_before_the_work(command: list[str], tmp_path: Path):
    """The suffix is looked at before the data are."""
    found = CliRunner().invoke(
        main, [*command, "--data", str(tmp_path / "none.csv"), "--report", str(tmp_path / "m.txt")]
    )
    assert found.exit_code != 0
    assert ".html or .pdf" in found.output + str(found.exception)


def made_up(path: Path) -> Path:
    """Nine years of a wet place whose slopes give way after heavy rain, mostly."""
    draw = np.random.default_rng(2)
    rain = draw.gamma(0.15, 60.0, 365 * 9)
    slides = draw.random(rain.size) < 1 / (1 + np.exp((60.0 - rain) / 15.0))
    days = np.datetime64("2001-01-01") + np.arange(rain.size)
    lines = [f"{day},{mm:.1f},{int(came)}" for day, mm, came in zip(days, rain, slides, strict=True)]
    path.write_text("\n".join(["date,rainfall,landslides", *lines]), "utf-8")
    return path


def test_training_and_scoring_write_a_page_each(tmp_path: Path):
    """What is printed for programs stays whole; the page of the score names the file."""
    for library in ("sklearn", "skops", "scores"):
        pytest.importorskip(library)
    data = ["--data", str(made_up(tmp_path / "slides.csv")), "--json"]
    pages = [tmp_path / "model.html", tmp_path / "score.html"]
    commands = [["train", "landslide", "--out"], ["score-model", "landslide", "--model"]]
    for command, page in zip(commands, pages, strict=True):
        asked = [*command, str(tmp_path / "m"), *data, "--report", str(page)]
        found = CliRunner().invoke(main, asked, catch_exceptions=False)
        assert json.loads(found.stdout)["hazard"] == "landslide"
        assert str(page) in found.stderr
    assert "以后各年" in pages[0].read_text("utf-8")
    assert "slides.csv" in pages[1].read_text("utf-8")
    assert "训练用过的日子" in pages[1].read_text("utf-8")
