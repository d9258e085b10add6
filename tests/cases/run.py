"""Writes the reports of the real cases: what `make reports` runs."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The checkout, also where nothing is installed, and its tests/ for the cases.
_TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [folder for folder in (str(_TESTS.parent), str(_TESTS)) if folder not in sys.path]

if TYPE_CHECKING:
    from cases.chapter import Findings

# The longest first, so that two processes end together.
CASES = ("cma_2014", "heat_2024", "heat_2022", "hong_kong_2023")
_WORKERS = 2
_PICTURES = "pictures"


def main() -> None:
    """Write what was asked for, and say what could not be for want of data."""
    asked = _arguments()
    out = asked.out.resolve()
    (out / _PICTURES).mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    found: list[Findings] = []
    with tempfile.TemporaryDirectory() as work, ProcessPoolExecutor(_WORKERS) as pool:
        jobs = dict(_jobs(pool, asked, Path(work), out))
        for job in as_completed(jobs):
            found += job.result()
            sys.stderr.write(f"{jobs[job]} ({time.monotonic() - begun:.0f} s)\n")
    if found:
        sys.stdout.write(_told(sorted(found, key=lambda one: one.name)))
        sys.stdout.write(f"→ {out}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write the reports of the real cases.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=Path("reports"), help="folder for the reports")
    parser.add_argument("--only", nargs="+", choices=CASES, default=CASES, metavar="NAME",
                        help=f"some of {', '.join(CASES)}")  # fmt: skip
    return parser.parse_args()


def _jobs(
    pool: ProcessPoolExecutor, asked: argparse.Namespace, work: Path, out: Path
) -> Iterator[tuple[Future[list[Findings]], str]]:
    """Every variant of every case whose data are there, under way, and its name."""
    for name in asked.only:
        case: Any = importlib.import_module(f"cases.{name}")
        if case.NEEDS is not None and not (asked.data / case.NEEDS).is_dir():
            sys.stderr.write(f"{name} left out: there is no data set {case.NEEDS} in {asked.data}\n")
            continue
        for variant in case.VARIANTS:
            folder = work / name / variant
            folder.parent.mkdir(exist_ok=True)
            yield pool.submit(_make, name, variant, (asked.data.resolve(), folder, out)), f"{name} {variant}"


def _make(name: str, variant: str, folders: tuple[Path, Path, Path]) -> list[Findings]:
    made: list[Findings] = importlib.import_module(f"cases.{name}").make(variant, *folders)
    return made


def _told(found: list[Findings]) -> str:
    chapter = importlib.import_module("cases.chapter")
    rows = [chapter.HEADS, *(row for one in found for row in one.rows)]
    lines = [*chapter.table(rows), "", *dict.fromkeys(text for one in found for text in one.remarks)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
