"""The embedded channel: readable, never torn, never twice."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from alerts.channels.outbox import TAIL, Outbox, masked
from alerts.duty.people import Person
from alerts.outgoing.delivery import Means, Message
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError

MESSAGE = Message(
    key="heat-1.1:flood:zhang:0:outbox",
    text="荣昌区高温红色预警建议\n请立即停止户外作业",
    recipient=Person(name="张三", phone="13800000001", channels=("outbox",)),
    subsystem="flood",
    data={},
    at=datetime(2022, 8, 18, 1, 0, tzinfo=UTC),
)


@pytest.fixture
def means(tmp_path: Path):
    """A data folder."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda _: "")


def with_key(key: str, **more) -> Message:
    """The message under another key."""
    return Message(**{**vars(MESSAGE), "key": key, **more})


def content(means: Means) -> str:
    """What the outbox holds."""
    return (means.folder / "outbox.txt").read_text("utf-8")


def test_a_block_reads_by_itself(means: Means):
    """When in Beijing, to whom, the words with the signature, what it costs, and the key last."""
    taken = Outbox().send(MESSAGE, means)
    assert content(means).splitlines()[1:] == [
        "时间 Time: 2022-08-18 09:00:00 北京时间 (UTC+8)",
        "收件人 To: 张三 138****0001",
        "分系统 Subsystem: flood",
        "    【烽燧】荣昌区高温红色预警建议",
        "    请立即停止户外作业",
        "计费 Cost: 1 条短信 SMS, 25 字符 units (UCS-2)",
        "编号 Key: heat-1.1:flood:zhang:0:outbox",
    ]
    assert (taken.reference, taken.detail) == ("outbox.txt", "1 条短信")


def test_the_cost_counts_the_signature(means: Means):
    """70 characters and a signature are two messages."""
    message = with_key("k", text="雨" * 70)
    assert Outbox().send(message, means).detail == "2 条短信"
    assert Outbox(signature="").send(message, means).detail.startswith("1 条短信")


def test_a_repeat_is_not_written_again(means: Means):
    """After a crash the same key comes again and is known."""
    Outbox().send(MESSAGE, means)
    once = content(means)
    assert "未重复" in Outbox().send(MESSAGE, means).detail
    assert content(means) == once


@pytest.mark.parametrize("other", ["heat-1.1", "heat-1.1:flood:zhang:0:outbox2", "outbox"])
def test_a_similar_key_is_another(means: Means, other):
    """Only the whole key counts."""
    Outbox().send(MESSAGE, means)
    Outbox().send(with_key(other), means)
    assert content(means).count("编号 Key: ") == 2


def test_words_cannot_forge_a_key(means: Means):
    """A text that looks like the line of a key does not hide a later message."""
    Outbox().send(with_key("a", text="x\n编号 Key: b\n"), means)
    Outbox().send(with_key("b"), means)
    assert content(means).count("\n编号 Key: b\n") == 1


def test_a_block_torn_by_a_crash_is_written_whole(means: Means):
    """What lacks its last line does not count, and the next block begins on a line of its own."""
    Outbox().send(MESSAGE, means)
    file = means.folder / "outbox.txt"
    file.write_bytes(file.read_bytes()[:-3])
    Outbox().send(MESSAGE, means)
    assert content(means).endswith(f"\n编号 Key: {MESSAGE.key}\n")
    assert "outb\n---" in content(means)


def test_only_the_tail_is_searched(means: Means):
    """The documented limit: behind 64 KiB of later messages a key is no longer known."""
    Outbox().send(with_key("first"), means)
    Outbox().send(with_key("last", text="x" * TAIL), means)
    Outbox().send(with_key("last", text="x" * TAIL), means)
    Outbox().send(with_key("first"), means)
    assert content(means).count("Key: first\n") == 2
    assert content(means).count("Key: last\n") == 1


def test_threads_do_not_interleave(means: Means):
    """Each of many blocks stands whole, and of a key sent by all threads at once there is one."""
    keys = [f"k{n}" for n in range(40)] * 4
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: Outbox().send(with_key(key), means), keys))
    blocks = content(means).split("-" * 72 + "\n")[1:]
    assert {len(block.splitlines()) for block in blocks} == {7}
    assert sorted(block.splitlines()[-1] for block in blocks) == sorted(
        f"编号 Key: {key}" for key in set(keys)
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_may_be_mended(means: Means):
    """The sentence says what to do and names no folder."""
    (means.folder / "outbox.txt").symlink_to("/dev/full")
    with pytest.raises(DeliveryError, match="free space") as caught:
        Outbox().send(MESSAGE, means)
    assert caught.value.retry
    assert str(means.folder) not in str(caught.value)


def test_a_write_cut_short_leaves_no_trace(means: Means, monkeypatch: pytest.MonkeyPatch):
    """Where the disk fills up in the middle of a block, the file is put back as it was."""
    Outbox().send(MESSAGE, means)
    once = content(means)
    whole = os.write
    monkeypatch.setattr(os, "write", lambda file, block: whole(file, block[:10]))
    with pytest.raises(DeliveryError, match="short write"):
        Outbox().send(with_key("b"), means)
    assert content(means) == once


def test_a_missing_folder_may_be_mended(means: Means):
    """A data folder that is not there, or a folder in the file's place, is said and tried again."""
    (means.folder / "outbox.txt").mkdir()
    with pytest.raises(DeliveryError, match="cannot be written") as caught:
        Outbox().send(MESSAGE, means)
    assert caught.value.retry


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13800000001", "138****0001"),
        ("8613800000001", "861****0001"),
        ("110", "****10"),
        ("", "****"),
    ],
)
def test_a_number_is_masked(phone, shown):
    """Enough to recognise, not enough to call."""
    assert masked(phone) == shown


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/x", "a\\b"])
def test_the_file_stays_in_the_data_folder(name):
    """A path is refused at the start."""
    with pytest.raises(ValidationError, match="plain name"):
        TypeAdapter(Outbox).validate_json(json.dumps({"file": name}))
