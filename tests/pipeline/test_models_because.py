"""Why a chance is what it is: the heat model that ships, asked about made-up days of one town."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine

from ingest.archive import Archive
from pipeline.config import load
from pipeline.learn.because import MOST, Because, because
from pipeline.learn.inputs import Inputs
from pipeline.learn.kinds import KINDS
from pipeline.learn.shelf import Shelf, shipped
from pipeline.ports import Judging
from pipeline.view import view_of
from rules.learned import store
from rules.learned.heat_features import UNITS, table
from rules.learned.heat_memory import Ended, Outlook, advance, nothing_known

pytest.importorskip("sklearn")
pytest.importorskip("skops")
CONFIG = Path(__file__).resolve().parents[2] / "config"
EVENING = datetime(2025, 8, 9, 12, tzinfo=UTC)
TOMORROW = np.datetime64("2025-08-10")
CHANCE = "chance_tmax_37"
ERRORS = {"best", "right", "warmth_error", "last_error", "error_before", "error_2", "error_5", "error_10"}
"""Features that say how wrong the forecasts were lately."""


def row(highest: float, off: float) -> np.ndarray:
    """Features (1, feature): `highest` is foretold, and maxima were `off` above the forecasts all summer."""
    random, memory = np.random.default_rng(4), nothing_known(1)
    weather = np.array([[60.0], [40.0], [15.0], [22.0], [0.0]])
    for age in range(90, 0, -1):
        said = 34.0 + 2.0 * np.sin(age / 6) + random.normal(0.0, 0.5, (5, 1))
        outlook = Outlook(tomorrow=said, earlier=said, after=said, date=TOMORROW - age)
        came = np.rint(said.mean(axis=0) + off)
        memory = advance(memory, outlook, Ended(maximum=came, weather=weather))
    said = highest + np.array([[0.4], [-0.3], [0.2], [0.0], [-0.3]])
    return table(memory, Outlook(tomorrow=said, earlier=said, after=said, date=TOMORROW))


@pytest.fixture(scope="module")
def judging() -> Judging:
    """The configuration that ships; nothing of its archive is read."""
    config = load(CONFIG)
    return Judging(config=config, archive=Archive(), view=view_of(config))


def why(judging: Judging, tmp_path: Path, features: np.ndarray) -> Because:
    """What the model that ships says of the chance of 37 °C, had those features been found."""
    everywhere = np.repeat(features, len(judging.view.places), axis=0)
    inputs = Inputs(offset=1, table=everywhere, past=everywhere[None])
    kind = replace(KINDS["heat"], gather=lambda *_: (inputs,))
    engine = create_engine("sqlite://")
    try:
        with engine.connect() as connection:
            town = judging.view.places[3]
            who = (kind, Shelf(data=tmp_path))
            return because(connection, EVENING, judging, who, (CHANCE, town))
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    ("highest", "off", "sign"), [(34.5, 2.0, 1), (36.5, -2.0, -1), (38.5, -2.0, -1)]
)
def test_how_wrong_the_forecasts_were_lately_moves_the_chance_to_that_side(
    judging, tmp_path, highest, off, sign
):
    """Too cool all summer raises it, too warm lowers it, and these are the features that are named."""
    moved = why(judging, tmp_path, row(highest, off)).moved
    errors = {one.feature: one.by for one in moved if one.feature in ERRORS}
    assert len(moved) <= MOST
    assert len(errors) >= 3
    assert {np.sign(by) for by in errors.values()} == {sign}


def test_what_is_foretold_comes_first_on_a_hot_day(judging, tmp_path):
    """39 °C in the forecasts is why; the strongest come first, with value, usual value and unit."""
    told = why(judging, tmp_path, row(39.0, 0.0))
    first = told.moved[0]
    assert (told.model, first.feature, first.unit) == ("heat", "mean", "°C")
    assert first.value == pytest.approx(39.0)
    assert 20.0 < first.middle < 27.0
    sizes = [abs(one.by) for one in told.moved]
    assert sizes == sorted(sizes, reverse=True)


def test_a_figure_is_what_the_chance_loses_without_the_feature(judging, tmp_path):
    """Asked again with the one feature at its median, the model gives the chance less the figure."""
    features, kind = row(36.5, 0.0), KINDS["heat"]
    told = why(judging, tmp_path, features)
    model = store.load(shipped(), "heat", UNITS).model
    assert told.value is not None
    assert told.value == pytest.approx(float(kind.ask(model, features)[CHANCE][0]))
    for one in told.moved:
        without = features.copy()
        without[0, list(UNITS).index(one.feature)] = one.middle
        assert told.value - one.by == pytest.approx(float(kind.ask(model, without)[CHANCE][0]), abs=1e-6)


def test_a_day_of_which_nothing_is_known_has_no_reasons(judging, tmp_path):
    """Unknown, and nothing is made up."""
    told = why(judging, tmp_path, np.full((1, len(UNITS)), np.nan))
    assert (told.value, told.moved, told.why) == (None, (), "")
