"""Takes batches of the past in: the checks of a pull, for many hours at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy import Connection

from ingest.archive import Archive
from ingest.batch import Batch, Flag, Flags, Values
from ingest.quality import HISTORY_HOURS, check, describe
from pipeline.pull import Pulled

_HOUR = np.timedelta64(3600, "s")
# What is flagged because of other hours: a check of many hours at once would know of later ones.
_BY_NEIGHBOURS = np.uint8(Flag.STEP | Flag.STUCK)
_MASKING = ("RANGE", "STEP", "STUCK", "SPATIAL")


def take_in(connection: Connection, archive: Archive, batches: Iterable[Batch]) -> Pulled:
    """Check and append batches in the order they came; the same rows as `pipeline.pull.take_in`, sooner.

    Returns how many were new, and how many values each check masked, those of batches already there included.
    """
    count = 0
    masked: dict[str, int] = {}
    for run in _runs(batches):
        checked, flags = _checked(connection, archive, run)
        count += archive.append(connection, checked)
        for flag, number in describe(flags).items():
            masked[flag] = masked.get(flag, 0) + number
    return Pulled(batches=count, masked={name: masked[name] for name in _MASKING if name in masked})


def _runs(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Observations of one hour each that follow each other, as one run; anything else by itself."""
    run: list[Batch] = []
    for batch in batches:
        if run and not _follows(run[-1], batch):
            yield run
            run = []
        run.append(batch)
    if run:
        yield run


def _follows(last: Batch, batch: Batch) -> bool:
    return (
        last.kind == batch.kind == "observation"
        and last.valid_at.size == batch.valid_at.size == 1
        and last.source == batch.source
        and bool(batch.valid_at[0] > last.valid_at[0])
        and batch.available_at >= last.available_at
        and batch.places == last.places
        and batch.values.keys() == last.values.keys()
    )


def _checked(
    connection: Connection, archive: Archive, run: Sequence[Batch]
) -> tuple[list[Batch], Mapping[str, Flags]]:
    """The batches of a run with their flags, and the flags of all of them together."""
    first = run[0]
    observed = first.kind == "observation"
    recent = archive.recent(connection, first, HISTORY_HOURS) if observed else {}
    if len(run) == 1:
        alone = check(first, recent)
        return [alone], alone.flags
    whole = _joined(run)
    flags = dict(check(whole, recent).flags)
    for name, bits in flags.items():
        if (bits & _BY_NEIGHBOURS).any():
            flags[name] = _hour_by_hour(whole, name, recent)
    return [_cut(batch, column, flags) for column, batch in enumerate(run)], flags


def _joined(run: Sequence[Batch]) -> Batch:
    """A run as one batch."""
    values = {
        name: np.concatenate([batch.values[name] for batch in run], axis=1)
        for name in run[0].values
    }
    flags = {
        name: np.concatenate([batch.flags_of(name) for batch in run], axis=1)
        for name in dict.fromkeys(name for batch in run for name in batch.flags)
    }
    valid_at = np.concatenate([batch.valid_at for batch in run])
    return replace(run[0], valid_at=valid_at, values=values, flags=flags)


def _hour_by_hour(whole: Batch, name: str, recent: Mapping[str, Values]) -> Flags:
    """Flags (place, hour) of one quantity as each hour gets them when it arrives."""
    places, size = whole.values[name].shape
    columns = ((whole.valid_at - whole.valid_at[0]) // _HOUR).astype(np.intp) + HISTORY_HOURS
    timeline = np.full((places, int(columns[-1]) + 1), np.nan)
    if name in recent:
        timeline[:, :HISTORY_HOURS] = recent[name]
    timeline[:, columns] = whole.values[name]
    bits = np.zeros((places, size), np.uint8)
    for at, column in enumerate(columns.tolist()):
        hour = replace(
            whole,
            valid_at=whole.valid_at[at : at + 1],
            values={name: whole.values[name][:, at : at + 1]},
            flags={name: whole.flags_of(name)[:, at : at + 1]},
        )
        past = {name: timeline[:, column - HISTORY_HOURS : column]}
        bits[:, at : at + 1] = check(hour, past).flags_of(name)
    return bits


def _cut(batch: Batch, column: int, flags: Mapping[str, Flags]) -> Batch:
    own = {name: bits[:, column : column + 1] for name, bits in flags.items()}
    said = {name: bits for name, bits in own.items() if bits.any()}
    return replace(batch, flags=said) if said or batch.flags else batch
