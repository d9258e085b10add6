"""Two real spells through the program itself: August 2022 and the Hong Kong rainstorm of 2023.

What really happened (fires, the warnings of those days) is known from newspapers only and is named in the
docstrings; what is asserted is what the figures at hand make certain.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from simulators.real_weather import (
    ISD,
    SOURCE,
    Days,
    SixHours,
    days_shown,
    district,
    hong_kong,
    needs,
    place,
    rain_batch,
    six_hourly,
)
from stage import EVENT, HOUR, LATENCY, Told, instance
from stage import day as beijing
from stage import district as rongchang

from alerts.event.transition import Transition
from ingest import archive
from ingest.batch import Batch
from ingest.database import reading, writing
from ingest.recordings import BUNDLED
from ingest.source import Feed
from pipeline.config import SourceBlock, with_only
from pipeline.ports import Judging
from pipeline.pull import take_in
from pipeline.replay.run import Period, Replay, event_period, run
from pipeline.tick import assess
from pipeline.view import view_of
from rules.findings import Findings, Verdict
from rules.indices.fire import Codes, indices, step

DAY = timedelta(days=1)
needs_isd: pytest.MarkDecorator = needs(ISD)
QUIET = ("extended", "data_lost", "data_found", "spread", "narrowed")


def told(replay: Replay, hazard: str, *without: str) -> list[tuple[str, str, str]]:
    """When (Beijing time), why and to which level a hazard's alert changed."""
    return [
        (f"{change.at + 8 * HOUR:%m-%d %H:%M}", change.reason.value, change.to_level.key)
        for change in replay.transitions
        if change.hazard == hazard and change.reason.value not in without
    ]


# --- August 2022: heat, pigs, forest fire ---


@dataclass(frozen=True, kw_only=True)
class August:
    """The bundled event, replayed."""

    replay: Replay
    """With every hazard that it suffices to judge."""
    fire: Findings
    """Forest fire at 14:05 of each Beijing day, 20 July to 5 September."""
    weather: Days
    """Fire weather of the noons of 26 July to 5 September."""


@pytest.fixture(scope="module")
def august(tmp_path_factory: pytest.TempPathFactory) -> Iterator[August]:
    """The event through the replay's own door."""
    config, period = event_period(rongchang(), EVENT)
    with instance(tmp_path_factory.mktemp("august"), config) as ports:
        replay = run(config, period, ports.desk)
    judging = Judging(config=config, archive=archive.Archive(), view=view_of(config))
    with reading(period.engine) as connection:
        nows = [beijing("07-20 14:05") + number * DAY for number in range(48)]
        fire = assess(connection, nows, judging)["forest_fire"]
        weather = days_shown(connection, judging, period.end, ("fwi", "ffmc", "dmc", "dc"), 42)
    yield August(replay=replay, fire=fire, weather=weather)
    period.engine.dispose()


def noon(name: str, august: August, first: str, last: str) -> npt.NDArray[np.float64]:
    """A quantity of the noons from one date to another, (town, day)."""
    begin, end = ((beijing(f"{text} 13:00") - beijing("07-26 13:00")).days for text in (first, last))
    return august.weather[name][:, begin : end + 1]


def test_the_heat_of_august_is_as_it_was(august: August) -> None:
    """25 changes; red on 7 August, in all towns the next day, left on the afternoon of the 26th."""
    heat = told(august.replay, "heat", "data_lost", "data_found")
    assert len(heat) == 25
    steps = told(august.replay, "heat", *QUIET)
    assert steps[-3:] == [
        ("08-07 16:05", "raised", "red"), ("08-26 16:05", "lowered", "orange"),
        ("08-29 18:05", "ended", "none"),
    ]  # fmt: skip


def test_pigs_suffer_as_long_as_humidity_is_known(august: August) -> None:
    """Red from the first forecast that reaches 10 August; where humidity ends the alert does not."""
    assert told(august.replay, "pig_heat", "extended", "spread", "narrowed") == [
        ("07-20 03:05", "data_lost", "none"), ("08-09 12:05", "opened", "red"),
        ("08-09 14:05", "data_found", "red"), ("08-28 21:05", "data_lost", "red"),
    ]  # fmt: skip


def test_an_index_is_known_of_the_days_with_humidity_and_rain(august: August) -> None:
    """The 24 hours of rain up to noon are whole from 11 to 28 August, and of no other day."""
    known = np.isfinite(august.weather["fwi"])
    assert np.isfinite(noon("fwi", august, "08-11", "08-28")).all()
    assert known.sum() == 18 * 21


