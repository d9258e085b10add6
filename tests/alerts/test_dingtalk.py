"""A robot of DingTalk: its signature, its markdown, its mentions, its bans."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from simulators.receiver import Conduct, MisbehavingReceiver
from simulators.robots import LINK, NOW, PHONE, Robot, told

from alerts.channels.dingtalk import DingTalk, sign
from alerts.outgoing.delivery import Means, Message
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError
from ingest.secret import Secret

ASKED = told(text=f"荣昌区高温红色\n收到请点：{LINK}", ack_link=LINK)


@pytest.fixture
def means(tmp_path: Path):
    """A way out and the secrets."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda secret: f"the-{secret.env}")


def posted(message: Message, means: Means, **more: Any) -> dict[str, Any]:
    """What the group gets."""
    with Robot("dingtalk", token="the-T", secret="the-S", now=NOW) as side:
        keys: dict[str, Any] = {"token": Secret(env="T"), "secret": Secret(env="S"), "url": side.url}
        DingTalk(**keys, **more).send(message, means)
    return side.taken[0]


def test_the_published_signature_is_reproduced():
    """Milliseconds and secret, signed under the secret."""
    assert sign("SECsample", 1782900000000) == "/zTLl2Zn76qmZ1hw2RvMEasexlVDwmM+0xr3R23sCbI="


def test_the_address_carries_token_time_and_signature(means: Means):
    """Percent-encoded, beside what the address holds already; without a secret only the token."""
    keys: dict[str, Any] = {"token": Secret(env="T")}
    with MisbehavingReceiver(Conduct(body=b'{"errcode":0}')) as receiver:
        for more in ({"secret": Secret(env="SECsample")}, {}):
            DingTalk(**(keys | more), url=receiver.url("/send?x=1")).send(told(), means)
    signed, plain = (seen.path for seen in receiver.seen)
    assert signed.startswith("/send?x=1&access_token=the-T&timestamp=1782900000000&sign=")
    assert set(signed.rpartition("sign=")[2]).isdisjoint("+/=")
    assert plain == "/send?x=1&access_token=the-T"


def test_a_message_is_markdown_with_a_title(means: Means):
    """The title is what the phone shows; the words stand below it, a line a paragraph."""
    assert posted(told(), means) == {
        "msgtype": "markdown",
        "markdown": {
            "title": "高温红色预警建议",
            "text": "### 高温红色预警建议\n\n荣昌区气象灾害预警建议\n\n预计最高气温42.5℃。",
        },
        "at": {"atMobiles": [], "atUserIds": [], "isAtAll": False},
    }


def test_a_heading_does_not_stand_twice(means: Means):
    """Words that begin with their title need none above."""
    text = posted(told(title="高温红色", text="高温红色：全区"), means)["markdown"]["text"]
    assert text == "高温红色：全区"


def test_a_link_is_one_to_click(means: Means):
    """Also where its token looks like markdown, or where the words lack it."""
    for message in (ASKED, told(text="荣昌区", ack_link=LINK)):
        text = posted(message, means, mention="never")["markdown"]["text"]
        assert text.count(f"[{LINK}]({LINK})") == 1
        assert text.endswith("@张三")


def test_without_a_user_id_the_number_mentions(means: Means):
    """DingTalk wants it in the text, too, and shows the member's name in its place."""
    body = posted(ASKED, means)
    assert body["at"]["atMobiles"] == [PHONE]
    assert body["markdown"]["text"].endswith(f"\n\n@{PHONE}")


def test_a_user_id_mentions_without_the_number(means: Means):
    """It is taken wherever one is on file."""
    person = replace(ASKED.recipient, addresses={"robot": "zhang3"})
    body = posted(replace(ASKED, recipient=person), means)
    assert body["at"] == {"atMobiles": [], "atUserIds": ["zhang3"], "isAtAll": False}
    assert body["markdown"]["text"].endswith("@zhang3")
    assert PHONE not in json.dumps(body)


@pytest.mark.parametrize(
    "conduct",
    [
        Conduct(status=302, headers={"Location": "https://example.com/punish"}),
        Conduct(body=b'{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"a"}'),
    ],
)
def test_a_ban_is_waited_out(conduct: Conduct, means: Means):
    """Whoever was too fast too often is turned away for minutes, by a redirect or a foreign body."""
    with MisbehavingReceiver(conduct) as receiver, pytest.raises(DeliveryError) as caught:
        DingTalk(token=Secret(env="T"), url=receiver.url()).send(told(), means)
    assert caught.value.retry
    assert caught.value.retry_after == timedelta(minutes=10)


BLOCK = {"token": {"env": "T"}, "secret": {"file": "s"}, "group": True, "mention": "always"}


def test_a_block_is_read():
    """The vendor's address by default; the token stands in a secret and never in the block."""
    read = TypeAdapter(DingTalk).validate_json(json.dumps(BLOCK))
    assert (read.url, read.group) == ("https://oapi.dingtalk.com/robot/send", True)


@pytest.mark.parametrize(
    "change",
    [{"token": "inline"}, {"mention": "sometimes"}, {"url": "oapi.dingtalk.com"}, {"at": "all"}],
)
def test_a_mistaken_block_is_refused(change):
    """An unknown key, another word, a token in the open."""
    with pytest.raises(ValidationError):
        TypeAdapter(DingTalk).validate_json(json.dumps({**BLOCK, **change}))
