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

from alerts.answers.links import APPROVE, Claim, sign_link
from alerts.duty.coverage import NEEDS_ADDRESS
from alerts.duty.release import approval_claim
from alerts.duty.routing import Notice
from alerts.event.transition import Transition
from alerts.outgoing.delivery import Means
from alerts.outgoing.dispatch import Desk
from alerts.outgoing.outbox import Outbox
from alerts.outgoing.post import Post
from alerts.outgoing.rates import Rate
from alerts.record import tables
from alerts.wording.texts import Texts
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


def build(
    config: Config,
    settings: Settings,
    *,
    public_url: str | None = None,
    exercise: str | None = None,
) -> Ports:
    """Open the database, the channels and the ways in and out; the data folder is made where missing.

    With `exercise`, everything it sends belongs to the drill of that name. A baseline in the data folder that
    cannot be used stops it with StoreError.
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
        desk=desk_of(config, link_key, public_url or config.service.public_url, exercise),
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


def desk_of(
    config: Config, link_key: str, public_url: str, exercise: str | None = None
) -> Desk:
    """The desk that writes messages for a configuration; all of them of a drill, where one is named."""

    def sign(change: Transition, notice: Notice, until: datetime) -> str:
        claim = Claim(
            alert=change.alert,
            transition=change.id,
            subsystem=notice.subsystem,
            person=notice.person or "",
            expires_at=until,
        )
        return sign_link(public_url, link_key, claim)

    def approve(change: Transition, person: str, until: datetime) -> str:
        return sign_link(public_url, link_key, approval_claim(change, person, until), APPROVE)

    conducts = {name: block.conduct for name, block in config.hazards.items()}
    texts = Texts(templates=config.texts, district=config.district, conducts=conducts)
    service = config.service
    used = {name: block.keys for name, block in config.channels.items()}
    return Desk(
        routes=config.routes,
        texts=texts,
        language=service.language,
        sign=sign,
        valid=service.link_valid,
        brief=frozenset(name for name, keys in used.items() if keys.words == "brief"),
        patience={
            name: keys.receipt_within for name, keys in used.items() if keys.receipt_within is not None
        },
        exercise=exercise,
        approve=approve,
        enabled=frozenset(name for name, block in config.channels.items() if block.enabled),
        addressed=frozenset(name for name, keys in used.items() if keys.kind in NEEDS_ADDRESS),
        stale_after=service.stale_after,
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
        rates={
            name: Rate(most=block.keys.most, per=block.keys.per)
            for name, block in config.channels.items()
            if block.enabled and block.keys.most is not None
        },
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
