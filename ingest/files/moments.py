"""Times and dates as tables write them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from ingest.files.refusal import refuse
from ingest.times import Instants

_OFFSET = re.compile(r".*(?:[Zz]|[+-]\d\d:?\d\d)")
_DATE = re.compile(r"(\d{4})([-/]?)(\d{1,2})\2(\d{1,2})")
_FIXED = re.compile(r"([+-])(\d\d):(\d\d)")


def zone_of(text: str) -> tzinfo:
    """``UTC``, ``+08:00`` or a name such as ``Asia/Shanghai``; ValueError for anything else."""
    fixed = _FIXED.fullmatch(text)
    if fixed is not None:
        span = timedelta(hours=int(fixed[2]), minutes=int(fixed[3]))
        return timezone(span if fixed[1] == "+" else -span)
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"{text!r} is no zone; write UTC, +08:00 or Asia/Shanghai") from None


def instants_of(cells: pd.Series, path: Path, column: str, zone: tzinfo | None) -> Instants:
    """UTC instants (line,) of ISO 8601 texts; those without an offset are of the zone.

    Refuses empty cells, texts that are no time, and times without offset where there is no zone.
    """
    codes, texts = pd.factorize(cells)
    if (codes < 0).any():
        _refuse(path, column, int(np.argmax(codes < 0)), "the cell is empty", "every line needs its time")
    found = np.array([_instant(str(text), zone) for text in texts], dtype="datetime64[s]")[codes]
    if np.isnat(found).any():
        line = int(np.argmax(np.isnat(found)))
        text = str(cells.iloc[line]).strip()
        bare = zone is None and _OFFSET.fullmatch(text) is None
        remedy = "write 2024-08-20T08:00+08:00" + (", or name the zone with --zone +08:00" if bare else "")
        _refuse(path, column, line, f"{text!r} is no time with an offset", remedy)
    return found


def _instant(text: str, zone: tzinfo | None) -> np.datetime64:
    """NaT where it is none."""
    try:
        moment = datetime.fromisoformat(text.strip().replace("/", "-"))
    except ValueError:
        return np.datetime64("NaT", "s")
    if moment.tzinfo is None:
        if zone is None:
            return np.datetime64("NaT", "s")
        moment = moment.replace(tzinfo=zone)
    return np.datetime64(int(moment.timestamp()), "s")


def hours_of(cells: pd.Series, path: Path, column: str, zone: tzinfo | None) -> Instants:
    """`instants_of`, and refuses what is no whole hour."""
    found = instants_of(cells, path, column, zone)
    odd = found.astype(np.int64) % 3600 != 0
    if odd.any():
        line = int(np.argmax(odd))
        remedy = "give one value per full hour; sums are those of the hour before it"
        _refuse(path, column, line, f"{cells.iloc[line]!r} is no full hour", remedy)
    return found


def dates_of(cells: pd.Series, path: Path, column: str) -> npt.NDArray[np.datetime64]:
    """Dates (line,) written 2014-01-01, 2014/1/1 or 20140101, as ``datetime64[D]``."""
    codes, texts = pd.factorize(cells)
    if (codes < 0).any():
        _refuse(path, column, int(np.argmax(codes < 0)), "the cell is empty", "every line needs its day")
    found = np.array([_date(str(text)) for text in texts], dtype="datetime64[D]")[codes]
    if np.isnat(found).any():
        line = int(np.argmax(np.isnat(found)))
        remedy = "write 2014-01-01, 2014/1/1 or 20140101"
        _refuse(path, column, line, f"{cells.iloc[line]!r} is no day", remedy)
    return found


def _date(text: str) -> np.datetime64:
    """NaT where it is none."""
    parts = _DATE.fullmatch(text.strip())
    if parts is None:
        return np.datetime64("NaT", "D")
    try:
        return np.datetime64(f"{parts[1]}-{int(parts[3]):02}-{int(parts[4]):02}", "D")
    except ValueError:
        return np.datetime64("NaT", "D")


def _refuse(path: Path, column: str, line: int, what: str, remedy: str) -> None:
    refuse(path, f"line {line + 2}, column {column}", what, remedy)
