"""A lane whose channel posts: one thread, several requests under way, and receivers of every sort."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes import AT, HOUR, MINUTE, RecordingChannel, delivery, routes
from simulators.receiver import Conduct, MisbehavingReceiver, closed_port, self_signed
from sqlalchemy import Engine

from alerts.channels.alertmanager import Alertmanager
from alerts.channels.webhook import Webhook
from alerts.outgoing import deliveries
from alerts.outgoing.circuit import PROBE
from alerts.outgoing.delivery import Channel, Delivery, Means, Message, Status, Taken
from alerts.outgoing.journal import NAME, Journal
from alerts.outgoing.outbox import Outbox
from alerts.outgoing.post import Answer, Post, judge
from alerts.outgoing.posting import Posting, post_once
from alerts.outgoing.rates import Rate
from alerts.outgoing.wire import Request
from ingest.database import reading, writing
from ingest.errors import DeliveryError
from ingest.secret import Secret

SHORT = timedelta(seconds=0.4)


@dataclass
class Hook:
    """A channel that posts the key of its message, and can be told to do wrong."""

    url: str
    deadline: timedelta = timedelta(seconds=5)
    look: Callable[[Message], None] = lambda message: None
    """Called before each request."""
    hear: Callable[[Message], None] = lambda message: None
    """Called after each answer."""
    threads: set[int] = field(default_factory=set)
    """The threads that asked for a request."""

    def send(self, message: Message, means: Means) -> Taken:
        """Post once."""
        return post_once(self, message, means)

    def request(self, message: Message, means: Means) -> Request:
        """The key as body."""
        self.threads.add(threading.get_ident())
        self.look(message)
        return Request(self.url, message.key.encode(), {"webhook-id": message.key}, self.deadline)

    def taken(self, answer: Answer, message: Message) -> Taken:
        """By status."""
        self.hear(message)
        judge(answer)
        return Taken(reference=message.key, detail=f"HTTP {answer.status}")


@contextmanager
def outbox(engine: Engine, folder: Path, ca_file: Path | None = None, **parts) -> Iterator[Outbox]:
    """An outbox with these channels and fields, closed at the end."""
    fields = {name: parts.pop(name) for name in ("lane", "rates") if name in parts}
    channels: dict[str, Channel] = parts
    with Post(ca_file=ca_file) as post:
        means = Means(post=post, folder=folder, reveal=lambda _: "")
        made = Outbox(
            engine=engine, channels=channels, routes=routes(), means=means, retry=(MINUTE,) * 3, **fields
        )
        try:
            yield made
        finally:
            made.close()


def plan(engine: Engine, *rows: Delivery) -> None:
    """Rows that wait."""
    with writing(engine) as connection:
        deliveries.plan(connection, rows)


def many(number: int, **parts) -> list[Delivery]:
    """So many rows, in the order of their names."""
    return [delivery(f"{n:03}", **parts) for n in range(number)]


def counts(engine: Engine) -> dict[Status, int]:
    """Rows by status."""
    with reading(engine) as connection:
        return deliveries.counts(connection)


def details(engine: Engine, status: Status) -> set[str]:
    """What the rows of a status say."""
    with reading(engine) as connection:
        return {one.detail for one in deliveries.all_deliveries(connection) if one.status is status}


def came(receiver: MisbehavingReceiver) -> Counter[str]:
    """Key -> how often it came."""
    return Counter(seen.headers["webhook-id"] for seen in list(receiver.seen))


def wait_for(condition: Callable[[], object], seconds: float = 5) -> None:
    """Until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


CHUNKED = Conduct(
    body=b'2\r\n{"\r\n3\r\na":\r\n2\r\n1}\r\n0\r\n\r\n',
    headers={"Transfer-Encoding": "chunked", "content-length": ""},
)
CLOSING = Conduct(headers={"Connection": "close"})


@pytest.mark.parametrize(
    "conduct",
    [Conduct(), CLOSING, CHUNKED, Conduct(body=b""), Conduct(status=202, body=b"x" * 200_000)],
    ids=["kept", "closing", "chunked", "empty", "long"],
)
@pytest.mark.parametrize("lane", [1, 4])
def test_every_message_arrives_once_however_it_is_answered(engine, tmp_path, conduct: Conduct, lane: int):
    """One thread asks for all of them; each row knows its outcome."""
    plan(engine, *many(60))
    with MisbehavingReceiver(conduct) as receiver:
        hook = Hook(receiver.url())
        with outbox(engine, tmp_path, fake=hook, lane=lane) as box:
            box.drain(AT)
    assert came(receiver) == {f"{n:03}": 1 for n in range(60)}
    assert counts(engine) == {Status.SENT: 60}
    assert details(engine, Status.SENT) == {f"{n:03} HTTP {conduct.status}" for n in range(60)}


