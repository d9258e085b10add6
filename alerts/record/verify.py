"""Reading the record back: whether it is whole, and all of it for an inquiry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from alerts.record import tables
from alerts.record.audit import KINDS, START, hash_of, head, rows

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What an examination of the record found."""

    links: int
    """Links in the chain."""
    rows: int
    """Rows they hold fast."""
    head: str
    """Hash of the last link."""
    faults: tuple[str, ...]
    """What does not fit, one sentence each; at most a handful of each sort."""

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, added or taken away."""
        return not self.faults


@dataclass(frozen=True, kw_only=True)
class Link:
    """One link of the chain."""

    seq: int
    """Its number, from 1."""
    at: datetime
    """When it was written."""
    prev: str
    """Hash of the link before it."""
    hash: str
    """Its own hash."""
    entries: str
    """JSON list of [kind, id, digest], as it was hashed."""


def links(connection: Connection) -> Iterator[Link]:
    """The chain from its beginning."""
    for row in connection.execute(select(tables.audit).order_by(tables.audit.c.seq)):
        yield Link(seq=row.seq, at=row.at, prev=row.prev, hash=row.hash, entries=row.entries)


def verify(connection: Connection, anchor: str | None = None) -> Verdict:
    """Compute every hash anew and compare every row with what was written of it.

    `anchor` is a hash that went out earlier (with a heartbeat, or noted by hand): a chain that was written
    anew from the beginning fits in itself, but no longer contains it.
    """
    known: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    faults: list[str] = []
    count, prev, seen = 0, START, anchor is None
    for link in links(connection):
        count += 1
        faults += _misfits(link, count, prev)
        prev = link.hash
        seen = seen or link.hash == anchor
        for kind, name, digest in json.loads(link.entries):
            known.setdefault(kind, {})[name] = digest
    if not seen:
        faults.append(f"the chain does not contain {anchor}, which went out before: it was written anew")
    if head(connection) != (count, prev):
        faults.append("the head of the chain is not its last link: links were cut off or added")
    for kind, digests in known.items():
        faults += _changed(connection, kind, digests)
    number = sum(len(digests) for digests in known.values())
    return Verdict(links=count, rows=number, head=prev, faults=tuple(faults))


def _misfits(link: Link, number: int, prev: str) -> Iterator[str]:
    if link.seq != number:
        yield f"link {number} is missing: the next one is {link.seq}"
    if link.prev != prev:
        yield f"link {link.seq} does not follow the one before it"
    if link.hash != hash_of(link.seq, link.at, link.entries, link.prev):
        yield f"link {link.seq} of {link.at:%Y-%m-%dT%H:%M:%SZ} was changed"


def _changed(connection: Connection, kind: str, digests: dict[str, str]) -> list[str]:
    if kind not in KINDS:
        return [f"the chain names rows of the unknown kind {kind}"]
    left = dict(digests)
    faults = []
    for name, digest, _ in rows(connection, kind):
        written = left.pop(str(name), None)
        if written is None:
            faults.append(f"{kind} {name} is not in the chain: it was added, or its id changed")
        elif written != digest:
            faults.append(f"{kind} {name} was changed after it was written")
    faults += [f"{kind} {name} was taken away after it was written" for name in left]
    if len(faults) > _SHOWN:
        faults = [*faults[:_SHOWN], f"and {len(faults) - _SHOWN} more rows of the kind {kind}"]
    return faults


def export(connection: Connection) -> Iterator[dict[str, Any]]:
    """The whole record for a reader who trusts nobody: every link, with the rows it holds as they stand now.

    One object per link: seq, at, prev, hash, entries (the text that was hashed) and `rows`: for each entry
    the kind, the id, the digest, and `content`, the JSON text whose SHA-256 is the digest. The content of an
    entry that a later one replaced is None, and so is that of a row that is gone.
    """
    content = {
        (kind, str(name), digest): said
        for kind in KINDS
        for name, digest, said in rows(connection, kind)
    }
    for link in links(connection):
        held = [
            {"kind": kind, "id": name, "digest": digest, "content": content.get((kind, name, digest))}
            for kind, name, digest in json.loads(link.entries)
        ]
        yield {
            "seq": link.seq,
            "at": link.at.isoformat(),
            "prev": link.prev,
            "hash": link.hash,
            "entries": link.entries,
            "rows": held,
        }
