"""Drought: the parts of a day, the index, and what a hazard says of when, on what ground and for how long."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import gamma, norm
from simulators.parched import DAY_0, at, block, of_parts

from ingest.batch import Flag
from rules.baseline import FITS, Baseline
from rules.derived import Day, derivations
from rules.findings import Basis
from rules.hazards.drought import DAYS_NEEDED, PARTS, Drought, DroughtRung, Weights, drought_parts
from rules.indices.evaporation import thornthwaite
from rules.indices.standardise import GammaFit
from rules.level import Level

NAN = float("nan")
LADDER = {
    Level.YELLOW: DroughtRung(at_most=-1.0),
    Level.ORANGE: DroughtRung(at_most=-1.5),
    Level.RED: DroughtRung(at_most=-2.0),
}
RULE = Drought(ladder=LADDER)
NORMALS = [8.0, 10.0, 14.0, 19.0, 23.0, 26.0, 29.0, 29.0, 24.0, 19.0, 14.0, 9.0]
LATITUDE = np.array([29.4, 29.5])


def climate(places=2, shape=3.0, scale=100.0, zero=0.1):
    """A baseline that is the same on every day of the year and in every place."""
    year = np.ones((places, 366))
    fit = GammaFit(shape=shape * year, scale=scale * year, zero=zero * year)
    return Baseline(
        first_year=1991, last_year=2020, source="drawn", alpha=0.85,
        places=tuple(f"p{row}" for row in range(places)), fits=dict.fromkeys(FITS, fit),
        rain_mean_30=100.0 * year, temperature_normals=np.tile(NORMALS, (places, 1)),
        ti_critical=np.full(places, 80.0), ari7_p95=np.full(places, 20.0),
    )  # fmt: skip


def day(rain, warmth, on="2022-06-30", baseline=None):
    """A day with its past: rain and mean temperature (place, day), the last being the day itself."""
    rain, warmth = np.array(rain, float), np.array(warmth, float)
    past = {"precipitation_day": rain[:, :-1], "temperature_mean_day": warmth[:, :-1]}
    same = {"precipitation_day": rain[:, -1], "temperature_mean_day": warmth[:, -1]}
    return Day(
        date=np.datetime64(on, "D"), hours={}, before=past, same=same, latitude=LATITUDE,
        baseline=baseline or climate(),
    )  # fmt: skip


RAIN = np.random.default_rng(5).gamma(0.5, 6.0, (2, DAYS_NEEDED)).round(1)
WARMTH = np.tile(np.linspace(20.0, 28.0, 30), (2, 1))


def standard(amount, shape=3.0, scale=100.0, zero=0.1):
    """The same standardisation by another library."""
    return norm.ppf(zero + (1 - zero) * gamma.cdf(amount, shape, scale=scale))


# --- the parts of a day ---


@pytest.mark.parametrize(("part", "days"), [("spi90", 90), ("spi150", 150)])
def test_rain_is_summed_to_the_day_itself_and_standardised(part, days):
    """90 and 150 days, this one included."""
    found = drought_parts(day(RAIN, WARMTH))[part]
    np.testing.assert_allclose(found, standard(RAIN[:, -days:].sum(axis=-1)), atol=1e-6)


def test_the_weighted_rain_fades_by_the_alpha_of_the_baseline():
    """Today counts whole, the day sixty days ago 0.85^60."""
    weights = 0.85 ** np.arange(60, -1, -1)
    found = drought_parts(day(RAIN, WARMTH))["spiw60"]
    np.testing.assert_allclose(found, standard(RAIN[:, -61:] @ weights), atol=1e-6)


def test_evaporation_of_a_month_is_thornthwaites():
    """The 30 days to 30 June are June, and the formula's month of 30 days."""
    june = thornthwaite([[24.0] * 12] * 2, LATITUDE, normals=[NORMALS] * 2)[:, 5]
    found = drought_parts(day(RAIN, WARMTH))["mi30"]
    np.testing.assert_allclose(found, (RAIN[:, -30:].sum(axis=-1) - june) / june)


