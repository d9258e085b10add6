"""Every day of 50 mm or more in 38 cities, 2014 to 2019: what a daily total makes certain, and what possible.

Only totals are known. Spread evenly over the day they are the least that any shorter window can have held,
in three hours or in one the most; the truth lies between. Each day is laid into the archive as a place of its
own, with the days before it, and judged by the hazards as they ship; no rule of rain knows the season. The
set does not say at which hour its day ends, so each hazard is given the day that it counts by: 20 to 20
o'clock for landslides, midnight for the others. Basins and susceptibility are those of towns not named.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest
from simulators.real_weather import (
    CMA,
    SOURCE,
    WetDays,
    district,
    needs,
    place,
    rain_batch,
    spread,
    wet_days,
)
from stage import HOUR, LATENCY, Told
from stage import district as rongchang

from ingest import archive
from ingest.database import IN_MEMORY, create_tables, open_engine, writing
from ingest.quantities import quantity
from ingest.source import Feed
from pipeline.config import Config, SourceBlock, with_only
from pipeline.derive import derive
from pipeline.ports import Judging
from pipeline.pull import take_in
from pipeline.tick import assess
from pipeline.view import view_of
from rules.indices.rain import GRADES, grade
from rules.level import Level

pytestmark = needs(CMA)

BEFORE = 8
"""Days before each that the ground may remember."""
HOURS = {"even": 24, "in three hours": 3, "in one hour": 1}
"""How a total is laid over its day, the mildest first."""
MIDNIGHT = datetime(2016, 6, 30, 16, tzinfo=UTC)
"""A Beijing midnight that stands for the beginning of every day."""
BY_MIDNIGHT = ("rainstorm", "flash_flood", "debris_flow")
ALL = (*BY_MIDNIGHT, "landslide")

Levels = npt.NDArray[np.int8]


@dataclass(frozen=True, kw_only=True)
class Reached:
    """What was found."""

    days: WetDays
    """The days."""
    levels: dict[str, dict[str, Levels]]
    """Hazard -> how the total is laid -> highest certain level of each day, (case,)."""

    def words(self, city: str | None = None) -> Counter[str]:
        """Days by the national word for their amount, of one city or of all."""
        here = [city in (None, name) for name in self.days.cities]
        return Counter(GRADES[row].zh for row in grade(self.days.totals[here], 24))


def settings(hazards: tuple[str, ...], cases: int) -> Config:
    """These hazards as they ship, over as many places as there are cases."""
    places = [place(f"{number:09}", "day") for number in range(cases)]
    feed = Feed(kind="told", every=HOUR, latency=LATENCY)
    gauge = SourceBlock(name=SOURCE, feed=feed, source=Told(batches=()))
    config = with_only(rongchang(), hazards)
    return replace(config, district=district(*places), sources={SOURCE: gauge})


def judged(days: WetDays, begins: datetime, hazards: tuple[str, ...]) -> dict[str, dict[str, Levels]]:
    """Hazard -> spread -> highest certain level at the hours from the middle of the day on.

    By then no window of 12 hours or less holds rain of the day before.
    """
    most = quantity("precipitation").high
    config = settings(hazards, len(HOURS) * len(days.totals))
    judging = Judging(config=config, archive=archive.Archive(), view=view_of(config))
    past = np.tile(spread(days.rain[:, :-1], 24).reshape(len(days.totals), -1), (len(HOURS), 1))
    today = np.concatenate([spread(days.totals, hours, most) for hours in HOURS.values()])
    ids = config.district.place_ids
    known, first = begins + LATENCY, begins - BEFORE * timedelta(days=1)
    told = [
        rain_batch("observation", known, first, past, ids),
        rain_batch("forecast", known, begins, today, ids),
        rain_batch("observation", known + 12 * HOUR, begins, today[:, :12], ids),
    ]
    told += [
        rain_batch("observation", known + (h + 1) * HOUR, begins + h * HOUR, today[:, h : h + 1], ids)
        for h in range(12, 24)
    ]
    engine = open_engine(IN_MEMORY)
    create_tables(engine, archive.metadata)
    with writing(engine) as connection:
        assert not take_in(connection, judging.archive, told).masked
        derive(connection, begins + HOUR / 2, judging, since=first)
        nows = [known + h * HOUR for h in range(12, 24)]
        found = assess(connection, nows, judging)
    engine.dispose()
    split = {name: np.split(found[name].floor.max(axis=0), len(HOURS)) for name in hazards}
    return {name: dict(zip(HOURS, parts, strict=True)) for name, parts in split.items()}


@pytest.fixture(scope="module")
def reached() -> Reached:
    """Every day of 50 mm or more, judged."""
    days = wet_days(50.0, BEFORE)
    evening = judged(days, MIDNIGHT - 4 * HOUR, ("landslide",))
    return Reached(days=days, levels=judged(days, MIDNIGHT, BY_MIDNIGHT) | evening)


def test_the_days_have_their_national_words(reached: Reached) -> None:
    """715 days of 50 mm and more, 140 of them of 100, two of 250; 25 and one of 100 at Chongqing."""
    assert reached.words() == {"暴雨": 575, "大暴雨": 138, "特大暴雨": 2}
    assert reached.words("chongqing") == {"暴雨": 24, "大暴雨": 1}


def test_what_a_total_makes_certain(reached: Reached) -> None:
    """100 mm a day are 50 within 12 hours at least (blue), 200 are 50 within six (yellow); less is silent."""
    total = reached.days.totals
    blue, yellow = (total >= 100.0) * Level.BLUE, (total >= 200.0) * Level.YELLOW
    np.testing.assert_array_equal(reached.levels["rainstorm"]["even"], np.maximum(blue, yellow))
    assert Counter(reached.levels["rainstorm"]["even"].tolist()) == {0: 575, 1: 123, 2: 17}


@pytest.mark.parametrize("laid", ["in three hours", "in one hour"])
def test_what_a_total_makes_possible(reached: Reached, laid: str) -> None:
    """All in three hours or less, 50 mm are orange and 100 are red: no rainstorm day is ever out of reach."""
    expected = np.where(reached.days.totals >= 100.0, Level.RED, Level.ORANGE)
    np.testing.assert_array_equal(reached.levels["rainstorm"][laid], expected)


@pytest.mark.parametrize("hazard", ALL)
def test_the_same_rain_in_fewer_hours_is_never_less(reached: Reached, hazard: str) -> None:
    """On each of the 715 days, with the ground as it was, the levels rise as the hours get fewer."""
    levels = reached.levels[hazard]
    assert (levels["even"] <= levels["in three hours"]).all()
    assert (levels["in three hours"] <= levels["in one hour"]).all()
    assert (levels["even"] < levels["in one hour"]).any()


@pytest.mark.parametrize("hazard", ["flash_flood", "debris_flow", "landslide"])
def test_an_extreme_day_is_red_whatever_its_hours(reached: Reached, hazard: str) -> None:
    """The two days of 250 mm and more: Beijing on 20 July 2016 and Haikou on 1 August 2019."""
    extreme = reached.days.totals >= 250.0
    assert [*map(str, np.array(reached.days.dates)[extreme])] == ["2016-07-20", "2019-08-01"]
    assert (reached.levels[hazard]["even"][extreme] == Level.RED).all()


@pytest.mark.parametrize(
    ("city", "day", "total", "certain", "possible"),
    [
        ("chongqing", "2014-03-20", 90.0, "none", "orange"),
        ("chongqing", "2014-09-18", 111.2, "blue", "red"),
        ("chongqing", "2015-08-17", 97.0, "none", "orange"),
        ("beijing", "2016-07-20", 253.5, "yellow", "red"),
        ("wuhan", "2016-07-06", 241.5, "yellow", "red"),
        ("guiyang", "2014-07-16", 201.7, "yellow", "red"),
        ("haikou", "2014-07-19", 191.3, "blue", "red"),
        ("haikou", "2019-08-01", 266.6, "yellow", "red"),
    ],
)
def test_known_days(
    reached: Reached, city: str, day: str, total: float, certain: str, possible: str
) -> None:
    """The truth of each lies between two levels of rainstorm."""
    row = reached.days.find(city, day)
    levels = reached.levels["rainstorm"]
    assert reached.days.totals[row] == total
    assert Level(levels["even"][row]).key == certain
    assert Level(levels["in three hours"][row]).key == possible


def test_the_ground_remembers_the_day_before(reached: Reached) -> None:
    """Chongqing on 19 and 20 April 2019: more of the landslide's level for the second day of alike rain."""
    first, second = (reached.days.find("chongqing", day) for day in ("2019-04-19", "2019-04-20"))
    assert reached.days.totals[[first, second]].tolist() == [55.3, 59.6]
    levels = reached.levels["landslide"]["even"]
    assert (levels[first], levels[second]) == (Level.NONE, Level.YELLOW)
