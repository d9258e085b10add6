"""SMS over Aliyun, against a service on loopback that verifies as the vendor does."""

from __future__ import annotations

import json
import logging
import time
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

from alerts.channels.aliyun_sms import AliyunSms
from alerts.duty.people import Person
from alerts.outgoing.delivery import (
    Asking,
    BadCallback,
    Batching,
    Hearing,
    Inbound,
    Intake,
    Means,
    Message,
    Pending,
    Receipt,
    Sign,
    Taken,
)
from alerts.outgoing.post import Post
from ingest.errors import ConfigMistake, DeliveryError
from ingest.secret import Secret

NOW = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
PHONE = "13800000001"
TOKEN = "abcdefghijklmnopqrstuv"
OPENED = {
    "hazard": "heat",
    "reason": "opened",
    "from": "none",
    "to": "red",
    "places": {"a": "red", "b": "orange"},
    "at": "2026-07-01T10:00:00+00:00",
    "onset": "2026-07-01T10:00:00+00:00",
    "expires": "2026-07-02T12:00:00+00:00",
    "ack_link": f"https://fengsui.example/ack/{TOKEN}",
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


def sms(endpoint: str = "https://dysmsapi.example", **parts: Any) -> AliyunSms:
    """The channel under test."""
    whole: dict[str, Any] = {
        "access_key_id": Secret(env="KEY_ID"),
        "access_key_secret": Secret(env="KEY_SECRET"),
        "sign_name": "荣昌气象",
        "templates": {"default": "SMS_1", "exercise": "SMS_9", "yellow": "SMS_2"},
        "parameters": {"level": "level", "towns": "towns"},
        "endpoint": endpoint,
    }
    return AliyunSms(**(whole | parts))


def message(key: str = "msg_1", phone: str = PHONE, **facts: Any) -> Message:
    """A message to one officer."""
    person = Person(name="张三", phone=phone, channels=("sms",))
    data = {**OPENED, **facts}
    text = "荣昌区高温红色预警建议"
    return Message(key=key, text=text, recipient=person, subsystem="flood", data=data, at=NOW)


def many(count: int) -> list[Message]:
    """Messages to so many officers."""
    return [message(f"msg_{n}", f"138{n:08d}") for n in range(count)]


def pending(reference: str, key: str = "msg_1", **parts: Any) -> Pending:
    """A message of which nothing is known yet."""
    made = Pending(key=key, reference=reference, phone=PHONE, sent_at=NOW)
    return replace(made, **parts)


def push(*elements: Any) -> Inbound:
    """A push of the vendor."""
    body = json.dumps(list(elements)).encode()
    return Inbound(headers={}, query={}, body=body, at=NOW + timedelta(minutes=1))


def hear(*elements: Any) -> Intake:
    """What a push tells, asked of a channel that needs nothing for it."""
    return sms().hear(push(*elements), None)  # type: ignore[arg-type]


def test_it_can_batch_ask_and_hear():
    """By the protocols the outbox looks for."""
    assert isinstance(sms(), Batching)
    assert isinstance(sms(), Asking)
    assert isinstance(sms(), Hearing)


def test_one_message_is_taken(aliyun: Aliyun, means: Means):
    """Under its template, with its variables, and with its key as OutId."""
    taken = sms(aliyun.endpoint).send(message(), means)
    given = aliyun.calls[0].given
    assert taken == Taken(reference=aliyun.stored[0].biz_id)
    assert (given["PhoneNumbers"], given["TemplateCode"], given["OutId"]) == (PHONE, "SMS_1", "msg_1")
    assert given["SignName"] == "荣昌气象"
    assert json.loads(given["TemplateParam"]) == {"level": "红色", "towns": "2个镇街"}


def test_a_fixed_text_has_no_variables(aliyun: Aliyun, means: Means):
    """Neither alone nor with others."""
    plain = sms(aliyun.endpoint, parameters={})
    plain.send(message(), means)
    plain.send_many(many(2), means)
    assert [call.action for call in aliyun.calls] == ["SendSms", "SendBatchSms"]
    assert not any(name.startswith("TemplateParam") for call in aliyun.calls for name in call.given)


def test_the_token_alone_stands_for_the_link(aliyun: Aliyun, means: Means):
    """Variables may hold no address: isv.PARAM_NOT_SUPPORT_URL. The template holds it."""
    channel = sms(aliyun.endpoint, parameters={"code": "token", "words": "text"}, longest=35)
    channel.send(message(), means)
    values = json.loads(aliyun.calls[0].given["TemplateParam"])
    assert values["code"] == TOKEN
    assert "http" not in aliyun.calls[0].given["TemplateParam"]


def test_a_variable_keeps_its_length_and_its_numbers(aliyun: Aliyun, means: Means):
    """Cut between words; the number that does not fit is left out as a whole."""
    told = replace(message(), text="未来三小时累计雨量将达到 123.5 毫米以上请立即转移")
    sms(aliyun.endpoint, parameters={"words": "text"}, longest=15).send(told, means)
    words = json.loads(aliyun.calls[0].given["TemplateParam"])["words"]
    assert words == "未来三小时累计雨量将达到"


def test_every_value_is_a_string(aliyun: Aliyun, means: Means):
    """The vendor takes numbers in variables for broken JSON."""
    sms(aliyun.endpoint, parameters={"a": "towns", "b": "title"}).send(message(title=7), means)
    values = json.loads(aliyun.calls[0].given["TemplateParam"]).values()
    assert all(isinstance(value, str) and value for value in values)


def test_a_drill_goes_out_under_its_own_template(aliyun: Aliyun, means: Means):
    """Alone and in a batch with what is real."""
    drill = message("msg_2", "13800000002", exercise="汛前演练")
    channel = sms(aliyun.endpoint)
    channel.send(drill, means)
    channel.send_many([message(), drill], means)
    told = {(one.phone, one.template) for one in aliyun.stored}
    assert told == {("13800000002", "SMS_9"), (PHONE, "SMS_1")}


def test_a_drill_never_goes_out_under_a_real_template(aliyun: Aliyun, means: Means):
    """Trap: a rehearsal that reached people as real. Nothing leaves."""
    channel = sms(aliyun.endpoint, templates={"default": "SMS_1", "red": "SMS_2"})
    with pytest.raises(DeliveryError, match="drill") as caught:
        channel.send(message(exercise="汛前演练"), means)
    assert not caught.value.retry
    assert isinstance(channel.send_many([message(exercise="x")], means)[0], DeliveryError)
    assert aliyun.calls == []


def test_many_go_in_one_request(aliyun: Aliyun, means: Means):
    """One outcome each, all under one BizId."""
    told = sms(aliyun.endpoint).send_many(many(100), means)
    assert [call.action for call in aliyun.calls] == ["SendBatchSms"]
    assert {one.reference for one in told if isinstance(one, Taken)} == {aliyun.stored[0].biz_id}
    assert [one.phone for one in aliyun.stored] == [one.recipient.phone for one in many(100)]


def test_more_than_a_hundred_are_split(aliyun: Aliyun, means: Means):
    """The vendor takes a hundred numbers at once."""
    assert len(sms(aliyun.endpoint).send_many(many(205), means)) == 205
    assert max(len(json.loads(call.given["PhoneNumberJson"])) for call in aliyun.calls) <= 100
    assert [one.phone for one in aliyun.stored] == [one.recipient.phone for one in many(205)]


def test_outcomes_stay_in_order(aliyun: Aliyun, means: Means):
    """Though templates alternate, each outcome is that of its message."""
    mixed = [replace(one, data={**OPENED, "to": ("red", "yellow")[n % 2]}) for n, one in enumerate(many(6))]
    told = sms(aliyun.endpoint).send_many(mixed, means)
    by_phone = {one.phone: one.biz_id for one in aliyun.stored}
    assert [one.reference for one in told if isinstance(one, Taken)] == [
        by_phone[one.recipient.phone] for one in mixed
    ]
    assert [call.given["TemplateCode"] for call in aliyun.calls] == ["SMS_1", "SMS_2"]


def test_a_number_comes_once_in_a_request(aliyun: Aliyun, means: Means):
    """Trap: one BizId for many. With the same number twice, a receipt would fit two messages."""
    told = sms(aliyun.endpoint).send_many([*many(2), *many(2)], means)
    assert len({(one.biz_id, one.phone) for one in aliyun.stored}) == len(told) == 4


@pytest.mark.parametrize("code", ["isv.MOBILE_NUMBER_ILLEGAL", "isv.BUSINESS_LIMIT_CONTROL"])
def test_one_bad_number_does_not_cost_the_others_theirs(code: str, aliyun: Aliyun, means: Means):
    """Trap: caps per number are final, not to be tried again, and they are that number's alone."""
    letters = many(100)
    aliyun.illegal = {letters[37].recipient.phone: code}
    told = sms(aliyun.endpoint).send_many(letters, means)
    bad = [(place, one) for place, one in enumerate(told) if isinstance(one, DeliveryError)]
    assert [(place, one.retry, one.gateway) for place, one in bad] == [(37, False, False)]
    assert len(aliyun.stored) == 99
    assert len(aliyun.calls) <= 16


def test_a_template_that_is_not_approved_costs_only_its_own(aliyun: Aliyun, means: Means):
    """The others go; the error says that nothing passes under this one."""
    aliyun.illegal = {"SMS_2": "isv.SMS_TEMPLATE_ILLEGAL"}
    first, second = many(2)
    yellow = replace(second, data={**OPENED, "to": "yellow"})
    taken, error = sms(aliyun.endpoint).send_many([first, yellow], means)
    assert isinstance(taken, Taken)
    assert isinstance(error, DeliveryError)
    assert error.gateway


def test_a_fault_of_the_account_ends_the_whole_request(aliyun: Aliyun, means: Means):
    """One cause for all, without trying each: the account is empty."""
    aliyun.illegal = {"SMS_1": "isv.AMOUNT_NOT_ENOUGH"}
    told = sms(aliyun.endpoint).send_many(many(3), means)
    assert all(isinstance(one, DeliveryError) and one.gateway for one in told)
    assert len(aliyun.calls) == 1


@pytest.mark.parametrize("phone", ["12306", "", "02366668888", "138000000012"])
def test_what_is_no_mobile_number_never_leaves(phone: str, aliyun: Aliyun, means: Means):
    """It would cost the others of its batch theirs; the error does not repeat it."""
    first, error = sms(aliyun.endpoint).send_many([message(), message("msg_2", phone)], means)
    assert isinstance(first, Taken)
    assert isinstance(error, DeliveryError)
    assert (error.retry, error.gateway) == (False, False)
    assert not phone or phone not in str(error)
    with pytest.raises(DeliveryError, match="no mobile number"):
        sms(aliyun.endpoint).send(message("msg_2", phone), means)
    assert len(aliyun.calls) == 1


def test_no_messages_are_no_request(aliyun: Aliyun, means: Means):
    """And no outcome."""
    assert sms(aliyun.endpoint).send_many([], means) == []
    assert aliyun.calls == []


def test_a_batch_keeps_its_deadline(means: Means):
    """Over all its requests; who was not reached is tried again."""
    mixed = [replace(one, data={**OPENED, "to": ("red", "yellow")[n % 2]}) for n, one in enumerate(many(4))]
    started = time.monotonic()
    with MisbehavingReceiver(Conduct(manner="hang")) as receiver:
        channel = sms(receiver.url("").rstrip("/"), deadline=timedelta(seconds=0.4))
        told = channel.send_many(mixed, means)
    assert time.monotonic() - started < 2
    assert all(isinstance(one, DeliveryError) and one.retry for one in told)


def test_a_batch_that_is_halved_keeps_its_deadline(means: Means):
    """One number was refused, then the vendor fell silent: the second half is not begun."""
    refused = Conduct(body=b'{"Code":"isv.MOBILE_NUMBER_ILLEGAL"}')
    with MisbehavingReceiver(refused, Conduct(manner="hang")) as receiver:
        channel = sms(receiver.url("").rstrip("/"), deadline=timedelta(seconds=0.4))
        told = channel.send_many(many(4), means)
    assert len(receiver.seen) == 2
    assert all(isinstance(one, DeliveryError) and one.retry for one in told)


def test_a_push_of_receipts_is_heard(aliyun: Aliyun, means: Means):
    """By key where it went alone; the vendor's clock is eight hours ahead of UTC."""
    sms(aliyun.endpoint).send(message(), means)
    heard = hear(*aliyun.reports())
    at = datetime(2026, 7, 1, 10, 0, 10, tzinfo=UTC)
    (receipt,) = heard.receipts
    assert (receipt.key, receipt.sign, receipt.at) == ("msg_1", Sign.DELIVERED, at)
    assert receipt.detail == "DELIVERED"
    assert json.loads(heard.answer) == {"code": 0, "msg": "接收成功"}


def test_receipts_of_a_batch_come_per_number(aliyun: Aliyun, means: Means):
    """Trap: one BizId covers many numbers. Without OutId, BizId and number say whose it is."""
    sms(aliyun.endpoint).send_many(many(3), means)
    receipts = hear(*reversed(aliyun.reports(success=False))).receipts
    biz_id = aliyun.stored[0].biz_id
    assert [(one.key, one.reference, one.phone) for one in receipts] == [
        (None, biz_id, f"1380000000{n}") for n in (2, 1, 0)
    ]
    assert {one.sign for one in receipts} == {Sign.UNDELIVERED}


def test_a_receipt_that_comes_twice_is_told_twice(aliyun: Aliyun, means: Means):
    """Trap: receipts come duplicated and out of order. Equal ones stay equal for the store to see."""
    sms(aliyun.endpoint).send(message(), means)
    report = aliyun.reports()[0]
    first, second = hear(report, report).receipts
    assert first == second


REPORT: dict[str, Any] = {
    "phone_number": "13800000009",
    "success": True,
    "report_time": "2026-07-01 18:00:10",
    "err_code": "DELIVERED",
    "biz_id": "9^0",
}
REPLY: dict[str, Any] = {
    "phone_number": PHONE,
    "send_time": "2026-07-01 18:05:00",
    "content": "收到",
    "sign_name": "荣昌气象",
    "dest_code": "0000",
    "sequence_id": 1,
}


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        "text",
        [],
        {},
        {**REPORT, "success": None},
        {**REPORT, "success": []},
        {**REPORT, "success": "perhaps"},
        {**REPORT, "biz_id": ""},
        {**REPORT, "biz_id": 7},
        {**REPORT, "phone_number": "", "out_id": ""},
        {**REPLY, "phone_number": "12306"},
        {**REPLY, "phone_number": None},
        {**REPLY, "content": None},
        {**REPLY, "content": ["收到"]},
    ],
)
def test_a_bad_element_does_not_lose_the_good_ones(bad: Any):
    """Before, between or behind them; alone it is refused."""
    heard = hear(bad, REPORT, bad, REPLY, bad)
    assert (len(heard.receipts), len(heard.replies)) == (1, 1)
    with pytest.raises(BadCallback):
        hear(bad)


