"""Asking before it matters: what is wrong with a configuration that loads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from alerts.duty.people import Routes
from alerts.duty.rota import gaps
from alerts.wording.proofreading import proofread
from alerts.wording.texts import Texts
from ingest.errors import FengsuiError, StoreError
from ingest.http import HttpClient
from ingest.secret import Secret
from ingest.source import Request
from ingest.times import BEIJING
from pipeline.climate import FILE, load_baseline, waiting_for_baseline
from pipeline.config import Config
from pipeline.settings import reveal
from pipeline.verify.catalogue import check_catalogue
from pipeline.verify.terms import check_terms

_DAYS_AHEAD = 14


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that will go wrong when it matters."""

    where: str
    """File or part concerned."""
    what: str
    """What is wrong and what to do, one sentence."""


def problems(config: Config, now: datetime) -> list[Problem]:
    """Everything that can be found without leaving the machine."""
    return [
        *_text_problems(config),
        *_rota_problems(config.routes, now),
        *_channel_problems(config),
        *_secret_problems(config),
        *_data_problems(config),
        *_hindsight_problems(config),
    ]


def _text_problems(config: Config) -> Iterator[Problem]:
    conducts = {name: block.conduct for name, block in config.hazards.items()}
    texts = Texts(templates=config.texts, district=config.district, conducts=conducts)
    for sentence in proofread(texts):
        yield Problem(where="texts.yaml", what=sentence)


def _rota_problems(routes: Routes, now: datetime) -> Iterator[Problem]:
    for name, subsystem in routes.subsystems.items():
        empty = gaps(subsystem, now, now + timedelta(days=_DAYS_AHEAD))
        if empty:
            first = empty[0].start.astimezone(BEIJING)
            hours = sum((turn.end - turn.start for turn in empty), timedelta(0)) / timedelta(hours=1)
            yield Problem(
                where="routes.yaml",
                what=f"{subsystem.name}（{name}）在{first:%m月%d日%H:%M}无人值班，{_DAYS_AHEAD}天内共"
                f"{hours:g}小时 / nobody is on duty then: add a shift to its rota",
            )


def _channel_problems(config: Config) -> Iterator[Problem]:
    live = {name for name, block in config.channels.items() if block.enabled}
    for name, person in config.routes.people.items():
        if not live.intersection(person.channels):
            yield Problem(
                where="routes.yaml",
                what=f"{person.name}（{name}）的渠道均已停用 / none of the channels of this person is"
                " enabled: enable one in channels.yaml",
            )


def _secret_problems(config: Config) -> Iterator[Problem]:
    holders: dict[str, object] = {
        f"channels.yaml: {n}": b.channel for n, b in config.channels.items() if b.enabled
    }
    if config.service.sign_in is not None:
        holders["service.yaml: sign_in"] = config.service.sign_in
    holders |= {f"sources/{n}.yaml": b.source for n, b in config.sources.items() if b.feed.enabled}
    for where, holder in holders.items():
        for name, part in vars(holder).items():
            if isinstance(part, Secret):
                try:
                    reveal(part, config.folder)
                except FengsuiError as error:
                    yield Problem(where=where, what=f"{name}: {error}")


def _data_problems(config: Config) -> Iterator[Problem]:
    if not any(block.feed.enabled for block in config.sources.values()):
        yield Problem(where="sources/", what="没有启用的数据源 / no source is enabled: enable one")


def _hindsight_problems(config: Config) -> Iterator[Problem]:
    for sentence in check_catalogue(config):
        yield Problem(where="events/", what=sentence)
    for sentence in check_terms(config):
        yield Problem(where="verification.yaml", what=sentence)


def without_baseline(config: Config, folder: Path) -> list[Problem]:
    """What a missing or useless baseline in the data folder means for the hazards that are enabled."""
    waiting = waiting_for_baseline(config)
    try:
        if not waiting or load_baseline(config, folder) is not None:
            return []
    except StoreError as error:
        return [Problem(where=FILE, what=str(error))]
    names = "、".join(config.hazards[name].conduct.name for name in waiting)
    what = f"没有气候基准，{names}无法判断 / no baseline, so {', '.join(waiting)} stays unknown: run"
    return [Problem(where=FILE, what=f"{what} fengsui baseline")]


def unguarded(config: Config) -> list[Problem]:
    """What others on the network could read: pages beyond this machine whose address is not https."""
    service = config.service
    if loopback(service.listen) or service.public_url.startswith("https://"):
        return []
    what = (
        f"listen是{service.listen}，public_url却不是https，口令会明文经过网络 / passwords would cross"
        " the network in the clear: put a proxy with TLS in front and write its https address, or listen"
        " on 127.0.0.1"
    )
    return [Problem(where="service.yaml", what=what)]


def loopback(listen: str) -> bool:
    """Whether an address ``host:port`` can be reached from this machine alone."""
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reach(config: Config, now: datetime) -> list[Problem]:
    """Ask every enabled source for data once; those that fail are problems."""
    found = []
    with HttpClient() as http:
        for name, block in config.sources.items():
            if not block.feed.enabled:
                continue
            request = Request(
                now=now,
                since=None,
                district=config.district,
                http=http,
                reveal=lambda secret: reveal(secret, config.folder),
                every=block.feed.every,
            )
            try:
                block.source.fetch(name, request)
            except FengsuiError as error:
                found.append(Problem(where=f"sources/{name}.yaml", what=str(error)))
    return found
