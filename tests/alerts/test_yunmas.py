"""SMS over China Mobile 云MAS, against a gateway that verifies every mac."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulators.receiver import Conduct, MisbehavingReceiver
from simulators.yunmas import AP_ID, EC_NAME, SECRET, SIGN, YunMasGateway

from alerts.channels.yunmas import YunMas
from alerts.duty.people import Person
from alerts.gateways.endings import Ending
from alerts.gateways.yunmas_codes import RSPCOD, refusal
from alerts.gateways.yunmas_codes import heard as read
from alerts.outgoing.delivery import (
    BadCallback,
    Batching,
    Hearing,
    Inbound,
    Means,
    Message,
    Sign,
    Taken,
)
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError
from ingest.secret import Secret

AT = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
PHONES = [f"1380000{number:04d}" for number in range(6000)]
KEY = Secret(env="YUNMAS_KEY")
# The sample of the manual, with invented values: the mac covers the parts in their order.
SAMPLE_MAC = "2bcfcd48e7bd91aef93dc722a1cf536c"


def message(phone: str = PHONES[1], text: str = "暴雨红色预警建议", **facts: Any) -> Message:
    """A message about the opening of a red."""
    return Message(
        key="msg_1",
        text=text,
        recipient=Person(name="张三", phone=phone, channels=("sms",)),
        subsystem="flood",
        data={"hazard": "rain", "reason": "opened", "to": "red", "places": {"a": "red"}, **facts},
        at=AT,
    )


def mas(url: str = "http://127.0.0.1:9/sms/norsubmit", **keys: Any) -> YunMas:
    """A channel for texts of our own."""
    told = {"ec_name": EC_NAME, "ap_id": AP_ID, "sign": SIGN, "deadline": timedelta(seconds=5)}
    return YunMas(**{"secret_key": KEY, "url": url, **told, **keys})


@pytest.fixture
def gateway():
    """The operator."""
    with YunMasGateway() as gateway:
        yield gateway


@pytest.fixture
def means(tmp_path):
    """What channels may use."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda _: SECRET)


def test_the_channel_keeps_every_contract():
    """It batches and can be told."""
    assert isinstance(mas(), Batching)
    assert isinstance(mas(), Hearing)
    assert mas().batch == 5000


def test_a_message_is_taken(gateway: YunMasGateway, means: Means):
    """The submission is the reference, and the parts are those billed with the signature."""
    own = mas(gateway.url, signature="【荣昌应急】")
    assert own.send(message(text="字" * 65), means) == Taken(
        reference=f"{1:022d}", detail="2 条短信"
    )
    assert gateway.delivered == [(PHONES[1], "字" * 65)]


def test_the_mac_equals_that_of_the_sample(gateway: YunMasGateway, means: Means):
    """Byte for byte, for two numbers in one request."""
    text = "SAMPLE 暴雨红色预警"
    mas(gateway.url).send_many([message("13800000000", text), message("13800000001", text)], means)
    (path, request) = gateway.requests[0]
    assert path == "/sms/norsubmit"
    assert request == {
        "ecName": "荣昌区应急管理局",
        "apId": "APSAMPLE",
        "secretKey": "SECRETSAMPLE",
        "mobiles": "13800000000,13800000001",
        "content": text,
        "sign": "SIGNSAMPLE",
        "addSerial": "",
        "mac": SAMPLE_MAC,
    }


def test_the_body_equals_the_sample(means: Means):
    """One line of Base64, as the operator's own example."""
    with MisbehavingReceiver() as receiver, pytest.raises(DeliveryError):
        mas(receiver.url()).send(message("13800000000", '"引号"\n换行'), means)
    decoded = json.loads(base64.b64decode(receiver.seen[0].body, validate=True))
    assert decoded["content"] == '"引号"\n换行'


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("暴雨红色预警", "暴雨红色预警"),
        ("【荣昌应急】暴雨红色预警", "暴雨红色预警"),
        ("【演练】暴雨红色预警", "【演练】暴雨红色预警"),
    ],
)
def test_the_signature_is_the_operators_to_add(
    text: str, sent: str, gateway: YunMasGateway, means: Means
):
    """It never stands there twice, and no other bracket is taken away."""
    mas(gateway.url, signature="【荣昌应急】").send(message(text=text), means)
    assert gateway.delivered == [(PHONES[1], sent)]


