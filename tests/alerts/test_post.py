"""The way out over HTTP: one deadline, one attempt, nothing secret in what it says."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from simulators.receiver import Conduct, MisbehavingReceiver, closed_port, self_signed

from alerts.outgoing.post import LONGEST_PAUSE, Answer, Post, judge
from alerts.outgoing.wire import Request
from ingest.errors import DeliveryError

NOW = datetime(2022, 8, 18, 1, 0, tzinfo=UTC)
SHORT = timedelta(seconds=0.4)


@pytest.fixture
def post():
    """A way out that is closed after the test."""
    with Post() as post:
        yield post


def test_an_answer_is_handed_back_as_it_came(post: Post):
    """Status, header fields in lower case and raw body; sent were exactly our body and fields."""
    conduct = Conduct(status=202, body=b"\xffok", headers={"X-Request-Id": "7"})
    with MisbehavingReceiver(conduct) as receiver:
        answer = post.send(receiver.url("/a?b=c"), b"{}", {"webhook-id": "k"})
    assert (answer.status, answer.body, answer.headers["x-request-id"]) == (202, b"\xffok", "7")
    assert 0 < answer.elapsed_s < 10
    seen = receiver.seen[0]
    assert (seen.path, seen.body, seen.headers["webhook-id"]) == ("/a?b=c", b"{}", "k")


def test_each_message_gets_its_own_answer_over_one_connection(post: Post):
    """Whether a receiver says the same again, word for word, or as much of something else."""
    said = [b"one", b"one", b"two", b"two", b"one", b""]
    with MisbehavingReceiver(*(Conduct(body=body) for body in said)) as receiver:
        assert [post.send(receiver.url(), b"{}", {}).body for _ in said] == said


@pytest.mark.parametrize("manner", ["close", "cut"])
def test_a_receiver_that_breaks_off_is_not_taken_at_its_last_word(post: Post, manner):
    """What it said to the message before is no answer to this one."""
    with MisbehavingReceiver(Conduct(), Conduct(), Conduct(manner=manner)) as receiver:
        for _ in range(2):
            post.send(receiver.url(), b"{}", {})
        with pytest.raises(DeliveryError, match="broke off"):
            post.send(receiver.url(), b"{}", {})


def test_an_answer_known_from_before_is_held_to_the_limit_of_this_message(post: Post):
    """Its length was allowed to the message before, and is not to this one."""
    with MisbehavingReceiver(Conduct(body=b"x" * 100)) as receiver:
        assert len(post.send(receiver.url(), b"{}", {}).body) == 100
        with pytest.raises(DeliveryError, match="more than 50 bytes"):
            post.send(receiver.url(), b"{}", {}, largest=50)


@pytest.mark.parametrize("manner", ["hang", "drip_head", "drip_body"])
def test_the_deadline_is_total(post: Post, manner):
    """A receiver that says nothing, or one byte every 50 ms, is left when the time is up."""
    with MisbehavingReceiver(Conduct(body=b"x" * 200, manner=manner)) as receiver:
        started = time.monotonic()
        with pytest.raises(DeliveryError, match=r"did not answer within 0\.4 s") as caught:
            post.send(receiver.url(), b"{}", {}, deadline=SHORT)
    assert caught.value.retry
    assert time.monotonic() - started < 2


def test_a_kept_connection_takes_the_deadline_of_each_message(post: Post):
    """Ten seconds for the first message are not ten for the next over the same connection."""
    with MisbehavingReceiver(Conduct(), Conduct(manner="hang")) as receiver:
        post.send(receiver.url(), b"{}", {})
        started = time.monotonic()
        with pytest.raises(DeliveryError, match=r"did not answer within 0\.4 s"):
            post.send(receiver.url(), b"{}", {}, deadline=SHORT)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("manner", ["close", "cut"])
def test_an_answer_that_breaks_off_is_no_answer(post: Post, manner):
    """A connection closed before the promised end may be tried again."""
    with (
        MisbehavingReceiver(Conduct(manner=manner)) as receiver,
        pytest.raises(DeliveryError, match="broke off") as caught,
    ):
        post.send(receiver.url(), b"{}", {})
    assert caught.value.retry


def test_a_port_without_a_listener_may_be_tried_again(post: Post):
    """The sentence names scheme, host and port, and nothing of the path or query."""
    port = closed_port()
    with pytest.raises(DeliveryError) as caught:
        post.send(f"http://127.0.0.1:{port}/hooks/KEY?token=KEY", b"", {})
    assert caught.value.retry
    assert f"http://127.0.0.1:{port} cannot be reached" in str(caught.value)
    assert "KEY" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1/x", "http://", "http://[::1/KEY"])
def test_what_is_no_address_is_not_tried_again(post: Post, url):
    """Only an operator can mend the address."""
    with pytest.raises(DeliveryError) as caught:
        post.send(url, b"", {})
    assert not caught.value.retry
    assert "KEY" not in str(caught.value)


def test_a_redirect_is_not_followed(post: Post):
    """A signed body goes to the configured address or nowhere."""
    with MisbehavingReceiver() as other:
        away = Conduct(status=307, headers={"Location": other.url()})
        with MisbehavingReceiver(away) as receiver:
            assert post.send(receiver.url(), b"{}", {}).status == 307
    assert other.seen == []


def test_a_failure_is_one_attempt(post: Post):
    """Trying again is the outbox's to decide: a 503 is asked once."""
    with MisbehavingReceiver(Conduct(status=503, headers={"Retry-After": "0"})) as receiver:
        assert post.send(receiver.url(), b"{}", {}).status == 503
    assert len(receiver.seen) == 1


