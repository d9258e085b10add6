"""Day by day the run of hot days grows by one, breaks, or stays unknown; a stop loses nothing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from simulators.small_district import small_district

from alerts.record import ledger
from ingest.batch import Batch
from ingest.block import View
from ingest.database import reading, writing
from ingest.source import Feed
from ingest.sources.recorded import Recorded
from pipeline.config import SourceBlock, load
from pipeline.derive import derive, derive_days, due
from pipeline.settings import Settings
from pipeline.view import DERIVED
from pipeline.wiring import build
from pipeline.work import jobs, run_derive

CONFIG = Path(__file__).resolve().parents[2] / "config"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MIDNIGHT = datetime(2022, 8, 17, 16, tzinfo=UTC)
DUE = MIDNIGHT + timedelta(minutes=30)
NAN = float("nan")


@pytest.fixture
def ports(tmp_path):
    """Three towns, one source, an empty database."""
    block = SourceBlock(
        name="station", feed=Feed(kind="recorded", every=HOUR),
        source=Recorded(event="heatwave-2022-08"),
    )
    config = replace(load(CONFIG), sources={"station": block}, district=small_district())
    opened = build(config, Settings(config=CONFIG, data=tmp_path, database="sqlite://"))
    yield opened
    opened.close()


def report(ports, day, *maxima, known=None, hours=range(24)):
    """The hours of a Beijing day (0 is the one that ended at MIDNIGHT), warmest at 16:00."""
    kept = list(hours)
    values = np.full((3, 24), 25.0)
    values[:, 16] = maxima if len(maxima) == 3 else maxima * 3
    first = MIDNIGHT + (day - 1) * DAY
    at = np.datetime64(first.replace(tzinfo=None), "s") + np.array(kept) * np.timedelta64(3600, "s")
    batch = Batch(
        source="station", kind="observation", issued_at=first + DAY,
        available_at=known or first + DAY, places=ports.view.places, valid_at=at,
        values={"temperature_2m": values[:, kept]},
    )
    with writing(ports.engine) as connection:
        ports.archive.append(connection, [batch])


def run(ports, now):
    """Derive at a moment; what is then known of the day that ended last, None where nothing is."""
    with writing(ports.engine) as connection:
        derive(connection, now, ports, now - DAY)
    found = days(ports, now)[:, -1]
    return None if np.isnan(found).all() else found.tolist()


def days(ports, now, quantity="hot_day_run", **keys):
    """What a look at a moment shows of days: (town, day), the last being the one that ended last."""
    view = View(
        places=ports.view.places, quantities=(quantity,), hours_back=1, hours_ahead=0,
        sources=(DERIVED,), remembering=(DERIVED,), **{"days_back": 5, **keys},
    )
    with reading(ports.engine) as connection:
        return ports.archive.block(connection, [now], view)[quantity].values[0]


def known(ports, now, quantity="hot_day_run"):
    """The day that ended last, in the first town."""
    return days(ports, now, quantity)[0, -1]


def batches(ports):
    """Every derived batch, as (kind, number of days)."""
    with reading(ports.engine) as connection:
        view = View(
            places=ports.view.places, quantities=("hot_day_run",), hours_back=1, hours_ahead=0,
            sources=(DERIVED,), remembering=(DERIVED,), days_back=40,
        )
        ports.archive.block(connection, [DUE + 30 * DAY], view)
        query = "SELECT kind, issued_at FROM batch WHERE source = 'derived' ORDER BY id"
        return connection.exec_driver_sql(query).all()


# --- days ---


def test_a_run_grows_day_by_day_and_ends_with_a_cool_one(ports):
    """35.0 is hot, 34.9 is not."""
    found = []
    for day, maximum in enumerate((36.0, 35.0, 34.9, 35.1)):
        report(ports, day, maximum)
        found.append(run(ports, DUE + day * DAY)[0])
    assert found == [1, 2, 0, 1]


def test_towns_have_runs_of_their_own(ports):
    """The cool town starts again, the others go on."""
    report(ports, 0, 36.0)
    run(ports, DUE)
    report(ports, 1, 36.0, 30.0, 36.0)
    assert run(ports, DUE + DAY) == [2, 0, 2]


@pytest.mark.parametrize(("hot_hour", "expected"), [(15, 0), (16, 1), (39, 1), (40, 0)])
def test_a_day_begins_at_16_utc(ports, hot_hour, expected):
    """Of the hours from 00 UTC on 16 August, only the 24 from 16:00 on make the Beijing day."""
    first = datetime(2022, 8, 16, tzinfo=UTC)
    values = np.full((3, 48), 25.0)
    values[:, hot_hour] = 36.0
    at = np.datetime64(first.replace(tzinfo=None), "s") + np.arange(48) * np.timedelta64(3600, "s")
    batch = Batch(
        source="station", kind="observation", issued_at=DUE, available_at=DUE,
        places=ports.view.places, valid_at=at, values={"temperature_2m": values},
    )
    with writing(ports.engine) as connection:
        ports.archive.append(connection, [batch])
    assert run(ports, DUE)[0] == expected


def test_a_derived_value_stands_at_the_end_of_its_day_and_is_known_from_then_on(ports):
    """It is a batch like any other: not known before it was worked out."""
    report(ports, 0, 36.5)
    run(ports, DUE)
    assert np.isnan(known(ports, DUE - timedelta(seconds=1)))
    assert known(ports, DUE) == 1
    assert known(ports, DUE, "temperature_max_day") == 36.5


def test_without_a_single_hour_nothing_is_derived(ports):
    """No day is made up."""
    assert run(ports, DUE) is None


# --- missing and late ---


@pytest.mark.parametrize(("missing", "expected"), [((0, 1), 1.0), ((0, 1, 2), NAN), ((20, 21, 22, 23), NAN)])
def test_a_day_with_a_long_gap_is_unknown(ports, missing, expected):
    """Its maximum may lie there."""
    report(ports, 0, 36.0, hours=[hour for hour in range(24) if hour not in missing])
    found = run(ports, DUE)
    assert found is None if np.isnan(expected) else found[0] == expected


def test_a_missing_day_breaks_a_run(ports):
    """It is not known to have been hot, so the run starts again as a lower bound."""
    report(ports, 0, 36.0)
    run(ports, DUE)
    run(ports, DUE + DAY)
    report(ports, 2, 36.0)
    assert run(ports, DUE + 2 * DAY)[0] == 1


def test_a_cool_day_that_was_not_derived_is_not_jumped_over(ports):
    """The service stood still for a day; the run before it does not go on."""
    report(ports, 0, 36.0)
    assert run(ports, DUE)[0] == 1
    report(ports, 1, 30.0)
    report(ports, 2, 36.0)
    assert run(ports, DUE + 2 * DAY)[0] == 1


def test_hot_days_during_a_stop_are_counted_when_their_hours_are_there(ports):
    """After two days of standstill the run is what it would have been."""
    report(ports, 0, 36.0)
    run(ports, DUE)
    for day in (1, 2, 3):
        report(ports, day, 36.0, known=DUE + 3 * DAY)
    assert run(ports, DUE + 3 * DAY)[0] == 4


def test_a_late_report_mends_the_run(ports):
    """The missing day comes in a day later: the next run counts it, and the old answer stays readable."""
    report(ports, 0, 36.0)
    run(ports, DUE)
    run(ports, DUE + DAY)
    report(ports, 1, 36.0, known=DUE + DAY + HOUR)
    report(ports, 2, 36.0)
    assert run(ports, DUE + 2 * DAY)[0] == 3
    assert np.isnan(known(ports, DUE + DAY + 2 * HOUR))


def test_a_report_dated_before_a_run_that_did_not_see_it_is_not_lost(ports):
    """It was still being written while the job ran."""
    report(ports, 0, 36.0)
    run(ports, DUE)
    run(ports, DUE + DAY)
    report(ports, 1, 36.0, known=DUE + DAY - timedelta(minutes=1))
    with writing(ports.engine) as connection:
        derive(connection, DUE + 2 * DAY, ports, DUE + DAY)
    assert days(ports, DUE + 2 * DAY)[0, -2] == 2


def test_days_of_which_nothing_new_is_told_are_not_derived_again(ports):
    """Only the last one is, whatever happens; of the others nothing can have changed."""
    for day in (0, 1, 2):
        report(ports, day, 36.0)
    with writing(ports.engine) as connection:
        derive(connection, DUE + 2 * DAY, ports, DUE + 2 * DAY + HOUR)
    np.testing.assert_array_equal(days(ports, DUE + 2 * DAY)[0], [NAN] * 4 + [1])


def test_a_report_that_comes_a_week_late_changes_that_day_and_all_after_it(ports):
    """The missing day is filled in, the run is as long as it was, and the old answer stays readable."""
    for day in (0, 2, 3, 4, 5, 6, 7):
        report(ports, day, 36.0)
        run(ports, DUE + day * DAY)
    assert known(ports, DUE + 7 * DAY) == 6
    report(ports, 1, 36.0, known=DUE + 7 * DAY + HOUR)
    assert run(ports, DUE + 7 * DAY + 2 * HOUR)[0] == 8
    assert days(ports, DUE + 7 * DAY + 2 * HOUR, days_back=8)[0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert known(ports, DUE + 7 * DAY + HOUR) == 6


def test_deriving_again_without_news_archives_nothing(ports):
    """Only what differs from what is archived is said again."""
    report(ports, 0, 36.0)
    run(ports, DUE)
    before = batches(ports)
    run(ports, DUE + timedelta(minutes=5))
    assert batches(ports) == before


def test_what_comes_later_changes_no_earlier_day(ports):
    """Nothing known only tomorrow is used today."""
    report(ports, 0, 36.0, known=DUE + HOUR)
    assert run(ports, DUE) is None
    assert run(ports, DUE + 2 * HOUR)[0] == 1


# --- when ---


NOON = DUE + 13 * HOUR
EVENING = DUE + 20 * HOUR


@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        (DUE - HOUR, None, DUE), (DUE, None, DUE), (DUE + timedelta(seconds=1), None, NOON),
        (DUE + HOUR, DUE - DAY, DUE - DAY + 13 * HOUR), (DUE + HOUR, DUE, NOON),
        (NOON, DUE, NOON), (NOON, NOON, EVENING), (EVENING, EVENING, DUE + DAY),
        (DUE + 9 * DAY, DUE, NOON), (DUE, EVENING - DAY, DUE),
    ],
)
def test_it_is_due_half_an_hour_after_each_end_of_a_day(now, last, expected):
    """At midnight, at noon by the sun and at 20 o'clock; what was missed is due at once."""
    assert due(now, last) == expected


