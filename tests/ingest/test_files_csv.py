"""A table of hours or days becomes the batches it would have come in."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from simulators.small_district import TOWNS

from ingest.batch import Flag
from ingest.errors import ConfigMistake
from ingest.files import Column, Curve, Plan, Prognosis, read_csv
from ingest.files.moments import zone_of

CODES = tuple(town.id for town in TOWNS)
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a table and get its path."""

    def written(text: str) -> Path:
        path = tmp_path / "weather.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def plan(**changes) -> Plan:
    """A plan for three towns."""
    return Plan(**{"source": "station", "towns": TOWNS, **changes})


def at(text: str) -> datetime:
    """A moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


HOURS = """place,valid_at,temperature_2m (°C),rain_1h (mm)
昌元街道,2024-08-20T08:00+08:00,30.5,0
Renyi,2024-08-20T08:00+08:00,29.0,
500153001,2024-08-20T09:00+08:00,31.5,1.2
"""


def test_hours_come_one_by_one(write: Write):
    """Each hour is a batch, known a little later; towns are found by code, Chinese or English name."""
    with pytest.raises(ConfigMistake, match="both stand for 500153001"):
        list(read_csv(write(HOURS), plan()))
    first, second = read_csv(write(HOURS.replace("500153001,", "昌元街道,")), plan())
    assert (first.kind, first.places) == ("observation", CODES[:2])
    assert (first.issued_at, first.available_at) == (at("2024-08-20"), at("2024-08-20T00:05"))
    np.testing.assert_array_equal(first.values["temperature_2m"], [[30.5], [29.0]])
    np.testing.assert_array_equal(second.values["precipitation"], [[1.2], [np.nan]])


def test_a_file_without_places_stands_for_whom_the_plan_names(write: Write):
    """One station can stand for every town."""
    path = write("valid_at,temperature_2m (K)\n2024-08-20T00:00Z,300.15\n")
    (batch,) = read_csv(path, plan(stands_for={"*": CODES}))
    assert batch.values["temperature_2m"].tolist() == [[27.0]] * 3


def test_times_without_offset_need_a_zone(write: Write):
    """Only who names the zone may leave the offset out."""
    path = write("time,temperature_2m (°C)\n2024/08/20 08:00,30\n")
    everywhere = {"*": CODES}
    with pytest.raises(ConfigMistake, match="line 2, column time: '2024/08/20 08:00' is no time"):
        list(read_csv(path, plan(stands_for=everywhere)))
    (batch,) = read_csv(path, plan(stands_for=everywhere, zone=zone_of("+08:00")))
    assert batch.issued_at == at("2024-08-20T00:00")


def test_a_compressed_file_with_other_names_is_read(tmp_path: Path):
    """The plan names what columns hold, and leaves out the rest."""
    path = tmp_path / "weather.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("time,T,code,sky\n2024-08-20T00:00Z,30,7,clear\n")
    columns = {"T": Column(name="temperature_2m", unit="°C"), "*": None}
    (batch,) = read_csv(path, plan(columns=columns, stands_for={"*": CODES[:1]}))
    assert list(batch.values) == ["temperature_2m"]


def test_late_reports_become_known_late(write: Write):
    """`available_at` says when each line became known; what came together is told together."""
    path = write(
        "valid_at,available_at,temperature_2m (°C)\n"
        "2024-08-20T01:00Z,2024-08-20T03:00Z,31\n2024-08-20T00:00Z,2024-08-20T03:00Z,30\n"
        "2024-08-20T02:00Z,2024-08-20T02:10Z,32\n"
    )
    batches = list(read_csv(path, plan(stands_for={"*": CODES[:1]})))
    known = [batch.available_at for batch in batches]
    assert known == [at("2024-08-20T02:10"), at("2024-08-20T03:00"), at("2024-08-20T03:00")]
    assert batches[0].issued_at == at("2024-08-20T02:00")


def test_forecasts_come_as_issued(write: Write):
    """Lines of one issue are one forecast, known the delay after it."""
    path = write(
        "issued_at,valid_at,temperature_2m (°C)\n"
        "2024-08-20T00:00Z,2024-08-20T06:00Z,36\n2024-08-20T00:00Z,2024-08-20T03:00Z,33\n"
        "2024-08-19T12:00Z,2024-08-20T06:00Z,35\n"
    )
    older, newer = read_csv(path, plan(stands_for={"*": CODES[:1]}, delay=timedelta(hours=6)))
    assert (older.kind, older.available_at) == ("forecast", at("2024-08-19T18:00"))
    assert newer.values["temperature_2m"].tolist() == [[33.0, 36.0]]
    assert not newer.flags


def test_perfect_prognosis_is_told_only_when_asked_and_marked(write: Write):
    """Forecasts from the record's own future carry the flag that says so; they end with the record."""
    lines = "".join(f"2024-08-20T{hour:02}:00Z,{hour}\n" for hour in range(12))
    path = write("valid_at,temperature_2m (°C)\n" + lines)
    asked = Prognosis(every=timedelta(hours=6), horizon=timedelta(hours=8))
    plain = list(read_csv(path, plan(stands_for={"*": CODES[:1]})))
    batches = list(read_csv(path, plan(stands_for={"*": CODES[:1]}, prognosis=asked)))
    told = [batch for batch in batches if batch.kind == "forecast"]
    assert len(plain) == 12
    assert len(batches) == 12 + len(told)
    assert [batch.issued_at.hour for batch in told] == [0, 6]
    assert told[0].values["temperature_2m"].tolist() == [[float(hour) for hour in range(1, 9)]]
    assert (told[1].flags["temperature_2m"] == Flag.PERFECT_PROGNOSIS).all()
    assert [batch.available_at for batch in batches] == sorted(batch.available_at for batch in batches)


