"""`fengsui answers`, `report` and `replies`: who knows, who acted, and what people wrote back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import click
from sqlalchemy import Connection

from alerts.answers.clocks import CLOCKS, Clocks, clocks
from alerts.answers.facts import Meaning
from alerts.answers.replies import Kept
from alerts.answers.replies import replies as kept_replies
from alerts.answers.reports import Report
from alerts.duty.people import Routes
from ingest.database import open_engine, reading
from ingest.errors import UnknownName
from ingest.times import BEIJING
from pipeline.acknowledge import report
from pipeline.config import load
from pipeline.daemon import wall_clock
from pipeline.settings import Settings, require_data
from pipeline.wiring import build

_NAMES = {"sent": "已发", "delivered": "已达", "read": "已读", "acknowledged": "已确认", "acted": "已行动"}
_NOT_UNDERSTOOD = frozenset({Meaning.UNKNOWN.value, Meaning.STRANGER.value})


@contextmanager
def _looking(settings: Settings) -> Iterator[Connection]:
    require_data(settings)
    engine = open_engine(settings.database)
    try:
        with reading(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def print_answers(settings: Settings, alert: str, *, as_json: bool) -> int:
    """Print the five clocks of everybody; 0 where all are known to know, else 1.

    Raises UnknownName where nobody was told of such an alert.
    """
    routes = load(settings.config).routes
    with _looking(settings) as connection:
        found = clocks(connection, alert, routes.people)
    if not found:
        raise UnknownName(f"nobody was told of an alert {alert!r}; `fengsui health` lists the open ones")
    if as_json:
        click.echo(json.dumps([_as_json(one) for one in found], ensure_ascii=False, indent=2))
    else:
        _print_clocks(found, routes)
    return 0 if all(one.knows for one in found) else 1


def _as_json(one: Clocks) -> dict[str, Any]:
    times = {name: _iso(getattr(one, name)) for name in CLOCKS}
    who = {"subsystem": one.subsystem, "person": one.person, "knows": one.knows}
    more = {"channels": one.channels, "answered_by": one.answered_by, "adjusted": one.adjusted}
    return who | times | more


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _print_clocks(found: list[Clocks], routes: Routes) -> None:
    ignorant = sum(not one.knows for one in found)
    click.echo(f"尚不知晓 / do not know yet: {ignorant}，共 / of {len(found)}")
    for one in found:
        subsystem = routes.subsystems.get(one.subsystem)
        person = routes.people.get(one.person)
        mark = "✓" if one.knows else "✗"
        names = (subsystem.name if subsystem else one.subsystem, person.name if person else one.person)
        said = "  ".join(f"{_NAMES[name]} {_clock(one, name)}" for name in CLOCKS)
        click.echo(f"  {mark} {names[0]} {names[1]}  {said}  {'+'.join(one.channels)}")
    if any(one.adjusted for one in found):
        click.echo("  * 由后一步推定或按次序校正 / inferred from a later step, or put in order")


def _clock(one: Clocks, name: str) -> str:
    moment = getattr(one, name)
    if moment is None:
        return "-"
    return f"{moment.astimezone(BEIJING):%m-%d %H:%M:%S}{'*' if name in one.adjusted else ''}"


def keep_report(settings: Settings, **told: Any) -> None:
    """Keep what a subsystem reports, and say what is still missing."""
    require_data(settings)
    if not any(str(told[name]).strip() for name in ("commander", "affected", "moved", "words")):
        raise click.UsageError("报告不能为空 / a report says something: --commander, --affected, --moved")
    ports = build(load(settings.config), settings)
    try:
        kept = report(ports, _report_of(told))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    finally:
        ports.close()
    click.echo(_said(kept))


def _report_of(told: dict[str, Any]) -> Report:
    parts = (told["commander"], told["affected"], told["moved"], told["words"])
    return Report(
        kind="closing" if told["closing"] else "facts",
        alert=told["alert"],
        transition="",
        subsystem=told["subsystem"],
        by=told["by"],
        via="cli",
        at=wall_clock(),
        commander=told["commander"],
        affected=told["affected"],
        moved=told["moved"],
        words=" ".join(part for part in parts if part),
    )


def _said(kept: Report) -> str:
    if kept.kind == "closing":
        return f"{kept.by} 的总结报告已记录 / closing report kept"
    if kept.complete:
        return f"{kept.by} 的回报已记录，三项齐全 / report kept, all three facts told"
    facts = {"commander": kept.commander, "affected": kept.affected, "moved": kept.moved}
    missing = ", ".join(f"--{name}" for name, fact in facts.items() if not fact)
    return f"{kept.by} 的回报已记录，还缺 / report kept, still missing: {missing}"


def print_replies(settings: Settings, days: int, *, only_unknown: bool, as_json: bool) -> None:
    """Print what people wrote back in the last days."""
    with _looking(settings) as connection:
        found = kept_replies(connection, since=wall_clock() - timedelta(days=days))
    shown = [one for one in found if not only_unknown or one.meaning in _NOT_UNDERSTOOD]
    if as_json:
        click.echo(json.dumps([_reply_json(one) for one in shown], ensure_ascii=False, indent=2))
        return
    if not shown:
        click.echo("没有回复 / no replies")
    for one in shown:
        when = f"{one.at.astimezone(BEIJING):%m-%d %H:%M}"
        click.echo(f"{when}  {one.person or '?'}  {one.meaning}  “{one.text}”  {one.detail}")


def _reply_json(one: Kept) -> dict[str, Any]:
    times = {"at": one.at.isoformat(), "heard_at": one.heard_at.isoformat()}
    who = {"channel": one.channel, "person": one.person, "text": one.text}
    return times | who | {"meaning": one.meaning, "detail": one.detail}
