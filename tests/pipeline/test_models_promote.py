"""A chance is promoted where it was worth more than its rule, and refused with the figures elsewhere."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ingest.errors import ConfigMistake
from pipeline.cli import main
from pipeline.config import load
from pipeline.learn.promote import NotPromoted, check, check_ranking, compared
from pipeline.verify.days import Days
from rules.learned.manifest import Manifest
from rules.level import Level

CONFIG = Path(__file__).resolve().parents[2] / "config"
PERIOD = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 12, 30, tzinfo=UTC))
DAYS = Days.of(*PERIOD, block="week")
RANDOM = np.random.default_rng(6)
HAPPENED = (RANDOM.random(len(DAYS)) < 0.15).astype(float)


def warner(hit, false):
    """A warning that catches a share of what happens and cries wolf on a share of the other days."""
    draw = np.random.default_rng(7).random(len(DAYS))
    return np.where(HAPPENED == 1, draw < hit, draw < false).astype(float)


def found(learned, rule, happened=HAPPENED):
    """The comparison at a cost-loss ratio of one in ten."""
    return compared((learned, rule), happened, DAYS, (Level.ORANGE, 0.1))


@pytest.fixture(scope="module")
def block():
    """The shadow of heat."""
    return load(CONFIG).aside["heat_chance"]


def test_a_chance_that_was_worth_more_is_let_through(block):
    """It catches more and cries wolf less."""
    told = found(warner(0.95, 0.05), warner(0.5, 0.2))
    assert told.better
    assert told.learned > told.rule
    check(told, block)


@pytest.mark.parametrize(
    ("learned", "rule"),
    [((0.5, 0.2), (0.95, 0.05)), ((0.8, 0.1), (0.8, 0.1)), ((0.44, 0.3), (0.5, 0.1))],
    ids=["worse", "the same", "ranks below the physical rule"],
)
def test_what_was_not_surely_worth_more_is_refused_with_the_figures(block, learned, rule):
    """The sentence tells both values, the saving with its interval, and how many days it rests on."""
    with pytest.raises(NotPromoted, match=r"not surely worth more than heat .*over 364 days with \d+"):
        check(found(warner(*learned), warner(*rule)), block)


def test_few_events_decide_nothing(block):
    """A perfect record of three days is luck."""
    few = np.zeros(len(DAYS))
    few[:3] = 1.0
    with pytest.raises(NotPromoted, match="on which it happened are needed"):
        check(found(few, np.zeros(len(DAYS)), few), block)


def test_days_on_which_the_model_was_silent_count_on_neither_side():
    """A promotion cannot be won by saying nothing on hard days."""
    quiet = warner(0.9, 0.05)
    quiet[100:] = np.nan
    assert found(quiet, warner(0.5, 0.2)).days == 100


@pytest.mark.parametrize("better", [True, False])
def test_a_model_that_ranks_worse_than_its_rule_is_refused_by_its_own_figures(block, better):
    """Whatever local luck says: its manifest has a test against the rule, and failed it."""
    manifest = Manifest(
        name="landslide", hazard="landslide", targets=("chance_landslide",), features=(),
        trained_to=date(2011, 12, 31), data="", data_hash="", libraries={}, seed=1,
        calibrated_for="elsewhere", intended_use_zh="", intended_use_en="", limits_zh="", limits_en="",
        metrics={"later_years": {"ap": 0.3, "better_than_rule": better}},
    )  # fmt: skip
    if better:
        check_ranking(manifest, block)
    else:
        with pytest.raises(NotPromoted, match="did not surely rank"):
            check_ranking(manifest, block)


@pytest.fixture
def folder(tmp_path):
    """A configuration of one's own, and an empty data folder beside it."""
    done = CliRunner().invoke(main, ["init", str(tmp_path / "config")])
    assert done.exit_code == 0, done.output
    return tmp_path


def fengsui(folder, *words):
    """A command on that instance."""
    places = ["--config", str(folder / "config"), "--data", str(folder / "data")]
    return CliRunner().invoke(main, [*places, *words])


def test_models_lists_what_is_in_the_shadow_without_any_data(folder):
    """A new instance has shadows, and may have models that ship."""
    done = fengsui(folder, "models", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert {(one["hazard"], one["role"]) for one in told["hazards"]} >= {("heat_chance", "shadow")}


def test_models_reads_well_without_json(folder):
    """The role of each hazard that reads a chance, and why it falls back."""
    done = fengsui(folder, "models")
    assert "heat_chance · shadow（heat）" in done.output
    assert "it has never been asked" in done.output


@pytest.mark.parametrize(
    ("name", "words"), [("heat", "no data there yet"), ("flood", "there are")], ids=["new", "unknown"]
)
def test_nothing_is_promoted_on_an_instance_that_never_ran(folder, name, words):
    """There is nothing to compare, and the configuration stays as it was."""
    before = (folder / "config/hazards/heat_chance.yaml").read_text()
    done = fengsui(folder, "models", "promote", name, "--by", "x", "--why", "y")
    assert done.exit_code != 0
    assert words in done.output
    assert (folder / "config/hazards/heat_chance.yaml").read_text() == before


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("snow", 'no hazard that raises alerts is called "snow"'),
        ("low_temperature", "low_temperature has no level red to be given"),
        ("landslide_chance", "no hazard that raises alerts"),
    ],
)
def test_a_chance_that_fits_no_rule_is_refused_at_start(folder, rule, words):
    """The sentence names file, key and remedy."""
    path = folder / "config/hazards/heat_chance.yaml"
    path.write_text(path.read_text().replace("instead_of: heat", f"instead_of: {rule}"))
    with pytest.raises(ConfigMistake, match=words) as refused:
        load(folder / "config")
    assert "heat_chance.yaml" in str(refused.value)


def test_only_what_raises_alerts_is_among_the_hazards():
    """Whatever walks over the hazards, to send or to score, meets no shadow."""
    config = load(CONFIG)
    assert not set(config.aside) & set(config.hazards)
    assert all(found.conduct.aside for found in config.aside.values())
    spoken = replace(config.aside["heat_chance"].conduct, shadow=False, instead_of=None)
    assert not spoken.aside
