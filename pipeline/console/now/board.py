"""Reads the present: alerts and who has them, the towns, and what is wrong with Fengsui itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from alerts.answers.call_rows import ANSWERED
from alerts.duty import release_rows
from alerts.duty.release_rows import Decision
from alerts.event.stages import Stage, Standing, standing
from alerts.event.state import State
from alerts.event.transition import ABOUT_DATA, Transition
from alerts.record import ledger, shadows, store
from alerts.record.store import Call, CallStatus
from alerts.wording.words import known
from ingest.database import reading
from ingest.places import District
from pipeline.climate import waiting_for_baseline
from pipeline.config import HazardBlock
from pipeline.console.now.facts import (
    Asked,
    Board,
    FactsState,
    HazardNow,
    Incident,
    OpenAlert,
    Release,
    Said,
    Town,
    Watched,
)
from pipeline.console.now.observed import observed
from pipeline.console.now.remarks import remarks_of, sources_of
from pipeline.health import health
from pipeline.ports import Ports
from rules.level import Level


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What one look at the database goes by."""

    connection: Connection
    ports: Ports
    now: datetime
    states: Mapping[str, State]


def board_of(ports: Ports, now: datetime) -> Board:
    """The present as the database has it; changes nothing and never reads the deliveries one by one."""
    idle = waiting_for_baseline(ports.config, ports.baseline)
    told = health(ports.engine, ports.config, now, idle)
    with reading(ports.engine) as connection:
        states = store.states(connection, ports.config.district.place_ids)
        look = _Look(connection=connection, ports=ports, now=now, states=states)
        last = ledger.last_tick(connection)
        unjudged = dict(last.unknown) if last else {}
        seen = observed(connection, ports, now)
        return Board(
            at=now,
            as_of=last.at if last else None,
            remarks=remarks_of(connection, ports, told, now),
            incidents=_incidents(look),
            releases=tuple(_releases(look)),
            hazards=tuple(_hazards(look, unjudged, idle)),
            towns=tuple(_towns(look, unjudged, idle, seen.ages)),
            spots=seen.spots,
            sources=sources_of(told),
            watched=tuple(_watched(look)),
        )


def _incidents(look: _Look) -> tuple[Incident, ...]:
    grouped: dict[str, list[OpenAlert]] = {}
    for name, block in look.ports.config.hazards.items():
        state = look.states.get(name)
        told = standing(state, block.rule.ladder, block.conduct.tail) if state is not None else None
        if state is not None and told is not None:
            alone = told.alert or f"pending-{name}"
            own = (state.incident or alone) if told.alert else alone
            grouped.setdefault(own, []).append(_alert(look, told, block, state.count))
    found = [_incident(name, alerts) for name, alerts in grouped.items()]
    return tuple(sorted(found, key=lambda one: (one.alerts[0].alert is None, -one.level, one.id)))


def _incident(name: str, alerts: list[OpenAlert]) -> Incident:
    ranked = sorted(alerts, key=lambda one: (one.alert is None, -one.level, one.hazard))
    return Incident(id=name, level=max(one.level for one in ranked), alerts=tuple(ranked))


def _alert(look: _Look, told: Standing, block: HazardBlock, count: int) -> OpenAlert:
    newest = _newest(look, told, count)
    conduct, cap = block.conduct, told.cap
    return OpenAlert(
        alert=told.alert,
        hazard=told.hazard,
        name=Said(zh=conduct.name, en=conduct.name_en),
        level=told.level,
        stage=told.stage.value,
        places=told.places,
        towns=_by_level(told.places, look.ports.config.district),
        opened_at=told.opened_at,
        since=told.since,
        until=told.until,
        onset=newest.onset if newest else None,
        expires=newest.expires if newest else None,
        value=newest.value if newest and known(newest.value) else None,
        measure=Said(
            zh=f"{conduct.measure}（{conduct.unit}）", en=f"{conduct.measure_en} ({conduct.unit})"
        ),
        unjudged_since=told.unjudged_since,
        rising=told.rising,
        capped=f"{cap.by}：{cap.why}" if cap is not None else "",
        asked=tuple(_asked(look, told.alert)) if told.alert else (),
    )


def _newest(look: _Look, told: Standing, count: int) -> Transition | None:
    """The newest change of an alert that is about the hazard; None while it is pending."""
    if told.alert is None or told.stage is Stage.PENDING:
        return None
    last = store.transition(look.connection, f"{told.alert}.{count}")
    if last is not None and last.reason not in ABOUT_DATA:
        return last
    changes = store.transitions(look.connection, alert=told.alert)
    return next((one for one in reversed(changes) if one.reason not in ABOUT_DATA), None)


