"""`fengsui verdict` and `fengsui happened`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import click
from sqlalchemy import Engine

from alerts.record import tables, verdicts
from alerts.record.verdicts import Certainty, Damage, Judged, Verdict
from ingest.database import create_tables, reading, writing
from ingest.registry import parse_duration
from ingest.times import BEIJING, parse_instant
from pipeline.commands.instance import opened
from pipeline.config import Config
from pipeline.daemon import wall_clock
from pipeline.settings import Settings
from pipeline.verify.hindsight import Said, give_verdict, report_damage
from rules.level import parse_level

_JUDGED = {"hit": "命中 hit", "false_alarm": "空报 false alarm", "near_hit": "接近 near hit",
           "too_late": "太迟 too late"}  # fmt: skip


@contextmanager
def _store(settings: Settings) -> Iterator[tuple[Engine, Config]]:
    """The same as `opened`, with the tables of verdicts, which the database may be older than."""
    with opened(settings) as (engine, config):
        create_tables(engine, tables.metadata)
        yield engine, config


def judge_by_name(
    settings: Settings, alert: str, judged: Judged, said: tuple[str, str], onset: str | None
) -> None:
    """Keep a verdict, and say what it now counts as; `said` is by whom and why."""
    by, why = said
    with _store(settings) as (engine, config), writing(engine) as connection:
        spoken = Said(by=by, at=wall_clock(), words=why)
        moment = None if onset is None else parse_instant(onset)
        kept = give_verdict(connection, config, alert, judged, spoken, moment)
    click.echo(_verdict_line(kept))


def print_verdicts(settings: Settings, alert: str | None, *, as_json: bool) -> None:
    """Print every verdict that was given on an alert, or on all, the newest of each last."""
    with _store(settings) as (engine, _), reading(engine) as connection:
        found = verdicts.history(connection, alert)
    if as_json:
        click.echo(json.dumps([_plain(one) for one in found], ensure_ascii=False, indent=2))
        return
    for one in found:
        click.echo(_verdict_line(one))
    if not found:
        click.echo("没有评定 / no verdict was given")


def _verdict_line(one: Verdict) -> str:
    said = f"{_JUDGED[one.judged]}  {one.alert}"
    return f"{said}  起 onset {_stamp(one.onset)}  {one.by} {_stamp(one.at)}：{one.why}"


@dataclass(frozen=True, kw_only=True)
class Told:
    """A damage report as it was typed."""

    hazard: str
    """Name of the hazard block."""
    onset: str
    """ISO 8601 with offset."""
    what: str
    """What happened."""
    source: str
    """Who tells of it."""
    by: str
    """Who enters it."""
    places: str
    """Towns by code or name, with commas between; empty for the district."""
    end: str | None
    """ISO 8601 with offset."""
    within: str
    """How exactly the onset is known, such as 2h."""
    level: str | None
    """Name of the level that would have been right."""
    certainty: Certainty
    """How sure it is."""
    replaces: int | None
    """Number of the report that it sets right."""


def report_by_name(settings: Settings, told: Told) -> None:
    """Keep a damage report, and print it as it is kept."""
    with _store(settings) as (engine, config), writing(engine) as connection:
        kept = report_damage(connection, config, _damage(told, wall_clock()))
    click.echo(_damage_line(kept, config))


def _damage(told: Told, now: datetime) -> Damage:
    names = told.places.replace("，", ",").replace("、", ",").split(",")
    return Damage(
        hazard=told.hazard,
        onset=parse_instant(told.onset),
        end=None if told.end is None else parse_instant(told.end),
        within=parse_duration(told.within),
        places=tuple(name.strip() for name in names if name.strip()),
        level=None if told.level is None else parse_level(told.level),
        certainty=told.certainty,
        what=told.what,
        source=told.source,
        by=told.by,
        at=now,
        replaces=told.replaces,
    )


def print_damages(settings: Settings, *, as_json: bool) -> None:
    """Print the damage reports that stand."""
    with _store(settings) as (engine, config), reading(engine) as connection:
        found = verdicts.damages(connection)
    if as_json:
        click.echo(json.dumps([_plain(one) for one in found], ensure_ascii=False, indent=2))
        return
    for one in found:
        click.echo(_damage_line(one, config))
    if not found:
        click.echo("没有灾情记录 / no damage was reported")


def _damage_line(one: Damage, config: Config) -> str:
    towns = "、".join(town.name for town in config.district.towns if town.id in one.places)
    level = f" {one.level.zh}" if one.level else ""
    where = towns or config.district.name
    return (
        f"{one.id}  {_stamp(one.onset)}  {one.hazard}{level}  {where}：{one.what}"
        f"（{one.source}；{one.by} {_stamp(one.at)}，{one.certainty}）"
    )


def _plain(one: Verdict | Damage) -> dict[str, object]:
    told: dict[str, object] = dict(vars(one))
    moments = {name: part.isoformat() for name, part in told.items() if isinstance(part, datetime)}
    level = None if one.level is None else one.level.key
    seconds = int(one.within.total_seconds())
    del told["within"]
    return told | moments | {"level": level, "places": list(one.places), "within_s": seconds}


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}"
