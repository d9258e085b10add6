"""The drought of 2022 at Chongqing, through the baseline, the derived parts and the hazard as they ship.

The climate is six years long, far too short for one, and is taken here because no other is at hand; rain and
warmth of 2022 are those of daily SYNOP reports. So the figures show the order of things, not their amount.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from simulators.real_weather import (
    CMA,
    SHAPINGBA,
    SYNOP,
    Days,
    chongqing_climate,
    days_shown,
    district,
    needs,
    spread,
    synop_2022,
)
from sqlalchemy import Connection
from stage import HOUR, Told
from stage import day as beijing
from stage import district as rongchang

from ingest import archive
from ingest.batch import Batch
from ingest.climate.series import Climate
from ingest.database import IN_MEMORY, create_tables, open_engine, writing
from ingest.errors import FengsuiError
from ingest.source import Feed
from ingest.times import instant64
from pipeline.climate import fill
from pipeline.config import SourceBlock, with_only
from pipeline.derive import derive_days
from pipeline.ports import Judging
from pipeline.tick import assess
from pipeline.view import view_of
from rules.baseline import fit_baseline
from rules.findings import Findings
from rules.hazards.drought import PARTS
from rules.level import Level

DAY = timedelta(days=1)
pytestmark = [needs(CMA), needs(SYNOP)]


@contextmanager
def dry_station() -> Iterator[tuple[Connection, Judging]]:
    """Drought at Shapingba against its six years of climate, over an empty archive."""
    climate = chongqing_climate()
    baseline = fit_baseline(
        climate, climate.days[0], climate.places, source=climate.source, alpha=0.85, minimum_years=5
    )
    feed = Feed(kind="told", every=HOUR)
    source = SourceBlock(name="synop", feed=feed, source=Told(batches=()))
    config = with_only(rongchang(), ("drought",))
    config = replace(config, district=district(SHAPINGBA), sources={"synop": source})
    judging = Judging(
        config=config, archive=archive.Archive(), view=view_of(config), baseline=baseline
    )
    engine = open_engine(IN_MEMORY)
    create_tables(engine, archive.metadata)
    with writing(engine) as connection:
        yield connection, judging
    engine.dispose()


LAST = beijing("08-24 00:45")
"""Just after the last day of the record."""


@pytest.fixture(scope="module")
def dry() -> Iterator[tuple[Days, Findings]]:
    """The parts of the index from 14 June to 23 August 2022, and what the hazard says of them."""
    with dry_station() as (connection, judging):
        filled = fill(connection, LAST, judging, synop_2022(), measured=True)
        assert (filled.missing, filled.index_days) == (0, 71)
        yield (
            days_shown(connection, judging, LAST, PARTS, 71),
            assess(connection, [LAST], judging)["drought"],
        )


def composite(parts: Days) -> npt.NDArray[np.float64]:
    """The index by the summer weights, (day,)."""
    weights = np.array([0.5, 0.6, 0.2, 0.1])
    found: npt.NDArray[np.float64] = weights @ np.concatenate([parts[name] for name in PARTS])
    return found


@pytest.mark.parametrize(("years", "why"), [(20, "holds 6 whole years"), (6, "leave 4 years")])
def test_six_years_are_no_climate(years: int, why: str) -> None:
    """The record is refused as a baseline, and so are its gaps; these tests ask for less."""
    record = chongqing_climate()
    with pytest.raises(FengsuiError, match=why):
        fit_baseline(
            record, record.days[0], record.places, source="here", alpha=0.85, minimum_years=years
        )


def test_the_drought_of_2022_was_sudden(dry: tuple[Days, Findings]) -> None:
    """Storms to 18 July, then none: moderate on 8 August, severe on the 16th, -1.84 on the 23rd."""
    index = dict(zip(pd.date_range("2022-06-14", "2022-08-23"), composite(dry[0]), strict=True))
    assert index[pd.Timestamp("2022-07-18")] > 1.0
    since = {day: value for day, value in index.items() if day > pd.Timestamp("2022-07-18")}
    crossed = [f"{min(d for d, v in since.items() if v <= limit):%m-%d}" for limit in (-1.0, -1.5)]
    assert crossed == ["08-08", "08-16"]
    assert index[pd.Timestamp("2022-08-23")] == pytest.approx(-1.84, abs=0.02)


def test_each_part_tells_its_own_memory(dry: tuple[Days, Findings]) -> None:
    """Weighted rain of two months is extreme; of 90 days, with 296 mm in June, not even moderate."""
    last = {name: float(values[0, -1]) for name, values in dry[0].items()}
    expected = {"spiw60": -2.15, "mi30": -0.97, "spi90": -0.65, "spi150": -0.50}
    assert last == pytest.approx(expected, abs=0.02)


def test_severe_drought_is_certain_and_worse_is_possible(dry: tuple[Days, Findings]) -> None:
    """Orange by what was measured, for 24 days; without a forecast nobody excludes red.

    Chongqing's orange drought warning was really in force then; it was lifted on 5 September.
    """
    found = dry[1]
    assert (found.floor[0, 0], found.reach[0, 0]) == (Level.ORANGE, Level.RED)
    assert found.value[0, 0] == pytest.approx(-1.84, abs=0.02)
    assert found.extra["drought_days"][0, 0] == 24


def hourly(record: Climate, first: datetime) -> Batch:
    """The last ten days of a daily record as even hours from a midnight on, all known ten days later."""
    tail = {name: values[:, -10:] for name, values in record.items()}
    rain = spread(tail["precipitation_day"], 24).reshape(1, -1)
    warmth = np.repeat(tail["temperature_mean_day"], 24, axis=-1)
    return Batch(
        source="synop", kind="observation", issued_at=first, available_at=first + 10 * DAY,
        places=(SHAPINGBA.id,), valid_at=instant64(first) + np.arange(241) * np.timedelta64(3600, "s"),
        values={
            "precipitation": np.hstack([[[np.nan]], rain]),
            "temperature_2m": np.hstack([warmth, [[np.nan]]]),
        },
    )  # fmt: skip


def test_the_daily_job_comes_to_the_same_index(dry: tuple[Days, Findings]) -> None:
    """Filled up to 13 August, and then from the hours of ten days that came late: the same parts."""
    begins = beijing("08-14 00:00")
    with dry_station() as (connection, judging):
        fill(connection, begins + HOUR / 2, judging, synop_2022(), measured=True)
        judging.archive.append(connection, [hourly(synop_2022(), begins)])
        derive_days(connection, begins + 9 * DAY, LAST, judging)
        found = days_shown(connection, judging, LAST, PARTS, 10)
    for name in PARTS:
        np.testing.assert_allclose(found[name], dry[0][name][:, -10:], atol=0.011)
