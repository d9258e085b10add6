import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter, ValidationError
from simulators.open_meteo import (
    LIMITS,
    UNITS,
    OpenMeteoServer,
    body,
    error_body,
    hang_up,
    limit,
    status,
    truncated,
    weather,
)
from simulators.small_district import TOWNS, small_district

from ingest.batch import Batch, Flag
from ingest.errors import BadPayload, SourceError
from ingest.http import HttpClient
from ingest.places import District, Place
from ingest.registry import parse_duration
from ingest.secret import Secret
from ingest.source import Request
from ingest.sources import open_meteo
from ingest.sources.open_meteo import OpenMeteo, pause_for, weight
from ingest.times import from64, instant64

NOW = datetime(2026, 8, 1, 6, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = "k-3f9a"


@pytest.fixture
def server() -> Iterator[OpenMeteoServer]:
    """A server that behaves until told otherwise."""
    with OpenMeteoServer(now=NOW) as running:
        yield running


@pytest.fixture
def http() -> Iterator[HttpClient]:
    """A client that does not really pause between attempts."""
    with HttpClient(sleep=lambda seconds: None) as client:
        yield client


Pull = Callable[..., list[Batch]]


@pytest.fixture
def pull(server: OpenMeteoServer, http: HttpClient) -> Pull:
    """Fetch once with the fields given; `district`, `now` and `every` belong to the request."""

    def fetch(
        district: District = small_district(),  # noqa: B008  # frozen
        now: datetime = NOW,
        every: timedelta | None = HOUR,
        **fields: Any,
    ) -> list[Batch]:
        request = Request(
            now=now, since=None, district=district, http=http, every=every, reveal=lambda _: KEY
        )
        return OpenMeteo(**{"base_url": server.url} | fields).fetch("models", request)

    return fetch


def asked(server: OpenMeteoServer) -> dict[str, str]:
    """The newest question, parameter by parameter."""
    return {name: ",".join(values) for name, values in server.requests[-1].query.items()}


def test_past_and_future_are_two_batches(pull: Pull):
    """The hour of now is observed; the next one is forecast."""
    past, future = pull(past_days=1, forecast_days=2)
    assert (past.kind, future.kind) == ("observation", "forecast")
    assert from64(past.valid_at[0]) == datetime(2026, 7, 31, tzinfo=UTC)
    assert from64(past.valid_at[-1]) == datetime(2026, 8, 1, 6, tzinfo=UTC)
    assert from64(future.valid_at[0]) == datetime(2026, 8, 1, 7, tzinfo=UTC)
    assert from64(future.valid_at[-1]) == datetime(2026, 8, 2, 23, tzinfo=UTC)


def test_a_full_hour_is_observed_at_once(pull: Pull, server: OpenMeteoServer):
    """An hour that is now has been reached."""
    server.now = datetime(2026, 8, 1, 6, tzinfo=UTC)
    past, _ = pull(now=server.now)
    assert from64(past.valid_at[-1]) == server.now


def test_the_three_times_of_a_pull(pull: Pull):
    """Issued at the full hour, because the server names no run, and known from now on."""
    for batch in pull():
        assert batch.issued_at == datetime(2026, 8, 1, 6, tzinfo=UTC)
        assert batch.available_at == NOW
        assert batch.source == "models"


def test_only_past_hours_are_flagged_as_analysis(pull: Pull):
    """A model stands in for the instrument, and says so."""
    past, future = pull()
    assert (past.flags_of("precipitation") == Flag.ANALYSIS).all()
    assert not future.flags_of("precipitation").any()


@pytest.mark.parametrize("name", list(UNITS))
def test_every_quantity_arrives_at_its_place_and_hour(pull: Pull, name: str):
    """Places by order, hours in UTC, wind in m/s."""
    past, _ = pull(quantities=(name,))
    hours = [from64(hour) for hour in past.valid_at]
    expected = [[weather(name, town.lat, town.lon, hour) for hour in hours] for town in TOWNS]
    assert np.array_equal(past.values[name], expected)


def test_one_town_is_answered_without_an_array(pull: Pull):
    """The server sends one object for one place."""
    past, _ = pull(district=small_district(1))
    assert past.places == ("500153001",)
    assert past.values["temperature_2m"].shape[0] == 1


def test_the_question_names_every_unit_and_the_zone(pull: Pull, server: OpenMeteoServer):
    """Nothing is left to the server's defaults."""
    pull(past_days=3, forecast_days=4, quantities=("precipitation", "wind_speed_10m"))
    assert asked(server) == {
        "latitude": "29.40499,29.50743,29.60609",
        "longitude": "105.58827,105.47827,105.46694",
        "elevation": "319.0,402.0,373.0",
        "hourly": "precipitation,wind_speed_10m",
        "temperature_unit": "celsius", "wind_speed_unit": "ms", "precipitation_unit": "mm",
        "timeformat": "iso8601", "timezone": "GMT", "cell_selection": "land",
        "past_days": "3", "forecast_days": "4",
    }


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"model": "cma_grapes_global"}, "models", "cma_grapes_global"),
        ({"cell_selection": "nearest"}, "cell_selection", "nearest"),
        ({"mode": "archive", "days_back": 3}, "start_date", "2026-07-29"),
        ({"mode": "archive", "days_back": 3}, "end_date", "2026-08-01"),
    ],
)
def test_a_field_changes_the_question(
    pull: Pull, server: OpenMeteoServer, fields: dict[str, Any], name: str, value: str
):
    """Each setting has an effect."""
    pull(**fields)
    assert asked(server)[name] == value


