"""Return codes and pushed signs of China Mobile 云MAS."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from alerts.gateways.endings import Ending
from alerts.gateways.sms_wire import (
    beijing_time,
    facts_of,
    harmless,
    readable,
    text_of,
    told_number,
)
from alerts.outgoing.delivery import Receipt, Reply, Sign
from ingest.errors import DeliveryError

_TRY_AGAIN = (Ending.RETRY, "it is tried again; if it lasts, ask the operator of the gateway")
_ACCOUNT = (
    Ending.FAIL_OVER,
    "check ec_name, ap_id and secret_key, and the addresses allowed there",
)
_SIGNATURE = (Ending.FAIL_OVER, "check sign and templates against what the operator approved")
_LIMIT = (
    Ending.FAIL_OVER,
    "the account's messages of the day are used up; ask its operator for more",
)
_REQUEST = (Ending.FINAL, "the request is refused as it stands; check add_serial, or report this")
_NUMBER = (Ending.FINAL, "correct the number in routes.yaml")

RSPCOD: Mapping[str, tuple[Ending, str]] = {
    "IllegalMac": _ACCOUNT,
    "InvalidUsrOrPwd": _ACCOUNT,
    "IllegalSignId": _SIGNATURE,
    "NoSignId": _SIGNATURE,
    "InvalidMessage": _REQUEST,
    "TooManyMobiles": _REQUEST,
    "InvalidMobile": _NUMBER,
    # The manual of the interface ends here; its vendor's own client knows these as well.
    "FlowOverLimit": _TRY_AGAIN,
    "IllegalState": _TRY_AGAIN,
    "InternalError": _TRY_AGAIN,
    "QueueOverLimit": _TRY_AGAIN,
    "RequestTimeout": _TRY_AGAIN,
    "RequestTooOften": _TRY_AGAIN,
    "SystemBusy": _TRY_AGAIN,
    "TransportError": _TRY_AGAIN,
    "IllegalIpAddress": _ACCOUNT,
    "IllegalProtocol": _ACCOUNT,
    "FastChNotFound": _SIGNATURE,
    "IllegalUseTemplate": _SIGNATURE,
    "NotLoadedSign": _SIGNATURE,
    "OverDailyMax": _LIMIT,
    "IllegalMsgfmt": _REQUEST,
}
"""Return code -> its ending and remedy."""

DELIVERED = "DELIVRD"
"""State of a message that is on the device."""
ON_ITS_WAY = frozenset({"ACCEPTD", "ENROUTE"})
"""States that are no sign yet. Any other, UNKNOWN and operators' own codes too, says that the message
will not arrive."""


def refusal(code: object) -> DeliveryError:
    """The error for a code that came in place of a success; an unknown one is tried again."""
    if not isinstance(code, str) or not code.isalnum() or not code.isascii():
        return Ending.RETRY.error("the gateway gave no code that can be read; ask its operator")
    ending, remedy = RSPCOD.get(code, (Ending.RETRY, "look the code up in the operator's manual"))
    return ending.error(f"the gateway answered {code[:40]}; {remedy}")


def heard(element: object, now: datetime) -> list[Receipt | Reply]:
    """The signs in one element of a push; ValueError where it cannot be read.

    A report tells of one submission and of several numbers; a state on the way is no sign.
    """
    told = facts_of(element)
    if "reportStatus" in told:
        return [*_receipts(told, now)]
    words = told.get("smsContent")
    if not isinstance(words, str):
        raise ValueError("no words")
    at = beijing_time(told.get("sendTime"), "%Y-%m-%d %H:%M:%S", now)
    return [Reply(phone=told_number(told.get("mobile")), text=text_of(words), at=at)]


def _receipts(told: Mapping[str, object], now: datetime) -> list[Receipt]:
    """One receipt per number that can be read."""
    status = text_of(told.get("reportStatus"))
    reference = text_of(told.get("msgGroup"))
    if not status or not reference:
        raise ValueError("no status or no submission")
    told_numbers = told.get("mobile")
    numbers = told_numbers if isinstance(told_numbers, list) else [told_numbers]
    phones = readable(numbers, told_number)
    if not phones:
        raise ValueError("no numbers")
    if status in ON_ITS_WAY:
        return []
    sign = Sign.DELIVERED if status == DELIVERED else Sign.UNDELIVERED
    at = beijing_time(told.get("receiveDate"), "%Y%m%d%H%M%S", now)
    detail = harmless(f"{status} {text_of(told.get('errorCode'))}")
    return [
        Receipt(sign=sign, at=at, reference=reference, phone=phone, detail=detail)
        for phone in phones
    ]
