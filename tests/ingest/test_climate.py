"""Climate for baselines: ERA5 cell by cell within the free limits, and tables of one's own."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from simulators.open_meteo import (
    DAILY,
    LIMITS,
    OpenMeteoServer,
    body,
    day_weather,
    error_body,
    limit,
    status,
)
from simulators.small_district import TOWNS

from ingest.climate import Climate, cell_of, cost, fetch_climate, read_climate_csv
from ingest.errors import BadPayload, ConfigMistake, SourceError
from ingest.http import HttpClient
from ingest.places import Place
from ingest.quantities import QUANTITIES

NOW = datetime(2026, 8, 1, 6, 30, tzinfo=UTC)
CONFIG = Path(__file__).resolve().parents[2] / "config"
NAMES = dict(
    zip(
        ("temperature_max_day", "temperature_min_day", "temperature_mean_day",
         "relative_humidity_mean_day", "precipitation_day"),
        DAILY,
        strict=True,
    )
)  # fmt: skip
"""Quantity -> variable of the server."""
HIGH = Place(id="500153998", name="高镇", name_en="High", lat=29.41, lon=105.57, elevation=719.0)
"""Shares the cell of all three towns, 400 m above the first."""
FAR = Place(id="500153999", name="远镇", name_en="Far", lat=29.66, lon=105.3, elevation=349.0)
"""In the next cell to the north-west."""


@pytest.fixture
def server() -> Iterator[OpenMeteoServer]:
    """A server that behaves until told otherwise."""
    with OpenMeteoServer(now=NOW) as running:
        yield running


@pytest.fixture
def pauses() -> list[float]:
    """Seconds that were waited, pause by pause."""
    return []


Fetch = Callable[..., Climate]


@pytest.fixture
def fetch(server: OpenMeteoServer, pauses: list[float]) -> Iterator[Fetch]:
    """Fetch from the server without really waiting."""
    with HttpClient(sleep=lambda seconds: None) as http:
        yield lambda first=2020, last=2020, places=TOWNS: fetch_climate(
            places, first, last, http, base_url=server.archive, sleep=pauses.append
        )


def asked(server: OpenMeteoServer, name: str) -> list[str]:
    """One parameter of every question."""
    return [",".join(seen.query[name]) for seen in server.requests]


# --- the archive ---


def test_every_day_of_whole_years_comes_back(fetch: Fetch):
    """Leap days too, for every place, under the names of the table of quantities."""
    climate = fetch(2019, 2021)
    assert climate.places == tuple(town.id for town in TOWNS)
    assert (str(climate.days[0]), str(climate.days[-1])) == ("2019-01-01", "2021-12-31")
    assert climate.days.size == 365 + 366 + 365
    assert {name: climate[name].shape for name in climate} == dict.fromkeys(NAMES, (3, 1096))
    assert set(NAMES) <= set(QUANTITIES)


@pytest.mark.parametrize("name", NAMES)
def test_a_value_is_that_of_its_cell_day_and_height(fetch: Fetch, name: str):
    """Rain and humidity of the cell, temperature carried to each town as the server does."""
    climate = fetch(places=(*TOWNS, HIGH, FAR))
    for row, place in enumerate((*TOWNS, HIGH, FAR)):
        for column in (0, 59, 365):
            day = date(2020, 1, 1) + timedelta(days=column)
            expected = day_weather(NAMES[name], *cell_of(place), place.elevation, day)
            assert climate[name][row, column] == pytest.approx(expected, abs=0.1001)


def test_a_higher_town_of_the_same_cell_is_colder(fetch: Fetch):
    """6.5 K/km over 400 m is 2.6 °C, on every day; rain is the same."""
    climate = fetch(places=(TOWNS[0], HIGH))
    low, high = climate["temperature_max_day"]
    np.testing.assert_allclose(low - high, 2.6, atol=0.1001)
    np.testing.assert_array_equal(*climate["precipitation_day"])


def test_towns_of_a_cell_are_asked_for_once(fetch: Fetch, server: OpenMeteoServer):
    """At the middle of the cell and the mean height of its towns."""
    fetch(places=(TOWNS[0], FAR, HIGH))
    assert asked(server, "latitude") == ["29.50", "29.75"]
    assert asked(server, "longitude") == ["105.50", "105.25"]
    assert asked(server, "elevation") == ["519.0", "349.0"]


def test_the_question_leaves_nothing_to_the_server(fetch: Fetch, server: OpenMeteoServer):
    """Model, units, zone and cell are named."""
    fetch(places=TOWNS[:1])
    assert {name: ",".join(values) for name, values in server.requests[0].query.items()} == {
        "latitude": "29.50", "longitude": "105.50", "elevation": "319.0",
        "start_date": "2020-01-01", "end_date": "2020-12-31", "daily": ",".join(DAILY),
        "models": "era5", "timezone": "Asia/Shanghai", "timeformat": "iso8601",
        "temperature_unit": "celsius", "precipitation_unit": "mm", "cell_selection": "nearest",
    }


def test_many_years_are_asked_in_blocks_of_ten(fetch: Fetch, server: OpenMeteoServer):
    """Each block on its own, put together without a seam."""
    climate = fetch(1991, 2012, places=TOWNS[:1])
    assert asked(server, "start_date") == ["1991-01-01", "2001-01-01", "2011-01-01"]
    assert asked(server, "end_date") == ["2000-12-31", "2010-12-31", "2012-12-31"]
    assert all(np.isfinite(values).all() for values in climate.values())
    assert (np.diff(climate.days) == np.timedelta64(1, "D")).all()


def test_days_the_archive_does_not_know_are_nan(fetch: Fetch, server: OpenMeteoServer):
    """Null is neither zero nor left out."""
    server.known_until = datetime(2020, 12, 26, tzinfo=UTC)
    for values in fetch().values():
        assert np.isnan(values[:, -5:]).all()
        assert np.isfinite(values[:, :-5]).all()


def test_the_source_is_named_for_the_baseline(fetch: Fetch):
    """Model, origin, years and licence."""
    source = fetch(2019, 2020).source
    assert all(word in source for word in ("ERA5", "Open-Meteo.com", "2019-2020", "CC BY 4.0"))


# --- the limits of the free tier ---


def district() -> list[Place]:
    """The towns of the shipped configuration."""
    towns = yaml.safe_load((CONFIG / "district.yaml").read_text("utf-8"))["towns"]
    return [Place(**town) for town in towns]


def test_thirty_years_of_the_district_fit_into_an_hour():
    """Six cells in eighteen calls; 10958 days of five variables weigh 391 calls a cell."""
    price = cost(district(), 1991, 2020)
    assert price.questions == 18
    assert price.calls == pytest.approx(6 * 10958 / 14 * 0.5)
    assert timedelta(minutes=4) < price.wait < timedelta(minutes=5)


def test_calls_are_spread_over_the_minutes(fetch: Fetch, pauses: list[float]):
    """Before each but the first as long as its share of a minute's 600 calls, and a little more."""
    fetch(1991, 2010, places=TOWNS[:1])
    assert pauses == [pytest.approx(60 * (3652 / 14 * 0.5) / 500)]
    assert sum(pauses) == pytest.approx(cost(TOWNS[:1], 1991, 2010).wait.total_seconds(), abs=1e-5)


