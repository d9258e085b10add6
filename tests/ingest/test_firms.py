"""Satellite hot spots: which town and hour each counts for, and what an empty sky means."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter, ValidationError
from simulators.firms import BAD_CALL, BAD_KEY, VIIRS, FirmsServer, Spot, status
from simulators.small_district import TOWNS, small_district

from ingest.batch import Batch
from ingest.errors import BadPayload, SourceError
from ingest.http import HttpClient
from ingest.secret import Secret
from ingest.source import Request
from ingest.sources import firms_table
from ingest.sources.firms import HOT_SPOTS, Firms, bounding_box, count
from ingest.sources.firms_table import first_words, read_detections
from ingest.times import from64

NOW = datetime(2026, 8, 1, 6, 30, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
KEY = "k3y/with 1"
SECRET = Secret(env="FIRMS_MAP_KEY")
TABLES = (
    "MODIS_C6_1_7d_2022-05-28_06_04_bbox97-115E_20-36N.csv",
    "MODIS_C6_1_24h_2023-03-10_11_bbox97-115E_20-36N.csv",
)
SHIPPED = Path(__file__).resolve().parents[2] / "config" / "sources" / "firms.yaml"
RAW = Path(__file__).resolve().parents[3] / "shared" / "data" / "fire_firms_modis"

needs_raw = pytest.mark.skipif(
    not RAW.is_dir(), reason=f"data set {RAW.name} is missing: put it into {RAW.parent}"
)


@pytest.fixture
def server() -> Iterator[FirmsServer]:
    """A server over which nothing burns until told otherwise."""
    with FirmsServer(now=NOW, key="k3y%2Fwith%201", spots=[]) as running:
        yield running


@pytest.fixture
def http() -> Iterator[HttpClient]:
    """A client that does not really pause between attempts."""
    with HttpClient(sleep=lambda seconds: None) as client:
        yield client


Pull = Callable[..., Batch]


@pytest.fixture
def pull(server: FirmsServer, http: HttpClient) -> Pull:
    """Fetch once with the fields given; one product unless said otherwise."""

    def fetch(now: datetime = NOW, **fields: Any) -> Batch:
        request = Request(
            now=now, since=None, district=small_district(), http=http, reveal=lambda _: KEY
        )
        keys = {"base_url": server.url, "map_key": SECRET, "products": ("VIIRS_NOAA20_NRT",)}
        (batch,) = Firms(**keys | fields).fetch("satellites", request)
        return batch

    return fetch


def told(batch: Batch) -> dict[tuple[int, datetime], float]:
    """(town, hour) -> count, of those that are said."""
    values = batch.values[HOT_SPOTS]
    return {
        (int(town), from64(batch.valid_at[hour])): float(values[town, hour])
        for town, hour in np.argwhere(np.isfinite(values))
    }


# --- hours ---


@pytest.mark.parametrize(
    ("seen", "hour"),
    [
        (datetime(2026, 8, 1, 4, 12), 5),
        (datetime(2026, 8, 1, 4, 1), 5),
        (datetime(2026, 8, 1, 4, 0), 4),
        (datetime(2026, 8, 1, 6, 0), 6),
        (datetime(2026, 8, 1, 0, 30), 1),
    ],
)
def test_a_detection_counts_for_the_hour_that_ends_after_it(
    pull: Pull, server: FirmsServer, seen: datetime, hour: int
):
    """A sum of the preceding hour: 04:01 to 05:00 is 05:00; leading zeros may be missing."""
    server.spots = [Spot(at=seen.replace(tzinfo=UTC))]
    assert told(pull()) == {(0, datetime(2026, 8, 1, hour, tzinfo=UTC)): 1.0}


def test_an_hour_without_a_detection_is_not_said(pull: Pull, server: FirmsServer):
    """No detection is not no fire: neither elsewhere in the hour nor between the passes is it zero."""
    server.spots = [Spot(at=NOW - 2 * HOUR)]
    values = pull().values[HOT_SPOTS]
    assert np.isnan(values).sum() == values.size - 1
    assert not (values == 0).any()


def test_an_empty_sky_is_a_batch_that_says_nothing(pull: Pull):
    """The source answered, and that is known; nothing else is."""
    batch = pull()
    assert (batch.kind, batch.issued_at, batch.available_at) == ("observation", NOW, NOW)
    assert not told(batch)
    assert not batch.flags


def test_the_hours_are_those_of_the_days_asked_for(pull: Pull, server: FirmsServer):
    """From 01 UTC of the first day, whose midnight belongs to the day before, to the last full hour."""
    server.spots = [Spot(at=datetime(2026, 7, 30, 0, 0, tzinfo=UTC))]
    batch = pull(days=3)
    assert from64(batch.valid_at[0]) == datetime(2026, 7, 30, 1, tzinfo=UTC)
    assert from64(batch.valid_at[-1]) == datetime(2026, 8, 1, 6, tzinfo=UTC)
    assert not told(batch)


@pytest.mark.parametrize("now", [NOW, NOW.replace(hour=0, minute=0), NOW.replace(hour=0, minute=59)])
def test_an_hour_that_has_not_ended_is_told_at_a_later_pull(
    pull: Pull, server: FirmsServer, now: datetime
):
    """Nothing is valid after now; the detection comes with its whole hour."""
    server.spots = [Spot(at=now.replace(minute=0) + MINUTE)]
    assert not told(pull(now=now))
    assert sum(told(pull(now=now.replace(minute=0) + HOUR)).values()) == 1


def test_detections_of_several_satellites_add_up(pull: Pull, server: FirmsServer):
    """Two satellites in one hour are two detections, each told by its own call."""
    server.spots = [Spot(at=NOW - 2 * HOUR)]
    batch = pull(products=("VIIRS_NOAA20_NRT", "VIIRS_SNPP_NRT"))
    assert list(told(batch).values()) == [2.0]
    assert len(server.requests) == 2


def test_a_detection_told_twice_counts_once(pull: Pull, server: FirmsServer):
    """The same pixel, minute and satellite, whatever confidence the repetition has."""
    server.spots = [Spot(at=NOW - 2 * HOUR), Spot(at=NOW - 2 * HOUR, confidence="h")]
    assert list(told(pull()).values()) == [1.0]


# --- towns ---


@pytest.mark.parametrize(("town", "place"), list(enumerate(TOWNS)))
def test_a_detection_counts_for_the_nearest_town(
    pull: Pull, server: FirmsServer, town: int, place: Any
):
    """A kilometre beside a town is that town."""
    server.spots = [Spot(at=NOW - 2 * HOUR, lat=place.lat - 0.009, lon=place.lon)]
    assert [where for where, _ in told(pull())] == [town]


@pytest.mark.parametrize(("north_km", "counted"), [(9.9, True), (10.1, False)])
def test_what_is_far_from_every_town_is_dropped(
    pull: Pull, server: FirmsServer, north_km: float, counted: bool
):
    """Ten kilometres by default, inside the box that was asked for or not."""
    spot = Spot(at=NOW - 2 * HOUR, lat=TOWNS[2].lat + north_km / 111.195, lon=TOWNS[2].lon)
    server.spots = [spot]
    assert bool(told(pull())) == counted
    assert told(pull(radius_km=20))


def test_of_two_towns_at_one_distance_the_first_takes_it():
    """Somebody has to, and each counts once."""
    twins = (TOWNS[0], TOWNS[0])
    seen = read_detections(f"{VIIRS}\n{row()}", "host")
    hours = np.array([int(datetime(2026, 8, 1, 5, tzinfo=UTC).timestamp()) // 3600])
    np.testing.assert_array_equal(count(seen, twins, hours, 10.0), [[1.0], [np.nan]])


def test_the_box_holds_everything_within_the_radius():
    """Ten kilometres beyond the outermost towns, rounded outwards."""
    west, south, east, north = bounding_box(TOWNS, 10.0)
    assert (west, south, east, north) == (105.36, 29.31, 105.7, 29.7)
    assert min(TOWNS[0].lat - south, north - TOWNS[2].lat) * 111.195 >= 10


def test_the_question_names_product_box_and_days(pull: Pull, server: FirmsServer):
    """The first day is written out, so that the server's clock decides nothing."""
    pull()
    assert server.requests[0].path == (
        "/api/area/csv/k3y%2Fwith%201/VIIRS_NOAA20_NRT/105.36,29.31,105.70,29.70/2/2026-07-31"
    )


