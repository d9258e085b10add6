"""Trap 2 for blocks: keys of hazards, feeds and channels change something that can be seen from outside."""

from __future__ import annotations

import ast
import inspect
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import AT, CONDUCT, HOUR, RED, Story, change, shipped_texts
from simulators.protocols import PROTOCOLS
from simulators.receiver import Conduct as Manners
from simulators.receiver import MisbehavingReceiver
from stage import rewrite

from alerts.event.conduct import Conduct
from alerts.outgoing.delivery import Means, channel
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError
from ingest.source import Feed, source
from pipeline.config import init, load
from pipeline.view import view_of
from rules.hazard import Hazard, hazard
from rules.hazards.critical_rain import Ground
from rules.hazards.drought import Weights
from rules.level import Level
from tests.contracts import test_channel_contract as over_http
from tests.contracts import test_hazard_contract as judging
from tests.contracts import test_protocol_contract as by_protocol
from tests.contracts.test_hazard_contract import CANDIDATES

ROOT = Path(__file__).resolve().parents[2]
DAY = 24 * HOUR


# --- how alerts of a hazard are named and kept --------------------------------------------------------------


def told(conduct: Conduct) -> list[str]:
    """A change of a hazard in words: title, message and evidence in both languages."""
    own = replace(shipped_texts(), conducts={"heat": conduct})
    letters = [own.letter(change(), language) for language in ("zh", "en")]
    words = [letter.to(subsystem="s", role="lead", task="t", ack_link=None) for letter in letters]
    return [*words, *(own.because(change(), language) for language in ("zh", "en"))]


def lived(conduct: Conduct) -> list[tuple[str, object]]:
    """A red that lasts longer than was told, becomes unknown for a day, comes back and is over."""
    story = Story(conduct=conduct)
    for hour in range(60):
        story.at(hour, RED, expires=AT + (48 if hour < 20 else 70) * HOUR)
    for hour in range(60, 70):
        story.blind(hour)
    for hour in range(70, 120):
        story.at(hour)
    return [(made.reason.value, made.at) for made in story.changes]


CONDUCTS: dict[str, tuple[Callable[[Conduct], object], object]] = {
    "name": (told, "酷热"),
    "name_en": (told, "Torrid"),
    "measure": (told, "体感温度"),
    "measure_en": (told, "apparent temperature"),
    "unit": (told, "mm"),
    "extend_before": (lived, 20 * HOUR),
    "blind_after": (lived, 7 * HOUR),
    "tail": (lived, 30 * HOUR),
}
"""Key -> where it is seen, and another value."""
ELSEWHERE: dict[type, dict[str, str]] = {
    Conduct: {
        "kind": "tests/contracts/test_hazard_contract.py",
        "source": "tests/pipeline/test_explain.py",
        "doubt": "tests/pipeline/test_explain.py",
        "dispatch": "tests/traps/test_settings.py",
        "incident": "tests/alerts/test_incidents.py",
        "incident_linger": "tests/alerts/test_incidents.py",
        "life_safety": "tests/pipeline/test_approving.py",
        "can_wait": "tests/traps/test_settings_of_blocks.py",
        "enabled": "tests/pipeline/test_tick.py",
        "shadow": "tests/pipeline/test_models_belt.py",
        "instead_of": "tests/pipeline/test_models_promote.py",
    },
    Feed: {
        "kind": "tests/contracts/test_source_contract.py",
        "every": "tests/pipeline/test_pull.py",
        "latency": "tests/pipeline/test_real_replays.py",
        "freshness": "tests/pipeline/test_health.py",
        "priority": "tests/traps/test_settings_of_blocks.py",
        "enabled": "tests/pipeline/test_health.py",
    },
}
"""Keys whose effect another test shows, and in which file."""


@pytest.mark.parametrize("key", CONDUCTS)
def test_trap_02_a_key_of_a_hazards_conduct_has_an_effect(key: str):
    """In the words people read, or in when they read them."""
    seen, other = CONDUCTS[key]
    changes: dict[str, Any] = {key: other}
    assert seen(replace(CONDUCT, **changes)) != seen(CONDUCT)


