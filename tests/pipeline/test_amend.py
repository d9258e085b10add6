"""Changes are applied in place: all or none, every other character as it was, with author and reason."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from alerts.record import tables, versions
from ingest import archive
from ingest.database import create_tables, open_engine, reading
from ingest.errors import ConfigMistake
from pipeline.cli import main
from pipeline.config import default_folder, load
from pipeline.configuration import amend
from pipeline.configuration.amend import amended, check_writable, recover, signed, write
from pipeline.configuration.folder import contents
from pipeline.configuration.patch import Changes, Edit, patched
from pipeline.configuration.splice import spliced
from pipeline.configuration.yaml_lines import Trail, parse, read
from rules.level import Level

HEAT = "hazards/heat.yaml"
ORANGE: Trail = ("ladder", "orange", "at_least")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration of one's own."""
    return Path(shutil.copytree(default_folder(), tmp_path / "config"))


def changes(*edits: Edit) -> Changes:
    """Edits as a patch."""
    return Changes(edits=edits or (Edit(file=HEAT, trail=ORANGE, value=36.5, former=37.0),))


@pytest.mark.parametrize(
    ("text", "trail", "value", "after"),
    [
        ("a: 1 # why\nb: 2\n", ("a",), 3, "a: 3 # why\nb: 2\n"),
        ("a: {b: 1, c: 2}\n", ("a", "b"), 9.5, "a: {b: 9.5, c: 2}\n"),
        ("a: {b: 1}\n", ("a", "c"), "2h", "a: {b: 1, c: 2h}\n"),
        ("a: {}\n", ("a", "c"), 1, "a: {c: 1}\n"),
        ("a:\n  b: 1  # x\n\n# y\nc: 2\n", ("a", "d"), 3, "a:\n  b: 1  # x\n  d: 3\n\n# y\nc: 2\n"),
        ("a: 1\n", ("b", "c", "d"), 3, "a: 1\nb: {c: {d: 3}}\n"),
        ("a: 1", ("b",), 3, "a: 1\nb: 3\n"),
        ("a: [1, 2]\n", ("a", 1), 5, "a: [1, 5]\n"),
        ("a:\n- b: 1\n- b: 2\n", ("a", 1, "b"), 5, "a:\n- b: 1\n- b: 5\n"),
        ("a: 1\nb: 2\nc: 3\n", ("b",), None, "a: 1\nc: 3\n"),
        ("a: {b: 1, c: 2}\n", ("a", "b"), None, "a: {c: 2}\n"),
        ("a: {b: 1, c: 2}\n", ("a", "c"), None, "a: {b: 1}\n"),
        ("a:\n- 1\n- 2\nb: 1\n", ("a",), [3], "a: [3]\nb: 1\n"),
        ("a:  # list\n  - 1\nb: 1\n", ("b",), "是", 'a:  # list\n  - 1\nb: "是"\n'),
        ("a: '1h'\n", ("a",), "2h", "a: 2h\n"),
        ("a: 1\r\nb: 2\r\n", ("c",), True, "a: 1\r\nb: 2\r\nc: true\r\n"),
        ("甲: {乙: 1}  # 丙\n", ("甲", "乙"), 2, "甲: {乙: 2}  # 丙\n"),
        ("a:\nb: 1\n", ("a",), 2, "a: 2\nb: 1\n"),
        ("a: no\n", ("a",), "no", 'a: "no"\n'),
    ],
)
def test_a_key_is_changed_and_every_other_character_stays(
    text: str, trail: Trail, value: object, after: str
):
    """Comments, order, layout, quotes and line ends."""
    assert spliced(text, trail, value) == after


@pytest.mark.parametrize("trail", [("a", 5), ("a", "b"), ("b", 0)])
def test_what_cannot_be_placed_is_refused(trail: Trail):
    """A list is changed as a whole."""
    with pytest.raises(KeyError):
        spliced("a: [1]\n", trail, 2)


FILES = [*sorted(default_folder().glob("hazards/*.yaml")), default_folder() / "routes.yaml"]


def scalars(data: object, trail: Trail = ()) -> list[Trail]:
    """The ways to all scalars of a document."""
    if isinstance(data, dict):
        return [way for key, part in data.items() for way in scalars(part, (*trail, key))]
    if isinstance(data, list):
        return [way for place, part in enumerate(data) for way in scalars(part, (*trail, place))]
    return [trail]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_any_scalar_of_the_files_that_ship_can_be_changed_on_its_line(path: Path):
    """The reader finds the new value, all others as they were, and no other line differs."""
    text, document = path.read_text(encoding="utf-8"), read(path)
    ways = scalars(document.data)
    for trail in random.Random(5).sample(ways, min(12, len(ways))):
        after = spliced(text, trail, "changed")
        want = patched({"f": document}, changes(Edit(file="f", trail=trail, value="changed")))["f"].data
        assert parse(after, "f").data == want
        old, new = text.splitlines(), after.splitlines()
        assert sum(line not in old for line in new) == 1


