"""Fashion-MNIST: 70,000 pictures of clothes, 28x28 pixels each; the same shapes as MNIST, but harder.

The classes are T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag and ankle boot.

Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", 2017. License: MIT.
"""

from __future__ import annotations

import os

import numpy as np

from minikeras.datasets._files import ORIGIN, Split, corrupt, fetch
from minikeras.typing import Array


def load_data() -> Split:
    """Fashion-MNIST as `(x_train, y_train), (x_test, y_test)`.

    Returns:
        x: uint8 of shape (60000, 28, 28) and (10000, 28, 28), from 0 to 255.
        y: uint8 of shape (60000,) and (10000,), the classes 0 to 9.

    Raises:
        OSError: when a file is not in `datasets/fashion-mnist/` and cannot be downloaded.
        ValueError: when a file there holds something else.
    """
    return _read("train"), _read("t10k")


def _read(part: str) -> tuple[Array, Array]:
    y = _read_idx(f"{part}-labels-idx1-ubyte.gz", header=8)
    x = _read_idx(f"{part}-images-idx3-ubyte.gz", header=16)
    if x.size != y.size * 28 * 28:
        raise ValueError(
            f"Fashion-MNIST: {y.size} labels, but {x.size} pixels. Delete the files and try again."
        )
    return x.reshape(-1, 28, 28), y


def _read_idx(name: str, header: int) -> Array:
    """The bytes of an IDX file after its header."""
    import gzip  # the compression libraries take a while to import
    import zlib

    file = fetch(os.path.join("fashion-mnist", name), ORIGIN + name, None)
    try:
        with gzip.open(file, "rb") as stream:
            return np.frombuffer(stream.read(), np.uint8, offset=header).copy()
    except (gzip.BadGzipFile, EOFError, ValueError, zlib.error) as error:
        raise corrupt(file, "Fashion-MNIST", error) from error
