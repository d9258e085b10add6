"""Quality control: flags on values that cannot be believed. No value is ever changed.

All comparisons are made in whole steps of the quantity's resolution, so that a difference of
exactly the limit passes whatever the last binary digit. Exactly at a limit is believable. NaN is
never flagged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ingest.batch import Batch, Flag, Flags, Values
from ingest.quantities import Quantity, quantity

HISTORY_HOURS = 12
"""Hours of `recent` that let every check of a one-hour batch see as far back as it looks."""

STEP_MEMORY_H = 3
"""Age beyond which the last believed value is no longer compared with [h]."""

SPATIAL_PLACES = 5
"""Believable places an hour needs before one of them can be far from the rest."""

Mask = npt.NDArray[np.bool_]
_Hours = npt.NDArray[np.int64]


def check(batch: Batch, recent: Mapping[str, Values] | None) -> Batch:
    """The batch with RANGE, STEP, STUCK and SPATIAL added by the limits of `ingest.quantities`.

    Parameters
    ----------
    batch : Batch
        Observations or a forecast; values and flags already set are kept.
    recent : mapping or None
        Quantity -> (place, n): the n hours just before the first hour of the batch as they were
        reported, whatever their flags, NaN where missing, the last column one hour before the
        batch; same places in the same order. `HISTORY_HOURS` are enough. None where there is no
        history. Not used for forecasts, which are held to no observation and can repeat a value.

    Returns
    -------
    The same batch, with flags only for quantities that have some.

    Notes
    -----
    RANGE: below `low` or above `high`; sentinels such as 999999, -9999 and infinities are caught
    here.

    STEP: further than `step` from the last believed value one hour before. A value is believed
    when it has neither RANGE nor STEP. Where the hour before is missing or not believed, the last
    believed value two or three hours before is used with two or three times the limit; where that
    is older, or there is none, nothing is compared and the value is believed. So of a spike of one
    hour only the spike is flagged, not the return; a shift that stays is flagged in its first hour
    (larger than twice the limit also in its second, than three times also in its third), then
    believed; an excursion that was believed in its second hour counts as a shift, and its return
    as another.

    STUCK (observations only): `stuck_hours` or more equal values in successive hours, counted
    through `recent`; every member of the run in the batch is flagged. A missing or RANGE value, or
    an hour that the batch leaves out, ends a run.

    SPATIAL: further than `spatial` from the median of the values of that hour without RANGE, STEP
    and STUCK, where there are at least five of these; only they are judged.

    Raises ValueError where `recent` does not have the batch's places, naming the quantity.
    """
    flags = dict(batch.flags)
    history = recent if recent is not None and batch.kind == "observation" else {}
    for name, values in batch.values.items():
        past = _history(name, history.get(name), len(batch.places))
        found = _judge(batch, quantity(name), np.concatenate([past, values], axis=1))
        if found.any():
            flags[name] = batch.flags_of(name) | found
    return replace(batch, flags=flags)


def describe(flags: Flags | Mapping[str, Flags]) -> dict[str, int]:
    """Number of values per Flag name, such as ``{"RANGE": 2}``; flags nobody carries are left out.

    Takes the bits of one quantity, or a mapping such as ``batch.flags``, which is counted as a
    whole.
    """
    arrays = list(flags.values()) if isinstance(flags, Mapping) else [flags]
    counts: Counter[str] = Counter()
    for flag in Flag:
        counts[str(flag.name)] = sum(int(np.count_nonzero(bits & flag)) for bits in arrays)
    return {name: count for name, count in counts.items() if count}


def _judge(batch: Batch, limits: Quantity, values: Values) -> Flags:
    """Flag bits (place, hour) of the batch's own hours; `values` starts with the history."""
    past = values.shape[1] - batch.valid_at.size
    own = batch.valid_at.astype("datetime64[h]").astype(np.int64)
    hours = np.concatenate([own[0] + np.arange(-past, 0), own])
    # Hour first: the checks walk from hour to hour over all places, which should lie side by side.
    steps = np.rint(np.ascontiguousarray(values.T) / limits.resolution)
    bits = np.zeros(steps.shape, dtype=np.uint8)

    outside = (steps < _in_steps(limits.low, limits)) | (steps > _in_steps(limits.high, limits))
    bits[outside] = Flag.RANGE
    steps[outside] = np.nan
    if limits.step is not None:
        bits[_jumped(steps, hours, _in_steps(limits.step, limits))] |= np.uint8(Flag.STEP)
    if limits.stuck_hours is not None and batch.kind == "observation":
        bits[_stuck(steps, hours, limits.stuck_hours)] |= np.uint8(Flag.STUCK)
    if limits.spatial is not None:
        steps[bits > 0] = np.nan
        bits[past:][_remote(steps[past:], _in_steps(limits.spatial, limits))] = Flag.SPATIAL
    return np.ascontiguousarray(bits[past:].T)


