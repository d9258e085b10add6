"""A pull archives all of an answer or nothing, and never stops the daemon."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulators import open_meteo as simulated
from simulators.open_meteo import OpenMeteoServer
from simulators.small_district import small_district
from sqlalchemy import text

from alerts.record import ledger
from ingest.batch import Batch
from ingest.database import reading
from ingest.errors import SourceError
from ingest.http import HttpClient
from ingest.source import Feed
from ingest.sources.open_meteo import OpenMeteo
from pipeline.config import SourceBlock, load
from pipeline.daemon import Daemon, SimulatedClock
from pipeline.pull import job_name, pull
from pipeline.settings import Settings
from pipeline.wiring import build
from pipeline.work import jobs

CONFIG = Path(__file__).resolve().parents[2] / "config"
NOW = datetime(2022, 8, 18, 6, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """A source that says what it is told to say, and remembers what it was asked."""

    answers: list[Any] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    def fetch(self, name, request):
        """The next answer, or the next error."""
        self.asked.append(request)
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, SourceError):
            raise answer
        return [batch and replace(batch, source=name) for batch in answer]


def opened(tmp_path, source):
    """The shipped configuration with three towns and one source called `feed`."""
    block = SourceBlock(name="feed", feed=Feed(kind="scripted", every=HOUR), source=source)
    config = replace(load(CONFIG), sources={"feed": block}, district=small_district())
    return build(config, Settings(config=CONFIG, data=tmp_path, database=f"sqlite:///{tmp_path}/f.db"))


@pytest.fixture
def source():
    """A source without answers."""
    return Scripted()


@pytest.fixture
def ports(tmp_path, source):
    """A house that asks it."""
    doors = opened(tmp_path, source)
    yield doors
    doors.close()


def observed(*values, at=NOW, known=NOW):
    """One hour of the three towns."""
    hour = np.datetime64(at.replace(minute=0, tzinfo=None), "s")
    return Batch(
        source="", kind="observation", issued_at=known, available_at=known,
        places=small_district().place_ids, valid_at=np.array([hour]),
        values={"temperature_2m": np.array(values, dtype=float).reshape(3, 1)},
    )


def batches(ports):
    """Number of batches in the archive."""
    with reading(ports.engine) as connection:
        return connection.scalar(text("SELECT count(*) FROM batch"))


def last(ports):
    """The last entry of the ledger."""
    with reading(ports.engine) as connection:
        return ledger.last_run(connection, job_name("feed"))


def next_pull(ports, now):
    """When the job is due again."""
    return next(job for job in jobs(ports) if job.name == job_name("feed")).due(now)


# --- an answer ---


def test_an_answer_is_archived_with_its_entry_in_the_ledger(ports, source):
    """Both are one commit."""
    source.answers.append([observed(30, 31, 32)])
    assert pull("feed", NOW, ports).batches == 1
    assert batches(ports) == 1
    assert (last(ports).outcome, last(ports).detail, last(ports).at) == ("ok", "1 batches", NOW)


def test_a_source_is_told_when_it_last_answered(ports, source):
    """First never, then the moment of the last pull, whatever times its batches carry."""
    source.answers.extend([[observed(30, 31, 32, known=NOW - HOUR)], []])
    pull("feed", NOW, ports)
    pull("feed", NOW + HOUR, ports)
    assert [request.since for request in source.asked] == [None, NOW]
    assert [request.now for request in source.asked] == [NOW, NOW + HOUR]
    assert {request.every for request in source.asked} == {HOUR}


def test_what_we_hold_already_is_not_new(ports, source):
    """A source that repeats itself costs no row."""
    source.answers.extend([[observed(30, 31, 32)]] * 2)
    assert [pull("feed", NOW, ports).batches for _ in range(2)] == [1, 0]
    assert batches(ports) == 1


def test_masked_values_are_counted(ports, source):
    """The operator reads how many, and why."""
    source.answers.append([observed(30, 99, -99)])
    assert pull("feed", NOW, ports).masked == {"RANGE": 2}
    assert last(ports).detail == "1 batches; masked 2 RANGE"


def test_a_value_is_checked_against_the_hour_before(ports, source):
    """Which came with the pull before, or earlier in the same answer."""
    source.answers.extend([
        [observed(30, 30, 30)],
        [observed(30, 43, 30, at=NOW + HOUR), observed(30, 30, 43, at=NOW + 2 * HOUR)],
    ])
    pull("feed", NOW, ports)
    assert pull("feed", NOW + 2 * HOUR, ports).masked == {"STEP": 2}


# --- no answer ---


@pytest.mark.parametrize("pause", [None, timedelta(minutes=90)])
def test_a_source_that_fails_leaves_a_failed_run_and_nothing_else(ports, source, pause):
    """With its sentence, and with the pause it asked for."""
    source.answers.append(SourceError("the mast fell over", retry_after=pause))
    assert pull("feed", NOW, ports).batches == 0
    assert batches(ports) == 0
    run = last(ports)
    assert (run.outcome, run.detail) == ("failed", "the mast fell over")
    assert run.not_before == (NOW + pause if pause else None)


@pytest.mark.parametrize(
    ("pause", "again"), [(None, HOUR), (timedelta(minutes=10), HOUR), (3 * HOUR, 3 * HOUR)]
)
def test_a_source_is_asked_again_at_its_turn_and_not_before_it_allows(ports, source, pause, again):
    """The longer of the two pauses counts, also after a restart."""
    source.answers.append(SourceError("too often", retry_after=pause))
    assert next_pull(ports, NOW) == NOW
    pull("feed", NOW, ports)
    assert next_pull(ports, NOW) == NOW + again


def test_after_a_failure_the_next_answer_counts(ports, source):
    """The pause is forgotten with it."""
    source.answers.extend([SourceError("down", retry_after=timedelta(days=1)), [observed(30, 31, 32)]])
    pull("feed", NOW, ports)
    pull("feed", NOW + timedelta(days=1), ports)
    assert (last(ports).outcome, last(ports).not_before) == ("ok", None)
    assert next_pull(ports, NOW) == NOW + timedelta(days=1) + HOUR


def test_an_answer_that_cannot_be_kept_is_not_half_kept(ports, source):
    """A mistake in its second part takes the first part back."""
    source.answers.append([observed(30, 31, 32), None])
    with pytest.raises(AttributeError):
        pull("feed", NOW, ports)
    assert batches(ports) == 0


# --- the daemon goes on ---

OUTCOMES = "SELECT outcome FROM run WHERE job = 'pull feed' ORDER BY id"
MISBEHAVIOURS = {
    "web page": simulated.body(b"<!DOCTYPE html><title>Login</title>"),
    "truncated": simulated.truncated,
    "cut off": simulated.cut_off,
    "empty": simulated.body(b""),
    "error": simulated.status(503, "The service is overloaded"),
    "limit": simulated.limit("hourly"),
}


@pytest.mark.parametrize("how", MISBEHAVIOURS)
def test_the_daemon_outlives_whatever_a_server_answers(tmp_path, how):
    """Each spoilt pull leaves its entry; when the server is well again, the weather comes in."""
    with OpenMeteoServer(now=NOW) as server, HttpClient(sleep=lambda seconds: None) as http:
        doors = opened(tmp_path, OpenMeteo(base_url=server.url, past_days=1, forecast_days=4))
        daemon, clock = Daemon(ports=replace(doors, http=http)), SimulatedClock(at=NOW)
        server.always = MISBEHAVIOURS[how]
        daemon.simulate(clock, NOW + HOUR)
        server.always = None
        daemon.simulate(clock, NOW + 3 * HOUR)
        with reading(doors.engine) as connection:
            found = list(connection.scalars(text(OUTCOMES)))
        doors.close()
    assert (found[0], found[-1]) == ("failed", "ok")
    assert found == sorted(found)


def test_a_failed_pull_is_no_answer(ports, source):
    """What was missed while the source was down is asked for again."""
    source.answers.extend([[observed(30, 31, 32)], SourceError("down"), []])
    for hours in range(3):
        pull("feed", NOW + hours * HOUR, ports)
    assert source.asked[-1].since == NOW