def test_it_dries_day_by_day(august: August) -> None:
    """0.4 mm in all: the codes of duff and deep soil rise every day, and the index more than doubles."""
    for name in ("dmc", "dc"):
        assert (np.diff(noon(name, august, "08-11", "08-28")) > 0).all()
    index = noon("fwi", august, "08-11", "08-28")
    assert (index[:, -1] > 2 * index[:, 0]).all()
    assert index[0, [0, 10, 17]] == pytest.approx([14.1, 45.9, 38.1], abs=0.1)


def test_noon_is_that_of_beijing_time(august: August) -> None:
    """The first index comes from the hour 13:00, 05 UTC, and from no other hour near it."""
    hours = pd.read_csv(BUNDLED / EVENT / "hourly.csv", index_col="time", parse_dates=True)
    town = rongchang().district.towns[0]

    def index_at(hour: str) -> float:
        row = hours.loc[f"2022-08-11T{hour}"]
        warmth = round(row["temperature_2m"] - (town.elevation - 380.0) * 0.0065, 1)
        wind = [row["wind_speed_10m"] * 3.6]
        noon_of = ([warmth], [row["relative_humidity_2m"]], wind, [0.0], [8], [town.lat])
        codes = step(*noon_of, Codes.start((1,)), "cffdrs")
        return float(indices(codes, wind, "cffdrs")[2][0])

    first = noon("fwi", august, "08-11", "08-11")[0, 0]
    assert first == pytest.approx(index_at("05:00"), abs=0.01)
    assert all(abs(first - index_at(hour)) > 0.02 for hour in ("04:00", "06:00", "12:00"))


def test_fire_danger_rises_by_persistence(august: August) -> None:
    """Level 3 on 11 August, level 4 from the 16th: orange on its third day, red on its fifth.

    Fires really broke out on the 17th (Fuling, evening) and the 21st (Beibei). By then the alert was yellow,
    six hours before orange, and red. The codes begin at their spring values on the 11th: earlier warnings
    were not possible, and what is told says that the codes are young.
    """
    assert told(august.replay, "forest_fire", "extended", "data_lost", "data_found") == [
        ("08-11 00:05", "opened", "yellow"), ("08-18 00:05", "raised", "orange"),
        ("08-20 00:05", "raised", "red"),
    ]  # fmt: skip
    assert august.fire.extra["fire_code_days"][22 + 7].tolist() == [8.0] * 21


def test_what_is_not_known_of_fire_danger_is_never_calm(august: August) -> None:
    """Unknown before 11 August and after the 28th; in all towns alike, and never none.

    The fires were out on the 26th, but nothing in the weather was: no rain had fallen, and the index stayed
    at level 4 to the last day it is known of.
    """
    found = august.fire.verdict
    assert (found == found[:, :1]).all()
    spells = [Verdict.UNKNOWN] * 22 + [Verdict.YELLOW] * 7 + [Verdict.ORANGE] * 2
    spells += [Verdict.RED] * 7 + [Verdict.ORANGE, Verdict.YELLOW] + [Verdict.UNKNOWN] * 8
    assert found[:, 0].tolist() == spells
    assert (noon("fwi", august, "08-16", "08-28") >= 21.3).all()


# --- Hong Kong, 7 and 8 September 2023 ---

FIRST, END = datetime(2023, 9, 5, 6, tzinfo=UTC), datetime(2023, 9, 9, 6, tzinfo=UTC)
AIRPORT = place("45007", "香港国际机场", 22.31, 113.92)
Laid = Literal["even", "at the end"]
Forecast = Literal["none", "dry", "perfect"]


def airport() -> list[SixHours]:
    """What the airport reported, six hours by six hours."""
    return six_hourly(hong_kong(FIRST, END))


