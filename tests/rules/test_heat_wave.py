"""Heat wave by the heat-wave index of GB/T 29457."""

from pathlib import Path

import numpy as np
import pytest
from simulators.seasons import OLDEST_DAY, block, every_day
from simulators.sky import NAN, at

from pipeline.config import load
from rules.findings import Basis, Verdict
from rules.hazards.heat_wave import HeatWave, HeatWaveRung
from rules.indices.heat import critical_torridity, heat_wave_index, torridity
from rules.level import Level

LADDER = {
    Level.YELLOW: HeatWaveRung(at_least=2.8),
    Level.ORANGE: HeatWaveRung(at_least=6.5),
    Level.RED: HeatWaveRung(at_least=10.5),
}
TODAY_ONLY = {
    level: HeatWaveRung(at_least=rung.at_least, within_days=0) for level, rung in LADDER.items()
}
WAVE = HeatWave(ladder=LADDER, critical=86.0)
TODAY = HeatWave(ladder=TODAY_ONLY, critical=86.0)
ROOT = Path(__file__).resolve().parents[2]
RAW = ROOT.parent / "shared" / "data" / "weather_cma_daily_38cities_2014_2019"
needs_raw = pytest.mark.skipif(
    not RAW.is_dir(), reason=f"data set {RAW.name} is missing: put it into {RAW.parent}"
)
NOON = at(0, 12)


def maxima(days, otherwise=28.0):
    """Daily maxima by day, and one figure for the others."""
    series = every_day(otherwise)
    for day, value in days.items():
        series[day - OLDEST_DAY] = value
    return series


def judged(days, now=NOON, rule=WAVE, humidity=60.0, otherwise=28.0, lag=0):
    """Findings of one town; all days have the same humidity."""
    drawn = {
        "temperature_max_day": [maxima(days, otherwise)],
        "relative_humidity_mean_day": [every_day(humidity)],
    }
    return rule.assess("here", block(rule, drawn, [now], lag))


def told(found):
    """Verdict and index."""
    return Verdict(int(found.verdict[0, 0])), float(found.value[0, 0])


@pytest.mark.parametrize(
    ("day", "level", "index"),
    [(0, Verdict.YELLOW, 3.7168), (1, Verdict.ORANGE, 8.0288), (2, Verdict.RED, 12.8524)],
)
def test_three_days_of_rising_heat(day, level, index):
    """36, 38 and 40 °C at 60 % and TI′ 86, worked by hand."""
    found = judged({0: 36.0, 1: 38.0, 2: 40.0}, at(day, 12), TODAY)
    assert told(found) == (level, pytest.approx(index, abs=1e-9))


@pytest.mark.parametrize(
    ("day", "index"),
    list(enumerate([5.4016, 6.8354, 7.5523, 8.0302, 8.3887, 8.6754, 8.9144])),
)
def test_days_of_the_same_heat_add_up(day, index):
    """37 °C at 60 %, first to seventh day."""
    value = told(judged(dict.fromkeys(range(7), 37.0), at(day, 12), TODAY))[1]
    assert value == pytest.approx(index, abs=1e-4)


def test_dry_air_counts_as_60_percent():
    """35 °C is the same at 55 % as at 60 %."""
    dry, damp = (judged({0: 37.0}, humidity=humidity) for humidity in (55.0, 60.0))
    assert told(dry) == told(damp)


@pytest.mark.parametrize(("ahead", "expected"), [(0, 0), (1, 2), (2, 3)])
def test_a_rung_looks_as_many_days_ahead_as_it_says(ahead, expected):
    """Today is always among them."""
    rung = HeatWaveRung(at_least=2.8, within_days=ahead)
    rule = HeatWave(ladder={Level(max(expected, 2)): rung}, critical=86.0)
    assert told(judged({ahead: 36.0}, rule=rule))[0] > 0
    assert told(judged({ahead + 1: 36.0}, rule=rule))[0] == 0


@pytest.mark.parametrize("lag", [0, 2])
@pytest.mark.parametrize(
    ("hour", "days", "end"), [(12, (0, 1, 2), 3), (12, (1, 2), 3), (0, (0,), 1), (23, (0, 1, 3), 2)]
)
def test_it_lasts_from_its_first_day_to_the_end_of_its_last(hour, days, end, lag):
    """Beijing days; what has begun has begun at as_of, and a cool day ends it."""
    rule = HeatWave(ladder={Level.YELLOW: LADDER[Level.YELLOW]}, critical=86.0)
    found = judged(dict.fromkeys(days, 39.0), at(0, hour), rule, lag=lag)
    assert found.onset[0, 0].astype(int) == max(at(days[0], 0), at(0, hour - lag)).timestamp()
    assert found.expires[0, 0].astype(int) == at(end, 0).timestamp()


@pytest.mark.parametrize(
    ("days", "number", "basis"),
    [
        ({0: 39.0}, 1, Basis.FORECAST), ({-2: 39.0, -1: 39.0, 0: 39.0}, 3, Basis.BOTH),
        ({1: 39.0}, 0, Basis.FORECAST), ({-1: 39.0, 1: 39.0}, 0, Basis.FORECAST),
    ],
)  # fmt: skip
def test_it_says_how_many_hot_days_today_makes(days, number, basis):
    """And rests on what was observed where the run began before today."""
    found = judged(days)
    assert found.extra["heat_wave_day"][0, 0] == number
    assert found.basis[0, 0] == basis


def test_it_tells_the_torridity_of_today():
    """By the formula, 89.668 for 37 °C and 60 %."""
    assert judged({0: 37.0}).extra["torridity"][0, 0] == pytest.approx(89.668)


