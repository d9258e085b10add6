"""The outbox against a real database: row first, then the send, then the outcome."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from fakes import AT, HOUR, MINUTE, HangingChannel, RecordingChannel, delivery, routes
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from alerts.channels.outbox import Outbox as OutboxFile
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Channel, Delivery, Means, Message, Status
from alerts.outgoing.outbox import Outbox
from alerts.outgoing.post import Post
from ingest.database import open_engine, reading, writing
from ingest.errors import ConfigMistake, DeliveryError, StoreError

RETRY = (MINUTE, 5 * MINUTE)
MESSAGE = Message(
    key="k", text="高温", recipient=routes().people["safety_day"], subsystem="safety", data={}, at=AT
)


@contextmanager
def outbox(engine: Engine, folder: Path, **channels: Channel) -> Iterator[Outbox]:
    """An outbox with these channels, closed at the end."""
    with Post() as post:
        means = Means(post=post, folder=folder, reveal=lambda _: "")
        made = Outbox(engine=engine, channels=channels, routes=routes(), means=means, retry=RETRY)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def fake() -> RecordingChannel:
    """The channel everybody has."""
    return RecordingChannel()


@pytest.fixture
def box(engine: Engine, tmp_path: Path, fake: RecordingChannel):
    """An outbox that sends through it."""
    with outbox(engine, tmp_path, fake=fake) as made:
        yield made


def plan(engine: Engine, *rows: Delivery) -> None:
    """Rows that wait; one for the safety officer if none is given."""
    with writing(engine) as connection:
        deliveries.plan(connection, rows or [delivery()])


def row(engine: Engine, key: str = "k") -> Delivery:
    """A row as it stands."""
    with reading(engine) as connection:
        return next(one for one in deliveries.all_deliveries(connection) if one.key == key)


def refusal(retry: bool = True, after=None) -> DeliveryError:
    """What a channel says that did not take a message."""
    return DeliveryError("the gateway is busy", retry=retry, retry_after=after)


def test_a_row_becomes_a_message_and_its_outcome(box: Outbox, engine: Engine, fake: RecordingChannel):
    """Words, person, facts and key go out as planned; the channel's reference comes back."""
    plan(engine)
    box.drain(AT + MINUTE)
    (message,) = fake.taken
    assert (message.key, message.text, message.subsystem) == ("k", "高温", "safety")
    assert (message.recipient.name, message.data, message.at) == ("safety_day", {"level": "red"}, AT + MINUTE)
    done = row(engine)
    assert (done.status, done.sent_at, done.detail) == (Status.SENT, AT + MINUTE, "ref-k taken")


def test_the_row_is_claimed_before_the_send(tmp_path: Path, engine: Engine):
    """In the middle of a send, another connection to the file already sees it."""
    seen: list[tuple[Status, int]] = []
    other = open_engine(f"sqlite:///{tmp_path / 'fengsui.db'}")

    def look(message: Message) -> None:
        found = row(other, message.key)
        seen.append((found.status, found.attempts))

    plan(engine)
    with outbox(engine, tmp_path, fake=RecordingChannel(look=look)) as box:
        box.drain(AT)
    other.dispose()
    assert seen == [(Status.CLAIMED, 1)]


def test_nothing_is_sent_that_cannot_be_written_down(
    box: Outbox, engine: Engine, fake: RecordingChannel, monkeypatch: pytest.MonkeyPatch
):
    """Where the claim fails, no message leaves and the row still waits."""

    def broken(*_: object) -> bool:
        raise OperationalError("", {}, Exception("disk full"))

    plan(engine)
    monkeypatch.setattr(deliveries, "claim_all", broken)
    with pytest.raises(StoreError, match="full"):
        box.pump(AT)
    assert fake.tries == 0
    assert row(engine).status is Status.DUE


def test_two_outboxes_send_each_message_once(tmp_path: Path, engine: Engine):
    """Compare-and-set: the slower one finds the row taken."""
    plan(engine, *(delivery(str(number)) for number in range(30)))
    fake = RecordingChannel()
    with (
        outbox(engine, tmp_path, fake=fake) as one,
        outbox(engine, tmp_path, fake=fake) as two,
        ThreadPoolExecutor(2) as pool,
    ):
        list(pool.map(lambda box: box.drain(AT), (one, two)))
    assert sorted(fake.keys) == sorted(str(number) for number in range(30))


def test_a_sent_message_is_not_sent_again(box: Outbox, engine: Engine, fake: RecordingChannel):
    """However often the outbox is asked."""
    plan(engine)
    for hours in range(3):
        box.drain(AT + hours * HOUR)
    assert fake.keys == ["k"]


