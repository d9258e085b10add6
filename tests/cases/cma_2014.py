"""Chongqing (Shapingba) 2014 to 2019 by its daily observations: heat, and days of 50 mm and more.

The days say nothing of the hours. Temperatures are drawn through the daily extremes. Rain is spread in three
ways that bound what may have been: evenly over the rain day, over three hours in its middle, or within one.
Whether the rain day runs from 20 to 20 o'clock or from 08 to 08 is not stated; it is taken as 20 to 20.

Nobody's forecasts are at hand. What is foretold each evening at 20 o'clock is what needs no skill: tomorrow's
temperature is today's, and it stays dry. So whatever the rain rules say rests on rain that fell.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from cases.chapter import SUFFIXES, Findings, Shelf, findings
from cases.past import Told, joined, replayed, table, verified
from cases.place import Spot, settle
from cases.spells import at, heat_events, rain_events

from pipeline.config import Config
from pipeline.imports.request import Asked
from pipeline.replay.result import Replay

NAME = "cma-2014-2019"
NEEDS = SET = "weather_cma_daily_38cities_2014_2019"
VARIANTS = ("3h", "even", "1h")
YEARS = tuple(range(2014, 2020))
SEASON = ("03-01", "10-31")
"""Months that are looked at: no day of 50 mm and none of 35 °C lies outside."""
HEAVY = 50.0
"""Daily rain of a rainstorm day [mm]."""
SPOT = Spot(
    code="500106", name="沙坪坝", name_en="Shapingba", lat=29.58, lon=106.47, elevation=259.1,
    credit="个例：57516逐日观测，不随项目分发 / case: daily observations of 57516, not part of the project",
)  # fmt: skip
_SOURCE = "CMA 57516"
_AHEAD = 3
_TITLES = {
    "even": "重庆2014–2019年，日雨量均匀分布 / Chongqing 2014-2019, daily rain spread evenly",
    "3h": "重庆2014–2019年，日雨量集中在3小时 / Chongqing 2014-2019, daily rain within three hours",
    "1h": "重庆2014–2019年，日雨量集中在1小时 / Chongqing 2014-2019, daily rain within one hour",
}


def days(data: Path) -> pd.DataFrame:
    """``tmax``, ``tmin`` [°C], ``rain`` [mm] and ``rh`` [%] of each day; NaN where missing."""
    names = {"maxtemp": "tmax", "mintemp": "tmin", "precipitation": "rain", "avgrh": "rh"}
    told = pd.read_parquet(data / SET / "daily.parquet", columns=["file_city", "date", *names])
    told = told[told["file_city"].astype(str) == "chongqing"]
    told = told.assign(date=pd.to_datetime(told["date"], format="mixed")).drop_duplicates("date")
    whole = pd.date_range(f"{YEARS[0]}-01-01", f"{YEARS[-1]}-12-31")
    return told.set_index("date").rename(columns=names)[list(names.values())].reindex(whole)


def seasons(found: pd.DataFrame, years: tuple[int, ...]) -> pd.DataFrame:
    """The warm seasons of some years, one after the other."""
    return pd.concat([found[f"{year}-{SEASON[0]}" : f"{year}-{SEASON[1]}"] for year in years])


def skilless(found: pd.DataFrame) -> pd.DataFrame:
    """Each evening a statement: the next days as warm as this one, and dry."""
    parts = []
    today = pd.DatetimeIndex(found.index)
    for ahead in range(_AHEAD + 1):
        dates = today + pd.DateOffset(days=ahead)
        parts.append(pd.DataFrame({
            "date": dates.strftime("%Y-%m-%d"), "issued_at": today.strftime("%Y-%m-%dT20:00:00+08:00"),
            "tmax (°C)": found["tmax"].to_numpy(), "tmin (°C)": found["tmin"].to_numpy(),
            "rain (mm)": 0.0 if ahead else np.nan,
        }))
    return pd.concat(parts).sort_values(["issued_at", "date"])


def play(
    variant: str, found: pd.DataFrame, folder: Path, years: tuple[int, ...] = YEARS
) -> Told:
    """The warm seasons of some years, judged one by one and scored together."""
    folder.mkdir(parents=True, exist_ok=True)
    hazards = ("heat", "rainstorm") if variant == "3h" else ("rainstorm",)
    warm = seasons(found, years)
    events = rain_events(warm["rain"], HEAVY, _SOURCE)
    if "heat" in hazards:
        events += heat_events(found["tmax"][warm.index[0] : warm.index[-1]], _SOURCE)
    config = settle(folder / "config", SPOT, hazards, events)
    # The rain day itself: whatever stood within it was in time, nothing else was.
    _windows(folder / "config", {"rainstorm": {"early": "0h", "late": "0h", "near": "12h"}})
    replays = [_season(variant, seasons(found, (year,)), config, folder / str(year)) for year in years]
    name = f"{years[0]}-{years[-1]}"
    return verified(config, joined(name, replays))


def _season(variant: str, found: pd.DataFrame, config: Config, folder: Path) -> Replay:
    folder.mkdir()
    dates = pd.DatetimeIndex(found.index).strftime("%Y-%m-%d")
    seen, foretold = (
        {"date": dates, "rain (mm)": found["rain"].to_numpy()}, skilless(found)
    )  # fmt: skip
    if "heat" in {name for name, block in config.hazards.items() if block.conduct.enabled}:
        seen |= {"tmax (°C)": found["tmax"].to_numpy(), "tmin (°C)": found["tmin"].to_numpy()}
    else:
        foretold = foretold.drop(columns=["tmax (°C)", "tmin (°C)"]).dropna()
    asked = partial(
        Asked, kind="csv", place=("all",), daily_curve="17,5", rain_day="20", rain_spread=variant
    )
    requests = [
        asked(paths=(table(folder / "seen.csv", seen),), source="station"),
        asked(paths=(table(folder / "foretold.csv", foretold),), source="skilless", delay="0h"),
    ]
    start, end = at(found.index[0].date(), 24), at(found.index[-1].date(), 20)
    return replayed(config, requests, f"{start.year}", start, end)


def make(variant: str, data: Path, work: Path, out: Path) -> list[Findings]:
    """Both reports of one way to spread the rain."""
    found = days(data)
    one = play(variant, found, work)
    suffixes = SUFFIXES if variant == "3h" else SUFFIXES[:1]
    Shelf(folder=out, name=f"{NAME}-{variant}", title=_TITLES[variant], suffixes=suffixes).publish(one)
    missing = int(seasons(found, YEARS)["rain"].isna().sum())
    return [findings(f"{NAME}-{variant}", one, [f"{NAME}: {missing} days without rain figures"])]


def _windows(folder: Path, windows: Mapping[str, Mapping[str, str]]) -> None:
    path = folder / "verification.yaml"
    terms = yaml.safe_load(path.read_text(encoding="utf-8"))
    terms["windows"] |= windows
    path.write_text(yaml.safe_dump(terms, allow_unicode=True, sort_keys=False), encoding="utf-8")
