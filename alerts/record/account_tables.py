"""The tables of those who may come in: accounts, sessions, keys of departments, and what each of them did."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, Text

from alerts.record.tables import metadata
from ingest.database import UtcTime

account = Table(
    "account",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("title", String(64), nullable=False),
    Column("person", String(64)),
    Column("hash", Text, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("subsystems", JSON, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("changing", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", UtcTime),
    Column("closed_at", UtcTime),
    # Who they are to a sign-in service, where they come through one.
    Column("subject", String(255), unique=True),
)

session = Table(
    "session",
    metadata,
    # Of the token only its hash is kept: whoever reads the database cannot come in with it.
    Column("hash", String(64), primary_key=True),
    Column("account", String(64), nullable=False, index=True),
    Column("begun_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("title", String(64), nullable=False),
    Column("rights", JSON, nullable=False),
    Column("subsystems", JSON, nullable=False),
    Column("by", String(64), nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("until", UtcTime),
    Column("ended_at", UtcTime),
)

deed = Table(
    "deed",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("by", String(64), nullable=False),
    Column("title", String(64), nullable=False),
    Column("what", String(32), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("why", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Index("deed_subject", "subject"),
)
