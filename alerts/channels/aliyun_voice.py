"""A call that speaks an approved text (Aliyun Dyvmsapi 2017-05-25, SingleCallByTts).

A call that was answered is delivered and no more: a connected call is no acknowledgement, and nobody
need have listened. The ladder goes on until somebody acknowledges.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from alerts.gateways.aliyun import Service, ask_each, beijing, check_endpoint, packed
from alerts.gateways.sms_templates import Fact, check_facts, check_templates, fact, template_of
from alerts.gateways.sms_wire import harmless, parsed, text_of
from alerts.outgoing.delivery import Intake, Means, Message, Pending, Receipt, Sign, Taken, channel
from ingest.registry import Duration
from ingest.secret import Secret
from ingest.times import beijing_midnight

ANSWERED = "200000"
"""State of a call that was answered."""
LONGEST_VALUES = 249
"""TtsParam has fewer than 250 characters."""
_OUT_ID_BYTES = 15
# Their clock can be behind ours.
_EARLY = timedelta(minutes=5)


@channel("aliyun_voice")
@dataclass(frozen=True, kw_only=True)
class AliyunVoice:
    """Calls one person and reads an approved template aloud; what became of the call is asked for.

    The vendor lets one call a minute, five an hour and twenty in 24 hours through to a number.
    """

    access_key_id: Secret
    """Id of an access key that may call and query calls, and nothing else."""
    access_key_secret: Secret
    """Its secret."""
    templates: dict[str, str]
    """Which change -> code of the approved template; the keys are those of
    `alerts.gateways.sms_templates.template_of`. A drill needs one of its own."""
    parameters: dict[str, Fact] = field(default_factory=dict)
    """Variable of the templates -> fact that fills it; templates of fixed text need none."""
    longest: int = 20
    """Most characters of one variable."""
    called_show_number: str | None = field(default=None, repr=False)
    """Our own number that the phone shows; None where the vendor shows one of its common ones."""
    play_times: Annotated[int, Field(ge=1, le=3)] = 2
    """How often the text is read."""
    volume: Annotated[int, Field(ge=0, le=100)] = 100
    """How loud."""
    speed: Annotated[int, Field(ge=-500, le=500)] = 0
    """How fast; 0 is the usual pace."""
    product: int = 11010000138001
    """Product by which calls are queried; this is that of SingleCallByTts."""
    endpoint: str = "https://dyvmsapi.aliyuncs.com"
    """Address of the service, without a path."""
    deadline: Duration = timedelta(seconds=10)
    """Total time of one attempt to place the call."""

    def __post_init__(self) -> None:
        check_templates(self.templates)
        check_facts(self.parameters.values(), self.longest)
        check_endpoint(self.endpoint)

    def send(self, message: Message, means: Means) -> Taken:
        """Place one call; the reference is its CallId."""
        query = {
            "CalledNumber": message.recipient.phone,
            "TtsCode": template_of(self.templates, message),
            "PlayTimes": str(self.play_times),
            "Volume": str(self.volume),
            "Speed": str(self.speed),
            "OutId": short_id(message.key),
        }
        if self.called_show_number is not None:
            query["CalledShowNumber"] = self.called_show_number
        if self.parameters:
            query["TtsParam"] = self._values(message)
        said = self._service.call(
            "SingleCallByTts", query, means=means, at=message.at, deadline=self.deadline
        )
        return Taken(reference=str(said.get("CallId") or ""))

    def ask(self, pending: Sequence[Pending], means: Means, now: datetime) -> Intake:
        """Ask what became of calls, each by its CallId; DeliveryError where the vendor cannot be asked."""
        placed = [one for one in pending if one.reference]
        return ask_each(placed, lambda one: self._record(one, means, now))

    @property
    def _service(self) -> Service:
        id, secret = self.access_key_id, self.access_key_secret
        return Service(endpoint=self.endpoint, version="2017-05-25", id=id, secret=secret)

    def _values(self, message: Message) -> str:
        """Variables as JSON, each as long as all of them together allow."""
        text = ""
        for longest in range(self.longest, 0, -1):
            values = {key: fact(name, message, longest) for key, name in self.parameters.items()}
            if len(text := packed(values)) <= LONGEST_VALUES:
                break
        return text

    def _record(self, one: Pending, means: Means, now: datetime) -> list[Receipt]:
        # Records are searched from here on for 24 hours, and on the Beijing day of the call.
        since = max(one.sent_at - _EARLY, beijing_midnight(one.sent_at))
        query = {
            "CallId": one.reference,
            "ProdId": str(self.product),
            "QueryDate": str(int(since.timestamp() * 1000)),
        }
        said = self._service.call(
            "QueryCallDetailByCallId", query, means=means, at=now, deadline=self.deadline
        )
        return receipts(parsed(text_of(said.get("Data")).encode()), one.key, now)


def short_id(key: str) -> str:
    """OutId of a message: 15 characters, the same for a repeat, where the key itself is too long."""
    return hashlib.sha256(key.encode()).hexdigest()[:_OUT_ID_BYTES]


def receipts(record: object, key: str, now: datetime) -> list[Receipt]:
    """What the record of a call tells; empty while there is no record, which is made at its end."""
    if not isinstance(record, Mapping):
        return []
    state = record.get("state")
    if not isinstance(state, str | int) or state == "":
        return []
    if str(state) == ANSWERED:
        at = beijing(record.get("startDate"), now)
        return [Receipt(sign=Sign.DELIVERED, at=at, key=key, detail="connected")]
    # Where nobody answered there is no start.
    at = beijing(record.get("endDate") or record.get("gmtCreate"), now)
    detail = harmless(record.get("stateDesc")) or harmless(str(state))
    return [Receipt(sign=Sign.UNDELIVERED, at=at, key=key, detail=detail)]