# --- confidence ---


@pytest.mark.parametrize(
    ("product", "confidence", "weakest"),
    [
        ("VIIRS_SNPP_NRT", "l", "low"), ("VIIRS_SNPP_NRT", "n", "nominal"),
        ("VIIRS_SNPP_NRT", "h", "high"), ("VIIRS_SNPP_SP", "nominal", "nominal"),
        ("MODIS_NRT", "0", "low"), ("MODIS_NRT", "29", "low"), ("MODIS_NRT", "30", "nominal"),
        ("MODIS_NRT", "79", "nominal"), ("MODIS_NRT", "80", "high"), ("MODIS_NRT", "100", "high"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("lowest", firms_table.CONFIDENCES)
def test_only_what_is_confident_enough_counts(
    pull: Pull, server: FirmsServer, product: str, confidence: str, weakest: str, lowest: str
):
    """Exactly the class asked for is enough; MODIS numbers are read as classes."""
    server.spots = [Spot(at=NOW - 2 * HOUR, confidence=confidence)]
    enough = firms_table.CONFIDENCES.index(weakest) >= firms_table.CONFIDENCES.index(lowest)
    assert bool(told(pull(products=(product,), lowest_confidence=lowest))) == enough


# --- what is no table ---


def row(**cells: str) -> str:
    """One line of a VIIRS table."""
    whole = {
        "latitude": "29.40499", "longitude": "105.58827", "bright_ti4": "338.4", "scan": "0.4",
        "track": "0.4", "acq_date": "2026-08-01", "acq_time": "412", "satellite": "N20",
        "instrument": "VIIRS", "confidence": "n", "version": "2.0NRT", "bright_ti5": "296.1",
        "frp": "4.2", "daynight": "D",
    }  # fmt: skip
    return ",".join((whole | cells).values())


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (row(latitude="north"), "line 3"),
        (row(latitude="nan"), "nowhere on Earth in line 3"),
        (row(latitude="91"), "nowhere on Earth in line 3"),
        (row(longitude="-181"), "nowhere on Earth in line 3"),
        (row(acq_date="2026-13-01"), "line 3"),
        (row(acq_time="2460"), "line 3"),
        (row(acq_time=""), "line 3"),
        (row(confidence="x"), "line 3"),
        (row(confidence="101"), "line 3"),
        (row(confidence="nan"), "line 3"),
        (row()[:-20], "breaks off in line 3"),
        (row() + ",more", "breaks off in line 3"),
        ('"' + "x" * 200_000, "damaged table"),
    ],
)
def test_a_damaged_row_is_refused_with_the_whole_table(line: str, sentence: str):
    """Neither half a table nor a guess: the line is named."""
    with pytest.raises(BadPayload, match=f"satellites.example .*{sentence}"):
        read_detections(f"{VIIRS}\n{row()}\n{line}\n", "satellites.example")


def test_a_table_may_hold_so_many_rows(monkeypatch: pytest.MonkeyPatch):
    """The limit is met, and one more is too many."""
    monkeypatch.setattr(firms_table, "MOST_ROWS", 2)
    assert len(read_detections("\n".join([VIIRS, row(), row()]), "host")) == 2
    with pytest.raises(BadPayload, match="more than 2 detections"):
        read_detections("\n".join([VIIRS, row(), row(), row()]), "host")


def test_the_order_of_the_columns_carries_no_meaning():
    """Nor do columns that are not needed."""
    text = "satellite,confidence,acq_time,acq_date,longitude,latitude\nN,h,0005,2026-08-01,105.5,29.4\n"
    (spot,) = read_detections(text, "host")
    assert (spot.lat, spot.lon, spot.confidence) == (29.4, 105.5, "high")
    assert spot.seen_at == datetime(2026, 8, 1, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize("text", [BAD_KEY, BAD_CALL, "", "latitude,longitude\n1,2", '{"error":true}'])
def test_what_has_no_header_of_detections_is_no_empty_answer(
    pull: Pull, server: FirmsServer, text: str
):
    """The server answers 200 to a wrong key: that is an error, and its words are told."""
    server.always = status(200, text)
    with pytest.raises(SourceError, match="no table of fire detections") as caught:
        pull()
    assert first_words(text) in str(caught.value)


@pytest.mark.parametrize("text", ["<!DOCTYPE html><p>busy", " \n<html>"])
def test_nothing_of_a_web_page_is_told(text: str):
    """Markup helps no operator."""
    assert first_words(text) == ""


def test_a_wrong_key_is_refused(server: FirmsServer, http: HttpClient, pull: Pull):
    """The sentence says what to check."""
    server.key = "another"
    with pytest.raises(SourceError, match=r'says: "Invalid MAP_KEY\."; check the key'):
        pull()


def test_one_product_refused_is_no_answer_at_all(pull: Pull, server: FirmsServer):
    """What the others saw would look like the whole."""
    server.once.extend([lambda handler: handler.reply(200, handler.weather()), status(400, BAD_CALL)])
    with pytest.raises(SourceError, match="Invalid API call"):
        pull(products=("VIIRS_NOAA20_NRT", "VIIRS_SNPP_NRT"))


# --- the key ---


@pytest.mark.parametrize("echo", [KEY, "k3y%2Fwith%201"])
@pytest.mark.parametrize("code", [200, 400, 403, 429])
def test_a_key_that_the_server_repeats_is_blotted_out(
    pull: Pull, server: FirmsServer, code: int, echo: str
):
    """As it is kept and as it stands in the address."""
    server.always = status(code, f"Invalid MAP_KEY {echo} in /api/area/csv/{echo}/")
    with pytest.raises(SourceError, match=r"MAP_KEY \*\*\*") as caught:
        pull()
    assert "k3y" not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "pause"), [({}, timedelta(minutes=10)), ({"Retry_After": "60"}, MINUTE)]
)
def test_a_limit_is_waited_for(
    pull: Pull, server: FirmsServer, headers: dict[str, str], pause: timedelta
):
    """Ten minutes, the window in which the server counts, unless it says another pause."""
    server.always = lambda handler: handler.reply(429, b"too many", **headers)
    with pytest.raises(SourceError) as caught:
        pull()
    assert caught.value.retry_after == pause


