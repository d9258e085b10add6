"""`fengsui score-model`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from pipeline.commands.train import tell
from pipeline.learn.lesson import scorer, units
from pipeline.learn.shelf import Shelf
from pipeline.reports.lessons import Taught
from pipeline.reports.writing import check as check_report
from pipeline.settings import Settings
from rules.learned import store

_APART = ("by_city", "by_year", "intervals", "coverage", "chances", "amounts", "reliability")
"""Parts of a score that are no line: they stand in the JSON and in the report."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for on the command line."""

    hazard: str
    """What the model foretells."""
    data: Path
    """File of days with their outcome."""
    model: Path | None
    """Folder of the model; None for the one that is in use."""
    as_json: bool
    """Whether JSON is printed instead of a table."""
    report: Path | None = None
    """Where a report is written, .html or .pdf."""


def run_score_model(settings: Settings, asked: Asked) -> None:
    """Score a saved model on the days of a file, print the figures, and write a report where asked."""
    if asked.report is not None:
        check_report(asked.report)
    score = scorer(asked.hazard)
    folder = asked.model or _in_use(settings, asked.hazard)
    loaded = store.load(folder, asked.hazard, units(asked.hazard))
    found = {"trained_to": str(loaded.manifest.trained_to), **score(loaded.model, asked.data)}
    told = [json.dumps(found, ensure_ascii=False, indent=1)] if asked.as_json else lines(found)
    for line in told:
        click.echo(line)
    if asked.report is not None:
        subject = Taught(manifest=loaded.manifest, score=found, scored=asked.data.name)
        tell(settings, subject, asked.report, aside=asked.as_json)


def _in_use(settings: Settings, hazard: str) -> Path:
    """Folder of the model that is asked: the district's own, else the one that ships."""
    folders = Shelf(data=settings.data).folders
    return next((folder for folder in folders if hazard in store.names(folder)), folders[0])


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Figures with their intervals, one a line."""
    bounds = found.get("intervals", {})
    for name, part in found.items():
        if isinstance(part, float):
            yield f"{name}: {_told(part, bounds.get(name))}"
        elif isinstance(part, Mapping) and name not in _APART:
            both = ((key, value, bounds.get(name, {}).get(key)) for key, value in part.items())
            yield f"{name}: " + ", ".join(f"{key} {_told(value, own)}" for key, value, own in both)
        elif isinstance(part, str | int):
            yield f"{name}: {part}"


def _told(value: Any, bounds: list[float | None] | None) -> str:
    if not isinstance(value, float):
        return "—" if value is None else str(value)
    if not bounds or None in bounds:
        return f"{value:.3f}"
    return f"{value:.3f} ({bounds[0]:.3f} … {bounds[1]:.3f})"
