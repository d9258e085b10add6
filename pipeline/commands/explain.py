"""`fengsui explain` and `fengsui hazards`."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from typing import Any

import click
import numpy as np

from alerts.wording.words import plain
from ingest.archive import Archive
from ingest.database import open_engine, reading
from ingest.times import BEIJING, parse_instant
from pipeline.climate import load_baseline
from pipeline.config import Config, HazardBlock, load
from pipeline.daemon import wall_clock
from pipeline.explain import Card, Step, Verdicts, explain
from pipeline.learn.shelf import Shelf
from pipeline.ports import Judging
from pipeline.replay.run import event_period
from pipeline.settings import Settings, require_data
from pipeline.view import view_of
from rules.ladder import Rung
from rules.level import Level

_BARS = "▁▂▃▄▅▆▇█"
_VERDICTS = {-1: "未知 unknown", **{int(level): f"{level.zh} {level.key}" for level in Level}}
_UNSAID: tuple[object, ...] = (None, (), timedelta(0))


def run_explain(
    settings: Settings, asked: tuple[str, str], moment: str | None, event: str | None, *, as_json: bool
) -> None:
    """Print the evidence card of a hazard in a town."""
    config = load(settings.config)
    try:
        at = parse_instant(moment) if moment else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--at") from error
    if event:
        card = _from_event(config, settings, event, asked, at)
    else:
        card = _from_archive(config, settings, asked, at)
    click.echo(json.dumps(_plain(card), ensure_ascii=False, indent=2) if as_json else _words(card))


def _from_event(
    config: Config, settings: Settings, event: str, asked: tuple[str, str], at: datetime | None
) -> Card:
    played, period = event_period(config, event, load_baseline(config, settings.data))
    try:
        judging = Judging(config=played, archive=Archive(), view=view_of(played))
        with reading(period.engine) as connection:
            return explain(connection, judging, *asked, at or period.end)
    finally:
        period.engine.dispose()


def _from_archive(
    config: Config, settings: Settings, asked: tuple[str, str], at: datetime | None
) -> Card:
    require_data(settings)
    engine = open_engine(settings.database)
    try:
        judging = Judging(config=config, archive=Archive(), view=view_of(config))
        shelf = Shelf(data=settings.data)
        with reading(engine) as connection:
            return explain(connection, judging, *asked, at or wall_clock(), shelf)
    finally:
        engine.dispose()


def _words(card: Card) -> str:
    conduct = card.hazard.conduct
    unit = f" {conduct.unit}" if conduct.unit else ""
    lines = [
        (f"{conduct.name} {card.hazard.name} · {card.asked.town.name} {card.asked.town.id}"
        f" · {_stamp(card.at)}"),
        f"结论 verdict    {_verdict(card.asked)}",
        (f"数值 value      {conduct.measure} {_amount(card.asked.value, unit)}"
        f"（阈值 threshold {_amount(card.threshold, unit)}）"),
        f"时段 period     {_stamp(card.onset)} — {_stamp(card.expires)}",
        f"数据 data       实况截至 as of {_stamp(card.as_of)}，最新实况 {_age(card.age)}"
        + (f"；{', '.join(card.marks)}" if card.marks else ""),
    ]
    lines += [f"来源 run        {item.source} {item.kind}: {_stamp(item.issued_at)}"
              f"（{_stamp(item.available_at)} 起可知）" for item in card.statements]
    lines += ["", "等级 ladder（主要判据 first criterion）"]
    lines += [_step(step, unit, card) for step in reversed(card.steps)]
    if card.figures:
        figures = "，".join(f"{name} {plain(value)}" for name, value in card.figures.items())
        lines += ["", f"其他 figures    {figures}"]
    lines += _learned(card)
    lines += ["", f"邻近 neighbours {'；'.join(_neighbour(near, unit) for near in card.neighbours)}"]
    lines += ["", *_sparkline(card)]
    lines += ["", f"依据 source     {conduct.source.zh} {conduct.source.en}"]
    if conduct.doubt:
        lines += [f"存疑 doubt      {conduct.doubt.zh} {conduct.doubt.en}"]
    return "\n".join(lines)


def _step(step: Step, unit: str, card: Card) -> str:
    sign = "≤" if card.hazard.rule.falling else "≥"
    state = "已达到 reached" if step.reached else "未达到 not reached"
    if step.certain is None:
        known = "无数据 nothing known"
    else:
        known = f"{_amount(step.certain, unit)}" + (
            "" if step.possible == step.certain else f"，可能至 possibly {_amount(step.possible, unit)}"
        )
    margin = ""
    if step.margin is not None:
        way = "高出 beyond by" if step.margin >= 0 else "还差 short by"
        margin = f"，{way} {plain(abs(step.margin))}{unit}"
    rung = _rung(card.hazard.rule.ladder[step.level])
    head = f"  {step.level.zh} {step.level.key:<7}{sign}{plain(step.limit)}{unit}"
    return f"{head}  {known}{margin}  {state}  [{rung}]"


def _learned(card: Card) -> list[str]:
    """What the rules beside say, and what moved a chance; nothing where there is neither."""
    lines = []
    for name, said in card.beside.items():
        apart = "  不一致 disagrees" if name in card.apart else ""
        lines.append(f"对照 beside     {name} {_verdict(said)} {_amount(said.value, '')}{apart}")
    told = card.because
    if told is not None and told.why:
        lines.append(f"模型 model      {told.why}")
    if told is not None and not told.why:
        lines.append(f"模型 model      {told.model}: {told.chance} {_amount(told.value, '')}")
        lines += [
            f"  {one.by:+.3f}  {one.feature} {one.value:.2f}（常见 usual {one.middle:.2f}）{one.unit}"
            for one in told.moved
        ]
    return ["", *lines] if lines else []


def _neighbour(near: Verdicts, unit: str) -> str:
    return f"{near.town.name} {_verdict(near)} {_amount(near.value, unit)}"


def _verdict(found: Verdicts) -> str:
    if found.floor == found.reach:
        return _VERDICTS[int(found.verdict)]
    return f"{_VERDICTS[int(found.verdict)]}（{found.floor.key}..{found.reach.key}）"


def _sparkline(card: Card) -> list[str]:
    known = card.series[np.isfinite(card.series)]
    title = f"{card.measured.zh} {card.measured.name}"
    if not known.size:
        return [f"{title}: 无数据 nothing known"]
    low, high = float(known.min()), float(known.max())
    span = max(high - low, card.measured.resolution)
    marks = [
        _BARS[int((value - low) / span * (len(_BARS) - 1))] if np.isfinite(value) else "·"
        for value in card.series
    ]
    marks.insert(card.observed, "|")
    unit = "" if card.measured.unit == "1" else f" {card.measured.unit}"
    return [f"{title}（{plain(low)}–{plain(high)}{unit}；| 左为实况，右为预报 observed | forecast）",
            "  " + "".join(marks)]


def _amount(value: float | None, unit: str) -> str:
    return "—" if value is None else f"{plain(value)}{unit}"


def _age(hours: float) -> str:
    return "无 none" if np.isinf(hours) else f"{hours:.1f} h"


def _stamp(at: datetime | None) -> str:
    return "—" if at is None else f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M}"


def _plain(card: Card) -> dict[str, Any]:
    return {
        "hazard": card.hazard.name,
        "at": card.at.isoformat(),
        "as_of": card.as_of.isoformat(),
        **_fact(card.asked),
        "threshold": card.threshold,
        "onset": card.onset and card.onset.isoformat(),
        "expires": card.expires and card.expires.isoformat(),
        "age_h": None if np.isinf(card.age) else card.age,
        "marks": list(card.marks),
        "ladder": [
            {"level": step.level.key, "limit": step.limit, "certain": step.certain,
             "possible": step.possible, "reached": step.reached, "margin": step.margin}
            for step in card.steps
        ],
        "figures": dict(card.figures),
        "beside": {name: _fact(said) for name, said in card.beside.items()},
        "disagree": list(card.apart),
        "because": None if card.because is None else asdict(card.because),
        "neighbours": [_fact(near) for near in card.neighbours],
        "statements": [
            {"source": item.source, "kind": item.kind, "issued_at": item.issued_at.isoformat(),
             "available_at": item.available_at.isoformat()}
            for item in card.statements
        ],
        "series": {
            "quantity": card.measured.name, "unit": card.measured.unit, "observed": card.observed,
            "values": [float(v) if np.isfinite(v) else None for v in card.series],
        },
    }  # fmt: skip


def _fact(found: Verdicts) -> dict[str, Any]:
    return {
        "town": found.town.id, "name": found.town.name, "verdict": found.verdict.name.lower(),
        "floor": found.floor.key, "reach": found.reach.key, "value": found.value,
    }  # fmt: skip


def list_hazards(settings: Settings, *, as_json: bool) -> None:
    """Print every configured hazard with its ladder, who leads, sources and doubts."""
    config = load(settings.config)
    blocks = [*config.hazards.values(), *config.aside.values()]
    if as_json:
        click.echo(json.dumps([_listed(block) for block in blocks], ensure_ascii=False, indent=2))
        return
    for block in blocks:
        click.echo(_described(block, config))


def _described(block: HazardBlock, config: Config) -> str:
    conduct = block.conduct
    lead = next((name for name, part in conduct.dispatch.items() if part.role == "lead"), None)
    named = config.routes.subsystems[lead].name if lead else "无 nobody"
    off = "" if conduct.enabled else "（停用 disabled）"
    off += "（影子，不发出 shadow, never sent）" if conduct.shadow else ""
    lines = [
        f"{conduct.name} {block.name} · {conduct.name_en}{off}",
        (f"  类型 kind {conduct.kind}；链 incident {conduct.incident or '—'}；牵头 lead {named}；"
        f"分系统 subsystems {len(conduct.dispatch)}"),
    ]
    lines += [
        f"  {level.zh} {level.key}: {_rung(rung)}" for level, rung in sorted(block.rule.ladder.items())
    ]
    lines += [f"  依据 {conduct.source.zh}", f"  source {conduct.source.en}"]
    if conduct.doubt:
        lines += [f"  存疑 {conduct.doubt.zh}", f"  doubt {conduct.doubt.en}"]
    return "\n".join([*lines, ""])


def _rung(rung: Rung) -> str:
    told = {name: value for name, value in vars(rung).items() if value not in _UNSAID}
    return ", ".join(f"{name} {_value(value)}" for name, value in told.items())


def _value(value: object) -> str:
    """A value of a rung as its block writes it."""
    if isinstance(value, timedelta):
        return f"{value.total_seconds() / 3600:g}h"
    if isinstance(value, dict):
        return " ".join(f"{_value(key)}: {_value(part)}" for key, part in value.items())
    if isinstance(value, tuple):
        return "; ".join(_value(part) for part in value)
    if is_dataclass(value):
        return " ".join(f"{name} {_value(part)}" for name, part in vars(value).items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _listed(block: HazardBlock) -> dict[str, Any]:
    conduct = block.conduct
    return {
        "name": block.name,
        "kind": conduct.kind,
        "zh": conduct.name,
        "en": conduct.name_en,
        "enabled": conduct.enabled,
        "shadow": conduct.shadow,
        "instead_of": conduct.instead_of,
        "incident": conduct.incident,
        "unit": conduct.unit,
        "ladder": {level.key: _rung(rung) for level, rung in sorted(block.rule.ladder.items())},
        "quantities": list(block.rule.quantities),
        "dispatch": {name: part.role for name, part in conduct.dispatch.items()},
        "source": vars(conduct.source),
        "doubt": vars(conduct.doubt) if conduct.doubt else None,
    }
