"""MQTT against a real mosquitto: acknowledged, authorised, with a status that tells the truth."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from simulators.mqtt_broker import PASSWORD, USER, Broker, mosquitto, subscriber
from simulators.peer import Peer, close, drip, hang
from simulators.receiver import closed_port, self_signed

from alerts.channels.mqtt import Mqtt
from alerts.duty.people import Person
from alerts.outgoing.delivery import Means, Message
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError
from ingest.secret import Secret

PHONE = "13800000001"
needs_mosquitto = pytest.mark.skipif(
    mosquitto() is None, reason="mosquitto is not installed: no proof by a real broker"
)


@pytest.fixture
def means(tmp_path: Path):
    """What the channel may use; every connection and thread of it ends with the test."""
    with Post() as post:
        means = Means(post=post, folder=tmp_path, reveal=lambda _: PASSWORD)
        yield means
        means.sessions.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("paho")]


@pytest.fixture
def broker(tmp_path: Path):
    """A mosquitto in the clear."""
    with Broker(folder=tmp_path) as running:
        yield running


def message(**more) -> Message:
    """A message to one officer."""
    told = {
        "key": "heat-1.1:flood:zhang:0",
        "text": "荣昌区高温红色预警建议",
        "recipient": Person(name="张三", phone=PHONE, channels=("mqtt",)),
        "subsystem": "flood",
        "data": {"alert": "heat-1", "hazard": "heat", "to": "red", "reason": "opened"},
        "at": datetime(2022, 8, 18, 1, 0, tzinfo=UTC),
        "channel": "mqtt",
    }
    return Message(**{**told, **more})


def to(port: int, **more) -> Mqtt:
    """A channel to a broker on this machine."""
    keys = {"user": USER, "password": Secret(env="MQTT"), "tls": False, "port": port}
    return Mqtt(host="127.0.0.1", **{**keys, "deadline": timedelta(seconds=5), **more})


def refused(channel: Mqtt, means: Means, one: Message | None = None) -> DeliveryError:
    """The error of one send, which tells neither number nor password."""
    with pytest.raises(DeliveryError) as caught:
        channel.send(one or message(), means)
    assert not any(hidden in str(caught.value) for hidden in (PASSWORD, PHONE))
    return caught.value


@needs_mosquitto
def test_words_and_facts_arrive_under_their_topic(broker: Broker, means: Means):
    """As JSON with its key, and without the number of the officer."""
    with subscriber(broker.port, "fengsui/flood/#") as came:
        taken = to(broker.port).send(message(), means)
        arrived = came.get(timeout=5)
    told = json.loads(arrived.payload)
    assert arrived.topic == "fengsui/flood/heat"
    assert (told["key"], taken.reference) == (message().key, message().key)
    assert (told["data"]["to"], told["data"]["text"]) == ("red", message().text)
    assert dict(arrived.properties.UserProperty) == {"fengsui-key": message().key}
    assert PHONE.encode() not in arrived.payload


@needs_mosquitto
def test_an_address_on_file_is_the_topic(broker: Broker, means: Means):
    """Wildcards in it mean nothing."""
    person = replace(message().recipient, addresses={"mqtt": "fengsui/led/+/#"})
    with subscriber(broker.port, "fengsui/led/#") as came:
        to(broker.port).send(message(recipient=person), means)
        assert came.get(timeout=5).topic == "fengsui/led/_/_"


@needs_mosquitto
def test_one_connection_carries_many_messages(broker: Broker, means: Means):
    """From several threads; none is lost."""
    with subscriber(broker.port, "fengsui/flood/#") as came:
        one = to(broker.port)
        sends = [
            threading.Thread(target=one.send, args=(message(key=f"k{n}"), means)) for n in range(24)
        ]
        for send in sends:
            send.start()
        for send in sends:
            send.join()
        keys = {json.loads(came.get(timeout=5).payload)["key"] for _ in range(24)}
    assert len(keys) == 24
    assert len([one for one in threading.enumerate() if one.name.startswith("paho")]) == 1


@needs_mosquitto
def test_the_status_is_retained(broker: Broker, means: Means):
    """Online while connected; offline once Fengsui closes, for who asks later as well."""
    to(broker.port).send(message(), means)
    with subscriber(broker.port, "fengsui/status") as came:
        assert came.get(timeout=5).payload == b"online"
        means.sessions.close()
        assert came.get(timeout=5).payload == b"offline"
    with subscriber(broker.port, "fengsui/status") as came:
        later = came.get(timeout=5)
    assert (later.payload, later.retain) == (b"offline", True)


@needs_mosquitto
def test_a_death_is_told_by_the_last_will(broker: Broker, means: Means):
    """The broker says offline where the connection breaks without a goodbye."""
    one = to(broker.port)
    one.send(message(), means)
    with subscriber(broker.port, "fengsui/status") as came:
        assert came.get(timeout=5).payload == b"online"
        other = Means(post=means.post, folder=means.folder, reveal=means.reveal)
        one.send(message(), other)  # the same client id: the broker drops the first connection
        told = [came.get(timeout=5).payload for _ in range(2)]
        other.sessions.close()
    assert sorted(told) == [b"offline", b"online"]


@needs_mosquitto
def test_a_broker_that_comes_back_is_used_again(broker: Broker, means: Means):
    """Gone: tried again later; back: the next message passes over a new connection."""
    one = to(broker.port)
    one.send(message(), means)
    broker.stop()
    assert refused(one, means).retry
    broker.start()
    assert one.send(message(), means).reference


@needs_mosquitto
def test_a_wrong_password_is_the_gateways_fault(broker: Broker, means: Means):
    """Next channel for everybody, and the operator is told."""
    other = Means(post=means.post, folder=means.folder, reveal=lambda _: "wrong")
    error = refused(to(broker.port), other)
    assert (error.retry, error.gateway) == (False, True)


@needs_mosquitto
def test_a_topic_the_acl_forbids_is_final(broker: Broker, means: Means):
    """Nothing is taken silently: the broker's reason code is read."""
    error = refused(to(broker.port, topic="elsewhere/{subsystem}"), means)
    assert (error.retry, error.gateway) == (False, False)
    assert "ACL" in str(error)


