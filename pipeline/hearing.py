"""What gateways tell us: handed in by their callbacks, or asked of those that do not call."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.answers import receipts, replies
from alerts.outgoing.delivery import Asking, Intake
from alerts.record import ledger
from alerts.record.ledger import Run
from alerts.record.store import Acknowledgement
from ingest.database import reading, writing
from ingest.errors import FengsuiError
from pipeline.ports import Ports

log = logging.getLogger(__name__)

JOB = "receipts"
"""Name of the job in the ledger."""
PAUSE = timedelta(seconds=30)
"""Between two questions to the same providers."""


def take(ports: Ports, channel: str, told: Intake, now: datetime) -> Sequence[Acknowledgement]:
    """Keep what a gateway tells, in one commit; the acknowledgements among it. A repeat changes nothing."""
    if not told.receipts and not told.replies:
        return []
    with writing(ports.engine) as connection:
        receipts.take(connection, channel, told.receipts, ports.desk.routes.people, now)
        words = replies.take(connection, channel, told.replies, ports.desk, now)
    for word in words:
        log.info(
            "%s acknowledged by %s", word.alert, word.subsystem, extra={"action": "acknowledged"}
        )
    return words


def asking(ports: Ports) -> dict[str, Asking]:
    """Channels whose providers do not call by themselves."""
    return {name: one for name, one in ports.outbox.channels.items() if isinstance(one, Asking)}


def due(now: datetime, ports: Ports) -> datetime | None:
    """When to ask next; None while nothing was sent of late that could bring a sign or an answer."""
    names = list(asking(ports))
    if not names:
        return None
    with reading(ports.engine) as connection:
        if not any(receipts.waiting(connection, name, now) for name in names):
            return None
        last = ledger.last_run(connection, JOB)
    return now if last is None else last.at + PAUSE


def ask(now: datetime, ports: Ports) -> list[Acknowledgement]:
    """Ask every provider once; one that cannot be asked is logged and keeps nobody else waiting."""
    words: list[Acknowledgement] = []
    failed = []
    for name, channel in asking(ports).items():
        with reading(ports.engine) as connection:
            pending = receipts.pending(connection, name, ports.desk.routes.people, now)
        try:
            words += take(ports, name, channel.ask(pending, ports.outbox.means, now), now)
        except FengsuiError as error:
            failed.append(f"{name}: {error}")
            log.warning("channel %s could not be asked: %s", name, error, extra={"action": "ask_failed"})
    entry = Run(job=JOB, at=now, outcome="failed" if failed else "ok", detail="; ".join(failed) or "asked")
    with writing(ports.engine) as connection:
        ledger.record_run(connection, entry)
    return words
