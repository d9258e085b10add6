"""Health: whether data comes in, ticks are made and messages arrive, or it is just quiet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from alerts.duty import release_rows, silences
from alerts.duty.people import Silence
from alerts.duty.release_rows import Asked, Decision
from alerts.event.stages import standing
from alerts.event.state import State
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Status
from alerts.record import ledger, store
from alerts.record.store import Call, CallStatus
from ingest.archive import Archive
from ingest.database import reading
from pipeline.config import Config
from pipeline.learn import belt
from pipeline.pull import job_name
from rules.level import Level

_SLACK = timedelta(minutes=10)
# A message that was given up stays a problem for as long as somebody on shift can still act on it.
_RECENT = timedelta(hours=24)
# So many turns without anything new are no hiccup.
_TURNS = 3


@dataclass(frozen=True, kw_only=True)
class SourceHealth:
    """How one source does."""

    name: str
    """Name of the source block."""
    newest: datetime | None
    """When something last became known from it."""
    silent: bool
    """True where that is three turns or its freshness limit ago, or never."""
    last_run: str
    """Outcome of the last pull, in words."""


@dataclass(frozen=True, kw_only=True)
class OpenAlert:
    """An alert in force."""

    id: str
    """Its identifier, as `fengsui ack` wants it."""
    hazard: str
    """Name of the hazard block."""
    level: str
    """Highest level of the district."""
    waiting: tuple[str, ...]
    """Ids of the subsystems that have been called and not answered."""
    stage: str = "active"
    """``active``, or ``clearing`` where the level is only kept."""


@dataclass(frozen=True, kw_only=True)
class OpenRelease:
    """A change of which nobody is told before it is approved."""

    transition: str
    """Identifier of the change, as `fengsui approve` wants it."""
    level: str
    """Level it is about."""
    status: str
    """``waiting``, or ``held`` where all were asked and too few answered."""
    since: datetime
    """When the first approvers were asked."""
    turn: tuple[str, ...]
    """Ids of the approvers who were asked and have not said yes."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """State of an instance at one moment."""

    at: datetime
    """The moment."""
    last_tick: datetime | None
    """Now of the newest tick; None before the first."""
    sources: tuple[SourceHealth, ...]
    """Every enabled source."""
    alerts: tuple[OpenAlert, ...]
    """Every open alert."""
    unknown: dict[str, int]
    """Hazard -> towns that the last tick could not judge."""
    deliveries: dict[str, int]
    """Status -> number of delivery rows."""
    unanswered: int
    """Calls that reached the end of their ladder without an answer."""
    releases: tuple[OpenRelease, ...]
    """Changes that wait for approval, the oldest first."""
    problems: tuple[str, ...]
    """What is wrong, one sentence each, Chinese first."""
    notes: tuple[str, ...] = ()
    """What is left to do and nobody's fault, likewise."""

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """The same, ready for JSON; times in ISO 8601."""
        plain = asdict(self) | {"healthy": self.healthy}
        text: dict[str, Any] = _iso(plain)
        return text


def health(
    engine: Engine, config: Config, now: datetime, waiting_hazards: Collection[str] = ()
) -> Health:
    """Read the state of an instance from its database; changes nothing.

    `waiting_hazards` cannot be judged until a baseline is fitted: that is noted and is no illness.
    """
    with reading(engine) as connection:
        last = ledger.last_tick(connection)
        states = store.states(connection, config.district.place_ids)
        counted = deliveries.counts(connection)
        recent = deliveries.counts(connection, now - _RECENT)
        waiting = store.calls(connection, status=CallStatus.OPEN)
        silenced = silences.in_force(connection, now)
        releases = tuple(
            _release(connection, row, config)
            for row in release_rows.asked(connection, open_only=True)
        )
        fallen, unfit = _of_models(connection, config, now)
        sources = _sources(connection, config, now)
    unanswered = sum(1 for call in waiting if call.next_at is None)
    unknown = dict(last.unknown) if last else {}
    last_at = last.at if last else None
    problems = (
        *tick_problems(last_at, config, now),
        *(_silent(source) for source in sources if source.silent),
        *(
            f"{name}：{count}个镇街因缺数据无法判断 / {count} towns cannot be judged for lack of data"
            for name, count in unknown.items()
            if count and name not in waiting_hazards
        ),
        *_people_problems(unanswered, recent),
        *_undecided(releases, Decision.HELD, config),
        *fallen,
    )
    return Health(
        at=now,
        last_tick=last_at,
        sources=sources,
        alerts=tuple(
            _open_alert(state, waiting, config) for state in states.values() if state.top > Level.NONE
        ),
        unknown=unknown,
        deliveries={status.value: number for status, number in counted.items()},
        unanswered=unanswered,
        releases=releases,
        problems=problems,
        notes=(
            *(
                f"{name}：没有气候基准，无法判断；请运行 fengsui baseline"
                " / unknown until a baseline is fitted"
                for name in waiting_hazards
            ),
            *(_silenced(one) for one in silenced),
            *unfit,
            *_undecided(releases, Decision.WAITING, config),
        ),
    )


