"""Where the configuration folder is, how a new one is made, and which files it holds."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

from ingest.errors import ConfigMistake

SINGLE = ("district.yaml", "routes.yaml", "channels.yaml", "service.yaml", "texts.yaml")
"""Files that must stand at the top of the folder."""
MANY = ("sources", "hazards")
"""Folders that hold one file per block, named after it."""
DRILLS = "drills"
"""Folder that holds one file per drill, and need not be there."""
_ADDRESS = re.compile(r"""(?P<host>\w+://[^\s/"'?#]+)(?P<path>[/?#][^\s"']*)""")

_PIPELINE = Path(__file__).resolve().parent.parent


def default_folder() -> Path:
    """The configuration that comes with the program.

    An installed package carries it as data in ``pipeline``; in a checkout it is ``config/``.
    """
    for folder in (_PIPELINE / "default_config", _PIPELINE.parent / "config"):
        if folder.is_dir():
            return folder
    raise ConfigMistake("the configuration that comes with Fengsui is missing; install it again")


def init(target: Path) -> list[Path]:
    """Copy the default configuration into a new or empty folder; returns the files written."""
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise ConfigMistake(f"{target}: is in use already; name a new or an empty folder")
        shutil.copytree(default_folder(), target, dirs_exist_ok=True)
    except OSError as error:
        why = _why(error)
        raise ConfigMistake(f"{target}: cannot be written ({why}); name another folder") from None
    return sorted(path for path in target.rglob("*") if path.is_file())


def names(folder: Path, part: str) -> list[str]:
    """Files of one part of a configuration, relative to its folder.

    Raises ConfigMistake where the part cannot be listed, holds nothing, or holds a file that looks
    like a block and would not be read.
    """
    paths = [
        path for path in _listing(folder / part) if path.suffix.lower() in (".yaml", ".yml")
    ]
    wrong = [path for path in paths if not re.fullmatch(r"[a-z][a-z0-9_]*\.yaml", path.name)]
    if wrong:
        raise ConfigMistake("\n".join(
            f"{path}: would not be read; name it in small letters, digits and _, ending in .yaml"
            for path in wrong
        ))
    if not paths:
        raise ConfigMistake(f"{folder / part}: holds no block; add a file such as NAME.yaml")
    return [f"{part}/{path.name}" for path in paths]


def contents(folder: Path) -> dict[str, str]:
    """Name -> content of every file that makes up a configuration, drills included, to be kept in the record.

    The path of an address may hold a key, so it stands there as the first characters of its SHA-256: that it
    changed can be seen, what it was cannot.
    """
    kept = {}
    for name in [*SINGLE, *(f"{part}/*.yaml" for part in (*MANY, DRILLS))]:
        for path in sorted(folder.glob(name)):
            text = path.read_text(encoding="utf-8")
            kept[path.relative_to(folder).as_posix()] = _ADDRESS.sub(_without_path, text)
    return kept


def _without_path(found: re.Match[str]) -> str:
    digest = hashlib.sha256(found["path"].encode()).hexdigest()[:12]
    return f"{found['host']}/sha256-{digest}"


def check_folder(folder: Path) -> None:
    """Refuse with ConfigMistake a folder that is not there or cannot be listed."""
    _listing(folder)


def _listing(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        sentence = "there is no such folder; make a configuration with: fengsui init FOLDER"
        raise ConfigMistake(f"{folder}: {sentence}") from None
    except OSError as error:
        why = _why(error)
        raise ConfigMistake(f"{folder}: cannot be listed ({why}); mend its permissions") from None


def _why(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()
