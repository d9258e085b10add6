"""Requests are signed as the vendor's own SDK signs them, and judged by the code inside the answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulators.aliyun import KEY_ID, SECRET, Aliyun, fits
from simulators.receiver import Conduct, MisbehavingReceiver

from alerts.gateways.acs3 import AccessKey, authorization, encoded, fields
from alerts.gateways.aliyun import CODES, Service, refusal
from alerts.gateways.endings import Ending
from alerts.outgoing.delivery import Means
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError
from ingest.secret import Secret

KEY = AccessKey(id=KEY_ID, secret=SECRET)
NOW = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
PHONE = "13800000000"
ID, HIDDEN = Secret(env="KEY_ID"), Secret(env="KEY_SECRET")

# Sent by the vendor's SDKs (dysmsapi 4.6.0, dyvmsapi 5.3.0) to a server on loopback, with made-up keys.
SAID_BY_ALL = {
    "x-acs-version": "2017-05-25",
    "user-agent": "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2",
    "x-acs-date": "2026-11-23T04:55:06Z",
    "accept": "application/json",
    "x-acs-credentials-provider": "static_ak",
    "host": "127.0.0.1:35769",
}
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
CAPTURED: dict[str, dict[str, Any]] = {
    "SendSms": {
        "query": "OutId=alert-1&PhoneNumbers=13800000000&SignName=%E8%8D%A3%E6%98%8C%E6%B0%94%E8%B1%A1"
        "&TemplateCode=SMS_000000001&TemplateParam=%7B%22level%22%3A%22%E7%BA%A2%E8%89%B2%22%7D",
        "nonce": "78a3564f4aefba1e48a8cb357b8d015c",
        "digest": EMPTY,
        "signed": "accept;host;user-agent;x-acs-action;x-acs-content-sha256;"
        "x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version",
        "signature": "d0a3d20107978ad619a7a481401bbb95d951df36240420de201b96fcbba014b9",
    },
    "SendBatchSms": {
        "query": "TemplateCode=SMS_000000001",
        "nonce": "b5deee85a72e9268ae157ae2a984280a",
        "digest": "dfff313df1fd10064f3de6c74ff6fa806469d20f08ea9af4c6bcf7245bc386ce",
        "signed": "accept;content-type;host;user-agent;x-acs-action;x-acs-content-sha256;"
        "x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version",
        "signature": "c345889e9d1d1012011e47e31b0b8e4239d7ae507aa0a6944cbcb8040a5f8464",
    },
    "QuerySendDetails": {
        "query": "BizId=134523%5E4351232&CurrentPage=1&PageSize=10&PhoneNumber=13800000000"
        "&SendDate=20260701",
        "nonce": "842b496db60e1b1879696732187b9a6e",
        "digest": EMPTY,
        "signed": "accept;host;user-agent;x-acs-action;x-acs-content-sha256;"
        "x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version",
        "signature": "8be52ec223e2803da1c6389b01f95e288b7eb2c76cdf3546143ed964e048dcd9",
    },
    "SingleCallByTts": {
        "query": "CalledNumber=13800000000&CalledShowNumber=02300000000&OutId=alert-1&PlayTimes=2"
        "&TtsCode=TTS_000000001&TtsParam=%7B%22level%22%3A%22%E7%BA%A2%E8%89%B2%22%7D",
        "nonce": "8339c570c58be2971e200cd87205286c",
        "digest": EMPTY,
        "signed": "accept;host;user-agent;x-acs-action;x-acs-content-sha256;"
        "x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version",
        "signature": "e81b012361f80c86c3b41979987cd2e9bb44935e16e118d6bfeaceeb2238277c",
    },
}
BATCH_BODY = (
    "PhoneNumberJson=%5B%2213800000000%22%2C%2213800000001%22%5D&SignNameJson=%5B%22%E8%8D%A3%E6%98%8C"
    "%E6%B0%94%E8%B1%A1%22%2C%22%E8%8D%A3%E6%98%8C%E6%B0%94%E8%B1%A1%22%5D&TemplateParamJson=%5B%7B%22"
    "level%22%3A%22%E7%BA%A2%E8%89%B2%22%7D%2C%7B%22level%22%3A%22%E7%BA%A2%E8%89%B2%22%7D%5D"
)


def captured_fields(action: str) -> dict[str, str]:
    """The header fields that the SDK signed, under the names it sent."""
    one = CAPTURED[action]
    form = {"content-type": "application/x-www-form-urlencoded"} if one["digest"] != EMPTY else {}
    own = {"x-acs-action": action, "x-acs-signature-nonce": one["nonce"]}
    headers = {**SAID_BY_ALL, **own, "x-acs-content-sha256": one["digest"], **form}
    return {name.title(): value for name, value in headers.items()}


@pytest.mark.parametrize("action", CAPTURED)
def test_a_request_of_the_sdk_is_reproduced(action: str):
    """Byte for byte, from the same fields."""
    one = CAPTURED[action]
    made = authorization(KEY, one["query"], captured_fields(action))
    credential = f"ACS3-HMAC-SHA256 Credential={KEY_ID}"
    assert made == f"{credential},SignedHeaders={one['signed']},Signature={one['signature']}"


def test_a_form_of_the_sdk_is_reproduced():
    """The body of a batch, and with it the digest that is signed."""
    values = '[{"level":"红色"},{"level":"红色"}]'
    form = {"TemplateParamJson": values, "SignNameJson": '["荣昌气象","荣昌气象"]'}
    body = encoded({**form, "PhoneNumberJson": f'["{PHONE}","13800000001"]'})
    assert body == BATCH_BODY
    made = fields("SendBatchSms", "2017-05-25", "h", body.encode(), NOW)
    assert made["x-acs-content-sha256"] == CAPTURED["SendBatchSms"]["digest"]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [(" ", "%20"), ("~", "~"), ("*", "%2A"), ("/", "%2F"), ("+", "%2B"), ("雨", "%E9%9B%A8")],
)
def test_parameters_are_encoded_by_rfc_3986(text: str, quoted: str):
    """Not as forms of a browser are."""
    assert encoded({"b": text, "a": ""}) == f"a=&b={quoted}"


def test_no_nonce_is_used_twice():
    """Else the second attempt would be refused as a replay."""
    made = [fields("SendSms", "2017-05-25", "h", b"", NOW)["x-acs-signature-nonce"] for _ in range(99)]
    assert len(set(made)) == 99


def test_the_date_is_in_utc():
    """Whatever the zone of the moment."""
    at = NOW.astimezone(datetime.strptime("+0800", "%z").tzinfo)
    assert fields("a", "b", "h", b"", at)["x-acs-date"] == "2026-07-01T10:00:00Z"


def test_no_key_is_printed():
    """Not by repr."""
    assert SECRET not in repr(KEY)
    assert KEY_ID not in repr(KEY)


@given(st.dictionaries(st.text(min_size=1), st.text()), st.binary())
def test_the_vendor_accepts_our_signature(parameters: dict[str, str], body: bytes):
    """Whatever stands in parameters and body; one byte more in the body is refused."""
    headers = fields("SendSms", "2017-05-25", "127.0.0.1:1", body, NOW)
    query = encoded({name: value for name, value in parameters.items() if sound(name + value)})
    headers["authorization"] = authorization(KEY, query, headers)
    assert fits(f"/?{query}", headers, body)
    assert not fits(f"/?{query}", headers, body + b" ")


def sound(text: str) -> bool:
    """Whether a text can be written as UTF-8 at all."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


