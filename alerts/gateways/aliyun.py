"""One call to an Aliyun service: signed, sent, and judged by the code inside the answer.

Business errors come with HTTP 200 and a Code other than OK; faults of key, signature and clock come
with 4xx and a Code as well. Messages of the vendor are never repeated: that of a wrong signature holds
the key and the whole query.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from alerts.gateways.acs3 import AccessKey, authorization, encoded, fields
from alerts.gateways.endings import Ending, reveal
from alerts.gateways.sms_wire import beijing_time, parsed
from alerts.outgoing.delivery import Intake, Means, Pending, Receipt
from alerts.outgoing.post import AGAIN, Answer, judge
from ingest.errors import DeliveryError
from ingest.secret import Secret

ROUND = timedelta(minutes=1)
"""Longest one round of questions about pending messages takes; the rest is asked in the next."""


_RETRY, _FINAL, _GATEWAY = Ending.RETRY, Ending.FINAL, Ending.FAIL_OVER

CODES: Mapping[str, tuple[Ending, str]] = {
    # Their side, for a moment.
    "isp.SYSTEM_ERROR": (_RETRY, "their system failed"),
    "isp.GATEWAY_ERROR": (_RETRY, "their gateway failed"),
    "isp.UNKNOWN": (_RETRY, "their system failed"),
    "InternalError": (_RETRY, "their system failed"),
    "ServiceUnavailable": (_RETRY, "their service is down"),
    "ServiceUnavailableTemporary": (_RETRY, "their service is down"),
    "Throttling": (_RETRY, "too many requests at once; set `most` for the channel"),
    "Throttling.User": (_RETRY, "too many requests at once; set `most` for the channel"),
    "Throttling.Api": (_RETRY, "too many requests at once; set `most` for the channel"),
    "SignatureNonceUsed": (_RETRY, "a nonce was used before"),
    # This number, or the words of this message.
    "isv.BUSINESS_LIMIT_CONTROL": (_FINAL, "the number has had its share by their caps per number"),
    "isv.MOBILE_NUMBER_ILLEGAL": (_FINAL, "the number is none; correct it in the routes"),
    "isv.MOBILE_COUNT_OVER_LIMIT": (_FINAL, "too many numbers in one request"),
    "isv.BLACK_KEY_CONTROL_LIMIT": (_FINAL, "a variable holds a forbidden word; put it into the template"),
    "isv.SMS_CONTENT_ILLEGAL": (_FINAL, "the words are forbidden; put fewer into variables"),
    "isv.PARAM_LENGTH_LIMIT": (_FINAL, "a variable is too long; lower `longest`"),
    "isv.PARAM_NOT_SUPPORT_URL": (_FINAL, "a variable holds an address; the template must hold it"),
    # The account, its key, its approvals, or our configuration.
    "isv.AMOUNT_NOT_ENOUGH": (_GATEWAY, "the account is empty; top it up"),
    "isv.OUT_OF_SERVICE": (_GATEWAY, "the account is suspended; top it up"),
    "isv.ACCOUNT_NOT_EXISTS": (_GATEWAY, "there is no such account; check the key"),
    "isv.ACCOUNT_ABNORMAL": (_GATEWAY, "the account is blocked; ask their support"),
    "isv.PRODUCT_UN_SUBSCRIPT": (_GATEWAY, "the service is not activated; activate it"),
    "isv.PRODUCT_UNSUBSCRIBE": (_GATEWAY, "the service is not activated; activate it"),
    "isv.DAY_LIMIT_CONTROL": (_GATEWAY, "the account's own daily limit is reached; raise it"),
    "isv.MONTH_LIMIT_CONTROL": (_GATEWAY, "the account's own monthly limit is reached; raise it"),
    "isv.SMS_SIGNATURE_ILLEGAL": (_GATEWAY, "the sign name is not approved; check sign_name"),
    "isv.SMS_SIGN_ILLEGAL": (_GATEWAY, "the sign name is not approved; check sign_name"),
    "isv.SMS_TEMPLATE_ILLEGAL": (_GATEWAY, "a template is not approved; check templates"),
    "isv.TTS_TEMPLATE_ILLEGAL": (_GATEWAY, "a template is not approved; check templates"),
    "isv.DISPLAY_NUMBER_ILLEGAL": (_GATEWAY, "called_show_number is not ours; check it"),
    "isv.TEMPLATE_MISSING_PARAMETERS": (_GATEWAY, "the template has a variable that parameters lacks"),
    "isv.TEMPLATE_PARAMS_ILLEGAL": (_GATEWAY, "parameters do not fit the template; correct them"),
    "isv.INVALID_JSON_PARAM": (_GATEWAY, "parameters do not fit the template; correct them"),
    "isv.INVALID_PARAMETERS": (_GATEWAY, "a parameter is wrong; check the block"),
    "MissingPhoneNumbers": (_GATEWAY, "a parameter is missing; check the block"),
    "MissingSignName": (_GATEWAY, "a parameter is missing; check the block"),
    "MissingTemplateCode": (_GATEWAY, "a parameter is missing; check the block"),
    "isv.DENY_IP_RANGE": (_GATEWAY, "our address is not on their list; add it in their console"),
    "isp.RAM_PERMISSION_DENY": (_GATEWAY, "the key may not do this; grant it the permission"),
    "isv.RAM_PERMISSION_DENY": (_GATEWAY, "the key may not do this; grant it the permission"),
    "Forbidden.RAM": (_GATEWAY, "the key may not do this; grant it the permission"),
    "NoPermission": (_GATEWAY, "the key may not do this; grant it the permission"),
    "SignatureDoesNotMatch": (_GATEWAY, "the secret does not fit the key; enter both anew"),
    "IncompleteSignature": (_GATEWAY, "the signature is not understood; check for a proxy on the way"),
    "InvalidAccessKeyId.NotFound": (_GATEWAY, "the key is unknown; enter it anew"),
    "InvalidAccessKeyId.Inactive": (_GATEWAY, "the key is disabled; enable it or enter another"),
    "InvalidTimeStamp.Expired": (_GATEWAY, "our clock is more than 15 minutes off; set it"),
}
"""Documented code -> how it ends, and what the operator reads.

