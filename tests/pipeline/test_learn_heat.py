"""Learning tomorrow's maximum: from a file to a model that is better than the mean of its sources."""

import json
from datetime import date
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from ingest.errors import FengsuiError, UnknownName
from pipeline.cli import main
from pipeline.learn.heat_data import HeatDays, fingerprint, read_heat
from pipeline.learn.heat_table import gather, strangers, worn
from pipeline.learn.heat_train import train_heat
from pipeline.learn.lesson import scorer, teacher
from pipeline.learn.merit import (
    CLASSES,
    FEWEST,
    average_precision,
    brier_skill,
    gain,
    mean_error,
    reliability_band,
)
from pipeline.learn.score import foretold, score_file, score_heat
from pipeline.learn.splits import folds_by_place, folds_by_time, weeks_of
from rules.learned import store
from rules.learned.heat_days import HeatModel
from rules.learned.heat_features import UNITS
from rules.learned.heat_memory import MODELS, nothing_known

pytest.importorskip("sklearn")
pytest.importorskip("skops")
pytest.importorskip("pyarrow")
UNTIL = "2024-09-30"
CITIES = ("ayang", "binzhou", "changde", "dali", "emei", "fuling")
SAME_DAY = ("rh_gem", "bewolking_gem", "wind_max", "instraling_som", "neerslag_som")
LEAKS = (*SAME_DAY, "era5_max", "station_max", "doel", "mm_gem", "mm_spreiding", "run2run")


def made_up(days=310, cities=CITIES, seed=7) -> pd.DataFrame:
    """Days of a published-looking set in which each model is too low by its own amount at each city."""
    chance = np.random.default_rng(seed)
    dates = pd.date_range("2024-01-01", periods=days)
    parts = []
    for turn, city in enumerate(cities):
        true = 26 + 10 * np.sin((dates.day_of_year - 100) / 58.0) + chance.normal(0, 2, days)
        part = {"city": city, "datum": dates, "doel": np.rint(true)}
        for row, name in enumerate(MODELS):
            part[f"p1_{name}"] = true - 1 - turn - 0.1 * row + chance.normal(0, 0.8, days)
            part[f"p2_{name}"] = true - 1 - turn - 0.1 * row + chance.normal(0, 1.2, days)
        part |= {name: chance.uniform(0, 90, days) for name in LEAKS if name != "doel"}
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder with the set as a file, and a model trained on all but its last days."""
    folder = tmp_path_factory.mktemp("learning")
    made_up().to_parquet(folder / "days.parquet")
    words = ["train", "heat", "--data", folder / "days.parquet", "--until", UNTIL, "--out", folder]
    found = CliRunner().invoke(main, [*map(str, words), "--seed", "5", "--json"])
    assert found.exit_code == 0, found.output
    return folder


@pytest.fixture(scope="module")
def parts(folder):
    """What the store gives back of the model."""
    return store.load(folder, "heat", UNITS).model


@pytest.fixture
def days() -> HeatDays:
    """The set as the reader gives it."""
    return small(made_up(60))


def later() -> pd.DataFrame:
    """The days after the training."""
    frame = made_up()
    return frame[frame["datum"] > UNTIL].copy()


def small(frame: pd.DataFrame) -> HeatDays:
    """A frame through the reader's own door."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as place:
        path = Path(place) / "days.csv"
        frame.to_csv(path, index=False)
        return read_heat(path)


def scored(parts, frame, path):
    """Figures of the model on a frame."""
    frame.to_parquet(path)
    return score_file(parts, path)


def asked(folder, *words):
    """What the command answers."""
    return CliRunner().invoke(main, ["score-model", "heat", *map(str, words), "--model", str(folder)])


def test_the_model_is_better_than_the_mean_of_its_sources(folder, parts):
    """On days after its training the error is less than half, because each city's is learned."""
    found = score_file(parts, folder / "days.parquet")
    assert found["n"] == 36 * len(CITIES)
    assert found["mae"] < 0.5 * found["mae_multi_model_mean"]
    assert (found["first"], found["in_training"]) == ("2024-10-01", False)


