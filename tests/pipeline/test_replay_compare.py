"""What a proposal changes: the same days under two configurations."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import fakes
import pytest
from fakes import AT, HOUR, ORANGE, RED, YELLOW

from alerts.event.transition import Reason, Transition
from pipeline.replay.compare import Pair, compare, nights_of
from pipeline.replay.result import Paged, Replay

MONTH = timedelta(days=30.436875)


def page(at: datetime = AT, **parts: Any) -> Paged:
    """A message that reaches Zhang by day."""
    facts: dict[str, Any] = {
        "person": "zhang", "subsystem": "safety", "transition": "a.1", "alert": "a", "hazard": "heat",
        "level": YELLOW, "reason": Reason.OPENED, "calls": False, "night": False, "woken": False,
    }  # fmt: skip
    return Paged(at=at, **(facts | parts))


def replay(*pages: Paged, changes: tuple[Transition, ...] = ()) -> Replay:
    """Two months in which these messages reached people."""
    return Replay(
        event="e", ticks=1, elapsed_s=0.0, transitions=changes, deliveries=(), start=AT,
        end=AT + 2 * MONTH, pages=pages,
    )  # fmt: skip


def test_the_same_replays_do_not_differ():
    """And that is said."""
    found = compare(replay(page()), replay(page()))
    assert (found.pages.more, found.hazards, found.people, found.new, found.gone) == (0, {}, {}, (), ())
    assert found.words.en == "nothing differs"


def test_more_pages_are_told_by_the_month():
    """Six more in two months are three a month, four of them at night."""
    more = [page(AT + number * HOUR, night=number < 4, woken=number < 4) for number in range(6)]
    found = compare(replay(page()), replay(page(), *more))
    assert found.months == pytest.approx(2.0)
    assert (found.pages, found.night) == (Pair(today=1, proposal=7), Pair(today=0, proposal=4))
    assert found.words.en.startswith("+3.0 pages a month, +2.0 at night")
    assert found.words.zh.startswith("每月+3.0条信息，其中夜间+2.0条")


def test_fewer_pages_are_a_gain():
    """The sign says so."""
    found = compare(replay(page(), page(AT + HOUR)), replay())
    assert found.words.en.startswith("-1.0 pages a month, ±0 at night")


def test_hazards_and_people_that_differ_are_named():
    """The others are left out."""
    today = replay(page(), page(hazard="rain", person="li"))
    found = compare(today, replay(page(), page(hazard="rain", person="li"), page(hazard="rain", person="li")))
    assert found.hazards == {"rain": Pair(today=1, proposal=2)}
    assert found.people == {"li": Pair(today=1, proposal=2)}


def change(**parts: Any) -> Transition:
    """An opening at orange."""
    return fakes.change(Reason.OPENED, **({"to_level": ORANGE, "id": "x.1"} | parts))


@pytest.mark.parametrize(
    "parts",
    [
        {"at": AT + HOUR},
        {"to_level": RED},
        {"hazard": "cold"},
        {"reason": Reason.RAISED},
        {"places": {"b": ORANGE}},
    ],
)
def test_changes_that_differ_are_told_on_either_side(parts: dict[str, Any]):
    """In moment, level, hazard, reason or towns."""
    today, other = change(), replace(change(), **parts)
    found = compare(replay(changes=(today,)), replay(changes=(other,)))
    assert (found.gone, found.new) == ((today,), (other,))


def test_a_change_of_another_name_is_the_same():
    """Its number counts what came before it, which may differ."""
    found = compare(replay(changes=(change(),)), replay(changes=(change(id="x.7", value=1.0),)))
    assert (found.gone, found.new) == ((), ())


def test_who_is_woken_twice_in_one_night_counts_once():
    """A night is that of the evening it began on, for each person by themselves."""
    evening = AT + 14 * HOUR
    hours = (0, 3, 8, 24)
    pages = [page(evening + number * HOUR, woken=True) for number in hours]
    assert len(nights_of(pages)) == 2
    assert len(nights_of([*pages, page(evening, person="li", woken=True)])) == 3


def test_a_difference_is_published():
    """With its words in both languages."""
    facts = json.loads(json.dumps(compare(replay(), replay(page(), changes=(change(),))).as_json()))
    assert facts["pages"] == {"today": 0, "proposal": 1}
    assert facts["new"] == ["x.1"]
    assert set(facts["words"]) == {"zh", "en"}