@pytest.fixture
def means(tmp_path: Path):
    """A way out and both parts of the key."""
    said = {"KEY_ID": KEY_ID, "KEY_SECRET": SECRET}
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda secret: said[secret.env or ""])


def call(endpoint: str, means: Means) -> object:
    """Send one SMS by hand."""
    service = Service(endpoint=endpoint, version="2017-05-25", id=ID, secret=HIDDEN)
    query = {"PhoneNumbers": PHONE, "TemplateCode": "SMS_1", "SignName": "荣昌气象"}
    second = timedelta(seconds=2)
    return service.call("SendSms", query, means=means, at=NOW, deadline=second)


def refused(answer: tuple[int, dict[str, Any]], means: Means) -> DeliveryError:
    """The error of one answer of the vendor."""
    with Aliyun(answers={"SendSms": [answer]}) as aliyun, pytest.raises(DeliveryError) as caught:
        call(aliyun.endpoint, means)
    return caught.value


def ends(error: DeliveryError) -> Ending:
    """How a refused message ends."""
    if error.gateway:
        assert not error.retry
        return Ending.FAIL_OVER
    return Ending.RETRY if error.retry else Ending.FINAL


DOCUMENTED = {
    Ending.RETRY: "isp.SYSTEM_ERROR isp.GATEWAY_ERROR isp.UNKNOWN InternalError ServiceUnavailable"
    " ServiceUnavailableTemporary Throttling Throttling.User Throttling.Api SignatureNonceUsed",
    Ending.FINAL: "isv.BUSINESS_LIMIT_CONTROL isv.MOBILE_NUMBER_ILLEGAL isv.MOBILE_COUNT_OVER_LIMIT"
    " isv.BLACK_KEY_CONTROL_LIMIT isv.SMS_CONTENT_ILLEGAL isv.PARAM_LENGTH_LIMIT"
    " isv.PARAM_NOT_SUPPORT_URL",
    Ending.FAIL_OVER: "isv.AMOUNT_NOT_ENOUGH isv.OUT_OF_SERVICE isv.ACCOUNT_NOT_EXISTS"
    " isv.ACCOUNT_ABNORMAL isv.PRODUCT_UN_SUBSCRIPT isv.PRODUCT_UNSUBSCRIBE isv.DAY_LIMIT_CONTROL"
    " isv.MONTH_LIMIT_CONTROL isv.SMS_SIGNATURE_ILLEGAL isv.SMS_SIGN_ILLEGAL"
    " isv.SMS_TEMPLATE_ILLEGAL isv.TTS_TEMPLATE_ILLEGAL isv.DISPLAY_NUMBER_ILLEGAL"
    " isv.TEMPLATE_MISSING_PARAMETERS isv.TEMPLATE_PARAMS_ILLEGAL isv.INVALID_JSON_PARAM"
    " isv.INVALID_PARAMETERS MissingPhoneNumbers MissingSignName MissingTemplateCode"
    " isv.DENY_IP_RANGE isp.RAM_PERMISSION_DENY isv.RAM_PERMISSION_DENY Forbidden.RAM NoPermission"
    " SignatureDoesNotMatch IncompleteSignature InvalidAccessKeyId.NotFound"
    " InvalidAccessKeyId.Inactive InvalidTimeStamp.Expired",
}
EXPECTED = [(code, ending) for ending, codes in DOCUMENTED.items() for code in codes.split()]