def test_the_manifest_tells_what_it_was_tested_on(folder):
    """It names the last day, the features with units, and the figures of both honest tests."""
    manifest = store.read_manifest(folder, "heat")
    assert manifest.trained_to == date.fromisoformat(UNTIL)
    assert manifest.units == UNITS
    assert manifest.data_hash == fingerprint(folder / "days.parquet")
    assert set(manifest.metrics) == {"season", "left_out_places"}
    assert set(manifest.metrics["left_out_places"]) == {"with_past", "without_past"}


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_bytes(folder, parts, tmp_path, threads):
    """A second training, with more threads about, writes the file that the first one wrote."""
    limits = import_module("threadpoolctl").threadpool_limits
    days = read_heat(folder / "days.parquet").until(date.fromisoformat(UNTIL))
    with limits(threads):
        again = train_heat(days, seed=5)
    parts = again.parts() | {"level": parts["level"]}
    store.save(parts, store.read_manifest(folder, "heat"), tmp_path)
    assert (tmp_path / "heat.skops").read_bytes() == (folder / "heat.skops").read_bytes()


@pytest.mark.parametrize("how", ["blanked", "shuffled"])
@pytest.mark.parametrize("column", LEAKS)
def test_what_is_known_only_after_the_day_says_nothing_of_it(column, how):
    """Blanking or shuffling a column on the day that is foretold leaves the answer as it is."""
    frame = made_up(40)
    last = frame["datum"] == frame["datum"].max()
    other = frame.copy()
    other.loc[last, column] = np.nan if how == "blanked" else frame.loc[last, column].to_numpy()[::-1]
    known, blind = (
        gather(small(each), nothing_known(len(CITIES)))[0].rows[-len(CITIES) :]
        for each in (frame, other)
    )
    np.testing.assert_array_equal(known, blind)


def test_later_days_say_nothing_of_earlier_ones(days):
    """The first half of the days gives the same rows, whether or not the second half follows."""
    whole, _ = gather(days, nothing_known(len(CITIES)))
    half, _ = gather(days.until(date(2024, 1, 30)), nothing_known(len(CITIES)))
    count = len(half.rows) - len(CITIES)
    np.testing.assert_array_equal(whole.rows[:count], half.rows[:count])


def test_a_city_never_seen_gets_a_valid_wider_distribution(parts):
    """Chances of a new city are chances, and at first its distribution is wider than that of a known one."""
    frame = made_up(cities=("ayang", "zunyi"))
    told = foretold(HeatModel.of_parts(parts), small(frame[frame["datum"] > UNTIL])).told
    width = told.quantile(0.95) - told.quantile(0.05)
    assert width[1] > width[0]
    assert ((told.chance(35.0) >= 0) & (told.chance(35.0) <= 1)).all()


@pytest.mark.parametrize("gone", [MODELS[:1], MODELS[:4], MODELS])
def test_models_may_be_missing_for_a_whole_season(gone, parts, tmp_path):
    """With some models gone the figures stand; with all of them one sentence says what is missing."""
    frame = later()
    frame[[f"p{lead}_{name}" for lead in (1, 2) for name in gone]] = np.nan
    if gone == MODELS:
        with pytest.raises(FengsuiError, match="no day of the file"):
            scored(parts, frame, tmp_path / "f.parquet")
    else:
        found = scored(parts, frame, tmp_path / "f.parquet")
        assert found["mae"] < found["mae_multi_model_mean"]


def test_days_without_an_outcome_are_left_out(parts, tmp_path):
    """The last days have no maximum yet: they are told, not scored."""
    frame = later()
    frame.loc[frame["datum"] > "2024-10-20", "doel"] = np.nan
    assert scored(parts, frame, tmp_path / "f.parquet")["last"] == "2024-10-20"


def test_days_of_training_are_marked_as_such(parts, tmp_path):
    """A file of nothing but days it was trained on is scored and says so."""
    assert scored(parts, made_up(200), tmp_path / "f.parquet")["in_training"]


