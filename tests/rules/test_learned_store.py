"""A model file is opened only where everything about it is as its manifest says."""

import io
import json
import pickle
import zipfile
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from rules.learned import store
from rules.learned.manifest import Feature, Manifest, ModelRefused

pytest.importorskip("sklearn")
skops_io = pytest.importorskip("skops.io")
UNITS = {"mean": "°C", "spread": "°C"}


def manifest(**other):
    """The manifest of a model of two features."""
    rows = np.random.default_rng(0).normal(30, 3, (200, 2))
    features = tuple(Feature.seen(name, unit, rows[:, i]) for i, (name, unit) in enumerate(UNITS.items()))
    said = Manifest(
        name="heat", hazard="heat", targets=("chance_tmax_35",), features=features,
        trained_to=date(2025, 10, 31), data="made up", data_hash="0" * 64, libraries={}, seed=1,
        calibrated_for="rongchang", intended_use_zh="试", intended_use_en="try", limits_zh="试",
        limits_en="try", metrics={"brier": 0.1, "skill": float("nan")},
    )  # fmt: skip
    return replace(said, **other)


def model():
    """A small model, trained anew each time with the same seed."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression

    rows = np.random.default_rng(0).normal(30, 3, (200, 2))
    target = rows.sum(axis=1)
    trees = HistGradientBoostingRegressor(max_iter=3, random_state=1).fit(rows, target)
    line = LogisticRegression().fit(rows - 30, target > 60)
    return {"trees": trees, "line": line, "at": np.array([35.0]), "seed": 1, "names": ["a", None]}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Folder with a good model."""
    folder = tmp_path_factory.mktemp("models")
    store.save(model(), manifest(), folder)
    return folder


@pytest.fixture
def folder(kept, tmp_path):
    """A copy of it, to be spoilt."""
    for path in kept.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def amend(folder, **keys):
    """Write other keys into the manifest on disk."""
    path = folder / "heat.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


def foist(folder, content):
    """Put other bytes in place of the model, with a manifest that vouches for them."""
    import hashlib

    (folder / "heat.skops").write_bytes(content)
    amend(folder, sha256=hashlib.sha256(content).hexdigest())


def test_what_is_saved_comes_back_and_says_the_same(folder):
    """Predictions of the loaded model are those of the saved one, bit for bit."""
    rows = np.array([[31.0, 29.0], [np.nan, 30.0]])
    loaded = store.load(folder, "heat", UNITS)
    np.testing.assert_array_equal(
        loaded.model["trees"].predict(rows), model()["trees"].predict(rows)
    )
    assert loaded.manifest.libraries == store.installed()


def test_the_same_seed_gives_the_same_bytes(folder, tmp_path):
    """Nothing of addresses, dates or the order of a dictionary of parts is in the file."""
    again = tmp_path / "again"
    store.save(model(), manifest(), again)
    for name in ("heat.skops", "heat.json"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_a_manifest_is_read_as_it_was_written():
    """NaN becomes null and everything else is itself."""
    said = manifest()
    assert Manifest.from_json(said.to_json()).to_json() == said.to_json()


def tampered(folder):
    """One byte is another."""
    content = bytearray((folder / "heat.skops").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "heat.skops").write_bytes(bytes(content))


def truncated(folder):
    """The end is missing."""
    content = (folder / "heat.skops").read_bytes()
    (folder / "heat.skops").write_bytes(content[: len(content) // 2])


def disguised(folder):
    """A pickle that calls itself a model, vouched for."""
    foist(folder, pickle.dumps(model()["line"]))


def foreign(folder):
    """A zip of something else, vouched for."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("readme.txt", "hello")
    foist(folder, buffer.getvalue())


def unknown_type(folder):
    """A model that would build a type nobody named, vouched for."""
    foist(folder, skops_io.dumps({"line": zipfile.Path.__init__}))


def endless(folder):
    """A tree whose branch leads back to its root, vouched for."""
    spoilt = model()
    spoilt["trees"]._predictors[0][0].nodes["left"][0] = 0
    foist(folder, skops_io.dumps(spoilt))


def far_column(folder):
    """A tree that looks at a column far outside the row, vouched for."""
    spoilt = model()
    spoilt["trees"]._predictors[0][0].nodes["feature_idx"][0] = 10**6
    foist(folder, skops_io.dumps(spoilt))


def other_unit(folder):
    """A feature in kelvin."""
    said = json.loads((folder / "heat.json").read_text())["features"]
    amend(folder, features=[said[0] | {"unit": "K"}, said[1]])


def other_features(folder):
    """A feature that nobody computes."""
    said = json.loads((folder / "heat.json").read_text())["features"]
    amend(folder, features=[said[0], said[1] | {"name": "tomorrow"}])


def newer_library(folder):
    """A library of the next major version."""
    amend(folder, libraries=store.installed() | {"scikit-learn": "2.0.0"})


def no_manifest(folder):
    """The model alone."""
    (folder / "heat.json").unlink()


def no_model(folder):
    """The manifest alone."""
    (folder / "heat.skops").unlink()


def half_a_manifest(folder):
    """A manifest that is cut off."""
    path = folder / "heat.json"
    path.write_text(path.read_text()[:200])


def more_keys(folder):
    """A manifest of another version."""
    amend(folder, mood="good")


def another_name(folder):
    """The manifest of another model."""
    amend(folder, name="fire")


SPOILT = [
    (tampered, "bytes are not those"), (truncated, "bytes are not those"), (disguised, "no model file"),
    (foreign, "no model file"), (unknown_type, "types no model of ours has"),
    (endless, "points outside itself"), (far_column, "points outside itself"), (other_unit, "is in 'K'"),
    (other_features, "tomorrow"), (newer_library, "2.0.0"), (no_manifest, "no manifest beside"),
    (no_model, "missing"), (half_a_manifest, "no manifest"), (more_keys, "mood"),
    (another_name, 'manifest of "fire"'),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "words"), SPOILT, ids=lambda part: getattr(part, "__name__", ""))
def test_a_spoilt_model_is_refused_in_one_sentence(folder, spoil, words):
    """It names the file, what is wrong and what to do, and that the physical rule goes on."""
    spoil(folder)
    with pytest.raises(ModelRefused) as refused:
        store.load(folder, "heat", UNITS)
    told = str(refused.value)
    assert words in told
    assert "heat." in told
    assert told.endswith("the physical rule goes on")
    assert "\n" not in told


def test_nothing_is_parsed_before_the_hash_is_known(folder, monkeypatch):
    """A changed file is refused although nobody could have opened it."""
    tampered(folder)
    monkeypatch.setattr(store, "_opened", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(ModelRefused):
        store.load(folder, "heat", UNITS)


def test_an_unknown_type_is_not_even_written(tmp_path):
    """What could not be read again is refused when it is saved, and leaves no file."""
    from sklearn.preprocessing import SplineTransformer

    curve = SplineTransformer().fit(np.arange(20.0)[:, None])
    with pytest.raises(ModelRefused, match="BSpline"):
        store.save({"curve": curve}, manifest(), tmp_path)
    assert store.names(tmp_path) == ()


def test_a_folder_that_is_not_there_holds_no_model(tmp_path):
    """The models of a new instance are those that ship."""
    assert store.names(tmp_path / "models") == ()
