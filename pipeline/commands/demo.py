"""`fengsui demo`."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import replace

import click
from rich.console import Console

from ingest.times import parse_instant
from pipeline.config import load
from pipeline.demo.show import Show, print_open, print_opening, print_summary
from pipeline.demo.stage import finish, set_stage
from pipeline.settings import DATABASE_FILE, Settings

_WIDTH = 150


def play(
    settings: Settings, event: str, until: str | None = None, *, stay: bool | None = None
) -> None:
    """Play an event and print what happens; the folder is kept for a look afterwards.

    On a terminal, or with `stay`, the console stays open until Ctrl-C.
    """
    try:
        last = parse_instant(until) if until else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--until") from error
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    screen = Console()
    if not screen.is_terminal:
        screen = Console(width=_WIDTH)
    folder = settings.data / "demo"
    own = replace(
        settings, data=folder, database=f"sqlite:///{folder.absolute() / DATABASE_FILE}"
    )
    begun = time.monotonic()
    with set_stage(event, load(settings.config), own, last) as stage:
        print_opening(screen, stage)
        with Show(stage, screen) as show:
            stage.play(show.watch)
        print_summary(screen, stage, time.monotonic() - begun)
        finish(folder)
        if screen.is_terminal if stay is None else stay:
            print_open(screen, stage)
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