@pytest.mark.parametrize(
    ("missing", "interval"),
    [(-1, (2, 4)), (-3, (2, 4)), (-4, (2, 2)), (0, (2, 4)), (1, (2, 4)), (2, (2, 2))],
)
def test_a_missing_day_opens_upwards_what_follows_it(missing, interval):
    """Unless a day that was not hot, as here three days ago, ends the run, or it lies beyond the ladder."""
    days = {-2: 35.5, -1: 35.5, 0: 36.0, 1: 36.0, missing: NAN}
    rule = HeatWave(ladder=LADDER | {Level.ORANGE: HeatWaveRung(at_least=9.0)}, critical=86.0)
    found = judged(days, rule=rule)
    assert (found.floor[0, 0], found.reach[0, 0]) == interval


def test_nothing_known_has_no_age_and_no_number():
    """Missing is not zero."""
    found = judged({}, otherwise=NAN)
    assert np.isinf(found.age[0, 0])
    assert np.isnan(found.extra["heat_wave_day"][0, 0])


@pytest.mark.parametrize(
    ("days", "hour", "age"), [({}, 12, 12.0), ({-1: NAN}, 12, 36.0), ({-1: NAN}, 0, 24.0)]
)
def test_age_counts_from_the_end_of_the_newest_known_day(days, hour, age):
    """Yesterday ended at midnight."""
    assert judged(days, at(0, hour)).age[0, 0] == age


def test_a_town_may_have_a_critical_torridity_of_its_own():
    """Named by code; the others take that of the block."""
    rule = HeatWave(ladder=LADDER, critical=99.0, critical_by_town={"500153001": 86.0})
    drawn = {
        "temperature_max_day": [maxima({0: 37.0})] * 3,
        "relative_humidity_mean_day": [every_day(60.0)] * 3,
    }
    found = rule.assess("here", block(rule, drawn, [at(0, 12)]))
    assert found.places[1] == "500153001"
    assert found.floor.tolist() == [[0, Level.YELLOW, 0]]
    assert rule.towns == ("500153001",)


def test_a_run_is_followed_back_as_far_as_the_block_says():
    """Five days of a longer run count as five."""
    short = HeatWave(ladder=TODAY_ONLY, critical=86.0, run_days=5)
    always, five = ({-day: 37.0 for day in range(length)} for length in (20, 6))
    assert told(judged(always, rule=short)) == told(judged(five, rule=short))
    assert told(judged(always, rule=TODAY))[1] > told(judged(always, rule=short))[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: HeatWave(ladder={Level.RED: HeatWaveRung(at_least=1, within_days=-1)}, critical=86.0),
        lambda: HeatWave(ladder=LADDER, critical=86.0, run_days=0),
    ],
)
def test_an_impossible_block_is_refused(make):
    """With the remedy."""
    with pytest.raises(ValueError, match=r"write [01] or more"):
        make()


@pytest.fixture(scope="module")
def chongqing():
    """Daily maximum [°C] and mean humidity [%] of Chongqing, 2014 to 2019; April 2017 is empty."""
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: the data set cannot be read")
    pd = pytest.importorskip("pandas")
    table = pd.read_parquet(RAW / "daily.parquet", columns=["file_city", "date", "maxtemp", "avgrh"])
    table = table[table["file_city"] == "chongqing"]
    table.index = pd.to_datetime(table["date"], format="mixed")
    days = pd.date_range("2014-01-01", "2019-12-31")
    return table.reindex(days)[["maxtemp", "avgrh"]].to_numpy(float).T


def every_day_of(record, rule):
    """A block whose nows are the days of a record, each with the days around it."""
    reach = rule.reach
    sizes = (reach.days_back, reach.days_ahead - 1)
    sky = block(rule, {name: [every_day(NAN)] for name in rule.quantities}, [at(0, 12)])
    sky = sky.isel(now=[0] * record.shape[1]).copy()
    for name, series in zip(rule.quantities, record, strict=True):
        padded = np.pad(series, sizes, constant_values=NAN)
        windows = np.lib.stride_tricks.sliding_window_view(padded, sum(sizes) + 1)
        sky[name] = (("now", "place", "day"), windows[:, None, :])
    return sky


@needs_raw
def test_six_summers_of_chongqing_have_their_heat_waves(chongqing):
    """On 134 of 2191 days, 58 of them moderate or more and 16 severe; none outside May to September."""
    rule = HeatWave(ladder=TODAY_ONLY, critical=89.6217)
    floor = rule.assess("here", every_day_of(chongqing, rule)).floor[:, 0]
    assert [int((floor >= level).sum()) for level in LADDER] == [134, 58, 16]
    days = np.datetime64("2014-01-01") + np.flatnonzero(floor)
    assert set(days.astype("datetime64[M]").astype(int) % 12 + 1) <= {5, 6, 7, 8, 9}


@needs_raw
def test_levels_are_those_of_the_index_of_the_whole_record(chongqing):
    """Thirty days back are enough for every run of these summers."""
    rule = HeatWave(ladder=TODAY_ONLY, critical=89.6217)
    floor = rule.assess("here", every_day_of(chongqing, rule)).floor[:, 0]
    index = np.nan_to_num(heat_wave_index(torridity(*chongqing), 89.6217))
    steps = np.round(index, 2)[:, None] >= [rung.at_least for rung in LADDER.values()]
    np.testing.assert_array_equal(floor, np.where(steps.any(axis=1), steps.sum(axis=1) + 1, 0))


@needs_raw
def test_the_critical_torridity_that_ships_is_that_of_the_record(chongqing):
    """To one decimal: a start, for a town that has none of its own."""
    rule = load(ROOT / "config").hazards["heat_health"].rule
    assert isinstance(rule, HeatWave)
    assert rule.critical == round(float(critical_torridity(torridity(*chongqing), chongqing[0])), 1)