def test_real_forecasts_get_no_perfect_ones_beside_them(write: Write):
    """Whoever has what was known then needs no prognosis from the future."""
    path = write("issued_at,valid_at,t2m (°C)\n2024-08-20T00:00Z,2024-08-20T06:00Z,36\n")
    with pytest.raises(ConfigMistake, match="leave out --perfect-prognosis"):
        list(read_csv(path, plan(stands_for={"*": CODES}, prognosis=Prognosis())))


def test_a_period_is_cut_out(write: Write):
    """Hours outside of what was asked for do not come."""
    lines = "".join(f"2024-08-20T{hour:02}:00Z,{hour}\n" for hour in range(12))
    path = write("valid_at,temperature_2m (°C)\n" + lines)
    cut = plan(stands_for={"*": CODES[:1]}, first=at("2024-08-20T03:00"), last=at("2024-08-20T04:00"))
    assert [batch.issued_at.hour for batch in read_csv(path, cut)] == [3, 4]


TWO_DAYS = "date,tmax (°C),tmin (°C),rain (mm)\n2022-08-18,43.5,31.0,0\n2022/8/19,44.0,30.0,7.1\n"


def test_days_are_archived_as_days(write: Write):
    """Without leave to reconstruct, days stay days: under the name where days are looked for."""
    first, *_ = batches = list(read_csv(write(TWO_DAYS), plan(stands_for={"*": CODES}, rain_day=20)))
    assert {batch.source for batch in batches} == {"derived"}
    assert (first.issued_at, list(first.values)) == (at("2022-08-18T12:00"), ["precipitation_day_20"])
    (last,) = [batch for batch in batches if batch.issued_at == at("2022-08-19T16:00")]
    assert last.values["temperature_max_day"].tolist() == [[44.0]] * 3
    assert not last.flags


def test_a_curve_meets_the_extremes_and_says_that_it_was_drawn(write: Write):
    """Each Beijing day has its maximum and minimum exactly, and no hour beyond them."""
    drawn = plan(stands_for={"*": CODES[:1]}, rain_day=0, curve=Curve())
    hours = [batch for batch in read_csv(write(TWO_DAYS), drawn) if batch.source == "station"]
    warmth = {batch.issued_at: batch.values["temperature_2m"][0, 0] for batch in hours}
    assert warmth[at("2022-08-18T09:00")] == 43.5
    assert warmth[at("2022-08-19T09:00")] == 44.0
    assert min(warmth.values()) == 30.0
    assert min(warmth[at("2022-08-17T21:00") + timedelta(hours=hour)] for hour in range(19)) == 31.0
    assert all((batch.flags["temperature_2m"] == Flag.RECONSTRUCTED).all() for batch in hours)


