"""Archives the past month by month: all of a month with its derived days, or nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection, Engine

from ingest.batch import Batch
from ingest.database import reading, writing
from ingest.errors import ConfigMistake
from pipeline.config import Config
from pipeline.derive import derive_days
from pipeline.imports.intake import take_in
from pipeline.ports import Judging
from pipeline.view import DERIVED

Progress = Callable[[datetime, int], None]
"""Told the moment up to which all is archived, and how many batches were taken in."""

_HOUR = timedelta(hours=1)
# The last day is derived half an hour after it ended by the latest of three counts.
_LAST_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import did."""

    batches: int = 0
    """Statements read."""
    fresh: int = 0
    """Statements that were not archived before."""
    masked: dict[str, int] = field(default_factory=dict)
    """Check -> values it masked."""
    known_from: datetime | None = None
    """When the first statement became known; None where there was none."""
    known_until: datetime | None = None
    """When the last one did."""
    derived: bool = False
    """Whether days were derived again."""


def check_name(name: str, config: Config) -> None:
    """Refuse the name of a source of the district: its record tells what was known, and stays what it is."""
    if name == DERIVED or name in config.sources:
        raise ConfigMistake(
            f"--source {name}: a source of the district is called so, and what it said must stay as it was"
            " said; choose another name, such as station_2019"
        )


def newest(engine: Engine, source: str, judging: Judging) -> datetime | None:
    """The moment up to which a source is archived already; None where it never said anything."""
    with reading(engine) as connection:
        return judging.archive.newest(connection, source)


def after(batches: Iterable[Batch], moment: datetime | None) -> Iterator[Batch]:
    """Batches that became known after a moment; all where there is none."""
    return (batch for batch in batches if moment is None or batch.available_at > moment)


def archive_past(
    batches: Iterable[Batch],
    engine: Engine,
    judging: Judging,
    progress: Progress = lambda until, count: None,
    *,
    derive: bool = True,
) -> Imported:
    """Check and append batches in the order they became known, a month a transaction.

    A batch that is there already is not added again, so an import that was cut short is simply made again.
    Where a month brought anything new, the daily job is run at each of its moments in it and in the months
    after it, in the same transaction, as a daemon would have run it: what is derived looks back at the days
    before. A job that ran before on less gives way to one that knows more.
    """
    done = Imported()
    derived_until: datetime | None = None
    for last, month in _months(batches):
        begin, until = month[0].available_at, month[-1].available_at
        with writing(engine) as connection:
            pulled = take_in(connection, judging.archive, month)
            dirty = derive and (pulled.batches > 0 or done.derived)
            if dirty:
                end = until + (_LAST_DAY if last else _HOUR)
                start = begin if derived_until is None else min(begin, derived_until)
                derive_days(connection, start, end, _reading_all(connection, judging))
                derived_until = end
        done = Imported(
            batches=done.batches + len(month),
            fresh=done.fresh + pulled.batches,
            masked=_added(done.masked, pulled.masked),
            known_from=done.known_from or begin,
            known_until=until,
            derived=dirty,
        )
        progress(until, done.batches)
    return done


def _months(batches: Iterable[Batch]) -> Iterator[tuple[bool, list[Batch]]]:
    """Batches by the month in which they became known, and whether the month is the last."""
    held: list[Batch] = []
    for _, group in groupby(batches, key=_month):
        if held:
            yield False, held
        held = list(group)
    if held:
        yield True, held


def _month(batch: Batch) -> tuple[int, int]:
    return batch.available_at.year, batch.available_at.month


def _reading_all(connection: Connection, judging: Judging) -> Judging:
    """Also read sources that the configuration does not name, as the least trusted: as a replay does."""
    named = judging.view.sources
    other = [name for name in judging.archive.sources(connection) if name not in named]
    return replace(judging, view=replace(judging.view, sources=(*named, *other)))


def _added(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in dict.fromkeys((*one, *other))}
