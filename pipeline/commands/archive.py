"""`fengsui archive`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ingest.batch import Batch
from ingest.database import open_engine, reading
from ingest.holdings import Gap, Holding, holdings
from ingest.http import HttpClient
from ingest.times import BEIJING
from pipeline.config import Config, load
from pipeline.imports.request import Asked, batches_of, plan_of
from pipeline.imports.run import Imported, after, archive_past, check_name, newest
from pipeline.imports.survey import Survey, survey
from pipeline.settings import Settings, require_data
from pipeline.wiring import build

_GAPS = 5


def run_import(
    settings: Settings, asked: Asked, *, dry_run: bool, resume: bool, derive: bool, as_json: bool
) -> None:
    """Read or fetch, check, archive and derive; with `dry_run` only tell what would come."""
    config = load(settings.config)
    check_name(asked.name, config)
    plan = plan_of(asked, config.district)
    if dry_run:
        with HttpClient() as http:
            found = survey(batches_of(asked, plan, http))
        _print_survey(found, config, as_json=as_json)
        return
    ports = build(config, settings)
    try:
        since = newest(ports.engine, asked.name, ports) if resume else None
        batches: Iterable[Batch] = after(batches_of(asked, plan, ports.http, since), since)
        columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
            task = shown.add_task("导入 import")

            def progress(until: datetime, count: int) -> None:
                shown.update(task, description=f"导入至 imported to {_time(until)}: {count}")

            done = archive_past(batches, ports.engine, ports, progress, derive=derive)
    finally:
        ports.close()
    _print_import(done, asked.name, waiting=ports.baseline is None, as_json=as_json)


def run_list(settings: Settings, *, as_json: bool) -> None:
    """Print what the archive holds."""
    require_data(settings)
    engine = open_engine(settings.database)
    try:
        with reading(engine) as connection:
            found = holdings(connection)
    finally:
        engine.dispose()
    if as_json:
        click.echo(json.dumps([_facts(one) for one in found], ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo("档案为空 / the archive is empty")
    for one in found:
        _print_holding(one)


def _print_import(done: Imported, name: str, *, waiting: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"source": name, **_facts(done)}, ensure_ascii=False, indent=2))
        return
    if done.known_from is None or done.known_until is None:
        click.echo("没有新内容 / nothing came: what was asked for is archived already, or holds no value")
        return
    click.echo(
        f"{name}：{_time(done.known_from)}至{_time(done.known_until)}，{done.batches}批 batches，"
        f"新增{done.fresh} new"
    )
    if done.masked:
        checks = "，".join(f"{flag} {number}" for flag, number in done.masked.items())
        click.echo(f"质量控制屏蔽 / masked by quality control: {checks}")
    if done.derived and waiting:
        click.echo(
            "尚无气候基准，干旱、高温热浪与滑坡指数未推算：先运行 fengsui baseline，再重新导入 / there is no"
            " baseline, so that indices of drought were not derived: run fengsui baseline, then import again"
        )


def _print_survey(found: Sequence[Survey], config: Config, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_facts(one) for one in found], ensure_ascii=False, indent=2))
        return
    towns = len(config.district.towns)
    for one in found:
        click.echo(_head(one))
        click.echo(f"  镇街 towns        {len(one.places)}/{towns}")
        for name, told in one.quantities.items():
            share = told.missing / max(1, told.known + told.missing)
            click.echo(f"  {name:<28} {told.known} 值 values，缺 missing {share:.1%}")
        if one.flags:
            click.echo(f"  标记 flags         {', '.join(one.flags)}")
        _print_gaps(one.gaps)
    click.echo("未写入任何内容 / nothing was archived (--dry-run)")


def _print_holding(one: Holding) -> None:
    click.echo(_head(one))
    click.echo(f"  镇街 towns        {len(one.places)}")
    click.echo(f"  要素 quantities   {', '.join(one.quantities)}")
    _print_gaps(one.gaps)


def _head(one: Survey | Holding) -> str:
    kind = {"observation": "实况 observed", "forecast": "预报 forecast"}[one.kind]
    return (
        f"{one.source}  {kind}  {_time(one.first)} — {_time(one.last)}  {one.batches}批 batches，"
        f"获知 known {_time(one.known_from)} — {_time(one.known_until)}"
    )


def _print_gaps(gaps: Sequence[Gap]) -> None:
    for gap in gaps[:_GAPS]:
        click.echo(f"  缺测 gap          {_time(gap.first)} — {_time(gap.last)}")
    if len(gaps) > _GAPS:
        click.echo(f"  另有 {len(gaps) - _GAPS} 处缺测 / more gaps")


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}"


def _facts(one: Survey | Holding | Imported) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(json.dumps(asdict(one), default=_written))
    return facts


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