def test_an_answer_may_be_as_long_as_the_limit(post: Post):
    """The limit itself is within it."""
    with MisbehavingReceiver(Conduct(body=b"x" * 10)) as receiver:
        assert post.send(receiver.url(), b"", {}, largest=10).body == b"x" * 10


@pytest.mark.parametrize("length", [11, 3_000_000])
def test_a_longer_answer_is_dropped(post: Post, length):
    """One byte more is refused, and the next send works again."""
    with MisbehavingReceiver(Conduct(body=b"x" * length), Conduct()) as receiver:
        with pytest.raises(DeliveryError, match="more than 10 bytes") as caught:
            post.send(receiver.url(), b"", {}, largest=10)
        assert caught.value.retry
        assert post.send(receiver.url(), b"", {}).status == 200


def test_a_chunked_answer_is_read(post: Post):
    """An answer of unknown length ends with its last chunk."""
    chunks = Conduct(
        body=b"3\r\nabc\r\n0\r\n\r\n",
        headers={"Transfer-Encoding": "chunked", "content-length": ""},
    )
    with MisbehavingReceiver(chunks) as receiver:
        assert post.send(receiver.url(), b"", {}).body == b"abc"


@pytest.fixture
def tls(tmp_path: Path):
    """A certificate that only those trust who were told to."""
    try:
        return self_signed(tmp_path)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")


def test_an_unknown_certificate_is_refused(post: Post, tls):
    """Nothing of the body reaches who cannot prove to be the receiver."""
    with (
        MisbehavingReceiver(tls=tls) as receiver,
        pytest.raises(DeliveryError, match="certificate") as caught,
    ):
        post.send(receiver.url("/KEY"), b"{}", {})
    assert receiver.seen == []
    assert caught.value.retry
    assert "KEY" not in str(caught.value)


def test_a_certificate_of_the_district_can_be_trusted(tls):
    """A receiver with an issuer of its own is reached over TLS once the issuer is named."""
    with MisbehavingReceiver(tls=tls) as receiver, Post(ca_file=tls[0]) as post:
        assert post.send(receiver.url(), b"{}", {}).status == 200


def test_the_deadline_holds_over_tls(tls):
    """The total counts for an encrypted answer that drips as well."""
    dripping = Conduct(body=b"x" * 200, manner="drip_body")
    with MisbehavingReceiver(dripping, tls=tls) as receiver, Post(ca_file=tls[0]) as post:
        started = time.monotonic()
        with pytest.raises(DeliveryError, match="did not answer"):
            post.send(receiver.url(), b"{}", {}, deadline=SHORT)
        assert time.monotonic() - started < 2


def test_connections_are_kept_and_threads_share_them(post: Post):
    """Many threads send through one Post, each getting its own answer."""
    with MisbehavingReceiver() as receiver, ThreadPoolExecutor(8) as pool:
        bodies = [str(n).encode() for n in range(64)]
        answers = list(pool.map(lambda body: post.send(receiver.url(), body, {}), bodies))
    assert {answer.status for answer in answers} == {200}
    assert sorted(seen.body for seen in receiver.seen) == sorted(bodies)


