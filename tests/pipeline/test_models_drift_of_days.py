"""Drift of what slides and fires are foretold from: by season and spell, and not by who reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from simulators.small_district import small_district

from ingest.batch import Batch
from ingest.database import writing
from ingest.quantities import quantity
from ingest.times import beijing_midnight
from pipeline.config import load
from pipeline.learn import belt
from pipeline.learn.chance_lesson import seen
from pipeline.learn.foretell import Foreteller
from pipeline.learn.kinds import KINDS
from pipeline.learn.shelf import Shelf, shipped
from pipeline.learn.slide_data import SlideDays
from pipeline.learn.slide_train import SLIDES
from pipeline.ports import Ports
from pipeline.settings import Settings
from pipeline.view import DERIVED
from pipeline.wiring import build
from rules.learned import store

CONFIG = Path(__file__).resolve().parents[2] / "config"
NOW = datetime(2025, 7, 20, 2, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = 130


def wet_in_january(latitude: float) -> SlideDays:
    """Six years of a place with rain from November to April."""
    dates = np.arange("2001-01-01", "2007-01-01", dtype="datetime64[D]")
    random, month = np.random.default_rng(5), dates.astype("datetime64[M]").astype(int) % 12 + 1
    wet = np.isin(month, (11, 12, 1, 2, 3, 4))
    rain = random.gamma(0.3, np.where(wet, 40.0, 4.0))
    slides = (random.random(len(dates)) < 0.05).astype(float)
    return SlideDays(days=dates, rain=rain, slides=slides, latitude=latitude)


@pytest.mark.parametrize(("latitude", "wet"), [(-23.9, 7), (29.4, 1)])
def test_a_southern_summer_is_held_against_a_northern_one(latitude, wet):
    """The wet half of the year of training is July to us, where it lay south of the equator."""
    days = wet_in_january(latitude)
    rain = next(one for one in seen(SLIDES, days.cases(), latitude) if one.name == "rain_30")
    dry = (wet + 5) % 12 + 1
    assert rain.expected(wet)[-2] > 0.3
    assert rain.expected(dry)[-2] < 0.1


def test_how_often_slides_are_reported_is_no_matter_of_drift():
    """Features of reports have a range and a median, and no classes; those of weather know their spells."""
    days = wet_in_january(-23.9)
    for one in seen(SLIDES, days.cases(), days.latitude):
        assert np.isfinite([one.low, one.high, one.middle]).all()
        assert np.isfinite(one.usual) == bool(one.edges) == (not one.name.startswith("slides_"))


@pytest.mark.parametrize("name", ["landslide", "forest_fire"])
def test_the_shipped_models_say_how_spells_of_one_place_differ(name):
    """As the model of heat does; only what people report is not watched."""
    features = store.read_manifest(shipped(), name).features
    for one in features:
        reported = one.name.startswith(("slides_", "fires_"))
        assert np.isfinite(one.usual) == bool(one.edges) == (not reported)


@pytest.fixture
def ports(tmp_path) -> Iterator[Ports]:
    """Three towns, slides and their chance alone."""
    config = load(CONFIG)
    kept = replace(
        config, sources={}, district=small_district(), hazards={"landslide": config.hazards["landslide"]},
        aside={"landslide_chance": config.aside["landslide_chance"]},
    )  # fmt: skip
    opened = build(kept, Settings(config=CONFIG, data=tmp_path, database="sqlite://"))
    yield opened
    opened.close()


def rained(ports: Ports, rain: np.ndarray) -> None:
    """Daily rain (day,) up to tomorrow: what was measured, and what is foretold since this morning."""
    ends = beijing_midnight(NOW) + timedelta(hours=quantity("precipitation_day").day_ends)
    days = np.datetime64(ends.replace(tzinfo=None), "s") + np.arange(2 - DAYS, 2) * np.timedelta64(1, "D")
    ended = days <= np.datetime64(NOW.replace(tzinfo=None), "s")
    measured = Batch(
        source=DERIVED, kind="observation", issued_at=NOW, available_at=NOW, places=ports.view.places,
        valid_at=days[ended], values={"precipitation_day": np.tile(rain[ended], (3, 1))},
    )  # fmt: skip
    ahead = {"precipitation_day": np.tile(rain[~ended], (3, 1))}
    foretold = replace(measured, kind="forecast", valid_at=days[~ended], values=ahead)
    with writing(ports.engine) as connection:
        ports.archive.append(connection, [measured, foretold])


@pytest.mark.parametrize(
    ("mean", "why"), [(9.0, set()), (0.0, {belt.DRIFT})], ids=["a wet summer", "a gauge that is stuck"]
)
def test_slides_are_foretold_where_nobody_reports_any(ports, mean, why):
    """The model that ships speaks of a wet summer without one report; a summer of no rain at all is drift."""
    pytest.importorskip("sklearn")
    pytest.importorskip("skops")
    rained(ports, np.round(np.random.default_rng(2).gamma(0.3, mean / 0.3 + 1e-9, DAYS), 1))
    (turn,) = Foreteller(ports=ports, shelf=Shelf(data=ports.folder)).run(NOW)
    assert turn.why == ""
    assert set(turn.silent.values()) == why
    assert set(turn.chances) == (set() if why else set(KINDS["landslide"].gives))
