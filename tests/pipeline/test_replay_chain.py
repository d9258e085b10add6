"""Two hazards of one chain, and everybody answering: replayed as the daemon judged, told and paged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from stage import HOUR, changes, day, instance, messages, play, recorded, telling

from alerts.duty.people import Budget, Quiet
from alerts.event.transition import Reason
from alerts.outgoing.delivery import Delivery, Purpose, Status
from alerts.record import store
from alerts.record.store import Call, CallStatus
from ingest.database import reading
from pipeline.acknowledge import acknowledge, word_of
from pipeline.config import Config, HazardBlock
from pipeline.ports import Ports
from pipeline.replay.run import Period, Work, run
from pipeline.work import Job
from rules.hazards.heat import Heat
from rules.level import Level

FIRST, LAST = day("08-05 00:05"), day("08-08 00:05")
"""Three days that open at orange, are raised to red and spread."""


def pair(config: Config) -> Config:
    """Heat, and the heat of outdoor work in the same chain: a degree lower, with its own words."""
    heat = config.hazards["heat"]
    assert isinstance(heat.rule, Heat)
    ladder = {
        level: replace(rung, at_least=rung.at_least - 1.0) for level, rung in heat.rule.ladder.items()
    }
    words = replace(heat.conduct, name="露天作业", name_en="Outdoor work", incident="dry_heat")
    work = HazardBlock(name="work", conduct=words, rule=replace(heat.rule, ladder=ladder))
    matrix = {**config.routes.matrix, "work": heat.conduct.dispatch}
    hazards = {"heat": heat, "work": work}
    return replace(config, hazards=hazards, routes=replace(config.routes, matrix=matrix))


def answering(ports: Ports) -> Job:
    """Everybody who is called answers at once."""

    def waiting() -> list[Call]:
        with reading(ports.engine) as connection:
            return store.calls(connection, status=CallStatus.OPEN)

    def answer(now: datetime) -> None:
        for call in waiting():
            word = word_of(alert=call.alert, subsystem=call.subsystem, by="Li", via="cli", at=now)
            acknowledge(ports, word)

    def due(now: datetime) -> datetime | None:
        return now if waiting() else None

    return Job(name="answer", run=answer, due=due, every=HOUR)


@pytest.fixture(scope="module")
def chained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """A daemon that watched two hazards of one chain and was started anew in the middle."""
    told = recorded(day("08-02 00:00"), LAST)
    folder, config = tmp_path_factory.mktemp("chained"), pair(telling(told, freshness=12 * HOUR))
    middle = day("08-06 12:30")
    with instance(folder, config) as ports:
        play(ports, FIRST, middle, (answering(ports),))
    with instance(folder, config) as ports:
        play(ports, middle, LAST, (answering(ports),))
        yield ports


@pytest.mark.parametrize("size", [1, 7, 256])
def test_two_hazards_are_replayed_as_the_daemon_judged_them(chained: Ports, size: int):
    """In blocks or one by one: the same changes in the same order, and the same words to the same people.

    What the daemon asked afterwards, such as the facts of a red, a replay leaves out: all have answered.
    """
    period = Period(name="same", engine=chained.engine, start=FIRST, end=LAST)
    again = run(chained.config, period, chained.desk, work=Work(chunk=size))
    assert list(again.transitions) == changes(chained)
    told = [row for row in messages(chained) if row.purpose is Purpose.ALERT]
    assert sorted(map(spoken, again.deliveries)) == sorted(map(spoken, told))


def spoken(row: Delivery) -> tuple[str, ...]:
    """What somebody heard."""
    return (row.transition, row.subsystem, row.recipient, row.channel, row.text)


def test_two_hazards_of_a_chain_share_one_incident(chained: Ports):
    """Both alerts name it, and each change names the other hazard."""
    found = changes(chained)
    assert {change.hazard for change in found} == {"heat", "work"}
    assert len({change.incident for change in found}) == 1
    assert {tuple(change.related) for change in found[1:]} <= {("heat",), ("work",)}


def test_who_has_the_incident_is_told_without_being_called(chained: Ports):
    """Of two openings the second asks for nothing, and each says that it belongs to the other."""
    first, second = [c.id for c in changes(chained) if c.reason is Reason.OPENED]
    rows = [row for row in messages(chained) if row.transition in (first, second)]
    asked = {row.transition for row in rows if row.data["ack_link"]}
    assert {row.transition for row in rows} == {first, second}
    assert asked == {first}
    assert all("关联预警建议：" in row.text for row in rows if row.transition == second)


NIGHTLY = Quiet(start="22:00", end="07:00", pierced_by=Level.RED)
SHORT_BREATH = Budget(pages=1, per=3 * HOUR)


def pressed(config: Config, *, quiet: bool) -> Config:
    """People who take one message in three hours, and in `quiet` sleep through everything below red."""
    routes = replace(config.routes, budget=SHORT_BREATH)
    if quiet:
        routes = replace(routes, quiet=NIGHTLY, patient=None)
    return replace(config, routes=routes)


def reached(rows: list[Delivery]) -> Counter[tuple[str, datetime | None, object]]:
    """Whom a message reached when, and how many changes it told of."""
    out = [row for row in rows if row.status is Status.SENT]
    about = [row for row in out if row.purpose in (Purpose.ALERT, Purpose.DIGEST)]
    return Counter((row.recipient, row.sent_at, row.data.get("changes", 1)) for row in about)


@pytest.mark.parametrize("quiet", [True, pytest.param(False, marks=pytest.mark.soak)])
def test_pages_reach_people_when_the_daemon_sent_them(quiet: bool, tmp_path: Path):
    """Quiet hours, digests, what a newer change overtakes: each message at its minute."""
    first, last = day("07-26 00:05"), day("07-29 12:05")
    batches = recorded(day("07-21 00:00"), last)
    config = pressed(pair(telling(batches, freshness=12 * HOUR)), quiet=quiet)
    with instance(tmp_path, config) as ports:
        play(ports, first, last, (answering(ports),))
        period = Period(name="same", engine=ports.engine, start=first, end=last)
        found = run(ports.config, period, ports.desk)
        sent = reached(messages(ports))
    assert Counter((page.person, page.at, page.changes) for page in found.pages) == sent
    assert any(page.changes > 1 for page in found.pages) or not quiet
    assert any(page.at != change.at for page in found.pages for change in found.transitions
               if change.id == page.transition)  # fmt: skip
