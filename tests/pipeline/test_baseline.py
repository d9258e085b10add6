"""The climate of the district: fitted once, filled with the past, and the drought that follows from both."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from simulators.open_meteo import OpenMeteoServer, weather
from simulators.small_district import small_district
from stage import Told, district, place

from ingest.batch import Batch, Flag
from ingest.climate import Climate
from ingest.database import reading, writing
from ingest.errors import FengsuiError, StoreError
from ingest.http import HttpClient
from ingest.source import Feed
from ingest.sources.open_meteo import OpenMeteo
from pipeline.check import without_baseline
from pipeline.cli import main
from pipeline.climate import BACK, DAILY, FILE, fetch_past, fill, load_baseline
from pipeline.config import Config, SourceBlock, with_only
from pipeline.derive import derive
from pipeline.ports import Ports
from pipeline.wiring import build
from rules.baseline import Baseline, fit_baseline
from rules.findings import Findings, Verdict
from rules.hazards.drought import PARTS

NOW = datetime(2022, 8, 18, 0, 30, tzinfo=UTC)
"""08:30 in Beijing."""
TODAY = date(2022, 8, 18)
YEARS = np.arange(np.datetime64("1995-08-01"), np.datetime64("2021-01-01"))
NAN = float("nan")


def monsoon(days: np.ndarray, seed: int = 7) -> dict[str, np.ndarray]:
    """A climate like Rongchang's, (day,): 1000 mm a year, most of it from May to September."""
    draw = np.random.default_rng(seed)
    year = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(float)
    season = np.sin((year - 110) / 365 * 2 * np.pi)
    wet = draw.random(days.size) < 0.4
    warmth = 18.0 + 10.0 * season + draw.normal(0.0, 2.5, days.size)
    return {
        "rain": np.where(wet, draw.gamma(0.7, 10.0 * (1.0 + 0.7 * season)), 0.0).round(1),
        "tmean": warmth.round(1), "tmax": (warmth + 5.0).round(1), "tmin": (warmth - 4.0).round(1),
        "rh": np.clip(draw.normal(79.0, 7.0, days.size), 30, 100).round(),
    }  # fmt: skip


def write_csv(path: Path, days: np.ndarray, series: dict[str, np.ndarray]) -> Path:
    """A table as the district's station would keep it."""
    rows = zip(days.astype(str), *(values.tolist() for values in series.values()), strict=True)
    lines = [",".join(("date", *series)), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def fengsui(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="session")
def record(tmp_path_factory) -> Path:
    """Twenty-five years and five months of a station."""
    return write_csv(tmp_path_factory.mktemp("record") / "station.csv", YEARS, monsoon(YEARS))


@pytest.fixture(scope="session")
def fitted(record, tmp_path_factory) -> tuple[Path, Result]:
    """A data folder with the baseline of the district that ships, and what the command printed."""
    folder = tmp_path_factory.mktemp("fitted")
    return folder, fengsui("--data", folder, "baseline", "--csv", record)


@pytest.fixture(scope="session")
def baseline() -> Baseline:
    """The same climate for three towns."""
    series = {"rain": "precipitation_day", "tmax": "temperature_max_day",
              "tmean": "temperature_mean_day", "rh": "relative_humidity_mean_day"}  # fmt: skip
    told = monsoon(YEARS)
    daily = {name: np.tile(told[column], (3, 1)) for column, name in series.items()}
    places = small_district().place_ids
    return fit_baseline(daily, YEARS[0], places, source="drawn", alpha=0.85)


# --- the command ---


def test_a_record_of_25_years_makes_a_baseline(fitted):
    """One file, and one line a town with what it means for heat waves and landslides."""
    folder, result = fitted
    assert result.exit_code == 0, result.output
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert "1996-2020" in result.output
    assert "file station.csv, 1995-08-01 to 2020-12-31" in result.output
    assert "fengsui baseline --fill" in result.output
    assert sum(town.name in result.output for town in district().district.towns) == 21


def test_the_file_is_the_climate_of_the_record(fitted, baseline):
    """Read back for the district it is what the fit alone gives."""
    read = load_baseline(district(), fitted[0])
    assert read is not None
    assert read.places == district().district.place_ids
    np.testing.assert_array_equal(read.fits["rain_90"].shape[0], baseline.fits["rain_90"].shape[0])
    assert read.ti_critical[0] == baseline.ti_critical[0]


def test_years_may_be_chosen_and_printed_as_json(record, tmp_path):
    """The five months before them still fill the first windows."""
    chosen = ("--years", "1999-2018", "--alpha", "0.95", "--json")
    result = fengsui("--data", tmp_path, "baseline", "--csv", record, *chosen)
    facts = json.loads(result.output)
    assert (facts["first_year"], facts["last_year"], facts["alpha"]) == (1999, 2018, 0.95)
    assert facts["file"] == str(tmp_path / FILE)
    assert {"code", "name", "ti_critical", "ari7_p95"} == facts["towns"][0].keys()
    assert facts["towns"][0]["ari7_p95"] > 5.0


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("--years", "2010-2019"), 1, "holds 10 whole years and a baseline needs 20"),
        (("--years", "1970-1980"), 2, "has no day of them"),
        (("--years", "2020-1991"), 2, "write two years, such as 1991-2020"),
        (("--years", "30"), 2, "write two years, such as 1991-2020"),
        (("--alpha", "1"), 2, "between 0 and 1"),
        (("--alpha", "0"), 2, "between 0 and 1"),
    ],
)
def test_a_record_that_will_not_do_is_refused(record, tmp_path, arguments, code, why):
    """In a sentence, and no file is written."""
    result = fengsui("--data", tmp_path, "baseline", "--csv", record, *arguments)
    assert (result.exit_code, why in result.output) == (code, True), result.output
    assert not (tmp_path / FILE).exists()