# --- the block ---


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"base_url": "http://firms.example/api"}, "with https"),
        ({"base_url": "firms.example/api"}, "write an address such as"),
        ({"base_url": "https://firms.example/api?key=1"}, "without query"),
        ({"products": ()}, "give at least one"),
        ({"products": ("MODIS_NRT", "MODIS_NRT")}, "each once"),
        ({"products": ("LANDSAT_NRT",)}, "LANDSAT_NRT is none we can read"),
        ({"days": 1}, "days must be"),
        ({"days": 6}, "days must be"),
        ({"radius_km": 0.0}, "radius_km"),
        ({"radius_km": float("nan")}, "radius_km"),
        ({"radius_km": 101.0}, "radius_km"),
    ],
)
def test_a_block_that_cannot_work_is_refused(fields: dict[str, Any], sentence: str):
    """At start-up, with the key that is wrong."""
    with pytest.raises(ValueError, match=sentence):
        Firms(map_key=SECRET, **fields)


@pytest.mark.parametrize(
    "text",
    ["{}", '{"map_key": "abc"}', '{"map_key": {"env": "K"}, "lowest_confidence": "sure"}',
     '{"map_key": {"env": "K"}, "mapkey": 1}'],
)  # fmt: skip
def test_a_block_is_read_strictly(text: str):
    """No block without a place for its key, no key written in, no unknown word."""
    with pytest.raises(ValidationError):
        TypeAdapter(Firms).validate_json(text)


