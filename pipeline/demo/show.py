"""What the demonstration prints: bulletins as they go out, calls that climb, answers, and the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from alerts.duty.people import Routes
from alerts.duty.routing import Notice
from alerts.event.transition import Reason, Transition
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Delivery, Status
from ingest.database import reading
from ingest.times import BEIJING
from pipeline.demo.officers import Answer
from pipeline.demo.stage import GUEST, Stage
from pipeline.demo.summary import CallRow, Row, call_rows, rows, totals
from pipeline.tick import TickReport
from pipeline.work import Job
from rules.level import Level

STYLES = {
    Level.NONE: "bold green",
    Level.BLUE: "bold blue",
    Level.YELLOW: "bold yellow",
    Level.ORANGE: "bold dark_orange",
    Level.RED: "bold red",
}
REASONS = {
    Reason.OPENED: "发布",
    Reason.RAISED: "升级",
    Reason.SPREAD: "扩大",
    Reason.LOWERED: "降级",
    Reason.NARROWED: "缩小",
    Reason.EXTENDED: "延长",
    Reason.ENDED: "解除",
    Reason.CORRECTED: "更正",
    Reason.CANCELLED: "撤销",
    Reason.DATA_LOST: "数据中断",
    Reason.DATA_FOUND: "数据恢复",
}


class Show:
    """Watches the daemon and prints; knows nothing that is not in the database."""

    def __init__(self, stage: Stage, console: Console) -> None:
        self._stage = stage
        self._console = console
        self._progress = Progress(
            TextColumn("[bold]{task.fields[day]}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        hours = int((stage.end - stage.event.start).total_seconds() // 3600)
        self._bar = self._progress.add_task("play", total=hours, day=_stamp(stage.clock.at))

    def __enter__(self) -> Show:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def watch(self, job: Job, now: datetime, event: object) -> None:
        """Print what a job run means to people."""
        if isinstance(event, TickReport):
            done = (now - self._stage.event.start).total_seconds() / 3600
            self._progress.update(self._bar, completed=done, day=_stamp(now))
            for change in event.transitions:
                self._bulletin(change)
        elif isinstance(event, list):
            for item in event:
                self._person(item, now)

    def _bulletin(self, change: Transition) -> None:
        with reading(self._stage.ports.engine) as connection:
            of_alert = deliveries.all_deliveries(connection, change.alert)
        sent = [item for item in of_alert if item.transition == change.id]
        head = Text.assemble(
            (f"{_stamp(change.at)} ", "bold"),
            f" {self._stage.ports.config.hazards[change.hazard].conduct.name} ",
            (f" {change.to_level.zh} ", STYLES[change.to_level] + " reverse"),
            (f" {REASONS[change.reason]}", STYLES[change.to_level]),
            f" → {len({d.recipient for d in sent})}人" if sent else " （只记录，不发送）",
        )
        self._progress.console.print(head)
        if sent:
            self._progress.console.print(Text(f"    {self._words(change, sent)}"), highlight=False)

    def _words(self, change: Transition, sent: list[Delivery]) -> str:
        parts = self._stage.ports.config.routes.matrix[change.hazard]
        lead = [d for d in sent if d.subsystem in parts and parts[d.subsystem].role == "lead"]
        return (lead or sent)[0].text

    def _person(self, item: object, now: datetime) -> None:
        routes = self._stage.ports.config.routes
        if isinstance(item, Notice):
            name = routes.people[item.person].name if item.person else "无人在岗"
            title = routes.subsystems[item.subsystem].name
            line = f"{_stamp(now)}  ↑ {title}无人确认，第{item.step + 1}级叫应 → {name}"
            self._progress.console.print(Text(line, style="magenta"))
        elif isinstance(item, Answer):
            title = routes.subsystems[item.subsystem].name
            minutes = int(item.after.total_seconds() // 60)
            said = "确认收到" if item.accepted else "确认被拒绝"
            line = f"{_stamp(now)}  ✓ {title} {item.name} {minutes}分钟后{said}"
            self._progress.console.print(Text(line, style="green" if item.accepted else "red"))


def print_opening(console: Console, stage: Stage) -> None:
    """Say what is played, from which figures, and what about them is not real."""
    event, district = stage.event, stage.ports.config.district
    console.rule(f"[bold]烽燧 Fengsui · {district.name} · {event.title_zh}")
    console.print(event.notes_zh, highlight=False)
    console.print(event.notice, style="dim", highlight=False)
    console.print(
        "真实的守护进程，模拟的时钟；预报取自记录自身的未来（完美预报）。"
        " The real daemon on a simulated clock; forecasts are a perfect prognosis.",
        style="dim",
    )
    print_door(console, stage)
    if stage.resumed:
        console.print(f"继续上次未完成的演示，从{_stamp(stage.clock.at)}起。", style="yellow")


def print_door(console: Console, stage: Stage) -> None:
    """Say where the console is, and how to get in."""
    words = f"控制台 console: {stage.url}  账号 account: {GUEST}  口令 password: {stage.password}"
    console.print(words, style="bold", highlight=False, soft_wrap=True)


def print_open(console: Console, stage: Stage) -> None:
    """Say that the console stays open, and how to end it."""
    print_door(console, stage)
    console.print("控制台开着，按 Ctrl-C 结束。 The console stays open until Ctrl-C.", style="bold")


def print_summary(console: Console, stage: Stage, elapsed_s: float) -> None:
    """The table: transitions, who was told, by which channel, who acknowledged after how long."""
    with reading(stage.ports.engine) as connection:
        found = rows(connection)
        called = call_rows(connection)
        sums = totals(connection)
    config = stage.ports.config
    names = {name: block.conduct.name for name, block in config.hazards.items()}
    console.print(_table(found, sorted(config.channels), names))
    console.print(_calls_table(called, config.routes, names))
    counted = "，".join(f"{_STATUS[status]}{number}" for status, number in sums.deliveries.items())
    console.print(
        f"共{len(found)}次变化；信息{sum(sums.deliveries.values())}条（{counted}）；叫应{sums.calls}次，"
        f"升级{sums.escalated}次，确认{sums.acknowledged}次，无人确认{sums.unanswered}次；用时{elapsed_s:.1f}秒。"
    )
    folder = stage.ports.folder
    console.print(f"信息全文 outbox: {folder / 'outbox.txt'}", style="dim", soft_wrap=True)
    console.print(f"数据库 database: {folder / 'fengsui.db'}", style="dim", soft_wrap=True)


_STATUS = {
    Status.SENT: "已送",
    Status.DUE: "待送",
    Status.CLAIMED: "在送",
    Status.FAILED: "失败",
    Status.CANCELLED: "免送",
    Status.FOLDED: "汇总",
}


def _table(found: Iterable[Row], channels: list[str], names: Mapping[str, str]) -> Table:
    table = Table(title="变化与叫应 / transitions and calls", header_style="bold", expand=False)
    for title in ("时间", "灾种", "变化"):
        table.add_column(title, no_wrap=True)
    for title in ("等级", "镇街", "告知", *channels, "叫应", "升级", "确认", "确认用时"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in found:
        change = row.change
        levels = f"{change.from_level.zh}→{change.to_level.zh}"
        table.add_row(
            _stamp(change.at),
            names[change.hazard],
            REASONS[change.reason],
            Text(levels, style=STYLES[change.to_level]),
            str(len(change.places)),
            str(row.people),
            *(str(row.by_channel.get(name, 0)) for name in channels),
            str(row.calls),
            str(row.escalated),
            str(row.acknowledged),
            row.waits,
        )
    return table


def _calls_table(
    called: Iterable[CallRow], routes: Routes, names: Mapping[str, str]
) -> Table:
    table = Table(title="叫应明细 / who was called, who answered", header_style="bold")
    for title in ("时间", "预警", "分系统", "第1级", "第2级", "第3级", "确认人", "用时"):
        table.add_column(title, no_wrap=True)
    for row in called:
        title = routes.subsystems[row.subsystem].name
        steps = [_step(row.told.get(number), title, routes) for number in range(3)]
        waited = f"{row.after.total_seconds() / 60:g}分" if row.after is not None else "未确认"
        about = Text(f"{names[row.hazard]}{row.level.zh}", style=STYLES[row.level])
        by = row.by.removeprefix(title)
        table.add_row(_stamp(row.begun_at), about, title, *steps, by, waited)
    return table


def _step(told: tuple[str, datetime] | None, title: str, routes: Routes) -> str:
    if told is None:
        return ""
    names = [routes.people[person].name.removeprefix(title) for person in told[0].split(",")]
    return f"{told[1].astimezone(BEIJING):%H:%M} {'、'.join(names)}"


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(BEIJING):%m-%d %H:%M}"
