"""What is done once when the daemon starts: the configuration is kept, and a pause is made good."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from alerts.answers import pauses
from alerts.outgoing import desks
from alerts.record import ledger, versions
from alerts.record.ledger import Run
from ingest.database import writing
from pipeline import guard
from pipeline.configuration.folder import contents
from pipeline.ports import Ports

log = logging.getLogger(__name__)


def begin(ports: Ports, now: datetime, last: datetime | None) -> None:
    """Keep the configuration that is in force from now on, and take up work after a pause.

    `last` is the newest moment at which anything ran; None where nothing ever did. After a long pause people
    hear how things stand and not the backlog, and a call goes on with one step and not with all at once.
    """
    service = ports.config.service
    files = versions.without_numbers(contents(ports.config.folder), ports.link_key)
    with writing(ports.engine) as connection:
        new = versions.keep(connection, files, service.changed_by, service.changed_because, now)
        # Sources get their first turn before the guard asks after them.
        ledger.record_run(connection, Run(job=guard.JOB, at=now, outcome="ok", detail="started"))
        if last is not None and now > last:
            desk = desks.current(connection, ports.desk, now)
            told = pauses.resume(connection, desk, now, max(now - last, timedelta(0)))
        else:
            told = 0
    if new:
        log.info(
            "a configuration comes into force, changed by %s because of %s",
            service.changed_by or "nobody named",
            service.changed_because or "no reason given",
            extra={"action": "configured"},
        )
    if told:
        log.warning(
            "after a pause of %s, %d backlogs were told as one message each",
            now - (last or now),
            told,
            extra={"action": "resumed"},
        )