def test_the_shipped_block_is_off_and_keeps_its_key_outside():
    """Whoever has a key turns it on; nothing else is needed."""
    keys = yaml.safe_load(SHIPPED.read_text("utf-8"))
    feed = {name: keys.pop(name) for name in ("kind", "enabled", "every", "latency", "freshness", "priority")}
    assert not feed["enabled"]
    built = TypeAdapter(Firms).validate_json(json.dumps(keys))
    assert built == Firms(map_key=SECRET)


# --- real tables ---


@needs_raw
@pytest.mark.parametrize("file", TABLES)
def test_a_real_table_is_read_to_its_last_row(file: str):
    """MODIS over south-west China: every row, all inside the box its name gives."""
    text = (RAW / file).read_text("utf-8")
    seen = read_detections(text, "host")
    assert len(seen) == text.count("\n") - 1
    assert all(97 <= spot.lon <= 115 and 20 <= spot.lat <= 36 for spot in seen)
    assert {spot.confidence for spot in seen} == set(firms_table.CONFIDENCES)


@needs_raw
@pytest.mark.parametrize("file", TABLES)
def test_every_real_detection_near_a_town_is_counted_once(file: str):
    """Towns set where fires were: the counts add up to the distinct detections of the window."""
    seen = set(read_detections((RAW / file).read_text("utf-8"), "host"))
    hours = np.array([int(spot.seen_at.timestamp()) // 3600 for spot in seen])
    window = np.arange(hours.min(), hours.max() + 2)
    assert np.nansum(count(seen, TOWNS, window, 5000.0)) == len(seen)
