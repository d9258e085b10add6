"""Several messages become one: the digest of what was held, and how things stand after an outage."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update

from alerts.duty.routing import Notice
from alerts.event.transition import ABOUT_DATA, Reason, Transition
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Delivery, Purpose, Status
from alerts.outgoing.digest import Reached, fold
from alerts.outgoing.dispatch import Desk, key_of, marked
from alerts.record import store
from alerts.record.store import CallStatus
from alerts.record.tables import delivery as table
from alerts.record.tables import lifecycle
from rules.level import Level

_FOLDABLE = (Purpose.ALERT.value, Purpose.DIGEST.value)
_BACKLOG = (
    table.c.status == Status.DUE.value,
    table.c.fold_at.is_(None),
    table.c.purpose.in_(_FOLDABLE),
)


def fold_due(connection: Connection, desk: Desk, now: datetime) -> Sequence[Notice]:
    """Tell what was held until `now`: one row of a person and channel by itself, several as one digest."""
    held = deliveries.matching(
        connection, table.c.status == Status.DUE.value, table.c.fold_at <= now
    )
    for rows in _by_reached(held):
        if len(rows) == 1:
            free = update(table).where(table.c.key == rows[0].key)
            connection.execute(free.values(fold_at=None, due_at=max(now, rows[0].due_at)))
        else:
            _into_one(connection, rows, desk, now, _digest)
    return []


def first_backlog(connection: Connection) -> datetime | None:
    """Since when the oldest of several messages to one person over one channel has been waiting."""
    groups = (
        select(func.min(table.c.planned_at).label("since"))
        .where(*_BACKLOG)
        .group_by(table.c.recipient, table.c.channel)
        .having(func.count() > 1)
        .subquery()
    )
    moment: datetime | None = connection.scalar(select(func.min(groups.c.since)))
    return moment


def patience(desk: Desk) -> timedelta | None:
    """How long a backlog may wait before it is told as one message."""
    return desk.stale_after


def tell_the_world(connection: Connection, desk: Desk, now: datetime) -> Sequence[Notice]:
    """In place of a backlog, tell each person how every alert of theirs stands now, in one message."""
    if desk.stale_after is not None:
        state_of_the_world(connection, desk, now, desk.stale_after)
    return []


def state_of_the_world(
    connection: Connection, desk: Desk, now: datetime, stale_after: timedelta
) -> int:
    """Fold the backlogs whose oldest message could not be sent for so long; how many messages they became.

    One message alone is left as it is: whatever a newer change overtook has been cancelled before.
    """
    backlog = deliveries.matching(connection, *_BACKLOG)
    late = now - stale_after
    stale = [rows for rows in _by_reached(backlog) if len(rows) > 1 and rows[0].planned_at <= late]
    for rows in stale:
        _into_one(connection, rows, desk, now, _world)
    return len(stale)


def _by_reached(rows: Iterable[Delivery]) -> list[list[Delivery]]:
    groups: dict[Reached, list[Delivery]] = defaultdict(list)
    for row in rows:
        groups[row.recipient, row.channel].append(row)
    return list(groups.values())


Words = Callable[[Connection, list[Delivery], Desk, datetime], tuple[str, dict[str, object]]]
"""The template of the one message that takes the place of several, and what it names."""
_BRIEF = "memo_digest_brief"


def _into_one(
    connection: Connection, rows: list[Delivery], desk: Desk, now: datetime, words: Words
) -> None:
    first = min(rows, key=lambda row: (row.priority, row.planned_at, row.key))
    key = key_of("digest", first.recipient, first.channel, now.isoformat(), *(row.key for row in rows))
    asks = _asks(connection, rows)
    template, named = words(connection, rows, desk, now)
    text = _text(_BRIEF if first.channel in desk.brief else template, named, asks, desk)
    alerts = list(dict.fromkeys(alert for row in rows for alert in _alerts(row)))
    patient = [row.chase_after for row in rows if row.chase_after is not None]
    made = replace(
        first,
        key=key,
        transition=key,
        alert=alerts[0] if len(alerts) == 1 else key,
        step=0,
        text=text,
        data=_facts(rows, asks, alerts) | desk.status,
        planned_at=now,
        due_at=now,
        expires_at=max(row.expires_at for row in rows),
        attempts=0,
        detail="",
        purpose=Purpose.DIGEST,
        chase_after=min(patient) if patient else None,
        fold_at=None,
    )
    deliveries.plan(connection, [made])
    fold(connection, [row.key for row in rows], key, now)


def _text(
    template: str, named: dict[str, object], asks: list[dict[str, str]], desk: Desk
) -> str:
    """The message with one link: its page asks its reader for every call that is open."""
    # The newest can be used for longest.
    link = asks[-1]["link"] if asks else ""
    facts = named | {"number": len(asks), **({"link": link} if link else {})}
    text = desk.texts.part(template, desk.language, facts)
    if link not in text:
        text = f"{text} {link}"
    # A phone would take what follows for part of the link.
    return marked(f"{text} " if link and text.endswith(link) else text, desk)


def _facts(
    rows: list[Delivery], asks: list[dict[str, str]], alerts: list[str]
) -> dict[str, object]:
    """The digest for machines; `folded` are the keys of the messages it takes the place of."""
    highest = min(rows, key=lambda row: row.priority)
    return {
        "purpose": Purpose.DIGEST.value,
        "to": highest.data.get("to", Level.NONE.key),
        "title": highest.data.get("title"),
        "alerts": alerts,
        "folded": [row.key for row in rows],
        "asks": asks,
        "changes": _count(rows),
        "ack_link": asks[0]["link"] if len(asks) == 1 else None,
    }


def _asks(connection: Connection, rows: list[Delivery]) -> list[dict[str, str]]:
    """What is still to be answered, oldest first: title, link, subsystem and change of the open calls."""
    told = [ask for row in sorted(rows, key=_age) for ask in _asked(row)]
    if not told:
        return []
    waiting = {
        (call.transition, call.subsystem)
        for call in store.calls(connection, status=CallStatus.OPEN)
    }
    return [ask for ask in told if (ask["transition"], ask["subsystem"]) in waiting]


def _age(row: Delivery) -> tuple[datetime, str]:
    return row.planned_at, row.key


def _asked(row: Delivery) -> list[dict[str, str]]:
    if row.purpose is Purpose.DIGEST:
        asks = row.data.get("asks")
        return list(asks) if isinstance(asks, list) else []
    link = row.data.get("ack_link")
    if link is None:
        return []
    title = str(row.data.get("title") or "")
    parts = {"title": title, "link": str(link), "subsystem": row.subsystem}
    return [parts | {"transition": row.transition}]


def _alerts(row: Delivery) -> list[str]:
    told = row.data.get("alerts")
    return list(told) if row.purpose is Purpose.DIGEST and isinstance(told, list) else [row.alert]


def _count(rows: Iterable[Delivery]) -> int:
    """How many messages stand behind these, those of digests among them counted."""
    total = 0
    for row in rows:
        changes = row.data.get("changes")
        total += changes if row.purpose is Purpose.DIGEST and isinstance(changes, int) else 1
    return total


def _digest(
    connection: Connection, rows: list[Delivery], desk: Desk, now: datetime
) -> tuple[str, dict[str, object]]:
    counted = Counter(alert for row in rows for alert in _alerts(row))
    standing = [_newest(connection, alert) for alert in counted]
    return "memo_digest", _named(standing, desk, counted) | {"count": _count(rows)}


def _world(
    connection: Connection, rows: list[Delivery], desk: Desk, now: datetime
) -> tuple[str, dict[str, object]]:
    told = dict.fromkeys(alert for row in rows for alert in _alerts(row))
    told |= dict.fromkeys(_open_alerts(connection, {row.subsystem for row in rows}, desk))
    standing = [_newest(connection, alert) for alert in told]
    return "memo_world", _named(standing, desk, {}) | {"count": _count(rows), "since": now}


def _open_alerts(connection: Connection, subsystems: Collection[str], desk: Desk) -> list[str]:
    """Alerts that are open now and concern one of the subsystems."""
    rows = connection.execute(select(lifecycle.c.hazard, lifecycle.c.state))
    found = []
    for hazard, state in rows:
        parts = desk.routes.matrix.get(hazard, {})
        top = Level(max(state["level"], default=0))
        if state["alert"] and any(name in parts and top >= parts[name].lowest for name in subsystems):
            found.append(state["alert"])
    return found


def _newest(connection: Connection, alert: str) -> list[Transition]:
    """How an alert stands: its newest change, and beside it that its data are lost, where they are."""
    changes = store.transitions(connection, alert=alert)
    real = [change for change in changes if change.reason not in ABOUT_DATA]
    blind = [change for change in changes[-1:] if change.reason is Reason.DATA_LOST]
    return [*real[-1:], *blind] or changes[-1:]


def _named(
    standing: Iterable[Sequence[Transition]], desk: Desk, counted: Mapping[str, int]
) -> dict[str, object]:
    """What both templates name: the alerts in words, the most severe first, and the title of that one."""
    changes = [change for alert in standing for change in alert]
    ranked = sorted(changes, key=lambda one: (-max(one.to_level, one.from_level), one.hazard, one.id))
    return {
        "district": desk.texts.district,
        "items": [_item(change, desk, counted.get(change.alert, 1)) for change in ranked],
        "about": desk.texts.letter(ranked[0], desk.language).title if ranked else "",
    }


def _item(change: Transition, desk: Desk, number: int) -> str:
    """An alert in words, with the number of its changes where there are more."""
    facts = desk.texts.facts(change, desk.language)
    times = f" ×{number}" if number > 1 else ""
    return desk.texts.part("digest_item", desk.language, facts) + times
