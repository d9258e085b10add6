"""What the fire model looks at: weather, codes, season and the fires before, never the year."""

import numpy as np
import pytest

from rules.learned.fire_days import FORMS, UNITS, FireWeather, chance, features, saturation
from rules.learned.logistic import chances

RNG = np.random.default_rng(3)


def weather(places=2, **other) -> FireWeather:
    """The same warm, dry day everywhere, after thirty like it."""
    same = {name: np.full(places, value) for name, value in (
        ("minimum", 20.0), ("humidity", 40.0), ("wind", 3.0), ("ffmc", 88.0), ("dmc", 30.0), ("dc", 200.0),
    )}  # fmt: skip
    series = {"maximum": np.full((places, 30), 32.0), "rain": np.full((places, 180), 1.0)}
    return FireWeather(**same | series | other)


def table(fires=0.0, day=200, **other):
    """One row as a mapping: feature -> value."""
    rows = features(weather(1, **other), np.full((1, 730), fires), day, 34.0)
    return dict(zip(UNITS, rows[0], strict=True))


def any_model():
    """A model of all features, as training would leave it."""
    size = len(UNITS)
    return {
        "form": np.array(list(FORMS.values())), "centre": np.ones(size), "scale": np.full(size, 5.0),
        "weights": np.full(size, 0.3), "bias": np.zeros(1), "covariance": 0.5 * np.eye(size) + 0.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [("departure", 0.0), ("rain_1", 1.0), ("rain_30", 30.0), ("rain_180", 180.0), ("wind", 3.0)],
)
def test_weather_is_told_in_its_units(name, expected):
    """Sums are millimetres, the departure is from the mean of thirty days."""
    assert table()[name] == pytest.approx(expected)


def test_dry_air_has_a_vapour_deficit():
    """At 32 degrees and 40 % the air could take up some 28 hPa more."""
    assert table()["vapour_deficit"] == pytest.approx(0.6 * saturation(np.array(32.0)), rel=1e-6)
    assert 27.0 < table()["vapour_deficit"] < 29.0


def test_the_year_is_no_input():
    """No feature changes from one year to the next where the weather is the same."""
    assert "year" not in UNITS
    assert table(day=150) == table(day=150)


@pytest.mark.parametrize("fires", [0.0, 1.0])
def test_fires_before_are_rates(fires):
    """Fires on every day are a rate of one, fires on none a rate of zero."""
    rates = [value for name, value in table(fires=fires).items() if name.startswith("fires_")]
    assert rates == pytest.approx([fires] * 5)


@pytest.mark.parametrize(
    "missing", ["minimum", "humidity", "wind", "ffmc", "dmc", "dc", "maximum", "rain"]
)
def test_a_missing_input_stays_missing(missing):
    """A NaN of the weather is a NaN of the features, and the rest is as it was."""
    lost = table(**{missing: np.full_like(getattr(weather(1), missing), np.nan)})
    unknown = {name for name, value in lost.items() if np.isnan(value)}
    assert unknown
    assert all(lost[name] == table()[name] for name in set(UNITS) - unknown)


def test_any_subset_of_inputs_gives_a_chance_or_unknown():
    """Rows with random holes give a chance between none and certain, or none at all."""
    rows = RNG.normal(1.0, 5.0, size=(500, len(UNITS)))
    rows[RNG.random(rows.shape) < RNG.random((500, 1))] = np.nan
    found = chance(any_model(), rows)
    assert np.isnan(found).any()
    assert ((found >= 0) & (found <= 1) | np.isnan(found)).all()


def test_no_fire_records_still_give_a_chance_from_weather():
    """Where nobody keeps fires, the weather alone is enough for an answer, drawn to the middle."""
    whole = features(weather(), np.ones((2, 730)), 200, 34.0)
    alone = features(weather(), np.full((2, 730), np.nan), 200, 34.0)
    assert np.isfinite(chances(any_model(), alone)).all()
    assert np.isfinite(chances(any_model(), whole)).all()
