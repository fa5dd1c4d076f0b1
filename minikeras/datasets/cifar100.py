"""CIFAR-100: 60,000 colour photographs, 32x32 pixels each, of a hundred kinds of things.

The hundred kinds (fine labels) belong to twenty families (coarse labels): maple, oak and palm are
trees. The archive is downloaded once, 169 MB.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009,
https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import os

from minikeras.datasets._cifar import read_batches, unpacked
from minikeras.datasets._splits import Split
from minikeras.errors import check_option

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"
NAME = "cifar-100-python-target"


def load_data(label_mode: str = "fine") -> Split:
    """CIFAR-100 as `(x_train, y_train), (x_test, y_test)`.

    The archive and its contents lie in the folder `datasets/` of $MINIKERAS_HOME, else of
    $KERAS_HOME, else of ~/.keras, as cifar-100-python-target_archive and cifar-100-python-target/.

    Args:
        label_mode: "fine" for the hundred kinds, "coarse" for the twenty families.

    Returns:
        x: uint8 of shape (50000, 32, 32, 3) and (10000, 32, 32, 3), from 0 to 255; the channels
            come first if `config.image_data_format()` says so.
        y: uint8 of shape (50000, 1) and (10000, 1), the kinds 0 to 99 or the families 0 to 19.

    Raises:
        OSError: when the archive is not there and cannot be downloaded, or lacks a file.
        ValueError: when a file there is not one of CIFAR-100's, or the download has the wrong hash.
    """
    check_option("cifar100.load_data", "label_mode", label_mode, ("fine", "coarse"))
    folder = os.path.join(unpacked(NAME, ORIGIN, SHA256), "cifar-100-python")
    labels = f"{label_mode}_labels"
    training, test = ([os.path.join(folder, part)] for part in ("train", "test"))
    return read_batches("CIFAR-100", training, labels), read_batches("CIFAR-100", test, labels)