@pytest.mark.parametrize("body", [b"", b"{}", b"7", b"[", b"\xff", b"[" * 9999, b"out_id=1"])
def test_a_body_that_is_no_array_is_refused(body: bytes):
    """And what it was is not repeated."""
    with pytest.raises(BadCallback, match="no JSON array"):
        sms().hear(replace(push(), body=body), None)  # type: ignore[arg-type]


def test_an_empty_push_is_answered():
    """The vendor tries a new address with one."""
    assert hear() == Intake(answer=hear().answer)


@pytest.mark.parametrize("said", ["", None, 7, "soon", "0001-01-01 00:00:00", []])
def test_a_receipt_without_a_readable_time_counts_from_now(said: Any):
    """What it tells is worth more than when."""
    assert hear({**REPORT, "report_time": said}).receipts[0].at == NOW + timedelta(minutes=1)


@pytest.mark.parametrize("said", ["true", "True", True])
def test_success_as_a_text_is_success(said: Any):
    """Gateways in between write booleans as texts."""
    assert hear({**REPORT, "success": said}).receipts[0].sign is Sign.DELIVERED


@pytest.mark.parametrize("said", [PHONE, f"+86{PHONE}", f"86{PHONE}", f"0086{PHONE}", int(PHONE)])
def test_a_reply_is_heard(said: Any):
    """The number in eleven digits, however the operator writes it."""
    (reply,) = hear({**REPLY, "phone_number": said}).replies
    assert (reply.phone, reply.text, reply.reference) == (PHONE, "收到", "1")
    assert reply.at == datetime(2026, 7, 1, 10, 5, tzinfo=UTC)


