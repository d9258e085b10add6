"""`fengsui check` and `fengsui who-gets`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import click

from alerts.duty.people import Answer, Routes
from alerts.duty.routing import Notice
from alerts.outgoing.desks import routes_now
from ingest.database import open_engine, reading
from ingest.errors import StoreError
from ingest.times import BEIJING, parse_instant
from pipeline.audience import Audience, audience, quiet_words, roads
from pipeline.check import Problem, problems, reach, unguarded, without_baseline
from pipeline.config import Config, load
from pipeline.daemon import wall_clock
from pipeline.settings import Settings, require_data
from rules.level import parse_level


def run_check(settings: Settings, *, as_json: bool, online: bool) -> int:
    """Print what is wrong; 0 where nothing is, 1 where something is. A folder that does not load raises.

    That there is no climate yet is a note and not a mistake: it belongs to the data, and the rest works.
    """
    now = wall_clock()
    config = load(settings.config)
    found = problems(config, now) + (reach(config, now) if online else [])
    notes = without_baseline(config, settings.data) + unguarded(config)
    if as_json:
        told = {"problems": [vars(item) for item in found], "notes": [vars(item) for item in notes]}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _print_check(config, found, notes)
    return 1 if found else 0


def _print_check(config: Config, found: list[Problem], notes: list[Problem]) -> None:
    district, routes = config.district, config.routes
    click.echo(
        f"{district.name} {district.code}：{len(district.towns)}个镇街，{len(config.hazards)}种灾害，"
        f"{len(config.sources)}个数据源，{len(routes.subsystems)}个分系统，{len(routes.people)}人，"
        f"{len(config.channels)}个渠道（{config.folder}）"
    )
    for item in found:
        click.echo(f"✗ {item.where}: {item.what}")
    for item in notes:
        click.echo(f"! {item.where}: {item.what}")
    click.echo("✓ 未发现问题 / no problem found" if not found else f"{len(found)}个问题 / problems")


def run_who_gets(
    settings: Settings, hazard: str, level: str, moment: str | None, *, as_json: bool
) -> None:
    """Print every yes and every no, with its reason."""
    try:
        at = parse_instant(moment) if moment else wall_clock()
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--at") from error
    config = load(settings.config)
    routes = routes_at(settings, config, at)
    found = audience(config, hazard, parse_level(level), at, routes)
    if as_json:
        click.echo(json.dumps(_plain(found, routes), ensure_ascii=False, indent=2))
    else:
        _print_audience(found, routes, at)


def routes_at(settings: Settings, config: Config, at: datetime) -> Routes:
    """The routes of a moment: with stand-ins and silences, where the instance has ever run."""
    try:
        require_data(settings)
    except StoreError:
        return config.routes
    engine = open_engine(settings.database)
    try:
        with reading(engine) as connection:
            return routes_now(connection, config.routes, at)
    finally:
        engine.dispose()


def _plain(found: Audience, routes: Routes) -> dict[str, object]:
    first = [_fact(notice, routes, found.answer) for notice in found.notices]
    later = [
        _fact(notice, routes, found.answer) | {"after_minutes": after / timedelta(minutes=1)}
        for after, notice in found.later
    ]
    told: dict[str, object] = {"first": first, "unanswered": later}
    told |= {"release": _release(found), "answers": _answers(found.answer)}
    return told | {"silences": _silences(found)}


def _release(found: Audience) -> dict[str, object] | None:
    rule = found.release
    if rule is None:
        return None
    pause = rule.after / timedelta(minutes=1)
    return {"approvers": list(rule.approvers), "needed": rule.needed, "after_minutes": pause}


def _answers(answer: Answer | None) -> dict[str, object] | None:
    if answer is None:
        return None
    spans = ("unread", "facts_within", "closing_within")
    minutes = {f"{name}_minutes": getattr(answer, name) / timedelta(minutes=1) for name in spans}
    return {"facts": answer.facts} | minutes


def _silences(found: Audience) -> list[dict[str, object]]:
    return [
        {
            "id": one.id,
            "subsystem": one.subsystem,
            "alert": one.alert,
            "level": one.level.key,
            "until": one.until.isoformat(),
            "by": one.by,
            "why": one.why,
        }
        for one in found.silences
    ]


def _fact(notice: Notice, routes: Routes, answer: Answer | None) -> dict[str, object]:
    person = routes.people[notice.person] if notice.person else None
    after = [
        {"channel": name, "after_minutes": None if pause is None else pause / timedelta(minutes=1)}
        for name, pause in roads(notice, routes, answer)
        if person is not None and name not in person.channels
    ]
    return {
        "subsystem": notice.subsystem,
        "told": notice.told,
        "person": person.name if person else None,
        "person_id": notice.person,
        "channels": list(person.channels) if person else [],
        "fallback": after,
        "role": notice.role,
        "step": notice.step,
        "not_before": notice.not_before.isoformat() if notice.not_before else None,
        "why": notice.why,
    }


def _print_audience(found: Audience, routes: Routes, at: datetime) -> None:
    from rich.console import Console
    from rich.table import Table

    screen = Console()
    if not screen.is_terminal:
        screen = Console(width=140)
    table = Table(title=f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M} 北京时间")
    for title in ("分系统", "角色", "谁", "渠道", "何时", "为什么 / why"):
        table.add_column(title)
    told = [(None, notice) for notice in found.notices if notice.told]
    for after, notice in [*told, *found.later]:
        person = routes.people[notice.person] if notice.person else None
        when = f"{after / timedelta(minutes=1):g}分钟未确认" if after else "立即"
        quiet = quiet_words(notice, routes)
        table.add_row(
            routes.subsystems[notice.subsystem].name,
            notice.role,
            person.name if person else "无人",
            _roads(notice, routes, found.answer),
            "" if quiet and after is None else when,
            "; ".join(filter(None, [quiet, notice.why])),
        )
    for notice in found.notices:
        if not notice.told:
            name = routes.subsystems[notice.subsystem].name
            table.add_row(name, "", "不通知", "", "", notice.why, style="dim")
    screen.print(table)
    for line in _conditions(found, routes):
        screen.print(line, markup=False)


def _roads(notice: Notice, routes: Routes, answer: Answer | None) -> str:
    words = []
    for name, pause in roads(notice, routes, answer):
        late = "未送达后" if pause is None else f"{pause / timedelta(minutes=1):g}分钟未读" if pause else ""
        words.append(f"{late}{name}")
    return ", ".join(words)


def _conditions(found: Audience, routes: Routes) -> list[str]:
    """What holds for the level as a whole: who must approve, what must be answered, what is silenced."""
    lines = []
    if found.release is not None:
        names = "、".join(routes.people[one].name for one in found.release.approvers)
        lines.append(f"须先经{found.release.needed}人批准 / approval needed first: {names}")
    if found.answer is not None and found.answer.facts:
        minutes = found.answer.facts_within / timedelta(minutes=1)
        lines.append(f"确认后{minutes:g}分钟内回报三项事实 / three facts within {minutes:g} min")
    for one in found.silences:
        until = f"{one.until.astimezone(BEIJING):%m-%d %H:%M}"
        lines.append(f"静默{one.id}至{until}，{one.by}：{one.why} / silence {one.id} up to {one.level.key}")
    return lines
