"""A plan carried out on a past: today's ladder beside the proposal, checked by full replays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from stage import HOUR, district
from tuning import made_up, only

from ingest.errors import ConfigMistake
from pipeline.cli import main
from pipeline.configuration.patch import read_changes, written
from pipeline.replay.run import Period
from pipeline.tune.plan import Plan, Range, Search
from pipeline.tune.result import Tuning
from pipeline.tune.run import Ground, tune
from pipeline.tune.sweep import sweep
from pipeline.tune.words import comments
from pipeline.verify.catalogue import Occurrence
from pipeline.verify.matching import Windows
from pipeline.wiring import desk_of
from rules.level import Level

PLAN = Plan(
    hazard="heat",
    vary={
        "ladder.orange.at_least": Range(lowest=35.0, highest=39.0, step=0.5),
        "ladder.orange.hold": ("0h", "3h"),
    },
    level=Level.ORANGE,
    maximise="csi",
    windows=Windows(early=6 * HOUR, near=HOUR),
    draws=200,
)


@pytest.fixture(scope="module")
def past() -> Iterator[Period]:
    """A made-up summer."""
    made = made_up(2, days=14)
    yield made
    made.engine.dispose()


def happened(past: Period, limit: float) -> tuple[Occurrence, ...]:
    """Events that a ladder with another limit warns of to the hour."""
    block = district().hazards["heat"]
    orange = replace(block.rule.ladder[Level.ORANGE], at_least=limit)
    other = replace(block, rule=replace(block.rule, ladder={**block.rule.ladder, Level.ORANGE: orange}))
    course = next(sweep(only("heat"), past, [other], lambda done, total: None).courses([other]))
    starts = [at for one in course.warned("heat") for at, _ in one.spells(Level.ORANGE)]
    return tuple(
        Occurrence(id=f"e{number}", hazard="heat", onset=at + HOUR, source="made up", level=Level.ORANGE)
        for number, at in enumerate(starts)
    )


def tuned(past: Period, plan: Plan = PLAN, events: tuple[Occurrence, ...] = ()) -> Tuning:
    """A plan carried out."""
    config = only("heat")
    ground = Ground(
        config=config,
        period=past,
        desk=desk_of(config, "k" * 32, config.service.public_url),
        occurrences=events,
        windows=Windows(),
    )
    return tune(plan, ground)


@pytest.fixture(scope="module")
def found(past: Period) -> Tuning:
    """A plan carried out where another limit would have been right."""
    return tuned(past, events=happened(past, 36.0))


def test_the_ladder_of_today_is_always_among_those_compared(found: Tuning):
    """With its figures, and counted once."""
    assert found.today.today
    assert found.today.values == {"ladder.orange.at_least": 37.0, "ladder.orange.hold": "0h"}
    assert found.tried == 18


def test_a_limit_that_would_have_been_right_is_found(found: Tuning):
    """And nothing else is changed."""
    assert found.proposal.values == {"ladder.orange.at_least": 36.0, "ladder.orange.hold": "0h"}
    assert found.proposal.figures["csi"].value == 1.0 > found.today.figures["csi"].value
    assert [edit.former for edit in found.changes.edits] == [37.0]


def test_full_replays_agree_with_what_the_choice_was_made_by(found: Tuning):
    """Every change, every town, and every call at night."""
    assert found.exact


def test_few_events_are_said_and_nothing_is_claimed(found: Tuning):
    """The intervals are exact ones, and the word best is not used."""
    assert found.events < 10
    assert found.verdict == "few_events"
    assert any("fewer than 10" in note.en for note in found.notes)
    assert found.proposal.figures["pod"].how == "exact"


def test_less_than_two_years_leave_nothing_out_and_that_is_said(found: Tuning):
    """Nobody knows how it does elsewhere."""
    assert not found.folds
    assert any("could be left out" in note.en for note in found.notes)


def test_the_result_is_plain_json(found: Tuning):
    """Without NaN, which is no JSON."""
    text = json.dumps(found.as_json(), ensure_ascii=False, allow_nan=False)
    assert json.loads(text)["today"]["values"]["ladder.orange.at_least"] == 37.0


def test_the_proposal_is_a_patch_that_reads_back(found: Tuning, tmp_path: Path):
    """With its figures as comments above."""
    patch = tmp_path / "patch.yaml"
    head = "".join(f"# {line}\n" for line in comments(found))
    patch.write_text(head + written(found.changes), encoding="utf-8")
    assert read_changes(patch).edits == found.changes.edits
    assert "POD" in head


def test_the_same_plan_on_the_same_past_gives_the_same(past: Period, found: Tuning):
    """All chance comes from the seed."""
    again = tuned(past, events=happened(past, 36.0))
    assert again.as_json() == found.as_json()


def test_without_events_nothing_is_proposed(past: Period):
    """There is nothing to be better at."""
    found = tuned(past)
    assert found.verdict == "no_events"
    assert found.changes.edits == ()


def test_a_bayesian_search_proposes_one_of_the_ladders_of_the_plan(past: Period):
    """And tries no more than it was told to."""
    pytest.importorskip("sklearn")
    plan = replace(PLAN, search=Search(kind="bayesian", tries=8))
    found = tuned(past, plan, happened(past, 36.0))
    assert found.tried <= 9
    assert found.exact


def test_windows_vary_at_the_price_of_reading_the_past_again(past: Period):
    """And each of their ladders is judged by its own metric."""
    plan = replace(PLAN, vary={"ladder.orange.within": ("6h", "24h"), "ladder.orange.at_least": (36.0, 37.0)})
    found = tuned(past, plan, happened(past, 36.0))
    assert found.tried == 4
    assert found.exact


def test_too_many_windows_are_refused(past: Period):
    """Each reads the past anew."""
    hours = tuple(f"{hour}h" for hour in range(1, 70))
    with pytest.raises(ConfigMistake, match="reads the past anew"):
        tuned(past, replace(PLAN, vary={"ladder.orange.within": hours}))


QUICK = """
hazard: heat
vary: {ladder.red.at_least: [39.0, 40.0, 41.0]}
level: red
maximise: pages_per_month
constraints: {pages_per_month: {at_least: 1000}}
"""


def ran(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and everything printed of a command on the configuration that ships."""
    result = CliRunner().invoke(main, ["--data", str(folder / "data"), *arguments])
    return result.exit_code, result.output