def test_a_record_without_humidity_is_refused(tmp_path):
    """The quantity is named."""
    days = YEARS[:800]
    table = write_csv(tmp_path / "x.csv", days, {"rain": monsoon(days)["rain"]})
    result = fengsui("--data", tmp_path, "baseline", "--csv", table)
    assert result.exit_code == 1
    assert "relative_humidity_mean_day" in result.output


def test_an_archive_that_refuses_is_one_sentence(tmp_path):
    """With the server's reason; the answer was asked of the address that was given."""
    with OpenMeteoServer(now=NOW) as server:
        result = fengsui("--data", tmp_path, "baseline", "--years", "2030-2031", "--archive", server.archive)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert not (tmp_path / FILE).exists()


# --- where it is read ---


def test_an_instance_reads_its_baseline_when_it_starts(fitted, tmp_path):
    """For its own towns in its own order; without a file there is none."""
    few = replace(district(), district=small_district(2))
    assert load_baseline(few, fitted[0]).places == small_district(2).place_ids
    ports = build(few, place(tmp_path))
    ports.close()
    assert ports.baseline is None
    (tmp_path / FILE).write_bytes((fitted[0] / FILE).read_bytes())
    ports = build(few, place(tmp_path))
    ports.close()
    assert ports.baseline.places == small_district(2).place_ids


@pytest.mark.parametrize("content", [b"", b"not a baseline"])
def test_a_damaged_baseline_stops_the_start(tmp_path, content):
    """One sentence with the remedy, rather than towns that are unjudged without a word."""
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(StoreError, match=r"is damaged; `fengsui baseline` makes it anew"):
        build(district(), place(tmp_path))


def test_a_baseline_that_lacks_a_town_stops_the_start(baseline, tmp_path):
    """The town is named."""
    baseline.select(small_district(2).place_ids).save(tmp_path / FILE)
    with pytest.raises(StoreError, match=r"lacks 500153111 in .*`fengsui baseline` makes it anew"):
        build(replace(district(), district=small_district()), place(tmp_path))


def test_check_tells_that_drought_waits_for_a_baseline(fitted, tmp_path):
    """As a note: everything else works, so the exit code is 0."""
    (note,) = without_baseline(district(), tmp_path)
    assert "干旱" in note.what
    assert "run fengsui baseline" in note.what
    assert without_baseline(district(), fitted[0]) == []
    assert without_baseline(with_only(district(), ("heat",)), tmp_path) == []
    result = fengsui("--data", tmp_path, "check", "--json")
    assert result.exit_code == 0, result.output
    assert [item["where"] for item in json.loads(result.output)["notes"]] == [FILE]


def test_check_tells_of_a_damaged_baseline(tmp_path):
    """The same sentence as at the start."""
    (tmp_path / FILE).write_bytes(b"x")
    (note,) = without_baseline(district(), tmp_path)
    assert "is damaged" in note.what


# --- the past ---


def alone() -> Config:
    """Drought in three towns, and a source that says nothing by itself."""
    told = SourceBlock(
        name="told", feed=Feed(kind="told", every=timedelta(hours=1)), source=Told(batches=())
    )
    return replace(
        with_only(district(), ("drought",)), sources={"told": told}, district=small_district()
    )


@pytest.fixture
def ports(tmp_path, baseline):
    """An instance with a climate and an empty archive."""
    baseline.save(tmp_path / FILE)
    opened = build(alone(), place(tmp_path))
    yield opened
    opened.close()


