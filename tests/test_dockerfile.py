"""The image installs and starts: its steps are carried out in a folder, no container engine needed."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from json import loads
from pathlib import Path

import pytest
from house_rules import ROOT

CONTAINER_PATH = re.compile(r"(?<![\w./-])/(?=(opt|src|wheels|data|var)\b)")
NEEDS_ROOT = re.compile(r"\b(useradd|groupadd|apt-get)\b")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One instruction of a Dockerfile."""

    word: str
    """FROM, RUN, COPY ..."""
    text: str
    """The rest of it, continued lines joined, comments gone."""

    @property
    def flags(self) -> list[str]:
        """The ``--name=value`` before the arguments."""
        return re.match(r"(--\S+\s+)*", self.text).group().split()

    @property
    def plain(self) -> str:
        """The arguments without flags."""
        return re.sub(r"^(--\S+\s+)*", "", self.text)


def read_steps() -> list[Step]:
    """Every instruction of the Dockerfile, in order."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", text).splitlines()
    parts = [line.split(maxsplit=1) for line in joined if line.strip()]
    return [Step(word=word.upper(), text=rest) for word, rest in parts]


STEPS = read_steps()
LAST_FROM = max(place for place, step in enumerate(STEPS) if step.word == "FROM")
FINAL = STEPS[LAST_FROM:]


def final(word: str) -> str:
    """Text of the last such instruction of the final stage; empty where there is none."""
    return next((step.text for step in reversed(FINAL) if step.word == word), "")


@dataclass(kw_only=True)
class Image:
    """A folder that stands for the file system of both stages, filled step by step."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"

    def here(self, text: str) -> str:
        """`text` with the paths of the container replaced by those below `root`."""
        return CONTAINER_PATH.sub(f"{self.root}/", text)

    def path(self, text: str) -> Path:
        """A path of the container, on this machine."""
        return self.root / os.path.join(self.workdir, text).lstrip("/")

    def do_from(self, step: Step) -> None:
        """A new stage starts from the interpreter of the tests and the user's own pip settings."""
        self.env = dict(os.environ)
        self.env["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.workdir = "/"

    def do_env(self, step: Step) -> None:
        """Set variables; the package cache stays the user's own."""
        for pair in shlex.split(step.text):
            name, _, value = pair.partition("=")
            if name != "PIP_CACHE_DIR":
                self.env[name] = self.here(value).replace("$PATH", self.env["PATH"])

    def do_workdir(self, step: Step) -> None:
        """Go to a folder, making it."""
        self.workdir = step.text
        self.path(".").mkdir(parents=True, exist_ok=True)

    def do_copy(self, step: Step) -> None:
        """Copy from the checkout; what comes from the other stage must have been made there."""
        *sources, to = shlex.split(step.plain)
        for source in sources:
            if step.flags:
                assert self.path(source) == self.path(to)
                assert self.path(source).exists()
            elif (ROOT / source).is_dir():
                leave = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, self.path(to), ignore=leave)
            else:
                shutil.copy(ROOT / source, self.path(to))

    def do_run(self, step: Step) -> None:
        """Carry out a command; accounts and system packages are not this machine's to change."""
        if not NEEDS_ROOT.search(step.plain):
            done = self.start("sh", "-euc", self.here(step.plain))
            assert done.returncode == 0, done.stdout + done.stderr

    def start(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the container would."""
        here = self.path(".")
        return subprocess.run(command, cwd=here, env=self.env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Everything the Dockerfile does, done once."""
    made = Image(root=tmp_path_factory.mktemp("image"))
    for step in STEPS:
        carry_out = getattr(made, f"do_{step.word.lower()}", None)
        if carry_out is not None:
            carry_out(step)
    return made


@pytest.fixture
def fengsui(image: Image) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Start the entry point with other arguments than the usual ones."""
    return lambda *arguments: image.start(*loads(final("ENTRYPOINT")), *arguments)


# Installing everything anew takes a minute.
installed = pytest.mark.soak


@installed
def test_the_entry_point_explains_itself(fengsui):
    """A container started with --help says what it can do."""
    done = fengsui("--help")
    assert (done.returncode, "Usage" in done.stdout) == (0, True), done.stderr


@installed
def test_the_usual_command_exists(fengsui):
    """What the container runs when nothing is said is a command."""
    done = fengsui(*loads(final("CMD")), "--help")
    assert done.returncode == 0, done.stderr


@installed
def test_the_installed_district_is_checked(fengsui):
    """The configuration inside the image is found and read."""
    done = fengsui("check")
    assert done.returncode in {0, 1}
    assert "Traceback" not in done.stderr


@installed
def test_a_container_without_a_daemon_is_unhealthy(image: Image):
    """The health check says in words that nothing has run, and fails."""
    command = loads(re.search(r"CMD (\[.*\])", final("HEALTHCHECK")).group(1))
    done = image.start(*command)
    assert done.returncode == 1
    assert (done.stdout + done.stderr).strip()
    assert "Traceback" not in done.stderr


@installed
def test_the_image_speaks_to_postgresql(image: Image):
    """One URL changes the database, no other image."""
    assert image.start("python", "-c", "import psycopg").returncode == 0


@installed
@pytest.mark.parametrize("tool", ["pytest", "ruff", "mypy", "hatchling"])
def test_the_image_carries_no_tool_of_development(image: Image, tool: str):
    """What builds and tests the code stays out of the control room."""
    assert image.start("python", "-c", f"import {tool}").returncode == 1


@pytest.mark.parametrize("step", [step for step in STEPS if step.word == "FROM"], ids=str)
def test_every_base_is_named_by_version(step: Step):
    """The image of tomorrow is the image of today."""
    assert re.match(r"[\w/.-]+:\d+\.\d+", step.text)


def test_the_daemon_is_not_root():
    """A hole in the console is no hole in the machine."""
    assert final("USER").partition(":")[0] not in {"", "0", "root"}


def test_the_last_stage_gains_no_tool():
    """No compiler and no package manager runs where the daemon will."""
    commands = " ".join(step.text for step in FINAL if step.word == "RUN")
    assert not re.search(r"\b(apt-get|apk|gcc|g\+\+|make|build-essential|pip)\b", commands)


def test_the_data_outlives_the_container():
    """The folder of the database is a volume, and the daemon is told of it."""
    assert final("VOLUME") in shlex.split(final("ENV").replace("FENGSUI_DATA=", ""))


def test_no_secret_is_baked_in():
    """Secrets come by file or environment when the container starts, never with the image."""
    words = r"(?i)(password|secret|token|api_?key|credential)"
    assert not [s for s in STEPS if s.word in {"ENV", "ARG"} and re.search(words, s.text)]


def test_the_build_context_holds_what_is_copied():
    """.dockerignore lets everything through that COPY asks for."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    copied = [step for step in STEPS if step.word == "COPY" and not step.flags]
    assert {name for step in copied for name in shlex.split(step.plain)[:-1]} <= allowed
