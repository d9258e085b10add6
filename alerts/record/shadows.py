"""The record of what is watched and not sent: shadows beside their rules, and the turns of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    insert,
    select,
)

from alerts.record.tables import metadata
from ingest.database import UtcTime

# What hazards that are only watched would have said: a row where that, or what the rule says, changed.
shadow = Table(
    "shadow",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hazard", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("rule", String(64)),
    Column("levels", JSON, nullable=False),
    Column("by_rule", JSON, nullable=False),
    Column("chance", Float),
    Index("shadow_newest", "hazard", "at"),
)

# What a model said or did not say at one turn, and why not.
foretelling = Table(
    "foretelling",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("model", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("chances", JSON, nullable=False),
    Column("silent", JSON, nullable=False),
    Column("drift", JSON, nullable=False),
    Column("why", Text, nullable=False),
    Index("foretelling_newest", "kind", "at"),
)

Levels = Mapping[str, int]
"""Town -> level as a number, -1 where unknown."""


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """What a watched hazard would have said from a moment on, beside what the rule says."""

    hazard: str
    """Name of the watched block."""
    at: datetime
    """The now it was judged at."""
    rule: str | None
    """Name of the hazard it would stand in for; None where it stands alone."""
    levels: Levels
    """Town -> level it gives, NONE left out."""
    by_rule: Levels
    """Town -> level of the rule, NONE left out."""
    chance: float | None
    """Highest value of any town; None where none is known."""

    @property
    def apart(self) -> tuple[str, ...]:
        """Towns of which the two say different things, both knowing."""
        towns = sorted({*self.levels, *self.by_rule}) if self.rule else []
        pairs = {town: (self.levels.get(town, 0), self.by_rule.get(town, 0)) for town in towns}
        return tuple(town for town, pair in pairs.items() if pair[0] != pair[1] and min(pair) >= 0)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One turn of one model."""

    kind: str
    """What is foretold: ``heat``, ``landslide``, ``forest_fire``."""
    model: str
    """Name of the model; empty where none could be used."""
    at: datetime
    """When."""
    chances: Mapping[str, float] = field(default_factory=dict)
    """Chance -> highest of any town and day [1]; absent where nothing was said."""
    silent: Mapping[str, str] = field(default_factory=dict)
    """Town -> why the model does not speak of it: ``missing``, ``out of range``, ``drift``."""
    drift: Mapping[str, float] = field(default_factory=dict)
    """Feature -> population stability index, only those beyond their limit."""
    why: str = ""
    """Why the model did not speak at all; empty where it did."""


def keep(connection: Connection, seen: Shadow) -> bool:
    """Write a shadow down where it differs from the newest of its hazard; whether it did."""
    last = newest(connection, seen.hazard)
    if last is not None and (last.levels, last.by_rule) == (seen.levels, seen.by_rule):
        return False
    connection.execute(insert(shadow), asdict(seen))
    return True


def newest(connection: Connection, hazard: str) -> Shadow | None:
    """What a watched hazard says since its last change; None where it was never judged."""
    found = said(connection, hazard, 1)
    return found[0] if found else None


def said(connection: Connection, hazard: str, most: int = 100) -> tuple[Shadow, ...]:
    """What a watched hazard would have said, the newest first."""
    query = select(shadow).where(shadow.c.hazard == hazard)
    rows = connection.execute(query.order_by(shadow.c.at.desc(), shadow.c.id.desc()).limit(most))
    return tuple(Shadow(**_fields(row)) for row in rows)


def note(connection: Connection, turn: Turn) -> None:
    """Write a turn of a model down."""
    connection.execute(insert(foretelling), asdict(turn))


def last_turn(connection: Connection, kind: str) -> Turn | None:
    """The newest turn of a kind; None where there was none."""
    query = select(foretelling).where(foretelling.c.kind == kind)
    row = connection.execute(query.order_by(foretelling.c.id.desc()).limit(1)).first()
    return None if row is None else Turn(**_fields(row))


def _fields(row: Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "id"}
