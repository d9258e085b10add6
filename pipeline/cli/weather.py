"""Commands of the forecaster: what would have happened, why, and against which climate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli.group import main
from pipeline.settings import Settings


@main.command()
@click.argument("event", default="heatwave-2022-08")
@click.option("--until", help="Play no further than this moment, ISO 8601 with offset.")
@click.option("--stay/--leave", default=None, help="Keep the console open; does so on a terminal.")
@click.pass_obj
def demo(settings: Settings, event: str, until: str | None, stay: bool | None) -> None:
    """Play a bundled event through the real daemon on a simulated clock.

    A run that was cut short is continued. Example: fengsui demo --until 2022-07-28T08:00+08:00
    """
    from pipeline.commands.demo import play

    play(settings, event, until, stay=stay)


@main.command()
@click.argument("hazard")
@click.argument("town")
@click.option("--at", "moment", help="Moment, ISO 8601 with offset; default now.")
@click.option("--event", help="Ask of a bundled event instead of the archive.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def explain(
    settings: Settings, hazard: str, town: str, moment: str | None, event: str | None, as_json: bool
) -> None:
    """Show why a hazard says what it says of a town: value, thresholds, age of data, neighbours.

    Example: fengsui explain heat 昌元街道 --event heatwave-2022-08 --at 2022-08-18T08:05+08:00
    """
    from pipeline.commands.explain import run_explain

    run_explain(settings, (hazard, town), moment, event, as_json=as_json)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def hazards(settings: Settings, as_json: bool) -> None:
    """List the hazards that are configured: ladders, who leads, sources and doubts.

    Example: fengsui hazards
    """
    from pipeline.commands.explain import list_hazards

    list_hazards(settings, as_json=as_json)


@main.command()
@click.option("--years", help="Calendar years, such as 1991-2020, which is what is fetched by default.")
@click.option("--csv", type=click.Path(path_type=Path), help="Daily record of one's own instead of ERA5.")
@click.option("--fill", is_flag=True, help="Fill the past months of the archive, and fit nothing.")
@click.option("--alpha", type=float, default=0.85, help="Decay a day of the weighted rain of 60 days.")
@click.option("--archive", help="Address of an archive that answers like Open-Meteo's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def baseline(settings: Settings, /, **chosen: Any) -> None:
    """Fit the climate that drought, heat waves and landslides are compared with, once, from daily records.

    Thirty years of ERA5 are fetched (about five minutes for one district), or a CSV file is read: date, tmax,
    tmin, tmean, rh, rain and perhaps place. Then run it with --fill, which fetches the last 220 days (or
    takes them from a file), so that a new instance need not wait five months for its first drought index;
    do so again after an outage. A daemon reads a new baseline when it starts.

    Example: fengsui baseline --years 1991-2020
    """
    from pipeline.commands.baseline import Chosen, run_baseline

    run_baseline(settings, Chosen(**chosen))
