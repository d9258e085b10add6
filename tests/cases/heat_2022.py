"""August 2022 at Rongchang: the recorded event, with perfect forecasts and with none that knew anything.

The recording's own forecasts are taken from its future. That bounds what any forecast could have given from
above; a forecast that today comes again tomorrow bounds it from below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
from cases.chapter import SUFFIXES, Findings, Shelf, findings
from cases.past import Told, ran, verified
from cases.pictures import course, save

from ingest import archive
from ingest.archive import Archive
from ingest.batch import Batch
from ingest.database import IN_MEMORY, create_tables, open_engine
from ingest.http import HttpClient
from ingest.recordings import load_event
from ingest.source import Request
from ingest.sources.recorded import Recorded
from pipeline.config import Config, load, with_only
from pipeline.configuration.folder import default_folder
from pipeline.demo.stage import recorded_source
from pipeline.imports.run import archive_past
from pipeline.ports import Judging
from pipeline.replay.run import Period, event_period
from pipeline.view import view_of

NAME = "heat-2022"
NEEDS = None
VARIANTS = ("perfect", "persistence")
EVENT = "heatwave-2022-08"
HAZARDS = ("heat",)
_DAY_H = 24
_AHEAD_H = 72
_TITLES = {
    "perfect": "2022年8月荣昌高温，理想预报（上限） / August 2022, perfect forecasts (upper bound)",
    "persistence": "2022年8月荣昌高温，惯性预报（下限） / August 2022, tomorrow as today (lower bound)",
}
_CREDIT = "Open-Meteo.com (CC BY 4.0); Copernicus Climate Change Service (ERA5)"


def play(variant: str, until: datetime | None = None) -> Told:
    """The event under the configuration that ships."""
    config = with_only(load(default_folder()), HAZARDS)
    if variant == "perfect":
        config, period = event_period(config, EVENT)
        config = with_only(config, HAZARDS)
    else:
        config, period = _without_foresight(config)
    try:
        return verified(config, ran(config, period if until is None else replace(period, end=until)))
    finally:
        period.engine.dispose()


def _without_foresight(config: Config) -> tuple[Config, Period]:
    event, block = load_event(EVENT), recorded_source(EVENT)
    played = replace(config, sources={block.name: block})
    start, end = event.start + block.feed.latency, event.end + block.feed.latency
    engine = open_engine(IN_MEMORY)
    create_tables(engine, archive.metadata)
    with HttpClient() as http:
        request = Request(now=end, since=None, district=config.district, http=http)
        seen = Recorded(event=EVENT, forecasts="none").fetch(block.name, request)
    judging = Judging(config=played, archive=Archive(), view=view_of(played))
    archive_past(with_persistence(seen), engine, judging)
    return played, Period(name=EVENT, engine=engine, start=start, end=end)


def with_persistence(seen: list[Batch]) -> Iterator[Batch]:
    """The observations, and after each day's last hour a forecast that its hours come again three times."""
    for number, batch in enumerate(seen):
        yield batch
        hour = batch.valid_at[-1].astype("datetime64[h]").astype(int) % _DAY_H
        if hour == _DAY_H - 1 and number >= _DAY_H:
            yield _again(seen[number - _DAY_H + 1 : number + 1], batch)


def _again(day: list[Batch], last: Batch) -> Batch:
    values = {name: np.concatenate([one.values[name] for one in day], axis=1) for name in last.values}
    flags = {name: np.concatenate([one.flags_of(name) for one in day], axis=1) for name in last.values}
    times = _AHEAD_H // _DAY_H
    return replace(
        last,
        kind="forecast",
        valid_at=last.valid_at[-1] + np.arange(1, _AHEAD_H + 1) * np.timedelta64(3600, "s"),
        values={name: np.tile(array, times) for name, array in values.items()},
        flags={name: np.tile(array, times) for name, array in flags.items()},
    )


def make(variant: str, data: Path, work: Path, out: Path) -> list[Findings]:
    """Both reports, and the picture of the bundled event."""
    one = play(variant)
    suffixes = SUFFIXES if variant == "perfect" else SUFFIXES[:1]
    Shelf(folder=out, name=f"{NAME}-{variant}", title=_TITLES[variant], suffixes=suffixes).publish(one)
    if variant == "perfect":
        save(out / "pictures", NAME, course(one, "heat"), (900, 330), _CREDIT)
    return [findings(f"{NAME}-{variant}", one)]
