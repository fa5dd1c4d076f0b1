"""CIFAR-10: 60,000 small colour photographs of ten kinds of things, 32x32 pixels each.

The classes are airplane, automobile, bird, cat, deer, dog, frog, horse, ship and truck.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import os

from minikeras.datasets._cifar import open_archive, read_batches
from minikeras.datasets._files import Split

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data() -> Split:
    """CIFAR-10 as `(x_train, y_train), (x_test, y_test)`.

    Returns:
        x: uint8 of shape (50000, 32, 32, 3) and (10000, 32, 32, 3), from 0 to 255 (channels first if
            the configured data format says so).
        y: uint8 of shape (50000, 1) and (10000, 1), the classes 0 to 9.

    Raises:
        OSError: when the archive is not there and cannot be downloaded.
        ValueError: when it holds something else.
    """
    folder = os.path.join(open_archive("cifar-10-batches-py-target", ORIGIN, SHA256), "cifar-10-batches-py")
    training = [os.path.join(folder, f"data_batch_{i}") for i in range(1, 6)]
    return read_batches(training), read_batches([os.path.join(folder, "test_batch")])
