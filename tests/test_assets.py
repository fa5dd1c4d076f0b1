"""Vocabularies that were learnt, in Keras' files; and layers that Keras 1 and 2 had otherwise than today."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minikeras as keras
from minikeras import layers, models
from minikeras.activations.rectified import HardSigmoid, OldHardSigmoid
from minikeras.saving import LoadError, hdf5

GOLDEN = Path(__file__).parent / "golden"
ASSETS, OLD = (zipfile.ZipFile(GOLDEN / name) for name in ("assets.zip", "old_keras.zip"))
NAMES = [n.removesuffix(".keras") for n in ASSETS.namelist() if n.endswith(".keras")]


def members(path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def learnt(**arguments) -> keras.Sequential:
    layer = layers.TextVectorization(**arguments)
    layer.adapt(["the cat sat", "the dog"])
    return keras.Sequential([keras.Input((1,)), layer])


@pytest.mark.parametrize("name", NAMES)
def test_what_keras_writes_is_read_and_written_alike(name, tmp_path):
    theirs = tmp_path / "theirs.keras"
    theirs.write_bytes(ASSETS.read(f"{name}.keras"))
    expected = json.loads(ASSETS.read(f"{name}.json"))
    x = np.array(expected["x"], str if expected["type"] == "string" else expected["type"])
    model = models.load_model(theirs)
    y = model.predict(x, verbose=0)
    np.testing.assert_allclose(y, expected["y"], atol=1e-6)

    model.save(tmp_path / "mine.keras")
    written, found = members(theirs), members(tmp_path / "mine.keras")
    assert written.keys() == found.keys()
    for member in written:
        if member.startswith("assets/"):
            assert found[member] == written[member]
    old, new = (hdf5.loads(m["model.weights.h5"]) for m in (written, found))
    assert [p for p, _ in old.arrays()] == [p for p, _ in new.arrays()]
    for path, array in old.arrays():
        np.testing.assert_array_equal(new[path], array)
    again = models.load_model(tmp_path / "mine.keras")
    assert again.get_config() == model.get_config()
    np.testing.assert_array_equal(again.predict(x, verbose=0), y)
    model.save_weights(tmp_path / "w.weights.h5")
    again.load_weights(tmp_path / "w.weights.h5")


def test_a_vocabulary_can_be_learnt_again_after_loading(tmp_path):
    model = learnt(output_mode="tf_idf")
    model.save(tmp_path / "m.keras")
    layer = models.load_model(tmp_path / "m.keras").layers[0]
    assert layer.get_vocabulary() == ["[UNK]", "the", "sat", "dog", "cat"]
    np.testing.assert_array_equal(layer.token_weights, model.layers[0].token_weights)
    config = json.loads(members(tmp_path / "m.keras")["config.json"])["config"]["layers"][1]["config"]
    assert config["vocabulary"] is None and config["idf_weights"] is None and config["vocabulary_size"] == 5
    assert "has_input_vocabulary" not in config
    layer.adapt(["new words come often"])
    assert layer.get_vocabulary() == ["[UNK]", "words", "often", "new", "come"]
    given = keras.Sequential([keras.Input((1,)), layers.StringLookup(vocabulary=["a"])])
    given.save(tmp_path / "given.keras")
    assert len(members(tmp_path / "given.keras")) == 3


@pytest.mark.parametrize("texts", [["a\nb", "c"], ["a\u2028b"], [""], ["x", None]])
def test_what_lines_cannot_tell_stays_in_the_config(texts, tmp_path):
    layer = layers.StringLookup(oov_token=None) if None in texts else layers.StringLookup()
    layer.adapt([t for t in texts if t is not None])
    model = keras.Sequential([keras.Input((1,)), layer])
    model.save(tmp_path / "m.keras")
    assert len(members(tmp_path / "m.keras")) == 3
    again = models.load_model(tmp_path / "m.keras")
    assert again.layers[0].get_vocabulary() == layer.get_vocabulary()


def test_a_vocabulary_that_is_damaged(tmp_path):
    model = learnt()
    model.save(tmp_path / "m.keras")
    parts = members(tmp_path / "m.keras")
    name = "assets/layers/text_vectorization/vocabulary.txt"
    for text, problem in [
        (b"\n[UNK]\na\na", "repeated"),
        (b"\xff\xfe", "decode"),
        (b"", "vocabulary"),
        (b"x" * (17 << 20), "at most"),
    ]:
        with zipfile.ZipFile(tmp_path / "bad.keras", "w") as archive:
            for member, content in parts.items():
                archive.writestr(member, text if member == name else content)
        with pytest.raises(LoadError, match=problem):
            models.load_model(tmp_path / "bad.keras")
    with zipfile.ZipFile(tmp_path / "longer.keras", "w") as archive:  # empty lines at the end are no tokens
        for member, content in parts.items():
            archive.writestr(member, content + b"\n\n\n" if member == name else content)
    longer = models.load_model(tmp_path / "longer.keras")
    assert longer.layers[0].get_vocabulary() == model.layers[0].get_vocabulary()
    with zipfile.ZipFile(tmp_path / "bad.keras", "w") as archive:
        for member, content in parts.items():
            if member != name:
                archive.writestr(member, content)
        archive.writestr("assets/../../secret/vocabulary.txt", b"a")
    unread = models.load_model(tmp_path / "bad.keras")
    with pytest.raises(ValueError, match="has no vocabulary yet"):
        unread.predict(np.array([["a"]]), verbose=0)


def test_one_long_token_does_not_make_all_of_them_long():
    tokens = ["x" * 100_000, *(str(i) for i in range(100_000))]  # an array of strings would have 40 GB
    assert layers.StringLookup(vocabulary=tokens).vocabulary_size() == len(tokens) + 1


# Layers of old


@pytest.mark.parametrize("name", [n for n in OLD.namelist() if n.endswith((".h5", ".keras"))])
def test_layers_of_keras_2(name, tmp_path):
    (tmp_path / name).write_bytes(OLD.read(name))
    expected = json.loads(OLD.read(f"{Path(name).stem}.json"))
    model = models.load_model(tmp_path / name)
    x = np.array(expected["x"], "float32")
    y = model.predict(x, verbose=0)
    np.testing.assert_allclose(y, expected["y"], atol=2e-6)
    for again in ("again.keras", "again.h5"):
        hard = pytest.warns(UserWarning, match="minikeras>OldHardSigmoid")
        with hard if "hard" in name else contextlib.nullcontext():
            model.save(tmp_path / again)
        np.testing.assert_array_equal(models.load_model(tmp_path / again).predict(x, verbose=0), y)


def test_the_hard_sigmoid_of_keras_2():
    text = OLD.read("hard_sigmoid.model.json").decode()
    model = models.model_from_json(text)
    kinds = [type(f) for f in (model.layers[0].cell.recurrent_activation, model.layers[3].activation)]
    assert kinds == [OldHardSigmoid, OldHardSigmoid]
    today = models.model_from_json(text.replace('"keras_version": "2', '"keras_version": "3'))
    assert type(today.layers[3].activation) is HardSigmoid
    z = np.array([-3.0, -2.0, 1.0, 2.0, 2.6])
    f = OldHardSigmoid()
    y = f(z.copy())
    np.testing.assert_allclose(y, [0, 0.1, 0.7, 0.9, 1])
    np.testing.assert_allclose(f.backward(np.ones(5), y), [0, 0.2, 0.2, 0.2, 0])
    pickle.loads(pickle.dumps(model))


def test_the_gru_of_keras_1():
    config = {
        "output_dim": 2,
        "consume_less": "cpu",
        "batch_input_shape": [None, 4, 3],
        "inner_activation": "sigmoid",
    }
    entry = {"class_name": "GRU", "config": {"name": "g", **config}}
    text = json.dumps({"class_name": "Sequential", "config": [entry], "keras_version": "1.2.2"})
    assert models.model_from_json(text).layers[0].reset_after is False


# to_json


def test_json_has_how_a_model_was_built_and_compiled():
    model = keras.Sequential([layers.Dense(2, name="d"), layers.Dropout(0.5)], name="m")
    assert json.loads(model.to_json())["compile_config"] == {}
    assert not models.model_from_json(model.to_json()).built
    model.build((None, 3))
    model.compile(keras.optimizers.SGD(0.5, momentum=0.25), "mse", metrics=["mae"])
    found = json.loads(model.to_json())
    assert list(found) == [
        "module", "class_name", "config", "registered_name", "build_config", "compile_config",
    ]  # fmt: skip
    assert found["build_config"] == {"input_shape": [None, 3]}
    assert found["compile_config"]["optimizer"]["config"]["momentum"] == 0.25
    again = models.model_from_json(model.to_json())
    assert again.compiled and again.optimizer.momentum == 0.25 and again.to_json() == model.to_json()
    assert (again.layers[0].kernel.value != model.layers[0].kernel.value).any()
    again.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    for text in ("{", "[]", '{"class_name": "Dense", "config": {"units": 2}}'):
        with pytest.raises(LoadError):
            models.model_from_json(text)


def test_an_archive_that_says_nothing_of_its_version(tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2, "hard_sigmoid")])
    model.save(tmp_path / "m.keras")
    parts = members(tmp_path / "m.keras")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, content in parts.items():
            if member != "metadata.json":
                archive.writestr(member, content)
    buffer.seek(0)
    assert type(models.load_model(buffer).layers[0].activation) is HardSigmoid
