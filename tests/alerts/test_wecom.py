"""A robot of WeCom: markdown or text, and what fits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from simulators.robots import LINK, NOW, PHONE, Robot, told

from alerts.channels.wecom import MARKDOWN_BYTES, TEXT_BYTES, WeCom
from alerts.outgoing.delivery import Means, Message, Purpose
from alerts.outgoing.post import Post
from ingest.secret import Secret

ASKED = told(text=f"荣昌区高温红色\n收到请点：{LINK}", ack_link=LINK)


@pytest.fixture
def means(tmp_path: Path):
    """A way out and the key."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda _: "the-key")


def posted(message: Message, means: Means, **more: Any) -> dict[str, Any]:
    """What the group gets."""
    with Robot("wecom", token="the-key", now=NOW) as side:
        WeCom(token=Secret(env="KEY"), url=side.url, **more).send(message, means)
    return side.taken[0]


def test_a_message_is_markdown_under_a_coloured_heading(means: Means):
    """The heading in the colour of warnings, the words below."""
    assert posted(told(), means) == {
        "msgtype": "markdown",
        "markdown": {
            "content": '**<font color="warning">高温红色预警建议</font>**\n'
            "荣昌区气象灾害预警建议\n预计最高气温42.5℃。"
        },
    }


@pytest.mark.parametrize(
    ("facts", "colour"),
    [
        ({"reason": "ended", "to": "none"}, "info"),
        ({"reason": "cancelled", "to": "none"}, "info"),
        ({"reason": "data_lost"}, "comment"),
        ({"reason": "lowered", "to": "blue"}, "warning"),
        ({"reason": "lowered", "to": "none"}, "comment"),
    ],
)
def test_the_heading_tells_danger_from_its_end(facts, colour: str, means: Means):
    """Green is for an end, grey for data."""
    assert f'color="{colour}"' in posted(told(**facts), means)["markdown"]["content"]


def test_a_trouble_that_is_over_is_green(means: Means):
    """Also where its level says how urgent the news is."""
    message = replace(told(over=True, trouble="feed"), purpose=Purpose.TROUBLE)
    assert 'color="info"' in posted(message, means)["markdown"]["content"]


def test_without_a_user_id_a_text_mentions_by_number(means: Means):
    """Markdown cannot; the number goes to WeCom and not into the words."""
    body = posted(ASKED, means)
    assert body["msgtype"] == "text"
    assert body["text"]["mentioned_mobile_list"] == [PHONE]
    assert PHONE not in body["text"]["content"]
    assert LINK in body["text"]["content"]


def test_a_user_id_mentions_in_markdown(means: Means):
    """The number stays at home."""
    person = replace(ASKED.recipient, addresses={"robot": "ZhangSan"})
    body = posted(replace(ASKED, recipient=person), means)
    assert body["markdown"]["content"].startswith("<@ZhangSan>\n")
    assert PHONE not in json.dumps(body)


@pytest.mark.parametrize("text", ["请<@all>注意", '<font color="info">一切正常</font>'])
def test_words_cannot_mention_or_paint(text: str, means: Means):
    """What a person wrote into a note stays words."""
    content = posted(told(text=text), means)["markdown"]["content"]
    assert text not in content
    assert text.replace("<", "＜") in content


@pytest.mark.parametrize(("mention", "most"), [("never", MARKDOWN_BYTES), ("always", TEXT_BYTES)])
@pytest.mark.parametrize("spare", range(-4, 5))
def test_a_text_is_cut_only_where_it_must_be(mention, most: int, spare: int, means: Means):
    """Within the vendor's bytes, to the byte, between characters."""
    message = told(title="雨", text="雨" * ((most - 8) // 3) + "a" * (8 - spare))
    body = posted(message, means, mention=mention)
    content = body[body["msgtype"]]["content"]
    assert len(content.encode()) <= most
    assert (content == message.text) is (len(message.text.encode()) <= most)


def test_the_cut_words_of_a_call_end_with_its_link(means: Means):
    """The rest stands behind it, and it is whole."""
    body = posted(told(text=f"{'雨' * 2000}{LINK}", ack_link=LINK), means)
    assert body["text"]["content"].endswith(f"……\n{LINK}")


@pytest.mark.parametrize("change", [{"token": "inline"}, {"secret": {"env": "S"}}, {"url": "x"}])
def test_a_mistaken_block_is_refused(change):
    """WeCom has no signing secret; the key stands in a secret."""
    with pytest.raises(ValidationError):
        TypeAdapter(WeCom).validate_json(json.dumps({"token": {"env": "KEY"}, **change}))
