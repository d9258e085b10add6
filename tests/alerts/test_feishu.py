"""A robot of Feishu: its signature with key and message swapped, its card, its colours."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from simulators.receiver import Conduct, MisbehavingReceiver
from simulators.robots import LINK, NOW, PHONE, Robot, told

from alerts.channels.feishu import Feishu, sign
from alerts.outgoing.delivery import Means, Message, Purpose
from alerts.outgoing.post import Post
from ingest.secret import Secret

ASKED = told(text=f"荣昌区高温红色\n收到请点：{LINK}", ack_link=LINK)


@pytest.fixture
def means(tmp_path: Path):
    """A way out and the secrets."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda secret: f"the-{secret.env}")


def posted(message: Message, means: Means, **more: Any) -> dict[str, Any]:
    """What the group gets."""
    with Robot("feishu", token="the-T", secret="the-S", now=NOW) as side:
        keys: dict[str, Any] = {"token": Secret(env="T"), "secret": Secret(env="S"), "url": side.url}
        Feishu(**keys, **more).send(message, means)
    return side.taken[0]


def test_the_published_signature_is_reproduced():
    """Seconds and secret are the key, and nothing is signed."""
    assert sign("SECsample", 1782900000) == "mXLKqYsPs1Kz/Qa3VDK93hj5KW0BIW9SEXivi/73Wmk="


def test_trap_d10_seconds_and_swapped_key(means: Means):
    """The time stamp is a text of seconds, and DingTalk's order is refused."""
    body = posted(told(), means)
    assert body["timestamp"] == "1782900000"
    assert body["sign"] == sign("the-S", 1782900000)


def test_without_a_secret_nothing_is_signed(means: Means):
    """The robot may be guarded by a keyword or an address instead."""
    with Robot("feishu", token="the-T", now=NOW, keyword="高温") as side:
        Feishu(token=Secret(env="T"), url=side.url).send(told(), means)
    assert "sign" not in side.taken[0]


def test_a_message_is_a_card(means: Means):
    """Heading in the header, plain words that no character can spoil."""
    body = posted(told(), means)
    assert body["msg_type"] == "interactive"
    assert body["card"] == {
        "config": {"wide_screen_mode": True},
        "header": {
            "title": {"tag": "plain_text", "content": "高温红色预警建议"},
            "template": "red",
        },
        "elements": [{"tag": "div", "text": {"tag": "plain_text", "content": told().text}}],
    }


@pytest.mark.parametrize(
    ("reason", "to", "colour"),
    [
        ("opened", "red", "red"),
        ("raised", "orange", "orange"),
        ("lowered", "yellow", "yellow"),
        ("spread", "blue", "blue"),
        ("corrected", "orange", "orange"),
        ("ended", "none", "green"),
        ("cancelled", "red", "green"),
        ("data_lost", "red", "grey"),
        ("data_found", "red", "grey"),
        ("narrowed", "none", "grey"),
    ],
)
def test_the_header_has_the_colour_of_the_level(reason: str, to: str, colour: str, means: Means):
    """Green for an end, grey for data."""
    header = posted(told(reason=reason, to=to), means)["card"]["header"]
    assert header["template"] == colour


def test_a_trouble_that_is_over_is_green(means: Means):
    """Also where its level says how urgent the news is."""
    message = replace(told(over=True, trouble="feed"), purpose=Purpose.TROUBLE)
    assert posted(message, means)["card"]["header"]["template"] == "green"


def test_a_call_has_a_button_and_names_who_is_called(means: Means):
    """The number cannot mention anybody here, so it is not sent."""
    body = posted(ASKED, means)
    *_, name, action = body["card"]["elements"]
    assert action["actions"][0]["url"] == LINK
    assert name["text"] == {"tag": "plain_text", "content": "@张三"}
    assert PHONE not in json.dumps(body)


def test_an_open_id_mentions(means: Means):
    """In an element of its own, beside the plain words."""
    person = replace(ASKED.recipient, addresses={"robot": "ou_1"})
    elements = posted(replace(ASKED, recipient=person), means)["card"]["elements"]
    assert elements[1]["text"] == {"tag": "lark_md", "content": "<at id=ou_1></at>"}


@pytest.mark.parametrize(
    "body", [b'{"StatusCode":0,"StatusMessage":"success","Extra":null}', b'{"code":0,"msg":"ok"}']
)
def test_success_in_both_forms(body: bytes, means: Means):
    """The first years answered without a code."""
    with MisbehavingReceiver(Conduct(body=body)) as receiver:
        assert Feishu(token=Secret(env="T"), url=receiver.url()).send(told(), means)
    assert receiver.seen[0].path == "/hook/the-T"


@pytest.mark.parametrize("change", [{"token": "inline"}, {"colour": "red"}, {"url": "ftp://x"}])
def test_a_mistaken_block_is_refused(change):
    """The last part of the address is a secret like any other."""
    with pytest.raises(ValidationError):
        TypeAdapter(Feishu).validate_json(json.dumps({"token": {"env": "T"}, **change}))
