"""The outbox and its gateways: rates, batches, gateways that are sick, rows that became needless."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from fakes import AT, HOUR, MINUTE, HangingChannel, RecordingChannel, delivery, routes
from sqlalchemy import Engine, select, update

from alerts.outgoing import deliveries
from alerts.outgoing.circuit import FAILURES, PROBE
from alerts.outgoing.delivery import (
    REPLACED,
    Channel,
    Delivery,
    Means,
    Message,
    Purpose,
    Status,
    Taken,
)
from alerts.outgoing.outbox import Outbox
from alerts.outgoing.post import Post
from alerts.outgoing.rates import Rate
from alerts.record import tables
from ingest.database import reading, writing
from ingest.errors import DeliveryError

SECOND = timedelta(seconds=1)
BUSY = DeliveryError("the gateway is busy", retry=True)
NUMBER = DeliveryError("no such number", retry=False)
EMPTY = DeliveryError("the account is empty; pay it", retry=False, gateway=True)


@dataclass
class BatchChannel(RecordingChannel):  # type: ignore[misc]  # fakes are found by pytest
    """Takes many messages in one request."""

    batch: int = 5
    requests: list[list[str]] = field(default_factory=list)
    words: dict[str, DeliveryError] = field(default_factory=dict)

    def send_many(self, messages: Sequence[Message], means: Means) -> list[Taken | DeliveryError]:
        """Keep the keys of the request; raise or refuse what was asked for."""
        self.requests.append([message.key for message in messages])
        if self.errors:
            raise self.errors.pop(0)
        return [self.words.get(one.key) or Taken(reference=f"ref-{one.key}") for one in messages]


@contextmanager
def outbox(engine: Engine, folder: Path, **parts) -> Iterator[Outbox]:
    """An outbox with these channels and fields, closed at the end."""
    fields = {name: parts.pop(name) for name in ("lane", "rates") if name in parts}
    channels: dict[str, Channel] = parts
    with Post() as post:
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


def row(engine: Engine, key: str):
    """A row as the table holds it."""
    with reading(engine) as connection:
        return connection.execute(select(tables.delivery).where(tables.delivery.c.key == key)).one()


def counts(engine: Engine) -> dict[Status, int]:
    """Rows by status."""
    with reading(engine) as connection:
        return deliveries.counts(connection)


def test_a_gateway_gets_no_more_than_its_rate(engine: Engine, tmp_path: Path):
    """Three a minute: the fourth waits as a due row, and the outbox says until when."""
    fake = RecordingChannel()
    plan(engine, *many(7))
    with outbox(engine, tmp_path, fake=fake, rates={"fake": Rate(most=3)}) as box:
        for minutes, sent in ((0, 3), (0.9, 3), (1, 6), (2, 7)):
            box.drain(AT + minutes * MINUTE)
            assert len(fake.taken) == sent
            if sent < 7:
                assert box.next_due() == AT + (int(minutes) + 1) * MINUTE


def test_a_red_takes_the_next_free_place(engine: Engine, tmp_path: Path):
    """However many wait for the window."""
    fake = RecordingChannel()
    plan(engine, *many(5, priority=2))
    with outbox(engine, tmp_path, fake=fake, rates={"fake": Rate(most=2)}) as box:
        box.drain(AT)
        plan(engine, delivery("red", priority=0, due_at=AT + SECOND))
        box.drain(AT + MINUTE)
    assert fake.keys[2:].count("red") == 1
    assert len(fake.keys) == 4


def test_a_restart_does_not_open_the_window(engine: Engine, tmp_path: Path):
    """What was sent within it is read from the rows."""
    rates, fake = {"fake": Rate(most=3)}, RecordingChannel()
    plan(engine, *many(6))
    with outbox(engine, tmp_path, fake=fake, rates=rates) as box:
        box.drain(AT)
    with outbox(engine, tmp_path, fake=fake, rates=rates) as box:
        box.drain(AT + MINUTE / 2)
        assert len(fake.taken) == 3
        box.drain(AT + MINUTE)
        assert len(fake.taken) == 6


def test_an_exhausted_rate_holds_up_no_other_channel(engine: Engine, tmp_path: Path):
    """Its urgent rows wait; the others' rows go."""
    slow, fast = RecordingChannel(), RecordingChannel()
    plan(engine, *many(9, channel="slow"), delivery("z", channel="fast", priority=3))
    with outbox(engine, tmp_path, slow=slow, fast=fast, rates={"slow": Rate(most=1)}) as box:
        box.drain(AT)
    assert (len(slow.taken), fast.keys) == (1, ["z"])


def test_what_is_due_together_goes_in_one_request(engine: Engine, tmp_path: Path):
    """Twelve messages, five a request, in their order."""
    fake = BatchChannel()
    plan(engine, *many(12))
    with outbox(engine, tmp_path, fake=fake, lane=1) as box:
        box.drain(AT)
    sent = [*fake.requests, *([key] for key in fake.keys)]
    assert sorted(key for request in sent for key in request) == [f"{n:03}" for n in range(12)]
    assert max(map(len, fake.requests)) == 5
    assert counts(engine) == {Status.SENT: 12}