def test_a_closed_post_opens_again_when_needed():
    """Closing is harmless before the first send, twice, and between two sends."""
    post = Post()
    post.close()
    with MisbehavingReceiver() as receiver:
        for _ in range(2):
            assert post.send(receiver.url(), b"", {}).status == 200
            post.close()
    post.close()


def test_paths_are_not_logged(post: Post, caplog: pytest.LogCaptureFixture):
    """Even at debug level, where the library would log each path."""
    caplog.set_level(logging.DEBUG)
    with MisbehavingReceiver() as receiver:
        post.send(receiver.url("/hooks/KEY"), b"", {})
    assert "KEY" not in caplog.text


def answered(status: int, **headers: str) -> Answer:
    """An answer with a status."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=fields, body=b"KEY", elapsed_s=0.1)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_taken(status):
    """Every 2xx passes."""
    judge(answered(status))


@pytest.mark.parametrize(
    ("status", "retry"),
    [(408, True), (425, True), (429, True), (500, True), (502, True), (503, True), (599, True)]
    + [(s, False) for s in (101, 300, 302, 304, 308, 400, 401, 403, 404, 410, 413, 422, 451)],
)
def test_a_status_says_whether_to_try_again(status, retry):
    """Time-outs, throttling and server errors may pass; the rest needs a person."""
    with pytest.raises(DeliveryError, match=str(status)) as caught:
        judge(answered(status))
    assert caught.value.retry is retry
    assert "KEY" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("0", timedelta(0)),
        ("120", timedelta(minutes=2)),
        ("99999999999999999999", LONGEST_PAUSE),
        ("Thu, 18 Aug 2022 01:01:30 GMT", timedelta(seconds=90)),
        ("Thu, 18 Aug 2022 01:01:30 -0000", timedelta(seconds=90)),
        ("Thu, 18 Aug 2022 00:00:00 GMT", timedelta(0)),
        ("Thu, 18 Aug 2099 00:00:00 GMT", LONGEST_PAUSE),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Thu, 99 Aug 2022 25:00:00 GMT", None),
    ],
)
def test_the_pause_asked_for_is_kept(text, pause):
    """Retry-After in seconds or as a date, never negative, never for more than a day."""
    with pytest.raises(DeliveryError) as caught:
        judge(answered(429, retry_after=text), now=NOW)
    assert caught.value.retry_after == pause


def test_a_date_without_a_present_moment_is_no_pause():
    """Nobody reads the clock here."""
    with pytest.raises(DeliveryError) as caught:
        judge(answered(503, retry_after="Thu, 18 Aug 2022 01:01:30 GMT"))
    assert caught.value.retry_after is None


def test_a_request_begins_only_where_a_connection_stands(post: Post):
    """The first is opened, which can take long; the second begins over what that left, at once."""
    with MisbehavingReceiver() as receiver:
        wanted = Request(receiver.url(), b"{}", {})
        assert post.begin(wanted) is None
        assert post.open(wanted).wait().status == 200
        second = post.begin(wanted)
        assert second is not None
        assert second.wait().status == 200
    assert len(receiver.seen) == 2


@pytest.mark.parametrize("manner", ["answer", "drip_head", "drip_body"])
def test_an_answer_is_heard_when_it_is_whole(post: Post, manner):
    """Asked before, there is none yet, and asking does not wait."""
    with MisbehavingReceiver(Conduct(body=b"hello", manner=manner)) as receiver:
        exchange = post.open(Request(receiver.url(), b"{}", {}))
        answer, longest, end = None, 0.0, time.monotonic() + 20
        while answer is None and time.monotonic() < end:
            begun = time.monotonic()
            answer = exchange.hear()
            longest = max(longest, time.monotonic() - begun)
            time.sleep(0.01)
    assert answer is not None
    assert answer.body == b"hello"
    assert longest < 0.5


def test_an_exchange_that_is_given_up_closes_its_connection(post: Post):
    """An answer that comes after all must not be taken for that of the next request."""
    with MisbehavingReceiver(Conduct(manner="hang")) as receiver:
        wanted = Request(receiver.url(), b"{}", {}, SHORT)
        error = post.open(wanted).expire()
        assert error.retry
        assert "did not answer within 0.4 s" in str(error)
        assert post.begin(wanted) is None
