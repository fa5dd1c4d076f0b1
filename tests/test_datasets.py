"""The data sets: digits from the package, MNIST from a folder or a (local) server."""

import hashlib
import os
import time

import numpy as np
import pytest

from minikeras import datasets
from minikeras.datasets import mnist

# Of the arrays in scikit-learn's copy of the same file, as uint8.
DIGITS_SHA256 = (
    "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3",
    "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0",
)


def test_digits_are_the_uci_digits():
    (x_train, y_train), (x_test, y_test) = datasets.digits.load_data()
    assert x_train.shape == (1437, 8, 8) and x_test.shape == (360, 8, 8)
    assert y_train.shape == (1437,) and y_test.shape == (360,)
    x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    assert x.dtype == y.dtype == np.uint8
    assert tuple(hashlib.sha256(a.tobytes()).hexdigest() for a in (x, y)) == DIGITS_SHA256


def test_digits_can_be_told_apart_as_the_docstring_says():
    (x, y), (x_test, y_test) = datasets.digits.load_data()
    x, x_test = x.reshape(-1, 64).astype(float), x_test.reshape(-1, 64).astype(float)
    distances = (x_test**2).sum(1)[:, None] - 2 * x_test @ x.T + (x**2).sum(1)
    assert (y[distances.argmin(1)] == y_test).mean() == pytest.approx(0.956, abs=5e-4)


def test_every_call_gives_arrays_of_its_own():
    (x, _), _ = datasets.digits.load_data()
    x[:] = 0
    assert datasets.digits.load_data()[0][0].max() == 16


def test_digits_are_small_and_quick():
    assert os.path.getsize(datasets.digits.FILE) < 100_000
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        datasets.digits.load_data()
        best = min(best, time.perf_counter() - start)
    assert best < 0.1


# MNIST: the real shapes, but empty images


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    (folder / "datasets").mkdir(parents=True)
    monkeypatch.setenv("MINIKERAS_HOME", str(folder))
    monkeypatch.setenv("no_proxy", "*")
    return folder


def blank(**other):
    arrays = {name: np.zeros(shape, np.uint8) for name, shape in mnist.SHAPES.items()}
    arrays["y_test"][0] = 7
    return {**arrays, **other}


def test_a_file_that_is_there_is_used_whatever_its_hash(home, monkeypatch):
    monkeypatch.setattr(mnist, "ORIGIN", "http://127.0.0.1:9/never")
    np.savez_compressed(home / "datasets" / "mnist.npz", **blank())
    (x_train, y_train), (x_test, y_test) = datasets.mnist.load_data()
    assert x_train.shape == (60000, 28, 28) and y_train.shape == (60000,)
    assert x_test.shape == (10000, 28, 28) and y_test.shape == (10000,)
    assert x_train.dtype == y_test.dtype == np.uint8 and y_test[0] == 7
    os.rename(home / "datasets" / "mnist.npz", home / "mine.npz")
    assert datasets.mnist.load_data(str(home / "mine.npz"))[1][1][0] == 7


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({"x_train": np.zeros((60000, 784), np.uint8)}, r"x_train has shape \(60000, 784\)"),
        ({"y_test": np.zeros(10000, np.int64)}, "y_test has shape .* type int64"),
        ({"y_train": np.array([None])}, "[Oo]bject arrays"),
    ],
)
def test_a_file_with_other_arrays_is_named(home, other, problem):
    np.savez_compressed(home / "datasets" / "mnist.npz", **blank(**other))
    with pytest.raises(ValueError, match=f"mnist.npz does not hold MNIST: {problem}"):
        datasets.mnist.load_data()


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 not really a zip"])
def test_a_file_that_is_no_archive_is_named(home, content):
    (home / "datasets" / "mnist.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"no \.npz archive(.|\n)*delete the file"):
        datasets.mnist.load_data()


def test_a_damaged_archive_is_named(home):
    path = home / "datasets" / "mnist.npz"
    np.savez_compressed(path, **blank())
    data = bytearray(path.read_bytes())
    data[200:260] = b"?" * 60
    path.write_bytes(data)
    with pytest.raises(ValueError, match="does not hold MNIST"):
        datasets.mnist.load_data()
    np.savez_compressed(path, x_train=blank()["x_train"])
    with pytest.raises(ValueError, match="y_train is not a file in the archive"):
        datasets.mnist.load_data()


def test_mnist_is_downloaded_once_and_checked(home, tmp_path, monkeypatch, capsys):
    source = tmp_path / "source.npz"
    np.savez_compressed(source, **blank())
    monkeypatch.setattr(mnist, "ORIGIN", source.as_uri())
    with pytest.raises(ValueError, match="Incomplete or corrupted file"):
        datasets.mnist.load_data()
    assert os.listdir(home / "datasets") == []
    monkeypatch.setattr(mnist, "SHA256", hashlib.sha256(source.read_bytes()).hexdigest())
    assert datasets.mnist.load_data()[1][1][0] == 7
    assert os.listdir(home / "datasets") == ["mnist.npz"]
    assert "Downloading data from file:" in capsys.readouterr().out
    source.unlink()
    datasets.mnist.load_data()
    assert capsys.readouterr().out == ""


def test_without_a_connection_the_error_says_where_to_put_the_file(home, monkeypatch):
    monkeypatch.setattr(mnist, "ORIGIN", "http://127.0.0.1:9/mnist.npz")
    with pytest.raises(OSError, match="URL fetch failure") as caught:
        datasets.mnist.load_data()
    message = str(caught.value)
    assert str(home / "datasets" / "mnist.npz") in message and len(message.splitlines()) <= 3
