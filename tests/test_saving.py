"""Models to files and back: with real Keras' files, through every format, and never half written."""

from __future__ import annotations

import io
import json
import os
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from cases import LAYERS

import minikeras as keras
from minikeras import layers, models
from minikeras.saving import LoadError, hdf5
from minikeras.saving.files import write_file
from minikeras.saving.plain import read_safetensors

ARCHIVE = zipfile.ZipFile(Path(__file__).parent / "golden" / "keras_files.zip")
FILES = [n for n in ARCHIVE.namelist() if n.endswith((".keras", ".h5")) and not n.startswith("hostile/")]
FORMATS = [".weights.h5", ".npz", ".safetensors", ".h5", ".keras"]


def unpack(name: str, folder: Path) -> Path:
    path = folder / Path(name).name
    path.write_bytes(ARCHIVE.read(name))
    return path


def small(compiled: bool = True, **kwargs) -> keras.Sequential:
    model = keras.Sequential(
        [
            layers.Dense(4, "relu", name="conv2d"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(2),
        ],
        name="small",
    )
    model.build((None, 3))
    if compiled:
        model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"], **kwargs)
        model.fit(*data(), verbose=0)
    return model


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 3)).astype("float32"), rng.normal(size=(8, 2)).astype("float32")


def state(model) -> list[np.ndarray]:
    return [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]


def same_bits(a, b) -> None:
    for x, y in zip(a, b, strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


# Files that real Keras wrote


@pytest.mark.parametrize("name", FILES)
def test_golden_files(name, tmp_path):
    stem = name.removesuffix(".weights.h5").removesuffix(".h5").removesuffix(".keras")
    expected = np.load(io.BytesIO(ARCHIVE.read(f"{stem}.npz")))
    path = unpack(name, tmp_path)
    if name.endswith(".weights.h5"):
        model = models.load_model(unpack(f"{stem}.keras", tmp_path))
        for v in model.weights + model.optimizer.variables:
            v.value[...] = 0
        model.load_weights(path)
    else:
        model = models.load_model(path)
    np.testing.assert_allclose(model.predict(expected["x"], verbose=0), expected["pred"], atol=1e-6)
    weights = [expected[k] for k in sorted(expected.files) if k.startswith("w0")]
    for mine, theirs in zip(model.get_weights() if weights else [], weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    slots = [expected[k] for k in sorted(expected.files) if k.startswith("opt")]
    for v, theirs in zip(model.optimizer.variables if slots else [], slots, strict=True):
        np.testing.assert_array_equal(v.value, theirs)
    if "loss1" in expected:
        loss = np.ravel(model.train_on_batch(expected["x"], expected["y"]))[0]
        assert loss == pytest.approx(float(np.ravel(expected["loss1"])[0]), abs=1e-5)
        after = [expected[k] for k in sorted(expected.files) if k.startswith("after")]
        for mine, theirs in zip(model.get_weights(), after, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize("name", [n for n in FILES if n.endswith(".keras")])
def test_the_paths_of_a_file_follow_from_its_config(name, tmp_path):
    model = models.load_model(unpack(name, tmp_path))
    with zipfile.ZipFile(tmp_path / Path(name).name) as archive:
        theirs = hdf5.loads(archive.read("model.weights.h5"))
    model.save(tmp_path / "again.keras")
    with zipfile.ZipFile(tmp_path / "again.keras") as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        mine = hdf5.loads(archive.read("model.weights.h5"))
    theirs = {p: a for p, a in theirs.arrays() if not p.startswith("metrics/")}
    shift = "tf_keras" in name  # Keras 2 does not store the learning rate
    for path, array in mine.arrays():
        if not (shift and path.startswith("optimizer")):
            np.testing.assert_array_equal(array, theirs.pop(path))
    assert shift or not theirs


# Round trips


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.id)
def test_every_layer_comes_back_with_the_same_bits(case, tmp_path):
    layer = case.make(layers)
    if isinstance(layer, layers.InputLayer):
        return
    model = keras.Sequential([keras.Input(case.shape[1:]), layer])
    x = case.x(dtype="float32")
    functions = [layer.function, layer.gradient] if isinstance(layer, layers.Lambda) else []
    own = {f.__name__: f for f in functions}
    own |= {type(c).__name__: type(c) for c in [layer, getattr(layer, "cell", None)] if c is not None}
    for v in model.weights:
        v.assign(np.random.default_rng(0).uniform(0.1, 1, v.shape))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what is not Keras' own
        for name in ("model.keras", "model.h5"):
            model.save(tmp_path / name)
            again = models.load_model(tmp_path / name, custom_objects=own)
            assert again.get_config() == model.get_config()
            same_bits(model.get_weights(), again.get_weights())
            y, z = model.predict(x, verbose=0), again.predict(x, verbose=0)
            same_bits(y if isinstance(y, list) else [y], z if isinstance(z, list) else [z])
        for ending in FORMATS:
            if ending != ".keras":
                model.save_weights(tmp_path / f"w{ending}")
            for v in again.weights:
                v.value[...] = 0
            again.load_weights(tmp_path / ("model.keras" if ending == ".keras" else f"w{ending}"))
            same_bits(model.get_weights(), again.get_weights())


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.hdf5"])
def test_training_goes_on_where_it_was(name, tmp_path):
    model = small()
    model.layers[0].trainable = False
    model.layers[0].trainable = True
    model.save(tmp_path / name)
    again = models.load_model(tmp_path / name)
    same_bits(state(model), state(again))
    assert again.get_compile_config() == {**model.get_compile_config(), "jit_compile": "auto"}
    for m in (model, again):
        m.layers[2].seed_generator.initial_seed, m.layers[2].seed_generator.count = 5, 9
        m.compile(m.optimizer, "mse")
        keras.utils.set_random_seed(1)
        m.fit(*data(), epochs=3, batch_size=3, verbose=0)
    same_bits(state(model), state(again))


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda o: o.SGD(o.schedules.ExponentialDecay(0.1, 10, 0.9), momentum=0.9),
        lambda o: o.Adam(amsgrad=True, use_ema=True, gradient_accumulation_steps=2),
        lambda o: o.RMSprop(centered=True, momentum=0.5),
        lambda o: o.Nadam(),
        lambda o: o.Adafactor(),
        lambda o: o.Ftrl(),
    ],
)
@pytest.mark.parametrize("frozen", [False, True])
def test_every_kind_of_optimizer_state(optimizer, frozen, tmp_path):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(4, trainable=not frozen), layers.Dense(2)])
    model.compile(optimizer(keras.optimizers), keras.losses.Huber(0.5))
    model.fit(*data(), verbose=0, epochs=3)
    for name in ("m.keras", "m.h5"):
        model.save(tmp_path / name)
        again = models.load_model(tmp_path / name)
        same_bits(state(model), state(again))
        assert again.loss.delta == 0.5 and again.layers[0].trainable is not frozen


