"""What is installed is what was tested: the wheel works without the checkout."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import urllib3
from house_rules import PACKAGES, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel alone was installed."""
    target = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return target


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Run a command with the installed wheel in front, far from the checkout."""

    def run_there(*command: str | Path) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"PYTHONPATH": str(installed), "FENGSUI_DATA": str(tmp_path / "data")}
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)

    return run_there


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """Paths inside the wheel."""
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize(
    "path",
    [
        "pipeline/cli/group.py",
        "pipeline/default_config/district.yaml",
        "pipeline/default_config/routes.yaml",
        "ingest/recordings/heatwave-2022-08/hourly.csv",
    ],
)
def test_the_wheel_carries(path: str, names: set[str]):
    """Code, the district that ships and the recorded event travel together."""
    assert path in names


def test_the_wheel_carries_all_of_the_district(names: set[str]):
    """No file of config/ is left behind."""
    files = {p.relative_to(ROOT / "config") for p in (ROOT / "config").rglob("*") if p.is_file()}
    assert {f"pipeline/default_config/{path.as_posix()}" for path in files} <= names


def test_the_wheel_carries_nothing_else(names: set[str]):
    """No test, no stray top-level folder that would shadow somebody's package."""
    tops = {name.partition("/")[0] for name in names}
    assert tops == {*PACKAGES, f"fengsui-{PROJECT['version']}.dist-info"}


def test_the_wheel_carries_its_licence(names: set[str]):
    """Whoever receives the wheel receives the terms."""
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_installed_code_is_the_one_that_runs(run: Run, installed: Path):
    """The tests below judge the wheel and not the checkout."""
    done = run(sys.executable, "-c", "import pipeline; print(pipeline.__file__)")
    assert done.stdout.startswith(str(installed)), done.stderr


def test_the_command_explains_itself(run: Run, installed: Path):
    """`fengsui --help` answers from the wheel alone."""
    done = run(installed / "bin" / "fengsui", "--help")
    assert (done.returncode, "Usage" in done.stdout) == (0, True), done.stderr


def test_the_district_that_ships_loads_from_the_wheel(run: Run, installed: Path):
    """Without another folder named, the packaged one is read, and it holds no mistake."""
    script = "from pipeline.config import *; print(load(default_folder()).folder)"
    done = run(sys.executable, "-c", script)
    assert done.stdout.strip() == str(installed / "pipeline" / "default_config"), done.stderr


def test_what_was_installed_can_be_checked(run: Run, installed: Path):
    """`fengsui check` runs to its end on what was installed."""
    done = run(installed / "bin" / "fengsui", "check")
    assert done.returncode in {0, 1}, done.stderr
    assert "Traceback" not in done.stderr


def test_help_is_quick(run: Run):
    """Asking for help does not load the array libraries or the database."""
    script = (
        "import json, sys; from pipeline.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(); print(json.dumps(list(sys.modules)))"
    )
    done = run(sys.executable, "-c", script)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & {"numpy", "pandas", "xarray", "sqlalchemy", "fastapi", "sklearn"}


def test_urllib3_is_the_real_one():
    """Some packages overwrite urllib3 in place; then its code and its metadata disagree."""
    assert vars(urllib3)["__version__"] == version("urllib3")


def test_every_dependency_has_a_floor():
    """No dependency is taken at whatever age it is found."""
    extras = [line for group in PROJECT["optional-dependencies"].values() for line in group]
    assert [line for line in PROJECT["dependencies"] + extras if ">=" not in line] == []
