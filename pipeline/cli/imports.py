"""Commands that fill the archive with the past."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli.group import main
from pipeline.settings import Settings

_KINDS = ["csv", "netcdf", "zarr", "isd", "ghcnd", "open-meteo", "historical-forecast", "previous-runs"]


@main.group()
def archive() -> None:
    """Fill the archive with the past, and see what it holds.

    Example: fengsui archive list
    """


@archive.command(name="import")
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--source", help="Name to archive under; none of a source of the district.")
@click.option("--place", multiple=True, help="CODE or all; NAME=CODE for a place of the file. Repeatable.")
@click.option("--column", multiple=True, help="NAME=QUANTITY:UNIT; NAME= leaves it out. Repeatable.")
@click.option("--zone", help="Zone of times without offset: UTC, +08:00.")
@click.option("--delay", help="How long after its hour or issue a value became known, such as 5m, 6h.")
@click.option("--from", "start", help="First moment, ISO 8601 with offset, or Beijing day.")
@click.option("--to", "end", help="Last moment, or Beijing day with all its hours.")
@click.option("--analysis", is_flag=True, help="The values are a model's analysis: mark them so.")
@click.option("--daily-curve", help="Draw hours through daily extremes: hours of max,min[,swing]: 17,5.")
@click.option("--rain-spread", help="Spread sums of rain over hours: even, or the middle hours: 6h.")
@click.option("--rain-day", type=click.Choice(["0", "8", "20"]), help="Beijing hour that ends a rain day.")
@click.option("--perfect-prognosis", is_flag=True, help="Take forecasts from the record; marked so.")
@click.option("--issue-every", help="Pause between forecasts that are put together here; default 6h.")
@click.option("--horizon", help="How far these reach; default 72h, of previous-runs at most 168h.")
@click.option("--cells", type=click.Choice(["nearest", "bilinear"]), default="nearest", help="Grid to town.")
@click.option("--member", help="Member of an ensemble: its number, or mean.")
@click.option("--accumulated", is_flag=True, help="Sums of a forecast run on from its start.")
@click.option("--model", help="Model to fetch, by the server's name.")
@click.option("--quantity", multiple=True, help="Quantity to fetch. Repeatable.")
@click.option("--address", help="Address to fetch from, of a server that answers like Open-Meteo.")
@click.option("--dry-run", is_flag=True, help="Tell what would come, and archive nothing.")
@click.option("--resume", is_flag=True, help="Go on after what is archived of this source.")
@click.option("--no-derive", is_flag=True, help="Leave out fire codes, drought and other daily values.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def import_(
    settings: Settings,
    /,
    dry_run: bool,
    resume: bool,
    no_derive: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Archive weather of the past, as it would have become known: observations and forecasts as issued.

    From CSV, NetCDF or Zarr, NOAA ISD and GHCN-Daily files, or from Open-Meteo (ERA5, historical
    forecasts, previous runs). Made twice, it adds nothing; cut short, whole months are there. Units and
    places must be said; nothing is reconstructed unless asked, and then it is marked.

    Example: fengsui archive import csv station.csv --place all --zone +08:00 --dry-run
    """
    from pipeline.commands.archive import run_import
    from pipeline.imports.request import Asked

    run_import(
        settings, Asked(**options), dry_run=dry_run, resume=resume, derive=not no_derive, as_json=as_json
    )


@archive.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(settings: Settings, as_json: bool) -> None:
    """List what the archive holds: sources, periods, quantities, gaps.

    Example: fengsui archive list --json
    """
    from pipeline.commands.archive import run_list

    run_list(settings, as_json=as_json)
