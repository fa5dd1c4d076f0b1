"""Data sets of pictures: small files of their formats, whole and damaged."""

from __future__ import annotations

import functools
import gzip
import hashlib
import os
import pickle
import struct
import tarfile

import numpy as np
import pytest

from minikeras import config
from minikeras.datasets import cifar10, cifar100, fashion_mnist

# Fashion-MNIST


def idx(array, magic=8):
    shape = struct.pack(f">{array.ndim}i", *array.shape)
    return gzip.compress(bytes([0, 0, magic, array.ndim]) + shape + array.tobytes())


def clothes(folder, **other):
    """Files of 5 and 3 images; those in `other` are replaced."""
    draw = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 5), ("t10k", 3)):
        arrays[f"{part}-images-idx3-ubyte.gz"] = draw.integers(0, 256, (n, 28, 28), np.uint8)
        arrays[f"{part}-labels-idx1-ubyte.gz"] = draw.integers(0, 10, n, np.uint8)
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        key = name.split("-idx")[0].replace("-", "_")
        (folder / name).write_bytes(other.get(key, idx(array)))
    return list(arrays.values())


def test_fashion_mnist(data_folder, tmp_path, monkeypatch):
    x_train, y_train, x_test, y_test = clothes(tmp_path / "server")
    monkeypatch.setattr(fashion_mnist, "ORIGIN", (tmp_path / "server").as_uri() + "/")
    for _ in range(2):
        data = fashion_mnist.load_data()
        for found, expected in zip((*data[0], *data[1]), (x_train, y_train, x_test, y_test), strict=True):
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == np.uint8 and found.flags.writeable
        monkeypatch.setattr(
            fashion_mnist, "ORIGIN", "http://127.0.0.1:9/"
        )  # the second time: from the folder
    assert len(os.listdir(data_folder / "fashion-mnist")) == 4


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({"train_labels": b"garbage"}, "Not a gzipped file"),
        ({"train_labels": idx(np.zeros(5, np.uint8))[:-9]}, "ended before"),
        ({"train_labels": gzip.compress(b"")}, "it begins with b''"),
        ({"train_labels": idx(np.zeros(5, np.uint8), magic=9)}, "it begins with"),
        ({"t10k_images": idx(np.zeros((3, 28), np.uint8))}, "it begins with"),
        ({"t10k_images": idx(np.zeros((3, 28, 29), np.uint8))}, r"shape \(3, 28, 29\)"),
        ({"t10k_images": idx(np.zeros((4, 28, 28), np.uint8))}, "it has 4 images for 3 labels"),
        (
            {"t10k_images": gzip.compress(gzip.decompress(idx(np.zeros((3, 28, 28), np.uint8)))[:-1])},
            "2351 numbers",
        ),
    ],
)
def test_fashion_mnist_damaged(other, problem, data_folder):
    clothes(data_folder / "fashion-mnist", **other)
    with pytest.raises(ValueError, match=rf"\.gz does not hold Fashion-MNIST: .*{problem}"):
        fashion_mnist.load_data()


# CIFAR: pickles as Python 2 wrote them, with byte strings for all strings and NumPy's old module names


class Python2Pickler(pickle._Pickler):
    def save_string(self, text):
        data = text.encode("latin1") if isinstance(text, str) else text
        self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)

    def save_bool(self, value):  # NumPy wrote the arguments of a dtype as 0 and 1
        self.write(pickle.BININT1 + bytes([value]))

    dispatch = {**pickle._Pickler.dispatch, bytes: save_string, str: save_string, bool: save_bool}  # noqa: RUF012


def write_batch(path, **batch):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        Python2Pickler(file, protocol=2).dump(batch)
    path.write_bytes(path.read_bytes().replace(b"cnumpy._core.", b"cnumpy.core."))


def photographs(n, seed):
    return np.random.default_rng(seed).integers(0, 256, (n, 3072), np.uint8)