def test_a_reply_can_be_kept():
    """Neither half a surrogate pair nor a NUL reaches a database."""
    text = hear({**REPLY, "content": "\ud800收到\x00"}).replies[0].text
    assert text == "?收到?"


@pytest.mark.parametrize("word", [PHONE, f"用户{PHONE}停机", "x" * 99, 7, None, "a\nb"])
def test_a_word_of_the_vendor_is_short_and_holds_no_number(word: Any):
    """Details are shown on pages and kept in logs."""
    detail = hear({**REPORT, "err_code": word}).receipts[0].detail
    assert PHONE not in detail
    assert len(detail.splitlines()) <= 1
    assert len(detail) <= 80


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*REPORT, *REPLY, "out_id"]), inner),
    max_leaves=20,
)


@given(st.lists(JSON))
def test_no_push_breaks_the_reader(elements: list[Any]):
    """Whatever comes is read or refused, and a good element among it is read."""
    assert REPORT["biz_id"] in {one.reference for one in hear(*elements, REPORT).receipts}


def receipts_of(aliyun: Aliyun, means: Means, *asked: Pending) -> tuple[Receipt, ...]:
    """What the vendor says when it is asked ten minutes later."""
    return sms(aliyun.endpoint).ask(asked, means, NOW + timedelta(minutes=10)).receipts


