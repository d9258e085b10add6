"""`fengsui rota`, `stand-in`, `silence`, `unsilence` and `silences`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import click

from alerts.duty import silences, stand_ins
from alerts.duty.people import Routes, Silence, Subsystem
from alerts.duty.rota import Turn, turns
from alerts.duty.silences import Wish
from alerts.duty.stand_ins import StandIn
from ingest.database import open_engine, reading, writing
from ingest.errors import UnknownName
from ingest.registry import parse_duration
from ingest.times import BEIJING, parse_instant
from pipeline.commands.check import routes_at
from pipeline.config import load
from pipeline.daemon import wall_clock
from pipeline.ports import Ports
from pipeline.settings import Settings, require_data
from pipeline.wiring import build
from rules.level import parse_level


def print_rota(settings: Settings, subsystem: str | None, days: int, *, as_json: bool) -> None:
    """Print who is on duty in the coming days, of one subsystem or of all."""
    now = wall_clock()
    routes = routes_at(settings, load(settings.config), now)
    if subsystem is not None and subsystem not in routes.subsystems:
        names = ", ".join(routes.subsystems)
        raise UnknownName(f"no subsystem is called {subsystem!r}; there are {names}")
    chosen = [subsystem] if subsystem else list(routes.subsystems)
    end = now + timedelta(days=days)
    found = {name: turns(routes.subsystems[name], now, end) for name in chosen}
    if as_json:
        plain = {name: [turn_fact(turn) for turn in stretch] for name, stretch in found.items()}
        click.echo(json.dumps(plain, ensure_ascii=False, indent=2))
        return
    for name, stretch in found.items():
        click.echo(f"{routes.subsystems[name].name} {name}")
        for turn in stretch:
            click.echo(f"  {turn_words(turn, routes)}")


def turn_fact(turn: Turn) -> dict[str, object]:
    """A turn for machines; without anybody on duty it is a gap."""
    watch = turn.watch
    return {
        "from": turn.start.isoformat(),
        "to": turn.end.isoformat(),
        "duty": list(watch.duty) if watch else [],
        "deputy": list(watch.deputy) if watch else [],
        "why": watch.why if watch else "",
    }


def turn_words(turn: Turn, routes: Routes) -> str:
    """A turn in one line, in Beijing time."""
    start, end = (f"{moment.astimezone(BEIJING):%m-%d %H:%M}" for moment in (turn.start, turn.end))
    if turn.watch is None:
        return f"✗ {start} → {end}  无人值班 / nobody"
    duty, deputy = (
        "、".join(routes.people[one].name for one in names)
        for names in (turn.watch.duty, turn.watch.deputy)
    )
    why = f"  ({turn.watch.why})" if turn.watch.why else ""
    return f"  {start} → {end}  {duty}；副班 / deputy {deputy or '无'}{why}"


@contextmanager
def _instance(settings: Settings) -> Iterator[Ports]:
    """The instance in the data folder; what a person wrote wrongly becomes a usage error."""
    ports = build(load(settings.config), settings)
    try:
        yield ports
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    finally:
        ports.close()


def arrange(settings: Settings, given: Mapping[str, Any]) -> None:
    """Keep a stand-in and say who is on duty."""
    now = wall_clock()
    with _instance(settings) as ports:
        wish = StandIn(
            subsystem=given["subsystem"],
            duty=tuple(given["people"]),
            deputy=tuple(given["deputy"]),
            start=parse_instant(given["start"]) if given["start"] else now,
            end=parse_instant(given["end"]),
            by=given["by"],
            why=given["why"],
        )
        with writing(ports.engine) as connection:
            number = stand_ins.add(connection, wish, ports.config.routes, now)
        subsystem: Subsystem = ports.config.routes.subsystems[wish.subsystem]
    end = f"{wish.end.astimezone(BEIJING):%m-%d %H:%M}"
    who = "、".join(ports.config.routes.people[one].name for one in wish.duty)
    click.echo(f"顶班{number}：{subsystem.name}至{end}由{who}值班 / stand-in {number} arranged")


def withdraw(settings: Settings, number: int, by: str) -> None:
    """Take a stand-in back; the rota counts again."""
    require_data(settings)
    with _instance(settings) as ports, writing(ports.engine) as connection:
        found = stand_ins.withdraw(connection, number, wall_clock())
    click.echo(f"{by}已撤销{found.what.subsystem}的顶班{number} / withdrawn, the rota counts again")


def be_silent(settings: Settings, given: Mapping[str, Any]) -> None:
    """Keep a silence and say when it ends."""
    require_data(settings)
    now = wall_clock()
    with _instance(settings) as ports:
        wish = Wish(
            level=parse_level(given["level"]),
            until=now + parse_duration(given["span"]),
            by=given["by"],
            why=given["why"],
            hazard=given["hazard"],
            subsystem=given["subsystem"],
            alert=given["alert"],
        )
        with writing(ports.engine) as connection:
            number = silences.add(connection, wish, ports.desk, now)
    end = f"{wish.until.astimezone(BEIJING):%m-%d %H:%M}"
    click.echo(f"静默{number}至{end}，结束前提醒{wish.by} / silence {number}, {wish.by} hears before it ends")


def speak_again(settings: Settings, number: int, by: str) -> None:
    """End a silence before its time."""
    require_data(settings)
    with _instance(settings) as ports, writing(ports.engine) as connection:
        silences.lift(connection, number, by, wall_clock())
    click.echo(f"{by}已解除静默{number}，将补发现状 / lifted; those it covered hear how things stand")


def print_silences(settings: Settings, *, as_json: bool) -> None:
    """Print the silences in force."""
    require_data(settings)
    engine = open_engine(settings.database)
    try:
        with reading(engine) as connection:
            found = silences.in_force(connection, wall_clock())
    finally:
        engine.dispose()
    if as_json:
        click.echo(json.dumps([silence_fact(one) for one in found], ensure_ascii=False, indent=2))
        return
    for one in found:
        click.echo(silence_words(one))
    if not found:
        click.echo("没有静默 / nothing is silenced")


def silence_fact(one: Silence) -> dict[str, object]:
    """A silence for machines."""
    moments = {"begun_at": one.begun_at.isoformat(), "until": one.until.isoformat()}
    return {**vars(one), "level": one.level.key, **moments}


def silence_words(one: Silence) -> str:
    """A silence in one line, in Beijing time."""
    about = " ".join(part for part in (one.alert or one.hazard, one.subsystem) if part) or "全部 / all"
    until: datetime = one.until.astimezone(BEIJING)
    return f"{one.id}  {about}  ≤{one.level.key}  至 / until {until:%m-%d %H:%M}  {one.by}：{one.why}"
