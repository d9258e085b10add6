"""The first line of a table: which column says when, where, and what."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ingest.files.names import Column, heading, meaning
from ingest.files.plan import EVERYWHERE, Plan
from ingest.files.refusal import refuse
from ingest.files.units import convertible, units_for


class Role(Enum):
    """What a column says that is no figure."""

    VALID = "valid_at"
    DATE = "date"
    PLACE = "place"
    ISSUED = "issued_at"
    AVAILABLE = "available_at"


_ROLES = {
    Role.VALID: ("valid_at", "time", "datetime", "时间"),
    Role.DATE: ("date", "day", "日期"),
    Role.PLACE: ("place", "station", "town", "站点", "镇街"),
    Role.ISSUED: ("issued_at", "run"),
    Role.AVAILABLE: ("available_at",),
}
_KNOWN = {name: role for role, names in _ROLES.items() for name in names}


@dataclass(frozen=True, kw_only=True)
class Header:
    """The columns of a table that are read."""

    names: tuple[str, ...]
    """Every heading, in order, as it is written."""
    roles: Mapping[Role, str]
    """Role -> its heading."""
    columns: Mapping[str, Column]
    """Heading of a figure -> what it holds."""

    def role(self, role: Role) -> str | None:
        """Heading of a role; None where the table has none."""
        return self.roles.get(role)


def read_header(path: Path, plan: Plan) -> Header:
    """The first line of a CSV file, checked: ConfigMistake names the column that cannot be read."""
    names = _first_line(path)
    roles: dict[Role, str] = {}
    columns: dict[str, Column] = {}
    for text in names:
        role = _KNOWN.get(text.strip().casefold())
        if role is not None and text not in plan.columns:
            _once(path, text, role in roles)
            roles[role] = text
            continue
        column = column_of(path, text, plan)
        if column is not None:
            _once(path, text, column.name in {known.name for known in columns.values()})
            columns[text] = column
    header = Header(names=names, roles=roles, columns=columns)
    _check(path, header)
    return header


def column_of(path: Path, text: str, plan: Plan, unit: str | None = None) -> Column | None:
    """What a column or variable holds, by the plan first and by its name then; None where it is left out.

    Its unit is that of the plan, else of its heading, else `unit`. ConfigMistake where name or unit say
    nothing that is known.
    """
    name, written = heading(text)
    asked = plan.columns.get(text, plan.columns.get(name))
    if asked is None:
        found = None if text in plan.columns or name in plan.columns else meaning(name)
        if found is None:
            _unknown(path, text, plan)
            return None
        asked = Column(name=found, unit=None)
    column = Column(name=asked.name, unit=asked.unit or written or unit or None)
    _check_unit(path, text, column)
    return column


def _unknown(path: Path, text: str, plan: Plan) -> None:
    """Nothing, where the plan leaves the column out."""
    if text not in plan.columns and heading(text)[0] not in plan.columns and EVERYWHERE not in plan.columns:
        remedy = f"name what it holds, --column '{text}=QUANTITY:UNIT', or leave it out, --column '{text}='"
        refuse(path, f"column {text}", "nobody knows what it holds", remedy)


def _check_unit(path: Path, text: str, column: Column) -> None:
    allowed = ", ".join(units_for(column.quantity))
    if column.unit is None:
        remedy = f"write '{text} (UNIT)', or --column '{text}={column.name}:UNIT', with one of {allowed}"
        refuse(path, f"column {text}", "it has no unit", remedy)
    if not convertible(column.quantity, column.unit):
        remedy = f"{column.quantity} is taken in {allowed}; if the unit is written wrongly, --column names it"
        refuse(path, f"column {text}", f"{column.unit!r} is no unit of it", remedy)


def _once(path: Path, text: str, taken: bool) -> None:
    if taken:
        refuse(path, f"column {text}", "another column says the same", f"leave one out, --column '{text}='")


def _first_line(path: Path) -> tuple[str, ...]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as lines:
            return tuple(next(csv.reader(lines), []))
    except UnicodeDecodeError:
        refuse(path, "", "it is not written in UTF-8", "save it as CSV UTF-8")
    except (OSError, csv.Error) as mistake:
        why = getattr(mistake, "strerror", None) or mistake
        refuse(path, "", f"it cannot be read ({why})", "check the path")


def _check(path: Path, header: Header) -> None:
    hourly = [text for text, column in header.columns.items() if not column.daily]
    daily = [text for text, column in header.columns.items() if column.daily]
    if not header.columns:
        refuse(path, "line 1", "no column holds a quantity", "name one, such as 'temperature_2m (°C)'")
    if (Role.VALID in header.roles) == (Role.DATE in header.roles):
        refuse(path, "line 1", "the columns do not say when", "write valid_at for hours, or date for days")
    if Role.DATE in header.roles and hourly:
        refuse(path, f"column {hourly[0]}", "it tells of hours, and the lines are days", "write valid_at")
    if Role.VALID in header.roles and daily:
        refuse(path, f"column {daily[0]}", "it tells of days, and the lines are hours", "write date")
