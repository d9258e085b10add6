"""Learning at home: the heat model made of what this instance archived itself, as a challenger.

The daemon keeps what each forecast model said and what then came. After a season that is enough to learn how
wrong the models are here. A model made so waits as a challenger; nothing but a person puts it to use.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection

from alerts.record import ledger
from alerts.record.ledger import Run
from ingest.database import reading, writing
from ingest.errors import FengsuiError
from pipeline.learn.heat_data import HeatDays
from pipeline.learn.heat_home import archived_days
from pipeline.learn.lesson import Lesson
from pipeline.learn.shelf import Shelf
from pipeline.ports import Judging, Ports
from rules.learned import store

JOB = "learn"
SEASON_D = 150
"""Fewer days with a forecast and a maximum are no season [d]."""
LONGEST_D = 1100
"""Days of archive that are learned from at most [d]."""
_SETTLE = timedelta(hours=1)


def days_at_home(connection: Connection, now: datetime, judging: Judging) -> HeatDays:
    """The pairs of forecast and maximum that the archive holds, in the shape of the published training set.

    FengsuiError where they make no season yet, saying how many there are.
    """
    known = archived_days(connection, now, judging, LONGEST_D)
    forecast = np.isfinite(known.tomorrow).any(axis=(1, 2))
    paired = forecast & np.isfinite(known.maximum).any(axis=1)
    if paired.sum() < SEASON_D:
        raise FengsuiError(
            f"the archive holds {int(paired.sum())} days with a forecast of ifs, aifs, gfs, icon or gem and"
            f" what came; {SEASON_D} are needed: switch these sources on and wait, or train with --data"
        )
    first = known.days[np.flatnonzero(forecast)[0]].astype(object)
    last = known.days[np.flatnonzero(paired)[-1]].astype(object)
    return known.since(first).until(last)


def lesson_at_home(days: HeatDays, seed: int | None = None) -> Lesson:
    """Test and train on them; the manifest says that they are local."""
    from pipeline.learn.heat_lesson import taught  # scikit-learn: only where it is needed
    from pipeline.learn.heat_train import SEED

    about = f"this instance's own archive, {days.days[0]} to {days.days[-1]}"
    found = taught(days, SEED if seed is None else seed, about=about, data_hash=hash_of(days))
    return replace(found, manifest=replace(found.manifest, calibrated_for="rongchang"))


def hash_of(days: HeatDays) -> str:
    """SHA-256 over all that is learned from, hexadecimal."""
    digest = hashlib.sha256("".join(days.places).encode())
    for part in (days.days, days.tomorrow, days.earlier, days.maximum, days.weather):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """Trains a challenger every so often."""

    ports: Ports
    """The instance."""
    _begun: list[datetime] = field(default_factory=list, init=False, repr=False)

    def due(self, now: datetime) -> datetime | None:
        """As long after the last lesson as the service says, first an hour after a start; else never."""
        every = self.ports.config.service.learn_every
        if every is None:
            return None
        if not self._begun:
            self._begun.append(now)
        with reading(self.ports.engine) as connection:
            last = ledger.last_run(connection, JOB)
        return self._begun[0] + _SETTLE if last is None else last.at + every

    def run(self, now: datetime) -> str:
        """Train one from the archive; what came of it, or why nothing did, goes into the ledger."""
        try:
            outcome, detail = "ok", self._taught(now)
        except FengsuiError as error:
            outcome, detail = "refused", str(error)
        with writing(self.ports.engine) as connection:
            ledger.record_run(connection, Run(job=JOB, at=now, outcome=outcome, detail=detail))
        return detail

    def _taught(self, now: datetime) -> str:
        store.installed()
        with reading(self.ports.engine) as connection:
            days = days_at_home(connection, now, self.ports)
        lesson = lesson_at_home(days)
        folder = Shelf(data=self.ports.folder).challengers
        made = store.save(dict(lesson.parts), lesson.manifest, folder)
        return f"{made.name} trained to {made.trained_to}, waits as a challenger"