@pytest.mark.parametrize(("kind", "here"), [(Conduct, set(CONDUCTS)), (Feed, set())])
def test_trap_02_every_key_every_block_has_is_in_a_table(kind: type, here: set[str]):
    """A new key without an entry fails, and so does an entry whose key is gone."""
    assert {item.name for item in fields(kind)} == here | set(ELSEWHERE[kind])


def test_trap_02_what_is_shown_elsewhere_is_there():
    """The file named for a key exists and names the key."""
    named = [(key, ROOT / file) for keys in ELSEWHERE.values() for key, file in keys.items()]
    for key, file in named:
        assert re.search(rf"\b{key}\b", file.read_text(encoding="utf-8")), f"{file} says nothing of {key}"


def test_trap_02_can_wait_decides_which_hazards_leave_people_to_sleep(tmp_path: Path):
    """Read from the file of the hazard."""
    init(tmp_path / "config")
    rewrite(tmp_path / "config/hazards/heat.yaml", ("^can_wait: true", "can_wait: false"))
    before, after = load(ROOT / "config").routes.patient, load(tmp_path / "config").routes.patient
    assert before is not None
    assert after is not None
    assert before - after == {"heat"}


def test_trap_02_priority_decides_which_source_is_believed(tmp_path: Path):
    """The order in which sources are looked at is that of their priorities."""
    init(tmp_path / "config")
    config = load(tmp_path / "config")
    one = next(iter(config.sources.values()))
    orders = []
    for priority in (1, 200):
        other = replace(one, name="other", feed=replace(one.feed, priority=priority, enabled=True))
        first = replace(one, feed=replace(one.feed, priority=100, enabled=True))
        orders.append(view_of(replace(config, sources={"first": first, "other": other})).sources[:2])
    assert orders == [("other", "first"), ("first", "other")]


# --- keys of a kind of hazard -------------------------------------------------------------------------------


def only_red(rule: Any) -> Any:
    """The ladder with its highest level alone, called blue."""
    return {Level.BLUE: rule.ladder[max(rule.ladder)]}


RULES: dict[str, dict[str, object]] = {
    "chance": {},
    "cold_wave": {"max_gap": timedelta(0)},
    "critical_rain": {
        "ground": Ground(days=5, normal=10.0, wet=3000.0), "continues": 9 * HOUR,
        "basins": {"500153002": "steep"}, "factor": {"steep": 0.2},
    },
    "drought": {
        "ka": (0.5,) * 12, "weights": Weights(summer=(0.0, 0.0, 0.0, 1.0)), "oldest": 5 * DAY,
        "max_gap": timedelta(0), "start_after": 1, "end_after": 1, "days_back": 20,
    },
    "forest_fire": {"classes": (5.0, 10.0, 20.0, 30.0), "hot_spot_lift": 2, "settled_after": 0},
    "gale": {"gusts": False, "max_gap": 9 * HOUR},
    "heat": {"max_gap": timedelta(0)},
    "heat_stress": {"index": "humidex", "max_gap": timedelta(0)},
    "heat_wave": {"critical": 40.0, "critical_by_town": {}, "run_days": 3},
    "landslide": {
        "decay": 0.84, "days": 3, "with_sign": 0.9, "alpha": 90.0, "beta": 0.9, "durations": (3,),
        "factor": {"low": 3.0, "moderate": 2.0, "high": 1.5}, "susceptibility": {},
        "default_susceptibility": "high", "ari7_p95": {"500153002": 30.0}, "day_at_most": 50.0,
    },
    "low_temperature": {"max_gap": timedelta(0)},
    "rainstorm": {"continues": 9 * HOUR, "bands": (30.0,)},
}  # fmt: skip
"""Kind -> key -> another value than that of its first candidate."""
RULE_CASES = [(kind, key) for kind, keys in RULES.items() for key in ("ladder", *keys)]


