"""The dead-man's ring: a synthetic alert goes the whole way, and it is noticed where it does not come back.

Every so often weather that nobody can mistake for real is taken in, judged, led through a lifecycle and
routed by the code that serves the real thing, in a database in memory. What it would have sent becomes one
row per gateway that has a canary, in the real outbox: it leaves over the real gateway to a number of our own.
The guard looks whether the rows of the last round were sent, and received where the gateway gives receipts.
When all came back, an address outside is told, so that somebody notices when this machine falls silent.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import numpy as np
from sqlalchemy import Connection

from alerts.duty.people import Advice, Part, Person, Routes, Shift, Subsystem
from alerts.duty.routing import route
from alerts.event.conduct import Conduct
from alerts.event.lifecycle import advance
from alerts.event.state import State
from alerts.event.transition import Reason
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Delivery, Purpose, Status
from alerts.record import audit, ledger, watching
from alerts.wording import memos
from alerts.wording.memos import Memo
from ingest import archive
from ingest.archive import Archive
from ingest.batch import Batch
from ingest.block import View
from ingest.database import IN_MEMORY, create_tables, open_engine, reading, writing
from ingest.errors import DeliveryError, FengsuiError
from ingest.times import instant64
from pipeline.ports import Ports
from pipeline.pull import take_in
from rules.hazards.heat import TEMPERATURE, Heat, HeatRung
from rules.level import Level

log = logging.getLogger(__name__)

JOB = "ring"
GRACE = timedelta(minutes=5)
"""Time in which a canary must have left, and arrived where its gateway gives receipts."""
SKEW = timedelta(minutes=2)
"""Our clock may differ by so much from the one of the address outside."""
_PLACE = "ring"
_RED = HeatRung(at_least=40.0, within=timedelta(hours=24), keep=timedelta(0))


class RingBroken(FengsuiError):
    """The synthetic alert did not come through our own stages; the guard tells the operators."""


def ring(now: datetime, ports: Ports) -> int:
    """One round: lead a synthetic alert through all stages and plan its canaries; how many."""
    _rehearsed(now)
    with writing(ports.engine) as connection:
        count = sum(
            deliveries.plan(connection, _canary(channel, person, ports, now))
            for channel, person in canaries(ports).items()
        )
        run = ledger.Run(job=JOB, at=now, outcome="ok", detail=f"{count} canaries")
        ledger.record_run(connection, run)
    return count


def _rehearsed(now: datetime) -> None:
    """A mistake of our own in any stage is what the ring is for: it is told, not raised as it came."""
    try:
        rehearse(now)
    except FengsuiError:
        raise
    except Exception as error:
        log.exception("the self-test met a mistake", extra={"action": "ring_broken"})
        raise RingBroken(f"ring: {type(error).__name__} in one of our stages; see the log") from error


def canaries(ports: Ports) -> dict[str, str]:
    """Channel -> person who gets its canary, of the channels that may send."""
    blocks = ports.config.channels.items()
    return {
        name: block.keys.canary for name, block in blocks if block.enabled and block.keys.canary
    }


def _canary(channel: str, person: str, ports: Ports, now: datetime) -> list[Delivery]:
    memo = Memo(
        purpose=Purpose.CANARY,
        subject=f"ring-{now:%Y%m%dT%H%M%SZ}",
        template="memo_canary",
        facts={"since": now},
        people=(person,),
        over=frozenset({channel}),
        data={"status": "Test"},
    )
    return memos.deliveries(memo, ports.desk, now)


def rehearse(now: datetime) -> None:
    """Lead weather of 45 degrees through ingest, block, rule, lifecycle and routing.

    Raises RingBroken, naming the stage, where not exactly one opening to red, told to one person, comes out.
    """
    engine, store = open_engine(IN_MEMORY), Archive()
    try:
        create_tables(engine, archive.metadata)
        with writing(engine) as connection:
            taken = take_in(connection, store, [_weather(now)])
        if taken.batches != 1:
            raise RingBroken("ring: the archive did not take synthetic weather in; see the log")
        rule = Heat(ladder={Level.RED: _RED})
        with reading(engine) as connection:
            findings = rule.assess(JOB, store.block(connection, [now], _view()))
    finally:
        engine.dispose()
    state = State.fresh(JOB, "000000", (_PLACE,))
    step = advance(state, findings, now, ladder=rule.ladder, conduct=_CONDUCT)
    changes = [change for change in step.transitions if change.reason is Reason.OPENED]
    if [change.to_level for change in changes] != [Level.RED]:
        raise RingBroken("ring: 45 degrees did not open a red alert; rules or lifecycle are at fault")
    told = [notice for notice in route(changes[0], _routes(), now) if notice.told]
    if len(told) != 1:
        raise RingBroken("ring: a red alert reached nobody; routing is at fault")


def _weather(now: datetime) -> Batch:
    start = instant64(now).astype("datetime64[h]").astype("datetime64[s]")
    hours = start + np.arange(-6, 48) * np.timedelta64(3600, "s")
    return Batch(
        source=JOB,
        kind="forecast",
        issued_at=now,
        available_at=now,
        places=(_PLACE,),
        valid_at=hours,
        values={TEMPERATURE: np.full((1, hours.size), 45.0)},
    )


def _view() -> View:
    reach = Heat(ladder={Level.RED: _RED}).reach
    return View(
        places=(_PLACE,),
        quantities=(TEMPERATURE,),
        hours_back=reach.hours_back,
        hours_ahead=reach.hours_ahead,
        days_back=reach.days_back,
        days_ahead=reach.days_ahead,
        sources=(JOB,),
        latency=timedelta(0),
        freshness={JOB: timedelta(hours=6)},
    )


_CONDUCT = Conduct(
    kind="heat", name="自检", name_en="Self-test", measure="气温", measure_en="temperature", unit="°C",
    source=Advice(zh="自检", en="self-test"), dispatch={},
)  # fmt: skip


def _routes() -> Routes:
    alone = Subsystem(
        name="自检", name_en="Self-test", centre=True,
        rota=(Shift(start="00:00", end="00:00", duty=("watcher",)),),
    )  # fmt: skip
    part = Part(role="lead", lowest=Level.BLUE, tasks={})
    return Routes(
        people={"watcher": Person(name="自检", phone="13800000000", channels=("ring",))},
        subsystems={"ring": alone},
        ladders={},
        matrix={JOB: {"ring": part}},
    )


def unreturned(connection: Connection, ports: Ports, now: datetime) -> dict[str, str]:
    """Channel -> what its newest canary of GRACE ago lacks: it was not sent, or not received."""
    lacking = {}
    for channel in canaries(ports):
        last = watching.newest(connection, channel, Purpose.CANARY, now - GRACE)
        if last is None:
            continue
        receipts = ports.config.channels[channel].keys.receipt_within
        if last.status is not Status.SENT:
            lacking[channel] = f"{last.status.value}: {last.detail}"
        elif receipts is not None and last.delivered_at is None and now - last.planned_at > receipts:
            lacking[channel] = "sent, and no receipt"
    return lacking


def beat(now: datetime, ports: Ports) -> str | None:
    """Tell the address outside that all is well, with the head of the record; what is wrong, or None.

    The answer's ``Date`` shows whether our clock is right.
    """
    url = ports.config.service.beat_url
    if url is None:
        return None
    with reading(ports.engine) as connection:
        number, head = audit.head(connection)
    body = json.dumps({"at": now.isoformat(), "record": {"links": number, "head": head}}).encode()
    try:
        answer = ports.outbox.means.post.send(url, body, {"content-type": "application/json"})
    except DeliveryError as error:
        return str(error)
    if not 200 <= answer.status < 300:
        return f"the address outside answered {answer.status}"
    return _skewed(answer.headers.get("date", ""), now)


def _skewed(date: str, now: datetime) -> str | None:
    try:
        apart = parsedate_to_datetime(date) - now
    except (ValueError, TypeError):
        return None
    if abs(apart) <= SKEW:
        return None
    return f"our clock differs by {apart.total_seconds():.0f} s from the one of the address outside"
