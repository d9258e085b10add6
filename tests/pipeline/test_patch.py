"""Changes to a configuration as a file of their own."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import ConfigMistake
from pipeline.config import default_folder, load
from pipeline.configuration.patch import Changes, Edit, read_changes, trail_of, written
from pipeline.configuration.yaml_lines import Trail
from rules.level import Level

HEAT = "hazards/heat.yaml"
EXAMPLE = """
title: 高温橙色提前半度
because: 去年三次橙色都晚了半天
changes:
  hazards/heat.yaml:
    ladder.orange.at_least: {from: 37.0, to: 36.5}
    ladder.orange.hold: 2h
  routes.yaml:
    ladders.red[1].after: 4m
"""


def patch(folder: Path, text: str) -> Changes:
    """The changes of a file with this text."""
    path = folder / "patch.yaml"
    path.write_text(text, encoding="utf-8")
    return read_changes(path)


def heat(folder: Path, *lines: str) -> Changes:
    """Changes of the block of heat, one line each."""
    return patch(folder, "\n".join(["changes:", f"  {HEAT}:", *(f"    {line}" for line in lines)]))


def test_a_changed_configuration_is_loaded_with_its_changes(tmp_path: Path):
    """Numbers, lengths of time, places in a list; the rest is as it was, and so is the folder."""
    plain = load(default_folder())
    changed = load(default_folder(), patch(tmp_path, EXAMPLE))
    rung = changed.hazards["heat"].rule.ladder[Level.ORANGE]
    assert (rung.limit, rung.hold) == (36.5, timedelta(hours=2))
    assert changed.routes.ladders[Level.RED][1].after == timedelta(minutes=4)
    assert changed.hazards["rainstorm"] == plain.hazards["rainstorm"]
    assert load(default_folder()).hazards == plain.hazards


def test_a_key_may_be_taken_away_and_its_default_holds(tmp_path: Path):
    """A null is no value but the end of one."""
    changed = load(default_folder(), heat(tmp_path, "ladder.yellow.keep: null"))
    assert changed.hazards["heat"].rule.ladder[Level.YELLOW].keep == timedelta(0)


def test_a_key_that_was_not_there_is_added(tmp_path: Path):
    """With the blocks on the way to it."""
    changed = load(default_folder(), heat(tmp_path, "ladder.blue.at_least: 33.0", "ladder.blue.days: 3"))
    assert changed.hazards["heat"].rule.ladder[Level.BLUE].limit == 33.0


def test_a_whole_block_may_be_replaced(tmp_path: Path):
    """What was in it and is not named any more is gone."""
    changed = load(default_folder(), heat(tmp_path, "ladder.red: {at_least: 41.0, within: 12h}"))
    rung = changed.hazards["heat"].rule.ladder[Level.RED]
    assert (rung.limit, rung.keep) == (41.0, timedelta(0))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("ladder.orange.at_least: {from: 36.0, to: 36.5}", "at_least: is 37.0 now and not 36.0"),
        ("ladder.blue.at_least: {from: 36.0, to: 36.5}", "is not there now and not 36.0"),
        ("laddr.orange.at_least: 36.5", 'laddr: there is no such key; did you mean "ladder"?'),
        ("ladder.orange.at_lest: 36.5", "at_lest: there is no such key"),
        ("ladder.orange.at_least: warm", "ladder.orange.at_least: "),
        ("kind.of: 3", "kind holds no keys; change it as a whole"),
        ("ladder.blue: null", "is not there to be taken away; remove the line"),
        ("dispatch.nobody: {role: lead, lowest: red, tasks: {}}", "nobody"),
        ("kind: hot", "kind"),
    ],
)
def test_what_cannot_be_changed_names_the_patch_its_line_and_the_key(
    line: str, sentence: str, tmp_path: Path
):
    """One sentence each; the folder itself has no mistake."""
    changes = heat(tmp_path, line)
    with pytest.raises(ConfigMistake) as caught:
        load(default_folder(), changes)
    for told in str(caught.value).splitlines():
        assert told.startswith(f"{tmp_path / 'patch.yaml'}:")
    assert sentence in str(caught.value)
    assert f"patch.yaml:3: {HEAT}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("title: x", "changes: is missing"),
        ("changes: {}", "holds no change"),
        ("changes: {hazards/heat.yaml: 3}", "names no key"),
        ("changes: {hazards/heat.yaml: {a..b: 3}}", "is no way to a key"),
        ("changes: {hazards/heat.yaml: {'[0].b': 3}}", "is no way to a key"),
        ("chnges: {}", 'did you mean "changes"?'),
        ("title: 3\nchanges: {hazards/heat.yaml: {name: x}}", "is not text"),
    ],
)
def test_a_patch_with_mistakes_is_refused(text: str, sentence: str, tmp_path: Path):
    """Each names file, line and remedy."""
    with pytest.raises(ConfigMistake, match=re.escape(sentence)):
        patch(tmp_path, text)


def test_a_file_that_is_not_read_is_refused(tmp_path: Path):
    """With the name that may have been meant."""
    with pytest.raises(ConfigMistake, match="no such file is read; did you mean"):
        load(default_folder(), patch(tmp_path, "changes: {hazards/haet.yaml: {name: x}}"))


def test_a_place_beyond_a_list_is_refused(tmp_path: Path):
    """The number of items is told."""
    with pytest.raises(ConfigMistake, match="the list has 3 items"):
        load(default_folder(), patch(tmp_path, 'changes: {routes.yaml: {"ladders.red[9]": {who: duty}}}'))


def test_mistakes_of_the_folder_are_told_as_its_own(tmp_path: Path):
    """A patch is not blamed for what was wrong before."""
    folder = tmp_path / "config"
    shutil.copytree(default_folder(), folder)
    (folder / "service.yaml").write_text("heartbeat: never\n")
    with pytest.raises(ConfigMistake, match=r"service\.yaml:1: heartbeat") as caught:
        load(folder, heat(tmp_path, "ladder.orange.at_least: 36.5"))
    assert "patch.yaml" not in str(caught.value)


def test_what_spans_files_is_checked_with_the_changes(tmp_path: Path):
    """People lose their channel in another file than the one that changed."""
    changes = patch(tmp_path, "changes: {channels.yaml: {outbox: null, log: {kind: outbox}}}")
    with pytest.raises(ConfigMistake, match=r"patch\.yaml: with these changes, .*no channel is called"):
        load(default_folder(), changes)


def test_what_another_key_contradicts_is_blamed_on_the_changes(tmp_path: Path):
    """The red that is now too low stands in the folder, and was right before."""
    with pytest.raises(ConfigMistake, match=r"patch\.yaml: with these changes, .*ladder\.red\.at_least"):
        load(default_folder(), heat(tmp_path, "ladder.orange.at_least: 41.0"))


def test_an_example_is_read_as_it_stands(tmp_path: Path):
    """Former values, lines and words are kept."""
    changes = patch(tmp_path, EXAMPLE)
    first = changes.edits[0]
    assert (changes.title, changes.because, changes.by) == ("高温橙色提前半度", "去年三次橙色都晚了半天", "")
    assert first == Edit(file=HEAT, trail=("ladder", "orange", "at_least"), value=36.5, former=37.0)
    assert [edit.line for edit in changes.edits] == [6, 7, 9]


@pytest.mark.parametrize(
    ("key", "trail"),
    [
        ("name", ("name",)),
        ("a.b_c.d", ("a", "b_c", "d")),
        ("a[0]", ("a", 0)),
        ("a[0][12].b", ("a", 0, 12, "b")),
        ("昌元.x", ("昌元", "x")),
        ("", None), (".a", None), ("a.", None), ("a[x]", None), ("a[0]b", None), ("[0]", None),
    ],
)  # fmt: skip
def test_a_key_is_the_whole_way_to_it(key: str, trail: Trail | None):
    """Keys with dots between them, places of lists in brackets."""
    assert trail_of(key) == trail


WORDS = st.text(st.characters(exclude_categories=("C", "Z")), max_size=12)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
VALUES = st.recursive(
    st.booleans() | st.integers(-10**9, 10**9) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
EDITS = st.builds(
    Edit,
    file=NAMES.map(lambda name: f"hazards/{name}.yaml"),
    trail=st.tuples(NAMES, NAMES | st.integers(0, 20), NAMES),
    value=st.none() | VALUES,
    former=st.none() | VALUES,
)


def by_key(edit: Edit) -> tuple[str, Trail]:
    """A patch names each key once."""
    return edit.file, edit.trail


@given(
    edits=st.lists(EDITS, min_size=1, max_size=4, unique_by=by_key), title=WORDS, because=WORDS, by=WORDS
)
def test_what_is_written_is_read_back(
    edits: list[Edit], title: str, because: str, by: str, tmp_path_factory: pytest.TempPathFactory
):
    """Whatever the values are; edits of a file stand together."""
    changes = Changes(edits=tuple(edits), title=title, because=because, by=by)
    path = tmp_path_factory.getbasetemp() / "written.yaml"
    path.write_text(written(changes), encoding="utf-8")
    again = read_changes(path)
    assert sorted(map(by_key, again.edits), key=str) == sorted(map(by_key, changes.edits), key=str)
    assert {by_key(edit): (edit.value, edit.former) for edit in again.edits} == {
        by_key(edit): (edit.value, edit.former) for edit in changes.edits
    }
    assert (again.title, again.because, again.by) == (title, because, by)


@pytest.mark.parametrize("value", ["22:30", "2022-08-01", "yes", "1e5", "2h", "null", "0x10", "- a", "#b"])
def test_text_stays_text(value: str, tmp_path: Path):
    """Whatever other readers of YAML make of it without quotes."""
    edit = Edit(file=HEAT, trail=("name",), value=value)
    assert patch(tmp_path, written(Changes(edits=(edit,)))).edits == (edit,)
