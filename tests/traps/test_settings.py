"""Trap 2: every key of the configuration changes something that can be seen from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fakes import RecordingChannel
from fakes import change as made_of
from sqlalchemy import select
from stage import ROOT, district, instance

from alerts.answers import errands
from alerts.duty import release
from alerts.duty.people import (
    Advice,
    Answer,
    Budget,
    Override,
    Part,
    Person,
    Quiet,
    Release,
    Roster,
    Shift,
    Step,
    Subsystem,
    Swap,
)
from alerts.event.transition import Reason
from alerts.outgoing import desks
from alerts.record import store, tables
from alerts.record.store import Acknowledgement
from ingest.database import reading, writing
from ingest.errors import DeliveryError
from pipeline.audience import audience
from pipeline.config import ChannelBlock, ChannelKeys, Config, Service
from pipeline.ports import Ports
from pipeline.work import escalate
from rules.level import Level
from tests.traps.weather import NOW

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HEAT, TEAM = "heat", "health"
DUTY, DEPUTY, OTHER = "health_duty_a", "health_deputy_a", "health_duty_b"


def base() -> Config:
    """Health alone hears of heat, over a gateway and, where that is silent, a second one."""
    found = district()
    part = Part(role="lead", lowest=Level.YELLOW, tasks={Level.ORANGE: Advice(zh="出诊", en="visit")})
    people = {id: replace(one, channels=("first",), fallback=("second",))
              for id, one in found.routes.people.items()}  # fmt: skip
    routes = replace(
        found.routes, people=people, matrix={HEAT: {TEAM: part}}, quiet=None, budget=None,
        answers={Level.ORANGE: Answer(facts=True), Level.RED: Answer(facts=True)},
    )  # fmt: skip
    hazards = {
        name: replace(
            block,
            conduct=replace(block.conduct, enabled=False, dispatch=routes.matrix.get(name, {})),
        )
        for name, block in found.hazards.items()
    }
    keys = ChannelKeys(kind="fake")
    channels = {name: ChannelBlock(name=name, channel=RecordingChannel(), keys=keys)
                for name in ("first", "second")}  # fmt: skip
    return replace(found, sources={}, hazards=hazards, routes=routes, channels=channels)


STORY = (
    (0, Reason.OPENED, Level.NONE, Level.ORANGE),
    (50, Reason.SPREAD, Level.ORANGE, Level.ORANGE),
    (90, Reason.ENDED, Level.ORANGE, Level.NONE),
    (150, Reason.OPENED, Level.NONE, Level.ORANGE),
)
"""Minutes after NOW, why, from and to."""
ANSWERED = 25
"""Minutes after NOW at which somebody has the first alert."""


def outcome(config: Config, folder: Path) -> object:
    """Everything people and the record see of a story of four hours: words, times, roads, calls, answers."""
    folder.mkdir(exist_ok=True)
    # Links are the same in every telling.
    (folder / "link.key").write_text("k" * 43)
    fresh = {name: replace(block, channel=_alike(block)) for name, block in config.channels.items()}
    with instance(folder, replace(config, channels=fresh)) as ports:
        for number, (minutes, *what) in enumerate(STORY):
            _tell(ports, number, minutes, what)
            after = STORY[number + 1][0] if number + 1 < len(STORY) else 200
            if number == 0:
                _until(ports, NOW, NOW + ANSWERED * MINUTE)
                _answer(ports, NOW + ANSWERED * MINUTE)
            begun = max(minutes, ANSWERED)
            _until(ports, NOW + begun * MINUTE, NOW + (after - 1) * MINUTE)
        who = audience(ports.config, HEAT, Level.ORANGE, NOW + 4 * HOUR)
        return _seen(ports), [(item.person, item.why) for item in who.notices]


def _until(ports: Ports, now: datetime, last: datetime) -> None:
    """What falls due and what is sent, moment by moment: a daemon without weather to look at."""
    for _ in range(300):
        with reading(ports.engine) as connection:
            errand = errands.next_due(connection, ports.desk)
        moments = [moment for moment in (errand, ports.outbox.next_due()) if moment is not None]
        now = max(now, min(moments, default=last + MINUTE))
        if now > last:
            return
        if errand is not None and errand <= now:
            escalate(now, ports)
        ports.outbox.drain(now)
    raise AssertionError(f"the same work is done at {now} over and over")


def _alike(block: ChannelBlock) -> Any:
    channel = block.channel
    return RecordingChannel(errors=list(channel.errors)) if isinstance(channel, RecordingChannel) else channel


def _tell(ports: Ports, number: int, minutes: int, what: list[Any]) -> None:
    now, (reason, before, after) = NOW + minutes * MINUTE, what
    alert = "a" if number < 3 else "b"
    towns = dict.fromkeys(ports.config.district.place_ids[:2], after) if after else {}
    change = made_of(
        reason, id=f"{alert}.{number}", alert=alert, hazard=HEAT, at=now, from_level=before, to_level=after,
        places=towns, changed=towns, onset=now, expires=now + 24 * HOUR, opened_at=NOW, incident=alert,
    )  # fmt: skip
    with writing(ports.engine) as connection:
        release.announce(connection, change, desks.current(connection, ports.desk, now), now)


def _answer(ports: Ports, now: datetime) -> None:
    word = Acknowledgement(alert="a", subsystem=TEAM, by="李四", via="cli", at=now)
    with writing(ports.engine) as connection:
        store.acknowledge(connection, word, ports.desk.routes.answers)


def _seen(ports: Ports) -> list[object]:
    shown = ("delivery", "call", "release", "notice", "closing", "config_version")
    found: list[object] = []
    with reading(ports.engine) as connection:
        for table in tables.metadata.sorted_tables:
            if table.name in shown:
                wanted = [column for column in table.c if column.name not in ("data", "id")]
                found.append(sorted(map(repr, connection.execute(select(*wanted)))))
    return found


Edit = Callable[[Config], Config]


def roster(**keys: Any) -> Edit:
    """Other keys of the roster."""
    return lambda config: replace(config, routes=replace(config.routes, **keys))


def person(**keys: Any) -> Edit:
    """Other keys of everybody at health."""

    def edit(config: Config) -> Config:
        own = {id: replace(one, **keys) for id, one in config.routes.people.items() if id.startswith(TEAM)}
        return roster(people=config.routes.people | own)(config)

    return edit


def subsystem(**keys: Any) -> Edit:
    """Other keys of the subsystem that is called."""

    def edit(config: Config) -> Config:
        own = replace(config.routes.subsystems[TEAM], **keys)
        return roster(subsystems=config.routes.subsystems | {TEAM: own})(config)

    return edit


@cache
def shift(**keys: Any) -> Edit:
    """The one shift of health with other keys, before one that others hold."""
    usual: dict[str, Any] = {"start": "00:00", "end": "00:00", "duty": (DUTY,), "deputy": (DEPUTY,)}
    rest = Shift(start="00:00", end="00:00", duty=(OTHER,))
    return subsystem(rota=(Shift(**(usual | keys)), rest))


@cache
def override(**keys: Any) -> Edit:
    """Somebody else at health for a while."""
    usual: dict[str, Any] = {"start": NOW, "end": NOW + 2 * HOUR, "duty": (OTHER,)}
    return subsystem(overrides=(Override(**(usual | keys)),))


@cache
def swap(**keys: Any) -> Edit:
    """Two people of health in each other's place for a while."""
    usual: dict[str, Any] = {"start": NOW, "end": NOW + 2 * HOUR, "one": DUTY, "other": OTHER}
    return subsystem(swaps=(Swap(**(usual | keys)),))


