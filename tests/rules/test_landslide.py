"""Landslide: effective rain of the frame under way and the next, on ground of three kinds."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulators.rain_days import NAN, at, block, place, rain

from ingest.batch import Flag
from rules.findings import Basis, Verdict
from rules.hazards.landslide import Landslide, LandslideRung
from rules.indices.landslide import effective_rain
from rules.level import Level

LADDER = {
    Level.BLUE: LandslideRung(at_least=60.0, hour=30.0, id_ratio=1.5),
    Level.YELLOW: LandslideRung(at_least=80.0, hour=40.0, id_ratio=2.0),
    Level.ORANGE: LandslideRung(at_least=110.0, hour=60.0, id_ratio=2.75),
    Level.RED: LandslideRung(at_least=150.0, hour=80.0, id_ratio=3.5),
}
PLAIN = {level: LandslideRung(at_least=rung.at_least) for level, rung in LADDER.items()}
RULE = Landslide(ladder=LADDER)
WORKED = {0: 60.0, -1: 20.0, -2: 10.0, -3: 0.0, -4: 30.0}
MORNING = at(0, 8)
HOUR = timedelta(hours=1)
RAW = Path(__file__).resolve().parents[3] / "shared" / "data" / "weather_cma_daily_38cities_2014_2019"

needs_raw = pytest.mark.skipif(
    not RAW.is_dir(), reason=f"data set {RAW.name} is missing: put it into {RAW.parent}"
)


def judged(series, now=MORNING, rule=RULE, **keys):
    """Findings of one town at one moment."""
    return rule.assess("landslide", block(series, nows=(now,), **keys))


def verdict(series, now=MORNING, rule=RULE, **keys):
    """The answer for one town at one moment."""
    return Verdict(int(judged(series, now, rule, **keys).verdict[0, 0]))


def figure(found, name):
    """A further figure of the one town."""
    return float(found.extra[name][0, 0])


# --- effective rain ---


@pytest.mark.parametrize(
    ("decay", "expected"), [(0.6, 79.488), (0.8, 94.688), (0.84, 98.792), (0.85, 99.885)]
)
def test_the_worked_example_comes_out(decay, expected):
    """60 mm today after 20, 10, 0 and 30 mm on the days before."""
    found = judged(rain(WORKED), rule=Landslide(ladder=PLAIN, decay=decay))
    assert figure(found, "effective_rain") == pytest.approx(expected, abs=5e-4)
    assert found.value[0, 0] == figure(found, "effective_rain")


def test_the_other_decay_is_shown_beside():
    """The officer sees how much hangs on the one number nobody has verified."""
    found = judged(rain(WORKED))
    assert figure(found, "effective_rain_084") == pytest.approx(98.792, abs=5e-4)


def test_the_next_frame_remembers_the_one_under_way():
    """30 mm to come after 100 mm today are 90, less than the 100 of today; 60 are more."""
    for amount, expected in ((30.0, 100.0), (60.0, 120.0)):
        found = judged(rain({0: 100.0, 1: amount}))
        assert found.value[0, 0] == pytest.approx(expected)


def test_the_antecedent_index_is_that_of_the_worse_frame():
    """ARI7 of 10, 20, 30, 40, 0, 5 and 15 mm, today first."""
    found = judged(rain({0: 10.0, -1: 20.0, -2: 30.0, -3: 40.0, -5: 5.0, -6: 15.0}))
    assert figure(found, "ari7") == pytest.approx(14.0749, abs=1e-4)


def test_observed_and_foretold_hours_make_one_frame():
    """The verdict of the day does not change with the hour at which one asks."""
    series = rain({0: 80.0})
    found = {verdict(series, at(0, hour)) for hour in range(20)}
    assert found == {Verdict.YELLOW}


@pytest.mark.parametrize("lag", [0, 1, 3])
def test_latency_moves_no_frame(lag):
    """The frame belongs to now, whatever the newest observation."""
    assert verdict(rain({0: 80.0}), at(0, 19), lag=lag) == Verdict.YELLOW
    assert verdict(rain({1: 80.0}), at(0, 20), lag=lag) == Verdict.YELLOW


# --- ground ---


@pytest.mark.parametrize(
    ("ground", "amount", "expected"),
    [
        ("low", 78.0, Verdict.BLUE), ("low", 77.9, Verdict.NONE), ("low", 77.96, Verdict.BLUE),
        ("moderate", 60.0, Verdict.BLUE), ("moderate", 59.9, Verdict.NONE),
        ("high", 48.0, Verdict.BLUE), ("high", 47.9, Verdict.NONE),
    ],
)  # fmt: skip
def test_ground_moves_the_thresholds(ground, amount, expected):
    """By its factor, compared in the tenths of a millimetre that gauges report."""
    rule = Landslide(ladder=PLAIN, default_susceptibility=ground)
    assert verdict(rain({}, {(0, 12): amount}), rule=rule) == expected


@pytest.mark.parametrize(("ground", "threshold"), [("low", 78.0), ("moderate", 60.0), ("high", 48.0)])
def test_figures_are_those_of_the_town(ground, threshold):
    """The rain that fell and the rain that this ground bears, not those of some other ground."""
    rule = Landslide(ladder=PLAIN, susceptibility={"500153001": ground})
    found = judged(rain({0: threshold}), rule=rule)
    assert (found.value[0, 0], found.threshold[0, 0]) == pytest.approx((threshold, threshold))


def test_towns_have_ground_of_their_own():
    """The same rain, three verdicts."""
    rule = Landslide(ladder=PLAIN, susceptibility={"500153001": "high", "500153003": "low"})
    found = rule.assess("landslide", block(*[rain({0: 65.0})] * 3))
    assert found.verdict[0].tolist() == [Verdict.YELLOW, Verdict.BLUE, Verdict.NONE]
    assert rule.towns == ("500153001", "500153003")


# --- signs ---


@pytest.mark.parametrize(("before", "expected"), [(0.0, Verdict.NONE), (30.0, Verdict.BLUE)])
def test_a_sign_needs_half_the_effective_rain(before, expected):
    """An hour of 45 mm is nothing on dry ground that bears 120, and blue on ground where 30 fell."""
    ladder = {Level.BLUE: LandslideRung(at_least=120.0, hour=45.0)}
    series = rain({-1: before}, {(0, 12): 45.0})
    assert verdict(series, rule=Landslide(ladder=ladder)) == expected


def test_rain_over_hours_may_begin_in_the_frame_before():
    """A storm around 20 o'clock is one storm."""
    storm = {(-1, hour): 20.0 for hour in (18, 19, 20)} | {(-1, hour): 20.0 for hour in (21, 22, 23)}
    found = judged(rain({}, storm), at(-1, 22))
    assert figure(found, "id_ratio") == pytest.approx(120 / (14.82 * 6**0.61), rel=1e-5)


