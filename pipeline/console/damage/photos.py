"""Photographs as files named by what is in them; the record keeps the names, so none can be exchanged."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

FOLDER = "photos"
"""Folder in the data folder."""
LARGEST = 8_000_000
"""Bytes of one photograph at most."""
MOST = 3
"""Photographs of one report at most."""
_KINDS = {b"\xff\xd8\xff": ("jpg", "image/jpeg"), b"\x89PNG\r\n\x1a\n": ("png", "image/png")}


def name_of(photo: bytes) -> str:
    """SHA-256 and suffix; ValueError for what is too large, or neither JPEG, PNG nor WebP."""
    if len(photo) > LARGEST:
        most = LARGEST // 1_000_000
        raise ValueError(f"照片不能超过{most} MB / a photo has at most {most} MB")
    return f"{hashlib.sha256(photo).hexdigest()}.{_kind(photo)[0]}"


def type_of(name: str) -> str:
    """Media type of a photograph by its name."""
    return {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}[name.rpartition(".")[2]]


def _kind(photo: bytes) -> tuple[str, str]:
    for beginning, kind in _KINDS.items():
        if photo.startswith(beginning):
            return kind
    if photo[:4] == b"RIFF" and photo[8:12] == b"WEBP":
        return "webp", "image/webp"
    raise ValueError("照片须是JPEG、PNG或WebP / a photo must be JPEG, PNG or WebP")


def file(folder: Path, name: str, photo: bytes) -> None:
    """Write a photograph where it is not there yet, whole or not at all."""
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    if (place / name).exists():
        return
    descriptor, draft = tempfile.mkstemp(dir=place)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(photo)
        stream.flush()
        os.fsync(descriptor)
    os.replace(draft, place / name)


def read(folder: Path, name: str) -> bytes:
    """The content of a photograph that a report names."""
    return (folder / FOLDER / name).read_bytes()