def test_what_does_not_fit_an_hour_is_refused_before_the_first_call(
    fetch: Fetch, server: OpenMeteoServer
):
    """With the figure, and what to do."""
    with pytest.raises(SourceError, match=r"weighted calls are more than .* fewer years or places"):
        fetch(1940, 2020, places=district())
    assert not server.requests


def test_a_minute_that_is_full_is_waited_for(
    fetch: Fetch, server: OpenMeteoServer, pauses: list[float]
):
    """Others may use the same address; the call is made again after a minute."""
    server.once.append(limit("minutely"))
    assert np.isfinite(fetch(places=TOWNS[:1])["precipitation_day"]).all()
    assert pauses == [61.0]


@pytest.mark.parametrize(
    ("answer", "requests"),
    [
        (limit("minutely"), 3), (limit("hourly"), 1), (limit("daily"), 1),
        (body(error_body(LIMITS["hourly"])), 1),
        (status(400, "Parameter 'end_date' is out of allowed range"), 1),
    ],
)  # fmt: skip
def test_a_refusal_is_told_in_the_words_of_the_server(
    fetch: Fetch, server: OpenMeteoServer, answer: Any, requests: int
):
    """A limit that stays, or a question that is none."""
    server.always = answer
    with pytest.raises(SourceError, match='sent no climate and says: "'):
        fetch(places=TOWNS[:1])
    assert len(server.requests) == requests


