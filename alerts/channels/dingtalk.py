"""A robot in a DingTalk group (钉钉自定义机器人): signed, 20 messages a minute, the truth in ``errcode``.

Source: https://open.dingtalk.com/document/orgapp/custom-robot-access (signature, message types, codes).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from alerts.gateways.endings import reveal
from alerts.gateways.robots import (
    JSON,
    MINUTE,
    Robot,
    Verdict,
    cut,
    fail_over,
    final,
    heading,
    is_mentioned,
    judge_code,
    read_object,
    retry,
    starts_with_heading,
    with_query,
    write_json,
)
from alerts.outgoing.delivery import Means, Message, Taken, channel
from alerts.outgoing.post import Answer
from ingest.secret import Secret
from ingest.times import utc

_MOST_BYTES = 9_000
"""Of the text: doubled by escapes it still fits into the 20,000 bytes of a body."""
_BLOCKED = timedelta(minutes=10)
_TOO_FAST = retry("too many messages; set most: 20 and per: 1m for this channel", MINUTE)
_GONE = fail_over("the robot is gone or switched off; make a new one and enter its token")
_UNWANTED = final("DingTalk holds the words or the link to be improper; look at the templates")
_DEFECT = final("DingTalk does not read the message; report this as a defect")
CODES: Mapping[int, Verdict] = {
    -1: retry("DingTalk is busy", MINUTE),
    130101: _TOO_FAST,
    410100: _TOO_FAST,
    90030: _TOO_FAST,
    310000: fail_over(
        "the security settings of the robot refuse it; compare secret, keywords, allowed addresses"
        " and the clock of this machine"
    ),
    300001: _GONE,
    300005: _GONE,
    400013: fail_over("the group was dissolved; make a robot in another group"),
    400101: _GONE,
    400102: _GONE,
    400106: _GONE,
    400105: _DEFECT,
    40035: _DEFECT,
    43002: _DEFECT,
    430101: _UNWANTED,
    430102: _UNWANTED,
    430103: _UNWANTED,
    430104: _UNWANTED,
}
"""``errcode`` -> what it means."""


@channel("dingtalk")
@dataclass(frozen=True, kw_only=True)
class DingTalk(Robot):
    """Posts a message to one group, and mentions its recipient.

    Everybody in the group reads it, the link included: an answer is recorded in the name of the person
    mentioned. A mention goes by the user id in the person's ``addresses``; without one by the number,
    which DingTalk wants to stand in the text and shows as the member's name, or masked where the person
    is not in the group.
    """

    secret: Secret | None = None
    """The ``SEC...`` of the robot, where its messages are to be signed."""
    url: str = field(default="https://oapi.dingtalk.com/robot/send", repr=False)
    """Where to post, without the token."""

    def post(self, message: Message, means: Means) -> Taken:
        """Post the message; the answer is judged by its body."""
        body = write_json(self._body(message))
        answer = means.post.send(self._address(message, means), body, JSON, deadline=self.deadline)
        _judge_abuse(answer)
        judge_code(answer, ("errcode",), CODES, message.at)
        return Taken(detail=f"HTTP {answer.status}")

    def _address(self, message: Message, means: Means) -> str:
        query = {"access_token": reveal(self.token, means)}
        if self.secret is not None:
            stamp = int(utc(message.at).timestamp() * 1000)
            query |= {
                "timestamp": str(stamp),
                "sign": sign(reveal(self.secret, means), stamp),
            }
        return with_query(self.url, **query)

    def _body(self, message: Message) -> dict[str, object]:
        mentioned = is_mentioned(self.mention, message)
        user = message.address if mentioned else None
        phone = message.recipient.phone if mentioned and user is None else None
        name = user or phone or (message.recipient.name if message.link else None)
        return {
            "msgtype": "markdown",
            "markdown": {"title": heading(message), "text": _markdown(message, name)},
            "at": {
                "atMobiles": [phone] if phone else [],
                "atUserIds": [user] if user else [],
                "isAtAll": False,
            },
        }


def sign(secret: str, stamp: int) -> str:
    """Base64 of HMAC-SHA256 over stamp, line end and secret, under the secret; `stamp` in milliseconds."""
    digest = hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256)
    return base64.b64encode(digest).decode("ascii")


def _markdown(message: Message, name: str | None) -> str:
    """Heading, words, link and mention; DingTalk breaks a line only where an empty one stands."""
    above = "" if starts_with_heading(message) else f"### {heading(message)}\n"
    words = cut(f"{above}{message.text}".replace("\n", "\n\n"), _MOST_BYTES, message.link)
    link = message.link
    if link:
        shown = f"[{link}]({link})"
        words = words.replace(link, shown) if link in words else f"{words}\n\n{shown}"
    return f"{words}\n\n@{name}" if name else words


def _judge_abuse(answer: Answer) -> None:
    """A sender held to be abusive is blocked for minutes, told by a redirect or a body of its own kind."""
    if answer.status == 302 or read_object(answer).get("punish") is not None:
        what = f"the robot answered {answer.status} and blocks this machine"
        raise retry(_TOO_FAST.remedy, _BLOCKED).error(what)
