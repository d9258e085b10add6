"""The ledger: which ticks and job runs took place, so that a restart knows where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from alerts.record.tables import run, tick

_KEPT_RUNS = 500

# These run at every look of every job, so they are written once: composing a statement takes longer than
# its answer.
_OF_JOB = run.c.job == bindparam("of_job")
_LAST_RUN = select(run).where(_OF_JOB).order_by(run.c.id.desc()).limit(1)
_LAST_SUCCESS = select(func.max(run.c.at)).where(_OF_JOB, run.c.outcome == "ok")
_OLDEST_KEPT = select(run.c.id).where(_OF_JOB).order_by(run.c.id.desc()).offset(_KEPT_RUNS).limit(1)
_FORGET_RUNS = delete(run).where(_OF_JOB, run.c.id <= _OLDEST_KEPT.scalar_subquery())
_LAST_TICK = select(tick).order_by(tick.c.at.desc()).limit(1)
_FORGET_TICK = delete(tick).where(tick.c.at == bindparam("same"))


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of one job."""

    job: str
    """Name of the job, such as ``pull open_meteo``."""
    at: datetime
    """When it ran."""
    outcome: str
    """``ok``, ``failed`` or ``refused``."""
    detail: str
    """In words, for the operator."""
    not_before: datetime | None = None
    """The job must not run again before this moment."""


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One tick."""

    at: datetime
    """Its now."""
    transitions: int
    """Number of changes it made."""
    still: Mapping[str, str]
    """Hazard -> why nothing changed, for those where nothing did."""
    unknown: Mapping[str, int]
    """Hazard -> number of towns that could not be judged."""


def record_tick(connection: Connection, entry: Tick) -> None:
    """Write a tick down; a second tick at the same moment replaces the first."""
    connection.execute(_FORGET_TICK, {"same": entry.at})
    row = {
        "at": entry.at,
        "transitions": entry.transitions,
        "still": dict(entry.still),
        "unknown": dict(entry.unknown),
    }
    connection.execute(insert(tick), row)


def last_tick(connection: Connection) -> Tick | None:
    """The newest tick; None before the first."""
    row = connection.execute(_LAST_TICK).first()
    if row is None:
        return None
    return Tick(at=row.at, transitions=row.transitions, still=row.still, unknown=row.unknown)


def ticks(connection: Connection) -> list[Tick]:
    """All ticks, oldest first."""
    rows = connection.execute(select(tick).order_by(tick.c.at))
    return [
        Tick(at=row.at, transitions=row.transitions, still=row.still, unknown=row.unknown)
        for row in rows
    ]


def record_run(connection: Connection, entry: Run) -> None:
    """Write a job run down; of each job the newest few hundred are kept."""
    connection.execute(insert(run), asdict(entry))
    connection.execute(_FORGET_RUNS, {"of_job": entry.job})


def last_run(connection: Connection, job: str) -> Run | None:
    """The newest run of a job; None where it never ran."""
    row = connection.execute(_LAST_RUN, {"of_job": job}).first()
    if row is None:
        return None
    return Run(
        job=row.job, at=row.at, outcome=row.outcome, detail=row.detail, not_before=row.not_before
    )


def last_success(connection: Connection, job: str) -> datetime | None:
    """When a job last ran without failing; None where it never did."""
    moment: datetime | None = connection.scalar(_LAST_SUCCESS, {"of_job": job})
    return moment


def newest_moment(connection: Connection) -> datetime | None:
    """The latest moment at which anything ran; a simulated clock resumes here."""
    moments = [
        connection.scalar(select(func.max(column))) for column in (run.c.at, tick.c.at)
    ]
    return max((moment for moment in moments if moment is not None), default=None)