@pytest.mark.parametrize(
    ("told", "late"),
    [
        (MIDNIGHT + HOUR, False), (MIDNIGHT, True), (MIDNIGHT - 5 * HOUR, True),
        (MIDNIGHT - 9 * DAY, True), (None, False),
    ],
)
def test_a_report_of_a_day_that_had_ended_makes_it_due_at_once(told, late):
    """The last hour of a day that came in too late for its run, or a whole day of last week."""
    now = DUE + 2 * HOUR
    assert due(now, DUE, told) == (now if late else NOON)


def test_a_first_report_of_past_days_makes_it_due_before_any_end_of_a_day():
    """A fresh installation judges what its first pull tells of, not only from tomorrow on."""
    assert due(DUE + HOUR, None, MIDNIGHT - 3 * DAY) == DUE + HOUR
    assert due(DUE + HOUR, None, MIDNIGHT + HOUR) == NOON


@pytest.mark.parametrize("at", [DUE, DUE + timedelta(seconds=1), DUE + 12 * HOUR])
def test_two_runs_for_one_end_are_impossible(at):
    """Whenever it ran, it is next due after the next end of a day."""
    assert due(at, at) == NOON


def job(ports):
    """The daily job of the daemon."""
    return next(job for job in jobs(ports) if job.name == "derive")


