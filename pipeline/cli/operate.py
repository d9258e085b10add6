"""Commands of who runs Fengsui: the daemon, one tick, health, a configuration of one's own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.cli.group import main
from pipeline.settings import Settings


@main.command()
@click.option("--listen", help="Address of the pages, such as 0.0.0.0:8480; default from service.yaml.")
@click.option("--log", type=click.Choice(["text", "json"]), default="text", help="Form of the log.")
@click.pass_obj
def run(settings: Settings, listen: str | None, log: str) -> None:
    """Run the daemon until SIGTERM or Ctrl-C.

    Example: fengsui run --listen 127.0.0.1:8480
    """
    from pipeline.commands.run import run_daemon

    run_daemon(settings, listen, log)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def tick(settings: Settings, as_json: bool) -> None:
    """Pull every source once, make one tick now, send what follows from it, and print what it found.

    Refused while a daemon works in the same data folder. Example: fengsui tick --json
    """
    from pipeline.commands.run import one_tick

    one_tick(settings, as_json)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--online", is_flag=True, help="Also ask every source for data once.")
@click.pass_obj
def check(settings: Settings, as_json: bool, online: bool) -> None:
    """Check configuration, texts, rotas and secrets; with --online also that sources can be reached.

    Example: fengsui check --online
    """
    from pipeline.commands.check import run_check

    sys.exit(run_check(settings, as_json=as_json, online=online))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def health(settings: Settings, as_json: bool) -> None:
    """Tell whether the instance is alive: ticks, sources, messages, calls. Exit code 1 where it is not.

    Example: fengsui health --json
    """
    from pipeline.commands.run import print_health

    sys.exit(print_health(settings, as_json))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write an editable copy of the configuration into a new folder.

    Example: fengsui init my-config
    """
    from pipeline.configuration.folder import init as write

    written = write(folder)
    click.echo(f"{len(written)} 个文件已写入 / files written to {folder}")
    click.echo(f"下一步 / next: fengsui --config {folder} check")


@main.command()
@click.option("--url", help="Address of the daemon; default from service.yaml.")
@click.option("--every", default="1m", help="Pause between two looks, such as 1m.")
@click.option("--patience", default="5m", help="Sick for so long before anybody is told, such as 5m.")
@click.pass_obj
def watch(settings: Settings, url: str | None, every: str, patience: str) -> None:
    """Look at a daemon from outside of it, and tell the operators where it is silent or sick.

    To be run as a service of its own, better on another machine. Example: fengsui watch --patience 5m
    """
    from ingest.registry import parse_duration
    from pipeline.commands.watch import watch as look

    try:
        spans = parse_duration(every), parse_duration(patience)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    look(settings, url, *spans)
