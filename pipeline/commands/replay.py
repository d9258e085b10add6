"""`fengsui replay`."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from ingest.database import open_engine
from ingest.times import BEIJING
from pipeline.climate import load_baseline
from pipeline.config import Config, load
from pipeline.replay.report import as_json
from pipeline.replay.run import Period, Replay, archive_period, event_period, run
from pipeline.settings import Settings, require_data
from pipeline.wiring import desk_of


def replay_period(
    settings: Settings,
    event: str | None,
    period: tuple[str | None, str | None],
    target: Path | None,
) -> None:
    """Replay, print the changes, and write the JSON where one was asked for."""
    config, wanted = _period(settings, event, period)
    # Links in rehearsed texts must open nothing, so they are signed with a key that is thrown away.
    desk = desk_of(config, secrets.token_urlsafe(32), config.service.public_url)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("回放 replay", total=None)
        try:
            result = run(
                config,
                wanted,
                desk,
                lambda done, total: progress.update(task, completed=done, total=total),
            )
        finally:
            wanted.engine.dispose()
    facts = as_json(result, desk.texts, config.service.language)
    if target is not None and str(target) == "-":
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
        return
    if target is not None:
        _write(target, json.dumps(facts, ensure_ascii=False, indent=2) + "\n")
    _print(result, target, config)


def _period(
    settings: Settings, event: str | None, period: tuple[str | None, str | None]
) -> tuple[Config, Period]:
    config = load(settings.config)
    if event is not None:
        return event_period(config, event, load_baseline(config, settings.data))
    require_data(settings)
    start, end = period
    try:
        found = archive_period(config, open_engine(settings.database), start or "", end or "")
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return config, found


def _write(target: Path, text: str) -> None:
    """Replace the file as a whole, so that an interrupted replay leaves no half of one."""
    temporary = target.with_name(target.name + ".new")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        raise click.FileError(str(target), error.strerror) from error


def _print(result: Replay, target: Path | None, config: Config) -> None:
    names = {name: block.conduct.name for name, block in config.hazards.items()}
    for change in result.transitions:
        at = change.at.astimezone(BEIJING)
        arrow = f"{change.from_level.zh}→{change.to_level.zh}"
        head = f"{at:%Y-%m-%d %H:%M}  {names[change.hazard]} {change.reason.value:<10}"
        click.echo(f"{head} {arrow:<6} {len(change.places)}个镇街")
    people = len({(d.subsystem, d.recipient) for d in result.deliveries})
    click.echo(
        f"{result.ticks}个时次 ticks，{len(result.transitions)}次变化 transitions，"
        f"{len(result.deliveries)}条信息 messages，{people}人 people，{result.elapsed_s:.2f}秒"
    )
    if target is not None:
        click.echo(f"→ {target}")
