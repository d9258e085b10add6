"""TC3-HMAC-SHA256, against what the vendor published and what its own SDK put on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from alerts.gateways.tc3 import CONTENT_TYPE, Account, authorization, timestamp

AT = datetime.fromtimestamp(1795409706, UTC)
HOST = "127.0.0.1:35769"
ACCOUNT = Account(id="AKIDtest", key="secrettest")
# As the vendor's SDK 3.1.153 sent them to a loopback server.
SEND = (
    b'{"PhoneNumberSet": ["+8613800000000"], "SmsSdkAppId": "1400000000", "TemplateId": "1110", '
    b'"SignName": "\\u8363\\u660c\\u6c14\\u8c61", "TemplateParamSet": '
    b'["\\u8363\\u660c\\u533a", "\\u7ea2\\u8272"], "SessionContext": "alert-1"}'
)
SEND_SIGNED = (
    "TC3-HMAC-SHA256 Credential=AKIDtest/2026-11-23/sms/tc3_request, "
    "SignedHeaders=content-type;host, "
    "Signature=9ff019703320361b890ff6321ab8e624b7cee72b357258b5567d2d2e54bfe11e"
)
PULL = b'{"Limit": 10, "SmsSdkAppId": "1400000000"}'
PULL_SIGNED = SEND_SIGNED[:-64] + "5865a0343c7f40fcd7e23af23945fe912ccc7193641b149d26c8a1ebc37b15ae"


@pytest.mark.parametrize(("body", "signed"), [(SEND, SEND_SIGNED), (PULL, PULL_SIGNED)])
def test_the_header_equals_that_of_the_vendors_own_sdk(body: bytes, signed: str):
    """Byte for byte, for both captured requests."""
    assert authorization(ACCOUNT, "sms", HOST, body, AT) == signed


def test_the_worked_example_of_the_vendor(monkeypatch: pytest.MonkeyPatch):
    """The example of the manual, whose masked keys are used as they stand there."""
    monkeypatch.setattr("alerts.gateways.tc3.CONTENT_TYPE", "application/json; charset=utf-8")
    account = Account(
        id="AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******", key="Gu5t9xGARNpq86cd98joQYCN3*******"
    )
    body = (
        b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    )
    at = datetime.fromtimestamp(1551113065, UTC)
    signed = authorization(account, "cvm", "cvm.tencentcloudapi.com", body, at)
    assert signed.endswith("2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c")


@pytest.mark.parametrize(
    ("service", "host", "body", "at"),
    [
        ("vms", HOST, SEND, AT),
        ("sms", "sms.tencentcloudapi.com", SEND, AT),
        ("sms", HOST, SEND + b" ", AT),
        ("sms", HOST, SEND, AT + timedelta(seconds=1)),
    ],
)
def test_everything_that_is_signed_changes_the_signature(service, host, body, at):
    """Service, host, body and second."""
    assert authorization(ACCOUNT, service, host, body, at)[-64:] != SEND_SIGNED[-64:]


def test_the_day_is_that_of_utc():
    """At one in the morning in Beijing it is still yesterday there."""
    beijing = datetime(2026, 7, 2, 1, tzinfo=timezone(timedelta(hours=8)))
    assert "/2026-07-01/" in authorization(ACCOUNT, "sms", HOST, SEND, beijing)
    assert timestamp(beijing) == "1782925200"


def test_a_naive_moment_is_refused():
    """It would be signed hours off."""
    with pytest.raises(ValueError, match="time zone"):
        authorization(ACCOUNT, "sms", HOST, SEND, datetime(2026, 7, 1))


def test_an_account_prints_no_key():
    """Neither half of it."""
    assert "test" not in repr(ACCOUNT)
    assert CONTENT_TYPE == "application/json"