@pytest.mark.parametrize(("p95", "expected"), [({}, Verdict.NONE), ({"500153001": 20.0}, Verdict.BLUE)])
def test_the_antecedent_sign_needs_a_climate(p95, expected):
    """Where no percentile is given there is no such sign, and no doubt about it."""
    ladder = {Level.BLUE: LandslideRung(at_least=60.0, ari_ratio=1.0)}
    found = judged(rain({0: 40.0}), rule=Landslide(ladder=ladder, ari7_p95=p95))
    assert Verdict(int(found.verdict[0, 0])) == expected
    assert found.reach[0, 0] == found.floor[0, 0]


# --- when ---


@pytest.mark.parametrize(
    ("frames", "hours", "onset", "expires"),
    [
        ({0: 100.0}, {}, at(0, 15), at(0, 20)),
        ({}, {(0, 12): 70.0}, at(0, 11), at(0, 20)),
        ({}, {(0, 3): 70.0}, MORNING, at(0, 20)),
        ({}, {(1, 3): 70.0}, at(1, 2), at(1, 20)),
        ({0: 60.0, 1: 30.0}, {}, at(0, 19), at(1, 20)),
    ],
)  # fmt: skip
def test_a_level_begins_with_the_hour_that_reaches_it_and_ends_with_its_frame(frames, hours, onset, expires):
    """At 20 o'clock: that of today, or of tomorrow where the next frame still reaches it."""
    found = judged(rain(frames, hours))
    expected = [np.datetime64(moment.replace(tzinfo=None), "s") for moment in (onset, expires)]
    assert [found.onset[0, 0], found.expires[0, 0]] == expected


