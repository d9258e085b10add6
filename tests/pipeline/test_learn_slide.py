"""Learning the chance of slides: honest years, no look-ahead, no promotion of a model that ranks worse."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ingest.errors import FengsuiError
from pipeline.learn.chance_lesson import chain, learn
from pipeline.learn.chance_score import Told, score
from pipeline.learn.chance_train import best_threshold, forward, left_out
from pipeline.learn.lesson import Material, scorer, teacher
from pipeline.learn.ranking import better_than_rule
from pipeline.learn.slide_data import SlideDays, read_slides
from pipeline.learn.slide_train import SLIDES
from pipeline.learn.splits import weeks_of
from rules.learned import store
from rules.learned.slide_days import UNITS, chance

pytest.importorskip("sklearn")
pytest.importorskip("skops")
pytest.importorskip("scores")
WEIGHTS = """
import numpy as np
from pipeline.learn.chance_train import Cases, fit
draw = np.random.default_rng(1)
table = draw.normal(size=(4000, 20))
came = (draw.random(4000) < 1 / (1 + np.exp(2 - table @ draw.normal(size=20)))).astype(float)
days = np.datetime64("2000-01-01") + np.arange(4000)
model = fit(Cases(days=days, table=table, happened=came, rule=came), {str(n): 0.0 for n in range(20)}, 0.05)
print("".join(model[name].tobytes().hex() for name in sorted(model)))
"""
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "landslide_cubatao_2000_2011"
real = pytest.mark.skipif(
    not REAL.is_dir(), reason=f"data set {REAL.name} is missing: put it into {REAL.parent}"
)


def made_up(years=9, seed=2) -> pd.DataFrame:
    """A wet place whose slopes give way where the rain of three days is heavy, mostly."""
    draw = np.random.default_rng(seed)
    dates = pd.date_range("2001-01-01", periods=365 * years)
    rain = np.round(draw.gamma(0.15, 60.0, len(dates)), 1)
    sum_3 = pd.Series(rain).rolling(3, min_periods=1).sum().to_numpy()
    slides = draw.random(len(dates)) < 1 / (1 + np.exp((110.0 - sum_3) / 20.0))
    return pd.DataFrame({"date": dates, "rainfall": rain, "landslides": slides.astype(int)})


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """The made-up days as a CSV file."""
    path = tmp_path_factory.mktemp("slides") / "days.csv"
    made_up().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def lesson(file):
    """What is learned of them."""
    return teacher("landslide")(Material(path=file, until=None, seed=None, about=""))


def changed(days: SlideDays, **parts) -> SlideDays:
    """The days with some series exchanged."""
    return SlideDays(**vars(days) | parts)


def test_the_manifest_says_that_it_is_not_from_here(lesson):
    """A model of another country is advisory, in both languages."""
    paper = lesson.manifest
    assert paper.calibrated_for == "elsewhere"
    assert "未按荣昌区校准" in paper.limits_zh
    assert "Not calibrated for Rongchang" in paper.limits_en


def test_the_model_keeps_no_days_of_its_training(lesson):
    """Days without a stated licence never leave their file."""
    assert "tail" not in lesson.parts
    assert max(np.size(part) for part in lesson.parts.values()) <= len(UNITS) ** 2


def test_the_same_days_give_the_same_bytes(file, lesson, tmp_path):
    """Training twice writes the same file, bit by bit."""
    again = teacher("landslide")(Material(path=file, until=None, seed=None, about=""))
    for each, name in ((lesson, "a"), (again, "b")):
        store.save(dict(each.parts), each.manifest, tmp_path / name)
    first, second = (tmp_path / name / "landslide.skops" for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_a_saved_model_scores_later_days(file, lesson, tmp_path):
    """What was trained to a date is scored on the days after it, from what comes out of the store."""
    early = teacher("landslide")(Material(path=file, until=date(2007, 12, 31), seed=None, about=""))
    store.save(dict(early.parts), early.manifest, tmp_path)
    found = scorer("landslide")(store.load(tmp_path, "landslide", UNITS).model, file)
    assert (found["first"], found["in_training"]) == ("2008-01-01", False)
    assert found["brier_skill"] > 0.2
    assert found["intervals"]["ap"][0] < found["ap"] < found["intervals"]["ap"][1]


def test_scoring_the_training_days_is_said(file, lesson):
    """A file without later days is scored whole, and the result says it was seen."""
    assert scorer("landslide")(lesson.parts, file)["in_training"]


@pytest.mark.parametrize("series", ["rain", "slides"])
def test_the_inputs_of_a_day_know_nothing_later(file, series):
    """Later days can be anything: features up to a day stay as they were; its own report is no input."""
    days = read_slides(file)
    later = getattr(days, series).copy()
    later[1000 + (series == "rain"):] = 99.0
    other = changed(days, **{series: later}).cases().table
    assert np.array_equal(days.cases().table[:1001], other[:1001], equal_nan=True)


def test_what_came_of_a_day_or_later_changes_no_chance_of_it(file):
    """The whole chain, models and levels, up to a day is the same whatever the days from it on bring."""
    cases = read_slides(file).cases()
    start = int(np.flatnonzero(cases.years == 2008)[100])
    turned = cases.happened.copy()
    turned[start:] = 1.0 - turned[start:]
    other = type(cases)(days=cases.days, table=cases.table, happened=turned, rule=cases.rule)
    said, again = (chain(SLIDES, each)[0][: start + 1] for each in (cases, other))
    assert np.array_equal(said, again, equal_nan=True)


def test_reports_that_grow_tenfold_are_caught_up_with(file):
    """Where slides are reported ever more often, later years say as much as came."""
    cases = read_slides(file).cases()
    draw = np.random.default_rng(5)
    seldom = cases.happened * (draw.random(len(cases.days)) < 0.1 * 10 ** ((cases.years - 2001) / 8))
    blind = cases.table.copy()
    blind[:, [name.startswith("slides") for name in UNITS]] = 0.1
    grown = type(cases)(days=cases.days, table=blind, happened=seldom, rule=cases.rule)
    said, _ = chain(SLIDES, grown)
    plain = forward(grown, lambda part: learn(SLIDES, part), chance, 2005)
    own = (cases.years >= 2006) & np.isfinite(said)
    off, before = (abs(each[own].mean() - seldom[own].mean()) for each in (said, plain))
    assert off < 0.5 * before


def test_a_model_goes_on_from_its_level(file, tmp_path):
    """The first day after the training is told at the level that the model was saved with."""
    early = teacher("landslide")(Material(path=file, until=date(2007, 12, 31), seed=None, about=""))
    cases = read_slides(file).cases()
    own = cases.days > np.datetime64("2007-12-31")
    whole, _ = chain(SLIDES, cases.taken(cases.years <= 2008))
    first = np.flatnonzero(own)[0]
    assert chance(early.parts, cases.table[[first]]) == pytest.approx(whole[[first]], rel=1e-6)


def weights(threads: str) -> str:
    """Weights that a process finds which was told to use so many threads, byte by byte."""
    found = subprocess.run(
        [sys.executable, "-c", WEIGHTS], cwd=Path(__file__).resolve().parents[2], text=True,
        env={"OMP_NUM_THREADS": threads, "PATH": "/usr/bin:/bin"}, capture_output=True, check=True,
    )  # fmt: skip
    return found.stdout


def test_weights_are_those_of_any_number_of_threads():
    """Told to use one thread or two from the start, a process finds the same weights, to the last bit."""
    assert weights("1") == weights("2") != ""


def test_each_year_is_foretold_from_years_before(file):
    """What is said of a year does not change with what came in it or after it."""
    cases = read_slides(file).cases()
    cut = cases.taken(cases.years <= 2006)
    whole, part = (
        forward(each, lambda own: learn(SLIDES, own), chance, 2005) for each in (cases, cut)
    )
    assert np.array_equal(whole[: len(part)], part, equal_nan=True)


def test_a_left_out_year_is_not_learned_from(file):
    """Turning the reports of a year upside down leaves that year's chances from rain as they were."""
    cases = read_slides(file).cases()
    own = cases.years == 2006
    turned = np.where(own, 1 - cases.happened, cases.happened)
    other = type(cases)(days=cases.days, table=cases.table, happened=turned, rule=cases.rule)
    said = [left_out(each, lambda part: learn(SLIDES, part), chance, 2006)[own] for each in (cases, other)]
    assert said[0] == pytest.approx(said[1], nan_ok=True)


