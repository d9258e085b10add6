"""What people write back is read generously, and nothing they can write makes it fail."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.answers.facts import Facts, Meaning, understand

ANSWERS = [
    "1", "１", " 1 。", "1!", "11", "收到", "收到！", "已收到", "收到了。", "OK", "ok.", "ＯＫ", "[OK]",
    "好的，收到", "1收到", "收到1", "确认收到", "收到，马上到岗", "明白", "Received", "roger", "知道了！",
]  # fmt: skip


@pytest.mark.parametrize("text", ANSWERS)
def test_these_mean_i_have_it(text: str):
    """Full-width, with blanks and stops, with a word more."""
    assert understand(text).meaning is Meaning.ACKNOWLEDGED


UNCLEAR = [
    "", " ", "？", "没收到", "未收到", "1.5小时到", "1楼进水", "10086", "退订", "TD", "收到请回复", "收到吗",
    "2", "谁指挥？", "请问影响哪里？", "\x00", "\ud800", "不ok",
]  # fmt: skip


@pytest.mark.parametrize("text", UNCLEAR)
def test_these_mean_nothing_certain(text: str):
    """A guess must not end a call."""
    assert understand(text).meaning is Meaning.UNKNOWN


WRITTEN = [
    ("1 指挥张三 影响昌元、广顺 转移320人", ("张三", "昌元、广顺", "320人")),
    ("指挥:张三;影响:昌元;转移:320人", ("张三", "昌元", "320人")),
    ("１　指挥：张三；影响：昌元、广顺；转移：320人。", ("张三", "昌元、广顺", "320人")),
    ("1张三 2昌元、广顺 3转移320人", ("张三", "昌元、广顺", "320人")),
    ("1.张三 2.昌元 3.320人", ("张三", "昌元", "320人")),
    ("1、张三\n2、昌元\n3、320人", ("张三", "昌元", "320人")),
    ("1.张三2.昌元3.转移320", ("张三", "昌元", "320")),
    ("1 1指挥张三 2影响昌元 3转移320人", ("张三", "昌元", "320人")),
    ("1 指挥张三 影响2个村 转移3人", ("张三", "2个村", "3人")),
    ("张三指挥，昌元受影响，320人已转移", ("张三", "昌元", "320人")),
    ("张三在指挥 影响昌元 转移了320人", ("张三", "昌元", "320人")),
    ("由张三指挥,影响昌元,未转移", ("张三", "昌元", "未转移")),
    ("现场负责人王五，受灾范围两个社区，撤离群众12户", ("王五", "两个社区", "12户")),
    ("1 谁在指挥：张三 影响哪里：昌元 转移了谁：老人20名", ("张三", "昌元", "老人20名")),
    ("指挥：指挥中心李四 影响：无 转移：无", ("指挥中心李四", "无", "无")),
    ("1 张三；昌元；320人", ("张三", "昌元", "320人")),
    ("1\n张三\n昌元\n320人", ("张三", "昌元", "320人")),
    ("Commander Zhang, affected Changyuan, moved 320", ("Zhang", "Changyuan", "320")),
]


@pytest.mark.parametrize(("text", "told"), WRITTEN)
def test_the_three_facts_are_found_however_they_are_written(text: str, told: tuple[str, str, str]):
    """By labels before or after, by numbers, by order."""
    found = understand(text)
    facts = found.facts
    assert (found.meaning, facts.complete) == (Meaning.FACTS, True)
    assert (facts.commander, facts.affected, facts.moved) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 指挥张三", ("张三", "", "")),
        ("转移0人", ("", "", "0人")),
        ("无人转移", ("", "", "无人转移")),
        ("1 影响2个村 3人", ("", "2个村 3人", "")),
    ],
)
def test_what_is_missing_is_missing(text: str, told: tuple[str, str, str]):
    """Nobody is made up; the report is not complete."""
    facts = understand(text).facts
    assert (facts.commander, facts.affected, facts.moved) == told
    assert not facts.complete


def test_three_words_of_thanks_are_no_report():
    """Only an order that ends in a number of people is one."""
    assert understand("收到;马上去;谢谢").meaning is Meaning.ACKNOWLEDGED


def test_a_later_word_completes_an_earlier_one():
    """What it leaves out stays as it was."""
    before = Facts(commander="张三", affected="昌元")
    assert Facts(affected="广顺", moved="无").over(before) == Facts(
        commander="张三", affected="广顺", moved="无"
    )


PIECES = st.sampled_from(
    [*"1 2 3 指挥 影响 转移 未 无 张三 320人 ， ； ： 收到 . （ ①".split(), " ", "\n"]
)


@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=25).map("".join)))
def test_no_text_can_make_it_fail(text: str):
    """And every fact is a part of what was written, so that nothing is invented."""
    found = understand(text)
    for fact in (found.facts.commander, found.facts.affected, found.facts.moved):
        assert fact in text
    assert (found.meaning is Meaning.FACTS) == bool(found.facts.told)


@pytest.mark.parametrize(
    "piece",
    ["1a 2", "1a 1a 2 2 ", "指挥影响转移", "指挥，", "1.2.", "没未", "收到", "1 ", " ", "(2 ", "\n1a\n2"],
)
def test_a_book_is_read_at_once(piece: str):
    """No pattern of a hostile or broken gateway keeps the others waiting."""
    begun = time.monotonic()
    understand(piece * 100_000)
    assert time.monotonic() - begun < 2
