"""The bundled event and the source that tells it as if it were happening."""

import csv
import json
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from ingest.batch import MASKING, Flag
from ingest.errors import UnknownName
from ingest.http import HttpClient
from ingest.places import District, Place, Station
from ingest.quality import check
from ingest.recordings import BUNDLED
from ingest.source import Request
from ingest.sources.recorded import Recorded

EVENT = "heatwave-2022-08"
T = "temperature_2m"
HOUR = timedelta(hours=1)
START = datetime(2022, 7, 19, 16, tzinfo=UTC)
END = datetime(2022, 9, 5, 15, tzinfo=UTC)
REAL = datetime(2022, 8, 10, 0, tzinfo=UTC)
REAL_END = datetime(2022, 8, 28, 23, tzinfo=UTC)
LONG_AFTER = datetime(2023, 1, 1, tzinfo=UTC)
OTHERS = (
    "relative_humidity_2m", "wind_speed_10m", "wind_direction_10m", "shortwave_radiation",
    "soil_moisture_0_to_7cm", "precipitation",
)  # fmt: skip


def town(elevation, number=1):
    """A town that differs from others in height only."""
    return Place(
        id=f"500153{number:03d}", name="镇", name_en="Town", lat=29.4, lon=105.6,
        elevation=elevation,
    )


def district(*elevations):
    """A district of towns at these heights."""
    station = Station(id="57505", name="荣昌", lat=29.42, lon=105.58, elevation=338.0)
    towns = tuple(town(height, number) for number, height in enumerate(elevations, 1))
    return District(
        code="500153", name="荣昌区", name_en="Rongchang", boundary="none.geojson",
        station=station, towns=towns,
    )


def fetch(*, now=LONG_AFTER, since=None, heights=(380.0,), **keys):
    """Batches of the bundled event, for one town at the height of the recording."""
    request = Request(now=now, since=since, district=district(*heights), http=HttpClient())
    return Recorded(**{"event": EVENT, **keys}).fetch("rehearsal", request)


def bundled(name):
    """Lines of a file of the bundled event, as mappings of texts."""
    with (BUNDLED / EVENT / name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def hourly(quantity, heights=(380.0,)):
    """A quantity over the whole event (place, hour), with its flags."""
    batches = fetch(heights=heights)
    values = np.concatenate([batch.values[quantity] for batch in batches], axis=1)
    return values, np.concatenate([batch.flags_of(quantity) for batch in batches], axis=1)


def number(moment):
    """Which hour of the event a moment is."""
    return (moment - START) // HOUR


# --- measured and reconstructed ---


def test_measured_hours_are_kept_as_they_are():
    """At the height of the recording every measured temperature is the figure in the file."""
    values, flags = hourly(T)
    real = slice(number(REAL), number(REAL_END) + 1)
    assert values[0, real].tolist() == [float(row[T]) for row in bundled("hourly.csv")]
    assert (flags[0, real] == Flag.ANALYSIS).all()


def test_all_other_temperatures_are_flagged_as_reconstructed():
    """696 hours before and after are drawn, and none of them is missing."""
    values, flags = hourly(T)
    outside = np.delete(flags[0], np.s_[number(REAL) : number(REAL_END) + 1])
    assert outside.size == 1152 - 456
    assert (outside == Flag.RECONSTRUCTED).all()
    assert not np.isnan(values).any()


@pytest.mark.parametrize("quantity", OTHERS)
def test_other_quantities_are_missing_where_nothing_was_recorded(quantity):
    """Nothing but temperature is invented."""
    values, flags = hourly(quantity)
    known = np.zeros(1152, dtype=bool)
    known[number(REAL) : number(REAL_END) + 1] = True
    assert (np.isnan(values[0]) == ~known).all()
    np.testing.assert_array_equal(flags[0], np.where(known, Flag.ANALYSIS, 0))


@pytest.mark.parametrize("quantity", OTHERS)
def test_other_quantities_are_the_figures_in_the_file(quantity):
    """As they are given, to every town, whatever its height."""
    values, _ = hourly(quantity, heights=(300.0, 700.0))
    given = [float(row[quantity]) for row in bundled("hourly.csv")]
    for town_values in values:
        assert town_values[number(REAL) : number(REAL_END) + 1].tolist() == given


def test_a_reconstructed_day_has_exactly_its_recorded_maximum():
    """Every whole UTC day outside the measured ones, at 09 UTC and nowhere higher."""
    values, flags = hourly(T)
    checked = 0
    for row in bundled("daily.csv"):
        first = number(datetime.fromisoformat(row["time"] + "T00:00Z"))
        day = values[0, max(first, 0) : first + 24]
        if first < 0 or day.size < 24 or (flags[0, first] & Flag.ANALYSIS):
            continue
        assert (day.max(), day[9]) == (float(row["temperature_2m_max"]),) * 2
        assert day[21] == float(row["temperature_2m_min"])
        checked += 1
    assert checked == 28


def test_the_curve_runs_through_the_borders_without_a_break():
    """Less than a degree lies between drawn and measured hours, at both ends."""
    values, _ = hourly(T)
    for border in (REAL - HOUR, REAL_END):
        before, after = values[0, number(border) : number(border) + 2]
        assert abs(after - before) < 1.0


def test_the_whole_event_passes_quality_control():
    """The steps of 2-5 °C in the source, and the drawn hours, are believed, live and as a whole."""
    heights = tuple(range(300, 720, 20))
    series = {name: hourly(name, heights)[0] for name in (T, *OTHERS)}
    for batch in fetch(heights=heights, forecasts="perfect"):
        at = number(batch.issued_at)
        recent = {name: told[:, max(0, at - 12) : at] for name, told in series.items()}
        for bits in check(batch, recent).flags.values():
            assert not (bits & MASKING).any()


# --- towns ---


@pytest.mark.parametrize(
    ("height", "colder"), [(380.0, 0.0), (480.0, 0.65), (280.0, -0.65), (711.3, 2.15345)]
)
def test_towns_differ_by_the_lapse_rate(height, colder):
    """6.5 K per km from 380 m, rounded to a tenth."""
    cell, there = hourly(T, heights=(380.0, height))[0]
    assert np.abs(there - (cell - colder)).max() <= 0.05 + 1e-9
    np.testing.assert_array_equal(there, np.round(there, 1))


def test_places_are_those_of_the_district():
    """In the order of the configuration, under the name of the source block."""
    batch = fetch(heights=(300.0, 400.0))[0]
    assert (batch.source, batch.places) == ("rehearsal", ("500153001", "500153002"))


# --- what is told when ---


def test_an_hour_is_told_after_its_delay():
    """One batch per hour, issued at its hour, available five minutes later."""
    batches = fetch()
    assert [batch.issued_at for batch in batches] == [START + n * HOUR for n in range(1152)]
    for batch in batches:
        assert batch.available_at - batch.issued_at == timedelta(minutes=5)
        assert batch.valid_at.tolist() == [batch.issued_at.replace(tzinfo=None)]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (START - HOUR, 0),
        (START + timedelta(minutes=4, seconds=59), 0),
        (START + timedelta(minutes=5), 1),
        (START + timedelta(minutes=64), 1),
        (START + timedelta(minutes=65), 2),
        (END + timedelta(minutes=5), 1152),
        (LONG_AFTER, 1152),
    ],
)
def test_nothing_is_told_before_its_time(now, told):
    """What becomes available exactly now is told; a second later is not."""
    assert len(fetch(now=now)) == told


