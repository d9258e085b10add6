"""What every channel promises, whoever writes it; a new kind needs one line in CASES.

Kinds that do not speak HTTP stand in `simulators.protocols`; test_protocol_contract.py tries those.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from simulators.protocols import PROTOCOLS
from simulators.receiver import Conduct, MisbehavingReceiver, Seen, closed_port

import alerts.channels
from alerts.channels.alertmanager import Alertmanager
from alerts.channels.aliyun_sms import AliyunSms
from alerts.channels.aliyun_voice import AliyunVoice
from alerts.channels.dingtalk import DingTalk
from alerts.channels.feishu import Feishu
from alerts.channels.outbox import Outbox
from alerts.channels.pagerduty import PagerDuty
from alerts.channels.tencent_sms import TencentSms
from alerts.channels.webhook import Webhook
from alerts.channels.wecom import WeCom
from alerts.channels.yunmas import YunMas
from alerts.duty.people import Person
from alerts.outgoing.delivery import Channel, Means, Message, Taken, channel
from alerts.outgoing.post import Post
from ingest.errors import ConfigMistake, DeliveryError
from ingest.secret import Secret

KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
PHONE = "13800000001"
PATH = "/hooks/s3cr3t-path?token=t0ken-of-ours"
DEADLINE = timedelta(seconds=0.4)


def webhook_id(seen: Seen) -> str:
    """The id of a request of Standard Webhooks."""
    return seen.headers["webhook-id"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """How one kind of channel is tried."""

    make: Callable[[str], Channel]
    """The channel that sends to an address, with DEADLINE."""
    remote: bool
    """Whether it leaves over HTTP."""
    success: bytes = b"{}"
    """Body of the receiver's success."""
    refusals: tuple[bytes, ...] = ()
    """Bodies with which the receiver says no while its status says yes, and may yet say yes."""
    finals: tuple[bytes, ...] = ()
    """The same, where another attempt cannot help."""
    id: Callable[[Seen], str] | None = webhook_id
    """How the other side knows a repeat; None where its protocol has nothing for that."""
    busy: tuple[int, ...] = ()
    """Statuses with which this vendor, unlike others, asks to be left alone for a while."""
    calls_numbers: bool = False
    """Whether the gateway is given the phone number, because it calls it."""


def robot(url: str) -> Webhook:
    """A webhook whose answers carry a code, as chat robots do."""
    secret = Secret(env="HOOK")
    code = {"success_field": "errcode", "success_value": 0}
    return Webhook(url=url, secret=secret, deadline=DEADLINE, **code)  # type: ignore[arg-type]


def aliyun(kind: type[Any], url: str) -> Channel:
    """A channel of Aliyun at the origin of an address: its services have no path."""
    parts, key = urlsplit(url), Secret(env="HOOK")
    signed = {"sign_name": "荣昌气象"} if kind is AliyunSms else {}
    made: Channel = kind(
        access_key_id=key,
        access_key_secret=key,
        templates={"default": "T_1"},
        endpoint=f"{parts.scheme}://{parts.netloc}",
        deadline=DEADLINE,
        **signed,
    )
    return made


def out_id(seen: Seen) -> str:
    """OutId of a request to Aliyun."""
    return parse_qs(urlsplit(seen.path).query)["OutId"][0]


def tencent(url: str) -> TencentSms:
    """A channel of Tencent at the origin of an address: its signature covers the path /."""
    parts, key = urlsplit(url), Secret(env="HOOK")
    return TencentSms(
        secret_id=key,
        secret_key=key,
        sdk_app_id="1400000000",
        sign_name="荣昌气象",
        templates={"default": "1110"},
        endpoint=f"{parts.scheme}://{parts.netloc}",
        deadline=DEADLINE,
    )


def session_context(seen: Seen) -> str:
    """SessionContext of a request to Tencent."""
    return str(json.loads(seen.body)["SessionContext"])


def tencent_says(code: str) -> bytes:
    """Tencent's answer to one number."""
    told = {"PhoneNumber": f"+86{PHONE}", "SerialNo": "2640:1", "Code": code, "Fee": 1}
    return json.dumps({"Response": {"SendStatusSet": [told], "RequestId": "r"}}).encode()


def yunmas(url: str) -> YunMas:
    """A channel of China Mobile."""
    key = Secret(env="HOOK")
    return YunMas(ec_name="E", ap_id="A", secret_key=key, sign="S", url=url, deadline=DEADLINE)


