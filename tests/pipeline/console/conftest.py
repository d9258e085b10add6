"""A console with an open red, and a browser where the machine has one."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from consoles import FLAGS, Desk, chromium_path, console_of
from stage import ALARM, alarmed


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """At the moment a red of heat opened."""
    with alarmed(tmp_path) as ports, console_of(ports, ALARM) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Debian's Chromium, driven by Playwright."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        yield made
        made.close()


@pytest.fixture(scope="session")
def axe_script() -> Path:
    """The script of axe-core."""
    return Path(str(resources.files("axe_playwright_python") / "axe.min.js"))
