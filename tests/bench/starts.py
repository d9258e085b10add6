"""How long a process takes to start."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bench.figures import Figure, rounds
from bench.weather import long_period, played

_ROOT = Path(__file__).parents[2]
_FIRST_TICK = Path(__file__).with_name("first_tick.py")
_HELP = "import sys; from pipeline.cli import main; sys.argv[1:] = ['--help']; main()"


def measure(*, quick: bool) -> Iterator[Figure]:
    """The first tick on 60 days of archive (2 where it must be quick), help, and an import."""
    number = 1 if quick else 7
    yield _first_tick(2 if quick else 60, 1 if quick else 5)
    bare = _process("python that does nothing", "pass", number)
    yield bare
    for what, code in (("fengsui --help", _HELP), ("import pipeline.daemon", "import pipeline.daemon")):
        figure = _process(what, code, number)
        ratio = f"{figure.median / bare.median:.1f} x nothing"
        yield Figure(what=what, unit="s", samples=figure.samples, ratio=ratio)


def _process(what: str, code: str, number: int) -> Figure:
    def run() -> None:
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=_ROOT)

    return Figure(what=what, unit="s", samples=rounds(run, number))


def _first_tick(days: int, number: int) -> Figure:
    with tempfile.TemporaryDirectory() as name:
        period = long_period(played(), days, f"sqlite:///{name}/fengsui.db").period
        period.engine.dispose()
        if number > 1:
            _until_first_tick(Path(name), period.end)
        samples = [_until_first_tick(Path(name), period.end) for _ in range(number)]
    return Figure(
        what=f"start-up to first tick, {days} days of hourly archive",
        unit="s",
        samples=tuple(samples),
    )


def _until_first_tick(folder: Path, now: datetime) -> float:
    begun = time.monotonic()
    command = [sys.executable, str(_FIRST_TICK), str(folder), now.isoformat()]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=_ROOT)
    return float(done.stdout) - begun
