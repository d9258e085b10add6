"""The record: what was decided, sent, heard and answered, in a chain of hashes that shows every change.

Each link names rows by kind and id, with the SHA-256 of what they said when they were written, and the hash
of the link before it. A row that was changed, added or taken away afterwards no longer fits; a chain that was
written anew throughout no longer ends in the hash that went out with the last heartbeat.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, insert, select, update

from alerts.record import account_tables, tables

START = "0" * 64
"""What the first link follows on."""
_PIECE = 500


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What of a table is held fast."""

    table: Table
    """The table."""
    key: Column[Any]
    """Column by which a row is named."""
    columns: tuple[Column[Any], ...]
    """Columns whose content counts."""
    when: tuple[str, ...] = ()
    """States of the column `status` in which they count; none counts always."""


def _kind(table: Table, *left_out: str) -> Kind:
    columns = tuple(column for column in table.columns if column.name not in left_out)
    return Kind(table=table, key=next(iter(table.primary_key.columns)), columns=columns)


def _outcome() -> Kind:
    table = tables.delivery
    columns = tuple(table.c[name] for name in ("status", "sent_at", "reference"))
    done = ("sent", "failed", "cancelled", "folded")
    return Kind(table=table, key=table.c.key, columns=columns, when=done)


_CHANGING = (
    "chase_s chase_at chased_at fold_at due_at expires_at priority status attempts replaced sent_at detail"
    " reference delivered_at read_at"
)
KINDS: Mapping[str, Kind] = {
    "transition": _kind(tables.transition),
    "notice": _kind(tables.notice),
    "delivery": _kind(tables.delivery, *_CHANGING.split()),
    "outcome": _outcome(),
    "receipt": _kind(tables.receipt),
    "acknowledgement": _kind(tables.acknowledgement),
    "reply": _kind(tables.reply),
    "report": _kind(tables.report),
    "approval": _kind(tables.approval),
    "release": _kind(tables.release, "step", "next_at"),
    "order": _kind(tables.order, "taken_at"),
    "silence": _kind(tables.silence, "told_at"),
    "stand_in": _kind(tables.stand_in),
    "verdict": _kind(tables.verdict),
    "happening": _kind(tables.happening),
    "sighting": _kind(tables.sighting),
    "config_version": _kind(tables.config_version),
    "deed": _kind(account_tables.deed),
}
"""Kind of entry -> what it holds fast; the newest entry of a row counts."""

_HEAD = select(tables.audit_head).where(tables.audit_head.c.id == 1).with_for_update()
_MOVE = update(tables.audit_head).where(tables.audit_head.c.id == 1)


def seal(connection: Connection, at: datetime, kind: str, ids: Iterable[Any]) -> None:
    """Hold rows fast as they stand now, in the same transaction that wrote them; no row, no link.

    To be called after every write of a kind in `KINDS`. Rows of one call share a link.
    """
    wanted = list(dict.fromkeys(ids))
    _hold(connection, at, kind, ((name, digest) for name, digest, _ in rows(connection, kind, wanted)))


def seal_written(
    connection: Connection, at: datetime, kind: str, written: Iterable[tuple[Any, Sequence[Any]]]
) -> None:
    """As `seal`, of rows whose content is in hand: nothing is read back, for thousands of rows a second.

    For each row its id and the columns of the kind in their order, exactly as a query would give them; a
    moment may also be its text in ISO 8601, in UTC.
    """
    _hold(connection, at, kind, ((name, _digest(values)[0]) for name, values in written))


def _hold(
    connection: Connection, at: datetime, kind: str, digests: Iterable[tuple[Any, str]]
) -> None:
    entries = [[kind, str(name), digest] for name, digest in digests]
    if entries:
        _append(connection, at, json.dumps(entries, ensure_ascii=False, separators=(",", ":")))


def rows(
    connection: Connection, kind: str, ids: Sequence[Any] | None = None
) -> Iterator[tuple[Any, str, str]]:
    """Id, digest and content of rows of a kind, of all where no ids are given.

    The content is the JSON list of the columns of the kind in their order; the digest is its SHA-256.
    """
    sort = KINDS[kind]
    query = select(sort.key.label("_id"), *sort.columns)
    if sort.when:
        query = query.where(sort.table.c.status.in_(sort.when))
    if ids is None:
        for row in connection.execute(query):
            yield row[0], *_digest(row[1:])
        return
    for start in range(0, len(ids), _PIECE):
        piece = ids[start : start + _PIECE]
        found = {row[0]: _digest(row[1:]) for row in connection.execute(query.where(sort.key.in_(piece)))}
        yield from ((name, *found[name]) for name in piece if name in found)


def _digest(values: Sequence[Any]) -> tuple[str, str]:
    try:
        # Texts alone, as in an outcome: an encoder, made anew for each row, takes longer than the row.
        said = f"[{', '.join(map(_quoted, values))}]"
    except TypeError:
        said = _CONTENT.encode(list(values))
    return hashlib.sha256(said.encode()).hexdigest(), said


def _plain(part: object) -> str:
    if isinstance(part, datetime):
        return part.astimezone(UTC).isoformat()
    raise TypeError(f"a record cannot hold a {type(part).__name__}")


_quoted = json.encoder.encode_basestring
_CONTENT = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=_plain)


def _append(connection: Connection, at: datetime, entries: str) -> None:
    head = connection.execute(_HEAD).first()
    seq, prev = (head.seq, head.hash) if head is not None else (0, START)
    link = {"seq": seq + 1, "at": at, "entries": entries, "prev": prev}
    link["hash"] = hash_of(seq + 1, at, entries, prev)
    connection.execute(insert(tables.audit), link)
    moved = {"seq": seq + 1, "hash": link["hash"]}
    if head is None:
        connection.execute(insert(tables.audit_head), {"id": 1, **moved})
    else:
        connection.execute(_MOVE, moved)


def hash_of(seq: int, at: datetime, entries: str, prev: str) -> str:
    """The hash of a link: SHA-256 over its number, moment, the hash before it, and its entries."""
    said = f"{seq}\n{at.astimezone(UTC).isoformat()}\n{prev}\n{entries}"
    return hashlib.sha256(said.encode()).hexdigest()


def head(connection: Connection) -> tuple[int, str]:
    """Number and hash of the last link; (0, START) where nothing is recorded."""
    row = connection.execute(select(tables.audit_head)).first()
    return (0, START) if row is None else (row.seq, row.hash)
