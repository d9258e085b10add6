"""Receipts and replies of Tencent SMS, as they are pushed to us and as they are pulled.

Every reader raises ValueError for an element that it cannot read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from alerts.gateways.sms_wire import beijing_time, facts_of, harmless, text_of, told_number
from alerts.outgoing.delivery import Receipt, Reply, Sign
from ingest.times import utc

SIGNS = {"SUCCESS": Sign.DELIVERED, "FAIL": Sign.UNDELIVERED}
"""The vendor's word for what became of a message."""
_CLOCK = "%Y-%m-%d %H:%M:%S"


def pushed(element: object, now: datetime) -> Receipt | Reply:
    """One element of a push: a receipt has a ``report_status``, a reply has none."""
    told = facts_of(element)
    if "report_status" in told:
        return Receipt(
            sign=_sign(told.get("report_status")),
            at=beijing_time(told.get("user_receive_time"), _CLOCK, now),
            key=text_of(told.get("ext")) or None,
            reference=text_of(told.get("sid")) or None,
            phone=told_number(told.get("mobile")),
            detail=harmless(told.get("errmsg")),
        )
    return _reply(told, ("mobile", "text", "time"), now)


def pulled_receipt(element: object, now: datetime) -> Receipt:
    """One element of PullSmsSendStatusSet."""
    told = facts_of(element)
    return Receipt(
        sign=_sign(told.get("ReportStatus")),
        at=_instant(told.get("UserReceiveTime"), now),
        key=text_of(told.get("SessionContext")) or None,
        reference=text_of(told.get("SerialNo")) or None,
        phone=told_number(told.get("PhoneNumber")),
        detail=harmless(told.get("Description")),
    )


def pulled_reply(element: object, now: datetime) -> Reply:
    """One element of PullSmsReplyStatusSet."""
    return _reply(facts_of(element), ("PhoneNumber", "ReplyContent", "ReplyTime"), now)


def _reply(told: Mapping[str, object], keys: tuple[str, str, str], now: datetime) -> Reply:
    """A reply by the names of its number, words and time."""
    phone, words, time = (told.get(key) for key in keys)
    if not isinstance(words, str):
        raise ValueError("no words")
    return Reply(phone=told_number(phone), text=text_of(words), at=_instant(time, now))


def _sign(word: object) -> Sign:
    """What a status means; ValueError for one that is not documented."""
    try:
        return SIGNS[text_of(word)]
    except KeyError:
        raise ValueError("no status") from None


def _instant(told: object, otherwise: datetime) -> datetime:
    """Seconds since 1970, as a number or in digits; `otherwise` where they cannot be read."""
    try:
        seconds = int(told) if isinstance(told, int | str) and not isinstance(told, bool) else 0
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else utc(otherwise)
    except (ValueError, OverflowError, OSError):
        return utc(otherwise)
