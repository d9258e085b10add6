"""A daemon that is gone is noticed from outside, and its operators are told without its help."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import AT, MINUTE, RecordingChannel
from simulators.receiver import Conduct, MisbehavingReceiver, closed_port
from stage import district

from alerts.outgoing.delivery import Means
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError
from ingest.http import HttpClient
from pipeline.commands.watch import AGAIN, Watch, ask
from pipeline.config import ChannelBlock

WRONG = "nothing answers"


@pytest.fixture
def means(tmp_path: Path) -> Iterator[Means]:
    """What channels may use."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda _: "")


def watching(means: Means, channel: RecordingChannel) -> Watch:
    """A watch with five minutes of patience, over one channel."""
    config = replace(district(), channels={"outbox": ChannelBlock(name="outbox", channel=channel)})
    return Watch(config=config, means=means, patience=5 * MINUTE)


def test_a_hiccup_wakes_nobody(means: Means):
    """A restart takes less than the patience."""
    channel = RecordingChannel()
    watch = watching(means, channel)
    for minute, wrong in enumerate((None, WRONG, WRONG, None)):
        watch.see(wrong, AT + minute * MINUTE)
    assert channel.taken == []


def test_a_daemon_that_stays_silent_is_told_to_the_operators_once_an_hour(means: Means):
    """The duty officer and the deputy of those who run it."""
    channel = RecordingChannel()
    watch = watching(means, channel)
    for minute in range(70):
        watch.see(WRONG, AT + minute * MINUTE)
    assert [message.recipient.name for message in channel.taken] == [
        "系统运维值班员A", "系统运维副班A",
    ] * 2  # fmt: skip
    assert WRONG in channel.taken[0].text
    assert channel.taken[2].at - channel.taken[0].at == AGAIN


def test_its_return_is_told_to_those_who_heard_that_it_was_gone(means: Means):
    """And only then."""
    channel = RecordingChannel()
    watch = watching(means, channel)
    for minute in range(7):
        watch.see(WRONG, AT + minute * MINUTE)
    watch.see(None, AT + 8 * MINUTE)
    assert "恢复应答" in channel.taken[-1].text
    assert len(channel.taken) == 4


def test_where_nobody_could_be_told_the_next_look_tries_again(means: Means):
    """A watch that failed once must not fall silent itself."""
    refusal = DeliveryError("no", retry=True)
    channel = RecordingChannel(errors=[refusal, refusal])
    watch = watching(means, channel)
    assert not watch.see(WRONG, AT)
    assert not watch.see(WRONG, AT + 5 * MINUTE)
    assert watch.see(WRONG, AT + 6 * MINUTE)


def answer(report: object, status: int = 200) -> Conduct:
    """A health report as the daemon gives it."""
    return Conduct(body=json.dumps(report).encode(), status=status)


@pytest.mark.parametrize(
    ("conduct", "wrong"),
    [
        (answer({"healthy": True, "problems": []}), None),
        (answer({"healthy": False, "problems": ["no tick"]}), "no tick"),
        (answer([]), "no health report"),
        (answer({"healthy": False}, 503), "503"),
        (answer({}, 404), "404"),
    ],
)
def test_it_asks_the_daemon_over_http(conduct: Conduct, wrong: str | None):
    """Whatever is not a clear yes is a no."""
    with MisbehavingReceiver(conduct) as daemon, HttpClient() as http:
        said = ask(daemon.url(""), http)
    assert (said is None) if wrong is None else (said is not None and wrong in said)


def test_a_daemon_that_is_gone_is_no_error_of_the_watch():
    """It is what it waits for."""
    with HttpClient() as http:
        assert ask(f"http://127.0.0.1:{closed_port()}", http)