def test_evaporation_between_two_months_is_shared_by_days():
    """15 days of June, 15 of July."""
    year = thornthwaite([[24.0] * 12] * 2, LATITUDE, normals=[NORMALS] * 2)
    need = year[:, 5] * 15 / 30 + year[:, 6] * 15 / 31
    found = drought_parts(day(RAIN, WARMTH, on="2022-07-15"))["mi30"]
    np.testing.assert_allclose(found, (RAIN[:, -30:].sum(axis=-1) - need) / need)


def test_a_month_without_rain_lacks_all_of_what_would_evaporate():
    """MI is -1, its lowest."""
    assert drought_parts(day(0.0 * RAIN, WARMTH))["mi30"].tolist() == [-1.0, -1.0]


@pytest.mark.parametrize(
    ("ago", "unknown"),
    [
        (0, set(PARTS)), (29, set(PARTS)), (30, {"spiw60", "spi90", "spi150"}),
        (60, {"spiw60", "spi90", "spi150"}), (61, {"spi90", "spi150"}), (89, {"spi90", "spi150"}),
        (90, {"spi150"}), (149, {"spi150"}),
    ],
)  # fmt: skip
def test_one_unknown_day_of_rain_makes_what_needs_it_unknown(ago, unknown):
    """It could have held all the rain there was; the other town is untouched."""
    holed = RAIN.copy()
    holed[0, -1 - ago] = NAN
    found = drought_parts(day(holed, WARMTH))
    assert {name for name, values in found.items() if np.isnan(values[0])} == unknown
    assert not any(np.isnan(values[1]) for values in found.values())


@pytest.mark.parametrize("known", [1, 29, 89, 149])
def test_a_past_that_is_too_short_is_unknown_and_no_error(known):
    """A new instance has seen a few days only."""
    found = drought_parts(day(RAIN[:, -known:], WARMTH[:, -known:]))
    assert np.isnan(found["spi150"]).all()
    assert np.isnan(found["mi30"]).all() == (known < 30)


@pytest.mark.parametrize(("missing", "known"), [(3, True), (4, False)])
def test_a_few_unknown_temperatures_are_left_out(missing, known):
    """Three of thirty move their mean by less than a degree."""
    holed = WARMTH.copy()
    holed[:, 5 : 5 + missing] = NAN
    found = drought_parts(day(RAIN, holed))
    assert np.isfinite(found["mi30"]).all() == known
    assert np.isfinite(found["spi90"]).all()


def test_without_a_baseline_everything_is_unknown():
    """No climate, no comparison; never calm."""
    found = drought_parts(replace(day(RAIN, WARMTH), baseline=None))
    assert found.keys() == set(PARTS)
    assert all(np.isnan(values).all() and values.shape == (2,) for values in found.values())


@pytest.mark.parametrize("on", ["2024-02-29", "2023-12-31", "2024-03-01"])
def test_every_day_of_the_calendar_has_its_climate(on):
    """29 February as well."""
    assert all(np.isfinite(values).all() for values in drought_parts(day(RAIN, WARMTH, on)).values())


@pytest.mark.parametrize("column", [0, 50, 100, 149])
def test_less_rain_on_any_day_is_never_wetter(column):
    """Every part falls or stays."""
    drier = RAIN + 5.0
    wetter = drier.copy()
    drier[:, column] = 0.0
    less, more = drought_parts(day(drier, WARMTH)), drought_parts(day(wetter, WARMTH))
    assert all((less[name] <= more[name]).all() for name in PARTS)


def test_the_job_of_derived_quantities_finds_it_after_rain_and_temperature():
    """In an order that works, with 150 days of rain."""
    chain = list(derivations(PARTS))
    assert chain[-1].gives == PARTS
    assert {"precipitation_day", "temperature_mean_day"} <= {n for m in chain[:-1] for n in m.gives}
    assert chain[-1].before["precipitation_day"] == DAYS_NEEDED - 1


# --- the index ---


def lone(parts, today=DAY_0, rule=RULE):
    """The index observed yesterday of parts, an array of four."""
    series = {
        name: np.full((1, 1, 67), value) for name, value in zip(PARTS, parts, strict=True)
    }
    sight = of_parts(series, [at(0, 12, today)], np.arange(-60, 7))
    return float(rule.assess("here", sight).extra["mci_observed"][0, 0])


