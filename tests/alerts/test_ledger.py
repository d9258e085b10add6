"""Which ticks and runs took place."""

from datetime import timedelta

import pytest
from fakes import AT, HOUR
from sqlalchemy import Connection, func, select

from alerts.record import ledger, tables
from alerts.record.ledger import Run, Tick


def ran(minutes: int = 0, job: str = "pull open_meteo", **parts) -> Run:
    """A run so many minutes after the start."""
    return Run(**{"job": job, "at": AT + timedelta(minutes=minutes), "outcome": "ok", "detail": "", **parts})


def ticked(hours: int = 0, transitions: int = 0) -> Tick:
    """A tick so many hours after the start."""
    return Tick(at=AT + hours * HOUR, transitions=transitions, still={"heat": "calm"}, unknown={"heat": 2})


def test_nothing_ran_before_the_first_time(connection: Connection):
    """None, not a moment long ago."""
    assert ledger.last_run(connection, "derive") is None
    assert ledger.last_tick(connection) is None
    assert ledger.newest_moment(connection) is None


def test_the_last_run_of_a_job_is_its_own(connection: Connection):
    """Other jobs do not count, and everything comes back."""
    last = ran(5, outcome="failed", detail="timed out", not_before=AT + HOUR)
    for run in (ran(0), last, ran(9, job="derive")):
        ledger.record_run(connection, run)
    assert ledger.last_run(connection, "pull open_meteo") == last


def test_the_last_run_is_the_one_written_last(connection: Connection):
    """Even where the clock of the machine stood still or went back."""
    for minutes in (5, 5, 3):
        ledger.record_run(connection, ran(minutes, detail=str(minutes)))
    assert ledger.last_run(connection, "pull open_meteo").detail == "3"


@pytest.mark.parametrize(("runs", "kept"), [(499, 499), (500, 500), (501, 500), (503, 500)])
def test_the_newest_five_hundred_runs_of_a_job_are_kept(connection: Connection, runs: int, kept: int):
    """The oldest go; another job's one run stays."""
    ledger.record_run(connection, ran(job="derive"))
    for minutes in range(runs):
        ledger.record_run(connection, ran(minutes))
    mine = tables.run.c.job == "pull open_meteo"
    count, oldest = connection.execute(
        select(func.count(), func.min(tables.run.c.at)).where(mine)
    ).one()
    assert (count, oldest) == (kept, AT + timedelta(minutes=runs - kept))
    assert ledger.last_run(connection, "derive") == ran(job="derive")


def test_ticks_come_back_in_order(connection: Connection):
    """However they were written."""
    for hours in (2, 0, 1):
        ledger.record_tick(connection, ticked(hours))
    assert ledger.ticks(connection) == [ticked(0), ticked(1), ticked(2)]
    assert ledger.last_tick(connection) == ticked(2)


def test_a_second_tick_at_a_moment_replaces_the_first(connection: Connection):
    """One moment has one account."""
    ledger.record_tick(connection, ticked(0, transitions=1))
    ledger.record_tick(connection, ticked(0, transitions=0))
    assert ledger.ticks(connection) == [ticked(0)]


@pytest.mark.parametrize(("run", "tick", "newest"), [(90, None, 1.5), (None, 2, 2), (90, 2, 2), (180, 2, 3)])
def test_a_clock_resumes_at_whatever_happened_last(connection: Connection, run, tick, newest: float):
    """A run or a tick, whichever is later."""
    if run is not None:
        ledger.record_run(connection, ran(run))
    if tick is not None:
        ledger.record_tick(connection, ticked(tick))
    assert ledger.newest_moment(connection) == AT + newest * HOUR
