"""What every channel promises, for the kinds that speak a protocol of their own, by real peers."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from simulators.peer import Peer, close, drip, hang
from simulators.protocols import PROTOCOLS
from simulators.receiver import closed_port

from alerts.duty.people import Person
from alerts.outgoing.delivery import Means, Message, Taken, channel
from alerts.outgoing.post import Post
from ingest.errors import ConfigMistake, DeliveryError
from ingest.secret import Secret
from pipeline.config import ChannelKeys
from pipeline.configuration.decode import decode_block
from pipeline.configuration.yaml_lines import read

ROOT = Path(__file__).resolve().parents[2]
KEY = "k3y-ours"
PHONE = "13800000001"
ADDRESS = "zhang.san@flood.example"
AMPLE, SHORT = timedelta(seconds=10), timedelta(seconds=0.4)
# Each case says aloud where a machine lacks the peer.
KINDS = [
    pytest.param(kind, marks=pytest.mark.skipif(bool(case.missing), reason=case.missing or "-"))
    for kind, case in PROTOCOLS.items()
]
LOGGED_IN = [kind for kind, case in PROTOCOLS.items() if case.secret]


def message(kind: str, key: str = "heat-1.1:flood:zhang:0") -> Message:
    """A message to one officer."""
    addresses = {"email": ADDRESS} if kind == "email" else {}
    return Message(
        key=key,
        text="荣昌区高温红色预警建议",
        recipient=Person(name="张三", phone=PHONE, channels=(kind,), addresses=addresses),
        subsystem="flood",
        data={"reason": "opened", "hazard": "heat"},
        at=datetime(2022, 8, 18, 1, 0, tzinfo=UTC),
        channel=kind,
    )


@pytest.fixture
def means(tmp_path: Path):
    """What channels may use; not one thread is left behind."""
    before = set(threading.enumerate())
    with Post() as post:
        means = Means(post=post, folder=tmp_path, reveal=lambda _: KEY)
        yield means
        means.sessions.close()
    assert {one for one in threading.enumerate() if one not in before} == set()


def settled(came: Callable[[], list[tuple[str, bytes]]], count: int) -> list[tuple[str, bytes]]:
    """What came, once so much has."""
    until = time.monotonic() + 5
    while len(came()) < count and time.monotonic() < until:
        time.sleep(0.01)
    return came()


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_is_taken(kind: str, means: Means, caplog: pytest.LogCaptureFixture):
    """By a real peer; neither the word for it nor a log of ours holds a number or a secret."""
    caplog.set_level(logging.DEBUG)
    case = PROTOCOLS[kind]
    with case.peer(KEY) as (port, came):
        one = case.make(port, AMPLE)
        taken = one.send(message(kind), means)
        assert isinstance(taken, Taken)
        assert len(settled(came, 1)) == 1
        means.sessions.close()
    ours = "".join(one.getMessage() for one in caplog.records if one.name != "mail.log")
    told = repr(taken) + repr(one) + ours
    assert not any(hidden in told for hidden in (KEY, PHONE, ADDRESS))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_key_twice_is_harmless(kind: str, means: Means):
    """Taken both times; under one id, where the protocol has one by which a repeat is known."""
    case = PROTOCOLS[kind]
    with case.peer(KEY) as (port, came):
        one = case.make(port, AMPLE)
        references = {one.send(message(kind), means).reference for _ in range(2)}
        ids = {id for id, _ in settled(came, 2)}
        means.sessions.close()
    assert len(ids) == len(references) == (1 if case.knows_repeats else 2)


@pytest.mark.parametrize("kind", KINDS)
def test_several_threads_send_at_once(kind: str, means: Means):
    """None is lost and none raises."""
    case = PROTOCOLS[kind]
    with case.peer(KEY) as (port, came), ThreadPoolExecutor(4) as pool:
        one = case.make(port, AMPLE)
        list(pool.map(lambda n: one.send(message(kind, f"k{n}"), means), range(24)))
        assert len({id for id, _ in settled(came, 24)}) == 24
        means.sessions.close()


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_character_stops_nothing(kind: str, means: Means):
    """A text that no encoding can write is sent with a mark in its place."""
    case = PROTOCOLS[kind]
    with case.peer(KEY) as (port, came):
        case.make(port, AMPLE).send(replace(message(kind), text="荣昌\ud800区"), means)
        assert len(settled(came, 1)) == 1
        means.sessions.close()


@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_the_officer_stays_at_home(kind: str, means: Means):
    """Unless the peer calls it, nothing that leaves and no file holds the phone number."""
    case = PROTOCOLS[kind]
    with case.peer(KEY) as (port, came):
        case.make(port, AMPLE).send(message(kind), means)
        left = [content for _, content in settled(came, 1)]
        means.sessions.close()
    left += [file.read_bytes() for file in means.folder.iterdir()]
    assert left
    assert not any(PHONE.encode() in content for content in left)


@pytest.mark.parametrize("kind", [kind for kind in PROTOCOLS if PROTOCOLS[kind].secret])
def test_a_wrong_secret_is_the_gateways_fault(kind: str, means: Means):
    """The next channel for everybody, and the operator is told."""
    case = PROTOCOLS[kind]
    if case.missing:
        pytest.skip(case.missing)
    with case.peer("another1") as (port, came):
        with pytest.raises(DeliveryError) as caught:
            case.make(port, AMPLE).send(message(kind), means)
        assert came() == []
    assert (caught.value.retry, caught.value.gateway) == (False, True)


@pytest.mark.parametrize("talk", [hang, drip, close])
@pytest.mark.parametrize("kind", PROTOCOLS)
def test_trap_3_a_time_out_comes_within_the_deadline(kind: str, talk, means: Means):
    """For four at once; it may be tried again, and names neither secret nor person."""
    with Peer(talk) as peer, ThreadPoolExecutor(4) as pool:
        one = PROTOCOLS[kind].make(peer.port, SHORT)
        started = time.monotonic()
        sends = [pool.submit(one.send, message(kind, f"k{n}"), means) for n in range(4)]
        errors = [send.exception(timeout=10) for send in sends]
        assert time.monotonic() - started < SHORT.total_seconds() + 1.5
    assert all(isinstance(error, DeliveryError) and error.retry for error in errors)
    told = "".join(map(str, errors))
    assert not any(hidden in told for hidden in (KEY, PHONE, ADDRESS, str(means.folder)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_dead_receiver_does_not_keep_others_from_theirs(kind: str, means: Means):
    """Three receivers, the first dead, the second silent: the third gets its message, in time."""
    case = PROTOCOLS[kind]
    with (
        Peer(hang) as silent,
        case.peer(KEY) as (port, came),
        ThreadPoolExecutor(3) as pool,
    ):
        receivers = [(closed_port(), SHORT), (silent.port, SHORT), (port, AMPLE)]
        sends = [
            pool.submit(case.make(where, deadline).send, message(kind), means)
            for where, deadline in receivers
        ]
        assert isinstance(sends[2].result(timeout=10), Taken)
        assert all(isinstance(send.exception(timeout=10), DeliveryError) for send in sends[:2])
        assert len(settled(came, 1)) == 1
        means.sessions.close()


@pytest.mark.parametrize("kind", LOGGED_IN)
def test_a_missing_secret_is_a_delivery_error(kind: str, means: Means):
    """The outbox handles one sort of error; the sentence says where the secret belongs."""

    def missing(secret: Secret) -> str:
        raise ConfigMistake(f"{secret.where} is not set")

    with pytest.raises(DeliveryError, match="HOOK is not set") as caught:
        PROTOCOLS[kind].make(closed_port(), AMPLE).send(
            message(kind), replace(means, reveal=missing)
        )
    assert caught.value.retry


def test_fengsui_starts_without_the_optional_libraries():
    """And loads none of them before a channel needs it."""
    script = (
        "import sys; sys.modules.update(smpplib=None, paho=None); import alerts.channels;"
        "from alerts.outgoing.delivery import channel; print(*channel.kinds)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(PROTOCOLS) <= set(done.stdout.split())


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_a_block_is_read_as_it_is_documented(kind: str, tmp_path: Path):
    """Every key of the example is one of the kind, and of its type."""
    (tmp_path / "channels.yaml").write_text(BLOCKS, encoding="utf-8")
    document = read(tmp_path / "channels.yaml")
    keys, sender = decode_block(ChannelKeys, channel, document, (kind,))
    assert (keys.kind, type(sender)) == (kind, channel[kind])


BLOCKS = """
email:
  kind: email
  host: mail.rongchang.example
  sender: warning@rongchang.example
  user: warning
  password: {file: secrets/mail}
  tls: starttls
  deadline: 20s
mqtt:
  kind: mqtt
  host: mqtt.rongchang.example
  topic: fengsui/{subsystem}/{hazard}
  status_topic: fengsui/status
  user: fengsui
  password: {file: secrets/mqtt}
syslog: {kind: syslog, host: 10.0.0.9, port: 6514, transport: tls, facility: 16}
smpp:
  kind: smpp
  host: 10.0.0.8
  system_id: rongchang
  password: {env: FENGSUI_SMPP}
  source: "1069000112379"
  prefix: "86"
  ids: decimal
"""