def test_the_archive_tells_the_past_only(pull: Pull, server: OpenMeteoServer):
    """One observation batch, whose end the archive does not know yet."""
    server.known_until = NOW - timedelta(days=5)
    (batch,) = pull(mode="archive", days_back=7)
    known = batch.valid_at <= instant64(server.known_until)
    assert (batch.kind, from64(batch.valid_at[-1])) == ("observation", NOW - timedelta(minutes=30))
    assert np.array_equal(np.isfinite(batch.values["precipitation"]), np.tile(known, (3, 1)))
    assert (batch.flags_of("precipitation") == Flag.ANALYSIS).all()


def test_null_is_nan(pull: Pull, server: OpenMeteoServer):
    """Missing is neither zero nor left out."""
    server.edit = lambda answers: answers[1]["hourly"]["precipitation"].__setitem__(4, None)
    past, _ = pull()
    assert np.argwhere(np.isnan(past.values["precipitation"])).tolist() == [[1, 4]]


def test_many_towns_are_asked_in_several_calls(
    pull: Pull, server: OpenMeteoServer, monkeypatch: pytest.MonkeyPatch
):
    """URLs stay short, and the parts come back as one district."""
    monkeypatch.setattr(open_meteo, "PLACES_A_CALL", 2)
    past, _ = pull()
    assert [len(seen.query["latitude"][0].split(",")) for seen in server.requests] == [2, 1]
    third = weather("temperature_2m", TOWNS[2].lat, TOWNS[2].lon, from64(past.valid_at[0]))
    assert past.values["temperature_2m"][2, 0] == third


def test_parts_told_across_midnight_are_refused(
    pull: Pull, server: OpenMeteoServer, monkeypatch: pytest.MonkeyPatch
):
    """Two calls on two days cover other hours, and are not glued together."""
    monkeypatch.setattr(open_meteo, "PLACES_A_CALL", 2)
    server.edit = lambda answers: setattr(server, "now", NOW + timedelta(days=1))
    with pytest.raises(BadPayload, match="for other hours"):
        pull()


def test_the_url_of_a_hundred_places_stays_short():
    """Even at the limit of a call the query fits where proxies cut at 8 kB."""
    town = Place(id="1", name="x", name_en="x", lat=-29.40499, lon=-105.58827, elevation=1319.5)
    params = OpenMeteo()._params([town] * open_meteo.PLACES_A_CALL, NOW)
    assert sum(len(value.replace(",", "%2C")) for value in params.values()) < 6000


def hourly(answer: dict[str, Any]) -> dict[str, Any]:
    """The columns of one place."""
    found: dict[str, Any] = answer["hourly"]
    return found


def twice(answers: list[dict[str, Any]], difference: float) -> None:
    """Repeat an hour of every place, its temperature `difference` higher."""
    for answer in answers:
        for name, column in hourly(answer).items():
            column.insert(5, column[4])
            if name == "temperature_2m":
                column[5] += difference


