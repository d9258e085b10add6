"""`fengsui check` and `fengsui who-gets`."""

from __future__ import annotations

import json
from datetime import datetime

import click

from alerts.people import Routes
from alerts.routing import Notice
from ingest.times import BEIJING, parse_instant
from pipeline.check import Audience, Problem, audience, problems, reach, without_baseline
from pipeline.config import Config, load
from pipeline.daemon import wall_clock
from pipeline.settings import Settings
from rules.level import parse_level


def run_check(settings: Settings, *, as_json: bool, online: bool) -> int:
    """Print what is wrong; 0 where nothing is, 1 where something is. A folder that does not load raises.

    That there is no climate yet is a note and not a mistake: it belongs to the data, and the rest works.
    """
    now = wall_clock()
    config = load(settings.config)
    found = problems(config, now) + (reach(config, now) if online else [])
    notes = without_baseline(config, settings.data)
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
    found = audience(config, hazard, parse_level(level), at)
    if as_json:
        click.echo(json.dumps(_plain(found, config.routes), ensure_ascii=False, indent=2))
    else:
        _print_audience(found, config, at)


def _plain(found: Audience, routes: Routes) -> dict[str, object]:
    first = [_fact(notice, routes) for notice in found.notices]
    later = [
        _fact(notice, routes) | {"after_minutes": after.total_seconds() / 60}
        for after, notice in found.later
    ]
    return {"first": first, "unanswered": later}


def _fact(notice: Notice, routes: Routes) -> dict[str, object]:
    person = routes.people[notice.person] if notice.person else None
    return {
        "subsystem": notice.subsystem,
        "told": notice.told,
        "person": person.name if person else None,
        "channels": list(person.channels) if person else [],
        "role": notice.role,
        "step": notice.step,
        "why": notice.why,
    }


def _print_audience(found: Audience, config: Config, at: datetime) -> None:
    from rich.console import Console
    from rich.table import Table

    screen = Console()
    if not screen.is_terminal:
        screen = Console(width=140)
    routes = config.routes
    table = Table(title=f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M} 北京时间")
    for title in ("分系统", "角色", "谁", "渠道", "何时", "为什么 / why"):
        table.add_column(title)
    told = [(None, notice) for notice in found.notices if notice.told]
    for after, notice in [*told, *found.later]:
        person = routes.people[notice.person] if notice.person else None
        when = f"{after.total_seconds() / 60:g}分钟未确认" if after else "立即"
        table.add_row(
            routes.subsystems[notice.subsystem].name,
            notice.role,
            person.name if person else "无人",
            ", ".join(person.channels) if person else "",
            when,
            notice.why,
        )
    for notice in found.notices:
        if not notice.told:
            name = routes.subsystems[notice.subsystem].name
            table.add_row(name, "", "不通知", "", "", notice.why, style="dim")
    screen.print(table)