def part(**keys: Any) -> Edit:
    """Another part of health in heat."""

    def edit(config: Config) -> Config:
        return roster(matrix={HEAT: {TEAM: replace(config.routes.matrix[HEAT][TEAM], **keys)}})(config)

    return edit


@cache
def ladder(*steps: tuple[Any, int]) -> Edit:
    """Another ladder for orange."""
    made = tuple(Step(who=who, after=minutes * MINUTE) for who, minutes in steps)
    return lambda config: roster(ladders=config.routes.ladders | {Level.ORANGE: made})(config)


@cache
def answer(**keys: Any) -> Edit:
    """What orange asks."""
    return lambda config: roster(answers={Level.ORANGE: Answer(**({"facts": True} | keys))})(config)


@cache
def approved(**keys: Any) -> Edit:
    """Orange must be released."""
    usual: dict[str, Any] = {"approvers": (DUTY, DEPUTY)}
    return roster(release={Level.ORANGE: Release(**(usual | keys))})


@cache
def silent(**keys: Any) -> Edit:
    """Hours of rest in the middle of the story, that only red pierces."""
    usual: dict[str, Any] = {"start": "12:00", "end": "13:30", "pierced_by": Level.RED}
    return roster(quiet=Quiet(**(usual | keys)))


@cache
def budget(**keys: Any) -> Edit:
    """A budget of one message in an hour."""
    usual: dict[str, Any] = {"pages": 1, "per": 2 * HOUR}
    return roster(budget=Budget(**(usual | keys)))


