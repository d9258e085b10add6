"""The command line. Each command imports what it needs when it runs, so that `--help` is instant."""

from pipeline.cli import calls, drills, operate, record, release, rotas, weather
from pipeline.cli.group import FINE, MISUSE, PROBLEM, main

__all__ = ["FINE", "MISUSE", "PROBLEM", "main"]
__all__ += ["calls", "drills", "operate", "record", "release", "rotas", "weather"]
