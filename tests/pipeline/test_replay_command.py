"""`fengsui replay` as it is typed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fakes import AT, HOUR, MINUTE, RED
from stage import EVENT, district

from alerts.event.transition import Reason
from pipeline.cli import main
from pipeline.replay.result import Paged, Replay
from pipeline.replay.tables import told

PATCH = """
title: 高温橙色提前半度
changes:
  hazards/heat.yaml:
    ladder.orange.at_least: {from: 37.0, to: 36.5}
"""


def typed(folder: Path, *words: str | Path) -> Result:
    """What a command answers; its data folder is of the test."""
    return CliRunner().invoke(main, ["--data", str(folder), *map(str, words)])


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """JSON and text of the event with a proposal."""
    folder = tmp_path_factory.mktemp("both")
    (folder / "patch.yaml").write_text(PATCH, encoding="utf-8")
    answer = typed(
        folder, "replay", EVENT, "--changes", folder / "patch.yaml", "--json", folder / "out.json"
    )
    assert answer.exit_code == 0, answer.output
    return json.loads((folder / "out.json").read_text("utf-8")), answer.stdout


def test_a_proposal_stands_beside_today(both: tuple[dict[str, Any], str]):
    """Both replays whole, what differs, and what the catalogue says of it."""
    facts, _ = both
    assert set(facts) == {"today", "proposal", "difference", "gains"}
    assert facts["today"]["event"] == facts["proposal"]["event"] == EVENT
    assert facts["difference"]["new"]
    assert facts["difference"]["people"]
    assert {"pages", "start", "end", "blind_h"} <= set(facts["today"])


def test_two_columns_are_printed_and_the_difference_in_words(both: tuple[dict[str, Any], str]):
    """Pages, calls and nights a month; changes of one side only; both languages."""
    _, text = both
    titles = ("今天 today", "改后 proposal", "夜间 at night", "只有改后 only proposed")
    assert [words for words in (*titles, "pages a month", "misses") if words not in text] == []


def test_who_is_paged_is_printed():
    """A person a line, with the busiest ten minutes, and how long the rules were blind."""
    person = next(iter(district().routes.people))
    pages = tuple(
        Paged(
            at=AT + number * MINUTE, person=person, subsystem="health", transition="a.1", alert="a",
            hazard="heat", level=RED, reason=Reason.SPREAD, calls=number == 0, night=True, woken=True,
        )
        for number in range(3)
    )  # fmt: skip
    replay = Replay(
        event="e", ticks=1, elapsed_s=0.0, transitions=(), deliveries=(), start=AT, end=AT + HOUR,
        pages=pages, blind={"heat": 2 * HOUR},
    )  # fmt: skip
    text = "\n".join(told(replay, district()))
    assert re.search(rf"{person} +3 +1 +3 +3 +3  2022-08-09 08:05", text)
    assert "高温2小时" in text


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["nothing"], 2, "nothing"),
        ([EVENT, "--changes", "absent.yaml"], 2, "the file is missing"),
        (["--from", "2022-08-01T00:00Z"], 2, "both --from and --to"),
        ([EVENT, "--workers", "0"], 2, "--workers"),
        ([EVENT, "--report", "page.doc"], 1, ""),
    ],
)
def test_a_mistake_is_one_sentence(words: Sequence[str], code: int, sentence: str, tmp_path: Path):
    """No trace of the program; a file is read before anything is replayed."""
    answer = typed(tmp_path, "replay", *words)
    assert answer.exit_code == code
    assert sentence in answer.output
    assert "Traceback" not in answer.output


def test_ctrl_c_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Exit code 130, as shells have it, and one sentence."""

    def stopped(*_: object, **__: object) -> Replay:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.commands.period.event_period", stopped)
    answer = typed(tmp_path, "replay", EVENT)
    assert answer.exit_code == 130
    assert "--resume" in answer.output
