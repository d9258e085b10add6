"""The real cases: what stands in their tables could have been known then, and each runs from end to end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cases import cma_2014, heat_2022, heat_2024, hong_kong_2023
from cases.place import settle
from cases.run import CASES
from cases.spells import heat_events, rain_events, runs
from simulators.real_weather import DATA, needs

from ingest.batch import Batch
from rules.level import Level

HOUR = timedelta(hours=1)
needs_forecasts: pytest.MarkDecorator = needs(heat_2024.SET)
needs_isd: pytest.MarkDecorator = needs(hong_kong_2023.SET)
needs_cma: pytest.MarkDecorator = needs(cma_2014.SET)


def days(*values: float) -> pd.Series:
    """A value a day from 1 August 2024 on."""
    return pd.Series(values, index=pd.date_range("2024-08-01", periods=len(values)))


# --- what happened ---


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ((37.0, 37.0, 36.9), [(1, 2)]),
        ((36.9, 37.0, np.nan, 37.0), [(2, 2), (4, 4)]),
        ((30.0, 31.0), []),
    ],
)
def test_a_run_ends_with_a_cooler_or_a_missing_day(values, found):
    """Reached is at or above; nobody knows what a missing day was."""
    assert [(first.day, last.day) for first, last in runs(days(*values), 37.0)] == found


def test_each_level_has_its_own_spells():
    """Yellow begins with the third day of 35 degrees, the others with their first."""
    told = heat_events(days(35.0, 36.0, 40.0, 37.5, 34.0), "x")
    assert [(one["level"], one["onset"][:13], one["end"][:13]) for one in told] == [
        ("yellow", "2024-08-03T12", "2024-08-04T20"),
        ("orange", "2024-08-03T12", "2024-08-04T20"),
        ("red", "2024-08-03T12", "2024-08-03T20"),
    ]


def test_a_day_of_rain_has_no_level():
    """The daily sum does not tell the hours that the levels ask for."""
    (event,) = rain_events(days(49.9, 50.0), 50.0, "x")
    assert (event["onset"][:13], event["within"], event.get("level")) == ("2024-08-02T08", "12h", None)


# --- one station as a district ---


def test_a_station_becomes_a_district_of_one_town(tmp_path: Path):
    """Only the hazards asked for are judged, by the ladders that ship, and no town of ours is left."""
    config = settle(tmp_path / "c", heat_2024.SPOT, ["heat"], [])
    judged = [name for name, block in config.hazards.items() if block.conduct.enabled]
    assert (judged, config.district.place_ids) == (["heat"], ("500112001",))
    assert config.hazards["heat"].rule.ladder[Level.RED].limit == 40.0
    assert "500153" not in "".join(path.read_text() for path in (tmp_path / "c" / "hazards").iterdir())


# --- what was known ---


def forecasts() -> pd.DataFrame:
    """Ten days of which every figure tells its day and its lead."""
    index = pd.date_range("2024-08-01", periods=10)
    figures = {f"m_{lead}": index.day + lead / 10 for lead in (1, 2)}
    return pd.DataFrame(figures, index=index)


def test_a_statement_tells_of_tomorrow_by_day_1_and_of_the_day_after_by_day_2():
    """Issued at 14 o'clock; nothing that was said after it is in it."""
    told = pd.DataFrame(heat_2024.statements(forecasts(), "m"))
    one = told[told["issued_at"] == "2024-08-04T14:00:00+08:00"]
    assert list(one["date"]) == ["2024-08-04", "2024-08-05", "2024-08-06"]
    assert list(one["tmax (°C)"]) == [4.1, 5.1, 6.2]


def test_a_day_without_skill_is_followed_by_its_like_and_stays_dry():
    """The skilless forecast of an evening repeats the day and knows of no rain."""
    figures = {"tmax": [33.0, 36.0], "tmin": [25.0, 26.0], "rain": [80.0, 0.0]}
    found = pd.DataFrame(figures, index=days(0, 0).index)
    told = cma_2014.skilless(found)
    first = told[told["issued_at"].str.startswith("2024-08-01")]
    assert set(first["tmax (°C)"]) == {33.0}
    assert list(first["rain (mm)"].fillna(-1)) == [-1, 0, 0, 0]