def test_retries_follow_the_configuration(box: Outbox, engine: Engine, fake: RecordingChannel):
    """One minute after the first refusal, five after the second, and then it is given up."""
    plan(engine)
    fake.errors += [refusal(), refusal(), refusal()]
    now, pauses = AT, []
    while row(engine).status is Status.DUE:
        box.drain(now)
        pauses.append(row(engine).due_at - now)
        now = max(row(engine).due_at, now)
    assert pauses[:2] == [MINUTE, 5 * MINUTE]
    assert (fake.tries, row(engine).status) == (3, Status.FAILED)
    assert row(engine).detail == "given up after 3 attempts: the gateway is busy"


def test_a_retry_waits_for_its_moment(box: Outbox, engine: Engine, fake: RecordingChannel):
    """Meanwhile the reason stands in the row."""
    plan(engine)
    fake.errors.append(refusal())
    box.drain(AT)
    box.drain(AT + 0.9 * MINUTE)
    assert (fake.tries, row(engine).detail) == (1, "the gateway is busy")
    assert box.next_due() == AT + MINUTE
    box.drain(AT + MINUTE)
    assert fake.keys == ["k"]


@pytest.mark.parametrize(("asked", "pause"), [(3 * MINUTE, 3 * MINUTE), (MINUTE / 2, MINUTE), (None, MINUTE)])
def test_a_receiver_may_ask_for_a_longer_pause(box, engine, fake, asked, pause):
    """Its word counts where it is longer than ours, and never hurries us."""
    plan(engine)
    fake.errors.append(refusal(after=asked))
    box.drain(AT)
    assert row(engine).due_at == AT + pause


def test_what_cannot_be_mended_is_not_tried_again(box: Outbox, engine: Engine, fake: RecordingChannel):
    """A refused number is refused for good."""
    plan(engine)
    fake.errors.append(refusal(retry=False))
    box.drain(AT)
    assert (row(engine).status, fake.tries) == (Status.FAILED, 1)


@pytest.mark.parametrize(("late", "sent"), [(0, True), (1, False)])
def test_an_expired_message_is_never_sent(box, engine, fake, late: int, sent: bool):
    """At its last moment it still is; after it the row is given up, with the last refusal in words."""
    plan(engine, delivery(detail="the gateway is busy"))
    box.drain(AT + 24 * HOUR + late * MINUTE)
    assert bool(fake.taken) is sent
    assert row(engine).status is (Status.SENT if sent else Status.FAILED)
    assert sent or row(engine).detail == "given up: not delivered by 2022-08-10T00:05Z; the gateway is busy"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"channel": "pigeon"}, "channel pigeon is not configured any more"),
        ({"recipient": "retired"}, "retired is not among the people of the configuration any more"),
    ],
)
def test_what_the_configuration_lost_fails_with_words(box, engine, parts, words: str):
    """At once, because no other attempt can help."""
    plan(engine, delivery(**parts), delivery("other"))
    box.drain(AT)
    assert row(engine).status is Status.FAILED
    assert words in row(engine).detail
    assert row(engine, "other").status is Status.SENT


def test_a_bug_in_a_channel_is_logged_and_tried_again(box, engine, fake, caplog: pytest.LogCaptureFixture):
    """It costs neither its message nor another one; the trace is in the log, the row only names it."""
    plan(engine, delivery(), delivery("other", due_at=AT - MINUTE))
    fake.errors.append(RuntimeError("secret inside"))
    with caplog.at_level(logging.ERROR):
        box.drain(AT)
    assert [getattr(record, "action", "") for record in caplog.records] == ["deliver"]
    broken = next(one for one in (row(engine), row(engine, "other")) if one.status is Status.DUE)
    assert broken.detail == "channel fake failed with RuntimeError; see the log"
    box.drain(AT + MINUTE)
    assert set(fake.keys) == {"k", "other"}


def test_a_missing_secret_is_tried_again(box: Outbox, engine: Engine, fake: RecordingChannel):
    """The operator can put it in place; the row says what is missing."""
    plan(engine)
    fake.errors.append(ConfigMistake("the secret of fake is missing; set it"))
    box.drain(AT)
    assert (row(engine).status, row(engine).detail) == (Status.DUE, "the secret of fake is missing; set it")


def test_no_message_is_lost_whatever_a_channel_raises(box, engine, fake):
    """Each of these is overcome at the next attempt."""
    fake.errors += [refusal(), RuntimeError("bug"), ConfigMistake("mend"), OSError("net")]
    names = [str(number) for number in range(9)]
    plan(engine, *(delivery(name) for name in names))
    for minutes in range(10):
        box.drain(AT + minutes * MINUTE)
    assert sorted(fake.keys) == names


def test_a_red_goes_before_a_yellow(box: Outbox, engine: Engine, fake: RecordingChannel):
    """However long the yellow has waited; one at a time, to see the order."""
    rows = [delivery(f"yellow{n}", priority=2, due_at=AT - HOUR) for n in range(3)]
    plan(engine, *rows, delivery("red", priority=0))
    replace(box, lane=1).drain(AT)
    assert fake.keys == ["red", "yellow0", "yellow1", "yellow2"]