NO_CODE = (b"", b"{}", b"<html>ok</html>", b'{"Code":"isp.SYSTEM_ERROR"}')

def chat(kind: type[Any], url: str) -> Channel:
    """A robot of a chat group, unsigned."""
    made: Channel = kind(token=Secret(env="HOOK"), url=url, deadline=DEADLINE)
    return made


def dedup_key(seen: Seen) -> str:
    """Key of the incident in a request to PagerDuty."""
    return str(json.loads(seen.body)["dedup_key"])


NOT_ZERO = (b"", b"{}", b"<html>ok</html>", b'{"errcode":"0","code":"0"}', b'{"errcode":-7,"code":-7}')

CASES = {
    "alertmanager": Case(
        make=lambda url: Alertmanager(url=url, token=Secret(env="HOOK"), deadline=DEADLINE),
        remote=True,
        success=b"",
        refusals=(b"<html>ok</html>", b'{"error":"no"}', b"[]"),
        id=None,
    ),
    "dingtalk": Case(
        make=lambda url: chat(DingTalk, url),
        remote=True,
        success=b'{"errcode":0,"errmsg":"ok"}',
        refusals=(
            *NOT_ZERO,
            b'{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}',
            b'{"status":1111,"wait":5,"source":"x5","punish":"deny"}',
        ),
        finals=(
            b'{"errcode":310000,"errmsg":"sign not match"}',
            b'{"errcode":310000,"errmsg":"keywords not in content"}',
            b'{"errcode":300005,"errmsg":"token is not exist"}',
        ),
        id=None,
        busy=(302,),
    ),
    "feishu": Case(
        make=lambda url: chat(Feishu, url),
        remote=True,
        success=b'{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}',
        refusals=(*NOT_ZERO, b'{"code":11232,"msg":"frequency limited psm","data":{}}'),
        finals=(
            b'{"code":19021,"msg":"sign match fail or timestamp is not within one hour"}',
            b'{"code":19024,"msg":"Key Words Not Found","data":{}}',
            b'{"code":9499,"msg":"Bad Request","data":{}}',
        ),
        id=None,
    ),
    "pagerduty": Case(
        make=lambda url: PagerDuty(routing_key=Secret(env="HOOK"), url=url, deadline=DEADLINE),
        remote=True,
        success=b'{"status":"success","message":"Event processed","dedup_key":"k"}',
        refusals=(b"", b"{}", b"<html>ok</html>", b'{"status":"invalid event"}'),
        id=dedup_key,
    ),
    "wecom": Case(
        make=lambda url: chat(WeCom, url),
        remote=True,
        success=b'{"errcode":0,"errmsg":"ok"}',
        refusals=(*NOT_ZERO, b'{"errcode":45009,"errmsg":"api freq out of limit"}'),
        finals=(
            b'{"errcode":93000,"errmsg":"invalid webhook url"}',
            b'{"errcode":40058,"errmsg":"markdown.content exceed max length 4096"}',
        ),
        id=None,
    ),
    "aliyun_sms": Case(
        make=lambda url: aliyun(AliyunSms, url),
        remote=True,
        success=b'{"Code":"OK","Message":"OK","BizId":"1^0"}',
        refusals=NO_CODE,
        finals=(b'{"Code":"isv.BUSINESS_LIMIT_CONTROL"}', b'{"Code":"isv.AMOUNT_NOT_ENOUGH"}'),
        id=out_id,
        calls_numbers=True,
    ),
    "aliyun_voice": Case(
        make=lambda url: aliyun(AliyunVoice, url),
        remote=True,
        success=b'{"Code":"OK","Message":"OK","CallId":"1^0"}',
        refusals=NO_CODE,
        finals=(b'{"Code":"isv.BUSINESS_LIMIT_CONTROL"}', b'{"Code":"isv.TTS_TEMPLATE_ILLEGAL"}'),
        id=out_id,
        calls_numbers=True,
    ),
    "outbox": Case(make=lambda _: Outbox(), remote=False),
    "tencent_sms": Case(
        make=tencent,
        remote=True,
        success=tencent_says("Ok"),
        refusals=(
            b"",
            b"{}",
            b"<html>ok</html>",
            b'{"Response":{"RequestId":"r"}}',
            b'{"Response":{"Error":{"Code":"RequestLimitExceeded"}}}',
            tencent_says("InternalError.Timeout"),
        ),
        finals=(
            tencent_says("LimitExceeded.PhoneNumberDailyLimit"),
            b'{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure"}}}',
        ),
        id=session_context,
        calls_numbers=True,
    ),
    "webhook": Case(
        make=robot,
        remote=True,
        success=b'{"errcode":0,"errmsg":"ok"}',
        refusals=(
            b'{"errcode":310000,"errmsg":"sign not match"}',
            b'{"errcode":93000,"errmsg":"invalid webhook url"}',
            b'{"errcode":0,"success":false}',
            b'{"status":1111,"wait":5,"source":"x5","punish":"deny"}',
            b"<html>ok</html>",
            b"",
        ),
    ),
    "yunmas": Case(
        make=yunmas,
        remote=True,
        success=b'{"msgGroup":"0701180000001000000001","rspcod":"success","success":true}',
        refusals=(
            b"",
            b"{}",
            b"<html>ok</html>",
            b'{"msgGroup":"","rspcod":"SystemBusy","success":false}',
            b'{"msgGroup":"1","rspcod":"success","success":false}',
        ),
        finals=(
            b'{"msgGroup":"","rspcod":"IllegalMac","success":false}',
            b'{"msgGroup":"","rspcod":"InvalidMobile","success":false}',
        ),
        id=None,
        calls_numbers=True,
    ),
}
KINDS = sorted(CASES)
REMOTE = [kind for kind in KINDS if CASES[kind].remote]
REFUSALS = [(kind, body, True) for kind in REMOTE for body in CASES[kind].refusals]
REFUSALS += [(kind, body, False) for kind in REMOTE for body in CASES[kind].finals]
DISCREET = [kind for kind in KINDS if not CASES[kind].calls_numbers]