def test_models_of_all_stages(tmp_path):
    unbuilt = keras.Sequential([layers.Dense(3), layers.Dense(2)])
    empty = keras.Sequential([])
    inner = keras.Sequential([keras.Input((5,)), layers.Dense(4), layers.Dense(3)], name="inner")
    nested = keras.Sequential([keras.Input((5,)), inner, *(layers.Dense(3) for _ in range(12))])
    for i, model in enumerate([unbuilt, empty, nested]):
        for name in (f"{i}.keras", f"{i}.h5"):
            model.save(tmp_path / name)
            again = models.load_model(tmp_path / name)
            assert again.get_config() == model.get_config() and not again.compiled
            same_bits(model.get_weights(), again.get_weights())
    small().save(tmp_path / "c.keras")
    assert not models.load_model(tmp_path / "c.keras", compile=False).compiled


def test_two_saves_are_equal_but_for_the_date(tmp_path):
    model = small()
    for i in range(2):
        model.save(tmp_path / f"{i}.keras")
        model.save(tmp_path / f"{i}.h5")
    assert (tmp_path / "0.h5").read_bytes() == (tmp_path / "1.h5").read_bytes()
    members = []
    for i in range(2):
        with zipfile.ZipFile(tmp_path / f"{i}.keras") as archive:
            members.append([archive.read(n) for n in archive.namelist()[1:]])
            metadata = json.loads(archive.read("metadata.json"))
    assert members[0] == members[1] and metadata["keras_version"].startswith("3.")


