"""Commands that run the past through the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli.group import main
from pipeline.settings import Settings

_FILE = click.Path(path_type=Path)


@main.command()
@click.argument("event", required=False)
@click.option("--from", "start", help="Begin of a period of the archive, ISO 8601 with offset.")
@click.option("--to", "end", help="End of it.")
@click.option("--changes", type=_FILE, help="A patch whose effect is wanted: today beside it.")
@click.option("--json", "target", type=_FILE, help="Write the result there; - prints.")
@click.option("--report", type=_FILE, help="Write a report there, .html or .pdf.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; default by the length of the period.")
@click.option("--chunk", type=click.IntRange(1, 4096), help="Nows a block; less needs less memory.")
@click.option("--resume", is_flag=True, help="Go on where Ctrl-C stopped the same replay.")
@click.pass_obj
def replay(settings: Settings, /, **asked: Any) -> None:
    """Run a past event, or a period of the archive, through today's rules; nothing is sent.

    Example: fengsui replay heatwave-2022-08 --changes warmer.yaml --json replay.json
    """
    from pipeline.commands.replay import Asked, replay_period

    if (asked["event"] is None) == (asked["start"] is None or asked["end"] is None):
        raise click.UsageError("give an event, or both --from and --to")
    replay_period(settings, Asked(**asked))
