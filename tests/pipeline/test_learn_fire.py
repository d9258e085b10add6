"""Learning the chance of a fire start: units, codes that run on, honest years, and another country."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ingest.errors import FengsuiError
from pipeline.learn.chance_lesson import learn
from pipeline.learn.chance_score import Told, score
from pipeline.learn.chance_train import forward
from pipeline.learn.fire_data import read_algerian, read_fires
from pipeline.learn.fire_train import FIRES, elsewhere
from pipeline.learn.lesson import Material, scorer, teacher
from rules.learned import store
from rules.learned.fire_days import UNITS, chance

pytest.importorskip("sklearn")
pytest.importorskip("skops")
pytest.importorskip("scores")
SETS = Path(__file__).resolve().parents[3] / "shared" / "data"
REAL = SETS / "fire_california_1984_2014" / "daily.csv.gz"
SUMMER = SETS / "fire_algerian_2012" / "Algerian_forest_fires_dataset_UPDATE.csv"


def needs(path: Path) -> pytest.MarkDecorator:
    """A loud skip where a data set is not there."""
    reason = f"data set {path.parent.name} is missing: put it into {SETS}"
    return pytest.mark.skipif(not path.is_file(), reason=reason)


def made_up(years=13, seed=6) -> pd.DataFrame:
    """Hot dry summers with fires, in the units and columns of the published set."""
    draw = np.random.default_rng(seed)
    dates = pd.date_range("1990-01-01", periods=int(365.25 * years))
    summer = -np.cos(2 * np.pi * dates.day_of_year / 365.25)
    warm = 68 + 14 * summer + draw.normal(0, 6, len(dates))
    wet = np.where(draw.random(len(dates)) < 0.12 - 0.1 * summer, draw.gamma(0.6, 0.4, len(dates)), 0.0)
    odds = -1.5 + 2.5 * summer + 0.08 * (warm - 68 - 14 * summer) - 2.0 * (wet > 0)
    return pd.DataFrame({
        "DATE": dates.strftime("%d/%m/%y"), "PRECIPITATION": wet.round(2), "MAX_TEMP": warm.round(),
        "MIN_TEMP": (warm - 18).round(), "AVG_WIND_SPEED": draw.gamma(8, 1.0, len(dates)).round(2),
        "FIRE_START_DAY": draw.random(len(dates)) < 1 / (1 + np.exp(-odds)),
    })  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """The made-up days as a CSV file."""
    path = tmp_path_factory.mktemp("fires") / "days.csv"
    made_up().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def early(file):
    """What is learned of all years but the last two."""
    return teacher("forest_fire")(Material(path=file, until=date(2000, 12, 31), seed=None, about=""))


def test_american_units_become_metric(tmp_path):
    """An inch is 25.4 mm, 212 degrees are 100, ten miles an hour are 4.47 m/s."""
    row = {"PRECIPITATION": 1.0, "MAX_TEMP": 212.0, "MIN_TEMP": 32.0, "AVG_WIND_SPEED": 10.0}
    frame = made_up(1).assign(**row)
    frame.to_csv(tmp_path / "days.csv", index=False)
    days = read_fires(tmp_path / "days.csv")
    found = (days.rain[0], days.maximum[0], days.minimum[0], days.wind[0])
    assert found == pytest.approx((25.4, 100.0, 0.0, 4.4704))


@pytest.mark.parametrize("spelling", ["%d/%m/%y", "%Y-%m-%d"])
def test_both_spellings_of_a_date_are_read(tmp_path, spelling):
    """The years of two figures are those of the last century where they must be."""
    frame = made_up(1)
    frame["DATE"] = pd.to_datetime(frame["DATE"], format="%d/%m/%y").dt.strftime(spelling)
    frame.to_csv(tmp_path / "days.csv", index=False)
    assert str(read_fires(tmp_path / "days.csv").days[0]) == "1990-01-01"


@pytest.mark.parametrize("column", ["DATE", "MAX_TEMP", "FIRE_START_DAY"])
def test_a_missing_column_is_named(tmp_path, column):
    """The sentence says which column is missing and which are needed."""
    made_up(1).drop(columns=column).to_csv(tmp_path / "days.csv", index=False)
    with pytest.raises(FengsuiError, match=f"no column {column}"):
        read_fires(tmp_path / "days.csv")


def test_years_and_seasons_of_the_file_are_never_read(file, tmp_path):
    """Columns such as YEAR may say anything: nothing changes."""
    frame = made_up().assign(YEAR=1, SEASON="none", MONTH=99, DAY_OF_YEAR=-5, LAGGED_PRECIPITATION=1e9)
    frame.to_csv(tmp_path / "days.csv", index=False)
    tables = [read_fires(path).cases().table for path in (file, tmp_path / "days.csv")]
    assert np.array_equal(tables[0], tables[1], equal_nan=True)


def test_the_inputs_of_a_day_know_no_later_fire(file):
    """What happens on a day and after it is not among its inputs."""
    days = read_fires(file)
    later = days.fires.copy()
    later[500:] = 1.0 - later[500:]
    other = type(days)(**vars(days) | {"fires": later})
    assert np.array_equal(days.cases().table[:501], other.cases().table[:501], equal_nan=True)


def test_a_file_that_follows_the_training_goes_on_from_it(file, early, tmp_path):
    """Codes, sums and rates run on over the seam as if there were none."""
    later = tmp_path / "later.csv"
    made_up()[lambda frame: frame["DATE"].str[-2:].isin(["01", "02"])].to_csv(later, index=False)
    whole = read_fires(file)
    joined = read_fires(later).after(early.parts["tail"]).cases()
    own = whole.days > np.datetime64("2000-12-31")
    seam = joined.table[joined.days > np.datetime64("2000-12-31")]
    assert whole.cases().table[own] == pytest.approx(seam, nan_ok=True)


def test_a_saved_model_scores_later_years(file, early, tmp_path):
    """What comes out of the store tells later fires better than the fire weather index."""
    store.save(dict(early.parts), early.manifest, tmp_path)
    found = scorer("forest_fire")(store.load(tmp_path, "forest_fire", UNITS).model, file)
    assert not found["in_training"]
    assert (found["first"], found["better_than_rule"]) == ("2001-01-01", True)


def test_the_same_days_give_the_same_bytes(file, early, tmp_path):
    """Training twice writes the same file, bit by bit."""
    again = teacher("forest_fire")(Material(path=file, until=date(2000, 12, 31), seed=None, about=""))
    for each, name in ((early, "a"), (again, "b")):
        store.save(dict(each.parts), each.manifest, tmp_path / name)
    first, second = (tmp_path / name / "forest_fire.skops" for name in "ab")
    assert first.read_bytes() == second.read_bytes()


@needs(REAL)
def test_later_years_of_california_are_foretold_with_skill():
    """Each year from the years before it: skill above a third, far better ranks than the index."""
    cases = read_fires(REAL).cases()
    said = forward(cases, lambda part: learn(FIRES, part), chance, 2009)
    told = Told.known(cases.days, said, cases.rule, cases.happened)
    found = score(told, rate=0.3, threshold=10.0)
    assert found["brier_skill"] > 0.33
    assert found["ap"] > found["ap_rule"] + 0.15
    assert found["better_than_rule"]


@needs(REAL)
@needs(SUMMER)
@pytest.mark.parametrize("region", ["Bejaia", "Sidi-Bel Abbes"])
def test_in_another_country_the_index_ranks_better_and_the_model_is_refused(region):
    """Learned in California, asked in Algeria: the rule knows better there, and the belt says so."""
    model = learn(FIRES, read_fires(REAL).cases())
    verdict = elsewhere(model, read_algerian(SUMMER)[region])
    assert verdict.model < verdict.rule
    assert not verdict.better


@needs(SUMMER)
def test_a_damaged_line_is_unknown_and_the_others_are_read():
    """Two regions of a summer each; the one damaged line keeps its weather and loses its codes."""
    regions = read_algerian(SUMMER)
    assert [len(days.days) for days in regions.values()] == [122, 122]
    unknown = np.isnan(regions["Sidi-Bel Abbes"].danger)
    assert regions["Sidi-Bel Abbes"].days[unknown].astype(str).tolist() == ["2012-07-14"]
