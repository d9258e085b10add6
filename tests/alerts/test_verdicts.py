"""What people say afterwards is kept row by row, sealed, and never changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import AT, HOUR
from sqlalchemy import Connection, update

from alerts.record import tables, verdicts
from alerts.record.verdicts import Damage, Verdict
from alerts.record.verify import verify
from ingest.errors import UnknownName
from rules.level import Level

VERDICT = Verdict(
    alert="x", hazard="heat", judged="hit", onset=AT, within=6 * HOUR, places=("a", "b"),
    level=Level.RED, by="李", why="多人中暑", at=AT + 30 * HOUR,
)  # fmt: skip
DAMAGE = Damage(
    hazard="waterlogging", onset=AT, end=AT + 3 * HOUR, within=timedelta(minutes=30), places=("a",),
    level=Level.ORANGE, certainty="likely", what="积水80厘米", source="街道办", by="王", at=AT + 5 * HOUR,
)  # fmt: skip


def test_a_verdict_comes_back_as_it_was_given(connection: Connection):
    """Everything is kept: who, when, why, and how exactly the onset is known."""
    kept = verdicts.judge(connection, VERDICT)
    assert verdicts.verdicts(connection) == {"x": kept}
    assert replace(kept, id=None) == VERDICT


def test_saying_the_same_again_adds_no_row(connection: Connection):
    """Whoever presses twice is understood once, whenever that was."""
    first = verdicts.judge(connection, VERDICT)
    again = verdicts.judge(connection, replace(VERDICT, at=AT + 40 * HOUR))
    assert again == first
    assert len(verdicts.history(connection)) == 1


def test_the_newest_verdict_counts_and_the_old_one_stays(connection: Connection):
    """Minds change; the record shows from what to what."""
    verdicts.judge(connection, VERDICT)
    verdicts.judge(connection, replace(VERDICT, judged="false_alarm", why="误报"))
    verdicts.judge(connection, replace(VERDICT, alert="y"))
    assert verdicts.verdicts(connection)["x"].judged == "false_alarm"
    assert [one.judged for one in verdicts.history(connection, "x")] == ["hit", "false_alarm"]


def test_going_back_to_an_earlier_verdict_is_a_row_of_its_own(connection: Connection):
    """Only a repetition of the newest is one, not of any."""
    for judged in ("hit", "near_hit", "hit"):
        verdicts.judge(connection, replace(VERDICT, judged=judged))
    assert [one.judged for one in verdicts.history(connection)] == ["hit", "near_hit", "hit"]


@pytest.mark.parametrize("parts", [{}, {"end": None}, {"level": None}, {"places": ()}])
def test_a_report_comes_back_as_it_was_told(connection: Connection, parts):
    """What nobody knows stays unknown."""
    told = replace(DAMAGE, **parts)
    kept = verdicts.report(connection, told)
    assert verdicts.damages(connection) == [kept]
    assert replace(kept, id=None) == told


def test_the_same_report_again_adds_no_row(connection: Connection):
    """Two people at one desk enter one flood once."""
    first = verdicts.report(connection, DAMAGE)
    assert verdicts.report(connection, replace(DAMAGE, at=AT + 9 * HOUR)) == first


def test_a_report_that_was_set_right_counts_no_more(connection: Connection):
    """The row stays in the database, the new one counts."""
    first = verdicts.report(connection, DAMAGE)
    better = replace(DAMAGE, what="积水50厘米", replaces=first.id)
    kept = verdicts.report(connection, better)
    assert verdicts.damages(connection) == [kept]


def test_a_report_cannot_replace_what_is_not_there(connection: Connection):
    """The sentence names those that stand."""
    kept = verdicts.report(connection, DAMAGE)
    with pytest.raises(UnknownName, match=f"no report 99 stands; reports that stand: {kept.id}"):
        verdicts.report(connection, replace(DAMAGE, what="又一处", replaces=99))


@pytest.mark.parametrize(
    ("table", "kind"), [(tables.verdict, "verdict"), (tables.happening, "happening")]
)
def test_the_chain_shows_a_row_that_was_changed(connection: Connection, table, kind):
    """Hindsight is as tamper-evident as the warnings themselves."""
    verdicts.judge(connection, VERDICT)
    verdicts.report(connection, DAMAGE)
    assert verify(connection).whole
    connection.execute(update(table).values(by="别人"))
    assert verify(connection).faults == (f"{kind} 1 was changed after it was written",)
