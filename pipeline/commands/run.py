"""`fengsui run`, `tick`, `health` and `ack`."""

from __future__ import annotations

import json
import logging
import signal
import threading
from dataclasses import replace
from datetime import datetime
from types import FrameType

import click

from alerts.record.store import Acknowledgement
from ingest.database import open_engine, reading
from pipeline.acknowledge import acknowledge, sole_subsystem, word_of
from pipeline.check import unguarded
from pipeline.climate import load_baseline, waiting_for_baseline
from pipeline.config import load
from pipeline.configuration.checks import host_port
from pipeline.console.people.first import OPERATOR, first_account
from pipeline.console.server import Console
from pipeline.daemon import Daemon, SteadyClock, wall_clock
from pipeline.health import health
from pipeline.lock import sole_instance
from pipeline.logs import set_up_logs
from pipeline.ports import Ports
from pipeline.pull import pull
from pipeline.settings import Settings, require_data
from pipeline.tick import TickReport, tick
from pipeline.wiring import build
from rules.findings import Verdict

log = logging.getLogger(__name__)


def run_daemon(settings: Settings, listen: str | None, form: str) -> None:
    """Work until SIGTERM or SIGINT, then finish what is under way; `form` is that of the log."""
    set_up_logs(form)
    try:
        listen = host_port(listen) if listen else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--listen") from error
    config = load(settings.config)
    stop = threading.Event()
    stop_on_signals(stop)
    clock = SteadyClock()
    at = listen or config.service.listen
    for problem in unguarded(replace(config, service=replace(config.service, listen=at))):
        log.warning("%s: %s", problem.where, problem.what, extra={"action": "unguarded"})
    with Console(at) as console:
        ports = build(config, settings)
        try:
            console.bind()
            greet(ports, clock.now(), spoken=form == "text")
            console.start(ports, clock.now)
            Daemon(ports=ports).run(stop, clock)
        finally:
            console.close()
            ports.close()


def greet(ports: Ports, now: datetime, *, spoken: bool) -> None:
    """Make the first account of a new instance, and tell its password to whoever started it.

    Where the log is for machines, it would end there: then only how to get one is told.
    """
    password = first_account(ports, now)
    if password is None:
        return
    if spoken:
        show_first(password)
    else:
        remedy = f"give it a password with: fengsui account password {OPERATOR} --by NAME"
        log.warning("made the account %s; %s", OPERATOR, remedy, extra={"action": "first_account"})


def show_first(password: str) -> None:
    """Print the password of the first account on standard error, where no log keeps it."""
    click.echo(
        f"\n首次启动，已建账号 / first start, made an account\n"
        f"    账号 account:  {OPERATOR}\n"
        f"    口令 password: {password}\n"
        f"只显示这一次，登录后须更换 / shown this one time, to be changed at the first sign-in\n",
        err=True,
    )


def stop_on_signals(stop: threading.Event) -> None:
    """Set `stop` at SIGTERM and SIGINT."""
    def finish(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, finish)


def one_tick(settings: Settings, as_json: bool) -> None:
    """Pull, tick, send, print."""
    set_up_logs("text")
    config = load(settings.config)
    ports = build(config, settings)
    try:
        with sole_instance(settings.data):
            now = wall_clock()
            for name, block in config.sources.items():
                if block.feed.enabled:
                    pull(name, now, ports)
            report = tick(now, ports)
            ports.outbox.drain(now)
    finally:
        ports.close()
    _print_tick(report, ports, as_json)


def _print_tick(report: TickReport, ports: Ports, as_json: bool) -> None:
    towns = {town.id: town.name for town in ports.config.district.towns}
    verdicts = {
        name: {
            place: Verdict(int(verdict)).name
            for place, verdict in zip(found.places, found.verdict[0], strict=True)
        }
        for name, found in report.findings.items()
    }
    changes = [
        {"id": change.id, "reason": change.reason.value, "to": change.to_level.key}
        for change in report.transitions
    ]
    if as_json:
        still = {name: why.value for name, why in report.still.items()}
        facts = {"at": report.at.isoformat(), "verdicts": verdicts, "transitions": changes}
        click.echo(json.dumps(facts | {"still": still}, ensure_ascii=False, indent=2))
        return
    for name, found in verdicts.items():
        click.echo(f"{ports.config.hazards[name].conduct.name} {report.still.get(name, '')}")
        for place, verdict in found.items():
            click.echo(f"  {towns[place]}  {verdict}")
    for change in changes:
        click.echo(f"  {change['reason']} → {change['to']}  {change['id']}")


def print_health(settings: Settings, as_json: bool) -> int:
    """Print the state of the instance; 0 where all is well, else 1."""
    config = load(settings.config)
    require_data(settings)
    waiting = waiting_for_baseline(config, load_baseline(config, settings.data))
    engine = open_engine(settings.database)
    try:
        report = health(engine, config, wall_clock(), waiting)
    finally:
        engine.dispose()
    if as_json:
        click.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    else:
        click.echo("正常 healthy" if report.healthy else "异常 unhealthy")
        for problem in report.problems:
            click.echo(f"  {problem}")
        for note in report.notes:
            click.echo(f"  ! {note}")
        for alert in report.alerts:
            asked = "、".join(alert.waiting) or "无 / nobody"
            name = config.hazards[alert.hazard].conduct.name
            click.echo(f"  {name} {alert.level}  {alert.id}  待确认 / waiting: {asked}")
    return 0 if report.healthy else 1


def acknowledge_by_name(settings: Settings, alert: str, by: str, subsystem: str | None) -> None:
    """Keep an acknowledgement given at the command line, and say what it stopped."""
    require_data(settings)
    config = load(settings.config)
    ports = build(config, settings)
    try:
        if subsystem is None:
            with reading(ports.engine) as connection:
                subsystem = sole_subsystem(connection, alert)
        try:
            word = word_of(alert=alert, subsystem=subsystem, by=by, via="cli", at=wall_clock())
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        kept = acknowledge(ports, word)
    finally:
        ports.close()
    click.echo(_said(kept))


def _said(kept: Acknowledgement) -> str:
    if kept.effective:
        return f"{kept.by} 已确认，停止对{kept.subsystem}的叫应 / acknowledged; calls stop"
    return f"{kept.by} 的确认已记录，此前已有人确认或无叫应 / recorded; nothing was waiting"
