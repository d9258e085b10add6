"""The job of shadows: judges what is only watched and keeps what it would have said. It sends nothing.

It runs after a tick and beside it, on the weather of the tick's own moment, so that nothing of a shadow can
hold up or break a warning. There is no way from here to a transition, a notice or a delivery.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from alerts.record import ledger, shadows
from alerts.record.ledger import Run
from alerts.record.shadows import Shadow
from ingest.database import reading, writing
from pipeline.config import Config, HazardBlock, with_only
from pipeline.ports import Ports
from pipeline.view import view_of
from rules.findings import Findings

JOB = "shadow"


def watched(config: Config) -> dict[str, HazardBlock]:
    """The shadows that are judged, by name."""
    return {
        name: block
        for name, block in config.aside.items()
        if block.conduct.shadow and block.conduct.enabled
    }


def due(now: datetime, ports: Ports) -> datetime | None:
    """After every tick; None where nothing is watched or the last tick was looked at."""
    if not watched(ports.config):
        return None
    with reading(ports.engine) as connection:
        tick = ledger.last_tick(connection)
        last = ledger.last_run(connection, JOB)
    if tick is None or (last is not None and last.at >= tick.at):
        return None
    return tick.at


def run(now: datetime, ports: Ports) -> tuple[Shadow, ...]:
    """Judge the shadows at the moment of the last tick; what changed is returned and kept in one commit."""
    with reading(ports.engine) as connection:
        tick = ledger.last_tick(connection)
        at = now if tick is None else tick.at
        seen = _seen(connection, ports, at)
    with writing(ports.engine) as connection:
        fresh = tuple(one for one in seen if shadows.keep(connection, one))
        detail = f"{len(fresh)} changed" if fresh else "nothing new"
        ledger.record_run(connection, Run(job=JOB, at=at, outcome="ok", detail=detail))
    return fresh


def _seen(connection: Connection, ports: Ports, at: datetime) -> list[Shadow]:
    blocks = watched(ports.config)
    rules = {block.conduct.instead_of for block in blocks.values()} & set(ports.config.hazards)
    alone = with_only(ports.config, {*blocks, *(name for name in rules if name)})
    view = replace(view_of(alone), sources=ports.view.sources, latency=ports.view.latency)
    weather = ports.archive.block(connection, [at], view)
    found = []
    for name, block in blocks.items():
        judged = block.rule.assess(name, weather)
        target = block.conduct.instead_of
        rule = ports.config.hazards.get(target) if target else None
        beside = None if rule is None else rule.rule.assess(rule.name, weather)
        found.append(_shadow(judged, beside, at))
    return found


def _shadow(judged: Findings, beside: Findings | None, at: datetime) -> Shadow:
    known = judged.value[0][np.isfinite(judged.value[0])]
    return Shadow(
        hazard=judged.hazard,
        at=at,
        rule=None if beside is None else beside.hazard,
        levels=levels(judged),
        by_rule={} if beside is None else levels(beside),
        chance=float(known.max()) if known.size else None,
    )


def levels(found: Findings) -> dict[str, int]:
    """Town -> verdict at the first now as a number, NONE left out."""
    verdicts: npt.NDArray[np.int8] = found.verdict[0]
    return {
        place: int(verdict) for place, verdict in zip(found.places, verdicts, strict=True) if verdict
    }
