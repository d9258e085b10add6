"""`fengsui drill`: rehearse with the real chain, and print the score."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console as Screen
from rich.table import Table

from alerts.event.transition import Transition
from ingest.times import BEIJING
from pipeline.commands.run import show_first, stop_on_signals
from pipeline.config import Config, load
from pipeline.configuration.checks import host_port
from pipeline.console.people.first import first_account
from pipeline.console.server import Console
from pipeline.daemon import SteadyClock, wall_clock
from pipeline.drill.plan import SHIFT_CHANGE, Drill, drills, load_drill, shift_changes
from pipeline.drill.run import Ground, play_fast, play_live, set_up
from pipeline.drill.score import Score
from pipeline.logs import set_up_logs
from pipeline.settings import Settings
from pipeline.tick import TickReport
from pipeline.work import Job

SCORE = "score.json"
"""Name of the score in the folder of a drill."""


def list_drills(settings: Settings) -> None:
    """Print the drills there are."""
    config = load(settings.config)
    for name in drills(config.folder):
        drill = load_drill(config, name)
        click.echo(f"{name}  {drill.title.zh} / {drill.title.en}  {len(drill.people)}人")


def run_drill(settings: Settings, name: str, listen: str, *, fast: bool, anyway: bool) -> int:
    """Rehearse, print the score and write it down; 0 where every call was answered in time, else 1."""
    set_up_logs("text")
    try:
        listen = host_port(listen)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--listen") from error
    config = load(settings.config)
    drill, begins = load_drill(config, name), wall_clock()
    if not fast and not anyway:
        _refuse_at_shift_change(config, drill, begins)
    screen = Screen()
    if not screen.is_terminal:
        screen = Screen(width=120)
    with (
        Console(listen) as console,
        set_up(config, settings, drill, name, begins, console) as ground,
    ):
        _announce(screen, ground)
        ended = _play(ground, console, screen, fast=fast)
        found = ground.score(ended)
        folder = ground.ports.folder
        _write(found, folder)
    _print(screen, found, config, folder)
    return 0 if found.share == 1.0 else 1


def _refuse_at_shift_change(config: Config, drill: Drill, now: datetime) -> None:
    changing = shift_changes(config, drill, now)
    if changing:
        minutes = int(SHIFT_CHANGE.total_seconds() // 60)
        raise click.UsageError(
            f"{'、'.join(changing)}正在交接班（前后{minutes}分钟），不宜演练；确需演练请加 --anyway / "
            "shift change, no time for a drill: wait, or add --anyway"
        )


def _play(ground: Ground, console: Console, screen: Screen, *, fast: bool) -> datetime:
    def watch(job: Job, now: datetime, event: object) -> None:
        if isinstance(event, TickReport):
            for change in event.transitions:
                screen.print(_line(change, ground), style="magenta", highlight=False)

    if fast:
        return play_fast(ground, watch)
    stop, clock = threading.Event(), SteadyClock()
    stop_on_signals(stop)
    password = first_account(ground.ports, clock.now())
    if password is not None:
        show_first(password)
    console.start(ground.ports, clock.now)
    play_live(ground, clock, stop, watch)
    return clock.now()


def _line(change: Transition, ground: Ground) -> str:
    name = ground.ports.config.hazards[change.hazard].conduct.name
    what = f"{name} {change.reason.value} {change.to_level.zh} {len(change.places)}个镇街"
    return f"【演练】{change.at.astimezone(BEIJING):%m-%d %H:%M} {what}"


def _announce(screen: Screen, ground: Ground) -> None:
    routes = ground.ports.config.routes
    names = "、".join(person.name for person in routes.people.values())
    screen.rule(f"[bold magenta]【演练 EXERCISE】{ground.title}")
    screen.print(f"参演人员 participants: {names}", highlight=False)
    screen.print(f"演练台账 ledger: {ground.ports.folder}", style="dim", soft_wrap=True, highlight=False)


def _write(found: Score, folder: Path) -> None:
    text = json.dumps(found.as_json(), ensure_ascii=False, indent=2)
    (folder / SCORE).write_text(text + "\n", encoding="utf-8")


def _print(screen: Screen, found: Score, config: Config, folder: Path) -> None:
    table = Table(title=f"【演练】{found.title} 成绩 / score", header_style="bold")
    for title in ("预警", "分系统", "等级", "叫应", "已读", "确认", "限时", "升级", "三要素", "达标"):
        table.add_column(title, no_wrap=True)
    for mark in found.marks:
        table.add_row(
            mark.alert.split("-")[1],
            config.routes.subsystems[mark.subsystem].name,
            mark.level,
            f"{mark.called_at.astimezone(BEIJING):%m-%d %H:%M}",
            _minutes(mark.read_s),
            _minutes(mark.answered_s),
            _minutes(mark.limit_s),
            str(mark.climbed),
            {True: "已报", False: "缺", None: ""}[mark.facts],
            "✓" if mark.in_time else "✗",
            style="" if mark.in_time else "red",
        )
    screen.print(table)
    share = "无叫应" if found.share is None else f"{found.share:.0%}按时"
    counted = "，".join(f"{name} {number}" for name, number in found.messages.items())
    screen.print(f"{len(found.marks)}次叫应，{share}；{found.people}人；信息 {counted}", highlight=False)
    screen.print(f"成绩 score: {folder / SCORE}", style="dim", soft_wrap=True, highlight=False)


def _minutes(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds / 60:.1f}分"
