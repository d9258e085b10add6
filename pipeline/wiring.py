"""The composition root: builds the whole from settings, and nothing else opens anything."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from alerts import tables
from alerts.delivery import Means
from alerts.dispatch import Desk
from alerts.links import Claim, sign_link
from alerts.outbox import Outbox
from alerts.post import Post
from alerts.routing import Notice
from alerts.texts import Texts
from alerts.transition import Transition
from ingest import archive
from ingest.archive import Archive
from ingest.database import create_tables, open_engine
from ingest.errors import StoreError
from ingest.http import HttpClient
from pipeline.climate import load_baseline
from pipeline.config import Config
from pipeline.ports import Ports
from pipeline.settings import Settings, reveal
from pipeline.view import view_of


def build(config: Config, settings: Settings, *, public_url: str | None = None) -> Ports:
    """Open the database, the channels and the ways in and out; the data folder is made where missing.

    A baseline in the data folder that cannot be used stops it with StoreError.
    """
    prepare_folder(settings.data)
    baseline = load_baseline(config, settings.data)
    engine = open_engine(settings.database)
    create_tables(engine, archive.metadata, tables.metadata)
    link_key = read_link_key(settings.data)
    show = partial(reveal, folder=config.folder)
    means = Means(post=Post(), folder=settings.data, reveal=show)
    return Ports(
        config=config,
        engine=engine,
        archive=Archive(),
        view=view_of(config),
        baseline=baseline,
        desk=desk_of(config, link_key, public_url or config.service.public_url),
        outbox=_outbox(config, engine, means),
        http=HttpClient(),
        reveal=show,
        folder=settings.data,
        link_key=link_key,
    )


def prepare_folder(folder: Path) -> None:
    """Make the data folder; StoreError with a remedy where that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the data folder {folder} cannot be made ({error.strerror}); choose another with --data"
        ) from error
    if not os.access(folder, os.W_OK):
        raise StoreError(
            f"the data folder {folder} cannot be written; give the service write access or choose"
            " another with --data"
        )


def desk_of(config: Config, link_key: str, public_url: str) -> Desk:
    """The desk that writes messages for a configuration."""

    def sign(change: Transition, notice: Notice, until: datetime) -> str:
        claim = Claim(
            alert=change.alert,
            transition=change.id,
            subsystem=notice.subsystem,
            person=notice.person or "",
            expires_at=until,
        )
        return sign_link(public_url, link_key, claim)

    conducts = {name: block.conduct for name, block in config.hazards.items()}
    texts = Texts(templates=config.texts, district=config.district, conducts=conducts)
    service = config.service
    return Desk(
        routes=config.routes,
        texts=texts,
        language=service.language,
        sign=sign,
        valid=service.link_valid,
    )


def _outbox(config: Config, engine: Engine, means: Means) -> Outbox:
    channels = {name: block.channel for name, block in config.channels.items() if block.enabled}
    return Outbox(
        engine=engine,
        channels=channels,
        routes=config.routes,
        means=means,
        retry=config.service.retry,
        lane=config.service.lane,
    )


def read_link_key(folder: Path) -> str:
    """The key of acknowledgement links; made at the first start, readable by the service alone."""
    path = folder / "link.key"
    if not path.exists():
        _make_link_key(path)
    return path.read_text(encoding="ascii").strip()


def _make_link_key(path: Path) -> None:
    """Write a key under another name first: a crash in between must not leave an empty one behind."""
    descriptor, draft = tempfile.mkstemp(prefix="link.key.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_urlsafe(32))
            stream.flush()
            os.fsync(descriptor)
        # Two that start together agree on the first: a link is never written over.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
