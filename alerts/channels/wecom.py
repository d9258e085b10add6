"""A robot in a WeCom group (企业微信群机器人): 20 messages a minute, the truth in ``errcode``.

Source: https://developer.work.weixin.qq.com/document/path/91770 (messages), /path/90313 (codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.gateways.endings import reveal
from alerts.gateways.matters import matter_of
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
    retry,
    starts_with_heading,
    with_query,
    write_json,
)
from alerts.outgoing.delivery import Means, Message, Taken, channel
from rules.level import Level

MARKDOWN_BYTES = 4096
"""Most bytes of a markdown message."""
TEXT_BYTES = 2048
"""Most bytes of a text message."""
_TOO_FAST = retry("too many messages; set most: 20 and per: 1m for this channel", MINUTE)
_GONE = fail_over("the robot is gone or switched off; make a new one and enter its key")
_DEFECT = final("WeCom does not read the message; report this as a defect")
CODES: Mapping[int, Verdict] = {
    -1: retry("WeCom is busy", MINUTE),
    45009: _TOO_FAST,
    45033: _TOO_FAST,
    93000: _GONE,
    93004: _GONE,
    93008: fail_over("the robot is not in the group any more; add it again"),
    40008: _DEFECT,
    40058: _DEFECT,
    40063: _DEFECT,
    44004: _DEFECT,
    45002: _DEFECT,
}
"""``errcode`` -> what it means."""


@channel("wecom")
@dataclass(frozen=True, kw_only=True)
class WeCom(Robot):
    """Posts a message to one group, and mentions its recipient.

    Everybody in the group reads it, the link included: an answer is recorded in the name of the person
    mentioned. A mention goes by the user id in the person's ``addresses``; without one by the number,
    which only a plain text can do: WeCom shows the member's name and nobody the number.
    """

    url: str = field(default="https://qyapi.weixin.qq.com/cgi-bin/webhook/send", repr=False)
    """Where to post, without the key."""

    def post(self, message: Message, means: Means) -> Taken:
        """Post the message; the answer is judged by its body."""
        url = with_query(self.url, key=reveal(self.token, means))
        body = write_json(self._body(message))
        answer = means.post.send(url, body, JSON, deadline=self.deadline)
        judge_code(answer, ("errcode",), CODES, message.at)
        return Taken(detail=f"HTTP {answer.status}")

    def _body(self, message: Message) -> dict[str, object]:
        mentioned = is_mentioned(self.mention, message)
        if mentioned and message.address is None:
            return {"msgtype": "text", "text": _text(message)}
        at = f"<@{message.address}>" if mentioned else None
        return {"msgtype": "markdown", "markdown": {"content": _markdown(message, at)}}


def _text(message: Message) -> dict[str, object]:
    above = "" if starts_with_heading(message) else f"{heading(message)}\n"
    words = cut(f"{above}{_with_link(message)}", TEXT_BYTES, message.link)
    return {"content": words, "mentioned_mobile_list": [message.recipient.phone]}


def _markdown(message: Message, at: str | None) -> str:
    """Mention, heading and words; what the words hold cannot mention anybody."""
    name = at or (f"@{message.recipient.name}" if message.link else None)
    above = f"{name}\n" if name else ""
    if not starts_with_heading(message):
        above += f'**<font color="{_colour(message)}">{_plain(heading(message))}</font>**\n'
    return cut(f"{above}{_plain(_with_link(message))}", MARKDOWN_BYTES, message.link)


def _with_link(message: Message) -> str:
    link = message.link
    return message.text if link is None or link in message.text else f"{message.text}\n{link}"


def _plain(text: str) -> str:
    return text.replace("<", "＜")


def _colour(message: Message) -> str:
    """One of the three colours of WeCom: ``info`` is green, ``comment`` grey, ``warning`` orange."""
    matter = matter_of(message)
    if matter.sort == "data":
        return "comment"
    if matter.over:
        return "info"
    return "comment" if message.level is Level.NONE else "warning"
