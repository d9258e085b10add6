"""The signed webhook: what leaves, and what is believed of the answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError
from simulators.receiver import Conduct, MisbehavingReceiver

from alerts.channels.webhook import Webhook
from alerts.duty.people import Person
from alerts.gateways.standard_webhooks import verify
from alerts.outgoing.delivery import Means, Message
from alerts.outgoing.post import Post
from ingest.errors import ConfigMistake, DeliveryError
from ingest.secret import Secret

KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
OLD = "whsec_ZmVuZ3N1aS1mb3JtZXItc2VjcmV0LTAwMDE="
PHONE = "13800000001"
NOW = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
MESSAGE = Message(
    key="heat-1.1:flood:zhang:0:webhook",
    text="荣昌区高温红色预警建议",
    recipient=Person(name="张三", phone=PHONE, channels=("webhook",)),
    subsystem="flood",
    data={"reason": "raised", "level": "red", "places": {"changyuan": "red"}},
    at=NOW,
)


@pytest.fixture
def means(tmp_path: Path):
    """A way out and the secret."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda _: KEY)


def hook(url: str, **more) -> Webhook:
    """The channel under test."""
    return Webhook(url=url, secret=Secret(env="FENGSUI_HOOK"), **more)


def refusal(conduct: Conduct, means: Means, **more) -> DeliveryError:
    """The error a conduct leads to."""
    with MisbehavingReceiver(conduct) as receiver, pytest.raises(DeliveryError) as caught:
        hook(receiver.url("/hooks/s3cr3t-path"), **more).send(MESSAGE, means)
    return caught.value


def said(body: object) -> Conduct:
    """A 200 with a JSON body."""
    return Conduct(body=json.dumps(body).encode())


def test_what_leaves_is_signed_json_with_words_and_facts(means: Means):
    """Type by reason, time with Z, the facts, the words, who and which subsystem."""
    with MisbehavingReceiver() as receiver:
        taken = hook(receiver.url()).send(MESSAGE, means)
    seen = receiver.seen[0]
    verify(KEY, seen.headers, seen.body, NOW)
    assert seen.headers["webhook-id"] == taken.reference == MESSAGE.key
    assert seen.headers["content-type"] == "application/json"
    assert json.loads(seen.body) == {
        "type": "alert.raised",
        "timestamp": "2026-07-01T10:00:00Z",
        "data": {
            **MESSAGE.data,
            "text": MESSAGE.text,
            "recipient": "张三",
            "subsystem": "flood",
        },
    }
    assert PHONE.encode() not in seen.body


def test_a_key_in_chinese_becomes_a_header_field(means: Means):
    """Fields are ASCII: other characters are percent-encoded, one to one."""
    message = Message(**{**vars(MESSAGE), "key": "预警 1%"})
    with MisbehavingReceiver() as receiver:
        hook(receiver.url()).send(message, means)
    assert receiver.seen[0].headers["webhook-id"] == "%E9%A2%84%E8%AD%A6%201%25"


@pytest.mark.parametrize("bad", [float("nan"), {1, 2}, "\ud800"])
def test_facts_that_are_no_json_are_a_defect(means: Means, bad):
    """NaN is no JSON; no attempt can mend that, and nothing is sent."""
    message = Message(**{**vars(MESSAGE), "data": {"value": bad}})
    with MisbehavingReceiver() as receiver, pytest.raises(DeliveryError) as caught:
        hook(receiver.url()).send(message, means)
    assert not caught.value.retry
    assert receiver.seen == []


@pytest.mark.parametrize(
    "body",
    [
        {"error": "no"},
        {"error": {"code": 7}},
        {"success": False},
        {"accepted": False},
        {"accepted": True, "error": "disk full"},
    ],
)
def test_a_200_that_denies_is_a_refusal(means: Means, body):
    """A plain denial at the top level counts even where nothing is configured."""
    error = refusal(said(body), means)
    assert error.retry
    assert "answered 200" in str(error)


@pytest.mark.parametrize(
    "body",
    [b"", b"ok", b"<html>", b"[]", b"0", b"null", b'{"error":null,"success":true}', b"[" * 99999],
)
def test_a_2xx_that_denies_nothing_is_taken(means: Means, body):
    """Many receivers answer with nothing, or with a word."""
    with MisbehavingReceiver(Conduct(status=202, body=body)) as receiver:
        assert hook(receiver.url()).send(MESSAGE, means).detail == "HTTP 202"


