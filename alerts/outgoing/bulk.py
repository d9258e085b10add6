"""Delivery rows by the hundred on SQLite: one statement and one value each way.

SQLite gives up the interpreter at every row it hands over or takes, and the threads that are sending take
it each time; as one JSON value, hundreds of rows come and go without that.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, text

from alerts.record.tables import delivery as table
from ingest.database import UtcTime
from ingest.times import utc

_TIMES = frozenset(column.name for column in table.columns if isinstance(column.type, UtcTime))

# The plus keeps SQLite from walking through every row of the status.
_CLAIM = text(
    "UPDATE delivery SET status = 'claimed', attempts = attempts + 1"
    " WHERE key IN (SELECT value FROM json_each(:keys)) AND +status = 'due' AND fold_at IS NULL"
)
_CLAIMED_NOW = text(
    "SELECT json_group_array(key) FROM delivery"
    " WHERE key IN (SELECT value FROM json_each(:keys)) AND +status = 'due' AND fold_at IS NULL"
)
_FACTS = text(
    "SELECT json_group_array(json_array(key, replaced, chase_s, purpose)) FROM delivery"
    " WHERE key IN (SELECT value FROM json_each(:keys)) AND +status = 'claimed'"
)
_SENT = (
    "UPDATE delivery SET status = 'sent', detail = json_extract(new.value, '$[1]'),"
    " sent_at = json_extract(new.value, '$[2]'), reference = json_extract(new.value, '$[3]'){more}"
    " FROM json_each(:rows) AS new"
    " WHERE delivery.key = json_extract(new.value, '$[0]') AND +delivery.status = 'claimed'"
)
_SENT_PLAIN = text(_SENT.format(more=""))
_SENT_CHASED = text(_SENT.format(more=", chase_at = json_extract(new.value, '$[4]')"))


def possible(connection: Connection) -> bool:
    """Whether the database is SQLite."""
    return connection.dialect.name == "sqlite"


def waiting(
    connection: Connection, fields: Collection[str], now: datetime, most: int, without: Iterable[str]
) -> list[list[Any]]:
    """Fields of the rows that are due, in their order, the most urgent row first."""
    named = ", ".join("json(data)" if name == "data" else name for name in fields)
    query = text(
        f"SELECT json_group_array(json_array({named})) FROM (SELECT * FROM delivery"
        " WHERE status = 'due' AND fold_at IS NULL AND due_at <= :now"
        " AND channel NOT IN (SELECT value FROM json_each(:without))"
        " ORDER BY priority, due_at, planned_at, key LIMIT :most)"
    )
    asked = {"now": _stamp(now), "without": json.dumps(list(without)), "most": most}
    times = [number for number, name in enumerate(fields) if name in _TIMES]
    rows: list[list[Any]] = json.loads(connection.scalar(query, asked))
    for row in rows:
        for number in times:
            if row[number] is not None:
                row[number] = datetime.fromisoformat(row[number])
    return rows


def claim(connection: Connection, keys: Collection[str]) -> set[str]:
    """Claim rows that are due; the keys of those that were. The connection must have begun to write."""
    asked = {"keys": json.dumps(list(keys))}
    mine = set(json.loads(connection.scalar(_CLAIMED_NOW, asked)))
    connection.execute(_CLAIM, asked)
    return mine


def facts(connection: Connection, keys: Collection[str]) -> list[Any]:
    """Key, replaced, chase_s and purpose of the claimed rows among `keys`."""
    return list(json.loads(connection.scalar(_FACTS, {"keys": json.dumps(list(keys))})))


def sent(
    connection: Connection, rows: Iterable[tuple[str, str, datetime, str, datetime | None]]
) -> None:
    """Claimed rows were sent: key, detail, moment, reference, and when to chase."""
    written = [
        (key, detail, _stamp(at), reference, chase_at and _stamp(chase_at))
        for key, detail, at, reference, chase_at in rows
    ]
    plain = [row for row in written if row[4] is None]
    chased = [row for row in written if row[4] is not None]
    for query, some in ((_SENT_PLAIN, plain), (_SENT_CHASED, chased)):
        if some:
            connection.execute(query, {"rows": json.dumps(some)})


@lru_cache(maxsize=16)
def _stamp(moment: datetime) -> str:
    """As `UtcTime` writes it, in a third of its time."""
    return f"{utc(moment).isoformat(timespec='microseconds')[:-6]}Z"
