"""Applies changes to the files of a configuration: in place, all or none, checked before and after."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path

import pipeline
from ingest.errors import ConfigMistake
from pipeline.config import load
from pipeline.configuration.folder import MANY, SINGLE, names
from pipeline.configuration.patch import Changes, Edit, patched
from pipeline.configuration.splice import spliced
from pipeline.configuration.yaml_lines import Document, parse, read

_ROLLBACK = ".before-apply"


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """New texts of the files that change; nothing is written yet."""

    folder: Path
    """The configuration folder."""
    before: Mapping[str, str]
    """Name of a file -> its text now."""
    after: Mapping[str, str]
    """Name of a file -> its text then."""

    def lines(self) -> Iterator[str]:
        """What changes, as a unified diff."""
        for file, text in self.after.items():
            old, new = (side.splitlines() for side in (self.before[file], text))
            yield from unified_diff(old, new, f"{file} 现行 today", f"{file} 建议 then", lineterm="", n=1)


def amended(folder: Path, changes: Changes) -> Amendment:
    """The texts of a folder with changes made; every character that no change is about stays as it is.

    Raises ConfigMistake with one line per mistake: where the folder is broken as it is or would be with the
    changes, where a key is not what `from` says, and where a change cannot be made in place.
    """
    recover(folder)
    load(folder, changes)
    documents = _documents(folder)
    wanted = patched(documents, changes)
    before, after = {}, {}
    for file in dict.fromkeys(edit.file for edit in changes.edits):
        mine = [edit for edit in changes.edits if edit.file == file]
        before[file] = _text(folder / file)
        after[file] = _spliced(before[file], mine, changes, wanted[file])
    return Amendment(folder=folder, before=before, after=after)


def signed(changes: Changes, by: str, because: str) -> Changes:
    """The changes, and with them who made them and why, which the record keeps with the next version."""
    told = (("changed_by", by), ("changed_because", because))
    edits = [Edit(file="service.yaml", trail=(key,), value=value) for key, value in told]
    return replace(changes, edits=(*changes.edits, *edits))


def check_writable(folder: Path) -> None:
    """Refuse with ConfigMistake the configuration inside an installed package: an update would replace it."""
    shipped = Path(pipeline.__file__).resolve().parent / "default_config"
    if folder.resolve() == shipped:
        raise ConfigMistake(
            f"{folder}: comes with the program and is not changed; make your own with: fengsui init FOLDER,"
            " and name it with --config"
        )


def write(amendment: Amendment) -> None:
    """Replace the files, all of them or none; the folder is checked once more before the old ones are let go.

    ConfigMistake with the remedy where a file cannot be written, was changed meanwhile, or the whole does not
    load: then everything is as it was. What a crash left half done is undone by the next call of `recover`.
    """
    folder = amendment.folder
    for file, text in amendment.before.items():
        if _text(folder / file) != text:
            raise ConfigMistake(f"{folder / file}: was changed meanwhile; look at it and apply again")
    kept = folder / _ROLLBACK
    try:
        _lay(kept, amendment.before)
        for file, text in amendment.after.items():
            _replace(folder / file, text)
        _sync(folder)
        load(folder)
    except (OSError, ConfigMistake) as error:
        recover(folder)
        if isinstance(error, OSError):
            why = (error.strerror or "unknown reason").lower()
            raise ConfigMistake(f"{folder}: cannot be written ({why}); nothing was changed") from error
        raise
    _let_go(kept)


def recover(folder: Path) -> bool:
    """Put back what an application that was cut short had replaced; whether there was any."""
    kept = folder / _ROLLBACK
    if not (kept / "whole").exists():
        # Cut short while it was laid aside: nothing had been replaced yet.
        _let_go(kept)
        return False
    for path in sorted(kept.rglob("*.yaml")):
        target, text = folder / path.relative_to(kept), _text(path)
        if not target.exists() or _text(target) != text:
            _replace(target, text)
    _sync(folder)
    _let_go(kept)
    return True


def _documents(folder: Path) -> dict[str, Document]:
    files = [*SINGLE, *(file for part in MANY for file in names(folder, part))]
    return {file: read(folder / file) for file in files}


def _spliced(text: str, edits: list[Edit], changes: Changes, wanted: Document) -> str:
    for edit in edits:
        by_hand = changes.mistake(edit, "cannot be changed in place; change it by hand in the file")
        try:
            text = spliced(text, edit.trail, edit.value)
        except (KeyError, StopIteration):
            raise ConfigMistake(by_hand) from None
    # The last word has the reader of the configuration: it must find what was meant, and all else as it was.
    if parse(text.removeprefix("\ufeff"), wanted.file).data != wanted.data:
        raise ConfigMistake(by_hand)
    return text


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def _lay(kept: Path, files: Mapping[str, str]) -> None:
    """Lay copies aside; the mark that they are whole comes last."""
    for file, text in files.items():
        target = kept / file
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, text)
        _sync(target.parent)
    _replace(kept / "whole", "")
    _sync(kept)


def _let_go(kept: Path) -> None:
    if kept.is_dir():
        (kept / "whole").unlink(missing_ok=True)
        for path in sorted(kept.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        kept.rmdir()


def _replace(path: Path, text: str) -> None:
    """Write a file under another name first and keep the mode of the old one."""
    draft = path.with_name(path.name + ".new")
    with draft.open("wb") as stream:
        if path.exists():
            os.fchmod(stream.fileno(), path.stat().st_mode & 0o7777)
        stream.write(text.encode("utf-8"))
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def _sync(folder: Path) -> None:
    """Have the names of a folder's files on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
