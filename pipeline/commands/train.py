"""`fengsui train`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from ingest.archive import Archive
from ingest.database import open_engine, reading
from ingest.errors import FengsuiError
from pipeline.config import load
from pipeline.daemon import wall_clock
from pipeline.learn.home import days_at_home, lesson_at_home
from pipeline.learn.lesson import Lesson, Material, teacher
from pipeline.learn.shelf import Shelf
from pipeline.ports import Judging
from pipeline.reports.lessons import Taught
from pipeline.reports.writing import check as check_report
from pipeline.reports.writing import write as write_report
from pipeline.settings import Settings, require_data
from pipeline.view import view_of
from rules.learned import store
from rules.learned.manifest import Manifest


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for on the command line."""

    hazard: str
    """What is to be foretold."""
    data: Path | None
    """File of the training data; None for the archive."""
    from_archive: bool
    """Whether the archive is learned from."""
    until: datetime | None
    """Last day to learn from."""
    out: Path | None
    """Folder for the model; None for that of the challengers in the data folder."""
    seed: int | None
    """Seed of every random choice."""
    about: str
    """Name of the data with licence or attribution."""
    as_json: bool
    """Whether the manifest is printed instead of a table."""
    report: Path | None = None
    """Where a report is written, .html or .pdf."""


def run_train(settings: Settings, asked: Asked) -> None:
    """Test and train a model, write it with its manifest, and print how good it is."""
    if asked.report is not None:
        check_report(asked.report)
    teach = teacher(asked.hazard)
    store.installed()
    if asked.data is None:
        lesson = _from_archive(settings, asked)
    else:
        material = Material(
            path=asked.data, until=_day(asked.until), seed=asked.seed, about=asked.about
        )
        lesson = teach(material)
    manifest = keep(settings, lesson, asked.out, as_json=asked.as_json)
    if asked.report is not None:
        tell(settings, Taught(manifest=manifest), asked.report, aside=asked.as_json)


def tell(settings: Settings, subject: Taught, path: Path, *, aside: bool) -> None:
    """Write the report of a model; `aside` keeps its path off the output that is read by programs."""
    config = load(settings.config)
    write_report(path, subject, config=config, language=config.service.language)
    click.echo(f"→ {path}", err=aside)


def _from_archive(settings: Settings, asked: Asked) -> Lesson:
    """The lesson of what this instance archived up to now."""
    config, until = load(settings.config), _day(asked.until)
    require_data(settings)
    engine = open_engine(settings.database)
    try:
        judging = Judging(config=config, archive=Archive(), view=view_of(config))
        with reading(engine) as connection:
            days = days_at_home(connection, wall_clock(), judging)
    finally:
        engine.dispose()
    return lesson_at_home(days if until is None else days.until(until), asked.seed)


def keep(settings: Settings, lesson: Lesson, out: Path | None, *, as_json: bool) -> Manifest:
    """Write a model and its manifest, print and return it; FengsuiError where that cannot be written."""
    folder = out or Shelf(data=settings.data).challengers
    try:
        manifest = store.save(dict(lesson.parts), lesson.manifest, folder)
    except OSError as error:
        raise FengsuiError(
            f"{folder} cannot be written ({str(error.strerror).lower()}); give another with --out"
        ) from None
    if as_json:
        click.echo(manifest.to_json(), nl=False)
        return manifest
    for line in lines(manifest):
        click.echo(line)
    click.echo(f"→ {folder / manifest.name}{store.MODEL}")
    return manifest


def lines(manifest: Manifest) -> Iterator[str]:
    """The manifest for a terminal: what it is, figures of each test, use and limits."""
    yield f"{manifest.name}：训练到 trained to {manifest.trained_to}，{len(manifest.features)} features"
    for name, found in manifest.metrics.items():
        yield f"{name}: " + json.dumps(_short(found), ensure_ascii=False)
    yield f"用途：{manifest.intended_use_zh}\nuse: {manifest.intended_use_en}"
    yield f"局限：{manifest.limits_zh}\nlimits: {manifest.limits_en}"


def _short(found: Any) -> Any:
    """Figures rounded for the eye; cities, intervals and diagrams are in the manifest."""
    if isinstance(found, float):
        return round(found, 3)
    if isinstance(found, dict):
        left = ("by_city", "intervals", "chances", "reliability")
        return {key: _short(part) for key, part in found.items() if key not in left}
    return found


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()