WRONG: dict[str, tuple[Callable[[list[dict[str, Any]]], object], str]] = {
    "wind in km/h": (
        lambda a: a[0]["hourly_units"].update(wind_speed_10m="km/h"),
        "wind_speed_10m in km/h, expected m/s",
    ),
    "rain in inches": (
        lambda a: a[1]["hourly_units"].update(precipitation="inch"),
        "precipitation in inch, expected mm",
    ),
    "unix times": (lambda a: a[0]["hourly_units"].update(time="unixtime"), "expected iso8601"),
    "gusts in km/h": (
        lambda a: a[0]["hourly_units"].update(wind_gusts_10m="km/h"),
        "wind_gusts_10m in km/h, expected m/s",
    ),
    "no unit": (lambda a: a[0]["hourly_units"].pop("precipitation"), "precipitation in None"),
    "no units": (lambda a: a[0].pop("hourly_units"), "昌元街道 .* has no hourly values"),
    "no hourly": (lambda a: a[0].pop("hourly"), "has no hourly values"),
    "local time": (lambda a: a[0].update(utc_offset_seconds=28800), "in local time"),
    "a place less": (lambda a: a.pop(), "for 2 places instead of 3"),
    "a place more": (lambda a: a.append(dict(a[0])), "for 4 places instead of 3"),
    "a place twice": (lambda a: a[2].update(location_id=1), "铜鼓镇 .* is missing"),
    "no variable": (lambda a: hourly(a[0]).pop("precipitation"), "has no precipitation"),
    "short column": (lambda a: hourly(a[2])["precipitation"].pop(), "values of precipitation for"),
    "text for a number": (
        lambda a: hourly(a[0])["precipitation"].__setitem__(0, "1.2"), "that is no number"
    ),
    "truth for a number": (
        lambda a: hourly(a[0])["precipitation"].__setitem__(0, True), "that is no number"
    ),
    "infinite": (
        lambda a: hourly(a[0])["precipitation"].__setitem__(0, 10**400), "infinite precipitation"
    ),
    "no times": (lambda a: hourly(a[0]).update(time=[]), "has no hours"),
    "dates": (lambda a: hourly(a[0])["time"].__setitem__(0, "2026-07-31"), "not written"),
    "with Z": (lambda a: hourly(a[0])["time"].__setitem__(0, "2026-07-31T00:00Z"), "not written"),
    "no such hour": (
        lambda a: hourly(a[0])["time"].__setitem__(0, "2026-07-31T25:00"), "do not exist"
    ),
    "half hours": (
        lambda a: hourly(a[0])["time"].__setitem__(0, "2026-07-30T00:30"), "not told hour by hour"
    ),
    "an hour skipped": (
        lambda a: [column.pop(7) for column in hourly(a[0]).values()], "not told hour by hour"
    ),
    "two truths": (lambda a: twice(a, 0.1), "two different values for one hour"),
    "other hours": (
        lambda a: [column.pop() for column in hourly(a[1]).values()], "仁义镇 .* other hours"
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_answer_that_is_not_what_was_asked_is_refused(
    pull: Pull, server: OpenMeteoServer, wrong: str
):
    """One clear sentence, and nothing of the answer is used."""
    server.edit, sentence = WRONG[wrong]
    with pytest.raises(BadPayload, match=sentence):
        pull(quantities=(*OpenMeteo().quantities, "wind_gusts_10m"))


@pytest.mark.parametrize("content", [b"[]", b"{}", b"[1,2,3]", b"null", b'"x"', b"[null,null,null]"])
def test_json_of_another_shape_is_refused(pull: Pull, server: OpenMeteoServer, content: bytes):
    """JSON is not yet weather."""
    server.always = body(content)
    with pytest.raises(BadPayload, match="Open-Meteo"):
        pull()


def test_hours_out_of_order_are_sorted(pull: Pull, server: OpenMeteoServer):
    """The order of the hours carries no meaning."""
    straight = pull()[0]
    server.edit = lambda answers: [c.reverse() for a in answers for c in hourly(a).values()]
    turned = pull()[0]
    assert np.array_equal(turned.valid_at, straight.valid_at)
    assert np.array_equal(turned.values["precipitation"], straight.values["precipitation"])


def test_an_hour_told_twice_alike_counts_once(pull: Pull, server: OpenMeteoServer):
    """A repetition that agrees is harmless."""
    straight = pull()[0]
    server.edit = lambda answers: twice(answers, 0.0)
    assert np.array_equal(pull()[0].valid_at, straight.valid_at)


def test_places_are_matched_by_their_number(pull: Pull, server: OpenMeteoServer):
    """`location_id` counts, not the order of the array; the first place has none."""
    straight = pull()[0]
    server.edit = lambda answers: answers[1:] and answers.append(answers.pop(1))
    assert np.array_equal(pull()[0].values["precipitation"], straight.values["precipitation"])


@pytest.mark.parametrize(
    ("which", "now", "pause"),
    [
        ("minutely", NOW, timedelta(minutes=1)),
        ("hourly", NOW, timedelta(minutes=30)),
        ("hourly", NOW.replace(minute=0), timedelta(hours=1)),
        ("daily", NOW, timedelta(hours=17, minutes=30)),
        ("daily", NOW.replace(hour=0, minute=0), timedelta(days=1)),
        ("concurrent", NOW, timedelta(seconds=10)),
    ],
)
@pytest.mark.parametrize("code", [429, 200])
def test_a_limit_says_how_long_to_stay_away(
    pull: Pull, server: OpenMeteoServer, which: str, now: datetime, pause: timedelta, code: int
):
    """The server sends no Retry-After: its text tells, also in the body of a 200."""
    server.always = limit(which) if code == 429 else body(error_body(LIMITS[which]))
    with pytest.raises(SourceError) as caught:
        pull(now=now)
    assert caught.value.retry_after == pause
    assert LIMITS[which] in str(caught.value)
    assert len(server.requests) == 1


def test_a_header_outweighs_the_text(pull: Pull, server: OpenMeteoServer):
    """Where a proxy names a pause, that is the pause."""
    server.always = status(429, LIMITS["minutely"], Retry_After="300")
    with pytest.raises(SourceError) as caught:
        pull()
    assert caught.value.retry_after == timedelta(minutes=5)


def test_other_reasons_name_no_pause():
    """A refusal that is no limit is tried again at the next turn."""
    assert pause_for("No data is available for this location", NOW) is None


def test_the_reason_of_a_refusal_is_told(pull: Pull, server: OpenMeteoServer):
    """The server's own words help more than a status."""
    server.always = status(400, "No data is available for this location")
    with pytest.raises(SourceError, match='status 400 and says: "No data is available'):
        pull()


def test_a_long_reason_is_cut(pull: Pull, server: OpenMeteoServer):
    """One sentence, whatever the server writes."""
    server.always = status(400, "a\n b" * 1000)
    with pytest.raises(SourceError) as caught:
        pull()
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("places", "variables", "days", "calls"),
    [(1, 1, 1, 1), (21, 10, 14, 21), (21, 5, 7, 21), (1, 11, 14, 1.1), (1, 10, 28, 2), (2, 20, 21, 6)],
)
def test_a_call_weighs_by_places_variables_and_days(
    places: int, variables: int, days: int, calls: float
):
    """Up to ten variables and a fortnight a place is one call."""
    assert weight(places, variables, days) == pytest.approx(calls)


def test_a_pull_is_booked_on_its_utc_day(pull: Pull, http: HttpClient, server: OpenMeteoServer):
    """The ledger counts what the server counts."""
    pull()
    pull()
    assert http.spent(server.host, NOW.date()) == 6


@pytest.mark.parametrize("failing", [status(400, "no"), limit("minutely"), status(503), hang_up])
def test_a_failed_call_is_booked_as_one(
    pull: Pull, http: HttpClient, server: OpenMeteoServer, failing: Any
):
    """An error costs one call, whatever was asked for."""
    server.always = failing
    with pytest.raises(SourceError):
        pull()
    assert http.spent(server.host, NOW.date()) == 1


def test_a_broken_answer_is_booked_in_full(pull: Pull, http: HttpClient, server: OpenMeteoServer):
    """What the server has answered it has counted, even if it arrived in pieces."""
    server.always = truncated
    with pytest.raises(BadPayload):
        pull()
    assert http.spent(server.host, NOW.date()) == 3


def test_a_spent_budget_stops_the_pull(pull: Pull, http: HttpClient, server: OpenMeteoServer):
    """No call is made until the next UTC day."""
    http.spend(server.host, NOW.date(), 9_998)
    with pytest.raises(SourceError, match="9998 of 10000") as caught:
        pull()
    assert caught.value.retry_after == timedelta(hours=17, minutes=30)
    assert not server.requests


def test_the_last_calls_of_a_budget_may_be_spent(pull: Pull, http: HttpClient, server: OpenMeteoServer):
    """A budget may be used to the last call, and begins again with the UTC day."""
    http.spend(server.host, NOW.date(), 9_997)
    assert pull()
    server.now = NOW + timedelta(days=1)
    assert pull(now=server.now)


@pytest.mark.parametrize(
    ("every", "budget"), [(HOUR, 71), (timedelta(minutes=1), 4319), (None, 2)]
)
def test_a_pull_that_cannot_fit_a_day_is_refused(
    pull: Pull, server: OpenMeteoServer, every: timedelta | None, budget: int
):
    """A plan that would run dry every day is refused before the first call, just below what fits."""
    with pytest.raises(SourceError, match="pull it less often"):
        pull(every=every, daily_budget=budget)
    assert not server.requests
    assert pull(every=every, daily_budget=budget + 1)


def test_a_key_travels_in_a_header_only(pull: Pull, server: OpenMeteoServer):
    """No URL holds it, so no log of a proxy does."""
    pull(api_key=Secret(env="OPEN_METEO_KEY"))
    seen = server.requests[0]
    assert seen.headers["x-api-key"] == KEY
    assert KEY not in str(seen.query)


def test_without_a_key_none_is_sent(pull: Pull, server: OpenMeteoServer):
    """The free tier knows no key."""
    pull()
    assert "x-api-key" not in server.requests[0].headers


def test_a_key_in_the_reason_is_blotted_out(pull: Pull, server: OpenMeteoServer):
    """A server that repeats the key does not make us repeat it."""
    server.always = status(401, f"The key {KEY} has expired")
    with pytest.raises(SourceError, match=r"The key \*\*\* has expired"):
        pull(api_key=Secret(env="OPEN_METEO_KEY"))


SECRET = Secret(env="OPEN_METEO_KEY")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"api_key": SECRET}, "customer hosts only"),
        ({"api_key": SECRET, "base_url": "http://customer-api.open-meteo.com/v1"}, "without TLS"),
        ({"base_url": "api.open-meteo.com/v1/forecast"}, "write an address such as"),
        ({"base_url": "https://a.example/v1?apikey=x"}, "without query"),
        ({"mode": "archive"}, "archive-api"),
        ({"quantities": ()}, "give at least one"),
        ({"quantities": ("precipitation", "precipitation")}, "each once"),
        ({"quantities": ("rain_2m",)}, "no quantity is called 'rain_2m'"),
        ({"quantities": ("hot_day_run",)}, "value of a day"),
        ({"past_days": 93}, "past_days"),
        ({"forecast_days": 17}, "forecast_days"),
        ({"past_days": -1}, "past_days"),
        ({"past_days": 0, "forecast_days": 0}, "at least one day"),
        ({"mode": "archive", "base_url": "https://a.example/v1", "days_back": -1}, "one day"),
    ],
)
def test_a_block_that_cannot_work_is_refused(fields: dict[str, Any], sentence: str):
    """At start-up, with the remedy, and not in the night."""
    with pytest.raises(ValueError, match=sentence):
        OpenMeteo(**fields)


