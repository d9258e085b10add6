"""Calls over Aliyun, against a service on loopback that verifies as the vendor does."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from simulators.aliyun import KEY_ID, SECRET, Aliyun
from simulators.receiver import Conduct, MisbehavingReceiver

from alerts.channels.aliyun_voice import AliyunVoice, short_id
from alerts.duty.people import Person
from alerts.outgoing.delivery import (
    Asking,
    Batching,
    Hearing,
    Means,
    Message,
    Pending,
    Receipt,
    Sign,
)
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError
from ingest.secret import Secret

NOW = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
PHONE = "13800000001"
OURS = "02366668888"
OPENED = {"hazard": "heat", "reason": "opened", "to": "red", "at": NOW.isoformat()}
MESSAGE = Message(
    key="msg_0123456789abcdef0123456789abcdef01234567",
    text="荣昌区高温红色预警建议",
    recipient=Person(name="张三", phone=PHONE, channels=("voice",)),
    subsystem="flood",
    data=OPENED,
    at=NOW,
)
PENDING = Pending(key=MESSAGE.key, reference="000000000001^0", phone=PHONE, sent_at=NOW)
RECORD = {
    "caller": OURS,
    "callee": PHONE,
    "gmtCreate": "2026-07-01 18:00:58",
    "startDate": "2026-07-01 18:01:00",
    "endDate": "2026-07-01 18:01:16",
    "duration": 16,
    "state": "200000",
    "stateDesc": "用户接听",
}


@pytest.fixture
def means(tmp_path: Path):
    """A way out and both parts of the key."""
    said = {"KEY_ID": KEY_ID, "KEY_SECRET": SECRET}
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda secret: said[secret.env or ""])


@pytest.fixture
def aliyun():
    """The vendor."""
    with Aliyun() as opened:
        yield opened


def voice(endpoint: str = "https://dyvmsapi.example", **parts: Any) -> AliyunVoice:
    """The channel under test."""
    whole: dict[str, Any] = {
        "access_key_id": Secret(env="KEY_ID"),
        "access_key_secret": Secret(env="KEY_SECRET"),
        "templates": {"default": "TTS_1", "exercise": "TTS_9"},
        "parameters": {"level": "level"},
        "endpoint": endpoint,
    }
    return AliyunVoice(**(whole | parts))


def asked(aliyun: Aliyun, means: Means, *messages: Pending) -> tuple[Receipt, ...]:
    """What the vendor says when it is asked ten minutes later."""
    return voice(aliyun.endpoint).ask(messages, means, NOW + timedelta(minutes=10)).receipts


def test_it_asks_and_neither_batches_nor_hears():
    """By the protocols the outbox looks for."""
    assert isinstance(voice(), Asking)
    assert not isinstance(voice(), Batching | Hearing)


def test_a_call_is_placed(aliyun: Aliyun, means: Means):
    """One number, twice read, under its template; the reference is the CallId."""
    taken = voice(aliyun.endpoint).send(MESSAGE, means)
    given = dict(aliyun.calls[0].given)
    assert taken.reference == "000000000001^000000000000"
    assert len(given.pop("OutId")) == 15
    assert given == {
        "CalledNumber": PHONE,
        "TtsCode": "TTS_1",
        "TtsParam": '{"level":"红色"}',
        "PlayTimes": "2",
        "Volume": "100",
        "Speed": "0",
    }


@pytest.mark.parametrize(
    ("field", "value", "sent"),
    [
        ("called_show_number", OURS, {"CalledShowNumber": OURS}),
        ("play_times", 3, {"PlayTimes": "3"}),
        ("volume", 0, {"Volume": "0"}),
        ("speed", -500, {"Speed": "-500"}),
    ],
)
def test_every_setting_has_an_effect(field: str, value: Any, sent: dict[str, str], aliyun, means):
    """Trap: a key in the configuration with no code behind it."""
    voice(aliyun.endpoint, **{field: value}).send(MESSAGE, means)
    assert sent.items() <= aliyun.calls[0].given.items()


def test_a_fixed_text_has_no_variables(aliyun: Aliyun, means: Means):
    """Templates without variables take no TtsParam."""
    voice(aliyun.endpoint, parameters={}).send(MESSAGE, means)
    assert "TtsParam" not in aliyun.calls[0].given


def test_variables_stay_below_the_limit_together(aliyun: Aliyun, means: Means):
    """TtsParam has fewer than 250 characters, whatever each variable may have."""
    wordy = replace(MESSAGE, text="高温" * 200)
    facts = {f"words_{n}": "text" for n in range(4)}
    voice(aliyun.endpoint, parameters=facts, longest=200).send(wordy, means)
    said = aliyun.calls[0].given["TtsParam"]
    assert 200 < len(said) < 250
    assert len(set(json.loads(said).values())) == 1


@given(st.text())
def test_the_out_id_is_short_and_stable(key: str):
    """1 to 15 bytes; the same for a repeat."""
    if not any("\ud800" <= character <= "\udfff" for character in key):
        assert short_id(key) == short_id(key)
        assert 1 <= len(short_id(key).encode()) <= 15


def test_different_messages_have_different_out_ids():
    """Also where their keys differ at the end only."""
    assert len({short_id(f"{MESSAGE.key}{n}") for n in range(1000)}) == 1000


def test_a_drill_goes_out_under_its_own_template(aliyun: Aliyun, means: Means):
    """And not at all where there is none."""
    drill = replace(MESSAGE, data={**OPENED, "exercise": "汛前演练"})
    voice(aliyun.endpoint).send(drill, means)
    with pytest.raises(DeliveryError, match="drill") as caught:
        voice(aliyun.endpoint, templates={"default": "TTS_1"}).send(drill, means)
    assert not caught.value.retry
    assert [call.given["TtsCode"] for call in aliyun.calls] == ["TTS_9"]


def test_a_cap_per_number_is_final(aliyun: Aliyun, means: Means):
    """Trap: 1 a minute, 5 an hour, 20 in 24 hours. It is that number's alone and not tried again."""
    aliyun.illegal = {PHONE: "isv.BUSINESS_LIMIT_CONTROL"}
    with pytest.raises(DeliveryError, match="BUSINESS_LIMIT_CONTROL") as caught:
        voice(aliyun.endpoint).send(MESSAGE, means)
    assert (caught.value.retry, caught.value.gateway) == (False, False)


