"""Where trained models stand: the district's own first, then those that ship with the program."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import rules.learned
from pipeline.learn.kinds import Kind
from rules.learned import store
from rules.learned.manifest import Manifest, ModelRefused
from rules.learned.store import Loaded

FOLDER = "models"
"""Folder of the district's own models in the data folder."""
CHALLENGERS = "challengers"
"""Folder below it of models trained at home that nobody has put to use yet."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One model on the shelf, good or not."""

    name: str
    """Name of its files."""
    folder: Path
    """Where it stands."""
    manifest: Manifest | None
    """What it is; None where it has no manifest that can be read."""
    refused: str
    """Why it is not used; empty where it may be."""
    used: bool
    """True for the one that is asked: the first good one of its kind."""
    challenger: bool = False
    """True for one trained at home that is not put to use."""


def shipped() -> Path:
    """Folder of the models that ship."""
    return Path(rules.learned.__file__).parent / "shipped"


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The models of an instance; each is opened when it is first asked, and again where its file changed."""

    data: Path
    """Data folder."""
    _open: dict[Path, tuple[str, Loaded]] = field(default_factory=dict, init=False, repr=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where models in use are looked for, in order."""
        return (self.data / FOLDER, shipped())

    @property
    def challengers(self) -> Path:
        """Where models trained at home wait."""
        return self.data / FOLDER / CHALLENGERS

    def take(self, kind: Kind) -> Loaded:
        """The model that is used for a kind; ModelRefused where there is none, or the first one is no good.

        A district's own model that is refused is not replaced by the shipped one behind anybody's back.
        """
        for folder in self.folders:
            for name in store.names(folder):
                if self._is_of(folder, name, kind):
                    return self._loaded(folder, name, kind)
        raise ModelRefused(
            f"there is no trained model for {kind.name}; train one with fengsui train {kind.name}; the"
            " physical rule goes on"
        )

    def standing(self, kinds: dict[str, Kind]) -> Iterator[Standing]:
        """Every model there is, also those refused and the challengers; opens each."""
        taken: set[str] = set()
        for folder in (*self.folders, self.challengers):
            for name in store.names(folder):
                one = self._standing(folder, name, kinds)
                hazard = one.manifest.hazard if one.manifest else name
                first = not one.challenger and hazard not in taken
                taken |= {hazard} if first else set()
                yield Standing(**{**vars(one), "used": first and not one.refused})

    def _standing(self, folder: Path, name: str, kinds: dict[str, Kind]) -> Standing:
        manifest, refused = None, ""
        try:
            manifest = store.read_manifest(folder, name)
            if manifest.hazard in kinds:
                self._loaded(folder, name, kinds[manifest.hazard])
            else:
                refused = f"nothing here foretells {manifest.hazard}"
        except ModelRefused as error:
            refused = str(error)
        return Standing(
            name=name, folder=folder, manifest=manifest, refused=refused, used=False,
            challenger=folder == self.challengers,
        )  # fmt: skip

    def _is_of(self, folder: Path, name: str, kind: Kind) -> bool:
        """Whether a model is of a kind; one without a readable manifest is, where it is called so."""
        try:
            return store.read_manifest(folder, name).hazard == kind.name
        except ModelRefused:
            return name == kind.name

    def _loaded(self, folder: Path, name: str, kind: Kind) -> Loaded:
        path = folder / f"{name}{store.MODEL}"
        try:
            mark = f"{path.stat().st_mtime_ns} {path.stat().st_size}"
        except OSError:
            mark = ""
        with self._guard:
            if mark and self._open.get(path, ("", None))[0] == mark:
                return self._open[path][1]
            loaded = store.load(folder, name, kind.units())
            self._open[path] = (mark, loaded)
            return loaded