@pytest.mark.parametrize(
    ("frames", "hours", "expected"),
    [
        ({}, {(0, 5): 70.0}, Basis.OBSERVED), ({}, {(0, 12): 70.0}, Basis.FORECAST),
        ({1: 70.0}, {}, Basis.FORECAST), ({1: 30.0}, {(0, 5): 70.0}, Basis.BOTH), ({}, {}, Basis.NOTHING),
        ({-1: 110.0}, {}, Basis.OBSERVED),
    ],
)  # fmt: skip
def test_it_says_what_a_level_rests_on(frames, hours, expected):
    """Rain that fell, rain that is foretold, or both."""
    assert Basis(int(judged(rain(frames, hours)).basis[0, 0])) == expected


def test_provenance_and_age_come_through():
    """An analysis stays one in the findings; the age is that of the newest hour."""
    found = judged(rain({0: 70.0}), at(0, 8.5), flags=int(Flag.ANALYSIS))
    assert found.marks[0, 0] == Flag.ANALYSIS
    assert found.age[0, 0] == pytest.approx(0.5)


# --- what is missing ---


def test_a_missing_hour_leaves_everything_possible():
    """And nothing certain that was not so without it."""
    found = judged(rain({0: 70.0}, {(1, 5): NAN}))
    assert (found.floor[0, 0], found.reach[0, 0], found.ceiling[0, 0]) == (1, 4, 4)


@pytest.mark.parametrize(("day", "reach"), [(-2, Level.ORANGE), (-3, Level.YELLOW), (-4, Level.NONE)])
def test_a_day_without_a_report_leaves_what_its_decay_leaves(day, reach):
    """At most 400 mm, of which 0.36, 0.216 and 0.13 are left in this frame."""
    found = judged(rain(), rule=Landslide(ladder=PLAIN), forget=[day])
    assert (found.floor[0, 0], found.reach[0, 0]) == (Level.NONE, reach)


def test_no_hour_is_no_figure():
    """Days alone give a bound; rain of the hours is unknown, not nought."""
    series = rain({-1: 50.0})
    series[place(-1, 21) :] = NAN
    found = judged(series)
    assert figure(found, "effective_rain") == pytest.approx(30.0)
    assert np.isnan(figure(found, "hour_max"))
    assert np.isnan(figure(found, "id_ratio"))


# --- configuration ---


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"decay": 0.0}, "decay"), ({"decay": 1.2}, "decay"), ({"days": 0}, "decay"),
        ({"with_sign": 0.0}, "with_sign"), ({"with_sign": 2.0}, "with_sign"),
        ({"durations": (0,)}, "durations"), ({"durations": (25,)}, "durations"),
        ({"factor": {"low": 1.0}}, "factor"), ({"ari7_p95": {"500153001": 0.0}}, "ari7_p95"),
        ({"factor": {"low": 1.0, "moderate": 0.0, "high": 1.0}}, "factor"),
        ({"day_at_most": -1.0}, "day_at_most"), ({"alpha": 0.0}, "alpha"), ({"durations": ()}, "durations"),
        ({"ladder": {Level.RED: LandslideRung(at_least=0.0)}}, "dry weather"),
        ({"ladder": {Level.RED: LandslideRung(at_least=9.0, hour=0.0)}}, "hour"),
        ({"ladder": {}}, "ladder"),
    ],
)  # fmt: skip
def test_an_impossible_block_is_refused(change, said):
    """With the key in the sentence."""
    with pytest.raises(ValueError, match=said):
        Landslide(**{"ladder": LADDER, **change})


# --- real rain ---


@needs_raw
def test_six_years_of_daily_rain_give_warnings_that_people_would_bear():
    """Chongqing 2014-2019 by daily rain alone, on moderate ground: blue some days a year, red never."""
    table = pd.read_parquet(RAW / "daily.parquet", columns=["city", "date", "precipitation"])
    city = table[table["city"].str.lower() == "chongqing"]
    daily = pd.Series(city["precipitation"].to_numpy(), pd.to_datetime(city["date"], format="mixed"))
    daily = daily[~daily.index.duplicated()].reindex(pd.date_range("2014-01-01", "2019-12-31"))
    assert daily.notna().sum() > 2100
    amount = effective_rain(daily.to_numpy(), decay=0.6, days=7).round(1)
    reached = {level: int((amount >= rung.at_least).sum()) for level, rung in LADDER.items()}
    assert reached == {Level.BLUE: 30, Level.YELLOW: 8, Level.ORANGE: 1, Level.RED: 0}
    assert np.nanmax(amount) == pytest.approx(124.1)
