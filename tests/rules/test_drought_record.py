"""The index on the record of Chongqing: the years 2014 to 2019, and the drought of August 2022."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rules.baseline import NEEDED, Baseline, fit_baseline
from rules.derived import Day
from rules.hazards.drought import DAYS_NEEDED, PARTS, Drought, DroughtRung, drought_parts
from rules.indices.drought import WEIGHTS_NORTH, WEIGHTS_SOUTH
from rules.level import Level

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
YEARS = SHARED / "weather_cma_daily_38cities_2014_2019"
SUMMER = SHARED / "weather_synop_57516_2022"
RAIN, MEAN = "precipitation_day", "temperature_mean_day"
RULE = Drought(ladder={Level.ORANGE: DroughtRung(at_most=-1.5)})

pytestmark = [
    pytest.mark.skipif(not folder.is_dir(), reason=f"data set {folder.name} is missing: put it into {SHARED}")
    for folder in (YEARS, SUMMER)
]


@pytest.fixture(scope="module")
def years() -> pd.DataFrame:
    """Six years of the station; 38 missing days take the mean of their calendar day in the other years."""
    table = pd.read_parquet(YEARS / "daily.parquet")
    table = table[table["city"] == "chongqing"].drop_duplicates("date").set_index("date")
    columns = dict(zip(("precipitation", "maxtemp", "avgtemp", "avgrh"), NEEDED, strict=True))
    days = table[list(columns)].rename(columns=columns).reindex(pd.date_range("2014", "2019-12-31"))
    dates = pd.DatetimeIndex(days.index)
    return days.fillna(days.groupby([dates.month, dates.day]).transform("mean"))


@pytest.fixture(scope="module")
def climate(years) -> Baseline:
    """A baseline of six years: too short for an office, long enough to see whether figures are sane."""
    daily = {name: years[name].to_numpy()[None] for name in NEEDED}
    first = np.datetime64("2014-01-01")
    return fit_baseline(daily, first, ("57516",), source="CMA", alpha=0.85, minimum_years=5)


def followed(days: pd.DataFrame, climate: Baseline) -> pd.DataFrame:
    """The parts and the index of every day that has 150 days of rain."""
    series = {name: days[name].to_numpy(float)[None] for name in (RAIN, MEAN)}
    found = {}
    for column in range(DAYS_NEEDED - 1, len(days)):
        day = Day(
            date=np.datetime64(days.index[column], "D"), hours={}, latitude=np.array([29.58]),
            before={name: values[:, :column] for name, values in series.items()},
            same={name: values[:, column] for name, values in series.items()}, baseline=climate,
        )  # fmt: skip
        found[days.index[column]] = {n: float(v[0]) for n, v in drought_parts(day).items()}
    table = pd.DataFrame.from_dict(found, orient="index")
    summer = pd.DatetimeIndex(table.index).month.isin(range(4, 11))[:, None]
    weights = np.where(summer, WEIGHTS_SOUTH, WEIGHTS_NORTH)
    return table.assign(mci=(table[list(PARTS)].to_numpy() * weights).sum(axis=1).round(2))


@pytest.fixture(scope="module")
def record(years, climate) -> pd.DataFrame:
    """The six years, from June 2014."""
    return followed(years, climate)


@pytest.fixture(scope="module")
def summer(climate) -> pd.DataFrame:
    """30 May to 23 August 2022 against the climate of 2014 to 2019."""
    table = pd.read_csv(SUMMER / "chongqing.csv", parse_dates=["Date"]).set_index("Date").sort_index()
    days = table.rename(columns={"Prec(mm)": RAIN, "Ave.T": MEAN})
    return followed(days, climate)


def test_six_years_hold_some_drought_and_no_extreme_one(record):
    """22 % of the days light or worse, 9 % moderate, 2 % severe, none extreme."""
    shares = [float((record["mci"] <= limit).mean()) for limit in (-0.5, -1.0, -1.5, -2.0)]
    assert shares == pytest.approx([0.222, 0.094, 0.018, 0.0], abs=0.003)


@pytest.mark.parametrize(
    ("year", "months", "lowest"),
    [(2015, (5, 5), -1.89), (2018, (7, 7), -1.93), (2018, (9, 9), -1.76), (2014, (9, 12), -0.41)],
)
def test_the_dry_months_stand_out(record, year, months, lowest):
    """May 2015, July and September 2018 were severe, the autumn of 2014 was none."""
    inside = (record.index.year == year) & np.isin(record.index.month, range(months[0], months[1] + 1))
    assert record["mci"][inside].min() == pytest.approx(lowest, abs=0.02)


def test_no_day_is_wetter_for_less_rain_than_its_own_climate_allows(record):
    """All parts lie where the standard has them, and the mean of six years is near zero."""
    assert record[list(PARTS)].abs().max().max() < 10
    assert record["mi30"].min() >= -1.0
    assert abs(record[["spi90", "spi150", "spiw60"]].mean()).max() < 0.25


def test_the_drought_of_august_2022_becomes_severe_in_the_middle_of_the_month(summer):
    """A wet spring, 7 mm of rain in August: orange from the 16th, -1.80 at the end of the record."""
    august = summer.loc["2022-08", "mci"]
    assert str(august[august <= -1.0].index[0].date()) == "2022-08-08"
    assert str(august[august <= -1.5].index[0].date()) == "2022-08-16"
    assert august.iloc[-1] == pytest.approx(-1.80, abs=0.02)
    assert (august.loc["2022-08-16":] <= -1.5).all()


def test_the_long_parts_still_remember_the_wet_spring(summer):
    """On 20 August the month lacks nearly all of its rain, 150 days are as usual."""
    day = summer.loc["2022-08-20"]
    assert day["mi30"] == pytest.approx(-0.97, abs=0.01)
    assert day["spi150"] == pytest.approx(0.25, abs=0.02)
    assert day["spiw60"] == pytest.approx(-2.08, abs=0.02)


def test_a_dry_index_falls_slowly(record, summer):
    """On which the bridging of a day rests: 0.3 on 99 of 100 days, 0.61 at most."""
    falls = pd.concat([
        table["mci"].diff()[table["mci"].shift() <= -0.5] for table in (record, summer)
    ])
    assert falls.quantile(0.01) == pytest.approx(-0.3, abs=0.011)
    assert falls.min() == pytest.approx(-0.61, abs=0.011)
