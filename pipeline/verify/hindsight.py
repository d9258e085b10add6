"""What officers say afterwards, checked against what is known: verdicts on alerts, and damage reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy import Connection

from alerts.event.transition import Transition
from alerts.record import store, verdicts
from alerts.record.verdicts import Damage, Judged, Verdict
from ingest.errors import UnknownName
from pipeline.config import Config
from pipeline.explain import find_town
from rules.level import Level

UNSAID = timedelta(hours=6)
"""How exactly an onset is known that was only foretold by the alert, and never said."""
_LONGEST = 2000
_SHOWN = 5
JUDGED: tuple[Judged, ...] = get_args(Judged)


@dataclass(frozen=True, kw_only=True)
class Said:
    """Who said something, and when."""

    by: str
    """Id or name of the person; an id of routes.yaml is kept as the name."""
    at: datetime
    """When it was said."""
    words: str
    """Why, or what happened."""


def give_verdict(
    connection: Connection,
    config: Config,
    alert: str,
    judged: Judged,
    said: Said,
    onset: datetime | None = None,
) -> Verdict:
    """Keep a verdict on an alert that was recorded; the same verdict again adds nothing.

    Without an onset, the one that the alert foretold counts, give or take six hours. UnknownName where there
    is no such alert; ValueError where a name, a reason, or the onset of what came too late is missing, or the
    onset lies after the verdict.
    """
    changes = _changes(connection, alert)
    if judged == "too_late" and onset is None:
        raise ValueError("请写明起始时间 / say when it began: --onset")
    _past(onset, said.at)
    foretold = next((one.onset for one in changes if one.onset is not None), changes[0].at)
    level = max(one.to_level for one in changes)
    verdict = Verdict(
        alert=alert,
        hazard=changes[0].hazard,
        judged=judged,
        onset=onset or foretold,
        within=UNSAID if onset is None else timedelta(0),
        places=_at_level(changes, level),
        level=level,
        by=_name(said.by, config),
        why=_words(said.words, "理由 / --why"),
        at=said.at,
    )
    return verdicts.judge(connection, verdict)


def report_damage(connection: Connection, config: Config, damage: Damage) -> Damage:
    """Keep a damage report; towns may be named by their names. The same report again adds nothing.

    UnknownName where there is no such hazard or town, or no report that it replaces; ValueError where words
    are missing, or times are impossible.
    """
    if damage.hazard not in config.hazards:
        there = ", ".join(config.hazards)
        raise UnknownName(f"no hazard is called {damage.hazard!r}; there are: {there}")
    _past(damage.onset, damage.at)
    if damage.end is not None and damage.end < damage.onset:
        raise ValueError("结束早于开始 / --end lies before --onset; correct one of them")
    known = Damage(
        **vars(damage)
        | {
            "places": tuple(find_town(config.district, town).id for town in damage.places),
            "what": _words(damage.what, "灾情 / --what"),
            "source": _words(damage.source, "来源 / --source"),
            "by": _name(damage.by, config),
        }
    )
    return verdicts.report(connection, known)


def _changes(connection: Connection, alert: str) -> Sequence[Transition]:
    found = store.transitions(connection, alert=alert)
    if not found:
        last = list(dict.fromkeys(one.alert for one in store.transitions(connection)))[-_SHOWN:]
        there = ", ".join(reversed(last)) or "none"
        raise UnknownName(f"no alert {alert!r} is recorded; the latest are: {there}")
    return found


def _at_level(changes: Sequence[Transition], level: Level) -> tuple[str, ...]:
    """Towns that had the highest level, sorted; none where a person only corrected words."""
    named = {town for one in changes for town, has in one.places.items() if has == level}
    return tuple(sorted(named))


def _past(moment: datetime | None, now: datetime) -> None:
    if moment is not None and moment > now:
        raise ValueError("起始时间在将来 / --onset lies in the future; correct it")


def _name(text: str, config: Config) -> str:
    name = _words(text, "姓名 / --by")[:64]
    person = config.routes.people.get(name)
    return person.name if person is not None else name


def _words(text: str, what: str) -> str:
    words = " ".join(text.split())
    if not words:
        raise ValueError(f"请写明{what} must not be empty")
    return words[:_LONGEST]
