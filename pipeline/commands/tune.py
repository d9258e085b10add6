"""`fengsui tune`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from pipeline.commands.instance import known_entries
from pipeline.commands.period import asked_period
from pipeline.config import Config, load
from pipeline.configuration.patch import written
from pipeline.replay.bar import bar
from pipeline.replay.desk import rehearsing
from pipeline.replay.run import Period
from pipeline.settings import Settings
from pipeline.tune.plan import Plan, check_hazard, read_plan
from pipeline.tune.result import FIGURES, Row, Tuning
from pipeline.tune.run import Ground, tune
from pipeline.tune.words import NAMES, comments, short
from pipeline.verify.catalogue import Occurrence, only_happened
from pipeline.verify.terms import load_terms

_SHOWN = 12
"""Ladders of the front that are printed; the JSON and the report have all of them."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for on the command line."""

    plan: Path
    """File of the plan."""
    event: str | None
    """A bundled event; None for a period."""
    start: str | None
    """Begin of a period; None for that of the plan."""
    end: str | None
    """End of it."""
    out: Path | None
    """Where the proposal goes."""
    target: Path | None
    """Where the JSON goes; ``-`` prints it."""
    report: Path | None
    """Where the report goes."""


def run_tune(settings: Settings, asked: Asked) -> None:
    """Carry a plan out, print the front, the proposal and its price, and write what was asked for."""
    plan, config = read_plan(asked.plan), load(settings.config)
    if asked.report is not None:
        from pipeline.reports.writing import check

        check(asked.report)
    check_hazard(plan, config.hazards, asked.plan)
    with _past(settings, config, plan, asked) as (played, period):
        result = _tuned(settings, played, plan, period)
    if asked.out is not None:
        _write_changes(asked.out, result)
    if asked.report is not None:
        from pipeline.reports.writing import write

        write(asked.report, result, config=config, language=config.service.language)
    if str(asked.target) == "-":
        click.echo(_json(result))
        return
    if asked.target is not None:
        asked.target.write_text(_json(result) + "\n", encoding="utf-8")
    _print(result, asked)


def _tuned(settings: Settings, config: Config, plan: Plan, period: Period) -> Tuning:
    desk = rehearsing(config)
    ground = Ground(
        config=config,
        period=period,
        desk=desk,
        occurrences=_occurrences(settings, config, plan),
        windows=load_terms(config.folder).windows_of(plan.hazard),
    )
    with bar("调优 tune") as progress:
        return tune(plan, ground, progress)


@contextmanager
def _past(
    settings: Settings, config: Config, plan: Plan, asked: Asked
) -> Iterator[tuple[Config, Period]]:
    """The past that is tried, and the configuration that reads it; UsageError where none is named."""
    played, period = _period(settings, config, plan, asked)
    try:
        yield played, period
    finally:
        period.engine.dispose()


def _period(
    settings: Settings, config: Config, plan: Plan, asked: Asked
) -> tuple[Config, Period]:
    start, end = asked.start, asked.end
    if (start is None) != (end is None) or (asked.event is not None and start is not None):
        raise click.UsageError("give an event, or both --from and --to, or neither")
    if asked.event is None and start is None and plan.period is not None:
        start, end = plan.period.start.isoformat(), plan.period.end.isoformat()
    if asked.event is None and (start is None or end is None):
        raise click.UsageError("the plan names no period; give an event, or --from and --to")
    return asked_period(settings, config, asked.event, start, end)


def _occurrences(settings: Settings, config: Config, plan: Plan) -> tuple[Occurrence, ...]:
    """What happened, as far as the plan counts it."""
    return only_happened(known_entries(settings, config), doubtful=plan.doubtful)


def _json(result: Tuning) -> str:
    return json.dumps(result.as_json(), ensure_ascii=False, indent=2)


def _write_changes(path: Path, result: Tuning) -> None:
    """The proposal as a file of changes; today's ladder leaves nothing to write."""
    if not result.changes.edits:
        click.echo(f"现行阶梯不变，没有写 {path} / today's ladder stays: {path} was not written", err=True)
        return
    head = "".join(f"# {line}\n" for line in comments(result))
    path.write_text(head + written(result.changes), encoding="utf-8")


def _print(result: Tuning, asked: Asked) -> None:
    console = Console()
    console.print(_comparison(result))
    if len(result.front) > 1:
        console.print(_front(result))
    for note in (result.price, *result.notes):
        click.echo(f"· {note.zh}\n  {note.en}")
    if asked.out is not None and result.changes.edits:
        click.echo(f"→ {asked.out}：fengsui replay --changes {asked.out}，fengsui config apply {asked.out}")


def _comparison(result: Tuning) -> Table:
    """Today's ladder beside the proposal, with intervals, and the difference of the two."""
    plan = result.plan
    title = f"{result.title}：{plan.level.zh}及以上，{result.tried}个阶梯，{result.events}次事件"
    table = Table(title=title, header_style="bold")
    for name in ("", "现行 today", "建议 proposal", "差 difference"):
        table.add_column(name)
    for key, now in result.today.values.items():
        then = result.proposal.values[key]
        table.add_row(key, _value(now), _value(then), "" if then == now else "改 changed")
    counts = ((row.hits, row.misses, row.false_alarms) for row in (result.today, result.proposal))
    table.add_row("命中/漏报/空报", *("/".join(map(str, three)) for three in counts), "")
    bounds = {str(name): bound for name, bound in plan.constraints.items()}
    for name in FIGURES:
        sides = (result.today.figures, result.proposal.figures, result.differences)
        bound = bounds.get(name)
        wanted = f" {bound.words}" if bound else " ★" if name == plan.maximise else ""
        table.add_row(f"{NAMES[name][0]}{wanted}", *(side[name].words for side in sides))
    return table


def _front(result: Tuning) -> Table:
    """Ladders of which none has more hits, fewer false alarms or fewer nights without paying for it."""
    table = Table(title="前沿 front", header_style="bold")
    keys = (str(key).rpartition("ladder.")[2] for key in result.today.values)
    for name in ("", *keys, "POD", "FAR", "CSI", "提前h", "叫应/月", "夜/月"):
        table.add_column(name)
    for row in result.front[:_SHOWN]:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> Iterator[str]:
    mark = "现行" if row.today else "建议" if row.proposed else ""
    yield mark if row.keeps else f"{mark}✗"
    for value in row.values.values():
        yield _value(value)
    for figure in ("pod", "far", "csi", "lead_h", "pages_per_month", "night_pages_per_month"):
        yield short(row.figures[figure])


def _value(value: object) -> str:
    return "—" if value is None else str(value)