@cache
def weathers(kind: str) -> list[Any]:
    """Random weather for a kind of hazard: whole, and with holes."""
    rule = CANDIDATES[kind][0]
    return [judging.weather(rule, nows=12, missing=share) for share in (0.0, 0.05, 0.3, 0.9)]


def findings(rule: Hazard, kind: str) -> list[dict[str, Any]]:
    """All that a rule finds in them."""
    return [judging.arrays(rule.assess(kind, block)) for block in weathers(kind)]


@pytest.mark.parametrize(("kind", "key"), RULE_CASES, ids=[f"{kind}.{key}" for kind, key in RULE_CASES])
def test_trap_02_a_key_of_a_hazard_changes_what_it_finds(kind: str, key: str):
    """One key is changed and nothing else; the same weather is then judged otherwise."""
    rule = CANDIDATES[kind][0]
    changes = {key: only_red(rule) if key == "ladder" else RULES[kind][key]}
    other = findings(replace(rule, **changes), kind)
    same = [
        np.array_equal(first[name], second[name], equal_nan=first[name].dtype.kind == "f")
        for first, second in zip(findings(rule, kind), other, strict=True)
        for name in first.keys() & second.keys()
    ]
    assert not all(same)


@pytest.mark.parametrize("kind", hazard.kinds)
def test_trap_02_every_key_of_a_hazard_is_in_the_table(kind: str):
    """A new kind or key without an entry fails."""
    assert {item.name for item in fields(hazard[kind])} == {"ladder", *RULES[kind]}  # type: ignore[arg-type]


# --- keys of a kind of channel, on the wire -----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Tap:
    """A line to a peer that keeps what is said to it."""

    port: int
    """Where it listens."""
    said: list[bytes] = field(default_factory=list)
    """What came, in pieces."""