@pytest.mark.parametrize("forecasts", ["none", "perfect"])
def test_pulls_in_a_row_tell_everything_once(forecasts):
    """Each pull goes on where the last one stopped, at whatever minute it comes."""
    told, since = [], None
    for now in (START, REAL, REAL + timedelta(minutes=5), REAL + 7 * HOUR, END, LONG_AFTER):
        told += fetch(now=now, since=since, forecasts=forecasts)
        since = told[-1].available_at if told else None
    whole = fetch(forecasts=forecasts)
    assert [(b.kind, b.issued_at) for b in told] == [(b.kind, b.issued_at) for b in whole]


@pytest.mark.parametrize("side", ["now", "since"])
def test_a_naive_moment_is_refused(side):
    """A pull without a time zone is a mistake of the caller."""
    with pytest.raises(ValueError, match="no time zone"):
        fetch(**{side: datetime(2022, 8, 18)})


def test_an_unknown_event_is_refused_at_the_pull():
    """Nothing is opened before."""
    with pytest.raises(UnknownName, match=EVENT):
        fetch(event="heatwave-1922")


# --- forecasts ---


def forecasts(**keys):
    """Forecast batches of the bundled event."""
    return [batch for batch in fetch(forecasts="perfect", **keys) if batch.kind == "forecast"]


def test_no_forecast_is_told_unless_asked_for():
    """The recording's own future stays in the recording."""
    assert {batch.kind for batch in fetch()} == {"observation"}


def test_forecasts_are_issued_four_times_a_day():
    """192 of them, at 00, 06, 12 and 18 UTC, available after the delay."""
    issued = [batch.issued_at for batch in forecasts()]
    assert len(issued) == 192
    assert {moment.hour for moment in issued} == {0, 6, 12, 18}
    assert all(later - earlier == 6 * HOUR for earlier, later in pairwise(issued))


@pytest.mark.parametrize(("every", "hours"), [(3, 8), (12, 2), (24, 1)])
def test_forecasts_come_as_often_as_configured(every, hours):
    """Counted from 00 UTC."""
    issued = {batch.issued_at.hour for batch in forecasts(issue_every=every * HOUR)}
    assert len(issued) == hours
    assert 0 in issued


