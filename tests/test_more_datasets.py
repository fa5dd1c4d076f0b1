"""Keras' other data sets, from small files of the same format in a folder of their own."""

import gzip
import io
import json
import os
import pickle
import tarfile
import zipfile

import numpy as np
import pytest

from minikeras import config, datasets
from minikeras.datasets import cifar10, cifar100
from minikeras.datasets._files import ArrayUnpickler


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "datasets" / "fashion-mnist").mkdir(parents=True)
    monkeypatch.setenv("MINIKERAS_HOME", str(tmp_path))
    return tmp_path / "datasets"


class Harm:
    def __reduce__(self):
        return os.system, ("echo harm",)


def test_fashion_mnist(home):
    rng, folder = np.random.default_rng(0), home / "fashion-mnist"
    wanted = {}
    for part, n in (("train", 5), ("t10k", 3)):
        x, y = rng.integers(0, 256, (n, 28, 28), "uint8"), rng.integers(0, 10, n, "uint8")
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(16) + x.tobytes()))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(8) + y.tobytes()))
        wanted[part] = x, y
    for found, part in zip(datasets.fashion_mnist.load_data(), ("train", "t10k"), strict=True):
        for a, b in zip(found, wanted[part], strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == np.uint8
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(9)))
    with pytest.raises(ValueError, match="1 labels, but 2352 pixels"):
        datasets.fashion_mnist.load_data()
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r"does not hold Fashion-MNIST(.|\n)*delete the file"):
        datasets.fashion_mnist.load_data()


def batch(n, seed, **keys):
    rng = np.random.default_rng(seed)
    labels = {name.encode(): rng.integers(0, k, n).tolist() for name, k in keys.items()}
    return {b"data": rng.integers(0, 256, (n, 3072), "uint8"), **labels}


def archive(path, folder, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            data = pickle.dumps(content, 2)
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_cifar10(home, tmp_path, monkeypatch):
    members = {f"data_batch_{i}": batch(2, i, labels=10) for i in range(1, 6)}
    members["test_batch"] = batch(3, 9, labels=10)
    archive(tmp_path / "c.tar.gz", "cifar-10-batches-py", members)
    monkeypatch.setattr(cifar10, "ORIGIN", (tmp_path / "c.tar.gz").as_uri())
    monkeypatch.setattr(cifar10, "SHA256", None)
    (x, y), (x_test, y_test) = datasets.cifar10.load_data()
    assert x.shape == (10, 32, 32, 3) and y.shape == (10, 1) and x_test.shape == (3, 32, 32, 3)
    assert x.dtype == y.dtype == x_test.dtype == y_test.dtype == np.uint8
    np.testing.assert_array_equal(y[2:4, 0], members["data_batch_2"][b"labels"])
    # red, green and blue follow each other in the file: (3, 32, 32)
    np.testing.assert_array_equal(x[3, :, :, 1].ravel(), members["data_batch_2"][b"data"][1, 1024:2048])
    (tmp_path / "c.tar.gz").unlink()
    config.set_image_data_format("channels_first")
    try:
        assert datasets.cifar10.load_data()[1][0].shape == (3, 3, 32, 32)
    finally:
        config.set_image_data_format("channels_last")


def test_cifar100(home, tmp_path, monkeypatch):
    members = {"train": batch(4, 1, fine_labels=100, coarse_labels=20)}
    members["test"] = batch(2, 2, fine_labels=100, coarse_labels=20)
    archive(tmp_path / "c.tar.gz", "cifar-100-python", members)
    monkeypatch.setattr(cifar100, "ORIGIN", (tmp_path / "c.tar.gz").as_uri())
    monkeypatch.setattr(cifar100, "SHA256", None)
    for mode in ("fine", "coarse"):
        (x, y), (_, y_test) = datasets.cifar100.load_data(mode)
        np.testing.assert_array_equal(y[:, 0], members["train"][f"{mode}_labels".encode()])
        np.testing.assert_array_equal(y_test[:, 0], members["test"][f"{mode}_labels".encode()])
        assert x.shape == (4, 32, 32, 3)
    with pytest.raises(ValueError, match="`label_mode`"):
        datasets.cifar100.load_data("middle")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (Harm(), r"refers to (posix|nt)\.system"),
        ({b"data": np.zeros((2, 7), "uint8")}, "reshape"),
        ({b"data": np.zeros((2, 3072), "uint8")}, "labels"),
        ([1, 2], "list"),
    ],
)
def test_a_cifar_file_with_something_else_is_refused(home, content, problem, capfd):
    folder = home / "cifar-10-batches-py-target" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    (folder / "data_batch_1").write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=f"does not hold a part of CIFAR(.|\n)*{problem}"):
        datasets.cifar10.load_data()
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "module", [datasets.boston_housing, datasets.california_housing], ids=lambda m: m.__name__
)
def test_housing(home, module):
    name, load = module.__name__.split(".")[-1], module.load_data
    x, y = np.arange(1400.0).reshape(700, 2), np.arange(700.0)
    np.savez(home / f"{name}.npz", x=x, y=y)
    (x_train, y_train), (x_test, y_test) = load()
    assert len(x_train) == 560 and len(x_test) == 140
    order = np.arange(700)
    np.random.RandomState(113).shuffle(order)
    np.testing.assert_array_equal(y_train, order[:560])
    np.testing.assert_array_equal(x_test, x[order[560:]])
    (_, y_train), (_, y_test) = load(test_split=0.0, seed=1)
    assert len(y_train) == 700 and len(y_test) == 0 and y_train.tolist() != order.tolist()
    for bad in ({"test_split": 1}, {"test_split": -0.1}, {"test_split": "a"}, {"seed": -1}):
        with pytest.raises(ValueError, match=f"`{next(iter(bad))}`"):
            load(**bad)


