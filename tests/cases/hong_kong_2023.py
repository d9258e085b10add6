"""Hong Kong airport, 7 and 8 September 2023: what sums of 6, 12 and 24 hours let anybody warn of, and when.

Of the hours within a sum nothing is known. Spread evenly, a window that whole sums fill holds what it really
held, and a level it reaches is certain; packed into three hours, those hold the most that they may have. Sums
become known with their reports, so nothing is warned of before. Dry weather is foretold all the time, so that
every level rests on rain that fell; the last variant has perfect forecasts, the bound from above.

The airport reports rain every six hours. Its rules are told so: they call themselves blind after eight.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from cases.chapter import SUFFIXES, Findings, Shelf, findings
from cases.past import Told, replayed, table, verified
from cases.pictures import course, save
from cases.place import Spot, settle

from ingest.times import BEIJING
from pipeline.imports.request import Asked

NAME = "hong-kong-2023"
NEEDS = SET = "weather_isd_hong_kong_2023"
VARIANTS = ("even", "3h", "perfect")
HAZARDS = ("rainstorm", "river_rise", "flash_flood", "waterlogging", "road")
SPOT = Spot(
    code="810000", name="香港国际机场", name_en="Hong Kong Airport", lat=22.309, lon=113.915, elevation=8.5,
    reports_every="8h", credit="个例：NOAA ISD 450070，VHHH / case: NOAA Integrated Surface Database, VHHH",
)  # fmt: skip
START, END = datetime(2023, 9, 7, 0, 30, tzinfo=UTC), datetime(2023, 9, 9, 12, tzinfo=UTC)
_CREDIT = "NOAA Integrated Surface Database, VHHH"
_SPREAD = {"even": "even", "3h": "3h", "perfect": "even"}
_EVENTS = [
    {
        "id": "rainstorm-2023-09-07", "hazard": "rainstorm", "onset": "2023-09-07T23:00+08:00",
        "within": "3h", "end": "2023-09-08T14:00+08:00", "level": "yellow",
        "source": "NOAA ISD, VHHH: 86.0 mm in the six hours to 2023-09-07T18Z",
        "note": {"zh": "6小时86毫米，24小时122毫米", "en": "86 mm in six hours, 122 mm in a day"},
    }
]  # fmt: skip
_TITLES = {
    "even": "香港2023年9月7日至8日，雨量均匀分布 / Hong Kong, 7-8 September 2023, sums spread evenly",
    "3h": "香港2023年9月7日至8日，集中在3小时 / Hong Kong, 7-8 September 2023, sums within three hours",
    "perfect": "香港2023年9月7日至8日，理想预报 / Hong Kong, 7-8 September 2023, perfect forecasts",
}


def play(variant: str, data: Path, folder: Path) -> Told:
    """The two days of rain by the reports of the airport."""
    folder.mkdir(parents=True, exist_ok=True)
    config = settle(folder / "config", SPOT, HAZARDS, _EVENTS)
    asked = partial(Asked, place=("all",), start="2023-08-28", end="2023-09-09")
    reports = asked(
        kind="isd", paths=(data / SET / "VHHH_2023.csv.gz",), source="station",
        rain_spread=_SPREAD[variant], perfect_prognosis=variant == "perfect",
    )  # fmt: skip
    dry = asked(kind="csv", paths=(table(folder / "dry.csv", _dry()),), source="dry", delay="0h")
    requests = [reports] if variant == "perfect" else [reports, dry]
    return verified(config, replayed(config, requests, NAME, START, END))


def _dry() -> dict[str, list[object]]:
    """Every six hours a forecast of no rain in the next three days."""
    issues = [START.replace(hour=0, minute=0) + timedelta(hours=6 * n) for n in range(-4, 12)]
    pairs = [(issue, issue + timedelta(hours=ahead)) for issue in issues for ahead in range(1, 73)]
    return {
        "issued_at": [issue.isoformat() for issue, _ in pairs],
        "valid_at": [valid.isoformat() for _, valid in pairs],
        "precipitation (mm)": [0.0 for _ in pairs],
    }


def steps(told: Told) -> list[str]:
    """When each hazard reached which level, Beijing time."""
    return [
        f"{change.at.astimezone(BEIJING):%m-%d %H:%M} {change.hazard} {change.reason.value}"
        f" {change.to_level.key}"
        for change in told.replay.transitions
        if change.from_level != change.to_level
    ]


def make(variant: str, data: Path, work: Path, out: Path) -> list[Findings]:
    """Both reports, and the picture of sums spread evenly."""
    one = play(variant, data, work)
    suffixes = SUFFIXES if variant == "even" else SUFFIXES[:1]
    Shelf(folder=out, name=f"{NAME}-{variant}", title=_TITLES[variant], suffixes=suffixes).publish(one)
    if variant == "even":
        save(out / "pictures", NAME, course(one, "rainstorm"), (900, 330), _CREDIT)
    return [findings(f"{NAME}-{variant}", one, [f"{NAME}-{variant}: {line}" for line in steps(one)])]