def test_who_cannot_be_called_back_asks(aliyun: Aliyun, means: Means):
    """Per number and Beijing day; the answer bears the key of the message."""
    taken = sms(aliyun.endpoint).send(message(), means)
    (receipt,) = receipts_of(aliyun, means, pending(taken.reference))
    assert (receipt.key, receipt.sign, receipt.detail) == ("msg_1", Sign.DELIVERED, "DELIVERED")
    assert receipt.at == datetime(2026, 7, 1, 10, 0, 10, tzinfo=UTC)
    given = aliyun.calls[-1].given
    assert (given["PhoneNumber"], given["SendDate"], given["PageSize"]) == (PHONE, "20260701", "50")
    assert given["BizId"] == taken.reference


@pytest.mark.parametrize(
    ("status", "signs"), [(1, []), (2, [Sign.UNDELIVERED]), (3, [Sign.DELIVERED]), (9, [])]
)
def test_each_status_says_what_it_says(status: int, signs: list[Sign], aliyun: Aliyun, means: Means):
    """Waiting is no receipt."""
    taken = sms(aliyun.endpoint).send(message(), means)
    aliyun.status = {PHONE: status}
    assert [one.sign for one in receipts_of(aliyun, means, pending(taken.reference))] == signs


def test_two_messages_to_one_number_are_told_apart(aliyun: Aliyun, means: Means):
    """Alone or in a batch, by BizId; without one by the key."""
    channel = sms(aliyun.endpoint)
    first = channel.send(message("msg_1"), means)
    second = channel.send_many([message("msg_2"), *many(1)], means)[0]
    assert isinstance(second, Taken)
    asked = [pending(first.reference), pending(second.reference, "msg_2"), pending("", "msg_1")]
    assert [one.key for one in receipts_of(aliyun, means, *asked)] == ["msg_1", "msg_2", "msg_1"]
    assert receipts_of(aliyun, means, pending("", "msg_2")) == ()