def test_a_model_that_ranks_worse_than_the_rule_is_refused():
    """A noisy copy of the rule's index never passes, and the sentence says so."""
    draw = np.random.default_rng(1)
    rule = draw.gamma(0.5, 20.0, 3000)
    came = (draw.random(3000) < rule / 200).astype(float)
    verdict = better_than_rule(rule + draw.normal(0, 30, 3000), rule, came, np.arange(3000) // 7)
    assert not verdict.better
    assert "stays in the shadow" in verdict.because


@pytest.mark.parametrize("change", [lambda rule: rule, lambda rule: rule**3, lambda rule: rule / 1e3])
def test_a_model_that_ranks_like_the_rule_is_refused(change):
    """Another scale is no better order: doubt counts against the model."""
    rule = np.random.default_rng(4).gamma(0.5, 20.0, 700)
    came = (rule > 30).astype(float)
    assert not better_than_rule(change(rule), rule, came, np.arange(700) // 7).better


def test_a_model_that_ranks_surely_better_passes():
    """Where the whole interval of the gain lies above zero the model may be promoted."""
    draw = np.random.default_rng(3)
    truth = draw.normal(size=2000)
    came = (truth > 1.3).astype(float)
    verdict = better_than_rule(truth, truth + draw.normal(0, 2, 2000), came, np.arange(2000) // 7)
    assert verdict.better
    assert verdict.model == pytest.approx(1.0)


@pytest.mark.parametrize("events", [0, 1])
def test_without_events_nothing_is_promoted(events):
    """No events, or a single one, prove nothing."""
    came = np.zeros(50)
    came[:events] = 1.0
    assert not better_than_rule(np.arange(50.0)[::-1], np.zeros(50), came, np.arange(50)).better


def test_no_cases_at_all_are_no_proof():
    """An empty comparison is refused, not crashed on."""
    assert not better_than_rule([], [], [], []).better


def test_unknown_cases_count_for_neither():
    """A NaN of the model takes the case from the rule as well."""
    model, rule, came = np.array([0.9, np.nan, 0.1]), np.array([1.0, 9.0, 2.0]), np.array([1.0, 0.0, 0.0])
    assert better_than_rule(model, rule, came, np.arange(3)).rule == pytest.approx(0.5)


def test_the_best_threshold_parts_the_days():
    """Of an index that parts them perfectly, the smallest index of a day with an event."""
    index = np.array([1.0, 2.0, 30.0, 40.0, np.nan])
    assert best_threshold(index, np.array([0.0, 0.0, 1.0, 1.0, 1.0])) == 30.0


def test_days_without_all_figures_are_not_scored():
    """Unknown chances are left out, and a past without an event is refused with a sentence."""
    days = np.arange("2020-01-01", "2020-01-05", dtype="datetime64[D]")
    with pytest.raises(FengsuiError, match="no day with an event"):
        Told.known(days, np.array([0.1, 0.2, np.nan, 0.3]), np.ones(4), np.array([0.0, 0.0, 1.0, 0.0]))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda frame: frame.drop(columns="rainfall"), "no column date or rainfall"),
        (lambda frame: frame.drop(columns="landslides"), "no landslides.csv beside it"),
        (lambda frame: pd.concat([frame, frame.tail(1)]), "one day twice"),
        (lambda frame: frame.assign(date="tomorrow"), "no date"),
        (lambda frame: frame.head(0), "holds no rows"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_a_sentence(tmp_path, change, sentence):
    """What is missing is named, with what is needed."""
    path = tmp_path / "days.csv"
    change(made_up(1)).to_csv(path, index=False)
    with pytest.raises(FengsuiError, match=sentence):
        read_slides(path)


@pytest.mark.parametrize("years", [1, 3])
def test_too_few_years_are_refused(tmp_path, years):
    """Without a later year to test on, nothing is trained."""
    path = tmp_path / "days.csv"
    made_up(years).to_csv(path, index=False)
    with pytest.raises(FengsuiError, match="give more than 4 years"):
        teacher("landslide")(Material(path=path, until=None, seed=None, about=""))


def test_missing_days_and_negative_rain_are_unknown(tmp_path):
    """A hole in the dates, and a gauge that says less than nothing, are not dry days."""
    frame = made_up(1).drop(index=5)
    frame.loc[9, "rainfall"] = -1.0
    frame.to_csv(tmp_path / "days.csv", index=False)
    days = read_slides(tmp_path / "days.csv")
    assert np.isnan(days.rain[[5, 9]]).all()
    assert np.isnan(days.slides[5])


@real
def test_reports_of_later_years_are_foretold_better_than_by_effective_rain():
    """At Cubatão each year is foretold from the years before: better ranks than the rule, and skill."""
    found = teacher("landslide")(Material(path=REAL, until=None, seed=None, about="")).manifest.metrics
    later = found["later_years"]
    assert later["better_than_rule"]
    assert later["ap"] > 0.30
    assert later["brier_skill"] > 0.14
    for test in found.values():
        band = test["reliability"]["band"]
        assert all(part["low"] <= part["chance"] <= part["high"] for part in band)


@real
def test_where_nobody_reports_rain_alone_still_ranks_better_than_the_rule():
    """Without a single report the model answers nearly every day, and orders them better than the index."""
    cases = read_slides(REAL).cases()
    blind = cases.table.copy()
    blind[:, [name.startswith("slides") for name in UNITS]] = np.nan
    own = cases.years >= 2008
    said = chance(learn(SLIDES, cases.taken(~own)), blind[own])
    assert np.isfinite(said).mean() > 0.9
    assert better_than_rule(said, cases.rule[own], cases.happened[own], weeks_of(cases.days[own])).better


@real
def test_boosted_trees_that_rank_worse_than_the_rule_are_refused():
    """Trees on the same windows learn the past by heart, rank later years worse, and are not promoted."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    cases = read_slides(REAL).cases()
    own = cases.years >= 2008
    rain = [name.startswith("rain") for name in UNITS]
    trees = HistGradientBoostingClassifier(random_state=0, max_iter=60)
    trees.fit(cases.table[~own][:, rain], cases.happened[~own])
    said = trees.predict_proba(cases.table[own][:, rain])[:, 1]
    verdict = better_than_rule(said, cases.rule[own], cases.happened[own], weeks_of(cases.days[own]))
    assert verdict.model < verdict.rule
    assert not verdict.better


def test_figures_come_with_intervals_and_years():
    """Scores name their intervals, their years and the rule's own ranks."""
    days = np.arange("2020-01-01", "2021-12-31", dtype="datetime64[D]")
    draw = np.random.default_rng(8)
    said = draw.random(len(days))
    came = (draw.random(len(days)) < said).astype(float)
    told = Told.known(days, said, draw.random(len(days)), came)
    found = score(told, rate=0.5, threshold=0.5)
    assert set(found["by_year"]) == {"2020", "2021"}
    assert set(found["intervals"]) >= {"ap", "ap_rule", "ap_gain", "brier_skill"}
    assert all(part["low"] <= part["chance"] <= part["high"] for part in found["reliability"]["band"])