def test_a_refusal_without_a_reason_keeps_its_status(fetch: Fetch, server: OpenMeteoServer):
    """What is not the server's own error body is not quoted."""
    server.always = status(403)
    with pytest.raises(SourceError, match="status 403"):
        fetch(places=TOWNS[:1])


def daily(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """The columns of the one cell of an answer."""
    found: dict[str, Any] = answers[0]["daily"]
    return found


WRONG: dict[str, tuple[Callable[[list[dict[str, Any]]], object], str]] = {
    "inches": (lambda a: a[0]["daily_units"].update(precipitation_sum="inch"), "inch, expected mm"),
    "no unit": (lambda a: a[0]["daily_units"].pop("precipitation_sum"), "in None, expected mm"),
    "no units": (lambda a: a[0].pop("daily_units"), "no daily values"),
    "no days": (lambda a: a[0].pop("daily"), "no daily values"),
    "two cells": (lambda a: a.append(dict(a[0])), "no daily values"),
    "GMT": (lambda a: a[0].update(utc_offset_seconds=0), "not Beijing's"),
    "a day less": (lambda a: [c.pop() for c in daily(a).values()], "other days"),
    "no variable": (lambda a: daily(a).pop("precipitation_sum"), "no number a day"),
    "short": (lambda a: daily(a)["precipitation_sum"].pop(), "no number a day"),
    "text": (lambda a: daily(a)["precipitation_sum"].__setitem__(0, "1"), "no number a day"),
    "infinite": (lambda a: daily(a)["precipitation_sum"].__setitem__(0, 10**400), "infinite"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_answer_that_is_not_what_was_asked_is_refused(
    fetch: Fetch, server: OpenMeteoServer, wrong: str
):
    """One sentence, and no baseline from it."""
    server.edit, sentence = WRONG[wrong]
    with pytest.raises(BadPayload, match=sentence):
        fetch(places=TOWNS[:1])


@pytest.mark.parametrize(
    ("first", "last", "places"), [(2020, 2019, TOWNS), (1939, 2000, TOWNS), (2000, 2001, ())]
)
def test_no_years_and_no_places_are_a_mistake_of_the_caller(
    fetch: Fetch, first: int, last: int, places: Any
):
    """ERA5 begins in 1940."""
    with pytest.raises(ValueError, match=r"at least one place|no years of ERA5"):
        fetch(first, last, places=places)


# --- a table of one's own ---


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str], Climate]:
    """Read a text as a file of the three towns."""

    def read(text: str) -> Climate:
        path = tmp_path / "station.csv"
        path.write_text(text, encoding="utf-8")
        return read_climate_csv(path, TOWNS)

    return read


Read = Callable[[str], Climate]


@pytest.mark.parametrize("day", ["2014-01-02", "2014/1/2", "2014/01/02", "2014-1-2"])
def test_both_spellings_of_a_date_are_read(table: Read, day: str):
    """As stations and as spreadsheets write it."""
    climate = table(f"date,rain\n{day},1.5\n")
    assert climate.days.tolist() == [date(2014, 1, 2)]
    np.testing.assert_array_equal(climate["precipitation_day"], [[1.5]] * 3)


def test_one_series_holds_for_all_places(table: Read):
    """Every column under the name of its quantity; what is not there is not made up."""
    climate = table("tmax,tmin,tmean,rh,rain,date\n9.1,3,6.2,80,0,2014-01-01\n")
    found = {name: values.tolist() for name, values in climate.items()}
    assert found == {
        "temperature_max_day": [[9.1]] * 3, "temperature_min_day": [[3.0]] * 3,
        "temperature_mean_day": [[6.2]] * 3, "relative_humidity_mean_day": [[80.0]] * 3,
        "precipitation_day": [[0.0]] * 3,
    }
    assert list(table("date,tmax\n2014-01-01,9\n")) == ["temperature_max_day"]


def test_places_are_known_by_code_and_by_name(table: Read):
    """In the order of the district; a place without a line is missing."""
    lines = "500153111,2014-01-01,3\n昌元街道,2014-01-01,1\n"
    rain = table(f"place,date,rain\n{lines}Tonggu,2014-01-02,4\n")["precipitation_day"]
    np.testing.assert_array_equal(rain, [[1, np.nan], [np.nan, np.nan], [3, 4]])


def test_days_and_cells_that_are_not_there_are_nan(table: Read):
    """Whatever the order of the lines; an empty line is no day."""
    climate = table("date,rain,tmax\n2014-01-04,4,\n\n2014-01-01,,9\n")
    assert climate.days.size == 4
    np.testing.assert_array_equal(climate["precipitation_day"][0], [np.nan, np.nan, np.nan, 4])
    np.testing.assert_array_equal(climate["temperature_max_day"][0], [9, np.nan, np.nan, np.nan])


def test_a_spreadsheet_puts_a_mark_first(table: Read):
    """UTF-8 with a byte order mark, blanks and CRLF are read as well."""
    climate = table("\ufeffdate, rain\r\n2014/1/1, 2.0\r\n")
    assert climate["precipitation_day"][0, 0] == 2.0
    assert climate.source == "file station.csv, 2014-01-01 to 2014-01-01"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("date,rain\n2014-01-01,wet\n", "line 2, column rain: 'wet' is no number from 0 to"),
        ("date,rain\n2014-01-01,1\n2014-01-02,999999\n", "line 3, column rain: '999999' .* empty"),
        ("date,rain\n2014-01-01,-0.1\n", "line 2, column rain"),
        ("date,rain\n2014-01-01,nan\n", "line 2, column rain: 'nan'"),
        ("date,tmax\n2014-01-01,55.1\n", "line 2, column tmax: '55.1' .* -30 to 55 °C"),
        ("date,rh\n2014-01-01,101\n", "line 2, column rh: .* 0 to 100 %"),
        ("date,rain\n01.01.2014,1\n", "line 2, column date: '01.01.2014' is no day; write it as"),
        ("date,rain\n2014-02-29,1\n", "line 2, column date: '2014-02-29' is no day"),
        ("date,rain\n2014-01/01,1\n", "line 2, column date"),
        ("date,rain\n0214-01-01,1\n", "line 2, column date"),
        ("date,rain\n2014-01-01,1\n2014/1/1,1\n", "line 3, column date: 2014-01-01 .* twice"),
        ("date,place,rain\n2014-01-01,重庆,1\n", "line 2, column place: '重庆' is no town"),
        ("date,rain\n2014-01-01\n", "line 2, column rain: 1 cells of 2; fill the line up"),
        ("date,rain\n", "line 2, column date: there is no line of figures"),
        ("date,tmx\n", "line 1, column tmx: the column is unknown; name each once of date, place"),
        ("date,rain,rain\n", "line 1, column rain: the column stands there twice"),
        ("date,place\n", "line 1, column date: the columns do not do"),
        ("rain\n1\n", "line 1, column date: the columns do not do; write date"),
        ("", "line 1, column date: the columns do not do"),
        ('date,rain\n"' + "x" * 200_000, "is no CSV file"),
    ],
)
def test_a_mistake_in_a_table_is_named(table: Read, text: str, sentence: str):
    """File, line, column and what to do, in one sentence; nothing is guessed."""
    with pytest.raises(ConfigMistake, match=rf"station\.csv.*{sentence}"):
        table(text)


def test_a_table_in_another_code_is_refused(tmp_path: Path):
    """GBK would turn names into others."""
    path = tmp_path / "station.csv"
    path.write_bytes("date,place,rain\n2014-01-01,昌元街道,1\n".encode("gbk"))
    with pytest.raises(ConfigMistake, match="not written in UTF-8; save it as CSV UTF-8"):
        read_climate_csv(path, TOWNS)


def test_a_table_that_is_not_there_is_named(tmp_path: Path):
    """With the path that was asked for."""
    with pytest.raises(ConfigMistake, match=r"nowhere\.csv cannot be read .*check the path"):
        read_climate_csv(tmp_path / "nowhere.csv", TOWNS)
