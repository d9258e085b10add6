"""Commands that train models and score them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli.group import main
from pipeline.settings import Settings

_HAZARDS = ["heat", "landslide", "forest_fire", "rain"]
_FILE = click.Path(path_type=Path)


@main.command()
@click.argument("hazard", type=click.Choice(_HAZARDS))
@click.option("--data", type=_FILE, help="Training data, Parquet or CSV.")
@click.option("--from-archive", is_flag=True, help="Learn from what this instance archived (heat).")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Learn from no later day.")
@click.option("--out", type=_FILE, help="Folder for the model; default: waits as a challenger.")
@click.option("--seed", type=int, help="Seed of every random choice; the same gives the same bytes.")
@click.option("--about", default="", help="Name of the data, with licence or attribution.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
@click.option("--report", type=_FILE, help="Write a report there, .html or .pdf.")
@click.pass_obj
def train(settings: Settings, /, **asked: Any) -> None:
    """Train a model, tested first on a later season and on places it was not shown.

    It waits as a challenger until a person puts it to use.

    Example: fengsui train heat --data forecast_tmax.parquet --out models
    """
    from pipeline.commands.train import Asked, run_train

    if asked["from_archive"] == (asked["data"] is not None):
        raise click.UsageError("give --data or --from-archive")
    if asked["from_archive"] and asked["hazard"] != "heat":
        raise click.UsageError(f"the archive teaches heat only; give --data for {asked['hazard']}")
    run_train(settings, Asked(**asked))


@main.command(name="score-model")
@click.argument("hazard", type=click.Choice(_HAZARDS))
@click.option("--data", type=_FILE, required=True, help="Days with their outcome, columns as for training.")
@click.option("--model", type=_FILE, help="Folder of the model; default: the one that is in use.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--report", type=_FILE, help="Write a report there, .html or .pdf.")
@click.pass_obj
def score_model(settings: Settings, /, **asked: Any) -> None:
    """Score a model on days it was not trained on, with intervals, as a whole and by city.

    Example: fengsui score-model heat --data season.parquet --json
    """
    from pipeline.commands.score_model import Asked, run_score_model

    run_score_model(settings, Asked(**asked))
