"""SMS over China Mobile 云MAS (HTTP): Base64 of JSON with an MD5 of its parts."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from alerts.gateways.endings import Ending, reveal
from alerts.gateways.sms_templates import Fact, check_facts, check_templates, fact, template_of
from alerts.gateways.sms_wire import (
    Outcome,
    each,
    in_groups,
    mobile,
    out_of_time,
    parsed,
    single,
    text_of,
)
from alerts.gateways.yunmas_codes import heard, refusal
from alerts.outgoing.delivery import Inbound, Intake, Means, Message, Receipt, Reply, Taken, channel
from alerts.outgoing.post import judge
from alerts.wording.segments import segments
from ingest.errors import DeliveryError
from ingest.registry import Duration
from ingest.secret import Secret

MOST_NUMBERS = 5000
"""Numbers in one request."""
SPOILS = frozenset({"InvalidMobile", "TooManyMobiles"})
"""Refusals of a whole request for numbers in it: the others pass without them."""


@dataclass(frozen=True, kw_only=True)
class _Content:
    """What the messages of one request share."""

    words: str
    """The text; with a template the JSON array of the values of its variables."""
    template: str = ""
    """Id of the template; empty for a text of our own."""
    parts: int = 0
    """Messages that the operator bills for each number; 0 where only the operator knows."""


@channel("yunmas")
@dataclass(frozen=True, kw_only=True)
class YunMas:
    """Sends texts, or approved templates where some are entered; receipts and replies are pushed to us.

    The operator puts 【signature】 before the text by the code in `sign`. Its manual also gives an
    address with http: over it text, numbers and secret_key travel unencrypted, for the key is part of
    every request. The default is the address with https; where its certificate is the operator's
    own, the machine must trust it. A repeat after a crash is a second message: there is no
    idempotency key.
    """

    ec_name: str
    """Name of the customer, as the contract writes it."""
    ap_id: str
    """User of the interface (not of the web site)."""
    secret_key: Secret
    """Password of that user."""
    sign: str
    """Code (签名编码) of the approved signature, not its words."""
    add_serial: str = ""
    """Extension of the sender's number; empty unless the operator gave one."""
    signature: str = ""
    """Words of the signature with 【】: taken off a text that begins with them, and counted as billed."""
    templates: dict[str, str] = field(default_factory=dict)
    """Key of `sms_templates.template_of` -> id of a template; empty sends texts of our own."""
    parameters: tuple[Fact, ...] = ()
    """Facts that fill the variables of every template, in order."""
    longest: int | None = None
    """Most characters of one variable; None knows no limit."""
    url: str = field(default="https://112.35.10.201:28888/sms/submit", repr=False)
    """Address for texts (``/sms/norsubmit`` over http); templates go to ``tmpsubmit`` beside it."""
    deadline: Duration = timedelta(seconds=10)
    """Total time of one batch."""
    callback: Secret | None = None
    """Last part of the callback address that the operator is told; None takes no callbacks."""

    def __post_init__(self) -> None:
        if self.templates:
            check_templates(self.templates)
        elif self.parameters:
            raise ValueError("parameters fill templates; enter templates, or leave both out")
        check_facts(self.parameters, self.longest)
        if set(self.sign) & set("【】"):
            raise ValueError("sign is the code of the signature, not its words")
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            raise ValueError("url must begin with https:// or http:// and name a host")

    @property
    def batch(self) -> int:
        """Most numbers in one request; only those with the same words share one."""
        return MOST_NUMBERS

    def send(self, message: Message, means: Means) -> Taken:
        """Send one message; DeliveryError as RSPCOD says of each code."""
        return single(self.send_many([message], means))

    def send_many(self, messages: Sequence[Message], means: Means) -> list[Outcome]:
        """Send, one request per text, and say what became of each message.

        The operator answers for a request as a whole; one that is refused for what stands in it is
        halved until only the bad number is left behind.
        """

        def send(content: _Content, group: list[Message], left: timedelta) -> list[Outcome]:
            return self._submit(content, group, means, time.monotonic() + left.total_seconds())

        return in_groups(messages, self._content, send, self.deadline)

    def hear(self, request: Inbound, means: Means) -> Intake:
        """Read a push: an array of receipts or of replies. BadCallback where it is neither."""
        told = parsed(request.body)
        signs = each(told if isinstance(told, list) else [told], lambda one: heard(one, request.at))
        found = [sign for several in signs for sign in several]
        return Intake(
            receipts=tuple(sign for sign in found if isinstance(sign, Receipt)),
            replies=tuple(sign for sign in found if isinstance(sign, Reply)),
        )

    def _content(self, message: Message) -> _Content:
        """What goes out for a message; the signature is the operator's to add."""
        if self.templates:
            values = [fact(name, message, self.longest) for name in self.parameters]
            # A template without variables is given one empty value.
            words = json.dumps(values or [""], ensure_ascii=False)
            return _Content(words=words, template=template_of(self.templates, message))
        words = message.text.removeprefix(self.signature)
        return _Content(words=words, parts=segments(words, self.signature).parts)

    def _submit(
        self, content: _Content, group: list[Message], means: Means, until: float
    ) -> list[Outcome]:
        """One outcome per message of a group; DeliveryError where all of it failed."""
        said = self._call(content, group, means, until)
        if said.get("success") is True and said.get("rspcod") == "success":
            detail = f"{content.parts} 条短信" if content.parts else ""
            taken = Taken(reference=text_of(said.get("msgGroup")), detail=detail)
            return [taken] * len(group)
        code = said.get("rspcod")
        if code not in SPOILS or len(group) == 1:
            raise refusal(code)
        outcomes: list[Outcome] = []
        middle = len(group) // 2
        for part in (group[:middle], group[middle:]):
            try:
                outcomes += self._submit(content, part, means, until)
            except DeliveryError as error:
                outcomes += [error] * len(part)
        return outcomes

    def _call(
        self, content: _Content, group: Sequence[Message], means: Means, until: float
    ) -> Mapping[str, object]:
        """What the gateway answers."""
        left = timedelta(seconds=until - time.monotonic())
        if left <= timedelta(0):
            raise out_of_time()
        url = self.url.rpartition("/")[0] + "/tmpsubmit" if content.template else self.url
        body = self._body(content, group, reveal(self.secret_key, means))
        headers = {"content-type": "application/json", "user-agent": "fengsui"}
        answer = means.post.send(url, body, headers, deadline=left)
        judge(answer, now=group[0].at)
        said = parsed(answer.body)
        if not isinstance(said, Mapping):
            raise Ending.RETRY.error("the answer is none of this interface; check url")
        return said

    def _body(self, content: _Content, group: Sequence[Message], secret: str) -> bytes:
        """Base64 of the request, whose parts are signed in the order in which they stand."""
        mobiles = ",".join(mobile(message.recipient.phone) for message in group)
        request = {"ecName": self.ec_name, "apId": self.ap_id, "secretKey": secret}
        if content.template:
            request |= {"templateId": content.template, "mobiles": mobiles, "params": content.words}
        else:
            request |= {"mobiles": mobiles, "content": content.words}
        request |= {"sign": self.sign, "addSerial": self.add_serial}
        # The operator asks for MD5; it proves no more than that the request was not cut short.
        mac = hashlib.md5("".join(request.values()).encode(), usedforsecurity=False).hexdigest()
        return base64.b64encode(json.dumps({**request, "mac": mac}, ensure_ascii=False).encode())
