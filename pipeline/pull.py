"""A pull: ask one source what is new, check it, archive it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from alerts.record import ledger
from ingest.archive import Archive
from ingest.batch import Batch
from ingest.database import reading, writing
from ingest.errors import SourceError
from ingest.quality import HISTORY_HOURS, check, describe
from ingest.source import Request
from pipeline.ports import Ports

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What one pull brought."""

    batches: int
    """New batches."""
    masked: dict[str, int]
    """Name of a quality flag -> number of values it masked."""


def pull(
    name: str, now: datetime, ports: Ports, clock: Callable[[], datetime] | None = None
) -> Pulled:
    """Fetch what is new from the source called `name` and archive it in one commit.

    With a `clock`, what was fetched became known at the moment of the commit and not before: a tick that
    passed during a slow fetch has not seen it, and the next one comes at once.

    A source that cannot be read leaves a failed run in the ledger, with the pause it asked for, and is
    asked again at its next turn; nothing of a half answer is kept.
    """
    job = job_name(name)
    with reading(ports.engine) as connection:
        since = ledger.last_success(connection, job)
    request = Request(
        now=now,
        since=since,
        district=ports.config.district,
        http=ports.http,
        reveal=ports.reveal,
        every=ports.config.sources[name].feed.every,
    )
    try:
        batches = ports.config.sources[name].source.fetch(name, request)
    except SourceError as error:
        _failed(job, now, error, ports)
        return Pulled(batches=0, masked={})
    with writing(ports.engine) as connection:
        if clock is not None:
            # Read while no tick can write: none after it can miss what none before it has seen.
            moment = clock()
            batches = [_known(batch, moment) for batch in batches]
        pulled = take_in(connection, ports.archive, batches)
        detail = f"{pulled.batches} batches" + _in_words(pulled.masked)
        ledger.record_run(connection, ledger.Run(job=job, at=now, outcome="ok", detail=detail))
    return pulled


def _known(batch: Batch, moment: datetime) -> Batch:
    return replace(batch, available_at=max(batch.available_at, moment))


def job_name(source: str) -> str:
    """Name of a source's pull in the ledger."""
    return f"pull {source}"


def take_in(connection: Connection, archive: Archive, batches: Iterable[Batch]) -> Pulled:
    """Check batches in the order they came and append them."""
    count = 0
    masked: dict[str, int] = {}
    for batch in batches:
        observed = batch.kind == "observation"
        recent = archive.recent(connection, batch, HISTORY_HOURS) if observed else None
        checked = check(batch, recent)
        count += archive.append(connection, [checked])
        for bits in checked.flags.values():
            for flag, number in describe(bits).items():
                masked[flag] = masked.get(flag, 0) + number
    return Pulled(batches=count, masked={k: v for k, v in masked.items() if k in _MASKING})


_MASKING = frozenset({"RANGE", "STEP", "STUCK", "SPATIAL"})


def _failed(job: str, now: datetime, error: SourceError, ports: Ports) -> None:
    log.warning("source could not be read: %s", error, extra={"action": "pull_failed", "job": job})
    not_before = now + error.retry_after if error.retry_after else None
    with writing(ports.engine) as connection:
        entry = ledger.Run(
            job=job, at=now, outcome="failed", detail=str(error), not_before=not_before
        )
        ledger.record_run(connection, entry)


def _in_words(masked: dict[str, int]) -> str:
    if not masked:
        return ""
    return "; masked " + ", ".join(f"{number} {flag}" for flag, number in sorted(masked.items()))
