"""What people did in the console or over the API, row by row; every row is sealed in the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import Connection, insert, select

from alerts.record import audit
from alerts.record.account_tables import deed


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One thing that somebody did."""

    at: datetime
    """When, aware UTC."""
    by: str
    """Account, or ``key:`` and the id of a key."""
    title: str
    """Name of that person or department, as it was then."""
    what: str
    """What kind of thing, such as ``sign_in`` or ``cancel``."""
    subject: str = ""
    """What it was done to: an alert, an account, a silence."""
    why: str = ""
    """Reason given."""
    detail: Mapping[str, object] = field(default_factory=dict)
    """Whatever else is to be kept; nothing secret."""


def keep(connection: Connection, done: Deed) -> None:
    """Keep a deed, in the transaction that does it."""
    row = asdict(done) | {"detail": dict(done.detail)}
    number = connection.scalars(insert(deed).values(row).returning(deed.c.id)).one()
    audit.seal(connection, done.at, "deed", [number])


def deeds(
    connection: Connection, *, subject: str | None = None, most: int = 200
) -> list[Deed]:
    """The newest deeds, of one subject or of all, newest first."""
    query = select(deed).order_by(deed.c.id.desc()).limit(most)
    if subject is not None:
        query = query.where(deed.c.subject == subject)
    rows = connection.execute(query)
    return [Deed(**{name: value for name, value in row._mapping.items() if name != "id"}) for row in rows]