def test_each_message_of_a_request_has_its_own_outcome(engine: Engine, tmp_path: Path):
    """One number is refused, one is tried again, the others are sent."""
    fake = BatchChannel(words={"001": NUMBER, "002": BUSY})
    plan(engine, *many(4))
    with outbox(engine, tmp_path, fake=fake) as box:
        box.drain(AT)
    found = [row(engine, f"{n:03}").status for n in range(4)]
    assert found == ["sent", "failed", "due", "sent"]
    assert row(engine, "003").reference == "ref-003"


def test_the_failure_of_a_request_is_that_of_all_its_messages(engine: Engine, tmp_path: Path):
    """Each is tried again at its own time."""
    fake = BatchChannel(errors=[BUSY])
    plan(engine, *many(4))
    with outbox(engine, tmp_path, fake=fake) as box:
        box.drain(AT)
        assert counts(engine) == {Status.DUE: 4}
        box.drain(AT + MINUTE)
    assert counts(engine) == {Status.SENT: 4}


def test_a_gateway_at_fault_burns_one_message_and_not_all(engine: Engine, tmp_path: Path):
    """The rest waits; everybody is reached over the next channel at once; the guard can read why."""
    fake = RecordingChannel(errors=[EMPTY] * 99)
    plan(engine, *many(50))
    with outbox(engine, tmp_path, fake=fake, lane=1) as box:
        box.drain(AT)
        box.pump(AT)
        assert fake.tries == 1
        assert counts(engine) == {Status.FAILED: 1, Status.DUE: 49}
        assert box.sick == {"fake": (AT, "the account is empty; pay it")}
        assert {row(engine, f"{n:03}").chase_at for n in range(50)} == {AT}
        assert box.next_due() == AT + PROBE


def test_a_mended_gateway_is_found_by_a_probe(engine: Engine, tmp_path: Path):
    """One message every half a minute, at no cost; after the first success, all that is wanted."""
    fake = RecordingChannel(errors=[EMPTY, EMPTY])
    plan(engine, *many(20))
    with outbox(engine, tmp_path, fake=fake, lane=1) as box:
        box.drain(AT)
        box.drain(AT + PROBE)
        assert (fake.tries, len(fake.taken)) == (2, 0)
        box.drain(AT + 2 * PROBE)
        assert (len(fake.taken), box.sick) == (19, {})
    assert sorted(set(fake.keys)) == sorted(fake.keys)


def test_a_gateway_that_hangs_for_an_hour_neither_floods_nor_loses(engine: Engine, tmp_path: Path):
    """After ten failures in a row it is probed; then all that is wanted goes out once, red first."""
    fake = RecordingChannel(errors=[BUSY] * 20)
    plan(engine, *many(40, priority=2), delivery("red", priority=0))
    with outbox(engine, tmp_path, fake=fake, lane=1) as box:
        box.drain(AT)
        assert FAILURES <= fake.tries < FAILURES + box.lane
        assert "busy" in box.sick["fake"][1]
        now = AT
        while (due := box.next_due()) is not None:
            now = max(now, due)
            box.drain(now)
    assert counts(engine) == {Status.SENT: 41}
    assert fake.keys[0] == "red"
    assert sorted(fake.keys) == sorted(set(fake.keys))
    assert now - AT < HOUR


def test_who_waits_for_a_gateway_in_vain_is_chased_all_the_same(engine: Engine, tmp_path: Path):
    """A row that has waited as long as it may go without a sign of life; others not yet."""
    fake = RecordingChannel(errors=[BUSY] * 99)
    plan(engine, *many(12), delivery("p", chase_after=3 * MINUTE, due_at=AT, priority=4))
    with outbox(engine, tmp_path, fake=fake, lane=1) as box:
        box.drain(AT)
        box.drain(AT + 2 * MINUTE)
        assert row(engine, "p").chase_at is None
        box.drain(AT + 3 * MINUTE)
        assert row(engine, "p").chase_at == AT + 3 * MINUTE


@pytest.mark.parametrize(
    ("purpose", "chased"), [(Purpose.ALERT, True), (Purpose.DIGEST, True), (Purpose.CANARY, False)]
)
def test_what_was_given_up_is_chased_at_once(engine, tmp_path, purpose: Purpose, chased: bool):
    """Over the person's next channel; a canary only tells that its channel is dead."""
    plan(engine, delivery(purpose=purpose))
    with outbox(engine, tmp_path, fake=RecordingChannel(errors=[NUMBER])) as box:
        box.drain(AT)
    assert row(engine, "k").chase_at == (AT if chased else None)


