"""Versions of the configuration: which rules, people and texts held when something was decided.

The record is exported whole for an inquiry, and must not be a telephone book: of a number stand its first and
last digits, and a keyed hash by which a change of it is still seen. A plain hash would not do, for the digits
that are hidden are guessed in ten thousand tries.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from alerts.channels.outbox import masked
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
    """Name -> content. Secrets are not in the files, only where they are kept; numbers are hidden."""


_MOBILE = re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?(1\d\d[- ]?\d{4}[- ]?\d{4})(?![0-9A-Za-z])")
_SHOWN = 12


def without_numbers(files: Mapping[str, str], key: str) -> dict[str, str]:
    """The files with every mobile number as ``138****0001#`` and twelve hexadecimal digits.

    Those are of an HMAC-SHA-256 under the `key` of this instance: the same number always gives the same.
    """

    def hidden(found: re.Match[str]) -> str:
        number = re.sub(r"\D", "", found[1])
        sign = hmac.new(key.encode(), b"fengsui.number" + number.encode(), hashlib.sha256)
        return f"{masked(number)}#{sign.hexdigest()[:_SHOWN]}"

    return {name: _MOBILE.sub(hidden, text) for name, text in files.items()}


def digest_of(files: Mapping[str, str]) -> str:
    """SHA-256 over names and contents."""
    said = json.dumps(dict(files), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def keep(
    connection: Connection, files: Mapping[str, str], author: str, reason: str, now: datetime
) -> bool:
    """Keep the configuration that is in force from now on; False where it is the one that already was.

    `files` are `without_numbers`.
    """
    digest, last = digest_of(files), newest(connection)
    if last is not None and last.digest == digest:
        return False
    row = {"digest": digest, "at": now, "author": author, "reason": reason, "files": dict(files)}
    made = connection.execute(insert(table), row).inserted_primary_key
    seal(connection, now, "config_version", list(made or ()))
    return True


def newest(connection: Connection, until: datetime | None = None) -> Version | None:
    """The configuration that came into force last, or last until a moment; None before the first."""
    query = select(table).order_by(table.c.id.desc()).limit(1)
    if until is not None:
        query = query.where(table.c.at <= until)
    row = connection.execute(query).first()
    if row is None:
        return None
    return Version(
        digest=row.digest, at=row.at, author=row.author, reason=row.reason, files=row.files
    )
