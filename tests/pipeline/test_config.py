"""A configuration folder is read whole or refused with a sentence for every mistake."""

import ast
import inspect
import os
import shutil
from dataclasses import fields, is_dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest

import alerts.duty.people
import alerts.event.conduct
import ingest.places
import ingest.source
import pipeline.config
import rules.ladder
from alerts.channels.outbox import Outbox
from ingest.errors import ConfigMistake
from pipeline.config import default_folder, init, load
from rules.level import Level

MISTAKES = Path(__file__).parent.parent / "config_mistakes"
FILES = sorted(MISTAKES.glob("*.yaml"))
NAMES = [path.stem for path in FILES]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small good configuration called ``config`` in the working folder."""
    shutil.copytree(MISTAKES / "base", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    return Path("config")


def complaints(folder: Path) -> list[str]:
    """The sentences a folder is refused with."""
    with pytest.raises(ConfigMistake) as caught:
        load(folder)
    return str(caught.value).splitlines()


def header(path: Path, name: str) -> str:
    """What a file of mistakes says about itself in its first lines."""
    lines = path.read_text(encoding="utf-8").splitlines()
    prefix = f"# {name}: "
    return next(line.removeprefix(prefix) for line in lines if line.startswith(prefix))


def replace(path: Path, old: str, new: str) -> None:
    """Put a mistake into a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("mistake", FILES, ids=NAMES)
def test_each_mistake_is_told_in_one_sentence(folder: Path, mistake: Path) -> None:
    """File, line, key, what is wrong and the remedy, and no other complaint."""
    shutil.copy(mistake, folder / header(mistake, "file"))
    (sentence,) = complaints(folder)
    assert header(mistake, "says") in sentence


@pytest.mark.parametrize("mistake", FILES, ids=NAMES)
def test_no_sentence_speaks_the_words_of_a_library(mistake: Path) -> None:
    """Operators read our language: no class names, no placeholders, no addresses."""
    says = header(mistake, "says")
    assert says.startswith(f"config/{header(mistake, 'file')}:")
    for word in ("Input should", "Value error", "pydantic", "hunter2", "dataclass", "str_type"):
        assert word not in says


def test_a_good_folder_is_read_whole(folder: Path) -> None:
    """Every part arrives in its own type."""
    config = load(folder)
    assert config.folder == folder
    assert config.district.place_ids == ("500153001", "500153100", "500153101")
    assert config.sources["summer"].feed.every == timedelta(hours=1)
    assert list(config.hazards["heat"].rule.ladder) == [Level.YELLOW, Level.ORANGE, Level.RED]
    assert config.hazards["heat"].conduct.unit == "°C"
    assert config.channels["outbox"].channel == Outbox()
    assert config.channels["outbox"].enabled
    assert config.routes.matrix["heat"]["health"].lowest is Level.YELLOW
    assert config.texts["opened"] == {"zh": "预警建议", "en": "warning recommendation"}


def test_what_service_leaves_out_has_its_default(folder: Path) -> None:
    """Only what differs need be written."""
    (folder / "service.yaml").write_text("language: en\n")
    service = load(folder).service
    assert service.language == "en"
    assert service.listen == "127.0.0.1:8480"
    assert service.retry[0] == timedelta(seconds=30)


def test_the_shipped_folder_has_no_mistake() -> None:
    """The default configuration loads as it comes."""
    assert load(default_folder()).hazards["heat"].conduct.enabled


def test_mistakes_of_all_files_are_told_together(folder: Path) -> None:
    """One start is enough to learn of every mistake."""
    replace(folder / "hazards/heat.yaml", "max_gap: 2h", "max_gap: two")
    replace(folder / "sources/summer.yaml", "every", "evry")
    replace(folder / "routes.yaml", "deputy: [wang]", "deputy: [zhao]")
    replace(folder / "service.yaml", "1h", "1 hour")
    files = [line.split(":")[0] for line in complaints(folder)]
    assert sorted(files) == [
        "config/hazards/heat.yaml", "config/routes.yaml", "config/service.yaml",
        "config/sources/summer.yaml",
    ]


def test_several_mistakes_of_one_block_are_several_lines(folder: Path) -> None:
    """Keys of the kind and keys of every block are told together."""
    path = folder / "hazards/heat.yaml"
    replace(path, "name: 高温", "name: 5")
    replace(path, "max_gap: 2h", "max_gap: two")
    replace(path, "40.0", "hot")
    keys = sorted(line.split(": ")[1] for line in complaints(folder))
    assert keys == ["ladder.red.at_least", "max_gap", "name"]


@pytest.mark.parametrize(
    "name", ["district.yaml", "routes.yaml", "channels.yaml", "service.yaml", "texts.yaml"]
)
def test_a_missing_file_is_one_complaint(folder: Path, name: str) -> None:
    """What depends on the missing file is not complained about as well."""
    (folder / name).unlink()
    assert complaints(folder) == [f"config/{name}: the file is missing; add it"]


