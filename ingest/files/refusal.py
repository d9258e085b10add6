"""One sentence where a file cannot be taken: which file, which part of it, what is wrong, what mends it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from ingest.errors import ConfigMistake


def refuse(path: Path | str, where: str, what: str, remedy: str) -> NoReturn:
    """Raise ConfigMistake: ``file, where: what; remedy``; without `where`, ``file: what; remedy``."""
    place = f"{path}, {where}" if where else f"{path}"
    raise ConfigMistake(f"{place}: {what}; {remedy}")


def check_installed(*modules: str) -> None:
    """ConfigMistake with the command that mends it where a library for grids is not installed."""
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise ConfigMistake(
            f'reading this file needs {" and ".join(missing)}: pip install "fengsui[files]"'
        )
