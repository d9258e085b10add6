"""The environment is read in one place, and secrets are never told."""

import logging
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from ingest.errors import ConfigMistake
from ingest.secret import Secret
from pipeline.config import default_folder
from pipeline.settings import Settings, read_settings, reveal


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return tmp_path


def test_without_a_word_everything_has_its_place(home: Path) -> None:
    """Default configuration, data in the home folder, SQLite in the data folder."""
    data = home / ".local/share/fengsui"
    assert read_settings() == Settings(
        config=default_folder(), data=data, database=f"sqlite:///{data}/fengsui.db"
    )


def test_reading_settings_makes_nothing(home: Path) -> None:
    """The data folder is made by whoever first writes to it."""
    read_settings()
    assert list(home.iterdir()) == []


def test_the_environment_names_all_three(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FENGSUI_CONFIG, FENGSUI_DATA and FENGSUI_DATABASE; ~ is the home folder."""
    monkeypatch.setenv("FENGSUI_CONFIG", "/etc/fengsui")
    monkeypatch.setenv("FENGSUI_DATA", "~/data")
    monkeypatch.setenv("FENGSUI_DATABASE", "postgresql+psycopg:///fengsui")
    expected = Settings(
        config=Path("/etc/fengsui"), data=home / "data", database="postgresql+psycopg:///fengsui"
    )
    assert read_settings() == expected


def test_the_command_line_overrides_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed last wins."""
    for name in ("FENGSUI_CONFIG", "FENGSUI_DATA", "FENGSUI_DATABASE"):
        monkeypatch.setenv(name, "/elsewhere")
    given = {"config": Path("/a"), "data": Path("/b"), "database": "sqlite://"}
    assert read_settings(config=Path("/a"), data=Path("/b"), database="sqlite://") == Settings(
        **given  # type: ignore[arg-type]  # the same three values
    )


def test_the_database_follows_the_data_folder() -> None:
    """Moving the data moves the database with it."""
    assert read_settings(data=Path("/srv/f")).database == "sqlite:////srv/f/fengsui.db"


@pytest.mark.parametrize(
    ("base", "data"),
    [("/var/lib", "/var/lib/fengsui"), ("relative", None), ("", None)],
)
def test_the_data_folder_follows_xdg(
    home: Path, monkeypatch: pytest.MonkeyPatch, base: str, data: str | None
) -> None:
    """A relative or empty XDG_DATA_HOME is ignored, as its specification says."""
    monkeypatch.setenv("XDG_DATA_HOME", base)
    assert read_settings().data == Path(data or home / ".local/share/fengsui")


def test_settings_do_not_print_the_database_password() -> None:
    """A URL may hold one."""
    settings = read_settings(data=Path("/d"), database="postgresql://u:hunter2@h/f")
    assert "hunter2" not in repr(settings)
    with pytest.raises(FrozenInstanceError):
        settings.data = Path("/e")  # type: ignore[misc]  # what is tested


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """White space around it does not count."""
    monkeypatch.setenv("GATEWAY_KEY", " hunter2\n")
    assert reveal(Secret(env="GATEWAY_KEY"), Path("/nowhere")) == "hunter2"


@pytest.mark.parametrize("absolute", [True, False])
def test_a_secret_comes_from_a_file(tmp_path: Path, absolute: bool) -> None:
    """Relative paths count from the configuration folder."""
    path = tmp_path / "gateway.key"
    path.write_text("hunter2\n")
    path.chmod(0o600)
    secret = Secret(file=str(path) if absolute else "gateway.key")
    assert reveal(secret, tmp_path) == "hunter2"


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        (Secret(env="NO_SUCH_KEY"), "the environment variable NO_SUCH_KEY is not set; set it"),
        (Secret(file="none.key"), r"the file none.key cannot be read \(no such file or directory"),
        (Secret(file="."), r"the file \. cannot be read \(is a directory\)"),
        (Secret(file="empty.key"), "the file empty.key is empty; write the secret into it"),
        (Secret(file="binary.key"), "the file binary.key is not text; write the secret anew"),
    ],
)
def test_a_secret_that_is_not_there_is_a_sentence(
    tmp_path: Path, secret: Secret, sentence: str
) -> None:
    """It names the place and what to do."""
    (tmp_path / "empty.key").write_text(" \n")
    (tmp_path / "binary.key").write_bytes(b"hunter2\xff")
    with pytest.raises(ConfigMistake, match=sentence) as caught:
        reveal(secret, tmp_path)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_secret_everybody_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, warned: bool
) -> None:
    """It is used all the same, and its content is not logged."""
    path = tmp_path / "gateway.key"
    path.write_text("hunter2")
    path.chmod(mode)
    with caplog.at_level(logging.WARNING):
        reveal(Secret(file=str(path)), tmp_path)
    actions = [getattr(record, "action", "") for record in caplog.records]
    assert actions == ["secret_exposed"] * warned
    assert "hunter2" not in caplog.text
