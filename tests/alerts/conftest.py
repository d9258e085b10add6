"""What tests of stored alerts stand on."""

from pathlib import Path

import pytest
from fakes import database
from sqlalchemy import Engine


@pytest.fixture
def engine(tmp_path: Path):
    """A real SQLite file with the tables of the alerts."""
    with database(tmp_path) as opened:
        yield opened


@pytest.fixture
def connection(engine: Engine):
    """A transaction in it."""
    with engine.begin() as opened:
        yield opened
