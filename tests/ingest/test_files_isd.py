"""Reports of a station become hours; sums of rain that overlap count once and are never smeared unasked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulators.real_weather import DATA, ISD, needs
from simulators.small_district import TOWNS

from ingest.batch import Batch, Flag
from ingest.errors import ConfigMistake
from ingest.files import Plan, Prognosis, read_isd
from ingest.files.accumulations import Sum, parts_of, whole_days

TOWN = TOWNS[0].id
HEAD = "STATION,DATE,REPORT_TYPE,WND,TMP,DEW,OC1,AA1,AA2\n"
CALM = '"999,9,C,0000,1"'


def plan(**changes) -> Plan:
    """A plan in which the station stands for one town."""
    return Plan(**{"source": "airport", "towns": TOWNS, "stands_for": {"*": (TOWN,)}, **changes})


def read(folder: Path, *lines: str, **changes) -> list[Batch]:
    """Batches of a file with some reports."""
    path = folder / "45007.csv"
    path.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    return list(read_isd(path, plan(**changes)))


def report(at: str, *, kind: str = "FM-12", wind: str = CALM, warm: str = "+0300,1", rain: str = ",") -> str:
    """One line; rain is the text of AA1 and AA2."""
    return f'45007,2023-09-{at},{kind},{wind},"{warm}","+0200,1",,{rain}'


def hours(batches: list[Batch], name: str) -> dict[str, float]:
    """Hour (day and hour) -> what was observed of a quantity."""
    return {
        str(at)[8:13]: float(value)
        for batch in batches
        if name in batch.values
        for at, value in zip(batch.valid_at, batch.values[name][0], strict=True)
    }


def test_the_full_hour_counts_and_the_synoptic_report_first(tmp_path: Path):
    """Between full hours nothing is taken, and tenths are preferred to whole degrees."""
    told = read(
        tmp_path, report("07T00:00:00", kind="FM-15", warm="+0310,1"), report("07T00:00:00"),
        report("07T00:30:00", warm="+0330,1"), report("07T01:53:00", kind="FM-15", warm="+0320,1"),
    )  # fmt: skip
    assert hours(told, "temperature_2m") == {"07T00": 30.0, "07T02": 32.0}
    assert hours(told, "relative_humidity_2m")["07T00"] == 55.0
    assert hours(told, "wind_speed_10m")["07T00"] == 0.0


@pytest.mark.parametrize("warm", ["+9999,9", "+0300,3", "+0300,2", "+0300,7", "", "x,1"])
def test_what_is_missing_or_doubted_is_left_out(tmp_path: Path, warm: str):
    """9999 is no temperature, and neither is one that its quality code calls wrong."""
    told = hours(read(tmp_path, report("07T00:00:00", warm=warm)), "temperature_2m")
    assert np.isnan(told.get("07T00", np.nan))


def test_gusts_are_the_highest_of_the_hour_and_unsaid_without(tmp_path: Path):
    """An hour without a gust group says nothing of gusts: that is no calm."""
    gust = '45007,2023-09-07T00:30:00,FM-16,"120,1,N,0100,1","+0300,1","+0200,1","0205,1",,'
    told = read(tmp_path, report("07T00:00:00"), gust, report("07T01:00:00"))
    found = hours(told, "wind_gusts_10m")
    assert found["07T01"] == 20.5
    assert np.isnan(found["07T00"])


SIX = [
    report("07T06:00:00", rain='"06,0100,9,1",'), report("07T12:00:00", rain='"12,0160,9,1",'),
    report("07T18:00:00", rain='"06,0000,9,1",'), report("08T00:00:00", rain='"12,0020,9,1","24,0180,9,1"'),
]  # fmt: skip


def test_overlapping_sums_are_counted_once_and_known_no_sooner(tmp_path: Path):
    """Of 12 hours that hold 6 told before, the rest belongs to the other 6; all add up to the day."""
    told = [batch for batch in read(tmp_path, *SIX, spread=24) if "precipitation" in batch.values]
    rain = hours(told, "precipitation")
    assert len(rain) == 24
    assert round(sum(rain.values()), 1) == 18.0
    assert round(sum(rain[f"07T{hour:02}"] for hour in range(7, 13)), 1) == 6.0
    late = {batch.available_at - timedelta(minutes=5) for batch in told}
    assert late == {datetime(2023, 9, 7, hour, tzinfo=UTC) for hour in (6, 12, 18)} | {
        datetime(2023, 9, 8, tzinfo=UTC)
    }
    dry = [batch for batch in told if not batch.values["precipitation"].any()]
    assert [bool(batch.flags) for batch in dry] == [False]
    wet = [batch for batch in told if batch.values["precipitation"].any()]
    assert all((batch.flags["precipitation"] == Flag.RECONSTRUCTED).all() for batch in wet)


def test_without_leave_only_what_is_certain_is_told(tmp_path: Path):
    """Hours without rain are known; hours within a wet sum are not."""
    rain = hours(read(tmp_path, *SIX), "precipitation")
    assert rain == {f"07T{hour}": 0.0 for hour in range(13, 19)}


def test_days_from_20_to_20_are_told_where_parts_fill_them(tmp_path: Path):
    """Two days of reports hold one whole day from 12 to 12 UTC."""
    more = [report("08T12:00:00", rain='"12,0010,9,1",')]
    days = [batch for batch in read(tmp_path, *SIX, *more) if batch.source == "derived"]
    (day,) = days
    assert day.values["precipitation_day_20"].tolist() == [[3.0]]
    assert day.issued_at == datetime(2023, 9, 8, 12, tzinfo=UTC)


def test_rain_is_part_of_a_perfect_prognosis(tmp_path: Path):
    """Asked for, rain is foretold like all else, and marked twice where it was drawn as well."""
    told = read(tmp_path, *SIX, spread=24, prognosis=Prognosis(horizon=timedelta(hours=24)))
    rain = [batch for batch in told if batch.kind == "forecast" and "precipitation" in batch.values]
    assert rain[0].issued_at == datetime(2023, 9, 7, tzinfo=UTC)
    assert round(float(rain[0].values["precipitation"].sum()), 1) == 18.0
    assert rain[0].flags["precipitation"][0, 0] == Flag.PERFECT_PROGNOSIS | Flag.RECONSTRUCTED


@pytest.mark.parametrize("rain", ['"99,0100,9,1",', '"06,9999,9,9",', '"06,0100,9,3",', '"00,0100,9,1",'])
def test_a_sum_of_unknown_length_or_depth_says_nothing(tmp_path: Path, rain: str):
    """It is neither zero nor guessed."""
    assert hours(read(tmp_path, report("07T06:00:00", rain=rain), spread=24), "precipitation") == {}


@st.composite
def sums_of_one_rain(draw: st.DrawFn) -> tuple[list[Sum], list[int]]:
    """Reports of any length about the same hours of rain, exact in whole millimetres."""
    rain = draw(st.lists(st.integers(0, 20), min_size=48, max_size=48))
    spans = draw(st.lists(st.tuples(st.integers(1, 48), st.sampled_from([1, 3, 6, 12, 24])), max_size=20))
    sums = [
        Sum(ends=end, hours=hours, amount=float(sum(rain[end - hours : end])))
        for end, hours in spans
        if end >= hours
    ]
    return sums, rain


@given(sums_of_one_rain())
def test_parts_tell_the_truth_of_every_hour_they_hold(case: tuple[list[Sum], list[int]]):
    """Whatever overlaps, parts share no hour, and each is the true rain of its hours."""
    sums, rain = case
    parts = parts_of(sums)
    held = [hour for part in parts for hour in part.hours.tolist()]
    assert len(held) == len(set(held))
    assert all(part.amount == sum(rain[hour - 1] for hour in part.hours) for part in parts)
    assert all(part.known >= part.hours[-1] for part in parts)
    for end, (amount, _) in whole_days(parts, 0).items():
        assert amount == sum(rain[end - 24 : end])


def test_a_station_needs_a_town(tmp_path: Path):
    """An airport is no town of the district by itself."""
    with pytest.raises(ConfigMistake, match=r"station 45007 is no town.*--place"):
        read(tmp_path, report("07T00:00:00"), stands_for={})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n", "no column STATION"),
        (HEAD, "there is no report"),
        (HEAD + "1,yesterday,FM-12,,,,,,\n", "line 2"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, said: str):
    """One sentence names what is wrong with it."""
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(ConfigMistake, match=said):
        list(read_isd(path, plan()))


@needs(ISD)
def test_the_record_rain_of_hong_kong_adds_up():
    """7 and 8 September 2023: the 24 hours to 08 September 00 UTC hold what the station summed itself."""
    first, last = datetime(2023, 9, 6, tzinfo=UTC), datetime(2023, 9, 9, tzinfo=UTC)
    batches = list(read_isd(DATA / ISD / "VHHH_2023.csv.gz", plan(spread=24, first=first, last=last)))
    rain = hours(batches, "precipitation")
    day = [rain[f"07T{hour:02}"] for hour in range(1, 24)] + [rain["08T00"]]
    assert abs(sum(day) - 122.0) < 0.15  # depths are rounded one by one
    assert len(hours(batches, "temperature_2m")) == 72  # of 73, one was not reported
