"""The walls of the house stand, and each of them notices when it is broken."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from house_rules import (
    BROAD_EXCEPTS_ALLOWED,
    PACKAGES,
    ROOT,
    RULES,
    Source,
    broad_excepts,
    package_sources,
)

SOURCES = package_sources()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.path)
def test_a_file_keeps_every_rule(source: Source):
    """Nothing in the packages offends a wall of the house."""
    assert [rule.__doc__ for rule in RULES if rule(source)] == []


DATACLASS = "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass A:\n"
OFFENCES = [
    ("imports_run_one_way", "ingest/x.py", "from rules.level import Level"),
    ("imports_run_one_way", "rules/x.py", "def f():\n    import pipeline.tick"),
    ("imports_run_one_way", "alerts/x.py", "from . import people"),
    ("imports_run_one_way", "pipeline/x.py", "from simulators.gateway import Gateway"),
    ("one_file_reads_the_clock", "rules/x.py", "import datetime as d\nd.datetime.now(d.UTC)"),
    ("one_file_reads_the_clock", "rules/x.py", "from datetime import date as t\nt.today()"),
    ("one_file_reads_the_clock", "alerts/x.py", "from time import time_ns"),
    ("one_file_reads_the_clock", "alerts/x.py", "import time\ndef f(clock=time.time): ..."),
    ("one_file_reads_the_clock", "ingest/x.py", "import numpy as np\nnp.datetime64('now')"),
    ("one_file_reads_the_clock", "ingest/x.py", "import pandas as pd\npd.Timestamp.now('UTC')"),
    ("one_file_reads_the_environment", "pipeline/x.py", "from os import environ"),
    ("one_file_reads_the_environment", "alerts/x.py", "import os\nos.getenv('KEY')"),
    ("http_leaves_through_two_doors", "ingest/sources/x.py", "import requests"),
    ("http_leaves_through_two_doors", "alerts/x.py", "from urllib.request import urlopen"),
    ("http_leaves_through_two_doors", "pipeline/x.py", "import http.client"),
    ("servers_stand_under_the_roof", "alerts/x.py", "from fastapi import FastAPI"),
    ("sql_stands_in_the_stores", "pipeline/x.py", "import sqlalchemy as sa"),
    ("sql_stands_in_the_stores", "alerts/outgoing/outbox.py", "import sqlite3"),
    ("sql_stands_in_the_stores", "alerts/outgoing/outbox.py", "from sqlalchemy import Engine, select"),
    ("nothing_starts_a_process", "alerts/x.py", "import os\nos.system('beep')"),
    ("nothing_starts_a_process", "pipeline/x.py", "from subprocess import run"),
    ("nothing_prints", "pipeline/cli/group.py", "print('hello')"),
    ("nothing_runs_data", "rules/x.py", "import pickle"),
    ("nothing_runs_data", "rules/x.py", "eval('1 + 1')"),
    ("nothing_runs_data", "pipeline/x.py", "import yaml\nyaml.load('a', yaml.Loader)"),
    ("nothing_opens_at_import", "ingest/x.py", "TABLE = open('table.csv')"),
    ("nothing_opens_at_import", "ingest/x.py", "class A:\n    text = Path('a').read_text()"),
    ("nothing_opens_at_import", "alerts/x.py", "def f(db=connect()): ..."),
    ("nothing_opens_in_a_constructor", "alerts/x.py", "class A:\n  def __init__(s): open('a')"),
    ("excepts_are_narrow", "rules/x.py", "try: f()\nexcept Exception: pass"),
    ("excepts_are_narrow", "ingest/x.py", "try: f()\nexcept: pass"),
    ("excepts_are_narrow", "alerts/x.py", "try: f()\nexcept (ValueError, BaseException): pass"),
    ("files_are_short", "rules/x.py", "x = 1\n" * 401),
    ("functions_are_short", "rules/x.py", "def f():\n" + "    x = 1\n" * 60),
    ("dataclasses_are_frozen", "rules/x.py", f"{DATACLASS}    ..."),
    ("names_say_what_is_there", "ingest/utils.py", ""),
    ("names_say_what_is_there", "ingest/common/x.py", ""),
    ("names_say_what_is_there", "alerts/x.py", "class RouteManager: ..."),
    ("everything_public_is_documented", "rules/x.py", "'''Module.'''\ndef f(): ..."),
    ("everything_public_is_documented", "rules/x.py", "def _f(): ..."),
    ("nothing_is_left_for_later", "rules/x.py", "x = 1  # TODO: more"),
    ("nothing_is_left_for_later", "rules/x.py", "def f():\n    global x"),
    ("fields_are_documented", "rules/x.py", f"{DATACLASS}    x: int\n    y: int\n    'Known.'"),
]


@pytest.mark.parametrize(("name", "path", "text"), OFFENCES)
def test_a_rule_notices_its_offence(name: str, path: str, text: str):
    """A planted breach is named, so that a quiet rule means a clean house."""
    rule = {rule.__name__: rule for rule in RULES}[name]
    assert rule(Source(path=path, text=text))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("alerts/x.py", "from ingest.source import Request"),
        ("rules/x.py", "import time\nlimit = time.monotonic() + 5"),
        ("pipeline/daemon.py", "from datetime import UTC, datetime\ndatetime.now(UTC)"),
        ("alerts/outgoing/post.py", "import requests"),
        ("alerts/x.py", "from urllib.parse import urlsplit"),
        ("alerts/outgoing/outbox.py", "from sqlalchemy import Engine"),
        ("ingest/database.py", "import sqlalchemy as sa"),
        ("alerts/x.py", "try: f()\nexcept BaseException:\n    undo()\n    raise"),
        ("ingest/x.py", "read = lambda p: p.read_text()"),
    ],
)
def test_what_is_allowed_passes(path: str, text: str):
    """The rules leave honest code alone."""
    walls = [rule for rule in RULES if rule.__name__ != "everything_public_is_documented"]
    assert not [rule.__name__ for rule in walls if rule(Source(path=path, text=text))]


def test_no_rule_goes_without_a_planted_offence():
    """A rule added to the house brings the breach that proves it."""
    assert {name for name, _, _ in OFFENCES} == {rule.__name__ for rule in RULES}


def test_everything_is_caught_in_three_places_at_most():
    """A tick's step, a delivery and the daemon may catch everything; nothing else may."""
    places = [place for source in SOURCES for place in broad_excepts(source)]
    assert len(places) <= BROAD_EXCEPTS_ALLOWED, places