def test_tomorrow_is_foretold_as_today():
    """After the last hour of a day its 24 hours come again three times, from the next hour on."""
    hours = [_hour(n) for n in range(48)]
    told = list(heat_2022.with_persistence(hours))
    (last,) = (one for one in told[-1:] if one.kind == "forecast")
    assert last.valid_at.size == 72
    assert last.values["temperature_2m"][0, :25].tolist() == [*map(float, range(24, 48)), 24.0]
    assert (last.available_at, last.issued_at) == (hours[-1].available_at, hours[-1].issued_at)


def _hour(number: int) -> Batch:
    at = datetime(2024, 8, 1, tzinfo=UTC) + number * HOUR
    return Batch(
        source="s", kind="observation", issued_at=at, available_at=at, places=("a",),
        valid_at=np.array([at.replace(tzinfo=None)], "datetime64[s]"),
        values={"temperature_2m": np.array([[float(number)]])},
    )  # fmt: skip


@needs_forecasts
def test_the_correction_knows_only_errors_that_were_seen():
    """With everything from a day on made absurd, what was said for it the evening before stays the same."""
    found, seen = heat_2024.days(DATA), pd.Timestamp("2024-08-25")
    error = (found["measured"] - found["mean_1"])[seen - pd.Timedelta(days=30) : seen - pd.Timedelta(days=1)]
    said = found.loc[seen, "corrected_1"] - found.loc[seen, "mean_1"]
    assert said == pytest.approx(error.mean(), abs=0.11)


# --- each case, a short piece ---


@needs_forecasts
def test_2024_the_mean_of_five_models_foretold_no_red_spell(tmp_path: Path):
    """Three spells of 40 °C: two met in the afternoon; before one, red stood until the day before."""
    told = heat_2024.play("mean", DATA, tmp_path / "x")
    red = told.verified.hazards["heat"].levels[Level.RED].matches
    assert (len(red.hits), len(red.late), len(red.misses)) == (1, 2, 0)


@needs_isd
def test_hong_kong_is_warned_of_with_the_report_that_made_it_certain(tmp_path: Path):
    """86 mm in six hours, told at 18 UTC: yellow five minutes later, and not before."""
    told = hong_kong_2023.play("even", DATA, tmp_path / "x")
    assert "09-08 02:05 rainstorm opened yellow" in hong_kong_2023.steps(told)


@needs_cma
@pytest.mark.parametrize(("variant", "levels"), [("even", ["blue"]), ("3h", ["red", "yellow"])])
def test_what_a_day_of_rain_is_worth_hangs_on_its_hours(tmp_path: Path, variant: str, levels: list[str]):
    """111.2 mm on 18 September 2014: blue when spread evenly, red within three hours."""
    short = cma_2014.days(DATA)["2014-09-15":"2014-09-20"]
    told = cma_2014.play(variant, short, tmp_path / "x", (2014,))
    reached = {change.to_level.key for change in told.replay.transitions if change.hazard == "rainstorm"}
    assert set(levels) <= reached


def test_2022_perfect_forecasts_bound_what_any_could_give():
    """To the middle of the heat: red is foretold a day ahead by perfect forecasts, and met without."""
    until = datetime(2022, 8, 9, 16, tzinfo=UTC)
    first = {
        variant: min(
            change.at for change in heat_2022.play(variant, until).replay.transitions
            if change.to_level == Level.RED
        )
        for variant in heat_2022.VARIANTS
    }
    assert first["persistence"] - first["perfect"] > 18 * HOUR


def test_every_case_says_what_it_needs():
    """`make reports` leaves out a case by the name of the set that is not there."""
    told = {case.__name__.rpartition(".")[2] for case in (cma_2014, heat_2022, heat_2024, hong_kong_2023)}
    assert told == set(CASES)
