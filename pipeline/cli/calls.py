"""Commands of the duty officer: who is called, who has it, what they answered."""

from __future__ import annotations

import sys
from typing import Any

import click

from pipeline.cli.group import main
from pipeline.settings import Settings


@main.command(name="who-gets")
@click.argument("hazard")
@click.argument("level", type=click.Choice(["blue", "yellow", "orange", "red"]))
@click.option("--at", "moment", help="Moment, ISO 8601 with offset; default now.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def who_gets(settings: Settings, hazard: str, level: str, moment: str | None, as_json: bool) -> None:
    """Tell who would hear of a hazard at a level, why, and who would not, and why not.

    Example: fengsui who-gets heat red --at 2026-08-01T03:00+08:00
    """
    from pipeline.commands.check import run_who_gets

    run_who_gets(settings, hazard, level, moment, as_json=as_json)


@main.command()
@click.argument("alert")
@click.option("--by", required=True, help="Name of the person who has it.")
@click.option("--subsystem", help="Subsystem they answer for; may be left out where just one is waiting.")
@click.pass_obj
def ack(settings: Settings, alert: str, by: str, subsystem: str | None) -> None:
    """Acknowledge an alert by name; calls to the subsystem stop at once.

    Example: fengsui ack 500153-heat-20220807T080500Z --subsystem health --by 值班员A
    """
    from pipeline.commands.run import acknowledge_by_name

    acknowledge_by_name(settings, alert, by, subsystem)


@main.command()
@click.argument("alert")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def answers(settings: Settings, alert: str, as_json: bool) -> None:
    """Tell who was sent, got, read, acknowledged and acted upon an alert; who does not know yet comes first.

    Exit code 1 where somebody is not known to know. Example: fengsui answers 500153-heat-20220807T080500Z
    """
    from pipeline.commands.calls import print_answers

    sys.exit(print_answers(settings, alert, as_json=as_json))


@main.command()
@click.argument("alert")
@click.option("--subsystem", required=True, help="Subsystem that reports.")
@click.option("--by", required=True, help="Name of the person who reports.")
@click.option("--commander", default="", help="Who commands.")
@click.option("--affected", default="", help="What is affected.")
@click.option("--moved", default="", help="Who was moved; 无 for nobody.")
@click.option("--words", default="", help="Further words, and the text of a closing report.")
@click.option("--closing", is_flag=True, help="It is the closing report after the end.")
@click.pass_obj
def report(settings: Settings, /, **told: Any) -> None:
    """Report the three facts of an alert for a subsystem, or with --closing how it ended.

    The facts also acknowledge. Example: fengsui report 500153-heat-20220807T080500Z --subsystem health
    --by 值班员A --commander 张三 --affected 昌元街道 --moved 320人
    """
    from pipeline.commands.calls import keep_report

    keep_report(settings, **told)


@main.command()
@click.option("--days", type=click.IntRange(1, 3650), default=7, help="How far back; default a week.")
@click.option("--unknown", is_flag=True, help="Only what was not understood, or came from strangers.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def replies(settings: Settings, days: int, unknown: bool, as_json: bool) -> None:
    """List what people wrote back by SMS, with what it led to.

    Example: fengsui replies --unknown
    """
    from pipeline.commands.calls import print_replies

    print_replies(settings, days, only_unknown=unknown, as_json=as_json)
