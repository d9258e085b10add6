"""From a table to a verified replay, by the same doors as `fengsui archive import`, `replay` and `verify`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from ingest import archive
from ingest.archive import Archive
from ingest.database import IN_MEMORY, create_tables, open_engine
from ingest.http import HttpClient
from pipeline.config import Config
from pipeline.imports.request import Asked, batches_of, plan_of
from pipeline.imports.run import archive_past
from pipeline.ports import Judging
from pipeline.replay.result import Replay, Trace
from pipeline.replay.run import Period, run
from pipeline.verify.catalogue import occurrences
from pipeline.verify.result import Verification
from pipeline.verify.run import verify
from pipeline.verify.terms import load_terms
from pipeline.view import view_of
from pipeline.wiring import desk_of

_NO_KEY = "a rehearsal opens nothing"


@dataclass(frozen=True, kw_only=True)
class Told:
    """A period replayed, and what its warnings were worth."""

    config: Config
    """The rules."""
    replay: Replay
    """With the weather against the ladders."""
    verified: Verification
    """Against the catalogue of the configuration."""


@contextmanager
def imported(config: Config, requests: Iterable[Asked]) -> Iterator[Engine]:
    """An archive in memory that holds what the imports bring; nothing is derived, for no case needs it."""
    engine = open_engine(IN_MEMORY)
    try:
        create_tables(engine, archive.metadata)
        judging = Judging(config=config, archive=Archive(), view=view_of(config))
        with HttpClient() as http:
            for asked in requests:
                batches = batches_of(asked, plan_of(asked, config.district), http)
                archive_past(batches, engine, judging, derive=False)
        yield engine
    finally:
        engine.dispose()


def replayed(
    config: Config, requests: Iterable[Asked], name: str, start: datetime, end: datetime
) -> Replay:
    """Import into memory, and replay a period of it."""
    with imported(config, requests) as engine:
        return ran(config, Period(name=name, engine=engine, start=start, end=end))


def ran(config: Config, period: Period) -> Replay:
    """Replay a period with the weather against the ladders."""
    return run(config, period, desk_of(config, _NO_KEY, config.service.public_url), keep=True)


def joined(name: str, replays: Sequence[Replay]) -> Replay:
    """Several periods of the same rules as one, in their order; what lies between them was not judged."""
    first, last = replays[0], replays[-1]
    blind: dict[str, timedelta] = {}
    for one in replays:
        for hazard, time in one.blind.items():
            blind[hazard] = blind.get(hazard, timedelta(0)) + time
    return replace(
        first,
        event=name,
        end=last.end,
        ticks=sum(one.ticks for one in replays),
        elapsed_s=sum(one.elapsed_s for one in replays),
        transitions=tuple(change for one in replays for change in one.transitions),
        deliveries=tuple(sent for one in replays for sent in one.deliveries),
        pages=tuple(page for one in replays for page in one.pages),
        blind=blind,
        traces={hazard: _drawn([one.traces[hazard] for one in replays]) for hazard in first.traces},
    )


def _drawn(traces: Sequence[Trace]) -> Trace:
    return replace(
        traces[0],
        nows=np.concatenate([one.nows for one in traces]),
        value=np.concatenate([one.value for one in traces]),
        floor=np.concatenate([one.floor for one in traces]),
        level=np.concatenate([one.level for one in traces]),
        unknown=np.concatenate([one.unknown for one in traces]),
    )


def verified(config: Config, replay: Replay) -> Told:
    """Compare a replay with the catalogue of its configuration."""
    found = verify(replay, occurrences(config), config, load_terms(config.folder))
    return Told(config=config, replay=replay, verified=found)


def table(path: Path, columns: Mapping[str, object] | pd.DataFrame) -> Path:
    """Write a table as CSV; NaN becomes an empty cell."""
    pd.DataFrame(columns).to_csv(path, index=False)
    return path