def past(
    rain: float | np.ndarray, *, warmth: float = 27.0, days: int = BACK, until: date = TODAY
) -> Climate:
    """Days before a date, all towns alike."""
    dates = np.datetime64(until) - np.arange(days, 0, -1)
    shape = (3, days)
    values = {name: np.full(shape, warmth) for name in DAILY} | {
        "precipitation_day": np.broadcast_to(np.asarray(rain, float), shape).copy()
    }
    return Climate(places=small_district().place_ids, days=dates, series=values, source="drawn")


def filled(ports: Ports, told: Climate, now: datetime = NOW, *, measured: bool = False):
    """Fill the archive from a climate."""
    with writing(ports.engine) as connection:
        return fill(connection, now, ports, told, measured=measured)


def shown(ports: Ports, now: datetime = NOW, days: int = BACK):
    """All that the archive then shows of days."""
    view = replace(ports.view, quantities=(*DAILY, *PARTS), days_back=days, days_ahead=7)
    with reading(ports.engine) as connection:
        return ports.archive.block(connection, [now], view)


def test_an_empty_archive_is_filled_to_yesterday(ports):
    """Every day with its rain, the last seventy with a drought index."""
    found = filled(ports, past(2.0))
    assert (found.first, found.last) == (TODAY - timedelta(days=BACK), TODAY - timedelta(days=1))
    assert (found.fresh, found.missing, found.index_days) == (BACK, 0, BACK - 149)
    block = shown(ports)
    assert (block["precipitation_day"].values[0, :, :BACK] == 2.0).all()
    assert np.isfinite(block["spi150"].values[0, :, 149:BACK]).all()
    assert np.isnan(block["spi150"].values[0, :, :149]).all()


def test_what_was_archived_stays(ports):
    """Only what is unknown is filled in, and doing it again adds nothing."""
    filled(ports, past(5.0, days=30))
    again = filled(ports, past(1.0), NOW + timedelta(hours=1))
    assert again.fresh == BACK - 30
    rain = shown(ports, NOW + timedelta(hours=2))["precipitation_day"].values[0, 0, :BACK]
    assert rain.tolist() == [1.0] * (BACK - 30) + [5.0] * 30
    assert filled(ports, past(9.0), NOW + timedelta(hours=3)).fresh == 0


def test_a_gap_stays_a_gap_and_is_counted(ports):
    """Ten days nobody knows: the index is unknown while they lie in its windows."""
    rain = np.full(BACK, 2.0)
    rain[100:110] = NAN
    found = filled(ports, past(rain))
    assert (found.missing, found.index_days) == (10, BACK - 149)
    block = shown(ports)
    assert np.isnan(block["spi150"].values[0, :, BACK - 1]).all()
    assert np.isfinite(block["spi90"].values[0, :, BACK - 1]).all()


@pytest.mark.parametrize(("measured", "flag"), [(True, 0), (False, Flag.ANALYSIS)])
def test_an_analysis_is_marked_and_a_station_is_not(ports, measured, flag):
    """Texts tell people which it was."""
    filled(ports, past(2.0), measured=measured)
    block = shown(ports)
    assert (block["flags_precipitation_day"].values[0, :, :BACK] == flag).all()
    assert (block["flags_spi90"].values[0, :, BACK - 1] == flag).all()


def test_a_file_that_ended_long_ago_is_refused(ports):
    """With the days that are needed."""
    with pytest.raises(FengsuiError, match=r"drawn holds no day from 2022-01-10 to 2022-08-17"):
        filled(ports, past(1.0, until=date(2021, 1, 1)))


def test_without_a_baseline_rain_is_filled_all_the_same(tmp_path):
    """The index follows when there is one."""
    ports = build(alone(), place(tmp_path))
    found = filled(ports, past(2.0))
    ports.close()
    assert (found.fresh, found.index_days) == (BACK, 0)


def test_the_command_fills_from_a_file(fitted, tmp_path):
    """And derives the days to come at once."""
    days = np.datetime64(datetime.now(UTC).date()) - np.arange(240, -3, -1)
    table = write_csv(tmp_path / "recent.csv", days, monsoon(days, 8))
    (tmp_path / FILE).write_bytes((fitted[0] / FILE).read_bytes())
    result = fengsui("--data", tmp_path, "baseline", "--fill", "--csv", table, "--json")
    facts = json.loads(result.output)
    assert (facts["fresh"], facts["missing"], facts["index_days"]) == (BACK, 0, BACK - 149)


