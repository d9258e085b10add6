"""The journal: what a process knew when it was killed."""

from pathlib import Path

import pytest
from fakes import AT, HOUR

from alerts.outgoing.deliveries import Outcome
from alerts.outgoing.delivery import Status
from alerts.outgoing.journal import NAME, Journal

SENT = Outcome(key="k", status=Status.SENT, at=AT, detail="HTTP 200\n好", reference="ref")
AGAIN = Outcome(key="j", status=Status.DUE, at=AT, detail="busy", next_at=AT + HOUR)


@pytest.fixture
def journal(tmp_path: Path):
    """A journal in a folder of its own."""
    made = Journal(tmp_path / NAME)
    yield made
    made.close()


def left(tmp_path: Path) -> list[Outcome]:
    """What the next process finds."""
    return Journal(tmp_path / NAME).left()


def test_what_was_kept_is_found_by_the_next_process(journal: Journal, tmp_path: Path):
    """Word for word, while the first has neither closed nor synced anything."""
    journal.keep([SENT, AGAIN])
    assert left(tmp_path) == [SENT, AGAIN]


def test_the_last_word_on_a_message_counts(journal: Journal, tmp_path: Path):
    """Refused first and taken later, it was taken."""
    taken = Outcome(key="j", status=Status.SENT, at=AT + HOUR, detail="")
    journal.keep([AGAIN, taken])
    assert left(tmp_path) == [taken]


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_entry_costs_only_itself(journal: Journal, tmp_path: Path, cut: int):
    """A disk that was full in the middle of one entry."""
    journal.keep([SENT, AGAIN])
    file = tmp_path / NAME
    file.write_bytes(file.read_bytes()[:-cut])
    journal.keep([AGAIN])
    assert left(tmp_path) == [SENT, AGAIN]


def test_what_is_settled_is_forgotten(journal: Journal, tmp_path: Path):
    """The file is emptied as soon as everything in it is in the database."""
    journal.keep([SENT])
    waiting, size = journal.waiting()
    assert waiting == [SENT]
    journal.settled(1, size)
    assert journal.waiting() == ([], 0)
    assert left(tmp_path) == []


def test_what_came_during_the_commit_is_kept(journal: Journal, tmp_path: Path):
    """The file stays as it is until nothing in it is news."""
    journal.keep([SENT])
    _, size = journal.waiting()
    journal.keep([AGAIN])
    journal.settled(1, size)
    assert journal.waiting()[0] == [AGAIN]
    assert AGAIN in left(tmp_path)


def test_a_folder_that_cannot_be_written_costs_no_outcome(tmp_path: Path, caplog):
    """The process still knows it; the log says what a crash would do."""
    journal = Journal(tmp_path / "missing" / NAME)
    journal.keep([SENT])
    assert journal.waiting() == ([SENT], 0)
    assert [getattr(record, "action", "") for record in caplog.records] == ["journal_failed"]


def test_without_a_file_nothing_was_left_behind(tmp_path: Path):
    """The first start of all; clearing what is not there is harmless."""
    Journal(tmp_path / NAME).clear()
    assert left(tmp_path) == []


@pytest.mark.parametrize("words", ['say "no"', "\\", "\x00\x1f\x7f", "\n[1]", "\ud800", "😀", "\u2028"])
def test_no_words_of_a_provider_break_an_entry(journal: Journal, tmp_path: Path, words: str):
    """Entries are joined by hand; each is JSON all the same."""
    said = Outcome(key=words, status=Status.SENT, at=AT, detail=words, reference=words, counted=False)
    journal.keep([said])
    assert left(tmp_path) == [said]
