"""Fashion-MNIST: 70,000 pictures of clothes, of MNIST's size and format, and harder to tell apart.

The labels stand for: 0 T-shirt, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt,
7 sneaker, 8 bag, 9 ankle boot. Four files are downloaded once, 31 MB together.

Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking
Machine Learning Algorithms", 2017, https://arxiv.org/abs/1708.07747. License: MIT, Zalando SE.
"""

from __future__ import annotations

import math
import os

import numpy as np

from minikeras.datasets._files import SERVER, fetch, reading
from minikeras.datasets._splits import Split
from minikeras.typing import Array

ORIGIN = SERVER  # the folder of the four files
FOLDER = "fashion-mnist"


def load_data() -> Split:
    """Fashion-MNIST as `(x_train, y_train), (x_test, y_test)`.

    The files lie in the folder `datasets/fashion-mnist/` of $MINIKERAS_HOME, else of $KERAS_HOME,
    else of ~/.keras.

    Returns:
        x: uint8 of shape (60000, 28, 28) and (10000, 28, 28), from 0 to 255.
        y: uint8 of shape (60000,) and (10000,), the kinds 0 to 9.

    Raises:
        OSError: when a file is not there and cannot be downloaded.
        ValueError: when a file there is not one of Fashion-MNIST's.
    """
    return _load("train"), _load("t10k")


def _load(part: str) -> tuple[Array, Array]:
    """The images and the labels of one part, checked against each other."""
    y = _read(f"{part}-labels-idx1-ubyte.gz", ())
    x = _read(f"{part}-images-idx3-ubyte.gz", (28, 28), len(y))
    return x, y


def _read(name: str, item: tuple[int, ...], count: int | None = None) -> Array:
    """An IDX file: two zero bytes, 8 for uint8, the rank; the shape as big-endian int32; the numbers."""
    import gzip  # the compression libraries take a while to import

    file = fetch(os.path.join(FOLDER, name), ORIGIN + name)
    items = f"{count or 'any number of'} items of shape {item}"
    with reading(file, "Fashion-MNIST", f"a gzip file in IDX format with {items}"):
        with gzip.open(file) as stream:
            data = bytearray(stream.read())  # the array below shares this memory, and may be written to
        rank = 1 + len(item)
        start = 4 + 4 * rank
        if data[:4] != bytes([0, 0, 8, rank]) or len(data) < start:
            raise ValueError(f"it begins with {bytes(data[:4])!r}")
        shape = tuple(int(n) for n in np.frombuffer(data, ">i4", rank, offset=4))
        if shape[1:] != item or len(data) != start + math.prod(shape):
            raise ValueError(f"it says that it has shape {shape}, and has {len(data) - start} numbers")
        if count not in (None, shape[0]):
            raise ValueError(f"it has {shape[0]} images for {count} labels")
        return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
