"""Receipts and replies that Tencent SMS pushes to us."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels.tencent_sms import TencentSms
from alerts.gateways.tencent_signs import pulled_receipt, pulled_reply, pushed
from alerts.outgoing.delivery import BadCallback, Inbound, Intake, Means, Sign
from alerts.outgoing.post import Post
from ingest.secret import Secret

AT = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
KEY = Secret(env="TENCENT_KEY")
SMS = TencentSms(
    secret_id=KEY, secret_key=KEY, sdk_app_id="1", sign_name="荣昌", templates={"default": "1"}
)


def heard(body: object) -> Intake:
    """What is understood of a push; no secret is read for it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with Post() as post:
        means = Means(post=post, folder=Path(), reveal=lambda _: pytest.fail("a secret was read"))
        return SMS.hear(Inbound(headers={}, query={}, body=raw, at=AT), means)


PUSHED = {
    "user_receive_time": "2026-07-01 18:00:10",
    "nationcode": "86",
    "mobile": "13800000000",
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "用户短信送达成功",
    "sid": "0000:000",
    "ext": "msg_1",
}


def test_a_pushed_receipt_is_understood():
    """Its time is Beijing time; the vendor hears that it was taken."""
    intake = heard([PUSHED])
    (receipt,) = intake.receipts
    assert receipt.sign is Sign.DELIVERED
    assert receipt.at == datetime(2026, 7, 1, 10, 0, 10, tzinfo=UTC)
    assert (receipt.key, receipt.reference) == ("msg_1", "0000:000")
    assert (receipt.phone, receipt.detail) == ("13800000000", "DELIVRD")
    assert json.loads(intake.answer) == {"result": 0, "errmsg": "OK"}


@pytest.mark.parametrize(
    ("word", "sign"), [("SUCCESS", Sign.DELIVERED), ("FAIL", Sign.UNDELIVERED)]
)
def test_each_status_of_a_push(word: str, sign: Sign):
    """Delivered is never read: nobody need have looked."""
    assert heard([{**PUSHED, "report_status": word}]).receipts[0].sign is sign


@pytest.mark.parametrize("time", ["", None, "yesterday", 7, "2026-13-01 00:00:00"])
def test_a_receipt_is_not_lost_for_want_of_its_time(time: object):
    """It happened by now."""
    assert heard([{**PUSHED, "user_receive_time": time}]).receipts[0].at == AT


def test_a_receipt_of_a_batch_has_no_key():
    """It is found by its serial number."""
    told = {name: value for name, value in PUSHED.items() if name != "ext"}
    assert heard([told]).receipts[0].key is None
    assert heard([{**PUSHED, "ext": ""}]).receipts[0].key is None


def test_a_pushed_reply_is_understood():
    """It comes alone, and its time is in seconds."""
    told = {"extend": "", "mobile": "13800000001", "nationcode": "86", "sign": "x", "text": "收到"}
    intake = heard({**told, "time": 1457336869})
    (reply,) = intake.replies
    assert (reply.phone, reply.text) == ("13800000001", "收到")
    assert reply.at == datetime.fromtimestamp(1457336869, UTC)
    assert json.loads(intake.answer)["result"] == 0


@pytest.mark.parametrize("time", [None, -1, 10**20, "soon", True, 1.5])
def test_a_reply_is_not_lost_for_want_of_its_time(time: object):
    """It came by now."""
    told = {"mobile": "13800000001", "text": "1", "time": time}
    assert heard(told).replies[0].at == AT


@pytest.mark.parametrize(
    "bad", [None, [], "x", {}, {**PUSHED, "mobile": "1"}, {**PUSHED, "report_status": None}]
)
def test_one_bad_element_does_not_lose_the_good_ones(bad: object):
    """The vendor will not tell them again."""
    intake = heard([bad, PUSHED, bad])
    assert len(intake.receipts) == 1


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[" * 100_000, b"null", b"7", {}, [None], [{**PUSHED, "mobile": ""}]]
)
def test_a_push_that_cannot_be_read_is_a_bad_callback(body: object):
    """And nothing of it is repeated."""
    with pytest.raises(BadCallback) as caught:
        heard(body)
    assert "138" not in str(caught.value)


def test_no_detail_holds_a_number():
    """Whatever the vendor puts there."""
    (receipt,) = heard([{**PUSHED, "errmsg": "MK:0001 13800000000\n"}]).receipts
    assert receipt.detail == "MK:0001 …"


def test_half_a_character_is_replaced():
    """JSON can carry it, and no database can keep it."""
    (reply,) = heard(b'{"mobile": "13800000001", "text": "1\\ud800\\u0000", "time": 1}').replies
    assert reply.text == "1??"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
NAMES = [*PUSHED, "text", "time", "PhoneNumber", "ReportStatus", "UserReceiveTime", "ReplyTime"]


@given(
    st.dictionaries(st.sampled_from(NAMES), ANYTHING)
    | st.dictionaries(st.sampled_from(NAMES), ANYTHING).map(lambda told: {**PUSHED, **told})
)
def test_no_element_breaks_a_reader(told: dict[str, Any]):
    """It is read, or refused as one that cannot be."""
    for read in (pushed, pulled_receipt, pulled_reply):
        with suppress(ValueError):
            assert read(told, AT).at.tzinfo is UTC
