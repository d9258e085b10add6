"""The fire weather index day after day: the same as in one go, with the codes as its only memory."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rules.derived import Day, derivations
from rules.hazards.fire_weather import CARRY_DAYS, carried, fire_weather
from rules.indices import fire

NAN = float("nan")
HOURS = ("temperature_2m", "relative_humidity_2m", "wind_speed_10m", "precipitation")
CODES = ("ffmc", "dmc", "dc", "fwi")
FIRST = np.datetime64("2022-08-05")
RAW = Path(__file__).resolve().parents[3] / "shared" / "data" / "weather_era5_chongqing_2022"

needs_raw = pytest.mark.skipif(
    not RAW.is_dir(), reason=f"data set {RAW.name} is missing: put it into {RAW.parent}"
)
HOT_DRY = (41.0, 28.0, 2.5, 0.0)


def hours_of(weather, places=1):
    """24 hours of steady weather: °C, %, m/s, and the rain of the day [mm] in its first hour."""
    made = {name: np.full((places, 24), value) for name, value in zip(HOURS, weather, strict=True)}
    made["precipitation"] = np.zeros((places, 24))
    made["precipitation"][:, 0] = weather[3]
    return made


def run(days, before=None, first=FIRST):
    """Derive one day after the other from a list of hours; returns quantity -> (place, day)."""
    places = days[0]["precipitation"].shape[0]
    known = before or {name: np.full((places, CARRY_DAYS), NAN) for name in CODES}
    start = known["dc"].shape[1]
    for number, hours in enumerate(days):
        told = fire_weather(
            Day(
                date=first + number,
                hours=hours,
                before={name: series[:, -CARRY_DAYS:] for name, series in known.items()},
                same={},
                latitude=np.full(places, 29.4),
                baseline=None,
            )
        )
        known = {name: np.column_stack([known[name], told[name]]) for name in CODES}
    return {name: series[:, start:] for name, series in known.items()}


def test_the_worked_run_comes_out():
    """41 °C, 28 % and 9 km/h without rain, from 85, 6 and 15."""
    index = run([hours_of(HOT_DRY)] * 20)["fwi"][0]
    assert index[[0, 4, 9, 19]] == pytest.approx([13.49, 23.0, 30.82, 41.67], abs=0.01)


@pytest.mark.parametrize("missing", [0.0, 0.1, 0.3])
def test_day_after_day_is_the_same_as_all_at_once(missing):
    """Gaps and the wait after long ones included, as long as the codes are carried over them."""
    random = np.random.default_rng(20220818)
    count, places = 60, 8
    inputs = [
        random.uniform(low, high, (places, count)).round(1)
        for low, high in ((5.0, 42.0), (20.0, 100.0), (0.0, 10.0), (0.0, 1.0))
    ]
    inputs[3] = np.where(inputs[3] < 0.7, 0.0, inputs[3] * 20).round(1)
    inputs[0][:, 1:][random.random((places, count - 1)) < missing] = NAN
    inputs[0][0, 10:15] = NAN
    days = []
    for day in range(count):
        made = hours_of((0.0, 0.0, 0.0, 0.0), places)
        for name, series in zip(HOURS[:3], inputs, strict=False):
            made[name][:] = series[:, day, None]
        made["precipitation"][:, 0] = inputs[3][:, day]
        days.append(made)
    tas, hurs, wind, rain = inputs
    dates = FIRST + np.arange(count)
    months = dates.astype("datetime64[M]").astype(int) % 12 + 1
    expected = fire.fwi(tas, hurs, wind * 3.6, rain, months, 29.4, variant="cffdrs")["fwi"]
    np.testing.assert_allclose(run(days)["fwi"], expected, rtol=1e-9)


def test_noon_may_come_from_the_hours_before_it():
    """Two hours back at most, the newest first."""
    for gap, known in ((1, True), (2, True), (3, False)):
        hours = hours_of(HOT_DRY)
        hours["temperature_2m"][:, 24 - gap :] = NAN
        hours["temperature_2m"][:, : 23 - gap] = -10.0
        found = run([hours])["fwi"][0, 0]
        assert (found == pytest.approx(13.49, abs=0.01)) if known else np.isnan(found)


@pytest.mark.parametrize("hour", [0, 12, 23])
def test_one_missing_hour_of_rain_makes_the_day_unknown(hour):
    """It could hold all of it."""
    hours = hours_of(HOT_DRY)
    hours["precipitation"][0, hour] = NAN
    assert all(np.isnan(series).all() for series in run([hours]).values())


def test_a_day_that_is_missing_leaves_the_codes_as_they_were():
    """The day after goes on from the day before."""
    gap = hours_of((NAN, 28.0, 2.5, 0.0))
    steady, gapped = run([hours_of(HOT_DRY)] * 5), run([*[hours_of(HOT_DRY)] * 4, gap, hours_of(HOT_DRY)])
    assert gapped["dc"][0, 5] == steady["dc"][0, 4]
    assert np.isnan(gapped["dc"][0, 4])


def test_after_a_long_gap_codes_are_known_before_the_index_is():
    """Four days missing cost three days of index; the codes are archived meanwhile, so nothing is lost."""
    gap = hours_of((NAN, 28.0, 2.5, 0.0))
    found = run([*[hours_of(HOT_DRY)] * 3, *[gap] * 4, *[hours_of(HOT_DRY)] * 5])
    assert np.isnan(found["fwi"][0, 3:10]).all()
    assert np.isfinite(found["fwi"][0, 10:]).all()
    assert np.isfinite(found["dc"][0, 7:]).all()


@pytest.mark.parametrize(("length", "anew"), [(CARRY_DAYS - 1, False), (CARRY_DAYS, True)])
def test_after_ten_days_without_codes_the_system_starts_anew(length, anew):
    """From 85, 6 and 15, as on the first day."""
    gap = hours_of((NAN, 28.0, 2.5, 0.0))
    found = run([*[hours_of(HOT_DRY)] * 6, *[gap] * length, hours_of(HOT_DRY)])["dc"][0]
    assert (found[-1] == found[0]) == anew
    assert (found[-1] > found[5]) == (not anew)


def test_towns_have_codes_of_their_own():
    """One town's gap is no other's."""
    days = [hours_of(HOT_DRY, 2) for _ in range(6)]
    days[3]["temperature_2m"] = np.array([[NAN] * 24, [41.0] * 24])
    alone, both = run([hours_of(HOT_DRY)] * 6), run(days)
    np.testing.assert_array_equal(both["fwi"][1], alone["fwi"][0])
    assert np.isnan(both["fwi"][0, 3])


def test_a_town_carries_the_codes_that_it_would_carry_alone():
    """However many days of the others are missing."""
    chance = np.random.default_rng(3)
    before = {name: chance.uniform(1.0, 80.0, (40, CARRY_DAYS)) for name in CODES}
    before["dc"][chance.random((40, CARRY_DAYS)) < 0.3] = NAN
    before["fwi"][chance.random((40, CARRY_DAYS)) < 0.3] = NAN
    before["dc"][:, 4] = before["fwi"][:, 4] = 7.0
    together = carried(past(before))
    for town in range(40):
        alone = carried(past({name: series[town : town + 1] for name, series in before.items()}))
        for part in ("ffmc", "dmc", "dc", "missing", "waiting"):
            assert getattr(together, part)[town] == getattr(alone, part)[0]


def past(before):
    """A day that knows nothing but the codes before it."""
    towns = len(before["dc"])
    return Day(
        date=np.datetime64("2022-08-18"), hours={}, before=before, same={},
        latitude=np.full(towns, 29.0), baseline=None,
    )


def test_the_month_is_that_of_the_noon():
    """Days are longer in July than in September."""
    july, september = (
        run([hours_of(HOT_DRY)], first=np.datetime64(day)) for day in ("2022-07-20", "2022-09-20")
    )
    assert july["dmc"][0, 0] > september["dmc"][0, 0]


def test_the_index_needs_its_codes_and_nothing_else():
    """One derivation makes all four; its own past is its only daily input."""
    (made,) = derivations(("fwi",))
    assert (made.gives, made.ends, set(made.before)) == (("ffmc", "dmc", "dc", "fwi"), 13, set(CODES))


@needs_raw
def test_august_2022_is_high_danger_even_from_a_cold_start():
    """Forests around Chongqing burnt from 17 to 26 August; the index is above 21.3 from the 16th on."""
    table = pd.read_csv(
        RAW / "chongqing_hourly_2022-08-10_2022-08-28.csv", index_col="time", parse_dates=True
    )
    noons = pd.date_range("2022-08-11 05:00", "2022-08-28 05:00")
    days = [table.loc[noon - pd.Timedelta("23h") : noon] for noon in noons]
    hours = [{name: day[name].to_numpy()[None] for name in HOURS} for day in days]
    index = run(hours, first=np.datetime64("2022-08-11"))["fwi"][0]
    assert (index[5:] >= 21.3).all()
    assert (index[:5] < 21.3).all()