@contextmanager
def tap(target: int) -> Iterator[Tap]:
    """Between a channel and a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        kept = Tap(port=listening.getsockname()[1])
        threads = [threading.Thread(target=_serve, args=(listening, target, kept))]
        threads[0].start()
        try:
            yield kept
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            threads[0].join(10)


def _serve(listening: socket.socket, target: int, kept: Tap) -> None:
    with suppress(OSError):
        ours, _ = listening.accept()
        with ours, socket.create_connection(("127.0.0.1", target)) as peer:
            back = threading.Thread(target=_pump, args=(peer, ours, []))
            back.start()
            _pump(ours, peer, kept.said)
            back.join(10)


def _pump(source: socket.socket, target: socket.socket, kept: list[bytes]) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            kept.append(piece)
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


WIRE: list[tuple[str, dict[str, Any], bytes]] = [
    ("alertmanager", {"hold": timedelta(days=3)}, b"2022-08-21"),
    ("tencent_sms", {"region": "ap-beijing"}, b"ap-beijing"),
    ("smpp", {"system_type": "VMA9"}, b"VMA9"),
    ("smpp", {"ton": 2, "npi": 8}, b"\x02\x0813800000001"),
    ("syslog", {"facility": 4}, b"<38>1"),
    ("syslog", {"hostname": "hall-7"}, b" hall-7 fengsui "),
    ("syslog", {"enterprise": 99999}, b"[fengsui@99999 "),
]
"""Kind, other values, and what the peer then reads and does not read without them."""


def on_the_wire(kind: str, keys: dict[str, Any], folder: Path) -> bytes:
    """All that a channel with other keys says to its peer when it sends."""
    secret = over_http.KEY if kind in over_http.CASES else by_protocol.KEY
    with _peer(kind) as port, tap(port) as line, Post() as post:
        means = Means(post=post, folder=folder, reveal=lambda _: secret)
        made, message = _made(kind, line.port)
        # The peer of this test may have the last word; what was said counts.
        with suppress(DeliveryError):
            replace(made, **keys).send(message, means)
        means.sessions.close()
    return b"".join(line.said)


@contextmanager
def _peer(kind: str) -> Iterator[int]:
    if kind in PROTOCOLS:
        with PROTOCOLS[kind].peer(by_protocol.KEY) as (port, _):
            yield port
    else:
        with MisbehavingReceiver(Manners(body=over_http.CASES[kind].success)) as receiver:
            yield int(receiver.url().split(":")[2].partition("/")[0])


def _made(kind: str, port: int) -> tuple[Any, Any]:
    if kind in PROTOCOLS:
        return PROTOCOLS[kind].make(port, timedelta(seconds=5)), by_protocol.message(kind)
    made = over_http.CASES[kind].make(f"http://127.0.0.1:{port}/")
    plain = over_http.message()
    return made, replace(plain, data={**plain.data, "hazard": "heat", "to": "red", "alert": "x"})


@pytest.mark.parametrize(("kind", "keys", "shown"), WIRE, ids=[f"{a}.{'+'.join(b)}" for a, b, _ in WIRE])
def test_trap_02_a_key_of_a_channel_is_seen_by_its_peer(
    kind: str, keys: dict[str, Any], shown: bytes, tmp_path: Path
):
    """The keys that no other test turns."""
    assert shown not in on_the_wire(kind, {}, tmp_path)
    assert shown in on_the_wire(kind, keys, tmp_path)


TURNED = {
    "channel": ("alerts", "contracts", "simulators", "pipeline"),
    "source": ("ingest", "contracts", "pipeline"),
}
"""Sort of plug-in -> folders of the tests that turn the keys of its kinds."""
UNTURNED: dict[str, dict[str, str]] = {
    "aliyun_voice": {"product": "a number Aliyun gives out once for its one product"},
    "mqtt": {"status_topic": "the broker tells it, see test_mqtt_channel", "client_id": "told the broker"},
    "yunmas": {
        "add_serial": "a suffix of the number, given by the operator",
        "longest": "shared with aliyun_sms and tencent_sms: alerts/gateways/sms_templates.py",
        "callback": "shared with aliyun_sms and tencent_sms: pipeline/console/inbound.py",
    },
}
"""Kind -> key -> why no test gives it another value."""
KINDS = [(sort, kind) for sort, found in (("channel", channel), ("source", source)) for kind in found.kinds]


@cache
def _texts(sort: str) -> list[str]:
    files = {file for name in TURNED[sort] for file in (ROOT / "tests" / name).rglob("*.py")}
    return [file.read_text(encoding="utf-8") for file in files - {Path(__file__)}]


def _turned(sort: str, cls: type, key: str) -> bool:
    about = [text for text in _texts(sort) if cls.__name__ in text]
    return any(re.search(rf"\b{key}=|[\"']{key}[\"']\s*:|\b{key}:\s", text) for text in about)


def _read(cls: type) -> set[str]:
    """Attributes that anything but a constructor reads, in the files of a kind and in what they import."""
    own = [Path(inspect.getfile(base)) for base in cls.__mro__ if base is not object]
    own = [file for file in own if ROOT in file.parents]
    further = [ROOT / "pipeline/console/inbound.py"]
    for file in own:
        further += [
            ROOT / f"{node.module.replace('.', '/')}.py"
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and node.module
        ]
    return {name for file in (*own, *further) if file.is_file() for name in _attributes(file)}


def _attributes(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "__post_init__":
            node.body = [ast.Pass()]
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize(("sort", "kind"), KINDS, ids=[f"{sort}.{kind}" for sort, kind in KINDS])
def test_trap_02_every_key_of_a_kind_is_read_and_turned_in_a_test(sort: str, kind: str):
    """No key is only checked and then forgotten, and some test of its kind gives it a value."""
    cls: type = (channel if sort == "channel" else source)[kind]
    keys = [item.name for item in fields(cls)]
    assert [key for key in keys if key not in _read(cls)] == []
    here = {key for one, keys_, _ in WIRE if one == kind for key in keys_}
    left = {key for key in keys if not _turned(sort, cls, key)}
    assert left - here == set(UNTURNED.get(kind, {}))
