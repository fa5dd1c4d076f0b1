"""Files that mean harm, and files that are damaged: one clean error, little memory, little time."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minikeras as keras
from minikeras import layers, models, registry
from minikeras.saving import LoadError, hdf5
from minikeras.saving.configs import parse

GOLDEN = Path(__file__).parent / "golden" / "keras_files.zip"
HOSTILE = [n for n in zipfile.ZipFile(GOLDEN).namelist() if n.startswith("hostile/")]
HARMLESS = {"hostile/h5_optimizer_short.keras": "was not loaded", "hostile/zip_traversal.keras": None}
MUTATIONS = {"nightly": 20_000}.get(os.environ.get("HYPOTHESIS_PROFILE", "dev"), 500)


def read(name: str) -> bytes:
    with zipfile.ZipFile(GOLDEN) as archive:
        return archive.read(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(name, tmp_path, monkeypatch):
    path = tmp_path / Path(name).name
    path.write_bytes(read(name))
    registry.tables()
    modules = set(sys.modules)
    tracemalloc.start()
    start = time.perf_counter()
    try:
        if name not in HARMLESS:
            with pytest.raises(LoadError) as caught:
                models.load_model(path)
            assert str(path) in str(caught.value) and len(str(caught.value)) < 2000
        elif HARMLESS[name]:
            with pytest.warns(UserWarning, match=HARMLESS[name]):
                models.load_model(path)
        else:
            models.load_model(path)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - start < 5
    assert not {m for m in set(sys.modules) - modules if not m.startswith(("minikeras", "zipfile"))} & {
        "os",
        "ctypes",
    }
    assert os.listdir(tmp_path) == [path.name]


def test_bombs(tmp_path):
    for name, content in {
        "config.json": b" " * 20_000_000,
        "model.weights.h5": bytes(20_000_000),
    }.items():
        path = tmp_path / "bomb.keras"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", content if name == "config.json" else b"{}")
            archive.writestr("model.weights.h5", content if name != "config.json" else b"")
        with pytest.raises(LoadError, match=f"{name} is said to have 20000000 bytes"):
            models.load_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(1001):
            archive.writestr(str(i), b"")
    with pytest.raises(LoadError, match="more than 1000 members"):
        models.load_model(path)


def write(config, weights: bytes = b"", **members) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", config if isinstance(config, bytes) else json.dumps(config))
        archive.writestr("model.weights.h5", weights or b"".join(map(bytes, hdf5.chunks(hdf5.Group()))))
    buffer.seek(0)
    return buffer


def sequential(*entries, **config):
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "m", "layers": list(entries), **config},
    }


def layer(class_name, /, **config):
    return {"module": "keras.layers", "class_name": class_name, "config": config}


def envelope(module, class_name):
    return {"module": f"keras.{module}", "class_name": class_name, "config": {}}


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (
            sequential(layer("Dense", units=2, activation=envelope("initializers", "Zeros"))),
            "cannot stand here",
        ),
        (sequential(layer("Dense", units=2, kernel_initializer=layer("Flatten"))), "cannot stand here"),
        (sequential(envelope("losses", "MeanSquaredError")), "cannot stand here"),
        (
            sequential(layer("Dense", units=2, dtype={"class_name": "DTypePolicy", "config": 3})),
            "DTypePolicy",
        ),
        (b"[1]", "no JSON object"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"{", "no valid JSON"),
        ({"class_name": 3, "config": {}}, "named by a string"),
        ({"class_name": "Sequential", "config": 3}, "no JSON object"),
        ({"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}, "cannot stand here"),
        ({"module": "keras", "class_name": "Functional", "config": {}}, "only Sequential"),
        (
            {"module": "keras.src.models.functional", "class_name": "Functional", "config": {}},
            "only Sequential",
        ),
        (sequential(layer("Dense", units=2, nope=3)), "nope"),
        (sequential(layer("Nope")), "Unknown class 'Nope'"),
        (
            sequential({"module": "my.code", "class_name": "Mine", "config": {}}),
            "neither Keras' nor registered",
        ),
        (sequential(*[layer("Flatten")] * 2001), "more than 2000"),
        (
            sequential(layer("Dense", units=2, activation={"class_name": "function", "config": 3})),
            "named by a string",
        ),
        (
            sequential(layer("Dense", units=2, activation={"class_name": "function", "config": "zeros"})),
            "zeros",
        ),
        (
            sequential(layer("Dense", units=2, bias_initializer={"class_name": "__numpy__", "config": 3})),
            "numeric",
        ),
        ({"class_name": "x", "config": {"a": json.loads("[" * 200 + "]" * 200)}}, "nested too deep"),
        (sequential(layer("TFSMLayer", filepath="/etc")), "Unknown class"),
        (sequential(layer("Dense", units=10**30), build_input_shape=[None, 3]), "."),
        (sequential(layer("Dense", units=3, name="a/b")), "without '/'"),
    ],
)
def test_bad_configs(config, problem):
    with pytest.raises(LoadError, match=problem):
        models.load_model(write(config))


def test_bad_weights():
    model = sequential(layer("InputLayer", batch_shape=[None, 2]), layer("Dense", units=1, name="d"))
    for arrays, problem in [
        ({"0": np.ones((2, 1), "c8")}, None),
        ({"0": np.ones((2, 1), "f4"), "2": np.ones(1, "f4")}, "no array 1"),
        ({"0": np.ones((1, 2), "f4"), "1": np.ones(1, "f4")}, "shape"),
        ({"0": np.ones((2, 1), "f4"), "1": np.ones((), "f4")}, "shape"),
    ]:
        tree = hdf5.Group()
        tree.group("layers/dense/vars").members = arrays
        if problem is None:
            continue
        with pytest.raises(LoadError, match=problem):
            models.load_model(write(model, b"".join(map(bytes, hdf5.chunks(tree)))))
    tree = hdf5.Group()
    tree["layers/dense/vars"] = np.ones(2, "f4")
    with pytest.raises(LoadError, match="a group is expected"):
        models.load_model(write(model, b"".join(map(bytes, hdf5.chunks(tree)))))
    integers = sequential(layer("InputLayer", batch_shape=[None, 2]), layer("Dense", units=1, dtype="int32"))
    tree = hdf5.Group()
    tree.group("layers/dense/vars").members = {"0": np.ones((2, 1), "f4"), "1": np.ones(1, "f4")}
    with pytest.raises(LoadError, match="is int32, in the file float32"):
        models.load_model(write(integers, b"".join(map(bytes, hdf5.chunks(tree)))))


def test_bad_plain_files(tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    header = {"x": {"dtype": "F32", "shape": [4], "data_offsets": [0, 8]}}

    def tensors(header):
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + bytes(8)

    bad = {
        "short.safetensors": b"abc",
        "long.safetensors": (1 << 60).to_bytes(8, "little") + b"{}",
        "size.safetensors": tensors(header),
        "end.safetensors": tensors({"x": {**header["x"], "data_offsets": [0, 16]}}),
        "type.safetensors": tensors({"x": {**header["x"], "dtype": "F13"}}),
        "keys.safetensors": tensors({"x": {}}),
        "no.npz": b"abc",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    np.savez(tmp_path / "objects.npz", a=np.array([{}], object))
    with zipfile.ZipFile(tmp_path / "version.npz", "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x09\x00" + bytes(20))
    for path in tmp_path.iterdir():
        with pytest.raises(LoadError, match=path.name):
            model.load_weights(path)


def seeds() -> dict[str, bytes]:
    """A file of each kind, to be mutated."""
    model = keras.Sequential([keras.Input((4, 3)), layers.LSTM(2), layers.Dense(2, "softmax")])
    model.compile("adam", "mse", metrics=["accuracy"])
    model.fit(np.ones((2, 4, 3)), np.ones((2, 2)), verbose=0)
    found = {}
    for name in ("m.keras", "m.h5", "w.weights.h5", "w.npz", "w.safetensors"):
        path = Path(os.environ["FUZZ"]) / name if "FUZZ" in os.environ else Path(name)
        (model.save if name[0] == "m" else model.save_weights)(path)
        found[name] = path.read_bytes()
    return found


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    found = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(len(found)))
        kind = rng.integers(5)
        if kind == 0:
            found[at] = rng.integers(256)
        elif kind == 1:
            found[at] ^= 1 << int(rng.integers(8))
        elif kind == 2:
            found[at : at + 8] = [0, 1, 2**31, 2**63 - 1, 2**64 - 1, at][rng.integers(6)].to_bytes(
                8, "little"
            )
        elif kind == 3:
            del found[at : at + int(rng.integers(1, 40))]
        else:
            found[at:at] = found[max(0, at - 30) : at]
        if not found:
            break
    return bytes(found)


def mutate_json(value, rng):
    """One leaf of a config becomes something else."""
    strange = [
        None,
        True,
        -1,
        0,
        2**40,
        1e308,
        "",
        "relu",
        "x" * 50,
        [],
        {},
        [None, 3],
        {"class_name": "Dense"},
    ]
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = str(rng.choice(list(value)))
        if rng.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: mutate_json(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        i = int(rng.integers(len(value)))
        return [*value[:i], mutate_json(value[i], rng), *value[i + 1 :]]
    return strange[rng.integers(len(strange))]


def mutated(name: str, data: bytes, rng: np.random.Generator) -> bytes:
    if name != "m.keras" or rng.random() < 0.2:
        return mutate(data, rng)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        config, weights = archive.read("config.json"), archive.read("model.weights.h5")
    if rng.random() < 0.5:
        return write(mutate_json(parse(config), rng), weights).getvalue()
    return write(config, mutate(weights, rng)).getvalue()


@pytest.mark.filterwarnings("ignore")
def test_mutated_files(tmp_path, monkeypatch):
    monkeypatch.setenv("FUZZ", str(tmp_path))
    files, rng = seeds(), np.random.default_rng(0)
    model = models.load_model(tmp_path / "m.keras")
    refused = slowest = largest = 0
    for i in range(MUTATIONS):
        name = list(files)[i % len(files)]
        (tmp_path / name).write_bytes(mutated(name, files[name], rng))
        measured = i % 10 == 0
        if measured:
            tracemalloc.start()
        start = time.perf_counter()
        try:
            with np.errstate(all="ignore"):
                models.load_model(tmp_path / name) if name[0] == "m" else model.load_weights(tmp_path / name)
        except LoadError:
            refused += 1
        slowest = max(slowest, time.perf_counter() - start)
        if measured:
            largest = max(largest, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert refused > 0.3 * MUTATIONS
    assert slowest < 2 and largest < 50e6, (slowest, largest)


def test_a_gigabyte_is_not_enough_for_none_of_them(tmp_path):
    """Huge shapes: refused within 1 GiB of address space."""
    code = f"""
import resource, sys
import numpy
import minikeras.models as models
from minikeras.saving import LoadError
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_hostile_files import layer, sequential, write
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
huge = 10**9
for entries in (
    [layer("Dense", units=huge)],
    [layer("LSTM", units=huge)],
    [layer("Embedding", input_dim=huge, output_dim=huge)],
    [layer("RepeatVector", n=huge), layer("LSTM", units=3)],
    [layer("Dense", units=huge), layer("BatchNormalization")],
    [layer("LSTM", units=huge, stateful=True)],
):
    for shape in ([None, 3], [None, huge], [None, 4, 3], [7, huge, huge]):
        try:
            models.load_model(write(sequential(layer("InputLayer", batch_shape=shape), *entries)))
        except LoadError:
            continue
        raise SystemExit("loaded")
"""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert time.perf_counter() - start < 10


def test_many_layers_take_little_time():
    config = sequential(
        *[layer("Dense", units=1, name=f"d{i}") for i in range(2000)], build_input_shape=[None, 1]
    )
    start = time.perf_counter()
    with pytest.raises(LoadError, match="and 1992 more"):
        models.load_model(write(config))
    assert time.perf_counter() - start < 5