def test_a_restart_knows_that_it_ran(ports):
    """The ledger says so, in the same commit as the batch."""
    assert job(ports).due(DUE) == DUE
    report(ports, 0, 36.0)
    run_derive(DUE, ports)
    assert job(ports).due(DUE + HOUR) == NOON
    with reading(ports.engine) as connection:
        assert ledger.last_run(connection, "derive").detail == "1 batches"


def test_a_late_report_is_derived_by_the_daemon_without_waiting(ports):
    """The job is due the moment the report is known, and then no more."""
    report(ports, 0, 36.0)
    run_derive(DUE, ports)
    report(ports, -1, 36.0, known=DUE + HOUR)
    assert job(ports).due(DUE + HOUR - timedelta(seconds=1)) == NOON
    assert job(ports).due(DUE + HOUR) == DUE + HOUR
    run_derive(DUE + HOUR, ports)
    assert known(ports, DUE + HOUR) == 2
    assert job(ports).due(DUE + HOUR) == NOON


def test_a_replay_runs_the_job_when_the_daemon_would(ports):
    """At the ends of days and at once for a late report: the same values known at the same moments."""
    for day, late in ((0, 0), (1, 5), (2, 0)):
        report(ports, day, 36.0, known=MIDNIGHT + day * DAY + late * HOUR)
    with writing(ports.engine) as connection:
        derive_days(connection, MIDNIGHT, MIDNIGHT + 3 * DAY, ports)
    looks = [DUE, DUE + DAY, DUE + DAY + 5 * HOUR, DUE + 2 * DAY]
    found = [known(ports, look) for look in looks]
    np.testing.assert_array_equal(found, [1, NAN, 2, 3])


def test_a_run_without_data_is_a_run(ports):
    """It is not tried every second until the next day."""
    run_derive(DUE, ports)
    assert job(ports).due(DUE) == NOON
    with reading(ports.engine) as connection:
        assert ledger.last_run(connection, "derive").detail == "nothing new"


def test_the_days_of_these_tests_are_those_of_beijing():
    """MIDNIGHT begins 18 August there."""
    assert (MIDNIGHT + timedelta(hours=8)).date() == date(2022, 8, 18)