def _of_models(
    connection: Connection, config: Config, now: datetime
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is wrong with models that speak, and why those that watch cannot."""
    fallen = (symptom.text for _, symptom in belt.symptoms(connection, config, now))
    return tuple(fallen), belt.unfit(connection, config)


def _release(connection: Connection, row: Asked, config: Config) -> OpenRelease:
    rule = config.routes.release.get(row.level)
    asked = rule.approvers[: row.step] if rule is not None else ()
    agreed = release_rows.agreed(connection, row)
    return OpenRelease(
        transition=row.transition,
        level=row.level.key,
        status=row.decision.value,
        since=row.asked_at,
        turn=tuple(person for person in asked if person not in agreed),
    )


_DECIDED_BY = {
    Decision.WAITING: ("正在等待审批", "wait for approval"),
    Decision.HELD: ("无人审批、暂未发出", "are held, for nobody decided in time"),
}


def _undecided(
    releases: Collection[OpenRelease], status: Decision, config: Config
) -> tuple[str, ...]:
    """How many changes nobody is told of yet, since when, and whose turn the oldest is; nothing for none."""
    mine = [one for one in releases if one.status == status.value]
    if not mine:
        return ()
    people, oldest = config.routes.people, mine[0]
    names = "、".join(people[one].name if one in people else one for one in oldest.turn)
    zh, en = _DECIDED_BY[status]
    told = (
        f"{len(mine)}项变化{zh}，最早自{oldest.since:%Y-%m-%dT%H:%MZ}起，应由{names or '无人'}审批"
        f"（fengsui approve {oldest.transition}） / changes that {en}: {len(mine)},"
        f" the oldest is the turn of {', '.join(oldest.turn) or 'nobody'}"
    )
    return (told,)


def _silenced(one: Silence) -> str:
    about = " ".join(part for part in (one.alert or one.hazard, one.subsystem) if part) or "全部"
    until = f"{one.until:%Y-%m-%dT%H:%MZ}"
    return f"静默{one.id}：{about}，至{until}，{one.by}：{one.why} / silenced up to {one.level.key}"


def _open_alert(state: State, waiting: list[Call], config: Config) -> OpenAlert:
    alert = state.alert or ""
    mine = [call.subsystem for call in waiting if call.alert == alert]
    block = config.hazards.get(state.hazard)
    told = standing(state, block.rule.ladder, block.conduct.tail) if block else None
    return OpenAlert(
        id=alert,
        hazard=state.hazard,
        level=state.top.key,
        waiting=tuple(mine),
        stage=told.stage.value if told else "active",
    )


def _sources(connection: Connection, config: Config, now: datetime) -> tuple[SourceHealth, ...]:
    enabled = (name for name, block in config.sources.items() if block.feed.enabled)
    return tuple(_source(connection, name, config, now) for name in enabled)


def _source(connection: Connection, name: str, config: Config, now: datetime) -> SourceHealth:
    newest = Archive().newest(connection, name)
    run = ledger.last_run(connection, job_name(name))
    feed = config.sources[name].feed
    limit = min(feed.freshness, feed.latency + _TURNS * feed.every)
    return SourceHealth(
        name=name,
        newest=newest,
        silent=newest is None or now - newest > limit,
        last_run=f"{run.outcome}: {run.detail}" if run else "never pulled",
    )


def silent_sources(connection: Connection, config: Config, now: datetime) -> dict[str, str]:
    """Name -> what is to be told, of every enabled source from which nothing came for too long."""
    found = _sources(connection, config, now)
    return {source.name: _silent(source) for source in found if source.silent}


def _silent(source: SourceHealth) -> str:
    since = f"{source.newest:%Y-%m-%dT%H:%MZ}" if source.newest else "从未 / ever"
    return f"数据源{source.name}自{since}起没有新数据 / silent since then ({source.last_run})"


def tick_problems(last: datetime | None, config: Config, now: datetime) -> tuple[str, ...]:
    """What is wrong with the newest tick, in words."""
    if last is None:
        return ("尚未运行过：请启动 fengsui run / no tick yet: start the daemon with fengsui run",)
    if now - last > config.service.heartbeat + _SLACK:
        return (
            f"自{last:%Y-%m-%dT%H:%MZ}起没有运行 / no tick since then: is fengsui run alive?",
        )
    return ()


def _people_problems(unanswered: int, counted: dict[Status, int]) -> tuple[str, ...]:
    problems = []
    if unanswered:
        problems.append(f"{unanswered}个叫应无人确认 / calls nobody answered: {unanswered}")
    failed = counted.get(Status.FAILED, 0)
    if failed:
        problems.append(f"{failed}条信息未能送达 / messages given up: {failed}")
    return tuple(problems)


def _iso(part: Any) -> Any:
    if isinstance(part, datetime):
        return part.isoformat()
    if isinstance(part, dict):
        return {key: _iso(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_iso(value) for value in part]
    return part
