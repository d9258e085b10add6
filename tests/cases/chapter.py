"""The reports of a case, and its figures in one line a level."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

from cases.past import Told

from pipeline.replay.compare import nights_of
from pipeline.reports.verifications import Contest
from pipeline.reports.writing import SUFFIXES, write
from pipeline.verify.bootstrap import Figure
from pipeline.verify.result import LevelScore

__all__ = ["HEADS", "SUFFIXES", "Findings", "Shelf", "findings", "said", "table"]

HEADS = (
    "case", "hazard", "level", "events", "hit", "late", "near", "missed", "false", "POD", "FAR",
    "lead h", "at level h",
)  # fmt: skip
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one replay of a case came to."""

    name: str
    """Case and variant."""
    rows: tuple[tuple[str, ...], ...]
    """One line a level, as `HEADS`."""
    remarks: tuple[str, ...] = ()
    """Sentences for the end of the run."""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Where reports of a case go, and how they are called."""

    folder: Path
    """Folder."""
    name: str
    """Begins the name of each file."""
    title: str
    """Heading of both reports, Chinese and English."""
    suffixes: Sequence[str] = SUFFIXES
    """What is written."""
    sorts: Sequence[str] = ("replay", "verification")
    """Which reports."""

    def publish(self, told: Told) -> None:
        """Write the report of the replay, that of the verification, and every figure of it."""
        contest = Contest(today=told.verified, replay=told.replay)
        for suffix in self.suffixes:
            for sort in self.sorts:
                path = self.folder / f"{self.name}-{sort}{suffix}"
                subject = told.replay if sort == "replay" else contest
                write(path, subject, config=told.config, title=self.title)
        text = json.dumps(told.verified.as_json(), ensure_ascii=False, indent=1)
        (self.folder / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")


def findings(name: str, told: Told, remarks: Sequence[str] = ()) -> Findings:
    """The figures of a verification, and what it asked of people."""
    load = told.verified.load
    asked = (
        f"{name}: {load.pages} messages to people, {load.night} at night, "
        f"{len(nights_of(told.replay.pages))} times somebody woken"
    )
    return Findings(name=name, rows=tuple(_rows(name, told)), remarks=(asked, *remarks))


def _rows(name: str, told: Told) -> Iterator[tuple[str, ...]]:
    for hazard, score in told.verified.hazards.items():
        for level in score.levels.values():
            yield (name, hazard, level.level.key, *_figures(level, judged=score.judged))


def _figures(score: LevelScore, *, judged: bool) -> Iterator[str]:
    told = score.matches
    counts = (told.deserved, told.hits, told.late, told.near_hits, told.misses, told.false_alarms)
    for count in counts:
        yield str(len(count)) if judged else "-"
    for sign in ("pod", "far"):
        yield said(score.figures[sign])
    leads = [lead / _HOUR for lead in score.leads]
    yield f"{median(leads):+.0f} (n {len(leads)})" if leads else "-"
    yield f"{score.time / _HOUR:.0f}"


def said(figure: Figure) -> str:
    """A score with its interval and number of cases; a dash where it cannot be told."""
    if not figure.n or figure.value != figure.value:
        return "-"
    return f"{figure.value:.2f} ({figure.low:.2f}-{figure.high:.2f}, n {figure.n})"


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines with columns under each other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
