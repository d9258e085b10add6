"""Days derived all at once are those that the daily job would have derived, run after run, byte for byte."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from bench.climate import baseline
from simulators.small_district import small_district

from ingest import archive
from ingest.archive import Archive
from ingest.batch import Batch, Flag
from ingest.block import exact64
from ingest.database import IN_MEMORY, create_tables, open_engine, writing
from ingest.quantities import QUANTITIES
from pipeline import deriving
from pipeline.config import load
from pipeline.derive import derive, derive_days, due, observing
from pipeline.ports import Judging
from pipeline.view import DERIVED, view_of
from rules.derived import Day, derivations

CONFIG = Path(__file__).resolve().parents[2] / "config"
START = datetime(2022, 8, 17, 16, 5, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAYS = 3
HOURLY = {
    "temperature_2m": (31.0, 5.0), "relative_humidity_2m": (60.0, 15.0),
    "wind_speed_10m": (2.0, 1.0), "precipitation": (0.0, 2.0),
}  # fmt: skip
DAILY = {"precipitation_day": (2.0, 4.0), "temperature_mean_day": (27.0, 3.0)}


@cache
def judging(towns=3, climate=True):
    """All hazards as they ship, with a climate or without."""
    config = replace(load(CONFIG), district=small_district(towns))
    view = replace(view_of(config), sources=("station", DERIVED), freshness={})
    fitted = baseline(view.places, 4) if climate else None
    return Judging(config=config, archive=Archive(), view=view, baseline=fitted)


def drawn(chance, level, spread, shape, gaps):
    """Random weather in tenths, with gaps."""
    values = np.round(np.maximum(chance.normal(level, spread, shape), 0.0), 1)
    return np.where(chance.random(shape) < gaps, np.nan, values)


def said(chance, known, hours, quantities=HOURLY, gaps=0.02, **keys):
    """A random statement about hours that are counted from the first midnight."""
    shape = (len(judging().view.places), len(hours))
    values = {name: drawn(chance, level, spread, shape, gaps) for name, (level, spread) in quantities.items()}
    bits = np.uint8(chance.choice([0, Flag.ANALYSIS, Flag.RANGE], p=[0.5, 0.4, 0.1]))
    return Batch(**{
        "source": "station", "kind": "observation", "issued_at": known, "available_at": known,
        "places": judging().view.places,
        "valid_at": exact64(START - 5 * HOUR / 60).astype("datetime64[h]") + np.array(hours),
        "values": values, "flags": {name: np.full(shape, bits) for name in quantities}, **keys,
    })  # fmt: skip


def weather(seed):
    """Hours that come in time, late, never or twice, forecasts, and days that somebody imported."""
    chance = np.random.default_rng(seed)
    yield said(chance, START - DAY, range(-40 * 24, 0, 24), DAILY, 0.1, source=DERIVED)
    for hour in range(-30, DAYS * 24):
        known = START + hour * HOUR
        late = HOUR * int(chance.integers(1, 40)) if chance.random() < 0.1 else 0 * HOUR
        if chance.random() > 0.05:
            yield said(chance, known + late, [hour])
        if chance.random() < 0.05:
            yield said(chance, known + 30 * HOUR, [hour - 1, hour], gaps=0.3)
        if hour % 12 == 0:
            yield said(chance, known, range(hour + 1, hour + 60 + hour % 48 * 2), kind="forecast")
    middle = START + 2 * DAY + 30 * HOUR / 60
    yield said(chance, middle, range(-20 * 24, 24, 24), DAILY, 0.5, source=DERIVED)


def derived(how, seed, own):
    """Every derived batch after some weather, in the order in which they were archived."""
    engine = open_engine(IN_MEMORY)
    create_tables(engine, archive.metadata)
    with writing(engine) as connection:
        own.archive.append(connection, weather(seed))
        how(connection, START, START + DAYS * DAY, own)
        rows = connection.exec_driver_sql(
            "SELECT kind, issued_at, available_at, first_valid, last_valid, digest FROM batch"
            " WHERE source = 'derived' ORDER BY id"
        ).all()
    engine.dispose()
    return [tuple(row) for row in rows]


def day_by_day(connection, start, end, own):
    """The job run by run: at its moments, and at once for a late report."""
    last = waiting = None
    reports = own.archive.told(connection, start - DAY, end, observing(own))
    for known, hour in [*reports, (end + timedelta.resolution, None)]:
        while due(start, last) < known:
            moment = due(start, last)
            derive(connection, moment, own, last)
            last, waiting = moment, None
        if hour is not None:
            waiting = hour if waiting is None else min(waiting, hour)
            now = max(known, start)
            if due(now, last, waiting) == now:
                derive(connection, now, own, last)
                last, waiting = now, None


@pytest.mark.parametrize("together", [0, 3 * 1024 * 1024, deriving._BYTES])
@pytest.mark.parametrize("seed", [1, 2])
def test_many_days_at_once_are_what_the_job_makes_run_after_run(seed, together, monkeypatch):
    """Whatever comes late, twice or never, and however many runs are made together."""
    monkeypatch.setattr(deriving, "_BYTES", together)
    assert derived(derive_days, seed, judging()) == one_after_the_other(seed)


@cache
def one_after_the_other(seed):
    """What the job makes of a weather, run after run."""
    found = derived(day_by_day, seed, judging())
    assert len(found) > DAYS * 3 * 3
    return found


@pytest.mark.parametrize("only", [{"towns": 1}, {"climate": False}])
def test_one_town_or_no_climate_makes_no_difference(only):
    """A town alone is summed up as it always was."""
    own = judging(**only)
    assert derived(derive_days, 3, own) == derived(day_by_day, 3, own)


def test_days_derived_twice_are_archived_once():
    """A second run over the same days says nothing new and changes nothing."""

    def twice(*period):
        derive_days(*period)
        derive_days(*period)

    assert derived(twice, 1, judging()) == one_after_the_other(1)


def test_towns_are_derived_each_by_itself():
    """What is made of many towns at once is what is made of each few, to the last bit."""
    told = {made.gives for made in derivations(tuple(QUANTITIES)) if not _same(made)}
    assert not told


def _same(made, times=5):
    whole = made.compute(_day(made, times, slice(None)))
    apart = [made.compute(_day(made, times, slice(one, one + 1))) for one in range(times)]
    return all(
        values.tobytes() == np.concatenate([part[name] for part in apart]).tobytes()
        for name, values in whole.items()
    )


def _day(made, times, which):
    """Some of so many random looks at one day, their towns one after the other."""
    own, chance = judging(), np.random.default_rng(4)
    rows = {
        name: drawn(chance, 20.0, 9.0, (times, 3, 150), 0.02)[which].reshape(-1, 150)
        for name in dict.fromkeys((*made.hours, *made.before, *made.same))
    }
    number = len(range(times)[which])
    return Day(
        date=np.datetime64("2022-08-17"),
        hours={name: np.asfortranarray(rows[name][:, :24]) for name in made.hours},
        before={name: rows[name][:, :back].copy() for name, back in made.before.items()},
        same={name: rows[name][:, -1] for name in made.same},
        latitude=np.tile([town.lat for town in own.config.district.towns], number),
        baseline=own.baseline.select(own.baseline.places * number),
    )


def test_of_nothing_follows_nothing():
    """Where no hour and no day is known, a derivation knows nothing: such days are not asked about."""
    for made in derivations(tuple(QUANTITIES)):
        day = _day(made, 1, slice(None))
        for side in (*day.hours.values(), *day.before.values(), *day.same.values()):
            side[:] = np.nan
        assert all(np.isnan(values).all() for values in made.compute(day).values())
