"""What the guard asks of the delivery rows."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Delivery, Purpose, Status
from alerts.record.tables import delivery as table

_LOOKED_BACK = timedelta(days=1)


def newest(
    connection: Connection, channel: str, purpose: Purpose, before: datetime
) -> Delivery | None:
    """The newest row of a purpose over a channel, planned in the day before a moment; None without any."""
    found = deliveries.matching(
        connection,
        table.c.channel == channel,
        table.c.purpose == purpose.value,
        table.c.planned_at <= before,
        table.c.planned_at > before - _LOOKED_BACK,
    )
    return max(found, key=lambda item: item.planned_at, default=None)


def waiting(connection: Connection, before: datetime) -> dict[str, datetime]:
    """Channel -> since when its oldest untried row has been waiting, where that is before a moment.

    A row that was tried waits for its gateway, which is another trouble; one for a digest waits on purpose.
    """
    query = (
        select(table.c.channel, func.min(table.c.due_at).label("since"))
        .where(table.c.status == Status.DUE.value, table.c.attempts == 0)
        .where(table.c.due_at <= before, table.c.fold_at.is_(None))
        .group_by(table.c.channel)
    )
    return {row.channel: row.since for row in connection.execute(query)}