@pytest.mark.parametrize(
    ("over", "wet"), [(24, range(24)), (6, range(9, 15)), (1, range(11, 12))]
)
def test_rain_is_spread_over_the_middle_of_its_day(write: Write, over: int, wet: range):
    """Hours add up to the day in tenths; a dry day has dry hours, which are known and not drawn."""
    spread = plan(stands_for={"*": CODES[:1]}, rain_day=0, spread=over)
    hours = [batch for batch in read_csv(write(TWO_DAYS), spread) if batch.source == "station"]
    rain = np.array([batch.values["precipitation"][0, 0] for batch in hours])
    drawn = np.array([bool(batch.flags) for batch in hours])
    assert np.rint(rain * 10).sum() == 71
    assert set(np.flatnonzero(rain[24:])) == set(wet)
    assert not drawn[:24].any()
    assert drawn[24:].all()


def test_days_are_foretold_as_issued(write: Write):
    """A forecast of days is told as hours of a curve too, with a swing where it has no minimum."""
    issued = "2024-08-20T00:00Z"
    path = write(f"date,issued_at,tmax (°C)\n2024-08-21,{issued},40\n2024-08-22,{issued},41\n")
    swing = plan(stands_for={"*": CODES[:1]}, curve=Curve(swing=9.0))
    days, hours = read_csv(path, swing)
    assert (days.kind, list(days.values)) == ("forecast", ["temperature_max_day"])
    assert hours.values["temperature_2m"].max() == 41.0
    assert hours.values["temperature_2m"].min() == 31.0
    assert (hours.flags["temperature_2m"] == Flag.RECONSTRUCTED).all()
    assert days.available_at == hours.available_at == at("2024-08-20T00:05")


MISTAKES = [
    ("valid_at,temprature (°C)\n", "column temprature .°C.: nobody knows what it holds; .*--column"),
    ("valid_at,temperature_2m\n", "column temperature_2m: it has no unit; write 'temperature_2m .UNIT.'"),
    ("valid_at,temperature_2m (mm)\n", "'mm' is no unit of it; temperature_2m is taken in °C"),
    ("valid_at,t2m (°C),air_temperature (°C)\n", "another column says the same"),
    ("temperature_2m (°C)\n", "the columns do not say when"),
    ("valid_at,place\n", "no column holds a quantity"),
    ("valid_at,tmax (°C)\n", "it tells of days, and the lines are hours"),
    ("date,temperature_2m (°C)\n", "it tells of hours, and the lines are days"),
    ("valid_at,t2m (°C)\n", "there is no line of figures"),
    ("valid_at,t2m (°C)\n2024-08-20T00:00Z,hot\n", "line 2, column t2m .°C.: 'hot' is no number"),
    ("valid_at,t2m (°C)\n2024-08-20T00:30Z,30\n", "line 2, column valid_at: .* is no full hour"),
    ("valid_at,t2m (°C)\n,30\n", "line 2, column valid_at: the cell is empty"),
    ("valid_at,t2m (°C)\n2024-08-20T00:00Z,30\n2024-08-20T00:00Z,30\n", "stands there twice"),
    ("valid_at,place,t2m (°C)\n2024-08-20T00:00Z,Atlantis,3\n", "'Atlantis' is no town.*--place"),
    ("date,tmax (°C)\n2024-02-30,30\n", "'2024-02-30' is no day"),
    ("date,rain (mm)\n2024-02-20,30\n", "nobody says when such a day ends; add --rain-day"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), MISTAKES)
def test_a_mistake_names_file_place_and_remedy(write: Write, text: str, said: str):
    """Nothing is guessed: one sentence says what is wrong and what mends it."""
    with pytest.raises(ConfigMistake, match=rf"weather\.csv.*{said}"):
        list(read_csv(write(text), plan(stands_for={} if "place" in text else {"*": CODES})))


def test_maxima_alone_are_no_curve(write: Write):
    """Without minimum or swing nobody knows the night."""
    path = write("date,tmax (°C)\n2024-08-21,40\n")
    with pytest.raises(ConfigMistake, match="maxima without minima"):
        list(read_csv(path, plan(stands_for={"*": CODES}, curve=Curve())))


def test_rain_from_8_to_8_is_only_of_use_as_hours(write: Write):
    """No quantity of ours ends at 8 o'clock."""
    with pytest.raises(ConfigMistake, match="--rain-spread"):
        list(read_csv(write(TWO_DAYS), plan(stands_for={"*": CODES}, rain_day=8)))


def test_another_encoding_is_refused(tmp_path: Path):
    """A table of GBK says so."""
    path = tmp_path / "weather.csv"
    path.write_bytes("时间,气温（℃）\n".encode("gbk"))
    with pytest.raises(ConfigMistake, match="UTF-8"):
        list(read_csv(path, plan()))
