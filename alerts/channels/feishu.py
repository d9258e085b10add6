"""A robot in a Feishu group (飞书自定义机器人): signed, 100 messages a minute, the truth in ``code``.

Source: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot (signature, limits, codes).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

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
    write_json,
)
from alerts.outgoing.delivery import Means, Message, Taken, channel
from ingest.secret import Secret
from ingest.times import utc
from rules.level import Level

_MOST_BYTES = 9_000
"""Of the text: doubled by escapes it still fits into the 20 KB of a body."""
_COLOURS = {Level.RED: "red", Level.ORANGE: "orange", Level.YELLOW: "yellow", Level.BLUE: "blue"}
_DEFECT = final("Feishu does not read the card; report this as a defect")
CODES: Mapping[int, Verdict] = {
    11232: retry("too many messages; set most: 100 and per: 1m for this channel", MINUTE),
    19001: fail_over("the robot is gone; make a new one and enter its token"),
    19002: _DEFECT,
    19007: fail_over("the robot is switched off; switch it on"),
    19021: fail_over("the signature does not fit; compare the secret and the clock of this machine"),
    19022: fail_over("the robot does not allow the address of this machine; add it"),
    19024: fail_over("the robot wants a keyword that the words lack; take it out of its settings"),
    9499: _DEFECT,
}
"""``code`` -> what it means."""


@channel("feishu")
@dataclass(frozen=True, kw_only=True)
class Feishu(Robot):
    """Posts a message to one group as a card, coloured by level, with a button to the link.

    Everybody in the group reads it, the button included: an answer is recorded in the name of the person
    mentioned. A mention goes by the open id in the person's ``addresses``; Feishu knows none by number.
    """

    secret: Secret | None = None
    """The secret of the robot, where its messages are to be signed."""
    url: str = field(default="https://open.feishu.cn/open-apis/bot/v2/hook", repr=False)
    """Where to post, without the token."""

    def post(self, message: Message, means: Means) -> Taken:
        """Post the message; the answer is judged by its body."""
        url = f"{self.url}/{quote(reveal(self.token, means), safe='')}"
        body = write_json({**self._signature(message, means), **self._card(message)})
        answer = means.post.send(url, body, JSON, deadline=self.deadline)
        # Answers of the first years hold only the second.
        judge_code(answer, ("code", "StatusCode"), CODES, message.at)
        return Taken(detail=f"HTTP {answer.status}")

    def _signature(self, message: Message, means: Means) -> dict[str, str]:
        if self.secret is None:
            return {}
        stamp = int(utc(message.at).timestamp())
        return {"timestamp": str(stamp), "sign": sign(reveal(self.secret, means), stamp)}

    def _card(self, message: Message) -> dict[str, object]:
        title = {"tag": "plain_text", "content": heading(message)}
        return {
            "msg_type": "interactive",
            "card": {
                "config": {"wide_screen_mode": True},
                "header": {"title": title, "template": _colour(message)},
                "elements": self._elements(message),
            },
        }

    def _elements(self, message: Message) -> list[dict[str, object]]:
        words = cut(message.text, _MOST_BYTES, message.link)
        elements: list[dict[str, object]] = [
            {"tag": "div", "text": {"tag": "plain_text", "content": words}}
        ]
        if is_mentioned(self.mention, message) and message.address is not None:
            at = f"<at id={message.address}></at>"
            elements.append({"tag": "div", "text": {"tag": "lark_md", "content": at}})
        elif message.link is not None:
            name = f"@{message.recipient.name}"
            elements.append({"tag": "div", "text": {"tag": "plain_text", "content": name}})
        return elements if message.link is None else [*elements, _button(message.link)]


def sign(secret: str, stamp: int) -> str:
    """Base64 of HMAC-SHA256 over nothing, under stamp, line end and secret as key; `stamp` in seconds."""
    digest = hmac.digest(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256)
    return base64.b64encode(digest).decode("ascii")


def _button(link: str) -> dict[str, object]:
    label = {"tag": "plain_text", "content": "查看并确认 / Open"}
    return {
        "tag": "action",
        "actions": [{"tag": "button", "text": label, "type": "primary", "url": link}],
    }


def _colour(message: Message) -> str:
    """Colour of the header: the level's, green for an end, grey for data and for what has no level."""
    matter = matter_of(message)
    if matter.sort == "data":
        return "grey"
    return "green" if matter.over else _COLOURS.get(message.level, "grey")