def _by_level(
    places: Mapping[str, Level], district: District
) -> tuple[tuple[Level, tuple[Said, ...]], ...]:
    found: dict[Level, list[Said]] = {}
    for town in district.towns:
        if town.id in places:
            found.setdefault(places[town.id], []).append(Said(zh=town.name, en=town.name_en))
    return tuple(
        (level, () if len(towns) == len(district.towns) else tuple(towns))
        for level, towns in sorted(found.items(), reverse=True)
    )


def _asked(look: _Look, alert: str) -> Iterator[Asked]:
    """The newest call of each subsystem, those first that nobody answered."""
    newest: dict[str, Call] = {}
    for call in store.calls(look.connection, alert=alert):
        if call.status is not CallStatus.SUPERSEDED:
            newest[call.subsystem] = call
    for call in sorted(newest.values(), key=lambda one: (one.status in ANSWERED, one.begun_at)):
        answered = call.status in ANSWERED
        yield Asked(
            subsystem=call.subsystem,
            transition=call.transition,
            level=call.level,
            since=call.begun_at,
            by=call.by if answered else None,
            at=(call.closed_at or call.begun_at) if answered else None,
            next_at=None if answered else call.next_at,
            step=call.step,
            facts=_facts(look, call),
        )


def _facts(look: _Look, call: Call) -> FactsState:
    rule = look.ports.desk.routes.answers.get(call.level)
    if call.facts_at is not None:
        return "told"
    if rule is None or not rule.facts or call.status not in ANSWERED:
        return "none"
    return "overdue" if call.status is CallStatus.OWING else "asked"


def _releases(look: _Look) -> Iterator[Release]:
    for row in release_rows.asked(look.connection, open_only=True):
        change = store.transition(look.connection, row.transition)
        rule = look.ports.desk.routes.release.get(row.level)
        agreed = release_rows.agreed(look.connection, row)
        approvers = rule.approvers[: row.step] if rule is not None else ()
        yield Release(
            transition=row.transition,
            alert=row.alert,
            name=_name(look.ports, change.hazard if change else ""),
            level=row.level,
            held=row.decision is Decision.HELD,
            since=row.asked_at,
            turn=tuple(person for person in approvers if person not in agreed),
        )


def _name(ports: Ports, hazard: str) -> Said:
    block = ports.config.hazards.get(hazard) or ports.config.aside.get(hazard)
    if block is None:
        return Said(zh=hazard, en=hazard)
    return Said(zh=block.conduct.name, en=block.conduct.name_en)


def _hazards(
    look: _Look, unjudged: Mapping[str, int], idle: Iterable[str]
) -> Iterator[HazardNow]:
    without = set(idle)
    for name, block in look.ports.config.hazards.items():
        if block.conduct.enabled:
            state = look.states.get(name)
            everywhere = len(look.ports.config.district.towns)
            yield HazardNow(
                hazard=name,
                name=_name(look.ports, name),
                level=state.top if state else Level.NONE,
                unknown=unjudged.get(name, 0) if state else everywhere,
                waiting=name in without,
            )


def _towns(
    look: _Look, unjudged: Mapping[str, int], idle: Iterable[str], ages: Mapping[str, float]
) -> Iterator[Town]:
    """Each town; a hazard that needs a baseline is noted for all of them at once, and not town by town."""
    blocks = look.ports.config.hazards.items()
    judged = [name for name, block in blocks if block.conduct.enabled and name not in set(idle)]
    towns = look.ports.config.district.towns
    blind = {
        name: _blind(look.states.get(name), unjudged.get(name, 0), len(towns)) for name in judged
    }
    for row, town in enumerate(towns):
        yield Town(
            id=town.id,
            levels={
                name: Level(int(state.level[row]))
                for name, state in look.states.items()
                if name in look.ports.config.hazards and state.level[row] > 0
            },
            unknown=tuple(name for name in judged if row in blind[name]),
            age_h=ages.get(town.id),
        )


def _blind(state: State | None, count: int, everywhere: int) -> frozenset[int]:
    """Rows of the towns that cannot be judged: all where the hazard never was.

    A state keeps up to which level a town is not yet clear, which is no less than what is possible there:
    where the tick counted unknown towns, they are among those found here.
    """
    if state is None:
        return frozenset(range(everywhere))
    if not count:
        return frozenset()
    return frozenset(np.flatnonzero((state.sure <= 0) & (state.possible > 0)).tolist())


def _watched(look: _Look) -> Iterator[Watched]:
    for name, block in look.ports.config.aside.items():
        if not (block.conduct.enabled and block.conduct.shadow):
            continue
        said = shadows.newest(look.connection, name)
        if said is not None and said.apart:
            highest = max(said.levels.values(), default=0)
            yield Watched(
                hazard=name, name=_name(look.ports, name), level=Level(max(highest, 0)), apart=len(said.apart)
            )