def test_a_message_sent_at_midnight_is_found(aliyun: Aliyun, means: Means):
    """Their clock was past it already."""
    taken = sms(aliyun.endpoint).send(message(), means)
    midnight = pending(taken.reference, sent_at=datetime(2026, 6, 30, 15, 59, 30, tzinfo=UTC))
    assert len(receipts_of(aliyun, means, midnight)) == 1
    assert [call.given.get("SendDate") for call in aliyun.calls[1:]] == ["20260630", "20260701"]


def test_what_is_a_month_old_is_not_asked_for(aliyun: Aliyun, means: Means):
    """The vendor does not know it any more."""
    assert receipts_of(aliyun, means, pending("1^0", sent_at=NOW - timedelta(days=40))) == ()
    assert aliyun.calls == []


BUSY = (400, {"Code": "Throttling.User"})
ILLEGAL = (200, {"Code": "isv.MOBILE_NUMBER_ILLEGAL"})


def test_a_question_that_fails_does_not_lose_the_answers_before(aliyun: Aliyun, means: Means):
    """They are kept; the rest is asked next time."""
    taken = sms(aliyun.endpoint).send(message(), means)
    known = pending(taken.reference)
    aliyun.answers = {"QuerySendDetails": [ILLEGAL]}
    assert len(receipts_of(aliyun, means, known, known)) == 1
    aliyun.answers = {"QuerySendDetails": [BUSY]}
    with pytest.raises(DeliveryError, match="Throttling"):
        receipts_of(aliyun, means, known)
    rows = [{"SendStatus": 3, "OutId": "msg_1"}]
    good = (200, {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}})
    aliyun.answers = {"QuerySendDetails": [good, BUSY]}
    assert len(receipts_of(aliyun, means, known, known)) == 1