def test_the_command_prints_figures_intervals_and_cities(folder):
    """The JSON has plain numbers at the names agreed on, and intervals beside them."""
    found = asked(folder, "--data", folder / "days.parquet", "--json")
    told = json.loads(found.output)
    wanted = {"mae", "mae_multi_model_mean", "brier_skill", "ap", "n", "by_city", "intervals"}
    assert wanted <= set(told)
    assert set(told["brier_skill"]) == {"35", "37", "40"}
    assert set(told["by_city"]) == set(CITIES)
    assert told["intervals"]["mae"][0] < told["mae"] < told["intervals"]["mae"][1]


def test_the_command_prints_lines_for_people(folder):
    """Without --json each figure stands in a line with its interval."""
    found = asked(folder, "--data", folder / "days.parquet")
    assert "mae_under_mean: 0." in found.output
    assert " … " in found.output


def test_without_a_model_the_command_says_how_to_get_one(folder, tmp_path):
    """One sentence and the exit code of a problem."""
    found = asked(tmp_path, "--data", folder / "days.parquet")
    assert (found.exit_code, found.output.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda frame: frame.drop(columns="p2_gem"), "has no column p2_gem"),
        (lambda frame: pd.concat([frame, frame.head(1)]), "a city twice on one day"),
        (lambda frame: frame.head(0), "holds no rows"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_a_sentence(spoil, said):
    """What is wrong is named before anything is learned."""
    with pytest.raises(FengsuiError, match=said):
        small(spoil(made_up(5)))


def test_a_file_that_is_none_is_refused_in_a_sentence(tmp_path):
    """Bytes that are no table are named with their path."""
    (tmp_path / "f.parquet").write_bytes(b"nothing of the kind")
    with pytest.raises(FengsuiError, match="cannot be read"):
        read_heat(tmp_path / "f.parquet")


def test_too_few_days_are_refused_before_training(tmp_path):
    """A month teaches nothing about a season."""
    made_up(40).to_parquet(tmp_path / "f.parquet")
    found = CliRunner().invoke(main, ["train", "heat", "--data", str(tmp_path / "f.parquet")])
    assert found.exit_code == 1
    assert "too few" in found.output


@pytest.mark.parametrize(
    "words",
    [("heat",), ("heat", "--from-archive", "--data", "x.parquet"), ("rain", "--from-archive")],
)
def test_training_needs_one_past_to_learn_from(words):
    """A file or the archive, not both and not neither; the archive teaches heat."""
    assert CliRunner().invoke(main, ["train", *words]).exit_code == 2


def test_an_instance_that_never_ran_has_nothing_to_teach(tmp_path):
    """One sentence says to start the daemon first."""
    found = CliRunner().invoke(main, ["--data", str(tmp_path), "train", "heat", "--from-archive"])
    assert (found.exit_code, found.output.count("\n")) == (1, 1)


def test_what_is_not_learned_is_refused_by_name():
    """An unknown hazard lists those there are, for training and for scoring."""
    for door in (teacher, scorer):
        with pytest.raises(UnknownName, match="heat, landslide"):
            door("locusts")


def test_a_gap_in_the_days_is_a_day_without_news(days):
    """Days that a file leaves out are there as unknown ones."""
    frame = made_up(60)
    holes = small(frame[frame["datum"] != pd.Timestamp("2024-01-20")])
    assert len(holes.days) == len(days.days)
    assert np.isnan(holes.maximum[19]).all()


def test_worn_cases_have_fewer_models_and_forgotten_places(days):
    """A part of the cases is shown again with models away, and some as of a place without a past."""
    table = worn(days, seed=1)
    assert 0.1 < len(table.rows) / days.maximum.size < 0.3
    assert table.column("models").min() < 4
    assert (table.column("days") == 0).mean() > 0.2


def test_a_stranger_has_no_past_on_any_day(days):
    """As if nothing were remembered: every case has an empty memory."""
    assert not strangers(days).column("days").any()


def test_folds_of_time_are_spells_and_of_places_are_whole_places():
    """Neighbouring days stay together, and no place is in two folds."""
    days = np.datetime64("2024-01-01") + np.arange(366)
    assert (np.diff(folds_by_time(days, folds=3, length=61)) != 0).sum() <= 6
    assert folds_by_place(["b", "a", "c", "a"], folds=2).tolist() == [1, 0, 0, 0]


def test_a_week_begins_on_monday():
    """Monday to Sunday have one number."""
    days = np.datetime64("2024-07-01") + np.arange(8)
    assert np.unique(weeks_of(days), return_counts=True)[1].tolist() == [7, 1]


def test_average_precision_is_that_of_scikit_learn():
    """The same number, ties included, with an interval round it."""
    from sklearn.metrics import average_precision_score

    chance = np.random.default_rng(3)
    said = np.round(chance.random(500), 1)
    happened = (chance.random(500) < said).astype(float)
    found = average_precision(said, happened, np.arange(500) // 10)
    assert found.value == pytest.approx(average_precision_score(happened, said))
    assert found.low < found.value < found.high


@pytest.mark.parametrize(("said", "skill"), [([0.0, 1.0], 1.0), ([0.5, 0.5], 0.0), ([1.0, 0.0], -3.0)])
def test_brier_skill_against_another_chance(said, skill):
    """Perfect is one, equal is nought, worse is below."""
    happened, other = np.array([0.0, 1.0]), np.array([0.5, 0.5])
    found = brier_skill(np.array(said), other, happened, np.array([1, 2]))
    assert found.value == pytest.approx(skill)


def test_what_cannot_be_told_is_unknown():
    """No events, no precision; no error to be under, no gain."""
    blocks = np.arange(4)
    assert np.isnan(average_precision(np.ones(4), np.zeros(4), blocks).value)
    assert np.isnan(gain(np.ones(4), np.zeros(4), blocks).value)
    assert mean_error(np.ones(4), blocks).value == 1.0


def test_figures_of_a_city_are_those_of_its_cases(folder, parts):
    """The parts weighed by their cases are the whole."""
    found = score_file(parts, folder / "days.parquet")
    cities = found["by_city"].values()
    total = sum(city["mae"] * city["n"] for city in cities) / sum(city["n"] for city in cities)
    assert total == pytest.approx(found["mae"])


def test_scores_are_the_same_from_cases_and_from_the_file(folder, parts):
    """The command adds nothing but names to what the cases say."""
    cases = foretold(HeatModel.of_parts(parts), read_heat(folder / "days.parquet"))
    assert score_heat(cases).items() <= score_file(parts, folder / "days.parquet").items()


def test_a_chance_that_keeps_its_word_lies_within_its_band():
    """The mean of each class is within the interval of what came of it, of a true chance."""
    chance = np.random.default_rng(4)
    said = chance.random(4000)
    happened = (chance.random(4000) < said).astype(float)
    rows = reliability_band(said, happened, np.arange(4000) // 20)
    assert len(rows) == CLASSES + 1
    assert sum(row["low"] <= row["chance"] <= row["high"] for row in rows) >= 5


@pytest.mark.parametrize(("cases", "classes"), [(40, 1), (60, 1), (120, 2), (1000, CLASSES)])
def test_a_class_of_chances_has_enough_cases(cases, classes):
    """Few cases make fewer classes, and none that a handful of days decides."""
    said = np.linspace(0.06, 0.99, cases)
    rows = reliability_band(said, np.ones(cases), np.arange(cases))
    assert len(rows) == classes
    assert all(row["n"] >= min(cases, FEWEST) for row in rows)


def test_a_day_is_scored_at_the_level_of_the_days_before(parts, tmp_path):
    """What came of the last day changes no chance, not even that day's; the model goes on from its level."""
    frame = later()
    turned = frame.copy()
    turned.loc[turned["datum"] == turned["datum"].max(), "doel"] += 9.0
    told = [foretold(HeatModel.of_parts(parts), small(each)).told for each in (frame, turned)]
    np.testing.assert_array_equal(told[0].chance(35.0), told[1].chance(35.0))
    assert told[0].level[:, 0] == pytest.approx(np.asarray(parts["level"])[:, 0])
