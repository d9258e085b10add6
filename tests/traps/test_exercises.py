"""Trap 17: what is a drill says so on every wire, and a receiver of ours does not act on it."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
from fakes import AT
from simulators.protocols import PROTOCOLS, Came
from simulators.receiver import Conduct, MisbehavingReceiver
from stage import KEY, alarmed, until

from alerts.channels.aliyun_sms import AliyunSms
from alerts.channels.aliyun_voice import AliyunVoice
from alerts.channels.tencent_sms import TencentSms
from alerts.duty import routing
from alerts.duty.people import Person
from alerts.outgoing import dispatch
from alerts.outgoing.delivery import Delivery, Means, Message, channel
from alerts.outgoing.post import Post
from alerts.record import store
from ingest.database import reading
from ingest.errors import DeliveryError
from pipeline.ports import Ports
from pipeline.wiring import desk_of
from tests.contracts.test_channel_contract import CASES

DRILL = "汛前全流程演练"
TEMPLATED = (AliyunSms, AliyunVoice, TencentSms)


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> Message:
    """The message of a red alert of a drill, as the desk of a drill writes it."""
    with alarmed(tmp_path_factory.mktemp("drill")) as ports:
        (row,) = _rows(ports, DRILL)[:1]
    person = Person(name="张三", phone="13800000001", channels=("x",), addresses={"x": "a@b.example"})
    return Message(
        key=row.key, text=row.text, recipient=person, subsystem="flood", data=row.data, at=AT, channel="x"
    )


def _rows(ports: Ports, exercise: str | None) -> list[Delivery]:
    with reading(ports.engine) as connection:
        (change,) = store.transitions(connection)
    desk = desk_of(ports.config, ports.link_key, "http://127.0.0.1", exercise)
    notices = routing.route(change, ports.config.routes, change.at)
    return dispatch.deliveries(change, notices, desk, change.at)


@pytest.fixture
def means(tmp_path: Path):
    """What channels may use."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda _: KEY)


def readable(raw: bytes) -> str:
    """What is on the wire, with its transport encodings undone."""
    plain = unquote_plus(raw.decode("utf-8", "replace"))
    plain += plain.encode().decode("unicode_escape", "replace")
    for word in re.findall(rb"[A-Za-z0-9+/=\r\n]{24,}", raw):
        try:
            plain += base64.b64decode(word.replace(b"\r\n", b"")).decode("utf-8", "replace")
        except ValueError:
            continue
    return plain + raw.decode("utf-16-be", "replace") + raw[1:].decode("utf-16-be", "replace")


def test_every_kind_is_tried():
    """A new kind of channel is tried with a drill too."""
    assert set(channel.kinds) == {*CASES, *PROTOCOLS}


@pytest.mark.parametrize("kind", sorted(CASES))
def test_trap_17_a_drill_is_marked_on_every_http_wire(kind: str, drilled: Message, means: Means):
    """A Test warning and a tsunami test went out as real (brightsky#166, nws_alerts#13).

    The body that leaves names the exercise. A gateway of fixed templates sends nothing of a drill unless a
    template was approved that says so: the words for real weather are never used.
    """
    with MisbehavingReceiver(Conduct(body=CASES[kind].success)) as receiver:
        one = CASES[kind].make(receiver.url())
        if isinstance(one, TEMPLATED):
            with pytest.raises(DeliveryError):
                one.send(drilled, means)
            assert receiver.seen == []
            one = replace(one, templates={"exercise": "T_9", "default": "T_1"})
        one.send(drilled, means)
    left = [seen.path.encode() + b" " + seen.body for seen in receiver.seen]
    left += [file.read_bytes() for file in means.folder.iterdir()]
    assert left
    marked = "T_9" if isinstance(one, TEMPLATED) else "演练"
    assert all(marked in readable(content) for content in left)
    assert not any("T_1" in readable(content) for content in left)


@pytest.mark.parametrize("kind", [kind for kind in PROTOCOLS if not PROTOCOLS[kind].missing])
def test_trap_17_a_drill_is_marked_on_every_other_wire(kind: str, drilled: Message, means: Means):
    """Mail, MQTT, SMPP and syslog likewise."""
    case, short = PROTOCOLS[kind], replace(means, reveal=lambda _: "k3y-ours")
    person = drilled.recipient if kind == "email" else replace(drilled.recipient, addresses={})
    with case.peer("k3y-ours") as (port, came):
        case.make(port, timedelta(seconds=10)).send(replace(drilled, recipient=person), short)
        found: list[bytes] = []
        until(lambda: _more(found, came), 10)
        means.sessions.close()
    assert any("演练" in readable(content) for content in found)


def _more(found: list[bytes], came: Came) -> list[bytes]:
    found += [content for _, content in came()]
    return found


@pytest.mark.parametrize("exercise", [None, DRILL])
def test_trap_17_status_is_actual_or_exercise_and_never_left_out(tmp_path: Path, exercise: str | None):
    """An importer drops what is not Actual: every payload must say which it is."""
    with alarmed(tmp_path) as ports:
        rows = _rows(ports, exercise)
    wanted = "Actual" if exercise is None else "Exercise"
    assert rows
    assert {row.data.get("status") for row in rows} == {wanted}
    assert {row.data.get("exercise") for row in rows} == {exercise}
    assert all(("演练" in row.text) is (exercise is not None) for row in rows)