@pytest.mark.parametrize(
    ("parts", "summer", "winter"),
    [
        ([-1, 0, 0, 0], -0.5, -0.3), ([0, -1, 0, 0], -0.6, -0.5), ([0, 0, -1, 0], -0.2, -0.3),
        ([0, 0, 0, -1], -0.1, -0.2), ([-2.0, -0.9, -1.5, -1.0], -1.94, -1.7),
    ],
)  # fmt: skip
def test_the_weights_are_those_of_the_season(parts, summer, winter):
    """South from April to October, north from November to March."""
    assert lone(parts, date(2022, 8, 18)) == summer
    assert lone(parts, date(2023, 1, 15)) == winter


@pytest.mark.parametrize(
    ("yesterday", "expected"),
    [("2022-03-31", -0.3), ("2022-04-01", -0.5), ("2022-10-31", -0.5), ("2022-11-01", -0.3)],
)
def test_the_season_is_that_of_the_day_and_not_of_the_moment(yesterday, expected):
    """On 1 April the index of 31 March still has the weights of March."""
    today = date.fromisoformat(yesterday) + timedelta(days=1)
    assert lone([-1, 0, 0, 0], today) == expected


def test_the_factor_of_the_month_multiplies_everything():
    """Ka of August, the eighth of the twelve."""
    ka = (1.0,) * 7 + (1.2,) + (0.4,) * 4
    assert lone([-1.0] * 4, rule=Drought(ladder=LADDER, ka=ka)) == -1.68


@pytest.mark.parametrize("part", range(4))
def test_one_unknown_part_makes_the_index_unknown(part):
    """Three parts are no index."""
    parts = [-1.0] * 4
    parts[part] = NAN
    assert np.isnan(lone(parts))


# --- when, on what ground, how long ---


def one(drawn, now=None, rule=RULE, **keys):
    """Findings of one town at one moment."""
    return rule.assess("here", block(drawn, nows=[now or at(0, 12)], **keys))


def moment(array):
    """The only moment of an array, None for NaT."""
    return None if np.isnat(array[0, 0]) else array[0, 0].astype("datetime64[s]").item()


def naive(day, hour):
    """A moment as the arrays have it."""
    return at(day, hour).replace(tzinfo=None)


@pytest.mark.parametrize("lag", [0, 3])
@pytest.mark.parametrize(
    ("drawn", "onset", "expires", "basis"),
    [
        ({-1: -1.6}, "as_of", None, Basis.OBSERVED),
        ({-1: -1.6, 0: -1.7}, "as_of", (1, 0), Basis.BOTH),
        ({-1: -1.6, 0: -1.7, 1: -1.8}, "as_of", (2, 0), Basis.BOTH),
        ({0: -1.6}, "as_of", (1, 0), Basis.FORECAST),
        ({2: -1.6, 3: -1.6}, (2, 0), (4, 0), Basis.FORECAST),
        ({2: -1.6, 6: -1.6}, (2, 0), (7, 0), Basis.FORECAST),
        ({-1: -1.2, 2: -1.6, 4: -1.2}, (2, 0), (3, 0), Basis.FORECAST),
    ],
)
def test_a_level_runs_from_the_first_day_that_meets_it_to_the_last_foretold(
    drawn, onset, expires, basis, lag
):
    """Days are Beijing's; what is only observed has no known end."""
    found = one(drawn, lag=lag)
    assert moment(found.onset) == (naive(0, 12 - lag) if onset == "as_of" else naive(*onset))
    assert moment(found.expires) == (naive(*expires) if expires else None)
    assert found.basis[0, 0] == basis


def test_without_a_level_there_is_no_time():
    """Nor a ground."""
    found = one({})
    assert (moment(found.onset), moment(found.expires), found.basis[0, 0]) == (None, None, 0)


@pytest.mark.parametrize(
    ("drawn", "value"),
    [({-1: -1.2, 3: -1.7, 5: -1.4}, -1.7), ({-1: -1.2}, -1.2), ({-1: -0.2}, -0.2), ({4: NAN}, 0.3)],
)
def test_the_value_is_the_lowest_index_of_the_week(drawn, value):
    """Also where it is no drought."""
    assert one(drawn).value[0, 0] == value


