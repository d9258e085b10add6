"""`fengsui models` and `fengsui models promote`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import yaml
from sqlalchemy import Connection

from alerts.record import shadows
from alerts.record.shadows import Shadow, Turn
from ingest.archive import Archive
from ingest.database import open_engine, reading
from ingest.errors import UnknownName
from ingest.times import BEIJING, parse_instant
from pipeline.commands.amend import apply_changes
from pipeline.commands.instance import recorded
from pipeline.config import Config, HazardBlock, load
from pipeline.daemon import wall_clock
from pipeline.learn.belt import fallen_back, held
from pipeline.learn.kinds import KINDS, kind_behind
from pipeline.learn.promote import NotPromoted, check, check_ranking, evidence
from pipeline.learn.shelf import Shelf, Standing, shipped
from pipeline.ports import Judging
from pipeline.settings import Settings, require_data
from pipeline.verify.terms import load_terms
from pipeline.view import view_of
from rules.learned.drift import FEWEST
from rules.learned.manifest import ModelRefused
from rules.level import Level

_LEVELS = {-1: "未知 unknown", **{int(level): f"{level.zh} {level.key}" for level in Level}}


def list_models(settings: Settings, *, as_json: bool) -> None:
    """Print every model, and every hazard that reads one, as they stand."""
    config = load(settings.config)
    standing = list(Shelf(data=settings.data).standing(dict(KINDS)))
    rows = _recorded(settings, config)
    if as_json:
        told = {
            "models": [_model(one) for one in standing],
            "hazards": [_hazard(block, *rows[name]) for name, block in _reading(config).items()],
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for line in (*_model_lines(standing), "", *_hazard_lines(config, rows)):
        click.echo(line)


def promote(
    settings: Settings, name: str, said: tuple[str, str, str], span: tuple[str | None, str | None]
) -> None:
    """Take a chance out of the shadow, if it was worth more here than its rule; NotPromoted otherwise.

    `said` is (author, reason, approver); `span` bounds the days compared, the whole archive where open.
    """
    config = load(settings.config)
    block = _block(config, name)
    require_data(settings)
    engine = open_engine(settings.database)
    try:
        judging = Judging(config=config, archive=Archive(), view=view_of(config))
        with reading(engine) as connection:
            _check_local(connection, judging, Shelf(data=settings.data), block)
            period = _period(connection, span)
            found = evidence(connection, judging, block, period, _ratio(config, block))
    finally:
        engine.dispose()
    check(found, block)
    click.echo(f"可以转正 / worth more: {found.words}")
    by, why, approver = said
    reason = f"{why}（{found.words}）"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "promote.yaml"
        changes = {f"hazards/{block.name}.yaml": {"shadow": {"from": True, "to": False}}}
        path.write_text(yaml.safe_dump({"title": f"promote {block.name}", "changes": changes}), "utf-8")
        apply_changes(settings, path, (reason, by, approver), dry=False)


def _block(config: Config, name: str) -> HazardBlock:
    """The shadow that is meant, by its own name or by what it foretells."""
    found = {
        own: block
        for own, block in config.aside.items()
        if block.conduct.shadow and block.conduct.instead_of
    }
    kinds = {own: kind_behind(block) for own, block in found.items()}
    alike = [own for own, kind in kinds.items() if name == own or (kind and kind.name == name)]
    if len(alike) != 1:
        raise UnknownName(
            f"nothing in the shadow is called {name!r}; there are {', '.join(found) or 'none'}"
        )
    return found[alike[0]]


def _check_local(connection: Connection, judging: Judging, shelf: Shelf, block: HazardBlock) -> None:
    """A model calibrated elsewhere must have kept its word here; where nobody can tell, it is advisory."""
    kind = kind_behind(block)
    if kind is None:
        return
    try:
        manifest = shelf.take(kind).manifest
    except ModelRefused as error:
        raise NotPromoted(f"{block.name} is not promoted: {error}") from None
    check_ranking(manifest, block)
    kept = held(connection, wall_clock(), judging, kind)
    proven = bool(kept) and all(one.n >= FEWEST and one.inside for one in kept.values())
    if manifest.calibrated_for != "rongchang" and not proven:
        raise NotPromoted(
            f"{block.name} is not promoted: {manifest.name} was calibrated elsewhere and its chances are not"
            " proven here, so that it is advisory only; train one on local cases with"
            f" fengsui train {kind.name}"
        )


def _period(
    connection: Connection, span: tuple[str | None, str | None]
) -> tuple[datetime, datetime]:
    now = wall_clock()
    try:
        first, last = (parse_instant(text) if text else None for text in span)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--from/--to") from error
    known = Archive().arrivals(connection, now - timedelta(days=3660), now) if first is None else []
    return first or (known[0] if known else now), last or now


def _ratio(config: Config, block: HazardBlock) -> float:
    """Cost-loss ratio of who leads in the hazard whose place is taken."""
    rule = config.hazards[block.conduct.instead_of or ""]
    lead = next((name for name, part in rule.conduct.dispatch.items() if part.role == "lead"), "")
    return load_terms(config.folder).ratio_of(lead)


_Rows = dict[str, tuple[Turn | None, Shadow | None]]


def _recorded(settings: Settings, config: Config) -> _Rows:
    """Hazard -> last turn of its model and last thing it would have said; nothing without a database."""
    nothing: _Rows = dict.fromkeys(_reading(config), (None, None))
    with recorded(settings) as engine:
        if engine is None:
            return nothing
        with reading(engine) as connection:
            return {name: _said(connection, block) for name, block in _reading(config).items()}


def _said(connection: Connection, block: HazardBlock) -> tuple[Turn | None, Shadow | None]:
    kind = kind_behind(block)
    turn = None if kind is None else shadows.last_turn(connection, kind.name)
    return turn, shadows.newest(connection, block.name)


def _reading(config: Config) -> dict[str, HazardBlock]:
    """The hazards that read a chance, by name."""
    blocks = config.hazards | config.aside
    return {name: block for name, block in blocks.items() if kind_behind(block) is not None}


def role(block: HazardBlock) -> str:
    """What a hazard that reads chances does: ``off``, ``shadow``, ``champion`` or ``alone``."""
    if not block.conduct.enabled:
        return "off"
    if block.conduct.shadow:
        return "shadow"
    return "champion" if block.conduct.instead_of else "alone"


def _state(one: Standing) -> str:
    if one.refused:
        return "refused"
    return "challenger" if one.challenger else "in use" if one.used else "set aside"


def _model(one: Standing) -> dict[str, Any]:
    manifest = None if one.manifest is None else json.loads(one.manifest.to_json())
    for feature in manifest["features"] if manifest else ():
        for key in ("edges", "shares", "by_month"):
            del feature[key]
    return {
        "name": one.name,
        "state": _state(one),
        "ships": one.folder == shipped(),
        "refused": one.refused or None,
        "manifest": manifest,
    }


def _hazard(block: HazardBlock, turn: Turn | None, said: Shadow | None) -> dict[str, Any]:
    kind = kind_behind(block)
    return {
        "hazard": block.name,
        "role": role(block),
        "instead_of": block.conduct.instead_of,
        "foretells": None if kind is None else kind.name,
        "chances": list(block.rule.quantities),
        "last_turn": None if turn is None else asdict(turn) | {"at": turn.at.isoformat()},
        "falls_back": fallen_back(turn, wall_clock()) or None,
        "would_say": None
        if said is None
        else asdict(said) | {"at": said.at.isoformat(), "disagree": list(said.apart)},
    }


def _model_lines(standing: list[Standing]) -> Iterator[str]:
    if not standing:
        yield "没有训练好的模型，实体规则照常 / no trained model; the physical rules go on"
    for one in standing:
        ships = "，随程序 ships" if one.folder == shipped() else ""
        if one.manifest is None or one.refused:
            yield f"{one.name} · refused：{one.refused}"
            continue
        manifest = one.manifest
        advisory = "" if manifest.calibrated_for == "rongchang" else "；未按本地校准 calibrated elsewhere"
        yield (
            f"{one.name} · {_state(one)}{ships}：{manifest.hazard}，训练到 trained to"
            f" {manifest.trained_to}{advisory}"
        )
        yield f"  局限 limits {manifest.limits_zh} {manifest.limits_en}"


def _hazard_lines(config: Config, rows: _Rows) -> Iterator[str]:
    for name, block in _reading(config).items():
        turn, said = rows[name]
        yield f"{name} · {role(block)}（{block.conduct.instead_of or '—'}）"
        if turn is not None and not turn.why:
            highest = "，".join(f"{chance} {value:.2f}" for chance, value in turn.chances.items())
            yield f"  概率 chances {turn.at.astimezone(BEIJING):%m-%d %H:%M} {highest or '—'}"
            if turn.drift:
                drift = "，".join(f"{feature} {index:.2f}" for feature, index in turn.drift.items())
                yield f"  漂移 drift   {drift}"
        why = fallen_back(turn, wall_clock())
        if why:
            yield f"  回退 fallback {why}"
        if said is not None:
            yield from _would_say(said, config)


def _would_say(said: Shadow, config: Config) -> Iterator[str]:
    names = {town.id: town.name for town in config.district.towns}
    since = f"{said.at.astimezone(BEIJING):%m-%d %H:%M}"
    top = max(said.levels.values(), default=0)
    unknown = sum(level < 0 for level in said.levels.values())
    yield (
        f"  影子 would say {_LEVELS[max(top, 0)] if top >= 0 else _LEVELS[-1]}"
        f"（自 since {since}，未知 unknown {unknown}）"
    )
    if said.apart:
        towns = "、".join(names.get(town, town) for town in said.apart)
        yield f"  不一致 disagrees with {said.rule}: {towns}"
