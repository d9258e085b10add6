"""Where things are: the only reader of the environment, and of secrets."""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from ingest.errors import ConfigMistake, StoreError
from ingest.secret import Secret
from pipeline.configuration.folder import default_folder

DATABASE_FILE = "fengsui.db"
"""Name of the SQLite file in the data folder, where no other database is named."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one instance works with."""

    config: Path
    """Configuration folder."""
    data: Path
    """Data folder; made by whoever first writes to it."""
    database: str = field(repr=False)
    """SQLAlchemy URL of the one database; not printed, because it may hold a password."""


def read_settings(
    *, config: Path | None = None, data: Path | None = None, database: str | None = None
) -> Settings:
    """Settings from the command line first, then the environment, then the defaults.

    ``FENGSUI_CONFIG``: the configuration that comes with the program. ``FENGSUI_DATA``:
    ``$XDG_DATA_HOME/fengsui``, or ``~/.local/share/fengsui``; not the working folder, so that the
    same data are found wherever a command is typed. ``FENGSUI_DATABASE``: an SQLite file in the
    data folder. A variable that is empty counts as not set. Opens and makes nothing.
    """
    folder = data or _path("FENGSUI_DATA") or _data_home()
    return Settings(
        config=config or _path("FENGSUI_CONFIG") or default_folder(),
        data=folder,
        database=database or _variable("FENGSUI_DATABASE") or _sqlite(folder),
    )


def require_data(settings: Settings) -> None:
    """Refuse to read from an instance that never ran; StoreError says to start it."""
    file = settings.data / DATABASE_FILE
    if settings.database == _sqlite(settings.data) and not file.exists():
        raise StoreError(
            f"{settings.data} 中没有数据：请先启动 fengsui run / no data there yet: start fengsui run"
        )


def reveal(secret: Secret, folder: Path) -> str:
    """The content of a secret, without white space around it.

    Reads the file or the variable anew each time, so that a changed key needs no restart. A file
    that everybody on the machine may read is used, with a warning in the log.

    Parameters
    ----------
    secret : Secret
    folder : Path
        Configuration folder, from which relative paths count.

    Raises
    ------
    ConfigMistake
        Missing, empty or unreadable; names the place, never the content.
    """
    if secret.env is not None:
        text = _variable(secret.env) or ""
        missing = f"the {secret.where} is not set; set it for the daemon"
    else:
        text = _content(folder / Path(secret.file or "").expanduser(), secret)
        missing = f"the {secret.where} is empty; write the secret into it"
    if not text.strip():
        raise ConfigMistake(missing)
    return text.strip()


def _content(path: Path, secret: Secret) -> str:
    try:
        text = path.read_text(encoding="utf-8")
        mode = path.stat().st_mode
    except ValueError:
        raise ConfigMistake(f"the {secret.where} is not text; write the secret anew") from None
    except OSError as error:
        why = (error.strerror or "unknown reason").lower()
        raise ConfigMistake(
            f"the {secret.where} cannot be read ({why}); let the daemon's user read it"
        ) from None
    if mode & stat.S_IROTH:
        _log.warning(
            "a secret can be read by everybody on this machine; take the permission away",
            extra={"action": "secret_exposed", "path": str(path)},
        )
    return text


def _variable(name: str) -> str | None:
    return os.environ.get(name) or None


def _path(name: str) -> Path | None:
    text = _variable(name)
    return Path(text).expanduser() if text else None


def _data_home() -> Path:
    base = _path("XDG_DATA_HOME")
    # The XDG base directory specification has relative paths ignored.
    if base is not None and base.is_absolute():
        return base / "fengsui"
    try:
        return Path.home() / ".local" / "share" / "fengsui"
    except RuntimeError:
        raise ConfigMistake("there is no home folder for the data; set FENGSUI_DATA") from None


def _sqlite(folder: Path) -> str:
    return f"sqlite:///{folder.absolute() / DATABASE_FILE}"