def test_a_round_of_questions_ends(aliyun: Aliyun, means: Means, monkeypatch: pytest.MonkeyPatch):
    """What there was no time for is asked in the next."""
    monkeypatch.setattr("alerts.gateways.aliyun.ROUND", timedelta(seconds=-1))
    assert receipts_of(aliyun, means, pending("1^0")) == ()
    assert aliyun.calls == []


@pytest.mark.parametrize(
    "found",
    [None, [], {}, {"SmsSendDetailDTO": None}, {"SmsSendDetailDTO": [7, {"SendStatus": []}]}],
)
def test_details_that_cannot_be_read_tell_nothing(found: Any, aliyun: Aliyun, means: Means):
    """And break nothing."""
    aliyun.answers = {"QuerySendDetails": [(200, {"Code": "OK", "SmsSendDetailDTOs": found})]}
    assert receipts_of(aliyun, means, pending("1^0")) == ()


def test_no_secret_and_no_number_is_told(means: Means, caplog: pytest.LogCaptureFixture):
    """Not by an error, a log, or a repr, though the request line holds the number."""
    caplog.set_level(logging.DEBUG)
    told = [repr(sms())]
    for conduct in (Conduct(manner="close"), Conduct(status=404), Conduct(body=b"no")):
        with MisbehavingReceiver(conduct) as receiver, pytest.raises(DeliveryError) as caught:
            sms(receiver.url("").rstrip("/")).send(message(), means)
        told.append(str(caught.value))
    for hidden in (PHONE, SECRET, KEY_ID, TOKEN):
        assert not any(hidden in text for text in [*told, caplog.text])


def test_a_missing_secret_may_be_mended_in_time(means: Means):
    """The sentence of the settings is kept and the attempt repeated; asking says the same."""

    def missing(secret: Secret) -> str:
        raise ConfigMistake(f"the {secret.where} is not set")

    bare = replace(means, reveal=missing)
    with pytest.raises(DeliveryError, match="KEY_ID is not set") as caught:
        sms().send(message(), bare)
    assert caught.value.retry
    with pytest.raises(DeliveryError, match="KEY_ID is not set"):
        sms().ask([pending("1^0")], bare, NOW)


BLOCK = {
    "access_key_id": {"env": "KEY_ID"},
    "access_key_secret": {"file": "aliyun.secret"},
    "sign_name": "荣昌气象",
    "templates": {"default": "SMS_1"},
}


def test_a_block_is_read():
    """Templates and secrets; the rest by default."""
    read = TypeAdapter(AliyunSms).validate_json(json.dumps({**BLOCK, "deadline": "5s"}))
    assert (read.deadline, read.longest, read.callback) == (timedelta(seconds=5), 20, None)
    assert read.endpoint == "https://dysmsapi.aliyuncs.com"


@pytest.mark.parametrize(
    "change",
    [
        {"sign_name": "【荣昌气象】"},
        {"sign_name": " "},
        {"templates": {}},
        {"templates": {"red": ""}},
        {"parameters": {"level": "colour"}},
        {"parameters": {"code": "token"}},
        {"longest": 0},
        {"longest": "20"},
        {"endpoint": "dysmsapi.aliyuncs.com"},
        {"endpoint": "https://"},
        {"endpoint": "https://a.example/path"},
        {"endpoint": "https://user:word@a.example"},
        {"endpoint": "https://a.example?x=1"},
        {"access_key_secret": "inline"},
        {"retries": 3},
    ],
)
def test_a_mistaken_block_is_refused(change: dict[str, Any]):
    """A secret in the open, an unknown fact, or a token that would be cut stop the start."""
    with pytest.raises(ValidationError):
        TypeAdapter(AliyunSms).validate_json(json.dumps({**BLOCK, **change}))