def test_a_change_is_written_and_the_configuration_loads_with_it(folder: Path):
    """Only its line differs."""
    before = (folder / HEAT).read_text(encoding="utf-8")
    write(amended(folder, changes()))
    after = (folder / HEAT).read_text(encoding="utf-8")
    assert after == before.replace("at_least: 37.0", "at_least: 36.5")
    assert load(folder).hazards["heat"].rule.ladder[Level.ORANGE].limit == 36.5


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (Edit(file=HEAT, trail=ORANGE, value=36.5, former=36.0), "is 37.0 now"),
        (Edit(file=HEAT, trail=ORANGE, value=50.0), "must not fall"),
        (Edit(file=HEAT, trail=("ladder", "orange", "at_lest"), value=36.5), "at_lest"),
        (Edit(file="hazards/heet.yaml", trail=ORANGE, value=36.5), "no such file"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_whole(folder: Path, edit: Edit, said: str):
    """And nothing is written, not even of the edits that fit."""
    before = contents(folder)
    good = Edit(file="service.yaml", trail=("heartbeat",), value="2h")
    with pytest.raises(ConfigMistake, match=said):
        write(amended(folder, changes(good, edit)))
    assert contents(folder) == before


def test_author_and_reason_come_with_the_change(folder: Path):
    """The daemon keeps both with the version when it starts."""
    write(amended(folder, signed(changes(), "张三", "去年偏晚")))
    service = load(folder).service
    assert (service.changed_by, service.changed_because) == ("张三", "去年偏晚")


def test_a_file_that_cannot_be_written_leaves_all_as_it_was(folder: Path):
    """Though another of the same change was written already."""
    before = contents(folder)
    amendment = amended(folder, signed(changes(), "张三", "x"))
    (folder / "service.yaml.new").mkdir()
    with pytest.raises(ConfigMistake, match="nothing was changed"):
        write(amendment)
    assert contents(folder) == before


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(folder: Path):
    """Whoever saved it in between keeps the work."""
    amendment = amended(folder, changes())
    path = folder / HEAT
    path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    with pytest.raises(ConfigMistake, match="changed meanwhile"):
        write(amendment)
    assert path.read_text(encoding="utf-8").endswith("# mine\n")


def test_what_a_crash_left_half_done_is_undone(folder: Path):
    """One file of two was replaced when the machine stopped."""
    before = contents(folder)
    amendment = amended(folder, signed(changes(), "张三", "x"))
    amend._lay(folder / amend._ROLLBACK, amendment.before)
    (folder / HEAT).write_text(amendment.after[HEAT], encoding="utf-8")
    assert recover(folder)
    assert contents(folder) == before
    assert not recover(folder)


def test_the_configuration_of_an_installed_package_is_not_written(tmp_path: Path):
    """An update would replace it; the remedy is named."""
    import pipeline

    shipped = Path(pipeline.__file__).parent / "default_config"
    with pytest.raises(ConfigMistake, match="fengsui init"):
        check_writable(shipped)
    check_writable(tmp_path)


PATCH = "changes:\n  hazards/heat.yaml:\n    ladder.orange.at_least: {from: 37.0, to: 36.5}\n"


def ran(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and everything printed of a command on a configuration."""
    patch = folder.parent / "patch.yaml"
    patch.write_text(PATCH, encoding="utf-8")
    options = ["--config", str(folder), "--data", str(folder.parent / "data")]
    result = CliRunner().invoke(main, [*options, "config", arguments[0], str(patch), *arguments[1:]])
    return result.exit_code, result.output


SAID = ("--reason", "去年偏晚", "--by", "command_centre_duty_a")


def test_diff_and_rehearsal_show_the_change_and_make_none(folder: Path):
    """Both print the line as it is and as it would be."""
    before = contents(folder)
    for arguments in (("diff",), ("apply", *SAID, "--dry-run")):
        code, said = ran(folder, *arguments)
        assert code == 0, said
        assert "+  orange: {at_least: 36.5" in said
    assert contents(folder) == before


def test_an_applied_change_is_a_version_in_the_record(folder: Path):
    """With author and reason, where there is a record already."""
    (folder.parent / "data").mkdir()
    engine = open_engine(f"sqlite:///{folder.parent / 'data' / 'fengsui.db'}")
    create_tables(engine, archive.metadata, tables.metadata)
    code, said = ran(folder, "apply", *SAID)
    assert code == 0, said
    with reading(engine) as connection:
        version = versions.newest(connection)
    engine.dispose()
    assert version is not None
    assert (version.author, version.reason) == ("指挥中心值班员A", "去年偏晚")
    assert "36.5" in version.files[HEAT]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--reason", "x", "--by", "nobody"), "nobody in routes.yaml"),
        (("--reason", " ", "--by", "command_centre_duty_a"), "must not be empty"),
        ((*SAID, "--approver", "command_centre_duty_a"), "another person"),
    ],
)
def test_who_and_why_must_be_named(folder: Path, arguments: tuple[str, ...], said: str):
    """And a second person is another one."""
    code, output = ran(folder, "apply", *arguments)
    assert code == 2
    assert said in output


@pytest.mark.parametrize(
    ("approver", "code"), [("", 2), ("health_duty_a", 2), ("command_centre_deputy_a", 0)]
)
def test_where_the_roster_asks_for_two_people_an_approver_is_needed(
    folder: Path, approver: str, code: int
):
    """One of those who may release."""
    with (folder / "routes.yaml").open("a", encoding="utf-8") as stream:
        stream.write(
            "release:\n  red: {approvers: [command_centre_duty_a, command_centre_deputy_a], needed: 2}\n"
        )
    more = ("--approver", approver) if approver else ()
    found, said = ran(folder, "apply", *SAID, *more)
    assert found == code, said
