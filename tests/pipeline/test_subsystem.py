"""The example subsystem: verifies, keeps, and only then answers."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from simulators.receiver import MisbehavingReceiver

from alerts.gateways.standard_webhooks import sign
from alerts.outgoing.post import Answer, Post
from ingest.errors import ConfigMistake, StoreError
from pipeline.demo.subsystem import Receiver, acknowledge

KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
NOW = datetime(2022, 8, 18, 1, 0, tzinfo=UTC)
BODY = json.dumps({"type": "alert.opened", "timestamp": "2022-08-18T01:00:00Z", "data": {"n": 1}})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where accepted requests are kept."""
    return tmp_path / "calls.jsonl"


@pytest.fixture
def post():
    """The way to the receiver."""
    with Post() as post:
        yield post


@pytest.fixture
def receiver(log: Path):
    """A receiver whose clock stands in 2022."""
    with Receiver(KEY, log, now=lambda: NOW) as receiver:
        yield receiver


def deliver(
    post: Post, url: str, body: str = BODY, *, id: str = "a", at: datetime = NOW, key: str = KEY
) -> Answer:
    """Send a signed request."""
    stamp = int(at.timestamp())
    fields = {"webhook-id": id, "webhook-timestamp": str(stamp)}
    fields["webhook-signature"] = sign(key, id, stamp, body.encode())
    return post.send(url, body.encode(), fields)


def test_a_signed_request_is_accepted_and_kept(receiver: Receiver, post: Post):
    """Time and facts come from the payload; the time stamp is judged by the receiver's clock."""
    answer = deliver(post, receiver.url("flood"))
    assert (answer.status, json.loads(answer.body)) == (200, {"accepted": True})
    (call,) = receiver.calls()
    assert (call.id, call.at, call.data, call.repeat) == ("a", NOW, {"n": 1}, False)


def test_it_is_on_the_disk_before_it_is_answered(receiver: Receiver, post: Post, log: Path):
    """One line of JSON with id, time stamp and the body as it came."""
    deliver(post, receiver.url("flood"))
    assert json.loads(log.read_text("utf-8")) == {
        "id": "a",
        "timestamp": str(int(NOW.timestamp())),
        "body": BODY,
        "repeat": False,
    }


def test_a_repeat_is_accepted_and_marked(receiver: Receiver, post: Post):
    """The sender hears yes both times; the second does not count as new."""
    for id in ("a", "b", "a"):
        assert deliver(post, receiver.url("flood"), id=id).status == 200
    assert [(call.id, call.repeat) for call in receiver.calls()] == [
        ("a", False),
        ("b", False),
        ("a", True),
    ]


def test_a_restart_remembers(post: Post, log: Path):
    """Calls and repeats survive; a line torn by a crash was never answered and is cut off."""
    for _ in range(2):
        with Receiver(KEY, log, now=lambda: NOW) as receiver:
            deliver(post, receiver.url("flood"))
        with log.open("a") as file:
            file.write('{"id": "torn')
    with Receiver(KEY, log, now=lambda: NOW) as receiver:
        assert [call.repeat for call in receiver.calls()] == [False, True]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"key": "whsec_" + "QUJD" * 8}, "no signature fits"),
        ({"at": NOW - timedelta(minutes=6)}, "300 s"),
        ({"at": NOW + timedelta(minutes=6)}, "300 s"),
    ],
)
def test_a_bad_signature_is_401(receiver: Receiver, post: Post, log: Path, more, reason):
    """Refused with a reason, and nothing is kept."""
    answer = deliver(post, receiver.url("flood"), **more)
    said = json.loads(answer.body)
    assert (answer.status, said["accepted"]) == (401, False)
    assert reason in said["error"]
    assert not receiver.calls()
    assert not log.exists()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"timestamp":"2022-08-18","data":{}}',
        '{"timestamp":"2022-08-18T01:00:00Z","data":[]}',
        '{"timestamp":1,"data":{}}',
    ],
)
def test_a_body_that_is_no_webhook_is_400(receiver: Receiver, post: Post, body):
    """Signed nonsense is still nonsense."""
    assert deliver(post, receiver.url("flood"), body).status == 400
    assert not receiver.calls()


def test_another_path_is_404(receiver: Receiver, post: Post):
    """Only /hooks/ is open."""
    assert deliver(post, receiver.url("x").replace("/hooks/", "/other/")).status == 404


def test_a_log_that_cannot_be_written_is_500(receiver: Receiver, post: Post, log: Path):
    """Not kept, not accepted: the sender tries again, and then it is no repeat."""
    log.mkdir()
    assert deliver(post, receiver.url("flood")).status == 500
    log.rmdir()
    assert deliver(post, receiver.url("flood")).status == 200
    assert [call.repeat for call in receiver.calls()] == [False]


@pytest.mark.parametrize("length", ["", "-1", "x", "9999999", "9" * 5000])
def test_a_body_of_no_fair_length_is_413(receiver: Receiver, length):
    """Nothing is read, and the connection ends."""
    port = int(receiver.url("x").split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"POST /hooks/x HTTP/1.1\r\ncontent-length: {length}\r\n\r\n".encode())
        assert b" 413 " in connection.makefile("rb").read()


def test_many_at_once_are_all_kept(receiver: Receiver, post: Post, log: Path):
    """Eight threads, one line each, none lost, one marked new per id."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: deliver(post, receiver.url("flood"), id=str(n % 20)), range(80)))
    assert len(log.read_text().splitlines()) == len(receiver.calls()) == 80
    assert sum(not call.repeat for call in receiver.calls()) == 20


def test_closing_does_not_wait_for_idle_connections(log: Path, post: Post):
    """A sender that keeps its connection open does not hold the receiver up."""
    with Receiver(KEY, log, now=lambda: NOW) as receiver:
        deliver(post, receiver.url("flood"))
    with pytest.raises(RuntimeError, match="entered"):
        receiver.url("flood")


def test_a_bad_secret_stops_the_start(log: Path):
    """Before a port is bound."""
    with pytest.raises(ConfigMistake), Receiver("secret", log, now=lambda: NOW):
        pass


@pytest.mark.parametrize("line", ["nonsense", "{}", "[1]", '{"id":"a","body":"{}","repeat":false}'])
def test_a_log_that_is_none_stops_the_start(log: Path, line):
    """It is not overwritten; the operator moves it away."""
    log.write_text(line + "\n")
    with pytest.raises(StoreError, match="move it away"), Receiver(KEY, log, now=lambda: NOW):
        pass
    assert log.read_text() == line + "\n"


def test_a_person_acknowledges_by_posting_the_form(post: Post):
    """The name in UTF-8, form-encoded, to the very link."""
    with MisbehavingReceiver() as page:
        assert acknowledge(page.url("/ack/token"), "张三", post).status == 200
    (seen,) = page.seen
    assert (seen.path, seen.body) == ("/ack/token", b"name=%E5%BC%A0%E4%B8%89")
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