def test_the_command_prints_what_people_need_and_writes_the_proposal(tmp_path: Path):
    """Of a period of the archive."""
    plan, told, patch = (tmp_path / name for name in ("plan.yaml", "told.json", "patch.yaml"))
    plan.write_text(QUICK, encoding="utf-8")
    (tmp_path / "data").mkdir()
    made_up(2, 6, f"sqlite:///{tmp_path / 'data' / 'fengsui.db'}").engine.dispose()
    period = ("--from", "2022-08-01T00:00+08:00", "--to", "2022-08-06T00:00+08:00")
    code, said = ran(tmp_path, "tune", str(plan), *period, "--json", str(told), "--out", str(patch))
    assert code == 0, said
    assert "现行 today" in said
    assert json.loads(told.read_text(encoding="utf-8"))["tried"] == 3
    assert read_changes(patch).edits


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "names no period"),
        (("--from", "2022-08-01T00:00+08:00"), "both --from and --to"),
        (("heatwave-2022-08", "--report", "x.txt"), ".html or .pdf"),
    ],
)
def test_a_past_must_be_named(tmp_path: Path, more: tuple[str, ...], said: str):
    """Misuse is one sentence, before anything is read."""
    plan = tmp_path / "plan.yaml"
    plan.write_text(QUICK, encoding="utf-8")
    code, output = ran(tmp_path, "tune", str(plan), *more)
    assert code != 0
    assert said in output
