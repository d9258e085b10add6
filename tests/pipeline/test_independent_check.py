"""The whole event, judged twice: by the house, and by twenty lines of pandas on the raw figures."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ingest.database import reading
from ingest.recordings import BUNDLED
from ingest.source import Feed
from ingest.sources.recorded import Recorded, load_event
from pipeline.config import SourceBlock, load
from pipeline.ports import Ports
from pipeline.pull import pull
from pipeline.settings import Settings
from pipeline.tick import assess
from pipeline.wiring import build
from rules.findings import Findings, Verdict

CONFIG = Path(__file__).resolve().parents[2] / "config"
NAME = "heatwave-2022-08"
EVENT = load_event(NAME)
FIVE_MINUTES, HOUR = timedelta(minutes=5), timedelta(hours=1)


def raw_temperature() -> pd.Series:
    """The recording hour by hour: measured where it was, else the curve that the notice describes."""
    measured, daily = (
        pd.read_csv(BUNDLED / NAME / file, index_col="time", parse_dates=True)
        for file in ("hourly.csv", "daily.csv")
    )
    extremes = pd.concat([daily.iloc[:, 0].shift(freq="9h"), daily.iloc[:, 1].shift(freq="21h")])
    outside = (extremes.index < measured.index[0]) | (extremes.index > measured.index[-1])
    known = pd.concat([extremes[outside], measured["temperature_2m"]]).sort_index()
    hours = pd.date_range(EVENT.start.replace(tzinfo=None), known.index[-1], freq="h")
    times = pd.Series(known.index, known.index)
    t0, t1 = (times.reindex(hours, method=way) for way in ("ffill", "bfill"))
    v0, v1 = (known.reindex(hours, method=way) for way in ("ffill", "bfill"))
    share = ((hours - t0) / (t1 - t0).where(t1 > t0, pd.Timedelta("1h"))).astype(float)
    return (v0 + (v1 - v0) * (1 - np.cos(np.pi * share)) / 2).round(1)


def by_hand() -> pd.DataFrame:
    """Highest level by Beijing day and town: three hot days with today, or the next 24 hours."""
    towns = yaml.safe_load((CONFIG / "district.yaml").read_text(encoding="utf-8"))["towns"]
    cell = raw_temperature()
    frame = pd.DataFrame(
        {town["id"]: (cell - (town["elevation"] - 380) * 0.0065).round(1) for town in towns}
    )
    day = pd.DatetimeIndex(frame.index).shift(8, freq="h").floor("D")
    run = (frame.groupby(day).max() >= 35.0).rolling(3).sum() == 3
    yellow = (run | run.shift(-1, fill_value=False) | run.shift(-2, fill_value=False)).loc[day]
    next_day = frame[::-1].rolling(25, min_periods=1).max()[::-1]
    level = pd.DataFrame(np.where(yellow, Verdict.YELLOW, 0), frame.index, frame.columns)
    level = level.mask(next_day >= 37.0, Verdict.ORANGE).mask(next_day >= 40.0, Verdict.RED)
    told = frame.index <= EVENT.end.replace(tzinfo=None)
    return level[told].groupby(day[told]).max()


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """The shipped configuration, with the event and its perfect forecasts for weather."""
    feed = Feed(kind="recorded", every=HOUR, freshness=timedelta(hours=24))
    recorded = SourceBlock(name="recorded", feed=feed, source=Recorded(event=NAME, forecasts="perfect"))
    config = replace(load(CONFIG), sources={"recorded": recorded})
    data = tmp_path_factory.mktemp("data")
    opened = build(config, Settings(config=CONFIG, data=data, database="sqlite://"))
    pull("recorded", EVENT.end + FIVE_MINUTES, opened)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def findings(ports: Ports) -> Findings:
    """What the house finds at five past every hour of the event."""
    hours = (EVENT.end - EVENT.start) // HOUR + 1
    with reading(ports.engine) as connection:
        nows = [EVENT.start + number * HOUR + FIVE_MINUTES for number in range(hours)]
        return assess(connection, nows, ports)["heat"]


def by_the_house(findings: Findings) -> pd.DataFrame:
    """Highest certain level by Beijing day and town."""
    day = pd.DatetimeIndex(findings.nows).shift(8, freq="h").floor("D")
    return pd.DataFrame(findings.floor, columns=list(findings.places)).groupby(day).max()


def test_the_house_and_the_hand_find_the_same_levels(findings: Findings) -> None:
    """Every Beijing day of the event, every town: the same highest level."""
    hand, house = by_hand(), by_the_house(findings)
    assert hand.shape == (48, 21)
    pd.testing.assert_frame_equal(
        house, hand, check_dtype=False, check_names=False, check_freq=False, check_index_type=False
    )


def test_the_check_checks_something(findings: Findings) -> None:
    """Every level of the ladder, and none, is found on some day in some town."""
    found = {int(level) for level in np.unique(by_the_house(findings).to_numpy())}
    assert found == {0, int(Verdict.YELLOW), int(Verdict.ORANGE), int(Verdict.RED)}


def test_nothing_is_unknown_once_forecasts_come(findings: Findings) -> None:
    """From the first issue on, and from the third day for the run before it, to the very last hour."""
    assert (findings.verdict[48:] != Verdict.UNKNOWN).all()
    assert (findings.reach[48:] == findings.floor[48:]).all()