def write_cifar(folder):
    """Both archives' folders: five batches of two images and a test batch of three; 4 and 3."""
    ten, hundred = folder / "cifar-10-batches-py", folder / "cifar-100-python"
    for i in range(1, 6):
        name = f"data_batch_{i}"
        write_batch(ten / name, batch_label=name, data=photographs(2, i), labels=[i, 9], filenames=["a", "b"])
    write_batch(ten / "test_batch", data=photographs(3, 6), labels=[7, 8, 0])
    for part, n in (("train", 4), ("test", 3)):
        labels = {"fine_labels": list(range(96, 96 + n)), "coarse_labels": list(range(16, 16 + n))}
        write_batch(hundred / part, data=photographs(n, n), **labels)


LOADERS = [
    (cifar10, "cifar-10-batches-py", cifar10.load_data, [1, 9, 2, 9, 3, 9, 4, 9, 5, 9], [7, 8, 0]),
    (cifar100, "cifar-100-python", cifar100.load_data, [96, 97, 98, 99], [96, 97, 98]),
    (
        cifar100,
        "cifar-100-python",
        functools.partial(cifar100.load_data, label_mode="coarse"),
        [16, 17, 18, 19],
        [16, 17, 18],
    ),
]


@pytest.mark.parametrize(("module", "name", "load", "y_train", "y_test"), LOADERS)
def test_cifar(module, name, load, y_train, y_test, data_folder, tmp_path, monkeypatch):
    write_cifar(tmp_path)
    archive = tmp_path / "source.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / name, name)
    monkeypatch.setattr(module, "ORIGIN", archive.as_uri())
    with pytest.raises(ValueError, match="Incomplete or corrupted file"):
        load()
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(archive.read_bytes()).hexdigest())
    (x, y), (x_test, _) = load()
    assert sorted(os.listdir(data_folder)) == [f"{name}-target", f"{name}-target_archive"]
    assert y.tolist() == [[label] for label in y_train] and y.dtype == np.uint8
    assert x.shape == (len(y), 32, 32, 3) and x_test.shape == (3, 32, 32, 3) and x.dtype == np.uint8

    archive.unlink()  # from now on from the folder
    first = photographs(2, 1)[0] if name == "cifar-10-batches-py" else photographs(4, 4)[0]
    assert x[0, 5, 7].tolist() == [first[c * 1024 + 5 * 32 + 7] for c in range(3)]
    monkeypatch.setitem(config._settings, "image_data_format", "channels_first")
    (x_first, _), (_, y_last) = load()
    np.testing.assert_array_equal(x_first, x.transpose(0, 3, 1, 2))
    assert y_last[:, 0].tolist() == y_test


def test_cifar_takes_ones_own_archive_whatever_its_hash(data_folder, tmp_path):
    write_cifar(tmp_path)
    with tarfile.open(data_folder / "cifar-100-python-target_archive", "w") as tar:
        tar.add(tmp_path / "cifar-100-python", "cifar-100-python")
    assert cifar100.load_data()[1][1].tolist() == [[96], [97], [98]]


class Evil:
    def __reduce__(self):
        return os.mkdir, ("broken-in",)


@pytest.mark.parametrize(
    ("batch", "problem"),
    [
        ({"data": photographs(2, 0)}, "b'fine_labels'"),
        ({"data": photographs(2, 0), "fine_labels": [1]}, "b'fine_labels' are not 2 whole numbers"),
        ({"data": photographs(2, 0), "fine_labels": [1, 256]}, "are not 2 whole numbers from 0 to 255"),
        ({"data": photographs(2, 0)[:, 1:], "fine_labels": [1, 2]}, r"b'data' has shape \(2, 3071\)"),
        ({"data": [1], "fine_labels": [1]}, "'list' object has no attribute 'ndim'"),
        ({"data": Evil()}, r"it asks for \w+\.mkdir"),
    ],
)
def test_cifar_damaged(batch, problem, data_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = data_folder / "cifar-100-python-target"
    write_cifar(folder)
    write_batch(folder / "cifar-100-python" / "train", **batch)
    with pytest.raises(ValueError, match=rf"train does not hold CIFAR-100: .*{problem}"):
        cifar100.load_data()
    assert not (tmp_path / "broken-in").exists()


def test_cifar_without_a_file_says_which(data_folder):
    write_cifar(data_folder / "cifar-10-batches-py-target")
    (data_folder / "cifar-10-batches-py-target" / "cifar-10-batches-py" / "data_batch_3").unlink()
    with pytest.raises(FileNotFoundError, match="data_batch_3"):
        cifar10.load_data()
