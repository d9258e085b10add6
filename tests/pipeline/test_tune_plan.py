"""A plan of tuning is read strictly, and its ladders are checked like any configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from stage import district

from ingest.errors import ConfigMistake
from pipeline.tune.candidates import Workshop, grid
from pipeline.tune.plan import Bound, Plan, Range, check_hazard, read_plan, written_duration
from rules.level import Level

PLAN = """
hazard: heat
vary:
  ladder.orange.at_least: {lowest: 36.0, highest: 37.0, step: 0.5}
  ladder.orange.hold: [0h, 2h]
level: orange
maximise: csi
"""
SHIPPED = Path(__file__).resolve().parents[2] / "config" / "tuning"


def plan_of(folder: Path, text: str) -> Plan:
    """A plan of a text."""
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return read_plan(path)


def test_a_plan_names_keys_and_values(tmp_path: Path):
    """Ranges include both ends."""
    plan = plan_of(tmp_path, PLAN)
    assert plan.choices == {
        ("ladder", "orange", "at_least"): (36.0, 36.5, 37.0),
        ("ladder", "orange", "hold"): ("0h", "2h"),
    }
    assert len(list(grid(plan.choices))) == 6


@pytest.mark.parametrize(
    ("given", "values"),
    [
        (Range(lowest=1, highest=3, step=1), (1, 2, 3)),
        (Range(lowest=0.1, highest=0.3, step=0.1), (0.1, 0.2, 0.3)),
        (Range(lowest="0h", highest="2h", step="1h"), ("0h", "1h", "2h")),
        (Range(lowest="30m", highest="90m", step="30m"), ("30m", "1h", "90m")),
        (Range(lowest=5.0, highest=5.0, step=1.0), (5.0,)),
    ],
)
def test_a_range_is_equal_steps(given: Range, values: tuple[object, ...]):
    """Of numbers or of durations, without the dust of binary fractions."""
    assert given.values() == values


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("maximise: csi", "maximise: beauty", "maximise"),
        ("step: 0.5", "step: 0.0", "step must be above 0"),
        ("lowest: 36.0", "lowest: 38.0", "lowest must not be above highest"),
        ("step: 0.5", "step: 1h", "must all be numbers"),
        ("[0h, 2h]", "[0h, 0h]", "list each once"),
        ("[0h, 2h]", "[]", "names no value"),
        ("level: orange", "level: purple", "level"),
        ("level: orange", "level: orange\nfolds: 1", "folds"),
        ("level: orange", "level: orange\nconstraints: {pod: {}}", "asks for nothing"),
        ("step: 0.5", "step: 0.00001", "ladders"),
        ("hazard: heat", "hazard: heat\nhazzard: heat", "hazzard"),
        ("ladder.orange.hold", "ladder..hold", "is no way to a key"),
        (
            "level: orange",
            "level: orange\nperiod: {start: 2022-08-02T00:00:00+08:00, end: 2022-08-01T00:00:00+08:00}",
            "not after the start",
        ),
    ],
)
def test_a_mistake_in_a_plan_is_one_sentence_with_its_line(
    tmp_path: Path, old: str, new: str, said: str
):
    """Naming the file, the line and what to write."""
    with pytest.raises(ConfigMistake, match=said) as caught:
        plan_of(tmp_path, PLAN.replace(old, new))
    assert "plan.yaml:" in str(caught.value)


def test_a_hazard_nobody_configured_is_named(tmp_path: Path):
    """With what there is."""
    plan = plan_of(tmp_path, PLAN.replace("hazard: heat", "hazard: heet"))
    with pytest.raises(ConfigMistake, match='did you mean "heat"'):
        check_hazard(plan, district().hazards, tmp_path / "plan.yaml")


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_plans_that_ship_make_ladders(path: Path):
    """Every one of their combinations or nearly so."""
    plan = read_plan(path)
    shop = Workshop.of(plan, district().folder)
    made = [shop.make(values) for values in grid(plan.choices)]
    assert sum(one is not None for one in made) > len(made) / 2


def workshop(tmp_path: Path, text: str = PLAN) -> Workshop:
    """A workshop of a plan for the district."""
    return Workshop.of(plan_of(tmp_path, text), district().folder)


def test_todays_ladder_is_that_of_the_file(tmp_path: Path):
    """A key the file leaves to the default has the value of the plan that is the same."""
    today = workshop(tmp_path).today()
    assert today.values == (37.0, "0h")
    assert today.block == district().hazards["heat"]


def test_values_become_a_ladder_and_leave_everything_else(tmp_path: Path):
    """Only the rung named is another."""
    made = workshop(tmp_path).make((36.5, "2h"))
    assert made is not None
    assert made.block.rule.ladder[Level.ORANGE].limit == 36.5
    assert made.block.rule.ladder[Level.RED] == district().hazards["heat"].rule.ladder[Level.RED]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((41.0, "0h"), "thresholds must not fall"),
        ((36.5, "soon"), "write a duration"),
        (("x", "0h"), "number"),
    ],
)
def test_an_impossible_ladder_is_refused_in_the_words_of_the_configuration(
    tmp_path: Path, values: tuple[object, ...], said: str
):
    """And the rest goes on."""
    shop = workshop(tmp_path)
    assert shop.make(values) is None
    assert said in shop.refused[values]


def test_a_proposal_says_only_what_differs_and_what_it_must_be_now(tmp_path: Path):
    """A key that keeps its value is left out, whether it is written or a default."""
    edits = workshop(tmp_path).edits((36.5, "0h"))
    assert [(edit.trail[-1], edit.former, edit.value) for edit in edits] == [("at_least", 37.0, 36.5)]
    assert workshop(tmp_path).edits((37.0, "0h")) == ()


def test_keys_beside_the_ladder_may_vary_too(tmp_path: Path):
    """Such as the tail, which is a key every hazard has."""
    shop = workshop(tmp_path, PLAN.replace("ladder.orange.hold: [0h, 2h]", "tail: [0h, 6h]"))
    made = shop.make((37.0, "6h"))
    assert made is not None
    assert made.block.conduct.tail.total_seconds() == 6 * 3600


@pytest.mark.parametrize(
    ("bound", "value", "holds"),
    [
        (Bound(at_least=0.9), 0.9, True),
        (Bound(at_least=0.9), 0.89, False),
        (Bound(at_most=2.0), 2.0, True),
        (Bound(at_most=2.0), float("nan"), False),
        (Bound(at_least=1.0, at_most=2.0), 2.5, False),
    ],
)
def test_a_bound_includes_its_ends_and_never_the_unknown(bound: Bound, value: float, holds: bool):
    """NaN keeps to nothing."""
    assert bound.holds(value) is holds


@pytest.mark.parametrize("text", ["0h", "90s", "90m", "2h", "36h", "1d"])
def test_durations_are_written_as_configuration_reads_them(text: str):
    """In the largest unit that fits."""
    from ingest.registry import parse_duration

    assert parse_duration(written_duration(parse_duration(text))) == parse_duration(text)