@pytest.mark.parametrize("part", ["sources", "hazards"])
def test_a_part_without_blocks_is_refused(folder: Path, part: str) -> None:
    """Nothing to pull, or nothing to judge, is a mistake and not a quiet day."""
    for path in (folder / part).iterdir():
        path.unlink()
    assert f"config/{part}: holds no block; add a file such as NAME.yaml" in complaints(folder)


@pytest.mark.parametrize("name", ["rain.yml", "Rain.yaml", "heavy rain.yaml", "rain.YAML"])
def test_a_block_that_would_not_be_read_is_refused(folder: Path, name: str) -> None:
    """A hazard must not be missing for the ending of its file."""
    (folder / "sources" / name).write_text("kind: recorded\n")
    (sentence,) = complaints(folder)
    assert sentence.startswith(f"config/sources/{name}: would not be read; name it in small")


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    """It says how to make one."""
    (sentence,) = complaints(tmp_path / "none")
    assert sentence.endswith(
        "none: there is no such folder; make a configuration with: fengsui init FOLDER"
    )


def test_a_file_in_place_of_the_folder_is_a_sentence(folder: Path) -> None:
    """The operating system's word, and a remedy."""
    (sentence,) = complaints(folder / "service.yaml")
    assert "cannot be listed (not a directory)" in sentence


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["", "sources", "hazards/heat.yaml"])
def test_what_may_not_be_read_is_a_sentence(folder: Path, name: str) -> None:
    """Permissions are named, without a traceback."""
    path = folder / name
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        assert any("(permission denied)" in sentence for sentence in complaints(folder))
    finally:
        path.chmod(mode)


def test_a_secret_written_into_the_file_is_not_repeated(folder: Path) -> None:
    """Neither as a value of the wrong sort nor under an unknown key."""
    gateway = (
        "gateway:\n  kind: webhook\n  url: 12345678\n  secret: {file: k, value: hunter2}\n"
        "  password: hunter2\n"
    )
    (folder / "channels.yaml").write_text("outbox: {kind: outbox}\n" + gateway)
    text = "\n".join(complaints(folder))
    assert "gateway.password: there is no such key" in text
    assert "gateway.url: the value is not text" in text
    assert "hunter2" not in text
    assert "12345678" not in text


def test_a_length_of_time_beyond_all_calendars_is_a_sentence(folder: Path) -> None:
    """No overflow reaches the operator."""
    replace(folder / "hazards/heat.yaml", "max_gap: 2h", "max_gap: 99999999999999d")
    (sentence,) = complaints(folder)
    assert sentence.startswith("config/hazards/heat.yaml:")


def test_a_disabled_hazard_needs_no_lead(folder: Path) -> None:
    """A block may wait, and so may who leads it."""
    replace(folder / "hazards/heat.yaml", "unit:", "enabled: false\nunit:")
    replace(folder / "hazards/heat.yaml", "role: lead", "role: inform")
    assert not load(folder).hazards["heat"].conduct.enabled


def test_a_disabled_channel_is_kept(folder: Path) -> None:
    """It can be named, and says that it must not send."""
    replace(folder / "channels.yaml", "kind: outbox", "kind: outbox\n  enabled: false")
    assert not load(folder).channels["outbox"].enabled


def test_equal_thresholds_do_not_fall(folder: Path) -> None:
    """The boundary: a level may repeat the threshold below it."""
    replace(folder / "hazards/heat.yaml", "at_least: 40.0", "at_least: 37.0")
    assert load(folder).hazards["heat"].rule.ladder[Level.RED].limit == 37.0


@pytest.mark.parametrize("exists", [True, False])
def test_init_copies_the_default(tmp_path: Path, exists: bool) -> None:
    """Into a new or an empty folder; the copy loads."""
    target = tmp_path / "mine"
    if exists:
        target.mkdir()
    written = init(target)
    assert target / "district.yaml" in written
    assert all(path.is_file() for path in written)
    assert load(target).district == load(default_folder()).district


@pytest.mark.parametrize("name", ["", "kept.txt"])
def test_init_overwrites_nothing(tmp_path: Path, name: str) -> None:
    """Neither a file nor a folder in use."""
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(ConfigMistake, match="is in use already; name a new or an empty folder"):
        init(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def documented(cls: type) -> set[str]:
    """Fields of a class with a line of documentation below them."""
    (node,) = ast.parse(inspect.getsource(cls)).body
    assert isinstance(node, ast.ClassDef)
    return {
        field.target.id
        for field, below in zip(node.body, node.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
    }


@pytest.mark.parametrize(
    "module",
    [alerts.event.conduct, alerts.duty.people, ingest.places, ingest.source, pipeline.config, rules.ladder],
    ids=lambda module: module.__name__,
)
def test_every_key_is_documented(module: ModuleType) -> None:
    """Whoever writes the file finds a line about each key."""
    classes = [cls for cls in vars(module).values() if isinstance(cls, type) and is_dataclass(cls)]
    for cls in (cls for cls in classes if cls.__module__ == module.__name__):
        written = set().union(*(documented(base) for base in cls.__mro__ if is_dataclass(base)))
        assert {field.name for field in fields(cls)} <= written, cls.__name__