def test_trap_11_the_length_includes_the_signature(gateway: YunMasGateway, means: Means):
    """64 characters and a signature of six are one message, 65 are two."""
    own = mas(gateway.url, signature="【荣昌应急】")
    taken = [own.send(message(text="字" * length), means) for length in (64, 65)]
    assert [one.detail for one in taken] == ["1 条短信", "2 条短信"]


def test_numbers_with_the_same_words_share_a_request(gateway: YunMasGateway, means: Means):
    """One submission stands for all of them."""
    outcomes = mas(gateway.url).send_many([message(phone) for phone in PHONES[:5000]], means)
    assert len(gateway.requests) == 1
    assert {one.reference for one in outcomes} == {f"{1:022d}"}


def test_other_words_go_in_another_request(gateway: YunMasGateway, means: Means):
    """The operator answers for a request as a whole."""
    texts = ["甲", "乙", "甲"]
    batch = [message(phone, text) for phone, text in zip(PHONES, texts, strict=False)]
    references = [one.reference for one in mas(gateway.url).send_many(batch, means)]
    assert references == [f"{1:022d}", f"{2:022d}", f"{1:022d}"]


def test_trap_1_one_failing_request_does_not_keep_the_others(gateway: YunMasGateway, means: Means):
    """The first of three is refused; the second and third still go out."""
    gateway.failures = ["SystemBusy"]
    batch = [message(phone, text) for phone, text in zip(PHONES, "甲乙丙", strict=False)]
    outcomes = mas(gateway.url).send_many(batch, means)
    assert [isinstance(one, Taken) for one in outcomes] == [False, True, True]


@pytest.mark.parametrize("bad", [{3}, {0, 8}, set(range(9)), {4, 5, 6}])
def test_a_number_that_spoils_its_batch_is_left_behind(
    bad: set[int], gateway: YunMasGateway, means: Means
):
    """The others get the message once each."""
    gateway.bad_numbers = {PHONES[index] for index in bad}
    outcomes = mas(gateway.url).send_many([message(phone) for phone in PHONES[:9]], means)
    assert {index for index, one in enumerate(outcomes) if not isinstance(one, Taken)} == bad
    assert all(not outcomes[index].retry for index in bad)
    assert sorted(number for number, _ in gateway.delivered) == sorted(
        phone for index, phone in enumerate(PHONES[:9]) if index not in bad
    )


@pytest.mark.parametrize("number", ["", "02346730000", "12345", "+85251234567"])
def test_what_is_no_mobile_number_is_never_sent(number: str, gateway: YunMasGateway, means: Means):
    """The rest of the batch is."""
    outcomes = mas(gateway.url).send_many([message(number), message()], means)
    assert not outcomes[0].retry
    assert gateway.requests[0][1]["mobiles"] == PHONES[1]


def test_a_template_goes_to_its_own_address(gateway: YunMasGateway, means: Means):
    """With its values as an array in a text."""
    own = mas(gateway.url, templates={"default": "9ec4"}, parameters=("level", "towns"))
    own.send(message(), means)
    path, request = gateway.requests[0]
    assert (path, request["templateId"]) == ("/sms/tmpsubmit", "9ec4")
    assert json.loads(request["params"]) == ["红色", "1个镇街"]


def test_a_template_of_fixed_words_is_given_one_empty_value(gateway: YunMasGateway, means: Means):
    """As the operator asks."""
    mas(gateway.url, templates={"default": "9ec4"}).send(message(), means)
    assert gateway.requests[0][1]["params"] == '[""]'


def test_a_drill_never_goes_out_under_a_real_template(gateway: YunMasGateway, means: Means):
    """Nor falls back to a text."""
    with pytest.raises(DeliveryError, match="drill") as caught:
        mas(gateway.url, templates={"default": "9"}).send(message(exercise="storm"), means)
    assert not caught.value.retry
    assert not gateway.requests