def test_no_key_that_an_older_keras_refuses(tmp_path):
    model = keras.Sequential([keras.Input((4, 3)), layers.Embedding(5, 3), layers.BatchNormalization()])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(), jit_compile=True)
    model.save(tmp_path / "m.keras")
    text = zipfile.ZipFile(tmp_path / "m.keras").read("config.json").decode()
    for key in ("renorm", "input_axes", "quantization_config", "shared_object_id", 'axis": -1, "reduction'):
        assert key not in text
    config = json.loads(text)
    assert config["build_config"] == {"input_shape": [None, 4, 3]}
    pictures = keras.Sequential([keras.Input((4, 4, 3)), layers.Resizing(2, 2), layers.RandomContrast(0.5)])
    pictures.save(tmp_path / "p.keras")
    text = zipfile.ZipFile(tmp_path / "p.keras").read("config.json").decode()
    assert "antialias" not in text and "value_range" not in text
    assert config["compile_config"]["jit_compile"] == "auto"


def test_other_libraries_read_the_plain_formats(tmp_path):
    model = small()
    model.save_weights(tmp_path / "w.npz")
    found = np.load(tmp_path / "w.npz", allow_pickle=False)
    np.testing.assert_array_equal(found["layers/dense/vars/0"], model.layers[0].kernel.value)
    np.savez(tmp_path / "np.npz", **{k: np.asfortranarray(found[k]) for k in found.files})
    model.load_weights(tmp_path / "np.npz")
    model.save_weights(tmp_path / "w.safetensors")
    data = (tmp_path / "w.safetensors").read_bytes()
    n = int.from_bytes(data[:8], "little")
    entry = json.loads(data[8 : 8 + n])["layers/dense/vars/0"]
    values = np.frombuffer(data[8 + n :][slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
    np.testing.assert_array_equal(values, model.layers[0].kernel.value)
    header = json.dumps({"x": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    halves = (np.array([1.5, -2], "f4").view("u4") >> 16).astype("<u2").tobytes()
    found = read_safetensors(len(header).to_bytes(8, "little") + header + halves)
    np.testing.assert_array_equal(found["x"], [1.5, -2])


# One's own classes


@keras.saving.register_keras_serializable("mine")
class Scale(keras.Layer):
    def __init__(self, by=1.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def build(self, input_shape):
        self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")

    def forward(self, x, ctx):
        ctx.save()
        return x * self.scale.value * self.by


class Unregistered(Scale):
    pass


def test_own_layers_come_back_and_keras_is_said_not_to_know_them(tmp_path):
    model = keras.Sequential([keras.Input((3,)), Scale(2.0), Unregistered(3.0)])
    for name in ("m.keras", "m.h5"):
        with pytest.warns(UserWarning, match=r"not Keras' own: Unregistered, mine>Scale"):
            model.save(tmp_path / name)
        with pytest.raises(LoadError, match="custom_objects"):
            models.load_model(tmp_path / name)
        again = models.load_model(tmp_path / name, custom_objects={"Unregistered": Unregistered})
        assert again.layers[0].by == 2.0 and isinstance(again.layers[1], Unregistered)
        np.testing.assert_array_equal(
            model.predict(data()[0], verbose=0), again.predict(data()[0], verbose=0)
        )
    with keras.saving.custom_object_scope({"Unregistered": Unregistered}):
        models.load_model(tmp_path / "m.keras")


def own_metric(y_true, y_pred):
    return np.abs(y_true - y_pred).mean()


def test_own_functions(tmp_path):
    model = small(weighted_metrics=[own_metric])
    with pytest.warns(UserWarning, match="own_metric"):
        model.save(tmp_path / "m.keras")
    with pytest.raises(LoadError, match="own_metric"):
        models.load_model(tmp_path / "m.keras")
    again = models.load_model(tmp_path / "m.keras", custom_objects={"own_metric": own_metric})
    again.fit(*data(), verbose=0)
    models.load_model(tmp_path / "m.keras", compile=False)


# What does not fit


def test_weights_that_do_not_fit_change_nothing(tmp_path):
    model = small(False)
    other = keras.Sequential(
        [layers.Dense(5), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(2)]
    )
    other.build((None, 3))
    before = other.get_weights()
    for ending in FORMATS:
        path = tmp_path / f"w{ending}"
        (model.save if ending == ".keras" else model.save_weights)(path)
        with pytest.raises(LoadError, match=r"kernel has the shape \(3, 5\), in the file \(3, 4\)"):
            other.load_weights(path)
        same_bits(other.get_weights(), before)
        if ending == ".h5":
            other.load_weights(path, skip_mismatch=True)
            continue
        with pytest.warns(UserWarning, match="skipped"):
            other.load_weights(path, skip_mismatch=True)
        np.testing.assert_array_equal(other.layers[3].bias.value, model.layers[3].bias.value)
    fewer = keras.Sequential([keras.Input((3,)), layers.Dense(4, use_bias=False)])
    for ending, problem in ((".weights.h5", "expected 1 variables, found 2"), (".h5", "has 3 layers")):
        with pytest.raises(LoadError, match=problem):
            fewer.load_weights(tmp_path / f"w{ending}")
    many = keras.Sequential([keras.Input((3,)), *(layers.Dense(3) for _ in range(12))])
    with pytest.raises(LoadError, match="and 4 more"):
        many.load_weights(tmp_path / "w.weights.h5")
    whole = tmp_path / "w.h5"
    with pytest.raises(LoadError, match="weights but no model"):
        models.load_model(whole)


def test_names_of_files(tmp_path):
    model = small(False)
    with pytest.raises(ValueError, match=r"`\.keras`.*`\.weights\.h5`"):
        model.save(tmp_path / "m.nope")
    with pytest.raises(ValueError, match="Invalid filepath extension"):
        model.save(tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match=r"`\.weights\.h5`.*`\.npz`"):
        model.save_weights(tmp_path / "m.nope")
    with pytest.raises(LoadError, match="not supported"):
        model.load_weights(tmp_path / "m.nope")
    with pytest.raises(LoadError, match="is loaded from"):
        models.load_model(tmp_path / "m.nope")
    with pytest.raises(LoadError, match="File not found"):
        models.load_model(tmp_path / "m.keras")
    with pytest.raises(LoadError, match="cannot be read"):
        (tmp_path / "folder.keras").mkdir()
        models.load_model(tmp_path / "folder.keras")
    with pytest.raises(ValueError, match="not built"):
        keras.Sequential([layers.Dense(2)]).load_weights(tmp_path / "m.keras")
    for arguments in ({"zipped": False}, {"examples": np.zeros((1, 3))}):
        with pytest.raises(ValueError, match="save_model"):
            model.save(tmp_path / ("m.keras" if "zipped" in arguments else "m.h5"), **arguments)
    with pytest.raises(ValueError, match="max_shard_size"):
        model.save_weights(tmp_path / "m.weights.h5", max_shard_size=1)
    assert os.listdir(tmp_path) == ["folder.keras"]
    for save, name in ((model.save, "m.keras"), (model.save_weights, "m.npz")):
        save(tmp_path / name)
        with pytest.raises(FileExistsError, match="overwrite=True"):
            save(tmp_path / name, overwrite=False)


def test_verify(tmp_path):
    model, path = small(), tmp_path / "m.keras"
    model.save(path, examples=data()[0][:2])
    assert models.load_model(path, verify=True).compiled
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    tree = hdf5.loads(members["model.weights.h5"])
    tree["layers/dense_1/vars/1"] = tree["layers/dense_1/vars/1"] + 1
    members["model.weights.h5"] = b"".join(map(bytes, hdf5.chunks(tree)))
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    models.load_model(path)
    with pytest.raises(LoadError, match="does not give the outputs"):
        models.load_model(path, verify=True)
    model.save(path)
    with pytest.raises(LoadError, match="no examples"):
        models.load_model(path, verify=True)
    model.save(tmp_path / "m.h5")
    with pytest.raises(LoadError, match=r"only a \.keras file"):
        models.load_model(tmp_path / "m.h5", verify=True)


# Sure writing


class NoSeek(io.RawIOBase):
    def __init__(self):
        self.data = b""

    def writable(self):
        return True

    def write(self, piece):
        self.data += bytes(piece)
        return len(piece)

    def seek(self, *_):
        raise io.UnsupportedOperation("seek")

    tell = seek


def test_open_files_and_pipes(tmp_path):
    model, stream = small(), NoSeek()
    model.save(stream)
    same_bits(state(models.load_model(io.BytesIO(stream.data))), state(model))
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as source:
        write_file(f"/dev/fd/{writer}", [b"ab", b"c"])
        os.close(writer)
        assert source.read() == b"abc"


def test_an_old_file_survives_whatever_fails(tmp_path, monkeypatch):
    model, path = small(False), tmp_path / "m.keras"
    model.save(path)
    old = path.read_bytes()

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        OSError, match=r"No space left on device: .*m\.keras cannot be written. The old file is"
    ):
        model.save(path)
    monkeypatch.undo()
    monkeypatch.setattr(
        os, "replace", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    )
    with pytest.raises(PermissionError):
        model.save(path)
    monkeypatch.undo()
    assert path.read_bytes() == old and os.listdir(tmp_path) == ["m.keras"]
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        model.save(tmp_path / "missing" / "m.keras")
    (tmp_path / "link.keras").symlink_to(path)
    model.save(tmp_path / "link.keras")
    assert (tmp_path / "link.keras").is_symlink()


def test_loading_draws_no_initial_values(tmp_path):
    model = small(False)
    model.save(tmp_path / "m.keras")
    keras.utils.set_random_seed(0)
    models.load_model(tmp_path / "m.keras")
    first = keras.random.default_generator.get_state()
    keras.utils.set_random_seed(0)
    [layers.Dense(1), layers.Dropout(0.5), layers.BatchNormalization(), layers.Dense(1)]
    assert keras.random.default_generator.get_state()[0] == first[0]  # only the layers' seeds


# Words of Keras 1 and 2


def old_model(configs, class_name="Sequential"):
    return {"class_name": class_name, "config": configs}


def load_old(tmp_path, configs, weights=None, training=None, optimizer=None):
    root = hdf5.Group()
    root.attributes["model_config"] = json.dumps({"class_name": "Sequential", "config": configs})
    if training:
        root.attributes["training_config"] = json.dumps(training)
    for kind, groups in (("model_weights", weights or {}), ("optimizer_weights", optimizer)):
        if groups is None:
            continue
        group = root.group(kind)
        if kind == "model_weights":
            group.attributes["layer_names"] = list(groups) or np.zeros(0)
        for name, arrays in groups.items():
            inner = group if kind == "optimizer_weights" else group.group(name)
            names = list(arrays)
            inner.attributes["weight_names"] = names or np.zeros(0)
            for key, array in arrays.items():
                inner[key] = np.asarray(array, "f4")
    hdf5.save(tmp_path / "old.h5", root)
    return models.load_model(tmp_path / "old.h5")


def test_keras_1(tmp_path):
    rng = np.random.default_rng(0)
    gates = {
        f"lstm_{k}_{g}": rng.normal(size=s)
        for g in "icfo"
        for k, s in (("W", (3, 2)), ("U", (2, 2)), ("b", 2))
    }
    model = load_old(
        tmp_path,
        [
            {
                "class_name": "LSTM",
                "config": {
                    "name": "lstm_1", "output_dim": 2, "inner_activation": "sigmoid", "inner_init": "orthogonal",
                    "init": "glorot_uniform", "batch_input_shape": [None, 4, 3], "consume_less": "cpu",
                    "dropout_W": 0.0, "dropout_U": 0.0, "W_regularizer": None, "input_dtype": "float32",
                    "return_sequences": False, "trainable": True,
                },
            },
            {"class_name": "Dropout", "config": {"name": "drop", "p": 0.25}},
            {"class_name": "Dense", "config": {"name": "dense_1", "output_dim": 1, "bias": True, "init": "uniform"}},
        ],
        {"lstm_1": gates, "drop": {}, "dense_1": {"dense_1_W": [[1], [2]], "dense_1_b": [0]}},
    )  # fmt: skip
    assert model.layers[1].rate == 0.25 and model.input_shape == (None, 4, 3)
    kernel = model.layers[0].cell.kernel.value
    for i, g in enumerate("ifco"):
        np.testing.assert_array_equal(kernel[:, 2 * i : 2 * i + 2], gates[f"lstm_W_{g}"].astype("f4"))
    image = load_old(
        tmp_path,
        [
            {
                "class_name": "Convolution2D",
                "config": {
                    "name": "c", "nb_filter": 2, "nb_row": 3, "nb_col": 2, "border_mode": "same", "subsample": [1, 1],
                    "dim_ordering": "tf", "batch_input_shape": [None, 5, 5, 1],
                },
            },
            {"class_name": "BatchNormalization", "config": {"name": "b", "mode": 0, "axis": [3]}},
            {"class_name": "LeakyReLU", "config": {"name": "l", "alpha": 0.25}},
        ],
        {"c": {"c_W": np.ones((3, 2, 1, 2)), "c_b": [0, 0]}, "b": {k: np.ones(2) for k in "abcd"}},
    )  # fmt: skip
    assert image.layers[0].kernel_size == (3, 2) and image.layers[0].padding == "same"
    assert image.layers[1].axis == -1 or image.layers[1].axis == 3
    assert image.layers[2].negative_slope == 0.25


def test_keras_2(tmp_path):
    dense = {"name": "d", "units": 1, "batch_input_shape": [None, 2], "dtype": "float32"}
    initializer = {"class_name": "VarianceScaling", "config": {"distribution": "normal", "dtype": "float32"}}
    configs = {
        "name": "old",
        "layers": [{"class_name": "Dense", "config": {**dense, "kernel_initializer": initializer}}],
    }
    kernel, bias = np.array([[1], [2]], "f4"), np.array([3], "f4")
    metric = {"class_name": "MeanMetricWrapper", "config": {"name": "own", "fn": "mean_squared_error"}}
    training = {
        "loss": {"class_name": "MeanSquaredError", "config": {"reduction": "auto", "name": "l"}},
        "metrics": [metric],
        "sample_weight_mode": None,
        "optimizer_config": {"class_name": "Adam", "config": {"name": "Adam", "lr": 0.5, "decay": 0.0}},
    }
    slots = {
        "Adam/iter:0": 7, "Adam/d/kernel/m:0": kernel, "Adam/d/bias/m:0": bias,
        "Adam/d/kernel/v:0": kernel * 2, "Adam/d/bias/v:0": bias * 2,
    }  # fmt: skip
    weights = {"d": {"d/kernel:0": kernel, "d/bias:0": bias}}
    with pytest.warns(UserWarning, match="not loaded"):  # the count must be a whole number
        model = load_old(tmp_path, configs, weights, training, {"": slots})
    assert float(model.optimizer.learning_rate) == 0.5
    np.testing.assert_array_equal(model.predict(np.ones((1, 2)), verbose=0), [[6]])
    names = [name.removesuffix(":0") for name in slots]
    root = hdf5.load(tmp_path / "old.h5")
    group = root["optimizer_weights"]
    group[names[0] + ":0"] = np.int64(7)
    hdf5.save(tmp_path / "old.h5", root)
    model = models.load_model(tmp_path / "old.h5")
    assert int(model.optimizer.iterations) == 7
    for v, expected in zip(model.optimizer.variables[2:], [kernel, 2 * kernel, bias, 2 * bias], strict=True):
        np.testing.assert_array_equal(v.value, expected)
    model.fit(np.ones((4, 2)), np.ones(4), verbose=0)


def test_what_has_gone_is_refused(tmp_path):
    recurrent = {"name": "g", "units": 2, "time_major": True, "batch_input_shape": [None, 4, 3]}
    with pytest.raises(LoadError, match="time_major=True"):
        load_old(tmp_path, [{"class_name": "GRU", "config": recurrent}])
    old = {**recurrent, "time_major": False, "implementation": 1}
    gru = {"g": {"k": np.ones((3, 6)), "r": np.ones((2, 6)), "b": np.ones(6)}}
    assert load_old(tmp_path, [{"class_name": "GRU", "config": old}], gru).layers[0].reset_after is False


def test_long_lists_of_names_are_cut(tmp_path, monkeypatch):
    from minikeras.saving import legacy

    tree = hdf5.Group()
    names = [f"n{i}" for i in range(9000)]
    legacy._set_list(tree, "layer_names", names)
    assert list(tree.attributes) == ["layer_names0", "layer_names1", "layer_names2"]
    assert legacy._list(tree, "layer_names") == names and legacy.is_legacy(tree)
    assert legacy._unique(["a", "b", "a", "a"]) == ["a", "b", "a_1", "a_2"]
