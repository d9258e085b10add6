"""The past that a command was asked about: a bundled event, or a period of the archive."""

from __future__ import annotations

import click

from ingest.database import open_engine
from pipeline.climate import load_baseline
from pipeline.config import Config
from pipeline.replay.run import Period, archive_period, event_period
from pipeline.settings import Settings, require_data


def asked_period(
    settings: Settings, config: Config, event: str | None, start: str | None, end: str | None
) -> tuple[Config, Period]:
    """The period, whose engine is to be disposed of, and the configuration with its sources.

    Raises click.UsageError where a moment cannot be read, UnknownName where there is no such event or the
    archive holds nothing of the period.
    """
    if event is not None:
        return event_period(config, event, load_baseline(config, settings.data))
    require_data(settings)
    try:
        return config, archive_period(config, open_engine(settings.database), start or "", end or "")
    except ValueError as error:
        raise click.UsageError(str(error)) from error