@pytest.mark.parametrize("code", sorted(RSPCOD))
def test_every_return_code_has_its_ending(code: str, gateway: YunMasGateway, means: Means):
    """The status is 200 each time."""
    gateway.failures = [code]
    with pytest.raises(DeliveryError, match=code) as caught:
        mas(gateway.url).send(message(), means)
    ending = RSPCOD[code][0]
    assert caught.value.retry is (ending is Ending.RETRY)
    assert caught.value.gateway is (ending is Ending.FAIL_OVER)


@pytest.mark.parametrize(
    ("codes", "ending"),
    [
        ("IllegalMac InvalidUsrOrPwd IllegalSignId NoSignId OverDailyMax", Ending.FAIL_OVER),
        ("InvalidMobile InvalidMessage TooManyMobiles", Ending.FINAL),
        ("SystemBusy FlowOverLimit RequestTooOften", Ending.RETRY),
    ],
)
def test_keys_and_signatures_concern_everybody_and_numbers_themselves(codes: str, ending: Ending):
    """Read off the table."""
    assert {RSPCOD[code][0] for code in codes.split()} == {ending}


@pytest.mark.parametrize("code", ["Brand", None, 7, "", "13800000001 x"])
def test_an_unknown_code_is_tried_again(code: object):
    """And a code that is none is not repeated."""
    assert refusal(code).retry
    assert "138" not in str(refusal(code))


@pytest.mark.parametrize(
    "said",
    [
        {"rspcod": "success", "success": False, "msgGroup": "1"},
        {"rspcod": "success", "success": "true", "msgGroup": "1"},
        {"rspcod": "success", "msgGroup": "1"},
        {"success": True, "msgGroup": "1"},
        [],
        None,
    ],
)
def test_trap_1_of_formats_a_200_with_an_error_inside_is_an_error(said: object, means: Means):
    """Only both words together are a success."""
    conduct = Conduct(body=json.dumps(said).encode())
    with MisbehavingReceiver(conduct) as receiver, pytest.raises(DeliveryError) as caught:
        mas(receiver.url()).send(message(), means)
    assert caught.value.retry


def test_a_wrong_secret_is_the_gateways_fault(gateway: YunMasGateway, means: Means):
    """It is part of the mac, and its operator must mend it."""
    other = Means(post=means.post, folder=means.folder, reveal=lambda _: "other")
    with pytest.raises(DeliveryError, match="InvalidUsrOrPwd") as caught:
        mas(gateway.url).send(message(), other)
    assert caught.value.gateway


def test_no_error_tells_a_number_or_a_secret(gateway: YunMasGateway, means: Means):
    """Nor does the channel itself."""
    gateway.bad_numbers = {PHONES[1]}
    outcomes = mas(gateway.url).send_many([message(), message("12"), message(PHONES[2])], means)
    for hidden in (PHONES[1], SECRET, EC_NAME):
        assert not any(hidden in str(one) for one in outcomes)
    assert "norsubmit" not in repr(mas())


def test_the_default_address_is_encrypted():
    """The documented one with http: is for those who write it themselves."""
    assert YunMas(ec_name="a", ap_id="b", secret_key=KEY, sign="c").url.startswith("https://")


