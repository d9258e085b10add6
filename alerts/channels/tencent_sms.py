"""SMS over Tencent Cloud (API 2021-01-11): approved templates, one outcome per number."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from alerts.gateways.endings import Ending, reveal
from alerts.gateways.sms_templates import Fact, check_facts, check_templates, fact, template_of
from alerts.gateways.sms_wire import (
    Outcome,
    each,
    in_groups,
    mobile,
    parsed,
    readable,
    single,
    text_of,
)
from alerts.gateways.tc3 import CONTENT_TYPE, Account, authorization, timestamp
from alerts.gateways.tencent_codes import refusal
from alerts.gateways.tencent_signs import pulled_receipt, pulled_reply, pushed
from alerts.outgoing.delivery import (
    Inbound,
    Intake,
    Means,
    Message,
    Pending,
    Receipt,
    Reply,
    Taken,
    channel,
)
from alerts.outgoing.post import judge
from ingest.errors import DeliveryError
from ingest.registry import Duration
from ingest.secret import Secret

VERSION = "2021-01-11"
MOST_NUMBERS = 200
"""Numbers in one request."""
PAGE = 100
"""Signs in one answer to a pull."""
MOST_PULLS = 20
"""Pulls in a row before others get their turn."""
PERSONAL: frozenset[Fact] = frozenset({"token", "subsystem", "text"})
"""Facts that differ from person to person: with one of them no two messages share a request."""

Content = tuple[str, tuple[str, ...]]
"""A template and the values of its variables."""


@channel("tencent_sms")
@dataclass(frozen=True, kw_only=True)
class TencentSms:
    """Sends approved templates; receipts and replies are pushed to us, or asked for.

    The vendor knows no idempotency key: a repeat after a crash is a second message, which its
    console can be told to hold back (same content, same number, 30 seconds).
    """

    secret_id: Secret
    """SecretId of a key that may send, and no more."""
    secret_key: Secret
    """SecretKey of the same key."""
    sdk_app_id: str
    """SmsSdkAppId of the application in the console, ten digits."""
    sign_name: str
    """Approved signature without 【】, which the vendor adds and puts before the text."""
    templates: dict[str, str]
    """Key of `alerts.gateways.sms_templates.template_of` -> id of an approved template."""
    parameters: tuple[Fact, ...] = ()
    """Facts that fill {1}, {2} and so on, of every template that `own_parameters` does not name."""
    own_parameters: dict[str, tuple[Fact, ...]] = field(default_factory=dict)
    """Id of a template -> facts that fill its variables; ``[]`` for one of fixed words."""
    longest: int = 6
    """Most characters of one variable: 6 for accounts made since 2024-01-25, else see the console."""
    region: str = "ap-guangzhou"
    """Region of the interface."""
    endpoint: str = "https://sms.tencentcloudapi.com/"
    """Address of the interface."""
    deadline: Duration = timedelta(seconds=10)
    """Total time of one batch."""
    callback: Secret | None = None
    """Last part of the callback address that is entered in the console; None takes no callbacks."""

    def __post_init__(self) -> None:
        check_templates(self.templates)
        strangers = set(self.own_parameters) - set(self.templates.values())
        if strangers:
            raise ValueError(
                f"own_parameters names {min(strangers)!r}, which is no id in templates"
            )
        check_facts({*self.parameters, *self._own()}, self.longest)
        if set(self.sign_name) & set("【】") or not self.sign_name.strip():
            raise ValueError("sign_name is the signature without 【】, which the vendor adds")
        address = urlsplit(self.endpoint)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("endpoint must begin with https:// and name a host")
        if address.path not in ("", "/") or address.query:
            raise ValueError("endpoint must end after its host: the signature covers the path /")

    @property
    def batch(self) -> int:
        """200 numbers; 1 where a variable differs from person to person, as such go in parallel."""
        return 1 if PERSONAL & {*self.parameters, *self._own()} else MOST_NUMBERS

    def send(self, message: Message, means: Means) -> Taken:
        """Send one message; DeliveryError as `alerts.gateways.tencent_codes` says of each code."""
        return single(self.send_many([message], means))

    def send_many(self, messages: Sequence[Message], means: Means) -> list[Outcome]:
        """Send, one request per template and values, and say what became of each message.

        Nothing is raised: where a whole request fails, each of its messages is told so and the
        other requests still go out.
        """

        def send(content: Content, group: list[Message], left: timedelta) -> list[Outcome]:
            said = self._call("SendSms", self._request(content, group), means, group[0].at, left)
            return _outcomes(said, group)

        return in_groups(messages, self._content, send, self.deadline)

    def ask(self, pending: Sequence[Pending], means: Means, now: datetime) -> Intake:
        """Pull what was not pushed; what is pulled is gone there, so nothing pulled is given up.

        DeliveryError where not even the first pull works.
        """
        until = time.monotonic() + self.deadline.total_seconds()
        receipts: list[Receipt] = []
        replies: list[Reply] = []
        try:
            for page in self._pages("PullSmsSendStatus", means, now, until):
                receipts += readable(page, lambda told: pulled_receipt(told, now))
            for page in self._pages("PullSmsReplyStatus", means, now, until):
                replies += readable(page, lambda told: pulled_reply(told, now))
        except DeliveryError:
            if not receipts and not replies:
                raise
        return Intake(receipts=tuple(receipts), replies=tuple(replies))

    def hear(self, request: Inbound, means: Means) -> Intake:
        """Read a push: an array of receipts, or one reply. BadCallback where it is neither."""
        told = parsed(request.body)
        elements = told if isinstance(told, list) else [told]
        signs = each(elements, lambda element: pushed(element, request.at))
        return Intake(
            receipts=tuple(sign for sign in signs if isinstance(sign, Receipt)),
            replies=tuple(sign for sign in signs if isinstance(sign, Reply)),
            answer=b'{"result":0,"errmsg":"OK"}',
        )

    def _own(self) -> set[Fact]:
        return {name for names in self.own_parameters.values() for name in names}

    def _content(self, message: Message) -> Content:
        """The template of a message and the values of its variables."""
        template = template_of(self.templates, message)
        names = self.own_parameters.get(template, self.parameters)
        return template, tuple(fact(name, message, self.longest) for name in names)

    def _request(self, content: Content, group: Sequence[Message]) -> dict[str, object]:
        """The body of SendSms; a message that goes alone takes its key along."""
        template, values = content
        request: dict[str, object] = {
            "PhoneNumberSet": [f"+86{mobile(message.recipient.phone)}" for message in group],
            "SmsSdkAppId": self.sdk_app_id,
            "TemplateId": template,
            "SignName": self.sign_name,
            "TemplateParamSet": list(values),
        }
        if len(group) == 1:
            request["SessionContext"] = group[0].key
        return request

    def _call(
        self,
        action: str,
        request: Mapping[str, object],
        means: Means,
        at: datetime,
        left: timedelta,
    ) -> Mapping[str, object]:
        """What the gateway answers to one action; DeliveryError where it holds an error."""
        host = urlsplit(self.endpoint).netloc
        body = json.dumps(request).encode()
        account = Account(id=reveal(self.secret_id, means), key=reveal(self.secret_key, means))
        headers = {
            "host": host,
            "content-type": CONTENT_TYPE,
            "x-tc-action": action,
            "x-tc-version": VERSION,
            "x-tc-timestamp": timestamp(at),
            "x-tc-region": self.region,
            "authorization": authorization(account, "sms", host, body, at),
        }
        answer = means.post.send(self.endpoint, body, headers, deadline=left)
        judge(answer, now=at)
        return _response(parsed(answer.body))

    def _pages(
        self, action: str, means: Means, now: datetime, until: float
    ) -> Iterator[list[object]]:
        """Pages of a pull until one is empty, MOST_PULLS of them, or the time is up."""
        request = {"Limit": PAGE, "SmsSdkAppId": self.sdk_app_id}
        for _ in range(MOST_PULLS):
            left = timedelta(seconds=until - time.monotonic())
            if left <= timedelta(0):
                return
            page = self._call(action, request, means, now, left).get(f"{action}Set")
            if not isinstance(page, list) or not page:
                return
            yield page


def _response(said: object) -> Mapping[str, object]:
    """The inner object of an answer; a status of 200 is no success while it names an error."""
    response = said.get("Response") if isinstance(said, Mapping) else None
    if not isinstance(response, Mapping):
        raise Ending.RETRY.error("the answer is none of this interface; check endpoint")
    error = response.get("Error")
    if error is not None:
        raise refusal(error.get("Code") if isinstance(error, Mapping) else None)
    return response


def _outcomes(response: Mapping[str, object], group: Sequence[Message]) -> list[Outcome]:
    """What became of each number, found by the number: the order is not promised."""
    told = response.get("SendStatusSet")
    statuses: dict[str, Mapping[str, object]] = {}
    for status in told if isinstance(told, list) else ():
        if isinstance(status, Mapping):
            statuses[str(status.get("PhoneNumber", ""))[-11:]] = status
    return [_outcome(statuses.get(mobile(message.recipient.phone))) for message in group]


def _outcome(status: Mapping[str, object] | None) -> Outcome:
    if status is None:
        return Ending.RETRY.error("the gateway said nothing of this number; look in its console")
    if status.get("Code") != "Ok":
        return refusal(status.get("Code"))
    return Taken(reference=text_of(status.get("SerialNo")), detail=f"{status.get('Fee')} 条短信")
