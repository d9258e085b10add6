"""Commands of who decides: how alerts stand, what waits for approval, corrections and withdrawals."""

from __future__ import annotations

import click

from pipeline.cli.group import main
from pipeline.settings import Settings


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def alerts(settings: Settings, as_json: bool) -> None:
    """List what is pending, active, clearing, or ended in the last 24 hours: level, towns, who has it.

    Example: fengsui alerts --json
    """
    from pipeline.commands.release import print_alerts

    print_alerts(settings, as_json)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def releases(settings: Settings, as_json: bool) -> None:
    """List the changes that wait for approval, and what was decided in the last 24 hours.

    Example: fengsui releases --json
    """
    from pipeline.commands.release import print_releases

    print_releases(settings, as_json)


@main.command()
@click.argument("transition")
@click.option("--by", required=True, help="Id of the approver, as in routes.yaml.")
@click.option("--no", "refuse", is_flag=True, help="Refuse it: nobody is told.")
@click.option("--why", default="", help="The reason.")
@click.pass_obj
def approve(settings: Settings, transition: str, by: str, refuse: bool, why: str) -> None:
    """Approve or refuse a change that waits for release.

    Example: fengsui approve 500153-heat-20220807T080500Z.1 --by command_centre_duty_a
    """
    from pipeline.commands.release import approve_by_name

    approve_by_name(settings, transition, by, yes=not refuse, why=why)


@main.command()
@click.argument("alert")
@click.option(
    "--level",
    required=True,
    type=click.Choice(["blue", "yellow", "orange", "red"]),
    help="Level that counts; no higher than the alert stands.",
)
@click.option("--by", required=True, help="Id or name of a person of routes.yaml.")
@click.option("--why", required=True, help="The reason, as people will read it.")
@click.option("--for", "lasts", default="12h", show_default=True, help="How long it counts; 24h at most.")
@click.pass_obj
def correct(
    settings: Settings, alert: str, level: str, by: str, why: str, lasts: str
) -> None:
    """Set an alert to a lower level, or the same with other words; told to exactly those who were warned.

    Example: fengsui correct 500153-heat-20220807T080500Z --level yellow
    --by command_centre_duty_a --why 测站故障
    """
    from pipeline.commands.release import correct_by_name

    correct_by_name(settings, alert, level, (by, why), lasts)


@main.command()
@click.argument("alert")
@click.option("--by", required=True, help="Id or name of a person of routes.yaml.")
@click.option("--why", default="", help="The reason, as people will read it; a ready text without.")
@click.option("--for", "lasts", default="12h", show_default=True, help="How long it counts; 24h at most.")
@click.pass_obj
def cancel(settings: Settings, alert: str, by: str, why: str, lasts: str) -> None:
    """Withdraw an alert that was a mistake; told to exactly those who were warned.

    Example: fengsui cancel 500153-heat-20220807T080500Z --by command_centre_duty_a
    """
    from pipeline.commands.release import cancel_by_name

    cancel_by_name(settings, alert, (by, why), lasts)


@main.command("raise")
@click.argument("alert")
@click.option("--level", required=True, help="Level to raise it to.")
@click.option("--by", required=True, help="Id or name of a person of routes.yaml.")
@click.option("--why", required=True, help="The reason, as people will read it.")
@click.option("--for", "lasts", default="12h", show_default=True, help="How long it counts; 24h at most.")
@click.pass_obj
def raise_level(
    settings: Settings, alert: str, level: str, by: str, why: str, lasts: str
) -> None:
    """Raise the towns of an alert's highest level, and keep them there; people are called as for any rise.

    Example: fengsui raise 500153-rainstorm-20220807T080500Z --level red
    --by command_centre_duty_a --why 雷达显示强降雨将持续
    """
    from pipeline.commands.release import raise_by_name

    raise_by_name(settings, alert, level, (by, why), lasts)


@main.command()
@click.argument("alert")
@click.option("--by", required=True, help="Id or name of a person of routes.yaml.")
@click.option("--why", required=True, help="The reason.")
@click.option("--for", "lasts", default="12h", show_default=True, help="How long it counts; 24h at most.")
@click.pass_obj
def hold(settings: Settings, alert: str, by: str, why: str, lasts: str) -> None:
    """Keep every town of an alert at its level at least for a while; nobody is told, nothing falls.

    Example: fengsui hold 500153-rainstorm-20220807T080500Z --by command_centre_duty_a --why 上游水库正在泄洪
    """
    from pipeline.commands.release import hold_by_name

    hold_by_name(settings, alert, (by, why), lasts)


@main.command()
@click.argument("hazard")
@click.option("--by", required=True, help="Id or name of a person of routes.yaml.")
@click.pass_obj
def uncap(settings: Settings, hazard: str, by: str) -> None:
    """Leave a hazard to the rules again before the time of what a person ordered is over.

    Example: fengsui uncap heat --by command_centre_duty_a
    """
    from pipeline.commands.release import lift_by_name

    lift_by_name(settings, hazard, by)