def test_every_code_of_the_table_is_expected_here():
    """A code added to the table is judged here as well."""
    assert dict(EXPECTED) == {code: ending for code, (ending, _) in CODES.items()}


@pytest.mark.parametrize("status", [200, 400, 403])
@pytest.mark.parametrize(("code", "ending"), EXPECTED)
def test_every_documented_code_ends_as_documented(code: str, ending: Ending, status: int, means):
    """Trap: HTTP 200 with an error inside. The code counts, not the status."""
    error = refused((status, {"Code": code, "Message": "触发分钟级流控Permits:1"}), means)
    assert ends(error) is ending
    assert code in str(error)


@pytest.mark.parametrize(
    ("code", "status", "ending"),
    [
        ("isp.SOMETHING_NEW", 200, Ending.RETRY),
        ("Throttling.Something", 400, Ending.RETRY),
        ("isv.SOMETHING_NEW", 200, Ending.FINAL),
        ("isv.SOMETHING_NEW", 400, Ending.FINAL),
        ("SOMETHING_NEW", 200, Ending.FINAL),
        ("InvalidAction.NotFound", 404, Ending.FAIL_OVER),
        ("Forbidden.Something", 403, Ending.FAIL_OVER),
    ],
)
def test_a_code_nobody_documented(code: str, status: int, ending: Ending, means):
    """Its family says how it ends; the OpenAPI's own refusals concern every message."""
    assert ends(refused((status, {"Code": code, "Message": "?"}), means)) is ending


@pytest.mark.parametrize(
    ("status", "body", "ending"),
    [
        (200, {}, Ending.RETRY),
        (200, {"Code": None}, Ending.RETRY),
        (200, {"Code": 0}, Ending.RETRY),
        (200, [], Ending.RETRY),
        (200, {"code": "OK"}, Ending.RETRY),
        (500, {"Code": "isv.AMOUNT_NOT_ENOUGH"}, Ending.RETRY),
        (503, {}, Ending.RETRY),
        (429, {"Code": "OK"}, Ending.RETRY),
        (302, {}, Ending.FAIL_OVER),
        (403, {}, Ending.FAIL_OVER),
        (404, {"Code": "OK"}, Ending.FAIL_OVER),
    ],
)
def test_an_answer_without_a_code(status: int, body: Any, ending: Ending, means):
    """Success is a 2xx with the code OK and nothing else."""
    assert ends(refused((status, body), means)) is ending


@pytest.mark.parametrize("body", [b"", b"<html>login</html>", b"\xff", b"[" * 9999, b'{"Code":"OK"'])
def test_what_is_no_json_may_be_tried_again(body: bytes, means: Means):
    """A proxy or a broken answer is not the vendor's word."""
    with MisbehavingReceiver(Conduct(body=body)) as receiver, pytest.raises(DeliveryError) as caught:
        call(receiver.url(""), means)
    assert ends(caught.value) is Ending.RETRY


