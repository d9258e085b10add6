"""A real PostgreSQL server of the tests' own, on loopback, in a folder that goes with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HOMES = "/usr/lib/postgresql"


def binaries() -> Path | None:
    """Folder of the newest server programs on this machine; None where there are none."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).parent
    homes = sorted(Path(_HOMES).glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return homes[-1].parent if homes else None


@contextmanager
def server(programs: Path) -> Iterator[str]:
    """Start a fresh cluster and give the SQLAlchemy URL of its empty database."""
    folder = Path(tempfile.mkdtemp(prefix="fengsui-pg-"))
    try:
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres")
        cluster = folder / "cluster"
        _run([str(programs / "initdb"), "-D", str(cluster), "-A", "trust", "-U", "fengsui", "-N"])
        port = _free_port()
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder}"
        control = [str(programs / "pg_ctl"), "-D", str(cluster), "-w", "-l", str(folder / "log")]
        _run([*control, "-o", options, "start"])
        try:
            yield f"postgresql+psycopg://fengsui@127.0.0.1:{port}/postgres"
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(url: str, name: str) -> str:
    """An empty database of that name on a server, as a URL."""
    import psycopg

    plain = url.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return url.rsplit("/", 1)[0] + f"/{name}"


def _run(command: list[str]) -> None:
    asked = ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command
    subprocess.run(asked, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=60)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