def test_one_thread_has_them_all_under_way(engine: Engine, tmp_path: Path):
    """Four requests wait for their answers at once, and no fifth is begun."""
    plan(engine, *many(9))
    with MisbehavingReceiver(Conduct(manner="hang")) as receiver:
        hook = Hook(receiver.url(), deadline=SHORT)
        with outbox(engine, tmp_path, fake=hook) as box:
            box.pump(AT)
            wait_for(lambda: len(receiver.seen) == 4)
            assert counts(engine) == {Status.CLAIMED: 4, Status.DUE: 5}
            assert len(hook.threads) == 1


def test_all_that_there_is_room_for_is_made_before_the_first_is_sent(engine, tmp_path):
    """A receiver is woken once for four requests, not four times."""
    plan(engine, *many(5))
    arrived: list[int] = []
    with MisbehavingReceiver() as receiver:
        hook = Hook(receiver.url(), look=lambda _: arrived.append(len(receiver.seen)))
        with outbox(engine, tmp_path, fake=hook) as box:
            box.drain(AT)
    assert arrived[:4] == [0, 0, 0, 0]
    assert len(arrived) == 5


def test_a_row_that_cannot_be_made_holds_up_none_made_with_it(engine, tmp_path):
    """It ends at once, and the others are sent."""

    def refuse(message: Message) -> None:
        if message.key == "001":
            raise DeliveryError("the facts are none", retry=False)

    plan(engine, *many(4))
    with MisbehavingReceiver() as receiver:
        with outbox(engine, tmp_path, fake=Hook(receiver.url(), look=refuse)) as box:
            box.drain(AT)
        assert came(receiver) == {"000": 1, "002": 1, "003": 1}
    assert counts(engine) == {Status.SENT: 3, Status.FAILED: 1}


@pytest.mark.parametrize("manner", ["hang", "drip_head", "drip_body"])
def test_one_answer_that_does_not_come_holds_up_no_other(engine, tmp_path, manner):
    """It is given up when its own time is over, and tried again later."""
    slow = Conduct(manner=manner, body=b"x" * 400)
    plan(engine, *many(40))
    with (
        MisbehavingReceiver(slow, Conduct()) as receiver,
        outbox(engine, tmp_path, fake=Hook(receiver.url(), deadline=SHORT)) as box,
    ):
        begun = time.monotonic()
        box.drain(AT)
        assert time.monotonic() - begun < 3
        assert len(came(receiver)) == 40
    assert counts(engine) == {Status.SENT: 39, Status.DUE: 1}
    (why,) = details(engine, Status.DUE)
    assert "did not answer within 0.4 s" in why


@pytest.mark.parametrize(
    ("conduct", "status", "words"),
    [
        (Conduct(status=503), Status.DUE, "answered 503"),
        (Conduct(status=400), Status.FAILED, "answered 400"),
        (Conduct(manner="close"), Status.DUE, "broke off"),
        (Conduct(manner="cut"), Status.DUE, "broke off"),
        (Conduct(body=b"x" * 1_100_000), Status.DUE, "more than 1000000 bytes"),
    ],
)
def test_a_refusal_is_an_outcome_of_its_own(engine, tmp_path, conduct: Conduct, status: Status, words: str):
    """One of many is refused; the others are sent."""
    plan(engine, *many(12))
    with (
        MisbehavingReceiver(Conduct(), conduct, Conduct()) as receiver,
        outbox(engine, tmp_path, fake=Hook(receiver.url())) as box,
    ):
        box.drain(AT)
    assert counts(engine) == {Status.SENT: 11, status: 1}
    assert words in details(engine, status).pop()


def test_nobody_listens(engine: Engine, tmp_path: Path):
    """Every attempt says so; after ten the channel is left alone, and who waits stays due."""
    plan(engine, *many(30))
    with outbox(engine, tmp_path, fake=Hook(f"http://127.0.0.1:{closed_port()}/")) as box:
        box.drain(AT)
        assert "cannot be reached" in box.sick["fake"][1]
    assert counts(engine) == {Status.DUE: 30}


def test_an_address_that_is_none_is_given_up(engine: Engine, tmp_path: Path):
    """No connection is ever tried."""
    plan(engine, *many(3))
    with outbox(engine, tmp_path, fake=Hook("ftp://127.0.0.1/")) as box:
        box.drain(AT)
    assert counts(engine) == {Status.FAILED: 3}