def heard(body: object, means: Means) -> Any:
    """What is understood of a push."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return mas().hear(Inbound(headers={}, query={}, body=raw, at=AT), means)


REPORT = {
    "reportStatus": "DELIVRD",
    "mobile": ["13800000000"],
    "submitDate": "20260701180002",
    "receiveDate": "20260701180010",
    "errorCode": "",
    "msgGroup": "0701180000001000000001",
}


def test_a_pushed_report_is_understood(means: Means):
    """Its time is Beijing time."""
    failed = {"reportStatus": "UNDELIV", "mobile": ["13800000001"], "errorCode": "DB:0140"}
    first, second = heard([REPORT, {**REPORT, **failed}], means).receipts
    assert (first.sign, first.phone, first.key) == (Sign.DELIVERED, "13800000000", None)
    assert first.at == datetime(2026, 7, 1, 10, 0, 10, tzinfo=UTC)
    assert (second.sign, second.detail) == (Sign.UNDELIVERED, "UNDELIV DB:0140")


def test_one_submission_stands_for_many_numbers(means: Means):
    """A receipt names both."""
    report = {**REPORT, "mobile": ["13800000000", "8613800000001", "+86 138 0000 0002"]}
    receipts = heard([report], means).receipts
    assert {one.reference for one in receipts} == {"0701180000001000000001"}
    assert [one.phone for one in receipts] == ["13800000000", "13800000001", "13800000002"]


@pytest.mark.parametrize(
    ("status", "signs"),
    [
        ("DELIVRD", [Sign.DELIVERED]),
        ("EXPIRED", [Sign.UNDELIVERED]),
        ("REJECTD", [Sign.UNDELIVERED]),
        ("UNKNOWN", [Sign.UNDELIVERED]),
        ("MK:0001", [Sign.UNDELIVERED]),
        ("ACCEPTD", []),
        ("ENROUTE", []),
    ],
)
def test_each_state_of_a_report(status: str, signs: list[Sign], means: Means):
    """On its way is no sign; what is not delivered needs another road."""
    assert [
        one.sign for one in heard([{**REPORT, "reportStatus": status}], means).receipts
    ] == signs


def test_a_pushed_reply_is_understood(means: Means):
    """Its time is Beijing time."""
    told = {"smsContent": "收到", "mobile": "13800000000", "addSerial": "01"}
    (reply,) = heard([{**told, "sendTime": "2026-07-01 18:05:00"}], means).replies
    assert (reply.phone, reply.text) == ("13800000000", "收到")
    assert reply.at == datetime(2026, 7, 1, 10, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "bad", [None, "x", {}, {**REPORT, "mobile": []}, {**REPORT, "msgGroup": ""}, {"smsContent": 1}]
)
def test_one_bad_element_does_not_lose_the_good_ones(bad: object, means: Means):
    """The operator will not tell them again."""
    assert len(heard([bad, REPORT, bad], means).receipts) == 1


def test_one_bad_number_does_not_lose_the_good_ones(means: Means):
    """Within one report."""
    report = {**REPORT, "mobile": ["1", None, "13800000000"]}
    assert [one.phone for one in heard([report], means).receipts] == ["13800000000"]


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"{", b"null", b"7", {}, [None], {**REPORT, "mobile": "1"}]
)
def test_a_push_that_cannot_be_read_is_a_bad_callback(body: object, means: Means):
    """And nothing of it is repeated."""
    with pytest.raises(BadCallback) as caught:
        heard(body, means)
    assert "0701" not in str(caught.value)


@given(
    st.dictionaries(
        st.sampled_from(list(REPORT)),
        st.none() | st.integers() | st.text() | st.lists(st.text() | st.none(), max_size=3),
    )
)
def test_no_element_breaks_the_reader(told: dict[str, Any]):
    """It is read, or refused as one that cannot be."""
    with suppress(ValueError):
        assert all(one.at.tzinfo is UTC for one in read({**REPORT, **told}, AT))


@pytest.mark.parametrize("time", ["00010101000000", "", None, "99991231235959", 20260701180010])
def test_a_report_is_not_lost_for_want_of_its_time(time: object, means: Means):
    """It happened by now."""
    assert len(heard([{**REPORT, "receiveDate": time}], means).receipts) == 1


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ({"sign": "【荣昌应急】"}, "code of the signature"),
        ({"parameters": ("level",)}, "templates"),
        ({"templates": {"default": "1"}, "parameters": ("colour",)}, "no fact"),
        ({"templates": {"": "1"}}, "templates"),
        ({"url": "112.35.10.201:28888/sms/submit"}, "url"),
    ],
)
def test_a_block_without_sense_is_refused(keys: dict[str, Any], match: str):
    """When the configuration is read."""
    with pytest.raises(ValueError, match=match):
        mas(**keys)