@needs_mosquitto
def test_tls_is_verified(tmp_path: Path, means: Means):
    """With the authority named it is sent; a wrong certificate fails (trap 7)."""
    identity = self_signed(tmp_path)
    with Broker(folder=tmp_path, tls=identity) as broker:
        trusted = to(broker.port, tls=True, ca_file=str(identity[0]))
        assert trusted.send(message(), means).reference
        error = refused(to(broker.port, tls=True), means)
        means.sessions.close()
    assert (error.retry, error.gateway) == (False, True)


@pytest.mark.parametrize("talk", [hang, drip, close])
@pytest.mark.parametrize("tls", [False, True])
def test_trap_3_a_broker_that_hangs_is_cut_at_the_deadline(talk, tls: bool, means: Means):
    """In the handshake as well as after it."""
    with Peer(talk) as peer:
        started = time.monotonic()
        error = refused(to(peer.port, tls=tls, deadline=timedelta(seconds=0.4)), means)
    assert error.retry
    assert time.monotonic() - started < 2


@needs_mosquitto
def test_a_broker_that_freezes_is_cut_at_the_deadline(broker: Broker, means: Means):
    """After the login: what was not acknowledged does not count as taken, and nothing hangs on it."""
    one = to(broker.port, deadline=timedelta(seconds=1))
    one.send(message(), means)
    broker.freeze()
    started = time.monotonic()
    assert refused(one, means).retry
    assert time.monotonic() - started < 2.5


def test_a_broker_that_is_not_there_is_tried_again(means: Means):
    """Refused connections."""
    assert refused(to(closed_port()), means).retry


@pytest.mark.parametrize(
    "keys",
    [
        {"host": "mqtt.example", "tls": False},
        {"topic": "fengsui/#"},
        {"topic": "fengsui/{phone}"},
        {"user": None},
        {"ca_file": "ca.pem"},
    ],
)
def test_what_cannot_work_is_refused_at_start(keys):
    """Clear text across the network, wildcards, unknown names, half a login, a path of nowhere."""
    whole = {"host": "127.0.0.1", "user": USER, "password": Secret(env="MQTT"), "tls": False}
    with pytest.raises(ValueError, match=r"topic|give|tls|ca_file"):
        Mqtt(**{**whole, **keys})


def test_a_missing_library_is_named_at_start(monkeypatch: pytest.MonkeyPatch):
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, "paho", None)
    with pytest.raises(ValueError, match=r'pip install "fengsui\[mqtt\]"'):
        to(1883)


@needs_mosquitto
def test_logs_tell_no_secret(broker: Broker, means: Means, caplog: pytest.LogCaptureFixture):
    """Neither password nor number, at any level of detail."""
    caplog.set_level(logging.DEBUG)
    one = to(broker.port)
    one.send(message(), means)
    assert not any(hidden in caplog.text + repr(one) for hidden in (PASSWORD, PHONE))


def test_unreadable_facts_are_final(means: Means):
    """Another attempt would not mend them."""
    assert not refused(to(9), means, message(data={"value": float("nan")})).retry