@pytest.mark.parametrize(
    ("name", "value", "body"),
    [
        ("errcode", 0, {"errcode": 0, "errmsg": "ok"}),
        ("code", "OK", {"code": "OK"}),
        ("Response.Set.Code", "Ok", {"Response": {"Set": {"Code": "Ok"}}}),
        ("ok", True, {"ok": True}),
    ],
)
def test_the_configured_field_tells_success(means: Means, name, value, body):
    """Also inside other objects."""
    with MisbehavingReceiver(said(body)) as receiver:
        hook(receiver.url(), success_field=name, success_value=value).send(MESSAGE, means)
    assert len(receiver.seen) == 1


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"errcode":310000,"errmsg":"keywords not in content"}', "310000"),
        (b'{"errcode":45009,"errmsg":"api freq out of limit"}', "45009"),
        (b'{"errcode":"0"}', "'0'"),
        (b'{"errcode":false}', "False"),
        (b'{"errcode":null}', "missing"),
        (b'{"errcode":{"errcode":0}}', "no single value"),
        (b'{"errcode":0,"error":"but"}', '"error"'),
        (b'{"status":1111,"wait":5,"source":"x5","punish":"deny"}', "missing"),
        (b"[0]", "missing"),
        (b"0", "missing"),
        (b"", "missing"),
        (b"<html><body>errcode 0</body></html>", "missing"),
    ],
)
def test_a_200_with_another_code_is_a_refusal(means: Means, body, shown):
    """The trap of every chat robot: 200 with the error inside; the sentence says what came."""
    error = refusal(Conduct(body=body), means, success_field="errcode", success_value=0)
    assert error.retry
    assert shown in str(error)


@pytest.mark.parametrize("echo", [PHONE, f"{PHONE} is no number", "/hooks/s3cr3t-path", "x" * 999])
def test_what_an_answer_repeats_is_not_repeated(means: Means, echo):
    """A receiver may send back phone or address; the error holds neither, and stays short."""
    error = refusal(said({"code": echo}), means, success_field="code", success_value="OK")
    assert PHONE not in str(error)
    assert "s3cr3t" not in str(error)
    assert len(str(error)) < 250


def test_a_missing_secret_may_be_mended_in_time(tmp_path: Path):
    """The sentence of the settings is kept and the attempt repeated; nothing leaves unsigned."""

    def missing(secret: Secret) -> str:
        raise ConfigMistake(f"the {secret.where} is not set")

    with MisbehavingReceiver() as receiver, Post() as post:
        means = Means(post=post, folder=tmp_path, reveal=missing)
        with pytest.raises(DeliveryError, match="FENGSUI_HOOK is not set") as caught:
            hook(receiver.url()).send(MESSAGE, means)
    assert caught.value.retry
    assert receiver.seen == []


def test_while_a_key_is_changed_requests_carry_two_signatures(tmp_path: Path):
    """The receiver may hold the new secret or still the former one; either is enough."""
    reveal = {"NEW": KEY, "OLD": OLD}
    with MisbehavingReceiver() as receiver, Post() as post:
        means = Means(post=post, folder=tmp_path, reveal=lambda secret: reveal[str(secret.env)])
        keys = {"secret": Secret(env="NEW"), "former": Secret(env="OLD")}
        Webhook(url=receiver.url(), **keys).send(MESSAGE, means)  # type: ignore[arg-type]
    seen = receiver.seen[0]
    assert len(seen.headers["webhook-signature"].split()) == 2
    for secret in (KEY, OLD):
        verify(secret, seen.headers, seen.body, NOW)


def test_a_bad_former_secret_is_a_delivery_error(means: Means, tmp_path: Path):
    """Nothing leaves half signed; the sentence holds neither secret."""
    reveal = {"NEW": KEY, "OLD": "whsec_short"}
    broken = Means(post=means.post, folder=tmp_path, reveal=lambda s: reveal[str(s.env)])
    one = Webhook(url="http://127.0.0.1:9/", secret=Secret(env="NEW"), former=Secret(env="OLD"))
    with pytest.raises(DeliveryError, match="openssl rand") as caught:
        one.send(MESSAGE, broken)
    assert "short" not in str(caught.value)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_receiver_that_is_gone_is_a_fault_of_the_gateway(status: int, means: Means):
    """410 ends the subscription, as the specification says; a wrong key or address ends it, too."""
    error = refusal(Conduct(status=status), means)
    assert (error.retry, error.gateway) == (False, True)


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_refused_message_is_no_fault_of_the_gateway(status: int, means: Means):
    """Another message may pass."""
    error = refusal(Conduct(status=status), means)
    assert (error.retry, error.gateway) == (False, False)


BLOCK = {"url": "https://hook.example/k", "secret": {"env": "HOOK"}}


def test_a_block_is_read():
    """Durations in the words of the configuration, the rest by default."""
    block = {**BLOCK, "deadline": "5s", "success_field": "errcode", "success_value": 0}
    read = TypeAdapter(Webhook).validate_json(json.dumps(block))
    assert (read.deadline, read.success_value) == (timedelta(seconds=5), 0)
    assert "hook.example" not in repr(read)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "hook.example"},
        {"url": "ftp://hook.example"},
        {"url": "http://"},
        {"success_field": "errcode"},
        {"success_value": 0},
        {"deadline": 10},
        {"retries": 3},
        {"secret": "whsec_inline"},
        {"former": "whsec_inline"},
        {"secret": {}},
    ],
)
def test_a_mistaken_block_is_refused(change):
    """Half a success rule, an unknown key or a secret in the open stop the start."""
    with pytest.raises(ValidationError):
        TypeAdapter(Webhook).validate_json(json.dumps({**BLOCK, **change}))
