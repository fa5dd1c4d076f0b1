"""CIFAR-10: 60,000 colour photographs, 32x32 pixels each, of ten kinds of things.

The labels stand for: 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse,
8 ship, 9 truck. The archive is downloaded once, 170 MB.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009,
https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import os

from minikeras.datasets._cifar import read_batches, unpacked
from minikeras.datasets._splits import Split

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
NAME = "cifar-10-batches-py-target"


def load_data() -> Split:
    """CIFAR-10 as `(x_train, y_train), (x_test, y_test)`.

    The archive and its contents lie in the folder `datasets/` of $MINIKERAS_HOME, else of
    $KERAS_HOME, else of ~/.keras, as cifar-10-batches-py-target_archive and cifar-10-batches-py-target/.

    Returns:
        x: uint8 of shape (50000, 32, 32, 3) and (10000, 32, 32, 3), from 0 to 255; the channels
            come first if `config.image_data_format()` says so.
        y: uint8 of shape (50000, 1) and (10000, 1), the kinds 0 to 9.

    Raises:
        OSError: when the archive is not there and cannot be downloaded, or lacks a file.
        ValueError: when a file there is not one of CIFAR-10's, or the download has the wrong hash.
    """
    folder = os.path.join(unpacked(NAME, ORIGIN, SHA256), "cifar-10-batches-py")
    training = [os.path.join(folder, f"data_batch_{i}") for i in range(1, 6)]
    test = [os.path.join(folder, "test_batch")]
    return read_batches("CIFAR-10", training, "labels"), read_batches("CIFAR-10", test, "labels")
