"""CIFAR-100: 60,000 small colour photographs, 32x32 pixels each, of 100 kinds of things in 20 groups.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import os

from minikeras.datasets._cifar import open_archive, read_batches
from minikeras.datasets._files import Split
from minikeras.errors import check_option

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode: str = "fine") -> Split:
    """CIFAR-100 as `(x_train, y_train), (x_test, y_test)`.

    Args:
        label_mode: "fine" for the 100 classes, "coarse" for the 20 groups.

    Returns:
        x: uint8 of shape (50000, 32, 32, 3) and (10000, 32, 32, 3), from 0 to 255.
        y: uint8 of shape (50000, 1) and (10000, 1).

    Raises:
        OSError: when the archive is not there and cannot be downloaded.
        ValueError: when it holds something else.
    """
    check_option("cifar100.load_data", "label_mode", label_mode, ("fine", "coarse"))
    folder = os.path.join(open_archive("cifar-100-python-target", ORIGIN, SHA256), "cifar-100-python")
    train, test = (os.path.join(folder, part) for part in ("train", "test"))
    return read_batches([train], f"{label_mode}_labels"), read_batches([test], f"{label_mode}_labels")