def message(key: str = "heat-1.1:flood:zhang:0") -> Message:
    """A message to one officer."""
    return Message(
        key=key,
        text="荣昌区高温红色预警建议",
        recipient=Person(name="张三", phone=PHONE, channels=("x",)),
        subsystem="flood",
        data={"reason": "opened"},
        at=datetime(2022, 8, 18, 1, 0, tzinfo=UTC),
    )


@pytest.fixture
def means(tmp_path: Path):
    """What channels may use."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda _: KEY)


@pytest.fixture
def error_of(means: Means, caplog: pytest.LogCaptureFixture):
    """The error a kind raises for an answer; neither it nor a log holds a secret."""

    def error_of(kind: str, *conducts: Conduct) -> DeliveryError:
        caplog.set_level(logging.DEBUG)
        with MisbehavingReceiver(*conducts) as receiver, pytest.raises(DeliveryError) as caught:
            CASES[kind].make(receiver.url(PATH)).send(message(), means)
        for hidden in (KEY, KEY[6:], PHONE, "s3cr3t", "t0ken", str(means.folder)):
            assert hidden not in str(caught.value)
            assert hidden not in caplog.text
        return caught.value

    return error_of


def test_every_kind_has_a_case():
    """A channel without a case here is not ready."""
    assert alerts.channels.__all__
    assert channel.kinds == tuple(sorted([*KINDS, *PROTOCOLS]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_is_taken(kind: str, means: Means):
    """And the word for it holds no number and no secret."""
    with MisbehavingReceiver(Conduct(body=CASES[kind].success)) as receiver:
        taken = CASES[kind].make(receiver.url(PATH)).send(message(), means)
    assert isinstance(taken, Taken)
    assert not any(hidden in repr(taken) for hidden in (KEY, PHONE, "s3cr3t", "t0ken"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_key_twice_is_harmless(kind: str, means: Means):
    """Taken both times, under one id by which the other side knows the repeat."""
    with MisbehavingReceiver(Conduct(body=CASES[kind].success)) as receiver:
        one = CASES[kind].make(receiver.url())
        assert one.send(message(), means).reference == one.send(message(), means).reference
    known = CASES[kind].id or (lambda _: "")
    assert len({(known(seen), seen.body) for seen in receiver.seen}) <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_several_threads_send_at_once(kind: str, means: Means):
    """None is lost and none raises."""
    with (
        MisbehavingReceiver(Conduct(body=CASES[kind].success)) as receiver,
        ThreadPoolExecutor(8) as pool,
    ):
        one = CASES[kind].make(receiver.url())
        taken = list(pool.map(lambda n: one.send(message(f"k{n}"), means), range(48)))
    assert len(taken) == 48
    assert not CASES[kind].remote or len(receiver.seen) == 48
    known = CASES[kind].id
    assert not CASES[kind].remote or not known or len(set(map(known, receiver.seen))) == 48


@pytest.mark.parametrize("kind", DISCREET)
def test_the_number_of_the_officer_stays_at_home(kind: str, means: Means):
    """Neither a request nor a file holds the phone number, unless the gateway calls it."""
    with MisbehavingReceiver(Conduct(body=CASES[kind].success)) as receiver:
        CASES[kind].make(receiver.url()).send(message(), means)
    left = [seen.body + repr(seen.headers).encode() for seen in receiver.seen]
    left += [file.read_bytes() for file in means.folder.iterdir()]
    assert left
    assert not any(PHONE.encode() in content for content in left)


@pytest.mark.parametrize("manner", ["hang", "drip_head", "drip_body"])
@pytest.mark.parametrize("kind", REMOTE)
def test_a_time_out_comes_within_the_deadline(kind: str, manner, error_of):
    """And may be tried again."""
    started = time.monotonic()
    assert error_of(kind, Conduct(body=b" " * 200, manner=manner)).retry
    assert time.monotonic() - started < DEADLINE.total_seconds() + 1.5


@pytest.mark.parametrize("manner", ["close", "cut"])
@pytest.mark.parametrize("kind", REMOTE)
def test_half_an_answer_may_be_tried_again(kind: str, manner, error_of):
    """Whether it was taken is not known; the key makes the repeat harmless."""
    assert error_of(kind, Conduct(manner=manner)).retry


@pytest.mark.parametrize(
    ("status", "retry"),
    [
        (301, False),
        (302, False),
        (400, False),
        (401, False),
        (403, False),
        (404, False),
        (410, False),
        (408, True),
        (425, True),
        (429, True),
        (500, True),
        (503, True),
    ],
)
@pytest.mark.parametrize("kind", REMOTE)
def test_each_class_of_status(kind: str, status: int, retry: bool, error_of):
    """Whether another attempt can help, and after which pause."""
    fields = {"Retry-After": "90", "Location": "http://127.0.0.1:9/"}
    error = error_of(kind, Conduct(status=status, headers=fields, body=CASES[kind].success))
    busy = status in CASES[kind].busy
    assert error.retry is (retry or busy)
    assert busy or error.retry_after == (timedelta(seconds=90) if retry else None)


@pytest.mark.parametrize(("kind", "body", "retry"), REFUSALS)
def test_a_200_with_an_error_inside_is_an_error(kind: str, body: bytes, retry: bool, error_of):
    """The status is not believed."""
    assert error_of(kind, Conduct(body=body)).retry is retry


@pytest.mark.parametrize("kind", REMOTE)
def test_a_missing_secret_is_a_delivery_error(kind: str, means: Means):
    """The outbox handles one sort of error; the sentence says where the secret belongs."""

    def missing(secret: Secret) -> str:
        raise ConfigMistake(f"{secret.where} is not set")

    bare = Means(post=means.post, folder=means.folder, reveal=missing)
    with pytest.raises(DeliveryError, match="HOOK is not set"):
        CASES[kind].make("http://127.0.0.1:9/").send(message(), bare)


def test_an_unusable_data_folder_is_a_delivery_error(means: Means):
    """A channel that keeps files says so, and may be tried again."""
    gone = Means(post=means.post, folder=means.folder / "gone", reveal=means.reveal)
    for kind in set(KINDS) - set(REMOTE):
        with pytest.raises(DeliveryError) as caught:
            CASES[kind].make("").send(message(), gone)
        assert caught.value.retry
        assert str(means.folder) not in str(caught.value)


@pytest.mark.parametrize("kind", REMOTE)
def test_a_dead_receiver_does_not_keep_others_from_theirs(kind: str, means: Means):
    """Three receivers, the first dead, the second silent: the third gets its message, in time."""
    silent, good = Conduct(manner="hang"), Conduct(body=CASES[kind].success)
    with (
        MisbehavingReceiver(silent) as second,
        MisbehavingReceiver(good) as third,
        ThreadPoolExecutor(3) as pool,
    ):
        urls = [f"http://127.0.0.1:{closed_port()}/", second.url(), third.url()]
        sends = [pool.submit(CASES[kind].make(url).send, message(), means) for url in urls]
        assert isinstance(sends[2].result(timeout=10), Taken)
        assert all(isinstance(send.exception(timeout=10), DeliveryError) for send in sends[:2])
    assert len(third.seen) == 1
