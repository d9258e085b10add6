"""Learning from an ensemble of rain: stretches of days, scores, and what the past never saw."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ingest.errors import FengsuiError
from pipeline.learn.lesson import Material, scorer, teacher
from pipeline.learn.rain_data import RainCases, blocks_of, read_rain
from pipeline.learn.rain_train import crps_members, honest, learn
from rules.learned import store
from rules.learned.rain_members import UNITS, chance

pytest.importorskip("sklearn")
pytest.importorskip("skops")
pytest.importorskip("scores")
SETS = Path(__file__).resolve().parents[3] / "shared" / "data"
REAL = SETS / "ensemble_rain_monsoon" / "verification_precip.ensemble.csv.gz"
real = pytest.mark.skipif(
    not REAL.is_file(), reason=f"data set {REAL.parent.name} is missing: put it into {SETS}"
)


def made_up(days=240, leads=(1, 4, 8), seed=9) -> pd.DataFrame:
    """An ensemble that is a third too dry and far too sure of itself, the more so far ahead."""
    draw = np.random.default_rng(seed)
    rain = draw.gamma(1.2, 12.0, days + 12)
    parts = []
    for lead in leads:
        true = rain[np.arange(days) + lead - 1]
        centre = true * 0.67 * np.exp(draw.normal(0, 0.1 * lead, days))
        part = {"effective_time": np.arange(1, days + 1), "lead_time": lead, "observation": true}
        part |= {
            f"ensemble.forecast.{n}": centre * np.exp(draw.normal(0, 0.1, days)) for n in range(1, 12)
        }
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """The made-up cases as a CSV file."""
    path = tmp_path_factory.mktemp("rain") / "cases.csv"
    made_up().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def lesson(file):
    """What is learned of them."""
    return teacher("rain")(Material(path=file, until=None, seed=None, about=""))


def test_calibration_mends_a_dry_ensemble(lesson):
    """On stretches it never saw it scores better than the members, and 25 mm better than their count."""
    found = lesson.manifest.metrics["stretches"]
    assert found["crps_under_members"] > 0.2
    assert found["amounts"]["25"]["brier_skill_beside_members"] > 0.2


@pytest.mark.parametrize("amount", ["5", "10", "15", "20", "25", "50", "100"])
def test_every_amount_has_its_figures_or_says_that_it_never_came(lesson, amount):
    """An amount that was reached has skill with intervals; one that was not has only its count of none."""
    found = lesson.manifest.metrics["stretches"]["amounts"][amount]
    assert ("brier_skill" in found) == (found["events"] > 0)


def test_the_limits_name_the_largest_rain_seen(lesson, file):
    """What lies beyond is extrapolated, and the manifest says from where on."""
    most = f"{read_rain(file).observed.max():g}"
    assert most in lesson.manifest.limits_zh
    assert most in lesson.manifest.limits_en


def test_a_saved_model_scores_a_file(lesson, file, tmp_path):
    """What comes out of the store scores the file it is given."""
    store.save(dict(lesson.parts), lesson.manifest, tmp_path)
    found = scorer("rain")(store.load(tmp_path, "rain", UNITS).model, file)
    assert found["n"] == 720
    assert found["crps"] < found["crps_members"]


def test_the_same_cases_give_the_same_numbers(lesson, file):
    """Nothing is drawn at random."""
    assert learn(read_rain(file))["coefficients"].tolist() == lesson.parts["coefficients"].tolist()


def test_stretches_share_no_day(file):
    """No day that is foretold is learned from, nor one within ten days of it, at any lead."""
    cases = read_rain(file)
    for learned, own in blocks_of(cases, 5, 10):
        apart = cases.valid[learned][:, None] - cases.valid[own][None, :]
        assert np.abs(apart).min() > 9


def test_every_case_is_foretold_once(file):
    """The stretches cover all cases without overlap."""
    cases = read_rain(file)
    assert (sum(own.astype(int) for _, own in blocks_of(cases, 5, 10)) == 1).all()


def test_a_cut_off_date_is_refused(file):
    """The cases bear no dates, and a sentence says so."""
    with pytest.raises(FengsuiError, match="no date"):
        teacher("rain")(Material(path=file, until=date(2020, 1, 1), seed=None, about=""))


def test_too_few_cases_are_refused(file):
    """A hundred known cases are the least."""
    cases = read_rain(file)
    with pytest.raises(FengsuiError, match="too few"):
        learn(cases.taken(np.arange(len(cases.made)) < 60))


@pytest.mark.parametrize("column", ["effective_time", "lead_time", "observation", "ensemble"])
def test_a_missing_column_is_named(tmp_path, column):
    """The sentence says which column is missing."""
    frame = made_up(20)
    gone = [name for name in frame.columns if name.startswith(column)]
    frame.drop(columns=gone).to_csv(tmp_path / "cases.csv", index=False)
    with pytest.raises(FengsuiError, match=f"no column {column}"):
        read_rain(tmp_path / "cases.csv")


def test_unknown_members_and_rain_below_nothing_are_missing(tmp_path):
    """A negative amount is no amount."""
    frame = made_up(20)
    frame.loc[0, "ensemble.forecast.1"] = -1.0
    frame.loc[1, "observation"] = np.nan
    frame.to_csv(tmp_path / "cases.csv", index=False)
    cases = read_rain(tmp_path / "cases.csv")
    assert np.isnan([cases.members[0, 0], cases.observed[1]]).all()


def test_the_score_of_one_member_is_its_distance():
    """A single member scores its absolute error; a split pair scores less than its mean distance."""
    assert crps_members(np.array([[3.0]]), np.array([5.0])) == pytest.approx([2.0])
    assert crps_members(np.array([[4.0, 6.0]]), np.array([5.0])) == pytest.approx([0.5])


def few(cases: RainCases, keep: int) -> RainCases:
    """The same cases with only some of their members known."""
    members = np.where(np.arange(cases.members.shape[1]) < keep, cases.members, np.nan)
    return RainCases(made=cases.made, lead=cases.lead, members=members, observed=cases.observed)


@pytest.mark.parametrize(("keep", "known"), [(11, True), (5, True), (4, False), (0, False)])
def test_missing_members_give_an_answer_or_none(lesson, file, keep, known):
    """With five members there is a chance, with fewer none, never zero."""
    found = chance(lesson.parts, few(read_rain(file), keep).table)
    assert np.isfinite(found).all() == known
    assert np.isnan(found).all() != known


@real
def test_the_monsoon_ensemble_is_mended_by_calibration():
    """Ranked score surely below that of the members; skill beside their count at amounts that came."""
    found = honest(read_rain(REAL))
    assert found["intervals"]["crps_under_members"][0] > 0.0
    assert all(found["amounts"][amount]["brier_skill_beside_members"] > 0 for amount in ("5", "10", "15"))
    assert all(found["amounts"][amount]["events"] == 0 for amount in ("25", "50", "100"))