CONFIG = sorted(path for path in (ROOT / "config").rglob("*") if path.is_file())


@pytest.mark.parametrize("path", CONFIG, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_district_is_data(path: Path):
    """config/ holds YAML, boundaries and a word on their origin; nothing in it can run."""
    assert path.suffix in {".yaml", ".geojson", ".md"}
    assert not path.stat().st_mode & 0o111


@pytest.mark.parametrize(
    "path",
    [path for path in CONFIG if path.suffix == ".yaml"],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_the_district_needs_no_python_to_be_read(path: Path):
    """A plain reader that can make no objects reads every file."""
    assert yaml.safe_load(path.read_text("utf-8")) is not None


def history_files() -> list[Path]:
    """Files that are in the history or would enter it; without git, what a checkout holds."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        tops = [*PACKAGES, "config", "tests"]
        listed = [path for top in tops for path in (ROOT / top).rglob("*")] + list(ROOT.glob("*.*"))
        return sorted(path for path in listed if path.is_file() and "__pycache__" not in path.parts)
    names = listing.stdout.decode().split("\0")
    return sorted(ROOT / name for name in names if name and (ROOT / name).is_file())


FORBIDDEN = {
    "a package registry by its host": r"\b(pypi|pythonhosted|npmjs|crates)\.(org|com|io)\b",
    "a place on one machine": r"(?<![\w/.:*-])/(work|root|tmp/[a-z]\w*|home/\w+)/",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "an access key": r"\b(AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|glpat-[\w-]{20}|xox[abp]-[\w-]{20})",
    "a signing secret": r"\bSEC[0-9a-f]{64}\b",
    "a token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str):
    """Nothing that enters the history names a registry, one machine's folders or a secret."""
    pattern = re.compile(FORBIDDEN[what].encode())
    found = [
        f"{path.relative_to(ROOT)}: {hit.group().decode(errors='replace')}"
        for path in history_files()
        for hit in pattern.finditer(path.read_bytes())
    ]
    assert not found
