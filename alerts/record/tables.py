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
    Column("note", Text, nullable=False, default=""),
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
    # What acknowledging led to: facts are asked of the highest levels.
    Column("facts_due", UtcTime),
    Column("facts_at", UtcTime),
    Index("call_facts", "facts_due"),
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
    Column("purpose", String(16), nullable=False, default="alert"),
    Column("reference", String(128), nullable=False, default=""),
    Column("delivered_at", UtcTime),
    Column("read_at", UtcTime),
    Column("chase_s", Integer),
    Column("chase_at", UtcTime),
    # When its silence was answered: while it goes on waiting it is not answered again.
    Column("chased_at", UtcTime),
    Column("fold_at", UtcTime),
    Index("delivery_chase", "chase_at"),
    Index("delivery_fold", "status", "fold_at"),
    Index("delivery_person", "recipient", "sent_at"),
    Index("delivery_reference", "channel", "reference"),
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

receipt = Table(
    "receipt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False),
    Column("sign", String(16), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("heard_at", UtcTime, nullable=False),
    Column("channel", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    # A provider tells the same thing twice.
    Index("receipt_once", "key", "sign", unique=True),
)

reply = Table(
    "reply",
    metadata,
    # Channel, provider's id, number, time and words, hashed: the same reply told twice is one.
    Column("id", String(64), primary_key=True),
    Column("channel", String(64), nullable=False),
    Column("person", String(64)),
    Column("text", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("heard_at", UtcTime, nullable=False),
    Column("meaning", String(16), nullable=False),
    Column("detail", Text, nullable=False),
)

report = Table(
    "report",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("alert", String(128), nullable=False, index=True),
    Column("transition", String(128), nullable=False),
    Column("subsystem", String(64), nullable=False),
    Column("by", String(64), nullable=False),
    Column("via", String(16), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("commander", Text, nullable=False),
    Column("affected", Text, nullable=False),
    Column("moved", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("complete", Boolean, nullable=False),
)

closing = Table(
    "closing",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert", String(128), nullable=False),
    Column("transition", String(128), nullable=False),
    Column("subsystem", String(64), nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("due_at", UtcTime),
    Column("reported_at", UtcTime),
    Index("closing_once", "alert", "subsystem", unique=True),
    Index("closing_due", "due_at"),
)

release = Table(
    "release",
    metadata,
    Column("transition", String(128), primary_key=True),
    Column("alert", String(128), nullable=False, index=True),
    Column("level", Integer, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("step", Integer, nullable=False),
    Column("next_at", UtcTime),
    Column("status", String(16), nullable=False),
    Column("decided_at", UtcTime),
    Column("detail", Text, nullable=False),
    Index("release_next", "status", "next_at"),
)

approval = Table(
    "approval",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("transition", String(128), nullable=False),
    Column("person", String(64), nullable=False),
    Column("yes", Boolean, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("via", String(16), nullable=False),
    Column("why", Text, nullable=False),
    Index("approval_once", "transition", "person", unique=True),
)

order = Table(
    "orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hazard", String(64), nullable=False),
    Column("alert", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("level", Integer, nullable=False),
    Column("by", String(64), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("taken_at", UtcTime, index=True),
)

silence = Table(
    "silence",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hazard", String(64)),
    Column("subsystem", String(64)),
    Column("alert", String(128)),
    Column("level", Integer, nullable=False),
    Column("by", String(64), nullable=False),
    Column("why", Text, nullable=False),
    Column("begun_at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("lifted_at", UtcTime),
    Column("lifted_by", String(64)),
    Column("told_at", UtcTime),
    Index("silence_open", "told_at", "until"),
)

stand_in = Table(
    "stand_in",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subsystem", String(64), nullable=False),
    Column("duty", JSON, nullable=False),
    Column("deputy", JSON, nullable=False),
    Column("start", UtcTime, nullable=False),
    Column("end", UtcTime, nullable=False),
    Column("by", String(64), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("withdrawn_at", UtcTime),
    Index("stand_in_end", "end"),
)

verdict = Table(
    "verdict",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert", String(128), nullable=False, index=True),
    Column("hazard", String(64), nullable=False),
    Column("judged", String(16), nullable=False),
    Column("onset", UtcTime, nullable=False),
    Column("within_s", Integer, nullable=False),
    Column("places", JSON, nullable=False),
    Column("level", Integer, nullable=False),
    Column("by", String(64), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

happening = Table(
    "happening",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hazard", String(64), nullable=False),
    Column("onset", UtcTime, nullable=False),
    Column("end", UtcTime),
    Column("within_s", Integer, nullable=False),
    Column("places", JSON, nullable=False),
    Column("level", Integer),
    Column("certainty", String(16), nullable=False),
    Column("what", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("by", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("replaces", Integer),
)

sighting = Table(
    "sighting",
    metadata,
    # Number of the happening it belongs to.
    Column("id", Integer, primary_key=True, autoincrement=False),
    # What the phone calls it: sent twice, it is one report.
    Column("sent", String(64), nullable=False, unique=True),
    Column("spot", Text, nullable=False),
    Column("lat", Float),
    Column("lon", Float),
    Column("counts", JSON, nullable=False),
    Column("photos", JSON, nullable=False),
)

trouble = Table(
    "trouble",
    metadata,
    Column("id", Integer, primary_key=True),
    # What is wrong, without figures that change: one open row each.
    Column("name", String(128), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("told_at", UtcTime),
    Column("over_at", UtcTime, index=True),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("entries", Text, nullable=False),
    Column("prev", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

config_version = Table(
    "config_version",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("files", JSON, nullable=False),
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
