"""The command line. Each command imports what it needs when it runs, so that `--help` is instant."""

from pipeline.cli import (
    calls,
    drills,
    imports,
    learning,
    models,
    operate,
    past,
    people,
    record,
    release,
    rotas,
    rule_tests,
    tuning,
    verification,
    weather,
)
from pipeline.cli.group import FINE, MISUSE, PROBLEM, main

__all__ = ["FINE", "MISUSE", "PROBLEM", "main"]
__all__ += ["calls", "drills", "imports", "learning", "models", "operate", "past", "people"]
__all__ += ["record", "release", "rotas", "rule_tests", "tuning", "verification", "weather"]
