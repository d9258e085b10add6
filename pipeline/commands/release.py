"""`fengsui alerts`, `releases`, `approve`, `correct`, `cancel` and `uncap`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime

import click
from sqlalchemy import Engine

from alerts.duty import release_rows
from alerts.duty.release import decide
from alerts.duty.release_rows import Asked, Decision, Vote
from alerts.event.orders import Order
from alerts.event.stages import Stage
from alerts.outgoing import desks
from alerts.wording.words import Chinese
from ingest.database import reading, writing
from ingest.registry import parse_duration
from ingest.times import BEIJING
from pipeline import ordering
from pipeline.commands.instance import opened
from pipeline.config import Config, load
from pipeline.daemon import wall_clock
from pipeline.ordering import Said
from pipeline.settings import Settings, require_data
from pipeline.standing import RECENT, Row, overview, waited_for
from pipeline.wiring import build
from rules.level import parse_level

_STAGES = {
    Stage.PENDING: "待发布 pending",
    Stage.ACTIVE: "生效中 active",
    Stage.CLEARING: "待解除 clearing",
    Stage.ENDED: "已解除 ended",
}


def print_alerts(settings: Settings, as_json: bool) -> None:
    """Print how every alert stands."""
    with opened(settings) as (engine, config), reading(engine) as connection:
        rows = overview(connection, config, wall_clock())
    if as_json:
        click.echo(json.dumps([row.as_json() for row in rows], ensure_ascii=False, indent=2))
        return
    if not rows:
        click.echo("没有预警 / no alert is pending, open or just over")
    for row in rows:
        for line in _lines(row, config):
            click.echo(line)


def _lines(row: Row, config: Config) -> Iterator[str]:
    told = row.standing
    conduct = config.hazards[told.hazard].conduct if told.hazard in config.hazards else None
    name = conduct.name if conduct else told.hazard
    level = told.peak_level if told.stage is Stage.ENDED else told.level
    since = f"自 since {_stamp(told.since)}"
    yield f"{name} {level.zh} {level.key}  {_STAGES[told.stage]}  {since}  {told.alert or ''}".rstrip()
    words = Chinese(district=config.district)
    if told.places:
        yield f"    镇街 towns：{words.by_level(told.places)}"
    if told.peak_level:
        unit = conduct.unit if conduct else ""
        value = "" if told.peak_value is None else f" {words.amount(told.peak_value, unit)}"
        yield f"    最高 peak：{told.peak_level.zh} {told.peak_level.key}{value}"
    waited = waited_for(told, _stamp(told.until))
    if waited:
        yield f"    等待 waiting for：{waited}"
    if row.release:
        yield f"    审批 release：{row.release}"
    if told.alert is not None and told.stage is not Stage.ENDED:
        asked = "、".join(row.waiting) or "无 / nobody"
        yield f"    已确认 has it：{'、'.join(row.has_it) or '无 / nobody'}；待确认 called：{asked}"


def print_releases(settings: Settings, as_json: bool) -> None:
    """Print what waits for approval, and what was decided of late."""
    with opened(settings) as (engine, _config), reading(engine) as connection:
        rows = release_rows.asked(connection, since=wall_clock() - RECENT)
        told = [(row, release_rows.votes(connection, row)) for row in rows]
    if as_json:
        click.echo(json.dumps([_plain(*item) for item in told], ensure_ascii=False, indent=2))
        return
    if not told:
        click.echo("没有待审批的变化 / nothing waits for approval")
    for row, words in told:
        yes = ", ".join(word.person for word in words if word.yes) or "无 / nobody"
        since = _stamp(row.asked_at)
        click.echo(f"{row.decision.value}  {row.level.key}  {row.transition}  自 since {since}")
        click.echo(f"    同意 agreed：{yes}（{row.needed}）{'  ' + row.detail if row.detail else ''}")


def _plain(row: Asked, words: list[Vote]) -> dict[str, object]:
    return {
        "transition": row.transition,
        "alert": row.alert,
        "level": row.level.key,
        "status": row.decision.value,
        "needed": row.needed,
        "asked_at": row.asked_at.isoformat(),
        "next_at": row.next_at.isoformat() if row.next_at else None,
        "decided_at": row.decided_at.isoformat() if row.decided_at else None,
        "detail": row.detail,
        "votes": [
            {"person": word.person, "yes": word.yes, "at": word.at.isoformat(), "why": word.why}
            for word in words
        ],
    }


def approve_by_name(
    settings: Settings, transition: str, person: str, *, yes: bool, why: str
) -> None:
    """Keep the word of an approver given at the command line, and say what it led to."""
    require_data(settings)
    config = load(settings.config)
    ports = build(config, settings)
    try:
        now = wall_clock()
        word = Vote(transition=transition, person=person, yes=yes, at=now, via="cli", why=why.strip())
        with writing(ports.engine) as connection:
            row = decide(connection, word, desks.current(connection, ports.desk, now), now)
            agreed = len(release_rows.agreed(connection, row))
    finally:
        ports.close()
    click.echo(outcome(row, agreed))


def outcome(row: Asked, agreed: int) -> str:
    """What a word led to."""
    if row.decision is Decision.APPROVED:
        return f"已批准，正在发出 / approved, going out: {row.transition}"
    if row.decision is Decision.REFUSED:
        return f"已退回，未通知任何人 / refused, nobody was told: {row.transition}"
    return f"已记录，{agreed}/{row.needed}人同意 / recorded, {agreed} of {row.needed} agreed"


_TOLD = "通知此前已通知的人"


def correct_by_name(
    settings: Settings, alert: str, level: str, said: tuple[str, str], lasts: str
) -> None:
    """Keep a correction for the next tick; `said` is by whom and why."""
    order = _ordered(
        settings, said, lasts,
        lambda engine, config, told: ordering.correct(engine, config, alert, parse_level(level), told),
    )  # fmt: skip
    _confirm(order, f"更正为{order.level.zh} / corrected to {order.level.key}", _TOLD)


def cancel_by_name(settings: Settings, alert: str, said: tuple[str, str], lasts: str) -> None:
    """Keep a withdrawal for the next tick; `said` is by whom and why."""
    order = _ordered(
        settings, said, lasts,
        lambda engine, config, told: ordering.cancel(engine, config, alert, told),
    )  # fmt: skip
    _confirm(order, "撤销 / withdrawn", _TOLD)


def raise_by_name(
    settings: Settings, alert: str, level: str, said: tuple[str, str], lasts: str
) -> None:
    """Keep a rise for the next tick; `said` is by whom and why."""
    order = _ordered(
        settings, said, lasts,
        lambda engine, config, told: ordering.raise_(engine, config, alert, parse_level(level), told),
    )  # fmt: skip
    _confirm(order, f"升级为{order.level.zh} / raised to {order.level.key}", "照升级通知和叫应")


def hold_by_name(settings: Settings, alert: str, said: tuple[str, str], lasts: str) -> None:
    """Keep a hold for the next tick; `said` is by whom and why."""
    order = _ordered(
        settings, said, lasts,
        lambda engine, config, told: ordering.hold(engine, config, alert, told),
    )  # fmt: skip
    _confirm(order, "维持 / held", "生效，不通知任何人")


def _ordered(
    settings: Settings,
    said: tuple[str, str],
    lasts: str,
    give: Callable[[Engine, Config, Said], Order],
) -> Order:
    """Give an order in the name of a person, now."""
    by, why = said
    with opened(settings) as (engine, config):
        return give(engine, config, Said(by=by, why=why, at=wall_clock(), lasts=parse_duration(lasts)))


def lift_by_name(settings: Settings, hazard: str, by: str) -> None:
    """Keep the order to leave a hazard to the rules again."""
    with opened(settings) as (engine, config):
        order = ordering.lift(engine, config, hazard, Said(by=by, at=wall_clock()))
    click.echo(f"{order.hazard} 恢复按数据判定 / left to the rules again, at the next tick")


def _confirm(order: Order, what: str, then: str) -> None:
    until = _stamp(order.until)
    click.echo(f"{order.alert} {what}，下一次研判时{then}；有效至 until {until}")


def _stamp(moment: datetime | None) -> str:
    return f"{moment.astimezone(BEIJING):%m-%d %H:%M}" if moment else "—"
