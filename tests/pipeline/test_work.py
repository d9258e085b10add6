"""The errands of the daemon: what a look found due is done without asking again."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from stage import ALARM, alarmed

from alerts.answers import errands
from alerts.answers.errands import Errand
from pipeline.guard import Drift
from pipeline.ports import Ports
from pipeline.work import Job, jobs

MINUTE = timedelta(minutes=1)


def errand_job(ports: Ports, drift: Drift | None = None) -> Job:
    """The job that does what falls due by itself; with a drift, that of a real clock."""
    return next(job for job in jobs(ports, drift=drift) if job.name == "escalate")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each errand was asked when it is due."""
    count: Counter[str] = Counter()

    def counting(errand: Errand) -> Errand:
        def due(connection):
            count[errand.name] += 1
            return errand.due(connection)

        return Errand(name=errand.name, due=due, run=errand.run, after=errand.after)

    monkeypatch.setattr(errands, "ERRANDS", tuple(map(counting, errands.ERRANDS)))
    return count


@pytest.mark.parametrize("drift", [None, timedelta], ids=["simulated", "real"])
def test_a_look_asks_each_errand_once(tmp_path: Path, asked: Counter[str], drift: Drift | None):
    """Whether something is due or not: five minutes after a red the deputies are called."""
    with alarmed(tmp_path) as ports:
        job = errand_job(ports, drift)
        for minutes in (0, 1):
            assert job.due(ALARM + minutes * MINUTE) is not None
        job.run(ALARM + MINUTE)
        assert set(asked.values()) == {2}


def test_after_a_gap_what_is_due_is_asked_anew(tmp_path: Path, asked: Counter[str]):
    """What was known before the machine slept is no longer true."""
    with alarmed(tmp_path) as ports:
        job = errand_job(ports, timedelta)
        job.due(ALARM)
        before = Counter(asked)
        later = ALARM + 30 * MINUTE
        assert job.due(later) == later
        assert asked == before
        taken = job.run(later)
        assert asked == Counter(dict.fromkeys(before, 2))
    assert isinstance(taken, list)
    assert {notice.step for notice in taken} == {1}