def test_the_last_months_are_fetched_hour_by_hour(tmp_path):
    """ERA5 as far as it goes, then the forecast's analysis; days are Beijing's."""
    now = NOW + timedelta(minutes=10)
    with OpenMeteoServer(now=now) as server, HttpClient() as http:
        server.known_until = None
        own = OpenMeteo(base_url=server.url, quantities=("temperature_2m",))
        source = SourceBlock(name="own", feed=Feed(kind="open_meteo", every=timedelta(hours=1)), source=own)
        config = replace(alone(), sources={"own": source})
        found = fetch_past(config, now, http, archive=server.archive)
        asked = [request.path for request in server.requests]
    assert asked == ["/v1/archive", "/v1/forecast"]
    assert found.days[[0, -1]].astype(str).tolist() == ["2022-01-10", "2022-08-17"]
    town = small_district().towns[0]
    begin = datetime(2022, 8, 16, 16, tzinfo=UTC)
    hours = [begin + timedelta(hours=hour) for hour in range(25)]
    rain = sum(weather("precipitation", town.lat, town.lon, hour) for hour in hours[1:])
    warmth = [weather("temperature_2m", town.lat, town.lon, hour) for hour in hours[:24]]
    assert found["precipitation_day"][0, -1] == pytest.approx(rain, abs=1.3)
    assert found["temperature_max_day"][0, -1] == max(warmth)
    assert all(np.isfinite(values).all() for values in found.values())


# --- from the record to the warning ---


def foretell(ports: Ports, rain: float, now: datetime = NOW) -> None:
    """A forecast of eight days with so much rain an hour, known just before."""
    begin = np.datetime64(now.replace(tzinfo=None), "h").astype("datetime64[s]")
    valid = begin + np.arange(1, 200) * np.timedelta64(3600, "s")
    shape = (3, valid.size)
    values = {"precipitation": np.full(shape, rain), "temperature_2m": np.full(shape, 30.0)}
    past_hours = Batch(
        source="told", kind="observation", issued_at=now, available_at=now - timedelta(minutes=1),
        places=ports.view.places, valid_at=begin - np.arange(30, -1, -1) * np.timedelta64(3600, "s"),
        values={name: array[:, :31] * (name != "precipitation") for name, array in values.items()},
    )
    batch = Batch(
        source="told", kind="forecast", issued_at=now - timedelta(minutes=1),
        available_at=now - timedelta(minutes=1), places=ports.view.places, valid_at=valid, values=values,
    )
    with writing(ports.engine) as connection:
        ports.archive.append(connection, [past_hours, batch])
        derive(connection, now, ports)


def judged(ports: Ports, now: datetime = NOW) -> Findings:
    """What drought says."""
    with reading(ports.engine) as connection:
        block = ports.archive.block(connection, [now], ports.view)
    return ports.config.hazards["drought"].rule.assess("drought", block)


def test_two_hundred_dry_days_are_an_extreme_drought(ports):
    """As observed and as foretold, for more than a month already."""
    filled(ports, past(0.0, warmth=29.0))
    foretell(ports, 0.0)
    found = judged(ports)
    assert (found.verdict == Verdict.RED).all()
    assert (found.value < -2.5).all()
    assert (found.extra["drought_days"] >= 60).all()
    assert found.expires[0, 0] == np.datetime64("2022-08-24T16:00:00")


def test_a_dry_summer_after_a_usual_spring_is_a_drought(ports):
    """Forty days without rain at 31 °C."""
    rain = np.concatenate([monsoon(YEARS)["rain"][-BACK - 136 : -136], np.zeros(40)])[-BACK:]
    filled(ports, past(rain, warmth=31.0))
    foretell(ports, 0.0)
    found = judged(ports)
    assert (found.floor >= Verdict.ORANGE).all()
    assert (found.extra["drought_days"] >= 10).all()


def test_a_usual_year_is_no_drought(ports):
    """The season of the record itself, with a shower foretold every day."""
    rain = monsoon(YEARS)["rain"]
    usual = np.mean([rain[-BACK - 136 - 366 * k :][:BACK] for k in range(20)], axis=0)
    filled(ports, past(usual, warmth=25.0))
    foretell(ports, 0.3)
    assert (judged(ports).verdict == Verdict.NONE).all()


def test_without_a_baseline_a_drought_is_unknown_and_never_none(tmp_path):
    """Nobody knows what is usual here."""
    ports = build(alone(), place(tmp_path))
    filled(ports, past(0.0))
    foretell(ports, 0.0)
    found = judged(ports)
    ports.close()
    assert (found.verdict == Verdict.UNKNOWN).all()


def test_without_the_past_a_drought_is_unknown(ports):
    """A new instance that was not filled knows two days of rain."""
    foretell(ports, 0.0)
    assert (judged(ports).verdict == Verdict.UNKNOWN).all()