@pytest.mark.parametrize("quantity", [T, *OTHERS])
def test_a_forecast_says_what_the_recording_will_say(quantity):
    """The next 78 hours, every value flagged as a perfect prognosis, NaN where nothing is recorded."""
    values, flags = hourly(quantity)
    for batch in forecasts():
        ahead = slice(number(batch.issued_at) + 1, number(batch.issued_at) + 79)
        if ahead.stop > values.shape[1] or quantity not in batch.values:
            continue
        np.testing.assert_array_equal(batch.values[quantity], values[:, ahead])
        drawn = flags[:, ahead] & Flag.RECONSTRUCTED
        np.testing.assert_array_equal(batch.flags[quantity], drawn | Flag.PERFECT_PROGNOSIS)


def test_a_forecast_has_the_quantities_that_are_recorded_where_it_reaches():
    """Temperature always; the rest where one of the 78 hours lies in 10-28 August."""
    for batch in forecasts():
        reaches = batch.issued_at + 78 * HOUR >= REAL and batch.issued_at < REAL_END
        assert set(batch.values) == ({T, *OTHERS} if reaches else {T})


def test_every_forecast_reaches_its_whole_horizon():
    """Also the last one, which foretells days after the end, drawn from their recorded extremes."""
    last = forecasts()[-1]
    assert last.issued_at == datetime(2022, 9, 5, 12, tzinfo=UTC)
    assert {batch.valid_at.size for batch in forecasts()} == {78}
    assert (last.flags[T] == Flag.RECONSTRUCTED | Flag.PERFECT_PROGNOSIS).all()
    maximum_of_6_september = last.values[T][0, 20]
    assert maximum_of_6_september == 35.8


def test_nothing_is_observed_after_the_end():
    """The days after it are foretold and never told."""
    observed = [batch for batch in fetch(forecasts="perfect") if batch.kind == "observation"]
    assert observed[-1].valid_at[-1] == np.datetime64(END.replace(tzinfo=None))


def test_a_forecast_ends_where_the_recording_ends():
    """Beyond the last figure, the minimum of 12 September, nothing is said."""
    last = forecasts(horizon=timedelta(days=30))[-1]
    assert last.valid_at[-1] == np.datetime64("2022-09-12T21")


def test_a_forecast_starts_at_the_hour_after_its_issue():
    """The hour of issue itself is observed, not foretold."""
    first = forecasts(horizon=24 * HOUR)[0]
    assert first.valid_at[0].item() == first.issued_at.replace(tzinfo=None) + HOUR
    assert first.valid_at.size == 24


def test_batches_come_in_order_with_the_observation_first():
    """By the time they became available; at the same time the observation leads."""
    order = [(batch.available_at, batch.kind == "forecast") for batch in fetch(forecasts="perfect")]
    assert order == sorted(order)


# --- configuration ---


@pytest.mark.parametrize(
    "keys",
    [
        {"issue_every": timedelta(0)},
        {"issue_every": timedelta(minutes=90)},
        {"issue_every": 5 * HOUR},
        {"horizon": timedelta(minutes=30)},
        {"horizon": timedelta(minutes=90)},
        {"delay": timedelta(minutes=-1)},
    ],
)
def test_a_pace_that_does_not_fit_the_day_is_refused(keys):
    """The message names the key."""
    with pytest.raises(ValueError, match=next(iter(keys))):
        Recorded(event=EVENT, **keys)


def test_the_keys_of_a_block_are_its_fields():
    """Durations are written as texts."""
    block = {"event": EVENT, "forecasts": "perfect", "horizon": "24h", "delay": "10m"}
    built = TypeAdapter(Recorded).validate_json(json.dumps(block))
    assert (built.horizon, built.delay) == (24 * HOUR, timedelta(minutes=10))


@pytest.mark.parametrize(
    "wrong", [{"forecasts": "good"}, {"evnt": EVENT}, {"delay": 5}, {"horizon": "30m"}]
)
def test_a_block_with_a_mistake_is_refused(wrong):
    """Unknown keys, other words and bare numbers are not guessed at."""
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        TypeAdapter(Recorded).validate_json(json.dumps({"event": EVENT, **wrong}))


def test_a_folder_works_like_a_name():
    """An event can be given by its path."""
    assert len(fetch(event=str(BUNDLED / EVENT))) == 1152


def test_the_whole_event_is_told_in_half_a_second():
    """1,344 batches for 21 towns; the margin is for a busy machine."""
    fetch()
    begin = time.monotonic()
    assert len(fetch(heights=tuple(range(300, 720, 20)), forecasts="perfect")) == 1344
    assert time.monotonic() - begin < 2.0