@pytest.mark.parametrize(("hour", "age"), [(0.25, 0.25), (12, 12.0), (23.5, 23.5)])
def test_the_age_counts_from_the_end_of_the_newest_day(hour, age):
    """Yesterday ended at midnight."""
    assert one({}, at(0, hour)).age[0, 0] == age
    assert one({-1: NAN}, at(0, hour)).age[0, 0] == age + 24
    assert one({-1: NAN, -2: NAN}, at(0, hour)).age[0, 0] == np.inf


@pytest.mark.parametrize(
    ("first", "expected"), [(-10, 10), (-9, 0), (-25, 25), (-60, 60), (-80, 60)]
)
def test_a_drought_is_counted_from_its_first_day(first, expected):
    """It starts with ten days in a row; what began before the days looked at counts as so long."""
    drawn = dict.fromkeys(range(first, 0), -0.6) | {0: -1.6}
    assert one(drawn).extra["drought_days"][0, 0] == expected


def test_nine_days_of_rain_do_not_end_a_drought():
    """The tenth does."""
    dry = dict.fromkeys(range(-40, -10), -0.8) | {0: -1.6}
    assert one(dry).extra["drought_days"][0, 0] == 0
    assert one(dry | {-10: -0.8}).extra["drought_days"][0, 0] == 40


def test_where_there_is_no_warning_nothing_is_counted():
    """Light drought for a month warns nobody."""
    assert np.isnan(one(dict.fromkeys(range(-40, 7), -0.8)).extra["drought_days"][0, 0])


@pytest.mark.parametrize("flag", [0, Flag.ANALYSIS, Flag.ANALYSIS | Flag.PERFECT_PROGNOSIS])
def test_the_origin_of_the_parts_is_kept(flag):
    """Texts say that an analysis stands in for rain gauges."""
    assert one({-1: -2.0}, flags=int(flag)).marks[0, 0] == flag


def test_a_rung_may_look_at_the_observed_index_alone():
    """within_days of 0 needs no forecast and hears none."""
    rule = Drought(ladder={Level.ORANGE: DroughtRung(at_most=-1.5, within_days=0)})
    blind = dict.fromkeys(range(7), NAN)
    assert one({0: -3.0}, rule=rule, size=(60, 0)).floor[0, 0] == Level.NONE
    assert one({-1: -1.5} | blind, rule=rule).floor[0, 0] == Level.ORANGE
    assert one(blind, rule=rule, size=(60, 0)).reach[0, 0] == Level.NONE


def test_a_level_is_kept_up_to_its_clearing_threshold():
    """-1.3 is no orange any more, and not yet the end of one that clears above -1.2."""
    rule = Drought(ladder={Level.ORANGE: DroughtRung(at_most=-1.5, clear_above=-1.2)})
    found = [one({-1: value}, rule=rule) for value in (-1.3, -1.2, -1.19)]
    assert [item.floor[0, 0] for item in found] == [0, 0, 0]
    assert [item.ceiling[0, 0] for item in found] == [Level.ORANGE, Level.ORANGE, Level.NONE]


# --- what is refused ---


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"ka": (1.0,) * 11 + (-0.1,)}, "ka"),
        ({"oldest": timedelta(hours=12)}, "oldest"),
        ({"start_after": 0}, "days_back"),
        ({"end_after": 0}, "days_back"),
        ({"days_back": 1}, "days_back"),
        ({"ladder": {}}, "at least one"),
        ({"ladder": {Level.RED: DroughtRung(at_most=-2.0, within_days=-1)}}, "red: within_days"),
        ({"ladder": {Level.RED: DroughtRung(at_most=-2.0, clear_above=-3.0)}}, "red: clear_above"),
    ],
)
def test_an_impossible_block_is_refused(keys, why):
    """With a sentence that names the key."""
    with pytest.raises(ValueError, match=why):
        Drought(**{"ladder": LADDER} | keys)


@pytest.mark.parametrize(
    ("keys", "why"),
    [({"summer_months": (0,)}, "1 to 12"), ({"summer_months": (13,)}, "1 to 12"),
     ({"summer": (0.5, -0.6, 0.2, 0.1)}, "0 or more"), ({"winter": (0.3, 0.5, 0.3, -0.2)}, "0 or more")],
)  # fmt: skip
def test_impossible_weights_are_refused(keys, why):
    """A month that does not exist; a weight that would make rain a drought."""
    with pytest.raises(ValueError, match=why):
        Weights(**keys)
