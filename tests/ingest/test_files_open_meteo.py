"""The past is fetched from Open-Meteo: hours of an analysis, and forecasts as they were issued."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from simulators import previous_runs
from simulators.open_meteo import OpenMeteoServer, limit, weather
from simulators.small_district import TOWNS

from ingest.batch import Batch, Flag
from ingest.errors import BadPayload, SourceError
from ingest.files import Plan, Prognosis
from ingest.files.open_meteo import Line, Question, fetch_forecasts, fetch_hours
from ingest.http import HttpClient

NOW = datetime(2024, 9, 20, tzinfo=UTC)
WARMTH = "temperature_2m"


@pytest.fixture
def server() -> Iterator[OpenMeteoServer]:
    """A server that answers like Open-Meteo."""
    with OpenMeteoServer(now=NOW) as one:
        yield one


@pytest.fixture
def waits() -> list[float]:
    """Pauses that were made [s]."""
    return []


@pytest.fixture
def line(waits: list[float]) -> Iterator[Line]:
    """A way to the server that never really waits."""
    with HttpClient(sleep=waits.append) as http:
        yield Line(http=http, sleep=waits.append)


def question(server: OpenMeteoServer, last: date = date(2024, 8, 21), **changes) -> Question:
    """Some days of August 2024."""
    asked = {"source": "past", "towns": TOWNS} | changes.pop("plan", {})
    return Question(
        plan=Plan(**asked), first=date(2024, 8, 20), last=last, quantities=(WARMTH, "precipitation"),
        base_url=server.archive, **changes,
    )  # fmt: skip


def real(batch: Batch, column: int) -> float:
    """The weather of the first town at an hour of a batch."""
    at = datetime.fromisoformat(f"{batch.valid_at[column]}+00:00")
    return weather(WARMTH, TOWNS[0].lat, TOWNS[0].lon, at)


def test_hours_are_observed_as_an_analysis(server: OpenMeteoServer, line: Line):
    """Each hour is a batch of its own, marked, known a little later."""
    batches = list(fetch_hours(question(server, model="era5"), line))
    assert len(batches) == 48
    assert batches[0].available_at == datetime(2024, 8, 20, 0, 5, tzinfo=UTC)
    assert batches[7].values[WARMTH][0, 0] == real(batches[7], 0)
    assert (batches[0].flags[WARMTH] == Flag.ANALYSIS).all()
    assert server.requests[0].query["models"] == ["era5"]


def test_months_are_asked_one_by_one_with_a_pause(server: OpenMeteoServer, line: Line, waits: list[float]):
    """A long period is many small questions, so that no limit is met and little is lost."""
    list(fetch_hours(question(server, last=date(2024, 9, 5)), line))
    asked = [(seen.query["start_date"][0], seen.query["end_date"][0]) for seen in server.requests]
    assert asked == [("2024-08-20", "2024-08-31"), ("2024-09-01", "2024-09-05")]
    assert len(waits) == 2
    assert min(waits) > 0


def test_a_forecast_holds_only_what_was_said_by_then(server: OpenMeteoServer, line: Line):
    """Its first day is from previous_day1, the next from previous_day2: nothing younger than the issue."""
    previous_runs.told(server)
    days = question(server, days=2, every=timedelta(hours=12), plan={"delay": timedelta(hours=6)})
    batches = list(fetch_forecasts(days, line))
    assert [batch.issued_at.isoformat()[8:13] for batch in batches] == ["20T00", "20T12", "21T00", "21T12"]
    first = batches[0]
    assert (first.kind, first.available_at.hour, first.valid_at.size) == ("forecast", 6, 47)
    behind = [real(first, column) - first.values[WARMTH][0, column] for column in range(47)]
    np.testing.assert_allclose(behind, [0.1] * 24 + [0.2] * 23, atol=1e-6)


def test_forecasts_of_a_month_reach_into_the_next(server: OpenMeteoServer, line: Line):
    """The last issue of a month is as long as any other, and none is told twice."""
    previous_runs.told(server)
    batches = list(fetch_forecasts(question(server, last=date(2024, 9, 3), days=1), line))
    issues = [batch.issued_at for batch in batches]
    assert issues == sorted(set(issues))
    at = issues.index(datetime(2024, 8, 31, 18, tzinfo=UTC))
    assert batches[at].valid_at.size == 24


def test_a_limit_of_the_minute_is_waited_for(server: OpenMeteoServer, line: Line, waits: list[float]):
    """The call is made again after the minute."""
    server.once.append(limit("minutely"))
    assert len(list(fetch_hours(question(server), line))) == 48
    assert 61.0 in waits


def test_another_limit_ends_it_with_the_reason(server: OpenMeteoServer, line: Line):
    """What the server says is shown, with how to go on."""
    server.always = limit("daily")
    with pytest.raises(SourceError, match=r"Daily API request limit.*--resume"):
        list(fetch_hours(question(server), line))


def test_a_unit_that_was_not_asked_for_is_refused(server: OpenMeteoServer, line: Line):
    """Nothing of such an answer is used."""
    server.edit = lambda answers: [one["hourly_units"].update({WARMTH: "°F"}) for one in answers]
    with pytest.raises(BadPayload, match="°F"):
        list(fetch_hours(question(server), line))


def test_perfect_prognosis_is_marked(server: OpenMeteoServer, line: Line):
    """Asked for, forecasts are taken from the analysis itself, and each value says so."""
    asked = question(server, plan={"prognosis": Prognosis(horizon=timedelta(hours=24))})
    told = [batch for batch in fetch_hours(asked, line) if batch.kind == "forecast"]
    assert len(told) == 8
    assert (told[0].flags[WARMTH] == Flag.PERFECT_PROGNOSIS | Flag.ANALYSIS).all()


@pytest.mark.parametrize(
    "changes", [{"days": 0}, {"days": 8}, {"last": date(2024, 8, 1)}, {"every": timedelta(hours=5)}]
)
def test_a_question_that_makes_no_sense_is_refused(server: OpenMeteoServer, changes: dict):
    """Days and pauses have their bounds."""
    with pytest.raises(ValueError, match=r"days|day|hours"):
        question(server, **changes)