def service(**keys: Any) -> Edit:
    """Other keys of the service."""
    return lambda config: replace(config, service=replace(config.service, **keys))


def channel(errors: int = 0, **keys: Any) -> Edit:
    """Other keys of the first gateway, which may refuse some messages first."""

    def edit(config: Config) -> Config:
        made = ChannelKeys(**({"kind": "fake"} | keys))
        refusals = [DeliveryError("busy", retry=True) for _ in range(errors)]
        sends = RecordingChannel(errors=refusals)
        block = ChannelBlock(name="first", channel=sends, keys=made, enabled=made.enabled)
        return replace(config, channels=config.channels | {"first": block})

    return edit


NONE: Edit = lambda config: config  # noqa: E731
PAIRS: dict[type, dict[str, tuple[Edit, Edit]]] = {
    Person: {
        "name": (approved(), lambda c: approved()(person(name="王五")(c))),
        "channels": (NONE, person(channels=("second",), fallback=("first",))),
        "fallback": (NONE, person(fallback=())),
        "quiet": (NONE, person(quiet=Quiet(start="12:00", end="13:00"))),
    },
    Shift: {
        "start": (shift(), shift(start="13:00")),
        "end": (shift(), shift(end="13:00")),
        "duty": (shift(), shift(duty=(DEPUTY,))),
        "deputy": (shift(), shift(deputy=())),
        "days": (shift(), shift(days=("sun",))),
        "first": (shift(), shift(first="2022-08-20")),
        "last": (shift(), shift(last="2022-08-10")),
    },
    Override: {
        "start": (override(), override(start=NOW + HOUR)),
        "end": (override(), override(end=NOW + MINUTE)),
        "duty": (NONE, override()),
        "deputy": (override(), override(deputy=(DUTY,))),
        "by": (override(), override(by="张三")),
        "why": (override(), override(why="病假")),
    },
    Swap: {
        "start": (swap(), swap(start=NOW + HOUR)),
        "end": (swap(), swap(end=NOW + MINUTE)),
        "one": (swap(), swap(one=DEPUTY)),
        "other": (swap(), swap(other="traffic_duty_a")),
        "why": (swap(), swap(why="考试")),
    },
    Subsystem: {
        "name": (NONE, subsystem(name="卫健委")),
        "name_en": (service(language="en"), lambda c: service(language="en")(subsystem(name_en="NHC")(c))),
        "rota": (NONE, shift(duty=(OTHER,))),
        "zone": (NONE, subsystem(zone="America/New_York")),
        "overrides": (NONE, override()),
        "swaps": (NONE, swap()),
    },
    Part: {
        "role": (NONE, part(role="inform")),
        "lowest": (NONE, part(lowest=Level.RED)),
        "tasks": (NONE, part(tasks={})),
    },
    Step: {
        "who": (ladder(("duty", 0), ("deputy", 10)), ladder(("duty", 0), ("centre", 10))),
        "after": (ladder(("duty", 0), ("deputy", 1)), ladder(("duty", 0), ("deputy", 2))),
    },
    Answer: {
        "unread": (answer(), answer(unread=7 * MINUTE)),
        "facts": (answer(), answer(facts=False)),
        "facts_within": (answer(), answer(facts_within=5 * MINUTE)),
        "closing_within": (answer(), answer(closing_within=7 * MINUTE)),
    },
    Release: {
        "approvers": (approved(), approved(approvers=(DUTY, OTHER))),
        "needed": (approved(), approved(needed=2)),
        "after": (approved(), approved(after=9 * MINUTE)),
    },
    Budget: {
        "pages": (budget(), budget(pages=9)),
        "per": (budget(), budget(per=20 * MINUTE)),
    },
    Quiet: {
        "start": (silent(), silent(start="13:00")),
        "end": (silent(), silent(end="12:30")),
        "pierced_by": (silent(), silent(pierced_by=Level.ORANGE)),
        "zone": (silent(), silent(zone="America/New_York")),
    },
    Roster: {
        "people": (NONE, person(channels=("second",))),
        "subsystems": (NONE, shift(duty=(OTHER,))),
        "ladders": (NONE, roster(ladders={})),
        "answers": (NONE, roster(answers={})),
        "release": (NONE, approved()),
        "quiet": (NONE, silent()),
        "budget": (NONE, budget()),
        "reissue": (NONE, roster(reissue=timedelta(0))),
        "supervisor": (subsystem(rota=()), lambda c: subsystem(rota=())(roster(supervisor=())(c))),
    },
    Service: {
        "public_url": (NONE, service(public_url="http://127.0.0.1:1")),
        "retry": (channel(4), lambda c: service(retry=(7 * MINUTE,))(channel(4)(c))),
        "link_valid": (NONE, service(link_valid=2 * HOUR)),
        "language": (NONE, service(language="en")),
    },
    ChannelKeys: {
        "enabled": (NONE, channel(enabled=False)),
        "words": (NONE, channel(words="brief")),
        "receipt_within": (NONE, channel(receipt_within=9 * MINUTE)),
    },
}  # fmt: skip


