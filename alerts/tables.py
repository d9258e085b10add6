"""The tables of alerts and deliveries. A change is a row; only states, calls and deliveries are updated."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from ingest.database import UtcTime

metadata = MetaData()

lifecycle = Table(
    "lifecycle",
    metadata,
    Column("hazard", String(64), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("state", JSON, nullable=False),
)

transition = Table(
    "transition",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("alert", String(128), nullable=False, index=True),
    Column("hazard", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("from_level", Integer, nullable=False),
    Column("to_level", Integer, nullable=False),
    Column("places", JSON, nullable=False),
    Column("changed", JSON, nullable=False),
    Column("onset", UtcTime),
    Column("expires", UtcTime),
    Column("value", Float),
    Column("threshold", Float),
    Column("basis", Integer, nullable=False),
    Column("marks", Integer, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("peak_level", Integer, nullable=False),
    Column("peak_value", Float),
    Column("figures", JSON, nullable=False),
    Column("falling", Boolean, nullable=False),
    Column("incident", String(128), nullable=False, index=True),
    Column("related", JSON, nullable=False),
)

notice = Table(
    "notice",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("transition", String(128), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("subsystem", String(64), nullable=False),
    Column("person", String(64)),
    Column("role", String(16), nullable=False),
    Column("step", Integer, nullable=False),
    Column("why", Text, nullable=False),
)

call = Table(
    "call",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("transition", String(128), nullable=False),
    Column("alert", String(128), nullable=False, index=True),
    Column("subsystem", String(64), nullable=False),
    Column("level", Integer, nullable=False),
    Column("begun_at", UtcTime, nullable=False),
    Column("step", Integer, nullable=False),
    Column("next_at", UtcTime),
    Column("status", String(16), nullable=False),
    Column("closed_at", UtcTime),
    Column("by", String(64)),
    Index("call_once", "transition", "subsystem", unique=True),
    Index("call_next", "status", "next_at"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("transition", String(128), nullable=False, index=True),
    Column("alert", String(128), nullable=False, index=True),
    Column("subsystem", String(64), nullable=False),
    Column("recipient", String(64), nullable=False),
    Column("step", Integer, nullable=False),
    Column("channel", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("planned_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("replaced", Boolean, nullable=False, default=False),
    Column("sent_at", UtcTime),
    Column("detail", Text, nullable=False),
    # In the order in which rows go out, so that a long queue is not sorted at every look.
    Index("delivery_due", "status", "priority", "due_at", "planned_at", "key", "channel"),
)

acknowledgement = Table(
    "acknowledgement",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert", String(128), nullable=False, index=True),
    Column("transition", String(128)),
    Column("subsystem", String(64), nullable=False),
    Column("by", String(64), nullable=False),
    Column("via", String(16), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("effective", Boolean, nullable=False),
)

tick = Table(
    "tick",
    metadata,
    Column("at", UtcTime, primary_key=True),
    Column("transitions", Integer, nullable=False),
    Column("still", JSON, nullable=False),
    Column("unknown", JSON, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    Column("not_before", UtcTime),
    Index("run_job", "job", "id"),
)
