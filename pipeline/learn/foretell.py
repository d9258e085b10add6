"""The job of foretelling: asks each model in use about the days ahead, and archives its chances.

Chances are batches of the source ``learned``, known from the moment they were made: as-of views, restarts and
replays treat them as any other value. The models are opened and asked in the thread of the job; a tick reads
what is archived and never waits for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection

from alerts.record import ledger, shadows
from alerts.record.ledger import Run
from alerts.record.shadows import Turn
from ingest.batch import Batch, Values
from ingest.database import reading, writing
from ingest.quantities import quantity
from ingest.times import HOUR, beijing_day, beijing_midnight, instant64
from pipeline.learn import belt
from pipeline.learn.heat_train import one_thread
from pipeline.learn.inputs import Inputs
from pipeline.learn.kinds import Chances, Kind, wanted
from pipeline.learn.shelf import Shelf
from pipeline.ports import Judging, Ports
from pipeline.view import LEARNED
from rules.learned.drift import Reliability
from rules.learned.manifest import Manifest, ModelRefused
from rules.learned.store import Loaded

JOB = "foretell"
PAUSE = timedelta(hours=1)
"""Between two turns, however often data arrive."""
_SETTLE = timedelta(minutes=2)
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What came of asking one model once."""

    turn: Turn
    """For the record."""
    batches: tuple[Batch, ...] = ()
    """For the archive."""


@dataclass(frozen=True, kw_only=True)
class Foreteller:
    """Asks the models of an instance; it remembers what it opened."""

    ports: Ports
    """The instance."""
    shelf: Shelf
    """Its models."""
    _begun: list[datetime] = field(default_factory=list, init=False, repr=False)

    def due(self, now: datetime) -> datetime | None:
        """At each Beijing midnight, and where data came, an hour after the last turn; never without a model.

        The first turn waits some minutes, so that a start is not held up by opening models.
        """
        if not wanted(self.ports.config):
            return None
        if not self._begun:
            self._begun.append(now)
        with reading(self.ports.engine) as connection:
            last = ledger.last_run(connection, JOB)
            newest = _newest(connection, self.ports)
        first = self._begun[0] + _SETTLE
        if last is None:
            return first
        moments = [beijing_midnight(last.at) + _DAY]
        if newest is not None and newest > last.at:
            moments.append(max(newest, last.at + PAUSE))
        return max(min(moments), first)

    def run(self, now: datetime) -> tuple[Turn, ...]:
        """Ask every model that is wanted, and write down what it said in one commit."""
        told = foretell(now, self.ports, self.shelf)
        with writing(self.ports.engine) as connection:
            for one in told:
                self.ports.archive.append(connection, one.batches)
                shadows.note(connection, one.turn)
            detail = "; ".join(_in_words(one.turn) for one in told) or "no model is wanted"
            ledger.record_run(connection, Run(job=JOB, at=now, outcome="ok", detail=detail))
        return tuple(one.turn for one in told)


def foretell(now: datetime, ports: Ports, shelf: Shelf) -> tuple[Said, ...]:
    """What each wanted model says at a moment; writes nothing."""
    found = []
    for kind in wanted(ports.config):
        with reading(ports.engine) as connection:
            found.append(asked(connection, now, ports, (kind, shelf)))
    return tuple(found)


def asked(
    connection: Connection, now: datetime, judging: Judging, who: tuple[Kind, Shelf]
) -> Said:
    """Ask the model of one kind; where it lacks anything or is refused, its turn says why."""
    kind, shelf = who
    parts = kind.gather(connection, now, judging)
    if not parts:
        return Said(turn=Turn(kind=kind.name, model="", at=now, why=belt.NO_SOURCES))
    try:
        loaded = shelf.take(kind)
    except ModelRefused as error:
        return Said(turn=Turn(kind=kind.name, model="", at=now, why=str(error)))
    kept = belt.held(connection, now, judging, kind)
    return _said(loaded, parts, kept, (kind, now, judging))


def _said(
    loaded: Loaded,
    parts: Sequence[Inputs],
    kept: Mapping[str, Reliability],
    about: tuple[Kind, datetime, Judging],
) -> Said:
    kind, now, judging = about
    batches: list[Batch] = []
    silent: dict[str, str] = {}
    drift: dict[str, float] = {}
    highest: dict[str, float] = {}
    for inputs in parts:
        fastened = replace(belt.fastened(loaded.manifest, inputs, now), kept=kept)
        # Threads of linear algebra cost more than they bring, and would take them from the tick.
        with one_thread():
            model = kind.levelled(loaded.model, inputs, gap(loaded.manifest, inputs, now))
            answers = _bounded(kind.ask(model, inputs.table))
        chances, why = belt.silenced(
            answers, loaded.manifest, inputs, fastened, judging.view.places
        )
        silent |= why
        drift |= dict(fastened.drifting)
        for name, values in chances.items():
            if np.isfinite(values).any():
                highest[name] = max(highest.get(name, 0.0), float(np.nanmax(values)))
        batches += _batches(chances, inputs.offset, now, judging)
    turn = Turn(
        kind=kind.name, model=loaded.manifest.name, at=now, chances=highest, silent=silent, drift=drift
    )
    return Said(turn=turn, batches=tuple(batches))


def gap(manifest: Manifest, inputs: Inputs, now: datetime) -> int:
    """Days between the training and the first of the days before that are looked at [d]."""
    return (beijing_day(now) - manifest.trained_to).days - len(inputs.past)


def _bounded(chances: Chances) -> Chances:
    """Chances in steps of the table of quantities; a model that leaves 0..1 says nothing."""
    found = {}
    for name, values in chances.items():
        step = quantity(name).resolution
        inside = (values >= 0.0) & (values <= 1.0)
        found[name] = np.where(inside, np.round(np.rint(values / step) * step, 6), np.nan)
    return found


def _batches(
    chances: Mapping[str, Values], offset: int, now: datetime, judging: Judging
) -> list[Batch]:
    """A batch per hour at which days end; none where nothing is said."""
    by_end: dict[int, dict[str, Values]] = {}
    for name, values in chances.items():
        if np.isfinite(values).any():
            by_end.setdefault(quantity(name).day_ends, {})[name] = values[:, None]
    return [
        Batch(
            source=LEARNED,
            kind="forecast",
            issued_at=now,
            available_at=now,
            places=judging.view.places,
            valid_at=np.array([instant64(day_end(now, offset, ends))]),
            values=values,
        )
        for ends, values in by_end.items()
    ]


def day_end(now: datetime, offset: int, ends: int) -> datetime:
    """When the day of a block ends that is `offset` days from the one under way at `now`."""
    today = beijing_midnight(now) + ends * HOUR
    return today + (offset + (today <= now)) * _DAY


def _newest(connection: Connection, ports: Ports) -> datetime | None:
    """When something last became known that a model could read."""
    names = [name for name in ports.view.sources if name != LEARNED]
    moments = [ports.archive.newest(connection, name) for name in names]
    return max((moment for moment in moments if moment is not None), default=None)


def _in_words(turn: Turn) -> str:
    if turn.why:
        return f"{turn.kind}: {turn.why}"
    return f"{turn.kind}: {turn.model} speaks, silent in {len(turn.silent)} towns"