@pytest.mark.parametrize("host", ["customer-api.open-meteo.com", "weather.district.example"])
def test_a_key_goes_to_a_customer_host_or_ones_own(host: str):
    """Over TLS, to hosts the operator wrote down."""
    assert OpenMeteo(api_key=SECRET, base_url=f"https://{host}/v1/forecast")


@pytest.mark.parametrize("text", ['{"past_days": "2"}', '{"mode": "both"}', '{"colour": "red"}'])
def test_a_block_is_read_strictly(text: str):
    """No conversion, no unknown word, no unknown key."""
    with pytest.raises(ValidationError):
        TypeAdapter(OpenMeteo).validate_json(text)


SHIPPED = Path(__file__).resolve().parents[2] / "config" / "sources" / "open_meteo.yaml"


def shipped() -> tuple[dict[str, Any], timedelta]:
    """Keys of the shipped block that are the source's own, and how often it is pulled."""
    keys = yaml.safe_load(SHIPPED.read_text("utf-8"))
    feed = {name: keys.pop(name) for name in ("kind", "every", "latency", "freshness", "priority")}
    return keys, parse_duration(feed["every"])


def test_the_shipped_block_gets_all_it_asks_for(pull: Pull):
    """Each quantity in past and future, in the unit of the table; radiation and gusts too."""
    keys, _ = shipped()
    for batch in pull(**keys | {"quantities": tuple(keys["quantities"])}):
        assert list(batch.values) == keys["quantities"]
        assert all(np.isfinite(values).all() for values in batch.values.values())


def test_the_shipped_block_stays_far_below_the_free_limit():
    """One weighted call a town and pull, however many quantities it names."""
    keys, every = shipped()
    block = TypeAdapter(OpenMeteo).validate_json(json.dumps(keys))
    assert len(block.quantities) <= 10
    assert weight(21, len(block.quantities), block.days) == 21
    assert 21 * (timedelta(days=1) / every) <= block.daily_budget / 10
