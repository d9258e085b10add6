"""The queue of the studio: one process at a time, and nobody waits for what will never end."""

from __future__ import annotations

from typing import Any

import pytest
from simulators import studies
from stage import district, until

from pipeline.console.studio.studying import without_doors
from pipeline.console.studio.workroom import WAITING, Full, Job, Workroom
from pipeline.replay.desk import rehearsing


def job(past: str = "a summer", *blocks: str) -> tuple[Job, list[Any]]:
    """A job about a past, and what it will have found."""
    found: list[Any] = []
    return Job(studies.Wish(asked=past, blocks=blocks), "张", then=found.append), found


def test_a_job_tells_how_far_it_is_and_what_it_found():
    """Progress is heard while it runs; the result comes once, at its end."""
    mine, found = job()
    Workroom(studies.tells).ask(mine)
    until(lambda: mine.over)
    assert (mine.state, mine.done, mine.total, len(found)) == ("done", 3, 3, 1)


@pytest.mark.parametrize(
    ("work", "said"), [(studies.dies, "the process is gone"), (studies.refuses, "the archive is empty")]
)
def test_what_fails_says_why_and_the_next_goes_on(work, said):
    """A process that dies or refuses ends its job with a sentence; the queue takes the next."""
    room = Workroom(work)
    first, second = job("first")[0], job("second")[0]
    room.ask(first), room.ask(second)
    until(lambda: second.over)
    assert [first.state, second.state] == ["failed", "failed"]
    assert said in first.why


def test_one_runs_and_the_others_wait_until_somebody_cancels():
    """A second job begins only when the first is over; cancelling ends its process."""
    room = Workroom(studies.sleeps)
    first, second = job("first")[0], job("second")[0]
    room.ask(first), room.ask(second)
    until(lambda: first.done)
    assert second.state == "waiting"
    room.cancel(second)
    room.cancel(first)
    until(lambda: first.over)
    assert [first.state, second.state] == ["cancelled", "cancelled"]


def test_the_same_past_is_not_replayed_twice_at_once():
    """Whoever asks for what is under way gets that."""
    room = Workroom(studies.sleeps)
    first = room.ask(job()[0])
    assert room.ask(job()[0]) is first
    room.cancel(first)
    until(lambda: first.over)


def test_a_full_queue_refuses_with_a_remedy():
    """So many wait and no more."""
    room = Workroom(studies.sleeps)
    asked = [room.ask(job("running")[0])]
    until(lambda: asked[0].state == "running")
    asked += [room.ask(job(f"past {number}")[0]) for number in range(WAITING)]
    with pytest.raises(Full, match="cancel one"):
        room.ask(job("one more")[0])
    for one in reversed(asked):
        room.cancel(one)
    until(lambda: all(one.over for one in asked))


def test_what_another_process_gets_can_neither_fetch_nor_send():
    """Names of channels stay, so that messages are planned; what sends is gone."""
    shut = without_doors(district())
    assert shut.channels.keys() == district().channels.keys()
    assert not any(hasattr(block.channel, "send") for block in shut.channels.values())
    assert rehearsing(shut).routes == district().routes