def test_a_hanging_receiver_holds_up_nobody_else(engine: Engine, tmp_path: Path):
    """The first of three is dead: the two others have everything while it still hangs."""
    dead, live, well = HangingChannel(), RecordingChannel(), RecordingChannel()
    names = [f"{number:03}" for number in range(100)]
    rows = [delivery(f"{name}{n}", channel=name) for name in ("dead", "live", "well") for n in names]
    plan(engine, *rows)
    with outbox(engine, tmp_path, dead=dead, live=live, well=well) as box:
        end = time.monotonic() + 20
        while len(live.taken) + len(well.taken) < 200 and time.monotonic() < end:
            box.pump(AT)
        assert (len(live.taken), len(well.taken)) == (100, 100)
        assert row(engine, "dead000").status is Status.CLAIMED
        assert row(engine, "dead099").status is Status.DUE
        dead.released.set()


def test_a_lane_is_never_overfull(engine: Engine, tmp_path: Path):
    """A gateway gets at most so many sends at once, the rest waits as due rows."""
    dead = HangingChannel()
    plan(engine, *(delivery(str(number)) for number in range(9)))
    with outbox(engine, tmp_path, fake=dead) as box:
        assert box.pump(AT) == box.pump(AT) == box.lane == 4
        with reading(engine) as connection:
            assert deliveries.counts(connection) == {Status.CLAIMED: 4, Status.DUE: 5}
        dead.released.set()


def test_pumping_never_waits(engine: Engine, tmp_path: Path):
    """A send that hangs is left hanging, and its outcome is fetched by a later look."""
    dead = HangingChannel()
    plan(engine)
    with outbox(engine, tmp_path, fake=dead) as box:
        assert box.pump(AT) == 1
        assert box.next_due() == AT
        dead.released.set()
        box.drain(AT + HOUR)
        assert (row(engine).status, box.next_due()) == (Status.SENT, None)


def test_somebody_comes_back_for_every_outcome(box: Outbox, engine: Engine):
    """While a send is under way the outbox is due, even if no row waits: its outcome must be kept."""
    plan(engine)
    box.pump(AT)
    assert box.next_due() is not None
    while box.next_due() is not None:
        box.pump(AT)
    assert row(engine).status is Status.SENT


def test_draining_ends_at_its_deadline(engine: Engine, tmp_path: Path):
    """In all, not for each of the sends that hang."""
    dead = HangingChannel()
    plan(engine)
    with outbox(engine, tmp_path, fake=dead) as box:
        box.drain(AT, deadline=0.05)
        assert row(engine).status is Status.CLAIMED
        dead.released.set()


def test_work_takes_up_what_falls_due_meanwhile(engine: Engine, tmp_path: Path):
    """A row planned in the middle of a send goes out in the same turn."""

    def look(message: Message) -> None:
        if message.key == "k":
            plan(engine, delivery("late"))

    fake = RecordingChannel(look=look)
    plan(engine)
    with outbox(engine, tmp_path, fake=fake) as box:
        box.work(AT)
    assert fake.keys == ["k", "late"]


def test_winding_up_leaves_what_waits(engine: Engine, tmp_path: Path, fake: RecordingChannel):
    """The rows stay due for the next start; nothing new is begun."""
    plan(engine)
    with outbox(engine, tmp_path, fake=fake) as box:
        box.wind_up()
        box.work(AT)
    assert (fake.tries, row(engine).status) == (0, Status.DUE)


def test_closing_keeps_the_outcome_of_what_is_under_way(engine: Engine, tmp_path: Path):
    """A stop in the middle of a send is no crash."""
    dead = HangingChannel()
    plan(engine)
    with outbox(engine, tmp_path, fake=dead) as box:
        box.pump(AT)
        dead.released.set()
    assert row(engine).status is Status.SENT


def test_after_a_crash_the_same_key_goes_out_again(engine: Engine, tmp_path: Path):
    """The process died in a send; the next one makes it due, and the embedded channel knows the key."""
    plan(engine)
    with writing(engine) as connection:
        deliveries.claim(connection, "k")
    channel = OutboxFile()
    with outbox(engine, tmp_path, fake=channel) as box:
        channel.send(MESSAGE, box.means)
        assert (box.recover(), box.recover()) == (1, 0)
        box.drain(AT)
    assert (tmp_path / "outbox.txt").read_text("utf-8").count("编号 Key: k\n") == 1
    assert row(engine).status is Status.SENT


@pytest.mark.parametrize("moment", [AT, AT + HOUR])
def test_the_outbox_knows_when_it_is_due(box: Outbox, engine: Engine, moment: datetime):
    """The earliest waiting row; None where nothing waits."""
    assert box.next_due() is None
    plan(engine, delivery(due_at=moment), delivery("later", due_at=moment + HOUR))
    assert box.next_due() == moment
