"""The store of trained models: a skops file beside its manifest, read with suspicion.

skops (https://skops.readthedocs.io, persistence) builds nothing but types that are named in advance; a
pickle is never read. A file is opened only where its SHA-256 is that of the manifest, and what comes out of
it may not point outside itself: scikit-learn follows the numbers in a tree without looking.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from rules.learned.manifest import Manifest, ModelRefused

MODEL, PAPER = ".skops", ".json"
"""Endings of the two files of a model."""
LIBRARIES = ("numpy", "scikit-learn", "skops")
"""What a manifest names with its version; another major version is refused."""
ALLOWED = frozenset(
    {
        "numpy.dtype",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.tree._tree.Tree",
    }
)
"""Types a model file may hold beside the plain and the scikit-learn ones that skops itself trusts."""
LARGEST = 64 * 1024 * 1024
"""Size up to which a model is read, also once unpacked [bytes]."""

_DATED = (1980, 1, 1, 0, 0, 0)
_GO_ON = "; the physical rule goes on"


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A model ready for use."""

    model: Any
    """What was saved: plain dictionaries, arrays and scikit-learn estimators."""
    manifest: Manifest
    """What it is."""


def installed() -> dict[str, str]:
    """Library -> installed version; ModelRefused where the extra that learns is not installed."""
    try:
        return {name: version(name) for name in LIBRARIES}
    except PackageNotFoundError as error:
        raise ModelRefused(
            f"the library {error.name} is not installed, so no trained model is used; install the extra"
            f" with pip install 'fengsui[ml]'{_GO_ON}"
        ) from None


def save(model: object, manifest: Manifest, folder: Path) -> Manifest:
    """Write a model and its manifest, and return the manifest with hash and library versions.

    The same model gives the same bytes. ModelRefused where the model holds a type that could not be read
    again.
    """
    installed()
    import skops.io  # two seconds: only where it is needed

    content = _plain(skops.io.dumps(model))
    path = folder / f"{manifest.name}{MODEL}"
    _check_types(content, path)
    said = replace(
        manifest, sha256=hashlib.sha256(content).hexdigest(), libraries=installed()
    )
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    (folder / f"{manifest.name}{PAPER}").write_text(said.to_json(), "utf-8")
    return said


def names(folder: Path) -> tuple[str, ...]:
    """Names of the models of a folder, those without a manifest too; none where there is no folder."""
    found = {path.stem for path in folder.glob("*") if path.suffix in (MODEL, PAPER)}
    return tuple(sorted(found))


def read_manifest(folder: Path, name: str) -> Manifest:
    """The manifest of a model alone; ModelRefused where there is none or it is none."""
    path = folder / f"{name}{PAPER}"
    try:
        found = Manifest.from_json(path.read_text("utf-8"))
    except FileNotFoundError:
        raise _refused(path, "there is no manifest beside the model", "train it again") from None
    except OSError as error:
        why = f"it cannot be read ({str(error.strerror).lower()})"
        raise _refused(path, why, "mend the file or its permissions") from None
    except ValueError as error:
        raise _refused(path, f"it is no manifest: {error}", "train the model again") from None
    if found.name != name:
        raise _refused(path, f'it is the manifest of "{found.name}"', "give both files back their name")
    return found


def load(folder: Path, name: str, computed: Mapping[str, str]) -> Loaded:
    """Read a model, checking its hash before anything in it is looked at.

    `computed` are the features the code computes, name -> unit, in the order of their columns. Raises
    ModelRefused with one sentence naming file, reason and remedy for anything that is not as it should be.
    """
    manifest, path = read_manifest(folder, name), folder / f"{name}{MODEL}"
    _check_libraries(manifest, path)
    _check_features(manifest, computed, path)
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != manifest.sha256:
        why = "its bytes are not those its manifest names: it was changed, cut off or exchanged"
        raise _refused(path, why, "train it again or bring the original back")
    return Loaded(model=_opened(content, path), manifest=manifest)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise _refused(path, f"it is larger than {LARGEST} bytes", "train a smaller one")
        return path.read_bytes()
    except FileNotFoundError:
        raise _refused(path, "the file is missing", "bring it back or train it again") from None
    except OSError as error:
        why = f"it cannot be read ({str(error.strerror).lower()})"
        raise _refused(path, why, "mend the file or its permissions") from None