def test_an_answered_call_is_delivered_and_no_more(aliyun: Aliyun, means: Means):
    """Trap: a connected call is not a 叫应. It is neither read nor an acknowledgement."""
    aliyun.record = RECORD
    (receipt,) = asked(aliyun, means, PENDING)
    assert receipt.sign is Sign.DELIVERED
    assert receipt.detail == "connected"
    assert (receipt.key, receipt.at) == (MESSAGE.key, datetime(2026, 7, 1, 10, 1, tzinfo=UTC))


@pytest.mark.parametrize("state", ["200001", "200002", "200005", 200010, "busy"])
def test_a_call_nobody_answered_is_undelivered(state: Any, aliyun: Aliyun, means: Means):
    """With the state in the vendor's words, so that the next channel is used."""
    aliyun.record = {**RECORD, "state": state, "stateDesc": "被叫无应答", "startDate": ""}
    (receipt,) = asked(aliyun, means, PENDING)
    assert (receipt.sign, receipt.detail) == (Sign.UNDELIVERED, "被叫无应答")
    assert receipt.at == datetime(2026, 7, 1, 10, 1, 16, tzinfo=UTC)


def test_a_state_without_words_stands_for_itself(aliyun: Aliyun, means: Means):
    """And a number in the words is left out."""
    aliyun.record = {"state": "200002"}
    assert asked(aliyun, means, PENDING)[0].detail == "200002"
    aliyun.record = {"state": "200002", "stateDesc": f"{PHONE}占线"}
    assert asked(aliyun, means, PENDING)[0].detail == "…占线"


@pytest.mark.parametrize(
    "record", [None, "", "{}", "null", "[]", "{", {"state": ""}, {"state": None}, {"state": []}]
)
def test_a_call_under_way_tells_nothing(record: Any, aliyun: Aliyun, means: Means):
    """Data is JSON in a string; what cannot be read is no sign of life."""
    aliyun.record = record
    assert asked(aliyun, means, PENDING) == ()


@pytest.mark.parametrize(
    ("sent", "since"),
    [
        (NOW, datetime(2026, 7, 1, 9, 55, tzinfo=UTC)),
        (datetime(2026, 6, 30, 16, 1, tzinfo=UTC), datetime(2026, 6, 30, 16, 0, tzinfo=UTC)),
    ],
)
def test_a_call_is_looked_for_on_its_day(sent: datetime, since: datetime, aliyun, means: Means):
    """From a little before it on, on the Beijing day of the call, under the product of such calls."""
    aliyun.record = RECORD
    asked(aliyun, means, replace(PENDING, sent_at=sent))
    assert aliyun.calls[0].given == {
        "CallId": PENDING.reference,
        "ProdId": "11010000138001",
        "QueryDate": str(int(since.timestamp()) * 1000),
    }


def test_a_call_without_an_id_is_not_asked_for(aliyun: Aliyun, means: Means):
    """Nothing could be asked."""
    assert asked(aliyun, means, replace(PENDING, reference="")) == ()
    assert aliyun.calls == []


def test_no_secret_and_no_number_is_told(means: Means, caplog: pytest.LogCaptureFixture):
    """Not by an error, a log, or a repr, though the request line holds the number."""
    caplog.set_level(logging.DEBUG)
    told = [repr(voice(called_show_number=OURS))]
    for conduct in (Conduct(manner="close"), Conduct(status=404), Conduct(body=b"no")):
        with MisbehavingReceiver(conduct) as receiver, pytest.raises(DeliveryError) as caught:
            voice(receiver.url("").rstrip("/")).send(MESSAGE, means)
        told.append(str(caught.value))
    for hidden in (PHONE, OURS, SECRET, KEY_ID):
        assert not any(hidden in text for text in [*told, caplog.text])


BLOCK = {
    "access_key_id": {"env": "KEY_ID"},
    "access_key_secret": {"file": "aliyun.secret"},
    "templates": {"default": "TTS_1"},
}


def test_a_block_is_read():
    """Templates and secrets; the rest by default."""
    read = TypeAdapter(AliyunVoice).validate_json(json.dumps({**BLOCK, "deadline": "5s"}))
    assert (read.deadline, read.play_times, read.called_show_number) == (timedelta(seconds=5), 2, None)
    assert read.endpoint == "https://dyvmsapi.aliyuncs.com"


@pytest.mark.parametrize(
    "change",
    [
        {"templates": {}},
        {"parameters": {"level": "colour"}},
        {"play_times": 0},
        {"play_times": 4},
        {"volume": 101},
        {"speed": 501},
        {"speed": "0"},
        {"longest": 0},
        {"endpoint": "dyvmsapi.aliyuncs.com"},
        {"access_key_secret": "inline"},
        {"sign_name": "荣昌气象"},
    ],
)
def test_a_mistaken_block_is_refused(change: dict[str, Any]):
    """What the vendor would refuse stops the start."""
    with pytest.raises(ValidationError):
        TypeAdapter(AliyunVoice).validate_json(json.dumps({**BLOCK, **change}))