def test_the_pause_that_is_asked_for_is_kept(means: Means):
    """Also where the status says enough."""
    busy = Conduct(status=429, headers={"Retry-After": "90"}, body=b'{"Code":"Throttling.User"}')
    with MisbehavingReceiver(busy) as receiver, pytest.raises(DeliveryError) as caught:
        call(receiver.url(""), means)
    assert caught.value.retry_after == timedelta(seconds=90)


def test_a_wrong_secret_stops_the_gateway_and_prints_nothing(tmp_path: Path):
    """The vendor's message repeats the whole query, with the number in it; ours does not."""
    with Post() as post, Aliyun() as aliyun, pytest.raises(DeliveryError) as caught:
        call(aliyun.endpoint, Means(post=post, folder=tmp_path, reveal=lambda _: KEY_ID))
    assert caught.value.gateway
    assert "SignatureDoesNotMatch" in str(caught.value)
    assert not any(hidden in str(caught.value) for hidden in (PHONE, KEY_ID, "荣昌", "%E8"))


@pytest.mark.parametrize("code", [f"isv.{PHONE}", "a b", "", "x" * 99, "isv.LIMIT_13800000000", "\n"])
def test_a_code_that_is_no_word_is_not_repeated(code: str):
    """It could hold anything."""
    error = refusal(code)
    assert "not repeated" in str(error)
    assert PHONE not in str(error)


DYSMS, DYVMS = "alibabacloud_dysmsapi20170525", "alibabacloud_dyvmsapi20170525"


def sdk(name: str, host: str) -> Any:
    """The vendor's client against `host`, its models beside it; skips where it is not installed."""
    why = f"the vendor's SDK is not installed; try: pip install {name}"
    client = pytest.importorskip(f"{name}.client", reason=why)
    models = pytest.importorskip(f"{name}.models", reason=why)
    config = pytest.importorskip("alibabacloud_tea_openapi.models", reason=why).Config(
        access_key_id=KEY_ID, access_key_secret=SECRET, endpoint=host, protocol="http"
    )
    return SimpleNamespace(client=client.Client(config), models=models)


# The SDK is what it is: its warnings are not ours to mend.
of_the_sdk = pytest.mark.filterwarnings("ignore")


@of_the_sdk
def test_the_sms_sdk_is_served_by_the_simulator():
    """What stands in for the vendor accepts the vendor's own requests, so it verifies as the vendor does."""
    with Aliyun() as aliyun:
        vendor = sdk(DYSMS, aliyun.host)
        given = {"phone_numbers": PHONE, "sign_name": "荣昌气象", "template_code": "SMS_1"}
        values = json.dumps({"level": "红 色"}, ensure_ascii=False)
        request = vendor.models.SendSmsRequest(**given, template_param=values, out_id="alert-1")
        sent = vendor.client.send_sms(request).body
        query = vendor.models.QuerySendDetailsRequest(
            phone_number=PHONE, send_date="20260701", page_size=10, current_page=1, biz_id=sent.biz_id
        )
        found = vendor.client.query_send_details(query).body.sms_send_detail_dtos
    assert sent.code == "OK"
    assert [row.out_id for row in found.sms_send_detail_dto] == ["alert-1"]


@of_the_sdk
def test_the_batch_of_the_sms_sdk_is_served_by_the_simulator():
    """With its arrays in the body."""
    with Aliyun() as aliyun:
        vendor = sdk(DYSMS, aliyun.host)
        request = vendor.models.SendBatchSmsRequest(
            phone_number_json=json.dumps([PHONE, "13800000001"]),
            sign_name_json=json.dumps(["荣昌气象"] * 2),
            template_code="SMS_1",
            template_param_json=json.dumps([{"level": "红色"}] * 2),
        )
        assert vendor.client.send_batch_sms(request).body.code == "OK"
    assert [sms.phone for sms in aliyun.stored] == [PHONE, "13800000001"]


@of_the_sdk
def test_the_voice_sdk_is_served_by_the_simulator():
    """A call and its record."""
    with Aliyun(record={"state": "200000"}) as aliyun:
        vendor = sdk(DYVMS, aliyun.host)
        request = vendor.models.SingleCallByTtsRequest(
            called_number=PHONE, tts_code="TTS_1", play_times=2, out_id="alert-1"
        )
        placed = vendor.client.single_call_by_tts(request).body
        query = vendor.models.QueryCallDetailByCallIdRequest(
            call_id=placed.call_id, prod_id=11010000138001, query_date=1782900000000
        )
        record = vendor.client.query_call_detail_by_call_id(query).body
    assert placed.code == "OK"
    assert json.loads(record.data) == {"state": "200000"}