def test_a_mended_receiver_is_found_by_a_probe(engine: Engine, tmp_path: Path):
    """One message, half a minute later; after its success all that wait."""
    plan(engine, *many(20))
    with (
        MisbehavingReceiver(*[Conduct(status=500)] * 13, Conduct()) as receiver,
        outbox(engine, tmp_path, fake=Hook(receiver.url()), lane=1) as box,
    ):
        box.drain(AT)
        assert len(receiver.seen) == 10
        for number in (1, 2, 3):
            box.drain(AT + number * PROBE)
        assert len(receiver.seen) == 13
        box.drain(AT + 4 * PROBE)
        assert box.sick == {}
        box.drain(AT + HOUR)
    assert counts(engine) == {Status.SENT: 20}


def test_a_gateway_gets_no_more_than_its_rate(engine: Engine, tmp_path: Path):
    """The rest waits for the window."""
    plan(engine, *many(7))
    with MisbehavingReceiver() as receiver:
        rates = {"fake": Rate(most=3)}
        with outbox(engine, tmp_path, fake=Hook(receiver.url()), rates=rates) as box:
            for minutes, sent in ((0, 3), (0.9, 3), (1, 6), (2, 7)):
                box.drain(AT + minutes * MINUTE)
                assert len(receiver.seen) == sent


@pytest.fixture
def tls(tmp_path: Path):
    """A certificate that only those trust who were told to."""
    try:
        return self_signed(tmp_path)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")


@pytest.mark.parametrize("conduct", [Conduct(), CLOSING, Conduct(body=b"x" * 100_000)])
def test_over_tls_it_is_the_same(engine: Engine, tmp_path: Path, tls, conduct: Conduct):
    """Long answers come in many records, and tickets of the session in between."""
    plan(engine, *many(40))
    with (
        MisbehavingReceiver(conduct, tls=tls) as receiver,
        outbox(engine, tmp_path, ca_file=tls[0], fake=Hook(receiver.url())) as box,
    ):
        box.drain(AT)
    assert set(came(receiver).values()) == {1}
    assert counts(engine) == {Status.SENT: 40}


@pytest.mark.parametrize("manner", ["hang", "drip_body"])
def test_over_tls_too_one_answer_holds_up_no_other(engine, tmp_path, tls, manner):
    """A record that is there in part is nothing to wait for."""
    slow = Conduct(manner=manner, body=b"x" * 400)
    plan(engine, *many(30))
    with MisbehavingReceiver(slow, Conduct(), tls=tls) as receiver:
        hook = Hook(receiver.url(), deadline=timedelta(seconds=1))
        with outbox(engine, tmp_path, ca_file=tls[0], fake=hook) as box:
            box.drain(AT)
    assert counts(engine) == {Status.SENT: 29, Status.DUE: 1}


def test_who_is_not_the_receiver_gets_nothing(engine: Engine, tmp_path: Path, tls):
    """A certificate nobody trusts."""
    plan(engine, *many(1))
    with MisbehavingReceiver(tls=tls) as receiver, outbox(engine, tmp_path, fake=Hook(receiver.url())) as box:
        box.drain(AT)
    assert receiver.seen == []
    assert "certificate" in details(engine, Status.DUE).pop()


@pytest.mark.parametrize("moment", ["look", "hear"])
def test_a_bug_in_the_channel_costs_its_own_message_only(engine, tmp_path, moment, caplog):
    """Before the request or after the answer; the row names it, the log has the trace."""

    def fail(message: Message) -> None:
        if message.key == "003":
            raise RuntimeError("secret inside")

    wrong: dict[str, Any] = {moment: fail}
    plan(engine, *many(20))
    with (
        MisbehavingReceiver() as receiver,
        outbox(engine, tmp_path, fake=Hook(receiver.url(), **wrong)) as box,
    ):
        box.drain(AT)
    assert counts(engine) == {Status.SENT: 19, Status.DUE: 1}
    assert details(engine, Status.DUE) == {"channel fake failed with RuntimeError; see the log"}
    assert [record.action for record in caplog.records] == ["deliver"]


@pytest.mark.parametrize("parts", [{"channel": "pigeon"}, {"recipient": "retired"}])
def test_what_cannot_become_a_message_holds_up_no_other(engine, tmp_path, parts):
    """It fails with words, and asks no gateway."""
    plan(engine, *many(6), delivery("lost", **parts))
    with MisbehavingReceiver() as receiver, outbox(engine, tmp_path, fake=Hook(receiver.url())) as box:
        box.drain(AT)
    assert counts(engine) == {Status.SENT: 6, Status.FAILED: 1}
    assert "lost" not in came(receiver)


def test_an_answer_counts_however_late_it_is_looked_at(engine: Engine, tmp_path: Path):
    """It came in time, while the thread was held up by another message: no repeat."""

    def hold(message: Message) -> None:
        if message.key == "001":
            time.sleep(0.6)

    plan(engine, *many(2))
    with (
        MisbehavingReceiver() as receiver,
        outbox(engine, tmp_path, fake=Hook(receiver.url(), deadline=SHORT, look=hold), lane=2) as box,
    ):
        box.means.post.send(receiver.url(), b"", {"webhook-id": "warm"})
        box.drain(AT)
    assert counts(engine) == {Status.SENT: 2}