def batches(laid: Laid, forecast: Forecast) -> list[Batch]:
    """The reports as hourly rain, each known five minutes after it was made, and what was foretold by then.

    `dry` foretells no rain at all, so that every level rests on rain that fell; `perfect` repeats what came.
    """
    ids, found = (AIRPORT.id,), list[Batch]()
    hours: dict[datetime, float] = {}
    for part in airport():
        rain = np.array([[0.0] * 5 + [part.amount]])
        if laid == "even":
            rain = np.diff(np.arange(7) * round(part.amount * 10) // 6)[None] / 10
        hours |= {part.ends - (5 - hour) * HOUR: rain[0, hour] for hour in range(6)}
        found.append(rain_batch("observation", part.known + LATENCY, part.ends - 6 * HOUR, rain, ids))
    for at in sorted({part.known for part in airport()}) if forecast != "none" else []:
        ahead = [hours.get(at + hour * HOUR, 0.0) * (forecast == "perfect") for hour in range(1, 49)]
        found.append(rain_batch("forecast", at + LATENCY, at, np.array([ahead]), ids))
    return sorted(found, key=lambda batch: batch.available_at)


def storm(folder: Path, laid: Laid, forecast: Forecast) -> Replay:
    """The rainstorm as a daemon would have judged it that hears the airport every six hours."""
    config = with_only(rongchang(), ("rainstorm",))
    feed = Feed(kind="told", every=6 * HOUR, latency=LATENCY)
    source = SourceBlock(name=SOURCE, feed=feed, source=Told(batches=()))
    service = replace(config.service, heartbeat=6 * HOUR)
    config = replace(config, district=district(AIRPORT), sources={SOURCE: source}, service=service)
    start = datetime(2023, 9, 6, 12, tzinfo=UTC) + LATENCY
    with instance(folder, config) as ports:
        with writing(ports.engine) as connection:
            take_in(connection, ports.archive, batches(laid, forecast))
        return run(config, Period(name="storm", engine=ports.engine, start=start, end=END), ports.desk)


@needs_isd
def test_the_reports_of_the_airport_are_read_as_they_are() -> None:
    """86 mm in the six hours to 18 UTC, 122.1 in the day; a period of unknown length says nothing."""
    found = hong_kong(FIRST, END)
    reports = {(report.at.day, report.at.hour, report.hours): report.amount for report in found}
    assert (reports[7, 18, 6], reports[8, 0, 12], reports[8, 0, 24]) == (86.0, 115.0, 122.1)
    assert reports[7, 12, None] == 7.0
    late = [part for part in airport() if part.known != part.ends]
    assert [(part.known.hour, part.ends.hour, part.amount) for part in late] == [(0, 12, 6.9)]


@needs_isd
@pytest.mark.parametrize(("laid", "level"), [("even", "yellow"), ("at the end", "orange")])
def test_rain_that_nobody_foretold_is_told_when_it_is_known(
    tmp_path: Path, laid: Laid, level: str
) -> None:
    """86 mm in six hours are yellow however they fell, orange if in three; five minutes after the report.

    Not before: the six hours before it had brought 7 mm. The wet hours that follow keep it at blue.
    """
    assert told(storm(tmp_path, laid, "dry"), "rainstorm", *QUIET) == [
        ("09-08 02:05", "opened", level), ("09-08 14:05", "lowered", "blue"),
        ("09-09 02:05", "ended", "none"),
    ]  # fmt: skip


@needs_isd
def test_rain_that_was_foretold_is_told_before_it_falls(tmp_path: Path) -> None:
    """Blue twelve hours ahead, yellow six; then the whole way down."""
    replay = storm(tmp_path, "even", "perfect")
    assert told(replay, "rainstorm", *QUIET) == [
        ("09-07 14:05", "opened", "blue"), ("09-07 20:05", "raised", "yellow"),
        ("09-08 14:05", "lowered", "blue"), ("09-09 02:05", "ended", "none"),
    ]  # fmt: skip
    opened, raised = (moment(change) for change in replay.transitions[:2])
    assert (opened, raised) == ("09-07 23:00", "09-08 00:00")


def moment(change: Transition) -> str:
    """When a level begins, Beijing time."""
    assert change.onset is not None
    return f"{change.onset + 8 * HOUR:%m-%d %H:%M}"


@needs_isd
def test_rain_in_the_last_hour_is_raised_step_by_step(tmp_path: Path) -> None:
    """The most that the sums allow: three levels up, foretold for the hour in which it all falls."""
    assert told(storm(tmp_path, "at the end", "perfect"), "rainstorm", *QUIET) == [
        ("09-07 14:05", "opened", "blue"), ("09-07 20:05", "raised", "yellow"),
        ("09-08 02:05", "raised", "orange"), ("09-08 14:05", "lowered", "blue"),
        ("09-09 02:05", "ended", "none"),
    ]  # fmt: skip


@needs_isd
def test_without_any_forecast_a_rainstorm_opens_and_never_ends(tmp_path: Path) -> None:
    """What is to come is unknown all the time: said once to the operators, and no all-clear is guessed."""
    assert told(storm(tmp_path, "even", "none"), "rainstorm") == [
        ("09-07 02:05", "data_lost", "none"), ("09-08 02:05", "opened", "yellow"),
    ]  # fmt: skip
