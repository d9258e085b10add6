"""What people say afterwards: verdicts on alerts, and damage reports (灾情). Rows are added, never changed.

The newest verdict on an alert counts; a report that another one replaces counts no more. All of them stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, Table, insert, select

from alerts.record import audit, tables
from ingest.errors import UnknownName
from rules.level import Level

Judged = Literal["hit", "false_alarm", "near_hit", "too_late"]
Certainty = Literal["certain", "likely", "doubtful"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What an officer thinks of an alert."""

    alert: str
    """Identifier of the alert."""
    hazard: str
    """Name of its hazard block."""
    judged: Judged
    """Whether it was right, wrong, nearly right or too late."""
    onset: datetime
    """When it began, or would have begun."""
    within: timedelta
    """How exactly the onset is known."""
    places: tuple[str, ...]
    """Codes of the towns the alert had named at its highest level."""
    level: Level
    """Highest level of the alert."""
    by: str
    """Name of the officer."""
    why: str
    """The reason."""
    at: datetime
    """When it was said."""
    id: int | None = None
    """Number of its row; None before it has one."""


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Something that happened, as somebody reported it."""

    hazard: str
    """Name of the hazard block."""
    onset: datetime
    """When it began."""
    what: str
    """What happened."""
    source: str
    """Who tells of it: a town hall, a newspaper, a rain gauge."""
    by: str
    """Name of the person who entered it."""
    at: datetime
    """When it was entered."""
    end: datetime | None = None
    """When it was over."""
    within: timedelta = timedelta(0)
    """How exactly the onset is known."""
    places: tuple[str, ...] = ()
    """Codes of the towns concerned; empty for the district."""
    level: Level | None = None
    """Level that would have been right; None where nobody said."""
    certainty: Certainty = "certain"
    """How sure it is."""
    replaces: int | None = None
    """Number of the report that this one sets right; None for a new one."""
    id: int | None = None
    """Number of its row; None before it has one."""


def judge(connection: Connection, verdict: Verdict) -> Verdict:
    """Keep a verdict; the one that is kept, with its number. Saying the same again adds no row."""
    last = verdicts(connection).get(verdict.alert)
    if last is not None and _same(last, verdict):
        return last
    return Verdict(**(asdict(verdict) | {"id": _add(connection, "verdict", verdict)}))


def report(connection: Connection, damage: Damage) -> Damage:
    """Keep a damage report; the one that is kept, with its number. Saying the same again adds no row.

    UnknownName where it replaces one that is not there or was replaced already.
    """
    known = damages(connection)
    for old in known:
        if _same(old, damage):
            return old
    if damage.replaces is not None and damage.replaces not in {old.id for old in known}:
        there = ", ".join(str(old.id) for old in known) or "none"
        raise UnknownName(f"no report {damage.replaces} stands; reports that stand: {there}")
    return Damage(**(asdict(damage) | {"id": _add(connection, "happening", damage)}))


def verdicts(connection: Connection) -> dict[str, Verdict]:
    """Alert -> the newest verdict on it."""
    return {verdict.alert: verdict for verdict in history(connection)}


def history(connection: Connection, alert: str | None = None) -> list[Verdict]:
    """Every verdict that was ever given, of one alert or of all, oldest first."""
    query = select(tables.verdict).order_by(tables.verdict.c.id)
    if alert is not None:
        query = query.where(tables.verdict.c.alert == alert)
    return [Verdict(**_parts(row)) for row in connection.execute(query)]


def damages(connection: Connection) -> list[Damage]:
    """The reports that stand, in the order they were entered."""
    table = tables.happening
    rows = connection.execute(select(table).order_by(table.c.id))
    found = [Damage(**_parts(row)) for row in rows]
    replaced = {one.replaces for one in found}
    return [one for one in found if one.id not in replaced]


_ABOUT_ENTRY = ("id", "at", "replaces")


def _same(old: Verdict | Damage, new: Verdict | Damage) -> bool:
    """Whether two entries say the same; when it was said does not matter."""
    ours, theirs = asdict(old), asdict(new)
    return all(ours[name] == theirs[name] for name in ours if name not in _ABOUT_ENTRY)


_TABLES: Mapping[str, Table] = {"verdict": tables.verdict, "happening": tables.happening}


def _add(connection: Connection, kind: str, entry: Verdict | Damage) -> int:
    table = _TABLES[kind]
    row = asdict(entry) | {"within_s": int(entry.within / timedelta(seconds=1))}
    row |= {"places": list(entry.places), "level": None if entry.level is None else int(entry.level)}
    del row["id"], row["within"]
    number: int = connection.scalars(insert(table).values(row).returning(table.c.id)).one()
    audit.seal(connection, entry.at, kind, [number])
    return number


def _parts(row: Row[Any]) -> dict[str, Any]:
    parts = dict(row._mapping)
    parts["within"] = timedelta(seconds=parts.pop("within_s"))
    parts["places"] = tuple(parts["places"])
    parts["level"] = None if parts["level"] is None else Level(parts["level"])
    return parts
