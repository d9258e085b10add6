"""Commands about who is on duty, and who need not hear of something for a while."""

from __future__ import annotations

from typing import Any

import click

from pipeline.cli.group import main
from pipeline.settings import Settings

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@main.command()
@click.argument("subsystem", required=False)
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 92), help="How far ahead.")
@_JSON
@click.pass_obj
def rota(settings: Settings, subsystem: str | None, days: int, as_json: bool) -> None:
    """Show who is on duty when, with stand-ins and swaps, and where nobody is.

    Example: fengsui rota flood_control --days 3
    """
    from pipeline.commands.rotas import print_rota

    print_rota(settings, subsystem, days, as_json=as_json)


@main.command(name="stand-in")
@click.argument("subsystem", required=False)
@click.argument("people", nargs=-1)
@click.option("--from", "start", help="From when on, ISO 8601 with offset; default now.")
@click.option("--to", "end", help="Until when, ISO 8601 with offset.")
@click.option("--by", required=True, help="Who arranges it.")
@click.option("--why", default="", help="The reason.")
@click.option("--deputy", multiple=True, help="Id of a deputy; may be repeated.")
@click.option("--withdraw", type=int, help="Number of a stand-in to take back.")
@click.pass_obj
def stand_in(settings: Settings, /, **given: Any) -> None:
    """Put others on duty than the rota says, for a while; it counts from the next decision on.

    Example: fengsui stand-in health health_duty_b --to 2026-08-02T08:00+08:00 --by 张三 --why 病假
    """
    from pipeline.commands.rotas import arrange, withdraw

    if given["withdraw"] is not None:
        withdraw(settings, given["withdraw"], given["by"])
    elif given["subsystem"] is None or given["end"] is None:
        raise click.UsageError("name a subsystem, who stands in, and --to; or --withdraw a number")
    else:
        arrange(settings, given)


@main.command()
@click.option("--hazard", help="Name of a hazard; default all.")
@click.option("--subsystem", help="Id of a subsystem; default all.")
@click.option("--alert", help="Identifier of one alert, with which the silence ends.")
@click.option(
    "--level",
    required=True,
    type=click.Choice(["blue", "yellow", "orange", "red"]),
    help="Highest level that is silenced; what is above is told all the same.",
)
@click.option("--for", "span", required=True, help="How long, such as 4h; 24h at most.")
@click.option("--by", required=True, help="Id of the person who gives it; they hear when it ends.")
@click.option("--why", required=True, help="The reason.")
@click.pass_obj
def silence(settings: Settings, /, **given: Any) -> None:
    """Spare some from hearing of some changes for a while.

    Example: fengsui silence --hazard heat --subsystem traffic --level yellow --for 4h
    --by traffic_duty_a --why 道路检修已安排
    """
    from pipeline.commands.rotas import be_silent

    be_silent(settings, given)


@main.command()
@click.argument("number", type=int)
@click.option("--by", required=True, help="Who ends it.")
@click.pass_obj
def unsilence(settings: Settings, number: int, by: str) -> None:
    """End a silence; those it covered are told how things stand.

    Example: fengsui unsilence 3 --by traffic_duty_a
    """
    from pipeline.commands.rotas import speak_again

    speak_again(settings, number, by)


@main.command()
@_JSON
@click.pass_obj
def silences(settings: Settings, as_json: bool) -> None:
    """List the silences in force: what, until when, by whom, why.

    Example: fengsui silences
    """
    from pipeline.commands.rotas import print_silences

    print_silences(settings, as_json=as_json)


@main.command()
@click.option("--hours", default=24, show_default=True, type=click.IntRange(1, 336), help="How far ahead.")
@_JSON
@click.pass_obj
def coverage(settings: Settings, hours: int, as_json: bool) -> None:
    """The handover brief: who is on and who is next, what is open, what expires, where nobody would answer.

    Exit code 1 where there is a gap. Example: fengsui coverage --hours 48
    """
    import sys

    from pipeline.commands.coverage import print_coverage

    sys.exit(print_coverage(settings, hours, as_json=as_json))
