"""The record shows every change that was made to it afterwards."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from fakes import AT, HOUR, change, delivery
from sqlalchemy import Connection, delete, insert, update

from alerts.duty.routing import Notice
from alerts.outgoing import deliveries
from alerts.outgoing.deliveries import Outcome
from alerts.outgoing.delivery import Status
from alerts.record import audit, store, tables, versions
from alerts.record.audit import KINDS, START, seal
from alerts.record.store import Acknowledgement
from alerts.record.verify import export, verify
from ingest.times import BEIJING

FILES = {"service.yaml": "listen: 127.0.0.1:8480", "routes.yaml": "people: {}"}


def fill(connection: Connection) -> None:
    """A record of a few sorts of rows, in several links."""
    notice = Notice(subsystem="safety", person="li", role="lead", task={}, step=0, why="lead")
    store.record(connection, change(), [notice])
    seal(connection, AT, "transition", ["x.1"])
    seal(connection, AT, "notice", [1])
    deliveries.plan(connection, [delivery("one"), delivery("two")])
    seal(connection, AT + HOUR, "delivery", ["one", "two"])
    word = Acknowledgement(alert="x", subsystem="safety", by="Li", via="link", at=AT)
    store.acknowledge(connection, word)
    seal(connection, AT + HOUR, "acknowledgement", [1])


def faults(connection: Connection) -> str:
    """Everything that does not fit, in one text."""
    return "; ".join(verify(connection).faults)


def test_an_untouched_record_is_whole(connection: Connection):
    """Every hash fits, every row is as it was written."""
    fill(connection)
    found = verify(connection)
    assert found.whole, found.faults
    assert found.links >= 3
    assert found.head == audit.head(connection)[1]


def test_an_empty_record_is_whole(connection: Connection):
    """Nothing happened, nothing was changed."""
    assert verify(connection).whole
    assert audit.head(connection) == (0, START)


CHANGES: dict[str, Any] = {
    "transition": update(tables.transition).values(value=39.9),
    "notice": update(tables.notice).values(why="was never on duty"),
    "delivery": update(tables.delivery).where(tables.delivery.c.key == "two").values(text="nothing"),
    "acknowledgement": update(tables.acknowledgement).values(by="Wang"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_changed_row_is_found_and_named(connection: Connection, kind: str):
    """Whatever the row is: what was told, why, in which words, who answered."""
    fill(connection)
    connection.execute(CHANGES[kind])
    assert kind in faults(connection)
    assert "was changed after it was written" in faults(connection)


@pytest.mark.parametrize("kind", ["transition", "notice", "delivery", "acknowledgement"])
def test_a_row_that_is_gone_is_missed(connection: Connection, kind: str):
    """Deleting is a change too."""
    fill(connection)
    connection.execute(delete(KINDS[kind].table))
    assert "was taken away" in faults(connection)


def test_a_row_that_was_slipped_in_is_found(connection: Connection):
    """An acknowledgement that nobody gave."""
    fill(connection)
    row = {"alert": "x", "subsystem": "safety", "by": "Li", "via": "cli", "at": AT, "effective": True}
    connection.execute(insert(tables.acknowledgement), row)
    assert "acknowledgement 2 is not in the chain" in faults(connection)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"entries": "[]"}, "link 2 of"),
        ({"prev": "0" * 63 + "1"}, "link 2 does not follow"),
        ({"hash": "f" * 64}, "link 3 does not follow"),
        ({"at": AT - HOUR}, "link 2 of"),
    ],
)
def test_a_changed_link_is_found(connection: Connection, values: dict[str, Any], said: str):
    """The chain guards itself."""
    fill(connection)
    connection.execute(update(tables.audit).where(tables.audit.c.seq == 2).values(**values))
    assert said in faults(connection)


def test_links_cut_off_at_the_end_are_missed(connection: Connection):
    """The head knows how many there were."""
    fill(connection)
    last = audit.head(connection)[0]
    connection.execute(delete(tables.audit).where(tables.audit.c.seq == last))
    assert "the head of the chain" in faults(connection)


def test_a_chain_written_anew_is_betrayed_by_a_hash_noted_before(connection: Connection):
    """That is why the head goes out with every heartbeat."""
    fill(connection)
    noted = audit.head(connection)[1]
    connection.execute(delete(tables.audit))
    connection.execute(delete(tables.audit_head))
    for kind in ("transition", "notice", "delivery", "acknowledgement"):
        seal(connection, AT, kind, [row[0] for row in audit.rows(connection, kind)])
    assert verify(connection).whole
    assert "written anew" in "; ".join(verify(connection, noted).faults)


def test_a_row_that_changes_by_right_is_sealed_again(connection: Connection):
    """The newest entry of a row counts."""
    fill(connection)
    connection.execute(update(tables.acknowledgement).values(by="Wang"))
    seal(connection, AT + HOUR, "acknowledgement", [1])
    assert verify(connection).whole


def test_nothing_written_makes_no_link(connection: Connection):
    """An id that is not there is passed over."""
    seal(connection, AT, "receipt", [7])
    assert audit.head(connection) == (0, START)


def test_the_export_lets_anybody_compute_every_hash(connection: Connection):
    """Without our code: SHA-256 over what stands in the file."""
    fill(connection)
    prev = START
    for link in export(connection):
        said = f"{link['seq']}\n{link['at']}\n{prev}\n{link['entries']}"
        assert hashlib.sha256(said.encode()).hexdigest() == link["hash"]
        for row in link["rows"]:
            assert hashlib.sha256(row["content"].encode()).hexdigest() == row["digest"]
        prev = link["hash"]
    assert prev == audit.head(connection)[1]


def test_the_export_is_plain_json(connection: Connection):
    """One object a link."""
    fill(connection)
    assert all(json.loads(json.dumps(link)) == link for link in export(connection))


def test_a_version_of_the_configuration_is_kept_with_author_and_reason(connection: Connection):
    """Whoever asks later which threshold held finds the file."""
    assert versions.keep(connection, FILES, "Li", "new summer thresholds", AT)
    kept = versions.newest(connection)
    assert kept is not None
    assert (kept.author, kept.reason, dict(kept.files)) == ("Li", "new summer thresholds", FILES)
    assert verify(connection).whole


def test_the_same_configuration_is_kept_once(connection: Connection):
    """A restart is no change; going back to an older one is."""
    changed = FILES | {"service.yaml": "heartbeat: 2h"}
    assert versions.keep(connection, FILES, "Li", "", AT)
    assert not versions.keep(connection, FILES, "Li", "", AT + HOUR)
    assert versions.keep(connection, changed, "Li", "", AT + HOUR)
    assert versions.keep(connection, FILES, "Li", "back again", AT + 2 * HOUR)


@pytest.mark.parametrize(
    "text",
    ['phone: "13800000001"', "电话13800000001", "+86 138-0000-0001", "8613800000001 x", "sms: 138 0000 0001"],
)
def test_a_number_is_hidden_wherever_it_stands(text: str):
    """With a sign that is the same however it is written, and another under another key."""
    (told,) = versions.without_numbers({"a": text}, "key").values()
    (other,) = versions.without_numbers({"a": text}, "other").values()
    assert re.findall(r"138\*{4}0001#([0-9a-f]{12})", told) == ["065d39794017"]
    assert told != other


@pytest.mark.parametrize(
    "text", ["id: 500153001", "at: 1660000000000", "sha256-138000000011", "rain: 13.8", "2022-08-09"]
)
def test_what_is_no_number_of_anybody_stays(text: str):
    """Codes, times, hashes and thresholds."""
    assert versions.without_numbers({"a": text}, "key") == {"a": text}


@pytest.mark.parametrize("at", [AT, AT.replace(microsecond=7), AT.astimezone(BEIJING)])
def test_what_is_sealed_from_memory_is_what_is_read_back(connection: Connection, at: datetime):
    """The outbox does not read back what it wrote; the digest must be the one that an inquiry computes."""
    said = {"list": (1, 2), 10: "ten", 9: "九", "deep": {"b": 0.1, "a": None}, "text": "\u2028\x07\"\\"}
    deliveries.plan(connection, [replace(delivery("one"), planned_at=at, data=said)])
    deliveries.claim(connection, "one")
    sent = Outcome(key="one", status=Status.SENT, at=at, detail="HTTP 200", reference='号 "1"')
    deliveries.settle(connection, sent)
    found = verify(connection)
    assert (found.faults, found.rows) == ((), 2)