@pytest.mark.parametrize("patience", [None, 3 * MINUTE])
def test_what_was_sent_is_chased_without_a_sign_of_life(engine, tmp_path, patience):
    """So long after it was sent, where signs are expected at all."""
    plan(engine, delivery(chase_after=patience))
    with outbox(engine, tmp_path, fake=RecordingChannel()) as box:
        box.drain(AT + MINUTE)
    found = row(engine, "k")
    assert (found.sent_at, found.reference) == (AT + MINUTE, "ref-k")
    assert found.chase_at == (AT + MINUTE + patience if patience else None)


def test_what_waits_for_a_digest_is_not_due(engine: Engine, tmp_path: Path):
    """It goes out with it."""
    fake = RecordingChannel()
    plan(engine, delivery(fold_at=AT + HOUR))
    with outbox(engine, tmp_path, fake=fake) as box:
        assert box.next_due() is None
        box.drain(AT + 9 * HOUR)
    assert fake.tries == 0


def test_a_claimed_message_that_became_needless_is_not_begun(engine: Engine, tmp_path: Path):
    """A newer change, or an acknowledgement, between the claim and the send."""
    dead = HangingChannel()
    plan(engine, *many(2))
    with outbox(engine, tmp_path, fake=dead, lane=1) as box:
        box.pump(AT)
        dead.waiting.acquire(timeout=5)
        lane = box._floor.lanes["fake"]
        second = delivery("001")
        with writing(engine) as connection:
            deliveries.claim(connection, "001")
            found = tables.delivery.c.key == "001"
            connection.execute(update(tables.delivery).where(found).values(replaced=True))
        box._floor.hand["001"] = second
        lane.add([second], 1)
        box.pump(AT)
        dead.released.set()
    assert (row(engine, "001").status, row(engine, "001").detail) == ("cancelled", REPLACED)
    assert row(engine, "000").status == "sent"


def test_what_a_hanging_gateway_keeps_from_being_begun_is_due_again(engine: Engine, tmp_path: Path):
    """So that an acknowledgement can cancel it; the attempt is not counted."""
    dead = HangingChannel()
    plan(engine, *many(9))
    with outbox(engine, tmp_path, fake=dead, lane=1) as box:
        box.pump(AT)
        lane = box._floor.lanes["fake"]
        lane._pace_s = 0.1
        box.pump(AT)
        assert counts(engine) == {Status.CLAIMED: 5, Status.DUE: 4}
        time.sleep(1.1)
        box.pump(AT)
        assert counts(engine) == {Status.CLAIMED: 1, Status.DUE: 8}
        assert row(engine, "001").attempts == 0
        dead.released.set()


def test_a_kill_after_the_send_does_not_repeat_it(engine: Engine, tmp_path: Path):
    """The database did not hear of it, the journal did."""
    fake = RecordingChannel()
    plan(engine, *many(2))
    with outbox(engine, tmp_path, fake=fake, lane=1) as killed:
        killed.pump(AT)
        while len(fake.taken) < 1 or not killed._journal().waiting()[0]:
            time.sleep(0.001)
        with outbox(engine, tmp_path, fake=fake, lane=1) as box:
            assert box.recover() == 0
            box.drain(AT + MINUTE)
        assert fake.keys == ["000", "001"]
        assert counts(engine) == {Status.SENT: 2}
        assert row(engine, "000").sent_at == AT


def test_secrets_are_read_again_within_seconds(engine: Engine, tmp_path: Path):
    """A changed key needs no restart; a thousand messages do not read it a thousand times."""
    from alerts.outgoing.sending import Remembering
    from ingest.secret import Secret

    reads: list[Secret] = []

    def read(secret: Secret) -> str:
        reads.append(secret)
        return "key"

    reveal = Remembering(read)
    for _ in range(100):
        reveal(Secret(env="KEY"))
    assert len(reads) == 1
    reveal._known[Secret(env="KEY")] = (time.monotonic() - 2.1, "old")
    reveal(Secret(env="KEY"))
    assert len(reads) == 2


def test_a_copy_with_other_parts_shares_what_is_in_hand(engine: Engine, tmp_path: Path):
    """`replace` makes another view of the same outbox."""
    with outbox(engine, tmp_path, fake=RecordingChannel()) as box:
        assert replace(box, lane=1)._floor is box._floor


@pytest.mark.parametrize("odd", ["\ud800", "a\0b", "x" * 300])
def test_what_a_provider_says_can_always_be_kept(engine: Engine, tmp_path: Path, odd: str):
    """Half a character, NUL, or a reference longer than the column: the outcome enters the database."""

    @dataclass
    class Odd:
        def send(self, message: Message, means: Means) -> Taken:
            return Taken(reference=odd, detail=odd)

    plan(engine, delivery())
    with outbox(engine, tmp_path, fake=Odd()) as box:
        box.drain(AT)
    assert row(engine, "k").status == "sent"
    assert len(row(engine, "k").reference) <= 128
