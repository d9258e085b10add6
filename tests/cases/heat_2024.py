"""Chongqing, 20 August to 12 September 2024, with the forecasts of the day: one replay for each model.

The set has what five models said of each day's maximum on the day before (day-1) and two days before (day-2),
and the maximum that was measured at the airport.

Day-1 values are put together from what had been said 24 hours before each hour, so that of the warmest hour,
17 o'clock, is of 17 o'clock the day before at the latest. It is taken as issued at 14 o'clock (06 UTC) of the
day before, and as known six hours later, at 20 o'clock; day-2 in the same way. So a statement tells of
tomorrow by its day-1, of the day after by its day-2; what the model had said of today closes the night.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from cases.bands import MODELS, NAMES, Compared, draw
from cases.chapter import SUFFIXES, Findings, Shelf, findings
from cases.past import Told, replayed, table, verified
from cases.pictures import save
from cases.place import Spot, settle
from cases.spells import ORDER, at, heat_events

from ingest.times import instant64
from pipeline.config import load
from pipeline.configuration.patch import Changes, Edit
from pipeline.imports.request import Asked
from pipeline.replay.compare import compare
from pipeline.reports.replays import Comparison
from pipeline.reports.writing import write
from pipeline.verify.gains import gains
from rules.level import Level

NAME = "heat-2024"
VARIANTS = ("all",)
NEEDS = SET = "forecast_tmax_50cities_2023_2025"
WINDOW = 30
"""Days before the issue from which the error of the mean is learnt [d]; our choice."""
KNOWN = 20
"""Hour of Beijing at which a statement is known."""
SPOT = Spot(
    code="500112", name="重庆江北机场", name_en="Chongqing Jiangbei Airport", lat=29.7123, lon=106.6519,
    elevation=416.0,
    credit="个例：预报 Open-Meteo.com（CC BY 4.0），实测 METAR / case: forecasts by Open-Meteo.com"
    " (CC BY 4.0), measured METAR",
)  # fmt: skip
FIRST, LAST = pd.Timestamp("2024-08-20"), pd.Timestamp("2024-09-12")
# The last cool day before, so that nothing stands when the heat begins.
BEGIN = pd.Timestamp("2024-08-18")
_CURVE = "17,5,8"
JUDGED = tuple(ORDER)
KEPT = Changes(
    title="高温橙色、红色只保持6小时 / orange and red are kept for six hours only",
    edits=tuple(
        Edit(file="hazards/heat.yaml", trail=("ladder", level, "keep"), value="6h", former="24h")
        for level in ("orange", "red")
    ),
)
"""A level that was met in the afternoon is left at night, in place of the next afternoon."""
_KEPT_TITLE = "重庆2024年8月20日至9月12日：等级只保持6小时 / Chongqing, 20 Aug to 12 Sep 2024: kept for 6 h"
_CREDIT = "Open-Meteo.com (CC BY 4.0), METAR ZUCK"


def days(data: Path) -> pd.DataFrame:
    """One row a day: ``measured``, and ``MODEL_1``, ``MODEL_2`` as said one and two days before [°C].

    Also those of the mean of the five, and of the mean with its error of the days before taken off.
    """
    wide = pd.read_parquet(data / SET / "forecast_tmax.parquet")
    city = wide[wide["city"] == "chongqing"].set_index("datum").sort_index()
    city = city.reindex(pd.date_range(city.index[0], city.index[-1]))
    found = pd.DataFrame({"measured": city["doel"]})
    for lead in (1, 2):
        for model in MODELS:
            found[f"{model}_{lead}"] = city[f"p{lead}_{model}"]
        told = found[[f"{model}_{lead}" for model in MODELS]]
        found[f"mean_{lead}"] = told.mean(axis=1).round(1)
        error = (found["measured"] - found[f"mean_{lead}"]).shift(lead)
        learnt = error.rolling(WINDOW, min_periods=WINDOW // 2).mean()
        found[f"corrected_{lead}"] = (found[f"mean_{lead}"] + learnt).round(1)
    return found


def statements(found: pd.DataFrame, model: str) -> dict[str, list[object]]:
    """The forecasts of a model as a table for the import, three days of each issue; see the module."""
    rows = []
    for today in found.index[1:-2]:
        issue = at(today.date(), KNOWN - 6)
        for ahead, column in ((0, f"{model}_1"), (1, f"{model}_1"), (2, f"{model}_2")):
            day = today + pd.Timedelta(days=ahead)
            rows.append((f"{day:%Y-%m-%d}", issue.isoformat(), found.loc[day, column]))
    dates, issues, values = zip(*rows, strict=True)
    return {"date": list(dates), "issued_at": list(issues), "tmax (°C)": list(values)}


def play(model: str, data: Path, folder: Path, changes: Changes | None = None) -> Told:
    """The period as it would have been warned of with one model, perhaps by changed rules."""
    found = days(data)
    near = found[BEGIN - pd.Timedelta(days=4) : LAST + pd.Timedelta(days=3)]
    measured = near["measured"][BEGIN:LAST]
    folder.mkdir(parents=True, exist_ok=True)
    told = table(folder / f"{model}.csv", statements(near, model))
    dates = [f"{day:%Y-%m-%d}" for day in near.index]
    seen = table(folder / "measured.csv", {"date": dates, "tmax (°C)": near["measured"].to_numpy()})
    events = heat_events(measured, "METAR ZUCK")
    config = settle(folder / model, SPOT, ["heat"], events, open_meteo=True)
    config = config if changes is None else load(config.folder, changes)
    asked = partial(Asked, kind="csv", place=("all",), daily_curve=_CURVE)
    requests = [
        asked(paths=(seen,), source="station"), asked(paths=(told,), source=f"past_{model}", delay="6h"),
    ]  # fmt: skip
    start, end = at(BEGIN.date(), 0), at(LAST.date(), 22)
    return verified(config, replayed(config, requests, f"chongqing-2024-{model}", start, end))


def at_noon(told: Told, found: pd.DataFrame) -> pd.DataFrame:
    """Level in force at noon of each day, and the one that its maximum deserved: ``warned``, ``deserved``.

    The days are one run, so that 35 °C deserves yellow on each of them.
    """
    trace = told.replay.traces["heat"]
    rows = {}
    for day in pd.date_range(FIRST, LAST):
        before = np.searchsorted(trace.nows, instant64(at(day.date(), 12)), side="right")
        deserved = max((lv for lv in JUDGED if found.loc[day, "measured"] >= ORDER[lv]), default=Level.NONE)
        rows[day] = (int(trace.level[before - 1]), int(deserved))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["warned", "deserved"])


def make(variant: str, data: Path, work: Path, out: Path) -> list[Findings]:
    """All models at once: they share a picture."""
    found = days(data)
    played = {model: play(model, data, work / model) for model in NAMES}
    told = []
    for model, one in played.items():
        suffixes = SUFFIXES if model == "mean" else SUFFIXES[:1]
        zh, en = NAMES[model]
        title = f"重庆2024年8月20日至9月12日，{zh}预报 / Chongqing, 20 Aug to 12 Sep 2024, {en}"
        shelf = Shelf(folder=out, name=f"{NAME}-{model}", title=title, suffixes=suffixes)
        # What single models would have led to is in the picture, and in their scores.
        (replace(shelf, sorts=("verification",)) if model in MODELS else shelf).publish(one)
        remarks = [error(found, model), days_right(model, at_noon(one, found))]
        told.append(findings(f"{NAME}-{model}", one, remarks))
    told.append(_trial(played["mean"], data, work / "kept", out))
    start, end = at(BEGIN.date(), 0), at(LAST.date(), 22)
    compared = Compared(days=found[FIRST:LAST], played=played, start=start, end=end)
    save(out / "pictures", NAME, partial(draw, compared=compared), (900, 520), _CREDIT)
    return told


def _trial(today: Told, data: Path, folder: Path, out: Path) -> Findings:
    """The report of a change beside today's rules: levels that do not outlast the night."""
    kept = play("mean", data, folder, KEPT)
    gained = gains(today.verified.stories, kept.verified.stories)
    both = compare(today.replay, kept.replay).words, gained.words
    words = {"zh": [one.zh for one in both], "en": [one.en for one in both]}
    subject = Comparison(today=today.replay, proposal=kept.replay, changes=KEPT, summary=words)
    write(out / f"{NAME}-mean-kept.html", subject, config=today.config, title=_KEPT_TITLE)
    noons = at_noon(kept, days(data))
    remarks = [f"{NAME}-mean-kept: {'; '.join(words['en'])}", days_right("mean-kept", noons)]
    return findings(f"{NAME}-mean-kept", kept, remarks)


def error(found: pd.DataFrame, model: str) -> str:
    """How far off a model was, one and two days ahead."""
    said = []
    for lead in (1, 2):
        off = (found[f"{model}_{lead}"] - found["measured"])[FIRST:LAST]
        hot = off[found["measured"][FIRST:LAST] >= ORDER[Level.RED]]
        said.append(f"day-{lead} {off.mean():+.1f} K (on days of 40 °C {hot.mean():+.1f} K, n {hot.size})")
    return f"{NAME}-{model}: error {', '.join(said)}, n {off.size}"


def days_right(model: str, noons: pd.DataFrame) -> str:
    """On how many days the level at noon was the right one."""
    off = noons["warned"] - noons["deserved"]
    red = noons[noons["deserved"] == Level.RED]
    return (
        f"{NAME}-{model}: at noon right on {(off == 0).sum()} of {off.size} days, too low {(off < 0).sum()}, "
        f"too high {(off > 0).sum()}; red on {(red['warned'] == Level.RED).sum()} of {len(red)} red days, "
        f"and on {((noons['warned'] == Level.RED) & (noons['deserved'] < Level.RED)).sum()} others"
    )

