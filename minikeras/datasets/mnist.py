"""MNIST: 70,000 handwritten digits, 28x28 pixels each, the "hello world" of neural networks.

The file is downloaded once, 11 MB, and checked; after that no network is needed. Without a
network it can be put into its folder by hand.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits".
License: Creative Commons Attribution-Share Alike 3.0, https://creativecommons.org/licenses/by-sa/3.0/
"""

from __future__ import annotations

import numpy as np

from minikeras.datasets._files import SERVER, fetch, read_npz, reading
from minikeras.datasets._splits import Split

ORIGIN = SERVER + "mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"

SHAPES = {"x_train": (60000, 28, 28), "y_train": (60000,), "x_test": (10000, 28, 28), "y_test": (10000,)}


def load_data(path: str = "mnist.npz") -> Split:
    """MNIST as `(x_train, y_train), (x_test, y_test)`.

    Args:
        path: the file's name in the folder `datasets/` of $MINIKERAS_HOME, else of $KERAS_HOME,
            else of ~/.keras; or an absolute path. A file that is there is used whatever its hash,
            if it holds the arrays that it must.

    Returns:
        x: uint8 of shape (60000, 28, 28) and (10000, 28, 28), from 0 (paper) to 255 (ink).
        y: uint8 of shape (60000,) and (10000,), the digits 0 to 9.

    Raises:
        OSError: when there is no such file and it cannot be downloaded.
        ValueError: when the file there does not hold MNIST, or the download has the wrong hash.
    """
    file = fetch(path, ORIGIN, SHA256)
    with reading(file, "MNIST", f"an .npz archive of the uint8 arrays {SHAPES}"):
        arrays = read_npz(file, tuple(SHAPES))
        for name, shape in SHAPES.items():
            if arrays[name].shape != shape or arrays[name].dtype != np.uint8:
                raise ValueError(f"{name} has shape {arrays[name].shape} and type {arrays[name].dtype}")
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