ELSEWHERE: dict[type, dict[str, str]] = {
    Person: {
        "addresses": "tests/alerts/test_email_channel.py: the address a letter goes to",
        "phone": "tests/alerts/test_aliyun_sms.py: the number a gateway is given",
    },
    Subsystem: {
        "centre": "tests/alerts/test_routing.py: where an empty rota leads",
        "operator": "tests/alerts/test_routing.py: who hears of lost data",
    },
    Service: {
        "heartbeat": "tests/pipeline/test_daemon.py: the pause between quiet ticks",
        "listen": "tests/pipeline/test_console.py: where the pages are",
        "lane": "tests/alerts/test_outbox.py: sends at once",
        "night": "tests/pipeline/test_replay_compare.py",
        "learn_every": "tests/pipeline/test_models_belt.py: how long after a lesson the next is due",
        "ring": "tests/pipeline/test_ring.py", "beat_url": "tests/pipeline/test_ring.py",
        "changed_by": "tests/pipeline/test_beginning.py: who a version of the configuration is kept under",
        "changed_because": "tests/pipeline/test_beginning.py: and why",
        "sign_in": "tests/pipeline/console/test_sign_in_service.py: who comes in, and each of its keys",
        "stale_after": "tests/alerts/test_digest.py: when a backlog becomes one message",
    },
    ChannelKeys: {
        "kind": "tests/contracts/test_channel_contract.py: which channel is made",
        "canary": "tests/pipeline/test_ring.py",
        "most": "tests/alerts/test_outbox_gateways.py: messages in a period",
        "per": "tests/alerts/test_rates.py: the period",
    },
}  # fmt: skip
"""Keys whose effect another file shows."""
CASES = [(kind, key) for kind, keys in PAIRS.items() for key in keys]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Edit], object]:
    """The story of a configuration after an edit; the same edit is told once."""
    return cache(lambda edit: outcome(edit(base()), tmp_path_factory.mktemp("story")))


@pytest.mark.parametrize(("kind", "key"), CASES, ids=[f"{kind.__name__}.{key}" for kind, key in CASES])
def test_trap_02_a_key_has_an_effect(story: Callable[[Edit], object], kind: type, key: str):
    """A peer's form offered `retry_on_failure` with no code behind it.

    One key is changed and nothing else; the same story then looks different from outside.
    """
    one, other = PAIRS[kind][key]
    assert story(one) != story(other)


@pytest.mark.parametrize("kind", PAIRS)
def test_trap_02_every_key_is_in_the_table(kind: type):
    """A new key without an entry fails, and so does an entry whose key is gone."""
    known = {*PAIRS[kind], *ELSEWHERE.get(kind, {})}
    assert {item.name for item in fields(kind)} == known


def test_trap_02_what_is_shown_elsewhere_is_there():
    """The file named for a key exists and names the key, or what stands for it in words."""
    for keys in ELSEWHERE.values():
        for key, named in keys.items():
            file, _, words = named.partition(": ")
            text = (ROOT / file).read_text(encoding="utf-8")
            assert words or key in text, f"{file} says nothing of {key}"


def test_trap_02_the_same_configuration_tells_the_same_story(
    story: Callable[[Edit], object], tmp_path: Path
):
    """What differs above differs for the key."""
    assert outcome(base(), tmp_path) == story(NONE)