def test_a_red_begins_at_once_while_others_wait_for_their_answers(engine: Engine, tmp_path: Path):
    """A free place is taken by who comes, not when the next answer is there."""
    plan(engine, *many(2, priority=2))
    with (
        MisbehavingReceiver(Conduct(manner="hang"), Conduct(manner="hang"), Conduct()) as receiver,
        outbox(engine, tmp_path, fake=Hook(receiver.url(), deadline=timedelta(seconds=2))) as box,
    ):
        box.pump(AT)
        wait_for(lambda: len(receiver.seen) == 2)
        plan(engine, delivery("red"))
        begun = time.monotonic()
        box.pump(AT)
        wait_for(lambda: "red" in came(receiver))
        assert time.monotonic() - begun < 0.5


def test_a_red_goes_before_all_that_wait(engine: Engine, tmp_path: Path):
    """Also before what was claimed already."""
    plan(engine, *many(30, priority=2), delivery("red", priority=0))
    with (
        MisbehavingReceiver() as receiver,
        outbox(engine, tmp_path, fake=Hook(receiver.url()), lane=1) as box,
    ):
        box.drain(AT)
    assert receiver.seen[0].headers["webhook-id"] == "red"


def test_a_hanging_receiver_holds_up_only_its_own_lane(engine: Engine, tmp_path: Path):
    """Whoever is called over another channel has everything meanwhile."""
    well = RecordingChannel()
    plan(engine, *many(20), *(delivery(f"w{n}", channel="well") for n in range(50)))
    with MisbehavingReceiver(Conduct(manner="hang")) as receiver:
        hook = Hook(receiver.url(), deadline=timedelta(seconds=1))
        with outbox(engine, tmp_path, fake=hook, well=well) as box:
            begun = time.monotonic()
            while len(well.taken) < 50 and time.monotonic() - begun < 5:
                box.pump(AT)
            assert time.monotonic() - begun < 1
            box.wind_up()


def test_winding_up_finishes_what_is_under_way_and_leaves_the_rest(engine: Engine, tmp_path: Path):
    """No connection is opened and no request begun after it; nothing is in doubt."""
    ended = threading.Event()

    def hold(_: Message) -> None:
        ended.wait(0.2)

    plan(engine, *many(50))
    with MisbehavingReceiver() as receiver:
        hook = Hook(receiver.url(), hear=hold)
        with outbox(engine, tmp_path, fake=hook) as box:
            box.pump(AT)
            wait_for(lambda: receiver.seen)
            box.wind_up()
            ended.set()
        assert counts(engine)[Status.SENT] == len(receiver.seen) < 50
    assert set(counts(engine)) == {Status.SENT, Status.DUE}


@pytest.mark.parametrize("lane", [1, 4])
def test_an_outcome_is_kept_before_the_next_request_begins(engine: Engine, tmp_path: Path, lane: int):
    """So that a kill repeats no more than a lane has under way, however many answers one look brought."""
    heard: list[str] = []
    forgotten: list[set[str]] = []
    journal = Journal(tmp_path / NAME)

    def look(message: Message) -> None:
        before = set(heard)
        # What the journal does not hold any more is in the database.
        kept = {outcome.key for outcome in journal.left()}
        with reading(engine) as connection:
            rows = deliveries.all_deliveries(connection)
        forgotten.append(before - kept - {one.key for one in rows if one.status is Status.SENT})

    plan(engine, *many(30))
    with MisbehavingReceiver() as receiver:
        hook = Hook(receiver.url(), look=look, hear=lambda message: heard.append(message.key))
        with outbox(engine, tmp_path, fake=hook, lane=lane) as box:
            box.drain(AT)
    assert forgotten == [set()] * 30


def test_a_posting_channel_is_told_from_others():
    """By what it can do."""
    secret = Secret(env="KEY")
    assert isinstance(Webhook(url="http://127.0.0.1/", secret=secret), Posting)
    assert isinstance(Alertmanager(url="http://127.0.0.1/"), Posting)
    assert not isinstance(RecordingChannel(), Posting)


def test_a_word_of_the_channel_itself_is_kept(engine: Engine, tmp_path: Path):
    """What it refuses to post is tried again if it says so."""

    def refuse(_: Message) -> None:
        raise DeliveryError("the key is missing", retry=True)

    plan(engine, *many(2))
    with (
        MisbehavingReceiver() as receiver,
        outbox(engine, tmp_path, fake=Hook(receiver.url(), look=refuse)) as box,
    ):
        box.drain(AT)
    assert receiver.seen == []
    assert details(engine, Status.DUE) == {"the key is missing"}