def _in_steps(limit: float, limits: Quantity) -> float:
    return float(np.rint(limit / limits.resolution))


def _history(name: str, past: Values | None, places: int) -> Values:
    if past is None:
        return np.empty((places, 0))
    if past.ndim != 2 or past.shape[0] != places:
        raise ValueError(f"recent {name} has shape {past.shape}, expected ({places}, hours)")
    return past


def _jumped(steps: Values, hours: _Hours, limit: float) -> Mask:
    """Where (hour, place) a value is too far from the last believed one of the same place."""
    jumped = np.zeros(steps.shape, dtype=bool)
    suspect = _may_have_jumped(steps, limit)
    if suspect.any():
        jumped[:, suspect] = _walked(steps[:, suspect], hours, limit)
    return jumped


def _may_have_jumped(steps: Values, limit: float) -> Mask:
    """Places (place,) worth walking: most weather does not jump, and this tells so without a walk."""
    suspect = np.zeros(steps.shape[1], dtype=bool)
    for rows in range(1, STEP_MEMORY_H + 1):
        # Values so many rows apart are at least as many hours apart.
        suspect |= (np.abs(steps[rows:] - steps[:-rows]) > limit * rows).any(axis=0)
    return suspect


def _walked(steps: Values, hours: _Hours, limit: float) -> Mask:
    """The walk from hour to hour behind `_jumped`."""
    jumped = np.zeros(steps.shape, dtype=bool)
    last = np.full(steps.shape[1], np.nan)
    last_at = np.full(steps.shape[1], hours[0])
    for row, hour, out in zip(steps, hours, jumped, strict=True):
        age = hour - last_at
        np.greater(np.abs(row - last), limit * age, out=out, where=age <= STEP_MEMORY_H)
        believed = ~(np.isnan(row) | out)
        last[believed] = row[believed]
        last_at[believed] = hour
    return jumped


def _stuck(steps: Values, hours: _Hours, at_least: int) -> Mask:
    """Where (hour, place) a value belongs to a run of at least so many equal ones."""
    same = np.zeros(steps.shape, dtype=bool)
    same[1:] = (steps[1:] == steps[:-1]) & (np.diff(hours) == 1)[:, None]
    if np.count_nonzero(same) < at_least - 1:
        return np.zeros(steps.shape, dtype=bool)
    run = np.where(np.isnan(steps), 0, 1).astype(np.int32)
    for hour in range(1, hours.size):
        run[hour] += run[hour - 1] * same[hour]
    for hour in range(hours.size - 1, 0, -1):
        np.copyto(run[hour - 1], run[hour], where=same[hour])
    return run >= at_least


def _remote(steps: Values, limit: float) -> Mask:
    """Where (hour, place) a value is too far from the median of its hour."""
    remote = np.zeros(steps.shape, dtype=bool)
    # Nobody is further from the median than the highest is from the lowest.
    spread = np.fmax.reduce(steps, axis=1) - np.fmin.reduce(steps, axis=1)
    for hour in np.flatnonzero(spread > limit):
        row = steps[hour]
        known = row[~np.isnan(row)]
        if known.size >= SPATIAL_PLACES:
            np.greater(np.abs(row - np.median(known)), limit, out=remote[hour])
    return remote
