"""The files of CIFAR-10 and CIFAR-100: pickles that Python 2 wrote, in a tar archive.

Each pickle is a dict with the images as rows of 3,072 numbers (all red, then all green, then all
blue) and their labels as lists.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from minikeras import config
from minikeras.datasets._files import ArrayUnpickler, reading
from minikeras.typing import Array
from minikeras.utils.files import cache_home, get_file


def unpacked(name: str, origin: str, file_hash: str) -> str:
    """The folder of the unpacked archive; what is there already, the folder or the archive, is used."""
    home = os.path.join(cache_home(), "datasets")
    folder = os.path.join(home, name)
    if os.path.isdir(folder):
        return folder
    own_copy = os.path.exists(os.path.join(home, f"{name}_archive"))
    return get_file(name, origin, extract=True, file_hash=None if own_copy else file_hash)


def read_batches(name: str, files: Sequence[str], labels: str) -> tuple[Array, Array]:
    """The images and labels of several files, one after the other.

    Returns:
        x: uint8 of shape (images, 32, 32, 3), or (images, 3, 32, 32) with channels first.
        y: uint8 of shape (images, 1).
    """
    parts = [_read_batch(name, file, labels) for file in files]
    x = np.concatenate([x for x, _ in parts]).reshape(-1, 3, 32, 32)
    y = np.concatenate([y for _, y in parts])[:, None]
    if config.image_data_format() == "channels_last":
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    return x, y


def _read_batch(name: str, file: str, labels: str) -> tuple[Array, Array]:
    """The rows and the labels of one file."""
    with reading(file, name, f"a pickled dict with b'data', uint8 (images, 3072), and b{labels!r}, a list"):
        with open(file, "rb") as stream:
            batch = ArrayUnpickler(stream, encoding="bytes").load()
        x, y = batch[b"data"], np.asarray(batch[labels.encode()])
        if x.ndim != 2 or x.shape[1] != 3072 or x.dtype != np.uint8:
            raise ValueError(f"b'data' has shape {x.shape} and type {x.dtype}")
        if (
            y.shape != x.shape[:1]
            or y.dtype.kind not in "iu"
            or y.min(initial=0) < 0
            or y.max(initial=0) > 255
        ):
            raise ValueError(f"b{labels!r} are not {len(x)} whole numbers from 0 to 255")
        return x, y.astype(np.uint8)
