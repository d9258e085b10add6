"""One instance per data folder; the lock goes with the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from stage import ROOT

from ingest.errors import StoreError
from pipeline.lock import sole_instance

HOLD = """
import sys, time
from pathlib import Path
from pipeline.lock import sole_instance
with sole_instance(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_instance_is_refused(tmp_path: Path):
    """One sentence names the folder and the remedy."""
    refusal = f"another instance works in {tmp_path}; stop it or choose another folder with --data"
    with sole_instance(tmp_path), pytest.raises(StoreError) as caught, sole_instance(tmp_path):
        raise AssertionError("two instances in one folder")
    assert str(caught.value) == refusal


def test_the_folder_is_free_again_afterwards(tmp_path: Path):
    """Also after an error inside."""
    with pytest.raises(KeyError), sole_instance(tmp_path):
        raise KeyError
    with sole_instance(tmp_path):
        assert (tmp_path / "fengsui.lock").exists()


def test_two_folders_are_two_instances(tmp_path: Path):
    """A folder that is missing is made."""
    with sole_instance(tmp_path / "a" / "b"), sole_instance(tmp_path / "c"):
        assert (tmp_path / "a" / "b").is_dir()


def test_a_killed_process_holds_nothing(tmp_path: Path):
    """The lock is the kernel's: no stale file keeps the next start away."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match="another instance"), sole_instance(tmp_path):
            pass
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    with sole_instance(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path):
    """A file stands in its way: one sentence with the remedy."""
    (tmp_path / "file").write_text("")
    refused = pytest.raises(StoreError, match=r"cannot be used .*choose another with --data")
    with refused, sole_instance(tmp_path / "file" / "data"):
        pass
