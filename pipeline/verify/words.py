"""A verification in lines for a terminal, in both languages side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from math import isnan
from statistics import median

from ingest.times import BEIJING
from pipeline.config import Config
from pipeline.verify.bootstrap import Figure
from pipeline.verify.load import Load
from pipeline.verify.result import Fate, HazardScore, LevelScore, Story, Verification
from pipeline.verify.value import Worth

_FATES: dict[Fate, str] = {
    "hit": "命中 hit", "late": "太迟 late", "near": "接近 near", "miss": "漏报 miss",
}  # fmt: skip
_OF_EVENTS = {"pod": "POD", "far": "FAR", "csi": "CSI", "bias": "bias"}
_OF_DAYS = {"day_pod": "POD", "pofd": "POFD", "sedi": "SEDI"}
_PEOPLE = 5
_CHATTERERS = 3
_HOUR = timedelta(hours=1)
_LONG = 72


def lines(found: Verification, config: Config) -> Iterator[str]:
    """Scores hazard by hazard, value, load, and what to know before believing them."""
    start, end = (moment.astimezone(BEIJING) for moment in (found.start, found.end))
    yield f"检验 verification  {start:%Y-%m-%d} — {end:%Y-%m-%d}  {found.event}"
    yield f"区间90%，自助法按{found.block}分块 / 90 % intervals, bootstrap by blocks of a {found.block}"
    for name, score in found.hazards.items():
        yield ""
        yield f"{config.hazards[name].conduct.name} {name}"
        yield from _hazard(score)
    yield from _worths(found.worth, config)
    yield ""
    yield from _load(found.load, config)
    for note in found.notes:
        yield f"! {note.zh} / {note.en}"


def _hazard(score: HazardScore) -> Iterator[str]:
    for story in score.stories:
        yield f"  {_story(story)}"
    for level in score.levels.values():
        yield from _level(level, judged=score.judged)
    tiers = score.tiers
    if tiers is not None:
        skill = f"，技巧 skill {tiers.skill:.2f}" if tiers.never > 0 else ""
        yield (
            f"  FIRM {tiers.firm:.3f}/日 day（过高 over {tiers.over:.3f}，过低 under {tiers.under:.3f}；"
            f"从不预警 never {tiers.never:.3f}{skill}；n = {tiers.days}）"
        )
    if score.reliability is not None:
        told = score.reliability
        yield f"  Brier {told.brier:.3f}，ROC {told.auc:.2f}（n = {told.n}，事件 events {told.events}）"


def _story(story: Story) -> str:
    event = story.occurrence
    onset = event.onset.astimezone(BEIJING)
    leads = "，".join(
        f"{level.zh}{_ahead(lead)}" for level, lead in sorted(story.leads.items())
    )
    doubt = "" if event.certainty == "certain" else f"（{event.certainty}）"
    lead = f"  {leads}" if leads else ""
    return f"{_FATES[story.fate]}  {onset:%Y-%m-%d %H:%M} {event.id}{doubt} {story.level.zh}{lead}"


def _ahead(lead: timedelta) -> str:
    hours = lead / _HOUR
    if hours > _LONG:
        return f"提前{hours / 24:.0f}d"
    return f"提前{hours:.0f}h" if hours >= 0 else f"晚{-hours:.0f}h"


def _level(score: LevelScore, *, judged: bool) -> Iterator[str]:
    told, table = score.matches, score.events
    spent = f"在级 at level {score.time / _HOUR:.0f}h"
    if not judged:
        yield f"  {score.level.zh} {score.level.key}：预警 warnings {len(told.unmatched)}；{spent}"
        return
    yield (
        f"  {score.level.zh} {score.level.key}：命中 hits {len(told.hits)}，漏报 misses {len(told.misses)}，"
        f"空报 false {len(told.false_alarms)}，接近 near {len(told.near_hits)}，太迟 late {len(told.late)}；"
        f"{spent}"
    )
    if table.hits or table.misses or table.false_alarms:
        yield f"    事件 events：{_row(score.figures, _OF_EVENTS)}"
    if score.days.events:
        yield f"    日 days：{_row(score.figures, _OF_DAYS)}"
    if score.leads or score.standing:
        yield f"    提前 lead：{_leads(score)}"


def _row(figures: Mapping[str, Figure], names: dict[str, str]) -> str:
    return "  ".join(f"{title} {figures[name].words}" for name, title in names.items())


def _leads(score: LevelScore) -> str:
    hours = [lead / _HOUR for lead in score.leads]
    parts = []
    if hours:
        parts.append(f"{median(hours):.0f}h（{hours[0]:.0f}-{hours[-1]:.0f}，n = {len(hours)}）")
    if score.standing:
        parts.append(f"早已在级 standing already {score.standing}")
    return "；".join(parts)


def _worths(worths: tuple[Worth, ...], config: Config) -> Iterator[str]:
    if worths:
        yield ""
        yield "价值 value（p > C/L 时行动 act；1 完美 perfect，负值不值得 below 0 not worth it）"
    for one in worths:
        subsystem = config.routes.subsystems[one.subsystem].name
        hazard = config.hazards[one.hazard].conduct.name
        values = "，".join(f"{level.zh}{_number(value)}" for level, value in one.value.items())
        best = f"→ {one.best.zh}起行动 act from {one.best.key}" if one.best else "→ 不值得 not worth it"
        yield f"  {subsystem} {hazard}  C/L {one.ratio:g}：{values} {best}"


def _load(load: Load, config: Config) -> Iterator[str]:
    yield (
        f"负荷 load：{load.pages}条 pages（每月 a month {load.per_month:.1f}），"
        f"夜间 at night {load.night}（{load.night_per_month:.1f}）"
    )
    for one in load.people[:_PEOPLE]:
        person = config.routes.people.get(one.person)
        name = person.name if person else one.person
        yield (
            f"  {name}：{one.pages}条，夜间 {one.night}，叫醒 woken {one.woken}，"
            f"10分钟最多 most in 10 min {one.busiest}"
        )
    loudest = [
        f"{one.name} {one.count}" for sort in ("hazard", "rule", "town")
        for one in [item for item in load.chatterers if item.sort == sort][:_CHATTERERS]
    ]  # fmt: skip
    if loudest:
        towns = {town.id: town.name for town in config.district.towns}
        named = [" ".join(towns.get(word, word) for word in text.split()) for text in loudest]
        yield f"  最多的 top chatterers：{'；'.join(named)}"
    for name, time in load.blind.items():
        yield f"  无法判断 blind：{name} {time / _HOUR:.0f}h"


def _number(value: float) -> str:
    return "—" if isnan(value) else f"{value:.2f}"
