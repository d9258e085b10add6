"""What Aliyun tells of SMS: pushed receipts and replies, and the details it gives when asked.

Receipts come per number, more than once and out of order; their times are GMT+8 and do not say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from alerts.gateways.aliyun import beijing
from alerts.gateways.sms_wire import each, facts_of, harmless, parsed, text_of, told_number
from alerts.outgoing.delivery import BadCallback, Intake, Pending, Receipt, Reply, Sign

HEARD = '{"code":0,"msg":"接收成功"}'.encode()
"""What the vendor wants to hear; without it the same push comes again."""
_SIGNS = {"2": Sign.UNDELIVERED, "3": Sign.DELIVERED}
_SUCCESS = {"true": Sign.DELIVERED, "false": Sign.UNDELIVERED}


def heard(body: bytes, now: datetime) -> Intake:
    """Read a push of receipts (SmsReport) or of replies (SmsUp), each an array.

    An element that cannot be read costs the others nothing; BadCallback where none can.
    """
    elements = parsed(body)
    if not isinstance(elements, list):
        raise BadCallback("the push is no JSON array; check that Aliyun sent it")
    read = each(elements, partial(_heard, now=now))
    receipts = tuple(one for one in read if isinstance(one, Receipt))
    replies = tuple(one for one in read if isinstance(one, Reply))
    return Intake(receipts=receipts, replies=replies, answer=HEARD)


def detailed(said: Mapping[str, Any], one: Pending, now: datetime) -> list[Receipt]:
    """The receipt of one message among the details of a number and a day; empty while it waits."""
    found = said.get("SmsSendDetailDTOs")
    rows = found.get("SmsSendDetailDTO") if isinstance(found, Mapping) else None
    for row in rows if isinstance(rows, list) else []:
        sign = _SIGNS.get(str(row.get("SendStatus"))) if isinstance(row, Mapping) else None
        if sign is not None and _is_of(row, one):
            at = beijing(row.get("ReceiveDate"), now)
            return [Receipt(sign=sign, at=at, key=one.key, detail=harmless(row.get("ErrCode")))]
    return []


def _is_of(row: Mapping[str, Any], one: Pending) -> bool:
    """Whether a row, found by BizId where there is one, is of a message; those of a batch have no OutId."""
    return row.get("OutId") == one.key or bool(one.reference and not row.get("OutId"))


def _heard(told: object, now: datetime) -> Receipt | Reply:
    """One element of a push; ValueError where it cannot be read."""
    element = facts_of(told)
    return _reply(element, now) if "content" in element else _report(element, now)


def _reply(element: Mapping[str, object], now: datetime) -> Reply:
    if not isinstance(element["content"], str):
        raise ValueError("no words")
    return Reply(
        phone=_number(element),
        text=text_of(element["content"]),
        at=beijing(element.get("send_time"), now),
        reference=text_of(str(element.get("sequence_id", ""))),
    )


def _report(element: Mapping[str, object], now: datetime) -> Receipt:
    sign = _SUCCESS.get(str(element.get("success")).lower())
    key, reference = text_of(element.get("out_id")), text_of(element.get("biz_id"))
    if sign is None or not (key or reference):
        raise ValueError("no sign of anything")
    return Receipt(
        sign=sign,
        at=beijing(element.get("report_time"), now),
        key=key or None,
        reference=reference or None,
        # A BizId alone stands for many numbers.
        phone=None if key else _number(element),
        detail=harmless(element.get("err_code")),
    )


def _number(element: Mapping[str, object]) -> str:
    return told_number(str(element.get("phone_number")))