Sources: error codes of Dysmsapi and Dyvmsapi 2017-05-25, public error codes of the OpenAPI. A missing
or wrong parameter counts against the gateway: the configuration makes it, so every message has it.
"""
_PASSING = ("isp.", "Throttling")
# A code is a word; what looks otherwise may repeat a number or a key.
_CODE = re.compile(r"(?!.*\d{5})[A-Za-z][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service of an account."""

    endpoint: str
    """``https://host``, without a path."""
    version: str
    """Version of its interface."""
    id: Secret
    """The access key's id."""
    secret: Secret
    """The access key's secret."""

    def call(
        self,
        action: str,
        query: Mapping[str, str],
        *,
        means: Means,
        at: datetime,
        deadline: timedelta,
        form: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """Call once and return the answer, whose Code is OK; DeliveryError otherwise.

        `query` goes into the address and `form` into the body, as the vendor's SDK puts them. No part
        of either is in an error.
        """
        key = AccessKey(id=reveal(self.id, means), secret=reveal(self.secret, means))
        body = encoded(form or {}).encode()
        headers = fields(action, self.version, urlsplit(self.endpoint).netloc, body, at)
        line = encoded(query)
        headers["authorization"] = authorization(key, line, headers)
        url = f"{self.endpoint.rstrip('/')}/?{line}"
        return judged(means.post.send(url, body, headers, deadline=deadline), at)


def check_endpoint(endpoint: str) -> None:
    """Refuse with ValueError what is no plain ``http(s)://host[:port]``."""
    parts = urlsplit(endpoint)
    plain = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ValueError("endpoint must be https:// and a host, without anything behind it")


def judged(answer: Answer, at: datetime) -> Mapping[str, Any]:
    """The answer as a mapping whose Code is OK; DeliveryError for everything else."""
    if answer.status in AGAIN or answer.status >= 500:
        judge(answer, now=at)
    told = parsed(answer.body)
    said: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    code = said.get("Code")
    well = 200 <= answer.status < 300
    if isinstance(code, str) and code != "OK":
        raise refusal(code, well=well)
    if not well:
        _nothing_passes(answer)
    if code != "OK":
        text = f"Aliyun answered {answer.status} without its code; check for a proxy on the way"
        raise Ending.RETRY.error(text)
    return said


def refusal(code: str, *, well: bool = True) -> DeliveryError:
    """The error of a code; `well` says whether the status was 2xx.

    Undocumented codes: ``isp.*`` and ``Throttling*`` pass by themselves; others ``isv.*``, and those
    with a good status, concern the message; the rest is the OpenAPI refusing us altogether.
    """
    ending, why = CODES.get(code) or _undocumented(code, well)
    shown = code if _CODE.fullmatch(code) else "a code that is not repeated here"
    return ending.error(f"Aliyun answered {shown}: {why}")


def _undocumented(code: str, well: bool) -> tuple[Ending, str]:
    look = "look it up in their manual"
    if code.startswith(_PASSING):
        return Ending.RETRY, look
    return (Ending.FINAL if well or code.startswith("isv.") else Ending.FAIL_OVER), look


def _nothing_passes(answer: Answer) -> None:
    """Raise for a status that the OpenAPI itself never gives without a code: we are not talking to it."""
    try:
        judge(answer)
    except DeliveryError as error:
        raise Ending.FAIL_OVER.error(str(error)) from None


def packed(value: object) -> str:
    """JSON as the vendor's SDK writes it into a parameter."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def beijing(told: object, otherwise: datetime) -> datetime:
    """A time stamp of the vendor, which is GMT+8 and does not say so; `otherwise` where unreadable."""
    return beijing_time(told, "%Y-%m-%d %H:%M:%S", otherwise)


def ask_each(
    pending: Sequence[Pending], question: Callable[[Pending], Sequence[Receipt]]
) -> Intake:
    """Ask about one message after the other, at most for ROUND.

    One that is refused costs the others nothing. Where the vendor fails, what it told before is
    kept; DeliveryError only where it told nothing.
    """
    until = time.monotonic() + ROUND.total_seconds()
    receipts: list[Receipt] = []
    for one in pending:
        if time.monotonic() > until:
            break
        told = _told(one, question)
        if not isinstance(told, DeliveryError):
            receipts += told
        elif told.retry or told.gateway:
            if not receipts:
                raise told
            break
    return Intake(receipts=tuple(receipts))


def _told(
    one: Pending, question: Callable[[Pending], Sequence[Receipt]]
) -> Sequence[Receipt] | DeliveryError:
    try:
        return question(one)
    except DeliveryError as error:
        return error
