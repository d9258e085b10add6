"""Versions of the configuration: which rules, people and texts held when something was decided."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from alerts.record.audit import seal
from alerts.record.tables import config_version as table


@dataclass(frozen=True, kw_only=True)
class Version:
    """One configuration as it was once in force."""

    digest: str
    """SHA-256 over its files."""
    at: datetime
    """When it first came into force here."""
    author: str
    """Who changed it; empty where nobody said."""
    reason: str
    """Why; empty where nobody said."""
    files: Mapping[str, str]
    """Name -> content. Secrets are not in the files, only where they are kept."""


def digest_of(files: Mapping[str, str]) -> str:
    """SHA-256 over names and contents."""
    said = json.dumps(dict(files), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def keep(
    connection: Connection, files: Mapping[str, str], author: str, reason: str, now: datetime
) -> bool:
    """Keep the configuration that is in force from now on; False where it is the one that already was."""
    digest, last = digest_of(files), newest(connection)
    if last is not None and last.digest == digest:
        return False
    row = {"digest": digest, "at": now, "author": author, "reason": reason, "files": dict(files)}
    made = connection.execute(insert(table), row).inserted_primary_key
    seal(connection, now, "config_version", list(made or ()))
    return True


def newest(connection: Connection) -> Version | None:
    """The configuration that came into force last; None before the first."""
    row = connection.execute(select(table).order_by(table.c.id.desc()).limit(1)).first()
    if row is None:
        return None
    return Version(
        digest=row.digest, at=row.at, author=row.author, reason=row.reason, files=row.files
    )
