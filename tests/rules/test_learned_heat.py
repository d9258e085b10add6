"""Tomorrow's maximum: what a place remembers, what is made of it, and what missing parts do."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.learned.heat_days import THRESHOLDS, Foretold, HeatModel
from rules.learned.heat_features import UNITS, features, table
from rules.learned.heat_memory import (
    MODELS,
    Ended,
    Memory,
    Outlook,
    advance,
    nothing_known,
    passed,
    warmth_error,
)

DATE = np.datetime64("2024-08-20")


def outlook(tomorrow, places=1, **other) -> Outlook:
    """An evening on which the five models say `tomorrow` (or each its own) at every place."""
    said = np.broadcast_to(np.reshape(np.array(tomorrow, float), (-1, 1)), (5, places))
    return Outlook(**{"tomorrow": said, "earlier": said, "after": said, "date": DATE} | other)


def ended(maximum, weather=(60.0, 20.0, 10.0, 20.0, 0.0), places=1) -> Ended:
    """A day that ended with a maximum and some weather, the same at every place."""
    return Ended(
        maximum=np.full(places, float(maximum)), weather=np.tile(np.array(weather)[:, None], places)
    )


def after(days, said=34.0, came=36.0) -> Memory:
    """The memory of a place after days that all went alike."""
    memory = nothing_known(1)
    for _ in range(days):
        memory = advance(memory, outlook(said), ended(came))
    return memory


class Flat:
    """Trees that have one answer for every row."""

    def predict(self, X):
        """One degree more than the multi-model mean."""
        return np.ones(len(X))


def flat_model() -> HeatModel:
    """A model that adds a degree to the mean, and is wrong by a degree or two."""
    count = len(UNITS)
    layer = (np.zeros((1, count, 1), np.float32), np.ones((1, 1, 1), np.float32))
    width = (np.zeros((1, count, 1), np.float32), np.zeros((1, 1, 1), np.float32))
    return HeatModel(
        trees=Flat(), nets=(layer,), width=(width,), centre=np.zeros(count), spread=np.ones(count),
        shape=np.array([[-2.0, 0.0, 2.0], [0.0, 0.5, 1.0]]), memory=nothing_known(1),
        places=("here",), trained_to=DATE,
    )  # fmt: skip


def told(centre, celsius=np.nan, fahrenheit=np.nan) -> Foretold:
    """A distribution of two degrees to either side, at a place that reports in some step."""
    one = np.ones(1)
    return Foretold(
        centre=one * centre, scale=one, shape=np.array([[-2.0, 0.0, 2.0], [0.0, 0.5, 1.0]]),
        whole_celsius=one * celsius, whole_fahrenheit=one * fahrenheit,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["error_2", "error_20", "error_120", "error_gem_30"])
def test_an_error_that_stays_is_remembered(name):
    """Two degrees too low for months are two degrees in every fading mean."""
    assert after(90).mean(name)[0] == pytest.approx(2.0)


def test_an_error_is_trusted_with_time():
    """One day of it counts for little, a month for nearly all."""
    first, later = (after(days).weighed("error_10", 2.0)[0] for days in (1, 30))
    assert 0.5 < first < 1.0 < 1.7 < later < 2.0


def test_errors_are_remembered_by_warmth():
    """What was learned at 34 °C says nothing of 10 °C."""
    memory = after(60)
    assert warmth_error(memory, np.array([34.0]), 4.0)[0] > 1.5
    assert warmth_error(memory, np.array([10.0]), 4.0)[0] == 0.0


def test_a_day_without_a_maximum_teaches_nothing():
    """The mean error stays, and only its weight is a day older."""
    memory = after(30)
    blind = advance(memory, outlook(34.0), ended(np.nan))
    assert blind.mean("error_10") == pytest.approx(memory.mean("error_10"))
    assert blind.days("error_10")[0] < memory.days("error_10")[0]
    assert np.isnan(blind.last("error")[0])


def test_a_missing_model_keeps_what_is_remembered_of_it():
    """A model that is away for a day is not forgotten and not taken for right."""
    memory = advance(after(30), outlook([np.nan, 34, 34, 34, 34]), ended(36.0))
    assert memory.mean("error_ifs_30")[0] == pytest.approx(2.0)


def test_time_without_news_fades_all_alike():
    """Days of which nothing is known leave means as they are, weights less, and no latest values."""
    memory = after(30)
    later = passed(memory, 5)
    assert later.mean("error_40") == pytest.approx(memory.mean("error_40"))
    assert later.days("error_2")[0] == pytest.approx(memory.days("error_2")[0] * 0.5**2.5)
    assert np.isnan(later.latest).all()


def test_no_time_changes_nothing():
    """The memory of a place is handed on untouched where no day lies between."""
    memory = after(3)
    assert passed(memory, 0) is memory


def test_a_new_place_has_an_empty_memory():
    """A place without a number among those known starts with nothing."""
    memory = after(30).of(np.array([0, -1]))
    assert memory.weighed("error_10", 2.0)[1] == 0.0
    assert np.isnan([memory.mean("size_10")[1], memory.last("maximum")[1]]).all()


def test_each_feature_has_a_unit_and_a_column():
    """The table holds the features in the order in which a manifest names them."""
    told = features(after(5), outlook(34.0))
    assert set(told) == set(UNITS)
    rows = table(after(5), outlook(34.0))
    assert rows.shape == (1, len(UNITS))
    assert rows[0, list(UNITS).index("mean")] == told["mean"][0] == 34.0


@pytest.mark.parametrize("kept", [mask for mask in product([True, False], repeat=5) if any(mask)])
def test_any_models_that_are_there_give_an_answer(kept):
    """Each subset of the five gives a chance, and it rises as they agree on heat."""
    said = np.where(kept, 34.0, np.nan)
    found = flat_model().foretell(after(30), outlook(said))
    assert found.centre[0] == pytest.approx(35.0)
    assert 0.0 < found.chance(35.0)[0] <= 1.0


def test_no_model_at_all_is_unknown():
    """Without one forecast nothing is told: not zero, not calm."""
    found = flat_model().foretell(after(30), outlook(np.nan))
    for value in (found.maximum, found.chance(35.0), found.quantile(0.9)):
        assert np.isnan(value).all()


@given(
    said=st.lists(st.one_of(st.just(np.nan), st.floats(-40, 55)), min_size=5, max_size=5),
    came=st.lists(st.one_of(st.just(np.nan), st.floats(-40, 55)), max_size=4),
    weather=st.lists(st.one_of(st.just(np.nan), st.floats(0, 300)), min_size=5, max_size=5),
)
def test_whatever_is_missing_the_answer_is_a_chance_or_unknown(said, came, weather):
    """Any hole anywhere gives a number from 0 to 1, the same order of thresholds, or NaN."""
    memory = nothing_known(1)
    for value in came:
        memory = advance(memory, outlook(said), ended(value, weather))
    found = flat_model().foretell(memory, outlook(said))
    chances = np.array([found.chance(limit)[0] for limit in THRESHOLDS])
    assert np.isnan(chances).all() == np.isnan(said).all()
    assert np.isnan(chances).all() or ((chances >= 0).all() and (np.diff(chances) <= 0).all())


@pytest.mark.parametrize(
    ("celsius", "fahrenheit", "edge"),
    [(1.0, 0.1, 36.5), (0.1, 1.0, 36.944), (0.1, 0.2, 36.95), (np.nan, np.nan, 36.95)],
)
def test_a_threshold_is_reached_as_the_station_reports_it(celsius, fahrenheit, edge):
    """37 °C begin at 36.5 where whole degrees are reported, at 98.5 °F where those are."""
    assert told(edge, celsius, fahrenheit).chance(37.0)[0] == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(
    ("celsius", "fahrenheit", "reported"), [(1.0, 0.0, 35.0), (0.0, 1.0, 95.0), (0.1, 0.1, 35.2)]
)
def test_the_maximum_is_one_that_the_station_could_report(celsius, fahrenheit, reported):
    """The value of least error is a whole degree where only whole degrees are ever reported."""
    found = told(35.2, celsius, fahrenheit).maximum[0]
    assert (found * 1.8 + 32 if fahrenheit == 1.0 else found) == pytest.approx(reported)


def test_quantiles_rise():
    """More of the distribution lies below a higher temperature."""
    found = [told(35.0).quantile(share)[0] for share in (0.05, 0.5, 0.95)]
    assert found == sorted(found)
    assert found[1] == pytest.approx(35.0)


def test_steps_of_a_station_are_learned_from_its_past():
    """Whole degrees Celsius, whole degrees Fahrenheit and tenths are told apart."""
    memory = nothing_known(3)
    for turn in range(30):
        maxima = np.array([20.0 + turn % 7, round((70 + turn % 7 - 32) / 1.8, 1), 20.3 + 0.1 * (turn % 3)])
        memory = advance(memory, outlook(25.0, places=3), replace(ended(0, places=3), maximum=maxima))
    celsius, fahrenheit = memory.mean("whole_celsius"), memory.mean("whole_fahrenheit")
    assert (celsius[0], fahrenheit[1]) == pytest.approx((1.0, 1.0))
    assert max(*celsius[1:], *fahrenheit[[0, 2]]) < 0.5


def test_a_model_comes_back_from_its_parts():
    """What is saved is all there is: the same answers come from it."""
    model = flat_model()
    again = HeatModel.of_parts(model.parts())
    rows = table(after(9), outlook(36.0))
    assert again.foretell_from(rows).centre == model.foretell_from(rows).centre
    assert (again.places, again.trained_to) == (model.places, model.trained_to)


def test_models_keep_their_rows():
    """The order of the models is part of what is saved, so it must not change by itself."""
    assert MODELS == ("ifs", "aifs", "gfs", "icon", "gem")
