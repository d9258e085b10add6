"""SMS over Aliyun (Dysmsapi 2017-05-25): approved templates, one or many numbers, receipts per number.

What we send is known again by OutId, the message's key, where it went alone; by BizId and number where
it went with others, since one BizId stands for all of them. The vendor does not drop a repeat: after a
crash the one message under way can come twice.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from alerts.gateways.aliyun import Service, ask_each, check_endpoint, packed
from alerts.gateways.aliyun_reports import detailed, heard
from alerts.gateways.sms_templates import Fact, check_facts, check_templates, fact, template_of
from alerts.gateways.sms_wire import Outcome, in_groups, mobile, out_of_time
from alerts.outgoing.delivery import (
    Inbound,
    Intake,
    Means,
    Message,
    Pending,
    Receipt,
    Taken,
    channel,
)
from ingest.errors import DeliveryError
from ingest.registry import Duration
from ingest.secret import Secret
from ingest.times import beijing_day

MOST_NUMBERS = 100
"""Numbers in one request."""
LONGEST_LOOK_BACK = timedelta(days=29)
"""The vendor tells of the last 30 days."""
# Their clock can be ahead of ours when a message goes out at midnight.
_LATE = timedelta(minutes=5)


@channel("aliyun_sms")
@dataclass(frozen=True, kw_only=True)
class AliyunSms:
    """Sends SMS under approved templates; receipts and replies are pushed to us, or asked for."""

    access_key_id: Secret
    """Id of an access key that may send SMS and query them, and nothing else."""
    access_key_secret: Secret
    """Its secret."""
    sign_name: str
    """Approved signature, without brackets."""
    templates: dict[str, str]
    """Which change -> code of the approved template; the keys are those of
    `alerts.gateways.sms_templates.template_of`. A drill needs one of its own."""
    parameters: dict[str, Fact] = field(default_factory=dict)
    """Variable of the templates -> fact that fills it; templates of fixed text need none."""
    longest: int = 20
    """Most characters of one variable; the vendor allows 20 to 35, by its sort."""
    endpoint: str = "https://dysmsapi.aliyuncs.com"
    """Address of the service, without a path."""
    deadline: Duration = timedelta(seconds=10)
    """Total time of one attempt, over all requests that it takes."""
    callback: Secret | None = None
    """Last part of the address to which the vendor pushes; None takes no pushes, and asks."""

    def __post_init__(self) -> None:
        check_templates(self.templates)
        check_facts(self.parameters.values(), self.longest)
        check_endpoint(self.endpoint)
        if not self.sign_name.strip() or set(self.sign_name) & set("【】[]"):
            raise ValueError("sign_name must be the approved signature, without its brackets")

    @property
    def batch(self) -> int:
        """Most messages in one request."""
        return MOST_NUMBERS

    def send(self, message: Message, means: Means) -> Taken:
        """Send one; its OutId is the message's key."""
        return self._alone(template_of(self.templates, message), message, means, self.deadline)

    def send_many(self, messages: Sequence[Message], means: Means) -> list[Outcome]:
        """Send those of the same template in one request; one outcome per message, in their order.

        A request that is refused because of one of its numbers sends nothing, so that it is halved
        until that number stands alone.
        """

        def send(template: str, group: list[Message], left: timedelta) -> list[Outcome]:
            until = time.monotonic() + left.total_seconds()
            return self._together(template, group, means, until)

        return in_groups(messages, partial(template_of, self.templates), send, self.deadline)

    def hear(self, request: Inbound, means: Means) -> Intake:
        """Read a push of receipts (SmsReport) or of replies (SmsUp).

        An element that cannot be read costs the others nothing; BadCallback where none can.
        """
        return heard(request.body, request.at)

    def ask(self, pending: Sequence[Pending], means: Means, now: datetime) -> Intake:
        """Ask what became of messages of the last 30 days, each by its number, day and BizId.

        DeliveryError where the vendor cannot be asked.
        """
        young = [one for one in pending if now - one.sent_at <= LONGEST_LOOK_BACK]
        return ask_each(young, lambda one: self._details(one, means, now))

    @property
    def _service(self) -> Service:
        id, secret = self.access_key_id, self.access_key_secret
        return Service(endpoint=self.endpoint, version="2017-05-25", id=id, secret=secret)

    def _together(
        self, template: str, messages: list[Message], means: Means, until: float
    ) -> list[Outcome]:
        """Send messages of one template to different numbers; one outcome each."""
        left = timedelta(seconds=until - time.monotonic())
        if left <= timedelta(0):
            return [out_of_time()] * len(messages)
        try:
            if len(messages) == 1:
                return [self._alone(template, messages[0], means, left)]
            if len(messages) <= MOST_NUMBERS:
                return [self._batch(template, messages, means, left)] * len(messages)
        except DeliveryError as error:
            if error.retry or error.gateway or len(messages) == 1:
                return [error] * len(messages)
        half = len(messages) // 2
        parts = messages[:half], messages[half:]
        return [one for part in parts for one in self._together(template, part, means, until)]

    def _alone(
        self, template: str, message: Message, means: Means, deadline: timedelta
    ) -> Taken:
        query = {
            "PhoneNumbers": mobile(message.recipient.phone),
            "SignName": self.sign_name,
            "TemplateCode": template,
            "OutId": message.key,
        }
        if self.parameters:
            query["TemplateParam"] = packed(self._values(message))
        at = message.at
        said = self._service.call("SendSms", query, means=means, at=at, deadline=deadline)
        return Taken(reference=str(said.get("BizId") or ""))

    def _batch(
        self, template: str, messages: list[Message], means: Means, deadline: timedelta
    ) -> Taken:
        form = {
            "PhoneNumberJson": packed([mobile(one.recipient.phone) for one in messages]),
            "SignNameJson": packed([self.sign_name] * len(messages)),
        }
        if self.parameters:
            form["TemplateParamJson"] = packed([self._values(one) for one in messages])
        query, at = {"TemplateCode": template}, messages[0].at
        said = self._service.call(
            "SendBatchSms", query, form=form, means=means, at=at, deadline=deadline
        )
        return Taken(reference=str(said.get("BizId") or ""), detail=f"one of {len(messages)}")

    def _values(self, message: Message) -> dict[str, str]:
        return {variable: fact(name, message, self.longest) for variable, name in self.parameters.items()}

    def _details(self, one: Pending, means: Means, now: datetime) -> list[Receipt]:
        days = dict.fromkeys(beijing_day(at) for at in (one.sent_at, one.sent_at + _LATE))
        for day in days:
            query = {
                "PhoneNumber": one.phone,
                "SendDate": f"{day:%Y%m%d}",
                "PageSize": "50",
                "CurrentPage": "1",
            }
            if one.reference:
                query["BizId"] = one.reference
            said = self._service.call(
                "QuerySendDetails", query, means=means, at=now, deadline=self.deadline
            )
            if receipts := detailed(said, one, now):
                return receipts
        return []