def _opened(content: bytes, path: Path) -> Any:
    _check_types(content, path)
    import skops.io

    try:
        model = skops.io.loads(content, trusted=sorted(ALLOWED))
    except (ValueError, TypeError, KeyError, AttributeError, ImportError, IndexError, OSError) as error:
        why = f"it cannot be built with the installed libraries ({type(error).__name__})"
        raise _refused(path, why, "train it again") from None
    for tree, columns in _trees(model):
        if not _stays_inside(tree, columns):
            raise _refused(path, "a tree in it points outside itself", "train it again")
    return model


def _check_types(content: bytes, path: Path) -> None:
    installed()
    import skops.io

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(item.file_size for item in packed.infolist())
        unknown = [] if size > LARGEST else skops.io.get_untrusted_types(data=content)
    except (zipfile.BadZipFile, ValueError, TypeError, KeyError, AttributeError, ImportError) as error:
        why = f"it is no model file ({type(error).__name__})"
        raise _refused(path, why, "put only files there that fengsui train wrote") from None
    if size > LARGEST:
        raise _refused(path, f"unpacked it is larger than {LARGEST} bytes", "train a smaller one")
    foreign = sorted(set(unknown) - ALLOWED)
    if foreign:
        why = f"it holds types no model of ours has ({', '.join(foreign[:3])})"
        raise _refused(path, why, "remove it and find out who put it there")


def _check_libraries(manifest: Manifest, path: Path) -> None:
    for name, here in installed().items():
        there = manifest.libraries.get(name, "none")
        if there.partition(".")[0] != here.partition(".")[0]:
            why = f"it was trained with {name} {there} and {here} is installed"
            raise _refused(path, why, "train it again, or install that version")


def _check_features(manifest: Manifest, computed: Mapping[str, str], path: Path) -> None:
    if list(manifest.units) != list(computed):
        apart = sorted(set(manifest.units) ^ set(computed)) or ["another order"]
        why = f"its features are not those computed ({', '.join(apart[:3])})"
        raise _refused(path, why, "train it again with this version")
    for name, unit in computed.items():
        if manifest.units[name] != unit:
            why = f"its feature {name} is in {manifest.units[name]!r}, but {unit!r} is computed"
            raise _refused(path, why, "train it again with this version")


def _refused(path: Path, why: str, remedy: str) -> ModelRefused:
    return ModelRefused(f"{path} is not used: {why}; {remedy}{_GO_ON}")


def _plain(content: bytes) -> bytes:
    """The same model without what differs from one run to the next: addresses, dates and order of parts."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    schema = json.loads(parts.pop("schema.json"))
    called = {name: f"{hashlib.sha256(part).hexdigest()[:32]}.npy" for name, part in parts.items()}
    for number, node in enumerate(_nodes(schema), start=1):
        node["__id__"] = number
        if node.get("file") in called:
            node["file"] = called[node["file"]]
    named = {called[name]: part for name, part in parts.items()}
    named["schema.json"] = json.dumps(schema, separators=(",", ":")).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for name in sorted(named):
            out.writestr(zipfile.ZipInfo(name, _DATED), named[name], zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def _nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Every node of a schema, outermost first."""
    if isinstance(part, dict):
        if "__id__" in part:
            yield part
        for inner in part.values():
            yield from _nodes(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _nodes(inner)


def _trees(model: Any, columns: int = 0) -> Iterator[tuple[Any, int]]:
    """Every tree in a model, with the number of columns that the estimator around it is given."""
    if type(model).__name__ in ("TreePredictor", "Tree"):
        yield model, columns
    elif type(model).__module__.startswith("sklearn.") and hasattr(model, "__dict__"):
        yield from _trees(list(vars(model).values()), getattr(model, "n_features_in_", columns))
    elif isinstance(model, np.ndarray) and model.dtype == object:
        yield from _trees(model.tolist(), columns)
    elif isinstance(model, dict | list | tuple):
        for part in model.values() if isinstance(model, dict) else model:
            yield from _trees(part, columns)


def _stays_inside(tree: Any, columns: int) -> bool:
    """Whether the branches of a tree lead onwards within it and look at columns there are."""
    if type(tree).__name__ == "Tree":
        left, right, column = tree.children_left, tree.children_right, tree.feature
        leaf, plain = left < 0, np.True_
    else:
        nodes = tree.nodes
        left, right = (nodes[side].astype(np.int64) for side in ("left", "right"))
        leaf, column = nodes["is_leaf"].astype(bool), nodes["feature_idx"]
        # A split by sets of classes looks into further arrays; no model of ours has one.
        plain = nodes["is_categorical"] == 0
    here = np.arange(left.size)
    onwards = (left > here) & (right > here) & (left < left.size) & (right < left.size)
    inside = (column >= 0) & (column < columns)
    return bool(left.size and (leaf | (onwards & inside & plain)).all())