def test_california_has_a_small_version(home):
    np.savez(home / "california_housing.npz", x=np.ones((700, 8)), y=np.arange(700))
    (_, y_train), (_, y_test) = datasets.california_housing.load_data("small")
    assert sorted([*y_train, *y_test]) == list(range(600)) and len(y_test) == 120
    with pytest.raises(ValueError, match="`version`"):
        datasets.california_housing.load_data("tiny")


def lists(*rows):
    array = np.empty(len(rows), object)
    array[:] = [list(r) for r in rows]
    return array


TEXTS = lists([1, 5, 9], [2, 2], [7, 3, 1, 4], [8])
PARTS = {"x_train": TEXTS, "y_train": np.array([1, 0, 1, 0]), "x_test": TEXTS[:2], "y_test": np.array([0, 1])}


def read_back(x, y):
    return dict(zip(y.tolist(), x.tolist(), strict=True))


def test_imdb(home):
    np.savez(home / "imdb.npz", **{**PARTS, "y_train": np.arange(4)})
    (x, y), (x_test, y_test) = datasets.imdb.load_data(num_words=100)
    order = np.arange(4)
    np.random.RandomState(113).shuffle(order)
    assert y.tolist() == order.tolist() and x.dtype == object
    assert read_back(x, y) == {0: [1, 4, 8, 12], 1: [1, 5, 5], 2: [1, 10, 6, 4, 7], 3: [1, 11]}
    assert read_back(x_test, y_test) == {0: [1, 4, 8, 12], 1: [1, 5, 5]}
    # without num_words, the greatest number of all (12) is out of the vocabulary, as in Keras
    assert read_back(*datasets.imdb.load_data()[0])[0] == [1, 4, 8, 2]
    plain = {"start_char": None, "index_from": 0, "oov_char": None}
    assert read_back(*datasets.imdb.load_data(num_words=8, skip_top=2, **plain)[0])[2] == [7, 3, 4]
    (x, y), _ = datasets.imdb.load_data(num_words=6, maxlen=4)
    assert read_back(x, y) == {1: [1, 5, 5], 3: [1, 2]}
    with pytest.raises(ValueError, match="no text is shorter than maxlen=2"):
        datasets.imdb.load_data(maxlen=2)
    for bad in ({"num_words": -1}, {"skip_top": None}, {"maxlen": 1.5}, {"index_from": "a"}, {"seed": -1}):
        with pytest.raises(ValueError, match=f"`{next(iter(bad))}`"):
            datasets.imdb.load_data(**bad)
    (home / "imdb_word_index.json").write_text(json.dumps({"the": 1}))
    assert datasets.imdb.get_word_index() == {"the": 1}


def test_reuters(home):
    np.savez(home / "reuters.npz", x=TEXTS, y=np.arange(4))
    (x, y), (x_test, y_test) = datasets.reuters.load_data(num_words=100, test_split=0.25)
    assert len(x) == 3 and len(x_test) == 1
    found = read_back(x, y) | read_back(x_test, y_test)
    assert found == {0: [1, 4, 8, 12], 1: [1, 5, 5], 2: [1, 10, 6, 4, 7], 3: [1, 11]}
    assert len(datasets.reuters.load_data(maxlen=4, test_split=0)[0][0]) == 2
    (home / "reuters_word_index.json").write_text(json.dumps({"oil": 1}))
    assert datasets.reuters.get_word_index() == {"oil": 1}
    names = datasets.reuters.get_label_names()
    assert len(names) == 46 and names[3] == "earn" and names[45] == "lead"


def test_texts_of_one_length_stay_lists(home):
    np.savez(home / "reuters.npz", x=lists([1, 2], [3, 4]), y=np.arange(2))
    assert datasets.reuters.load_data(test_split=0)[0][0].shape == (2,)


def test_an_archive_that_would_run_a_program_is_refused(home, capfd):
    evil = np.empty(1, object)
    evil[0] = Harm()
    np.savez(home / "reuters.npz", x=evil, y=np.arange(1))
    with pytest.raises(ValueError, match=r"does not hold Reuters: it refers to .*system"):
        datasets.reuters.load_data()
    with zipfile.ZipFile(home / "imdb.npz", "w") as file:
        file.writestr("x_train.npy", b"nonsense")
    with pytest.raises(ValueError, match="does not hold IMDB"):
        datasets.imdb.load_data()
    assert capfd.readouterr().out == ""


def test_arrays_pickled_by_older_versions_of_numpy_are_read():
    old = pickle.dumps(np.arange(3), 2).replace(b"numpy._core", b"numpy.core")
    assert b"numpy.core" in old
    assert ArrayUnpickler(io.BytesIO(old)).load().tolist() == [0, 1, 2]
