"""The bench runs and prints its table; what the figures are is the machine's affair."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent / "bench" / "run.py"
ROWS = (
    "replay of heatwave-2022-08",
    "derived quantities, 10 days",
    "replay of 10 days",
    "  blocks from the archive",
    "  judging",
    "  lifecycle, routing",
    "archive of 3 times 10 days",
    "replay of 3 times 10 days",
    "  each of them",
    "  memory at its peak",
    "hourly tick on file (WAL, FULL), pull excluded",
    "hourly tick on file (WAL, FULL), pull included",
    "data arrival -> first send",
    "one copy of the block",
    "all hazards on the ready block",
    "  rainstorm",
    "  drought",
    "fill (batches -> block)",
    "fire weather, 10 stations",
    "fire weather, one day x 700 places",
    "one copy of the rain",
    "rain sums of 1, 3, 6, 12, 24 h",
    "start-up to first tick",
    "fengsui --help",
    "import pipeline.daemon",
    "webhooks to loopback",
    "first red in a full queue",
    "first view, bytes",
    "longest tick",
)


IN_SHORT = ("indices", "provinces")
"""Parts that are quick; the soak runs them all."""


@pytest.fixture(scope="module")
def short() -> str:
    """What a quick run of two parts prints."""
    return ran("--only", *IN_SHORT)


@pytest.fixture(scope="module")
def printed() -> str:
    """What a quick run of the whole bench prints."""
    return ran()


def ran(*arguments: str) -> str:
    """The table of a quick run."""
    command = [sys.executable, str(BENCH), "--quick", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.soak
@pytest.mark.parametrize("row", ROWS)
def test_every_figure_has_its_row(printed: str, row: str):
    """Each row names what was measured, with its unit and the number of runs."""
    assert any(line.startswith(row) and line[-1].isdigit() for line in printed.splitlines())


def test_hazards_are_told_against_a_copy(short: str):
    """The judging of a province is a ratio in the same run, not only seconds."""
    (row,) = (line for line in short.splitlines() if line.startswith("all hazards"))
    assert "x a copy" in row


def test_indices_are_told_against_libraries(short: str):
    """Whatever a library could do instead is measured beside ours, as a multiple of it."""
    told = [line for line in short.splitlines() if line.startswith("  the same by ")]
    peers = [line for line in told if "Alertmanager" not in line]
    assert len(peers) == 5
    assert all("x ours" in line for line in peers)


def test_our_rain_sums_never_fall_short_of_a_threshold_they_meet(short: str):
    """Sums in whole tenths are exact where those in binary fractions are not."""
    assert re.search(r"^sums under a threshold .*: ours +0 ", short, re.MULTILINE)
