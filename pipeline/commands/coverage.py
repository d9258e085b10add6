"""`fengsui coverage`: the handover brief."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import click

from alerts.duty import silences, stand_ins
from alerts.duty.coverage import Gap, find
from alerts.duty.people import Silence
from alerts.duty.rota import Turn, turns
from alerts.duty.stand_ins import Arranged
from alerts.outgoing.dispatch import Desk
from ingest.database import open_engine, reading
from ingest.errors import StoreError
from ingest.times import BEIJING
from pipeline.commands.check import routes_at
from pipeline.commands.rotas import silence_fact, silence_words, turn_fact, turn_words
from pipeline.config import Config, load
from pipeline.daemon import wall_clock
from pipeline.health import Health, health
from pipeline.settings import Settings, require_data
from pipeline.wiring import desk_of

_GAPS = {
    "nobody": "无人值班 / nobody is on duty",
    "ends": "排班到期，无人值班 / the rota ends",
    "stand_in": "顶班结束后无人值班 / nobody after the stand-in",
    "unreachable": "值班人员没有可用渠道 / no channel reaches who is on duty",
    "approvers": "联系不上足够的审批人 / too few approvers can be reached",
}


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What whoever takes over must know."""

    at: datetime
    """The moment."""
    gaps: tuple[Gap, ...]
    """Where nobody would answer."""
    watches: dict[str, tuple[Turn, ...]]
    """Subsystem -> who is on duty now, and who is next."""
    silences: tuple[Silence, ...]
    """In force; they end by themselves."""
    stand_ins: tuple[Arranged, ...]
    """That count now or later."""
    health: Health | None
    """What is open and what is sick; None where the instance never ran."""


def print_coverage(settings: Settings, hours: int, *, as_json: bool) -> int:
    """Print the brief; 1 where there is a gap, else 0."""
    config, now = load(settings.config), wall_clock()
    desk = desk_of(config, "", config.service.public_url)
    desk = replace(desk, routes=routes_at(settings, config, now))
    brief = _brief(settings, config, desk, now, timedelta(hours=hours))
    if as_json:
        click.echo(json.dumps(_plain(brief), ensure_ascii=False, indent=2))
    else:
        for line in _lines(brief, desk):
            click.echo(line)
    return 1 if brief.gaps else 0


def _brief(
    settings: Settings, config: Config, desk: Desk, now: datetime, ahead: timedelta
) -> Brief:
    watches = {
        name: tuple(turns(subsystem, now, now + ahead)[:2])
        for name, subsystem in desk.routes.subsystems.items()
    }
    brief = Brief(
        at=now, gaps=tuple(find(desk, now, ahead)), watches=watches, silences=(), stand_ins=(),
        health=None,
    )  # fmt: skip
    try:
        require_data(settings)
    except StoreError:
        return brief
    engine = open_engine(settings.database)
    try:
        with reading(engine) as connection:
            silenced = tuple(silences.in_force(connection, now))
            arranged = tuple(stand_ins.standing(connection, now))
        return replace(
            brief, silences=silenced, stand_ins=arranged, health=health(engine, config, now)
        )
    finally:
        engine.dispose()


def _plain(brief: Brief) -> dict[str, object]:
    found = brief.health.as_json() if brief.health is not None else {}
    return {
        "at": brief.at.isoformat(),
        "gaps": [_gap_fact(gap) for gap in brief.gaps],
        "watches": {name: [turn_fact(turn) for turn in pair] for name, pair in brief.watches.items()},
        "open": found.get("alerts", []),
        "unanswered": found.get("unanswered", 0),
        "silences": [silence_fact(one) for one in brief.silences],
        "stand_ins": [_stand_in_fact(one) for one in brief.stand_ins],
        "problems": list(found.get("problems", [])),
    }


def _gap_fact(gap: Gap) -> dict[str, object]:
    moments = {"start": gap.start.isoformat(), "end": gap.end.isoformat()}
    return {**vars(gap), "people": list(gap.people), **moments}


def _stand_in_fact(one: Arranged) -> dict[str, object]:
    moments = {"start": one.what.start.isoformat(), "end": one.what.end.isoformat()}
    names = {"duty": list(one.what.duty), "deputy": list(one.what.deputy)}
    return {"id": one.id, **vars(one.what), **names, **moments}


def _lines(brief: Brief, desk: Desk) -> Iterator[str]:
    yield f"{_clock(brief.at)} 交接简报 / handover brief"
    for gap in brief.gaps:
        found = desk.routes.subsystems.get(gap.subsystem)
        name = found.name if found else gap.subsystem
        yield f"✗ {name} {_clock(gap.start)} → {_clock(gap.end)}  {_GAPS[gap.kind]}"
    if not brief.gaps:
        yield "✓ 值守无缺口 / no gap"
    for name, pair in brief.watches.items():
        yield desk.routes.subsystems[name].name
        yield from (f"  {turn_words(turn, desk.routes)}" for turn in pair)
    if brief.health is not None:
        for alert in brief.health.alerts:
            asked = "、".join(alert.waiting) or "无 / nobody"
            yield f"! {alert.id} {alert.level}  待确认 / waiting: {asked}"
        yield from (f"! {problem}" for problem in brief.health.problems)
    yield from (f"静默 / silence {silence_words(one)}" for one in brief.silences)
    for one in brief.stand_ins:
        who = "、".join(one.what.duty)
        yield f"顶班 / stand-in {one.id}  {one.what.subsystem} {who} 至 / until {_clock(one.what.end)}"


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(BEIJING):%m-%d %H:%M}"
