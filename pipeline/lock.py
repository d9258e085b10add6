"""One instance per data folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.errors import StoreError


@contextmanager
def sole_instance(folder: Path) -> Iterator[None]:
    """Hold the data folder; StoreError where another instance holds it or it cannot be written.

    The lock is the kernel's and goes with the process, however that ends.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "fengsui.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            f"the data folder {folder} cannot be used ({error.strerror}); give the service write access"
            " or choose another with --data"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StoreError(
            f"another instance works in {folder}; stop it or choose another folder with --data"
        ) from None
    try:
        yield
    finally:
        os.close(descriptor)
