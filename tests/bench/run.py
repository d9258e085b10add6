"""Measures the figures of DESIGN.md on this machine and prints them as one table."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from pathlib import Path

_PARTS = "replays sweeps ticks provinces indices starts webhooks consoles".split()


def main() -> None:
    """Run the parts one after another; nothing else should work on the machine meanwhile."""
    parser = argparse.ArgumentParser(description="Measure the figures of DESIGN.md here and now.")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: to see it run")
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=_PARTS, metavar="PART",
                        help=f"some of {', '.join(_PARTS)}")  # fmt: skip
    asked = parser.parse_args()
    # The checkout, also where nothing is installed, and its tests/ for the simulators.
    tests = Path(__file__).parents[1]
    sys.path[:0] = [str(tests.parent), str(tests)]
    figures = []
    for part in asked.only:
        sys.stderr.write(f"{part} ...\n")
        figures += importlib.import_module(f"bench.{part}").measure(quick=asked.quick)
    sys.stdout.write(f"{_machine()}\n\n{importlib.import_module('bench.figures').table(figures)}\n")


def _machine() -> str:
    load = os.getloadavg()[0]
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}, "
        f"{os.cpu_count()} processors, load {load:.1f} (about 1 is the bench itself)"
    )


if __name__ == "__main__":
    main()
